// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What is in the queue, for people: counts that are kept and not counted, pages that take a bounded
// time however long the queue is.

#include "queue/pm-queue-private.h"

#include "base/pm-error.h"

#define LIST_PATIENCE 50000 /* microseconds that a page may look for what fits */

static gboolean
read_counts (PmQueue *self, PmQueueCounts counts, GError **error)
{
  guint epoch;
  PmQueueStore *reader = pm_queue_take_reader (self, &epoch, error);
  gboolean ok;

  if (reader == NULL)
    return FALSE;
  ok = pm_queue_store_get_counts (reader, counts, error);
  pm_queue_give_reader (self, reader, epoch);
  return ok;
}

/**
 * pm_queue_count:
 * @agent: a #PmQueueAgent, or -1 for all
 * @count: (out): how many messages have a recipient that waits for it
 */
gboolean
pm_queue_count (PmQueue *self, int agent, guint64 *count, GError **error)
{
  guint wanted = agent < 0 ? G_MAXUINT : agent == PM_QUEUE_MAILBOX ? 1
                                                                   : 2;
  PmQueueCounts counts;

  if (!read_counts (self, counts, error))
    return FALSE;
  *count = 0;
  for (guint state = 0; state < PM_QUEUE_N_STATES; state++)
    for (guint agents = 0; agents < PM_QUEUE_N_AGENT_SETS; agents++)
      if (agent < 0 || (agents & wanted) != 0)
        *count += counts[state][agents];
  return TRUE;
}

/**
 * pm_queue_count_states:
 * @counts: (out): how many messages there are of each #PmQueueState
 */
gboolean
pm_queue_count_states (PmQueue *self, guint64 counts[PM_QUEUE_N_STATES], GError **error)
{
  PmQueueCounts all;

  if (!read_counts (self, all, error))
    return FALSE;
  for (guint state = 0; state < PM_QUEUE_N_STATES; state++)
    {
      counts[state] = 0;
      for (guint agents = 0; agents < PM_QUEUE_N_AGENT_SETS; agents++)
        counts[state] += all[state][agents];
    }
  return TRUE;
}

/**
 * pm_queue_select:
 * @filter: which messages
 * @after: messages with a larger id
 * @limit: at most so many
 * @next: (out): the @after of the next page; 0 when this was the last
 *
 * A page of what fits. It takes a bounded time however large the queue is, so that it may have
 * fewer messages than @limit, or none, before the end: go on at @next.
 *
 * Returns: (transfer full) (element-type guint64) (nullable): ids, oldest first
 */
GArray *
pm_queue_select (PmQueue *self,
                 const PmQueueFilter *filter,
                 guint64 after,
                 guint limit,
                 guint64 *next,
                 GError **error)
{
  PmQueueRange range = { after, G_MAXINT64 };
  guint epoch;
  PmQueueStore *reader = pm_queue_take_reader (self, &epoch, error);
  GArray *ids;

  if (reader == NULL)
    return NULL;
  ids = pm_queue_store_select (reader, filter, &range, limit, LIST_PATIENCE, error);
  pm_queue_give_reader (self, reader, epoch);
  *next = range.after;
  return ids;
}

static GPtrArray *
load_each (PmQueueStore *reader, GArray *ids, GError **error)
{
  g_autoptr (GPtrArray) messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_message_free);

  for (guint i = 0; i < ids->len; i++)
    {
      g_autoptr (GError) local = NULL;
      PmQueueMessage *message = pm_queue_store_load (reader, g_array_index (ids, guint64, i),
                                                     &local);

      if (message != NULL)
        g_ptr_array_add (messages, message);
      else if (!g_error_matches (local, PM_ERROR, PM_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
    }
  return g_steal_pointer (&messages);
}

/**
 * pm_queue_load_each:
 * @ids: (element-type guint64)
 *
 * Returns: (transfer full) (element-type PmQueueMessage) (nullable): those that are still there,
 *   without bodies
 */
GPtrArray *
pm_queue_load_each (PmQueue *self, GArray *ids, GError **error)
{
  guint epoch;
  PmQueueStore *reader = pm_queue_take_reader (self, &epoch, error);
  GPtrArray *messages;

  if (reader == NULL)
    return NULL;
  messages = load_each (reader, ids, error);
  pm_queue_give_reader (self, reader, epoch);
  return messages;
}

/* Those that wait for an agent, as many as were asked for. */
static GArray *
list_ids (PmQueue *self, int agent, guint64 after, guint limit, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  PmQueueFilter filter = PM_QUEUE_FILTER_ALL;

  filter.agent = agent;
  do
    {
      g_autoptr (GArray) page = pm_queue_select (self, &filter, after, limit - ids->len, &after,
                                                 error);

      if (page == NULL)
        return NULL;
      if (page->len > 0)
        g_array_append_vals (ids, page->data, page->len);
    }
  while (after != 0 && ids->len < limit);
  return g_steal_pointer (&ids);
}

/**
 * pm_queue_list:
 * @agent: a #PmQueueAgent, or -1 for all
 * @after: messages with a larger id
 * @limit: at most so many
 *
 * Returns: (transfer full) (element-type PmQueueMessage) (nullable): oldest first, without bodies
 */
GPtrArray *
pm_queue_list (PmQueue *self, int agent, guint64 after, guint limit, GError **error)
{
  g_autoptr (GArray) ids = list_ids (self, agent, after, limit, error);

  return ids == NULL ? NULL : pm_queue_load_each (self, ids, error);
}

/**
 * pm_queue_list_ids:
 *
 * Returns: (transfer full) (element-type guint64) (nullable): ids after @after, oldest first
 */
GArray *
pm_queue_list_ids (PmQueue *self, guint64 after, guint limit, GError **error)
{
  return list_ids (self, -1, after, limit, error);
}

/**
 * pm_queue_summarize:
 * @limit: at most so many destinations, those with most first
 *
 * Returns: (transfer full) (element-type PmQueueSummary) (nullable): what waits for whom since when
 */
GPtrArray *
pm_queue_summarize (PmQueue *self, guint limit, GError **error)
{
  guint epoch;
  PmQueueStore *reader = pm_queue_take_reader (self, &epoch, error);
  GPtrArray *summary;

  if (reader == NULL)
    return NULL;
  summary = pm_queue_store_summarize (reader, pm_clock_now (self->clock), limit, error);
  pm_queue_give_reader (self, reader, epoch);
  return summary;
}
