// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Reading a damaged queue. What it promises: the file itself is not changed, and whatever one of
// its trees still leads to is found: messages are looked for by their numbers, past the pages that
// cannot be read, and the numbers are taken from every tree that has them.

#include "queue/pm-queue-salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "queue/pm-queue-schema.h"
#include "queue/pm-queue-sql.h"

#define MAX_GAPS 100000

/* (nullable): a connection that takes the file as it is, and leaves it so */
static PmQueueStore *
open_as_it_is (const char *path, GError **error)
{
  g_autoptr (PmQueueStore) store = g_new0 (PmQueueStore, 1);

  if (sqlite3_open_v2 (path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
          SQLITE_OK ||
      sqlite3_db_config (store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK ||
      sqlite3_exec (store->db, "PRAGMA writable_schema = ON", NULL, NULL, NULL) != SQLITE_OK ||
      sqlite3_exec (store->db, "SELECT id FROM messages LIMIT 0", NULL, NULL, NULL) != SQLITE_OK)
    {
      pm_queue_sql_fail (store, "read", error);
      return NULL;
    }
  return g_steal_pointer (&store);
}

static gboolean
copy_file (const char *from, const char *to)
{
  g_autofree char *buffer = g_malloc (1 << 20);
  int in = g_open (from, O_RDONLY | O_CLOEXEC, 0);
  int out = g_open (to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ssize_t got = -1;

  while (in >= 0 && out >= 0 && (got = read (in, buffer, 1 << 20)) > 0)
    if (write (out, buffer, (size_t) got) != got)
      {
        got = -1;
        break;
      }
  if (in >= 0)
    close (in);
  if (out >= 0)
    close (out);
  return got == 0;
}

/* The first bytes of a file of ours (https://www.sqlite.org/fileformat2.html 1.3), where torn. */
static void
mend_header (const char *path)
{
  static const guint8 fixed[] = { 2, 2, 0, 64, 32, 32 };
  guint8 header[100];
  int fd = g_open (path, O_RDWR | O_CLOEXEC, 0);
  guint size;

  if (fd >= 0 && pread (fd, header, sizeof header, 0) == sizeof header)
    {
      memcpy (header, "SQLite format 3", 16);
      size = (guint) header[16] << 8 | header[17];
      if (size != 1 && (size < 512 || (size & (size - 1)) != 0))
        {
          header[16] = 0x20;
          header[17] = 0;
        }
      memcpy (header + 18, fixed, sizeof fixed);
      memcpy (header + 44, "\0\0\0\4", 4);
      memcpy (header + 56, "\0\0\0\1", 4);
      if (pwrite (fd, header, sizeof header, 0) != sizeof header)
        g_debug ("Could not mend %s: %s", path, g_strerror (errno));
    }
  if (fd >= 0)
    close (fd);
}

static gboolean
make_copy (const char *path, const char *copy)
{
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  g_autofree char *copy_log = g_strconcat (copy, "-wal", NULL);

  g_unlink (copy_log);
  return copy_file (path, copy) &&
         (!g_file_test (log, G_FILE_TEST_EXISTS) || copy_file (log, copy_log));
}

static gboolean
has_our_columns (PmQueueStore *store)
{
  return sqlite3_exec (store->db, "SELECT held FROM messages LIMIT 0", NULL, NULL, NULL) ==
         SQLITE_OK;
}

/**
 * pm_queue_salvage_open:
 * @path: a damaged queue
 * @copy: where a copy may be made, if it has to be mended before it can be read
 *
 * Returns: (transfer full) (nullable): a connection to what is left of it
 */
PmQueueStore *
pm_queue_salvage_open (const char *path, const char *copy, GError **error)
{
  g_autoptr (PmQueueStore) store = open_as_it_is (path, NULL);

  if (store != NULL && has_our_columns (store))
    return g_steal_pointer (&store);
  g_clear_pointer (&store, pm_queue_store_close);

  if (make_copy (path, copy))
    mend_header (copy);
  store = open_as_it_is (copy, error);
  if (store != NULL && !has_our_columns (store) && !pm_queue_schema_set_up (store->db, error))
    return NULL;
  return g_steal_pointer (&store);
}

/* Runs on from an id; appends what it reads. TRUE at the end, FALSE at what cannot be read. */
static gboolean
read_on (sqlite3_stmt *statement, gint64 after, GArray *ids, guint limit)
{
  int result = SQLITE_ROW;

  sqlite3_bind_int64 (statement, 1, after);
  for (guint n = 0; n < limit && (result = sqlite3_step (statement)) == SQLITE_ROW; n++)
    if (ids != NULL)
      {
        guint64 id = (guint64) sqlite3_column_int64 (statement, 0);

        g_array_append_val (ids, id);
      }
  sqlite3_reset (statement);
  return result == SQLITE_DONE || (result == SQLITE_ROW && ids == NULL);
}

/* The first id after which something can be read again; G_MAXINT64 for none. */
static gint64
find_next (sqlite3_stmt *statement, gint64 bad)
{
  gint64 low = bad;
  gint64 high = bad;

  for (gint64 step = 1; !read_on (statement, high, NULL, 1); step *= 2)
    {
      if (step > G_MAXINT64 / 4 || high > G_MAXINT64 - step)
        return G_MAXINT64;
      low = high;
      high = bad + step;
    }
  while (high - low > 1)
    {
      gint64 middle = low + (high - low) / 2;

      if (read_on (statement, middle, NULL, 1))
        high = middle;
      else
        low = middle;
    }
  return high;
}

static void
collect (PmQueueStore *store, const char *sql, GArray *ids)
{
  sqlite3_stmt *statement = pm_queue_sql_prepare (store, sql, NULL);
  gint64 after = 0;

  for (guint gaps = 0; statement != NULL && gaps < MAX_GAPS && after != G_MAXINT64; gaps++)
    {
      guint before = ids->len;

      if (read_on (statement, after, ids, G_MAXUINT))
        break;
      if (ids->len > before)
        after = (gint64) g_array_index (ids, guint64, ids->len - 1);
      after = find_next (statement, after);
    }
  sqlite3_finalize (statement);
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  guint64 x = *(const guint64 *) a;
  guint64 y = *(const guint64 *) b;

  return x < y ? -1 : x > y;
}

/**
 * pm_queue_salvage_list_ids:
 *
 * Returns: (transfer full) (element-type guint64): every message that something still knows of, in
 *   order
 */
GArray *
pm_queue_salvage_list_ids (PmQueueStore *store)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (guint64));
  GArray *ids;

  collect (store, "SELECT id FROM messages NOT INDEXED WHERE id > ? ORDER BY id", all);
  collect (store, "SELECT message FROM bodies WHERE message > ? ORDER BY message", all);
  collect (store,
           "SELECT message FROM recipients NOT INDEXED WHERE message > ? ORDER BY message", all);
  g_array_sort (all, compare_ids);

  ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; i < all->len; i++)
    if (i == 0 || g_array_index (all, guint64, i) != g_array_index (all, guint64, i - 1))
      g_array_append_val (ids, g_array_index (all, guint64, i));
  return ids;
}
