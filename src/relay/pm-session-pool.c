// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Connections that wait for more mail. What it promises: no more than the limiter counts, none
// longer than a few seconds, and one that the host closes leaves at once.

#include "relay/pm-session-pool.h"

#define MAX_SIZE 200

/* A session that waits. */
typedef struct
{
  PmSessionPool *pool;
  char *destination;
  PmSession *session; /* (owned) */
  PmTimer timer;
  GList of_destination; /* in the destination's list: latest first */
  GList of_pool;        /* in the pool's list: latest first */
} Item;

struct _PmSessionPool
{
  PmLimiterHolder holder; /* first, so that the limiter's calls find the pool */
  PmLimiter *limiter;
  gint64 idle;
  GHashTable *destinations; /* (element-type utf8 GQueue) */
  GQueue items;             /* (element-type Item) */
};

/* (transfer full): the session; the item is gone */
static PmSession *
take_out (Item *item)
{
  PmSessionPool *self = item->pool;
  PmSession *session = item->session;
  GQueue *queue = g_hash_table_lookup (self->destinations, item->destination);

  g_queue_unlink (queue, &item->of_destination);
  g_queue_unlink (&self->items, &item->of_pool);
  if (g_queue_is_empty (queue))
    g_hash_table_remove (self->destinations, item->destination);
  pm_timer_clear (&item->timer);
  g_free (item->destination);
  g_free (item);
  return session;
}

/* @polite: the host is told */
static void
discard (Item *item, gboolean polite)
{
  PmSessionPool *self = item->pool;
  g_autofree char *destination = g_strdup (item->destination);
  PmSession *session = take_out (item);

  if (polite)
    pm_session_quit (session);
  else
    pm_session_free (session);
  pm_limiter_forget_kept (self->limiter, destination, &self->holder);
}

static void
idle_cb (gpointer data)
{
  discard (data, TRUE);
}

/* The host has closed it, or has said something that nobody asked for. */
static void
lost_cb (PmSession *session, PmSessionEnd end, const PmSmtpReply *reply, gpointer data)
{
  discard (data, FALSE);
}

static const PmSessionHandler waiting_handler = { .over = lost_cb };

static void
give_up (PmLimiterHolder *holder, const char *destination)
{
  PmSessionPool *self = (PmSessionPool *) holder;
  GQueue *queue = g_hash_table_lookup (self->destinations, destination);

  if (queue != NULL)
    discard (queue->tail->data, TRUE);
}

PmSessionPool *
pm_session_pool_new (PmLimiter *limiter, PmReactor *reactor, gint64 idle)
{
  PmSessionPool *self = g_new0 (PmSessionPool, 1);

  self->holder.reactor = reactor;
  self->holder.give_up = give_up;
  self->limiter = limiter;
  self->idle = idle;
  self->destinations = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_queue_init (&self->items);
  return self;
}

void
pm_session_pool_clear (PmSessionPool *self)
{
  while (!g_queue_is_empty (&self->items))
    discard (self->items.tail->data, TRUE);
}

void
pm_session_pool_free (PmSessionPool *self)
{
  if (self == NULL)
    return;
  while (!g_queue_is_empty (&self->items))
    discard (self->items.tail->data, FALSE);
  g_hash_table_unref (self->destinations);
  g_free (self);
}

PmLimiterHolder *
pm_session_pool_get_holder (PmSessionPool *self)
{
  return &self->holder;
}

PmSession *
pm_session_pool_take (PmSessionPool *self, const char *destination)
{
  GQueue *queue = g_hash_table_lookup (self->destinations, destination);

  return queue != NULL ? take_out (queue->head->data) : NULL;
}

static GQueue *
get_queue (PmSessionPool *self, const char *destination)
{
  GQueue *queue = g_hash_table_lookup (self->destinations, destination);

  if (queue == NULL)
    {
      queue = g_new0 (GQueue, 1);
      g_queue_init (queue);
      g_hash_table_insert (self->destinations, g_strdup (destination), queue);
    }
  return queue;
}

void
pm_session_pool_give (PmSessionPool *self, const char *destination, PmSession *session)
{
  Item *item;

  if (self->items.length >= MAX_SIZE)
    discard (self->items.tail->data, TRUE);
  if (!pm_limiter_keep (self->limiter, destination, &self->holder))
    {
      pm_session_quit (session);
      return;
    }
  item = g_new0 (Item, 1);
  item->pool = self;
  item->destination = g_strdup (destination);
  item->session = session;
  item->of_destination.data = item->of_pool.data = item;
  pm_timer_init (&item->timer, self->holder.reactor, idle_cb, item);
  pm_timer_set_after (&item->timer, self->idle);
  g_queue_push_head_link (get_queue (self, destination), &item->of_destination);
  g_queue_push_head_link (&self->items, &item->of_pool);
  pm_session_set_handler (session, &waiting_handler, item);
}
