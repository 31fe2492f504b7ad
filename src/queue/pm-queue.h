// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-clock.h"
#include "queue/pm-disk-watch.h"
#include "queue/pm-queue-filter.h"
#include "queue/pm-queue-message.h"
#include "queue/pm-scheduler.h"

G_BEGIN_DECLS

/**
 * PmQueue:
 *
 * The durable queue: `queue.db` (SQLite) in a folder, with large bodies in files beside it. What
 * changes it goes to its one writer thread, which commits everything that waits in one transaction;
 * an operation's callback runs after that commit has reached stable storage, in the caller's
 * thread-default main context. When a commit or a sync fails, all that waited in it fails, the
 * database is closed, opened and checked, and only then goes on. Methods may be called from any
 * thread; those that read block on the disk for a moment, but for a message that was just accepted,
 * which is read from memory.
 */
#define PM_TYPE_QUEUE (pm_queue_get_type ())
G_DECLARE_FINAL_TYPE (PmQueue, pm_queue, PM, QUEUE, GObject)

PmQueue *pm_queue_new (const char *folder, PmClock *clock, GError **error);
void pm_queue_close (PmQueue *queue);
void pm_queue_check (PmQueue *queue);
PmDiskWatch *pm_queue_get_disk_watch (PmQueue *queue);
const char *pm_queue_get_body_folder (PmQueue *queue);
guint64 pm_queue_new_id (PmQueue *queue);

void pm_queue_enqueue_async (PmQueue *queue,
                             PmQueueMessage *message,
                             GAsyncReadyCallback callback,
                             gpointer data);
gboolean pm_queue_enqueue_finish (PmQueue *queue, GAsyncResult *result, GError **error);

void pm_queue_update_async (PmQueue *queue,
                            PmQueueUpdate *update,
                            GAsyncReadyCallback callback,
                            gpointer data);
gboolean pm_queue_update_finish (PmQueue *queue,
                                 GAsyncResult *result,
                                 gint64 *next_try,
                                 GError **error);

/* How many messages a change has changed so far. */
typedef void (*PmQueueProgressFunc) (guint count, gpointer data);

void pm_queue_change_async (PmQueue *queue,
                            const PmQueueChange *change,
                            const guint64 *messages,
                            guint n_messages,
                            GCancellable *cancellable,
                            PmQueueProgressFunc progress,
                            gpointer progress_data,
                            GAsyncReadyCallback callback,
                            gpointer data);
void pm_queue_change_all_async (PmQueue *queue,
                                const PmQueueChange *change,
                                const PmQueueFilter *filter,
                                GCancellable *cancellable,
                                PmQueueProgressFunc progress,
                                gpointer progress_data,
                                GAsyncReadyCallback callback,
                                gpointer data);
void pm_queue_delete_async (PmQueue *queue,
                            const guint64 *messages,
                            guint n_messages,
                            GAsyncReadyCallback callback,
                            gpointer data);
void pm_queue_retry_async (PmQueue *queue,
                           const guint64 *messages,
                           guint n_messages,
                           GAsyncReadyCallback callback,
                           gpointer data);
gboolean pm_queue_change_finish (PmQueue *queue,
                                 GAsyncResult *result,
                                 guint *count,
                                 GError **error);

PmQueueMessage *pm_queue_load (PmQueue *queue, guint64 id, GError **error);
GBytes *pm_queue_open_body (PmQueue *queue, guint64 id, GError **error);
gboolean pm_queue_count (PmQueue *queue, int agent, guint64 *count, GError **error);
gboolean pm_queue_count_states (PmQueue *queue,
                                guint64 counts[PM_QUEUE_N_STATES],
                                GError **error);
GPtrArray *pm_queue_summarize (PmQueue *queue, guint limit, GError **error);
GArray *pm_queue_select (PmQueue *queue,
                         const PmQueueFilter *filter,
                         guint64 after,
                         guint limit,
                         guint64 *next,
                         GError **error);
GPtrArray *pm_queue_load_each (PmQueue *queue, GArray *ids, GError **error);
GPtrArray *pm_queue_list (PmQueue *queue, int agent, guint64 after, guint limit, GError **error);
GArray *pm_queue_list_ids (PmQueue *queue, guint64 after, guint limit, GError **error);
PmDue pm_queue_due_of (PmQueue *queue, guint64 id, gint64 time);
GArray *pm_queue_due (PmQueue *queue, const PmDue *after, guint limit, GError **error);

/**
 * PmQueueDurability:
 * @commits: transactions since it was opened
 * @syncs: syncs of the queue in this process: commits, bodies in files, writing back the log
 * @commit_time: microseconds that the last commit took, its sync included
 * @largest_batch: most operations in one commit
 * @file_system: the type of the file system that it lies on
 * @options: how that is mounted
 *
 * What "accepted" rests on.
 */
typedef struct
{
  guint64 commits;
  guint64 syncs;
  guint64 commit_time;
  guint64 largest_batch;
  char *file_system;
  char *options;
} PmQueueDurability;

void pm_queue_get_durability (PmQueue *queue, PmQueueDurability *durability);
void pm_queue_durability_clear (PmQueueDurability *durability);

GInputStream *pm_queue_export (PmQueue *queue, guint64 id, GError **error);

guint64 pm_queue_get_commits (PmQueue *queue);
guint64 pm_queue_get_size (PmQueue *queue);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmQueueDurability, pm_queue_durability_clear)

G_END_DECLS
