// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-parking.h"

static void
nothing_cb (gpointer data)
{
}

typedef struct
{
  PmReactor *reactor;
  PmLimiterHolder holder;
  PmLimiter *limiter;
  PmParking *parking;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->reactor = pm_reactor_new (NULL, NULL);
  f->holder.reactor = f->reactor;
  f->limiter = pm_limiter_new ();
  f->parking = pm_parking_new (10000);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  pm_parking_free (f->parking);
  pm_reactor_free (f->reactor);
  pm_limiter_free (f->limiter);
}

/* Everybody who can comes to stand in line; returns how many that were. */
static guint
crowd (Fixture *f, const char *destination)
{
  guint n = 0;

  while (pm_limiter_acquire (f->limiter, destination, &f->holder, nothing_cb, NULL) !=
         PM_LIMITER_FULL)
    n++;
  return n;
}

static void
test_order_and_room (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) taken = g_array_new (FALSE, FALSE, sizeof (guint64));

  pm_limiter_set_limits (f->limiter, 100, 2);
  g_assert_cmpuint (crowd (f, "dead"), ==, 2 + 2 * PM_LIMITER_WAITING_PER_PLACE);
  g_assert_cmpuint (pm_limiter_get_room (f->limiter, "dead"), ==, 0);
  for (guint64 i = 1; i <= 10; i++)
    g_assert_true (pm_parking_add (f->parking, "dead", i));
  g_assert_false (pm_parking_take (f->parking, f->limiter, taken));

  pm_limiter_release (f->limiter, "dead", PM_LIMITER_UNKNOWN);
  g_assert_true (pm_parking_take (f->parking, f->limiter, taken));
  g_assert_cmpuint (taken->len, ==, 1);
  g_assert_cmpuint (g_array_index (taken, guint64, 0), ==, 1);

  pm_parking_clear (f->parking);
  g_assert_true (pm_parking_is_empty (f->parking));
}

/* There is more parked than may wait: each destination gets its share of the room. */
static void
test_everybody_in_turn (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) taken = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint of_host[20] = { 0 };

  pm_limiter_set_limits (f->limiter, 1, 200);
  for (guint i = 0; i < 20; i++)
    for (guint64 j = 0; j < 400; j++)
      {
        g_autofree char *name = g_strdup_printf ("host-%u", i);

        g_assert_true (pm_parking_add (f->parking, name, 1000 * i + j));
      }
  g_assert_true (pm_parking_take (f->parking, f->limiter, taken));
  g_assert_cmpuint (taken->len, ==, PM_LIMITER_MAX_WAITING);
  for (guint i = 0; i < taken->len; i++)
    of_host[g_array_index (taken, guint64, i) / 1000]++;
  for (guint i = 0; i < G_N_ELEMENTS (of_host); i++)
    g_assert_cmpuint (of_host[i], ==, PM_LIMITER_MAX_WAITING / 20);
}

static void
test_limit (Fixture *f, gconstpointer data)
{
  g_autoptr (PmParking) small = pm_parking_new (2);

  g_assert_true (pm_parking_add (small, "a", 1));
  g_assert_true (pm_parking_add (small, "b", 2));
  g_assert_false (pm_parking_add (small, "a", 3));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/parking/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("order-and-room", test_order_and_room);
  ADD ("everybody-in-turn", test_everybody_in_turn);
  ADD ("limit", test_limit);
  return g_test_run ();
}
