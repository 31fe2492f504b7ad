// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Delivery to other hosts. What it promises: every recipient gets exactly one outcome, a host that
// fails only passes the turn, a session that had been kept open and is found dead costs nothing but
// the way anew, and neither session nor place serve another message before this one is let go.

#include "relay/pm-outbound.h"

#include <unistd.h>

#include "relay/pm-diagnostics.h"
#include "relay/pm-reach.h"
#include "relay/pm-relay-event.h"
#include "relay/pm-session-pool.h"

#define MAX_SESSION_AGE (300 * (gint64) G_USEC_PER_SEC)
#define MAX_POLICY_AGE (60 * (gint64) G_USEC_PER_SEC)
#define MAX_ROUNDS 100 /* of one message on one session, where the peer takes few recipients */

struct _PmOutbound
{
  PmOutboundJob job; /* hops, recipients, body and settings owned */
  char *destination;
  PmOutboundFunc func;
  gpointer data;
  PmReach *reach;     /* (owned) (nullable): once no open session serves */
  PmSession *session; /* (owned) (nullable): with the message at hand, or done with it */
  PmTimer finish;     /* for the end, which must not come inside a call */

  gboolean reused;  /* the session at hand had been kept open */
  gboolean retried; /* one that had been was found dead */
  gboolean heard;   /* a host has judged the message, or taken it */
  gboolean failed;  /* a host could not be reached, or went away */
  char *in_clear;   /* (owned) (nullable): the host that the next connection does without TLS to */
  gboolean over;
  guint n_rounds;
  guint n_settled; /* in this round */
  GArray *again;   /* (element-type guint): results that may be asked for once more */
  GArray *at_hand; /* (element-type guint): the client's recipients, as indices of results */

  gboolean abandoned;
  GPtrArray *results; /* (element-type PmOutboundResult) */
};

static void send_message (PmOutbound *self);

/* What a recipient has come to, with what only matters while it is open. */
typedef struct
{
  PmOutboundResult value;
  PmSmtpReply *never; /* (owned) (nullable): why a host can never take it */
  gboolean hope;      /* a host may take it later */
} Result;

static void
free_result (PmOutboundResult *result)
{
  g_clear_pointer (&((Result *) result)->never, pm_smtp_reply_unref);
  pm_smtp_reply_unref (result->reply);
  g_free (result->host);
  g_free (result->tls);
  g_free (result);
}

static void
set_result (PmOutboundResult *result, PmSmtpOutcome outcome, const PmSmtpReply *reply,
            const char *peer)
{
  Result *whole = (Result *) result;
  PmSmtpReply *former = result->reply;

  if (outcome == PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE)
    {
      g_clear_pointer (&whole->never, pm_smtp_reply_unref);
      whole->never = pm_smtp_reply_ref (reply);
      outcome = PM_SMTP_OUTCOME_NEXT_HOST;
      // Where another host may take it later, that is what is to be told.
      if (whole->hope)
        return;
    }
  else if (outcome == PM_SMTP_OUTCOME_NEXT_HOST)
    whole->hope = TRUE;
  result->reply = pm_smtp_reply_ref (reply);
  g_clear_pointer (&former, pm_smtp_reply_unref);
  g_free (result->host);
  result->host = g_strdup (peer);
  result->outcome = outcome;
}

/* No host is left: where none of them will ever take it, that is the end of it. */
static void
close_result (PmOutboundResult *result)
{
  const Result *whole = (const Result *) result;

  if (whole->never == NULL || whole->hope)
    {
      result->outcome = PM_SMTP_OUTCOME_DEFER;
      return;
    }
  pm_smtp_reply_unref (result->reply);
  result->reply = pm_smtp_reply_ref (whole->never);
  result->outcome = PM_SMTP_OUTCOME_BOUNCE;
}

static gboolean
is_open (const PmOutboundResult *result)
{
  return result->outcome == PM_SMTP_OUTCOME_NEXT_HOST;
}

/* Says it of every recipient that another host may still take. */
static void
set_open_results (PmOutbound *self, PmSmtpOutcome outcome, const PmSmtpReply *reply,
                  const char *peer)
{
  for (guint i = 0; i < self->results->len; i++)
    {
      PmOutboundResult *result = g_ptr_array_index (self->results, i);

      if (is_open (result))
        set_result (result, outcome, reply, peer);
    }
}

static gboolean
has_open_results (PmOutbound *self)
{
  for (guint i = 0; i < self->results->len; i++)
    if (is_open (g_ptr_array_index (self->results, i)))
      return TRUE;
  return FALSE;
}

/*
 * How a host must be secured is found out when it is connected to. Where its domain may come to ask
 * for more (DANE, MTA-STS), what was found is not relied on for longer than a minute.
 */
static gboolean
is_too_old (PmSession *session)
{
  return pm_session_get_age (session) >=
         (pm_session_is_by_site (session) ? MAX_SESSION_AGE : MAX_POLICY_AGE);
}

static gboolean
may_keep (PmOutbound *self, PmSession *session)
{
  guint most = self->job.settings->service->max_messages_per_connection;

  return !self->abandoned && !pm_relay_is_stopping (self->job.worker->relay) &&
         (most == 0 || pm_session_get_n_messages (session) < most) &&
         !is_too_old (session);
}

/* Gives the place back, with what was learned of the destination. */
static void
release (PmOutbound *self)
{
  PmLimiterFeedback feedback = self->heard    ? PM_LIMITER_SUCCESS
                               : self->failed ? PM_LIMITER_FAILURE
                                              : PM_LIMITER_UNKNOWN;

  pm_limiter_release (pm_relay_get_limiter (self->job.worker->relay), self->destination, feedback);
}

/* The host has closed it, or has said something that nobody asked for: it just goes. */
static void
gone_cb (PmSession *session, PmSessionEnd end, const PmSmtpReply *reply, gpointer data)
{
  PmOutbound *self = data;

  g_clear_pointer (&self->session, pm_session_free);
}

static const PmSessionHandler idle_handler = { .over = gone_cb };

/* The next message may go: by the session, where it is still there and may serve again. */
static void
give_back (PmOutbound *self)
{
  PmSession *session = g_steal_pointer (&self->session);

  if (session != NULL && may_keep (self, session))
    {
      pm_session_pool_give (self->job.worker->pool, self->destination, session);
      return;
    }
  if (session != NULL)
    pm_session_quit (session);
  release (self);
}

/*
 * All is said. @keep: the session may serve again. It waits here, and the place with it, until the
 * owner lets this go, which he does once the outcome can no longer be lost: else a power cut could
 * bring this message and the next one twice.
 */
static void
conclude (PmOutbound *self, gboolean keep)
{
  self->over = TRUE;
  for (guint i = 0; i < self->results->len; i++)
    {
      PmOutboundResult *result = g_ptr_array_index (self->results, i);

      if (is_open (result) && !self->abandoned)
        close_result (result);
      else if (is_open (result))
        result->outcome = PM_SMTP_OUTCOME_DEFER;
    }
  if (keep)
    pm_session_set_handler (self->session, &idle_handler, self);
  else if (self->session != NULL)
    pm_session_quit (g_steal_pointer (&self->session));
  self->func (self->results, self->data);
}

static void
finish_cb (gpointer data)
{
  conclude (data, FALSE);
}

/* RFC 5321 4.5.3.1.10: who was too many goes in a transaction of his own, while that gets us on. */
static gboolean
may_go_round (PmOutbound *self)
{
  return self->again->len > 0 && self->n_settled > 0 && self->n_rounds < MAX_ROUNDS;
}

static void
settle_again (PmOutbound *self)
{
  for (guint i = 0; i < self->again->len; i++)
    {
      PmOutboundResult *result =
          g_ptr_array_index (self->results, g_array_index (self->again, guint, i));

      result->outcome = PM_SMTP_OUTCOME_DEFER;
    }
  g_array_set_size (self->again, 0);
}

static void
result_cb (PmSession *session, const PmSmtpClientResult *answer, gpointer data)
{
  PmOutbound *self = data;
  guint which = g_array_index (self->at_hand, guint, answer->index);
  PmOutboundResult *result = g_ptr_array_index (self->results, which);
  PmSmtpOutcome outcome = pm_smtp_outcome (answer->phase, answer->reply);

  if (answer->again)
    {
      set_result (result, PM_SMTP_OUTCOME_NEXT_HOST, answer->reply,
                  pm_session_get_peer (session));
      g_array_append_val (self->again, which);
      return;
    }
  if (outcome != PM_SMTP_OUTCOME_NEXT_HOST && outcome != PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE)
    self->n_settled++;
  set_result (result, outcome, answer->reply, pm_session_get_peer (session));
  g_free (result->tls);
  result->tls = g_strdup (pm_session_get_tls (session));
  result->relayed = answer->relayed;
}

/*
 * A session that had been kept open and that the host has closed, or closes now, was none: nothing
 * of the message was decided on it.
 */
static gboolean
was_dead (PmOutbound *self)
{
  return self->reused && !self->retried && self->n_settled == 0 && self->n_rounds == 1 &&
         !self->abandoned && !pm_session_timed_out (self->session);
}

static void
take_next_host (PmOutbound *self)
{
  if (has_open_results (self) && !self->abandoned)
    pm_reach_next (self->reach);
  else
    conclude (self, FALSE);
}

static void
lose_session (PmOutbound *self, const PmSmtpReply *reply)
{
  gboolean dead = was_dead (self);

  if (dead)
    self->retried = TRUE;
  else if (reply != NULL)
    set_open_results (self, PM_SMTP_OUTCOME_NEXT_HOST, reply,
                      pm_session_get_peer (self->session));
  if (self->n_settled > 0)
    self->heard = TRUE;
  else if (!dead)
    self->failed = TRUE;
  settle_again (self);
  if (pm_session_may_do_without_tls (self->session) && !self->abandoned)
    {
      // RFC 7435 3: rather in clear than not at all, to whom nobody asked to be secured.
      self->failed = FALSE;
      g_free (self->in_clear);
      self->in_clear = g_strdup (pm_session_get_host (self->session));
      g_clear_pointer (&self->session, pm_session_free);
      pm_reach_again (self->reach);
      return;
    }
  // Before the first message has got anywhere, the host is not one that works.
  if (!self->reused && self->n_settled == 0 && pm_session_get_n_messages (self->session) == 1 &&
      pm_session_timed_out (self->session))
    pm_reach_note (self->reach, FALSE);
  g_clear_pointer (&self->session, pm_session_free);
  take_next_host (self);
}

static void
over_cb (PmSession *session, PmSessionEnd end, const PmSmtpReply *reply, gpointer data)
{
  PmOutbound *self = data;

  if (end == PM_SESSION_LOST)
    {
      lose_session (self, reply);
      return;
    }
  self->heard = TRUE;
  if (!self->reused && self->n_rounds == 1)
    pm_reach_note (self->reach, TRUE);
  if (end == PM_SESSION_REUSABLE && may_go_round (self))
    {
      send_message (self);
      return;
    }
  settle_again (self);
  if (has_open_results (self) && !self->abandoned)
    {
      pm_session_quit (g_steal_pointer (&self->session));
      take_next_host (self);
      return;
    }
  conclude (self, end == PM_SESSION_REUSABLE && may_keep (self, self->session));
}

static const PmSessionHandler session_handler = { .result = result_cb, .over = over_cb };

/* Whether it is the turn of a recipient: all that are open, or those of the last round. */
static gboolean
is_due (PmOutbound *self, guint which, const GArray *again)
{
  for (guint i = 0; i < again->len; i++)
    if (g_array_index (again, guint, i) == which)
      return TRUE;
  return again->len == 0 && is_open (g_ptr_array_index (self->results, which));
}

static void
send_message (PmOutbound *self)
{
  g_autoptr (GArray) recipients = g_array_new (FALSE, FALSE, sizeof (PmSmtpClientRecipient));
  g_autoptr (GArray) again = g_steal_pointer (&self->again);
  PmSmtpClientMessage message;

  self->again = g_array_new (FALSE, FALSE, sizeof (guint));
  g_array_set_size (self->at_hand, 0);
  for (guint i = 0; i < self->results->len; i++)
    {
      const PmOutboundResult *result = g_ptr_array_index (self->results, i);
      const PmQueueRecipient *queued = g_ptr_array_index (self->job.queued, i);
      PmSmtpClientRecipient recipient = {
        .address = result->recipient,
        .notify = queued->notify,
        .orcpt = queued->orcpt,
      };

      if (!is_due (self, i, again))
        continue;
      g_array_append_val (self->at_hand, i);
      g_array_append_val (recipients, recipient);
    }
  message = (PmSmtpClientMessage){
    .sender = self->job.sender,
    .recipients = (const PmSmtpClientRecipient *) (gpointer) recipients->data,
    .n_recipients = recipients->len,
    .size = g_bytes_get_size (self->job.body),
    .eight_bit = self->job.message->eight_bit,
    .utf8 = self->job.message->utf8,
    .require_tls = self->job.message->require_tls,
    .priority = self->job.message->priority,
    .ret = self->job.message->ret,
    .envid = self->job.message->envid,
  };
  self->n_settled = 0;
  self->n_rounds++;
  pm_session_send (self->session, &message, self->job.body);
}

/* Category `outbound`: at `minimum` hosts that could not be reached, at `medium` which are used. */
static void
tell (const PmOutbound *self, const char *what, const char *peer, const PmSmtpReply *reply)
{
  g_autofree char *id = g_strdup_printf ("%" G_GUINT64_FORMAT, self->job.message->id);
  g_autofree char *text = reply != NULL ? pm_smtp_reply_to_string (reply) : NULL;

  pm_log_event (G_LOG_LEVEL_MESSAGE, pm_topic_to_string (PM_TOPIC_OUTBOUND), "id", id, "what",
                what, "destination", self->job.destination, "relay", peer, "reply", text, NULL);
}

/* @session: (transfer full) */
static void
use_session (PmOutbound *self, PmSession *session, gboolean reused)
{
  if (pm_diagnostics_wants (PM_TOPIC_OUTBOUND, PM_DIAGNOSTICS_MEDIUM))
    tell (self, reused ? "connection-used-again" : "connection-new",
          pm_session_get_peer (session), NULL);
  self->session = session;
  self->reused = reused;
  self->n_rounds = 0;
  pm_session_set_handler (session, &session_handler, self);
  send_message (self);
}

static void
refused_cb (const PmSmtpReply *reply, const char *peer, gpointer data)
{
  PmOutbound *self = data;

  if (pm_diagnostics_wants (PM_TOPIC_OUTBOUND, PM_DIAGNOSTICS_MINIMUM))
    tell (self, "not-reached", peer, reply);
  if (peer != NULL)
    self->failed = TRUE;
  // A hop that leads nowhere is no end while another one may lead somewhere later.
  set_open_results (self,
                    pm_smtp_reply_is_permanent (reply) ? PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE
                                                       : PM_SMTP_OUTCOME_NEXT_HOST,
                    reply, peer);
}

/* Nothing can be said to the host without the password that it wants: our own trouble. */
static void
lack_secret (PmOutbound *self, const PmReached *reached, const char *why)
{
  g_autoptr (PmSmtpReply) reply = pm_smtp_reply_new_printf (
      PM_SMTP_SOURCE_LOCAL, 454, "4.7.8", "We cannot log in as %s: %s", reached->login->user, why);

  pm_relay_event (self->job.worker->relay, &(PmRelayEvent){ .event = PM_EVENT_AUTH_FAILED,
                                                            .relay = reached->peer,
                                                            .user = reached->login->user,
                                                            .reply = why });
  close (reached->fd);
  set_open_results (self, PM_SMTP_OUTCOME_NEXT_HOST, reply, reached->peer);
  pm_reach_next (self->reach);
}

static void
connected_cb (const PmReached *reached, gpointer data)
{
  PmOutbound *self = data;
  g_autofree char *in_clear = g_steal_pointer (&self->in_clear);
  // The host may be gone by now, and whom the way leads to instead has to be secured as ever.
  PmSessionWay way = { .reached = reached,
                       .protocol = self->job.protocol,
                       .in_clear = in_clear != NULL && g_strcmp0 (in_clear, reached->host) == 0 };
  g_autoptr (GError) error = NULL;

  if (reached->login != NULL)
    {
      way.login = pm_session_login_new (self->job.settings, reached->login, &error);
      if (way.login == NULL)
        {
          lack_secret (self, reached, error->message);
          return;
        }
    }
  use_session (self, pm_session_new (self->job.worker, self->job.settings, &way), FALSE);
}

/* Nobody was asked at all: then this was no attempt. */
static void
exhausted_cb (gint64 until, gpointer data)
{
  PmOutbound *self = data;

  if (until != 0 && !self->failed && !self->heard)
    {
      g_autoptr (PmSmtpReply) reply =
          pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 421, "4.4.1",
                             "No host of the destination has answered lately: the mail waits");

      for (guint i = 0; i < self->results->len; i++)
        {
          PmOutboundResult *result = g_ptr_array_index (self->results, i);

          if (!is_open (result))
            continue;
          set_result (result, PM_SMTP_OUTCOME_DEFER, reply, NULL);
          result->until = until;
        }
    }
  conclude (self, FALSE);
}

static const PmReachHandler reach_handler = {
  .refused = refused_cb,
  .connected = connected_cb,
  .exhausted = exhausted_cb,
};

static void
make_results (PmOutbound *self)
{
  g_autoptr (PmSmtpReply) nothing =
      pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 451, "4.4.0", "No host to deliver to is known");

  self->results = g_ptr_array_new_full (self->job.recipients->len, (GDestroyNotify) free_result);
  for (guint i = 0; i < self->job.recipients->len; i++)
    {
      PmOutboundResult *result = (PmOutboundResult *) g_new0 (Result, 1);

      result->recipient = g_ptr_array_index (self->job.recipients, i);
      result->outcome = PM_SMTP_OUTCOME_NEXT_HOST;
      result->reply = pm_smtp_reply_ref (nothing);
      g_ptr_array_add (self->results, result);
    }
}

/* One that was made under former settings may not be what they ask for now. */
static PmSession *
take_open_session (PmOutbound *self)
{
  PmSession *session = pm_session_pool_take (self->job.worker->pool, self->destination);

  if (session == NULL ||
      (pm_session_get_settings (session) == self->job.settings && !is_too_old (session)))
    return session;
  pm_session_quit (session);
  return NULL;
}

PmOutbound *
pm_outbound_new (const PmOutboundJob *job, PmOutboundFunc func, gpointer data)
{
  PmOutbound *self = g_new0 (PmOutbound, 1);
  PmReachJob way = {
    .worker = job->worker,
    .settings = job->settings,
    .hops = job->hops,
    .domain = job->domain,
    .in_clear = job->protocol == PM_SMTP_PROTOCOL_LMTP,
    .require_tls = job->message->require_tls,
    .tls_optional = job->message->tls_optional,
  };
  PmSession *session;

  self->job = *job;
  self->destination = g_strdup (job->destination);
  pm_relay_settings_ref (self->job.settings);
  g_ptr_array_ref (self->job.hops);
  g_ptr_array_ref (self->job.recipients);
  g_ptr_array_ref (self->job.queued);
  g_bytes_ref (self->job.body);
  self->func = func;
  self->data = data;
  self->again = g_array_new (FALSE, FALSE, sizeof (guint));
  self->at_hand = g_array_new (FALSE, FALSE, sizeof (guint));
  make_results (self);
  self->reach = pm_reach_new (&way, &reach_handler, self);
  pm_timer_init (&self->finish, pm_worker_get_reactor (job->worker->worker), finish_cb, self);

  session = take_open_session (self);
  if (session != NULL)
    use_session (self, session, TRUE);
  else
    pm_reach_next (self->reach);
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
  if (self->over)
    return;
  if (self->session != NULL)
    {
      pm_session_abandon (self->session, reply);
      return;
    }
  g_clear_pointer (&self->reach, pm_reach_free);
  pm_timer_set_after (&self->finish, 0);
}

void
pm_outbound_free (PmOutbound *self)
{
  if (self == NULL)
    return;
  if (self->over)
    give_back (self);
  pm_timer_clear (&self->finish);
  pm_session_free (self->session);
  pm_reach_free (self->reach);
  g_ptr_array_unref (self->results);
  g_ptr_array_unref (self->job.hops);
  g_ptr_array_unref (self->job.recipients);
  g_ptr_array_unref (self->job.queued);
  g_bytes_unref (self->job.body);
  g_array_unref (self->again);
  g_array_unref (self->at_hand);
  pm_relay_settings_unref (self->job.settings);
  g_free (self->in_clear);
  g_free (self->destination);
  g_free (self);
}
