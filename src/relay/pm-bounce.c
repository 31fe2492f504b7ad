// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who hears of what. What it promises: a report has the null sender and begets no other; nobody
// gets a report that they did not want, or a flood of them; and a report that its reader cannot be
// given goes to the administrator, once.

#include "relay/pm-bounce.h"

#include <string.h>

PmBounceRecipient *
pm_bounce_recipient_new (const PmQueueRecipient *recipient,
                         const PmSmtpReply *reply,
                         const char *host)
{
  PmBounceRecipient *item = g_new0 (PmBounceRecipient, 1);

  item->recipient = recipient;
  item->reply = pm_smtp_reply_ref (reply);
  item->host = g_strdup (host);
  return item;
}

void
pm_bounce_recipient_free (PmBounceRecipient *recipient)
{
  if (recipient == NULL)
    return;
  pm_smtp_reply_unref (recipient->reply);
  g_free (recipient->host);
  g_free (recipient);
}

/**
 * pm_bounce_get_notify:
 * @priority: of the message
 *
 * Returns: after how many seconds its sender hears that it is late; 0 for never
 */
guint
pm_bounce_get_notify (const PmMailService *service, int priority)
{
  switch (pm_queue_priority_rank (priority))
    {
    case PM_QUEUE_URGENT:
      return service->retry_urgent_notify;
    case PM_QUEUE_NON_URGENT:
      return service->retry_nonurgent_notify;
    case PM_QUEUE_NORMAL:
    default:
      return service->retry_notify;
    }
}

/**
 * pm_bounce_get_timeout:
 * @priority: of the message
 *
 * Returns: after how many seconds it is given up
 */
guint
pm_bounce_get_timeout (const PmMailService *service, int priority)
{
  switch (pm_queue_priority_rank (priority))
    {
    case PM_QUEUE_URGENT:
      return service->retry_urgent_timeout;
    case PM_QUEUE_NON_URGENT:
      return service->retry_nonurgent_timeout;
    case PM_QUEUE_NORMAL:
    default:
      return service->retry_timeout;
    }
}

static gboolean
is_report (const PmQueueMessage *message)
{
  return *message->sender == '\0';
}

static gboolean
is_wanted (const PmBounceReport *report, const PmBounceRecipient *item)
{
  // Reports carry NOTIFY=NEVER, which is for their sender, who does not exist: what becomes of one
  // that cannot be delivered is ours to say.
  return is_report (report->message) ||
         pm_report_is_wanted (report->kind, item->recipient->notify);
}

static gboolean
is_wanted_at_all (const PmBounceReport *report)
{
  for (guint i = 0; i < report->recipients->len; i++)
    if (is_wanted (report, g_ptr_array_index (report->recipients, i)))
      return TRUE;
  return FALSE;
}

static gboolean
is_administrator (const PmRelaySettings *settings, const char *address)
{
  g_autofree char *administrator = pm_mail_address_to_string (settings->administrator);

  return g_ascii_strcasecmp (administrator, address) == 0;
}

/* Of a report to the administrator nobody hears, else the two would go round. */
static gboolean
went_to_administrator (const PmRelaySettings *settings, const PmBounceReport *report)
{
  for (guint i = 0; i < report->recipients->len; i++)
    {
      const PmBounceRecipient *item = g_ptr_array_index (report->recipients, i);

      if (is_administrator (settings, item->recipient->address) ||
          is_administrator (settings, item->recipient->original))
        return TRUE;
    }
  return FALSE;
}

/* (transfer full) (nullable) */
static char *
choose_reader (const PmRelaySettings *settings, const PmBounceReport *report)
{
  if (!is_report (report->message))
    return g_strdup (report->message->sender);
  if (report->kind != PM_REPORT_FAILED || settings->administrator == NULL ||
      !settings->service->double_bounces || went_to_administrator (settings, report))
    return NULL;
  return pm_mail_address_to_string (settings->administrator);
}

/**
 * pm_bounce_judge:
 * @limit: (nullable): counts the report when it is due; %NULL where a person asks for it
 *
 * Who has authenticated is known, and gets as many reports as there are.
 *
 * Returns: whether the report is to be made, or why not
 */
PmBounceVerdict
pm_bounce_judge (const PmRelaySettings *settings,
                 PmReportLimit *limit,
                 const PmBounceReport *report)
{
  g_autofree char *reader = choose_reader (settings, report);

  if (reader == NULL)
    return PM_BOUNCE_NOBODY;
  if (!is_wanted_at_all (report))
    return PM_BOUNCE_UNWANTED;
  if (limit != NULL && *report->message->user == '\0' &&
      !pm_report_limit_take (limit, reader, report->now))
    return PM_BOUNCE_TOO_MANY;
  return PM_BOUNCE_DUE;
}

/**
 * pm_bounce_verdict_to_string:
 *
 * Returns: (nullable): one word for the log; %NULL when the report is made
 */
const char *
pm_bounce_verdict_to_string (PmBounceVerdict verdict)
{
  static const char *const words[] = {
    [PM_BOUNCE_DUE] = NULL,
    [PM_BOUNCE_UNWANTED] = "report-unwanted",
    [PM_BOUNCE_NOBODY] = "report-to-nobody",
    [PM_BOUNCE_TOO_MANY] = "reports-too-many",
  };

  return words[verdict];
}

static GArray *
list_recipients (const PmBounceReport *report)
{
  GArray *recipients = g_array_new (FALSE, FALSE, sizeof (PmReportRecipient));

  for (guint i = 0; i < report->recipients->len; i++)
    {
      const PmBounceRecipient *item = g_ptr_array_index (report->recipients, i);
      const PmReportRecipient recipient = {
        .address = item->recipient->address,
        .original = item->recipient->original,
        .orcpt = item->recipient->orcpt,
        .reply = item->reply,
        .host = item->host,
        .relayed = item->relayed,
      };

      if (is_wanted (report, item))
        g_array_append_val (recipients, recipient);
    }
  return recipients;
}

/**
 * pm_bounce_format:
 * @report: one that is due
 * @body: the message
 * @id: the report's own number
 * @needs: (out): what its way must be able to carry
 *
 * Returns: (transfer full): the report as a message, lines ending in CRLF
 */
GByteArray *
pm_bounce_format (const PmRelaySettings *settings,
                  const PmBounceReport *report,
                  GBytes *body,
                  guint64 id,
                  PmReportNeeds *needs)
{
  const PmQueueMessage *message = report->message;
  g_autofree char *reader = choose_reader (settings, report);
  g_autoptr (GArray) recipients = list_recipients (report);
  gsize size;
  const guint8 *bytes = g_bytes_get_data (body, &size);
  const PmReport form = {
    .kind = report->kind,
    .host = settings->host,
    .to = reader,
    .sender = message->sender,
    .id = id,
    .message = message->id,
    .utf8 = message->utf8,
    .headers_only = message->require_tls,
    .ret = message->ret,
    .envid = message->envid,
    .now = report->now,
    .received = message->received,
    .expires = report->expires,
    .body = bytes,
    .body_size = size,
    .recipients = (const PmReportRecipient *) (gpointer) recipients->data,
    .n_recipients = recipients->len,
  };

  return pm_report_format (&form, needs);
}

static void
route (const PmRelaySettings *settings, PmQueueRecipient *recipient)
{
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (recipient->original, NULL);
  g_autoptr (PmDecision) decision = NULL;

  if (address != NULL)
    decision = pm_relay_settings_route (settings, address, NULL);
  if (decision != NULL && decision->action != PM_ACTION_REJECT)
    pm_relay_settings_describe (decision, recipient);
}

/**
 * pm_bounce_new:
 * @report: one that is due
 * @body: the message
 * @error: when its body could not be stored
 *
 * Returns: (transfer full) (nullable): the report as a message for the queue, due at once
 */
PmQueueMessage *
pm_bounce_new (const PmRelaySettings *settings,
               PmQueue *queue,
               const PmBounceReport *report,
               GBytes *body,
               GError **error)
{
  g_autoptr (PmQueueMessage) message = pm_queue_message_new (pm_queue_new_id (queue), "");
  g_autofree char *reader = choose_reader (settings, report);
  g_autoptr (GByteArray) bytes = NULL;
  PmReportNeeds needs;
  PmQueueRecipient *recipient;

  bytes = pm_bounce_format (settings, report, body, message->id, &needs);
  message->body = pm_queue_body_new_from_bytes (pm_queue_get_body_folder (queue), bytes->data,
                                                bytes->len, error);
  if (message->body == NULL)
    return NULL;

  message->eight_bit = needs.eight_bit;
  message->utf8 = needs.utf8;
  // RFC 8689 5: what may only travel encrypted is not told of in the clear.
  message->require_tls = report->message->require_tls;
  // RFC 6710 5
  message->priority = report->message->priority;
  message->received = report->now;
  g_free (message->client);
  message->client = g_strdup (settings->host);
  recipient = pm_queue_message_add_recipient (message, reader);
  recipient->next_try = report->now;
  // RFC 3461 6.1: no report on a report
  recipient->notify = PM_DSN_NOTIFY_NEVER;
  route (settings, recipient);
  return g_steal_pointer (&message);
}
