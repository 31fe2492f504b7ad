// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-attempt.h"
#include "relay/pm-outbound.h"

G_BEGIN_DECLS

#define PM_ATTEMPT_TROUBLE_DELAY (60 * (gint64) G_USEC_PER_SEC)

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
} PmAttemptGroup;

struct _PmAttempt
{
  PmRelayWorker *worker;
  PmRelaySettings *settings; /* (owned) */
  guint64 id;
  PmQueueMessage *message; /* (owned) */
  PmMailAddress *sender;   /* (owned) (nullable): NULL is the null sender */
  GBytes *body;            /* (owned) (nullable): once it is needed */
  gint64 now;
  GHashTable *groups;    /* (element-type utf8 PmAttemptGroup) */
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

gint64 pm_attempt_get_expiry (const PmAttempt *self);
/* FALSE with why it cannot be had. */
gboolean pm_attempt_need_body (PmAttempt *self, GError **error);

/* Finds the recipient's group, or what comes of it without one. */
void pm_attempt_plan_recipient (PmAttempt *self, PmQueueRecipient *recipient);

/* Puts into the update what came of the recipient; `sent` (nullable): what other hosts have done */
void pm_attempt_record (PmAttempt *self,
                        const PmQueueRecipient *recipient,
                        PmSmtpOutcome outcome,
                        const PmSmtpReply *reply,
                        const PmOutboundResult *sent);
void pm_attempt_record_failed (PmAttempt *self,
                               const PmQueueRecipient *recipient,
                               const PmSmtpReply *reply,
                               const char *host);
void pm_attempt_record_deferred (PmAttempt *self,
                                 const PmQueueRecipient *recipient,
                                 const PmSmtpReply *reply,
                                 const char *host);

/* Put the reports into the update that are due. */
void pm_attempt_report_failed (PmAttempt *self);
void pm_attempt_report_late (PmAttempt *self);
void pm_attempt_report_delivered (PmAttempt *self);

G_END_DECLS
