// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How the content of a message comes: after DATA, up to its dot, or counted, by BDAT (RFC 3030). A
// BDAT that is refused, for whatever reason, is swallowed to its last octet before the reply is
// given, so that no octet of a message is ever read as a command.

#include <string.h>

#include "smtp/pm-smtp-server-private.h"

// Of a refused message, or as much again as a message may have.
#define SWALLOW_LIMIT (1024 * 1024)

static guint64
swallow_limit (PmSmtpServer *server)
{
  return MAX (server->max_size, SWALLOW_LIMIT);
}

// The message at hand will not be taken: forget it now, and say so at its end.
static void
refuse_message (PmSmtpServer *server, PmSmtpReply *reply)
{
  server->refusal = reply;
  pm_smtp_server_tell_reset (server);
}

static PmSmtpReply *
too_large (void)
{
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 552, "5.3.4",
                            "The message is larger than this server takes");
}

static void
chunk_cb (const guint8 *bytes, gsize size, gpointer user_data)
{
  PmSmtpServer *server = user_data;
  PmSmtpReply *reply;

  server->n_data += size;
  if (server->refusal != NULL)
    {
      server->swallowed += size;
      return;
    }

  server->size += size;
  if (server->max_size != 0 && server->size > server->max_size)
    reply = too_large ();
  else
    reply = server->handler->chunk (server, bytes, size, server->user_data);
  if (reply != NULL)
    refuse_message (server, reply);
}

static void
begin_content (PmSmtpServer *server)
{
  server->data = (PmSmtpDataReader){ 0 };
  server->chunk = (PmSmtpChunkReader){ 0 };
  server->size = server->swallowed = 0;
  g_clear_pointer (&server->refusal, pm_smtp_reply_unref);
}

/**
 * pm_smtp_server_begin_data:
 *
 * The lines of a message come now.
 */
void
pm_smtp_server_begin_data (PmSmtpServer *server)
{
  begin_content (server);
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_DATA);
}

// RFC 2920 3.1: without PIPELINING the client waits for the reply.
static gboolean
is_alone (PmSmtpServer *server)
{
  server->alone = !server->extended;
  if (!server->alone || pm_buffer_size (&server->input) == 0)
    return TRUE;
  pm_smtp_server_violate (server, 554, "5.5.1", "You sent more before it was your turn");
  return FALSE;
}

static void
ask_end (PmSmtpServer *server)
{
  server->open = FALSE;
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_COMMIT);
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_END);
  server->handler->end (server, server->user_data);
}

// Says why the message was not taken, now that its octets are over.
static void
say_refusal (PmSmtpServer *server, PmSmtpServerState resume)
{
  g_autoptr (PmSmtpReply) refusal = g_steal_pointer (&server->refusal);

  pm_smtp_server_set_state (server, resume);
  pm_smtp_server_say_reply (server, refusal);
}

static void
end_data (PmSmtpServer *server)
{
  if (!is_alone (server))
    return;
  if (server->refusal != NULL)
    say_refusal (server, PM_SMTP_SERVER_READY);
  else
    ask_end (server);
}

// A refused message is swallowed to its end, but not one that has none.
static void
stop_swallowing (PmSmtpServer *server)
{
  if (server->refusal != NULL && server->swallowed > swallow_limit (server))
    pm_smtp_server_say_last (server, server->refusal);
}

static const char *
what_is_wrong (PmSmtpDataResult result)
{
  switch (result)
    {
    case PM_SMTP_DATA_BARE_CR:
      return "There is a CR without an LF in the message";
    case PM_SMTP_DATA_BARE_LF:
      return "There is an LF without a CR in the message";
    case PM_SMTP_DATA_NUL:
      return "There is a NUL byte in the message";
    case PM_SMTP_DATA_MORE:
    case PM_SMTP_DATA_END:
    default:
      return NULL;
    }
}

/**
 * pm_smtp_server_step_data:
 *
 * Returns: whether there may be more to do.
 */
gboolean
pm_smtp_server_step_data (PmSmtpServer *server)
{
  gsize size = pm_buffer_size (&server->input);
  gsize used = 0;
  PmSmtpDataResult result;

  if (size == 0)
    return FALSE;

  result = pm_smtp_data_reader_feed (&server->data, pm_buffer_peek (&server->input), size, &used,
                                     chunk_cb, server);
  pm_buffer_consume (&server->input, used);
  if (result == PM_SMTP_DATA_MORE)
    stop_swallowing (server);
  else if (result == PM_SMTP_DATA_END)
    end_data (server);
  else // where the message ends is not known any more
    pm_smtp_server_violate (server, 554, "5.6.11", what_is_wrong (result));
  return TRUE;
}

// RFC 3030 2: chunk-size SP "LAST". What is not that leaves open how many octets follow.
static gboolean
read_size (const char *text, guint64 *size, gboolean *last)
{
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  const char *rest = text + digits;

  if (digits == 0 || digits > 20 ||
      !g_ascii_string_to_unsigned (number, 10, 0, G_MAXUINT64, size, NULL))
    return FALSE;
  *last = *rest != '\0';
  return !*last ||
         (*rest == ' ' && g_ascii_strcasecmp (rest + strspn (rest, " "), "LAST") == 0);
}

static void
end_chunk (PmSmtpServer *server)
{
  if (!is_alone (server))
    return;
  if (server->refusal != NULL)
    {
      say_refusal (server, server->resume);
    }
  else if (server->chunk_last)
    {
      ask_end (server);
    }
  else
    {
      g_autofree char *text =
          g_strdup_printf ("%" G_GUINT64_FORMAT " octets taken", server->chunk_size);

      pm_smtp_server_set_state (server, PM_SMTP_SERVER_CHUNKS);
      pm_smtp_server_say (server, 250, "2.0.0", text);
    }
}

// The message is whole: its last line is completed where the client did not, so that what is in the
// queue is lines.
static void
complete_message (PmSmtpServer *server)
{
  if (!server->chunk_last || server->refusal != NULL)
    return;
  if (server->chunk.cr)
    refuse_message (server, pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 550, "5.6.11",
                                               what_is_wrong (PM_SMTP_DATA_BARE_CR)));
  else if (server->chunk.text)
    chunk_cb ((const guint8 *) "\r\n", 2, server);
}

// The octets that were announced begin. `refusal` (transfer full) (nullable): they are swallowed,
// and the session is then where it was before, or between transactions when one was dropped.
static void
begin_chunk (PmSmtpServer *server, PmSmtpServerState resume, PmSmtpReply *refusal)
{
  server->resume = resume;
  if (refusal != NULL)
    {
      g_clear_pointer (&server->refusal, pm_smtp_reply_unref);
      server->refusal = refusal;
      server->swallowed = 0;
      if (server->chunk_left > swallow_limit (server))
        {
          pm_smtp_server_say_last (server, refusal);
          return;
        }
    }
  pm_smtp_server_set_state (server, PM_SMTP_SERVER_CHUNK);
  if (server->chunk_left > 0)
    return;
  complete_message (server);
  end_chunk (server);
}

// Why a BDAT may not come now; NULL when it may.
static PmSmtpReply *
refuse_bdat (PmSmtpServer *server)
{
  guint code = 503;
  const char *text = NULL;

  if (!server->extended)
    text = "Say EHLO first";
  else if (server->state == PM_SMTP_SERVER_READY)
    text = "Say MAIL first";
  else if (server->state == PM_SMTP_SERVER_MAIL)
    {
      code = 554;
      text = "No valid recipients";
    }
  return text == NULL ? NULL
                      : pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, code, "5.5.1", text);
}

// The size of what came and of what was announced.
static gboolean
is_too_large (PmSmtpServer *server)
{
  return server->max_size != 0 && (server->chunk_left > server->max_size ||
                                   server->size > server->max_size - server->chunk_left);
}

static void
take_chunk (PmSmtpServer *server)
{
  if (!is_too_large (server))
    {
      begin_chunk (server, PM_SMTP_SERVER_READY, NULL);
      return;
    }
  pm_smtp_server_tell_reset (server);
  begin_chunk (server, PM_SMTP_SERVER_READY, too_large ());
}

/**
 * pm_smtp_server_run_bdat:
 *
 * Octets follow, whatever the state is.
 */
void
pm_smtp_server_run_bdat (PmSmtpServer *server, const char *argument)
{
  PmSmtpReply *refusal;

  if (!read_size (argument, &server->chunk_size, &server->chunk_last))
    {
      pm_smtp_server_violate (server, 501, "5.5.4", "Write BDAT and a size, and LAST at the end");
      return;
    }
  server->chunk_left = server->chunk_size;
  refusal = refuse_bdat (server);
  if (refusal != NULL)
    {
      begin_chunk (server, server->state, refusal);
      return;
    }
  // A chunk of nothing brings nothing further.
  if (server->chunk_size == 0 && !server->chunk_last &&
      ++server->n_idle > server->max_idle_commands)
    {
      pm_smtp_server_say (server, 421, "4.7.0", "Too many commands without a message");
      return;
    }
  if (server->state == PM_SMTP_SERVER_CHUNKS)
    {
      take_chunk (server);
      return;
    }
  begin_content (server);
  pm_smtp_server_ask (server, PM_SMTP_QUESTION_BDAT);
  if (server->handler->data == NULL)
    pm_smtp_server_continue (server, NULL);
  else
    server->handler->data (server, server->user_data);
}

/**
 * pm_smtp_server_settle_bdat:
 * @answer: (nullable): what @data was answered
 *
 * The first chunk of a message is welcome, or not.
 */
void
pm_smtp_server_settle_bdat (PmSmtpServer *server, const PmSmtpReply *answer)
{
  if (answer == NULL || pm_smtp_reply_is_positive (answer) ||
      pm_smtp_reply_is_intermediate (answer))
    {
      take_chunk (server);
      return;
    }
  pm_smtp_server_drop (server);
  begin_chunk (server, PM_SMTP_SERVER_READY, pm_smtp_reply_ref (answer));
}

/**
 * pm_smtp_server_step_chunk:
 *
 * Returns: whether there may be more to do.
 */
gboolean
pm_smtp_server_step_chunk (PmSmtpServer *server)
{
  const guint8 *bytes = pm_buffer_peek (&server->input);
  gsize size = (gsize) MIN (pm_buffer_size (&server->input), server->chunk_left);
  PmSmtpDataResult result = PM_SMTP_DATA_MORE;

  if (size == 0)
    return FALSE;

  if (server->refusal == NULL)
    result = pm_smtp_chunk_reader_feed (&server->chunk, bytes, size);
  // The octets are counted: the message is refused, and the session goes on.
  if (result != PM_SMTP_DATA_MORE)
    refuse_message (server, pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 550, "5.6.11",
                                               what_is_wrong (result)));
  chunk_cb (bytes, size, server);
  pm_buffer_consume (&server->input, size);
  server->chunk_left -= size;
  if (server->chunk_left > 0)
    {
      stop_swallowing (server);
      return TRUE;
    }
  complete_message (server);
  end_chunk (server);
  return TRUE;
}
