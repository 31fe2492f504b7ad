// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How often this process has synced the queue: every call, SQLite's own included, so that what the
// status says of durability is counted and not assumed.

#include "queue/pm-queue-syncs.h"

/* A kind of SQLite's files (the database, its log), and the same with a sync that counts. */
typedef struct
{
  const sqlite3_io_methods *own;
  sqlite3_io_methods counting;
} Kind;

static guint64 syncs; /* atomic */
static Kind kinds[4]; /* filled from the start, never changed again */
static GMutex lock;   /* guards filling it */

void
pm_queue_syncs_add (guint n)
{
  __atomic_add_fetch (&syncs, n, __ATOMIC_RELAXED);
}

guint64
pm_queue_syncs_get (void)
{
  return __atomic_load_n (&syncs, __ATOMIC_RELAXED);
}

static int
sync_cb (sqlite3_file *file, int flags)
{
  const char *methods = (const char *) file->pMethods;
  const Kind *kind = (const Kind *) (gconstpointer) (methods - G_STRUCT_OFFSET (Kind, counting));

  pm_queue_syncs_add (1);
  return kind->own->xSync (file, flags);
}

static void
watch_file (sqlite3_file *file)
{
  if (file == NULL || file->pMethods == NULL || file->pMethods->xSync == sync_cb)
    return;
  g_mutex_lock (&lock);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Kind *kind = &kinds[i];

      if (kind->own == NULL)
        {
          kind->counting = *file->pMethods;
          kind->counting.xSync = sync_cb;
          kind->own = file->pMethods;
        }
      if (kind->own == file->pMethods)
        {
          file->pMethods = &kind->counting;
          break;
        }
    }
  g_mutex_unlock (&lock);
}

/**
 * pm_queue_syncs_watch:
 * @db: an open connection in WAL mode
 *
 * Counts the syncs of its file and of its log from now on.
 */
void
pm_queue_syncs_watch (sqlite3 *db)
{
  sqlite3_file *file = NULL;

  if (sqlite3_file_control (db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK)
    watch_file (file);
  file = NULL;
  if (sqlite3_file_control (db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) == SQLITE_OK)
    watch_file (file);
}
