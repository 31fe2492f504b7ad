// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What becomes of the session with the handler's answers: one function a question.

#include "smtp/pm-smtp-server-private.h"

static void
settle_hello (PmSmtpServer *server, const PmSmtpReply *answer)
{
  g_autoptr (PmSmtpReply) usual = pm_smtp_server_hello_reply (server);

  if (answer != NULL && !pm_smtp_reply_is_positive (answer))
    {
      pm_smtp_server_say_reply (server, answer);
      return;
    }
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_READY);
  pm_smtp_server_say_reply (server, usual);
}

static void
settle_data (PmSmtpServer *server, const PmSmtpReply *answer)
{
  if (answer != NULL && !pm_smtp_reply_is_positive (answer) &&
      !pm_smtp_reply_is_intermediate (answer))
    {
      pm_smtp_server_drop (server);
      pm_smtp_server_say_reply (server, answer);
      return;
    }
  if (pm_buffer_size (&server->input) > 0)
    {
      pm_smtp_server_violate (server, 554, "5.5.1", "You sent data before it was asked for");
      return;
    }
  pm_smtp_server_begin_data (server);
  pm_smtp_server_say (server, 354, NULL, "Send the message; end it with a line that is a dot");
}

static void
say_or (PmSmtpServer *server, const PmSmtpReply *answer, const char *status, const char *text)
{
  if (answer != NULL)
    pm_smtp_server_say_reply (server, answer);
  else
    pm_smtp_server_say (server, 250, status, text);
}

static void
settle_mail (PmSmtpServer *server, const PmSmtpReply *answer, gboolean yes)
{
  server->open = yes;
  if (yes)
    pm_smtp_server_set_state (server, PM_SMTP_SERVER_MAIL);
  say_or (server, answer, "2.1.0", "Sender accepted");
}

static void
settle_rcpt (PmSmtpServer *server, const PmSmtpReply *answer, gboolean yes)
{
  server->n_recipients += yes ? 1 : 0;
  if (yes)
    pm_smtp_server_set_state (server, PM_SMTP_SERVER_RCPT);
  say_or (server, answer, "2.1.5", "Recipient accepted");
  // A refusal for now is no error, but each may have cost a question to another host.
  if (!yes && server->state != PM_SMTP_SERVER_CLOSED && ++server->n_over > server->max_recipients)
    pm_smtp_server_say (server, 421, "4.7.0", "Far too many recipients");
}

static void
settle_end (PmSmtpServer *server, const PmSmtpReply *answer)
{
  server->n_messages++;
  server->n_idle = 0;
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_READY);
  say_or (server, answer, "2.6.0", "The message is in the queue");
}

// RFC 3207 4: nothing may stand between the command and the handshake; what did came from somebody
// who cannot speak TLS (CVE-2011-0411).
static void
settle_starttls (PmSmtpServer *server, const PmSmtpReply *answer, gboolean yes)
{
  if (pm_buffer_size (&server->input) > 0)
    {
      pm_smtp_server_violate (server, 554, "5.5.1", "You sent commands before the handshake");
      return;
    }
  if (!yes)
    {
      pm_smtp_server_say_reply (server, answer);
      return;
    }
  pm_smtp_server_say (server, 220, "2.0.0", "Begin the handshake");
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_TLS);
}

static void
settle_question (PmSmtpServer *server, PmSmtpQuestion question, const PmSmtpReply *answer)
{
  gboolean yes = answer == NULL || pm_smtp_reply_is_positive (answer);

  switch (question)
    {
    case PM_SMTP_QUESTION_CONNECTED:
      pm_smtp_server_greet (server, answer);
      break;
    case PM_SMTP_QUESTION_HELLO:
      settle_hello (server, answer);
      break;
    case PM_SMTP_QUESTION_MAIL:
      settle_mail (server, answer, yes);
      break;
    case PM_SMTP_QUESTION_RCPT:
      settle_rcpt (server, answer, yes);
      break;
    case PM_SMTP_QUESTION_DATA:
      settle_data (server, answer);
      break;
    case PM_SMTP_QUESTION_BDAT:
      pm_smtp_server_settle_bdat (server, answer);
      break;
    case PM_SMTP_QUESTION_END:
      settle_end (server, answer);
      break;
    case PM_SMTP_QUESTION_STARTTLS:
      settle_starttls (server, answer, yes);
      break;
    case PM_SMTP_QUESTION_AUTH:
      pm_smtp_server_settle_auth (server, answer);
      break;
    case PM_SMTP_QUESTION_ETRN:
      say_or (server, answer, "2.0.0", "The queue for it is being delivered"); // RFC 1985 5.3
      break;
    case PM_SMTP_QUESTION_XCLIENT:
      pm_smtp_server_settle_xclient (server, answer);
      break;
    case PM_SMTP_QUESTION_NONE:
    default:
      g_assert_not_reached ();
    }
}

/**
 * pm_smtp_server_settle:
 *
 * Acts on the handler's answer.
 */
void
pm_smtp_server_settle (PmSmtpServer *server)
{
  g_autoptr (PmSmtpReply) answer = g_steal_pointer (&server->answer);
  PmSmtpQuestion question = server->question;

  server->question = PM_SMTP_QUESTION_NONE;
  if (server->state == PM_SMTP_SERVER_CLOSED)
    {
      // The session ended meanwhile; a transaction that the handler has just begun is over too.
      if (question == PM_SMTP_QUESTION_MAIL &&
          (answer == NULL || pm_smtp_reply_is_positive (answer)))
        server->handler->reset (server, server->user_data);
      return;
    }

  settle_question (server, question, answer);
  if (server->alone && server->state != PM_SMTP_SERVER_CLOSED &&
      pm_buffer_size (&server->input) > 0)
    pm_smtp_server_violate (server, 554, "5.5.1", "You sent more before it was your turn");
}
