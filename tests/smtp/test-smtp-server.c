// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The server's session: commands, DATA and their limits.

#include <string.h>

#include "server-peer.h"

static const Script scripts[] = {
  { "message", TO_DATA "Hi\r\n..dot\r\n.x\r\n\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221",
    STORY "data end[Hi\\r\\n.dot\\r\\nx\\r\\n\\r\\n]" },
  { "empty-message", TO_DATA ".\r\n", "220 250 250 250 354 250", STORY "data end[]", .open = TRUE },
  { "two-messages", TO_DATA "1\r\n.\r\n" ENVELOPE "DATA\r\n2\r\n.\r\n" ENVELOPE,
    "220 250 250 250 354 250 250 250 354 250 421",
    STORY "data end[1\\r\\n] mail(s@a.example) rcpt(r@b.example) data end[2\\r\\n]" },
  { "helo", "HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<PostMaster>\r\nDATA\r\n.\r\nQUIT\r\n",
    "220 250 250 250 354 250 221",
    "helo(a.example) mail() rcpt(postmaster@mx.example.com) data end[]" },
  { "helo-no-extensions", "HELO a.example\r\nMAIL FROM:<> SIZE=1\r\n", "220 250 555",
    "helo(a.example)", .open = TRUE },
  { "case-and-blanks", "ehlo a.example  \r\nmail from: <s@a.example> size=10 body=8bitmime \r\n",
    "220 250 250", "ehlo(a.example) mail(s@a.example,10,8) reset", .open = TRUE },
  { "order-fresh", ENVELOPE "DATA\r\n", "220 503 503 503", "", .open = TRUE },
  { "order-ready", EHLO "RCPT TO:<a@b.example>\r\nDATA\r\n", "220 250 503 503", "ehlo(a.example)",
    .open = TRUE },
  { "nested-mail", EHLO ENVELOPE "MAIL FROM:<b@b.example>\r\n", "220 250 250 250 503",
    STORY "reset", .open = TRUE },
  { "no-recipients", EHLO "MAIL FROM:<>\r\nRCPT TO:<bad@b.example>\r\nDATA\r\n",
    "220 250 250 550 554", "ehlo(a.example) mail() rcpt(bad@b.example) reset", .open = TRUE },
  { "refused-sender", EHLO "MAIL FROM:<bad@b.example>\r\nRCPT TO:<a@b.example>\r\n",
    "220 250 550 503", "ehlo(a.example) mail(bad@b.example)", .open = TRUE },
  { "refused-hello", "EHLO evil\r\nMAIL FROM:<>\r\n", "220 550 503", "ehlo(evil)", .open = TRUE },
  { "rset", EHLO ENVELOPE "RSET\r\nRSET\r\nMAIL FROM:<>\r\n", "220 250 250 250 250 250 250",
    STORY "reset mail() reset", .open = TRUE },
  { "ehlo-again", EHLO ENVELOPE EHLO "DATA\r\n", "220 250 250 250 250 503",
    STORY "reset ehlo(a.example)", .open = TRUE },
  { "quit-in-transaction", EHLO ENVELOPE "QUIT\r\n", "220 250 250 250 221", STORY "reset" },
  { "others", EHLO "NOOP\r\nVRFY a\r\nEXPN a\r\nHELP\r\n", "220 250 250 252 502 214",
    "ehlo(a.example)", .open = TRUE },
  { "unknown", "XYZZY\r\n\r\nEHLOX a\r\n", "220 500 500 500", "", .open = TRUE },
  { "no-argument", "EHLO\r\nEHLO a b\r\nRSET x\r\n", "220 501 501 501", "", .open = TRUE },
  { "421-from-policy", EHLO "MAIL FROM:<>\r\nRCPT TO:<busy@b.example>\r\n", "220 250 250 421",
    "ehlo(a.example) mail() rcpt(busy@b.example) reset" },
  { "bad-paths", EHLO "MAIL FROM:s@a.example\r\nMAIL <s@a.example>\r\nMAIL FROM:<s@a.example\r\n",
    "220 250 501 501 501", "ehlo(a.example)", .open = TRUE },
  { "source-route",
    EHLO "MAIL FROM:<@x.example,@y.example:s@a.example>\r\n"
         "RCPT TO:<@evil.example:r@b.example>\r\n",
    "220 250 250 250", STORY "reset", .open = TRUE },
  { "size-declared",
    EHLO "MAIL FROM:<> SIZE=1001\r\nMAIL FROM:<> SIZE=99999999999999999999\r\n"
         "MAIL FROM:<> SIZE=x\r\nMAIL FROM:<> SIZE=1000\r\n",
    "220 250 552 552 501 250", "ehlo(a.example) mail(,1000) reset", .open = TRUE },
  { "parameters",
    EHLO "MAIL FROM:<> FOO=1\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<a@b.example>\r\n",
    "220 250 555 501 503", "ehlo(a.example)", .open = TRUE },
  { "rcpt-parameters", EHLO "MAIL FROM:<>\r\nRCPT TO:<a@b.example> FOO=NEVER\r\n",
    "220 250 250 555", "ehlo(a.example) mail() reset", .open = TRUE },
  { "8-bit-address", EHLO "MAIL FROM:<s\xc3\xa9@a.example>\r\n", "220 250 553", "ehlo(a.example)",
    .open = TRUE },
  { "controls", EHLO "MAIL FROM:<\x01@a.example>\r\n", "220 250 500", "ehlo(a.example)",
    .open = TRUE },
  { "too-many-recipients",
    EHLO ENVELOPE "RCPT TO:<1@b.example>\r\nRCPT TO:<2@b.example>\r\n"
                  "RCPT TO:<3@b.example>\r\nRCPT TO:<4@b.example>\r\nDATA\r\n.\r\n",
    "220 250 250 250 250 250 452 452 354 250",
    STORY "rcpt(1@b.example) rcpt(2@b.example) data end[]", .open = TRUE },
  { "too-many-errors", "A\r\nB\r\nC\r\nD\r\nE\r\nF\r\n", "220 500 500 500 500 500 421", "" },
  { "too-many-idle", "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n",
    "220 250 250 250 250 250 250 421", "" },

  // What is not CR LF, in commands.
  { "command-bare-lf", EHLO "NOOP\nNOOP\r\n", "220 250 500", "ehlo(a.example)" },
  { "command-bare-cr", EHLO "NOOP\rNOOP\r\n", "220 250 500", "ehlo(a.example)" },
  { "command-cr-cr-lf", EHLO "NOOP\r\r\nNOOP\r\n", "220 250 500", "ehlo(a.example)" },
  { "command-nul", EHLO "NOOP\0\r\nNOOP\r\n", "220 250 500", "ehlo(a.example)",
    .size = sizeof (EHLO "NOOP\0\r\nNOOP\r\n") - 1 },
  { "data-with-bare-lf-command", EHLO ENVELOPE "DATA\n", "220 250 250 250 500", STORY "reset" },

// Every ending that some engine has taken for the end of data.
#define ENDING(label, ending, code)                                                               \
  {                                                                                               \
    "data-" label, TO_DATA "Hi" ending SMUGGLED, "220 250 250 250 354 " code, STORY "data reset", \
        .size = sizeof (TO_DATA "Hi" ending SMUGGLED) - 1                                         \
  }
  ENDING ("lf-dot-lf", "\n.\n", "554"),
  ENDING ("lf-dot-crlf", "\n.\r\n", "554"),
  ENDING ("crlf-dot-lf", "\r\n.\n", "554"),
  ENDING ("cr-dot-cr", "\r.\r", "554"),
  ENDING ("cr-dot-lf", "\r.\n", "554"),
  ENDING ("cr-dot-crlf", "\r.\r\n", "554"),
  ENDING ("lf-dot-cr", "\n.\r", "554"),
  ENDING ("crlf-dot-cr", "\r\n.\r", "554"),
  ENDING ("crlf-dot-crcrlf", "\r\n.\r\r\n", "554"),
  ENDING ("crcrlf-dot-crlf", "\r\r\n.\r\n", "554"),
  ENDING ("crlf-dot-nul-crlf", "\r\n.\0\r\n", "554"),
  ENDING ("crlf-nul-dot-crlf", "\r\n\0.\r\n", "554"),
  ENDING ("lf-lf", "\n\n", "554"),
  ENDING ("nul", "\0", "554"),
#undef ENDING
  { "data-crlf-dot-space-crlf", TO_DATA "Hi\r\n. \r\n.\r\n", "220 250 250 250 354 250",
    STORY "data end[Hi\\r\\n \\r\\n]", .open = TRUE },
  { "data-crlf-space-dot-crlf", TO_DATA "Hi\r\n .\r\n.\r\n", "220 250 250 250 354 250",
    STORY "data end[Hi\\r\\n .\\r\\n]", .open = TRUE },
  { "data-first-line-lf-dot", TO_DATA ".\nQUIT\r\n", "220 250 250 250 354 554",
    STORY "data reset" },

  // Bytes that are there before they are due.
  { "early-after-data", TO_DATA "Hi\r\n.\r\n", "220 554", "", .whole = TRUE },
  { "early-after-ehlo", EHLO "MAIL FROM:<>\r\n", "220 554", "", .whole = TRUE },
  { "early-helo", "HELO a.example\r\nNOOP\r\n", "220 554", "", .whole = TRUE },
  { "early-noop", "NOOP\r\nNOOP\r\n", "220 554", "", .whole = TRUE },
};

/* Lists send many recipients in one group: 1000 beyond the limit are told so, and cost nothing. */
static void
test_far_too_many_recipients (void)
{
  Peer peer;

  peer_init (&peer, &config, FALSE);
  peer_hello (&peer);
  say (&peer, ENVELOPE);
  for (guint i = config.max_recipients - 1; i > 0; i--)
    say (&peer, "RCPT TO:<r@b.example>\r\n");
  for (guint i = 0; i < 1000; i++)
    {
      g_string_truncate (peer.wire, 0);
      say (&peer, "RCPT TO:<r@b.example>\r\n");
      g_assert_true (g_str_has_prefix (peer.wire->str, "452 4.5.3 "));
    }
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_RCPT);
  g_string_truncate (peer.wire, 0);
  say (&peer, "RCPT TO:<r@b.example>\r\n");
  g_assert_true (g_str_has_prefix (peer.wire->str, "421 4.7.0 "));
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
  peer_clear (&peer);
}

static void
test_pipelining (void)
{
  Peer peer;
  g_autofree char *found = NULL;

  for (int later = 0; later < 2; later++)
    {
      peer_init (&peer, &config, later == 1);
      pm_smtp_server_start (peer.server);
      settle (&peer);
      feed (&peer, EHLO, strlen (EHLO), 1000);
      // RFC 2920 3.1: RSET, MAIL and RCPT anywhere, DATA last; and again after the dot.
      feed (&peer, "RSET\r\n" ENVELOPE "DATA\r\n", strlen ("RSET\r\n" ENVELOPE "DATA\r\n"), 1000);
      feed (&peer, "1\r\n.\r\n" ENVELOPE "DATA\r\n", strlen ("1\r\n.\r\n" ENVELOPE "DATA\r\n"),
            1000);
      feed (&peer, "2\r\n.\r\nQUIT\r\nNOOP\r\n", strlen ("2\r\n.\r\nQUIT\r\nNOOP\r\n"), 1000);
      g_free (found);
      found = codes (peer.wire->str);
      g_assert_cmpstr (found, ==, "220 250 250 250 250 354 250 250 250 354 250 221");
      peer_clear (&peer);
    }

  // DATA and the message in one group, where the handler takes its time.
  peer_init (&peer, &config, TRUE);
  pm_smtp_server_start (peer.server);
  settle (&peer);
  feed (&peer, EHLO, strlen (EHLO), 1000);
  feed (&peer, ENVELOPE, strlen (ENVELOPE), 1000);
  pm_smtp_server_feed (peer.server, "DATA\r\n", 6);
  g_assert_true (pm_smtp_server_is_waiting (peer.server));
  pm_smtp_server_feed (peer.server, "early\r\n.\r\n", 10);
  settle (&peer);
  g_assert_nonnull (strstr (peer.wire->str, "554 5.5.1 You sent data before"));
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
  g_assert_cmpstr (peer.story->str, ==, STORY "data reset ");
  peer_clear (&peer);
}

static void
test_before_greeting (void)
{
  Peer peer;

  peer_init (&peer, &config, TRUE);
  pm_smtp_server_start (peer.server);
  pm_smtp_server_feed (peer.server, EHLO, strlen (EHLO));
  settle (&peer);
  g_assert_cmpstr (peer.wire->str, ==, "554 5.5.1 You spoke before you were greeted\r\n");
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
  peer_clear (&peer);

  peer_init (&peer, &config, FALSE);
  peer.connected = policy ("554 5.7.1 Go away");
  pm_smtp_server_start (peer.server);
  settle (&peer);
  g_assert_cmpstr (peer.wire->str, ==, "554 5.7.1 Go away\r\n");
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
  peer_clear (&peer);
}

static void
test_ehlo_reply (void)
{
  Peer peer;

  peer_init (&peer, &config, FALSE);
  pm_smtp_server_start (peer.server);
  feed (&peer, EHLO, strlen (EHLO), 1000);
  g_assert_cmpstr (peer.wire->str, ==,
                   "220 mx.example.com ESMTP Pointsman\r\n"
                   "250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
                   "250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n"
                   "250 LIMITS RCPTMAX=3 MAILMAX=2\r\n");
  g_assert_true (pm_smtp_server_is_extended (peer.server));
  g_assert_cmpstr (pm_smtp_server_get_hello (peer.server), ==, "a.example");
  peer_clear (&peer);
}

static void
send_setup (Peer *peer)
{
  pm_smtp_server_start (peer->server);
  settle (peer);
  feed (peer, EHLO, strlen (EHLO), 1000);
  feed (peer, ENVELOPE "DATA\r\n", strlen (ENVELOPE "DATA\r\n"), 1000);
  g_string_truncate (peer->wire, 0);
  g_string_truncate (peer->story, 0);
}

static void
test_too_large (void)
{
  g_autofree char *line = g_strnfill (100, 'x');

  for (int over = 0; over < 2; over++)
    {
      Peer peer;
      gsize limit = over == 1 ? 10 : 9;

      peer_init (&peer, &config, FALSE);
      send_setup (&peer);
      for (gsize i = 0; i < limit * 10 && over == 1; i++) // far more than the limit
        feed (&peer, line, 100, 7);
      feed (&peer, "\r\n.\r\n", 5, 1);
      g_assert_cmpuint (peer.message->len, <=, config.max_size);
      if (over == 1)
        {
          g_assert_cmpstr (peer.wire->str, ==,
                           "552 5.3.4 The message is larger than this server takes\r\n");
          g_assert_cmpstr (peer.story->str, ==, "reset ");
        }
      else
        g_assert_true (g_str_has_prefix (peer.wire->str, "250 2.6.0 "));
      // The session goes on.
      g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_READY);
      peer_clear (&peer);
    }
}

/* What never ends is not swallowed for ever. */
static void
test_endless (void)
{
  g_autofree char *line = g_strnfill (1000, 'x');
  Peer peer;
  guint n = 0;

  peer_init (&peer, &config, FALSE);
  send_setup (&peer);
  for (; n < 5000 && pm_smtp_server_get_state (peer.server) == PM_SMTP_SERVER_DATA; n++)
    feed (&peer, line, 1000, 1000);
  g_assert_cmpuint (n, >, 1000);
  g_assert_cmpuint (n, <, 1100);
  g_assert_cmpstr (peer.wire->str, ==,
                   "552 5.3.4 The message is larger than this server takes\r\n");
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
  peer_clear (&peer);
}

/* Bytes that drip are no progress; a line is, and a KiB of a message. */
static void
test_progress (void)
{
  g_autofree char *kib = g_strnfill (1024, 'x');
  Peer peer;
  guint64 before;

  peer_init (&peer, &config, FALSE);
  pm_smtp_server_start (peer.server);
  settle (&peer);
  before = pm_smtp_server_get_progress (peer.server);
  feed (&peer, "EHLO c.exampl", 13, 1);
  g_assert_cmpuint (pm_smtp_server_get_progress (peer.server), ==, before);
  feed (&peer, "e\r\n", 3, 1);
  g_assert_cmpuint (pm_smtp_server_get_progress (peer.server), ==, before + 1);
  feed (&peer, ENVELOPE "DATA\r\n", strlen (ENVELOPE "DATA\r\n"), 1000);
  before = pm_smtp_server_get_progress (peer.server);
  feed (&peer, kib, 1000, 1);
  g_assert_cmpuint (pm_smtp_server_get_progress (peer.server), ==, before);
  feed (&peer, kib, 1024, 1024);
  g_assert_cmpuint (pm_smtp_server_get_progress (peer.server), ==, before + 1);
  peer_clear (&peer);
}

static void
test_refusals_of_the_spool (void)
{
  Peer peer;

  peer_init (&peer, &config, FALSE);
  send_setup (&peer);
  peer.refuse_chunk = 1;
  feed (&peer, "Hi\r\nthere\r\n.\r\n", 14, 3);
  g_assert_cmpstr (peer.wire->str, ==, "452 4.3.1 Disk full\r\n");
  g_assert_cmpstr (peer.story->str, ==, "reset ");
  g_assert_cmpuint (peer.message->len, <, 11);
  peer_clear (&peer);

  peer_init (&peer, &config, TRUE);
  send_setup (&peer);
  peer.refuse_end = TRUE;
  feed (&peer, "Hi\r\n.\r\n", 7, 3);
  g_assert_cmpstr (peer.wire->str, ==, "451 4.3.0 Try again\r\n");
  g_assert_cmpstr (peer.story->str, ==, "end[Hi\\r\\n] "); // end, and no reset
  peer_clear (&peer);
}

static void
test_long_lines (void)
{
  static const struct
  {
    gsize length;
    const char *line_end;
    const char *found;
    gboolean open;
  } cases[] = {
    { 990, "\r\n", "250 ", TRUE },
    { 1001, "\r\n", "500 ", TRUE },
    { 12287, "\r\n", "500 ", TRUE },
    { 1000000, "\r\n", "500 ", TRUE },
    { 1000000, "\n", "500 ", FALSE },
    { 1000000, "\r\r\n", "500 ", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      static const gsize pieces[] = { 1, 4096, 10000000 };
      g_autofree char *line = g_strnfill (cases[i].length, ' ');
      g_autofree char *input = NULL;

      memcpy (line, "NOOP x", 6);
      line[cases[i].length - 1] = 'x';
      input = g_strconcat (line, cases[i].line_end, NULL);
      for (gsize p = 0; p < G_N_ELEMENTS (pieces); p++)
        {
          Peer peer;

          peer_init (&peer, &config, FALSE);
          pm_smtp_server_start (peer.server);
          settle (&peer);
          g_string_truncate (peer.wire, 0);
          feed (&peer, input, strlen (input), pieces[p]);
          g_assert_true (g_str_has_prefix (peer.wire->str, cases[i].found));
          g_assert_cmpint (strchr (peer.wire->str, '\n') - peer.wire->str + 1, ==,
                           (int) peer.wire->len);
          g_assert_cmpint (pm_smtp_server_get_state (peer.server) != PM_SMTP_SERVER_CLOSED, ==,
                           cases[i].open);
          if (cases[i].open)
            {
              g_string_truncate (peer.wire, 0);
              feed (&peer, "NOOP\r\n", 6, 6);
              g_assert_cmpstr (peer.wire->str, ==, "250 2.0.0 OK\r\n");
            }
          peer_clear (&peer);
        }
    }
}

// A client that pipelines and never reads: the server stops taking, and memory stays within bounds.
static void
test_back_pressure (void)
{
  PmSmtpServerConfig settings = config;
  Peer peer;
  gsize taken = 0;
  gsize fed = 0;

  settings.max_recipients = 1000000;
  peer_init (&peer, &settings, FALSE);
  pm_smtp_server_start (peer.server);
  settle (&peer);
  feed (&peer, EHLO, strlen (EHLO), 1000);
  feed (&peer, "MAIL FROM:<>\r\n", 14, 1000);
  g_string_truncate (peer.wire, 0);
  for (int i = 0; i < 20000; i++)
    {
      taken = pm_smtp_server_feed (peer.server, "RCPT TO:<r@b.example>\r\n", 23);
      fed += taken;
      if (taken < 23)
        break;
    }
  g_assert_cmpuint (taken, <, 23);
  g_assert_cmpuint (pm_smtp_server_feed (peer.server, "x", 1), <=,
                    pm_smtp_server_get_room (peer.server) + 1);
  g_assert_cmpuint (pm_buffer_size (pm_smtp_server_get_output (peer.server)), <=, 64 * 1024);
  while (pm_buffer_size (pm_smtp_server_get_output (peer.server)) > 0)
    collect (&peer);
  g_assert_cmpuint (pm_smtp_server_get_room (peer.server), >, 60000);
  g_assert_cmpuint (fed, >, 100000 / 2);
  peer_clear (&peer);
}

static void
test_end (void)
{
  g_autoptr (PmSmtpReply) stopping = policy ("421 4.3.2 Stopping");
  Peer peer;

  // With finish: the message at hand gets its answer first.
  peer_init (&peer, &config, TRUE);
  send_setup (&peer);
  pm_smtp_server_end (peer.server, stopping, TRUE);
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_DATA);
  feed (&peer, "x\r\n.\r\n", 6, 6);
  g_assert_cmpstr (peer.wire->str, ==,
                   "250 2.6.0 The message is in the queue\r\n421 4.3.2 Stopping\r\n");
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
  peer_clear (&peer);

  // At once.
  peer_init (&peer, &config, FALSE);
  send_setup (&peer);
  pm_smtp_server_end (peer.server, stopping, FALSE);
  g_assert_cmpstr (peer.story->str, ==, "reset ");
  collect (&peer);
  g_assert_cmpstr (peer.wire->str, ==, "421 4.3.2 Stopping\r\n");
  g_assert_cmpuint (pm_smtp_server_feed (peer.server, "QUIT\r\n", 6), ==, 6);
  peer_clear (&peer);

  // The connection is lost while MAIL is being decided about: the transaction is dropped.
  peer_init (&peer, &config, TRUE);
  pm_smtp_server_start (peer.server);
  settle (&peer);
  feed (&peer, EHLO, strlen (EHLO), 1000);
  pm_smtp_server_feed (peer.server, "MAIL FROM:<>\r\n", 14);
  pm_smtp_server_end (peer.server, NULL, FALSE);
  settle (&peer);
  g_assert_cmpstr (peer.story->str, ==, "ehlo(a.example) mail() reset ");
  peer_clear (&peer);

  // Lost while the message is committed: neither a reset nor another word.
  peer_init (&peer, &config, TRUE);
  send_setup (&peer);
  pm_smtp_server_feed (peer.server, "x\r\n.\r\n", 6);
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_COMMIT);
  pm_smtp_server_end (peer.server, NULL, FALSE);
  settle (&peer);
  g_assert_cmpstr (peer.wire->str, ==, "");
  g_assert_cmpstr (peer.story->str, ==, "end[x\\r\\n] ");
  peer_clear (&peer);
}

static void
test_state_names (void)
{
  for (int state = PM_SMTP_SERVER_GREETING; state <= PM_SMTP_SERVER_CLOSED; state++)
    g_assert_nonnull (pm_smtp_server_state_to_string ((PmSmtpServerState) state));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  add_scripts ("/smtp/server/script", scripts, G_N_ELEMENTS (scripts));
  g_test_add_func ("/smtp/server/far-too-many-recipients", test_far_too_many_recipients);
  g_test_add_func ("/smtp/server/pipelining", test_pipelining);
  g_test_add_func ("/smtp/server/before-greeting", test_before_greeting);
  g_test_add_func ("/smtp/server/ehlo-reply", test_ehlo_reply);
  g_test_add_func ("/smtp/server/too-large", test_too_large);
  g_test_add_func ("/smtp/server/endless", test_endless);
  g_test_add_func ("/smtp/server/progress", test_progress);
  g_test_add_func ("/smtp/server/refusals-of-the-spool", test_refusals_of_the_spool);
  g_test_add_func ("/smtp/server/long-lines", test_long_lines);
  g_test_add_func ("/smtp/server/back-pressure", test_back_pressure);
  g_test_add_func ("/smtp/server/end", test_end);
  g_test_add_func ("/smtp/server/state-names", test_state_names);
  return g_test_run ();
}
