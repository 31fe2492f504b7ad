// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-queue-message.h"
#include "queue/pm-scheduler.h"

G_BEGIN_DECLS

/**
 * PmQueueCache:
 *
 * Messages that were committed a moment ago, with bodies that stand in the database, up to so many
 * bytes: their first attempt needs no disk. Any thread.
 */
typedef struct _PmQueueCache PmQueueCache;

PmQueueCache *pm_queue_cache_new (gsize max_bytes);
void pm_queue_cache_free (PmQueueCache *cache);
void pm_queue_cache_add (PmQueueCache *cache, PmQueueMessage *message);
void pm_queue_cache_remove (PmQueueCache *cache, guint64 id);
void pm_queue_cache_clear (PmQueueCache *cache);
PmQueueMessage *pm_queue_cache_take (PmQueueCache *cache, guint64 id);
GBytes *pm_queue_cache_get_body (PmQueueCache *cache, guint64 id);
void pm_queue_cache_find (PmQueueCache *cache, PmDue *due);

G_END_DECLS
