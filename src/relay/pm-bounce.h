// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-queue.h"
#include "relay/pm-dsn-report.h"
#include "relay/pm-relay-settings.h"
#include "relay/pm-report-limit.h"

G_BEGIN_DECLS

/**
 * PmBounceRecipient:
 * @recipient: which one
 * @reply: what was said of it
 * @host: (nullable): who said it
 * @relayed: of a success: it was handed to a host that knows no DSN
 */
typedef struct
{
  const PmQueueRecipient *recipient;
  PmSmtpReply *reply;
  char *host;
  gboolean relayed;
} PmBounceRecipient;

/* What becomes of a report. */
typedef enum
{
  PM_BOUNCE_DUE,      /* it is to be made */
  PM_BOUNCE_UNWANTED, /* the sender has asked not to hear of it (RFC 3461 4.1) */
  PM_BOUNCE_NOBODY,   /* it is about a report, and no administrator is to hear of it */
  PM_BOUNCE_TOO_MANY, /* its reader has had too many lately */
} PmBounceVerdict;

/**
 * PmBounceReport:
 * @kind: what it is about
 * @message: the message that is reported on
 * @recipients: (element-type PmBounceRecipient): those it happened to
 * @now: microseconds since 1970
 * @expires: when a delayed message is given up
 *
 * A report that may be due.
 */
typedef struct
{
  PmReportKind kind;
  const PmQueueMessage *message;
  GPtrArray *recipients;
  gint64 now;
  gint64 expires;
} PmBounceReport;

PmBounceVerdict pm_bounce_judge (const PmRelaySettings *settings,
                                 PmReportLimit *limit,
                                 const PmBounceReport *report);
const char *pm_bounce_verdict_to_string (PmBounceVerdict verdict);
PmQueueMessage *pm_bounce_new (const PmRelaySettings *settings,
                               PmQueue *queue,
                               const PmBounceReport *report,
                               GBytes *body,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
GByteArray *pm_bounce_format (const PmRelaySettings *settings,
                              const PmBounceReport *report,
                              GBytes *body,
                              guint64 id,
                              PmReportNeeds *needs);

guint pm_bounce_get_notify (const PmMailService *service, int priority);
guint pm_bounce_get_timeout (const PmMailService *service, int priority);

PmBounceRecipient *pm_bounce_recipient_new (const PmQueueRecipient *recipient,
                                            const PmSmtpReply *reply,
                                            const char *host);
void pm_bounce_recipient_free (PmBounceRecipient *recipient);

G_END_DECLS
