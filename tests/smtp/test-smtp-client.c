// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The client's session against scripted peers, good ones and hostile ones, each fed whole and byte
// by byte. A script is what the peer says; "@" waits until the client has said something more.

#include "smtp/pm-smtp-client.h"

#include <string.h>

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
  guint n_messages; /* how many more to send from finished() */
  const Script *script; /* (nullable) */
  GString *traced;
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

static const PmSmtpClientHandler handler = {
  .pull = pull_cb,
  .result = result_cb,
  .finished = finished_cb,
  .closed = closed_cb,
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
  g_test_add_func ("/smtp/client/endless", test_endless);
  g_test_add_func ("/smtp/client/large", test_large);
  g_test_add_func ("/smtp/client/dot-before-it-left", test_dot_before_it_left);
  g_test_add_func ("/smtp/client/idle", test_idle);
  g_test_add_func ("/smtp/client/state-names", test_state_names);
  return g_test_run ();
}
