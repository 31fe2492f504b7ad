// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "queue/pm-scheduler.h"

#define MINUTE (60 * (gint64) G_USEC_PER_SEC)

static void
test_order (void)
{
  g_autoptr (PmScheduler) scheduler = pm_scheduler_new (10);
  guint64 message;

  pm_scheduler_load (scheduler, NULL, 0, 10);
  g_assert_cmpint (pm_scheduler_next (scheduler), ==, G_MAXINT64);

  pm_scheduler_add (scheduler, 1, 300);
  pm_scheduler_add (scheduler, 2, 100);
  pm_scheduler_add (scheduler, 3, 200);
  pm_scheduler_add (scheduler, 3, 50);
  pm_scheduler_remove (scheduler, 99);
  g_assert_cmpuint (pm_scheduler_count (scheduler), ==, 3);
  g_assert_cmpint (pm_scheduler_next (scheduler), ==, 50);

  g_assert_false (pm_scheduler_pop (scheduler, 49, &message));
  g_assert_true (pm_scheduler_pop (scheduler, 100, &message));
  g_assert_cmpuint (message, ==, 3);
  g_assert_true (pm_scheduler_pop (scheduler, 100, &message));
  g_assert_cmpuint (message, ==, 2);
  g_assert_false (pm_scheduler_pop (scheduler, 100, &message));
  pm_scheduler_remove (scheduler, 1);
  g_assert_cmpint (pm_scheduler_next (scheduler), ==, G_MAXINT64);
}

/* 100 messages on disk, a scheduler that holds 8: all come out, in order. */
static void
test_ceiling (void)
{
  g_autoptr (PmScheduler) scheduler = pm_scheduler_new (8);
  g_autoptr (GArray) disk = g_array_new (FALSE, FALSE, sizeof (PmDue));
  guint64 expected = 1;
  PmDue after;

  for (guint64 i = 1; i <= 100; i++)
    {
      PmDue due = { (gint64) (i / 3), i };

      g_array_append_val (disk, due);
    }

  while (pm_scheduler_wants_load (scheduler, 1000, &after))
    {
      guint64 message;
      guint from = 0;

      while (from < disk->len && (g_array_index (disk, PmDue, from).time < after.time ||
                                  (g_array_index (disk, PmDue, from).time == after.time &&
                                   g_array_index (disk, PmDue, from).message <= after.message)))
        from++;
      pm_scheduler_load (scheduler, &g_array_index (disk, PmDue, from), MIN (5, disk->len - from),
                         5);
      g_assert_cmpuint (pm_scheduler_count (scheduler), <=, 8);
      while (pm_scheduler_pop (scheduler, 1000, &message))
        g_assert_cmpuint (message, ==, expected++);
    }
  g_assert_cmpuint (expected, ==, 101);
}

static void
test_overflow (void)
{
  g_autoptr (PmScheduler) scheduler = pm_scheduler_new (3);
  guint64 message;
  PmDue after;

  pm_scheduler_load (scheduler, NULL, 0, 3);
  for (guint64 i = 1; i <= 5; i++)
    pm_scheduler_add (scheduler, i, (gint64) i * 10);
  g_assert_cmpuint (pm_scheduler_count (scheduler), ==, 3);

  // Earlier than the horizon goes in, and pushes the latest out.
  pm_scheduler_add (scheduler, 6, 5);
  g_assert_cmpuint (pm_scheduler_count (scheduler), ==, 3);
  g_assert_false (pm_scheduler_wants_load (scheduler, 1000, &after));
  for (guint i = 0; i < 3; i++)
    g_assert_true (pm_scheduler_pop (scheduler, 1000, &message));
  g_assert_cmpuint (message, ==, 2);

  g_assert_false (pm_scheduler_wants_load (scheduler, 29, &after));
  g_assert_cmpint (pm_scheduler_next (scheduler), ==, 30);
  g_assert_true (pm_scheduler_wants_load (scheduler, 30, &after));
  g_assert_cmpint (after.time, ==, 30);
  g_assert_cmpuint (after.message, ==, 2);

  pm_scheduler_restart (scheduler);
  g_assert_true (pm_scheduler_wants_load (scheduler, 0, &after));
}

static void
test_retry_times (void)
{
  static const guint intervals[] = { 900, 1800, 3600 };
  const gint64 expires = 5000 * MINUTE;
  struct
  {
    const char *name;
    guint attempts;
    gint64 now;
    gint64 expected;
  } cases[] = {
    { "first", 1, 0, 15 * MINUTE },
    { "second", 2, 20 * MINUTE, 50 * MINUTE },
    { "third", 3, 0, 60 * MINUTE },
    { "the last repeats", 9, 10 * MINUTE, 70 * MINUTE },
    { "none counted", 0, 0, 15 * MINUTE },
    { "the last attempt is when it expires", 9, 4990 * MINUTE, 5000 * MINUTE },
    { "expired", 9, 5000 * MINUTE, G_MAXINT64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].name);
      g_assert_cmpint (pm_scheduler_retry_time (intervals, 3, cases[i].attempts, cases[i].now,
                                                expires),
                       ==, cases[i].expected);
    }
}

static guint64
pop (PmScheduler *scheduler)
{
  PmDue due;

  return pm_scheduler_pop_due (scheduler, 1000000, &due) ? due.message : 0;
}

/* A flood for one destination: another's message is next but one, an urgent one is next. */
static void
test_fair (void)
{
  g_autoptr (PmScheduler) scheduler = pm_scheduler_new (1000);
  g_autoptr (GArray) page = g_array_new (FALSE, FALSE, sizeof (PmDue));
  PmDue other = { .time = 500000, .message = 500001, .lane = 8, .rank = 1 };
  PmDue slow = { .time = 1, .message = 600000, .lane = 9, .rank = 2 };
  PmDue urgent = { .time = 900000, .message = 700000, .lane = 7, .rank = 0 };

  for (guint i = 1; i <= 1000; i++)
    {
      PmDue due = { .time = i, .message = i, .lane = 7, .rank = 1 };

      g_array_append_val (page, due);
    }
  pm_scheduler_load (scheduler, (const PmDue *) (gpointer) page->data, 1000, 1000);
  g_assert_cmpuint (pop (scheduler), ==, 1);
  pm_scheduler_add_due (scheduler, &other);
  pm_scheduler_add_due (scheduler, &slow);
  pm_scheduler_add_due (scheduler, &urgent);
  g_assert_cmpuint (pop (scheduler), ==, 2);
  g_assert_cmpuint (pop (scheduler), ==, 500001);
  g_assert_cmpuint (pop (scheduler), ==, 3);
  for (guint i = 4; i <= 1000; i++)
    g_assert_cmpuint (pop (scheduler), ==, i);
  g_assert_cmpuint (pop (scheduler), ==, 600000);
  g_assert_cmpuint (pop (scheduler), ==, 0);
}

/* However many come beyond the horizon: memory stays below the ceiling and a tenth. */
static void
test_extra_ceiling (void)
{
  g_autoptr (PmScheduler) scheduler = pm_scheduler_new (1000);
  g_autoptr (GArray) page = g_array_new (FALSE, FALSE, sizeof (PmDue));
  guint got = 0;

  for (guint i = 1; i <= 1000; i++)
    {
      PmDue due = { .time = i, .message = i, .lane = 7, .rank = 1 };

      g_array_append_val (page, due);
    }
  pm_scheduler_load (scheduler, (const PmDue *) (gpointer) page->data, 1000, 1000);
  for (guint i = 0; i < 5000; i++)
    {
      PmDue due = { .time = 2000 + i, .message = 2000 + i, .lane = 100 + i % 500, .rank = 1 };

      pm_scheduler_add_due (scheduler, &due);
      g_assert_cmpuint (pm_scheduler_count (scheduler), <=, 1100);
    }
  g_assert_cmpuint (pm_scheduler_count (scheduler), ==, 1100);
  while (pop (scheduler) != 0)
    got++;
  g_assert_cmpuint (got, ==, 1100);
  g_assert_cmpuint (pm_scheduler_count (scheduler), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scheduler/order", test_order);
  g_test_add_func ("/scheduler/ceiling", test_ceiling);
  g_test_add_func ("/scheduler/overflow", test_overflow);
  g_test_add_func ("/scheduler/retry-times", test_retry_times);
  g_test_add_func ("/scheduler/fair", test_fair);
  g_test_add_func ("/scheduler/extra-ceiling", test_extra_ceiling);
  return g_test_run ();
}
