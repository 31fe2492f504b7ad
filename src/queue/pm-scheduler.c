// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What is due when. What it promises: a message put in comes out once its time has come; of those
// whose time has come, urgent ones first, and destinations in turn, so that however many wait for
// one of them, a message for another does not wait behind them all. Memory stays below the ceiling
// however long the queue is: the latest are dropped and read from disk again later.

#include "queue/pm-scheduler.h"

#define N_RANKS 3
#define LANE_SHARE 100 /* a lane with less than this part gets in beyond the horizon */
#define EXTRA_SHARE 10 /* and all these together may take this part on top */

/* Messages of one rank that are due and wait for the same. */
typedef struct
{
  guint32 lane;
  GQueue entries; /* (element-type Entry): in order of time */
  GList turn;     /* its place among the lanes */
} Lane;

typedef struct
{
  PmDue due;      /* first: it is the trees' key */
  Lane *lane;     /* (nullable): where it waits, once its time has come */
  GList link;     /* its place there */
  gboolean extra; /* beyond the horizon */
} Entry;

struct _PmScheduler
{
  GTree *tree;                /* (element-type Entry) (owned): in order; without extra ones */
  GTree *future;              /* (element-type Entry): those in no lane yet, in order */
  GHashTable *by_id;          /* (element-type guint64 Entry): all */
  GHashTable *counts;         /* (element-type guint32 guint): messages by lane */
  GHashTable *lanes[N_RANKS]; /* (element-type guint32 Lane) */
  GQueue turns[N_RANKS];      /* (element-type Lane): whose turn it is */
  guint n_extra;
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
 * @limit: how many messages it keeps in memory at most; a tenth on top for those that must not wait
 *   behind others
 *
 * Returns: (transfer full): a scheduler that wants to load from the start
 */
PmScheduler *
pm_scheduler_new (guint limit)
{
  PmScheduler *scheduler = g_new0 (PmScheduler, 1);

  scheduler->tree = g_tree_new_full (compare_due, NULL, NULL, NULL);
  scheduler->future = g_tree_new_full (compare_due, NULL, NULL, NULL);
  scheduler->by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  scheduler->counts = g_hash_table_new (NULL, NULL);
  for (guint rank = 0; rank < N_RANKS; rank++)
    scheduler->lanes[rank] = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  scheduler->limit = limit;
  scheduler->horizon.time = G_MININT64;
  return scheduler;
}

void
pm_scheduler_free (PmScheduler *scheduler)
{
  if (scheduler == NULL)
    return;
  for (guint rank = 0; rank < N_RANKS; rank++)
    g_hash_table_unref (scheduler->lanes[rank]);
  g_tree_unref (scheduler->tree);
  g_tree_unref (scheduler->future);
  g_hash_table_unref (scheduler->counts);
  g_hash_table_unref (scheduler->by_id);
  g_free (scheduler);
}

static guint
get_rank (const Entry *entry)
{
  return MIN (entry->due.rank, N_RANKS - 1);
}

static guint
count_lane (PmScheduler *scheduler, guint32 lane)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (scheduler->counts, GUINT_TO_POINTER (lane)));
}

static void
change_count (PmScheduler *scheduler, guint32 lane, int by)
{
  guint count = count_lane (scheduler, lane) + (guint) by;

  if (count == 0)
    g_hash_table_remove (scheduler->counts, GUINT_TO_POINTER (lane));
  else
    g_hash_table_insert (scheduler->counts, GUINT_TO_POINTER (lane), GUINT_TO_POINTER (count));
}

static void
leave_lane (PmScheduler *scheduler, Entry *entry)
{
  Lane *lane = g_steal_pointer (&entry->lane);

  g_queue_unlink (&lane->entries, &entry->link);
  if (!g_queue_is_empty (&lane->entries))
    return;
  g_queue_unlink (&scheduler->turns[get_rank (entry)], &lane->turn);
  g_hash_table_remove (scheduler->lanes[get_rank (entry)], GUINT_TO_POINTER (lane->lane));
}

static void
take_out (PmScheduler *scheduler, Entry *entry)
{
  if (entry->lane != NULL)
    leave_lane (scheduler, entry);
  else
    g_tree_remove (scheduler->future, entry);
  if (entry->extra)
    scheduler->n_extra--;
  else
    g_tree_remove (scheduler->tree, entry);
  change_count (scheduler, entry->due.lane, -1);
  g_hash_table_remove (scheduler->by_id, &entry->due.message);
}

static void
put_in (PmScheduler *scheduler, const PmDue *due, gboolean extra)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->due = *due;
  entry->link.data = entry;
  entry->extra = extra;
  g_tree_insert (scheduler->future, entry, entry);
  if (extra)
    scheduler->n_extra++;
  else
    g_tree_insert (scheduler->tree, entry, entry);
  change_count (scheduler, due->lane, 1);
  g_hash_table_insert (scheduler->by_id, &entry->due.message, entry);
}

static void
drop_latest (PmScheduler *scheduler)
{
  Entry *last = g_tree_node_key (g_tree_node_last (scheduler->tree));

  scheduler->horizon = last->due;
  take_out (scheduler, last);
}

static gboolean
is_beyond (PmScheduler *scheduler, const PmDue *due)
{
  return compare_due (due, &scheduler->horizon, NULL) >= 0;
}

static void
add_before_horizon (PmScheduler *scheduler, const PmDue *due)
{
  pm_scheduler_remove (scheduler, due->message);
  if (is_beyond (scheduler, due))
    return;
  put_in (scheduler, due, FALSE);
  if ((guint) g_tree_nnodes (scheduler->tree) > scheduler->limit)
    drop_latest (scheduler);
}

/**
 * pm_scheduler_add_due:
 * @due: a message that is in the queue's file; a time it had before is forgotten
 *
 * Where so much is due before it that it is left on disk, it is kept in memory all the same when
 * little waits for its destination.
 */
void
pm_scheduler_add_due (PmScheduler *scheduler, const PmDue *due)
{
  add_before_horizon (scheduler, due);
  if (is_beyond (scheduler, due) && !g_hash_table_contains (scheduler->by_id, &due->message) &&
      scheduler->horizon.time != G_MININT64 &&
      count_lane (scheduler, due->lane) < scheduler->limit / LANE_SHARE &&
      scheduler->n_extra < scheduler->limit / EXTRA_SHARE)
    put_in (scheduler, due, TRUE);
}

/**
 * pm_scheduler_add:
 * @message: a message that is in the queue's file, with this time
 * @time: when it is due; a time it had before is forgotten
 */
void
pm_scheduler_add (PmScheduler *scheduler, guint64 message, gint64 time)
{
  PmDue due = { .time = time, .message = message, .rank = 1 };

  add_before_horizon (scheduler, &due);
}

void
pm_scheduler_remove (PmScheduler *scheduler, guint64 message)
{
  Entry *entry = g_hash_table_lookup (scheduler->by_id, &message);

  if (entry != NULL)
    take_out (scheduler, entry);
}

static void
enter_lane (PmScheduler *scheduler, Entry *entry)
{
  guint rank = get_rank (entry);
  gpointer key = GUINT_TO_POINTER (entry->due.lane);
  Lane *lane = g_hash_table_lookup (scheduler->lanes[rank], key);

  if (lane == NULL)
    {
      lane = g_new0 (Lane, 1);
      lane->lane = entry->due.lane;
      lane->turn.data = lane;
      g_hash_table_insert (scheduler->lanes[rank], key, lane);
      g_queue_push_tail_link (&scheduler->turns[rank], &lane->turn);
    }
  entry->lane = lane;
  g_queue_push_tail_link (&lane->entries, &entry->link);
}

/* Whose time has come lines up. */
static void
line_up (PmScheduler *scheduler, gint64 now)
{
  GTreeNode *node;

  while ((node = g_tree_node_first (scheduler->future)) != NULL)
    {
      Entry *entry = g_tree_node_key (node);

      if (entry->due.time > now)
        return;
      g_tree_remove (scheduler->future, entry);
      enter_lane (scheduler, entry);
    }
}

/**
 * pm_scheduler_pop_due:
 * @now: microseconds since 1970
 * @due: (out): a message that is due, which is taken out: of the highest rank, of the lane whose
 *   turn it is, the earliest
 *
 * Returns: whether there is one in memory
 */
gboolean
pm_scheduler_pop_due (PmScheduler *scheduler, gint64 now, PmDue *due)
{
  line_up (scheduler, now);
  for (guint rank = 0; rank < N_RANKS; rank++)
    {
      Lane *lane = g_queue_peek_head (&scheduler->turns[rank]);
      Entry *entry;

      if (lane == NULL)
        continue;
      entry = g_queue_peek_head (&lane->entries);
      *due = entry->due;
      g_queue_unlink (&scheduler->turns[rank], &lane->turn);
      g_queue_push_tail_link (&scheduler->turns[rank], &lane->turn);
      take_out (scheduler, entry);
      return TRUE;
    }
  return FALSE;
}

/**
 * pm_scheduler_pop:
 * @message: (out): the message, see pm_scheduler_pop_due()
 */
gboolean
pm_scheduler_pop (PmScheduler *scheduler, gint64 now, guint64 *message)
{
  PmDue due;

  if (!pm_scheduler_pop_due (scheduler, now, &due))
    return FALSE;
  *message = due.message;
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
  GTreeNode *first = g_tree_node_first (scheduler->future);

  for (guint rank = 0; rank < N_RANKS; rank++)
    if (!g_queue_is_empty (&scheduler->turns[rank]))
      {
        Lane *lane = g_queue_peek_head (&scheduler->turns[rank]);

        return ((Entry *) g_queue_peek_head (&lane->entries))->due.time;
      }
  if (first == NULL)
    return scheduler->horizon.time;
  return MIN (((Entry *) g_tree_node_key (first))->due.time,
              g_tree_nnodes (scheduler->tree) == 0 ? scheduler->horizon.time : G_MAXINT64);
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
  for (guint rank = 0; rank < N_RANKS; rank++)
    {
      g_queue_init (&scheduler->turns[rank]);
      g_hash_table_remove_all (scheduler->lanes[rank]);
    }
  g_tree_remove_all (scheduler->tree);
  g_tree_remove_all (scheduler->future);
  g_hash_table_remove_all (scheduler->counts);
  g_hash_table_remove_all (scheduler->by_id);
  scheduler->n_extra = 0;
  scheduler->horizon = (PmDue){ .time = G_MININT64 };
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
  if (g_tree_nnodes (scheduler->tree) > 0 || scheduler->horizon.time > now)
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
    scheduler->horizon = (PmDue){ .time = due[n - 1].time, .message = due[n - 1].message + 1 };
  for (guint i = 0; i < n; i++)
    add_before_horizon (scheduler, &due[i]);
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
