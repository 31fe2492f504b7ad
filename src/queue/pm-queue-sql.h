// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

#include "queue/pm-queue-store.h"

G_BEGIN_DECLS

/* Internal to the files of the store: how statements are kept, bound, run and read. */

typedef enum
{
  PM_QUEUE_SQL_BEGIN,
  PM_QUEUE_SQL_COMMIT,
  PM_QUEUE_SQL_ROLLBACK,
  PM_QUEUE_SQL_INSERT_MESSAGE,
  PM_QUEUE_SQL_INSERT_BODY,
  PM_QUEUE_SQL_INSERT_RECIPIENT,
  PM_QUEUE_SQL_DEFER_RECIPIENT,
  PM_QUEUE_SQL_DELETE_RECIPIENT,
  PM_QUEUE_SQL_SUM_RECIPIENTS,
  PM_QUEUE_SQL_SETTLE,
  PM_QUEUE_SQL_SET_NOTIFIED,
  PM_QUEUE_SQL_STATE,
  PM_QUEUE_SQL_DELETE_MESSAGE,
  PM_QUEUE_SQL_DELETE_BODY,
  PM_QUEUE_SQL_DELETE_RECIPIENTS,
  PM_QUEUE_SQL_RETRY_RECIPIENTS,
  PM_QUEUE_SQL_REDIRECT,
  PM_QUEUE_SQL_SET_PRIORITY,
  PM_QUEUE_SQL_ADD_COUNT,
  PM_QUEUE_SQL_LAST_ID,
  PM_QUEUE_SQL_COUNTS,
  PM_QUEUE_SQL_LOAD_MESSAGE,
  PM_QUEUE_SQL_LOAD_RECIPIENTS,
  PM_QUEUE_SQL_LOAD_BODY,
  PM_QUEUE_SQL_LOAD_BARE_BODY,
  PM_QUEUE_SQL_FREE_BYTES,
  PM_QUEUE_SQL_DUE,
  PM_QUEUE_SQL_HAS_BODY_FILE,
  PM_QUEUE_N_STATEMENTS,
} PmQueueSql;

struct _PmQueueStore
{
  sqlite3 *db;
  sqlite3_stmt *prepared[PM_QUEUE_N_STATEMENTS];
  gint64 delta[PM_QUEUE_N_STATES][PM_QUEUE_N_AGENT_SETS]; /* of the transaction */
  guint log_pages;                                        /* of the log, as last committed */
};

sqlite3_stmt *pm_queue_sql_prepare (PmQueueStore *store, const char *sql, GError **error);
sqlite3_stmt *pm_queue_sql_bind (PmQueueStore *store,
                                 PmQueueSql which,
                                 GError **error,
                                 const char *format,
                                 ...);
void pm_queue_sql_finish (sqlite3_stmt *statement);
gboolean pm_queue_sql_run (PmQueueStore *store, sqlite3_stmt *statement, GError **error);
int pm_queue_sql_next_row (PmQueueStore *store, sqlite3_stmt *statement, GError **error);
gboolean pm_queue_sql_fail (PmQueueStore *store, const char *doing, GError **error);
char *pm_queue_sql_dup_text (sqlite3_stmt *statement, int column);

G_END_DECLS
