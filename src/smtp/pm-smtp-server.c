// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The server's session: takes bytes, has them read as lines or as content by what the state is, and
// changes that state in one place. Strict on purpose: a command ends in CR LF, a message in CR
// LF . CR LF; a bare CR, a bare LF or a NUL ends the session, because nobody can know any more what
// the client meant to be command and what to be message.

#include "smtp/pm-smtp-server.h"

#include <string.h>

#include "smtp/pm-smtp-server-private.h"

#define INPUT_LIMIT (64 * 1024)
#define OUTPUT_LIMIT (64 * 1024)
// Room for the replies to one command; below it the client must read.
#define OUTPUT_RESERVE (16 * 1024)

/**
 * pm_smtp_server_state_to_string:
 *
 * Returns: the state in a word, for logs.
 */
const char *
pm_smtp_server_state_to_string (PmSmtpServerState state)
{
  static const char *const names[] = {
    [PM_SMTP_SERVER_GREETING] = "greeting",
    [PM_SMTP_SERVER_FRESH] = "fresh",
    [PM_SMTP_SERVER_READY] = "ready",
    [PM_SMTP_SERVER_MAIL] = "mail",
    [PM_SMTP_SERVER_RCPT] = "rcpt",
    [PM_SMTP_SERVER_DATA] = "data",
    [PM_SMTP_SERVER_CHUNK] = "chunk",
    [PM_SMTP_SERVER_CHUNKS] = "chunks",
    [PM_SMTP_SERVER_COMMIT] = "commit",
    [PM_SMTP_SERVER_AUTH] = "auth",
    [PM_SMTP_SERVER_TLS] = "tls",
    [PM_SMTP_SERVER_CLOSED] = "closed",
  };

  g_return_val_if_fail ((gsize) state < G_N_ELEMENTS (names), NULL);
  return names[state];
}

// The transaction that @mail began is dropped, where there is one.
void
pm_smtp_server_tell_reset (PmSmtpServer *server)
{
  if (!server->open)
    return;
  server->open = FALSE;
  server->handler->reset (server, server->user_data);
}

// The one place that changes the state. A transaction that is open when the session closes is
// dropped.
void
pm_smtp_server_set_state (PmSmtpServer *server, PmSmtpServerState state)
{
  if (server->state == state || server->state == PM_SMTP_SERVER_CLOSED)
    return;

  server->state = state;
  if (state == PM_SMTP_SERVER_CLOSED)
    {
      pm_buffer_clear (&server->input);
      pm_smtp_server_tell_reset (server);
    }
}

// Back to between transactions.
void
pm_smtp_server_drop (PmSmtpServer *server)
{
  if (server->state != PM_SMTP_SERVER_FRESH)
    pm_smtp_server_set_state (server, PM_SMTP_SERVER_READY);
  pm_smtp_server_tell_reset (server);
}

// Back to before EHLO: the client may be another one now, and nothing that was said holds any more.
void
pm_smtp_server_forget (PmSmtpServer *server)
{
  pm_smtp_server_drop (server);
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_FRESH);
  g_clear_pointer (&server->hello, g_free);
  server->extended = FALSE;
  server->authenticated = FALSE;
}

void
pm_smtp_server_trace (PmSmtpServer *server, gboolean sent, const char *line)
{
  g_autofree char *clean = NULL;

  if (server->handler->trace == NULL)
    return;
  // It goes to logs and terminals, and the client chose the bytes.
  clean = pm_smtp_clean_text (line, strlen (line));
  server->handler->trace (server, sent, clean, server->user_data);
}

static void
append (PmSmtpServer *server, const PmSmtpReply *reply)
{
  if (server->handler->trace != NULL)
    {
      g_autofree char *text = pm_smtp_reply_to_string (reply);

      pm_smtp_server_trace (server, TRUE, text);
    }
  // A session whose replies nobody reads was stopped long before; only a monstrous reply comes
  // here.
  if (!pm_smtp_reply_append (reply, &server->output))
    pm_smtp_server_set_state (server, PM_SMTP_SERVER_CLOSED);
}

// Every reply goes out through here: refusals count, and 421 ends the session (RFC 5321 3.8).
void
pm_smtp_server_say_reply (PmSmtpServer *server, const PmSmtpReply *reply)
{
  append (server, reply);
  if (reply->code == 421)
    {
      pm_smtp_server_set_state (server, PM_SMTP_SERVER_CLOSED);
      return;
    }
  if (pm_smtp_reply_is_permanent (reply) && ++server->n_errors > server->max_errors)
    pm_smtp_server_say (server, 421, "4.7.0", "Too many errors");
}

// Most of what is said is a short "yes" that counts as nothing: it goes out without a reply made.
static gboolean
say_quickly (PmSmtpServer *server, guint code, const char *status, const char *text)
{
  char line[128];
  int size;

  if (server->handler->trace != NULL || code >= 400)
    return FALSE;
  size = g_snprintf (line, sizeof line, "%u %s%s%s\r\n", code, status == NULL ? "" : status,
                     status == NULL ? "" : " ", text);
  return size < (int) sizeof line && pm_buffer_append (&server->output, line, (gsize) size);
}

// `text` is ours, and a line, where the code is not of an error.
void
pm_smtp_server_say (PmSmtpServer *server, guint code, const char *status, const char *text)
{
  g_autoptr (PmSmtpReply) reply = NULL;

  if (say_quickly (server, code, status, text))
    return;
  reply = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, code, status, text);
  pm_smtp_server_say_reply (server, reply);
}

// The session is over with it.
void
pm_smtp_server_say_last (PmSmtpServer *server, const PmSmtpReply *reply)
{
  append (server, reply);
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_CLOSED);
}

// The client broke the rules that keep its commands and its messages apart.
void
pm_smtp_server_violate (PmSmtpServer *server, guint code, const char *status, const char *text)
{
  g_autoptr (PmSmtpReply) reply = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, code, status, text);

  pm_smtp_server_say_last (server, reply);
}

void
pm_smtp_server_ask (PmSmtpServer *server, PmSmtpQuestion question)
{
  g_return_if_fail (server->question == PM_SMTP_QUESTION_NONE);

  server->question = question;
  server->answered = FALSE;
}

// Says the banner, or why not.
void
pm_smtp_server_greet (PmSmtpServer *server, const PmSmtpReply *answer)
{
  g_autofree char *banner = NULL;
  g_autoptr (PmSmtpReply) greeting = NULL;

  if (answer != NULL && !pm_smtp_reply_is_positive (answer))
    {
      pm_smtp_server_say_last (server, answer);
      return;
    }
  // RFC 5321 4.3.1: the banner begins with the host name, and has no enhanced code (RFC 2034 4).
  banner = g_strdup_printf ("%s ESMTP Pointsman", server->host);
  greeting = answer != NULL ? pm_smtp_reply_ref (answer)
                            : pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 220, NULL, banner);
  append (server, greeting);
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_FRESH);
}

static gboolean
step (PmSmtpServer *server)
{
  switch (server->state)
    {
    case PM_SMTP_SERVER_DATA:
      return pm_smtp_server_step_data (server);
    case PM_SMTP_SERVER_CHUNK:
      return pm_smtp_server_step_chunk (server);
    case PM_SMTP_SERVER_FRESH:
    case PM_SMTP_SERVER_READY:
    case PM_SMTP_SERVER_MAIL:
    case PM_SMTP_SERVER_RCPT:
    case PM_SMTP_SERVER_CHUNKS:
    case PM_SMTP_SERVER_AUTH:
      return pm_smtp_server_step_line (server);
    case PM_SMTP_SERVER_GREETING:
    case PM_SMTP_SERVER_COMMIT:
    case PM_SMTP_SERVER_TLS:
    case PM_SMTP_SERVER_CLOSED:
    default:
      return FALSE;
    }
}

static gboolean
is_between (PmSmtpServer *server)
{
  return server->state == PM_SMTP_SERVER_FRESH || server->state == PM_SMTP_SERVER_READY;
}

// Goes on as long as there is something to do. Never entered twice: an answer given from inside a
// callback is picked up by the turn that is running.
static void
run (PmSmtpServer *server)
{
  gboolean more = TRUE;

  if (server->running)
    return;

  server->running = TRUE;
  while (more)
    {
      if (server->question != PM_SMTP_QUESTION_NONE)
        {
          more = server->answered;
          if (more)
            pm_smtp_server_settle (server);
        }
      else if (server->farewell != NULL && is_between (server))
        {
          g_autoptr (PmSmtpReply) farewell = g_steal_pointer (&server->farewell);

          pm_smtp_server_end (server, farewell, FALSE);
        }
      else if (pm_buffer_room (&server->output) < OUTPUT_RESERVE)
        more = FALSE;
      else
        more = step (server);
    }
  server->running = FALSE;
}

/**
 * pm_smtp_server_new:
 *
 * Returns: (transfer full): a session that has not started.
 */
PmSmtpServer *
pm_smtp_server_new (const PmSmtpServerConfig *config,
                    const PmSmtpServerHandler *handler,
                    gpointer user_data)
{
  PmSmtpServer *server = g_new0 (PmSmtpServer, 1);

  server->handler = handler;
  server->user_data = user_data;
  server->host = g_strdup (config->host);
  server->max_size = config->max_size;
  server->max_messages = config->max_messages;
  server->max_recipients = config->max_recipients == 0 ? 1000 : config->max_recipients;
  server->max_errors = config->max_errors == 0 ? 20 : config->max_errors;
  server->max_idle_commands = config->max_idle_commands == 0 ? 100 : config->max_idle_commands;
  server->starttls = config->starttls && handler->starttls != NULL;
  server->secured = config->secured;
  if (config->mechanisms != NULL && *config->mechanisms != '\0' && handler->auth != NULL)
    server->mechanisms = g_strsplit (config->mechanisms, " ", -1);
  server->etrn = config->etrn && handler->etrn != NULL;
  server->xclient = config->xclient && handler->xclient != NULL;
  server->requiretls = config->requiretls;
  server->mt_priority = config->mt_priority;
  pm_buffer_init (&server->input, INPUT_LIMIT);
  pm_buffer_init (&server->output, OUTPUT_LIMIT);
  return server;
}

/**
 * pm_smtp_server_free:
 * @server: (transfer full) (nullable): a session
 */
void
pm_smtp_server_free (PmSmtpServer *server)
{
  if (server == NULL)
    return;

  pm_smtp_server_set_state (server, PM_SMTP_SERVER_CLOSED);
  g_clear_pointer (&server->answer, pm_smtp_reply_unref);
  g_clear_pointer (&server->farewell, pm_smtp_reply_unref);
  g_clear_pointer (&server->refusal, pm_smtp_reply_unref);
  pm_buffer_clear (&server->input);
  pm_buffer_clear (&server->output);
  g_strfreev (server->mechanisms);
  g_free (server->challenge);
  g_free (server->login);
  g_free (server->hello);
  g_free (server->host);
  g_free (server);
}

/**
 * pm_smtp_server_set_xclient:
 * @xclient: whether the client may say for whom it speaks
 *
 * For who learns only after pm_smtp_server_new() who the client is; before pm_smtp_server_start().
 */
void
pm_smtp_server_set_xclient (PmSmtpServer *server, gboolean xclient)
{
  server->xclient = xclient && server->handler->xclient != NULL;
}

/**
 * pm_smtp_server_start:
 *
 * The connection is there: asks the handler about it.
 */
void
pm_smtp_server_start (PmSmtpServer *server)
{
  g_return_if_fail (server->state == PM_SMTP_SERVER_GREETING);

  server->alone = TRUE;
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_CONNECTED);
  if (server->handler->connected == NULL)
    pm_smtp_server_continue (server, NULL);
  else
    server->handler->connected (server, server->user_data);
}

/**
 * pm_smtp_server_feed:
 *
 * Returns: how many of the bytes were taken.
 */
gsize
pm_smtp_server_feed (PmSmtpServer *server, gconstpointer bytes, gsize size)
{
  const guint8 *from = bytes;
  gsize taken = 0;

  // RFC 5321 4.3.1: the client waits for the greeting.
  if (size > 0 && server->state == PM_SMTP_SERVER_GREETING)
    pm_smtp_server_violate (server, 554, "5.5.1", "You spoke before you were greeted");
  // CVE-2011-0411: what comes between STARTTLS and the handshake is not the client's word.
  if (size > 0 && server->state == PM_SMTP_SERVER_TLS)
    pm_smtp_server_violate (server, 554, "5.5.1", "You sent commands before the handshake");
  while (taken < size && server->state != PM_SMTP_SERVER_CLOSED)
    {
      gsize piece = MIN (size - taken, pm_buffer_room (&server->input));

      if (piece == 0 || !pm_buffer_append (&server->input, from + taken, piece))
        return taken;
      taken += piece;
      run (server);
    }
  return size;
}

/**
 * pm_smtp_server_get_room:
 *
 * Returns: how many bytes it would surely take now.
 */
gsize
pm_smtp_server_get_room (PmSmtpServer *server)
{
  return server->state == PM_SMTP_SERVER_CLOSED ? INPUT_LIMIT : pm_buffer_room (&server->input);
}

/**
 * pm_smtp_server_continue:
 * @reply: (nullable): the answer
 *
 * Answers the question that is open.
 */
void
pm_smtp_server_continue (PmSmtpServer *server, const PmSmtpReply *reply)
{
  g_return_if_fail (server->question != PM_SMTP_QUESTION_NONE && !server->answered);

  server->answered = TRUE;
  server->answer = reply == NULL ? NULL : pm_smtp_reply_ref (reply);
  run (server);
}

/**
 * pm_smtp_server_secured:
 *
 * The handshake is done.
 */
void
pm_smtp_server_secured (PmSmtpServer *server)
{
  if (server->state == PM_SMTP_SERVER_CLOSED) // it was ended meanwhile
    return;
  g_return_if_fail (server->state == PM_SMTP_SERVER_TLS);

  server->secured = TRUE;
  pm_smtp_server_forget (server);
  run (server);
}

/**
 * pm_smtp_server_get_output:
 *
 * Returns: (transfer none): what is to be sent.
 */
PmBuffer *
pm_smtp_server_get_output (PmSmtpServer *server)
{
  return &server->output;
}

/**
 * pm_smtp_server_advance:
 *
 * There is room in the output again: goes on where it stopped for want of it.
 */
void
pm_smtp_server_advance (PmSmtpServer *server)
{
  run (server);
}

/**
 * pm_smtp_server_end:
 * @reply: (nullable): the last words
 * @finish: whether a transaction under way may come to its end first
 *
 * Ends the session from our side.
 */
void
pm_smtp_server_end (PmSmtpServer *server, const PmSmtpReply *reply, gboolean finish)
{
  if (server->state == PM_SMTP_SERVER_CLOSED)
    return;

  if (finish && reply != NULL && server->state >= PM_SMTP_SERVER_FRESH)
    {
      g_clear_pointer (&server->farewell, pm_smtp_reply_unref);
      server->farewell = pm_smtp_reply_ref (reply);
      run (server);
      return;
    }
  // In the middle of a handshake nobody could read it.
  if (reply != NULL && server->state != PM_SMTP_SERVER_TLS)
    append (server, reply);
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_CLOSED);
}

/**
 * pm_smtp_server_get_state:
 *
 * Returns: where the session is.
 */
PmSmtpServerState
pm_smtp_server_get_state (PmSmtpServer *server)
{
  return server->state;
}

/**
 * pm_smtp_server_is_waiting:
 *
 * Returns: whether the handler owes an answer.
 */
gboolean
pm_smtp_server_is_waiting (PmSmtpServer *server)
{
  return server->question != PM_SMTP_QUESTION_NONE && !server->answered;
}

/**
 * pm_smtp_server_get_hello:
 *
 * Returns: (nullable): the name the client gave with EHLO or HELO.
 */
const char *
pm_smtp_server_get_hello (PmSmtpServer *server)
{
  return server->hello;
}

/**
 * pm_smtp_server_is_extended:
 *
 * Returns: whether it was EHLO.
 */
gboolean
pm_smtp_server_is_extended (PmSmtpServer *server)
{
  return server->extended;
}

/**
 * pm_smtp_server_is_secured:
 *
 * Returns: whether the client speaks through TLS.
 */
gboolean
pm_smtp_server_is_secured (PmSmtpServer *server)
{
  return server->secured;
}

/**
 * pm_smtp_server_is_authenticated:
 *
 * Returns: whether a log-in succeeded, or XCLIENT said so.
 */
gboolean
pm_smtp_server_is_authenticated (PmSmtpServer *server)
{
  return server->authenticated;
}

/**
 * pm_smtp_server_get_patience:
 *
 * Returns: seconds to wait for the client (RFC 5321 4.5.3.2.7); 0 when it is not the client's turn.
 */
guint
pm_smtp_server_get_patience (PmSmtpServer *server)
{
  return pm_smtp_server_is_waiting (server) ? 0 : 300;
}

/**
 * pm_smtp_server_get_progress:
 *
 * Returns: a number that changes with every line and every KiB of a message. Single bytes change
 *   nothing: whoever sends one now and then is not to hold a connection for ever.
 */
guint64
pm_smtp_server_get_progress (PmSmtpServer *server)
{
  return server->n_lines + server->n_data / 1024;
}
