// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The shape of the queue's file. Its version is its user_version: a new file gets the shape at
// once, one of an earlier version is changed in one transaction, so that a crash leaves it either
// old or new, and one of a later version is refused, never guessed at.

#include "queue/pm-queue-schema.h"

#include "base/pm-error.h"

/*
 * Recipients have no rowid: theirs is the message's number and a count within it, so that those of
 * one message lie together and no second index leads there. recipients_destination answers what
 * waits for whom since when without touching a row: a message's number is its time of arrival.
 */
#define RECIPIENTS                             \
  "CREATE TABLE recipients ("                  \
  " message INTEGER NOT NULL,"                 \
  " id INTEGER NOT NULL,"                      \
  " address TEXT NOT NULL,"                    \
  " original TEXT NOT NULL,"                   \
  " agent INTEGER NOT NULL,"                   \
  " destination TEXT NOT NULL,"                \
  " attempts INTEGER NOT NULL,"                \
  " next_try INTEGER NOT NULL,"                \
  " reply TEXT NOT NULL,"                      \
  " notify INTEGER NOT NULL DEFAULT 0,"        \
  " orcpt TEXT NOT NULL DEFAULT '',"           \
  " redirect TEXT NOT NULL DEFAULT '',"        \
  " PRIMARY KEY (message, id)) WITHOUT ROWID;" \
  "CREATE INDEX recipients_destination ON recipients (destination, message, id, agent);"

/* How many messages there are, by state and by who takes them further: kept with every commit. */
#define COUNTS                \
  "CREATE TABLE counts ("     \
  " state INTEGER NOT NULL,"  \
  " agents INTEGER NOT NULL," \
  " n INTEGER NOT NULL,"      \
  " PRIMARY KEY (state, agents)) WITHOUT ROWID;"

/* Few messages have a file or are held: these indices cost the others nothing. */
#define FEW                                                                              \
  "CREATE INDEX messages_body_file ON messages (body_file) WHERE body_file IS NOT NULL;" \
  "CREATE INDEX messages_held ON messages (id) WHERE held = 1;"

static const char create[] =
    "CREATE TABLE messages ("
    " id INTEGER PRIMARY KEY,"
    " sender TEXT NOT NULL,"
    " client TEXT NOT NULL,"
    " eight_bit INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " received INTEGER NOT NULL,"
    " notified INTEGER NOT NULL,"
    " next_try INTEGER NOT NULL,"
    " body_file TEXT,"
    " utf8 INTEGER NOT NULL DEFAULT 0,"
    " require_tls INTEGER NOT NULL DEFAULT 0,"
    " tls_optional INTEGER NOT NULL DEFAULT 0,"
    " priority INTEGER NOT NULL DEFAULT 0,"
    " ret INTEGER NOT NULL DEFAULT 0,"
    " envid TEXT NOT NULL DEFAULT '',"
    " held INTEGER NOT NULL DEFAULT 0,"
    " user TEXT NOT NULL DEFAULT '',"
    " deferred INTEGER NOT NULL DEFAULT 0,"
    " agents INTEGER NOT NULL DEFAULT 0,"
    " waiting INTEGER NOT NULL DEFAULT 0,"
    " lane INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX messages_next_try ON messages (next_try, id);"
    "CREATE TABLE bodies ("
    " message INTEGER PRIMARY KEY,"
    " bytes BLOB NOT NULL);" FEW RECIPIENTS COUNTS;

static const char from_1[] =
    "ALTER TABLE messages ADD COLUMN utf8 INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN require_tls INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN tls_optional INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN ret INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN envid TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE messages ADD COLUMN held INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN user TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE messages ADD COLUMN deferred INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN agents INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;" FEW
    "DROP INDEX recipients_message;"
    "ALTER TABLE recipients RENAME TO recipients_1;" RECIPIENTS COUNTS
    "INSERT INTO recipients SELECT message, id, address, original, agent, destination, attempts,"
    " next_try, reply, 0, '', '' FROM recipients_1;"
    "DROP TABLE recipients_1;";

/* What a message's row says of its recipients, from the recipients; then the counts. */
static const char recount[] =
    "UPDATE messages SET (waiting, agents, deferred) = (SELECT count (*),"
    " coalesce (max (agent = 0), 0) + 2 * coalesce (max (agent <> 0), 0),"
    " coalesce (max (attempts > 0), 0) FROM recipients WHERE message = messages.id);"
    "DELETE FROM counts;"
    "INSERT INTO counts SELECT CASE WHEN held THEN 2 WHEN deferred THEN 1 ELSE 0 END AS state,"
    " agents, count (*) FROM messages GROUP BY state, agents;";

static gboolean
execute (sqlite3 *db, const char *sql, GError **error)
{
  if (sqlite3_exec (db, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "Could not set up the queue: %s",
               sqlite3_errmsg (db));
  return FALSE;
}

static int
read_version (sqlite3 *db)
{
  sqlite3_stmt *statement = NULL;
  int version = -1;

  if (sqlite3_prepare_v2 (db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
      sqlite3_step (statement) == SQLITE_ROW)
    version = sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  return version;
}

/**
 * pm_queue_schema_recount:
 *
 * Makes what is kept for speed from what it is kept of, within the caller's transaction. Reads
 * everything.
 */
gboolean
pm_queue_schema_recount (sqlite3 *db, GError **error)
{
  return execute (db, recount, error);
}

static gboolean
change (sqlite3 *db, const char *sql, gboolean count_again, GError **error)
{
  g_autofree char *version = g_strdup_printf ("PRAGMA user_version = %d; COMMIT;",
                                              PM_QUEUE_SCHEMA_VERSION);

  if (execute (db, "BEGIN IMMEDIATE", error) && execute (db, sql, error) &&
      (!count_again || pm_queue_schema_recount (db, error)) && execute (db, version, error))
    return TRUE;
  sqlite3_exec (db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

/**
 * pm_queue_schema_set_up:
 *
 * Brings the file to this version's shape.
 *
 * Returns: %FALSE when it cannot be read, or a later version wrote it
 */
gboolean
pm_queue_schema_set_up (sqlite3 *db, GError **error)
{
  int version = read_version (db);

  switch (version)
    {
    case 0:
      return change (db, create, FALSE, error);
    case 1:
      return change (db, from_1, TRUE, error);
    case PM_QUEUE_SCHEMA_VERSION:
      return TRUE;
    default:
      break;
    }
  if (version < 0)
    g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "Could not read the queue: %s",
                 sqlite3_errmsg (db));
  else
    g_set_error (error, PM_ERROR, PM_ERROR_FAILED,
                 "The queue has format %d, and this version reads formats up to %d; start the "
                 "version that wrote it, or move the queue away",
                 version, PM_QUEUE_SCHEMA_VERSION);
  return FALSE;
}
