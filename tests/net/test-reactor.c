// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The reactor's timers, watches and calls, and the worker around it.

#include <unistd.h>

#include "net/pm-worker.h"

typedef struct
{
  PmTimer timer;
  GArray *order;
  int name;
} Alarm;

static void
alarm_cb (gpointer user_data)
{
  Alarm *alarm = user_data;

  g_array_append_val (alarm->order, alarm->name);
}

static void
iterate_until (guint *value, guint wanted)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  while (*value < wanted)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_main_context_iteration (NULL, TRUE);
    }
}

static void
test_timer_order (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmReactor) reactor = pm_reactor_new (NULL, &error);
  g_autoptr (GArray) order = g_array_new (FALSE, FALSE, sizeof (int));
  g_autofree Alarm *alarms = g_new0 (Alarm, 1000);
  gint64 now = g_get_monotonic_time ();

  g_assert_no_error (error);
  for (int i = 0; i < 1000; i++)
    {
      int name = (i * 7919) % 1000; // every number once, in disorder

      alarms[i] = (Alarm){ .order = order, .name = name };
      pm_timer_init (&alarms[i].timer, reactor, alarm_cb, &alarms[i]);
      pm_timer_set (&alarms[i].timer, now + name * 10);
    }
  // Every third is taken away, every fifth of the others moved to the end, and back.
  for (int i = 0; i < 1000; i++)
    {
      if (alarms[i].name % 3 == 0)
        pm_timer_clear (&alarms[i].timer);
      else if (alarms[i].name % 5 == 0)
        pm_timer_set (&alarms[i].timer, now + 20000 + alarms[i].name * 10);
      else if (alarms[i].name % 7 == 0)
        {
          pm_timer_set (&alarms[i].timer, now + G_TIME_SPAN_HOUR);
          pm_timer_set (&alarms[i].timer, now + alarms[i].name * 10);
        }
    }
  iterate_until (&order->len, 666);

  g_assert_cmpuint (order->len, ==, 666);
  for (guint i = 1; i < order->len; i++)
    {
      int before = g_array_index (order, int, i - 1);
      int after = g_array_index (order, int, i);

      g_assert_cmpint (before % 5 == 0 ? before + 2000 : before, <,
                       after % 5 == 0 ? after + 2000 : after);
    }
  for (int i = 0; i < 1000; i++)
    g_assert_false (pm_timer_is_set (&alarms[i].timer));
}

typedef struct
{
  PmTimer timer;
  guint fired;
} Repeat;

static void
repeat_cb (gpointer user_data)
{
  Repeat *repeat = user_data;

  if (++repeat->fired < 3)
    pm_timer_set_after (&repeat->timer, 1000);
}

static void
test_timer_again (void)
{
  g_autoptr (PmReactor) reactor = pm_reactor_new (NULL, NULL);
  Repeat repeat = { 0 };
  gint64 begin = g_get_monotonic_time ();

  pm_timer_init (&repeat.timer, reactor, repeat_cb, &repeat);
  pm_timer_set_after (&repeat.timer, 1000);
  iterate_until (&repeat.fired, 3);
  g_assert_cmpint (g_get_monotonic_time () - begin, >=, 3000);
  g_assert_false (pm_timer_is_set (&repeat.timer));
}

typedef struct
{
  int fds[2];
  PmWatch *watches[2];
  guint called;
} Pair;

// Frees both watches: the other one, ready in the same round, must not be called any more.
static void
free_both_cb (PmReady ready, gpointer user_data)
{
  Pair *pair = user_data;

  pair->called++;
  g_clear_pointer (&pair->watches[0], pm_watch_free);
  g_clear_pointer (&pair->watches[1], pm_watch_free);
}

static void
test_watch_freed_in_round (void)
{
  g_autoptr (PmReactor) reactor = pm_reactor_new (NULL, NULL);
  Pair pair = { 0 };

  g_assert_cmpint (pipe (pair.fds), ==, 0);
  for (int i = 0; i < 2; i++)
    {
      int fd = dup (pair.fds[0]);

      pair.watches[i] = pm_watch_new (reactor, fd, PM_READY_READ, FALSE, free_both_cb, &pair);
    }
  g_assert_cmpint (write (pair.fds[1], "x", 1), ==, 1);
  iterate_until (&pair.called, 1);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (pair.called, ==, 1);
}

typedef struct
{
  PmWorker *worker;
  GArray *numbers;
  int number;
  gboolean in_worker;
} Note;

static void
note_cb (gpointer user_data)
{
  Note *note = user_data;

  g_assert_true (pm_worker_is_current (note->worker));
  g_array_append_val (note->numbers, note->number);
}

static void
test_invoke (void)
{
  g_autoptr (GError) error = NULL;
  PmWorker *worker = pm_worker_new ("test", &error);
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (int));
  g_autofree Note *notes = g_new0 (Note, 10000);

  g_assert_no_error (error);
  g_assert_false (pm_worker_is_current (worker));
  for (int i = 0; i < 10000; i++)
    {
      notes[i] = (Note){ .worker = worker, .numbers = numbers, .number = i };
      if (i == 5000)
        pm_worker_call (worker, note_cb, &notes[i]);
      else
        pm_worker_invoke (worker, note_cb, &notes[i]);
      if (i == 5000)
        g_assert_cmpuint (numbers->len, ==, 5001);
    }
  pm_worker_free (worker); // what was invoked has run
  g_assert_cmpuint (numbers->len, ==, 10000);
  for (int i = 0; i < 10000; i++)
    g_assert_cmpint (g_array_index (numbers, int, i), ==, i);
}

typedef struct
{
  PmWorker *worker;
  int *count;
} Source;

static void
count_cb (gpointer user_data)
{
  ++*(int *) user_data;
}

static gpointer
source_thread (gpointer user_data)
{
  Source *source = user_data;

  for (int i = 0; i < 5000; i++)
    pm_worker_invoke (source->worker, count_cb, source->count);
  return NULL;
}

static void
test_invoke_from_many (void)
{
  PmWorker *worker = pm_worker_new ("test", NULL);
  int count = 0;
  Source source = { worker, &count };
  GThread *threads[4];

  for (int i = 0; i < 4; i++)
    threads[i] = g_thread_new ("source", source_thread, &source);
  for (int i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  pm_worker_free (worker);
  g_assert_cmpint (count, ==, 20000);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/reactor/timer-order", test_timer_order);
  g_test_add_func ("/net/reactor/timer-again", test_timer_again);
  g_test_add_func ("/net/reactor/watch-freed-in-round", test_watch_freed_in_round);
  g_test_add_func ("/net/reactor/invoke", test_invoke);
  g_test_add_func ("/net/reactor/invoke-from-many", test_invoke_from_many);
  return g_test_run ();
}
