// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-queue-message.h"
#include "queue/pm-scheduler.h"

G_BEGIN_DECLS

/*
 * One SQLite connection to the queue's file, with its statements. Internal to src/queue: the queue
 * has one that writes, in its writer thread, and readers. One thread at a time each.
 */
typedef struct _PmQueueStore PmQueueStore;

PmQueueStore *pm_queue_store_open (const char *path, gboolean writer, GError **error);
void pm_queue_store_close (PmQueueStore *store);
gboolean pm_queue_store_check (PmQueueStore *store, GError **error);

gboolean pm_queue_store_begin (PmQueueStore *store, GError **error);
gboolean pm_queue_store_commit (PmQueueStore *store, GError **error);
void pm_queue_store_rollback (PmQueueStore *store);
int pm_queue_store_get_growth (const PmQueueStore *store);

gboolean pm_queue_store_insert (PmQueueStore *store,
                                const PmQueueMessage *message,
                                GError **error);
gboolean pm_queue_store_update (PmQueueStore *store,
                                const PmQueueUpdate *update,
                                gint64 *next_try,
                                GPtrArray *gone_files,
                                GError **error);
gboolean pm_queue_store_delete (PmQueueStore *store,
                                guint64 message,
                                GPtrArray *gone_files,
                                gboolean *existed,
                                GError **error);
gboolean pm_queue_store_retry (PmQueueStore *store,
                               guint64 message,
                               gint64 now,
                               gboolean *existed,
                               GError **error);

gboolean pm_queue_store_last_id (PmQueueStore *store, guint64 *id, GError **error);
gboolean pm_queue_store_count (PmQueueStore *store,
                               int agent,
                               guint64 *count,
                               GError **error);
PmQueueMessage *pm_queue_store_load (PmQueueStore *store, guint64 id, GError **error);
GBytes *pm_queue_store_read_body (PmQueueStore *store,
                                  guint64 id,
                                  char **file_name,
                                  GError **error);
GArray *pm_queue_store_list (PmQueueStore *store,
                             int agent,
                             guint64 after,
                             guint limit,
                             GError **error);
GArray *pm_queue_store_due (PmQueueStore *store,
                            gint64 after,
                            guint64 after_id,
                            guint limit,
                            GError **error);
GHashTable *pm_queue_store_body_files (PmQueueStore *store, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmQueueStore, pm_queue_store_close)

G_END_DECLS
