// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Delivery to other hosts. What it promises: every recipient gets exactly one outcome; a hop that
// must be encrypted is never spoken to in clear; and a host that fails only passes the turn.

#include "relay/pm-outbound.h"

#include <string.h>

#include "net/pm-connector.h"
#include "net/pm-stream.h"
#include "relay/pm-mx-walk.h"
#include "relay/pm-protocol-log.h"
#include "smtp/pm-smtp-client.h"

#define CONNECT_TIMEOUT (30 * G_USEC_PER_SEC)
#define INPUT_LIMIT (16 * 1024)
#define OUTPUT_LIMIT (64 * 1024)
#define LINGER (5 * G_USEC_PER_SEC)
#define MAX_TARGETS 10
#define MAX_SESSION (2 * 3600 * (gint64) G_USEC_PER_SEC) /* one message, one host */

struct _PmOutbound
{
  PmOutboundJob job; /* hops, recipients and body owned; settings owned */
  PmRelaySettings *settings;
  PmOutboundFunc func;
  gpointer data;
  GCancellable *cancellable;
  PmTimer start; /* for what must not happen inside a callback */

  guint next_hop;       /* index into the hops */
  const PmNextHop *hop; /* (nullable): at hand */
  GPtrArray *targets;   /* (owned) (nullable) (element-type PmMxTarget): of the hop at hand */
  guint next_target;
  guint n_tried;
  char *peer; /* (owned) (nullable): the target at hand, for people */
  PmProtocolLog protocol;

  PmConnector *connector; /* (owned) (nullable) */
  PmStream *stream;       /* (owned) (nullable) */
  PmSmtpClient *client;   /* (owned) (nullable) */
  gsize sent;             /* bytes of the body that the client has pulled */
  gint64 ceiling;         /* when the session at hand has had enough time, monotonic */
  guint64 progress;       /* as of the last deadline */
  gboolean pumping;
  gboolean over;   /* the session at hand has given its results */
  GArray *at_hand; /* (element-type guint): the client's recipients, as indices of results */

  gboolean abandoned;
  GPtrArray *results; /* (element-type PmOutboundResult) */
};

static void try_next (PmOutbound *self);

static void
free_result (PmOutboundResult *result)
{
  pm_smtp_reply_unref (result->reply);
  g_free (result->host);
  g_free (result);
}

static void
set_result (PmOutbound *self, PmOutboundResult *result, PmSmtpOutcome outcome,
            const PmSmtpReply *reply)
{
  PmSmtpReply *former = result->reply;

  result->reply = pm_smtp_reply_ref (reply);
  g_clear_pointer (&former, pm_smtp_reply_unref);
  g_free (result->host);
  result->host = g_strdup (self->peer);
  result->outcome = outcome;
}

/* Says it of every recipient that another host may still take. */
static void
set_open_results (PmOutbound *self, PmSmtpOutcome outcome, const PmSmtpReply *reply)
{
  for (guint i = 0; i < self->results->len; i++)
    {
      PmOutboundResult *result = g_ptr_array_index (self->results, i);

      if (result->outcome == PM_SMTP_OUTCOME_NEXT_HOST)
        set_result (self, result, outcome, reply);
    }
}

static gboolean
has_open_results (PmOutbound *self)
{
  for (guint i = 0; i < self->results->len; i++)
    if (((PmOutboundResult *) g_ptr_array_index (self->results, i))->outcome ==
        PM_SMTP_OUTCOME_NEXT_HOST)
      return TRUE;
  return FALSE;
}

static void
conclude (PmOutbound *self)
{
  for (guint i = 0; i < self->results->len; i++)
    {
      PmOutboundResult *result = g_ptr_array_index (self->results, i);

      if (result->outcome == PM_SMTP_OUTCOME_NEXT_HOST)
        result->outcome = PM_SMTP_OUTCOME_DEFER;
    }
  self->func (self->results, self->data);
}

static void
drop_session (PmOutbound *self, gboolean linger)
{
  if (self->stream != NULL)
    pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MINIMUM, "ended", NULL);
  if (self->stream != NULL && linger)
    pm_stream_finish (g_steal_pointer (&self->stream), LINGER);
  g_clear_pointer (&self->stream, pm_stream_free);
  g_clear_pointer (&self->client, pm_smtp_client_free);
}

static gboolean
move_output (PmOutbound *self)
{
  PmBuffer *from = pm_smtp_client_get_output (self->client);
  PmBuffer *to = pm_stream_get_output (self->stream);
  gsize size = MIN (pm_buffer_size (from), pm_buffer_room (to));

  if (size == 0 || !pm_buffer_append (to, pm_buffer_peek (from), size))
    return FALSE;
  pm_buffer_consume (from, size);
  pm_smtp_client_advance (self->client);
  return TRUE;
}

static gboolean
move_input (PmOutbound *self)
{
  PmBuffer *input = pm_stream_get_input (self->stream);
  gsize size = pm_buffer_size (input);

  if (size == 0)
    return FALSE;
  pm_smtp_client_feed (self->client, pm_buffer_peek (input), size);
  pm_buffer_consume (input, size);
  return TRUE;
}

/* All recipients of this session have their result: say QUIT without waiting for its answer. */
static void
finish_session (PmOutbound *self)
{
  pm_smtp_client_quit (self->client);
  while (move_output (self))
    ;
  drop_session (self, TRUE);
  pm_timer_set_after (&self->start, 0);
}

/*
 * RFC 5321 4.5.3.2: so long for each step; a step is a whole reply or a KiB of the message, and not
 * a byte now and then.
 */
static void
set_deadline (PmOutbound *self)
{
  guint64 progress = 16 * (pm_smtp_client_get_n_replies (self->client) + self->sent / 1024 + 1) +
                     pm_smtp_client_get_state (self->client);
  gint64 patience = (gint64) pm_smtp_client_get_patience (self->client) * G_USEC_PER_SEC;

  if (progress == self->progress)
    return;
  self->progress = progress;
  pm_stream_set_deadline (self->stream,
                          MIN (g_get_monotonic_time () + patience, self->ceiling));
}

static void
pump (PmOutbound *self)
{
  gboolean moved = TRUE;

  if (self->pumping || self->stream == NULL)
    return;
  self->pumping = TRUE;
  while (moved)
    {
      moved = move_output (self);
      moved = move_input (self) || moved;
    }
  self->pumping = FALSE;

  if (self->over)
    {
      finish_session (self);
      return;
    }
  set_deadline (self);
  pm_stream_update (self->stream);
}

static void
lose_session (PmOutbound *self, const PmSmtpReply *reply)
{
  pm_smtp_client_lost (self->client, reply);
  drop_session (self, FALSE);
  pm_timer_set_after (&self->start, 0);
}

static void
received_cb (PmStream *stream, gpointer data)
{
  pump (data);
}

static void
ended_cb (PmStream *stream, gpointer data)
{
  PmOutbound *self = data;

  pump (self);
  if (self->stream != NULL)
    lose_session (self, NULL);
}

static void
failed_cb (PmStream *stream, const GError *error, gpointer data)
{
  PmOutbound *self = data;
  gboolean late = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new_printf (PM_SMTP_SOURCE_LOCAL, 421, "4.4.2", "%s: %s",
                                late ? "The host did not answer in time" : "Connection lost",
                                error->message);

  lose_session (self, reply);
}

static gssize
pull_cb (PmSmtpClient *client, guint8 *bytes, gsize size, gpointer data)
{
  PmOutbound *self = data;
  gsize whole;
  const guint8 *body = g_bytes_get_data (self->job.body, &whole);
  gsize n = MIN (size, whole - self->sent);

  memcpy (bytes, body + self->sent, n);
  self->sent += n;
  return (gssize) n;
}

static void
result_cb (PmSmtpClient *client, const PmSmtpClientResult *result, gpointer data)
{
  PmOutbound *self = data;
  guint which = g_array_index (self->at_hand, guint, result->index);

  set_result (self, g_ptr_array_index (self->results, which),
              pm_smtp_outcome (result->phase, result->reply), result->reply);
}

static void
finished_cb (PmSmtpClient *client, gboolean reusable, gpointer data)
{
  ((PmOutbound *) data)->over = TRUE;
}

static void
closed_cb (PmSmtpClient *client, const PmSmtpReply *reply, gpointer data)
{
  PmOutbound *self = data;

  self->over = TRUE;
  if (reply != NULL)
    set_open_results (self, PM_SMTP_OUTCOME_NEXT_HOST, reply);
}

static void
trace_cb (PmSmtpClient *client, gboolean sent, const char *line, gpointer data)
{
  const PmOutbound *self = data;

  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MEDIUM, sent ? "sent" : "received", line);
}

static const PmSmtpClientHandler client_handler = {
  .pull = pull_cb,
  .result = result_cb,
  .finished = finished_cb,
  .closed = closed_cb,
  .trace = trace_cb,
};

static const PmStreamHandler stream_handler = {
  .received = received_cb,
  .ended = ended_cb,
  .sent = received_cb,
  .failed = failed_cb,
};

static void
send_message (PmOutbound *self)
{
  g_autoptr (GArray) recipients = g_array_new (FALSE, FALSE, sizeof (PmSmtpClientRecipient));
  PmSmtpClientMessage message;

  g_array_set_size (self->at_hand, 0);
  for (guint i = 0; i < self->results->len; i++)
    {
      const PmOutboundResult *result = g_ptr_array_index (self->results, i);
      PmSmtpClientRecipient recipient = { .address = result->recipient };

      if (result->outcome != PM_SMTP_OUTCOME_NEXT_HOST)
        continue;
      g_array_append_val (self->at_hand, i);
      g_array_append_val (recipients, recipient);
    }
  message = (PmSmtpClientMessage){
    .sender = self->job.sender,
    .recipients = (const PmSmtpClientRecipient *) (gpointer) recipients->data,
    .n_recipients = recipients->len,
    .size = g_bytes_get_size (self->job.body),
    .eight_bit = self->job.eight_bit,
  };
  self->sent = 0;
  self->over = FALSE;
  pm_smtp_client_send (self->client, &message);
}

static void
connected_cb (int fd, const GError *error, gpointer data)
{
  PmOutbound *self = data;
  PmSmtpClientConfig config;

  g_clear_pointer (&self->connector, pm_connector_free);
  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MINIMUM,
                       fd < 0 ? "not-connected" : "connected", fd < 0 ? error->message : NULL);
  if (fd < 0)
    {
      g_autoptr (PmSmtpReply) reply =
          pm_smtp_reply_new_printf (PM_SMTP_SOURCE_LOCAL, 421, "4.4.1",
                                    "Could not connect to %s: %s", self->peer, error->message);

      set_open_results (self, PM_SMTP_OUTCOME_NEXT_HOST, reply);
      try_next (self);
      return;
    }
  self->stream = pm_stream_new (pm_worker_get_reactor (self->job.worker->worker), fd, INPUT_LIMIT,
                                OUTPUT_LIMIT, &stream_handler, self);
  config = (PmSmtpClientConfig){ .hello = self->settings->host, .trace = TRUE };
  self->client = pm_smtp_client_new (&config, &client_handler, self);
  self->ceiling = g_get_monotonic_time () + MAX_SESSION;
  self->progress = 0;
  send_message (self);
  pump (self);
}

static guint16
get_port (PmOutbound *self)
{
  return self->hop->mx ? pm_relay_get_mx_port (self->job.worker->relay) : self->hop->port;
}

static void
connect_to_target (PmOutbound *self)
{
  const PmMxTarget *target = g_ptr_array_index (self->targets, self->next_target++);
  g_autofree char *text = g_inet_address_to_string (target->address);
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new (target->address, get_port (self));

  self->n_tried++;
  g_free (self->peer);
  self->peer = strcmp (text, target->host) == 0
                   ? g_strdup_printf ("[%s]:%u", text, get_port (self))
                   : g_strdup_printf ("%s [%s]:%u", target->host, text, get_port (self));
  pm_protocol_log_init (&self->protocol, self->settings, FALSE, self->peer);
  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MAXIMUM, "connecting", NULL);
  self->connector = pm_connector_new (pm_worker_get_reactor (self->job.worker->worker), address,
                                      NULL, CONNECT_TIMEOUT, connected_cb, self);
}

static void
walked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmOutbound *self = data;
  g_autoptr (PmSmtpReply) refusal = NULL;
  g_autoptr (GError) error = NULL;
  gboolean last = self->next_hop == self->job.hops->len;

  self->targets = pm_mx_walk_finish (PM_RESOLVER (source), result, &refusal, &error);
  self->next_target = 0;
  if (refusal != NULL)
    set_open_results (self,
                      last && pm_smtp_reply_is_permanent (refusal) ? PM_SMTP_OUTCOME_BOUNCE
                                                                   : PM_SMTP_OUTCOME_NEXT_HOST,
                      refusal);
  try_next (self);
}

static gboolean
listens_on (const PmRelaySettings *settings, guint16 port)
{
  for (guint i = 0; i < settings->service->listeners->len; i++)
    if (((PmListen *) g_ptr_array_index (settings->service->listeners, i))->port == port)
      return TRUE;
  return FALSE;
}

static void
look_up_hop (PmOutbound *self)
{
  PmRelay *relay = self->job.worker->relay;
  guint16 port = get_port (self);
  PmMxQuestion question = {
    .name = self->hop->host,
    .mx = self->hop->mx,
    .own_name = self->settings->host,
    .own_addresses = self->settings->self,
    .own_loopback = port == 25 || listens_on (self->settings, port),
  };

  pm_mx_walk_async (pm_relay_get_resolver (relay), &question, self->cancellable, walked_cb, self);
}

/*
 * Whether the hop at hand may be spoken to; this version speaks no TLS, and never less than asked.
 */
static gboolean
can_secure_hop (PmOutbound *self)
{
  PmTls tls = MAX (self->hop->tls, self->job.tls);
  g_autoptr (PmSmtpReply) reply = NULL;

  if (tls < PM_TLS_REQUIRED)
    return TRUE;
  reply = pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 451, "4.7.10",
                                    "Mail to %s must be encrypted (tls=\"%s\"), and this version "
                                    "cannot do that yet: the message waits",
                                    self->hop->host,
                                    tls == PM_TLS_VERIFY ? "verify" : "required");
  set_open_results (self, PM_SMTP_OUTCOME_NEXT_HOST, reply);
  return FALSE;
}

/* The next address, else the next hop, else the end. */
static void
try_next (PmOutbound *self)
{
  if (!has_open_results (self) || self->abandoned || self->n_tried >= MAX_TARGETS)
    {
      conclude (self);
      return;
    }
  if (self->targets != NULL && self->next_target < self->targets->len)
    {
      connect_to_target (self);
      return;
    }

  g_clear_pointer (&self->targets, g_ptr_array_unref);
  g_clear_pointer (&self->peer, g_free);
  while (self->next_hop < self->job.hops->len)
    {
      self->hop = g_ptr_array_index (self->job.hops, self->next_hop++);
      if (can_secure_hop (self))
        {
          look_up_hop (self);
          return;
        }
    }
  conclude (self);
}

static void
start_cb (gpointer data)
{
  try_next (data);
}

PmOutbound *
pm_outbound_new (const PmOutboundJob *job, PmOutboundFunc func, gpointer data)
{
  PmOutbound *self = g_new0 (PmOutbound, 1);
  g_autoptr (PmSmtpReply) nothing =
      pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 451, "4.4.0", "No host to deliver to is known");

  self->job = *job;
  self->settings = pm_relay_settings_ref (job->settings);
  g_ptr_array_ref (self->job.hops);
  g_ptr_array_ref (self->job.recipients);
  g_bytes_ref (self->job.body);
  self->func = func;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  self->at_hand = g_array_new (FALSE, FALSE, sizeof (guint));
  self->results = g_ptr_array_new_with_free_func ((GDestroyNotify) free_result);
  for (guint i = 0; i < job->recipients->len; i++)
    {
      PmOutboundResult *result = g_new0 (PmOutboundResult, 1);

      result->recipient = g_ptr_array_index (job->recipients, i);
      result->outcome = PM_SMTP_OUTCOME_NEXT_HOST;
      result->reply = pm_smtp_reply_ref (nothing);
      g_ptr_array_add (self->results, result);
    }
  pm_timer_init (&self->start, pm_worker_get_reactor (job->worker->worker), start_cb, self);
  pm_timer_set_after (&self->start, 0);
  return self;
}

void
pm_outbound_abandon (PmOutbound *self)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 421, "4.3.2", "This service was closing down");

  if (self->abandoned)
    return;
  self->abandoned = TRUE;
  g_cancellable_cancel (self->cancellable);
  if (self->client != NULL)
    lose_session (self, reply);
  else if (self->connector != NULL)
    {
      g_clear_pointer (&self->connector, pm_connector_free);
      pm_timer_set_after (&self->start, 0);
    }
}

void
pm_outbound_free (PmOutbound *self)
{
  if (self == NULL)
    return;
  pm_timer_clear (&self->start);
  drop_session (self, FALSE);
  pm_connector_free (self->connector);
  g_clear_pointer (&self->targets, g_ptr_array_unref);
  g_ptr_array_unref (self->results);
  g_ptr_array_unref (self->job.hops);
  g_ptr_array_unref (self->job.recipients);
  g_bytes_unref (self->job.body);
  g_array_unref (self->at_hand);
  g_object_unref (self->cancellable);
  pm_relay_settings_unref (self->settings);
  g_free (self->peer);
  g_free (self);
}
