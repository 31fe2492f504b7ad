// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Bodies up to this size stand in the database, larger ones in files beside it. */
#define PM_QUEUE_BODY_INLINE_MAX (64 * 1024)

/**
 * PmQueueBody:
 *
 * A message's bytes while they come in: in memory up to %PM_QUEUE_BODY_INLINE_MAX, then in a file
 * of the queue's folder. Freed without being queued, it leaves nothing behind. One thread at a
 * time.
 */
typedef struct _PmQueueBody PmQueueBody;

PmQueueBody *pm_queue_body_new (const char *folder);
PmQueueBody *pm_queue_body_new_from_bytes (const char *folder,
                                           gconstpointer bytes,
                                           gsize size,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_queue_body_free (PmQueueBody *body);
gboolean pm_queue_body_append (PmQueueBody *body,
                               gconstpointer bytes,
                               gsize size,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
guint64 pm_queue_body_get_size (const PmQueueBody *body);

/* For the queue's writer: the bytes in memory, or the file's name, synced; and letting it stay. */
GByteArray *pm_queue_body_peek (PmQueueBody *body);
const char *pm_queue_body_get_file_name (const PmQueueBody *body);
int pm_queue_body_get_fd (const PmQueueBody *body);
void pm_queue_body_keep (PmQueueBody *body);
GBytes *pm_queue_body_take (PmQueueBody *body);
gboolean pm_queue_body_is_of_this_run (const char *file_name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmQueueBody, pm_queue_body_free)

G_END_DECLS
