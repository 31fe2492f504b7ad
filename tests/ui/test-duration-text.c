// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Lengths of time as people type them.

#include "ui/properties/pm-duration-text.h"

static const struct
{
  const char *name;
  const char *typed;
  const char *shown; /* NULL: refused */
} cases[] = {
  { "as-in-the-file", "15m 30m 1h 4h", "15m 30m 1h 4h" },
  { "original", ".25,.5,1,4", "15m 30m 1h 4h" },
  { "hours", "48", "48h" },
  { "days", "7d", "7d" },
  { "two-days-are-hours", "2d", "48h" },
  { "minutes-make-hours", "60m", "1h" },
  { "seconds", "90s", "90s" },
  { "semicolons-and-blanks", " 1h ;  2h ", "1h 2h" },
  { "capital", "1H", "1h" },
  { "empty", "", NULL },
  { "zero", "0", NULL },
  { "negative", "-1h", NULL },
  { "word", "soon", NULL },
  { "unit-unknown", "5w", NULL },
  { "two-units", "1h30m", NULL },
  { "hexadecimal", "0x10", NULL },
  { "infinite", "inf", NULL },
  { "not-a-number", "nan", NULL },
  { "over-a-year", "366d", NULL },
  { "far-too-long", "99999999999999999999d", NULL },
};

static void
test_case (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) list = pm_duration_text_parse_list (cases[i].typed, &error);
  g_autofree char *shown = NULL;

  if (cases[i].shown == NULL)
    {
      g_assert_null (list);
      g_assert_nonnull (error);
      return;
    }
  g_assert_no_error (error);
  shown = pm_duration_text_format_list (list);
  g_assert_cmpstr (shown, ==, cases[i].shown);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/duration-text/", cases[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_case);
    }
  return g_test_run ();
}
