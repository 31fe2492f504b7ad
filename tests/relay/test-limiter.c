// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-limiter.h"

static guint granted;

static void
granted_cb (gpointer data)
{
  granted++;
  if (data != NULL)
    *(gboolean *) data = TRUE;
}

static void
run (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static guint given_up;

static void
give_up_cb (PmLimiterHolder *holder, const char *destination)
{
  given_up++;
}

typedef struct
{
  PmReactor *reactor;
  PmLimiter *limiter;
  PmLimiterHolder here;
  PmLimiterHolder there;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->reactor = pm_reactor_new (NULL, NULL);
  f->limiter = pm_limiter_new ();
  f->here = f->there = (PmLimiterHolder){ f->reactor, give_up_cb };
  granted = given_up = 0;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  pm_limiter_free (f->limiter);
  pm_reactor_free (f->reactor);
}

static PmLimiterAnswer
acquire (Fixture *f, const char *destination, gboolean *called)
{
  return pm_limiter_acquire (f->limiter, destination, &f->here, granted_cb, called);
}

static void
release (Fixture *f, const char *destination)
{
  pm_limiter_release (f->limiter, destination, PM_LIMITER_UNKNOWN);
}

static void
test_limits (Fixture *f, gconstpointer data)
{
  gboolean third = FALSE;
  gboolean fourth = FALSE;
  gboolean other = FALSE;

  pm_limiter_set_limits (f->limiter, 3, 2);
  g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_GRANTED);
  g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_GRANTED);
  g_assert_cmpint (acquire (f, "a", &third), ==, PM_LIMITER_WAITING);
  g_assert_cmpint (acquire (f, "a", &fourth), ==, PM_LIMITER_WAITING);

  // Those that wait for a slow destination do not stand in the way of another one.
  g_assert_cmpint (acquire (f, "b", NULL), ==, PM_LIMITER_GRANTED);
  g_assert_cmpint (acquire (f, "c", &other), ==, PM_LIMITER_WAITING);
  run ();
  g_assert_cmpuint (granted, ==, 0);

  release (f, "b");
  run ();
  g_assert_true (other);
  release (f, "a");
  run ();
  g_assert_true (third);
  g_assert_false (fourth);

  // Zero is one, and what is over it stays until it comes to its end.
  pm_limiter_set_limits (f->limiter, 0, 0);
  release (f, "a");
  release (f, "c");
  run ();
  g_assert_false (fourth);
  release (f, "a");
  run ();
  g_assert_true (fourth);
  release (f, "a");
}

/* It begins with a few, gets wider as mail is taken, and narrower as it fails. */
static void
test_adapts (Fixture *f, gconstpointer data)
{
  pm_limiter_set_limits (f->limiter, 100, 20);
  g_assert_cmpuint (pm_limiter_get_window (f->limiter, "a"), ==, PM_LIMITER_FIRST_WINDOW);
  for (guint i = 0; i < PM_LIMITER_FIRST_WINDOW; i++)
    g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_GRANTED);
  g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_WAITING);
  g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_WAITING);

  // One goes, and two come: the success is worth a place of its own.
  pm_limiter_release (f->limiter, "a", PM_LIMITER_SUCCESS);
  run ();
  g_assert_cmpuint (granted, ==, 2);
  for (guint i = 0; i < 40; i++)
    {
      pm_limiter_release (f->limiter, "a", PM_LIMITER_SUCCESS);
      g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_GRANTED);
    }
  g_assert_cmpuint (pm_limiter_get_window (f->limiter, "a"), ==, 20);

  pm_limiter_release (f->limiter, "a", PM_LIMITER_FAILURE);
  g_assert_cmpuint (pm_limiter_get_window (f->limiter, "a"), ==, 10);
  for (guint i = 0; i < 5; i++)
    pm_limiter_release (f->limiter, "a", PM_LIMITER_FAILURE);
  g_assert_cmpuint (pm_limiter_get_window (f->limiter, "a"), ==, 1);

  // What was learned is remembered when nobody sends there.
  g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_GRANTED);
  pm_limiter_release (f->limiter, "a", PM_LIMITER_UNKNOWN);
  g_assert_cmpuint (pm_limiter_get_window (f->limiter, "a"), ==, 1);
}

/* A connection that is kept open has a place, which its keeper gets back first. */
static void
test_kept (Fixture *f, gconstpointer data)
{
  gboolean called = FALSE;

  pm_limiter_set_limits (f->limiter, 10, 1);
  g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_GRANTED);
  g_assert_true (pm_limiter_keep (f->limiter, "a", &f->here));
  g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_GRANTED);
  g_assert_true (pm_limiter_keep (f->limiter, "a", &f->here));

  // Somebody else needs the place: the keeper is asked to close it.
  g_assert_cmpint (
      pm_limiter_acquire (f->limiter, "a", &f->there, granted_cb, &called), ==,
      PM_LIMITER_WAITING);
  run ();
  g_assert_cmpuint (given_up, ==, 1);
  g_assert_false (called);
  pm_limiter_forget_kept (f->limiter, "a", &f->here);
  run ();
  g_assert_true (called);

  // While others wait, nothing is kept from them.
  called = FALSE;
  g_assert_cmpint (acquire (f, "a", &called), ==, PM_LIMITER_WAITING);
  g_assert_false (pm_limiter_keep (f->limiter, "a", &f->there));
  run ();
  g_assert_true (called);

  // But who waits in the same place gets place and connection together.
  called = FALSE;
  g_assert_cmpint (acquire (f, "a", &called), ==, PM_LIMITER_WAITING);
  g_assert_true (pm_limiter_keep (f->limiter, "a", &f->here));
  run ();
  g_assert_true (called);
  pm_limiter_forget_kept (f->limiter, "a", &f->here);
  g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_WAITING);
  release (f, "a");
  run ();
  release (f, "a");
}

/* Room in all: what is kept for one destination is given up for another. */
static void
test_kept_for_another (Fixture *f, gconstpointer data)
{
  gboolean called = FALSE;

  pm_limiter_set_limits (f->limiter, 1, 1);
  g_assert_cmpint (acquire (f, "a", NULL), ==, PM_LIMITER_GRANTED);
  g_assert_true (pm_limiter_keep (f->limiter, "a", &f->here));
  g_assert_cmpint (acquire (f, "b", &called), ==, PM_LIMITER_WAITING);
  run ();
  g_assert_cmpuint (given_up, ==, 1);
  pm_limiter_forget_kept (f->limiter, "a", &f->here);
  run ();
  g_assert_true (called);
  release (f, "b");
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/limiter/limits", test_limits);
  ADD ("/limiter/adapts", test_adapts);
  ADD ("/limiter/kept", test_kept);
  ADD ("/limiter/kept-for-another", test_kept_for_another);
  return g_test_run ();
}
