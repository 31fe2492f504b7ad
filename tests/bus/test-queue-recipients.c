// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the two ends of ListQueue make of each other's lists of recipients.

#include "bus/pm-queue-recipients.h"

static void
test_count (void)
{
  struct
  {
    const char *listed[4];
    guint named;
    guint more;
  } cases[] = {
    { { NULL }, 0, 0 },
    { { "a@example.com" }, 1, 0 },
    { { "a@example.com", "b@example.com" }, 2, 0 },
    { { "a@example.com", "… and 980 more" }, 1, 980 },
    { { "… and 980 more", "a@example.com" }, 2, 0 },
    { { "a@example.com", "… and x more" }, 2, 0 },
    { { "a@example.com", "… and  more" }, 2, 0 },
    { { "a@example.com", "… and more" }, 2, 0 },
    { { "a@example.com", "… and 99999999999 more" }, 2, 0 },
    { { "a@example.com", "and 3 more" }, 2, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint more = 77;

      g_assert_cmpuint (pm_bus_count_recipients (cases[i].listed, &more), ==, cases[i].named);
      g_assert_cmpuint (more, ==, cases[i].more);
    }
}

static void
test_there_and_back (void)
{
  for (guint n = 1; n < 2000; n += 37)
    {
      g_autofree char *text = pm_bus_more_recipients (n);
      const char *listed[] = { "a@example.com", text, NULL };
      guint more;

      g_assert_cmpuint (pm_bus_count_recipients (listed, &more), ==, 1);
      g_assert_cmpuint (more, ==, n);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/queue-recipients/count", test_count);
  g_test_add_func ("/queue-recipients/there-and-back", test_there_and_back);
  return g_test_run ();
}
