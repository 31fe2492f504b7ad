// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Room for the outcome of what is already accepted: blocks that the file system has handed out, so
// that nobody else can take them, until the queue needs them.

#include "queue/pm-disk-reserve.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

void
pm_disk_reserve_init (PmDiskReserve *reserve, const char *path, guint64 size)
{
  reserve->path = g_strdup (path);
  reserve->size = size;
  reserve->held = FALSE;
}

void
pm_disk_reserve_clear (PmDiskReserve *reserve)
{
  g_clear_pointer (&reserve->path, g_free);
}

/**
 * pm_disk_reserve_take:
 *
 * Returns: whether it has its room; %FALSE when the disk has not
 */
gboolean
pm_disk_reserve_take (PmDiskReserve *reserve)
{
  int fd;

  if (reserve->held)
    return TRUE;
  fd = g_open (reserve->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return FALSE;
  reserve->held = posix_fallocate (fd, 0, (off_t) reserve->size) == 0;
  close (fd);
  if (!reserve->held)
    pm_disk_reserve_give_up (reserve);
  return reserve->held;
}

/* The file stays: its inode is part of the room. */
void
pm_disk_reserve_give_up (PmDiskReserve *reserve)
{
  reserve->held = FALSE;
  if (truncate (reserve->path, 0) != 0)
    g_debug ("Could not give up %s", reserve->path);
}
