// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Replies: read strictly in any pieces, printed, read back; and hostile peers.

#include "smtp/pm-smtp-reply.h"

#include <string.h>

#include "base/pm-error.h"

typedef struct
{
  const char *name;
  const char *wire;
  const char *text; /* (nullable): %NULL is rubbish */
  gsize size;
} Case;

static const Case cases[] = {
  { "one-line", "250 ok\r\n", "250 ok" },
  { "code-alone", "250\r\n", "250 " },
  { "code-and-space", "250 \r\n", "250 " },
  { "enhanced", "550 5.1.1 no such user\r\n", "550 5.1.1 no such user" },
  { "enhanced-alone", "250 2.1.0\r\n", "250 2.1.0 " },
  { "enhanced-long", "550 5.999.123 x\r\n", "550 5.999.123 x" },
  { "enhanced-other-class", "550 2.1.1 x\r\n", "550 2.1.1 x" },
  { "enhanced-four-digits", "550 5.1.1000 x\r\n", "550 5.1.1000 x" },
  { "version-is-no-status", "250 2.0 beta\r\n", "250 2.0 beta" },
  { "354", "354 3.0.0 go\r\n", "354 3.0.0 go" },
  { "two-lines", "250-mx\r\n250 SIZE\r\n", "250 mx / SIZE" },
  { "enhanced-each", "550-5.7.1 a\r\n550-5.7.1 b\r\n550 5.7.1 c\r\n", "550 5.7.1 a / b / c" },
  { "enhanced-differ", "550-5.7.1 a\r\n550 5.1.1 b\r\n", "550 5.7.1 a / 5.1.1 b" },
  { "latin1", "550 gr\xfc\xdf\r\n", "550 gr\xef\xbf\xbd\xef\xbf\xbd" },
  { "utf8", "550 grüß\r\n", "550 grüß" },
  { "controls", "550 \x1b[31m\x07\x7f\r\n", "550 ?[31m??" },

  { "bare-lf", "250 ok\n", NULL },
  { "bare-cr", "250 o\rk\r\n", NULL },
  { "cr-cr-lf", "250 ok\r\r\n", NULL },
  { "nul", "250 o\0k\r\n", NULL, .size = 10 },
  { "no-code", "hello\r\n", NULL },
  { "empty", "\r\n", NULL },
  { "two-digits", "25 ok\r\n", NULL },
  { "four-digits", "2500 ok\r\n", NULL },
  { "1yz", "150 ok\r\n", NULL },
  { "6yz", "650 ok\r\n", NULL },
  { "separator", "250+ok\r\n", NULL },
  { "other-code", "250-a\r\n251 b\r\n", NULL },
  { "space-before", " 250 ok\r\n", NULL },
};

static void
check_reply (const Case *c, gsize piece)
{
  g_auto (PmSmtpReplyReader) reader = { 0 };
  g_autoptr (PmSmtpReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  PmSmtpRead read = PM_SMTP_READ_MORE;
  gsize size = c->size == 0 ? strlen (c->wire) : c->size;

  pm_smtp_reply_reader_init (&reader);
  for (gsize done = 0; done < size && read == PM_SMTP_READ_MORE;)
    {
      gsize used = 0;

      read = pm_smtp_reply_reader_feed (&reader, c->wire + done, MIN (piece, size - done), &used,
                                        &reply, &error);
      done += used;
      if (read == PM_SMTP_READ_REPLY)
        g_assert_cmpuint (done, ==, size);
    }

  if (c->text == NULL)
    {
      g_assert_cmpint (read, ==, PM_SMTP_READ_RUBBISH);
      g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
      g_assert_null (reply);
    }
  else
    {
      g_autofree char *text = pm_smtp_reply_to_string (reply);
      g_autoptr (PmSmtpReply) again = pm_smtp_reply_parse (text, PM_SMTP_SOURCE_PEER, &error);
      g_autofree char *text_again = NULL;

      g_assert_no_error (error);
      text_again = pm_smtp_reply_to_string (again);
      g_assert_cmpstr (text, ==, c->text);
      g_assert_cmpstr (text_again, ==, text);
      g_assert_cmpuint (g_strv_length (again->lines), ==, g_strv_length (reply->lines));
      g_assert_cmpint (reply->source, ==, PM_SMTP_SOURCE_PEER);
    }
}

static void
test_read (gconstpointer user_data)
{
  check_reply (user_data, 1);
  check_reply (user_data, 3);
  check_reply (user_data, 10000);
}

static void
test_two_in_one (void)
{
  static const char wire[] = "250 a\r\n550-b\r\n550 c\r\n";
  g_auto (PmSmtpReplyReader) reader = { 0 };
  g_autoptr (PmSmtpReply) first = NULL;
  g_autoptr (PmSmtpReply) second = NULL;
  gsize used = 0;

  pm_smtp_reply_reader_init (&reader);
  g_assert_cmpint (pm_smtp_reply_reader_feed (&reader, wire, strlen (wire), &used, &first, NULL),
                   ==, PM_SMTP_READ_REPLY);
  g_assert_cmpuint (used, ==, 7);
  g_assert_cmpint (
      pm_smtp_reply_reader_feed (&reader, wire + 7, strlen (wire) - 7, &used, &second, NULL), ==,
      PM_SMTP_READ_REPLY);
  g_assert_cmpuint (first->code, ==, 250);
  g_assert_cmpuint (second->code, ==, 550);
  g_assert_cmpuint (g_strv_length (second->lines), ==, 2);
}

static void
test_bounds (void)
{
  g_autofree char *long_line = g_strnfill (PM_SMTP_REPLY_MAX_LINE, 'x');
  g_auto (PmSmtpReplyReader) reader = { 0 };
  g_autoptr (PmSmtpReply) reply = NULL;
  PmSmtpRead read = PM_SMTP_READ_MORE;
  gsize used;

  pm_smtp_reply_reader_init (&reader);
  g_assert_cmpint (pm_smtp_reply_reader_feed (&reader, "250 ", 4, &used, &reply, NULL), ==,
                   PM_SMTP_READ_MORE);
  g_assert_cmpint (
      pm_smtp_reply_reader_feed (&reader, long_line, PM_SMTP_REPLY_MAX_LINE, &used, &reply, NULL),
      ==, PM_SMTP_READ_RUBBISH);
  // Rubbish is final.
  g_assert_cmpint (pm_smtp_reply_reader_feed (&reader, "250 a\r\n", 7, &used, &reply, NULL), ==,
                   PM_SMTP_READ_RUBBISH);

  pm_smtp_reply_reader_clear (&reader);
  for (int i = 0; i < PM_SMTP_REPLY_MAX_LINES; i++)
    read = pm_smtp_reply_reader_feed (&reader, "250-a\r\n", 7, &used, &reply, NULL);
  g_assert_cmpint (read, ==, PM_SMTP_READ_MORE);
  g_assert_cmpint (pm_smtp_reply_reader_feed (&reader, "250 a\r\n", 7, &used, &reply, NULL), ==,
                   PM_SMTP_READ_RUBBISH);
}

static void
test_append (void)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 550, "5.7.1", "%s\r\nQUIT\nsecond", "no");
  g_autoptr (PmSmtpReply) empty = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 250, NULL, "");
  g_autofree char *status = pm_smtp_reply_status_to_string (reply);
  g_autofree char *no_status = pm_smtp_reply_status_to_string (empty);
  PmBuffer out;

  pm_buffer_init (&out, 80);
  g_assert_true (pm_smtp_reply_append (reply, &out));
  g_assert_cmpmem (pm_buffer_peek (&out), pm_buffer_size (&out),
                   "550-5.7.1 no?\r\n550-5.7.1 QUIT\r\n550 5.7.1 second\r\n", 49);
  g_assert_false (pm_smtp_reply_append (reply, &out));
  g_assert_cmpuint (pm_buffer_size (&out), ==, 49);
  pm_buffer_consume (&out, 49);
  g_assert_true (pm_smtp_reply_append (empty, &out));
  g_assert_cmpmem (pm_buffer_peek (&out), pm_buffer_size (&out), "250 \r\n", 6);
  g_assert_cmpstr (status, ==, "5.7.1");
  g_assert_cmpstr (no_status, ==, "2.0.0");
  g_assert_true (pm_smtp_reply_is_permanent (reply));
  g_assert_true (pm_smtp_reply_is_positive (empty));
  g_assert_false (pm_smtp_reply_is_transient (reply));
  g_assert_false (pm_smtp_reply_is_intermediate (reply));
  pm_buffer_clear (&out);
}

static void
test_parse_refuses (void)
{
  static const char *const texts[] = { "", "55", "550-x", "hello", "199 x", "5501 x" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (pm_smtp_reply_parse (texts[i], PM_SMTP_SOURCE_POLICY, &error));
      g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/smtp/reply/read/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_read);
    }
  g_test_add_func ("/smtp/reply/two-in-one", test_two_in_one);
  g_test_add_func ("/smtp/reply/bounds", test_bounds);
  g_test_add_func ("/smtp/reply/append", test_append);
  g_test_add_func ("/smtp/reply/parse-refuses", test_parse_refuses);
  return g_test_run ();
}
