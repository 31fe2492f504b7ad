// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// xtext, and that no control character gets out of it.

#include "smtp/pm-xtext.h"

typedef struct
{
  const char *name;
  const char *text;
  const char *plain; /* (nullable): as xtext */
  const char *utf8;  /* (nullable): as utf-8-addr-xtext */
} Case;

static const Case cases[] = {
  { "empty", "", "", "" },
  { "plain", "a.b@c.example", "a.b@c.example", "a.b@c.example" },
  { "plus", "a+2Bb@c.example", "a+b@c.example", NULL },
  { "small-hex", "a+2bb", "a+b", NULL },
  { "blank-encoded", "a+20b", "a b", NULL },
  { "blank", "a b", NULL, NULL },
  { "equals", "a=b", NULL, NULL },
  { "cut", "a+2", NULL, NULL },
  { "cut-early", "a+", NULL, NULL },
  { "no-hex", "a+2G", NULL, NULL },
  { "line-feed", "a+0Ab@c", NULL, NULL },
  { "return", "+0D+0A", NULL, NULL },
  { "nul", "a+00b", NULL, NULL },
  { "delete", "a+7F", NULL, NULL },
  { "high", "a+C3+A9", NULL, NULL },
  { "raw-control", "a\001", NULL, NULL },
  { "raw-utf8", "s\xc3\xa9@a", NULL, "s\xc3\xa9@a" },
  { "embedded", "s\\x{E9}@a", "s\\x{E9}@a", "s\xc3\xa9@a" },
  { "embedded-plus", "s\\x{2B}@a", "s\\x{2B}@a", "s+@a" },
  { "embedded-long", "\\x{1F600}", "\\x{1F600}", "\xf0\x9f\x98\x80" },
  { "embedded-line-feed", "a\\x{0A}b", "a\\x{0A}b", NULL },
  { "embedded-c1", "a\\x{85}b", "a\\x{85}b", NULL },
  { "embedded-surrogate", "a\\x{D800}", "a\\x{D800}", NULL },
  { "embedded-too-high", "a\\x{110000}", "a\\x{110000}", NULL },
  { "embedded-too-long", "a\\x{0000041}", "a\\x{0000041}", NULL },
  { "embedded-short", "a\\x{9}", "a\\x{9}", NULL },
  { "embedded-open", "a\\x{41", "a\\x{41", NULL },
  { "backslash", "a\\", "a\\", NULL },
};

static void
test_case (gconstpointer user_data)
{
  const Case *c = user_data;
  g_autofree char *plain = pm_xtext_decode (c->text);
  g_autofree char *utf8 = pm_xtext_decode_utf8 (c->text);

  g_assert_cmpstr (plain, ==, c->plain);
  g_assert_cmpstr (utf8, ==, c->utf8);
}

/* Every byte, in each disguise: what comes out is printable. */
static void
test_no_controls (void)
{
  for (guint byte = 0; byte < 256; byte++)
    {
      g_autofree char *as_xtext = g_strdup_printf ("a+%02X", byte);
      g_autofree char *as_utf8 = g_strdup_printf ("a\\x{%02X}", byte);
      g_autofree char *plain = pm_xtext_decode (as_xtext);
      g_autofree char *utf8 = pm_xtext_decode_utf8 (as_utf8);

      g_assert_cmpint (plain != NULL, ==, byte >= 0x20 && byte < 0x7f);
      g_assert_cmpint (utf8 != NULL, ==, byte >= 0x20 && (byte < 0x7f || byte >= 0xa0));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/smtp/xtext/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/smtp/xtext/no-controls", test_no_controls);
  return g_test_run ();
}
