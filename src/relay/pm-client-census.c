// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who is connected, and how fast each comes, by address. It promises to forget: an entry lasts for
// as long as its client is connected or its past minute matters, and their number is bounded.

#include "relay/pm-client-census.h"

#include <string.h>

#define IPV6_NETWORK_SIZE 8 /* bytes of a /64 */
#define MINUTE (60 * G_USEC_PER_SEC)

typedef struct
{
  guint size;
  guint8 bytes[16];
} Key;

/*
 * A rate costs one number: the time up to which the client has used what it may. Each event moves
 * it on by a minute's share, and it may lie a minute ahead of now, not more.
 */
typedef struct
{
  Key key;
  guint connections;
  gint64 used_until[PM_CLIENT_N_EVENTS];
} Client;

struct _PmClientCensus
{
  GMutex lock;
  GHashTable *clients; /* (element-type Client Client) (owned): guarded by lock */
};

static guint
hash_key (gconstpointer data)
{
  const Key *key = data;
  guint hash = 5381;

  for (guint i = 0; i < key->size; i++)
    hash = hash * 33 + key->bytes[i];
  return hash;
}

static gboolean
keys_equal (gconstpointer a, gconstpointer b)
{
  const Key *one = a;
  const Key *other = b;

  return one->size == other->size && memcmp (one->bytes, other->bytes, one->size) == 0;
}

PmClientCensus *
pm_client_census_new (void)
{
  PmClientCensus *self = g_new0 (PmClientCensus, 1);

  g_mutex_init (&self->lock);
  self->clients = g_hash_table_new_full (hash_key, keys_equal, NULL, g_free);
  return self;
}

void
pm_client_census_free (PmClientCensus *self)
{
  g_hash_table_unref (self->clients);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Returns: whether @client is counted at all */
static gboolean
get_key (GInetAddress *client, Key *key)
{
  if (g_inet_address_get_is_loopback (client))
    return FALSE;
  key->size = (guint) g_inet_address_get_native_size (client);
  if (g_inet_address_get_family (client) == G_SOCKET_FAMILY_IPV6)
    key->size = IPV6_NETWORK_SIZE;
  memcpy (key->bytes, g_inet_address_to_bytes (client), key->size);
  return TRUE;
}

static gboolean
is_past (const Client *client, gint64 now)
{
  if (client->connections > 0)
    return FALSE;
  for (guint i = 0; i < PM_CLIENT_N_EVENTS; i++)
    if (client->used_until[i] > now)
      return FALSE;
  return TRUE;
}

static gboolean
is_past_cb (gpointer key, gpointer value, gpointer data)
{
  return is_past (value, *(const gint64 *) data);
}

static gboolean
is_absent_cb (gpointer key, gpointer value, gpointer data)
{
  guint *left = data;

  if (*left == 0 || ((const Client *) value)->connections > 0)
    return FALSE;
  --*left;
  return TRUE;
}

/*
 * What is past goes first. Where that is not enough, some of those who are not connected go with
 * it, many at once: looking through all of them for each new one is what an attacker would like.
 */
static void
make_room (PmClientCensus *self, gint64 now)
{
  guint surplus = PM_CLIENT_CENSUS_MAX / 16;

  if (g_hash_table_foreach_remove (self->clients, is_past_cb, &now) < surplus)
    g_hash_table_foreach_remove (self->clients, is_absent_cb, &surplus);
}

/* Returns: (nullable): the entry, made where there is none; %NULL when no more can be remembered */
static Client *
obtain (PmClientCensus *self, const Key *key, gint64 now)
{
  Client *client = g_hash_table_lookup (self->clients, key);

  if (client != NULL)
    return client;
  if (g_hash_table_size (self->clients) >= PM_CLIENT_CENSUS_MAX)
    make_room (self, now);
  if (g_hash_table_size (self->clients) >= PM_CLIENT_CENSUS_MAX)
    return NULL;
  client = g_new0 (Client, 1);
  client->key = *key;
  g_hash_table_insert (self->clients, client, client);
  return client;
}

/**
 * pm_client_census_enter:
 * @limit: how many connections @client may have; 0 for no limit
 *
 * Returns: whether it may have one more; it is counted then, until pm_client_census_leave()
 */
gboolean
pm_client_census_enter (PmClientCensus *self, GInetAddress *client, guint limit)
{
  g_autoptr (GMutexLocker) locker = NULL;
  Client *entry;
  Key key;

  if (!get_key (client, &key))
    return TRUE;
  locker = g_mutex_locker_new (&self->lock);
  entry = obtain (self, &key, g_get_monotonic_time ());
  if (entry == NULL || (limit > 0 && entry->connections >= limit))
    return FALSE;
  entry->connections++;
  return TRUE;
}

void
pm_client_census_leave (PmClientCensus *self, GInetAddress *client)
{
  g_autoptr (GMutexLocker) locker = NULL;
  Client *entry;
  Key key;

  if (!get_key (client, &key))
    return;
  locker = g_mutex_locker_new (&self->lock);
  entry = g_hash_table_lookup (self->clients, &key);
  g_return_if_fail (entry != NULL && entry->connections > 0);
  entry->connections--;
  if (is_past (entry, g_get_monotonic_time ()))
    g_hash_table_remove (self->clients, &key);
}

static gboolean
judge_rate (PmClientCensus *self,
            GInetAddress *client,
            PmClientEvent event,
            guint per_minute,
            gint64 now,
            gboolean count)
{
  g_autoptr (GMutexLocker) locker = NULL;
  gint64 share;
  gint64 used;
  Client *entry;
  Key key;

  if (per_minute == 0 || !get_key (client, &key))
    return TRUE;
  share = MINUTE / per_minute;
  locker = g_mutex_locker_new (&self->lock);
  entry = count ? obtain (self, &key, now) : g_hash_table_lookup (self->clients, &key);
  if (entry == NULL)
    return TRUE;
  used = MAX (entry->used_until[event], now) + share;
  if (used - now > MINUTE)
    return FALSE;
  if (count)
    entry->used_until[event] = used;
  return TRUE;
}

/**
 * pm_client_census_count:
 * @per_minute: how many of these @client may have in a minute; 0 for no limit
 * @now: by g_get_monotonic_time()
 *
 * Returns: whether it may; it is counted then. What is refused is not counted: a client that keeps
 *   asking gets its share, and no more
 */
gboolean
pm_client_census_count (PmClientCensus *self,
                        GInetAddress *client,
                        PmClientEvent event,
                        guint per_minute,
                        gint64 now)
{
  return judge_rate (self, client, event, per_minute, now, TRUE);
}

/**
 * pm_client_census_may:
 *
 * Returns: whether @client has one more of @event left, without counting it
 */
gboolean
pm_client_census_may (PmClientCensus *self,
                      GInetAddress *client,
                      PmClientEvent event,
                      guint per_minute,
                      gint64 now)
{
  return judge_rate (self, client, event, per_minute, now, FALSE);
}

/**
 * pm_client_census_get_size:
 *
 * Returns: how many clients are remembered
 */
guint
pm_client_census_get_size (PmClientCensus *self)
{
  guint size;

  g_mutex_lock (&self->lock);
  size = g_hash_table_size (self->clients);
  g_mutex_unlock (&self->lock);
  return size;
}
