// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// BDAT (RFC 3030) against scripts, and the endings of SMTP smuggling against both ways in which a
// message comes.

#include <string.h>

#include "server-peer.h"

#define TO_BDAT EHLO ENVELOPE
#define GREETED "220 250 250 250 "

static const Script scripts[] = {
  { "one-chunk", TO_BDAT "BDAT 4 LAST\r\nHi\r\nQUIT\r\n", GREETED "250 221",
    STORY "data end[Hi\\r\\n]" },
  { "small-letters", TO_BDAT "bdat 4  last \r\nHi\r\n", GREETED "250",
    STORY "data end[Hi\\r\\n]", .open = TRUE },
  { "two-chunks", TO_BDAT "BDAT 3\r\nHi\rBDAT 4 LAST\r\n\nX\r\n", GREETED "250 250",
    STORY "data end[Hi\\r\\nX\\r\\n]", .open = TRUE },
  { "zero-last", TO_BDAT "BDAT 4\r\nHi\r\nBDAT 0 LAST\r\n", GREETED "250 250",
    STORY "data end[Hi\\r\\n]", .open = TRUE },
  { "zero-first", TO_BDAT "BDAT 0\r\nBDAT 4 LAST\r\nHi\r\n", GREETED "250 250",
    STORY "data end[Hi\\r\\n]", .open = TRUE },
  { "zero-only", TO_BDAT "BDAT 0 LAST\r\n", GREETED "250", STORY "data end[]", .open = TRUE },
  { "size-with-zeros", TO_BDAT "BDAT 00000000000000000004 LAST\r\nHi\r\n", GREETED "250",
    STORY "data end[Hi\\r\\n]", .open = TRUE },
  { "dots-are-content", TO_BDAT "BDAT 13 LAST\r\n.\r\n..a\r\n\r\n.\r\n", GREETED "250",
    STORY "data end[.\\r\\n..a\\r\\n\\r\\n.\\r\\n]", .open = TRUE },
  { "commands-are-content", TO_BDAT "BDAT 12 LAST\r\nRSET\r\nQUIT\r\n", GREETED "250",
    STORY "data end[RSET\\r\\nQUIT\\r\\n]", .open = TRUE },
  { "last-line-is-completed", TO_BDAT "BDAT 2 LAST\r\nHi", GREETED "250",
    STORY "data end[Hi\\r\\n]", .open = TRUE },
  { "last-line-is-completed-by-zero", TO_BDAT "BDAT 2\r\nHiBDAT 0 LAST\r\n", GREETED "250 250",
    STORY "data end[Hi\\r\\n]", .open = TRUE },
  { "two-messages", TO_BDAT "BDAT 2 LAST\r\n\r\n" ENVELOPE "BDAT 2 LAST\r\n\r\n",
    GREETED "250 250 250 250",
    STORY "data end[\\r\\n] mail(s@a.example) rcpt(r@b.example) data end[\\r\\n]", .open = TRUE },
  { "after-data", TO_DATA "1\r\n.\r\n" ENVELOPE "BDAT 2 LAST\r\n\r\n",
    GREETED "354 250 250 250 250",
    STORY "data end[1\\r\\n] mail(s@a.example) rcpt(r@b.example) data end[\\r\\n]", .open = TRUE },

  // How many octets follow is not known: the session is over.
  { "no-size", TO_BDAT "BDAT\r\n", GREETED "501", STORY "reset" },
  { "last-only", TO_BDAT "BDAT LAST\r\n", GREETED "501", STORY "reset" },
  { "negative", TO_BDAT "BDAT -1\r\n", GREETED "501", STORY "reset" },
  { "positive-sign", TO_BDAT "BDAT +1\r\n", GREETED "501", STORY "reset" },
  { "hex", TO_BDAT "BDAT 0x10\r\n", GREETED "501", STORY "reset" },
  { "overflow", TO_BDAT "BDAT 18446744073709551616\r\n", GREETED "501", STORY "reset" },
  { "overflow-to-four", TO_BDAT "BDAT 18446744073709551620 LAST\r\n", GREETED "501",
    STORY "reset" },
  { "many-digits", TO_BDAT "BDAT 000000000000000000001\r\n", GREETED "501", STORY "reset" },
  { "not-last", TO_BDAT "BDAT 4 FIRST\r\n", GREETED "501", STORY "reset" },
  { "last-twice", TO_BDAT "BDAT 4 LAST LAST\r\n", GREETED "501", STORY "reset" },
  { "two-sizes", TO_BDAT "BDAT 4 4\r\n", GREETED "501", STORY "reset" },
  { "control", TO_BDAT "BDAT 4\001\r\n", GREETED "501", STORY "reset" },
  { "largest", TO_BDAT "BDAT 18446744073709551615 LAST\r\nHi", GREETED "552", STORY "data reset" },
  { "largest-first-ready", EHLO "BDAT 18446744073709551615\r\nHi", "220 250 503",
    "ehlo(a.example)" },

  // Refused, and swallowed to the last octet.
  { "before-hello", "BDAT 6\r\nQUIT\r\nNOOP\r\n", "220 503 250", "", .open = TRUE },
  { "after-helo", "HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<r@b.example>\r\n"
                  "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
    "220 250 250 250 503 250", "helo(a.example) mail() rcpt(r@b.example) reset", .open = TRUE },
  { "before-mail", EHLO "BDAT 6 LAST\r\nQUIT\r\nBDAT 0 LAST\r\nNOOP\r\n", "220 250 503 503 250",
    "ehlo(a.example)", .open = TRUE },
  { "before-rcpt", EHLO "MAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\nRCPT TO:<r@b.example>\r\n",
    "220 250 250 554 250", "ehlo(a.example) mail() rcpt(r@b.example) reset", .open = TRUE },
  { "no-recipients", EHLO "MAIL FROM:<>\r\nRCPT TO:<bad@b.example>\r\nBDAT 6\r\nQUIT\r\nRSET\r\n",
    "220 250 250 550 554 250", "ehlo(a.example) mail() rcpt(bad@b.example) reset", .open = TRUE },
  { "refused-octets-may-be-anything", EHLO "BDAT 4\r\n\0\n\r\rNOOP\r\n", "220 250 503 250",
    "ehlo(a.example)", .size = sizeof (EHLO "BDAT 4\r\n\0\n\r\rNOOP\r\n") - 1, .open = TRUE },
  { "bare-lf", TO_BDAT "BDAT 6\r\nHi\nyou"
                       "BDAT 2 LAST\r\n\r\nNOOP\r\n",
    GREETED "550 503 250",
    STORY "data reset", .open = TRUE },
  { "bare-cr", TO_BDAT "BDAT 6 LAST\r\nHi\ryouNOOP\r\n", GREETED "550 250", STORY "data reset",
    .open = TRUE },
  { "bare-cr-at-the-end", TO_BDAT "BDAT 3 LAST\r\nHi\rNOOP\r\n", GREETED "550 250",
    STORY "data reset", .open = TRUE },
  { "bare-cr-between", TO_BDAT "BDAT 3\r\nHi\rBDAT 2 LAST\r\nX\nNOOP\r\n", GREETED "250 550 250",
    STORY "data reset", .open = TRUE },
  { "bare-cr-then-zero-last", TO_BDAT "BDAT 3\r\nHi\rBDAT 0 LAST\r\nNOOP\r\n",
    GREETED "250 550 250", STORY "data reset", .open = TRUE },
  { "nul", TO_BDAT "BDAT 3 LAST\r\na\0bNOOP\r\n", GREETED "550 250", STORY "data reset",
    .size = sizeof (TO_BDAT "BDAT 3 LAST\r\na\0bNOOP\r\n") - 1, .open = TRUE },

  // Between two chunks.
  { "rset-between", TO_BDAT "BDAT 4\r\nHi\r\nRSET\r\nBDAT 4 LAST\r\nHi\r\n" ENVELOPE,
    GREETED "250 250 503 250 250", STORY "data reset mail(s@a.example) rcpt(r@b.example) reset",
    .open = TRUE },
  { "ehlo-between", TO_BDAT "BDAT 4\r\nHi\r\n" EHLO "BDAT 4 LAST\r\nHi\r\n",
    GREETED "250 250 503", STORY "data reset ehlo(a.example)", .open = TRUE },
  { "noop-between", TO_BDAT "BDAT 4\r\nHi\r\nNOOP\r\nBDAT 0 LAST\r\n", GREETED "250 250 250",
    STORY "data end[Hi\\r\\n]", .open = TRUE },
  { "quit-between", TO_BDAT "BDAT 4\r\nHi\r\nQUIT\r\n", GREETED "250 221", STORY "data reset" },
  { "data-between", TO_BDAT "BDAT 4\r\nHi\r\nDATA\r\nBDAT 0 LAST\r\n", GREETED "250 503 250",
    STORY "data end[Hi\\r\\n]", .open = TRUE },
  { "mail-and-rcpt-between", TO_BDAT "BDAT 4\r\nHi\r\n" ENVELOPE "BDAT 0 LAST\r\n",
    GREETED "250 503 503 250", STORY "data end[Hi\\r\\n]", .open = TRUE },
};

static void
start (Peer *peer, gboolean later)
{
  peer_init (peer, &full_config, later);
  peer_hello (peer);
  say (peer, ENVELOPE);
  g_string_truncate (peer->wire, 0);
  g_string_truncate (peer->story, 0);
}

static void
test_pipelined (void)
{
  for (int later = 0; later < 2; later++)
    {
      g_autofree char *found = NULL;
      Peer peer;

      peer_init (&peer, &full_config, later == 1);
      peer_hello (&peer);
      say (&peer, ENVELOPE "BDAT 4\r\nHi\r\nBDAT 0 LAST\r\n" ENVELOPE "BDAT 3 LAST\r\nX\r\n"
                           "MAIL FROM:<bad@a.example>\r\nRCPT TO:<r@b.example>\r\n"
                           "BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nRSET\r\nQUIT\r\n");
      found = codes (peer.wire->str);
      g_assert_cmpstr (found, ==, "220 250 250 250 250 250 250 250 250 550 503 503 503 221");
      g_assert_cmpstr (peer.story->str, ==,
                       STORY "data end[Hi\\r\\n] mail(s@a.example) rcpt(r@b.example) "
                             "data end[X\\r\\n] mail(bad@a.example) ");
      peer_clear (&peer);
    }
}

static void
test_sizes (void)
{
  static const struct
  {
    gsize first;
    gsize second;
    const char *codes;
  } cases[] = {
    { 1000, 0, "250 250" },
    { 500, 500, "250 250" },
    { 500, 501, "250 552" },
    { 1001, 0, "552 503" },
    { 5000, 5, "552 503" },
  };
  g_autofree char *octets = g_strnfill (5000, '\n');

  for (gsize i = 0; i < 5000; i += 2)
    octets[i] = '\r';
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *first = g_strdup_printf ("BDAT %" G_GSIZE_FORMAT "\r\n", cases[i].first);
      g_autofree char *second =
          g_strdup_printf ("BDAT %" G_GSIZE_FORMAT " LAST\r\n", cases[i].second);
      g_autofree char *found = NULL;
      Peer peer;

      start (&peer, FALSE);
      say (&peer, first);
      feed (&peer, octets, cases[i].first, 7);
      say (&peer, second);
      feed (&peer, octets + cases[i].first % 2, cases[i].second, 100);
      found = codes (peer.wire->str);
      g_assert_cmpstr (found, ==, cases[i].codes);
      // What is announced too large is not begun with.
      g_assert_cmpuint (peer.message->len, ==,
                        g_str_has_prefix (found, "552") ? 0
                        : g_str_has_suffix (found, "552")
                            ? cases[i].first
                            : cases[i].first + cases[i].second);
      g_string_truncate (peer.wire, 0);
      say (&peer, "NOOP\r\n");
      g_assert_cmpstr (peer.wire->str, ==, "250 2.0.0 OK\r\n");
      peer_clear (&peer);
    }
}

/* The handler refuses: at the start, at a chunk, at the end. The session goes on. */
static void
test_refusals (void)
{
  for (int kind = 0; kind < 3; kind++)
    for (int later = 0; later < 2; later++)
      {
        static const char *const expected[] = { "452 503 250", "452 503 250", "250 451 250" };
        g_autofree char *found = NULL;
        Peer peer;

        start (&peer, later == 1);
        peer.refuse_data = kind == 0;
        peer.refuse_chunk = kind == 1 ? 1 : 0;
        peer.refuse_end = kind == 2;
        say (&peer, "BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
        found = codes (peer.wire->str);
        g_assert_cmpstr (found, ==, expected[kind]);
        g_assert_cmpint (strstr (peer.story->str, "reset") != NULL, ==, kind < 2);
        g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_READY);
        peer_clear (&peer);
      }
}

/* Chunks of nothing, and chunks that nobody wants, have an end. */
static void
test_floods (void)
{
  static const char *const floods[] = { "BDAT 0\r\n", "BDAT 5 LAST\r\nHello" };

  for (gsize i = 0; i < G_N_ELEMENTS (floods); i++)
    {
      Peer peer;
      guint n = 0;

      peer_init (&peer, &config, FALSE);
      peer_hello (&peer);
      if (i == 0)
        say (&peer, ENVELOPE);
      for (; n < 100 && pm_smtp_server_get_state (peer.server) != PM_SMTP_SERVER_CLOSED; n++)
        say (&peer, floods[i]);
      g_assert_cmpuint (n, <, 10);
      g_assert_nonnull (strstr (peer.wire->str, "\r\n421 4.7.0 "));
      peer_clear (&peer);
    }
}

/* A connection that ends at any octet: one reset, nothing more is read or said. */
static void
test_lost (void)
{
  static const char input[] = ENVELOPE "BDAT 8\r\nHi\r\nyou\rBDAT 5 LAST\r\n\nend\r";

  for (gsize cut = 0; cut < sizeof input - 1; cut++)
    {
      Peer peer;
      gboolean began;

      peer_init (&peer, &full_config, FALSE);
      peer_hello (&peer);
      feed (&peer, input, cut, 1000);
      began = strstr (peer.story->str, "mail(") != NULL;
      g_string_truncate (peer.story, 0);
      g_string_truncate (peer.wire, 0);
      pm_smtp_server_end (peer.server, NULL, FALSE);
      pm_smtp_server_feed (peer.server, "\nQUIT\r\nQUIT\r\n", 13);
      settle (&peer);
      g_assert_cmpstr (peer.story->str, ==, began ? "reset " : "");
      g_assert_cmpstr (peer.wire->str, ==, "");
      peer_clear (&peer);
    }
}

/* A line that begins with BDAT and is too long: what follows is never taken for commands. */
static void
test_long_line (void)
{
  g_autofree char *blanks = g_strnfill (20000, ' ');
  g_autofree char *line = g_strconcat ("BDAT 6", blanks, "\r\nQUIT\r\n", NULL);
  static const gsize pieces[] = { 1, 1000, 100000 };

  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      Peer peer;

      start (&peer, FALSE);
      feed (&peer, line, strlen (line), pieces[i]);
      g_assert_true (g_str_has_prefix (peer.wire->str, "501 "));
      g_assert_null (strstr (peer.wire->str, "221"));
      g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
      peer_clear (&peer);
    }
}

typedef struct
{
  const char *name;
  const char *bytes;
  gsize size;
  gboolean text; /* no more than text, also where it is no end: BDAT takes it */
} Ending;

#define ENDING(name, bytes)                \
  {                                        \
    name, bytes, sizeof (bytes) - 1, FALSE \
  }

static const Ending endings[] = {
  ENDING ("LF.LF", "\n.\n"),
  ENDING ("LF.CRLF", "\n.\r\n"),
  ENDING ("CRLF.LF", "\r\n.\n"),
  ENDING ("CRLF.CRCRLF", "\r\n.\r\r\n"),
  ENDING ("CRCRLF.CRLF", "\r\r\n.\r\n"),
  ENDING ("CRLF.NUL CRLF", "\r\n.\0\r\n"),
  ENDING ("CR.CR", "\r.\r"),
  ENDING ("CR.LF", "\r.\n"),
  ENDING ("CR.CRLF", "\r.\r\n"),
  ENDING ("LF.CR", "\n.\r"),
  ENDING ("CRLF.CR", "\r\n.\r"),
  ENDING ("CRLF NUL.CRLF", "\r\n\0.\r\n"),
  { "CRLF.SP CRLF", "\r\n. \r\n", 6, TRUE },
};

static void
smuggle (const Ending *ending, gboolean bdat, gsize split, gboolean bytewise)
{
  g_autoptr (GString) content = g_string_new ("Hi");
  g_autofree char *command = NULL;
  Peer peer;

  g_string_append_len (content, ending->bytes, (gssize) ending->size);
  g_string_append (content, SMUGGLED);
  command = bdat ? g_strdup_printf ("BDAT %" G_GSIZE_FORMAT " LAST\r\n", content->len)
                 : g_strdup ("DATA\r\n");
  start (&peer, FALSE);
  say (&peer, command);
  g_string_truncate (peer.wire, 0);
  split = MIN (split, content->len);
  feed (&peer, content->str, split, bytewise ? 1 : 10000);
  feed (&peer, content->str + split, content->len - split, bytewise ? 1 : 10000);

  g_assert_null (strstr (peer.story->str, "mail("));
  g_assert_null (strstr (peer.wire->str, "354"));
  if (!ending->text)
    {
      g_assert_null (strstr (peer.story->str, "end["));
      g_assert_true (g_str_has_prefix (peer.wire->str, bdat ? "550 5.6.11 " : "554 5.6.11 "));
    }
  peer_clear (&peer);
}

/* Nothing but CR LF . CR LF ends a message, however the bytes are cut; and none gets in. */
static void
test_endings (gconstpointer user_data)
{
  const Ending *ending = user_data;
  gsize longest = 2 + ending->size + strlen (SMUGGLED);

  for (int bdat = 0; bdat < 2; bdat++)
    {
      smuggle (ending, bdat == 1, 0, FALSE);
      smuggle (ending, bdat == 1, 0, TRUE);
      for (gsize split = 1; split < longest; split++)
        smuggle (ending, bdat == 1, split, FALSE);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  add_scripts ("/smtp/server/bdat", scripts, G_N_ELEMENTS (scripts));
  g_test_add_func ("/smtp/server/bdat-pipelined", test_pipelined);
  g_test_add_func ("/smtp/server/bdat-sizes", test_sizes);
  g_test_add_func ("/smtp/server/bdat-refusals", test_refusals);
  g_test_add_func ("/smtp/server/bdat-floods", test_floods);
  g_test_add_func ("/smtp/server/bdat-lost", test_lost);
  g_test_add_func ("/smtp/server/bdat-long-line", test_long_line);
  for (gsize i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *path = g_strconcat ("/smtp/server/ending/", endings[i].name, NULL);

      g_test_add_data_func (path, &endings[i], test_endings);
    }
  return g_test_run ();
}
