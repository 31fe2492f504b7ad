// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What has just been accepted is delivered next. What it promises: no more than its bytes, the
// oldest go first, and nothing that was changed since: whoever changes a message removes it here
// before the commit, so that a reader finds either this or what is on disk, and both are right.

#include "queue/pm-queue-cache.h"

#include <string.h>

#define OVERHEAD 512 /* what a message takes besides its texts, about */

typedef struct
{
  guint64 id;
  PmQueueMessage *message; /* (owned) (nullable): until it is taken */
  GBytes *body;            /* (owned) (nullable): NULL where it is in a file */
  guint32 lane;
  guint8 rank;
  gsize cost;
  GList link;
} Entry;

struct _PmQueueCache
{
  GMutex lock;
  GHashTable *entries; /* (element-type guint64 Entry) */
  GQueue order;        /* (element-type Entry): oldest first */
  gsize bytes;
  gsize max_bytes;
};

static void
free_entry (Entry *entry)
{
  pm_queue_message_free (entry->message);
  g_clear_pointer (&entry->body, g_bytes_unref);
  g_free (entry);
}

PmQueueCache *
pm_queue_cache_new (gsize max_bytes)
{
  PmQueueCache *cache = g_new0 (PmQueueCache, 1);

  g_mutex_init (&cache->lock);
  cache->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
                                          (GDestroyNotify) free_entry);
  g_queue_init (&cache->order);
  cache->max_bytes = max_bytes;
  return cache;
}

void
pm_queue_cache_free (PmQueueCache *cache)
{
  if (cache == NULL)
    return;
  g_hash_table_unref (cache->entries);
  g_mutex_clear (&cache->lock);
  g_free (cache);
}

static void
drop (PmQueueCache *cache, Entry *entry)
{
  cache->bytes -= entry->cost;
  g_queue_unlink (&cache->order, &entry->link);
  g_hash_table_remove (cache->entries, &entry->id);
}

static gsize
get_cost (const PmQueueMessage *message, GBytes *body)
{
  gsize cost = OVERHEAD + (body != NULL ? g_bytes_get_size (body) : 0);

  for (guint i = 0; i < message->recipients->len; i++)
    {
      const PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, i);

      cost += OVERHEAD / 2 + 2 * strlen (recipient->address) + strlen (recipient->orcpt);
    }
  return cost;
}

/**
 * pm_queue_cache_add:
 * @message: (transfer full): committed, with its body, whose bytes are taken out of it
 */
void
pm_queue_cache_add (PmQueueCache *cache, PmQueueMessage *message)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->id = message->id;
  entry->link.data = entry;
  entry->body = pm_queue_body_take (message->body);
  message->size = pm_queue_body_get_size (message->body);
  g_clear_pointer (&message->body, pm_queue_body_free);
  entry->message = message;
  entry->lane = pm_queue_message_get_lane (message);
  entry->rank = (guint8) pm_queue_priority_rank (message->priority);
  entry->cost = get_cost (message, entry->body);

  g_mutex_lock (&cache->lock);
  while (cache->bytes + entry->cost > cache->max_bytes && !g_queue_is_empty (&cache->order))
    drop (cache, g_queue_peek_head (&cache->order));
  if (entry->cost > cache->max_bytes || g_hash_table_contains (cache->entries, &entry->id))
    free_entry (entry);
  else
    {
      cache->bytes += entry->cost;
      g_hash_table_insert (cache->entries, &entry->id, entry);
      g_queue_push_tail_link (&cache->order, &entry->link);
    }
  g_mutex_unlock (&cache->lock);
}

void
pm_queue_cache_remove (PmQueueCache *cache, guint64 id)
{
  Entry *entry;

  g_mutex_lock (&cache->lock);
  entry = g_hash_table_lookup (cache->entries, &id);
  if (entry != NULL)
    drop (cache, entry);
  g_mutex_unlock (&cache->lock);
}

void
pm_queue_cache_clear (PmQueueCache *cache)
{
  g_mutex_lock (&cache->lock);
  while (!g_queue_is_empty (&cache->order))
    drop (cache, g_queue_peek_head (&cache->order));
  g_mutex_unlock (&cache->lock);
}

/**
 * pm_queue_cache_take:
 *
 * Returns: (transfer full) (nullable): the message without its body, the first time it is asked
 *   for
 */
PmQueueMessage *
pm_queue_cache_take (PmQueueCache *cache, guint64 id)
{
  PmQueueMessage *message = NULL;
  Entry *entry;

  g_mutex_lock (&cache->lock);
  entry = g_hash_table_lookup (cache->entries, &id);
  if (entry != NULL)
    message = g_steal_pointer (&entry->message);
  g_mutex_unlock (&cache->lock);
  return message;
}

/**
 * pm_queue_cache_get_body:
 *
 * Returns: (transfer full) (nullable): the message's bytes
 */
GBytes *
pm_queue_cache_get_body (PmQueueCache *cache, guint64 id)
{
  GBytes *body = NULL;
  Entry *entry;

  g_mutex_lock (&cache->lock);
  entry = g_hash_table_lookup (cache->entries, &id);
  if (entry != NULL && entry->body != NULL)
    body = g_bytes_ref (entry->body);
  g_mutex_unlock (&cache->lock);
  return body;
}

/**
 * pm_queue_cache_find:
 * @due: in: .message; out: .lane and .rank, where it is here
 */
void
pm_queue_cache_find (PmQueueCache *cache, PmDue *due)
{
  Entry *entry;

  g_mutex_lock (&cache->lock);
  entry = g_hash_table_lookup (cache->entries, &due->message);
  if (entry != NULL)
    {
      due->lane = entry->lane;
      due->rank = entry->rank;
    }
  g_mutex_unlock (&cache->lock);
}
