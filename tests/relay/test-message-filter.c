// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-message-filter.h"

#include <string.h>

static PmMessageFilter *
make_filter (const char *const *senders)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();

  for (guint i = 0; senders[i] != NULL; i++)
    g_ptr_array_add (list, (gpointer) senders[i]);
  return pm_message_filter_new (list);
}

static void
test_senders (void)
{
  const char *const senders[] = { "Spam@Bad.Example", "@worse.example", "no address", NULL };
  const char *const null_sender[] = { "", NULL };
  const char *const nobody[] = { NULL };
  g_autoptr (PmMessageFilter) filter = make_filter (senders);
  g_autoptr (PmMessageFilter) nulls = make_filter (null_sender);
  g_autoptr (PmMessageFilter) none = make_filter (nobody);
  struct
  {
    const char *sender;
    gboolean expected;
  } cases[] = {
    { "spam@bad.example", TRUE },
    { "SPAM@BAD.EXAMPLE", TRUE },
    { "ham@bad.example", FALSE },
    { "any@worse.example", TRUE },
    { "any@WORSE.example", TRUE },
    { "any@sub.worse.example", FALSE },
    { "any@notworse.example", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PmMailAddress) address = pm_mail_address_parse (cases[i].sender, NULL);

      g_test_message ("%s", cases[i].sender);
      g_assert_cmpint (pm_message_filter_names (filter, address), ==, cases[i].expected);
      g_assert_false (pm_message_filter_names (nulls, address));
      g_assert_false (pm_message_filter_names (none, address));
    }
  g_assert_false (pm_message_filter_names (filter, NULL));
  g_assert_true (pm_message_filter_names (nulls, NULL));
}

static void
test_authors (void)
{
  struct
  {
    const char *value;
    const char *expected;
  } cases[] = {
    { "a@x.example", "a@x.example" },
    { "Anna <a@x.example>", "a@x.example" },
    { "\"Anna, b@y.example\" <a@x.example>", "a@x.example" },
    { "\"q\\\" <b@y.example>\" <a@x.example>", "a@x.example" },
    { "a@x.example (Anna <b@y.example>)", "a@x.example" },
    { "(c (nested) \\) still) a@x.example", "a@x.example" },
    { "a@x.example, Bob <b@y.example>", "a@x.example b@y.example" },
    { "Friends: a@x.example, Bob <b@y.example>;", "a@x.example b@y.example" },
    { "<@r.example,@s.example:a@x.example>", "a@x.example" },
    { "\"a b\"@x.example", "\"a b\"@x.example" },
    { "a @ x . example", "a@x.example" },
    { "undisclosed:;", "" },
    { "nobody", "" },
    { "", "" },
    { "\"", "" },
    { "(", "" },
    { "<", "" },
    { "\\", "" },
    { "\"\\", "" },
    { "<a@x.example", "a@x.example" },
    { "<a@x.example> <b@y.example>", "a@x.example b@y.example" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) authors = pm_message_filter_read_authors (cases[i].value);
      g_autoptr (GString) got = g_string_new (NULL);

      for (guint j = 0; j < authors->len; j++)
        {
          g_autofree char *text = pm_mail_address_to_string (g_ptr_array_index (authors, j));

          g_string_append_printf (got, "%s%s", j > 0 ? " " : "", text);
        }
      g_test_message ("%s", cases[i].value);
      g_assert_cmpstr (got->str, ==, cases[i].expected);
    }
}

static void
test_section (void)
{
  const char *const senders[] = { "@bad.example", NULL };
  g_autoptr (PmMessageFilter) filter = make_filter (senders);
  g_auto (PmHeaderSection) section = { 0 };
  g_auto (PmHeaderSection) other = { 0 };
  static const char named[] = "From: a@x.example\r\nFROM: Bob\r\n <b@bad.example>\r\n\r\n";
  static const char unnamed[] = "From: a@x.example\r\nReply-To: b@bad.example\r\n\r\n";

  pm_header_section_feed (&section, (const guint8 *) named, strlen (named));
  pm_header_section_feed (&other, (const guint8 *) unnamed, strlen (unnamed));
  g_assert_true (pm_message_filter_names_author (filter, &section));
  g_assert_false (pm_message_filter_names_author (filter, &other));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/message-filter/senders", test_senders);
  g_test_add_func ("/message-filter/authors", test_authors);
  g_test_add_func ("/message-filter/section", test_section);
  return g_test_run ();
}
