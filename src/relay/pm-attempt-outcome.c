// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What comes of an attempt, recipient by recipient, and who hears of it. What it promises: each
// outcome goes into the update that records it, and whoever is reported leaves the queue in the
// transaction that brings the report in.

#include "relay/pm-attempt-private.h"

#include "base/pm-log.h"
#include "relay/pm-bounce.h"
#include "relay/pm-relay-event.h"

gint64
pm_attempt_get_expiry (const PmAttempt *self)
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

/* It leaves the queue together with the report on it: see finish_part(). */
void
pm_attempt_record_failed (PmAttempt *self,
                          const PmQueueRecipient *recipient,
                          const PmSmtpReply *reply,
                          const char *host)
{
  g_ptr_array_add (self->failed, pm_bounce_recipient_new (recipient, reply, host));
}

void
pm_attempt_record_deferred (PmAttempt *self,
                            const PmQueueRecipient *recipient,
                            const PmSmtpReply *reply,
                            const char *host)
{
  g_autofree char *text = pm_smtp_reply_to_string (reply);
  const GArray *intervals = self->settings->service->retry_intervals;
  gint64 now = pm_clock_now (pm_relay_get_clock (self->worker->relay));
  gint64 next_try = pm_scheduler_retry_time ((const guint *) (gpointer) intervals->data,
                                             intervals->len, recipient->attempts + 1, now,
                                             pm_attempt_get_expiry (self));

  // An attempt that was cut short by us counts for nothing.
  if (self->abandoned)
    {
      self->next_try = MIN (self->next_try, self->now);
      return;
    }
  if (next_try == G_MAXINT64)
    {
      pm_attempt_record_failed (self, recipient, reply, host);
      return;
    }
  pm_queue_update_add (self->update, recipient, PM_OUTCOME_DEFERRED, text)->next_try = next_try;
  self->next_try = MIN (self->next_try, next_try);
  g_ptr_array_add (self->late, pm_bounce_recipient_new (recipient, reply, host));
  say (self, PM_EVENT_DEFERRED, recipient, host, NULL, text, NULL);
}

/* @sent: (nullable): what other hosts have done about it */
void
pm_attempt_record (PmAttempt *self,
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
      pm_attempt_record_failed (self, recipient, reply, host);
      break;
    case PM_SMTP_OUTCOME_DEFER:
    case PM_SMTP_OUTCOME_NEXT_HOST:
    case PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE:
    default:
      pm_attempt_record_deferred (self, recipient, reply, host);
      break;
    }
}

gboolean
pm_attempt_need_body (PmAttempt *self, GError **error)
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
    .expires = pm_attempt_get_expiry (self),
  };
  PmQueueMessage *message;

  *verdict = pm_bounce_judge (self->settings, pm_relay_get_report_limit (self->worker->relay),
                              &report);
  if (*verdict != PM_BOUNCE_DUE)
    return TRUE;
  if (!pm_attempt_need_body (self, error))
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
void
pm_attempt_report_failed (PmAttempt *self)
{
  g_autoptr (GError) error = NULL;
  PmBounceVerdict verdict;

  if (!add_report (self, PM_REPORT_FAILED, self->failed, &verdict, &error))
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "reason", error->message, NULL);
      self->next_try = MIN (self->next_try, self->now + PM_ATTEMPT_TROUBLE_DELAY);
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
void
pm_attempt_report_late (PmAttempt *self)
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
void
pm_attempt_report_delivered (PmAttempt *self)
{
  g_autoptr (GError) error = NULL;
  PmBounceVerdict verdict;

  if (!add_report (self, PM_REPORT_SUCCESS, self->delivered, &verdict, &error))
    pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "reason", error->message, NULL);
  g_ptr_array_set_size (self->delivered, 0);
}
