// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The clock: the machine's, or one that stands still until it is moved.

#include "base/pm-clock.h"

static void
test_system (void)
{
  g_autoptr (PmClock) clock = pm_clock_new_system ();
  gint64 before = g_get_real_time ();
  gint64 now = pm_clock_now (clock);

  g_assert_cmpint (now, >=, before);
  g_assert_cmpint (now, <=, g_get_real_time ());
}

static void
test_manual (void)
{
  g_autoptr (PmClock) clock = pm_clock_new_manual (1000);

  g_assert_cmpint (pm_clock_now (clock), ==, 1000);
  g_assert_cmpint (pm_clock_now (clock), ==, 1000);
  pm_clock_advance (clock, 24 * G_TIME_SPAN_HOUR);
  g_assert_cmpint (pm_clock_now (clock), ==, 1000 + 24 * G_TIME_SPAN_HOUR);
}

static gpointer
advance_thread (gpointer data)
{
  for (guint i = 0; i < 10000; i++)
    pm_clock_advance (data, 1);
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (PmClock) clock = pm_clock_new_manual (0);
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("advance", advance_thread, clock);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (pm_clock_now (clock), ==, 40000);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock/system", test_system);
  g_test_add_func ("/clock/manual", test_manual);
  g_test_add_func ("/clock/threads", test_threads);
  return g_test_run ();
}
