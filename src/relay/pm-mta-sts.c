// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Finds the MTA-STS policy of a domain (RFC 8461 3.1 to 3.3, 5.1): the TXT record says whether
// there is one and whether it is still the one we have; then it is fetched, or not. A policy we
// have stays in force until it expires, whatever becomes of the record or the web server meanwhile.
// All of it happens in the main thread; those who ask for the same domain at the same time share
// the work.

#include "relay/pm-mta-sts.h"

#include "base/pm-log.h"
#include "relay/pm-mta-sts-cache.h"
#include "relay/pm-mta-sts-fetch.h"

#define CHECK_EVERY (5 * G_TIME_SPAN_MINUTE) /* also how soon a failed fetch is tried again */
#define MAX_FAILURES 10000
#define REFRESH_EVERY 3600 /* seconds */
#define MAX_REFRESHED 100  /* each time */

struct _PmMtaSts
{
  gatomicrefcount references;
  PmResolver *resolver;
  PmClock *clock;
  SoupSession *session;
  guint16 port;
  PmMtaStsCache *cache;
  GHashTable *searches; /* domain → Search: those under way */
  GHashTable *failures; /* domain → gint64: when its policy could not be had */
  guint refresh;
};

typedef struct
{
  PmMtaSts *self;
  char *domain;
  char *id;           /* (nullable): of the TXT record */
  GPtrArray *waiters; /* (element-type Waiter) */
} Search;

typedef struct
{
  Search *search;
  GTask *task;
  GSource *cancel; /* (nullable) */
} Waiter;

static void
free_waiter (gpointer data)
{
  Waiter *waiter = data;

  if (waiter->cancel != NULL)
    {
      g_source_destroy (waiter->cancel);
      g_source_unref (waiter->cancel);
    }
  g_object_unref (waiter->task);
  g_free (waiter);
}

static void
free_search (gpointer data)
{
  Search *search = data;

  g_ptr_array_unref (search->waiters);
  g_free (search->domain);
  g_free (search->id);
  g_free (search);
}

static void
return_policy (GTask *task, PmMtaStsPolicy *policy)
{
  g_task_return_pointer (task, policy != NULL ? pm_mta_sts_policy_ref (policy) : NULL,
                         (GDestroyNotify) pm_mta_sts_policy_unref);
}

// Ends the search with the policy that there is now, if there is one.
static void
finish (Search *search)
{
  PmMtaSts *self = search->self;
  PmMtaStsEntry *entry = pm_mta_sts_cache_get (self->cache, search->domain);

  if (entry != NULL)
    entry->checked = pm_clock_now (self->clock);
  for (guint i = 0; i < search->waiters->len; i++)
    return_policy (((Waiter *) g_ptr_array_index (search->waiters, i))->task,
                   entry != NULL ? entry->policy : NULL);
  g_hash_table_remove (self->searches, search->domain);
  pm_mta_sts_unref (self);
}

static void
note_failure (Search *search, const char *reason)
{
  PmMtaSts *self = search->self;
  gint64 *when = g_new (gint64, 1);

  *when = pm_clock_now (self->clock);
  if (g_hash_table_size (self->failures) >= MAX_FAILURES)
    g_hash_table_remove_all (self->failures);
  g_hash_table_replace (self->failures, g_strdup (search->domain), when);
  pm_log_event (G_LOG_LEVEL_MESSAGE, "mta-sts-not-fetched", "domain", search->domain, "reason",
                reason, "in-force",
                pm_mta_sts_cache_get (self->cache, search->domain) != NULL ? "the former policy"
                                                                           : NULL,
                NULL);
}

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Search *search = data;
  PmMtaSts *self = search->self;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = pm_mta_sts_fetch_finish (SOUP_SESSION (source), result, &error);
  g_autoptr (PmMtaStsPolicy) policy = NULL;

  if (text != NULL)
    policy = pm_mta_sts_policy_parse (g_bytes_get_data (text, NULL), g_bytes_get_size (text),
                                      &error);
  if (policy == NULL)
    note_failure (search, error->message);
  else if (pm_mta_sts_cache_put (self->cache, search->domain, search->id, text, policy, &error))
    g_hash_table_remove (self->failures, search->domain);
  else
    pm_log_event (G_LOG_LEVEL_WARNING, "mta-sts-not-kept", "domain", search->domain, "reason",
                  error->message, NULL);
  finish (search);
}

static gboolean
failed_lately (PmMtaSts *self, const char *domain)
{
  const gint64 *when = g_hash_table_lookup (self->failures, domain);

  return when != NULL && pm_clock_now (self->clock) - *when < CHECK_EVERY;
}

// The one record that announces a policy; where there are several there is none (RFC 8461 3.1).
static char *
find_id (const PmDnsAnswer *answer)
{
  g_autofree char *id = NULL;
  guint count = 0;

  for (guint i = 0; i < answer->records->len; i++)
    {
      const PmDnsRecord *record = g_ptr_array_index (answer->records, i);

      if (!g_str_has_prefix (record->text, "v=STSv1"))
        continue;
      count++;
      g_free (id);
      id = pm_mta_sts_read_txt (record->text);
    }
  return count == 1 ? g_steal_pointer (&id) : NULL;
}

static void
txt_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Search *search = data;
  PmMtaSts *self = search->self;
  g_autoptr (PmDnsAnswer) answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result, NULL);
  PmMtaStsEntry *entry = pm_mta_sts_cache_get (self->cache, search->domain);

  search->id = answer != NULL ? find_id (answer) : NULL;
  if (search->id == NULL || failed_lately (self, search->domain) ||
      (entry != NULL && g_str_equal (entry->id, search->id) &&
       !pm_mta_sts_cache_is_aging (self->cache, entry)))
    finish (search);
  else
    pm_mta_sts_fetch_async (self->session, search->domain, self->port, fetched_cb, search);
}

static Search *
begin_search (PmMtaSts *self, const char *domain)
{
  Search *search = g_hash_table_lookup (self->searches, domain);
  g_autofree char *name = g_strconcat ("_mta-sts.", domain, NULL);

  if (search != NULL)
    return search;
  search = g_new0 (Search, 1);
  search->self = pm_mta_sts_ref (self);
  search->domain = g_strdup (domain);
  search->waiters = g_ptr_array_new_with_free_func (free_waiter);
  g_hash_table_insert (self->searches, search->domain, search);
  // The resolver has a limit of its own.
  pm_resolver_lookup_async (self->resolver, name, PM_DNS_TXT, NULL, txt_cb, search);
  return search;
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  Waiter *waiter = data;

  g_task_return_error_if_cancelled (waiter->task);
  g_ptr_array_remove (waiter->search->waiters, waiter);
  return G_SOURCE_REMOVE;
}

static void
add_waiter (Search *search, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->search = search;
  waiter->task = g_object_ref (task);
  g_ptr_array_add (search->waiters, waiter);
  if (cancellable == NULL)
    return;
  waiter->cancel = g_cancellable_source_new (cancellable);
  g_source_set_callback (waiter->cancel, G_SOURCE_FUNC (cancelled_cb), waiter, NULL);
  g_source_attach (waiter->cancel, NULL);
}

typedef struct
{
  PmMtaSts *self;
  char *domain;
  GTask *task;
} Question;

static gboolean
ask_cb (gpointer data)
{
  Question *question = data;
  PmMtaSts *self = question->self;
  PmMtaStsEntry *entry = pm_mta_sts_cache_get (self->cache, question->domain);

  if (entry != NULL && entry->checked != 0 &&
      pm_clock_now (self->clock) - entry->checked < CHECK_EVERY)
    return_policy (question->task, entry->policy);
  else
    add_waiter (begin_search (self, question->domain), question->task);
  return G_SOURCE_REMOVE;
}

static void
free_question (gpointer data)
{
  Question *question = data;

  g_object_unref (question->task);
  pm_mta_sts_unref (question->self);
  g_free (question->domain);
  g_free (question);
}

static gboolean
refresh_cb (gpointer data)
{
  PmMtaSts *self = data;
  g_autoptr (GPtrArray) domains = pm_mta_sts_cache_list_aging (self->cache);

  for (guint i = 0; i < MIN (domains->len, MAX_REFRESHED); i++)
    begin_search (self, g_ptr_array_index (domains, i));
  return G_SOURCE_CONTINUE;
}

/**
 * pm_mta_sts_new:
 * @resolver: for the TXT records
 * @clock: what time it is
 * @options: where policies are kept and fetched from
 *
 * Returns: (transfer full) (nullable): with what was known before. Blocks on the disk.
 */
PmMtaSts *
pm_mta_sts_new (PmResolver *resolver, PmClock *clock, const PmMtaStsOptions *options,
                GError **error)
{
  g_autoptr (PmMtaStsCache) cache = pm_mta_sts_cache_new (options->directory, clock, error);
  g_autoptr (SoupSession) session = NULL;
  PmMtaSts *self;

  if (cache == NULL)
    return NULL;
  session = pm_mta_sts_fetch_session_new (options->ca_file, options->address,
                                          options->port != 0 ? options->port : 443, error);
  if (session == NULL)
    return NULL;
  self = g_new0 (PmMtaSts, 1);
  g_atomic_ref_count_init (&self->references);
  self->resolver = g_object_ref (resolver);
  self->clock = g_object_ref (clock);
  self->session = g_steal_pointer (&session);
  self->port = options->port;
  self->cache = g_steal_pointer (&cache);
  self->searches = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_search);
  self->failures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->refresh = g_timeout_add_seconds (REFRESH_EVERY, refresh_cb, self);
  return self;
}

/**
 * pm_mta_sts_ref:
 *
 * Returns: (transfer full): @self. Any thread.
 */
PmMtaSts *
pm_mta_sts_ref (PmMtaSts *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

/**
 * pm_mta_sts_unref:
 * @self: (transfer full) (nullable): policies
 *
 * The files stay.
 */
void
pm_mta_sts_unref (PmMtaSts *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->references))
    return;
  g_source_remove (self->refresh);
  g_hash_table_unref (self->searches);
  g_hash_table_unref (self->failures);
  pm_mta_sts_cache_free (self->cache);
  g_object_unref (self->session);
  g_object_unref (self->clock);
  g_object_unref (self->resolver);
  g_free (self);
}

/**
 * pm_mta_sts_lookup_async:
 * @domain: the domain whose MX records are followed
 * @cancellable: (nullable): ends it early, for this caller alone
 *
 * Finds the policy of @domain. Any thread; ends in the caller's thread-default main context.
 */
void
pm_mta_sts_lookup_async (PmMtaSts *self, const char *domain, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data)
{
  Question *question = g_new0 (Question, 1);

  question->self = pm_mta_sts_ref (self);
  question->domain = g_strdup (domain);
  question->task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_source_tag (question->task, pm_mta_sts_lookup_async);
  g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, ask_cb, question, free_question);
}

/**
 * pm_mta_sts_lookup_finish:
 * @error: %G_IO_ERROR_CANCELLED, and nothing else
 *
 * Returns: (transfer full) (nullable): the policy.
 */
PmMtaStsPolicy *
pm_mta_sts_lookup_finish (PmMtaSts *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
