// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What is free, less what is promised. Some always stays free: what is already accepted needs room
// for its outcome, and that comes before anything new.

#include "relay/pm-disk-room.h"

#include <sys/statvfs.h>

#define KEPT_BYTES (10 * 1024 * 1024)
#define KEPT_FILES 100
#define LARGEST (G_GUINT64_CONSTANT (1) << 50)
#define COPIES 2 /* the queue writes a message, and delivery may write it again */

struct _PmDiskRoom
{
  char *folder;
  guint64 bytes; /* atomic: promised */
  guint64 files; /* atomic */
};

PmDiskRoom *
pm_disk_room_new (const char *folder)
{
  PmDiskRoom *self = g_new0 (PmDiskRoom, 1);

  self->folder = g_strdup (folder);
  return self;
}

/**
 * pm_disk_room_free:
 * @room: (transfer full) (nullable): the room
 */
void
pm_disk_room_free (PmDiskRoom *self)
{
  if (self == NULL)
    return;
  g_free (self->folder);
  g_free (self);
}

/**
 * pm_disk_room_suffices:
 * @free_files: %G_MAXUINT64 where the file system does not count them
 *
 * Never overflows, whatever a client announces.
 */
gboolean
pm_disk_room_suffices (guint64 free_bytes,
                       guint64 free_files,
                       guint64 taken_bytes,
                       guint64 taken_files,
                       guint64 bytes)
{
  guint64 kept = taken_bytes > G_MAXUINT64 / 4 ? G_MAXUINT64 : KEPT_BYTES + COPIES * taken_bytes;

  if (free_bytes < kept || (free_bytes - kept) / COPIES < bytes)
    return FALSE;
  return free_files >= KEPT_FILES && free_files - KEPT_FILES >= COPIES * taken_files;
}

static gboolean
take (PmDiskRoom *self, guint64 bytes, guint64 files)
{
  guint64 taken_bytes;
  guint64 taken_files;
  struct statvfs fs;

  if (bytes > LARGEST)
    return FALSE;
  taken_bytes = __atomic_add_fetch (&self->bytes, bytes, __ATOMIC_RELAXED) - bytes;
  taken_files = __atomic_add_fetch (&self->files, files, __ATOMIC_RELAXED) - files;
  // What cannot be asked is not known to be full; writing will tell.
  if (statvfs (self->folder, &fs) != 0 ||
      pm_disk_room_suffices ((guint64) fs.f_bavail * fs.f_frsize,
                             fs.f_files == 0 ? G_MAXUINT64 : fs.f_favail, taken_bytes,
                             taken_files, bytes))
    return TRUE;
  __atomic_sub_fetch (&self->bytes, bytes, __ATOMIC_RELAXED);
  __atomic_sub_fetch (&self->files, files, __ATOMIC_RELAXED);
  return FALSE;
}

/**
 * pm_disk_room_take:
 * @bytes: what the message has announced; 0 when it has not
 *
 * Returns: whether there is room for one more message. It is set aside then, until
 *   pm_disk_room_give_back()
 */
gboolean
pm_disk_room_take (PmDiskRoom *self, guint64 bytes)
{
  return take (self, bytes, 1);
}

/**
 * pm_disk_room_more:
 *
 * Returns: whether there are so many bytes more for a message that has taken room already
 */
gboolean
pm_disk_room_more (PmDiskRoom *self, guint64 bytes)
{
  return take (self, bytes, 0);
}

/**
 * pm_disk_room_give_back:
 * @bytes: all that the message has taken
 */
void
pm_disk_room_give_back (PmDiskRoom *self, guint64 bytes)
{
  __atomic_sub_fetch (&self->bytes, bytes, __ATOMIC_RELAXED);
  __atomic_sub_fetch (&self->files, 1, __ATOMIC_RELAXED);
}
