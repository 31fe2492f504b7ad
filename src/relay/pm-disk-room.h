// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmDiskRoom:
 *
 * Room on the queue's file system, promised to the messages that are coming in: each has what it
 * announced set aside, so that many together cannot be promised the same bytes. Any thread.
 */
typedef struct _PmDiskRoom PmDiskRoom;

PmDiskRoom *pm_disk_room_new (const char *folder);
void pm_disk_room_free (PmDiskRoom *room);
gboolean pm_disk_room_take (PmDiskRoom *room, guint64 bytes) G_GNUC_WARN_UNUSED_RESULT;
gboolean pm_disk_room_more (PmDiskRoom *room, guint64 bytes) G_GNUC_WARN_UNUSED_RESULT;
void pm_disk_room_give_back (PmDiskRoom *room, guint64 bytes);

/* Whether so much is free for one message, where the others have @taken bytes and files. */
gboolean pm_disk_room_suffices (guint64 free_bytes,
                                guint64 free_files,
                                guint64 taken_bytes,
                                guint64 taken_files,
                                guint64 bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmDiskRoom, pm_disk_room_free)

G_END_DECLS
