// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How many reports an address gets: a bucket for each that got one lately, forgotten as soon as it
// is full again.

#include "relay/pm-report-limit.h"

#define MAX_BUCKETS 20000
#define INTERVAL (3600 * (gint64) G_USEC_PER_SEC / PM_REPORT_LIMIT_PER_HOUR)

/* By when the bucket of an address is full again, were it left alone. */
struct _PmReportLimit
{
  GMutex lock;
  GHashTable *buckets; /* (element-type utf8 gint64) */
};

PmReportLimit *
pm_report_limit_new (void)
{
  PmReportLimit *self = g_new0 (PmReportLimit, 1);

  g_mutex_init (&self->lock);
  self->buckets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
pm_report_limit_free (PmReportLimit *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->buckets);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static gboolean
is_full_again (gpointer key, gpointer value, gpointer data)
{
  return *(const gint64 *) value <= *(const gint64 *) data;
}

static gint64 *
find_bucket (PmReportLimit *self, const char *address, gint64 now)
{
  g_autofree char *key = g_ascii_strdown (address, -1);
  gint64 *full_at = g_hash_table_lookup (self->buckets, key);

  if (full_at != NULL)
    return full_at;
  if (g_hash_table_size (self->buckets) >= MAX_BUCKETS)
    g_hash_table_foreach_remove (self->buckets, is_full_again, &now);
  // A flood that names ever new senders: each of them has got one report at most.
  if (g_hash_table_size (self->buckets) >= MAX_BUCKETS)
    g_hash_table_remove_all (self->buckets);
  full_at = g_new0 (gint64, 1);
  g_hash_table_insert (self->buckets, g_steal_pointer (&key), full_at);
  return full_at;
}

/**
 * pm_report_limit_take:
 * @now: microseconds, of any clock
 *
 * Returns: whether @address may have one more report now
 */
gboolean
pm_report_limit_take (PmReportLimit *self, const char *address, gint64 now)
{
  gint64 *full_at;
  gboolean ok;

  g_mutex_lock (&self->lock);
  full_at = find_bucket (self, address, now);
  *full_at = MAX (*full_at, now);
  ok = *full_at - now <= (PM_REPORT_LIMIT_BURST - 1) * INTERVAL;
  if (ok)
    *full_at += INTERVAL;
  g_mutex_unlock (&self->lock);
  return ok;
}

guint
pm_report_limit_get_size (PmReportLimit *self)
{
  guint size;

  g_mutex_lock (&self->lock);
  size = g_hash_table_size (self->buckets);
  g_mutex_unlock (&self->lock);
  return size;
}
