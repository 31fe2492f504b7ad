// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-queue-message.h"

G_BEGIN_DECLS

/* Where a message stands: not tried yet, tried and waiting, or held by somebody. */
typedef enum
{
  PM_QUEUE_STATE_FRESH,
  PM_QUEUE_STATE_DEFERRED,
  PM_QUEUE_STATE_HELD,
} PmQueueState;

#define PM_QUEUE_N_STATES 3

/* What may be done to messages by hand. */
typedef enum
{
  PM_QUEUE_HOLD,
  PM_QUEUE_RELEASE,
  PM_QUEUE_RETRY,
  PM_QUEUE_DELETE,
  PM_QUEUE_REDIRECT,
  PM_QUEUE_SET_PRIORITY,
} PmQueueVerb;

/**
 * PmQueueChange:
 * @verb: what is done
 * @redirect: (nullable): for %PM_QUEUE_REDIRECT: `HOST:PORT`, or "" to route as usual again
 * @priority: for %PM_QUEUE_SET_PRIORITY: -9 to 9
 */
typedef struct
{
  PmQueueVerb verb;
  const char *redirect;
  int priority;
} PmQueueChange;

/**
 * PmQueueFilter:
 * @agent: a #PmQueueAgent that one of its recipients waits for; -1 for any
 * @state: a #PmQueueState; -1 for any
 * @sender: (nullable): the sender, `*` and `?` stand for any; `<>` for the null sender
 * @sender_domain: (nullable): the sender's domain
 * @recipient: (nullable): one of the recipients, `*` and `?` stand for any
 * @recipient_domain: (nullable): one of the recipients' domain
 * @destination: (nullable): what one of the recipients waits for: the mailbox, domain or host
 * @reply: (nullable): text in one of the last replies
 * @received_after: received at or after this time, microseconds since 1970; 0 for any
 * @received_before: received before this time; 0 for any. "Older than" is this one
 *
 * Which messages: those that all of it is true of. Case does not count. Start from
 * %PM_QUEUE_FILTER_ALL.
 */
typedef struct
{
  int agent;
  int state;
  const char *sender;
  const char *sender_domain;
  const char *recipient;
  const char *recipient_domain;
  const char *destination;
  const char *reply;
  gint64 received_after;
  gint64 received_before;
} PmQueueFilter;

#define PM_QUEUE_FILTER_ALL ((PmQueueFilter){ .agent = -1, .state = -1 })

/* Ids after .after (0: from the start) up to .until. */
typedef struct
{
  guint64 after;
  guint64 until;
} PmQueueRange;

/**
 * PmQueueSummary:
 * @destination: the mailbox, domain or host that is waited for
 * @agent: who takes it there
 * @recipients: how many wait for it
 * @oldest: when the one that waits longest was accepted, microseconds since 1970
 * @ages: how many of them wait for less than an hour, less than four, less than a day, and longer
 */
typedef struct
{
  char *destination;
  PmQueueAgent agent;
  guint64 recipients;
  gint64 oldest;
  guint64 ages[4];
} PmQueueSummary;

void pm_queue_summary_free (PmQueueSummary *summary);

PmQueueFilter *pm_queue_filter_copy (const PmQueueFilter *filter);
void pm_queue_filter_free (PmQueueFilter *filter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmQueueFilter, pm_queue_filter_free)

G_END_DECLS
