// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The client's session: says what the state wants, reads replies strictly one per command, and
// tells one result per recipient. A reply that comes before its command was said is never believed:
// what a peer (or somebody in between) slips in early could otherwise pass for "250, I have your
// message".

#include "smtp/pm-smtp-client-private.h"

#include <string.h>

#define OUTPUT_LIMIT (128 * 1024)

/**
 * pm_smtp_client_state_to_string:
 *
 * Returns: the state in a word, for logs.
 */
const char *
pm_smtp_client_state_to_string (PmSmtpClientState state)
{
  static const char *const names[] = {
    [PM_SMTP_CLIENT_GREETING] = "greeting",
    [PM_SMTP_CLIENT_EHLO] = "ehlo",
    [PM_SMTP_CLIENT_HELO] = "helo",
    [PM_SMTP_CLIENT_STARTTLS] = "starttls",
    [PM_SMTP_CLIENT_TLS] = "tls",
    [PM_SMTP_CLIENT_AUTH] = "auth",
    [PM_SMTP_CLIENT_READY] = "ready",
    [PM_SMTP_CLIENT_ENVELOPE] = "envelope",
    [PM_SMTP_CLIENT_DATA] = "data",
    [PM_SMTP_CLIENT_BODY] = "body",
    [PM_SMTP_CLIENT_DOT] = "dot",
    [PM_SMTP_CLIENT_QUIT] = "quit",
    [PM_SMTP_CLIENT_CLOSED] = "closed",
  };

  g_return_val_if_fail ((gsize) state < G_N_ELEMENTS (names), NULL);
  return names[state];
}

// The one place that changes the state.
void
pm_smtp_client_set_state (PmSmtpClient *client, PmSmtpClientState state)
{
  client->state = state;
  client->said = FALSE;
}

gboolean
pm_smtp_client_offers (const PmSmtpClient *client, PmSmtpExtensions extension)
{
  return (client->extensions & extension) != 0;
}

gboolean
pm_smtp_client_has_room (const PmSmtpClient *client)
{
  return pm_buffer_room (&client->output) >= PM_SMTP_CLIENT_COMMAND_ROOM;
}

// What we said and what has not left this host yet.
gsize
pm_smtp_client_count_unsent (PmSmtpClient *client)
{
  gsize below = client->handler->unsent == NULL
                    ? 0
                    : client->handler->unsent (client, client->user_data);

  return pm_buffer_size (&client->output) + below;
}

// The session is over; whoever has no result yet gets this one.
void
pm_smtp_client_break_off (PmSmtpClient *client, PmSmtpPhase phase, const PmSmtpReply *reply)
{
  gboolean told = client->message != NULL || client->state == PM_SMTP_CLIENT_QUIT;

  pm_smtp_client_set_state (client, PM_SMTP_CLIENT_CLOSED);
  if (client->message != NULL)
    {
      pm_smtp_client_tell_others (client, phase, reply);
      pm_smtp_client_finish_message (client, FALSE);
    }
  if (client->handler->closed != NULL)
    client->handler->closed (client, told ? NULL : reply, client->user_data);
}

void
pm_smtp_client_break_off_locally (PmSmtpClient *client,
                                  PmSmtpPhase phase,
                                  guint code,
                                  const char *status,
                                  const char *text)
{
  g_autoptr (PmSmtpReply) reply = pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, code, status, text);

  pm_smtp_client_break_off (client, phase, reply);
}

void
pm_smtp_client_refuse_answer (PmSmtpClient *client, const PmSmtpReply *reply)
{
  g_autofree char *shown = pm_smtp_reply_to_string (reply);
  g_autofree char *text = g_strdup_printf ("The server's answer is out of place: %.200s", shown);
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  pm_smtp_client_break_off_locally (client, pm_smtp_client_get_phase (client), 451, "4.5.0",
                                    valid);
}

static void
trace (PmSmtpClient *client, gboolean sent, const char *line)
{
  if (client->config.trace && client->handler->trace != NULL)
    client->handler->trace (client, sent, line, client->user_data);
}

// `shown` is the line for people.
void
pm_smtp_client_say (PmSmtpClient *client, const char *line, const char *shown)
{
  trace (client, TRUE, shown);
  // Callers leave room.
  if (!pm_buffer_append (&client->output, line, strlen (line)) ||
      !pm_buffer_append (&client->output, "\r\n", 2))
    g_return_if_reached ();
  client->n_expected++;
}

void
pm_smtp_client_say_once (PmSmtpClient *client, const char *verb, const char *argument)
{
  if (client->said || !pm_smtp_client_has_room (client))
    return;
  g_string_assign (client->line, verb);
  if (argument != NULL)
    g_string_append_printf (client->line, " %s", argument);
  client->said = TRUE;
  pm_smtp_client_say (client, client->line->str, client->line->str);
}

static void
pump (PmSmtpClient *client)
{
  switch (client->state)
    {
    case PM_SMTP_CLIENT_EHLO:
    case PM_SMTP_CLIENT_HELO:
    case PM_SMTP_CLIENT_STARTTLS:
    case PM_SMTP_CLIENT_AUTH:
      pm_smtp_client_say_hello (client);
      break;
    case PM_SMTP_CLIENT_ENVELOPE:
    case PM_SMTP_CLIENT_DATA:
      pm_smtp_client_say_envelope (client);
      break;
    case PM_SMTP_CLIENT_BODY:
      pm_smtp_client_say_body (client);
      break;
    case PM_SMTP_CLIENT_QUIT:
      pm_smtp_client_say_once (client, "QUIT", NULL);
      break;
    case PM_SMTP_CLIENT_GREETING:
    case PM_SMTP_CLIENT_TLS:
    case PM_SMTP_CLIENT_READY:
    case PM_SMTP_CLIENT_DOT:
    case PM_SMTP_CLIENT_CLOSED:
    default:
      break;
    }
}

// Goes on as long as the state is one that the client itself leaves. Never entered twice.
static void
run (PmSmtpClient *client)
{
  if (client->running)
    return;

  client->running = TRUE;
  while (client->state == PM_SMTP_CLIENT_READY && (client->message != NULL || client->quitting))
    {
      if (client->message != NULL)
        pm_smtp_client_begin_message (client);
      else
        pm_smtp_client_set_state (client, PM_SMTP_CLIENT_QUIT);
    }
  pump (client);
  client->running = FALSE;
}

// A reply without a command. In the middle of the message a refusal may come early, as from a
// server that sees that it is too large; nothing else is believed.
static void
take_early (PmSmtpClient *client, const PmSmtpReply *reply)
{
  gboolean in_message =
      client->state == PM_SMTP_CLIENT_BODY || client->state == PM_SMTP_CLIENT_DOT;
  gboolean negative = pm_smtp_reply_is_transient (reply) || pm_smtp_reply_is_permanent (reply);

  if (reply->code == 421 || (in_message && negative))
    pm_smtp_client_break_off (client, pm_smtp_client_get_phase (client), reply);
  else
    pm_smtp_client_refuse_answer (client, reply);
}

static void
trace_reply (PmSmtpClient *client, const PmSmtpReply *reply)
{
  g_autofree char *text = NULL;

  if (!client->config.trace)
    return;
  text = client->state == PM_SMTP_CLIENT_AUTH && reply->code == 334
             ? g_strdup ("334 (challenge)")
             : pm_smtp_reply_to_string (reply);
  trace (client, FALSE, text);
}

// Whether this cannot be the answer to what we said, since that has not left us yet. Of a group
// only the last one is sure to be in what is unsent; nobody can have a message before its last byte
// has left.
static gboolean
is_early (PmSmtpClient *client)
{
  if (client->n_expected == 0)
    return TRUE;
  return (client->n_expected == 1 || client->state == PM_SMTP_CLIENT_DOT) &&
         client->state != PM_SMTP_CLIENT_GREETING && pm_smtp_client_count_unsent (client) > 0;
}

static void
take_reply (PmSmtpClient *client, const PmSmtpReply *reply)
{
  client->n_replies++;
  trace_reply (client, reply);
  if (is_early (client))
    {
      take_early (client, reply);
      return;
    }
  client->n_expected--;
  if (reply->code == 421 || client->state == PM_SMTP_CLIENT_QUIT) // RFC 5321 3.8
    {
      pm_smtp_client_break_off (client, pm_smtp_client_get_phase (client), reply);
      return;
    }

  switch (client->state)
    {
    case PM_SMTP_CLIENT_GREETING:
    case PM_SMTP_CLIENT_EHLO:
    case PM_SMTP_CLIENT_HELO:
    case PM_SMTP_CLIENT_STARTTLS:
    case PM_SMTP_CLIENT_AUTH:
      pm_smtp_client_take_hello (client, reply);
      break;
    case PM_SMTP_CLIENT_ENVELOPE:
      pm_smtp_client_take_envelope (client, reply);
      break;
    case PM_SMTP_CLIENT_DATA:
      pm_smtp_client_take_data (client, reply);
      break;
    case PM_SMTP_CLIENT_DOT:
      pm_smtp_client_take_dot (client, reply);
      break;
    case PM_SMTP_CLIENT_TLS:
    case PM_SMTP_CLIENT_READY:
    case PM_SMTP_CLIENT_BODY:
    case PM_SMTP_CLIENT_QUIT:
    case PM_SMTP_CLIENT_CLOSED:
    default:
      take_early (client, reply);
      break;
    }
}

/**
 * pm_smtp_client_new:
 *
 * Returns: (transfer full): a session that waits for the greeting.
 */
PmSmtpClient *
pm_smtp_client_new (const PmSmtpClientConfig *config,
                    const PmSmtpClientHandler *handler,
                    gpointer user_data)
{
  PmSmtpClient *client;

  g_return_val_if_fail (config->hello != NULL, NULL);
  g_return_val_if_fail (config->want_tls == PM_SMTP_CLIENT_TLS_NONE || handler->starttls != NULL,
                        NULL);
  g_return_val_if_fail (
      !config->login || (handler->auth_choose != NULL && handler->auth_step != NULL), NULL);

  client = g_new0 (PmSmtpClient, 1);
  client->config = *config;
  client->config.hello = g_strdup (config->hello);
  client->secured = config->secured;
  client->handler = handler;
  client->user_data = user_data;
  client->n_expected = 1;
  client->line = g_string_new (NULL);
  pm_smtp_reply_reader_init (&client->reader);
  pm_buffer_init (&client->output, OUTPUT_LIMIT);
  return client;
}

/**
 * pm_smtp_client_free:
 * @client: (transfer full) (nullable): a session
 */
void
pm_smtp_client_free (PmSmtpClient *client)
{
  if (client == NULL)
    return;

  g_clear_pointer (&client->message, pm_smtp_client_transaction_free);
  g_clear_pointer (&client->initial, g_bytes_unref);
  pm_smtp_client_forget_hello (client);
  pm_smtp_reply_reader_clear (&client->reader);
  pm_buffer_clear (&client->output);
  g_string_free (client->line, TRUE);
  if (client->login_line != NULL)
    explicit_bzero (client->login_line, strlen (client->login_line));
  g_free (client->login_line);
  g_free ((char *) client->config.hello);
  g_free (client);
}

/**
 * pm_smtp_client_send:
 *
 * Returns: %FALSE, and nothing of it will happen, when there is a message at hand or no more can
 * go.
 */
gboolean
pm_smtp_client_send (PmSmtpClient *client, const PmSmtpClientMessage *message)
{
  g_return_val_if_fail (message->n_recipients > 0, FALSE);

  if (client->message != NULL || client->quitting || client->state > PM_SMTP_CLIENT_READY)
    return FALSE;

  client->message = pm_smtp_client_transaction_new (message);
  run (client);
  return TRUE;
}

/**
 * pm_smtp_client_quit:
 *
 * After the message at hand, where there is one.
 */
void
pm_smtp_client_quit (PmSmtpClient *client)
{
  client->quitting = TRUE;
  run (client);
}

/**
 * pm_smtp_client_secured:
 *
 * The handshake that @starttls asked for is done.
 */
void
pm_smtp_client_secured (PmSmtpClient *client)
{
  g_return_if_fail (client->state == PM_SMTP_CLIENT_TLS);

  pm_smtp_client_forget_hello (client);
  client->secured = TRUE;
  pm_smtp_client_set_state (client, PM_SMTP_CLIENT_EHLO);
  run (client);
}

// RFC 3207 4.2, CVE-2021-38371: what came after the 220 in clear is somebody else's, and would be
// read as if it had come encrypted.
static void
refuse_injection (PmSmtpClient *client)
{
  pm_smtp_client_break_off_locally (client, PM_SMTP_PHASE_TLS, 451, "4.7.0",
                                    "Bytes in clear came after the server had said that TLS "
                                    "begins: somebody may be in between");
}

static void
feed_some (PmSmtpClient *client, const guint8 **from, gsize *size)
{
  g_autoptr (PmSmtpReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  gsize used = 0;
  PmSmtpRead read;

  if (client->state == PM_SMTP_CLIENT_TLS)
    {
      refuse_injection (client);
      return;
    }
  read = pm_smtp_reply_reader_feed (&client->reader, *from, *size, &used, &reply, &error);
  *from += used;
  *size -= used;
  if (read == PM_SMTP_READ_REPLY)
    take_reply (client, reply);
  else if (read == PM_SMTP_READ_RUBBISH)
    pm_smtp_client_break_off_locally (client, pm_smtp_client_get_phase (client), 451, "4.5.0",
                                      error->message);
}

/**
 * pm_smtp_client_feed:
 *
 * Takes bytes that arrived. Nothing is said before all of them were looked at: a reply that is
 * there before its command is out of place.
 */
void
pm_smtp_client_feed (PmSmtpClient *client, gconstpointer bytes, gsize size)
{
  const guint8 *from = bytes;
  gboolean outer = !client->running;

  client->running = TRUE;
  while (size > 0 && client->state != PM_SMTP_CLIENT_CLOSED)
    feed_some (client, &from, &size);
  if (!outer)
    return;

  client->running = FALSE;
  run (client);
  if (client->state == PM_SMTP_CLIENT_TLS && !client->tls_told)
    {
      client->tls_told = TRUE;
      client->handler->starttls (client, client->user_data);
    }
}

/**
 * pm_smtp_client_get_output:
 *
 * Returns: (transfer none): what is to be sent.
 */
PmBuffer *
pm_smtp_client_get_output (PmSmtpClient *client)
{
  return &client->output;
}

/**
 * pm_smtp_client_advance:
 *
 * There is room in the output: fills it.
 */
void
pm_smtp_client_advance (PmSmtpClient *client)
{
  run (client);
}

/**
 * pm_smtp_client_lost:
 * @reply: (nullable): why
 *
 * Ends the session from below.
 */
void
pm_smtp_client_lost (PmSmtpClient *client, const PmSmtpReply *reply)
{
  PmSmtpPhase phase = pm_smtp_client_get_phase (client);

  if (client->state == PM_SMTP_CLIENT_CLOSED)
    return;
  if (reply != NULL)
    pm_smtp_client_break_off (client, phase, reply);
  else
    pm_smtp_client_break_off_locally (client, phase, 421, "4.4.2", "The connection was lost");
}

/**
 * pm_smtp_client_get_state:
 *
 * Returns: where the session is.
 */
PmSmtpClientState
pm_smtp_client_get_state (PmSmtpClient *client)
{
  return client->state;
}

/**
 * pm_smtp_client_get_extensions:
 *
 * Returns: what the peer offers; nothing before it was greeted.
 */
PmSmtpExtensions
pm_smtp_client_get_extensions (PmSmtpClient *client)
{
  return client->extensions;
}

/**
 * pm_smtp_client_get_phase:
 *
 * Returns: how far the message has come. As long as its last byte has not left this host it is not
 *   %PM_SMTP_PHASE_DOT yet: the peer cannot have taken it.
 */
PmSmtpPhase
pm_smtp_client_get_phase (PmSmtpClient *client)
{
  switch (client->state)
    {
    case PM_SMTP_CLIENT_GREETING:
      return PM_SMTP_PHASE_GREETING;
    case PM_SMTP_CLIENT_EHLO:
    case PM_SMTP_CLIENT_HELO:
      return PM_SMTP_PHASE_HELLO;
    case PM_SMTP_CLIENT_STARTTLS:
    case PM_SMTP_CLIENT_TLS:
      return PM_SMTP_PHASE_TLS;
    case PM_SMTP_CLIENT_AUTH:
      return PM_SMTP_PHASE_AUTH;
    case PM_SMTP_CLIENT_ENVELOPE:
      return pm_smtp_client_get_envelope_phase (client);
    case PM_SMTP_CLIENT_DATA:
    case PM_SMTP_CLIENT_BODY:
      return PM_SMTP_PHASE_DATA;
    case PM_SMTP_CLIENT_DOT:
      return pm_smtp_client_count_unsent (client) > 0 ? PM_SMTP_PHASE_DATA : PM_SMTP_PHASE_DOT;
    case PM_SMTP_CLIENT_READY:
    case PM_SMTP_CLIENT_QUIT:
    case PM_SMTP_CLIENT_CLOSED:
    default:
      return PM_SMTP_PHASE_MAIL;
    }
}

/**
 * pm_smtp_client_get_patience:
 *
 * Returns: seconds to wait for the peer (RFC 5321 4.5.3.2).
 */
guint
pm_smtp_client_get_patience (PmSmtpClient *client)
{
  switch (client->state)
    {
    case PM_SMTP_CLIENT_TLS:
      return 60;
    case PM_SMTP_CLIENT_DATA:
      return 120;
    case PM_SMTP_CLIENT_BODY:
      return 180;
    case PM_SMTP_CLIENT_DOT:
      return 600;
    case PM_SMTP_CLIENT_QUIT:
      return 10;
    case PM_SMTP_CLIENT_GREETING:
    case PM_SMTP_CLIENT_EHLO:
    case PM_SMTP_CLIENT_HELO:
    case PM_SMTP_CLIENT_STARTTLS:
    case PM_SMTP_CLIENT_AUTH:
    case PM_SMTP_CLIENT_READY:
    case PM_SMTP_CLIENT_ENVELOPE:
    case PM_SMTP_CLIENT_CLOSED:
    default:
      return 300;
    }
}

/**
 * pm_smtp_client_get_n_replies:
 *
 * Returns: how many replies the peer has given.
 */
guint64
pm_smtp_client_get_n_replies (PmSmtpClient *client)
{
  return client->n_replies;
}
