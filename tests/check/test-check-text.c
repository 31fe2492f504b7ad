// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "check/pm-check-text.h"

#include <string.h>

static const char *
translate (const char *template)
{
  if (strcmp (template, "Mail for {1} goes to {2}.") == 0)
    return "An {2} geht die Post für {1}.";
  return "{1} {3} {x} {";
}

static void
test_format (void)
{
  PmCheckText text = { 0 };
  PmCheckText copy = { 0 };
  g_autofree char *english = NULL;
  g_autofree char *german = NULL;
  g_autofree char *broken = NULL;

  g_assert_null (pm_check_text_format (&text, NULL));
  pm_check_text_set (&text, "Mail for {1} goes to {2}.", "example.com", "{1}", NULL);
  english = pm_check_text_format (&text, NULL);
  german = pm_check_text_format (&text, translate);
  // What an argument says is not read again.
  g_assert_cmpstr (english, ==, "Mail for example.com goes to {1}.");
  g_assert_cmpstr (german, ==, "An {1} geht die Post für example.com.");

  pm_check_text_copy (&copy, &text);
  pm_check_text_set (&text, "other", "a", NULL);
  broken = pm_check_text_format (&text, translate);
  g_assert_cmpstr (broken, ==, "a  {x} {");
  g_assert_cmpstr (copy.arguments[0], ==, "example.com");
  pm_check_text_clear (&text);
  pm_check_text_clear (&copy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/check/text/format", test_format);
  return g_test_run ();
}
