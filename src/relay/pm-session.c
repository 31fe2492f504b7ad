// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A session with another host: the client's machine on a stream. What it promises: each message
// ends with one word about each recipient and one about the session, and a host that drips or says
// nothing holds neither for ever.

#include "relay/pm-session.h"

#include <string.h>

#include "net/pm-tls.h"
#include "relay/pm-diagnostics.h"
#include "relay/pm-protocol-log.h"
#include "relay/pm-relay-event.h"
#include "relay/pm-session-tls.h"

#define INPUT_LIMIT (16 * 1024)
#define OUTPUT_LIMIT (128 * 1024)
#define LINGER (5 * G_USEC_PER_SEC)
#define MAX_FOR_MESSAGE (2 * 3600 * (gint64) G_USEC_PER_SEC)

struct _PmSession
{
  const PmSessionHandler *handler;
  gpointer data;
  PmStream *stream;          /* (owned) (nullable): NULL when it is lost */
  PmSmtpClient *client;      /* (owned) */
  PmRelaySettings *settings; /* (owned) */
  char *peer;                /* (owned) */
  PmProtocolLog protocol;
  gint64 born; /* monotonic */

  GBytes *body;     /* (owned) (nullable): of the message at hand */
  gsize sent;       /* bytes of it that the client has pulled */
  guint n_messages; /* begun */
  gint64 ceiling;   /* when the message at hand has had enough time, monotonic */
  guint64 progress; /* as of the last deadline */
  PmTimer tell;     /* tells what must not be told from inside a call */
  guint hold;       /* calls under way; the memory stays while there are any */
  gboolean freed;
  gboolean pumping;
  gboolean at_hand; /* a message is */
  gboolean over;    /* the message at hand is done with */
  gboolean reusable;
  gboolean closed; /* by the peer's word or the connection's end */
  gboolean timed_out;
  PmRelay *relay;
  PmSessionTls tls;
  PmSessionLogin *login; /* (owned) (nullable) */
  gboolean login_told;
  gboolean shake; /* the host has said yes to STARTTLS */
  gboolean failed_tls;
  PmSmtpReply *why; /* (owned) (nullable): it is closed, and no recipient was told */
};

static void
release (PmSession *self)
{
  if (--self->hold > 0 || !self->freed)
    return;
  pm_smtp_client_free (self->client);
  pm_relay_settings_unref (self->settings);
  pm_session_tls_clear (&self->tls);
  pm_session_login_free (self->login);
  g_free (self->peer);
  g_free (self);
}

void
pm_session_free (PmSession *self)
{
  if (self == NULL)
    return;
  self->hold++;
  self->freed = TRUE;
  if (self->stream != NULL)
    pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MINIMUM, "ended", NULL);
  g_clear_pointer (&self->stream, pm_stream_free);
  pm_timer_clear (&self->tell);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_clear_pointer (&self->why, pm_smtp_reply_unref);
  release (self);
}

/* Says what has come to an end. The session may be gone after it. */
static void
tell (PmSession *self)
{
  g_autoptr (PmSmtpReply) why = g_steal_pointer (&self->why);
  PmSessionEnd end = self->closed || self->stream == NULL ? PM_SESSION_LOST
                     : self->reusable                     ? PM_SESSION_REUSABLE
                                                          : PM_SESSION_SPENT;

  pm_timer_clear (&self->tell);
  g_clear_pointer (&self->body, g_bytes_unref);
  self->at_hand = FALSE;
  self->over = FALSE;
  if (self->stream != NULL)
    pm_stream_set_deadline (self->stream, 0);
  self->handler->over (self, end, why, self->data);
}

static void
tell_cb (gpointer data)
{
  tell (data);
}

static gboolean
move_output (PmSession *self)
{
  if (pm_buffer_move (pm_stream_get_output (self->stream),
                      pm_smtp_client_get_output (self->client)) == 0)
    return FALSE;
  pm_smtp_client_advance (self->client);
  return TRUE;
}

static gboolean
move_input (PmSession *self)
{
  PmBuffer *input = pm_stream_get_input (self->stream);
  gsize size = pm_buffer_size (input);

  if (size == 0)
    return FALSE;
  pm_smtp_client_feed (self->client, pm_buffer_peek (input), size);
  pm_buffer_consume (input, size);
  return TRUE;
}

/*
 * RFC 5321 4.5.3.2: so long for each step; a step is a whole reply or a KiB of the message, and not
 * a byte now and then.
 */
static void
set_deadline (PmSession *self)
{
  guint64 progress = 16 * (pm_smtp_client_get_n_replies (self->client) + self->sent / 1024 + 1) +
                     pm_smtp_client_get_state (self->client);
  gint64 patience = (gint64) pm_smtp_client_get_patience (self->client) * G_USEC_PER_SEC;

  if (progress == self->progress)
    return;
  self->progress = progress;
  pm_stream_set_deadline (self->stream, MIN (g_get_monotonic_time () + patience, self->ceiling));
}

/* Moves bytes both ways as long as any move. */
static void
pump (PmSession *self)
{
  gboolean moved = TRUE;

  if (self->pumping || self->stream == NULL)
    return;
  self->pumping = TRUE;
  while (moved)
    {
      moved = move_output (self);
      moved = move_input (self) || moved;
      moved = (!moved && pm_stream_flush (self->stream)) || moved;
    }
  self->pumping = FALSE;
  if (self->at_hand && !self->over)
    set_deadline (self);
  pm_stream_update (self->stream);
}

/* The answer to STARTTLS is read, and nothing may have come behind it (RFC 3207 4.2). */
static gboolean
begin_tls (PmSession *self)
{
  self->shake = FALSE;
  self->failed_tls = !pm_session_tls_begin (&self->tls, self->stream);
  return !self->failed_tls;
}

static void lose (PmSession *self, const PmSmtpReply *reply);

static void
lose_tls (PmSession *self, const GError *error, const char *why)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new_printf (PM_SMTP_SOURCE_LOCAL, 451, "4.7.5",
                                "The connection could not be encrypted: %s", why);

  self->failed_tls = TRUE;
  pm_session_tls_failed (&self->tls, error, why);
  lose (self, reply);
}

/* News from the stream: what they brought to an end is told at once. */
static void
take_news (PmSession *self)
{
  self->hold++;
  pump (self);
  if (self->shake && !self->freed && !self->over && !self->closed)
    {
      if (!begin_tls (self))
        lose_tls (self, NULL, "the host sent bytes in clear after its answer to STARTTLS");
    }
  else if (!self->freed && (self->over || self->closed))
    tell (self);
  release (self);
}

static void
starttls_cb (PmSmtpClient *client, gpointer data)
{
  ((PmSession *) data)->shake = TRUE;
}

static void
secured_cb (PmStream *stream, gpointer data)
{
  PmSession *self = data;

  pm_session_tls_secured (&self->tls, pm_stream_get_tls (stream));
  pm_smtp_client_secured (self->client);
  take_news (self);
}

static void
received_cb (PmStream *stream, gpointer data)
{
  take_news (data);
}

static void
lose (PmSession *self, const PmSmtpReply *reply)
{
  self->hold++;
  pm_smtp_client_lost (self->client, reply);
  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MINIMUM, "ended", NULL);
  g_clear_pointer (&self->stream, pm_stream_free);
  self->closed = TRUE;
  if (!self->freed)
    tell (self);
  release (self);
}

static void
ended_cb (PmStream *stream, gpointer data)
{
  PmSession *self = data;

  self->hold++;
  pump (self);
  if (!self->freed && (self->over || self->closed))
    {
      self->closed = TRUE;
      tell (self);
    }
  else if (!self->freed)
    lose (self, NULL);
  release (self);
}

static void
failed_cb (PmStream *stream, const GError *error, gpointer data)
{
  PmSession *self = data;
  gboolean late = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new_printf (PM_SMTP_SOURCE_LOCAL, 421, "4.4.2", "%s: %s",
                                late ? "The host did not answer in time" : "Connection lost",
                                error->message);

  if (error->domain == PM_TLS_ERROR && pm_stream_get_tls (stream) == NULL)
    {
      lose_tls (self, error, error->message);
      return;
    }
  self->timed_out = late;
  lose (self, reply);
}

static gssize
pull_cb (PmSmtpClient *client, guint8 *bytes, gsize size, gpointer data)
{
  PmSession *self = data;
  gsize whole;
  const guint8 *body = g_bytes_get_data (self->body, &whole);
  gsize n = MIN (size, whole - self->sent);

  memcpy (bytes, body + self->sent, n);
  self->sent += n;
  return (gssize) n;
}

/* Once, and not for each recipient. */
static void
tell_login (PmSession *self, const PmSmtpReply *reply)
{
  g_autofree char *text = NULL;

  if (self->login == NULL || self->login_told)
    return;
  self->login_told = TRUE;
  text = reply != NULL ? pm_smtp_reply_to_string (reply) : NULL;
  pm_relay_event (self->relay,
                  &(PmRelayEvent){
                      .event = reply != NULL ? PM_EVENT_AUTH_FAILED : PM_EVENT_AUTHENTICATED,
                      .relay = self->peer,
                      .user = pm_session_login_get_user (self->login),
                      .reply = text,
                      .tls = self->tls.text,
                  });
}

static char *
auth_choose_cb (PmSmtpClient *client, const char *mechanisms, GBytes **initial, gpointer data)
{
  return pm_session_login_choose (((PmSession *) data)->login, mechanisms, initial);
}

static GBytes *
auth_step_cb (PmSmtpClient *client, const guint8 *challenge, gsize size, gpointer data)
{
  return pm_session_login_step (((PmSession *) data)->login, challenge, size);
}

static gboolean
auth_done_cb (PmSmtpClient *client, gpointer data)
{
  PmSession *self = data;

  if (!pm_session_login_is_done (self->login))
    return FALSE;
  tell_login (self, NULL);
  return TRUE;
}

static void
result_cb (PmSmtpClient *client, const PmSmtpClientResult *result, gpointer data)
{
  PmSession *self = data;

  if (result->phase == PM_SMTP_PHASE_TLS && !self->failed_tls)
    {
      self->failed_tls = TRUE;
      pm_session_tls_not_offered (&self->tls);
    }
  if (result->phase == PM_SMTP_PHASE_AUTH)
    tell_login (self, result->reply);
  self->handler->result (self, result, self->data);
}

static void
finished_cb (PmSmtpClient *client, gboolean reusable, gpointer data)
{
  PmSession *self = data;

  self->over = TRUE;
  self->reusable = reusable;
  if (self->n_messages == 1 && !self->failed_tls &&
      pm_smtp_client_get_extensions (client) != 0 &&
      (pm_smtp_client_get_extensions (client) & PM_SMTP_EXTENSION_STARTTLS) == 0)
    pm_session_tls_not_offered (&self->tls);
}

static void
closed_cb (PmSmtpClient *client, const PmSmtpReply *reply, gpointer data)
{
  PmSession *self = data;

  self->closed = TRUE;
  if (reply != NULL && self->why == NULL)
    self->why = pm_smtp_reply_ref (reply);
}

static void
trace_cb (PmSmtpClient *client, gboolean sent, const char *line, gpointer data)
{
  const PmSession *self = data;

  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MEDIUM, sent ? "sent" : "received", line);
}

static gsize
unsent_cb (PmSmtpClient *client, gpointer data)
{
  const PmSession *self = data;

  return self->stream != NULL ? pm_buffer_size (pm_stream_get_output (self->stream)) : 0;
}

static const PmSmtpClientHandler client_handler = {
  .pull = pull_cb,
  .result = result_cb,
  .finished = finished_cb,
  .closed = closed_cb,
  .starttls = starttls_cb,
  .auth_choose = auth_choose_cb,
  .auth_step = auth_step_cb,
  .auth_done = auth_done_cb,
  .unsent = unsent_cb,
  .trace = trace_cb,
};

static const PmStreamHandler stream_handler = {
  .received = received_cb,
  .ended = ended_cb,
  .sent = received_cb,
  .secured = secured_cb,
  .failed = failed_cb,
};

PmSession *
pm_session_new (PmRelayWorker *worker,
                const PmRelaySettings *settings,
                const PmSessionWay *way)
{
  const PmReached *reached = way->reached;
  PmSession *self = g_new0 (PmSession, 1);
  PmReactor *reactor = pm_worker_get_reactor (worker->worker);
  PmSmtpClientConfig config = {
    .hello = settings->host,
    .protocol = way->protocol,
    .login = way->login != NULL,
    .login_in_clear = reached->loopback,
  };

  self->settings = pm_relay_settings_ref (settings);
  self->relay = worker->relay;
  self->peer = g_strdup (reached->peer);
  self->login = way->login;
  self->born = g_get_monotonic_time ();
  pm_protocol_log_init (&self->protocol, settings, FALSE, self->peer);
  pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MINIMUM, "connected", NULL);
  pm_timer_init (&self->tell, reactor, tell_cb, self);
  self->stream =
      pm_stream_new (reactor, reached->fd, INPUT_LIMIT, OUTPUT_LIMIT, &stream_handler, self);
  pm_session_tls_init (&self->tls, worker->relay, reached->policy, reached->host, reached->domain);
  self->tls.peer = self->peer;
  self->tls.in_clear = way->in_clear;
  config.want_tls = pm_session_tls_get_want (&self->tls);
  // Where nobody reads the transcript, none is made.
  config.trace = pm_diagnostics_wants (PM_TOPIC_SMTP_PROTOCOL, PM_DIAGNOSTICS_MEDIUM);
  self->client = pm_smtp_client_new (&config, &client_handler, self);
  return self;
}

/**
 * pm_session_quit:
 * @self: (transfer full)
 */
void
pm_session_quit (PmSession *self)
{
  if (self->stream != NULL && !self->closed)
    {
      pm_smtp_client_quit (self->client);
      while (move_output (self))
        ;
      pm_protocol_log_say (&self->protocol, PM_DIAGNOSTICS_MINIMUM, "ended", NULL);
      pm_stream_finish (g_steal_pointer (&self->stream), LINGER);
    }
  pm_session_free (self);
}

void
pm_session_set_handler (PmSession *self, const PmSessionHandler *handler, gpointer data)
{
  self->handler = handler;
  self->data = data;
}

/**
 * pm_session_send:
 *
 * The session must be new, or have ended its last message as %PM_SESSION_REUSABLE.
 */
void
pm_session_send (PmSession *self, const PmSmtpClientMessage *message, GBytes *body)
{
  self->body = g_bytes_ref (body);
  self->sent = 0;
  self->progress = 0;
  self->ceiling = g_get_monotonic_time () + MAX_FOR_MESSAGE;
  self->n_messages++;
  self->at_hand = TRUE;
  self->over = self->reusable = FALSE;
  pm_smtp_client_send (self->client, message);
  pump (self);
  if (self->over || self->closed)
    pm_timer_set_after (&self->tell, 0);
}

void
pm_session_abandon (PmSession *self, const PmSmtpReply *reply)
{
  pm_smtp_client_lost (self->client, reply);
  g_clear_pointer (&self->stream, pm_stream_free);
  self->closed = TRUE;
  pm_timer_set_after (&self->tell, 0);
}

const PmRelaySettings *
pm_session_get_settings (PmSession *self)
{
  return self->settings;
}

const char *
pm_session_get_peer (PmSession *self)
{
  return self->peer;
}

const char *
pm_session_get_host (PmSession *self)
{
  return self->tls.host;
}

guint
pm_session_get_n_messages (PmSession *self)
{
  return self->n_messages;
}

gint64
pm_session_get_age (PmSession *self)
{
  return g_get_monotonic_time () - self->born;
}

gboolean
pm_session_is_by_site (PmSession *self)
{
  return self->tls.policy == NULL || self->tls.policy->source == PM_TLS_SOURCE_SITE;
}

const char *
pm_session_get_tls (PmSession *self)
{
  return self->tls.text;
}

gboolean
pm_session_may_do_without_tls (PmSession *self)
{
  return self->failed_tls && pm_session_tls_is_optional (&self->tls);
}

gboolean
pm_session_timed_out (PmSession *self)
{
  return self->timed_out;
}
