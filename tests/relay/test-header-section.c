// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-header-section.h"

#include <string.h>

/* Feeds @text in pieces of @step; returns the last state. */
static PmHeaderSectionState
feed (PmHeaderSection *section, const char *text, gsize step)
{
  PmHeaderSectionState state = PM_HEADER_SECTION_MORE;
  gsize size = strlen (text);

  for (gsize at = 0; at < size && state == PM_HEADER_SECTION_MORE; at += step)
    state = pm_header_section_feed (section, (const guint8 *) text + at, MIN (step, size - at));
  if (state == PM_HEADER_SECTION_MORE)
    pm_header_section_finish (section);
  return state;
}

static void
test_count (void)
{
  struct
  {
    const char *name;
    const char *text;
    guint received;
    gsize size;
  } cases[] = {
    { "none", "Subject: x\r\n\r\nReceived: in the body\r\n", 0, 12 },
    { "one", "Received: a\r\nSubject: x\r\n\r\n", 1, 25 },
    { "case and folding", "RECEIVED: a\r\n\tReceived: folded\r\nreceived:b\r\n\r\n", 2, 44 },
    { "not at the start", "X-Received: a\r\nReceivedX: b\r\nReceive\r\nd: c\r\n\r\n", 0, 29 },
    { "blank before the colon", "Received : a\r\n\r\n", 1, 14 },
    { "no body", "Received: a\r\nReceived: b\r\n", 2, 26 },
    { "empty header", "\r\nReceived: a\r\n", 0, 0 },
    { "no header", "Hello,\r\nReceived: a\r\n", 0, 0 },
    { "begins with a blank", " x: y\r\nReceived: a\r\n", 0, 0 },
    { "bytes over 127", "Received: \xc3\xa4\r\nX\xc3\xa4: y\r\nReceived: a\r\n\r\n", 1, 14 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize step = 1; step < 50; step++)
      {
        g_auto (PmHeaderSection) section = { 0 };

        g_test_message ("%s, in pieces of %zu", cases[i].name, step);
        feed (&section, cases[i].text, step);
        g_assert_cmpuint (pm_header_section_count (&section, "Received"), ==, cases[i].received);
        g_assert_cmpuint (section.size, ==, cases[i].size);
        g_assert_cmpmem (section.bytes->data, MIN (section.bytes->len, section.size),
                         cases[i].text, section.size);
      }
}

static void
test_get (void)
{
  g_auto (PmHeaderSection) section = { 0 };
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *empty = NULL;

  feed (&section, "From:  a\r\n\t b \r\nX:\r\nfrom :c\r\n\r\nFrom: d\r\n", 7);
  first = pm_header_section_get (&section, "From", 0);
  second = pm_header_section_get (&section, "from", 1);
  empty = pm_header_section_get (&section, "x", 0);
  g_assert_cmpstr (first, ==, "a\t b");
  g_assert_cmpstr (second, ==, "c");
  g_assert_cmpstr (empty, ==, "");
  g_assert_null (pm_header_section_get (&section, "From", 2));
  g_assert_null (pm_header_section_get (&section, "Fro", 0));
}

static void
test_limits (void)
{
  g_autofree char *long_value = g_strnfill (PM_HEADER_SECTION_MAX, 'x');
  g_autofree char *one_line = g_strconcat ("X: ", long_value, NULL);
  g_autoptr (GString) many = g_string_new (NULL);
  g_auto (PmHeaderSection) line = { 0 };
  g_auto (PmHeaderSection) fields = { 0 };

  g_assert_cmpint (feed (&line, one_line, 4096), ==, PM_HEADER_SECTION_TOO_LARGE);
  for (guint i = 0; i <= PM_HEADER_SECTION_MAX_FIELDS; i++)
    g_string_append (many, "a:\r\n");
  g_assert_cmpint (feed (&fields, many->str, 4096), ==, PM_HEADER_SECTION_TOO_MANY);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/header-section/count", test_count);
  g_test_add_func ("/header-section/get", test_get);
  g_test_add_func ("/header-section/limits", test_limits);
  return g_test_run ();
}
