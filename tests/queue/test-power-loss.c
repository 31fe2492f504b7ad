// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The queue on a disk that forgets and tears what was not synced (disk-model.h), cut after cut, each
// on what the one before left: at any step of a commit, of a body's file, of a checkpoint, of the
// recovery itself. After each one every acknowledged message is there, byte by byte, nothing that
// was acknowledged is undone, and what was not is there whole or not at all. On a disk that lies
// about its syncs that must fail, or this test is worth nothing.
//
//   test-power-loss [--cuts 10000] [--seed N]

#include "queue/pm-queue.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk-model.h"
#include "queue/pm-tracking.h"

#define MAX_STEPS 700
#define MAX_HERE 60

static int cuts = 200;
static int seed = 1;

typedef enum
{
  ASKED,   /* queued, not acknowledged: here, or not */
  HERE,    /* acknowledged */
  LEAVING, /* its outcome is not acknowledged */
  GONE,    /* its outcome is acknowledged */
} State;

typedef struct
{
  guint64 id;
  gsize size;
  State state;
  guint attempts; /* acknowledged */
  gboolean busy;
} Message;

typedef struct
{
  GRand *chance;
  PmClock *clock;
  PmQueue *queue;
  GHashTable *messages; /* id to Message: all but those that are known to be gone */
  guint outstanding;
  guint64 acknowledged;
  guint64 in_doubt_here;
  guint64 in_doubt_gone;
  GPtrArray *problems;
} Account;

typedef struct
{
  Account *account;
  Message *message;
  PmOutcomeKind kind;
} Request;

static void complain (Account *a, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
complain (Account *a, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (a->problems, g_strdup_vprintf (format, args));
  va_end (args);
}

static GBytes *
make_body (guint64 id, gsize size)
{
  g_autoptr (GRand) bytes = g_rand_new_with_seed ((guint32) id);
  guint32 *text = g_malloc0 (size + sizeof (guint32));

  for (gsize i = 0; i < size / sizeof (guint32) + 1; i++)
    text[i] = g_rand_int (bytes);
  return g_bytes_new_take (text, size);
}

static void
queued_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Request *request = data;
  gboolean ok = pm_queue_enqueue_finish (PM_QUEUE (source), result, NULL);

  request->account->outstanding--;
  disk_model_lock ();
  if (ok && !disk_model_is_cut ())
    {
      request->message->state = HERE;
      request->account->acknowledged++;
    }
  request->message->busy = FALSE;
  disk_model_unlock ();
}

static void
updated_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Request *request = data;
  gint64 next_try;
  gboolean ok = pm_queue_update_finish (PM_QUEUE (source), result, &next_try, NULL);

  request->account->outstanding--;
  disk_model_lock ();
  if (ok && !disk_model_is_cut ())
    {
      if (request->kind == PM_OUTCOME_DONE)
        request->message->state = GONE;
      else
        request->message->attempts++;
      request->account->acknowledged++;
    }
  request->message->busy = FALSE;
  disk_model_unlock ();
}

static Request *
request_new (Account *a, Message *message)
{
  Request *request = g_new0 (Request, 1);

  request->account = a;
  request->message = message;
  message->busy = TRUE;
  a->outstanding++;
  return request;
}

static void
enqueue (Account *a)
{
  static const gsize sizes[] = { 0, 300, 4000, 30000, 65536, 65537, 150000 };
  PmQueueMessage *queued;
  Message *message = g_new0 (Message, 1);
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) error = NULL;

  pm_clock_advance (a->clock, 1000);
  message->id = pm_queue_new_id (a->queue);
  message->size = sizes[g_rand_int_range (a->chance, 0, G_N_ELEMENTS (sizes))];
  body = make_body (message->id, message->size);
  queued = pm_queue_message_new (message->id, "a@example.com");
  queued->received = pm_clock_now (a->clock);
  queued->body = pm_queue_body_new_from_bytes (pm_queue_get_body_folder (a->queue),
                                               g_bytes_get_data (body, NULL), message->size,
                                               &error);
  g_assert_no_error (error);
  pm_queue_message_add_recipient (queued, "b@example.net")->next_try = 1;
  g_hash_table_insert (a->messages, &message->id, message);
  pm_queue_enqueue_async (a->queue, queued, queued_cb, request_new (a, message));
}

/* (nullable): any message that is known to be here */
static Message *
pick (Account *a)
{
  guint n = g_hash_table_size (a->messages);
  gint skip = n > 0 ? g_rand_int_range (a->chance, 0, (gint32) n) : 0;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, a->messages);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Message *message = value;

      if (skip-- <= 0 && message->state == HERE && !message->busy)
        return message;
    }
  return NULL;
}

static void
settle (Account *a, Message *message, PmOutcomeKind kind)
{
  g_autoptr (PmQueueMessage) queued = pm_queue_load (a->queue, message->id, NULL);
  PmQueueUpdate *update;
  Request *request;

  if (queued == NULL) // said by the check, or it comes after the cut
    return;
  update = pm_queue_update_new (message->id);
  pm_queue_update_add (update, g_ptr_array_index (queued->recipients, 0), kind, "451 later")
      ->next_try = 2;
  request = request_new (a, message);
  request->kind = kind;
  disk_model_lock ();
  if (kind == PM_OUTCOME_DONE && !disk_model_is_cut ())
    message->state = LEAVING;
  disk_model_unlock ();
  pm_queue_update_async (a->queue, update, updated_cb, request);
}

static void
work (Account *a, PmTracking *tracking)
{
  for (int round = 0; round < 40 && !disk_model_is_cut (); round++)
    {
      for (int n = g_rand_int_range (a->chance, 1, 7); n > 0; n--)
        {
          Message *message = pick (a);
          gboolean many = g_hash_table_size (a->messages) > MAX_HERE;
          PmTrackingEvent event = { .time = pm_clock_now (a->clock), .event = "deferred" };

          if (message == NULL || (!many && g_rand_boolean (a->chance)))
            enqueue (a);
          else
            settle (a, message,
                    many || g_rand_boolean (a->chance) ? PM_OUTCOME_DONE : PM_OUTCOME_DEFERRED);
          pm_tracking_add (tracking, &event);
        }
      if (g_rand_int_range (a->chance, 0, 10) == 0)
        pm_tracking_flush (tracking);
      while (a->outstanding > 0)
        g_main_context_iteration (NULL, TRUE);
    }
}

static void
check_message (Account *a, Message *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmQueueMessage) queued = pm_queue_load (a->queue, message->id, NULL);
  g_autoptr (GBytes) expected = make_body (message->id, message->size);
  g_autoptr (GBytes) body = NULL;
  const PmQueueRecipient *recipient;

  if (queued == NULL)
    {
      if (message->state == HERE)
        complain (a, "message %" G_GUINT64_FORMAT " of %" G_GSIZE_FORMAT " bytes is lost",
                  message->id, message->size);
      a->in_doubt_gone += message->state != HERE && message->state != GONE;
      message->state = GONE;
      return;
    }
  if (message->state == GONE)
    complain (a, "message %" G_GUINT64_FORMAT " has come back", message->id);
  a->in_doubt_here += message->state != HERE;
  message->state = HERE;
  body = pm_queue_open_body (a->queue, message->id, &error);
  if (body == NULL || !g_bytes_equal (body, expected))
    complain (a, "message %" G_GUINT64_FORMAT " of %" G_GSIZE_FORMAT " bytes is spoiled: %s",
              message->id, message->size, error != NULL ? error->message : "other bytes");
  recipient = queued->recipients->len == 1 ? g_ptr_array_index (queued->recipients, 0) : NULL;
  if (recipient == NULL || recipient->attempts < message->attempts)
    complain (a, "an outcome of message %" G_GUINT64_FORMAT " is undone", message->id);
  else
    message->attempts = recipient->attempts;
}

/* A file that was repaired or set aside was damaged. */
static void
check_folder (Account *a, const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (strstr (name, "damaged") != NULL || strcmp (name, "lost+found") == 0)
      complain (a, "there is %s", name);
}

static void
check (Account *a)
{
  GHashTableIter iter;
  gpointer value;
  guint64 here = 0;
  guint64 counted = 0;
  g_autoptr (GError) error = NULL;

  g_hash_table_iter_init (&iter, a->messages);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      check_message (a, value);
      if (((Message *) value)->state == GONE)
        g_hash_table_iter_remove (&iter);
      else
        here++;
    }
  if (!pm_queue_count (a->queue, -1, &counted, &error) || counted != here)
    complain (a, "%" G_GUINT64_FORMAT " messages are counted, %" G_GUINT64_FORMAT " are here",
              counted, here);
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
  g_remove (path);
}

/* One life of the queue, from a cut to the next. */
static void
live (Account *a, const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmTracking) tracking = NULL;

  a->queue = pm_queue_new (folder, a->clock, &error);
  if (a->queue == NULL)
    {
      complain (a, "the queue does not open: %s", error->message);
      return;
    }
  check (a);
  tracking = pm_tracking_new (folder, &error);
  if (tracking == NULL)
    complain (a, "tracking does not open: %s", error->message);
  else
    work (a, tracking);
  check_folder (a, folder);
}

static void
run (Account *a, int n, gboolean lies)
{
  g_autofree char *root = g_strdup ("/dev/shm/pm-power-XXXXXX");
  g_autofree char *folder = NULL;
  guint64 steps = 0;

  // No disk is needed under a model of one.
  if (g_mkdtemp_full (root, 0700) == NULL)
    {
      g_free (root);
      root = g_dir_make_tmp ("pm-power-XXXXXX", NULL);
    }
  folder = g_build_filename (root, "0", NULL);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  for (int i = 1; i <= n && a->problems->len == 0; i++)
    {
      g_autofree char *next = g_strdup_printf ("%s/%d", root, i);

      disk_model_begin (folder, a->chance,
                        (guint64) g_rand_int_range (a->chance, 1, MAX_STEPS), lies);
      live (a, folder);
      disk_model_cut ();
      if (a->queue != NULL)
        pm_queue_close (a->queue);
      g_clear_object (&a->queue);
      steps += disk_model_get_steps ();
      g_assert_cmpint (g_mkdir (next, 0700), ==, 0);
      disk_model_write (next);
      remove_tree (folder);
      g_free (folder);
      folder = g_steal_pointer (&next);
      if (i % 1000 == 0 || a->problems->len > 0)
        g_test_message ("%d cuts", i);
    }
  g_test_message ("%" G_GUINT64_FORMAT " steps, %" G_GUINT64_FORMAT " acknowledgements, not "
                  "acknowledged: %" G_GUINT64_FORMAT " here, %" G_GUINT64_FORMAT " not",
                  steps, a->acknowledged, a->in_doubt_here, a->in_doubt_gone);
  for (guint i = 0; i < a->problems->len && i < 10; i++)
    g_test_message ("%s", (char *) g_ptr_array_index (a->problems, i));
  remove_tree (root);
}

static void
free_message (gpointer data)
{
  g_free (data);
}

static void
test_cuts (gconstpointer data)
{
  gboolean lies = GPOINTER_TO_INT (data);
  Account a = { .chance = g_rand_new_with_seed ((guint32) seed) };

  if (lies) // what is found damaged then is warned of
    g_log_set_always_fatal (G_LOG_FATAL_MASK);
  a.clock = pm_clock_new_manual (1000000000);
  a.messages = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, free_message);
  a.problems = g_ptr_array_new_with_free_func (g_free);
  run (&a, lies ? 50 : cuts, lies);
  if (lies)
    g_assert_cmpuint (a.problems->len, >, 0);
  else
    {
      g_assert_cmpuint (a.problems->len, ==, 0);
      g_assert_cmpuint (a.acknowledged, >, (guint) cuts);
    }
  g_hash_table_unref (a.messages);
  g_ptr_array_unref (a.problems);
  g_object_unref (a.clock);
  g_rand_free (a.chance);
}

int
main (int argc, char *argv[])
{
  const GOptionEntry entries[] = {
    { "cuts", 0, 0, G_OPTION_ARG_INT, &cuts, "How many", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT, &seed, "Of chance", "N" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_test_init (&argc, &argv, NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_error ("%s", error->message);
  g_test_add_data_func ("/power-loss/cuts", GINT_TO_POINTER (FALSE), test_cuts);
  g_test_add_data_func ("/power-loss/control", GINT_TO_POINTER (TRUE), test_cuts);
  return g_test_run ();
}
