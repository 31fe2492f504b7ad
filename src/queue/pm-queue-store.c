// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The queue's file: SQLite in WAL mode with synchronous=FULL, so that a commit that has returned is
// on stable storage. Everything SQL stands here. The file's version is its user_version; a file
// from a later version is refused, never guessed at.

#include "queue/pm-queue-store.h"

#include <sqlite3.h>
#include <stdarg.h>

#include "base/pm-error.h"

#define SCHEMA_VERSION 1
#define BUSY_TIMEOUT 10000 /* milliseconds */

static const char schema[] =
    "CREATE TABLE messages ("
    " id INTEGER PRIMARY KEY,"
    " sender TEXT NOT NULL,"
    " client TEXT NOT NULL,"
    " eight_bit INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " received INTEGER NOT NULL,"
    " notified INTEGER NOT NULL,"
    " next_try INTEGER NOT NULL,"
    " body_file TEXT);"
    "CREATE INDEX messages_next_try ON messages (next_try, id);"
    "CREATE TABLE bodies ("
    " message INTEGER PRIMARY KEY,"
    " bytes BLOB NOT NULL);"
    "CREATE TABLE recipients ("
    " id INTEGER PRIMARY KEY,"
    " message INTEGER NOT NULL,"
    " address TEXT NOT NULL,"
    " original TEXT NOT NULL,"
    " agent INTEGER NOT NULL,"
    " destination TEXT NOT NULL,"
    " attempts INTEGER NOT NULL,"
    " next_try INTEGER NOT NULL,"
    " reply TEXT NOT NULL);"
    "CREATE INDEX recipients_message ON recipients (message);"
    "PRAGMA user_version = 1;";

enum
{
  BEGIN,
  COMMIT,
  ROLLBACK,
  INSERT_MESSAGE,
  INSERT_BODY,
  INSERT_RECIPIENT,
  DEFER_RECIPIENT,
  DELETE_RECIPIENT,
  NEXT_TRY,
  SET_NEXT_TRY,
  SET_NOTIFIED,
  BODY_FILE,
  DELETE_MESSAGE,
  DELETE_BODY,
  DELETE_RECIPIENTS,
  RETRY_RECIPIENTS,
  RETRY_MESSAGE,
  LAST_ID,
  COUNT,
  LOAD_MESSAGE,
  LOAD_RECIPIENTS,
  LOAD_BODY,
  LIST,
  DUE,
  BODY_FILES,
  N_STATEMENTS,
};

#define OF_AGENT \
  "(?1 < 0 OR EXISTS (SELECT 1 FROM recipients WHERE message = messages.id AND agent = ?1))"

static const char *const statements[N_STATEMENTS] = {
  [BEGIN] = "BEGIN IMMEDIATE",
  [COMMIT] = "COMMIT",
  [ROLLBACK] = "ROLLBACK",
  [INSERT_MESSAGE] = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  [INSERT_BODY] = "INSERT INTO bodies VALUES (?, ?)",
  [INSERT_RECIPIENT] = "INSERT INTO recipients (message, address, original, agent, destination,"
                       " attempts, next_try, reply) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  [DEFER_RECIPIENT] = "UPDATE recipients SET agent = ?, destination = ?, attempts = attempts + 1,"
                      " next_try = ?, reply = ? WHERE id = ? AND message = ?",
  [DELETE_RECIPIENT] = "DELETE FROM recipients WHERE id = ? AND message = ?",
  [NEXT_TRY] = "SELECT min(next_try) FROM recipients WHERE message = ?",
  [SET_NEXT_TRY] = "UPDATE messages SET next_try = ? WHERE id = ?",
  [SET_NOTIFIED] = "UPDATE messages SET notified = 1 WHERE id = ?",
  [BODY_FILE] = "SELECT body_file FROM messages WHERE id = ?",
  [DELETE_MESSAGE] = "DELETE FROM messages WHERE id = ?",
  [DELETE_BODY] = "DELETE FROM bodies WHERE message = ?",
  [DELETE_RECIPIENTS] = "DELETE FROM recipients WHERE message = ?",
  [RETRY_RECIPIENTS] = "UPDATE recipients SET next_try = ?2 WHERE message = ?1 AND next_try > ?2",
  [RETRY_MESSAGE] = "UPDATE messages SET next_try = min (next_try, ?2) WHERE id = ?1",
  [LAST_ID] = "SELECT coalesce (max (id), 0) FROM messages",
  [COUNT] = "SELECT count (*) FROM messages WHERE " OF_AGENT,
  [LOAD_MESSAGE] = "SELECT sender, client, eight_bit, size, received, notified FROM messages"
                   " WHERE id = ?",
  [LOAD_RECIPIENTS] = "SELECT id, address, original, agent, destination, attempts, next_try, reply"
                      " FROM recipients WHERE message = ? ORDER BY id",
  [LOAD_BODY] = "SELECT body_file, bytes FROM messages LEFT JOIN bodies ON message = messages.id"
                " WHERE messages.id = ?",
  [LIST] = "SELECT id FROM messages WHERE id > ?2 AND " OF_AGENT " ORDER BY id LIMIT ?3",
  [DUE] = "SELECT next_try, id FROM messages WHERE (next_try, id) > (?1, ?2)"
          " ORDER BY next_try, id LIMIT ?3",
  [BODY_FILES] = "SELECT body_file FROM messages WHERE body_file IS NOT NULL",
};

struct _PmQueueStore
{
  sqlite3 *db;
  sqlite3_stmt *prepared[N_STATEMENTS];
  int growth; /* messages, since the transaction began */
};

static gboolean
fail (PmQueueStore *store, const char *doing, GError **error)
{
  g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "Could not %s the queue: %s", doing,
               sqlite3_errmsg (store->db));
  return FALSE;
}

static gboolean
execute (PmQueueStore *store, const char *sql, GError **error)
{
  if (sqlite3_exec (store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
    return fail (store, "set up", error);
  return TRUE;
}

static int
read_version (PmQueueStore *store)
{
  sqlite3_stmt *statement = NULL;
  int version = -1;

  if (sqlite3_prepare_v2 (store->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
      sqlite3_step (statement) == SQLITE_ROW)
    version = sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  return version;
}

static gboolean
set_up_writer (PmQueueStore *store, GError **error)
{
  int version;

  if (!execute (store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", error))
    return FALSE;

  version = read_version (store);
  if (version == 0)
    {
      g_autofree char *sql = g_strdup_printf ("BEGIN IMMEDIATE; %s COMMIT;", schema);

      return execute (store, sql, error);
    }
  if (version < 0)
    return fail (store, "read", error);
  if (version != SCHEMA_VERSION)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_FAILED,
                   "The queue has format %d, and this version reads format %d; start the version "
                   "that wrote it, or move the queue away",
                   version, SCHEMA_VERSION);
      return FALSE;
    }
  return TRUE;
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
      fail (store, "open", error);
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  sqlite3_busy_timeout (store->db, BUSY_TIMEOUT);
  if (writer && !set_up_writer (store, error))
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
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
  for (int i = 0; i < N_STATEMENTS; i++)
    sqlite3_finalize (store->prepared[i]);
  sqlite3_close (store->db);
  g_free (store);
}

/**
 * pm_queue_store_check:
 *
 * Returns: whether the file is sound, by SQLite's own quick check
 */
gboolean
pm_queue_store_check (PmQueueStore *store, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean ok = FALSE;

  if (sqlite3_prepare_v2 (store->db, "PRAGMA quick_check (1)", -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_step (statement) != SQLITE_ROW)
    fail (store, "check", error);
  else if (g_strcmp0 ((const char *) sqlite3_column_text (statement, 0), "ok") != 0)
    g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "The queue is damaged: %s",
                 (const char *) sqlite3_column_text (statement, 0));
  else
    ok = TRUE;
  sqlite3_finalize (statement);
  return ok;
}

/* Binds by format: i gint64, s text (nullable), b GByteArray. NULL when that failed. */
static sqlite3_stmt *
bind (PmQueueStore *store, int which, GError **error, const char *format, ...)
{
  sqlite3_stmt *statement = store->prepared[which];
  va_list args;
  int result = SQLITE_OK;

  if (statement == NULL)
    {
      if (sqlite3_prepare_v3 (store->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT,
                              &statement, NULL) != SQLITE_OK)
        {
          fail (store, "read", error);
          return NULL;
        }
      store->prepared[which] = statement;
    }

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
  fail (store, "write", error);
  return NULL;
}

static void
finish (sqlite3_stmt *statement)
{
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
}

/* Runs a statement without rows. Takes NULL for one that could not be bound. */
static gboolean
run (PmQueueStore *store, sqlite3_stmt *statement, GError **error)
{
  gboolean ok;

  if (statement == NULL)
    return FALSE;
  ok = sqlite3_step (statement) == SQLITE_DONE;
  if (!ok)
    fail (store, "write", error);
  finish (statement);
  return ok;
}

/* Steps to the next row: 1 a row, 0 the end, -1 an error. The last two finish the statement. */
static int
next_row (PmQueueStore *store, sqlite3_stmt *statement, GError **error)
{
  int result;

  if (statement == NULL)
    return -1;
  result = sqlite3_step (statement);
  if (result == SQLITE_ROW)
    return 1;
  if (result != SQLITE_DONE)
    fail (store, "read", error);
  finish (statement);
  return result == SQLITE_DONE ? 0 : -1;
}

static char *
dup_text (sqlite3_stmt *statement, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (statement, column));
}

gboolean
pm_queue_store_begin (PmQueueStore *store, GError **error)
{
  store->growth = 0;
  return run (store, bind (store, BEGIN, error, ""), error);
}

gboolean
pm_queue_store_commit (PmQueueStore *store, GError **error)
{
  return run (store, bind (store, COMMIT, error, ""), error);
}

/* Does nothing where SQLite has already rolled back by itself. */
void
pm_queue_store_rollback (PmQueueStore *store)
{
  if (!sqlite3_get_autocommit (store->db))
    run (store, bind (store, ROLLBACK, NULL, ""), NULL);
}

/**
 * pm_queue_store_get_growth:
 *
 * Returns: how many messages the last transaction brought in, less those that it removed
 */
int
pm_queue_store_get_growth (const PmQueueStore *store)
{
  return store->growth;
}

static gboolean
insert_recipient (PmQueueStore *store,
                  guint64 message,
                  const PmQueueRecipient *recipient,
                  GError **error)
{
  return run (store,
              bind (store, INSERT_RECIPIENT, error, "issisiis", (gint64) message,
                    recipient->address, recipient->original, (gint64) recipient->agent,
                    recipient->destination, (gint64) recipient->attempts, recipient->next_try,
                    recipient->reply),
              error);
}

/**
 * pm_queue_store_insert:
 * @message: with its body; a body in a file must have been synced, and its name as well
 */
gboolean
pm_queue_store_insert (PmQueueStore *store, const PmQueueMessage *message, GError **error)
{
  const char *file = pm_queue_body_get_file_name (message->body);

  if (!run (store,
            bind (store, INSERT_MESSAGE, error, "issiiiiis", (gint64) message->id,
                  message->sender, message->client, (gint64) message->eight_bit,
                  (gint64) pm_queue_body_get_size (message->body), message->received,
                  (gint64) message->notified, pm_queue_message_next_try (message), file),
            error))
    return FALSE;
  if (file == NULL &&
      !run (store,
            bind (store, INSERT_BODY, error, "ib", (gint64) message->id,
                  pm_queue_body_peek (message->body)),
            error))
    return FALSE;

  for (guint i = 0; i < message->recipients->len; i++)
    if (!insert_recipient (store, message->id, g_ptr_array_index (message->recipients, i), error))
      return FALSE;
  store->growth++;
  return TRUE;
}

/**
 * pm_queue_store_delete:
 * @gone_files: (element-type utf8): gets the name of the body's file, to remove after the commit
 * @existed: (out): whether there was such a message
 */
gboolean
pm_queue_store_delete (PmQueueStore *store,
                       guint64 message,
                       GPtrArray *gone_files,
                       gboolean *existed,
                       GError **error)
{
  sqlite3_stmt *statement = bind (store, BODY_FILE, error, "i", (gint64) message);
  int row = next_row (store, statement, error);

  *existed = row > 0;
  if (row <= 0)
    return row == 0;
  if (sqlite3_column_type (statement, 0) != SQLITE_NULL)
    g_ptr_array_add (gone_files, dup_text (statement, 0));
  finish (statement);

  store->growth--;
  return run (store, bind (store, DELETE_MESSAGE, error, "i", (gint64) message), error) &&
         run (store, bind (store, DELETE_BODY, error, "i", (gint64) message), error) &&
         run (store, bind (store, DELETE_RECIPIENTS, error, "i", (gint64) message), error);
}

static gboolean
record_outcome (PmQueueStore *store,
                guint64 message,
                const PmQueueOutcome *outcome,
                GError **error)
{
  if (outcome->kind == PM_OUTCOME_DONE)
    return run (store,
                bind (store, DELETE_RECIPIENT, error, "ii", outcome->recipient, (gint64) message),
                error);
  return run (store,
              bind (store, DEFER_RECIPIENT, error, "isisii", (gint64) outcome->agent,
                    outcome->destination, outcome->next_try, outcome->reply, outcome->recipient,
                    (gint64) message),
              error);
}

static gboolean
settle_message (PmQueueStore *store,
                guint64 message,
                gint64 *next_try,
                GPtrArray *gone_files,
                GError **error)
{
  sqlite3_stmt *statement = bind (store, NEXT_TRY, error, "i", (gint64) message);
  gboolean existed;

  if (next_row (store, statement, error) != 1)
    return FALSE;
  *next_try = sqlite3_column_type (statement, 0) == SQLITE_NULL
                  ? G_MAXINT64
                  : sqlite3_column_int64 (statement, 0);
  finish (statement);

  if (*next_try == G_MAXINT64)
    return pm_queue_store_delete (store, message, gone_files, &existed, error);
  return run (store, bind (store, SET_NEXT_TRY, error, "ii", *next_try, (gint64) message), error);
}

/**
 * pm_queue_store_update:
 * @next_try: (out): when the message is due next; %G_MAXINT64 when nothing waits and it is gone
 * @gone_files: (element-type utf8): gets the names of files to remove after the commit
 *
 * Of a message that was removed meanwhile nothing is recorded, and nobody gets a report on it: who
 * removed it has decided about that.
 */
gboolean
pm_queue_store_update (PmQueueStore *store,
                       const PmQueueUpdate *update,
                       gint64 *next_try,
                       GPtrArray *gone_files,
                       GError **error)
{
  sqlite3_stmt *statement = bind (store, BODY_FILE, error, "i", (gint64) update->message);
  int row = next_row (store, statement, error);

  *next_try = G_MAXINT64;
  if (row <= 0)
    return row == 0;
  finish (statement);

  for (guint i = 0; i < update->outcomes->len; i++)
    if (!record_outcome (store, update->message, g_ptr_array_index (update->outcomes, i), error))
      return FALSE;
  for (guint i = 0; i < update->follow_ups->len; i++)
    if (!pm_queue_store_insert (store, g_ptr_array_index (update->follow_ups, i), error))
      return FALSE;
  if (update->notified &&
      !run (store, bind (store, SET_NOTIFIED, error, "i", (gint64) update->message), error))
    return FALSE;
  return settle_message (store, update->message, next_try, gone_files, error);
}

/**
 * pm_queue_store_retry:
 *
 * Makes every recipient of @message due at @now, where it was due later.
 */
gboolean
pm_queue_store_retry (PmQueueStore *store,
                      guint64 message,
                      gint64 now,
                      gboolean *existed,
                      GError **error)
{
  if (!run (store, bind (store, RETRY_RECIPIENTS, error, "ii", (gint64) message, now), error) ||
      !run (store, bind (store, RETRY_MESSAGE, error, "ii", (gint64) message, now), error))
    return FALSE;
  *existed = sqlite3_changes (store->db) > 0;
  return TRUE;
}

static gboolean
read_number (PmQueueStore *store, sqlite3_stmt *statement, guint64 *number, GError **error)
{
  if (next_row (store, statement, error) != 1)
    return FALSE;
  *number = (guint64) sqlite3_column_int64 (statement, 0);
  finish (statement);
  return TRUE;
}

gboolean
pm_queue_store_last_id (PmQueueStore *store, guint64 *id, GError **error)
{
  return read_number (store, bind (store, LAST_ID, error, ""), id, error);
}

/**
 * pm_queue_store_count:
 * @agent: a #PmQueueAgent, or -1 for all
 */
gboolean
pm_queue_store_count (PmQueueStore *store, int agent, guint64 *count, GError **error)
{
  return read_number (store, bind (store, COUNT, error, "i", (gint64) agent), count, error);
}

static gboolean
load_recipients (PmQueueStore *store, PmQueueMessage *message, GError **error)
{
  sqlite3_stmt *row = bind (store, LOAD_RECIPIENTS, error, "i", (gint64) message->id);
  int result;

  while ((result = next_row (store, row, error)) > 0)
    {
      PmQueueRecipient *recipient = g_new0 (PmQueueRecipient, 1);

      recipient->id = sqlite3_column_int64 (row, 0);
      recipient->address = dup_text (row, 1);
      recipient->original = dup_text (row, 2);
      recipient->agent = (PmQueueAgent) sqlite3_column_int (row, 3);
      recipient->destination = dup_text (row, 4);
      recipient->attempts = (guint) sqlite3_column_int (row, 5);
      recipient->next_try = sqlite3_column_int64 (row, 6);
      recipient->reply = dup_text (row, 7);
      g_ptr_array_add (message->recipients, recipient);
    }
  return result == 0;
}

/**
 * pm_queue_store_load:
 *
 * Returns: (transfer full) (nullable): the message without its body; %PM_ERROR_NOT_FOUND when it is
 *   not in the queue (any more)
 */
PmQueueMessage *
pm_queue_store_load (PmQueueStore *store, guint64 id, GError **error)
{
  sqlite3_stmt *row = bind (store, LOAD_MESSAGE, error, "i", (gint64) id);
  g_autoptr (PmQueueMessage) message = NULL;
  int result = next_row (store, row, error);

  if (result == 0)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                 "There is no message %" G_GUINT64_FORMAT " in the queue", id);
  if (result <= 0)
    return NULL;

  message = pm_queue_message_new (id, (const char *) sqlite3_column_text (row, 0));
  g_free (message->client);
  message->client = dup_text (row, 1);
  message->eight_bit = sqlite3_column_int (row, 2) != 0;
  message->size = (guint64) sqlite3_column_int64 (row, 3);
  message->received = sqlite3_column_int64 (row, 4);
  message->notified = sqlite3_column_int (row, 5) != 0;
  finish (row);

  if (!load_recipients (store, message, error))
    return NULL;
  return g_steal_pointer (&message);
}

/**
 * pm_queue_store_read_body:
 * @file_name: (out): the name of its file, where it has one; nothing is returned then
 *
 * Returns: (transfer full) (nullable): the body, where it stands in the database
 */
GBytes *
pm_queue_store_read_body (PmQueueStore *store, guint64 id, char **file_name, GError **error)
{
  sqlite3_stmt *row = bind (store, LOAD_BODY, error, "i", (gint64) id);
  GBytes *bytes = NULL;
  int result = next_row (store, row, error);

  if (result == 0)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                 "There is no message %" G_GUINT64_FORMAT " in the queue", id);
  if (result <= 0)
    return NULL;

  if (sqlite3_column_type (row, 0) != SQLITE_NULL)
    *file_name = dup_text (row, 0);
  else
    {
      const void *blob = sqlite3_column_blob (row, 1);

      bytes = g_bytes_new (blob, (gsize) sqlite3_column_bytes (row, 1));
    }
  finish (row);
  return bytes;
}

/**
 * pm_queue_store_list:
 * @agent: a #PmQueueAgent, or -1 for all
 *
 * Returns: (transfer full) (element-type guint64) (nullable): ids, oldest first
 */
GArray *
pm_queue_store_list (PmQueueStore *store, int agent, guint64 after, guint limit, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  sqlite3_stmt *row = bind (store, LIST, error, "iii", (gint64) agent, (gint64) after,
                            (gint64) limit);
  int result;

  while ((result = next_row (store, row, error)) > 0)
    {
      guint64 id = (guint64) sqlite3_column_int64 (row, 0);

      g_array_append_val (ids, id);
    }
  return result == 0 ? g_steal_pointer (&ids) : NULL;
}

/**
 * pm_queue_store_due:
 * @after: only what is due after this time …
 * @after_id: … or at it, with a larger id
 *
 * Returns: (transfer full) (element-type PmDue) (nullable): what is due first, in that order
 */
GArray *
pm_queue_store_due (PmQueueStore *store,
                    gint64 after,
                    guint64 after_id,
                    guint limit,
                    GError **error)
{
  g_autoptr (GArray) due = g_array_new (FALSE, FALSE, sizeof (PmDue));
  sqlite3_stmt *row = bind (store, DUE, error, "iii", after, (gint64) after_id, (gint64) limit);
  int result;

  while ((result = next_row (store, row, error)) > 0)
    {
      PmDue item = { sqlite3_column_int64 (row, 0), (guint64) sqlite3_column_int64 (row, 1) };

      g_array_append_val (due, item);
    }
  return result == 0 ? g_steal_pointer (&due) : NULL;
}

/**
 * pm_queue_store_body_files:
 *
 * Returns: (transfer full) (element-type utf8) (nullable): the set of file names referred to
 */
GHashTable *
pm_queue_store_body_files (PmQueueStore *store, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  sqlite3_stmt *row = bind (store, BODY_FILES, error, "");
  int result;

  while ((result = next_row (store, row, error)) > 0)
    g_hash_table_add (names, dup_text (row, 0));
  return result == 0 ? g_steal_pointer (&names) : NULL;
}
