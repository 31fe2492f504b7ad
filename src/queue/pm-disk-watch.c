// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Whether there is room for another message. What it promises: it says no while there is still room
// for everything that was begun and for the outcome of everything that was accepted, and it says
// yes again by itself once there is room.

#include "queue/pm-disk-watch.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "queue/pm-queue-body.h"

#define LOOK_INTERVAL (G_USEC_PER_SEC / 10)
#define MIN_BYTES (4 * 1024 * 1024)
#define MAX_BYTES (256 * 1024 * 1024)
#define MIN_INODES 16
#define MAX_INODES 2000
#define ROW_BYTES 16384 /* what a message takes besides its body, at most, as a rule */

struct _PmDiskWatch
{
  GMutex lock;
  char *folder;
  gint64 looked;  /* when, monotonic */
  guint64 size;   /* of the file system, bytes; 0 where it does not say */
  guint64 inodes; /* of the file system; 0 where it makes them as it goes */
  guint64 free_bytes;
  guint64 free_inodes;
  guint64 inner;          /* bytes that are free within the queue's file */
  guint64 reserved_bytes; /* announced */
  guint64 reserved_files;
};

static void
look (PmDiskWatch *watch)
{
  gint64 now = g_get_monotonic_time ();
  struct statvfs info;

  if (watch->looked != 0 && now < watch->looked + LOOK_INTERVAL)
    return;
  watch->looked = now;
  if (statvfs (watch->folder, &info) != 0)
    {
      watch->free_bytes = 0;
      return;
    }
  watch->size = (guint64) info.f_blocks * info.f_frsize;
  watch->inodes = info.f_files;
  watch->free_bytes = (guint64) info.f_bavail * info.f_frsize;
  watch->free_inodes = info.f_favail;
}

/**
 * pm_disk_watch_new:
 * @folder: a folder of the file system
 */
PmDiskWatch *
pm_disk_watch_new (const char *folder)
{
  PmDiskWatch *watch = g_new0 (PmDiskWatch, 1);

  g_mutex_init (&watch->lock);
  watch->folder = g_strdup (folder);
  return watch;
}

void
pm_disk_watch_free (PmDiskWatch *watch)
{
  if (watch == NULL)
    return;
  g_mutex_clear (&watch->lock);
  g_free (watch->folder);
  g_free (watch);
}

/* A body in the database goes through its log; one in a file does not. */
static guint64
get_cost (guint64 bytes)
{
  return ROW_BYTES + (bytes > PM_QUEUE_BODY_INLINE_MAX ? bytes : 2 * bytes);
}

/* What has to stay free for what was accepted: reports, and where mail has got to. */
static guint64
keep_bytes (const PmDiskWatch *watch)
{
  return CLAMP (watch->size / 20, MIN_BYTES, MAX_BYTES);
}

static guint64
keep_inodes (const PmDiskWatch *watch)
{
  return CLAMP (watch->inodes / 50, MIN_INODES, MAX_INODES);
}

static gboolean
has_room (PmDiskWatch *watch, guint64 bytes, GError **error)
{
  guint64 room = watch->free_bytes + watch->inner;
  guint64 needed = watch->reserved_bytes + keep_bytes (watch) + get_cost (bytes);

  if (watch->size > 0 && room < needed)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                   "%s has %" G_GUINT64_FORMAT " bytes left, and %" G_GUINT64_FORMAT
                   " must stay for what has been accepted: make room there",
                   watch->folder, room, watch->reserved_bytes + keep_bytes (watch));
      return FALSE;
    }
  if (watch->inodes > 0 && watch->free_inodes < watch->reserved_files + keep_inodes (watch) + 1)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                   "The file system of %s has room for %" G_GUINT64_FORMAT
                   " more files only (inodes): remove files there",
                   watch->folder, watch->free_inodes);
      return FALSE;
    }
  return TRUE;
}

/**
 * pm_disk_watch_reserve:
 * @bytes: what a client has announced (SIZE=), or 0
 *
 * Returns: whether there is room for it, which is then kept until pm_disk_watch_release()
 */
gboolean
pm_disk_watch_reserve (PmDiskWatch *watch, guint64 bytes, GError **error)
{
  gboolean ok;

  g_mutex_lock (&watch->lock);
  look (watch);
  ok = has_room (watch, bytes, error);
  if (ok)
    {
      watch->reserved_bytes += get_cost (bytes);
      watch->reserved_files++;
    }
  g_mutex_unlock (&watch->lock);
  return ok;
}

/**
 * pm_disk_watch_release:
 * @bytes: as it was reserved
 */
void
pm_disk_watch_release (PmDiskWatch *watch, guint64 bytes)
{
  g_mutex_lock (&watch->lock);
  watch->reserved_bytes -= MIN (get_cost (bytes), watch->reserved_bytes);
  watch->reserved_files -= MIN (1, watch->reserved_files);
  g_mutex_unlock (&watch->lock);
}

/**
 * pm_disk_watch_get_size:
 *
 * Returns: the size of the file system in bytes
 */
guint64
pm_disk_watch_get_size (PmDiskWatch *watch)
{
  guint64 size;

  g_mutex_lock (&watch->lock);
  look (watch);
  size = watch->size;
  g_mutex_unlock (&watch->lock);
  return size;
}

/**
 * pm_disk_watch_set_inner_room:
 * @bytes: what is free within the queue's file, which does not shrink
 */
void
pm_disk_watch_set_inner_room (PmDiskWatch *watch, guint64 bytes)
{
  g_mutex_lock (&watch->lock);
  watch->inner = bytes;
  g_mutex_unlock (&watch->lock);
}
