// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-queue.h"
#include "relay/pm-relay-settings.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

typedef enum
{
  PM_BOUNCE_FAILED,  /* given up */
  PM_BOUNCE_DELAYED, /* still being tried */
} PmBounceKind;

/**
 * PmBounceRecipient:
 * @recipient: which one
 * @reply: why
 * @host: (nullable): who said it
 */
typedef struct
{
  const PmQueueRecipient *recipient;
  PmSmtpReply *reply;
  char *host;
} PmBounceRecipient;

/**
 * PmBounceReport:
 * @message: the message that is reported on
 * @body: its bytes
 * @recipients: (element-type PmBounceRecipient)
 * @to: who gets the report: the sender, or for a double bounce the administrator
 * @id: the report's own number in the queue
 * @now: microseconds since 1970
 * @expires: when a delayed message is given up
 */
typedef struct
{
  PmBounceKind kind;
  const PmQueueMessage *message;
  GBytes *body;
  GPtrArray *recipients;
  const char *to;
  guint64 id;
  gint64 now;
  gint64 expires;
} PmBounceReport;

GByteArray *pm_bounce_format (const PmRelaySettings *settings, const PmBounceReport *report);
PmQueueMessage *pm_bounce_new (const PmRelaySettings *settings,
                               PmQueue *queue,
                               PmBounceReport *report,
                               GError **error);
PmBounceRecipient *pm_bounce_recipient_new (const PmQueueRecipient *recipient,
                                            const PmSmtpReply *reply,
                                            const char *host);
void pm_bounce_recipient_free (PmBounceRecipient *recipient);

G_END_DECLS
