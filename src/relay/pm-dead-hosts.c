// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who did not answer. What it promises: nobody is left alone for longer than a quarter of an hour,
// one answer forgives everything, and the memory has a ceiling.

#include "relay/pm-dead-hosts.h"

#include <string.h>

typedef struct
{
  guint8 bytes[16];
  guint8 size;
  guint16 port;
} Key;

typedef struct
{
  Key key;
  gint64 until;
  gint64 period;
} Host;

struct _PmDeadHosts
{
  GMutex lock;
  GHashTable *hosts; /* (element-type Key Host): the key is the host's */
  guint count;       /* atomic: so that asking costs nothing while all is well */
};

static guint
hash_key (gconstpointer data)
{
  const Key *key = data;
  guint hash = key->port;

  for (guint i = 0; i < key->size; i++)
    hash = hash * 33 + key->bytes[i];
  return hash;
}

static gboolean
equal_keys (gconstpointer a, gconstpointer b)
{
  const Key *x = a;
  const Key *y = b;

  return x->size == y->size && x->port == y->port && memcmp (x->bytes, y->bytes, x->size) == 0;
}

static void
make_key (GInetAddress *address, guint16 port, Key *key)
{
  memset (key, 0, sizeof *key);
  key->size = (guint8) MIN (g_inet_address_get_native_size (address), sizeof key->bytes);
  key->port = port;
  memcpy (key->bytes, g_inet_address_to_bytes (address), key->size);
}

PmDeadHosts *
pm_dead_hosts_new (void)
{
  PmDeadHosts *self = g_new0 (PmDeadHosts, 1);

  g_mutex_init (&self->lock);
  self->hosts = g_hash_table_new_full (hash_key, equal_keys, NULL, g_free);
  return self;
}

void
pm_dead_hosts_free (PmDeadHosts *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->hosts);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
set_count (PmDeadHosts *self)
{
  __atomic_store_n (&self->count, g_hash_table_size (self->hosts), __ATOMIC_RELEASE);
}

static gboolean
is_over_cb (gpointer key, gpointer value, gpointer data)
{
  return ((Host *) value)->until <= *(gint64 *) data;
}

/* At the ceiling, those whose time is over go; where none is, all: they are found dead again. */
static void
make_room (PmDeadHosts *self, gint64 now)
{
  if (g_hash_table_size (self->hosts) < PM_DEAD_HOSTS_MAX)
    return;
  g_hash_table_foreach_remove (self->hosts, is_over_cb, &now);
  if (g_hash_table_size (self->hosts) >= PM_DEAD_HOSTS_MAX)
    g_hash_table_remove_all (self->hosts);
}

void
pm_dead_hosts_note_failure (
    PmDeadHosts *self, GInetAddress *address, guint16 port, gint64 now, gint64 longest)
{
  Host *host;
  Key key;

  make_key (address, port, &key);
  g_mutex_lock (&self->lock);
  host = g_hash_table_lookup (self->hosts, &key);
  if (host == NULL)
    {
      make_room (self, now);
      host = g_new0 (Host, 1);
      host->key = key;
      g_hash_table_insert (self->hosts, &host->key, host);
    }
  // Several that were under way at once are one failure.
  if (host->until <= now)
    {
      host->period = host->period == 0 ? PM_DEAD_HOSTS_FIRST
                                       : MIN (2 * host->period, PM_DEAD_HOSTS_LONGEST);
      host->until = now + MIN (host->period, longest);
    }
  set_count (self);
  g_mutex_unlock (&self->lock);
}

void
pm_dead_hosts_note_answer (PmDeadHosts *self, GInetAddress *address, guint16 port)
{
  Key key;

  if (pm_dead_hosts_count (self) == 0)
    return;
  make_key (address, port, &key);
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->hosts, &key);
  set_count (self);
  g_mutex_unlock (&self->lock);
}

gint64
pm_dead_hosts_get (PmDeadHosts *self, GInetAddress *address, guint16 port, gint64 now)
{
  const Host *host;
  gint64 until;
  Key key;

  if (pm_dead_hosts_count (self) == 0)
    return 0;
  make_key (address, port, &key);
  g_mutex_lock (&self->lock);
  host = g_hash_table_lookup (self->hosts, &key);
  until = host != NULL && host->until > now ? host->until : 0;
  // The clock was set back: what lies further ahead than ever was said is not meant.
  if (until > now + PM_DEAD_HOSTS_LONGEST)
    until = 0;
  g_mutex_unlock (&self->lock);
  return until;
}

void
pm_dead_hosts_clear (PmDeadHosts *self)
{
  g_mutex_lock (&self->lock);
  g_hash_table_remove_all (self->hosts);
  set_count (self);
  g_mutex_unlock (&self->lock);
}

guint
pm_dead_hosts_count (PmDeadHosts *self)
{
  return __atomic_load_n (&self->count, __ATOMIC_ACQUIRE);
}
