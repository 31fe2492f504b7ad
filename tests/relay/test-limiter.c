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

static void
test_limits (void)
{
  g_autoptr (PmReactor) reactor = pm_reactor_new (NULL, NULL);
  g_autoptr (PmLimiter) limiter = pm_limiter_new ();
  gboolean other = FALSE;

  granted = 0;
  pm_limiter_set_limits (limiter, 3, 2);
  for (guint i = 0; i < 4; i++)
    g_assert_true (pm_limiter_acquire (limiter, "a", reactor, granted_cb, NULL));
  g_assert_cmpuint (granted, ==, 0);
  run ();
  g_assert_cmpuint (granted, ==, 2);

  // Those that wait for a slow destination do not stand in the way of another one.
  g_assert_true (pm_limiter_acquire (limiter, "b", reactor, granted_cb, &other));
  run ();
  g_assert_true (other);
  g_assert_cmpuint (granted, ==, 3);

  g_assert_true (pm_limiter_acquire (limiter, "c", reactor, granted_cb, NULL));
  run ();
  g_assert_cmpuint (granted, ==, 3);
  pm_limiter_release (limiter, "b");
  run ();
  g_assert_cmpuint (granted, ==, 4);

  pm_limiter_set_limits (limiter, 0, 0);
  pm_limiter_release (limiter, "a");
  pm_limiter_release (limiter, "a");
  pm_limiter_release (limiter, "c");
  run ();
  g_assert_cmpuint (granted, ==, 5);
  pm_limiter_release (limiter, "a");
  run ();
  g_assert_cmpuint (granted, ==, 6);
  pm_limiter_release (limiter, "a");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/limiter/limits", test_limits);
  return g_test_run ();
}
