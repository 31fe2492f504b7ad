// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmDiskWatch:
 *
 * How much room the queue's disk has, in bytes and in inodes, less what open transactions have
 * announced and less what the outcome of accepted mail needs. Any thread.
 *
 * Whoever begins to take in a message reserves its announced size, and releases the same when the
 * message is committed or has come to nothing.
 */
typedef struct _PmDiskWatch PmDiskWatch;

PmDiskWatch *pm_disk_watch_new (const char *folder);
void pm_disk_watch_free (PmDiskWatch *watch);
gboolean pm_disk_watch_reserve (PmDiskWatch *watch, guint64 bytes, GError **error);
void pm_disk_watch_release (PmDiskWatch *watch, guint64 bytes);
guint64 pm_disk_watch_get_size (PmDiskWatch *watch);
void pm_disk_watch_set_inner_room (PmDiskWatch *watch, guint64 bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmDiskWatch, pm_disk_watch_free)

G_END_DECLS
