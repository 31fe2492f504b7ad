// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A client's connection: moves bytes between the stream and the protocol, sees to TLS and to time.
// What it promises: a session that does nothing ends, sooner where others want its place, and one
// that ends has lost nothing that was promised.

#include "relay/pm-inbound.h"

#include <string.h>

#include "relay/pm-diagnostics.h"
#include "relay/pm-inbound-auth.h"
#include "relay/pm-inbound-etrn.h"
#include "relay/pm-inbound-private.h"
#include "relay/pm-relay-event.h"

#define INPUT_LIMIT (64 * 1024)
#define OUTPUT_LIMIT (16 * 1024)
#define LINGER (5 * G_USEC_PER_SEC)
#define MAX_WITHOUT_MESSAGE (2 * 3600 * (gint64) G_USEC_PER_SEC)
#define PROXY_PATIENCE (10 * G_USEC_PER_SEC)

/* Near the limit of connections, who does nothing for so long makes room for who comes. */
#define CROWDED(limit) ((limit) *4 / 5)
#define PACKED(limit) ((limit) *19 / 20)
#define CROWDED_IDLE (10 * G_USEC_PER_SEC)
#define PACKED_IDLE G_USEC_PER_SEC
#define CROWDED_STALLED (30 * G_USEC_PER_SEC) /* the same within a transaction */
#define RELIEF_LOOKS 64                       /* at so many sessions, not at all of them */

void
pm_inbound_ref (PmInbound *self)
{
  self->references++;
}

void
pm_inbound_unref (PmInbound *self)
{
  if (--self->references > 0)
    return;
  pm_smtp_server_free (self->server);
  pm_inbound_drop (self);
  pm_inbound_auth_clear (self);
  pm_relay_settings_unref (self->settings);
  pm_listen_unref (self->listen);
  g_object_unref (self->peer);
  g_object_unref (self->local);
  g_free (self->peer_text);
  g_free (self->hello);
  g_free (self->account);
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
  pm_diagnose (PM_TOPIC_INBOUND, PM_DIAGNOSTICS_MINIMUM, "what", "session-ended", "client",
               self->peer_text, "hello", pm_smtp_server_get_hello (self->server), NULL);
  if (linger)
    pm_stream_finish (g_steal_pointer (&self->stream), LINGER);
  else
    g_clear_pointer (&self->stream, pm_stream_free);
  pm_timer_clear (&self->pause);
  pm_inbound_auth_clear (self);
  g_hash_table_remove (self->worker->inbound, self);
  g_queue_unlink (&self->worker->sessions, &self->place);
  pm_relay_add_to_counter (relay, PM_COUNTER_SESSIONS, -1);
  pm_inbound_leave (self);
  pm_relay_session_over (relay);
  pm_inbound_unref (self);
}

/* Returns: (transfer full): @reply */
PmSmtpReply *
pm_inbound_log_refused (PmInbound *self, const char *what, const char *subject, PmSmtpReply *reply)
{
  g_autofree char *text = pm_smtp_reply_to_string (reply);
  gboolean to = strcmp (what, "recipient") == 0;
  const PmQueueMessage *message = self->transaction.message;

  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_REFUSED,
                                                        .what = what,
                                                        .client = self->peer_text,
                                                        .user = self->account,
                                                        .from = !to               ? subject
                                                                : message != NULL ? message->sender
                                                                                  : NULL,
                                                        .to = to ? subject : NULL,
                                                        .reply = text });
  return reply;
}

static void
log_lost (PmInbound *self, const char *why)
{
  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_CONNECTION_LOST,
                                                        .client = self->peer_text,
                                                        .user = self->account,
                                                        .reply = why });
}

/* Answers the question that is open with @reply. */
void
pm_inbound_refuse (PmInbound *self, const char *what, const char *subject, PmSmtpReply *reply)
{
  pm_inbound_log_refused (self, what, subject, reply);
  pm_smtp_server_continue (self->server, reply);
}

PmRoutingClient
pm_inbound_get_client (const PmInbound *self)
{
  return (PmRoutingClient){
    .address = self->peer,
    .local_address = self->local,
    .authenticated = self->account != NULL,
  };
}

static gboolean
move_output (PmInbound *self)
{
  if (pm_buffer_move (pm_stream_get_output (self->stream),
                      pm_smtp_server_get_output (self->server)) == 0)
    return FALSE;
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

/* RFC 5321 4.5.3.2.7 asks for five minutes, which in a crowd would be everybody else's. */
static gint64
get_patience (const PmInbound *self)
{
  guint64 sessions = pm_relay_get_counter (self->worker->relay, PM_COUNTER_SESSIONS);

  if (sessions > CROWDED (self->settings->max_inbound) && !self->standing.exempt)
    return CROWDED_STALLED;
  return pm_smtp_server_get_patience (self->server) * (gint64) G_USEC_PER_SEC;
}

/*
 * RFC 5321 4.5.3.2.7. The client has to bring things further, a whole line or a KiB of a message at
 * a time: bytes that drip, or replies that it does not read, hold no connection open.
 */
static void
set_deadline (PmInbound *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 patience = get_patience (self);
  guint64 progress = pm_smtp_server_get_progress (self->server);
  gboolean moved = progress != self->progress;

  // While we are the ones who owe an answer, the client has all the time.
  if (pm_smtp_server_is_waiting (self->server))
    self->deadline = 0;
  else if (self->deadline == 0 || moved)
    self->deadline = MIN (now + patience, self->ceiling);
  self->progress = progress;
  pm_stream_set_deadline (self->stream, self->deadline);

  if (moved)
    {
      self->moved_at = now;
      g_queue_unlink (&self->worker->sessions, &self->place);
      g_queue_push_tail_link (&self->worker->sessions, &self->place);
    }
}

/* RFC 3207: everything that was said in clear has gone out; what comes now is the handshake. */
static void
begin_tls (PmInbound *self)
{
  self->phase = PM_INBOUND_SHAKING;
  if (pm_stream_start_tls_server (self->stream, self->settings->tls))
    return;
  log_lost (self, "the client sent bytes in clear after STARTTLS");
  pm_smtp_server_end (self->server, NULL, FALSE);
  close_session (self, FALSE);
}

static gboolean
is_drained (PmInbound *self)
{
  return pm_buffer_size (pm_smtp_server_get_output (self->server)) == 0 &&
         pm_buffer_size (pm_stream_get_output (self->stream)) == 0;
}

static void
begin_speaking (PmInbound *self)
{
  self->phase = PM_INBOUND_SPEAKING;
  pm_smtp_server_start (self->server);
  pm_inbound_pump (self);
}

/* Who the client is, is known; what its own address may do counts, not what the proxy's may. */
static void
begin (PmInbound *self)
{
  pm_smtp_server_set_xclient (self->server, self->standing.xclient);
  pm_inbound_enter (self);
  if (self->listen->implicit_tls)
    begin_tls (self);
  else
    begin_speaking (self);
}

/* Moves bytes both ways as long as any move. May free the session. */
static void
converse (PmInbound *self)
{
  gboolean moved = TRUE;

  self->pumping = TRUE;
  while (moved)
    {
      moved = move_output (self);
      moved = move_input (self) || moved;
      moved = (!moved && pm_stream_flush (self->stream)) || moved;
    }
  self->pumping = FALSE;

  if (pm_smtp_server_get_state (self->server) == PM_SMTP_SERVER_CLOSED &&
      pm_buffer_size (pm_smtp_server_get_output (self->server)) == 0)
    {
      close_session (self, TRUE);
      return;
    }
  set_deadline (self);
  if (pm_smtp_server_get_state (self->server) == PM_SMTP_SERVER_TLS && is_drained (self))
    begin_tls (self);
  else
    pm_stream_update (self->stream);
}

void
pm_inbound_pump (PmInbound *self)
{
  if (self->stream == NULL || self->pumping)
    return;
  if (self->phase == PM_INBOUND_SPEAKING)
    converse (self);
}

static void
received_cb (PmStream *stream, gpointer data)
{
  PmInbound *self = data;

  if (self->phase != PM_INBOUND_PROXY)
    pm_inbound_pump (self);
  else if (pm_inbound_read_proxy (self))
    begin (self);
  else if (pm_smtp_server_get_state (self->server) == PM_SMTP_SERVER_CLOSED)
    close_session (self, FALSE);
}

static void
sent_cb (PmStream *stream, gpointer data)
{
  pm_inbound_pump (data);
}

static void
log_secured (PmInbound *self, const PmTlsInfo *info)
{
  g_autofree char *text = g_strdup_printf ("%s %s", info->protocol, info->cipher);

  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_TLS,
                                                        .client = self->peer_text,
                                                        .tls = text });
}

static void
secured_cb (PmStream *stream, gpointer data)
{
  PmInbound *self = data;

  log_secured (self, pm_stream_get_tls (stream));
  if (self->listen->implicit_tls)
    {
      begin_speaking (self);
      return;
    }
  self->phase = PM_INBOUND_SPEAKING;
  pm_inbound_auth_clear (self);
  g_clear_pointer (&self->account, g_free);
  pm_smtp_server_secured (self->server);
  self->deadline = 0;
  pm_inbound_pump (self);
}

/* The client has closed its side. Only a reply that is still being made is worth waiting for. */
static void
ended_cb (PmStream *stream, gpointer data)
{
  PmInbound *self = data;
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 421, "4.4.2", "You have closed the connection");

  if (self->phase != PM_INBOUND_SPEAKING)
    {
      pm_smtp_server_end (self->server, NULL, FALSE);
      close_session (self, FALSE);
      return;
    }
  pm_inbound_ref (self);
  pm_inbound_pump (self);
  if (self->stream != NULL)
    {
      gboolean committing = pm_smtp_server_get_state (self->server) == PM_SMTP_SERVER_COMMIT;

      pm_smtp_server_end (self->server, committing ? reply : NULL, committing);
      pm_inbound_pump (self);
    }
  pm_inbound_unref (self);
}

static void
failed_cb (PmStream *stream, const GError *error, gpointer data)
{
  PmInbound *self = data;

  log_lost (self, error->message);
  pm_smtp_server_end (self->server, NULL, FALSE);
  close_session (self, FALSE);
}

static void
end_with (PmInbound *self, const char *text, gboolean finish)
{
  g_autoptr (PmSmtpReply) reply = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 421, "4.3.2", text);

  pm_inbound_ref (self);
  pm_smtp_server_end (self->server, reply, finish);
  pm_inbound_pump (self);
  if (!finish || self->phase != PM_INBOUND_SPEAKING)
    close_session (self, TRUE);
  pm_inbound_unref (self);
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
  end_with (self, "This service is closing down", finish);
}

static gboolean
is_idle (const PmInbound *self)
{
  switch (pm_smtp_server_get_state (self->server))
    {
    case PM_SMTP_SERVER_FRESH:
    case PM_SMTP_SERVER_READY:
    case PM_SMTP_SERVER_MAIL:
    case PM_SMTP_SERVER_RCPT:
    case PM_SMTP_SERVER_AUTH:
    case PM_SMTP_SERVER_TLS:
      return TRUE;
    case PM_SMTP_SERVER_GREETING:
      return self->phase != PM_INBOUND_SPEAKING;
    case PM_SMTP_SERVER_DATA:
    case PM_SMTP_SERVER_CHUNK:
    case PM_SMTP_SERVER_CHUNKS:
    case PM_SMTP_SERVER_COMMIT:
    case PM_SMTP_SERVER_CLOSED:
    default:
      return FALSE;
    }
}

gboolean
pm_inbound_relieve (PmRelayWorker *worker)
{
  gint64 now = g_get_monotonic_time ();
  guint64 sessions = pm_relay_get_counter (worker->relay, PM_COUNTER_SESSIONS);
  guint looks = 0;

  for (GList *l = worker->sessions.head; l != NULL && looks < RELIEF_LOOKS; l = l->next, looks++)
    {
      PmInbound *self = l->data;
      guint limit = self->settings->max_inbound;
      gint64 idle = sessions > PACKED (limit) ? PACKED_IDLE : CROWDED_IDLE;
      gint64 age = now - self->moved_at;

      if (age < idle)
        return FALSE;
      if (pm_smtp_server_is_waiting (self->server) && self->phase == PM_INBOUND_SPEAKING)
        continue;
      if (!is_idle (self) && age < CROWDED_STALLED)
        continue;
      log_lost (self, "it did nothing, and others want to connect");
      end_with (self, "Too busy to wait for you, come again", FALSE);
      return TRUE;
    }
  return FALSE;
}

static void
trace_cb (PmSmtpServer *server, gboolean sent, const char *line, gpointer data)
{
  const PmInbound *self = data;

  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MEDIUM, sent ? "sent" : "received", line);
}

static void
starttls_cb (PmSmtpServer *server, gpointer data)
{
  pm_smtp_server_continue (server, NULL);
}

#define SERVER_HANDLER                    \
  .auth = pm_inbound_auth,                \
  .auth_response = pm_inbound_auth_again, \
  .etrn = pm_inbound_etrn,                \
  .connected = pm_inbound_connected,      \
  .mail = pm_inbound_mail,                \
  .rcpt = pm_inbound_rcpt,                \
  .data = pm_inbound_data,                \
  .chunk = pm_inbound_chunk,              \
  .end = pm_inbound_end_of_data,          \
  .reset = pm_inbound_reset,              \
  .starttls = starttls_cb,                \
  .xclient = pm_inbound_xclient

/* Lines are made into text only where somebody reads them. */
static const PmSmtpServerHandler server_handler = { SERVER_HANDLER };
static const PmSmtpServerHandler traced_handler = { SERVER_HANDLER, .trace = trace_cb };

static const PmStreamHandler stream_handler = {
  .received = received_cb,
  .ended = ended_cb,
  .sent = sent_cb,
  .secured = secured_cb,
  .failed = failed_cb,
};

static PmSmtpServer *
new_server (PmInbound *self)
{
  const PmMailService *service = self->settings->service;
  PmSmtpServerConfig config = {
    .host = self->settings->host,
    .max_size = service->inbound_limit,
    .max_recipients = service->max_recipients,
    .starttls = self->settings->tls != NULL && !self->listen->implicit_tls,
    .secured = self->listen->implicit_tls,
    .mechanisms = self->settings->accounts != NULL
                      ? pm_accounts_mechanisms (self->settings->accounts)
                      : NULL,
    .etrn = self->listen->role == PM_LISTEN_RELAY,
    .xclient = self->standing.xclient,
    .requiretls = TRUE,
    .mt_priority = TRUE,
  };

  return pm_smtp_server_new (&config,
                             pm_diagnostics_wants (PM_TOPIC_SMTP_PROTOCOL,
                                                   PM_DIAGNOSTICS_MEDIUM)
                                 ? &traced_handler
                                 : &server_handler,
                             self);
}

static void
relieve_crowd (PmInbound *self)
{
  guint64 sessions = pm_relay_get_counter (self->worker->relay, PM_COUNTER_SESSIONS);

  self->over_limit = sessions > self->settings->max_inbound;
  if (sessions > CROWDED (self->settings->max_inbound))
    pm_relay_relieve (self->worker);
}

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
                  const PmListen *listen)
{
  PmInbound *self = g_new0 (PmInbound, 1);

  self->worker = worker;
  self->settings = pm_relay_dup_settings (worker->relay);
  self->listen = pm_listen_ref ((PmListen *) listen);
  self->references = 1;
  pm_inbound_set_peer (self, g_inet_socket_address_get_address (peer),
                       g_inet_socket_address_get_address (local));
  pm_protocol_log_init (&self->protocol, self->settings, TRUE, self->peer_text);
  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MINIMUM, "connected", NULL);
  self->moved_at = g_get_monotonic_time ();
  self->ceiling = self->moved_at + MAX_WITHOUT_MESSAGE;
  self->place.data = self;

  pm_relay_add_to_counter (worker->relay, PM_COUNTER_CONNECTIONS, 1);
  pm_relay_add_to_counter (worker->relay, PM_COUNTER_SESSIONS, 1);
  relieve_crowd (self);

  self->server = new_server (self);
  self->stream = pm_stream_new (pm_worker_get_reactor (worker->worker), fd, INPUT_LIMIT,
                                OUTPUT_LIMIT, &stream_handler, self);
  g_hash_table_add (worker->inbound, self);
  g_queue_push_tail_link (&worker->sessions, &self->place);
  if (!listen->proxy)
    {
      begin (self);
      return;
    }
  self->phase = PM_INBOUND_PROXY;
  pm_stream_set_deadline (self->stream, self->moved_at + PROXY_PATIENCE);
  // Who may not speak for others is not waited for until he does.
  if (!pm_inbound_may_proxy (self))
    close_session (self, TRUE);
}
