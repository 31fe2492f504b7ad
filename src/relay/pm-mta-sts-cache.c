// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// MTA-STS policies that outlive the process: who has seen a domain's policy once is not to be
// talked out of it by an attacker who holds back the next one (RFC 8461 10.2). A file that cannot
// be read is dropped; the policy is then fetched again.

#include "relay/pm-mta-sts-cache.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/pm-atomic-file.h"
#include "base/pm-error.h"

#define MAX_ENTRIES 10000
#define MAX_FILE (66 * 1024)
#define ENDING ".sts"

struct _PmMtaStsCache
{
  char *directory;
  PmClock *clock;
  GHashTable *entries; /* domain → PmMtaStsEntry */
};

static void
free_entry (gpointer data)
{
  PmMtaStsEntry *entry = data;

  g_free (entry->domain);
  g_free (entry->id);
  pm_mta_sts_policy_unref (entry->policy);
  g_free (entry);
}

static char *
get_path (PmMtaStsCache *cache, const char *domain)
{
  g_autofree char *name = g_strconcat (domain, ENDING, NULL);

  return g_build_filename (cache->directory, name, NULL);
}

static gint64
get_end (const PmMtaStsEntry *entry)
{
  return entry->fetched + entry->policy->max_age * G_TIME_SPAN_SECOND;
}

static gboolean
has_expired (PmMtaStsCache *cache, const PmMtaStsEntry *entry)
{
  return pm_clock_now (cache->clock) >= get_end (entry);
}

static void
drop (PmMtaStsCache *cache, const PmMtaStsEntry *entry)
{
  g_autofree char *path = get_path (cache, entry->domain);

  g_unlink (path);
  g_hash_table_remove (cache->entries, entry->domain);
}

static void
make_room (PmMtaStsCache *cache)
{
  PmMtaStsEntry *first = NULL;
  GHashTableIter iter;
  gpointer value;

  if (g_hash_table_size (cache->entries) < MAX_ENTRIES)
    return;
  g_hash_table_iter_init (&iter, cache->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (first == NULL || get_end (value) < get_end (first))
      first = value;
  drop (cache, first);
}

static PmMtaStsEntry *
add (PmMtaStsCache *cache, const char *domain, const char *id, gint64 fetched,
     PmMtaStsPolicy *policy)
{
  PmMtaStsEntry *entry = g_new0 (PmMtaStsEntry, 1);

  if (!g_hash_table_contains (cache->entries, domain))
    make_room (cache);
  entry->domain = g_strdup (domain);
  entry->id = g_strdup (id);
  entry->fetched = fetched;
  entry->policy = pm_mta_sts_policy_ref (policy);
  g_hash_table_replace (cache->entries, entry->domain, entry);
  return entry;
}

// A file is `ID MICROSECONDS`, a line end, and the policy as it was fetched.
static gboolean
read_file (PmMtaStsCache *cache, const char *path, const char *domain)
{
  g_autofree char *contents = NULL;
  g_autoptr (PmMtaStsPolicy) policy = NULL;
  g_auto (GStrv) words = NULL;
  GStatBuf status;
  gsize size;
  char *body;
  gint64 fetched;

  if (g_stat (path, &status) != 0 || status.st_size > MAX_FILE ||
      !g_file_get_contents (path, &contents, &size, NULL))
    return FALSE;
  body = memchr (contents, '\n', size);
  if (body == NULL)
    return FALSE;
  *body++ = '\0';
  words = g_strsplit (contents, " ", 3);
  policy = pm_mta_sts_policy_parse (body, size - (gsize) (body - contents), NULL);
  // What was fetched in the future was fetched by a wrong clock.
  if (policy == NULL || g_strv_length (words) != 2 ||
      !g_ascii_string_to_signed (words[1], 10, 0, pm_clock_now (cache->clock), &fetched, NULL))
    return FALSE;
  return !has_expired (cache, add (cache, domain, words[0], fetched, policy));
}

static void
read_directory (PmMtaStsCache *cache, GDir *directory)
{
  const char *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *path = g_build_filename (cache->directory, name, NULL);
      g_autofree char *domain = NULL;

      if (!g_str_has_suffix (name, ENDING))
        continue;
      domain = g_strndup (name, strlen (name) - strlen (ENDING));
      if (read_file (cache, path, domain))
        continue;
      g_hash_table_remove (cache->entries, domain);
      g_unlink (path);
    }
}

/**
 * pm_mta_sts_cache_new:
 * @directory: where the policies are; made when it is not there
 * @error: a #GFileError
 *
 * Returns: (transfer full) (nullable): what is still valid of them. Blocks on the disk.
 */
PmMtaStsCache *
pm_mta_sts_cache_new (const char *directory, PmClock *clock, GError **error)
{
  g_autoptr (PmMtaStsCache) cache = g_new0 (PmMtaStsCache, 1);
  g_autoptr (GDir) dir = NULL;

  cache->directory = g_strdup (directory);
  cache->clock = g_object_ref (clock);
  cache->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_entry);
  if (g_mkdir_with_parents (directory, 0750) != 0)
    {
      int saved = errno;

      g_set_error (error, G_FILE_ERROR, (int) g_file_error_from_errno (saved),
                   "Cannot make the directory %s for MTA-STS policies: %s", directory,
                   g_strerror (saved));
      return NULL;
    }
  dir = g_dir_open (directory, 0, error);
  if (dir == NULL)
    return NULL;
  read_directory (cache, dir);
  return g_steal_pointer (&cache);
}

/**
 * pm_mta_sts_cache_free:
 * @cache: (transfer full) (nullable): a cache; its files stay
 */
void
pm_mta_sts_cache_free (PmMtaStsCache *cache)
{
  if (cache == NULL)
    return;
  g_hash_table_unref (cache->entries);
  g_object_unref (cache->clock);
  g_free (cache->directory);
  g_free (cache);
}

/**
 * pm_mta_sts_cache_get:
 *
 * Returns: (transfer none) (nullable): the domain's policy.
 */
PmMtaStsEntry *
pm_mta_sts_cache_get (PmMtaStsCache *cache, const char *domain)
{
  PmMtaStsEntry *entry = g_hash_table_lookup (cache->entries, domain);

  if (entry == NULL || !has_expired (cache, entry))
    return entry;
  drop (cache, entry);
  return NULL;
}

/**
 * pm_mta_sts_cache_put:
 * @id: what the TXT record called it
 * @text: the policy as it was fetched, just now
 *
 * Keeps a policy. Blocks on the disk.
 *
 * Returns: whether it is on stable storage.
 */
gboolean
pm_mta_sts_cache_put (PmMtaStsCache *cache, const char *domain, const char *id, GBytes *text,
                      PmMtaStsPolicy *policy, GError **error)
{
  g_autoptr (GString) contents = g_string_new (NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *path = get_path (cache, domain);
  gint64 now = pm_clock_now (cache->clock);
  gsize size;
  const char *body = g_bytes_get_data (text, &size);

  add (cache, domain, id, now, policy)->checked = now;
  if (*domain == '.' || strchr (domain, '/') != NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "“%s” is no name for a file", domain);
      return FALSE;
    }
  g_string_printf (contents, "%s %" G_GINT64_FORMAT "\n", id, now);
  g_string_append_len (contents, body, (gssize) size);
  bytes = g_string_free_to_bytes (g_steal_pointer (&contents));
  return pm_atomic_file_write (path, bytes, 0640, error);
}

/**
 * pm_mta_sts_cache_is_aging:
 *
 * Returns: whether the policy has lived half its life, so that it is time to fetch it anew.
 */
gboolean
pm_mta_sts_cache_is_aging (PmMtaStsCache *cache, const PmMtaStsEntry *entry)
{
  gint64 half = entry->policy->max_age * G_TIME_SPAN_SECOND / 2;

  return pm_clock_now (cache->clock) >= entry->fetched + half;
}

/**
 * pm_mta_sts_cache_list_aging:
 *
 * Returns: (transfer full) (element-type utf8): the domains whose policies are to be fetched anew.
 */
GPtrArray *
pm_mta_sts_cache_list_aging (PmMtaStsCache *cache)
{
  GPtrArray *domains = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, cache->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (!has_expired (cache, value) && pm_mta_sts_cache_is_aging (cache, value))
      g_ptr_array_add (domains, g_strdup (((PmMtaStsEntry *) value)->domain));
  return domains;
}
