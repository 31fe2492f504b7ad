// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-dsn.h"
#include "queue/pm-queue-body.h"

G_BEGIN_DECLS

/* When a message is due that is held. One that has left the queue is due at G_MAXINT64. */
#define PM_QUEUE_HELD_TIME (G_MAXINT64 - 1)

/* The classes that priorities fall into, each with its own time-outs. Urgent goes first. */
typedef enum
{
  PM_QUEUE_URGENT,
  PM_QUEUE_NORMAL,
  PM_QUEUE_NON_URGENT,
} PmQueueRank;

#define PM_QUEUE_N_RANKS 3

/* Who takes a recipient further: a mailbox of this host, or another host. */
typedef enum
{
  PM_QUEUE_MAILBOX,
  PM_QUEUE_REMOTE,
} PmQueueAgent;

/**
 * PmQueueRecipient:
 * @id: the queue's number for it; 0 before it is queued
 * @address: where it goes, after rewriting
 * @original: the address that the client gave
 * @agent: who takes it further, as last routed
 * @destination: the mailbox, or the domain or host it goes to, as last routed
 * @attempts: how often it was tried
 * @next_try: when it is tried next, microseconds since 1970
 * @reply: the last reply, "" when none yet
 * @notify: what the sender wants to hear of it (RFC 3461 4.1)
 * @orcpt: `type;address` as the sender named it, decoded (RFC 3461 4.2); "" when not given
 * @redirect: `HOST:PORT` that it goes to whatever the routing says; "" for none
 */
typedef struct
{
  gint64 id;
  char *address;
  char *original;
  PmQueueAgent agent;
  char *destination;
  guint attempts;
  gint64 next_try;
  char *reply;
  PmDsnNotify notify;
  char *orcpt;
  char *redirect;
} PmQueueRecipient;

/**
 * PmQueueMessage:
 * @id: from pm_queue_new_id()
 * @sender: envelope sender, "" for a bounce
 * @client: who handed it in, for people: `name [address]`
 * @eight_bit: declared BODY=8BITMIME (RFC 6152)
 * @size: bytes
 * @received: when it was accepted, microseconds since 1970
 * @notified: whether the sender has been told that it is late
 * @utf8: came with SMTPUTF8 (RFC 6531)
 * @require_tls: came with REQUIRETLS (RFC 8689)
 * @tls_optional: its header says `TLS-Required: No` (RFC 8689 5)
 * @priority: -9 to 9 (RFC 6710), see pm_queue_priority_rank()
 * @ret: how much of it a report returns (RFC 3461 4.3)
 * @envid: the sender's name for it, decoded (RFC 3461 4.4); "" when not given
 * @held: not tried until it is released
 * @user: who the client authenticated as; "" for nobody
 * @recipients: (element-type PmQueueRecipient): those still waiting
 * @body: (nullable): only while it is being queued; see pm_queue_open_body()
 *
 * A message with its recipients, as a plain value with one owner.
 */
typedef struct
{
  guint64 id;
  char *sender;
  char *client;
  gboolean eight_bit;
  guint64 size;
  gint64 received;
  gboolean notified;
  gboolean utf8;
  gboolean require_tls;
  gboolean tls_optional;
  int priority;
  PmDsnRet ret;
  char *envid;
  gboolean held;
  char *user;
  GPtrArray *recipients;
  PmQueueBody *body;
} PmQueueMessage;

typedef enum
{
  PM_OUTCOME_DONE,     /* delivered, or given up: it leaves the queue */
  PM_OUTCOME_DEFERRED, /* another try at next_try */
} PmOutcomeKind;

/* What became of one recipient in one attempt. */
typedef struct
{
  gint64 recipient;
  PmOutcomeKind kind;
  PmQueueAgent agent;
  char *destination;
  gint64 next_try;
  char *reply;
} PmQueueOutcome;

/**
 * PmQueueUpdate:
 * @message: which message
 * @outcomes: (element-type PmQueueOutcome)
 * @notified: the sender is told by one of @follow_ups that the message is late
 * @follow_ups: (element-type PmQueueMessage): reports queued in the same transaction
 */
typedef struct
{
  guint64 message;
  GPtrArray *outcomes;
  gboolean notified;
  GPtrArray *follow_ups;
} PmQueueUpdate;

PmQueueMessage *pm_queue_message_new (guint64 id, const char *sender);
void pm_queue_message_free (PmQueueMessage *message);
PmQueueRecipient *pm_queue_message_add_recipient (PmQueueMessage *message, const char *address);
gint64 pm_queue_message_next_try (const PmQueueMessage *message);
guint32 pm_queue_message_get_lane (const PmQueueMessage *message);
guint32 pm_queue_lane_of (const char *destination);
PmQueueRank pm_queue_priority_rank (int priority);
void pm_queue_recipient_free (PmQueueRecipient *recipient);

PmQueueUpdate *pm_queue_update_new (guint64 message);
void pm_queue_update_free (PmQueueUpdate *update);
PmQueueOutcome *pm_queue_update_add (PmQueueUpdate *update,
                                     const PmQueueRecipient *recipient,
                                     PmOutcomeKind kind,
                                     const char *reply);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmQueueMessage, pm_queue_message_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmQueueUpdate, pm_queue_update_free)

G_END_DECLS
