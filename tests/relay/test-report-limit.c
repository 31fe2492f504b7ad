// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How many reports an address gets: some at once, then so many an hour; each address by itself; and
// no flood of addresses makes the table grow without end.

#include "relay/pm-report-limit.h"

#define NOW (1700000000 * G_TIME_SPAN_SECOND)

static guint
take_all (PmReportLimit *limit, const char *address, gint64 now)
{
  guint n = 0;

  while (pm_report_limit_take (limit, address, now))
    n++;
  return n;
}

static void
test_burst (void)
{
  g_autoptr (PmReportLimit) limit = pm_report_limit_new ();

  g_assert_cmpuint (take_all (limit, "a@b.example", NOW), ==, PM_REPORT_LIMIT_BURST);
  g_assert_cmpuint (take_all (limit, "A@B.example", NOW), ==, 0);
  g_assert_cmpuint (take_all (limit, "c@b.example", NOW), ==, PM_REPORT_LIMIT_BURST);
}

static void
test_refill (void)
{
  g_autoptr (PmReportLimit) limit = pm_report_limit_new ();

  take_all (limit, "a@b.example", NOW);
  g_assert_cmpuint (take_all (limit, "a@b.example", NOW + 6 * G_TIME_SPAN_MINUTE), ==,
                    PM_REPORT_LIMIT_PER_HOUR / 10);
  g_assert_cmpuint (take_all (limit, "a@b.example", NOW + G_TIME_SPAN_DAY), ==,
                    PM_REPORT_LIMIT_BURST);
}

static void
test_bounded (void)
{
  g_autoptr (PmReportLimit) limit = pm_report_limit_new ();

  for (guint i = 0; i < 100000; i++)
    {
      g_autofree char *address = g_strdup_printf ("%u@b.example", i);

      g_assert_true (pm_report_limit_take (limit, address, NOW + i));
      g_assert_cmpuint (pm_report_limit_get_size (limit), <=, 20000);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/report-limit/burst", test_burst);
  g_test_add_func ("/report-limit/refill", test_refill);
  g_test_add_func ("/report-limit/bounded", test_bounded);
  return g_test_run ();
}
