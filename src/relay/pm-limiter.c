// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A ceiling on outgoing connections, and for each destination a window below it that follows what
// the destination can take. Whoever is over it waits in a line; a line that is full turns away, and
// its owner comes again when there is room (see PmParking).

#include "relay/pm-limiter.h"

#define MAX_REMEMBERED 2000 /* windows of destinations that nobody sends to now */

typedef struct
{
  PmLimiterHolder *holder;
  PmReactorFunc func;
  gpointer data;
} Waiter;

/* One destination that somebody sends to, waits for, or keeps connections to. */
typedef struct
{
  char *name;
  guint taken;
  guint window;
  GHashTable *kept; /* (element-type PmLimiterHolder guint): connections without work */
  guint n_kept;
  GQueue waiters; /* (element-type Waiter) */
  GList link;     /* in lines, while somebody waits */
  gboolean in_line;
} Place;

struct _PmLimiter
{
  GMutex lock;
  guint total_limit;
  guint destination_limit;
  guint total;        /* taken and kept */
  guint waiting;      /* in all */
  guint n_idle;       /* places that are remembered for their window only */
  GHashTable *places; /* (element-type utf8 Place) */
  GQueue lines;       /* (element-type Place): in turn */
};

/* A call of a holder in its own thread. */
typedef struct
{
  PmLimiterHolder *holder;
  char *destination;
} GiveUp;

static void
free_place (Place *place)
{
  g_queue_clear_full (&place->waiters, g_free);
  g_hash_table_unref (place->kept);
  g_free (place->name);
  g_free (place);
}

PmLimiter *
pm_limiter_new (void)
{
  PmLimiter *limiter = g_new0 (PmLimiter, 1);

  g_mutex_init (&limiter->lock);
  limiter->total_limit = 1;
  limiter->destination_limit = 1;
  limiter->places =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) free_place);
  g_queue_init (&limiter->lines);
  return limiter;
}

void
pm_limiter_free (PmLimiter *limiter)
{
  if (limiter == NULL)
    return;
  g_hash_table_unref (limiter->places);
  g_mutex_clear (&limiter->lock);
  g_free (limiter);
}

static gboolean
is_idle (const Place *place)
{
  return place->taken == 0 && place->n_kept == 0 && g_queue_is_empty ((GQueue *) &place->waiters);
}

static Place *
get_place (PmLimiter *limiter, const char *destination)
{
  Place *place = g_hash_table_lookup (limiter->places, destination);

  if (place != NULL)
    {
      if (is_idle (place))
        limiter->n_idle--;
      return place;
    }
  place = g_new0 (Place, 1);
  place->name = g_strdup (destination);
  place->window = MIN (PM_LIMITER_FIRST_WINDOW, limiter->destination_limit);
  place->kept = g_hash_table_new (NULL, NULL);
  place->link.data = place;
  g_queue_init (&place->waiters);
  g_hash_table_insert (limiter->places, place->name, place);
  return place;
}

static gboolean
forget_cb (gpointer key, gpointer value, gpointer data)
{
  return is_idle (value);
}

/* The end of what get_place() began: a place that nobody uses is one that is only remembered. */
static void
put_place (PmLimiter *limiter, Place *place)
{
  if (!is_idle (place))
    return;
  if (++limiter->n_idle <= MAX_REMEMBERED)
    return;
  g_hash_table_foreach_remove (limiter->places, forget_cb, NULL);
  limiter->n_idle = 0;
}

static guint
get_width (const PmLimiter *limiter, const Place *place)
{
  return MIN (place->window, limiter->destination_limit);
}

static gboolean
is_free (const PmLimiter *limiter, const Place *place)
{
  return limiter->total < limiter->total_limit &&
         place->taken + place->n_kept < get_width (limiter, place);
}

/* How many more may wait for @place. */
static guint
get_line_room (const PmLimiter *limiter, guint waiting, guint width)
{
  guint line = width * PM_LIMITER_WAITING_PER_PLACE;

  if (waiting >= line || limiter->waiting >= PM_LIMITER_MAX_WAITING)
    return 0;
  return MIN (line - waiting, PM_LIMITER_MAX_WAITING - limiter->waiting);
}

static void
count_kept (PmLimiter *limiter, Place *place, PmLimiterHolder *holder, int by)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (place->kept, holder));

  g_hash_table_insert (place->kept, holder, GUINT_TO_POINTER (n + (guint) by));
  place->n_kept += (guint) by;
  limiter->total += (guint) by;
}

static gboolean
keeps (const Place *place, PmLimiterHolder *holder)
{
  return place->n_kept > 0 && g_hash_table_lookup (place->kept, holder) != NULL;
}

static void
take (PmLimiter *limiter, Place *place)
{
  limiter->total++;
  place->taken++;
}

static void
leave_line (PmLimiter *limiter, Place *place, GList *link)
{
  g_queue_delete_link (&place->waiters, link);
  limiter->waiting--;
  if (g_queue_is_empty (&place->waiters) && place->in_line)
    {
      g_queue_unlink (&limiter->lines, &place->link);
      place->in_line = FALSE;
    }
}

static void
call_waiter (PmLimiter *limiter, Place *place, GList *link)
{
  g_autofree Waiter *waiter = link->data;

  leave_line (limiter, place, link);
  pm_reactor_invoke (waiter->holder->reactor, waiter->func, waiter->data);
}

static void
grant_place (PmLimiter *limiter, Place *place)
{
  while (!g_queue_is_empty (&place->waiters) && is_free (limiter, place))
    {
      take (limiter, place);
      call_waiter (limiter, place, place->waiters.head);
    }
}

/* Room in all: each destination in turn gets one, so that the longest line does not get it all. */
static void
grant_waiters (PmLimiter *limiter)
{
  guint idle_turns = 0;

  while (limiter->total < limiter->total_limit && idle_turns < limiter->lines.length)
    {
      Place *place = limiter->lines.head->data;

      g_queue_unlink (&limiter->lines, &place->link);
      g_queue_push_tail_link (&limiter->lines, &place->link);
      if (!is_free (limiter, place))
        {
          idle_turns++;
          continue;
        }
      idle_turns = 0;
      take (limiter, place);
      call_waiter (limiter, place, place->waiters.head);
    }
}

/**
 * pm_limiter_set_limits:
 * @total: connections in all
 * @per_destination: connections to one destination
 *
 * Zero does not mean stop (see the transfer mode): it counts as one.
 */
void
pm_limiter_set_limits (PmLimiter *limiter, guint total, guint per_destination)
{
  g_mutex_lock (&limiter->lock);
  limiter->total_limit = MAX (total, 1);
  limiter->destination_limit = CLAMP (per_destination, 1, G_MAXUINT / PM_LIMITER_WAITING_PER_PLACE);
  grant_waiters (limiter);
  g_mutex_unlock (&limiter->lock);
}

static void
give_up_cb (gpointer data)
{
  g_autofree GiveUp *call = data;
  g_autofree char *destination = call->destination;

  call->holder->give_up (call->holder, destination);
}

/* Asks one of those who keep connections to @place to close one. */
static void
ask_for_kept (Place *place)
{
  GHashTableIter iter;
  gpointer holder;
  gpointer n;

  g_hash_table_iter_init (&iter, place->kept);
  while (g_hash_table_iter_next (&iter, &holder, &n))
    if (n != NULL)
      {
        GiveUp *call = g_new0 (GiveUp, 1);

        call->holder = holder;
        call->destination = g_strdup (place->name);
        pm_reactor_invoke (call->holder->reactor, give_up_cb, call);
        return;
      }
}

/* What is kept must not stand in the way of somebody who has mail to send. */
static void
make_way (PmLimiter *limiter, Place *place)
{
  GHashTableIter iter;
  gpointer other;

  if (place->n_kept > 0)
    {
      ask_for_kept (place);
      return;
    }
  if (limiter->total < limiter->total_limit)
    return;
  g_hash_table_iter_init (&iter, limiter->places);
  while (g_hash_table_iter_next (&iter, NULL, &other))
    if (((Place *) other)->n_kept > 0)
      {
        ask_for_kept (other);
        return;
      }
}

static void
join_line (PmLimiter *limiter, Place *place, const Waiter *waiter)
{
  g_queue_push_tail (&place->waiters, g_memdup2 (waiter, sizeof *waiter));
  limiter->waiting++;
  if (!place->in_line)
    g_queue_push_tail_link (&limiter->lines, &place->link);
  place->in_line = TRUE;
}

/**
 * pm_limiter_acquire:
 * @holder: whose kept connections the caller can use
 * @func: where the answer is to wait, called in the holder's thread when there is room; never from
 *   in here
 *
 * A place that is granted is taken until pm_limiter_release() or pm_limiter_keep().
 */
PmLimiterAnswer
pm_limiter_acquire (PmLimiter *limiter,
                    const char *destination,
                    PmLimiterHolder *holder,
                    PmReactorFunc func,
                    gpointer data)
{
  PmLimiterAnswer answer = PM_LIMITER_GRANTED;
  Waiter waiter = { holder, func, data };
  Place *place;

  g_mutex_lock (&limiter->lock);
  place = get_place (limiter, destination);
  if (keeps (place, holder))
    {
      count_kept (limiter, place, holder, -1);
      take (limiter, place);
    }
  else if (g_queue_is_empty (&place->waiters) && is_free (limiter, place))
    take (limiter, place);
  else if (get_line_room (limiter, place->waiters.length, get_width (limiter, place)) > 0)
    {
      join_line (limiter, place, &waiter);
      make_way (limiter, place);
      answer = PM_LIMITER_WAITING;
    }
  else
    answer = PM_LIMITER_FULL;
  put_place (limiter, place);
  g_mutex_unlock (&limiter->lock);
  return answer;
}

static void
learn (const PmLimiter *limiter, Place *place, PmLimiterFeedback feedback)
{
  if (feedback == PM_LIMITER_SUCCESS && place->window < limiter->destination_limit)
    place->window++;
  else if (feedback == PM_LIMITER_FAILURE)
    place->window = MAX (get_width (limiter, place) / 2, 1);
}

/**
 * pm_limiter_release:
 *
 * The place is free: nothing is sent any more, and the connection is closed.
 */
void
pm_limiter_release (PmLimiter *limiter, const char *destination, PmLimiterFeedback feedback)
{
  gboolean scarce;
  Place *place;

  g_mutex_lock (&limiter->lock);
  place = get_place (limiter, destination);
  scarce = limiter->total >= limiter->total_limit;
  learn (limiter, place, feedback);
  limiter->total--;
  place->taken--;
  if (scarce)
    grant_waiters (limiter);
  grant_place (limiter, place);
  put_place (limiter, place);
  g_mutex_unlock (&limiter->lock);
}

static GList *
find_waiter (Place *place, PmLimiterHolder *holder)
{
  guint looked = 0;

  for (GList *l = place->waiters.head; l != NULL && looked < PM_LIMITER_WAITING_PER_PLACE;
       l = l->next, looked++)
    if (((Waiter *) l->data)->holder == holder)
      return l;
  return NULL;
}

/**
 * pm_limiter_keep:
 *
 * A message has gone well, and @holder would keep the connection. Instead of pm_limiter_release().
 *
 * Returns: whether it may: when not, the place is free, and the connection is to be closed
 */
gboolean
pm_limiter_keep (PmLimiter *limiter, const char *destination, PmLimiterHolder *holder)
{
  GList *next;
  gboolean keep = TRUE;
  Place *place;

  g_mutex_lock (&limiter->lock);
  place = get_place (limiter, destination);
  learn (limiter, place, PM_LIMITER_SUCCESS);
  next = find_waiter (place, holder);
  if (next != NULL)
    // It gets the place together with the connection.
    call_waiter (limiter, place, next);
  else if (!g_queue_is_empty (&place->waiters) || limiter->total > limiter->total_limit ||
           (limiter->waiting > 0 && limiter->total >= limiter->total_limit))
    {
      keep = FALSE;
      limiter->total--;
      place->taken--;
      grant_waiters (limiter);
    }
  else
    {
      limiter->total--;
      place->taken--;
      count_kept (limiter, place, holder, 1);
    }
  grant_place (limiter, place);
  put_place (limiter, place);
  g_mutex_unlock (&limiter->lock);
  return keep;
}

/**
 * pm_limiter_forget_kept:
 *
 * A connection that was kept is closed, and was not handed to anybody.
 */
void
pm_limiter_forget_kept (PmLimiter *limiter, const char *destination, PmLimiterHolder *holder)
{
  Place *place;

  g_mutex_lock (&limiter->lock);
  place = get_place (limiter, destination);
  // Where somebody has been promised it, he opens one of his own.
  if (keeps (place, holder))
    {
      count_kept (limiter, place, holder, -1);
      grant_waiters (limiter);
    }
  put_place (limiter, place);
  g_mutex_unlock (&limiter->lock);
}

/**
 * pm_limiter_get_room:
 *
 * Returns: how many more may wait for @destination now
 */
guint
pm_limiter_get_room (PmLimiter *limiter, const char *destination)
{
  const Place *place;
  guint room;

  g_mutex_lock (&limiter->lock);
  place = g_hash_table_lookup (limiter->places, destination);
  if (place != NULL)
    room = get_line_room (limiter, place->waiters.length, get_width (limiter, place));
  else
    room = get_line_room (limiter, 0, MIN (PM_LIMITER_FIRST_WINDOW, limiter->destination_limit));
  g_mutex_unlock (&limiter->lock);
  return room;
}

/**
 * pm_limiter_get_window:
 *
 * Returns: how many connections @destination may have now
 */
guint
pm_limiter_get_window (PmLimiter *limiter, const char *destination)
{
  const Place *place;
  guint window;

  g_mutex_lock (&limiter->lock);
  place = g_hash_table_lookup (limiter->places, destination);
  window = place != NULL ? get_width (limiter, place)
                         : MIN (PM_LIMITER_FIRST_WINDOW, limiter->destination_limit);
  g_mutex_unlock (&limiter->lock);
  return window;
}
