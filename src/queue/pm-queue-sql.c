// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The queue's connection to SQLite: WAL mode with synchronous=FULL, so that a commit that has
// returned is on stable storage. A statement is prepared once per connection. An error says what
// kind it is (PmQueueTrouble), because a full disk, a failing one and a damaged file each ask for
// something else.

#include "queue/pm-queue-sql.h"

#include <stdarg.h>

#include "base/pm-error.h"
#include "queue/pm-queue-schema.h"
#include "queue/pm-queue-syncs.h"

#define BUSY_TIMEOUT 10000 /* milliseconds */

static const char *const statements[PM_QUEUE_N_STATEMENTS] = {
  [PM_QUEUE_SQL_BEGIN] = "BEGIN IMMEDIATE",
  [PM_QUEUE_SQL_COMMIT] = "COMMIT",
  [PM_QUEUE_SQL_ROLLBACK] = "ROLLBACK",
  [PM_QUEUE_SQL_INSERT_MESSAGE] =
      "INSERT INTO messages (id, sender, client, eight_bit, size, received, notified, next_try,"
      " body_file, utf8, require_tls, tls_optional, priority, ret, envid, held, user, deferred,"
      " agents, waiting, lane)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  [PM_QUEUE_SQL_INSERT_BODY] = "INSERT INTO bodies VALUES (?, ?)",
  [PM_QUEUE_SQL_INSERT_RECIPIENT] =
      "INSERT INTO recipients (message, id, address, original, agent, destination, attempts,"
      " next_try, reply, notify, orcpt, redirect) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  [PM_QUEUE_SQL_DEFER_RECIPIENT] =
      "UPDATE recipients SET agent = ?, destination = ?, attempts = attempts + 1, next_try = ?,"
      " reply = ? WHERE message = ? AND id = ?",
  [PM_QUEUE_SQL_DELETE_RECIPIENT] = "DELETE FROM recipients WHERE message = ? AND id = ?",
  [PM_QUEUE_SQL_SUM_RECIPIENTS] =
      "SELECT agent, destination, next_try, redirect FROM recipients WHERE message = ?"
      " ORDER BY id",
  [PM_QUEUE_SQL_SETTLE] =
      "UPDATE messages SET next_try = ?2, held = ?3, deferred = ?4, agents = ?5, waiting = ?6,"
      " lane = ?7 WHERE id = ?1",
  [PM_QUEUE_SQL_SET_NOTIFIED] = "UPDATE messages SET notified = 1 WHERE id = ?",
  [PM_QUEUE_SQL_STATE] =
      "SELECT body_file, held, deferred, agents, waiting FROM messages WHERE id = ?",
  [PM_QUEUE_SQL_DELETE_MESSAGE] = "DELETE FROM messages WHERE id = ?",
  [PM_QUEUE_SQL_DELETE_BODY] = "DELETE FROM bodies WHERE message = ?",
  [PM_QUEUE_SQL_DELETE_RECIPIENTS] = "DELETE FROM recipients WHERE message = ?",
  [PM_QUEUE_SQL_RETRY_RECIPIENTS] =
      "UPDATE recipients SET next_try = ?2 WHERE message = ?1 AND next_try > ?2",
  [PM_QUEUE_SQL_REDIRECT] =
      "UPDATE recipients SET redirect = ?2, next_try = min (next_try, ?3) WHERE message = ?1",
  [PM_QUEUE_SQL_SET_PRIORITY] = "UPDATE messages SET priority = ?2 WHERE id = ?1",
  [PM_QUEUE_SQL_ADD_COUNT] =
      "INSERT INTO counts VALUES (?1, ?2, ?3)"
      " ON CONFLICT (state, agents) DO UPDATE SET n = n + ?3",
  [PM_QUEUE_SQL_LAST_ID] = "SELECT coalesce (max (id), 0) FROM messages",
  [PM_QUEUE_SQL_COUNTS] = "SELECT state, agents, n FROM counts",
  [PM_QUEUE_SQL_LOAD_MESSAGE] =
      "SELECT sender, client, eight_bit, size, received, notified, utf8, require_tls,"
      " tls_optional, priority, ret, envid, held, user FROM messages WHERE id = ?",
  [PM_QUEUE_SQL_LOAD_RECIPIENTS] =
      "SELECT id, address, original, agent, destination, attempts, next_try, reply, notify, orcpt,"
      " redirect FROM recipients WHERE message = ? ORDER BY id",
  [PM_QUEUE_SQL_LOAD_BODY] =
      "SELECT body_file, bytes FROM messages LEFT JOIN bodies ON message = messages.id"
      " WHERE messages.id = ?",
  [PM_QUEUE_SQL_LOAD_BARE_BODY] = "SELECT bytes FROM bodies WHERE message = ?",
  [PM_QUEUE_SQL_FREE_BYTES] =
      "SELECT freelist_count * page_size FROM pragma_freelist_count (), pragma_page_size ()",
  [PM_QUEUE_SQL_DUE] =
      "SELECT next_try, id, priority, lane FROM messages"
      " WHERE (next_try, id) > (?1, ?2) AND next_try < 9223372036854775806"
      " ORDER BY next_try, id LIMIT ?3",
  [PM_QUEUE_SQL_HAS_BODY_FILE] = "SELECT 1 FROM messages WHERE body_file = ?",
};

G_DEFINE_QUARK (pm - queue - trouble - quark, pm_queue_trouble)

static PmQueueTrouble
classify (int code)
{
  switch (code & 0xff)
    {
    case SQLITE_FULL:
      return PM_QUEUE_TROUBLE_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return PM_QUEUE_TROUBLE_DAMAGED;
    default:
      return PM_QUEUE_TROUBLE_IO;
    }
}

/* Sets @error after a failed call of SQLite. Always %FALSE. */
gboolean
pm_queue_sql_fail (PmQueueStore *store, const char *doing, GError **error)
{
  g_set_error (error, PM_QUEUE_TROUBLE, classify (sqlite3_extended_errcode (store->db)),
               "Could not %s the queue: %s", doing, sqlite3_errmsg (store->db));
  return FALSE;
}

static gboolean
execute (PmQueueStore *store, const char *sql, GError **error)
{
  if (sqlite3_exec (store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
    return pm_queue_sql_fail (store, "set up", error);
  return TRUE;
}

/*
 * What is deleted is not overwritten with zeros first: that would write every body twice. The
 * write-ahead log is copied into the file by the keeper, not in the middle of a commit.
 */
static gboolean
set_up_writer (PmQueueStore *store, GError **error)
{
  return execute (store,
                  "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;"
                  "PRAGMA synchronous = FULL; PRAGMA secure_delete = OFF;"
                  "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384;",
                  error) &&
         pm_queue_schema_set_up (store->db, error);
}

static int
logged_cb (void *data, sqlite3 *db, const char *name, int pages)
{
  ((PmQueueStore *) data)->log_pages = (guint) pages;
  return SQLITE_OK;
}

/**
 * pm_queue_store_open:
 * @path: the database's file; made when missing, by the writer
 * @writer: whether this connection changes it
 *
 * Returns: (transfer full) (nullable): the connection
 */
PmQueueStore *
pm_queue_store_open (const char *path, gboolean writer, GError **error)
{
  g_autoptr (PmQueueStore) store = g_new0 (PmQueueStore, 1);
  int flags = SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                            : SQLITE_OPEN_READONLY);

  if (sqlite3_open_v2 (path, &store->db, flags, NULL) != SQLITE_OK)
    {
      pm_queue_sql_fail (store, "open", error);
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  sqlite3_busy_timeout (store->db, BUSY_TIMEOUT);
  if (writer && !set_up_writer (store, error))
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  if (writer)
    {
      pm_queue_syncs_watch (store->db);
      sqlite3_wal_hook (store->db, logged_cb, store);
    }
  return g_steal_pointer (&store);
}

/**
 * pm_queue_store_close:
 * @store: (nullable)
 */
void
pm_queue_store_close (PmQueueStore *store)
{
  if (store == NULL)
    return;
  for (int i = 0; i < PM_QUEUE_N_STATEMENTS; i++)
    sqlite3_finalize (store->prepared[i]);
  sqlite3_close (store->db);
  g_free (store);
}

/* Prepares a statement that is used once: the caller finalizes it. */
sqlite3_stmt *
pm_queue_sql_prepare (PmQueueStore *store, const char *sql, GError **error)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (store->db, sql, -1, &statement, NULL) == SQLITE_OK)
    return statement;
  pm_queue_sql_fail (store, "read", error);
  return NULL;
}

static sqlite3_stmt *
take_statement (PmQueueStore *store, PmQueueSql which, GError **error)
{
  if (store->prepared[which] == NULL &&
      sqlite3_prepare_v3 (store->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT,
                          &store->prepared[which], NULL) != SQLITE_OK)
    pm_queue_sql_fail (store, "read", error);
  return store->prepared[which];
}

/* Binds by format: i gint64, s text (nullable), b GByteArray. NULL when that failed. */
sqlite3_stmt *
pm_queue_sql_bind (PmQueueStore *store,
                   PmQueueSql which,
                   GError **error,
                   const char *format,
                   ...)
{
  sqlite3_stmt *statement = take_statement (store, which, error);
  va_list args;
  int result = SQLITE_OK;

  if (statement == NULL)
    return NULL;
  va_start (args, format);
  for (int i = 0; format[i] != '\0' && result == SQLITE_OK; i++)
    {
      if (format[i] == 'i')
        result = sqlite3_bind_int64 (statement, i + 1, va_arg (args, gint64));
      else if (format[i] == 's')
        result = sqlite3_bind_text (statement, i + 1, va_arg (args, const char *), -1,
                                    SQLITE_STATIC);
      else
        {
          GByteArray *bytes = va_arg (args, GByteArray *);

          if (bytes->len == 0)
            result = sqlite3_bind_zeroblob (statement, i + 1, 0);
          else
            result = sqlite3_bind_blob64 (statement, i + 1, bytes->data, bytes->len,
                                          SQLITE_STATIC);
        }
    }
  va_end (args);

  if (result == SQLITE_OK)
    return statement;
  pm_queue_sql_fail (store, "write", error);
  return NULL;
}

/* What was bound is the caller's and may be gone by then: the next use binds all of it anew. */
void
pm_queue_sql_finish (sqlite3_stmt *statement)
{
  sqlite3_reset (statement);
}

/* Runs a statement without rows. Takes NULL for one that could not be bound. */
gboolean
pm_queue_sql_run (PmQueueStore *store, sqlite3_stmt *statement, GError **error)
{
  gboolean ok;

  if (statement == NULL)
    return FALSE;
  ok = sqlite3_step (statement) == SQLITE_DONE;
  if (!ok)
    pm_queue_sql_fail (store, "write", error);
  pm_queue_sql_finish (statement);
  return ok;
}

/* Steps to the next row: 1 a row, 0 the end, -1 an error. The last two finish the statement. */
int
pm_queue_sql_next_row (PmQueueStore *store, sqlite3_stmt *statement, GError **error)
{
  int result;

  if (statement == NULL)
    return -1;
  result = sqlite3_step (statement);
  if (result == SQLITE_ROW)
    return 1;
  if (result != SQLITE_DONE)
    pm_queue_sql_fail (store, "read", error);
  pm_queue_sql_finish (statement);
  return result == SQLITE_DONE ? 0 : -1;
}

/* A damaged row may have NULL where the schema forbids it. */
char *
pm_queue_sql_dup_text (sqlite3_stmt *statement, int column)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);

  return g_strdup (text != NULL ? text : "");
}

/* What the transaction changed in the counts goes with it. */
static gboolean
write_counts (PmQueueStore *store, GError **error)
{
  for (int state = 0; state < PM_QUEUE_N_STATES; state++)
    for (int agents = 0; agents < PM_QUEUE_N_AGENT_SETS; agents++)
      if (store->delta[state][agents] != 0 &&
          !pm_queue_sql_run (store,
                             pm_queue_sql_bind (store, PM_QUEUE_SQL_ADD_COUNT, error, "iii",
                                                (gint64) state, (gint64) agents,
                                                store->delta[state][agents]),
                             error))
        return FALSE;
  return TRUE;
}

gboolean
pm_queue_store_begin (PmQueueStore *store, GError **error)
{
  memset (store->delta, 0, sizeof store->delta);
  return pm_queue_sql_run (store, pm_queue_sql_bind (store, PM_QUEUE_SQL_BEGIN, error, ""), error);
}

gboolean
pm_queue_store_commit (PmQueueStore *store, GError **error)
{
  return write_counts (store, error) &&
         pm_queue_sql_run (store, pm_queue_sql_bind (store, PM_QUEUE_SQL_COMMIT, error, ""),
                           error);
}

/* Does nothing where SQLite has already rolled back by itself. */
void
pm_queue_store_rollback (PmQueueStore *store)
{
  memset (store->delta, 0, sizeof store->delta);
  if (!sqlite3_get_autocommit (store->db))
    pm_queue_sql_run (store, pm_queue_sql_bind (store, PM_QUEUE_SQL_ROLLBACK, NULL, ""), NULL);
}
