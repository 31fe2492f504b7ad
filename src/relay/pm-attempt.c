// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One attempt at one message. What it promises: what was delivered is recorded as soon as the
// destination it went to is done with, and a recipient leaves the queue only delivered or reported.

#include "relay/pm-attempt.h"

#include <string.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "relay/pm-bounce.h"
#include "relay/pm-header.h"
#include "relay/pm-maildir.h"
#include "relay/pm-outbound.h"
#include "relay/pm-relay-event.h"
#include "relay/pm-session-pool.h"

#define TROUBLE_DELAY (60 * (gint64) G_USEC_PER_SEC)
#define PARKED_DELAY (10 * (gint64) G_USEC_PER_SEC) /* for a second overrun destination */

/* Recipients of the message that go the same way. */
typedef struct
{
  PmAttempt *attempt;
  char *destination;
  GPtrArray *recipients;  /* (element-type PmQueueRecipient): borrowed from the message */
  GPtrArray *addresses;   /* (element-type PmMailAddress): of the same, after routing */
  PmMailAddress *mailbox; /* (owned) (nullable): for a mailbox */
  GPtrArray *hops;        /* (owned) (nullable) (element-type PmNextHop): for other hosts */
  char *domain;           /* (owned) (nullable): of the first recipient */
  PmSmtpProtocol protocol;
  PmOutbound *outbound; /* (owned) (nullable) */
} Group;

struct _PmAttempt
{
  PmRelayWorker *worker;
  PmRelaySettings *settings; /* (owned) */
  guint64 id;
  PmQueueMessage *message; /* (owned) */
  PmMailAddress *sender;   /* (owned) (nullable): NULL is the null sender */
  GBytes *body;            /* (owned) (nullable): once it is needed */
  gint64 now;
  GHashTable *groups;    /* (element-type utf8 Group) */
  guint outstanding;     /* groups and updates under way */
  PmQueueUpdate *update; /* (owned): what came of it and is not recorded yet */
  GPtrArray *failed;     /* (element-type PmBounceRecipient): to be reported */
  GPtrArray *late;       /* (element-type PmBounceRecipient): deferred */
  GPtrArray *delivered;  /* (element-type PmBounceRecipient): with a receipt due */
  GPtrArray *held;       /* (element-type PmOutbound): until what they did is recorded */
  gint64 next_try;       /* of recipients that wait for their time; held ones have none */
  guint turn;            /* which of several equal hosts is the first for it; 0: not yet said */
  char *parked_for;      /* (owned) (nullable): a destination that had no room in its line */
  gboolean gone;
  gboolean abandoned;
  gboolean concluded;
};

static void finish_part (PmAttempt *self);
static void report_delivered (PmAttempt *self);

static void
free_group (Group *group)
{
  pm_outbound_free (group->outbound);
  g_ptr_array_unref (group->recipients);
  g_ptr_array_unref (group->addresses);
  g_clear_pointer (&group->mailbox, pm_mail_address_unref);
  g_clear_pointer (&group->hops, g_ptr_array_unref);
  g_free (group->destination);
  g_free (group->domain);
  g_free (group);
}

static void
free_attempt (PmAttempt *self)
{
  g_hash_table_remove (self->worker->attempts, self);
  g_hash_table_unref (self->groups);
  g_ptr_array_unref (self->failed);
  g_ptr_array_unref (self->late);
  g_ptr_array_unref (self->delivered);
  g_ptr_array_unref (self->held);
  pm_queue_update_free (self->update);
  pm_queue_message_free (self->message);
  g_clear_pointer (&self->sender, pm_mail_address_unref);
  g_clear_pointer (&self->body, g_bytes_unref);
  pm_relay_settings_unref (self->settings);
  g_free (self);
}

static gint64
get_expiry (const PmAttempt *self)
{
  guint timeout = pm_bounce_get_timeout (self->settings->service, self->message->priority);

  return self->message->received + timeout * (gint64) G_USEC_PER_SEC;
}

static void
say (const PmAttempt *self,
     PmEvent event,
     const PmQueueRecipient *recipient,
     const char *host,
     const char *tls,
     const char *reply,
     const char *what)
{
  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = event,
                                                        .message = self->id,
                                                        .what = what,
                                                        .from = self->message->sender,
                                                        .to = recipient->address,
                                                        .original = recipient->original,
                                                        .relay = host,
                                                        .tls = tls,
                                                        .reply = reply,
                                                        .received = self->message->received,
                                                        .size = self->message->size });
}

static void
say_reported (const PmAttempt *self, PmReportKind kind, const PmQueueMessage *report)
{
  static const char *const words[] = { "failed", "delayed", "success" };
  const PmQueueRecipient *reader = g_ptr_array_index (report->recipients, 0);

  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_REPORTED,
                                                        .message = self->id,
                                                        .what = words[kind],
                                                        .from = self->message->sender,
                                                        .to = reader->original,
                                                        .other = report->id });
}

static void
record_delivered (PmAttempt *self, const PmQueueRecipient *recipient, const PmSmtpReply *reply,
                  const PmOutboundResult *sent)
{
  const char *host = sent != NULL ? sent->host : NULL;
  gboolean relayed = sent != NULL && sent->relayed;
  g_autofree char *text = pm_smtp_reply_to_string (reply);

  pm_queue_update_add (self->update, recipient, PM_OUTCOME_DONE, text);
  say (self, recipient->agent == PM_QUEUE_MAILBOX ? PM_EVENT_DELIVERED : PM_EVENT_RELAYED,
       recipient, host, sent != NULL ? sent->tls : NULL, text, NULL);
  // A host that knows DSN reports itself (RFC 3461 5.2.2).
  if ((recipient->agent == PM_QUEUE_MAILBOX || relayed) && self->sender != NULL &&
      pm_report_is_wanted (PM_REPORT_SUCCESS, recipient->notify))
    {
      PmBounceRecipient *item = pm_bounce_recipient_new (recipient, reply, host);

      item->relayed = relayed;
      g_ptr_array_add (self->delivered, item);
    }
}

/* It leaves the queue together with the report on it: see conclude(). */
static void
record_failed (PmAttempt *self, const PmQueueRecipient *recipient, const PmSmtpReply *reply,
               const char *host)
{
  g_ptr_array_add (self->failed, pm_bounce_recipient_new (recipient, reply, host));
}

static void
record_deferred (PmAttempt *self, const PmQueueRecipient *recipient, const PmSmtpReply *reply,
                 const char *host)
{
  g_autofree char *text = pm_smtp_reply_to_string (reply);
  const GArray *intervals = self->settings->service->retry_intervals;
  gint64 now = pm_clock_now (pm_relay_get_clock (self->worker->relay));
  gint64 next_try = pm_scheduler_retry_time ((const guint *) (gpointer) intervals->data,
                                             intervals->len, recipient->attempts + 1, now,
                                             get_expiry (self));

  // An attempt that was cut short by us counts for nothing.
  if (self->abandoned)
    {
      self->next_try = MIN (self->next_try, self->now);
      return;
    }
  if (next_try == G_MAXINT64)
    {
      record_failed (self, recipient, reply, host);
      return;
    }
  pm_queue_update_add (self->update, recipient, PM_OUTCOME_DEFERRED, text)->next_try = next_try;
  self->next_try = MIN (self->next_try, next_try);
  g_ptr_array_add (self->late, pm_bounce_recipient_new (recipient, reply, host));
  say (self, PM_EVENT_DEFERRED, recipient, host, NULL, text, NULL);
}

/* @sent: (nullable): what other hosts have done about it */
static void
record (PmAttempt *self,
        const PmQueueRecipient *recipient,
        PmSmtpOutcome outcome,
        const PmSmtpReply *reply,
        const PmOutboundResult *sent)
{
  const char *host = sent != NULL ? sent->host : NULL;

  switch (outcome)
    {
    case PM_SMTP_OUTCOME_DELIVERED:
      record_delivered (self, recipient, reply, sent);
      break;
    case PM_SMTP_OUTCOME_BOUNCE:
      record_failed (self, recipient, reply, host);
      break;
    case PM_SMTP_OUTCOME_DEFER:
    case PM_SMTP_OUTCOME_NEXT_HOST:
    case PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE:
    default:
      record_deferred (self, recipient, reply, host);
      break;
    }
}

static void
conclude_attempt (PmAttempt *self)
{
  PmRelay *relay = self->worker->relay;
  guint64 id = self->id;
  gint64 next_try = self->next_try;
  g_autofree char *parked_for = g_steal_pointer (&self->parked_for);
  gboolean gone = self->gone;

  free_attempt (self);
  pm_relay_attempt_over (relay, id, next_try, parked_for, gone);
}

static GPtrArray *
make_held (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) pm_outbound_free);
}

/*
 * An update on its way, with the reports that are due once it is in the queue, and with the
 * connections by which the mail went that it says was delivered.
 */
typedef struct
{
  PmAttempt *attempt;
  GArray *reports; /* (element-type guint64) */
  GPtrArray *held; /* (element-type PmOutbound) */
} Submission;

static void
abandon_cb (gpointer outbound, gpointer data)
{
  pm_outbound_abandon (outbound);
}

static void
updated_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Submission *submission = data;
  g_autoptr (GArray) reports = submission->reports;
  g_autoptr (GPtrArray) held = submission->held;
  PmAttempt *self = submission->attempt;
  g_autoptr (GError) error = NULL;
  gint64 next_try;

  if (!pm_queue_update_finish (PM_QUEUE (source), result, &next_try, &error))
    {
      // What it says is not recorded: the message stays as it was, and is tried again.
      pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "reason", error->message, NULL);
      self->next_try = MIN (self->next_try, self->now + TROUBLE_DELAY);
      pm_maildir_doubt (pm_relay_get_maildir (self->worker->relay));
      g_ptr_array_foreach (held, abandon_cb, NULL);
    }
  else
    {
      self->gone = next_try == G_MAXINT64;
      for (guint i = 0; i < reports->len; i++)
        pm_relay_message_queued (self->worker->relay, g_array_index (reports, guint64, i),
                                 self->now);
    }
  // Before the attempt, of which they know the message.
  g_clear_pointer (&held, g_ptr_array_unref);
  finish_part (self);
}

static void
submit_update (PmAttempt *self)
{
  Submission *submission = g_new0 (Submission, 1);
  PmQueueUpdate *update;

  if (self->delivered->len > 0)
    report_delivered (self);
  update = self->update;
  submission->attempt = self;
  submission->reports = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; i < update->follow_ups->len; i++)
    g_array_append_val (submission->reports,
                        ((PmQueueMessage *) g_ptr_array_index (update->follow_ups, i))->id);

  submission->held = g_steal_pointer (&self->held);

  self->held = make_held ();
  self->update = pm_queue_update_new (self->id);
  self->outstanding++;
  pm_queue_update_async (pm_relay_get_queue (self->worker->relay), update, updated_cb,
                         submission);
}

static gboolean
need_body (PmAttempt *self, GError **error)
{
  if (self->body == NULL)
    self->body = pm_queue_open_body (pm_relay_get_queue (self->worker->relay), self->id, error);
  return self->body != NULL;
}

/* Puts the report on @recipients into the update, or finds that none is due. */
static gboolean
add_report (PmAttempt *self,
            PmReportKind kind,
            GPtrArray *recipients,
            PmBounceVerdict *verdict,
            GError **error)
{
  const PmBounceReport report = {
    .kind = kind,
    .message = self->message,
    .recipients = recipients,
    .now = pm_clock_now (pm_relay_get_clock (self->worker->relay)),
    .expires = get_expiry (self),
  };
  PmQueueMessage *message;

  *verdict = pm_bounce_judge (self->settings, pm_relay_get_report_limit (self->worker->relay),
                              &report);
  if (*verdict != PM_BOUNCE_DUE)
    return TRUE;
  if (!need_body (self, error))
    return FALSE;
  message = pm_bounce_new (self->settings, pm_relay_get_queue (self->worker->relay), &report,
                           self->body, error);
  if (message == NULL)
    return FALSE;
  g_ptr_array_add (self->update->follow_ups, message);
  say_reported (self, kind, message);
  return TRUE;
}

/* Failed recipients leave the queue in the transaction that brings the report in. */
static void
report_failed (PmAttempt *self)
{
  g_autoptr (GError) error = NULL;
  PmBounceVerdict verdict;

  if (!add_report (self, PM_REPORT_FAILED, self->failed, &verdict, &error))
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "reason", error->message, NULL);
      self->next_try = MIN (self->next_try, self->now + TROUBLE_DELAY);
      return;
    }
  for (guint i = 0; i < self->failed->len; i++)
    {
      const PmBounceRecipient *item = g_ptr_array_index (self->failed, i);
      g_autofree char *text = pm_smtp_reply_to_string (item->reply);

      pm_queue_update_add (self->update, item->recipient, PM_OUTCOME_DONE, text);
      say (self, pm_smtp_reply_is_permanent (item->reply) ? PM_EVENT_BOUNCED : PM_EVENT_EXPIRED,
           item->recipient, item->host, NULL, text, pm_bounce_verdict_to_string (verdict));
    }
}

/* RFC 3464 2.3.3 "delayed": once a message, and never for a report. */
static void
report_late (PmAttempt *self)
{
  gint64 notify =
      (gint64) pm_bounce_get_notify (self->settings->service, self->message->priority) *
      G_USEC_PER_SEC;
  g_autoptr (GError) error = NULL;
  PmBounceVerdict verdict;

  if (self->message->notified || self->sender == NULL || notify == 0 || self->abandoned ||
      self->now < self->message->received + notify)
    return;
  if (add_report (self, PM_REPORT_DELAYED, self->late, &verdict, &error))
    self->update->notified = TRUE;
  else
    pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "reason", error->message, NULL);
}

/*
 * RFC 3461 5.2.6: receipts, for those who asked. One that cannot be stored is not worth delivering
 * the message again: what was delivered leaves the queue all the same.
 */
static void
report_delivered (PmAttempt *self)
{
  g_autoptr (GError) error = NULL;
  PmBounceVerdict verdict;

  if (!add_report (self, PM_REPORT_SUCCESS, self->delivered, &verdict, &error))
    pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "reason", error->message, NULL);
  g_ptr_array_set_size (self->delivered, 0);
}

/* Called when a group or an update is through; after the last one what is left is settled. */
static void
finish_part (PmAttempt *self)
{
  if (--self->outstanding > 0)
    return;
  if (!self->concluded)
    {
      self->concluded = TRUE;
      if (self->failed->len > 0)
        report_failed (self);
      if (self->late->len > 0)
        report_late (self);
      if (self->update->outcomes->len > 0 || self->update->notified)
        {
          submit_update (self);
          return;
        }
    }
  conclude_attempt (self);
}

/* A destination is done with: record what was delivered at once, lest it be delivered twice. */
static void
finish_group (PmAttempt *self)
{
  if (self->outstanding > 1 && self->update->outcomes->len > 0)
    submit_update (self);
  finish_part (self);
}

/*
 * Whether what is left alone until @until may simply wait, without counting as an attempt: the
 * sender has to hear in time that the message is late, and in the end that it has failed.
 */
static gboolean
may_wait (PmAttempt *self, gint64 until)
{
  gint64 now = pm_clock_now (pm_relay_get_clock (self->worker->relay));
  gint64 notify =
      (gint64) pm_bounce_get_notify (self->settings->service, self->message->priority) *
      G_USEC_PER_SEC;
  gint64 word = get_expiry (self);

  if (!self->message->notified && notify != 0 && self->sender != NULL)
    word = MIN (word, self->message->received + notify);
  if (now >= word)
    return FALSE;
  self->next_try = MIN (self->next_try, MIN (until, word));
  return TRUE;
}

/*
 * What was delivered could come twice until that is recorded: its connection takes nothing
 * else before, so that this is the only one of it. Others are free at once.
 */
static void
let_go (Group *group, gboolean delivered)
{
  PmOutbound *outbound = g_steal_pointer (&group->outbound);

  if (delivered)
    g_ptr_array_add (group->attempt->held, outbound);
  else
    pm_outbound_free (outbound);
}

static void
sent_cb (GPtrArray *results, gpointer data)
{
  Group *group = data;
  PmAttempt *self = group->attempt;
  gboolean delivered = FALSE;

  for (guint i = 0; i < results->len; i++)
    {
      const PmOutboundResult *result = g_ptr_array_index (results, i);

      if (result->until == 0 || self->abandoned || !may_wait (self, result->until))
        record (self, g_ptr_array_index (group->recipients, i), result->outcome, result->reply,
                result);
      delivered |= result->outcome == PM_SMTP_OUTCOME_DELIVERED;
    }
  let_go (group, delivered);
  finish_group (self);
}

static void
defer_group (Group *group, PmSmtpReply *reply)
{
  for (guint i = 0; i < group->recipients->len; i++)
    record_deferred (group->attempt, g_ptr_array_index (group->recipients, i), reply, NULL);
}

static void
granted_cb (gpointer data)
{
  Group *group = data;
  PmAttempt *self = group->attempt;
  g_autoptr (GError) error = NULL;
  PmOutboundJob job;

  if (self->abandoned || !need_body (self, &error))
    {
      g_autoptr (PmSmtpReply) reply =
          pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 451, "4.3.0",
                             error != NULL ? error->message : "This service was closing down");

      pm_limiter_release (pm_relay_get_limiter (self->worker->relay), group->destination,
                          PM_LIMITER_UNKNOWN);
      defer_group (group, reply);
      finish_group (self);
      return;
    }
  job = (PmOutboundJob){
    .worker = self->worker,
    .settings = self->settings,
    .destination = group->destination,
    .hops = group->hops,
    .domain = group->domain,
    .protocol = group->protocol,
    .message = self->message,
    .sender = self->sender,
    .recipients = group->addresses,
    .queued = group->recipients,
    .body = self->body,
  };
  group->outbound = pm_outbound_new (&job, sent_cb, group);
}

static void
record_mailbox (Group *group, const PmSmtpReply *reply)
{
  PmSmtpOutcome outcome = pm_smtp_reply_is_positive (reply)    ? PM_SMTP_OUTCOME_DELIVERED
                          : pm_smtp_reply_is_permanent (reply) ? PM_SMTP_OUTCOME_BOUNCE
                                                               : PM_SMTP_OUTCOME_DEFER;

  for (guint i = 0; i < group->recipients->len; i++)
    record (group->attempt, g_ptr_array_index (group->recipients, i), outcome, reply, NULL);
  finish_group (group->attempt);
}

static void
maildir_cb (const PmSmtpReply *reply, gpointer data)
{
  record_mailbox (data, reply);
}

static void
deliver_to_maildir (Group *group)
{
  PmAttempt *self = group->attempt;
  const PmQueueRecipient *recipient = g_ptr_array_index (group->recipients, 0);
  PmMaildirDelivery delivery = {
    .root = self->settings->maildir,
    .mailbox = group->mailbox,
    .sender = self->message->sender,
    .recipient = recipient->address,
    .host = self->settings->host,
    .message = self->id,
    .received = self->message->received,
    .quota = pm_relay_settings_get_quota (self->settings, group->mailbox),
    .body = self->body,
  };

  pm_maildir_deliver (pm_relay_get_maildir (self->worker->relay), &delivery, maildir_cb, group);
}

/* Why the message cannot go into this mailbox, before it is tried. */
static PmSmtpReply *
check_mailbox (Group *group)
{
  PmAttempt *self = group->attempt;
  const PmQueueRecipient *recipient = g_ptr_array_index (group->recipients, 0);
  g_autoptr (GError) error = NULL;
  gsize size;
  const guint8 *bytes;

  if (!need_body (self, &error))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 451, "4.3.0", error->message);
  bytes = g_bytes_get_data (self->body, &size);
  if (pm_header_has (bytes, size, "Delivered-To", recipient->address))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 554, "5.4.6",
                              "The message has been delivered to this mailbox before: a loop");
  return NULL;
}

static void
start_mailbox (Group *group)
{
  g_autoptr (PmSmtpReply) refusal = check_mailbox (group);

  if (refusal == NULL)
    deliver_to_maildir (group);
  else
    record_mailbox (group, refusal);
}

static Group *
get_group (PmAttempt *self, const char *key)
{
  Group *group = g_hash_table_lookup (self->groups, key);

  if (group != NULL)
    return group;
  group = g_new0 (Group, 1);
  group->attempt = self;
  group->destination = g_strdup (key);
  group->recipients = g_ptr_array_new ();
  group->addresses = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_mail_address_unref);
  g_hash_table_insert (self->groups, g_strdup (key), group);
  return group;
}

/*
 * What has the same key goes by the same connections: so whatever a message or a domain asks of
 * them is part of it, lest a session that was made with less be used for more.
 */
static char *
make_hops_key (PmAttempt *self, GPtrArray *hops, const char *domain)
{
  const PmDomainSecurity *login = pm_relay_settings_get_login (self->settings, domain);
  GString *key = g_string_new ("smtp");

  if (self->message->require_tls)
    g_string_append (key, "+requiretls");
  else if (self->message->tls_optional)
    g_string_append (key, "+optional");
  if (login != NULL)
    g_string_append_printf (key, " %s/%s@", login->user, login->secret);
  for (guint i = 0; i < hops->len; i++)
    {
      const PmNextHop *hop = g_ptr_array_index (hops, i);

      g_string_append_printf (key, " %s%s:%u/%d", hop->mx ? "mx " : "", hop->host, hop->port,
                              hop->tls);
    }
  return g_string_free (key, FALSE);
}

/* The one next hop that @name names, as `unix:PATH` or `HOST:PORT`. (transfer full) */
static GPtrArray *
make_host_hops (const char *name, PmTls tls)
{
  GPtrArray *hops = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_next_hop_free);
  const char *colon = strrchr (name, ':');
  g_autofree char *host = NULL;

  if (g_str_has_prefix (name, "unix:") || colon == NULL)
    {
      g_ptr_array_add (hops, pm_next_hop_new (name, 0, FALSE, tls));
      return hops;
    }
  host = name[0] == '[' && colon > name + 2 && colon[-1] == ']'
             ? g_strndup (name + 1, (gsize) (colon - name) - 2)
             : g_strndup (name, (gsize) (colon - name));
  g_ptr_array_add (hops, pm_next_hop_new (host, (guint16) g_ascii_strtoull (colon + 1, NULL, 10),
                                          FALSE, tls));
  return hops;
}

static void
plan_lmtp (PmAttempt *self, PmQueueRecipient *recipient, const char *lmtp, PmMailAddress *mailbox)
{
  g_autofree char *key = g_strdup_printf ("lmtp %s", lmtp);
  Group *group = get_group (self, key);

  if (group->hops == NULL)
    group->hops = make_host_hops (lmtp, PM_TLS_NONE);
  group->protocol = PM_SMTP_PROTOCOL_LMTP;
  g_ptr_array_add (group->recipients, recipient);
  g_ptr_array_add (group->addresses, pm_mail_address_ref (mailbox));
}

static void
plan_mailbox (PmAttempt *self, PmQueueRecipient *recipient, const PmDecision *decision)
{
  g_autoptr (PmMailAddress) mailbox =
      decision->mailbox != NULL ? pm_mail_address_parse (decision->mailbox, NULL) : NULL;
  g_autofree char *name = NULL;
  g_autofree char *key = NULL;
  Group *group;

  if (mailbox == NULL)
    mailbox = pm_mail_address_ref (decision->recipient);
  if (decision->lmtp != NULL)
    {
      plan_lmtp (self, recipient, decision->lmtp, mailbox);
      return;
    }
  name = pm_mail_address_key (mailbox);
  key = g_strdup_printf ("mailbox %s", name);
  group = get_group (self, key);
  if (group->mailbox == NULL)
    group->mailbox = g_steal_pointer (&mailbox);
  g_ptr_array_add (group->recipients, recipient);
}

/* Equals take turns at being the first: one turn for a message. (transfer full) */
static GPtrArray *
rotate_hops (PmAttempt *self, GPtrArray *hops)
{
  static guint turns; /* atomic */
  GPtrArray *rotated = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_next_hop_free);

  if (self->turn == 0)
    self->turn = __atomic_add_fetch (&turns, 1, __ATOMIC_RELAXED) % 1000000 + 1;
  for (guint i = 0; i < hops->len; i++)
    {
      const PmNextHop *hop = g_ptr_array_index (hops, (i + self->turn) % hops->len);

      g_ptr_array_add (rotated, pm_next_hop_new (hop->host, hop->port, hop->mx, hop->tls));
    }
  return rotated;
}

static gboolean
is_held (const PmAttempt *self, const PmQueueRecipient *recipient)
{
  return recipient->agent == PM_QUEUE_REMOTE &&
         self->settings->service->transfer == PM_TRANSFER_INBOUND;
}

static void
plan_hops (PmAttempt *self, PmQueueRecipient *recipient, GPtrArray *hops, PmMailAddress *address)
{
  g_autofree char *key = make_hops_key (self, hops, address->domain);
  Group *group = get_group (self, key);

  if (group->hops == NULL)
    {
      group->hops = g_ptr_array_ref (hops);
      group->domain = g_strdup (address->domain);
    }
  g_ptr_array_add (group->recipients, recipient);
  g_ptr_array_add (group->addresses, pm_mail_address_ref (address));
}

static void
plan_remote (PmAttempt *self, PmQueueRecipient *recipient, const PmDecision *decision)
{
  g_autoptr (GPtrArray) hops = decision->rotate && decision->next_hops->len > 1
                                   ? rotate_hops (self, decision->next_hops)
                                   : g_ptr_array_ref (decision->next_hops);

  plan_hops (self, recipient, hops, decision->recipient);
}

/* Somebody has sent it another way by hand, whatever the routing says. */
static gboolean
plan_redirect (PmAttempt *self, PmQueueRecipient *recipient, PmMailAddress *address)
{
  g_autoptr (GPtrArray) hops = NULL;

  if (recipient->redirect == NULL || *recipient->redirect == '\0')
    return FALSE;
  recipient->agent = PM_QUEUE_REMOTE;
  if (is_held (self, recipient))
    return TRUE;
  hops = make_host_hops (recipient->redirect, PM_TLS_OPPORTUNISTIC);
  plan_hops (self, recipient, hops, address);
  return TRUE;
}

/* Its Received: field, which we added ourselves, is not held against it. */
static gboolean
is_over_outbound_limit (const PmAttempt *self)
{
  guint64 limit = self->settings->service->outbound_limit;

  return limit > 0 && self->message->size > limit + PM_HEADER_RECEIVED_MAX;
}

/* Where it had recipients here as well it was accepted, and the others hear of it by a report. */
static void
record_too_large (PmAttempt *self, const PmQueueRecipient *recipient)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 552, "5.3.4",
                         "The message is larger than this server sends to other hosts");

  record_failed (self, recipient, reply, NULL);
}

/* The router refuses it: a mailbox that is gone is told to the sender, a gap in the site waits. */
static void
record_refused (PmAttempt *self, const PmQueueRecipient *recipient, const PmDecision *decision)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_parse (decision->reply, PM_SMTP_SOURCE_POLICY, NULL);

  if (reply == NULL)
    reply = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 550, "5.7.1", "Not accepted here any more");
  if (pm_smtp_reply_is_permanent (reply))
    record_failed (self, recipient, reply, NULL);
  else
    record_deferred (self, recipient, reply, NULL);
}

/*
 * The site may have changed since the recipient was accepted: it goes where it would go now. What
 * is no longer ours goes out as other mail does, since we have answered for it: the router lets
 * mail without a client go anywhere.
 */
static void
plan_recipient (PmAttempt *self, PmQueueRecipient *recipient)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (recipient->address, &error);
  g_autoptr (PmDecision) decision = NULL;

  if (address == NULL)
    {
      g_autoptr (PmSmtpReply) reply =
          pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 553, "5.1.3", error->message);

      record_failed (self, recipient, reply, NULL);
      return;
    }
  if (plan_redirect (self, recipient, address))
    return;
  decision = pm_relay_settings_route (self->settings, address, NULL);
  if (decision->action == PM_ACTION_REJECT)
    {
      record_refused (self, recipient, decision);
      return;
    }
  pm_relay_settings_describe (decision, recipient);

  if (is_held (self, recipient))
    return;
  if (recipient->agent == PM_QUEUE_MAILBOX)
    plan_mailbox (self, recipient, decision);
  else if (is_over_outbound_limit (self))
    record_too_large (self, recipient);
  else
    plan_remote (self, recipient, decision);
}

/* Recipients whose destination is overrun keep their place in the queue, and count no attempt. */
static void
start_remote (Group *group)
{
  PmAttempt *self = group->attempt;

  switch (pm_limiter_acquire (pm_relay_get_limiter (self->worker->relay), group->destination,
                              pm_session_pool_get_holder (self->worker->pool), granted_cb, group))
    {
    case PM_LIMITER_GRANTED:
      granted_cb (group);
      return;
    case PM_LIMITER_WAITING:
      return;
    case PM_LIMITER_FULL:
    default:
      break;
    }
  if (self->parked_for == NULL)
    self->parked_for = g_strdup (group->destination);
  else
    self->next_try = MIN (self->next_try, self->now + PARKED_DELAY);
  finish_group (self);
}

static void
start_groups (PmAttempt *self)
{
  GHashTableIter iter;
  gpointer value;

  // One more, so that nothing is over before everything has begun.
  self->outstanding = g_hash_table_size (self->groups) + 1;
  g_hash_table_iter_init (&iter, self->groups);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Group *group = value;

      if (group->hops == NULL)
        start_mailbox (group);
      else
        start_remote (group);
    }
  finish_part (self);
}

static void
plan (PmAttempt *self)
{
  // Held while it was on its way here: the scheduler will not name it again before its release.
  if (self->message->held)
    {
      conclude_attempt (self);
      return;
    }
  if (*self->message->sender != '\0')
    self->sender = pm_mail_address_parse (self->message->sender, NULL);
  for (guint i = 0; i < self->message->recipients->len; i++)
    {
      PmQueueRecipient *recipient = g_ptr_array_index (self->message->recipients, i);

      if (recipient->next_try <= self->now)
        plan_recipient (self, recipient);
      else
        self->next_try = MIN (self->next_try, recipient->next_try);
    }
  start_groups (self);
}

/**
 * pm_attempt_start:
 * @worker: whose thread this is
 */
void
pm_attempt_start (PmRelayWorker *worker, guint64 message)
{
  PmAttempt *self = g_new0 (PmAttempt, 1);
  g_autoptr (GError) error = NULL;

  self->worker = worker;
  self->id = message;
  self->settings = pm_relay_dup_settings (worker->relay);
  self->now = pm_clock_now (pm_relay_get_clock (worker->relay));
  self->next_try = G_MAXINT64;
  self->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                        (GDestroyNotify) free_group);
  self->failed = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_bounce_recipient_free);
  self->late = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_bounce_recipient_free);
  self->delivered = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_bounce_recipient_free);
  self->held = make_held ();
  self->update = pm_queue_update_new (message);
  g_hash_table_add (worker->attempts, self);

  self->message = pm_queue_load (pm_relay_get_queue (worker->relay), message, &error);
  if (self->message != NULL)
    {
      plan (self);
      return;
    }
  if (!g_error_matches (error, PM_ERROR, PM_ERROR_NOT_FOUND))
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "reason", error->message, NULL);
      self->next_try = self->now + TROUBLE_DELAY;
    }
  conclude_attempt (self);
}

/**
 * pm_attempt_abandon:
 *
 * Cuts it short: the service is closing down. It is over soon, with what it has come to.
 */
void
pm_attempt_abandon (PmAttempt *self)
{
  GHashTableIter iter;
  gpointer value;

  self->abandoned = TRUE;
  g_hash_table_iter_init (&iter, self->groups);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Group *) value)->outbound != NULL)
      pm_outbound_abandon (((Group *) value)->outbound);
}
