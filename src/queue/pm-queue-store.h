// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-queue-filter.h"
#include "queue/pm-queue-message.h"
#include "queue/pm-scheduler.h"

G_BEGIN_DECLS

/*
 * One SQLite connection to the queue's file, with its statements. Internal to src/queue: the queue
 * has one that writes, in its writer thread, and readers. One thread at a time each.
 */
typedef struct _PmQueueStore PmQueueStore;

/* What an error of SQLite means for what is to be done. */
typedef enum
{
  PM_QUEUE_TROUBLE_IO,      /* nobody knows what is on the disk: open again */
  PM_QUEUE_TROUBLE_FULL,    /* no room: what is there is sound */
  PM_QUEUE_TROUBLE_DAMAGED, /* repair */
} PmQueueTrouble;

#define PM_QUEUE_TROUBLE (pm_queue_trouble_quark ())
GQuark pm_queue_trouble_quark (void);

#define PM_QUEUE_PAGE_SIZE 8192

/* How messages are counted: by state, and by the set of agents that they wait for. */
#define PM_QUEUE_N_AGENT_SETS 4
typedef guint64 PmQueueCounts[PM_QUEUE_N_STATES][PM_QUEUE_N_AGENT_SETS];

PmQueueStore *pm_queue_store_open (const char *path, gboolean writer, GError **error);
void pm_queue_store_close (PmQueueStore *store);
gboolean pm_queue_store_check (PmQueueStore *store, GError **error);

gboolean pm_queue_store_begin (PmQueueStore *store, GError **error);
gboolean pm_queue_store_commit (PmQueueStore *store, GError **error);
void pm_queue_store_rollback (PmQueueStore *store);
gint64 pm_queue_store_get_growth (const PmQueueStore *store);
gboolean pm_queue_store_get_free_bytes (PmQueueStore *store, guint64 *bytes);
guint pm_queue_store_get_log_pages (const PmQueueStore *store);
void pm_queue_store_interrupt (PmQueueStore *store);
gboolean pm_queue_store_checkpoint (PmQueueStore *store, guint *left, GError **error);

gboolean pm_queue_store_insert (PmQueueStore *store,
                                const PmQueueMessage *message,
                                GError **error);
gboolean pm_queue_store_insert_with (PmQueueStore *store,
                                     const PmQueueMessage *message,
                                     guint64 size,
                                     const char *file,
                                     GByteArray *bytes,
                                     GError **error);
gboolean pm_queue_store_update (PmQueueStore *store,
                                const PmQueueUpdate *update,
                                gint64 *next_try,
                                GPtrArray *gone_files,
                                gboolean *existed,
                                GError **error);
gboolean pm_queue_store_delete (PmQueueStore *store,
                                guint64 message,
                                GPtrArray *gone_files,
                                gboolean *existed,
                                GError **error);
gboolean pm_queue_store_change (PmQueueStore *store,
                                const PmQueueChange *change,
                                guint64 message,
                                gint64 now,
                                GPtrArray *gone_files,
                                gboolean *existed,
                                GError **error);

gboolean pm_queue_store_last_id (PmQueueStore *store, guint64 *id, GError **error);
gboolean pm_queue_store_get_counts (PmQueueStore *store, PmQueueCounts counts, GError **error);
PmQueueMessage *pm_queue_store_load (PmQueueStore *store, guint64 id, GError **error);
GBytes *pm_queue_store_read_body (PmQueueStore *store,
                                  guint64 id,
                                  char **file_name,
                                  GError **error);
GBytes *pm_queue_store_read_bare_body (PmQueueStore *store, guint64 id);
GArray *pm_queue_store_select (PmQueueStore *store,
                               const PmQueueFilter *filter,
                               PmQueueRange *range,
                               guint limit,
                               gint64 patience,
                               GError **error);
GPtrArray *pm_queue_store_summarize (PmQueueStore *store,
                                     gint64 now,
                                     guint limit,
                                     GError **error);
GArray *pm_queue_store_due (PmQueueStore *store,
                            gint64 after,
                            guint64 after_id,
                            guint limit,
                            GError **error);
gboolean pm_queue_store_has_body_file (PmQueueStore *store,
                                       const char *name,
                                       gboolean *has,
                                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmQueueStore, pm_queue_store_close)

G_END_DECLS
