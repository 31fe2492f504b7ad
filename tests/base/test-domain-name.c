// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Domain names: one form for every way of writing them, and whole labels only.

#include "base/pm-domain-name.h"

#include <string.h>

#include "base/pm-error.h"

#define L63 "a23456789a123456789a123456789a123456789a123456789a123456789a123"

static const struct
{
  const char *name;
  const char *text;
  const char *normal;
} good[] = {
  { "plain", "example.com", "example.com" },
  { "case", "EXAMPLE.Com", "example.com" },
  { "dot", "example.com.", "example.com" },
  { "blanks", " \texample.com \n", "example.com" },
  { "blank-and-dot", "example.com. ", "example.com" },
  { "one-label", "localhost", "localhost" },
  { "digits", "1.2.3.example", "1.2.3.example" },
  { "digit-first", "3com.example", "3com.example" },
  { "hyphens", "a--b.example", "a--b.example" },
  { "a-label", "XN--Bcher-KVA.example", "xn--bcher-kva.example" },
  { "u-label", "b\xc3\xbc"
               "cher.example",
    "xn--bcher-kva.example" },
  { "u-label-case", "B\xc3\x9c"
                    "CHER.Example.",
    "xn--bcher-kva.example" },
  { "decomposed", "bu\xcc\x88"
                  "cher.example",
    "xn--bcher-kva.example" },
  { "sharp-s", "stra\xc3\x9f"
               "e.example",
    "xn--strae-oqa.example" },
  { "ideographic-dot", "\xe4\xbe\x8b\xe3\x80\x82\xe4\xbe\x8b", "xn--fsq.xn--fsq" },
  { "longest-label", L63 ".example", L63 ".example" },
};

static void
test_good (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autofree char *normal = pm_domain_name_normalize (good[index].text, &error);
  g_autofree char *again = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (normal, ==, good[index].normal);
  again = pm_domain_name_normalize (normal, &error);
  g_assert_cmpstr (again, ==, normal);
}

static const struct
{
  const char *name;
  const char *text;
} bad[] = {
  { "empty", "" },
  { "blank", "  " },
  { "dot", "." },
  { "dots", ".." },
  { "two-dots", "a..b" },
  { "leading-dot", ".a.b" },
  { "trailing-dots", "a.b.." },
  { "leading-hyphen", "-a.b" },
  { "trailing-hyphen", "a-.b" },
  { "underscore", "_a.b" },
  { "inner-blank", "a b.c" },
  { "at", "a@b.c" },
  { "hash", "#a.b" },
  { "ip", "192.0.2.1" },
  { "number", "25" },
  { "v6", "2001:db8::1" },
  { "literal", "[192.0.2.1]" },
  { "long-label", L63 "4.example" },
  { "long", L63 "." L63 "." L63 "." L63 },
  { "utf8", "b\xfc"
            "cher.example" },
  { "nul-like", "a\x01.b" },
  { "u-label-hyphen", "-\xc3\xbc.example" },
  { "u-label-blank", "\xc3\xbc b.example" },
  { "u-label-star", "\xc3\xbc*.example" },
  { "bidi", "a\xd7\x90.example" },
  { "emoji", "\xf0\x9f\x92\xa9.example" },
};

static void
test_bad (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *normal = pm_domain_name_normalize (data, &error);

  g_assert_cmpstr (normal, ==, NULL);
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
test_display (void)
{
  g_autofree char *one = pm_domain_name_to_display ("xn--bcher-kva.example");
  g_autofree char *two = pm_domain_name_to_display ("example.com");
  g_autofree char *three = pm_domain_name_to_display ("xn--99999999999.example");

  g_assert_cmpstr (one, ==, "b\xc3\xbc"
                            "cher.example");
  g_assert_cmpstr (two, ==, "example.com");
  g_assert_cmpstr (three, ==, "xn--99999999999.example");
}

static void
test_below (void)
{
  g_assert_true (pm_domain_name_is_below ("sea.com", "sea.com"));
  g_assert_true (pm_domain_name_is_below ("x.sea.com", "sea.com"));
  g_assert_true (pm_domain_name_is_below ("y.x.sea.com", "sea.com"));
  g_assert_false (pm_domain_name_is_below ("chelsea.com", "sea.com"));
  g_assert_false (pm_domain_name_is_below ("com", "sea.com"));
  g_assert_false (pm_domain_name_is_below ("sea.com", "x.sea.com"));
  g_assert_false (pm_domain_name_is_below ("sea.com.org", "sea.com"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *name = g_strconcat ("/domain-name/good/", good[i].name, NULL);

      g_test_add_data_func (name, GUINT_TO_POINTER (i), test_good);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *name = g_strconcat ("/domain-name/bad/", bad[i].name, NULL);

      g_test_add_data_func (name, bad[i].text, test_bad);
    }
  g_test_add_func ("/domain-name/display", test_display);
  g_test_add_func ("/domain-name/below", test_below);
  return g_test_run ();
}
