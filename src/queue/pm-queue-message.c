// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The values that go into the queue and come out of it.

#include "queue/pm-queue-message.h"

void
pm_queue_recipient_free (PmQueueRecipient *recipient)
{
  if (recipient == NULL)
    return;
  g_free (recipient->address);
  g_free (recipient->original);
  g_free (recipient->destination);
  g_free (recipient->reply);
  g_free (recipient->orcpt);
  g_free (recipient->redirect);
  g_free (recipient);
}

PmQueueMessage *
pm_queue_message_new (guint64 id, const char *sender)
{
  PmQueueMessage *message = g_new0 (PmQueueMessage, 1);

  message->id = id;
  message->sender = g_strdup (sender);
  message->client = g_strdup ("");
  message->envid = g_strdup ("");
  message->user = g_strdup ("");
  message->recipients = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_recipient_free);
  return message;
}

/**
 * pm_queue_message_free:
 * @message: (nullable)
 */
void
pm_queue_message_free (PmQueueMessage *message)
{
  if (message == NULL)
    return;
  g_free (message->sender);
  g_free (message->client);
  g_free (message->envid);
  g_free (message->user);
  g_ptr_array_unref (message->recipients);
  pm_queue_body_free (message->body);
  g_free (message);
}

/**
 * pm_queue_message_add_recipient:
 *
 * Returns: (transfer none): a new last recipient, due at once, to another host
 */
PmQueueRecipient *
pm_queue_message_add_recipient (PmQueueMessage *message, const char *address)
{
  PmQueueRecipient *recipient = g_new0 (PmQueueRecipient, 1);

  recipient->address = g_strdup (address);
  recipient->original = g_strdup (address);
  recipient->agent = PM_QUEUE_REMOTE;
  recipient->destination = g_strdup ("");
  recipient->reply = g_strdup ("");
  recipient->orcpt = g_strdup ("");
  recipient->redirect = g_strdup ("");
  g_ptr_array_add (message->recipients, recipient);
  return recipient;
}

/**
 * pm_queue_message_next_try:
 *
 * Returns: when the first of its recipients is due; %PM_QUEUE_HELD_TIME when it is held,
 *   %G_MAXINT64 without recipients
 */
gint64
pm_queue_message_next_try (const PmQueueMessage *message)
{
  gint64 next = G_MAXINT64;

  for (guint i = 0; i < message->recipients->len; i++)
    {
      const PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, i);

      next = MIN (next, recipient->next_try);
    }
  return message->held && next != G_MAXINT64 ? PM_QUEUE_HELD_TIME : next;
}

/**
 * pm_queue_lane_of:
 * @destination: a recipient's destination
 *
 * Returns: a number for it, the same after a restart; the scheduler takes turns among them. Two
 *   destinations that share one by chance share a turn, no more.
 */
guint32
pm_queue_lane_of (const char *destination)
{
  guint32 hash = 2166136261u;

  for (const char *c = destination; *c != '\0'; c++)
    hash = (hash ^ (guchar) g_ascii_tolower (*c)) * 16777619u;
  return hash;
}

/**
 * pm_queue_message_get_lane:
 *
 * Returns: the lane of its first recipient
 */
guint32
pm_queue_message_get_lane (const PmQueueMessage *message)
{
  const PmQueueRecipient *first;

  if (message->recipients->len == 0)
    return 0;
  first = g_ptr_array_index (message->recipients, 0);
  return pm_queue_lane_of (*first->redirect != '\0' ? first->redirect : first->destination);
}

/**
 * pm_queue_priority_rank:
 * @priority: -9 to 9 (RFC 6710 5), 0 where nobody said
 */
PmQueueRank
pm_queue_priority_rank (int priority)
{
  if (priority > 0)
    return PM_QUEUE_URGENT;
  return priority < 0 ? PM_QUEUE_NON_URGENT : PM_QUEUE_NORMAL;
}

static void
free_outcome (PmQueueOutcome *outcome)
{
  g_free (outcome->destination);
  g_free (outcome->reply);
  g_free (outcome);
}

PmQueueUpdate *
pm_queue_update_new (guint64 message)
{
  PmQueueUpdate *update = g_new0 (PmQueueUpdate, 1);

  update->message = message;
  update->outcomes = g_ptr_array_new_with_free_func ((GDestroyNotify) free_outcome);
  update->follow_ups = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_message_free);
  return update;
}

/**
 * pm_queue_update_free:
 * @update: (nullable)
 */
void
pm_queue_update_free (PmQueueUpdate *update)
{
  if (update == NULL)
    return;
  g_ptr_array_unref (update->outcomes);
  g_ptr_array_unref (update->follow_ups);
  g_free (update);
}

/**
 * pm_queue_update_add:
 *
 * Returns: (transfer none): a new outcome for @recipient, which keeps its agent and destination
 */
PmQueueOutcome *
pm_queue_update_add (PmQueueUpdate *update,
                     const PmQueueRecipient *recipient,
                     PmOutcomeKind kind,
                     const char *reply)
{
  PmQueueOutcome *outcome = g_new0 (PmQueueOutcome, 1);

  outcome->recipient = recipient->id;
  outcome->kind = kind;
  outcome->agent = recipient->agent;
  outcome->destination = g_strdup (recipient->destination);
  outcome->reply = g_strdup (reply);
  outcome->next_try = recipient->next_try;
  g_ptr_array_add (update->outcomes, outcome);
  return outcome;
}
