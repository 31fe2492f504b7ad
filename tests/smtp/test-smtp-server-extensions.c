// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What extensions add to MAIL and RCPT, and their commands: ETRN, XCLIENT, STARTTLS.

#include <string.h>

#include "server-peer.h"

#define FULL .config = &full_config, .open = TRUE
#define MAIL(parameters) EHLO "MAIL FROM:<s@a.example> " parameters "\r\n"
#define RCPT(parameters) EHLO "MAIL FROM:<>\r\nRCPT TO:<r@b.example> " parameters "\r\n"
#define IN_MAIL(values) "ehlo(a.example) mail(s@a.example" values ") reset"
#define IN_RCPT(values) "ehlo(a.example) mail() rcpt(r@b.example" values ") reset"
#define REFUSED "ehlo(a.example)"
#define REFUSED_RCPT "ehlo(a.example) mail() reset"

static const Script scripts[] = {
  { "ret-full", MAIL ("RET=FULL"), "220 250 250", IN_MAIL (",full"), FULL },
  { "ret-hdrs", MAIL ("ret=hdrs"), "220 250 250", IN_MAIL (",hdrs"), FULL },
  { "ret-other", MAIL ("RET=HALF"), "220 250 501", REFUSED, FULL },
  { "ret-nothing", MAIL ("RET"), "220 250 501", REFUSED, FULL },
  { "envid", MAIL ("ENVID=QQ314159"), "220 250 250", IN_MAIL (",envid=QQ314159"), FULL },
  { "envid-xtext", MAIL ("ENVID=a+2Bb+20c"), "220 250 250", IN_MAIL (",envid=a+b c"), FULL },
  { "envid-line-end", MAIL ("ENVID=a+0D+0Ab"), "220 250 501", REFUSED, FULL },
  { "envid-utf8", MAIL ("ENVID=\xc3\xa9"), "220 250 501", REFUSED, FULL },
  { "envid-nothing", MAIL ("ENVID"), "220 250 501", REFUSED, FULL },
  { "dsn-after-helo", "HELO a.example\r\nMAIL FROM:<> RET=FULL\r\n", "220 250 555",
    "helo(a.example)", FULL },

  { "notify-never", RCPT ("NOTIFY=NEVER"), "220 250 250 250", IN_RCPT (",notify=1"), FULL },
  { "notify-one", RCPT ("NOTIFY=success"), "220 250 250 250", IN_RCPT (",notify=2"), FULL },
  { "notify-all", RCPT ("NOTIFY=SUCCESS,FAILURE,DELAY"), "220 250 250 250",
    IN_RCPT (",notify=14"), FULL },
  { "notify-never-and", RCPT ("NOTIFY=NEVER,DELAY"), "220 250 250 501", REFUSED_RCPT, FULL },
  { "notify-twice", RCPT ("NOTIFY=DELAY,DELAY"), "220 250 250 501", REFUSED_RCPT, FULL },
  { "notify-empty-word", RCPT ("NOTIFY=DELAY,"), "220 250 250 501", REFUSED_RCPT, FULL },
  { "notify-other", RCPT ("NOTIFY=ALWAYS"), "220 250 250 501", REFUSED_RCPT, FULL },
  { "notify-nothing", RCPT ("NOTIFY"), "220 250 250 501", REFUSED_RCPT, FULL },
  { "orcpt", RCPT ("ORCPT=rfc822;r+2Bx@b.example"), "220 250 250 250",
    IN_RCPT (",orcpt=rfc822;r+x@b.example"), FULL },
  { "orcpt-type-case", RCPT ("ORCPT=RFC822;R@b.example NOTIFY=DELAY"), "220 250 250 250",
    IN_RCPT (",notify=8,orcpt=rfc822;R@b.example"), FULL },
  { "orcpt-line-end", RCPT ("ORCPT=rfc822;a+0Ab@c"), "220 250 250 501", REFUSED_RCPT, FULL },
  { "orcpt-no-type", RCPT ("ORCPT=;a@b.example"), "220 250 250 501", REFUSED_RCPT, FULL },
  { "orcpt-bad-type", RCPT ("ORCPT=rfc+0A822;a@b.example"), "220 250 250 501", REFUSED_RCPT,
    FULL },
  { "orcpt-no-address", RCPT ("ORCPT=rfc822;"), "220 250 250 501", REFUSED_RCPT, FULL },
  { "orcpt-no-semicolon", RCPT ("ORCPT=a@b.example"), "220 250 250 501", REFUSED_RCPT, FULL },
  { "orcpt-utf-8", RCPT ("ORCPT=utf-8;s\\x{E9}@b.example"), "220 250 250 250",
    IN_RCPT (",orcpt=utf-8;s\xc3\xa9@b.example"), FULL },
  { "orcpt-utf-8-control", RCPT ("ORCPT=utf-8;s\\x{0A}@b.example"), "220 250 250 501",
    REFUSED_RCPT, FULL },
  { "orcpt-utf-8-as-rfc822", RCPT ("ORCPT=rfc822;s+C3+A9+2B@b.example"), "220 250 250 250",
    IN_RCPT (",orcpt=utf-8;s\xc3\xa9+@b.example"), FULL },
  { "orcpt-not-utf-8-as-rfc822", RCPT ("ORCPT=rfc822;s+E9@b.example"), "220 250 250 501",
    REFUSED_RCPT, FULL },
  { "orcpt-overlong-as-rfc822", RCPT ("ORCPT=rfc822;s+C0+8A@b.example"), "220 250 250 501",
    REFUSED_RCPT, FULL },
  { "orcpt-line-end-in-utf-8-as-rfc822", RCPT ("ORCPT=rfc822;s+C3+A9+0D+0A@b.example"),
    "220 250 250 501", REFUSED_RCPT, FULL },
  { "orcpt-c1-control-as-rfc822", RCPT ("ORCPT=rfc822;s+C2+85@b.example"), "220 250 250 501",
    REFUSED_RCPT, FULL },
  { "orcpt-nul-as-rfc822", RCPT ("ORCPT=rfc822;s+C3+A9+00@b.example"), "220 250 250 501",
    REFUSED_RCPT, FULL },
  { "orcpt-half-quoted-as-rfc822", RCPT ("ORCPT=rfc822;s+C3+A9+2@b.example"), "220 250 250 501",
    REFUSED_RCPT, FULL },
  { "orcpt-unitext-without", RCPT ("ORCPT=utf-8;s\xc3\xa9@b.example"), "220 250 250 553",
    REFUSED_RCPT, FULL },
  { "orcpt-unitext",
    EHLO "MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<r@b.example> ORCPT=utf-8;s\xc3\xa9@b.example\r\n",
    "220 250 250 250",
    "ehlo(a.example) mail(,utf8) rcpt(r@b.example,orcpt=utf-8;s\xc3\xa9@b.example) reset", FULL },

  { "utf8",
    EHLO "MAIL FROM:<s\xc3\xa9@a.example> SMTPUTF8\r\nRCPT TO:<r\xc3\xa9@b\xc3\xa9.example>\r\n",
    "220 250 250 250",
    "ehlo(a.example) mail(s\xc3\xa9@a.example,utf8) rcpt(r\xc3\xa9@xn--b-bga.example) reset",
    FULL },
  { "utf8-sender-without", EHLO "MAIL FROM:<s\xc3\xa9@a.example>\r\n", "220 250 553", REFUSED,
    FULL },
  { "utf8-domain-without", EHLO "MAIL FROM:<s@\xc3\xa9.example>\r\n", "220 250 553", REFUSED,
    FULL },
  { "utf8-recipient-without", EHLO "MAIL FROM:<>\r\nRCPT TO:<r\xc3\xa9@b.example>\r\n",
    "220 250 250 553", REFUSED_RCPT, FULL },
  { "utf8-is-forgotten",
    EHLO "MAIL FROM:<> SMTPUTF8\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<r\xc3\xa9@b.example>\r\n",
    "220 250 250 250 250 553", "ehlo(a.example) mail(,utf8) reset mail() reset", FULL },
  { "utf8-invalid", EHLO "MAIL FROM:<s\xc3@a.example> SMTPUTF8\r\n", "220 250 553", REFUSED, FULL },
  { "utf8-overlong", EHLO "MAIL FROM:<s\xc0\x80@a.example> SMTPUTF8\r\n", "220 250 553", REFUSED,
    FULL },
  { "utf8-c1-control", EHLO "MAIL FROM:<s\xc2\x85@a.example> SMTPUTF8\r\n", "220 250 501", REFUSED,
    FULL },
  { "utf8-value", MAIL ("SMTPUTF8=yes"), "220 250 501", REFUSED, FULL },

  { "auth-mailbox", MAIL ("AUTH=e+3Dmc2@a.example"), "220 250 250",
    IN_MAIL (",auth=e=mc2@a.example"), FULL },
  { "auth-nobody", MAIL ("AUTH=<>"), "220 250 250", IN_MAIL (",auth="), FULL },
  { "auth-no-mailbox", MAIL ("AUTH=somebody"), "220 250 501", REFUSED, FULL },
  { "auth-line-end", MAIL ("AUTH=a+0A@a.example"), "220 250 501", REFUSED, FULL },
  { "auth-nothing", MAIL ("AUTH"), "220 250 501", REFUSED, FULL },
  { "auth-not-offered", MAIL ("AUTH=<>"), "220 250 555", REFUSED, .open = TRUE },

  { "requiretls", MAIL ("REQUIRETLS"), "220 250 250", IN_MAIL (",tls"), FULL },
  { "requiretls-value", MAIL ("REQUIRETLS=1"), "220 250 501", REFUSED, FULL },
  { "requiretls-not-offered", MAIL ("REQUIRETLS"), "220 250 555", REFUSED, .open = TRUE },
  { "priority", MAIL ("MT-PRIORITY=9"), "220 250 250", IN_MAIL (",prio=9"), FULL },
  { "priority-low", MAIL ("MT-PRIORITY=-9"), "220 250 250", IN_MAIL (",prio=-9"), FULL },
  { "priority-zero", MAIL ("MT-PRIORITY=0"), "220 250 250", IN_MAIL (""), FULL },
  { "priority-minus-zero", MAIL ("MT-PRIORITY=-0"), "220 250 501", REFUSED, FULL },
  { "priority-ten", MAIL ("MT-PRIORITY=10"), "220 250 501", REFUSED, FULL },
  { "priority-plus", MAIL ("MT-PRIORITY=+1"), "220 250 501", REFUSED, FULL },
  { "priority-word", MAIL ("MT-PRIORITY=high"), "220 250 501", REFUSED, FULL },
  { "priority-not-offered", MAIL ("MT-PRIORITY=1"), "220 250 555", REFUSED, .open = TRUE },
  { "all",
    MAIL ("SIZE=9 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x AUTH=<> REQUIRETLS MT-PRIORITY=3"),
    "220 250 250", IN_MAIL (",9,prio=3,hdrs,envid=x,auth=,utf8,tls,8"), FULL },
  { "twice", MAIL ("RET=FULL RET=FULL"), "220 250 501", REFUSED, FULL },

  { "vrfy", EHLO "VRFY\r\nVRFY anna\r\nHELP\r\nHELP MAIL\r\n", "220 250 501 252 214 214", REFUSED,
    FULL },
  { "etrn", EHLO "ETRN b.example\r\nETRN @b.example\r\nETRN #slow\r\n", "220 250 250 250 250",
    "ehlo(a.example) etrn(b.example) etrn(@b.example) etrn(#slow)", FULL },
  { "etrn-refused", EHLO "ETRN bad.example\r\n", "220 250 459", "ehlo(a.example) etrn(bad.example)",
    FULL },
  { "etrn-syntax", EHLO "ETRN\r\nETRN @\r\nETRN a b\r\nETRN a;b\r\n", "220 250 501 501 501 501",
    REFUSED, FULL },
  { "etrn-order", "ETRN a\r\n" EHLO "MAIL FROM:<>\r\nETRN a\r\n", "220 503 250 250 503",
    "ehlo(a.example) mail() reset", FULL },
  { "etrn-helo", "HELO a.example\r\nETRN a\r\n", "220 250 503", "helo(a.example)", FULL },
  { "etrn-not-offered", EHLO "ETRN a\r\n", "220 250 502", REFUSED, .open = TRUE },

  { "xclient",
    EHLO "XCLIENT NAME=c.example ADDR=192.0.2.9 PORT=4000 PROTO=ESMTP HELO=h.example "
         "DESTADDR=192.0.2.1 DESTPORT=25\r\nMAIL FROM:<>\r\n" EHLO "MAIL FROM:<>\r\n",
    "220 250 220 503 250 250",
    "ehlo(a.example) xclient( name=c.example helo=h.example proto=ESMTP from=192.0.2.9:4000 "
    "to=192.0.2.1:25) ehlo(a.example) mail() reset",
    FULL },
  { "xclient-six", EHLO "xclient addr=IPV6:2001:db8::9\r\nXCLIENT ADDR=2001:db8::8\r\n",
    "220 250 220 503", "ehlo(a.example) xclient( from=2001:db8::9:0)", FULL },
  { "xclient-unavailable",
    EHLO "XCLIENT NAME=[UNAVAILABLE] ADDR=[TEMPUNAVAIL] PORT=[UNAVAILABLE] LOGIN=[UNAVAILABLE]\r\n",
    "220 250 220", "ehlo(a.example) xclient( name= login= from=0.0.0.0:0)", FULL },
  { "xclient-login", EHLO "XCLIENT LOGIN=a+2Bb@c\r\n" EHLO "AUTH PLAIN AAAA\r\n",
    "220 250 220 250 503", "ehlo(a.example) xclient( login=a+b@c) ehlo(a.example)", FULL },
  { "xclient-refused", EHLO "XCLIENT NAME=bad.example\r\nMAIL FROM:<>\r\n", "220 250 550",
    "ehlo(a.example) xclient( name=bad.example)", .config = &full_config },
  { "xclient-syntax",
    EHLO "XCLIENT\r\nXCLIENT NAME\r\nXCLIENT FOO=1\r\nXCLIENT ADDR=x\r\nXCLIENT PORT=70000\r\n"
         "XCLIENT PORT=0\r\nXCLIENT PROTO=LMTP\r\nXCLIENT NAME=a+0Ab\r\nXCLIENT HELO=a+20b\r\n"
         "XCLIENT ADDR=IPV6:192.0.2.1\r\n",
    "220 250 501 501 501 501 501 501 501 501 501 501", REFUSED, FULL },
  { "xclient-not-offered", EHLO "XCLIENT NAME=c.example\r\n", "220 250 550", REFUSED,
    .open = TRUE },
  { "xclient-order", "XCLIENT NAME=a\r\n" EHLO "MAIL FROM:<>\r\nXCLIENT NAME=a\r\n",
    "220 503 250 250 503", "ehlo(a.example) mail() reset", FULL },

  { "starttls-secured", EHLO "STARTTLS\r\n", "220 250 503", REFUSED, FULL },
  { "starttls-not-offered", EHLO "STARTTLS\r\n", "220 250 502", REFUSED, .open = TRUE },

  // What comes before its turn.
  { "early-etrn", "ETRN a\r\nNOOP\r\n", "220 554", "", .whole = TRUE, .config = &full_config },
  { "early-xclient", "XCLIENT NAME=a\r\nEHLO x\r\n", "220 554", "", .whole = TRUE,
    .config = &full_config },
  { "early-starttls", "STARTTLS\r\nEHLO x\r\n", "220 554", "", .whole = TRUE,
    .config = &full_config },
  { "early-auth", "AUTH PLAIN AAAA\r\nEHLO x\r\n", "220 554", "", .whole = TRUE,
    .config = &full_config },
};

static void
test_ehlo (void)
{
  static const char common[] = "250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 1000\r\n"
                               "250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n"
                               "250-ENHANCEDSTATUSCODES\r\n250-LIMITS RCPTMAX=3\r\n";
  static const char last[] =
      "250-MT-PRIORITY\r\n250-ETRN\r\n"
      "250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n";

  for (int secured = 0; secured < 2; secured++)
    {
      PmSmtpServerConfig settings = full_config;
      g_autofree char *expected = NULL;
      Peer peer;

      settings.secured = secured == 1;
      expected = g_strconcat (
          "220 mx.example.com ESMTP Pointsman\r\n", common,
          secured == 1 ? "250-REQUIRETLS\r\n250-AUTH PLAIN LOGIN ENDLESS\r\n" : "250-STARTTLS\r\n",
          last, NULL);
      peer_init (&peer, &settings, FALSE);
      peer_hello (&peer);
      g_assert_cmpstr (peer.wire->str, ==, expected);
      peer_clear (&peer);
    }
}

static void
test_bounds (void)
{
  static const struct
  {
    const char *prefix;
    gsize most;
    const char *code;
  } cases[] = {
    { "MAIL FROM:<> ENVID=", 100, "501 5.5.4" },
    { "RCPT TO:<r@b.example> ORCPT=rfc822;", 500 - 7, "501 5.5.4" },
    { "XCLIENT LOGIN=", 255, "501 5.5.4" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize over = 0; over < 2; over++)
      {
        g_autofree char *value = g_strnfill (cases[i].most + over, 'x');
        g_autofree char *line = g_strconcat (cases[i].prefix, value, "\r\n", NULL);
        Peer peer;

        peer_init (&peer, &full_config, FALSE);
        peer_hello (&peer);
        if (i == 1)
          say (&peer, "MAIL FROM:<>\r\n");
        g_string_truncate (peer.wire, 0);
        say (&peer, line);
        g_assert_true (g_str_has_prefix (peer.wire->str, over == 1 ? cases[i].code : "2"));
        peer_clear (&peer);
      }
}

static void
start_clear (Peer *peer, gboolean later)
{
  PmSmtpServerConfig settings = full_config;

  settings.secured = FALSE;
  peer_init (peer, &settings, later);
  peer_hello (peer);
  g_string_truncate (peer->wire, 0);
  g_string_truncate (peer->story, 0);
}

static void
test_starttls (void)
{
  for (int later = 0; later < 2; later++)
    {
      Peer peer;

      start_clear (&peer, later == 1);
      say (&peer, "STARTTLS\r\n");
      g_assert_cmpstr (peer.wire->str, ==, "220 2.0.0 Begin the handshake\r\n");
      g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_TLS);
      g_assert_false (pm_smtp_server_is_secured (peer.server));

      // RFC 3207 4.2: nothing that was said counts any more.
      pm_smtp_server_secured (peer.server);
      g_assert_true (pm_smtp_server_is_secured (peer.server));
      g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_FRESH);
      g_assert_null (pm_smtp_server_get_hello (peer.server));
      g_assert_false (pm_smtp_server_is_extended (peer.server));
      g_string_truncate (peer.wire, 0);
      say (&peer, "MAIL FROM:<>\r\n");
      g_assert_true (g_str_has_prefix (peer.wire->str, "503 "));
      g_string_truncate (peer.wire, 0);
      say (&peer, EHLO);
      g_assert_nonnull (strstr (peer.wire->str, "250-AUTH "));
      g_assert_nonnull (strstr (peer.wire->str, "250-REQUIRETLS\r\n"));
      g_assert_null (strstr (peer.wire->str, "STARTTLS"));
      g_assert_cmpstr (peer.story->str, ==, "starttls ehlo(a.example) ");
      peer_clear (&peer);
    }
}

static void
test_starttls_refused (void)
{
  Peer peer;

  start_clear (&peer, TRUE);
  peer.refuse_starttls = TRUE;
  say (&peer, "STARTTLS\r\n");
  g_assert_cmpstr (peer.wire->str, ==, "454 4.7.0 No certificate\r\n");
  g_string_truncate (peer.wire, 0);
  say (&peer, "MAIL FROM:<>\r\nSTARTTLS\r\n"); // and not within a transaction
  g_assert_nonnull (strstr (peer.wire->str, "\r\n503 5.5.1 "));
  peer_clear (&peer);
}

/* CVE-2011-0411: whatever comes after STARTTLS and before the handshake ends the session. */
static void
test_starttls_injection (void)
{
  static const char *const injected[] = { "EHLO x\r\n", "NOOP\r\n", "x", "\r\n", "\x16\x03\x01" };

  for (gsize i = 0; i < G_N_ELEMENTS (injected); i++)
    for (int kind = 0; kind < 3; kind++)
      {
        g_autofree char *both = g_strconcat ("STARTTLS\r\n", injected[i], NULL);
        Peer peer;

        start_clear (&peer, kind == 1);
        if (kind == 0) // in one segment
          say (&peer, both);
        else if (kind == 1) // while the handler thinks
          {
            pm_smtp_server_feed (peer.server, "STARTTLS\r\n", 10);
            pm_smtp_server_feed (peer.server, injected[i], strlen (injected[i]));
            settle (&peer);
          }
        else // after the 220
          {
            say (&peer, "STARTTLS\r\n");
            g_string_truncate (peer.wire, 0);
            say (&peer, injected[i]);
          }
        g_assert_true (g_str_has_prefix (peer.wire->str, "554 5.5.1 "));
        g_assert_null (strstr (peer.wire->str, "220"));
        g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
        g_assert_null (strstr (peer.story->str, "ehlo"));
        pm_smtp_server_secured (peer.server); // too late, and harmless
        g_assert_false (pm_smtp_server_is_secured (peer.server));
        peer_clear (&peer);
      }
}

/* What a proxy said in the clear does not count either. */
static void
test_starttls_forgets_xclient (void)
{
  Peer peer;

  start_clear (&peer, FALSE);
  say (&peer, "XCLIENT LOGIN=anna\r\n");
  g_assert_true (pm_smtp_server_is_authenticated (peer.server));
  say (&peer, EHLO);
  say (&peer, "STARTTLS\r\n");
  pm_smtp_server_secured (peer.server);
  g_assert_false (pm_smtp_server_is_authenticated (peer.server));
  peer_clear (&peer);
}

/* The session is told to end in the middle of a handshake: no clear byte leaves. */
static void
test_starttls_end (void)
{
  g_autoptr (PmSmtpReply) stopping = policy ("421 4.3.2 Stopping");

  for (int finish = 0; finish < 2; finish++)
    {
      Peer peer;

      start_clear (&peer, FALSE);
      say (&peer, "STARTTLS\r\n");
      g_string_truncate (peer.wire, 0);
      pm_smtp_server_end (peer.server, stopping, finish == 1);
      collect (&peer);
      g_assert_cmpstr (peer.wire->str, ==, "");
      pm_smtp_server_secured (peer.server);
      collect (&peer);
      g_assert_cmpstr (peer.wire->str, ==, finish == 1 ? "421 4.3.2 Stopping\r\n" : "");
      g_assert_cmpint (pm_smtp_server_get_state (peer.server), ==, PM_SMTP_SERVER_CLOSED);
      peer_clear (&peer);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  add_scripts ("/smtp/server/extension", scripts, G_N_ELEMENTS (scripts));
  g_test_add_func ("/smtp/server/ehlo", test_ehlo);
  g_test_add_func ("/smtp/server/bounds", test_bounds);
  g_test_add_func ("/smtp/server/starttls", test_starttls);
  g_test_add_func ("/smtp/server/starttls-refused", test_starttls_refused);
  g_test_add_func ("/smtp/server/starttls-injection", test_starttls_injection);
  g_test_add_func ("/smtp/server/starttls-forgets-xclient", test_starttls_forgets_xclient);
  g_test_add_func ("/smtp/server/starttls-end", test_starttls_end);
  return g_test_run ();
}
