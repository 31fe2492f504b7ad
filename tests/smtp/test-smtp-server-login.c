// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Logging in (RFC 4954): the exchange, its bounds, and that no secret is ever shown.

#include <string.h>

#include "server-peer.h"

#define FULL .config = &full_config, .open = TRUE
#define SECRET "c2VjcmV0LXNlY3JldA=="
#define GOOD "AHVzZXIAZ29vZA==" // \0user\0good
#define BAD "AHVzZXIAYmFk"      // \0user\0bad
#define TOLD "ehlo(a.example) "

static const Script scripts[] = {
  { "plain", EHLO "AUTH PLAIN " GOOD "\r\nMAIL FROM:<>\r\n", "220 250 235 250",
    TOLD "auth(PLAIN,10) mail() reset", FULL },
  { "plain-asked", EHLO "auth plain\r\n" GOOD "\r\n", "220 250 334 235",
    TOLD "auth(PLAIN,-1) response(10)", FULL },
  { "plain-wrong", EHLO "AUTH PLAIN " BAD "\r\nNOOP\r\n", "220 250 535 250", TOLD "auth(PLAIN,9)",
    FULL },
  { "empty-initial", EHLO "AUTH PLAIN =\r\nNOOP\r\n", "220 250 535 250", TOLD "auth(PLAIN,0)",
    FULL },
  { "empty-response", EHLO "AUTH PLAIN\r\n\r\nNOOP\r\n", "220 250 334 535 250",
    TOLD "auth(PLAIN,-1) response(0)", FULL },
  { "login", EHLO "AUTH LOGIN\r\ndXNlcg==\r\nZ29vZA==\r\n", "220 250 334 334 235",
    TOLD "auth(LOGIN,-1) response(4) response(4)", FULL },
  { "login-initial", EHLO "AUTH LOGIN dXNlcg==\r\nZ29vZA==\r\n", "220 250 334 235",
    TOLD "auth(LOGIN,4) response(4)", FULL },
  { "twice", EHLO "AUTH PLAIN " GOOD "\r\nAUTH PLAIN " GOOD "\r\n", "220 250 235 503",
    TOLD "auth(PLAIN,10)", FULL },
  { "after-failure", EHLO "AUTH PLAIN " BAD "\r\nAUTH PLAIN " GOOD "\r\n", "220 250 535 235",
    TOLD "auth(PLAIN,9) auth(PLAIN,10)", FULL },
  { "cancel", EHLO "AUTH PLAIN\r\n*\r\nAUTH PLAIN " GOOD "\r\n", "220 250 334 501 235",
    TOLD "auth(PLAIN,-1) auth(PLAIN,10)", FULL },
  { "commands-are-responses", EHLO "AUTH PLAIN\r\nQUIT\r\nNOOP\r\n", "220 250 334 535 250",
    TOLD "auth(PLAIN,-1) response(3)", FULL },
  { "unknown-mechanism", EHLO "AUTH CRAM-MD5\r\nAUTH\r\nAUTH PLAI\r\nAUTH PLAINX\r\n",
    "220 250 504 504 504 504", "ehlo(a.example)", FULL },

  { "base64-length", EHLO "AUTH PLAIN abc\r\n", "220 250 501", "ehlo(a.example)", FULL },
  { "base64-character", EHLO "AUTH PLAIN ab!d\r\n", "220 250 501", "ehlo(a.example)", FULL },
  { "base64-url", EHLO "AUTH PLAIN ab-_\r\n", "220 250 501", "ehlo(a.example)", FULL },
  { "base64-padding-inside", EHLO "AUTH PLAIN YQ==YQ==\r\n", "220 250 501", "ehlo(a.example)",
    FULL },
  { "base64-padding-three", EHLO "AUTH PLAIN Y===\r\n", "220 250 501", "ehlo(a.example)", FULL },
  { "base64-padding-only", EHLO "AUTH PLAIN ====\r\n", "220 250 501", "ehlo(a.example)", FULL },
  { "base64-bits-left", EHLO "AUTH PLAIN YR==\r\n", "220 250 501", "ehlo(a.example)", FULL },
  { "base64-bits-left-two", EHLO "AUTH PLAIN YWF=\r\n", "220 250 501", "ehlo(a.example)", FULL },
  { "base64-two-words", EHLO "AUTH PLAIN YQ== YQ==\r\n", "220 250 501", "ehlo(a.example)", FULL },
  { "base64-in-response", EHLO "AUTH PLAIN\r\nY Q=\r\nNOOP\r\n", "220 250 334 501 250",
    TOLD "auth(PLAIN,-1)", FULL },
  { "equals-in-response", EHLO "AUTH PLAIN\r\n=\r\nNOOP\r\n", "220 250 334 501 250",
    TOLD "auth(PLAIN,-1)", FULL },

  { "before-hello", "AUTH PLAIN " GOOD "\r\n", "220 503", "", FULL },
  { "after-helo", "HELO a.example\r\nAUTH PLAIN " GOOD "\r\n", "220 250 503", "helo(a.example)",
    FULL },
  { "in-transaction", EHLO "MAIL FROM:<>\r\nAUTH PLAIN " GOOD "\r\n", "220 250 250 503",
    TOLD "mail() reset", FULL },
  { "not-offered", EHLO "AUTH PLAIN " GOOD "\r\n", "220 250 502", "ehlo(a.example)", .open = TRUE },
  { "too-many-failures",
    EHLO "AUTH PLAIN " BAD "\r\nAUTH PLAIN\r\n*\r\nAUTH PLAIN x\r\nAUTH PLAIN " BAD
         "\r\nAUTH PLAIN " BAD "\r\n",
    "220 250 535 334 501 501 535 535 421",
    TOLD "auth(PLAIN,9) auth(PLAIN,-1) auth(PLAIN,9) auth(PLAIN,9)", .config = &full_config },
  { "bare-lf-in-response", EHLO "AUTH PLAIN\r\n" GOOD "\n", "220 250 334 500",
    TOLD "auth(PLAIN,-1)", .config = &full_config },
};

static void
start (Peer *peer, gboolean secured, gboolean later)
{
  PmSmtpServerConfig settings = full_config;

  settings.secured = secured;
  peer_init (peer, &settings, later);
  peer_hello (peer);
  g_string_truncate (peer->wire, 0);
  g_string_truncate (peer->story, 0);
}

/* RFC 4954 4: no password goes over the wire in the clear. */
static void
test_without_tls (void)
{
  Peer peer;

  start (&peer, FALSE, FALSE);
  say (&peer, "AUTH PLAIN " GOOD "\r\n");
  g_assert_true (g_str_has_prefix (peer.wire->str, "538 5.7.11 "));
  g_assert_cmpstr (peer.story->str, ==, "");
  g_assert_false (pm_smtp_server_is_authenticated (peer.server));
  peer_clear (&peer);
}

static void
test_authenticated (void)
{
  Peer peer;

  start (&peer, TRUE, FALSE);
  say (&peer, "AUTH PLAIN " BAD "\r\n");
  g_assert_false (pm_smtp_server_is_authenticated (peer.server));
  say (&peer, "AUTH PLAIN " GOOD "\r\n");
  g_assert_true (pm_smtp_server_is_authenticated (peer.server));
  say (&peer, EHLO "");
  g_assert_true (pm_smtp_server_is_authenticated (peer.server));
  say (&peer, "XCLIENT ADDR=192.0.2.1\r\n"); // somebody else from now on
  g_assert_false (pm_smtp_server_is_authenticated (peer.server));
  peer_clear (&peer);
}

static void
test_trace (void)
{
  static const char *const dialogues[] = {
    "AUTH PLAIN " SECRET "\r\n",
    "AUTH  PLAIN  " SECRET "\r\n",
    "AUTH\tPLAIN " SECRET "\r\n",
    "auth " SECRET "\r\n",
    "AUTH PLAIN\r\n@" SECRET "\r\n",
    "AUTH LOGIN\r\n@dXNlcg==\r\n@" SECRET "\r\n",
    "AUTH PLAIN\r\n@*\r\n@" SECRET "\r\n", // after a log-in that failed meanwhile
    SECRET "\r\n",
    "AUTH ENDLESS bW9yZQ==\r\n@" SECRET "\r\n",
    "AUTH PLAIN " SECRET SECRET "!\r\n",
  };

  for (int secured = 0; secured < 2; secured++)
    for (gsize i = 0; i < G_N_ELEMENTS (dialogues); i++)
      {
        g_auto (GStrv) parts = g_strsplit (dialogues[i], "@", -1);
        Peer peer;

        start (&peer, secured == 1, FALSE);
        for (gsize p = 0; parts[p] != NULL; p++)
          say (&peer, parts[p]);
        g_assert_nonnull (strstr (peer.trace->str, "< "));
        g_assert_null (strstr (peer.trace->str, "c2VjcmV0"));
        g_assert_null (strstr (peer.wire->str, "c2VjcmV0"));
        peer_clear (&peer);
      }
}

/* Nor is a log or a terminal made to do anything. */
static void
test_trace_is_clean (void)
{
  Peer peer;

  start (&peer, TRUE, FALSE);
  say (&peer, "NOOP \x1b[2J\t\xff\xc2\x85\r\n");
  g_assert_nonnull (strstr (peer.trace->str, "< NOOP ?[2J?\xef\xbf\xbd"));
  g_assert_null (strpbrk (peer.trace->str, "\x1b\t\r"));
  g_assert_true (g_utf8_validate (peer.trace->str, -1, NULL));
  peer_clear (&peer);
}

/* RFC 4954 4: lines up to 12288 octets, and not one more. */
static void
test_long_lines (void)
{
  static const struct
  {
    const char *first;
    gsize length; /* of the line with CRLF */
    const char *code;
  } cases[] = {
    { "", 12286, "535 " },
    { "", 12290, "500 5.5.6" },
    { "", 100000, "500 5.5.6" },
    { "AUTH PLAIN ", 12285, "535 " },
    { "AUTH PLAIN ", 12289, "500 5.5.2" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize piece = 1; piece < 200000; piece = piece * 30 + 1)
      {
        gsize fill = cases[i].length - strlen (cases[i].first) - 2;
        g_autofree char *text = g_strnfill (fill, 'A');
        g_autofree char *line = g_strconcat (cases[i].first, text, "\r\n", NULL);
        Peer peer;

        start (&peer, TRUE, FALSE);
        if (*cases[i].first == '\0')
          say (&peer, "AUTH PLAIN\r\n");
        g_string_truncate (peer.wire, 0);
        feed (&peer, line, strlen (line), piece);
        g_assert_true (g_str_has_prefix (peer.wire->str, cases[i].code));
        g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_READY);
        peer_clear (&peer);
      }
}

/* The client waits for each challenge. */
static void
test_early (void)
{
  static const char *const early[] = {
    "AUTH PLAIN\r\n" GOOD "\r\n",
    "AUTH PLAIN " GOOD "\r\nMAIL FROM:<>\r\n",
    "AUTH LOGIN\r\n@dXNlcg==\r\nZ29vZA==\r\n",
    "AUTH PLAIN\r\n@" GOOD "\r\nMAIL FROM:<>\r\n",
    "AUTH PLAIN\r\n@*\r\nQUIT\r\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (early); i++)
    for (int later = 0; later < 2; later++)
      {
        g_auto (GStrv) parts = g_strsplit (early[i], "@", -1);
        Peer peer;

        start (&peer, TRUE, later == 1);
        for (gsize p = 0; parts[p] != NULL; p++)
          say (&peer, parts[p]);
        g_assert_nonnull (strstr (peer.wire->str, "554 5.5.1 "));
        g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
        g_assert_false (pm_smtp_server_is_authenticated (peer.server));
        peer_clear (&peer);
      }
}

/* While the handler thinks, too. */
static void
test_early_later (void)
{
  Peer peer;

  start (&peer, TRUE, TRUE);
  pm_smtp_server_feed (peer.server, "AUTH PLAIN " GOOD "\r\n", strlen ("AUTH PLAIN " GOOD "\r\n"));
  g_assert_true (pm_smtp_server_is_waiting (peer.server));
  pm_smtp_server_feed (peer.server, "MAIL FROM:<>\r\n", 14);
  settle (&peer);
  g_assert_nonnull (strstr (peer.wire->str, "554 5.5.1 "));
  g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
  g_assert_null (strstr (peer.story->str, "mail("));
  peer_clear (&peer);
}

/* A challenge may be longer than a reply; one that no line could hold ends the log-in. */
static void
test_long_challenge (void)
{
  for (int over = 0; over < 2; over++)
    {
      g_autofree guint8 *bytes = g_malloc0 (20000);
      gsize size = over == 1 ? 9300 : 9000;
      Peer peer;

      start (&peer, TRUE, TRUE);
      pm_smtp_server_feed (peer.server, "AUTH PLAIN\r\n", 12);
      peer.owes = FALSE;
      g_clear_pointer (&peer.challenge, g_free);
      pm_smtp_server_challenge (peer.server, bytes, size);
      collect (&peer);
      g_assert_true (g_str_has_prefix (peer.wire->str, over == 1 ? "454 4.7.0 " : "334 AAAA"));
      if (over == 0)
        g_assert_cmpuint (peer.wire->len, ==, 4 + 12000 + 2);
      peer_clear (&peer);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  add_scripts ("/smtp/server/login", scripts, G_N_ELEMENTS (scripts));
  g_test_add_func ("/smtp/server/login-without-tls", test_without_tls);
  g_test_add_func ("/smtp/server/login-authenticated", test_authenticated);
  g_test_add_func ("/smtp/server/login-trace", test_trace);
  g_test_add_func ("/smtp/server/trace-is-clean", test_trace_is_clean);
  g_test_add_func ("/smtp/server/login-long-lines", test_long_lines);
  g_test_add_func ("/smtp/server/login-early", test_early);
  g_test_add_func ("/smtp/server/login-early-later", test_early_later);
  g_test_add_func ("/smtp/server/login-long-challenge", test_long_challenge);
  return g_test_run ();
}
