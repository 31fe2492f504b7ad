// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The file of message tracking: one table whose row ids are its times, made unique, so that every
// index is in the order of time by itself and a page of any search is read from one place on. Sync
// is NORMAL: a crash of the machine may lose the last seconds, and never damages the file.

#include "queue/pm-tracking-store.h"

#include <sqlite3.h>
#include <string.h>

#include "base/pm-error.h"

#define SCHEMA_VERSION 1
#define BUSY_TIMEOUT 10000              /* milliseconds */
#define MAX_SEARCH (G_TIME_SPAN_SECOND) /* a search that takes longer is told to be narrower */
#define SEARCH_STEPS 20000              /* of SQLite's machine, between looks at the clock */

/* What most events are: an index of them would tell nothing. */
#define RARE "event NOT IN ('accepted', 'delivered', 'relayed')"

static const char schema[] =
    "CREATE TABLE events ("
    " id INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " event TEXT NOT NULL,"
    " message INTEGER,"
    " sender TEXT COLLATE NOCASE,"
    " sender_domain TEXT COLLATE NOCASE,"
    " recipient TEXT COLLATE NOCASE,"
    " recipient_domain TEXT COLLATE NOCASE,"
    " original TEXT COLLATE NOCASE,"
    " relay TEXT,"
    " reply TEXT,"
    " client TEXT,"
    " user TEXT,"
    " tls TEXT,"
    " what TEXT,"
    " delay INTEGER,"
    " size INTEGER,"
    " recipients INTEGER,"
    " other INTEGER);"
    "CREATE INDEX events_message ON events (message) WHERE message IS NOT NULL;"
    "CREATE INDEX events_sender ON events (sender) WHERE sender IS NOT NULL;"
    "CREATE INDEX events_sender_domain ON events (sender_domain) WHERE sender_domain IS NOT NULL;"
    "CREATE INDEX events_recipient ON events (recipient) WHERE recipient IS NOT NULL;"
    "CREATE INDEX events_recipient_domain ON events (recipient_domain)"
    " WHERE recipient_domain IS NOT NULL;"
    "CREATE INDEX events_original ON events (original) WHERE original IS NOT NULL;"
    "CREATE INDEX events_rare ON events (event) WHERE " RARE ";"
    "PRAGMA user_version = 1;";

static const char insert[] = "INSERT INTO events VALUES"
                             " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

#define COLUMNS                                                                                   \
  "id, time, event, message, sender, recipient, original, relay, reply, client, user, tls, what," \
  " delay, size, recipients, other"

struct _PmTrackingStore
{
  sqlite3 *db;
  sqlite3_stmt *insert;
  gint64 last_id;
  gint64 deadline; /* of a search, monotonic */
};

static gboolean
set_error (PmTrackingStore *self, GError **error)
{
  int code = self->db != NULL ? sqlite3_errcode (self->db) & 0xff : SQLITE_NOMEM;
  gboolean damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

  if (damaged)
    g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "tracking.db is damaged: %s",
                 sqlite3_errmsg (self->db));
  else if (code == SQLITE_INTERRUPT)
    g_set_error (error, PM_ERROR, PM_ERROR_TOO_LARGE,
                 "The search took too long: narrow it, as by a shorter time");
  else
    g_set_error (error, G_IO_ERROR, code == SQLITE_FULL ? G_IO_ERROR_NO_SPACE : G_IO_ERROR_FAILED,
                 "tracking.db: %s", self->db != NULL ? sqlite3_errmsg (self->db) : "no memory");
  return FALSE;
}

static gboolean
run (PmTrackingStore *self, const char *sql, GError **error)
{
  return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK || set_error (self, error);
}

static gboolean
read_number (PmTrackingStore *self, const char *sql, gint64 *number, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean ok;

  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) != SQLITE_OK)
    return set_error (self, error);
  ok = sqlite3_step (statement) == SQLITE_ROW;
  if (ok)
    *number = sqlite3_column_int64 (statement, 0);
  else
    set_error (self, error);
  sqlite3_finalize (statement);
  return ok;
}

static gboolean
prepare_file (PmTrackingStore *self, GError **error)
{
  gint64 version = 0;

  if (!run (self, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", error) ||
      !run (self, "PRAGMA cache_size = -24576; PRAGMA wal_autocheckpoint = 4000;", error) ||
      !read_number (self, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version == 0)
    {
      g_autofree char *sql = g_strconcat ("BEGIN;", schema, "COMMIT;", NULL);

      if (!run (self, sql, error))
        return FALSE;
    }
  else if (version != SCHEMA_VERSION)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   "tracking.db has version %" G_GINT64_FORMAT " and not %d", version,
                   SCHEMA_VERSION);
      return FALSE;
    }
  if (!read_number (self, "SELECT coalesce (max (id), 0) FROM events", &self->last_id, error))
    return FALSE;
  return sqlite3_prepare_v3 (self->db, insert, -1, SQLITE_PREPARE_PERSISTENT, &self->insert,
                             NULL) == SQLITE_OK ||
         set_error (self, error);
}

PmTrackingStore *
pm_tracking_store_open (const char *path, GError **error)
{
  g_autoptr (PmTrackingStore) self = g_new0 (PmTrackingStore, 1);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

  if (sqlite3_open_v2 (path, &self->db, flags, NULL) != SQLITE_OK)
    {
      set_error (self, error);
      return NULL;
    }
  sqlite3_extended_result_codes (self->db, 1);
  sqlite3_busy_timeout (self->db, BUSY_TIMEOUT);
  return prepare_file (self, error) ? g_steal_pointer (&self) : NULL;
}

void
pm_tracking_store_close (PmTrackingStore *self)
{
  if (self == NULL)
    return;
  sqlite3_finalize (self->insert);
  sqlite3_close (self->db);
  g_free (self);
}

static void
bind_text (sqlite3_stmt *statement, int column, const char *text)
{
  if (text != NULL)
    sqlite3_bind_text (statement, column, text, -1, SQLITE_STATIC);
}

static void
bind_number (sqlite3_stmt *statement, int column, gint64 number, gint64 unknown)
{
  if (number != unknown)
    sqlite3_bind_int64 (statement, column, number);
}

static const char *
get_domain (const char *address)
{
  const char *at = address != NULL ? strrchr (address, '@') : NULL;

  return at != NULL ? at + 1 : NULL;
}

static gboolean
insert_event (PmTrackingStore *self, const PmTrackingEvent *event, GError **error)
{
  sqlite3_stmt *statement = self->insert;
  gint64 id = MAX (event->time, self->last_id + 1);
  const char *original =
      g_strcmp0 (event->original, event->recipient) != 0 ? event->original : NULL;
  int n = 1;

  sqlite3_clear_bindings (statement);
  sqlite3_bind_int64 (statement, n++, id);
  sqlite3_bind_int64 (statement, n++, event->time);
  bind_text (statement, n++, event->event);
  bind_number (statement, n++, (gint64) event->message, 0);
  bind_text (statement, n++, event->sender);
  bind_text (statement, n++, get_domain (event->sender));
  bind_text (statement, n++, event->recipient);
  bind_text (statement, n++, get_domain (event->recipient));
  bind_text (statement, n++, original);
  bind_text (statement, n++, event->relay);
  bind_text (statement, n++, event->reply);
  bind_text (statement, n++, event->client);
  bind_text (statement, n++, event->user);
  bind_text (statement, n++, event->tls);
  bind_text (statement, n++, event->what);
  bind_number (statement, n++, event->delay, -1);
  bind_number (statement, n++, (gint64) event->size, 0);
  bind_number (statement, n++, event->recipients, 0);
  bind_number (statement, n++, (gint64) event->other, 0);
  if (sqlite3_step (statement) != SQLITE_DONE)
    {
      set_error (self, error);
      sqlite3_reset (statement);
      return FALSE;
    }
  sqlite3_reset (statement);
  self->last_id = id;
  return TRUE;
}

/**
 * pm_tracking_store_add:
 * @events: (element-type PmTrackingEvent): in the order they happened
 *
 * Returns: whether all of them were added, in one transaction; else none was
 */
gboolean
pm_tracking_store_add (PmTrackingStore *self, GPtrArray *events, GError **error)
{
  gboolean ok;

  if (!run (self, "BEGIN IMMEDIATE", error))
    return FALSE;
  ok = TRUE;
  for (guint i = 0; ok && i < events->len; i++)
    ok = insert_event (self, g_ptr_array_index (events, i), error);
  if (ok && run (self, "COMMIT", error))
    return TRUE;
  sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

/**
 * pm_tracking_store_prune:
 * @before: events from before this time go, at most @limit of them
 *
 * Returns: how many went; -1 with @error
 */
int
pm_tracking_store_prune (PmTrackingStore *self, gint64 before, guint limit, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("DELETE FROM events WHERE id IN (SELECT id FROM events WHERE"
                       " id < %" G_GINT64_FORMAT " ORDER BY id LIMIT %u)",
                       before, limit);

  return run (self, sql, error) ? sqlite3_changes (self->db) : -1;
}

static void
move_string (const char **field, char **end)
{
  gsize size;

  if (*field == NULL)
    return;
  size = strlen (*field) + 1;
  *field = memcpy (*end, *field, size);
  *end += size;
}

#define N_STRINGS 10

static void
list_strings (PmTrackingEvent *event, const char **strings[N_STRINGS])
{
  guint n = 0;

  strings[n++] = &event->event;
  strings[n++] = &event->sender;
  strings[n++] = &event->recipient;
  strings[n++] = &event->original;
  strings[n++] = &event->relay;
  strings[n++] = &event->reply;
  strings[n++] = &event->client;
  strings[n++] = &event->user;
  strings[n++] = &event->tls;
  strings[n++] = &event->what;
}

/**
 * pm_tracking_event_copy:
 *
 * Returns: (transfer full): a #PmTrackingEvent in one piece of memory, for g_free()
 */
gpointer
pm_tracking_event_copy (const PmTrackingEvent *event)
{
  PmTrackingEvent sizes = *event;
  const char **strings[N_STRINGS];
  gsize size = sizeof *event;
  PmTrackingEvent *copy;
  char *end;

  list_strings (&sizes, strings);
  for (guint i = 0; i < N_STRINGS; i++)
    size += *strings[i] != NULL ? strlen (*strings[i]) + 1 : 0;
  copy = g_malloc (size);
  *copy = *event;
  end = (char *) (copy + 1);
  list_strings (copy, strings);
  for (guint i = 0; i < N_STRINGS; i++)
    move_string (strings[i], &end);
  return copy;
}

static gpointer
read_event (sqlite3_stmt *row)
{
#define TEXT(column) ((const char *) sqlite3_column_text (row, column))
  PmTrackingEvent event = {
    .id = sqlite3_column_int64 (row, 0),
    .time = sqlite3_column_int64 (row, 1),
    .event = TEXT (2),
    .message = (guint64) sqlite3_column_int64 (row, 3),
    .sender = TEXT (4),
    .recipient = TEXT (5),
    .original = TEXT (6),
    .relay = TEXT (7),
    .reply = TEXT (8),
    .client = TEXT (9),
    .user = TEXT (10),
    .tls = TEXT (11),
    .what = TEXT (12),
    .delay = sqlite3_column_type (row, 13) == SQLITE_NULL ? -1 : sqlite3_column_int64 (row, 13),
    .size = (guint64) sqlite3_column_int64 (row, 14),
    .recipients = (guint) sqlite3_column_int64 (row, 15),
    .other = (guint64) sqlite3_column_int64 (row, 16),
  };
#undef TEXT

  return pm_tracking_event_copy (&event);
}

/* What every row must meet besides the condition that its index is for. */
static char *
make_conditions (const PmTrackingFilter *filter)
{
  GString *sql = g_string_new (" AND id >= ?6 AND id < ?7");

  if (filter->message != 0)
    g_string_append (sql, " AND +message = ?1");
  if (filter->sender != NULL)
    g_string_append (sql, " AND +sender = ?2");
  if (filter->recipient != NULL)
    g_string_append (sql, " AND (+recipient = ?3 OR +original = ?3)");
  if (filter->domain != NULL)
    g_string_append (sql, " AND (+sender_domain = ?4 OR +recipient_domain = ?4)");
  if (filter->event != NULL)
    g_string_append (sql, " AND +event = ?5");
  return g_string_free (sql, FALSE);
}

static gboolean
is_rare (const char *event)
{
  static const char *const common[] = { "accepted", "delivered", "relayed", NULL };

  return event != NULL && !g_strv_contains (common, event);
}

/* The two indices a search may need, the one that leaves the fewest rows first. */
static void
choose_keys (const PmTrackingFilter *filter, const char *keys[2])
{
  keys[1] = NULL;
  if (filter->message != 0)
    keys[0] = "INDEXED BY events_message WHERE message = ?1";
  else if (filter->recipient != NULL)
    {
      keys[0] = "INDEXED BY events_recipient WHERE recipient = ?3";
      keys[1] = "INDEXED BY events_original WHERE original = ?3 AND recipient IS NOT ?3";
    }
  else if (is_rare (filter->event))
    keys[0] = "INDEXED BY events_rare WHERE event = ?5 AND " RARE;
  else if (filter->sender != NULL)
    keys[0] = "INDEXED BY events_sender WHERE sender = ?2";
  else if (filter->domain != NULL)
    {
      keys[0] = "INDEXED BY events_sender_domain WHERE sender_domain = ?4";
      keys[1] = "INDEXED BY events_recipient_domain WHERE recipient_domain = ?4"
                " AND sender_domain IS NOT ?4";
    }
  else
    keys[0] = "NOT INDEXED WHERE id > 0";
}

static char *
make_query (const PmTrackingFilter *filter)
{
  g_autofree char *conditions = make_conditions (filter);
  GString *sql = g_string_new (NULL);
  const char *keys[2];

  choose_keys (filter, keys);
  for (guint i = 0; i < 2 && keys[i] != NULL; i++)
    g_string_append_printf (sql,
                            "%sSELECT * FROM (SELECT " COLUMNS " FROM events %s%s"
                            " ORDER BY id DESC LIMIT ?8)",
                            i > 0 ? " UNION ALL " : "", keys[i], conditions);
  g_string_append (sql, " ORDER BY id DESC LIMIT ?8");
  return g_string_free (sql, FALSE);
}

static int
search_cb (gpointer data)
{
  const PmTrackingStore *self = data;

  return g_get_monotonic_time () > self->deadline;
}

static void
bind_filter (sqlite3_stmt *statement, const PmTrackingFilter *filter, gint64 before, guint limit)
{
  gint64 until = filter->until > 0 ? filter->until : G_MAXINT64;

  sqlite3_bind_int64 (statement, 1, (gint64) filter->message);
  bind_text (statement, 2, filter->sender);
  bind_text (statement, 3, filter->recipient);
  bind_text (statement, 4, filter->domain);
  bind_text (statement, 5, filter->event);
  sqlite3_bind_int64 (statement, 6, MAX (filter->since, 0));
  sqlite3_bind_int64 (statement, 7, before > 0 ? MIN (before, until) : until);
  sqlite3_bind_int (statement, 8, (int) limit);
}

GPtrArray *
pm_tracking_store_query (PmTrackingStore *self,
                         const PmTrackingFilter *filter,
                         gint64 before,
                         guint limit,
                         GError **error)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *sql = make_query (filter);
  sqlite3_stmt *statement = NULL;
  int result;

  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) != SQLITE_OK)
    {
      set_error (self, error);
      return NULL;
    }
  bind_filter (statement, filter, before, limit);
  self->deadline = g_get_monotonic_time () + MAX_SEARCH;
  sqlite3_progress_handler (self->db, SEARCH_STEPS, search_cb, self);
  while ((result = sqlite3_step (statement)) == SQLITE_ROW)
    g_ptr_array_add (events, read_event (statement));
  if (result != SQLITE_DONE)
    set_error (self, error);
  sqlite3_finalize (statement);
  return result == SQLITE_DONE ? g_steal_pointer (&events) : NULL;
}
