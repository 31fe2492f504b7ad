// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What people do to the queue: each verb by numbers and by filter, lists and summaries, and a
// thousand random steps after each of which the queue must be what a plain model says.

#include "queue/pm-queue.h"

#include <glib/gstdio.h>
#include <string.h>

#define START ((gint64) 1000000000 * G_USEC_PER_SEC)
#define HOUR (3600 * (gint64) G_USEC_PER_SEC)

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
close_queue (Fixture *f)
{
  pm_queue_close (f->queue);
  g_clear_object (&f->queue);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("pm-queue-XXXXXX", NULL);
  f->clock = pm_clock_new_manual (START);
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
  close_queue (f);
  g_clear_object (&f->clock);
  remove_tree (f->folder);
  g_free (f->folder);
}

static void
result_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static guint64
enqueue (Fixture *f, const char *sender, const char *const *recipients)
{
  PmQueueMessage *message = pm_queue_message_new (pm_queue_new_id (f->queue), sender);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint64 id = message->id;

  message->body = pm_queue_body_new_from_bytes (pm_queue_get_body_folder (f->queue), "x", 1, NULL);
  message->received = pm_clock_now (f->clock);
  for (guint i = 0; recipients[i] != NULL; i++)
    {
      PmQueueRecipient *recipient = pm_queue_message_add_recipient (message, recipients[i]);

      g_free (recipient->destination);
      recipient->destination = g_strdup (strchr (recipients[i], '@') + 1);
      recipient->next_try = message->received;
      if (g_str_equal (recipient->destination, "here.example"))
        recipient->agent = PM_QUEUE_MAILBOX;
    }
  pm_queue_enqueue_async (f->queue, message, result_cb, &result);
  g_assert_true (pm_queue_enqueue_finish (f->queue, wait_for (&result), &error));
  g_assert_no_error (error);
  return id;
}

static gint64
settle (Fixture *f, PmQueueUpdate *update)
{
  g_autoptr (GAsyncResult) result = NULL;
  gint64 next_try;

  pm_queue_update_async (f->queue, update, result_cb, &result);
  g_assert_true (pm_queue_update_finish (f->queue, wait_for (&result), &next_try, NULL));
  return next_try;
}

/* Every recipient of the message is tried later. */
static void
defer (Fixture *f, guint64 id, const char *reply, gint64 next_try)
{
  g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, id, NULL);
  PmQueueUpdate *update = pm_queue_update_new (id);

  for (guint i = 0; i < message->recipients->len; i++)
    pm_queue_update_add (update, g_ptr_array_index (message->recipients, i), PM_OUTCOME_DEFERRED,
                         reply)
        ->next_try = next_try;
  settle (f, update);
}

static guint
change (Fixture *f, const PmQueueChange *what, guint64 id)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint count;

  pm_queue_change_async (f->queue, what, &id, 1, NULL, NULL, NULL, result_cb, &result);
  g_assert_true (pm_queue_change_finish (f->queue, wait_for (&result), &count, &error));
  g_assert_no_error (error);
  return count;
}

static guint
change_all (Fixture *f, const PmQueueChange *what, const PmQueueFilter *filter)
{
  g_autoptr (GAsyncResult) result = NULL;
  guint count;

  pm_queue_change_all_async (f->queue, what, filter, NULL, NULL, NULL, result_cb, &result);
  g_assert_true (pm_queue_change_finish (f->queue, wait_for (&result), &count, NULL));
  return count;
}

static guint
count_fitting (Fixture *f, const PmQueueFilter *filter)
{
  guint64 after = 0;
  guint n = 0;

  do
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GArray) ids = pm_queue_select (f->queue, filter, after, 2, &after, &error);

      g_assert_no_error (error);
      n += ids->len;
    }
  while (after != 0);
  return n;
}

static void
test_filter (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *name;
    PmQueueFilter filter;
    guint fitting;
  } cases[] = {
    { "all", { .agent = -1, .state = -1 }, 5 },
    { "agent-mailbox", { .agent = PM_QUEUE_MAILBOX, .state = -1 }, 2 },
    { "agent-remote", { .agent = PM_QUEUE_REMOTE, .state = -1 }, 4 },
    { "fresh", { .agent = -1, .state = PM_QUEUE_STATE_FRESH }, 3 },
    { "deferred", { .agent = -1, .state = PM_QUEUE_STATE_DEFERRED }, 1 },
    { "held", { .agent = -1, .state = PM_QUEUE_STATE_HELD }, 1 },
    { "sender", { .agent = -1, .state = -1, .sender = "ANNA@a.example" }, 2 },
    { "sender-glob", { .agent = -1, .state = -1, .sender = "*@?.example" }, 4 },
    { "sender-brackets", { .agent = -1, .state = -1, .sender = "[ab]*" }, 0 },
    { "null-sender", { .agent = -1, .state = -1, .sender = "<>" }, 1 },
    { "sender-domain", { .agent = -1, .state = -1, .sender_domain = "B.example" }, 2 },
    { "recipient", { .agent = -1, .state = -1, .recipient = "x@*" }, 4 },
    { "recipient-domain", { .agent = -1, .state = -1, .recipient_domain = "here.example" }, 2 },
    { "destination", { .agent = -1, .state = -1, .destination = "far.example" }, 3 },
    { "reply", { .agent = -1, .state = -1, .reply = "mailbox FULL" }, 1 },
    { "after", { .agent = -1, .state = -1, .received_after = START + 2 * HOUR }, 3 },
    { "before", { .agent = -1, .state = -1, .received_before = START + 2 * HOUR }, 2 },
    { "two",
      { .agent = PM_QUEUE_REMOTE,
        .state = PM_QUEUE_STATE_FRESH,
        .sender_domain = "b.example",
        .destination = "far.example" },
      1 },
    { "held-of",
      { .agent = -1, .state = PM_QUEUE_STATE_HELD, .destination = "far.example" },
      0 },
    { "sql", { .agent = -1, .state = -1, .sender = "' OR 1 --", .reply = "'" }, 0 },
  };
  static const char *const far[] = { "x@far.example", NULL };
  static const char *const here[] = { "x@here.example", NULL };
  static const char *const both[] = { "x@far.example", "y@here.example", "z@far.example", NULL };
  static const char *const near[] = { "n@near.example", NULL };
  PmQueueChange hold = { .verb = PM_QUEUE_HOLD };
  guint64 id;

  id = enqueue (f, "anna@a.example", far);
  defer (f, id, "452 4.2.2 Mailbox full", START + HOUR);
  pm_clock_advance (f->clock, HOUR);
  enqueue (f, "anna@a.example", here);
  pm_clock_advance (f->clock, HOUR);
  enqueue (f, "bob@b.example", both);
  enqueue (f, "bob@b.example", near);
  change (f, &hold, id + HOUR * 2 + 1);
  id = enqueue (f, "", far);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].name);
      g_assert_cmpuint (count_fitting (f, &cases[i].filter), ==, cases[i].fitting);
    }
}

static void
test_summary (Fixture *f, gconstpointer data)
{
  static const char *const far[] = { "x@far.example", "y@far.example", NULL };
  static const char *const near[] = { "n@near.example", NULL };
  g_autoptr (GPtrArray) summary = NULL;
  PmQueueSummary *first;

  enqueue (f, "a@a.example", far);
  pm_clock_advance (f->clock, 5 * HOUR);
  enqueue (f, "a@a.example", far);
  enqueue (f, "a@a.example", near);

  summary = pm_queue_summarize (f->queue, 10, NULL);
  g_assert_cmpuint (summary->len, ==, 2);
  first = g_ptr_array_index (summary, 0);
  g_assert_cmpstr (first->destination, ==, "far.example");
  g_assert_cmpuint (first->recipients, ==, 4);
  g_assert_cmpint (first->oldest, ==, START);
  g_assert_cmpuint (first->ages[0], ==, 2);
  g_assert_cmpuint (first->ages[2], ==, 2);
  g_assert_cmpuint (first->ages[1] + first->ages[3], ==, 0);
}

static void
progress_cb (guint count, gpointer data)
{
  GArray *seen = data;

  g_array_append_val (seen, count);
}

static void
cancel_cb (guint count, gpointer data)
{
  g_cancellable_cancel (data);
}

/* Thousands go in pages: it says how far it is, others' mail gets in between, it can be stopped. */
static void
test_pages (Fixture *f, gconstpointer data)
{
  static const char *const far[] = { "x@far.example", NULL };
  g_autoptr (GArray) seen = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) stopped = NULL;
  g_autoptr (GError) error = NULL;
  PmQueueChange hold = { .verb = PM_QUEUE_HOLD };
  PmQueueChange release = { .verb = PM_QUEUE_RELEASE };
  PmQueueFilter all = PM_QUEUE_FILTER_ALL;
  guint64 states[PM_QUEUE_N_STATES];
  guint count;

  for (guint i = 0; i < 1800; i++)
    enqueue (f, "a@a.example", far);

  pm_queue_change_all_async (f->queue, &hold, &all, NULL, progress_cb, seen, result_cb, &result);
  enqueue (f, "late@a.example", far);
  g_assert_true (pm_queue_change_finish (f->queue, wait_for (&result), &count, NULL));
  g_assert_cmpuint (count, ==, 1800);
  g_assert_cmpuint (seen->len, >=, 3);
  g_assert_cmpuint (g_array_index (seen, guint, 0), <=, 500);
  g_assert_true (pm_queue_count_states (f->queue, states, NULL));
  g_assert_cmpuint (states[PM_QUEUE_STATE_HELD], ==, 1800);
  g_assert_cmpuint (states[PM_QUEUE_STATE_FRESH], ==, 1);

  pm_queue_change_all_async (f->queue, &release, &all, cancellable, cancel_cb, cancellable,
                             result_cb, &stopped);
  g_assert_false (pm_queue_change_finish (f->queue, wait_for (&stopped), &count, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (count, <, 1800);
  g_assert_true (pm_queue_count_states (f->queue, states, NULL));
  g_assert_cmpuint (states[PM_QUEUE_STATE_HELD], ==, 1800 - count);
}

/* What the queue must be: the plainest thing that could be right. */
typedef struct
{
  guint64 id;
  guint waiting; /* recipients, from number .gone + 1 on */
  guint gone;
  gboolean held;
  gboolean deferred;
  int priority;
  gint64 next_try;
  char redirect[16];
} Model;

static gint64
model_next (const Model *m)
{
  return m->held ? PM_QUEUE_HELD_TIME : m->next_try;
}

static void
compare (Fixture *f, GArray *model)
{
  guint64 states[PM_QUEUE_N_STATES] = { 0 };
  guint64 got[PM_QUEUE_N_STATES];
  g_autoptr (GArray) ids = pm_queue_list_ids (f->queue, 0, G_MAXUINT, NULL);

  g_assert_cmpuint (ids->len, ==, model->len);
  g_assert_cmpuint (pm_queue_get_size (f->queue), ==, model->len);
  for (guint i = 0; i < model->len; i++)
    {
      const Model *m = &g_array_index (model, Model, i);
      g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, m->id, NULL);
      PmQueueRecipient *first = g_ptr_array_index (message->recipients, 0);

      states[m->held       ? PM_QUEUE_STATE_HELD
             : m->deferred ? PM_QUEUE_STATE_DEFERRED
                           : PM_QUEUE_STATE_FRESH]++;
      g_assert_cmpuint (g_array_index (ids, guint64, i), ==, m->id);
      g_assert_cmpuint (message->recipients->len, ==, m->waiting);
      g_assert_cmpint (message->held, ==, m->held);
      g_assert_cmpint (message->priority, ==, m->priority);
      g_assert_cmpint (pm_queue_message_next_try (message), ==, model_next (m));
      g_assert_cmpint (first->id, ==, m->gone + 1);
      g_assert_cmpstr (first->redirect, ==, m->redirect);
    }
  g_assert_true (pm_queue_count_states (f->queue, got, NULL));
  for (guint i = 0; i < PM_QUEUE_N_STATES; i++)
    g_assert_cmpuint (got[i], ==, states[i]);
}

static void
attempt (Fixture *f, GArray *model, guint which)
{
  Model *m = &g_array_index (model, Model, which);
  g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, m->id, NULL);
  PmQueueUpdate *update = pm_queue_update_new (m->id);
  guint done = (guint) g_test_rand_int_range (0, (int) m->waiting + 1);
  gint64 next_try = pm_clock_now (f->clock) + g_test_rand_int_range (1, 1000000);

  for (guint i = 0; i < m->waiting; i++)
    pm_queue_update_add (update, g_ptr_array_index (message->recipients, i),
                         i < done ? PM_OUTCOME_DONE : PM_OUTCOME_DEFERRED, "")
        ->next_try = next_try;
  m->waiting -= done;
  m->gone += done;
  m->deferred = TRUE;
  m->next_try = next_try;
  g_assert_cmpint (settle (f, update), ==, m->waiting == 0 ? G_MAXINT64 : model_next (m));
  if (m->waiting == 0)
    g_array_remove_index (model, which);
}

static void
take_step (Fixture *f, GArray *model)
{
  static const char *const recipients[] = { "a@x.example", "b@y.example", "c@here.example", NULL };
  PmQueueChange what = { .redirect = g_test_rand_bit () ? "" : "192.0.2.1:25",
                         .priority = g_test_rand_int_range (-9, 10) };
  guint which = model->len == 0 ? 0 : (guint) g_test_rand_int_range (0, (int) model->len);
  Model *m = model->len == 0 ? NULL : &g_array_index (model, Model, which);
  int step = model->len == 0 ? 0 : g_test_rand_int_range (0, 10);
  gint64 now = pm_clock_now (f->clock);
  guint expected = 1;

  if (step < 3)
    {
      int skip = g_test_rand_int_range (0, 3);
      Model new = { .id = enqueue (f, "s@example.com", recipients + skip),
                    .waiting = 3 - (guint) skip,
                    .next_try = now };

      g_array_append_val (model, new);
      return;
    }
  if (step < 5)
    {
      attempt (f, model, which);
      return;
    }
  what.verb = (PmQueueVerb) g_test_rand_int_range (PM_QUEUE_HOLD, PM_QUEUE_SET_PRIORITY + 1);
  if (what.verb == PM_QUEUE_HOLD || what.verb == PM_QUEUE_RELEASE)
    {
      expected = m->held != (what.verb == PM_QUEUE_HOLD);
      m->held = what.verb == PM_QUEUE_HOLD;
    }
  else if (what.verb == PM_QUEUE_SET_PRIORITY)
    m->priority = what.priority;
  else if (what.verb != PM_QUEUE_DELETE)
    m->next_try = MIN (m->next_try, now);
  if (what.verb == PM_QUEUE_REDIRECT)
    g_strlcpy (m->redirect, what.redirect, sizeof m->redirect);
  g_assert_cmpuint (change (f, &what, m->id), ==, expected);
  if (what.verb == PM_QUEUE_DELETE)
    g_array_remove_index (model, which);
}

static void
test_model (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) model = g_array_new (FALSE, FALSE, sizeof (Model));
  PmQueueChange delete = { .verb = PM_QUEUE_DELETE };
  PmQueueFilter all = PM_QUEUE_FILTER_ALL;

  for (guint i = 1; i <= 1000; i++)
    {
      take_step (f, model);
      pm_clock_advance (f->clock, 1000);
      if (i % 20 == 0)
        compare (f, model);
      if (i % 250 == 0)
        {
          close_queue (f);
          open_queue (f);
          compare (f, model);
        }
    }
  g_assert_cmpuint (change_all (f, &delete, &all), ==, model->len);
  g_assert_cmpuint (pm_queue_get_size (f->queue), ==, 0);
}

/* A small one comes from memory, a large one in pieces, also when it leaves meanwhile. */
static void
test_export (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = { 10, 3000000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *bytes = g_malloc (sizes[i]);
      PmQueueMessage *message = pm_queue_message_new (pm_queue_new_id (f->queue), "");
      PmQueueChange delete = { .verb = PM_QUEUE_DELETE };
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GInputStream) stream = NULL;
      g_autofree char *got = g_malloc (sizes[i] + 1);
      g_autoptr (GError) error = NULL;
      guint64 id = message->id;
      gsize read;

      memset (bytes, 'm', sizes[i]);
      message->body = pm_queue_body_new_from_bytes (pm_queue_get_body_folder (f->queue), bytes,
                                                    sizes[i], NULL);
      pm_queue_message_add_recipient (message, "a@example.com");
      pm_queue_enqueue_async (f->queue, message, result_cb, &result);
      g_assert_true (pm_queue_enqueue_finish (f->queue, wait_for (&result), NULL));

      stream = pm_queue_export (f->queue, id, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (change (f, &delete, id), ==, 1);
      g_assert_true (g_input_stream_read_all (stream, got, sizes[i] + 1, &read, NULL, NULL));
      g_assert_cmpmem (got, read, bytes, sizes[i]);
      g_assert_null (pm_queue_export (f->queue, id, &error));
      g_assert_nonnull (error);
    }
}

/* What the status says of durability is counted. */
static void
test_durability (Fixture *f, gconstpointer data)
{
  static const char *const far[] = { "x@far.example", NULL };
  g_auto (PmQueueDurability) before = { 0 };
  g_auto (PmQueueDurability) after = { 0 };

  enqueue (f, "a@a.example", far);
  pm_queue_get_durability (f->queue, &before);
  enqueue (f, "a@a.example", far);
  pm_queue_get_durability (f->queue, &after);
  g_assert_cmpuint (after.commits - before.commits, ==, 1);
  g_assert_cmpuint (after.syncs - before.syncs, ==, 1);
  g_assert_cmpuint (after.commit_time, >, 0);
  g_assert_cmpuint (after.largest_batch, >=, 1);
  g_assert_cmpstr (after.file_system, !=, "unknown");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/queue-changes/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("filter", test_filter);
  ADD ("summary", test_summary);
  ADD ("pages", test_pages);
  ADD ("export", test_export);
  ADD ("durability", test_durability);
  ADD ("model", test_model);
  return g_test_run ();
}
