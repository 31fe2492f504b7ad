// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A ceiling on outgoing connections. Whoever is over it waits in a queue that holds as many as
// there are attempts under way, which has a ceiling of its own; nobody is turned away.

#include "relay/pm-limiter.h"

typedef struct
{
  char *destination;
  PmReactor *reactor;
  PmReactorFunc func;
  gpointer data;
} Waiter;

struct _PmLimiter
{
  GMutex lock;
  guint total_limit;
  guint destination_limit;
  guint total;
  GHashTable *by_destination; /* (element-type utf8 guint) */
  GQueue waiters;             /* (element-type Waiter) */
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
  limiter->by_destination = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&limiter->waiters);
  return limiter;
}

void
pm_limiter_free (PmLimiter *limiter)
{
  if (limiter == NULL)
    return;
  g_queue_clear_full (&limiter->waiters, (GDestroyNotify) free_waiter);
  g_hash_table_unref (limiter->by_destination);
  g_mutex_clear (&limiter->lock);
  g_free (limiter);
}

static guint
count (PmLimiter *limiter, const char *destination)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (limiter->by_destination, destination));
}

static gboolean
has_room (PmLimiter *limiter, const char *destination)
{
  return limiter->total < limiter->total_limit &&
         count (limiter, destination) < limiter->destination_limit;
}

static void
grant (PmLimiter *limiter, Waiter *waiter)
{
  limiter->total++;
  g_hash_table_insert (limiter->by_destination, g_strdup (waiter->destination),
                       GUINT_TO_POINTER (count (limiter, waiter->destination) + 1));
  pm_reactor_invoke (waiter->reactor, waiter->func, waiter->data);
  free_waiter (waiter);
}

static void
grant_waiters (PmLimiter *limiter)
{
  GList *next;

  for (GList *l = limiter->waiters.head; l != NULL; l = next)
    {
      Waiter *waiter = l->data;

      next = l->next;
      if (!has_room (limiter, waiter->destination))
        continue;
      g_queue_delete_link (&limiter->waiters, l);
      grant (limiter, waiter);
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
  limiter->destination_limit = MAX (per_destination, 1);
  grant_waiters (limiter);
  g_mutex_unlock (&limiter->lock);
}

/**
 * pm_limiter_acquire:
 * @func: called in @reactor's thread when there is room, never from in here; from then on the place
 *   is taken until pm_limiter_release()
 */
void
pm_limiter_acquire (PmLimiter *limiter,
                    const char *destination,
                    PmReactor *reactor,
                    PmReactorFunc func,
                    gpointer data)
{
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->destination = g_strdup (destination);
  waiter->reactor = reactor;
  waiter->func = func;
  waiter->data = data;

  g_mutex_lock (&limiter->lock);
  if (has_room (limiter, destination))
    grant (limiter, waiter);
  else
    g_queue_push_tail (&limiter->waiters, waiter);
  g_mutex_unlock (&limiter->lock);
}

void
pm_limiter_release (PmLimiter *limiter, const char *destination)
{
  guint left;

  g_mutex_lock (&limiter->lock);
  left = count (limiter, destination) - 1;
  limiter->total--;
  if (left == 0)
    g_hash_table_remove (limiter->by_destination, destination);
  else
    g_hash_table_insert (limiter->by_destination, g_strdup (destination), GUINT_TO_POINTER (left));
  grant_waiters (limiter);
  g_mutex_unlock (&limiter->lock);
}
