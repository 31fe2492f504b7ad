// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The client's message: from the answer to DATA to the answer to the dot. Only what is in lines
// leaves, and the end of data is said nowhere but at the end.

#include "smtp/pm-smtp-client-private.h"

#include <string.h>

#define PULL_SIZE (16 * 1024)

static gboolean
is_lmtp (const PmSmtpClient *client)
{
  return client->config.protocol == PM_SMTP_PROTOCOL_LMTP;
}

static void
end_body (PmSmtpClient *client)
{
  const char *end = pm_smtp_data_writer_end (&client->writer);

  if (end == NULL)
    {
      pm_smtp_client_break_off_locally (client, PM_SMTP_PHASE_DATA, 554, "5.6.11",
                                        "The message ends in a bare CR");
      return;
    }
  if (!pm_buffer_append (&client->output, end, strlen (end)))
    g_return_if_reached ();
  // RFC 2033 4.2: a reply for each recipient who was accepted.
  client->n_expected += is_lmtp (client) ? client->message->n_accepted : 1;
  pm_smtp_client_set_state (client, PM_SMTP_CLIENT_DOT);
}

/*
 * Pulls as long as there is room for what it may come to. A line may be split anywhere: the writer
 * remembers.
 */
void
pm_smtp_client_say_body (PmSmtpClient *client)
{
  guint8 bytes[PULL_SIZE];

  // All recipients were refused and yet 354 came: RFC 2920 3.1 says to send an empty message.
  if (client->message->n_accepted == 0)
    end_body (client);

  while (client->state == PM_SMTP_CLIENT_BODY &&
         pm_buffer_room (&client->output) > 2 * PULL_SIZE)
    {
      gssize size = client->handler->pull (client, bytes, PULL_SIZE, client->user_data);
      guint8 *out = pm_buffer_reserve (&client->output, 2 * PULL_SIZE);
      gssize written;

      if (size == 0)
        {
          end_body (client);
          return;
        }
      written = size < 0 ? -1
                         : pm_smtp_data_writer_feed (&client->writer, bytes, (gsize) size, out);
      if (written >= 0)
        pm_buffer_commit (&client->output, (gsize) written);
      else if (size < 0)
        pm_smtp_client_break_off_locally (client, PM_SMTP_PHASE_DATA, 451, "4.3.0",
                                          "The message could not be read here");
      else
        pm_smtp_client_break_off_locally (client, PM_SMTP_PHASE_DATA, 554, "5.6.11",
                                          "The message has a bare CR, a bare LF or a NUL in it");
    }
}

/* RFC 5321 4.1.1.4: nothing but 354 asks for the message. */
void
pm_smtp_client_take_data (PmSmtpClient *client, const PmSmtpReply *reply)
{
  client->n_answered++;
  if (reply->code == 354)
    {
      // RFC 2033 4.2: DATA must fail then, and no reply to an empty message would come.
      if (is_lmtp (client) && client->message->n_accepted == 0)
        pm_smtp_client_refuse_answer (client, reply);
      else
        pm_smtp_client_set_state (client, PM_SMTP_CLIENT_BODY);
      return;
    }
  if (pm_smtp_reply_is_positive (reply) || pm_smtp_reply_is_intermediate (reply))
    {
      pm_smtp_client_refuse_answer (client, reply);
      return;
    }
  pm_smtp_client_tell_others (client, PM_SMTP_PHASE_DATA, reply);
  client->reset_due = client->opened;
  pm_smtp_client_set_state (client, PM_SMTP_CLIENT_READY);
  pm_smtp_client_finish_message (client, TRUE);
}

void
pm_smtp_client_take_dot (PmSmtpClient *client, const PmSmtpReply *reply)
{
  PmSmtpClientTransaction *message = client->message;

  if (pm_smtp_reply_is_intermediate (reply))
    {
      pm_smtp_client_refuse_answer (client, reply);
      return;
    }
  if (is_lmtp (client))
    {
      pm_smtp_client_tell_result (client, message->accepted[message->n_told++],
                                  PM_SMTP_PHASE_DOT, reply);
      if (message->n_told < message->n_accepted)
        return;
    }
  else
    {
      pm_smtp_client_tell_others (client, PM_SMTP_PHASE_DOT, reply);
    }
  pm_smtp_client_set_state (client, PM_SMTP_CLIENT_READY);
  pm_smtp_client_finish_message (client, TRUE);
}
