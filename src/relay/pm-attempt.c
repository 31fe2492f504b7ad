// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One attempt at one message. What it promises: what was delivered is recorded as soon as the
// destination it went to is done with, and a recipient leaves the queue only delivered or reported.

#include "relay/pm-attempt-private.h"

#include <string.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "relay/pm-bounce.h"
#include "relay/pm-header.h"
#include "relay/pm-maildir.h"
#include "relay/pm-session-pool.h"

#define PARKED_DELAY (10 * (gint64) G_USEC_PER_SEC) /* for a second overrun destination */

static void finish_part (PmAttempt *self);

static void
free_group (PmAttemptGroup *group)
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
      self->next_try = MIN (self->next_try, self->now + PM_ATTEMPT_TROUBLE_DELAY);
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
    pm_attempt_report_delivered (self);
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
        pm_attempt_report_failed (self);
      if (self->late->len > 0)
        pm_attempt_report_late (self);
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
  gint64 word = pm_attempt_get_expiry (self);

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
let_go (PmAttemptGroup *group, gboolean delivered)
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
  PmAttemptGroup *group = data;
  PmAttempt *self = group->attempt;
  gboolean delivered = FALSE;

  for (guint i = 0; i < results->len; i++)
    {
      const PmOutboundResult *result = g_ptr_array_index (results, i);

      if (result->until == 0 || self->abandoned || !may_wait (self, result->until))
        pm_attempt_record (self, g_ptr_array_index (group->recipients, i), result->outcome,
                           result->reply, result);
      delivered |= result->outcome == PM_SMTP_OUTCOME_DELIVERED;
    }
  let_go (group, delivered);
  finish_group (self);
}

static void
defer_group (PmAttemptGroup *group, PmSmtpReply *reply)
{
  for (guint i = 0; i < group->recipients->len; i++)
    pm_attempt_record_deferred (group->attempt, g_ptr_array_index (group->recipients, i), reply,
                                NULL);
}

static void
granted_cb (gpointer data)
{
  PmAttemptGroup *group = data;
  PmAttempt *self = group->attempt;
  g_autoptr (GError) error = NULL;
  PmOutboundJob job;

  if (self->abandoned || !pm_attempt_need_body (self, &error))
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
record_mailbox (PmAttemptGroup *group, const PmSmtpReply *reply)
{
  PmSmtpOutcome outcome = pm_smtp_reply_is_positive (reply)    ? PM_SMTP_OUTCOME_DELIVERED
                          : pm_smtp_reply_is_permanent (reply) ? PM_SMTP_OUTCOME_BOUNCE
                                                               : PM_SMTP_OUTCOME_DEFER;

  for (guint i = 0; i < group->recipients->len; i++)
    pm_attempt_record (group->attempt, g_ptr_array_index (group->recipients, i), outcome, reply,
                       NULL);
  finish_group (group->attempt);
}

static void
maildir_cb (const PmSmtpReply *reply, gpointer data)
{
  record_mailbox (data, reply);
}

static void
deliver_to_maildir (PmAttemptGroup *group)
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
check_mailbox (PmAttemptGroup *group)
{
  PmAttempt *self = group->attempt;
  const PmQueueRecipient *recipient = g_ptr_array_index (group->recipients, 0);
  g_autoptr (GError) error = NULL;
  gsize size;
  const guint8 *bytes;

  if (!pm_attempt_need_body (self, &error))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 451, "4.3.0", error->message);
  bytes = g_bytes_get_data (self->body, &size);
  if (pm_header_has (bytes, size, "Delivered-To", recipient->address))
    return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 554, "5.4.6",
                              "The message has been delivered to this mailbox before: a loop");
  return NULL;
}

static void
start_mailbox (PmAttemptGroup *group)
{
  g_autoptr (PmSmtpReply) refusal = check_mailbox (group);

  if (refusal == NULL)
    deliver_to_maildir (group);
  else
    record_mailbox (group, refusal);
}

/* Recipients whose destination is overrun keep their place in the queue, and count no attempt. */
static void
start_remote (PmAttemptGroup *group)
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
      PmAttemptGroup *group = value;

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
        pm_attempt_plan_recipient (self, recipient);
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
      self->next_try = self->now + PM_ATTEMPT_TROUBLE_DELAY;
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
    if (((PmAttemptGroup *) value)->outbound != NULL)
      pm_outbound_abandon (((PmAttemptGroup *) value)->outbound);
}
