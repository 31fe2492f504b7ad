// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The client's session against scripted peers, good ones and hostile ones, each fed whole and byte
// by byte. A script is what the peer says; "@" waits until the client has said something more, and
// "@~" is the end of the handshake.

#include "smtp/pm-smtp-client.h"

#include <string.h>

#include "smtp/pm-smtp-data.h"

#define RECIPIENTS 3

typedef struct
{
  const char *name;
  const char *peer;
  const char *story;
  const char *wire;    /* (nullable) */
  const char *message; /* (nullable): another one than usual */
  guint n_messages;
  PmSmtpClientMessage envelope; /* without its addresses */
  PmDsnNotify notify[RECIPIENTS];
  const char *orcpt[RECIPIENTS];
  gboolean utf8_sender;
  gboolean utf8_recipient; /* the second */
  gboolean unreadable;
  PmSmtpClientConfig config; /* without its name */
  const char *mechanism;     /* (nullable): what auth_choose gives */
  const char *initial;       /* (nullable) */
  gboolean no_step;          /* auth_step gives up */
  gboolean unproved;         /* auth_done says no */
} Script;

typedef struct
{
  PmSmtpClient *client;
  GString *wire;  /* what the client said */
  GString *story; /* what the handler was told */
  const char *message;
  gsize pulled;
  guint results[RECIPIENTS];
  guint n_messages;     /* how many more to send from finished() */
  const Script *script; /* (nullable) */
  GString *traced;      /* (nullable) */
  gsize unsent;
} Talk;

static void
send (Talk *talk)
{
  g_autoptr (PmMailAddress) sender = pm_mail_address_parse (
      talk->script != NULL && talk->script->utf8_sender ? "sé@a.example" : "s@a.example", NULL);
  PmSmtpClientRecipient recipients[RECIPIENTS] = { 0 };
  PmSmtpClientMessage message = { 0 };

  if (talk->script != NULL)
    message = talk->script->envelope;
  for (int i = 0; i < RECIPIENTS; i++)
    {
      gboolean other = talk->script != NULL && talk->script->utf8_recipient && i == 1;
      g_autofree char *text = g_strdup_printf ("r%d%s@b.example", i, other ? "é" : "");

      recipients[i].address = pm_mail_address_parse (text, NULL);
      if (talk->script != NULL)
        {
          recipients[i].notify = talk->script->notify[i];
          recipients[i].orcpt = talk->script->orcpt[i];
        }
      talk->results[i] = 0;
    }
  talk->pulled = 0;
  message.sender = sender;
  message.recipients = recipients;
  message.n_recipients = RECIPIENTS;
  g_assert_true (pm_smtp_client_send (talk->client, &message));
  for (int i = 0; i < RECIPIENTS; i++)
    pm_mail_address_unref ((PmMailAddress *) recipients[i].address);
}

static gssize
pull_cb (PmSmtpClient *client, guint8 *bytes, gsize size, gpointer user_data)
{
  Talk *talk = user_data;
  gsize left = strlen (talk->message) - talk->pulled;
  gsize some = MIN (MIN (left, size), 7);

  if (talk->script != NULL && talk->script->unreadable)
    return -1;
  memcpy (bytes, talk->message + talk->pulled, some);
  talk->pulled += some;
  return (gssize) some;
}

static void
result_cb (PmSmtpClient *client, const PmSmtpClientResult *result, gpointer user_data)
{
  Talk *talk = user_data;
  const PmSmtpReply *reply = result->reply;

  g_assert_cmpuint (result->index, <, RECIPIENTS);
  g_assert_cmpuint (++talk->results[result->index], ==, 1); // exactly once
  g_string_append_printf (talk->story, "%u:%s:%u%s%s%s ", result->index,
                          pm_smtp_phase_to_string (result->phase), reply->code,
                          reply->source == PM_SMTP_SOURCE_LOCAL ? "!" : "",
                          result->relayed ? "r" : "", result->again ? "+" : "");
}

static void
finished_cb (PmSmtpClient *client, gboolean reusable, gpointer user_data)
{
  Talk *talk = user_data;

  for (int i = 0; i < RECIPIENTS; i++)
    g_assert_cmpuint (talk->results[i], ==, 1);
  g_string_append (talk->story, reusable ? "finished " : "broken ");
  if (reusable && talk->n_messages > 0)
    {
      talk->n_messages--;
      send (talk);
    }
  else if (reusable)
    pm_smtp_client_quit (client);
}

static void
closed_cb (PmSmtpClient *client, const PmSmtpReply *reply, gpointer user_data)
{
  Talk *talk = user_data;

  if (reply == NULL)
    g_string_append (talk->story, "closed ");
  else
    g_string_append_printf (talk->story, "closed:%u ", reply->code);
}

static void
starttls_cb (PmSmtpClient *client, gpointer user_data)
{
  g_string_append (((Talk *) user_data)->story, "starttls ");
}

static GBytes *
bytes_of (const char *text)
{
  return text == NULL ? NULL : g_bytes_new (text, strlen (text));
}

static char *
auth_choose_cb (PmSmtpClient *client, const char *mechanisms, GBytes **initial, gpointer user_data)
{
  Talk *talk = user_data;

  g_string_append_printf (talk->story, "choose(%s) ", mechanisms);
  *initial = bytes_of (talk->script->initial);
  return g_strdup (talk->script->mechanism);
}

static GBytes *
auth_step_cb (PmSmtpClient *client, const guint8 *challenge, gsize size, gpointer user_data)
{
  Talk *talk = user_data;

  g_string_append_printf (talk->story, "step(%.*s) ", (int) size, (const char *) challenge);
  return bytes_of (talk->script->no_step ? NULL : "secret");
}

static gboolean
auth_done_cb (PmSmtpClient *client, gpointer user_data)
{
  return !((Talk *) user_data)->script->unproved;
}

static gsize
unsent_cb (PmSmtpClient *client, gpointer user_data)
{
  return ((Talk *) user_data)->unsent;
}

static void
trace_cb (PmSmtpClient *client, gboolean sent, const char *line, gpointer user_data)
{
  g_string_append_printf (((Talk *) user_data)->traced, "%c %s\n", sent ? '>' : '<', line);
}

static const PmSmtpClientHandler handler = {
  .pull = pull_cb,
  .result = result_cb,
  .finished = finished_cb,
  .closed = closed_cb,
  .starttls = starttls_cb,
  .auth_choose = auth_choose_cb,
  .auth_step = auth_step_cb,
  .auth_done = auth_done_cb,
  .unsent = unsent_cb,
  .trace = trace_cb,
};

static PmSmtpClient *
new_client (Talk *talk)
{
  PmSmtpClientConfig config = { 0 };

  if (talk->script != NULL)
    config = talk->script->config;
  config.hello = "c.example";
  return pm_smtp_client_new (&config, &handler, talk);
}

static gsize
collect (Talk *talk)
{
  PmBuffer *out = pm_smtp_client_get_output (talk->client);
  gsize size;
  gsize sum = 0;

  while ((size = pm_buffer_size (out)) > 0)
    {
      g_string_append_len (talk->wire, (const char *) pm_buffer_peek (out), (gssize) size);
      pm_buffer_consume (out, size);
      pm_smtp_client_advance (talk->client);
      sum += size;
    }
  return sum;
}

#define HI "220 mx hello\r\n@250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n"
#define PLAIN "220 mx\r\n@250 mx\r\n"
#define LHI "220 lmtp\r\n@250-l\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
#define THI "220 mx\r\n@250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
#define AHI "220 mx\r\n@250-mx\r\n250 Auth plain login\r\n"
#define LMTP .config = { .protocol = PM_SMTP_PROTOCOL_LMTP }
#define TLS(want) .config = { .want_tls = PM_SMTP_CLIENT_TLS_##want }
#define LOGIN .config = { .secured = TRUE, .login = TRUE }
#define A48 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A64 "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
#define SAY_ENVELOPE                                                                \
  "MAIL FROM:<s@a.example>\r\nRCPT TO:<r0@b.example>\r\nRCPT TO:<r1@b.example>\r\n" \
  "RCPT TO:<r2@b.example>\r\nDATA\r\n"
#define OK4 "250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 ok\r\n251 ok\r\n"
#define ALL(phase, code) "0:" phase ":" code " 1:" phase ":" code " 2:" phase ":" code " "

static const Script scripts[] = {
  { "good", HI "@" OK4 "354 go\r\n@250 2.0.0 taken\r\n@221 bye\r\n",
    ALL ("dot", "250r") "finished closed",
    "EHLO c.example\r\n" SAY_ENVELOPE "Hi\r\n..dot\r\n.\r\nQUIT\r\n" },
  { "plain", PLAIN "@250 ok\r\n@250 ok\r\n@250 ok\r\n@250 ok\r\n@354 go\r\n@250 ok\r\n@221 bye\r\n",
    ALL ("dot", "250r") "finished closed",
    "EHLO c.example\r\n" SAY_ENVELOPE "Hi\r\n..dot\r\n.\r\nQUIT\r\n" },
  { "helo", "220 mx\r\n@502 what\r\n@250 mx\r\n@550 no\r\n@221 bye\r\n",
    ALL ("mail", "550") "finished closed",
    "EHLO c.example\r\nHELO c.example\r\nMAIL FROM:<s@a.example>\r\nQUIT\r\n" },
  { "no-line-end", HI "@" OK4 "354 go\r\n@250 ok\r\n@221 bye\r\n",
    ALL ("dot", "250r") "finished closed", "EHLO c.example\r\n" SAY_ENVELOPE "Hi\r\n.\r\nQUIT\r\n",
    .message = "Hi" },
  { "empty-message", HI "@" OK4 "354 go\r\n@250 ok\r\n@221 bye\r\n",
    ALL ("dot", "250r") "finished closed", "EHLO c.example\r\n" SAY_ENVELOPE ".\r\nQUIT\r\n",
    .message = "" },
  { "size-and-8bit", HI "@" OK4 "354 go\r\n@250 ok\r\n@221 bye\r\n",
    ALL ("dot", "250r") "finished closed",
    "EHLO c.example\r\nMAIL FROM:<s@a.example> SIZE=9 BODY=8BITMIME\r\nRCPT TO:<r0@b.example>\r\n"
    "RCPT TO:<r1@b.example>\r\nRCPT TO:<r2@b.example>\r\nDATA\r\nHi\r\n..dot\r\n.\r\nQUIT\r\n",
    .envelope = { .size = 9, .eight_bit = TRUE } },
  { "one-refused",
    HI "@250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n@250 ok\r\n@221 bye\r\n",
    "1:rcpt:550 0:dot:250r 2:dot:250r finished closed" },
  { "all-refused",
    HI "@250 ok\r\n550 no\r\n451 later\r\n550 no\r\n554 no valid\r\n@221 bye\r\n",
    "0:rcpt:550 1:rcpt:451 2:rcpt:550 finished closed",
    "EHLO c.example\r\n" SAY_ENVELOPE "QUIT\r\n" },
  { "all-refused-and-354",
    HI "@250 ok\r\n550 no\r\n550 no\r\n550 no\r\n354 go\r\n@554 none\r\n@221 bye\r\n",
    "0:rcpt:550 1:rcpt:550 2:rcpt:550 finished closed",
    "EHLO c.example\r\n" SAY_ENVELOPE ".\r\nQUIT\r\n" },
  { "all-refused-plain",
    PLAIN "@250 ok\r\n@550 no\r\n@550 no\r\n@550 no\r\n@221 bye\r\n",
    "0:rcpt:550 1:rcpt:550 2:rcpt:550 finished closed" },
  { "sender-refused",
    HI "@550 no\r\n503 what\r\n503 what\r\n503 what\r\n503 what\r\n@221 x\r\n",
    ALL ("mail", "550") "finished closed" },
  { "data-refused", HI "@" OK4 "451 no\r\n@221 bye\r\n",
    ALL ("data", "451") "finished closed" },
  { "dot-refused", HI "@" OK4 "354 go\r\n@554 spam\r\n@221 bye\r\n",
    ALL ("dot", "554") "finished closed" },
  { "two-messages", HI "@" OK4 "354 go\r\n@250 ok\r\n@" OK4 "354 go\r\n@452 full\r\n@221 bye\r\n",
    ALL ("dot", "250r") "finished " ALL ("dot", "452") "finished closed", .n_messages = 1 },
  { "no-8bitmime", PLAIN "@221 bye\r\n", ALL ("mail", "554!") "finished closed",
    "EHLO c.example\r\nQUIT\r\n", .envelope = { .eight_bit = TRUE } },
  { "too-large", HI "@221 bye\r\n", ALL ("mail", "552!") "finished closed",
    "EHLO c.example\r\nQUIT\r\n", .envelope = { .size = 1001 } },
  { "reset-refused", HI "@" OK4 "451 no\r\n@550 no\r\n",
    ALL ("data", "451") "finished " ALL ("hello", "550") "broken closed", .n_messages = 1 },

  // Early ends.
  { "greeting-554", "554 no service\r\n", ALL ("greeting", "554") "broken closed", "" },
  { "greeting-421", "421 busy\r\n", ALL ("greeting", "421") "broken closed", "" },
  { "ehlo-421", "220 mx\r\n@421 busy\r\n", ALL ("hello", "421") "broken closed" },
  { "ehlo-450", "220 mx\r\n@450 no\r\n", ALL ("hello", "450") "broken closed" },
  { "helo-refused", "220 mx\r\n@500 no\r\n@550 no\r\n", ALL ("hello", "550") "broken closed" },
  { "mail-421", HI "@421 busy\r\n", ALL ("mail", "421") "broken closed" },
  { "rcpt-421", HI "@250 ok\r\n550 no\r\n421 busy\r\n",
    "0:rcpt:550 1:rcpt:421 2:rcpt:421 broken closed" },
  { "data-421", HI "@" OK4 "421 busy\r\n", ALL ("data", "421") "broken closed" },
  { "dot-421", HI "@" OK4 "354 go\r\n@421 busy\r\n", ALL ("dot", "421") "broken closed" },
  { "lost-at-once", "", ALL ("greeting", "421!") "broken closed" },
  { "lost-in-greeting", "220-mx\r\n", ALL ("greeting", "421!") "broken closed" },
  { "lost-after-greeting", "220 mx\r\n", ALL ("hello", "421!") "broken closed" },
  { "lost-in-envelope", HI "@250 ok\r\n250 ok\r\n", ALL ("rcpt", "421!") "broken closed" },
  { "lost-after-dot", HI "@" OK4 "354 go\r\n@", ALL ("dot", "421!") "broken closed" },
  { "lost-at-quit", HI "@" OK4 "354 go\r\n@250 ok\r\n@", ALL ("dot", "250r") "finished closed" },

  // Rubbish.
  { "http", "HTTP/1.1 400 Bad Request\r\n", ALL ("greeting", "451!") "broken closed", "" },
  { "bare-lf", "220 mx\n", ALL ("greeting", "451!") "broken closed", "" },
  { "binary", "\x80\xff\x01\r\n", ALL ("greeting", "451!") "broken closed", "" },
  { "354-greeting", "354 go\r\n", ALL ("greeting", "451!") "broken closed", "" },
  { "mixed-codes", "220-mx\r\n250 mx\r\n", ALL ("greeting", "451!") "broken closed", "" },
  { "354-to-mail", HI "@354 go\r\n", ALL ("mail", "451!") "broken closed" },
  { "250-to-data", HI "@" OK4 "250 ok\r\n", ALL ("data", "451!") "broken closed" },
  { "354-to-dot", HI "@" OK4 "354 go\r\n@354 go\r\n", ALL ("dot", "451!") "broken closed" },
  { "8-bit-text",
    HI "@250 ok\r\n250 ok\r\n550 \xff\xfe\x01 no\r\n250 ok\r\n354 go\r\n@250 ok\r\n@221 x\r\n",
    "1:rcpt:550 0:dot:250r 2:dot:250r finished closed" },

  // Answers to what was not asked yet are never believed.
  { "early-ehlo", "220 mx\r\n250 mx\r\n", ALL ("hello", "451!") "broken closed", "" },
  { "early-250-with-354", HI "@" OK4 "354 go\r\n250 taken\r\n",
    ALL ("data", "451!") "broken closed" },
  { "early-554-with-354", HI "@" OK4 "354 go\r\n554 no\r\n", ALL ("data", "554") "broken closed" },
  { "early-envelope", PLAIN "250 ok\r\n", ALL ("mail", "451!") "broken closed" },
  { "early-after-dot", HI "@" OK4 "354 go\r\n@250 ok\r\n250 again\r\n",
    ALL ("dot", "250r") "finished closed:451" },

  // One RSET, in the next group, and only where the peer kept a transaction open.
  { "reset-in-group",
    HI "@250 ok\r\n550 no\r\n550 no\r\n550 no\r\n554 none\r\n@250 reset\r\n" OK4
       "354 go\r\n@250 ok\r\n@221 bye\r\n",
    "0:rcpt:550 1:rcpt:550 2:rcpt:550 finished " ALL ("dot", "250r") "finished closed",
    "EHLO c.example\r\n" SAY_ENVELOPE "RSET\r\n" SAY_ENVELOPE "Hi\r\n..dot\r\n.\r\nQUIT\r\n",
    .n_messages = 1 },
  { "no-reset-after-refused-sender",
    HI "@550 no\r\n503 a\r\n503 b\r\n503 c\r\n503 d\r\n@" OK4
       "354 go\r\n@250 ok\r\n@221 bye\r\n",
    ALL ("mail", "550") "finished " ALL ("dot", "250r") "finished closed",
    "EHLO c.example\r\n" SAY_ENVELOPE SAY_ENVELOPE "Hi\r\n..dot\r\n.\r\nQUIT\r\n",
    .n_messages = 1 },
  { "reset-plain",
    PLAIN "@250 ok\r\n@550 no\r\n@550 no\r\n@550 no\r\n@250 reset\r\n@550 no\r\n@221 bye\r\n",
    "0:rcpt:550 1:rcpt:550 2:rcpt:550 finished " ALL ("mail", "550") "finished closed",
    "EHLO c.example\r\nMAIL FROM:<s@a.example>\r\nRCPT TO:<r0@b.example>\r\n"
    "RCPT TO:<r1@b.example>\r\nRCPT TO:<r2@b.example>\r\nRSET\r\nMAIL FROM:<s@a.example>\r\n"
    "QUIT\r\n",
    .n_messages = 1 },
  { "reset-lost", HI "@" OK4 "451 no\r\n@", ALL ("data", "451") "finished " ALL ("hello",
    "421!") "broken closed", .n_messages = 1 },

  // LMTP (RFC 2033): LHLO, and a reply for each recipient who was accepted.
  { "lmtp", LHI "@250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n@250 a\r\n452 full\r\n"
       "@221 x\r\n",
    "1:rcpt:550 0:dot:250 2:dot:452 finished closed",
    "LHLO c.example\r\n" SAY_ENVELOPE "Hi\r\n..dot\r\n.\r\nQUIT\r\n", LMTP },
  { "lmtp-good", LHI "@" OK4 "354 go\r\n@250 a\r\n250 b\r\n250 c\r\n@221 x\r\n",
    ALL ("dot", "250") "finished closed", LMTP },
  { "lmtp-421-in-between", LHI "@" OK4 "354 go\r\n@250 a\r\n421 bye\r\n",
    "0:dot:250 1:dot:421 2:dot:421 broken closed", LMTP },
  { "lmtp-lost-in-between", LHI "@" OK4 "354 go\r\n@250 a\r\n",
    "0:dot:250 1:dot:421! 2:dot:421! broken closed", LMTP },
  { "lmtp-early-fourth", LHI "@" OK4 "354 go\r\n@250 a\r\n250 b\r\n250 c\r\n250 d\r\n",
    ALL ("dot", "250") "finished closed:451", LMTP },
  { "lmtp-no-helo", "220 l\r\n@500 what\r\n", ALL ("hello", "500") "broken closed", LMTP },
  { "lmtp-all-refused-and-354",
    LHI "@250 ok\r\n550 no\r\n550 no\r\n550 no\r\n354 go\r\n",
    "0:rcpt:550 1:rcpt:550 2:rcpt:550 broken closed", LMTP },

  // STARTTLS.
  { "tls", THI "@220 go\r\n@~@250-mx\r\n250 PIPELINING\r\n@" OK4 "354 go\r\n@250 ok\r\n"
       "@221 bye\r\n",
    "starttls " ALL ("dot", "250r") "finished closed",
    "EHLO c.example\r\nSTARTTLS\r\nEHLO c.example\r\n" SAY_ENVELOPE
    "Hi\r\n..dot\r\n.\r\nQUIT\r\n",
    TLS (REQUIRED) },
  { "tls-forgets", THI "@220 go\r\n@~@250 mx\r\n@250 ok\r\n@550 no\r\n@550 no\r\n@550 no\r\n"
       "@221 x\r\n",
    "starttls 0:rcpt:550 1:rcpt:550 2:rcpt:550 finished closed", NULL, TLS (REQUIRED) },
  { "tls-not-wanted", THI "@421 no\r\n", ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\n" SAY_ENVELOPE },
  { "tls-not-offered", HI "@421 no\r\n", ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\n" SAY_ENVELOPE, TLS (IF_OFFERED) },
  { "tls-required-not-offered", HI, ALL ("tls", "451!") "broken closed", "EHLO c.example\r\n",
    TLS (REQUIRED) },
  { "tls-required-helo", "220 mx\r\n@500 what\r\n@250 mx\r\n", ALL ("tls", "451!") "broken closed",
    "EHLO c.example\r\nHELO c.example\r\n", TLS (REQUIRED) },
  { "tls-refused", THI "@454 not now\r\n@421 no\r\n", ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\nSTARTTLS\r\n" SAY_ENVELOPE, TLS (IF_OFFERED) },
  { "tls-required-refused", THI "@554 never\r\n", ALL ("tls", "451!") "broken closed",
    "EHLO c.example\r\nSTARTTLS\r\n", TLS (REQUIRED) },
  { "tls-421", THI "@421 busy\r\n", ALL ("tls", "421") "broken closed", NULL, TLS (REQUIRED) },
  { "tls-250", THI "@250 what\r\n", ALL ("tls", "451!") "broken closed", NULL, TLS (IF_OFFERED) },
  { "tls-lost-in-handshake", THI "@220 go\r\n", "starttls " ALL ("tls", "421!") "broken closed",
    NULL, TLS (IF_OFFERED) },
  { "tls-injected-early", THI "@220 go\r\n250 mx\r\n", ALL ("tls", "451!") "broken closed", NULL,
    TLS (IF_OFFERED) },
  { "tls-injected-part-early", THI "@220 go\r\n2", ALL ("tls", "451!") "broken closed", NULL,
    TLS (IF_OFFERED) },
  { "tls-421-after", THI "@220 go\r\n@~@421 busy\r\n", "starttls " ALL ("hello",
    "421") "broken closed",
    NULL, TLS (IF_OFFERED) },
  { "tls-once", THI "@220 go\r\n@~@250-mx\r\n250 STARTTLS\r\n@421 no\r\n",
    "starttls " ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\nSTARTTLS\r\nEHLO c.example\r\nMAIL FROM:<s@a.example>\r\n",
    TLS (REQUIRED) },

  // Login.
  { "auth-initial", AHI "@235 hello\r\n@421 no\r\n", "choose(PLAIN LOGIN) " ALL ("mail",
    "421") "broken closed",
    "EHLO c.example\r\nAUTH PLAIN c2VjcmV0\r\nMAIL FROM:<s@a.example>\r\n", LOGIN,
    .mechanism = "PLAIN", .initial = "secret" },
  { "auth-empty-initial", AHI "@235 hello\r\n@421 no\r\n",
    "choose(PLAIN LOGIN) " ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\nAUTH X =\r\nMAIL FROM:<s@a.example>\r\n", LOGIN, .mechanism = "X",
    .initial = "" },
  { "auth-steps", AHI "@334 VXNlcg==\r\n@334 \r\n@235 hello\r\n@421 no\r\n",
    "choose(PLAIN LOGIN) step(User) step() " ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\nAUTH LOGIN\r\nc2VjcmV0\r\nc2VjcmV0\r\nMAIL FROM:<s@a.example>\r\n", LOGIN,
    .mechanism = "LOGIN" },
  { "auth-long-initial", AHI "@334 \r\n@421 no\r\n",
    "choose(PLAIN LOGIN) " ALL ("auth", "421") "broken closed",
    "EHLO c.example\r\nAUTH PLAIN\r\n" A64 A64 A64 A64 A64 A64 A64 A64 "\r\n",
    LOGIN, .mechanism = "PLAIN",
    .initial = A48 A48 A48 A48 A48 A48 A48 A48 },
  { "auth-refused", AHI "@535 5.7.8 wrong\r\n", "choose(PLAIN LOGIN) " ALL ("auth",
    "454!") "broken closed",
    NULL, LOGIN, .mechanism = "PLAIN", .initial = "secret" },
  { "auth-354", AHI "@354 go\r\n", "choose(PLAIN LOGIN) " ALL ("auth", "451!") "broken closed",
    NULL,
    LOGIN, .mechanism = "PLAIN", .initial = "secret" },
  { "auth-no-mechanism", AHI, "choose(PLAIN LOGIN) " ALL ("auth", "454!") "broken closed",
    "EHLO c.example\r\n", LOGIN },
  { "auth-not-offered", HI, ALL ("auth", "454!") "broken closed", "EHLO c.example\r\n", LOGIN,
    .mechanism = "PLAIN" },
  { "auth-in-clear", AHI, ALL ("auth", "454!") "broken closed", "EHLO c.example\r\n",
    .config = { .login = TRUE }, .mechanism = "PLAIN" },
  { "auth-in-clear-allowed", AHI "@235 ok\r\n@421 no\r\n",
    "choose(PLAIN LOGIN) " ALL ("mail", "421") "broken closed", NULL,
    .config = { .login = TRUE, .login_in_clear = TRUE }, .mechanism = "PLAIN" },
  { "auth-gives-up", AHI "@334 VXNlcg==\r\n@501 well\r\n",
    "choose(PLAIN LOGIN) step(User) " ALL ("auth", "454!") "broken closed",
    "EHLO c.example\r\nAUTH LOGIN\r\n*\r\n", LOGIN, .mechanism = "LOGIN", .no_step = TRUE },
  { "auth-gives-up-235", AHI "@334 VXNlcg==\r\n@235 welcome all the same\r\n",
    "choose(PLAIN LOGIN) step(User) " ALL ("auth", "454!") "broken closed", NULL, LOGIN,
    .mechanism = "LOGIN", .no_step = TRUE },
  { "auth-bad-base64", AHI "@334 V!NlcA==\r\n@501 well\r\n",
    "choose(PLAIN LOGIN) " ALL ("auth", "454!") "broken closed",
    "EHLO c.example\r\nAUTH LOGIN\r\n*\r\n", LOGIN, .mechanism = "LOGIN" },
  { "auth-unproved", AHI "@235 trust me\r\n", "choose(PLAIN LOGIN) " ALL ("auth",
    "454!") "broken closed",
    NULL, LOGIN, .mechanism = "PLAIN", .unproved = TRUE },
  { "auth-and-all",
    THI "@220 go\r\n@~@250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n@334 \r\n@235 ok\r\n@" OK4
        "354 go\r\n@250 ok\r\n@221 bye\r\n",
    "starttls choose(PLAIN) step() " ALL ("dot", "250r") "finished closed",
    .config = { .want_tls = PM_SMTP_CLIENT_TLS_REQUIRED, .login = TRUE }, .mechanism = "PLAIN" },
  { "auth-early", AHI "235 logged in\r\n", "choose(PLAIN LOGIN) " ALL ("auth",
    "451!") "broken closed", NULL, LOGIN,
    .mechanism = "PLAIN" },
  { "auth-lost", AHI "@", "choose(PLAIN LOGIN) " ALL ("auth", "421!") "broken closed", NULL, LOGIN,
    .mechanism = "PLAIN" },

  // What the sender asked for goes on where the peer can take it.
  { "dsn", "220 mx\r\n@250-mx\r\n250-PIPELINING\r\n250 DSN\r\n@" OK4 "354 go\r\n@250 ok\r\n"
       "@221 x\r\n",
    ALL ("dot", "250") "finished closed",
    "EHLO c.example\r\nMAIL FROM:<s@a.example> RET=HDRS ENVID=a+20b+2B+3D\r\n"
    "RCPT TO:<r0@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+2B+20@c.example\r\n"
    "RCPT TO:<r1@b.example> NOTIFY=NEVER ORCPT=utf-8;o\\x{E9}\\x{2B}@c.example\r\n"
    "RCPT TO:<r2@b.example>\r\nDATA\r\nHi\r\n..dot\r\n.\r\nQUIT\r\n",
    .envelope = { .ret = PM_DSN_RET_HEADERS, .envid = "a b+=" },
    .notify = { PM_DSN_NOTIFY_SUCCESS | PM_DSN_NOTIFY_DELAY, PM_DSN_NOTIFY_NEVER },
    .orcpt = { "rfc822;o+ @c.example", "utf-8;oé+@c.example", "" } },
  { "dsn-not-offered", HI "@" OK4 "354 go\r\n@250 ok\r\n@221 x\r\n",
    ALL ("dot", "250r") "finished closed",
    "EHLO c.example\r\n" SAY_ENVELOPE "Hi\r\n..dot\r\n.\r\nQUIT\r\n",
    .envelope = { .ret = PM_DSN_RET_FULL, .envid = "x" }, .notify = { PM_DSN_NOTIFY_SUCCESS },
    .orcpt = { "rfc822;x" } },
  { "dsn-too-long", "220 mx\r\n@250-mx\r\n250 DSN\r\n@421 no\r\n", ALL ("mail",
    "421") "broken closed",
    "EHLO c.example\r\nMAIL FROM:<s@a.example>\r\n",
    .envelope = { .envid = A48 A48 A48 } },
  { "utf8", "220 mx\r\n@250-mx\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n@421 no\r\n",
    ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\nMAIL FROM:<sé@a.example> BODY=8BITMIME SMTPUTF8\r\n",
    .envelope = { .utf8 = TRUE, .eight_bit = TRUE }, .utf8_sender = TRUE },
  { "utf8-not-offered", HI "@221 x\r\n", ALL ("mail", "553!") "finished closed", NULL,
    .envelope = { .utf8 = TRUE, .eight_bit = TRUE } },
  { "utf8-sender-not-offered", HI "@221 x\r\n", ALL ("mail", "553!") "finished closed", NULL,
    .utf8_sender = TRUE },
  { "utf8-recipient-not-offered", HI "@250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n@250 ok\r\n"
       "@221 x\r\n",
    "1:mail:553! 0:dot:250r 2:dot:250r finished closed", NULL, .utf8_recipient = TRUE },
  { "utf8-needless", HI "@421 no\r\n", ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\n" SAY_ENVELOPE, .envelope = { .utf8 = TRUE } },
  { "requiretls-in-clear", "220 mx\r\n@250-mx\r\n250 REQUIRETLS\r\n@221 x\r\n",
    ALL ("mail", "550!") "finished closed", NULL, .envelope = { .require_tls = TRUE } },
  { "requiretls", "220 mx\r\n@250-mx\r\n250-REQUIRETLS\r\n250 MT-PRIORITY\r\n@421 x\r\n",
    ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\nMAIL FROM:<s@a.example> REQUIRETLS MT-PRIORITY=-3\r\n",
    .envelope = { .require_tls = TRUE, .priority = -3 }, .config = { .secured = TRUE } },
  { "priority-not-offered", HI "@421 no\r\n", ALL ("mail", "421") "broken closed",
    "EHLO c.example\r\n" SAY_ENVELOPE, .envelope = { .priority = 4 } },
  { "rcptmax", "220 mx\r\n@250-mx\r\n250 LIMITS FOO=1 RCPTMAX=2\r\n@250 ok\r\n@250 ok\r\n"
       "@550 no\r\n"
               "@354 go\r\n@250 ok\r\n@221 x\r\n",
    "2:rcpt:452!+ 1:rcpt:550 0:dot:250r finished closed" },
  { "mailmax", "220 mx\r\n@250-mx\r\n250-PIPELINING\r\n250 limits MAILMAX=1\r\n"
       "@" OK4 "354 go\r\n@250 ok\r\n@221 x\r\n",
    ALL ("dot", "250r") "broken closed", NULL, .n_messages = 1 },
  { "bad-limits", "220 mx\r\n@250-mx\r\n250-LIMITS RCPTMAX=0 MAILMAX=x RCPTMAX\r\n"
       "250 LIMITS\r\n@421 x\r\n",
    ALL ("mail", "421") "broken closed" },
  { "too-many",
    HI "@250 ok\r\n250 ok\r\n452 4.5.3 enough\r\n452 4.2.2 full\r\n354 go\r\n@250 ok\r\n"
       "@221 bye\r\n",
    "1:rcpt:452+ 2:rcpt:452 0:dot:250r finished closed" },
  { "too-many-at-once",
    HI "@250 ok\r\n452 4.5.3 no\r\n452 no\r\n552 no\r\n554 none\r\n@221 bye\r\n",
    "0:rcpt:452 1:rcpt:452 2:rcpt:552 finished closed" },

  // Our own trouble.
  { "unreadable", HI "@" OK4 "354 go\r\n", ALL ("data", "451!") "broken closed",
    .unreadable = TRUE },
  { "message-bare-lf", HI "@" OK4 "354 go\r\n", ALL ("data", "554!") "broken closed",
    .message = "a\nb\r\n" },
  { "message-bare-cr", HI "@" OK4 "354 go\r\n", ALL ("data", "554!") "broken closed",
    .message = "a\rb\r\n" },
  { "message-last-cr", HI "@" OK4 "354 go\r\n", ALL ("data", "554!") "broken closed",
    .message = "ab\r" },
};

static void
check_script (const Script *script, gsize piece)
{
  Talk talk = { .wire = g_string_new (NULL),
                .story = g_string_new (NULL),
                .message = script->message == NULL ? "Hi\r\n.dot\r\n" : script->message,
                .n_messages = script->n_messages,
                .script = script };
  g_auto (GStrv) parts = g_strsplit (script->peer, "@", -1);

  g_test_message ("%s in pieces of %" G_GSIZE_FORMAT, script->name, piece);
  talk.client = new_client (&talk);
  send (&talk);
  for (gsize i = 0; parts[i] != NULL; i++)
    {
      gsize size = strlen (parts[i]);

      if (strcmp (parts[i], "~") == 0)
        {
          g_assert_cmpuint (collect (&talk), ==, 0); // it says nothing meanwhile
          pm_smtp_client_secured (talk.client);
          continue;
        }
      if (i > 0)
        g_assert_cmpuint (collect (&talk), >, 0); // it has said what this answers
      for (gsize done = 0; done < size; done += MIN (piece, size - done))
        pm_smtp_client_feed (talk.client, parts[i] + done, MIN (piece, size - done));
    }
  collect (&talk);
  pm_smtp_client_lost (talk.client, NULL);
  g_assert_cmpint (pm_smtp_client_get_state (talk.client), ==, PM_SMTP_CLIENT_CLOSED);
  g_assert_cmpstr (g_strchomp (talk.story->str), ==, script->story);
  if (script->wire != NULL)
    g_assert_cmpstr (talk.wire->str, ==, script->wire);
  pm_smtp_client_free (talk.client);
  g_string_free (talk.wire, TRUE);
  g_string_free (talk.story, TRUE);
}

static void
test_script (gconstpointer user_data)
{
  const Script *script = user_data;

  check_script (script, 100000);
  // Nothing leaves the client within a part, so what comes early is early in any pieces. Only
  // within one part that makes the client speak is the whole different from its bytes.
  if (strstr (script->name, "early") == NULL)
    check_script (script, 1);
}

// Feeds `size` bytes of a script's peer, then `last`, then cuts the connection.
static void
check_cut (const Script *script, gsize size, const char *last)
{
  Talk talk = { .wire = g_string_new (NULL),
                .story = g_string_new (NULL),
                .message = "Hi\r\n.dot\r\n",
                .script = script };
  g_autofree char *peer = g_strndup (script->peer, size);
  g_auto (GStrv) parts = g_strsplit (peer, "@", -1);
  gboolean taken = FALSE;

  talk.client = new_client (&talk);
  send (&talk);
  for (gsize i = 0; parts[i] != NULL; i++)
    {
      collect (&talk);
      if (strcmp (parts[i], "~") == 0 &&
          pm_smtp_client_get_state (talk.client) == PM_SMTP_CLIENT_TLS)
        pm_smtp_client_secured (talk.client);
      else
        pm_smtp_client_feed (talk.client, parts[i], strlen (parts[i]));
    }
  collect (&talk);
  taken = strstr (talk.story->str, ":dot:250") != NULL;
  pm_smtp_client_feed (talk.client, last, strlen (last));
  pm_smtp_client_lost (talk.client, NULL);

  // Every recipient has heard (finished_cb() counts), nobody is said to be served by the cut, and
  // the message is not returned for it.
  g_assert_true (strstr (talk.story->str, "finished") != NULL ||
                 strstr (talk.story->str, "broken") != NULL);
  g_assert_true (taken || strstr (talk.story->str, ":dot:250") == NULL);
  g_assert_null (strstr (talk.story->str, ":55"));
  g_assert_cmpint (pm_smtp_client_get_state (talk.client), ==, PM_SMTP_CLIENT_CLOSED);
  pm_smtp_client_free (talk.client);
  g_string_free (talk.wire, TRUE);
  g_string_free (talk.story, TRUE);
}

static void
test_cut_everywhere (void)
{
  static const char *const names[] = { "good", "plain", "lmtp-good", "tls", "auth-and-all" };
  guint found = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (scripts); i++)
    for (gsize n = 0; n < G_N_ELEMENTS (names); n++)
      for (gsize size = 0;
           strcmp (scripts[i].name, names[n]) == 0 && size <= strlen (scripts[i].peer); size++)
        {
          gboolean whole = size == 0 || scripts[i].peer[size - 1] == '\n' ||
                           scripts[i].peer[size - 1] == '@';

          check_cut (&scripts[i], size, "");
          if (whole)
            check_cut (&scripts[i], size, "421 4.3.2 closing down\r\n");
          if (size > 0 && scripts[i].peer[size - 1] == '@')
            check_cut (&scripts[i], size, "399 what\r\n");
          found += size == 0;
        }
  g_assert_cmpuint (found, ==, G_N_ELEMENTS (names));
}

static void
test_endless (void)
{
  for (int way = 0; way < 2; way++)
    {
      Talk talk = { .wire = g_string_new (NULL), .story = g_string_new (NULL), .message = "" };
      guint fed = 0;

      talk.client = new_client (&talk);
      send (&talk);
      while (pm_smtp_client_get_state (talk.client) != PM_SMTP_CLIENT_CLOSED)
        {
          const char *text = way == 0 ? "220-and on\r\n" : "220 and on";

          pm_smtp_client_feed (talk.client, text, strlen (text));
          g_assert_cmpuint (++fed, <=, PM_SMTP_REPLY_MAX_LINES + 1);
        }
      g_assert_cmpstr (talk.story->str, ==, ALL ("greeting", "451!") "broken closed ");
      pm_smtp_client_free (talk.client);
      g_string_free (talk.wire, TRUE);
      g_string_free (talk.story, TRUE);
    }
}

// A large message goes through a bounded output.
static void
test_large (void)
{
  g_autoptr (GString) message = g_string_new (NULL);
  Talk talk = { .wire = g_string_new (NULL), .story = g_string_new (NULL) };
  PmBuffer *out;

  for (int i = 0; i < 100000; i++)
    g_string_append (message, ".line\r\n");
  talk.message = message->str;
  talk.client = new_client (&talk);
  out = pm_smtp_client_get_output (talk.client);
  send (&talk);
  pm_smtp_client_feed (talk.client, "220 mx\r\n", 8);
  collect (&talk);
  pm_smtp_client_feed (talk.client, "250 mx\r\n", 8);
  for (int i = 0; i < 4; i++)
    {
      collect (&talk);
      pm_smtp_client_feed (talk.client, "250 ok\r\n", 8);
    }
  collect (&talk);
  g_string_truncate (talk.wire, 0);
  pm_smtp_client_feed (talk.client, "354 go\r\n", 8);
  g_assert_cmpuint (pm_buffer_size (out), >, 1000);
  g_assert_cmpuint (pm_buffer_size (out), <=, 128 * 1024);
  g_assert_cmpint (pm_smtp_client_get_state (talk.client), ==, PM_SMTP_CLIENT_BODY);
  collect (&talk);
  g_assert_cmpint (pm_smtp_client_get_state (talk.client), ==, PM_SMTP_CLIENT_DOT);
  g_assert_cmpuint (talk.wire->len, ==, 100000 * 8 + 3);
  pm_smtp_client_free (talk.client);
  g_string_free (talk.wire, TRUE);
  g_string_free (talk.story, TRUE);
}

// Nobody can have the message before its last byte has left.
static void
test_dot_before_it_left (void)
{
  Talk talk = { .wire = g_string_new (NULL), .story = g_string_new (NULL), .message = "Hi\r\n" };

  talk.client = new_client (&talk);
  send (&talk);
  pm_smtp_client_feed (talk.client, "220 mx\r\n", 8);
  collect (&talk);
  pm_smtp_client_feed (talk.client, "250-mx\r\n250 PIPELINING\r\n", 24);
  collect (&talk);
  pm_smtp_client_feed (talk.client, OK4 "354 go\r\n", strlen (OK4 "354 go\r\n"));
  g_assert_cmpint (pm_smtp_client_get_state (talk.client), ==, PM_SMTP_CLIENT_DOT);
  g_assert_cmpint (pm_smtp_client_get_phase (talk.client), ==, PM_SMTP_PHASE_DATA);
  pm_smtp_client_feed (talk.client, "250 taken\r\n", 11);
  g_assert_cmpstr (talk.story->str, ==, ALL ("data", "451!") "broken closed ");
  g_assert_false (pm_smtp_client_send (talk.client, &(PmSmtpClientMessage){ .n_recipients = 1 }));
  pm_smtp_client_free (talk.client);
  g_string_free (talk.wire, TRUE);
  g_string_free (talk.story, TRUE);
}

static void
test_idle (void)
{
  Talk talk = { .wire = g_string_new (NULL), .story = g_string_new (NULL), .message = "" };

  talk.client = new_client (&talk);
  pm_smtp_client_feed (talk.client, "220 mx\r\n", 8);
  collect (&talk);
  pm_smtp_client_feed (talk.client, "250 mx\r\n", 8);
  g_assert_cmpint (pm_smtp_client_get_state (talk.client), ==, PM_SMTP_CLIENT_READY);
  pm_smtp_client_feed (talk.client, "421 too idle\r\n", 14);
  g_assert_cmpstr (talk.story->str, ==, "closed:421 ");
  pm_smtp_client_free (talk.client);
  g_string_free (talk.wire, TRUE);
  g_string_free (talk.story, TRUE);
}

// Bytes that the layer below still holds have not left either.
static void
test_unsent_below (void)
{
  Talk talk = { .wire = g_string_new (NULL), .story = g_string_new (NULL), .message = "Hi\r\n" };

  talk.client = new_client (&talk);
  send (&talk);
  pm_smtp_client_feed (talk.client, "220 mx\r\n", 8);
  collect (&talk);
  pm_smtp_client_feed (talk.client, "250-mx\r\n250 PIPELINING\r\n", 24);
  collect (&talk);
  talk.unsent = 6; // "DATA" is: the others may be answered
  pm_smtp_client_feed (talk.client, OK4, strlen (OK4));
  g_assert_cmpint (pm_smtp_client_get_state (talk.client), ==, PM_SMTP_CLIENT_DATA);
  talk.unsent = 0;
  pm_smtp_client_feed (talk.client, "354 go\r\n", 8);
  collect (&talk);
  talk.unsent = 1;
  g_assert_cmpint (pm_smtp_client_get_phase (talk.client), ==, PM_SMTP_PHASE_DATA);
  pm_smtp_client_feed (talk.client, "250 taken\r\n", 11);
  g_assert_cmpstr (talk.story->str, ==, ALL ("data", "451!") "broken closed ");
  pm_smtp_client_free (talk.client);
  g_string_free (talk.wire, TRUE);
  g_string_free (talk.story, TRUE);
}

static void
test_trace_has_no_secret (void)
{
  static const Script script = { LOGIN, .mechanism = "PLAIN", .initial = "secret" };
  Script traced = script;
  Talk talk = { .wire = g_string_new (NULL),
                .story = g_string_new (NULL),
                .traced = g_string_new (NULL),
                .message = "",
                .script = &traced };

  traced.config.trace = TRUE;
  talk.client = new_client (&talk);
  for (int i = 0; i < 4; i++)
    {
      static const char *const says[] = { "220 mx\r\n", "250-mx\r\n250 AUTH PLAIN\r\n",
                                          "334 c2VjcmV0\r\n", "235 ok\r\n" };

      pm_smtp_client_feed (talk.client, says[i], strlen (says[i]));
      collect (&talk);
    }
  g_assert_cmpstr (talk.traced->str, ==,
                   "< 220 mx\n> EHLO c.example\n< 250 mx / AUTH PLAIN\n> AUTH PLAIN\n"
                   "< 334 (challenge)\n> (login)\n< 235 ok\n");
  g_assert_nonnull (strstr (talk.wire->str, "AUTH PLAIN c2VjcmV0\r\nc2VjcmV0\r\n"));
  pm_smtp_client_free (talk.client);
  g_string_free (talk.wire, TRUE);
  g_string_free (talk.story, TRUE);
  g_string_free (talk.traced, TRUE);
}

/* The plain way to write it, byte by byte. -1 as the writer's. */
static gssize
stuff_slowly (const guint8 *bytes, gsize size, guint8 *out)
{
  guint8 *o = out;

  for (gsize i = 0; i < size; i++)
    {
      if (bytes[i] == '\0' || ((i > 0 && bytes[i - 1] == '\r') != (bytes[i] == '\n')))
        return -1;
      if (bytes[i] == '.' && (i == 0 || bytes[i - 1] == '\n'))
        *o++ = '.';
      *o++ = bytes[i];
    }
  return o - out;
}

// Whatever the message is and however it is cut: the same as byte by byte, which has no bare CR or
// LF, no line that begins with one dot, and so no end before the end.
static void
test_writer_property (void)
{
  static const char letters[] = "a.\r\n\r\n.\r\n\0b";
  guint8 in[64];
  guint8 slow[128];
  guint8 fast[128];
  guint n_good = 0;

  for (guint round = 0; round < 200000; round++)
    {
      PmSmtpDataWriter writer = { 0 };
      gsize size = (gsize) g_test_rand_int_range (0, 24);
      gssize expected;
      gssize sum = 0;

      for (gsize i = 0; i < size;)
        {
          // Mostly whole lines, or nearly everything would be refused.
          if (g_test_rand_int_range (0, 4) > 0 && i + 3 <= size)
            {
              in[i++] = (guint8) ".a"[g_test_rand_int_range (0, 2)];
              in[i++] = '\r';
              in[i++] = '\n';
            }
          else
            in[i++] = (guint8) letters[g_test_rand_int_range (0, sizeof letters - 1)];
        }
      expected = stuff_slowly (in, size, slow);
      for (gsize done = 0; done < size && sum >= 0;)
        {
          gsize piece = (gsize) g_test_rand_int_range (1, 9);
          gsize some = MIN (size - done, piece);
          gssize written = pm_smtp_data_writer_feed (&writer, in + done, some, fast + sum);

          sum = written < 0 ? -1 : sum + written;
          done += some;
        }
      g_assert_cmpint (sum, ==, expected);
      if (expected < 0)
        continue;
      g_assert_true (memcmp (slow, fast, (gsize) sum) == 0);
      n_good += size > 0;
      g_assert_true ((pm_smtp_data_writer_end (&writer) == NULL) ==
                     (size > 0 && in[size - 1] == '\r'));
    }
  g_assert_cmpuint (n_good, >, 10000);
}

static void
test_state_names (void)
{
  for (int state = PM_SMTP_CLIENT_GREETING; state <= PM_SMTP_CLIENT_CLOSED; state++)
    g_assert_nonnull (pm_smtp_client_state_to_string ((PmSmtpClientState) state));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autofree char *path = g_strconcat ("/smtp/client/script/", scripts[i].name, NULL);

      g_test_add_data_func (path, &scripts[i], test_script);
    }
  g_test_add_func ("/smtp/client/cut-everywhere", test_cut_everywhere);
  g_test_add_func ("/smtp/client/endless", test_endless);
  g_test_add_func ("/smtp/client/large", test_large);
  g_test_add_func ("/smtp/client/dot-before-it-left", test_dot_before_it_left);
  g_test_add_func ("/smtp/client/idle", test_idle);
  g_test_add_func ("/smtp/client/state-names", test_state_names);
  g_test_add_func ("/smtp/client/unsent-below", test_unsent_below);
  g_test_add_func ("/smtp/client/trace-has-no-secret", test_trace_has_no_secret);
  g_test_add_func ("/smtp/client/writer-property", test_writer_property);
  return g_test_run ();
}
