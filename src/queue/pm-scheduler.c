// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What is due when. It promises that a message put in comes out once its time has come, earliest
// first, and that memory stays below the ceiling however long the queue is: the latest are dropped
// and read from disk again when everything before them is through.

#include "queue/pm-scheduler.h"

struct _PmScheduler
{
  GTree *tree;       /* (element-type PmDue): in order */
  GHashTable *by_id; /* (element-type guint64 PmDue): borrows from tree */
  guint limit;
  PmDue horizon; /* from here on, messages are on disk only; time G_MAXINT64: none are */
};

static int
compare_due (gconstpointer a, gconstpointer b, gpointer data)
{
  const PmDue *x = a;
  const PmDue *y = b;

  if (x->time != y->time)
    return x->time < y->time ? -1 : 1;
  return x->message < y->message ? -1 : x->message > y->message;
}

/**
 * pm_scheduler_new:
 * @limit: how many messages it keeps in memory at most
 *
 * Returns: (transfer full): a scheduler that wants to load from the start
 */
PmScheduler *
pm_scheduler_new (guint limit)
{
  PmScheduler *scheduler = g_new0 (PmScheduler, 1);

  scheduler->tree = g_tree_new_full (compare_due, NULL, g_free, NULL);
  scheduler->by_id = g_hash_table_new (g_int64_hash, g_int64_equal);
  scheduler->limit = limit;
  scheduler->horizon.time = G_MININT64;
  return scheduler;
}

void
pm_scheduler_free (PmScheduler *scheduler)
{
  if (scheduler == NULL)
    return;
  g_hash_table_unref (scheduler->by_id);
  g_tree_unref (scheduler->tree);
  g_free (scheduler);
}

static void
take_out (PmScheduler *scheduler, PmDue *due)
{
  g_hash_table_remove (scheduler->by_id, &due->message);
  g_tree_remove (scheduler->tree, due);
}

static void
put_in (PmScheduler *scheduler, const PmDue *due)
{
  PmDue *own = g_memdup2 (due, sizeof *due);

  g_tree_insert (scheduler->tree, own, own);
  g_hash_table_insert (scheduler->by_id, &own->message, own);
}

static void
drop_latest (PmScheduler *scheduler)
{
  PmDue *last = g_tree_node_key (g_tree_node_last (scheduler->tree));

  scheduler->horizon = *last;
  take_out (scheduler, last);
}

/**
 * pm_scheduler_add:
 * @message: a message that is in the queue's file, with this time
 * @time: when it is due; a time it had before is forgotten
 */
void
pm_scheduler_add (PmScheduler *scheduler, guint64 message, gint64 time)
{
  PmDue due = { time, message };

  pm_scheduler_remove (scheduler, message);
  if (compare_due (&due, &scheduler->horizon, NULL) >= 0)
    return;
  put_in (scheduler, &due);
  if (g_hash_table_size (scheduler->by_id) > scheduler->limit)
    drop_latest (scheduler);
}

void
pm_scheduler_remove (PmScheduler *scheduler, guint64 message)
{
  PmDue *due = g_hash_table_lookup (scheduler->by_id, &message);

  if (due != NULL)
    take_out (scheduler, due);
}

/**
 * pm_scheduler_pop:
 * @now: microseconds since 1970
 * @message: (out): the earliest message that is due, which is taken out
 *
 * Returns: whether there is one in memory
 */
gboolean
pm_scheduler_pop (PmScheduler *scheduler, gint64 now, guint64 *message)
{
  GTreeNode *first = g_tree_node_first (scheduler->tree);
  PmDue *due = first == NULL ? NULL : g_tree_node_key (first);

  if (due == NULL || due->time > now)
    return FALSE;
  *message = due->message;
  take_out (scheduler, due);
  return TRUE;
}

/**
 * pm_scheduler_next:
 *
 * Returns: when there is something to do next: to pop or to load; %G_MAXINT64 for never
 */
gint64
pm_scheduler_next (PmScheduler *scheduler)
{
  GTreeNode *first = g_tree_node_first (scheduler->tree);

  if (first == NULL)
    return scheduler->horizon.time;
  return ((PmDue *) g_tree_node_key (first))->time;
}

guint
pm_scheduler_count (PmScheduler *scheduler)
{
  return g_hash_table_size (scheduler->by_id);
}

/**
 * pm_scheduler_restart:
 *
 * Forgets everything; it wants to load from the start.
 */
void
pm_scheduler_restart (PmScheduler *scheduler)
{
  g_hash_table_remove_all (scheduler->by_id);
  g_tree_remove_all (scheduler->tree);
  scheduler->horizon = (PmDue){ G_MININT64, 0 };
}

/**
 * pm_scheduler_wants_load:
 * @now: microseconds since 1970
 * @after: (out): the next page is what comes after this
 *
 * Returns: whether the next page is to be read from disk now
 */
gboolean
pm_scheduler_wants_load (PmScheduler *scheduler, gint64 now, PmDue *after)
{
  if (g_hash_table_size (scheduler->by_id) > 0 || scheduler->horizon.time > now)
    return FALSE;
  *after = scheduler->horizon;
  if (after->message > 0)
    after->message--;
  return TRUE;
}

/**
 * pm_scheduler_load:
 * @due: (array length=n): the page, in order
 * @asked: how many were asked for: a shorter page is the last one
 */
void
pm_scheduler_load (PmScheduler *scheduler, const PmDue *due, guint n, guint asked)
{
  scheduler->horizon.time = G_MAXINT64;
  if (n > 0 && n >= asked)
    scheduler->horizon = (PmDue){ due[n - 1].time, due[n - 1].message + 1 };
  for (guint i = 0; i < n; i++)
    pm_scheduler_add (scheduler, due[i].message, due[i].time);
}

/**
 * pm_scheduler_retry_time:
 * @intervals: (array length=n_intervals): seconds between attempts; the last one repeats
 * @attempts: how many attempts have been made, this one included
 * @now: the time of this attempt
 * @expires: when the message is given up
 *
 * Returns: when to try again; the last attempt is made when the message expires, and once it has
 *   there is none: %G_MAXINT64
 */
gint64
pm_scheduler_retry_time (const guint *intervals,
                         guint n_intervals,
                         guint attempts,
                         gint64 now,
                         gint64 expires)
{
  guint which = MIN (MAX (attempts, 1), n_intervals) - 1;

  if (now >= expires || n_intervals == 0)
    return G_MAXINT64;
  return MIN (now + (gint64) intervals[which] * G_USEC_PER_SEC, expires);
}
