// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The client's session: says what the state wants, reads replies strictly one per command, and
// tells one result per recipient. A reply that comes before its command was said is never believed:
// what a peer (or somebody in between) slips in early could otherwise pass for "250, I have your
// message".

#include "smtp/pm-smtp-client.h"

#include <string.h>

#include "smtp/pm-smtp-data.h"

#define OUTPUT_LIMIT (128 * 1024)
#define PULL_SIZE (16 * 1024)
#define COMMAND_ROOM 2048 // for one command line

typedef struct
{
  PmMailAddress *sender; /* (owned) (nullable) */
  GPtrArray *recipients; /* (element-type PmMailAddress) */
  gboolean *done;        /* (owned): per recipient, whether it has its result */
  guint64 size;
  gboolean eight_bit;
} Message;

struct _PmSmtpClient
{
  const PmSmtpClientHandler *handler;
  gpointer user_data;
  char *hello; /* (owned) */

  PmSmtpClientState state;
  gboolean said; /* the command of this state is in the output */
  gboolean quitting;
  gboolean running;
  guint n_expected; /* replies that are due */
  guint64 n_replies;
  PmSmtpExtensions extensions;
  guint64 max_size;

  /* the transaction: command 0 is MAIL, then the RCPTs, then DATA */
  Message *message; /* (owned) (nullable) */
  guint n_said;
  guint n_answered;
  guint n_accepted;
  gboolean refused; /* MAIL was */
  PmSmtpDataWriter writer;

  PmSmtpReplyReader reader;
  PmBuffer output;
};

static void
message_free (Message *message)
{
  pm_mail_address_unref (message->sender);
  g_ptr_array_unref (message->recipients);
  g_free (message->done);
  g_free (message);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Message, message_free)

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
    [PM_SMTP_CLIENT_READY] = "ready",
    [PM_SMTP_CLIENT_ENVELOPE] = "envelope",
    [PM_SMTP_CLIENT_DATA] = "data",
    [PM_SMTP_CLIENT_BODY] = "body",
    [PM_SMTP_CLIENT_DOT] = "dot",
    [PM_SMTP_CLIENT_RESET] = "reset",
    [PM_SMTP_CLIENT_QUIT] = "quit",
    [PM_SMTP_CLIENT_CLOSED] = "closed",
  };

  g_return_val_if_fail ((gsize) state < G_N_ELEMENTS (names), NULL);
  return names[state];
}

// The one place that changes the state.
static void
set_state (PmSmtpClient *client, PmSmtpClientState state)
{
  g_debug ("smtp client %p: %s to %s", (void *) client,
           pm_smtp_client_state_to_string (client->state), pm_smtp_client_state_to_string (state));
  client->state = state;
  client->said = FALSE;
}

static gboolean
offers (PmSmtpClient *client, PmSmtpExtensions extension)
{
  return (client->extensions & extension) != 0;
}

static guint
n_recipients (PmSmtpClient *client)
{
  return client->message->recipients->len;
}

static void
tell_result (PmSmtpClient *client, guint index, PmSmtpPhase phase, const PmSmtpReply *reply)
{
  if (client->message->done[index])
    return;
  client->message->done[index] = TRUE;
  client->handler->result (client, index, phase, reply, client->user_data);
}

static void
tell_others (PmSmtpClient *client, PmSmtpPhase phase, const PmSmtpReply *reply)
{
  for (guint i = 0; i < n_recipients (client); i++)
    tell_result (client, i, phase, reply);
}

static void
finish_message (PmSmtpClient *client, gboolean reusable)
{
  g_clear_pointer (&client->message, message_free);
  client->handler->finished (client, reusable, client->user_data);
}

// The session is over; whoever has no result yet gets this one.
static void
break_off (PmSmtpClient *client, const PmSmtpReply *reply)
{
  PmSmtpPhase phase = pm_smtp_client_get_phase (client);
  gboolean told = client->message != NULL || client->state == PM_SMTP_CLIENT_QUIT;

  set_state (client, PM_SMTP_CLIENT_CLOSED);
  if (client->message != NULL)
    {
      tell_others (client, phase, reply);
      finish_message (client, FALSE);
    }
  if (client->handler->closed != NULL)
    client->handler->closed (client, told ? NULL : reply, client->user_data);
}

static void
break_off_locally (PmSmtpClient *client, guint code, const char *status, const char *text)
{
  g_autoptr (PmSmtpReply) reply = pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, code, status, text);

  break_off (client, reply);
}

static void
refuse_answer (PmSmtpClient *client, const PmSmtpReply *reply)
{
  g_autofree char *shown = pm_smtp_reply_to_string (reply);
  g_autofree char *text = g_strdup_printf ("The server's answer is out of place: %.200s", shown);
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  break_off_locally (client, 451, "4.5.0", valid);
}

static void
trace (PmSmtpClient *client, gboolean sent, const char *line)
{
  if (client->handler->trace != NULL)
    client->handler->trace (client, sent, line, client->user_data);
}

static void
say (PmSmtpClient *client, const char *line)
{
  trace (client, TRUE, line);
  // Callers leave COMMAND_ROOM, and no command is longer.
  if (!pm_buffer_append (&client->output, line, strlen (line)) ||
      !pm_buffer_append (&client->output, "\r\n", 2))
    g_return_if_reached ();
  client->n_expected++;
}

static char *
mail_command (PmSmtpClient *client)
{
  Message *message = client->message;
  g_autofree char *sender =
      message->sender == NULL ? g_strdup ("") : pm_mail_address_to_string (message->sender);
  GString *line = g_string_new (NULL);

  g_string_append_printf (line, "MAIL FROM:<%s>", sender);
  if (offers (client, PM_SMTP_EXTENSION_SIZE) && message->size > 0)
    g_string_append_printf (line, " SIZE=%" G_GUINT64_FORMAT, message->size);
  if (message->eight_bit)
    g_string_append (line, " BODY=8BITMIME");
  return g_string_free (line, FALSE);
}

static char *
rcpt_command (PmSmtpClient *client, guint index)
{
  g_autofree char *recipient =
      pm_mail_address_to_string (client->message->recipients->pdata[index]);

  return g_strdup_printf ("RCPT TO:<%s>", recipient);
}

// RFC 2920 3.1: all of it in one group where the peer can; else one command, then its reply.
static void
say_envelope (PmSmtpClient *client)
{
  gboolean grouped = offers (client, PM_SMTP_EXTENSION_PIPELINING);
  guint last = n_recipients (client);

  while (client->n_said <= last && !client->refused &&
         (grouped || client->n_said == client->n_answered) &&
         pm_buffer_room (&client->output) >= COMMAND_ROOM)
    {
      g_autofree char *line =
          client->n_said == 0 ? mail_command (client) : rcpt_command (client, client->n_said - 1);

      say (client, line);
      client->n_said++;
    }
  if (grouped && client->n_said == last + 1 && !client->refused &&
      pm_buffer_room (&client->output) >= COMMAND_ROOM)
    {
      say (client, "DATA");
      client->n_said++;
    }
}

static void
say_once (PmSmtpClient *client, const char *verb, const char *argument)
{
  g_autofree char *line = NULL;

  if (client->said || pm_buffer_room (&client->output) < COMMAND_ROOM)
    return;
  line = g_strdup_printf ("%s%s%s", verb, argument == NULL ? "" : " ",
                          argument == NULL ? "" : argument);
  client->said = TRUE;
  say (client, line);
}

static void
end_body (PmSmtpClient *client)
{
  const char *end = pm_smtp_data_writer_end (&client->writer);

  if (end == NULL)
    {
      break_off_locally (client, 554, "5.6.11", "The message ends in a bare CR");
      return;
    }
  if (!pm_buffer_append (&client->output, end, strlen (end)))
    g_return_if_reached ();
  client->n_expected++;
  set_state (client, PM_SMTP_CLIENT_DOT);
}

static void
say_body (PmSmtpClient *client)
{
  guint8 bytes[PULL_SIZE];

  // All recipients were refused and yet 354 came: RFC 2920 3.1 says to send an empty message.
  if (client->n_accepted == 0)
    end_body (client);

  while (client->state == PM_SMTP_CLIENT_BODY && pm_buffer_room (&client->output) > 2 * PULL_SIZE)
    {
      gssize size = client->handler->pull (client, bytes, sizeof bytes, client->user_data);
      guint8 *to = pm_buffer_reserve (&client->output, 2 * PULL_SIZE);
      gssize written;

      if (size == 0)
        {
          end_body (client);
          return;
        }
      written = size < 0 ? -1 : pm_smtp_data_writer_feed (&client->writer, bytes, (gsize) size, to);
      if (written >= 0)
        pm_buffer_commit (&client->output, (gsize) written);
      else if (size < 0)
        break_off_locally (client, 451, "4.3.0", "The message could not be read here");
      else
        break_off_locally (client, 554, "5.6.11",
                           "The message has a bare CR, a bare LF or a NUL in it");
    }
}

static void
pump (PmSmtpClient *client)
{
  switch (client->state)
    {
    case PM_SMTP_CLIENT_EHLO:
      say_once (client, "EHLO", client->hello);
      break;
    case PM_SMTP_CLIENT_HELO:
      say_once (client, "HELO", client->hello);
      break;
    case PM_SMTP_CLIENT_ENVELOPE:
      say_envelope (client);
      break;
    case PM_SMTP_CLIENT_DATA:
      if (client->n_said == n_recipients (client) + 1)
        {
          say_once (client, "DATA", NULL);
          client->n_said += client->said ? 1 : 0;
        }
      break;
    case PM_SMTP_CLIENT_BODY:
      say_body (client);
      break;
    case PM_SMTP_CLIENT_RESET:
      say_once (client, "RSET", NULL);
      break;
    case PM_SMTP_CLIENT_QUIT:
      say_once (client, "QUIT", NULL);
      break;
    case PM_SMTP_CLIENT_GREETING:
    case PM_SMTP_CLIENT_READY:
    case PM_SMTP_CLIENT_DOT:
    case PM_SMTP_CLIENT_CLOSED:
    default:
      break;
    }
}

static gboolean
is_ascii (const PmMailAddress *address)
{
  return address == NULL || (g_str_is_ascii (address->local) && g_str_is_ascii (address->domain));
}

static gboolean
has_ascii_envelope (Message *message)
{
  for (guint i = 0; i < message->recipients->len; i++)
    if (!is_ascii (message->recipients->pdata[i]))
      return FALSE;
  return is_ascii (message->sender);
}

// What stands in the way of the message before anything of it is said.
static PmSmtpReply *
local_refusal (PmSmtpClient *client)
{
  Message *message = client->message;

  if (message->eight_bit && !offers (client, PM_SMTP_EXTENSION_8BITMIME)) // RFC 6152 3
    return pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 554, "5.6.3",
                              "The message has 8-bit text and the server takes 7-bit text only");
  if (!has_ascii_envelope (message)) // RFC 6531 3.2: SMTPUTF8 is not spoken here yet
    return pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 553, "5.6.7",
                              "An address is not in ASCII and cannot be sent");
  if (client->max_size != 0 && message->size > client->max_size) // RFC 1870 5
    return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_LOCAL, 552, "5.3.4",
                                     "The server takes %" G_GUINT64_FORMAT " bytes at most",
                                     client->max_size);
  return NULL;
}

static void
begin_message (PmSmtpClient *client)
{
  g_autoptr (PmSmtpReply) refusal = local_refusal (client);

  if (refusal != NULL)
    {
      tell_others (client, PM_SMTP_PHASE_MAIL, refusal);
      finish_message (client, TRUE);
      return;
    }
  client->n_said = client->n_answered = client->n_accepted = 0;
  client->refused = FALSE;
  client->writer = (PmSmtpDataWriter){ 0 };
  set_state (client, PM_SMTP_CLIENT_ENVELOPE);
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
        begin_message (client);
      else
        set_state (client, PM_SMTP_CLIENT_QUIT);
    }
  pump (client);
  client->running = FALSE;
}

static void
take_greeting (PmSmtpClient *client, const PmSmtpReply *reply)
{
  if (pm_smtp_reply_is_positive (reply))
    set_state (client, PM_SMTP_CLIENT_EHLO);
  else if (pm_smtp_reply_is_intermediate (reply))
    refuse_answer (client, reply);
  else
    break_off (client, reply);
}

static void
read_extension (PmSmtpClient *client, const char *line)
{
  static const struct
  {
    const char *keyword;
    PmSmtpExtensions extension;
  } known[] = {
    { "PIPELINING", PM_SMTP_EXTENSION_PIPELINING },
    { "SIZE", PM_SMTP_EXTENSION_SIZE },
    { "8BITMIME", PM_SMTP_EXTENSION_8BITMIME },
    { "ENHANCEDSTATUSCODES", PM_SMTP_EXTENSION_ENHANCEDSTATUSCODES },
  };
  g_auto (GStrv) words = g_strsplit (line, " ", 3);

  for (gsize i = 0; words[0] != NULL && i < G_N_ELEMENTS (known); i++)
    if (g_ascii_strcasecmp (words[0], known[i].keyword) == 0)
      {
        client->extensions |= known[i].extension;
        if (known[i].extension == PM_SMTP_EXTENSION_SIZE && words[1] != NULL)
          client->max_size = g_ascii_strtoull (words[1], NULL, 10);
      }
}

static void
take_hello (PmSmtpClient *client, const PmSmtpReply *reply)
{
  if (pm_smtp_reply_is_positive (reply))
    {
      // RFC 5321 4.1.1.1: the first line is the greeting.
      for (gsize i = 1; client->state == PM_SMTP_CLIENT_EHLO && reply->lines[i] != NULL; i++)
        read_extension (client, reply->lines[i]);
      set_state (client, PM_SMTP_CLIENT_READY);
      if (client->message == NULL && !client->quitting && client->handler->ready != NULL)
        client->handler->ready (client, client->user_data);
    }
  else if (pm_smtp_reply_is_permanent (reply) && client->state == PM_SMTP_CLIENT_EHLO)
    set_state (client, PM_SMTP_CLIENT_HELO); // RFC 5321 3.2
  else if (pm_smtp_reply_is_intermediate (reply))
    refuse_answer (client, reply);
  else
    break_off (client, reply);
}

static void
take_data (PmSmtpClient *client, const PmSmtpReply *reply)
{
  client->n_answered++;
  if (reply->code == 354)
    {
      set_state (client, PM_SMTP_CLIENT_BODY);
      return;
    }
  if (pm_smtp_reply_is_positive (reply) || pm_smtp_reply_is_intermediate (reply))
    {
      refuse_answer (client, reply);
      return;
    }
  tell_others (client, PM_SMTP_PHASE_DATA, reply);
  set_state (client, PM_SMTP_CLIENT_RESET);
}

static void
take_envelope (PmSmtpClient *client, const PmSmtpReply *reply)
{
  guint command = client->n_answered++;
  gboolean positive = pm_smtp_reply_is_positive (reply);

  if (pm_smtp_reply_is_intermediate (reply))
    {
      refuse_answer (client, reply);
      return;
    }
  if (command == 0)
    {
      client->refused = !positive;
      if (client->refused)
        tell_others (client, PM_SMTP_PHASE_MAIL, reply);
    }
  else if (!client->refused)
    {
      client->n_accepted += positive ? 1 : 0;
      if (!positive)
        tell_result (client, command - 1, PM_SMTP_PHASE_RCPT, reply);
    }

  // The replies to what was said in one group come all the same, whatever became of its first
  // commands.
  if (client->n_answered == n_recipients (client) + 1 &&
      (client->n_said > client->n_answered || client->n_accepted > 0))
    set_state (client, PM_SMTP_CLIENT_DATA);
  else if (client->n_answered == client->n_said &&
           (client->refused || client->n_answered == n_recipients (client) + 1))
    set_state (client, PM_SMTP_CLIENT_RESET);
}

static void
take_dot (PmSmtpClient *client, const PmSmtpReply *reply)
{
  // Nobody can have the message before its last byte has left us.
  if (pm_smtp_reply_is_intermediate (reply) || pm_buffer_size (&client->output) > 0)
    {
      if (pm_smtp_reply_is_permanent (reply) || pm_smtp_reply_is_transient (reply))
        break_off (client, reply);
      else
        refuse_answer (client, reply);
      return;
    }
  tell_others (client, PM_SMTP_PHASE_DOT, reply);
  set_state (client, PM_SMTP_CLIENT_READY);
  finish_message (client, TRUE);
}

static void
take_reset (PmSmtpClient *client, const PmSmtpReply *reply)
{
  if (!pm_smtp_reply_is_positive (reply))
    {
      break_off (client, reply);
      return;
    }
  set_state (client, PM_SMTP_CLIENT_READY);
  finish_message (client, TRUE);
}

// A reply without a command. In the middle of the message a refusal may come early, as from a
// server that sees that it is too large; nothing else is believed.
static void
take_early (PmSmtpClient *client, const PmSmtpReply *reply)
{
  if (reply->code == 421 ||
      (client->state == PM_SMTP_CLIENT_BODY && !pm_smtp_reply_is_positive (reply) &&
       !pm_smtp_reply_is_intermediate (reply)))
    break_off (client, reply);
  else
    refuse_answer (client, reply);
}

static void
take_reply (PmSmtpClient *client, const PmSmtpReply *reply)
{
  g_autofree char *text =
      client->handler->trace != NULL ? pm_smtp_reply_to_string (reply) : NULL;

  client->n_replies++;
  if (text != NULL)
    trace (client, FALSE, text);
  if (client->n_expected == 0)
    {
      take_early (client, reply);
      return;
    }
  client->n_expected--;
  if (reply->code == 421 || client->state == PM_SMTP_CLIENT_QUIT) // RFC 5321 3.8
    {
      break_off (client, reply);
      return;
    }

  switch (client->state)
    {
    case PM_SMTP_CLIENT_GREETING:
      take_greeting (client, reply);
      break;
    case PM_SMTP_CLIENT_EHLO:
    case PM_SMTP_CLIENT_HELO:
      take_hello (client, reply);
      break;
    case PM_SMTP_CLIENT_ENVELOPE:
      take_envelope (client, reply);
      break;
    case PM_SMTP_CLIENT_DATA:
      take_data (client, reply);
      break;
    case PM_SMTP_CLIENT_DOT:
      take_dot (client, reply);
      break;
    case PM_SMTP_CLIENT_RESET:
      take_reset (client, reply);
      break;
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
pm_smtp_client_new (const char *hello, const PmSmtpClientHandler *handler, gpointer user_data)
{
  PmSmtpClient *client = g_new0 (PmSmtpClient, 1);

  client->hello = g_strdup (hello);
  client->handler = handler;
  client->user_data = user_data;
  client->n_expected = 1;
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

  g_clear_pointer (&client->message, message_free);
  pm_smtp_reply_reader_clear (&client->reader);
  pm_buffer_clear (&client->output);
  g_free (client->hello);
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
  Message *copy;

  g_return_val_if_fail (message->n_recipients > 0, FALSE);

  if (client->message != NULL || client->quitting || client->state > PM_SMTP_CLIENT_READY)
    return FALSE;

  copy = g_new0 (Message, 1);
  copy->sender = message->sender == NULL ? NULL : pm_mail_address_ref (message->sender);
  copy->recipients = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_mail_address_unref);
  for (guint i = 0; i < message->n_recipients; i++)
    g_ptr_array_add (copy->recipients, pm_mail_address_ref (message->recipients[i]));
  copy->done = g_new0 (gboolean, message->n_recipients);
  copy->size = message->size;
  copy->eight_bit = message->eight_bit;
  client->message = copy;
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
    {
      g_autoptr (PmSmtpReply) reply = NULL;
      g_autoptr (GError) error = NULL;
      gsize used = 0;
      PmSmtpRead read =
          pm_smtp_reply_reader_feed (&client->reader, from, size, &used, &reply, &error);

      from += used;
      size -= used;
      if (read == PM_SMTP_READ_REPLY)
        take_reply (client, reply);
      else if (read == PM_SMTP_READ_RUBBISH)
        break_off_locally (client, 451, "4.5.0", error->message);
    }
  if (outer)
    {
      client->running = FALSE;
      run (client);
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
  if (client->state == PM_SMTP_CLIENT_CLOSED)
    return;
  if (reply != NULL)
    break_off (client, reply);
  else
    break_off_locally (client, 421, "4.4.2", "The connection was lost");
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

static PmSmtpPhase
envelope_phase (PmSmtpClient *client)
{
  if (client->n_answered == 0)
    return PM_SMTP_PHASE_MAIL;
  return client->n_answered <= n_recipients (client) ? PM_SMTP_PHASE_RCPT : PM_SMTP_PHASE_DATA;
}

/**
 * pm_smtp_client_get_phase:
 *
 * Returns: how far the message has come. As long as its last byte is still in the output it is not
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
    case PM_SMTP_CLIENT_ENVELOPE:
      return envelope_phase (client);
    case PM_SMTP_CLIENT_DATA:
    case PM_SMTP_CLIENT_BODY:
      return PM_SMTP_PHASE_DATA;
    case PM_SMTP_CLIENT_DOT:
      return pm_buffer_size (&client->output) > 0 ? PM_SMTP_PHASE_DATA : PM_SMTP_PHASE_DOT;
    case PM_SMTP_CLIENT_READY:
    case PM_SMTP_CLIENT_RESET:
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
    case PM_SMTP_CLIENT_READY:
    case PM_SMTP_CLIENT_ENVELOPE:
    case PM_SMTP_CLIENT_RESET:
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
