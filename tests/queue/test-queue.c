// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The queue, on a real disk that fails when it is told to: this program's own fsync() and
// fdatasync() stand before the C library's, for the queue's files and for SQLite's.

#include "queue/pm-queue.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/pm-error.h"
#include "queue/pm-queue-repair.h"

static int syncs;        /* atomic */
static int fail_at = -1; /* which sync from now on fails; atomic */

static int
synced (long number, int fd)
{
  __atomic_add_fetch (&syncs, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n (&fail_at, __ATOMIC_SEQ_CST) > 0 &&
      __atomic_sub_fetch (&fail_at, 1, __ATOMIC_SEQ_CST) == 0)
    {
      errno = EIO;
      return -1;
    }
  return (int) syscall (number, fd);
}

int
fsync (int fd)
{
  return synced (SYS_fsync, fd);
}

int
fdatasync (int fd)
{
  return synced (SYS_fdatasync, fd);
}

typedef struct
{
  char *folder;
  PmClock *clock;
  PmQueue *queue;
} Fixture;

static void
open_queue (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  f->queue = pm_queue_new (f->folder, f->clock, &error);
  g_assert_no_error (error);
}

static void
reopen_queue (Fixture *f)
{
  pm_queue_close (f->queue);
  g_clear_object (&f->queue);
  open_queue (f);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("pm-queue-XXXXXX", NULL);
  f->clock = pm_clock_new_manual (1000000);
  open_queue (f);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->queue != NULL)
    pm_queue_close (f->queue);
  g_clear_object (&f->queue);
  g_clear_object (&f->clock);
  remove_tree (f->folder);
  g_free (f->folder);
}

static PmQueueMessage *
make_message (Fixture *f, gsize size, guint recipients)
{
  PmQueueMessage *message = pm_queue_message_new (pm_queue_new_id (f->queue), "a@example.com");
  g_autofree char *bytes = g_malloc (size);
  g_autoptr (GError) error = NULL;

  if (size > 0)
    memset (bytes, (int) ('a' + message->id % 26), size);
  message->body = pm_queue_body_new_from_bytes (pm_queue_get_body_folder (f->queue), bytes, size,
                                                &error);
  g_assert_no_error (error);
  message->received = pm_clock_now (f->clock);
  for (guint i = 0; i < recipients; i++)
    {
      g_autofree char *address = g_strdup_printf ("r%u@example.net", i);
      PmQueueRecipient *recipient = pm_queue_message_add_recipient (message, address);

      recipient->next_try = message->received + i;
    }
  return message;
}

typedef struct
{
  guint waiting;
  guint ok;
  guint failed;
  guint64 *acked; /* (nullable) */
} Tally;

typedef struct
{
  Tally *tally;
  guint64 id;
} Pending;

static void
enqueued_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Pending *pending = data;
  g_autoptr (GError) error = NULL;
  Tally *tally = pending->tally;

  if (pm_queue_enqueue_finish (PM_QUEUE (source), result, &error))
    {
      if (tally->acked != NULL)
        tally->acked[tally->ok] = pending->id;
      tally->ok++;
    }
  else
    {
      g_assert_nonnull (error);
      tally->failed++;
    }
  tally->waiting--;
}

static void
enqueue (Fixture *f, PmQueueMessage *message, Tally *tally)
{
  Pending *pending = g_new0 (Pending, 1);

  pending->tally = tally;
  pending->id = message->id;
  tally->waiting++;
  pm_queue_enqueue_async (f->queue, message, enqueued_cb, pending);
}

static void
wait_for (Tally *tally)
{
  while (tally->waiting > 0)
    g_main_context_iteration (NULL, TRUE);
}

static guint64
enqueue_one (Fixture *f, gsize size, guint recipients)
{
  PmQueueMessage *message = make_message (f, size, recipients);
  guint64 id = message->id;
  Tally tally = { 0 };

  enqueue (f, message, &tally);
  wait_for (&tally);
  g_assert_cmpuint (tally.ok, ==, 1);
  return id;
}

static void
assert_body (Fixture *f, guint64 id, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = pm_queue_open_body (f->queue, id, &error);
  const char *bytes;
  gsize got;

  g_assert_no_error (error);
  bytes = g_bytes_get_data (body, &got);
  g_assert_cmpuint (got, ==, size);
  for (gsize i = 0; i < size; i++)
    g_assert_cmpint (bytes[i], ==, (int) ('a' + id % 26));
}

static guint
count_body_files (Fixture *f)
{
  g_autoptr (GDir) folder = g_dir_open (pm_queue_get_body_folder (f->queue), 0, NULL);
  guint n = 0;

  while (g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

static void
test_round_trip (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = { 0, 1, PM_QUEUE_BODY_INLINE_MAX, PM_QUEUE_BODY_INLINE_MAX + 1,
                                 3000000 };
  guint64 ids[G_N_ELEMENTS (sizes)];

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    ids[i] = enqueue_one (f, sizes[i], 2);
  g_assert_cmpuint (count_body_files (f), ==, 2);

  reopen_queue (f);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, ids[i], &error);

      g_assert_no_error (error);
      g_assert_cmpstr (message->sender, ==, "a@example.com");
      g_assert_cmpuint (message->size, ==, sizes[i]);
      g_assert_cmpuint (message->recipients->len, ==, 2);
      assert_body (f, ids[i], sizes[i]);
    }
  g_assert_cmpuint (pm_queue_new_id (f->queue), >, ids[G_N_ELEMENTS (sizes) - 1]);
}

/* What waits together is committed together, with one sync. */
static void
test_group_commit (Fixture *f, gconstpointer data)
{
  guint64 commits = pm_queue_get_commits (f->queue);
  int before;
  Tally tally = { 0 };

  enqueue_one (f, 100, 1);
  before = __atomic_load_n (&syncs, __ATOMIC_SEQ_CST);
  enqueue_one (f, 100, 1);
  g_assert_cmpint (__atomic_load_n (&syncs, __ATOMIC_SEQ_CST) - before, ==, 1);
  g_assert_cmpuint (pm_queue_get_commits (f->queue), ==, commits + 2);

  before = __atomic_load_n (&syncs, __ATOMIC_SEQ_CST);
  for (guint i = 0; i < 400; i++)
    enqueue (f, make_message (f, 100, 1), &tally);
  wait_for (&tally);
  g_assert_cmpuint (tally.ok, ==, 400);
  g_test_message ("400 messages: %" G_GUINT64_FORMAT " commits, %d syncs",
                  pm_queue_get_commits (f->queue) - commits - 2,
                  __atomic_load_n (&syncs, __ATOMIC_SEQ_CST) - before);
  g_assert_cmpuint (pm_queue_get_commits (f->queue) - commits - 2, <, 200);
  g_assert_cmpint (__atomic_load_n (&syncs, __ATOMIC_SEQ_CST) - before, <, 200);
}

/* At whichever sync the disk fails: what was acknowledged is there, and the queue goes on. */
static void
test_failing_syncs (Fixture *f, gconstpointer data)
{
  guint failures = 0;

  for (int n = 1; n <= 8; n++)
    {
      guint64 acked[40];
      Tally tally = { .acked = acked };

      __atomic_store_n (&fail_at, n, __ATOMIC_SEQ_CST);
      for (guint i = 0; i < 3; i++)
        {
          enqueue (f, make_message (f, 100, 1), &tally);
          enqueue (f, make_message (f, 100000, 1), &tally);
          wait_for (&tally);
        }
      __atomic_store_n (&fail_at, -1, __ATOMIC_SEQ_CST);
      enqueue (f, make_message (f, 100, 1), &tally);
      wait_for (&tally);
      g_assert_cmpuint (tally.ok + tally.failed, ==, 7);
      g_assert_cmpuint (tally.ok, >=, 1);
      failures += tally.failed;
      {
        guint64 count;

        g_assert_true (pm_queue_count (f->queue, -1, &count, NULL));
        g_assert_cmpuint (pm_queue_get_size (f->queue), ==, count);
      }

      reopen_queue (f);
      for (guint i = 0; i < tally.ok; i++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, acked[i], &error);

          g_assert_no_error (error);
          assert_body (f, acked[i], message->size);
        }
    }
  g_assert_cmpuint (failures, >=, 6);
}

static void
updated_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (pm_queue_update_finish (PM_QUEUE (source), result, data, &error));
  g_assert_no_error (error);
}

static gint64
update (Fixture *f, PmQueueUpdate *change)
{
  gint64 next_try = -1;

  pm_queue_update_async (f->queue, change, updated_cb, &next_try);
  while (next_try == -1)
    g_main_context_iteration (NULL, TRUE);
  return next_try;
}

static void
test_outcomes (Fixture *f, gconstpointer data)
{
  guint64 id = enqueue_one (f, 100000, 3);
  g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, id, NULL);
  g_autoptr (PmQueueMessage) after = NULL;
  PmQueueUpdate *change = pm_queue_update_new (id);
  PmQueueMessage *bounce;
  PmQueueOutcome *outcome;
  guint64 count;

  pm_queue_update_add (change, g_ptr_array_index (message->recipients, 0), PM_OUTCOME_DONE,
                       "250 2.0.0 OK");
  outcome = pm_queue_update_add (change, g_ptr_array_index (message->recipients, 1),
                                 PM_OUTCOME_DEFERRED, "451 4.3.0 not now");
  outcome->next_try = 5000000;
  bounce = make_message (f, 10, 1);
  g_ptr_array_add (change->follow_ups, bounce);
  g_assert_cmpint (update (f, change), ==, 1000002);

  after = pm_queue_load (f->queue, id, NULL);
  g_assert_cmpuint (after->recipients->len, ==, 2);
  {
    PmQueueRecipient *deferred = g_ptr_array_index (after->recipients, 0);

    g_assert_cmpstr (deferred->address, ==, "r1@example.net");
    g_assert_cmpuint (deferred->attempts, ==, 1);
    g_assert_cmpint (deferred->next_try, ==, 5000000);
    g_assert_cmpstr (deferred->reply, ==, "451 4.3.0 not now");
  }
  g_assert_true (pm_queue_count (f->queue, -1, &count, NULL));
  g_assert_cmpuint (count, ==, 2);
  g_assert_cmpuint (count_body_files (f), ==, 1);

  change = pm_queue_update_new (id);
  pm_queue_update_add (change, g_ptr_array_index (message->recipients, 1), PM_OUTCOME_DONE, "");
  pm_queue_update_add (change, g_ptr_array_index (message->recipients, 2), PM_OUTCOME_DONE, "");
  g_assert_cmpint (update (f, change), ==, G_MAXINT64);
  g_assert_null (pm_queue_load (f->queue, id, NULL));
  g_assert_cmpuint (count_body_files (f), ==, 0);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (pm_queue_change_finish (PM_QUEUE (source), result, data, &error));
  g_assert_no_error (error);
}

static guint
change (Fixture *f, gboolean remove, guint64 id)
{
  guint count = G_MAXUINT;

  if (remove)
    pm_queue_delete_async (f->queue, &id, 1, changed_cb, &count);
  else
    pm_queue_retry_async (f->queue, &id, 1, changed_cb, &count);
  while (count == G_MAXUINT)
    g_main_context_iteration (NULL, TRUE);
  return count;
}

static void
test_retry_and_delete (Fixture *f, gconstpointer data)
{
  guint64 id = enqueue_one (f, 100000, 2);
  g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, id, NULL);
  g_autoptr (PmQueueMessage) retried = NULL;
  PmQueueUpdate *later = pm_queue_update_new (id);

  for (guint i = 0; i < 2; i++)
    pm_queue_update_add (later, g_ptr_array_index (message->recipients, i), PM_OUTCOME_DEFERRED,
                         "")
        ->next_try = 9000000;
  g_assert_cmpint (update (f, later), ==, 9000000);

  g_assert_cmpuint (change (f, FALSE, id), ==, 1);
  retried = pm_queue_load (f->queue, id, NULL);
  g_assert_cmpint (pm_queue_message_next_try (retried), ==, 1000000);
  g_assert_cmpuint (change (f, FALSE, 12345), ==, 0);

  g_assert_cmpuint (change (f, TRUE, id), ==, 1);
  g_assert_cmpuint (change (f, TRUE, id), ==, 0);
  g_assert_null (pm_queue_load (f->queue, id, NULL));
  g_assert_cmpuint (count_body_files (f), ==, 0);
}

/* Removed by hand while it is tried: no report comes of it, and the queue's size stays true. */
static void
test_removed_meanwhile (Fixture *f, gconstpointer data)
{
  guint64 id = enqueue_one (f, 100, 1);
  g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, id, NULL);
  PmQueueUpdate *late = pm_queue_update_new (id);
  PmQueueMessage *report = make_message (f, 100, 1);
  guint64 report_id = report->id;

  g_assert_cmpuint (pm_queue_get_size (f->queue), ==, 1);
  g_assert_cmpuint (change (f, TRUE, id), ==, 1);
  g_assert_cmpuint (pm_queue_get_size (f->queue), ==, 0);

  pm_queue_update_add (late, g_ptr_array_index (message->recipients, 0), PM_OUTCOME_DONE, "");
  g_ptr_array_add (late->follow_ups, report);
  g_assert_cmpint (update (f, late), ==, G_MAXINT64);
  g_assert_null (pm_queue_load (f->queue, report_id, NULL));
  g_assert_cmpuint (pm_queue_get_size (f->queue), ==, 0);
}

static void
test_ten_thousand (Fixture *f, gconstpointer data)
{
  PmDue after = { G_MININT64, 0 };
  guint64 last = 0;
  guint seen = 0;
  Tally tally = { 0 };

  for (guint i = 0; i < 10000; i++)
    enqueue (f, make_message (f, 50, 1 + i % 2), &tally);
  wait_for (&tally);
  g_assert_cmpuint (tally.ok, ==, 10000);
  reopen_queue (f);

  for (;;)
    {
      g_autoptr (GArray) page = pm_queue_due (f->queue, &after, 999, NULL);

      g_assert_nonnull (page);
      if (page->len == 0)
        break;
      for (guint i = 0; i < page->len; i++)
        {
          PmDue due = g_array_index (page, PmDue, i);

          g_assert_true (due.time > after.time ||
                         (due.time == after.time && due.message > after.message));
          after = due;
          seen++;
        }
    }
  g_assert_cmpuint (seen, ==, 10000);

  seen = 0;
  for (;;)
    {
      g_autoptr (GPtrArray) page = pm_queue_list (f->queue, PM_QUEUE_REMOTE, last, 1000, NULL);

      if (page->len == 0)
        break;
      seen += page->len;
      last = ((PmQueueMessage *) g_ptr_array_index (page, page->len - 1))->id;
    }
  g_assert_cmpuint (seen, ==, 10000);
  {
    g_autoptr (GPtrArray) none = pm_queue_list (f->queue, PM_QUEUE_MAILBOX, 0, 1000, NULL);

    g_assert_cmpuint (none->len, ==, 0);
  }
}

static void
test_orphans (Fixture *f, gconstpointer data)
{
  guint64 id = enqueue_one (f, 100000, 1);
  g_autofree char *orphan = g_build_filename (f->folder, "bodies", "body-zzzzzz", NULL);

  g_assert_true (g_file_set_contents (orphan, "x", 1, NULL));
  pm_queue_message_free (make_message (f, 100000, 1));
  g_assert_cmpuint (count_body_files (f), ==, 2);

  reopen_queue (f);
  while (count_body_files (f) > 1)
    g_usleep (1000);
  assert_body (f, id, 100000);
}

static void
test_later_format (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "queue.db", NULL);
  g_autoptr (GError) error = NULL;
  sqlite3 *db;

  pm_queue_close (f->queue);
  g_clear_object (&f->queue);
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "PRAGMA user_version = 9", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);

  g_assert_null (pm_queue_new (f->folder, f->clock, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "format 9"));
}

static const char format_1[] =
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, sender TEXT NOT NULL, client TEXT NOT NULL,"
    " eight_bit INTEGER NOT NULL, size INTEGER NOT NULL, received INTEGER NOT NULL,"
    " notified INTEGER NOT NULL, next_try INTEGER NOT NULL, body_file TEXT);"
    "CREATE INDEX messages_next_try ON messages (next_try, id);"
    "CREATE TABLE bodies (message INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    "CREATE TABLE recipients (id INTEGER PRIMARY KEY, message INTEGER NOT NULL,"
    " address TEXT NOT NULL, original TEXT NOT NULL, agent INTEGER NOT NULL,"
    " destination TEXT NOT NULL, attempts INTEGER NOT NULL, next_try INTEGER NOT NULL,"
    " reply TEXT NOT NULL);"
    "CREATE INDEX recipients_message ON recipients (message);"
    "INSERT INTO messages VALUES (7, 'a@example.com', 'c', 1, 3, 70, 1, 900, NULL);"
    "INSERT INTO bodies VALUES (7, 'abc');"
    "INSERT INTO recipients VALUES (41, 7, 'x@example.net', 'o@example.net', 1, 'example.net', 2,"
    " 900, '451 later');"
    "INSERT INTO messages VALUES (8, '', 'c', 0, 3, 80, 0, 800, NULL);"
    "INSERT INTO bodies VALUES (8, 'xyz');"
    "INSERT INTO recipients VALUES (42, 8, 'm@example.com', 'm@example.com', 0, 'm', 0, 800, '');"
    "INSERT INTO recipients VALUES (43, 8, 'y@example.net', 'y@example.net', 1, 'example.net', 0,"
    " 801, '');"
    "PRAGMA user_version = 1;";

/* A queue of format 1 comes up with all that it held. */
static void
test_format_1 (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "queue.db", NULL);
  g_autoptr (PmQueueMessage) message = NULL;
  guint64 states[PM_QUEUE_N_STATES];
  PmQueueRecipient *recipient;
  guint64 count;
  sqlite3 *db;

  pm_queue_close (f->queue);
  g_clear_object (&f->queue);
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, format_1, NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);

  open_queue (f);
  message = pm_queue_load (f->queue, 7, NULL);
  g_assert_nonnull (message);
  g_assert_true (message->eight_bit && message->notified && !message->held);
  g_assert_cmpstr (message->user, ==, "");
  recipient = g_ptr_array_index (message->recipients, 0);
  g_assert_cmpstr (recipient->reply, ==, "451 later");
  g_assert_cmpstr (recipient->orcpt, ==, "");
  g_assert_cmpuint (recipient->attempts, ==, 2);
  g_assert_cmpuint (pm_queue_get_size (f->queue), ==, 2);
  g_assert_true (pm_queue_count (f->queue, PM_QUEUE_MAILBOX, &count, NULL));
  g_assert_cmpuint (count, ==, 1);
  g_assert_true (pm_queue_count (f->queue, PM_QUEUE_REMOTE, &count, NULL));
  g_assert_cmpuint (count, ==, 2);
  g_assert_true (pm_queue_count_states (f->queue, states, NULL));
  g_assert_cmpuint (states[PM_QUEUE_STATE_FRESH], ==, 1);
  g_assert_cmpuint (states[PM_QUEUE_STATE_DEFERRED], ==, 1);
  g_assert_cmpuint (enqueue_one (f, 100, 1), >, 8);
}

/* Everything that a message says of itself is there again after a restart. */
static void
test_all_fields (Fixture *f, gconstpointer data)
{
  PmQueueMessage *message = make_message (f, 100, 1);
  PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, 0);
  guint64 id = message->id;
  Tally tally = { 0 };

  message->utf8 = message->require_tls = message->tls_optional = message->held = TRUE;
  message->priority = -3;
  message->ret = PM_DSN_RET_HEADERS;
  g_free (message->envid);
  message->envid = g_strdup ("QQ314159");
  g_free (message->user);
  message->user = g_strdup ("anna");
  recipient->notify = PM_DSN_NOTIFY_SUCCESS | PM_DSN_NOTIFY_DELAY;
  g_free (recipient->orcpt);
  recipient->orcpt = g_strdup ("rfc822;anna@example.com");
  g_free (recipient->redirect);
  recipient->redirect = g_strdup ("192.0.2.1:26");
  enqueue (f, message, &tally);
  wait_for (&tally);
  g_assert_cmpuint (tally.ok, ==, 1);

  for (int restart = 0; restart < 2; restart++)
    {
      g_autoptr (PmQueueMessage) got = pm_queue_load (f->queue, id, NULL);
      PmDue after = { .time = G_MININT64 };
      g_autoptr (GArray) due = pm_queue_due (f->queue, &after, 10, NULL);

      g_assert_true (got->utf8 && got->require_tls && got->tls_optional && got->held);
      g_assert_cmpint (got->priority, ==, -3);
      g_assert_cmpint (got->ret, ==, PM_DSN_RET_HEADERS);
      g_assert_cmpstr (got->envid, ==, "QQ314159");
      g_assert_cmpstr (got->user, ==, "anna");
      recipient = g_ptr_array_index (got->recipients, 0);
      g_assert_cmpint (recipient->notify, ==, PM_DSN_NOTIFY_SUCCESS | PM_DSN_NOTIFY_DELAY);
      g_assert_cmpstr (recipient->orcpt, ==, "rfc822;anna@example.com");
      g_assert_cmpstr (recipient->redirect, ==, "192.0.2.1:26");
      g_assert_cmpuint (due->len, ==, 0);
      assert_body (f, id, 100);
      reopen_queue (f);
    }
}

/* What was just accepted is read from memory: it is there with the file gone. */
static void
test_fresh_from_memory (Fixture *f, gconstpointer data)
{
  guint64 id = enqueue_one (f, 4000, 2);
  g_autofree char *path = g_build_filename (f->folder, "queue.db", NULL);
  g_autofree char *away = g_build_filename (f->folder, "away.db", NULL);
  g_autoptr (PmQueueMessage) message = NULL;

  g_assert_cmpint (g_rename (path, away), ==, 0);
  message = pm_queue_load (f->queue, id, NULL);
  g_assert_nonnull (message);
  g_assert_cmpuint (message->size, ==, 4000);
  g_assert_cmpint (((PmQueueRecipient *) g_ptr_array_index (message->recipients, 1))->id, ==, 2);
  assert_body (f, id, 4000);
  g_assert_null (pm_queue_load (f->queue, id, NULL));
  g_assert_cmpint (g_rename (away, path), ==, 0);
}

static char *
find_in (const char *folder, const char *prefix)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, prefix))
      return g_build_filename (folder, name, NULL);
  return NULL;
}

static void
overwrite (const char *path, goffset at, gsize size)
{
  g_autofree char *bytes = g_malloc (size);
  int fd = g_open (path, O_WRONLY, 0);

  memset (bytes, 0xa5, size);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pwrite (fd, bytes, size, at), ==, (gssize) size);
  close (fd);
}

/* How a file is damaged, and how many of 300 messages must at least be there afterwards. */
static const struct
{
  const char *name;
  goffset at; /* where it is overwritten; negative: where it is cut, from the end */
  gsize size;
  guint least;
  guint most;
} damages[] = {
  { "magic", 0, 16, 300, 300 },
  { "header", 0, 100, 300, 300 },
  { "page", 100 * 8192, 8192, 200, 300 },
  { "half-page", 50 * 8192 + 4000, 4192, 200, 300 },
  { "ten-pages", 60 * 8192, 10 * 8192, 150, 300 },
  { "cut", -30 * 8192, 0, 100, 300 },
  { "everything", 0, 100 * 8192, 0, 200 },
};

/* Whatever happens to the file: what can be read is saved, whole, and the file is kept. */
static void
test_repair (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++)
    {
      g_autofree char *path = g_build_filename (f->folder, "queue.db", NULL);
      g_autofree char *lost = g_build_filename (f->folder, "lost+found", NULL);
      g_autofree char *kept = NULL;
      g_autoptr (GArray) ids = NULL;
      guint64 large = 0;
      Tally tally = { 0 };
      GStatBuf info;

      for (guint n = 0; n < 299; n++)
        enqueue (f, make_message (f, 3000 + n, 1 + n % 3), &tally);
      wait_for (&tally);
      large = enqueue_one (f, 100000, 1);
      pm_queue_close (f->queue);
      g_clear_object (&f->queue);

      g_assert_cmpint (g_stat (path, &info), ==, 0);
      if (damages[i].at < 0)
        g_assert_cmpint (truncate (path, MAX (info.st_size + damages[i].at, 0)), ==, 0);
      else
        overwrite (path, damages[i].at, damages[i].size);

      open_queue (f);
      pm_queue_check (f->queue);
      while ((kept = find_in (f->folder, "queue.db.damaged-")) == NULL ||
             pm_queue_repair_is_pending (f->folder))
        {
          enqueue_one (f, 10, 1);
          g_clear_pointer (&kept, g_free);
        }
      ids = pm_queue_list_ids (f->queue, 0, 100000, NULL);
      g_assert_nonnull (ids);
      {
        guint saved = 0;

        for (guint n = 0; n < ids->len; n++)
          {
            guint64 id = g_array_index (ids, guint64, n);
            g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, id, NULL);

            assert_body (f, id, message->size);
            saved += id <= large;
          }
        g_test_message ("%s: %u of 300 saved", damages[i].name, saved);
        g_assert_cmpuint (saved, >=, damages[i].least);
        g_assert_cmpuint (saved, <=, damages[i].most);
      }
      {
        g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, large, NULL);
        g_autofree char *aside = find_in (lost, "body-");

        g_assert_true (message != NULL || aside != NULL || count_body_files (f) == 1);
      }
      tear_down (f, NULL);
      set_up (f, NULL);
    }
}

/* A repair that was cut off is begun again; half of it is never taken for the queue. */
static void
test_repair_cut_off (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "queue.db", NULL);
  g_autofree char *aside = g_build_filename (f->folder, "queue.db.damaged-x", NULL);
  g_autofree char *half = g_build_filename (f->folder, "queue.db.repaired", NULL);
  g_autofree char *note = g_build_filename (f->folder, "queue.repair", NULL);
  guint64 id = enqueue_one (f, 1000, 1);

  pm_queue_close (f->queue);
  g_clear_object (&f->queue);
  g_assert_cmpint (g_rename (path, aside), ==, 0);
  g_assert_true (g_file_set_contents (half, "half", -1, NULL));
  g_assert_true (g_file_set_contents (note, "queue.db.damaged-x", -1, NULL));

  open_queue (f);
  assert_body (f, id, 1000);
  g_assert_false (g_file_test (note, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (half, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (aside, G_FILE_TEST_EXISTS));
}

static guint log_damages; /* atomic: how often one was logged */

static GLogWriterOutput
count_damages (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (fields[i].length < 0 && strstr (fields[i].value, "queue-log-damaged") != NULL)
      {
        __atomic_add_fetch (&log_damages, 1, __ATOMIC_SEQ_CST);
        break;
      }
  return g_log_writer_default (level, fields, n_fields, data);
}

static void
copy_into (const char *from, const char *to, const char *name)
{
  g_autofree char *source = g_build_filename (from, name, NULL);
  g_autofree char *target = g_build_filename (to, name, NULL);
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_file_get_contents (source, &bytes, &size, &error);
  g_assert_no_error (error);
  g_file_set_contents (target, bytes, (gssize) size, &error);
  g_assert_no_error (error);
}

/* Goes on with what a power cut would have left: the log is not in the file yet. */
static void
cut_off (Fixture *f)
{
  g_autofree char *folder = g_dir_make_tmp ("pm-queue-XXXXXX", NULL);
  g_autofree char *bodies = g_build_filename (folder, "bodies", NULL);
  g_autoptr (GDir) dir = g_dir_open (pm_queue_get_body_folder (f->queue), 0, NULL);
  const char *name;

  g_assert_cmpint (g_mkdir (bodies, 0700), ==, 0);
  copy_into (f->folder, folder, "queue.db");
  copy_into (f->folder, folder, "queue.db-wal");
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      // Those of this run are not swept.
      g_autofree char *from = g_build_filename (pm_queue_get_body_folder (f->queue), name, NULL);
      g_autofree char *to = g_strdup_printf ("%s/body-of-before", bodies);
      g_autofree char *bytes = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (from, &bytes, &size, NULL));
      g_assert_true (g_file_set_contents (to, bytes, (gssize) size, NULL));
    }
  pm_queue_close (f->queue);
  g_clear_object (&f->queue);
  remove_tree (f->folder);
  g_free (f->folder);
  f->folder = g_steal_pointer (&folder);
}

/* What becomes of a log, and whether that is a damage. */
static const struct
{
  const char *name;
  goffset at; /* where it is overwritten; negative: where it is cut, from the end */
  gsize size;
  goffset length; /* not 0: cut to that */
  gboolean damaged;
} log_damages_made[] = {
  { "whole", 0, 0, 0, FALSE },
  { "magic", 0, 4, 0, TRUE },
  { "salt", 16, 1, 0, TRUE },
  { "checksum", 31, 1, 0, TRUE },
  { "header", 0, 32, 0, TRUE },
  { "first-page", 0, 4096, 0, TRUE },
  { "torn-tail", -100, 0, 0, FALSE },
  { "last-page", -8192, 8192, 0, FALSE },
  { "header-cut", 0, 0, 20, FALSE },
  { "header-alone", 0, 32, 32, FALSE },
  { "empty", 0, 0, -1, FALSE },
};

/* A log that SQLite would overlook is kept, and its loss is said; what a cut leaves is no damage. */
static void
test_damaged_log (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (log_damages_made); i++)
    {
      guint before = __atomic_load_n (&log_damages, __ATOMIC_SEQ_CST);
      guint64 id = enqueue_one (f, 3000, 1);
      g_autofree char *log = NULL;
      g_autofree char *lost = NULL;
      g_autofree char *kept = NULL;
      g_autofree char *was = NULL;
      g_autofree char *is = NULL;
      g_autoptr (PmQueueMessage) message = NULL;
      goffset at = log_damages_made[i].at;
      gsize size;
      gsize kept_size;

      g_test_message ("%s", log_damages_made[i].name);
      enqueue_one (f, 100000, 1);
      enqueue_one (f, 10, 1);
      cut_off (f);
      log = g_build_filename (f->folder, "queue.db-wal", NULL);
      lost = g_build_filename (f->folder, "lost+found", "body-of-before", NULL);
      g_assert_true (g_file_get_contents (log, &was, &size, NULL));
      if (log_damages_made[i].size > 0)
        overwrite (log, at < 0 ? (goffset) size + at : at, log_damages_made[i].size);
      else if (at < 0)
        g_assert_cmpint (truncate (log, (goffset) size + at), ==, 0);
      if (log_damages_made[i].length != 0)
        g_assert_cmpint (truncate (log, MAX (log_damages_made[i].length, 0)), ==, 0);
      g_clear_pointer (&was, g_free);
      g_assert_true (g_file_get_contents (log, &was, &size, NULL));

      open_queue (f);
      kept = find_in (f->folder, "queue.db-wal.damaged-");
      g_assert_cmpint (kept != NULL, ==, log_damages_made[i].damaged);
      g_assert_cmpuint (__atomic_load_n (&log_damages, __ATOMIC_SEQ_CST) - before, ==,
                        log_damages_made[i].damaged);
      message = pm_queue_load (f->queue, id, NULL);
      if (log_damages_made[i].damaged)
        {
          g_assert_true (g_file_get_contents (kept, &is, &kept_size, NULL));
          g_assert_cmpmem (is, kept_size, was, size);
          g_assert_null (message);
          while (!g_file_test (lost, G_FILE_TEST_EXISTS))
            enqueue_one (f, 10, 1);
        }
      else
        g_assert_cmpint (message != NULL, ==, log_damages_made[i].length == 0);
      enqueue_one (f, 1000, 1);
      tear_down (f, NULL);
      set_up (f, NULL);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_damages, NULL, NULL);
#define ADD(name, func) g_test_add ("/queue/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("round-trip", test_round_trip);
  ADD ("group-commit", test_group_commit);
  ADD ("failing-syncs", test_failing_syncs);
  ADD ("outcomes", test_outcomes);
  ADD ("retry-and-delete", test_retry_and_delete);
  ADD ("removed-meanwhile", test_removed_meanwhile);
  ADD ("ten-thousand", test_ten_thousand);
  ADD ("orphans", test_orphans);
  ADD ("later-format", test_later_format);
  ADD ("format-1", test_format_1);
  ADD ("all-fields", test_all_fields);
  ADD ("fresh-from-memory", test_fresh_from_memory);
  ADD ("repair", test_repair);
  ADD ("repair-cut-off", test_repair_cut_off);
  ADD ("damaged-log", test_damaged_log);
  return g_test_run ();
}
