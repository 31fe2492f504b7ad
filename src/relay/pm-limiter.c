// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A ceiling on outgoing connections. Whoever is over it waits in a line; a line that is full turns
// away, and its owner comes again when there is room (see PmParking).

#include "relay/pm-limiter.h"

typedef struct
{
  char *destination;
  PmReactor *reactor;
  PmReactorFunc func;
  gpointer data;
} Waiter;

/* One destination that somebody sends to or waits for. */
typedef struct
{
  guint taken;
  guint waiting;
} Place;

struct _PmLimiter
{
  GMutex lock;
  guint total_limit;
  guint destination_limit;
  guint total;
  GHashTable *places; /* (element-type utf8 Place) */
  GQueue waiters;     /* (element-type Waiter) */
};

static void
free_waiter (Waiter *waiter)
{
  g_free (waiter->destination);
  g_free (waiter);
}

PmLimiter *
pm_limiter_new (void)
{
  PmLimiter *limiter = g_new0 (PmLimiter, 1);

  g_mutex_init (&limiter->lock);
  limiter->total_limit = 1;
  limiter->destination_limit = 1;
  limiter->places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_queue_init (&limiter->waiters);
  return limiter;
}

void
pm_limiter_free (PmLimiter *limiter)
{
  if (limiter == NULL)
    return;
  g_queue_clear_full (&limiter->waiters, (GDestroyNotify) free_waiter);
  g_hash_table_unref (limiter->places);
  g_mutex_clear (&limiter->lock);
  g_free (limiter);
}

static Place *
get_place (PmLimiter *limiter, const char *destination)
{
  Place *place = g_hash_table_lookup (limiter->places, destination);

  if (place == NULL)
    {
      place = g_new0 (Place, 1);
      g_hash_table_insert (limiter->places, g_strdup (destination), place);
    }
  return place;
}

static gboolean
is_free (const PmLimiter *limiter, const Place *place)
{
  return limiter->total < limiter->total_limit && place->taken < limiter->destination_limit;
}

/* How many more may wait for @place. */
static guint
get_room (PmLimiter *limiter, const Place *place)
{
  guint waiting = g_queue_get_length (&limiter->waiters);
  guint line = limiter->destination_limit * PM_LIMITER_WAITING_PER_PLACE;

  if (place->waiting >= line || waiting >= PM_LIMITER_MAX_WAITING)
    return 0;
  return MIN (line - place->waiting, PM_LIMITER_MAX_WAITING - waiting);
}

static void
grant (PmLimiter *limiter, Place *place, Waiter *waiter)
{
  limiter->total++;
  place->taken++;
  pm_reactor_invoke (waiter->reactor, waiter->func, waiter->data);
  free_waiter (waiter);
}

static void
grant_waiters (PmLimiter *limiter)
{
  GList *next;

  for (GList *l = limiter->waiters.head; l != NULL && limiter->total < limiter->total_limit;
       l = next)
    {
      Waiter *waiter = l->data;
      Place *place = get_place (limiter, waiter->destination);

      next = l->next;
      if (!is_free (limiter, place))
        continue;
      g_queue_delete_link (&limiter->waiters, l);
      place->waiting--;
      grant (limiter, place, waiter);
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

/**
 * pm_limiter_acquire:
 * @func: called in @reactor's thread when there is room, never from in here; from then on the place
 *   is taken until pm_limiter_release()
 *
 * Returns: %FALSE, and nothing will be called, when too many wait already
 */
gboolean
pm_limiter_acquire (PmLimiter *limiter,
                    const char *destination,
                    PmReactor *reactor,
                    PmReactorFunc func,
                    gpointer data)
{
  gboolean taken = TRUE;
  Waiter *waiter = g_new0 (Waiter, 1);
  Place *place;

  waiter->destination = g_strdup (destination);
  waiter->reactor = reactor;
  waiter->func = func;
  waiter->data = data;

  g_mutex_lock (&limiter->lock);
  place = get_place (limiter, destination);
  if (is_free (limiter, place))
    grant (limiter, place, waiter);
  else if (get_room (limiter, place) > 0)
    {
      place->waiting++;
      g_queue_push_tail (&limiter->waiters, waiter);
    }
  else
    {
      taken = FALSE;
      free_waiter (waiter);
      if (place->taken == 0 && place->waiting == 0)
        g_hash_table_remove (limiter->places, destination);
    }
  g_mutex_unlock (&limiter->lock);
  return taken;
}

void
pm_limiter_release (PmLimiter *limiter, const char *destination)
{
  Place *place;

  g_mutex_lock (&limiter->lock);
  place = get_place (limiter, destination);
  limiter->total--;
  if (--place->taken == 0 && place->waiting == 0)
    g_hash_table_remove (limiter->places, destination);
  grant_waiters (limiter);
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
  static const Place nobody = { 0 };
  const Place *place;
  guint room;

  g_mutex_lock (&limiter->lock);
  place = g_hash_table_lookup (limiter->places, destination);
  room = get_room (limiter, place != NULL ? place : &nobody);
  g_mutex_unlock (&limiter->lock);
  return room;
}
