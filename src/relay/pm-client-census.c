// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who is connected, by address. It promises to hold an entry only for those who are.

#include "relay/pm-client-census.h"

#define IPV6_NETWORK_SIZE 8 /* bytes of a /64 */

struct _PmClientCensus
{
  GMutex lock;
  GHashTable *clients; /* (element-type GBytes guint): guarded by lock */
};

PmClientCensus *
pm_client_census_new (void)
{
  PmClientCensus *self = g_new0 (PmClientCensus, 1);

  g_mutex_init (&self->lock);
  self->clients = g_hash_table_new_full (g_bytes_hash, g_bytes_equal,
                                         (GDestroyNotify) g_bytes_unref, NULL);
  return self;
}

void
pm_client_census_free (PmClientCensus *self)
{
  g_hash_table_unref (self->clients);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Returns: (transfer full) (nullable): what @client is counted as; %NULL when it is not */
static GBytes *
get_key (GInetAddress *client)
{
  gsize size = g_inet_address_get_native_size (client);

  if (g_inet_address_get_is_loopback (client))
    return NULL;
  if (g_inet_address_get_family (client) == G_SOCKET_FAMILY_IPV6)
    size = IPV6_NETWORK_SIZE;
  return g_bytes_new (g_inet_address_to_bytes (client), size);
}

/**
 * pm_client_census_enter:
 * @limit: how many connections @client may have
 *
 * Returns: whether it may have one more; it is counted then, until pm_client_census_leave()
 */
gboolean
pm_client_census_enter (PmClientCensus *self, GInetAddress *client, guint limit)
{
  g_autoptr (GBytes) key = get_key (client);
  gboolean room;
  guint n;

  if (key == NULL)
    return TRUE;
  g_mutex_lock (&self->lock);
  n = GPOINTER_TO_UINT (g_hash_table_lookup (self->clients, key));
  room = n < limit;
  if (room)
    g_hash_table_replace (self->clients, g_bytes_ref (key), GUINT_TO_POINTER (n + 1));
  g_mutex_unlock (&self->lock);
  return room;
}

void
pm_client_census_leave (PmClientCensus *self, GInetAddress *client)
{
  g_autoptr (GBytes) key = get_key (client);
  guint n;

  if (key == NULL)
    return;
  g_mutex_lock (&self->lock);
  n = GPOINTER_TO_UINT (g_hash_table_lookup (self->clients, key));
  if (n > 1)
    g_hash_table_replace (self->clients, g_bytes_ref (key), GUINT_TO_POINTER (n - 1));
  else
    g_hash_table_remove (self->clients, key);
  g_mutex_unlock (&self->lock);
}
