// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A client's connection, and admission: who may connect, which recipients we take, how much. What
// it promises: 250 for a message is sent only after the queue has it on stable storage.

#include "relay/pm-inbound.h"

#include <string.h>
#include <sys/statvfs.h>

#include "base/pm-log.h"
#include "net/pm-stream.h"
#include "relay/pm-header.h"
#include "relay/pm-protocol-log.h"
#include "relay/pm-relay-event.h"
#include "smtp/pm-smtp-server.h"

#define INPUT_LIMIT (64 * 1024)
#define OUTPUT_LIMIT (16 * 1024)
#define MIN_FREE_BYTES (10 * 1024 * 1024)
#define MIN_FREE_FILES 100
#define LINGER (5 * G_USEC_PER_SEC)
#define MAX_WITHOUT_MESSAGE (2 * 3600 * (gint64) G_USEC_PER_SEC)
#define CLIENT_SHARE 4               /* one client has at most a fourth of all connections, */
#define MIN_PER_CLIENT 10            /* but it may always have so many */
#define SPACE_INTERVAL (1024 * 1024) /* of a message; then the disk is looked at again */

struct _PmInbound
{
  PmRelayWorker *worker;
  PmRelaySettings *settings; /* (owned) */
  PmStream *stream;          /* (owned) (nullable): NULL when it is over */
  PmSmtpServer *server;      /* (owned) */
  GInetAddress *peer;        /* (owned) */
  GInetAddress *local;       /* (owned) */
  char *peer_text;
  PmListenRole role;
  guint references; /* one while it is open, one while a message is being committed */
  gboolean pumping;
  gboolean over_limit;
  gboolean counted; /* among the connections of its client */
  gint64 ceiling;   /* by when the client must have brought a message, monotonic */
  gint64 deadline;  /* for its next step; 0 while we owe an answer */
  guint64 progress; /* as of the deadline */

  PmQueueMessage *message; /* (owned) (nullable): the transaction */
  guint64 declared;        /* its size by SIZE=, 0 when not said */
  guint64 size;
  gboolean outward; /* all its recipients go to other hosts */
  PmHeaderScan scan;
  PmProtocolLog protocol;
};

static void pump (PmInbound *self);

static void
release (PmInbound *self)
{
  if (--self->references > 0)
    return;
  pm_smtp_server_free (self->server);
  pm_queue_message_free (self->message);
  pm_header_scan_clear (&self->scan);
  pm_relay_settings_unref (self->settings);
  g_object_unref (self->peer);
  g_object_unref (self->local);
  g_free (self->peer_text);
  g_free (self);
}

/* @linger: send what is still in the stream's output */
static void
close_session (PmInbound *self, gboolean linger)
{
  PmRelay *relay = self->worker->relay;

  if (self->stream == NULL)
    return;
  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MINIMUM, "ended", NULL);
  if (linger)
    pm_stream_finish (g_steal_pointer (&self->stream), LINGER);
  else
    g_clear_pointer (&self->stream, pm_stream_free);
  g_hash_table_remove (self->worker->inbound, self);
  pm_relay_add_to_counter (relay, PM_COUNTER_SESSIONS, -1);
  if (self->counted)
    pm_client_census_leave (pm_relay_get_census (relay), self->peer);
  pm_relay_session_over (relay);
  release (self);
}

/* Returns: (transfer full): @reply */
static PmSmtpReply *
log_refused (PmInbound *self, const char *what, const char *subject, PmSmtpReply *reply)
{
  g_autofree char *text = pm_smtp_reply_to_string (reply);
  gboolean to = strcmp (what, "recipient") == 0;
  const char *sender = self->message != NULL ? self->message->sender : NULL;

  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_REFUSED,
                                                        .what = what,
                                                        .client = self->peer_text,
                                                        .from = to ? sender : subject,
                                                        .to = to ? subject : NULL,
                                                        .reply = text });
  return reply;
}

static void
refuse (PmInbound *self, const char *what, const char *subject, PmSmtpReply *reply)
{
  log_refused (self, what, subject, reply);
  pm_smtp_server_continue (self->server, reply);
}

static PmSmtpReply *
judge_connection (PmInbound *self)
{
  PmTransferMode transfer = self->settings->service->transfer;

  if (pm_relay_is_stopping (self->worker->relay))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 421, "4.3.2", "This service is closing down");
  if (!pm_relay_settings_accepts_from (self->settings, self->peer))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 554, "5.7.1",
                              "This host does not accept connections from you");
  if (transfer == PM_TRANSFER_OUTBOUND || transfer == PM_TRANSFER_NONE)
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 421, "4.3.2",
                              "This host does not accept mail at present");
  if (self->over_limit)
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 421, "4.3.2",
                              "Too many connections, try again later");
  if (!self->counted)
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 421, "4.7.0",
                              "Too many connections from your address, close one first");
  return NULL;
}

static void
connected_cb (PmSmtpServer *server, gpointer data)
{
  PmInbound *self = data;
  g_autoptr (PmSmtpReply) reply = judge_connection (self);

  if (reply != NULL)
    {
      refuse (self, "connection", NULL, reply);
      return;
    }
  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_CONNECTED,
                                                        .client = self->peer_text });
  pm_smtp_server_continue (server, NULL);
}

/* Room for the message twice over, since the queue writes it and delivery may write it again. */
static gboolean
has_disk_space (PmInbound *self, guint64 size)
{
  struct statvfs fs;
  guint64 free_bytes;

  if (statvfs (pm_relay_get_state_dir (self->worker->relay), &fs) != 0)
    return TRUE;
  free_bytes = (guint64) fs.f_bavail * fs.f_frsize;
  if (free_bytes < MIN_FREE_BYTES || free_bytes - MIN_FREE_BYTES < 2 * MIN (size, G_MAXUINT32))
    return FALSE;
  return fs.f_files == 0 || fs.f_favail >= MIN_FREE_FILES;
}

static PmSmtpReply *
no_space_reply (void)
{
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 452, "4.3.1",
                            "There is not enough disk space here, try again later");
}

static void
mail_cb (PmSmtpServer *server, const PmSmtpMail *mail, gpointer data)
{
  PmInbound *self = data;
  g_autofree char *sender =
      mail->sender != NULL ? pm_mail_address_to_string (mail->sender) : g_strdup ("");
  g_autoptr (PmSmtpReply) reply = NULL;

  if (self->role == PM_LISTEN_SUBMISSION)
    // RFC 6409 4.3
    reply = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 530, "5.7.0", "Authentication required");
  else if (!has_disk_space (self, mail->size))
    reply = no_space_reply ();
  if (reply != NULL)
    {
      refuse (self, "sender", sender, reply);
      return;
    }

  self->message = pm_queue_message_new (0, sender);
  self->message->eight_bit = mail->body == PM_SMTP_BODY_8BITMIME;
  self->declared = mail->size;
  self->outward = TRUE;
  pm_smtp_server_continue (server, NULL);
}

static gboolean
is_over_outbound_limit (PmInbound *self, guint64 size)
{
  guint64 limit = self->settings->service->outbound_limit;

  return limit > 0 && size > limit;
}

static PmSmtpReply *
outbound_limit_reply (void)
{
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 552, "5.3.4",
                            "The message is larger than this server sends to other hosts");
}

static void
rcpt_cb (PmSmtpServer *server, const PmSmtpRcpt *rcpt, gpointer data)
{
  PmInbound *self = data;
  PmRoutingClient client = { .address = self->peer, .local_address = self->local };
  g_autoptr (PmDecision) decision =
      pm_relay_settings_route (self->settings, rcpt->recipient, &client);
  g_autofree char *address = pm_mail_address_to_string (rcpt->recipient);
  PmQueueRecipient *recipient;

  if (decision->action == PM_ACTION_REJECT)
    {
      g_autoptr (PmSmtpReply) reply =
          pm_smtp_reply_parse (decision->reply, PM_SMTP_SOURCE_POLICY, NULL);

      if (reply == NULL)
        reply = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 550, "5.7.1", "Not accepted here");
      refuse (self, "recipient", address, reply);
      return;
    }

  if (decision->action != PM_ACTION_INBOUND && is_over_outbound_limit (self, self->declared))
    {
      g_autoptr (PmSmtpReply) reply = outbound_limit_reply ();

      refuse (self, "recipient", address, reply);
      return;
    }

  recipient = pm_queue_message_add_recipient (self->message, address);
  pm_relay_settings_describe (decision, recipient);
  self->outward = self->outward && recipient->agent == PM_QUEUE_REMOTE;
  pm_smtp_server_continue (server, NULL);
}

static void
begin_body (PmInbound *self)
{
  PmRelay *relay = self->worker->relay;
  PmQueue *queue = pm_relay_get_queue (relay);
  PmQueueMessage *message = self->message;
  const PmQueueRecipient *first = g_ptr_array_index (message->recipients, 0);
  g_autofree char *received = NULL;

  message->id = pm_queue_new_id (queue);
  message->received = pm_clock_now (pm_relay_get_clock (relay));
  g_free (message->client);
  message->client = g_strdup_printf ("%s [%s]", pm_smtp_server_get_hello (self->server),
                                     self->peer_text);
  for (guint i = 0; i < message->recipients->len; i++)
    ((PmQueueRecipient *) g_ptr_array_index (message->recipients, i))->next_try =
        message->received;

  received = pm_header_received (pm_smtp_server_get_hello (self->server),
                                 pm_smtp_server_is_extended (self->server), self->peer,
                                 self->settings->host, message->id,
                                 message->recipients->len == 1 ? first->original : NULL,
                                 message->received);
  message->body = pm_queue_body_new (pm_queue_get_body_folder (queue));
  // Shorter than what a body keeps in memory: this cannot fail.
  if (!pm_queue_body_append (message->body, received, strlen (received), NULL))
    g_assert_not_reached ();
  pm_header_scan_clear (&self->scan);
  self->size = 0;
}

static void
data_cb (PmSmtpServer *server, gpointer data)
{
  begin_body (data);
  pm_smtp_server_continue (server, NULL);
}

static PmSmtpReply *
chunk_cb (PmSmtpServer *server, const guint8 *bytes, gsize size, gpointer data)
{
  PmInbound *self = data;
  g_autoptr (GError) error = NULL;
  guint64 before = self->size;

  self->size += size;
  if (self->outward && is_over_outbound_limit (self, self->size))
    return log_refused (self, "message", self->message->sender, outbound_limit_reply ());
  // A message without SIZE= has not been measured against the disk.
  if (before / SPACE_INTERVAL != self->size / SPACE_INTERVAL && !has_disk_space (self, 0))
    return log_refused (self, "message", self->message->sender, no_space_reply ());

  pm_header_scan (&self->scan, bytes, size);
  if (pm_queue_body_append (self->message->body, bytes, size, &error))
    return NULL;
  pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "client", self->peer_text, "reason",
                error->message, NULL);
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 452, "4.3.1",
                            "The message cannot be stored now, try again later");
}

/* What is needed of a message after it has gone to the queue. */
typedef struct
{
  PmInbound *session;
  guint64 id;
  guint64 size;
  gint64 next_try;
  guint n_recipients;
  char *sender;
} Commit;

static void
log_accepted (const Commit *commit)
{
  pm_relay_event (commit->session->worker->relay,
                  &(PmRelayEvent){ .event = PM_EVENT_ACCEPTED,
                                   .message = commit->id,
                                   .from = commit->sender,
                                   .client = commit->session->peer_text,
                                   .size = commit->size,
                                   .recipients = commit->n_recipients });
}

static PmSmtpReply *
conclude_commit (const Commit *commit, GAsyncResult *result)
{
  PmRelay *relay = commit->session->worker->relay;
  g_autoptr (GError) error = NULL;

  if (!pm_queue_enqueue_finish (pm_relay_get_queue (relay), result, &error))
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "client", commit->session->peer_text,
                    "reason", error->message, NULL);
      return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 451, "4.3.0",
                                "The message could not be stored safely, try again later");
    }

  pm_relay_message_queued (relay, commit->id, commit->next_try);
  commit->session->ceiling = g_get_monotonic_time () + MAX_WITHOUT_MESSAGE;
  log_accepted (commit);
  return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 250, "2.0.0",
                                   "OK, queued as %" G_GUINT64_FORMAT, commit->id);
}

static void
committed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Commit *commit = data;
  PmInbound *self = commit->session;
  g_autoptr (PmSmtpReply) reply = conclude_commit (commit, result);

  g_free (commit->sender);
  if (self->stream != NULL)
    {
      pm_smtp_server_continue (self->server, reply);
      pump (self);
    }
  release (self);
}

/*
 * Whether the message has been in every one of its mailboxes before. Refused, the client's side
 * reports it; taken, we would send a report to a sender who may be forged. Where others are to get
 * it, delivery tells the mailbox in question from them.
 */
static gboolean
goes_round (const PmInbound *self, const PmQueueMessage *message)
{
  for (guint i = 0; i < message->recipients->len; i++)
    {
      const PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, i);

      if (recipient->agent != PM_QUEUE_MAILBOX ||
          !pm_header_scan_was_delivered_to (&self->scan, recipient->address))
        return FALSE;
    }
  return TRUE;
}

/* Returns: (transfer full) (nullable): why a message that is whole is not taken */
static PmSmtpReply *
judge_message (const PmInbound *self, const PmQueueMessage *message)
{
  // RFC 5321 6.3
  if (self->scan.received >= PM_HEADER_MAX_RECEIVED)
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 554, "5.4.6",
                              "Too many Received: fields, the message goes round in a loop");
  if (goes_round (self, message))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 554, "5.4.6",
                              "The message has been delivered to this mailbox before: a loop");
  return NULL;
}

static void
end_cb (PmSmtpServer *server, gpointer data)
{
  PmInbound *self = data;
  g_autoptr (PmQueueMessage) message = g_steal_pointer (&self->message);
  g_autoptr (PmSmtpReply) refusal = NULL;
  g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT " bytes", self->size);
  Commit *commit;

  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MAXIMUM, "message", size);

  refusal = judge_message (self, message);
  if (refusal != NULL)
    {
      refuse (self, "message", message->sender, refusal);
      return;
    }

  commit = g_new0 (Commit, 1);
  commit->session = self;
  commit->id = message->id;
  commit->size = pm_queue_body_get_size (message->body);
  commit->next_try = message->received;
  commit->n_recipients = message->recipients->len;
  commit->sender = g_strdup (message->sender);
  self->references++;
  pm_queue_enqueue_async (pm_relay_get_queue (self->worker->relay), g_steal_pointer (&message),
                          committed_cb, commit);
}

static void
reset_cb (PmSmtpServer *server, gpointer data)
{
  PmInbound *self = data;

  g_clear_pointer (&self->message, pm_queue_message_free);
}

static gboolean
move_output (PmInbound *self)
{
  PmBuffer *from = pm_smtp_server_get_output (self->server);
  PmBuffer *to = pm_stream_get_output (self->stream);
  gsize size = MIN (pm_buffer_size (from), pm_buffer_room (to));

  if (size == 0 || !pm_buffer_append (to, pm_buffer_peek (from), size))
    return FALSE;
  pm_buffer_consume (from, size);
  pm_smtp_server_advance (self->server);
  return TRUE;
}

static gboolean
move_input (PmInbound *self)
{
  PmBuffer *input = pm_stream_get_input (self->stream);
  gsize used;

  if (pm_buffer_size (input) == 0)
    return FALSE;
  used = pm_smtp_server_feed (self->server, pm_buffer_peek (input), pm_buffer_size (input));
  pm_buffer_consume (input, used);
  return used > 0;
}

/*
 * RFC 5321 4.5.3.2.7. The client has to bring things further, a whole line or a KiB of a message at
 * a time: bytes that drip, or replies that it does not read, hold no connection open.
 */
static void
set_deadline (PmInbound *self)
{
  gint64 patience = pm_smtp_server_get_patience (self->server) * (gint64) G_USEC_PER_SEC;
  guint64 progress = pm_smtp_server_get_progress (self->server);

  // While we are the ones who owe an answer, the client has all the time.
  if (pm_smtp_server_is_waiting (self->server))
    self->deadline = 0;
  else if (self->deadline == 0 || progress != self->progress)
    self->deadline = MIN (g_get_monotonic_time () + patience, self->ceiling);
  self->progress = progress;
  pm_stream_set_deadline (self->stream, self->deadline);
}

/* Moves bytes both ways as long as any move. May free the session. */
static void
pump (PmInbound *self)
{
  gboolean moved = TRUE;

  if (self->stream == NULL || self->pumping)
    return;
  self->pumping = TRUE;
  while (moved)
    {
      moved = move_output (self);
      moved = move_input (self) || moved;
    }
  self->pumping = FALSE;

  if (pm_smtp_server_get_state (self->server) == PM_SMTP_SERVER_CLOSED &&
      pm_buffer_size (pm_smtp_server_get_output (self->server)) == 0)
    {
      close_session (self, TRUE);
      return;
    }
  set_deadline (self);
  pm_stream_update (self->stream);
}

static void
received_cb (PmStream *stream, gpointer data)
{
  pump (data);
}

/* The client has closed its side. Only a reply that is still being made is worth waiting for. */
static void
ended_cb (PmStream *stream, gpointer data)
{
  PmInbound *self = data;
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 421, "4.4.2", "You have closed the connection");

  self->references++;
  pump (self);
  if (self->stream != NULL)
    {
      gboolean committing = pm_smtp_server_get_state (self->server) == PM_SMTP_SERVER_COMMIT;

      pm_smtp_server_end (self->server, committing ? reply : NULL, committing);
      pump (self);
    }
  release (self);
}

static void
failed_cb (PmStream *stream, const GError *error, gpointer data)
{
  PmInbound *self = data;

  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_CONNECTION_LOST,
                                                        .client = self->peer_text,
                                                        .reply = error->message });
  pm_smtp_server_end (self->server, NULL, FALSE);
  close_session (self, FALSE);
}

/**
 * pm_inbound_end:
 * @finish: let the transaction at hand come to its end
 *
 * Ends the session from our side: the service is closing down. May free it.
 */
void
pm_inbound_end (PmInbound *self, gboolean finish)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 421, "4.3.2", "This service is closing down");

  self->references++;
  pm_smtp_server_end (self->server, reply, finish);
  pump (self);
  if (!finish)
    close_session (self, TRUE);
  release (self);
}

static void
trace_cb (PmSmtpServer *server, gboolean sent, const char *line, gpointer data)
{
  const PmInbound *self = data;

  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MEDIUM, sent ? "sent" : "received", line);
}

static const PmSmtpServerHandler server_handler = {
  .connected = connected_cb,
  .mail = mail_cb,
  .rcpt = rcpt_cb,
  .data = data_cb,
  .chunk = chunk_cb,
  .end = end_cb,
  .reset = reset_cb,
  .trace = trace_cb,
};

static const PmStreamHandler stream_handler = {
  .received = received_cb,
  .ended = ended_cb,
  .sent = received_cb,
  .failed = failed_cb,
};

/**
 * pm_inbound_start:
 * @worker: whose thread this is
 * @fd: (transfer full): the connection
 */
void
pm_inbound_start (PmRelayWorker *worker,
                  int fd,
                  GInetSocketAddress *peer,
                  GInetSocketAddress *local,
                  PmListenRole role)
{
  PmInbound *self = g_new0 (PmInbound, 1);
  PmSmtpServerConfig config;

  self->worker = worker;
  self->settings = pm_relay_dup_settings (worker->relay);
  self->peer = g_object_ref (g_inet_socket_address_get_address (peer));
  self->local = g_object_ref (g_inet_socket_address_get_address (local));
  self->peer_text = g_inet_address_to_string (self->peer);
  self->role = role;
  self->references = 1;
  pm_protocol_log_init (&self->protocol, self->settings, TRUE, self->peer_text);
  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MINIMUM, "connected", NULL);
  self->ceiling = g_get_monotonic_time () + MAX_WITHOUT_MESSAGE;

  pm_relay_add_to_counter (worker->relay, PM_COUNTER_CONNECTIONS, 1);
  pm_relay_add_to_counter (worker->relay, PM_COUNTER_SESSIONS, 1);
  self->over_limit = pm_relay_get_counter (worker->relay, PM_COUNTER_SESSIONS) >
                     self->settings->service->max_inbound;
  self->counted = pm_client_census_enter (
      pm_relay_get_census (worker->relay), self->peer,
      MAX (self->settings->service->max_inbound / CLIENT_SHARE, MIN_PER_CLIENT));

  config = (PmSmtpServerConfig){
    .host = self->settings->host,
    .max_size = self->settings->service->inbound_limit,
    .max_recipients = self->settings->service->max_recipients,
  };
  self->server = pm_smtp_server_new (&config, &server_handler, self);
  self->stream = pm_stream_new (pm_worker_get_reactor (worker->worker), fd, INPUT_LIMIT,
                                OUTPUT_LIMIT, &stream_handler, self);
  g_hash_table_add (worker->inbound, self);
  pm_smtp_server_start (self->server);
  pump (self);
}
