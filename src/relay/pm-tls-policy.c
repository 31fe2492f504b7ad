// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How well the connection to a host must be secured, and who wants it so. What the site says is an
// order and comes first. A message may ask for more (REQUIRETLS) or, of what other domains ask, for
// less (TLS-Required: No; RFC 8689). Then comes DANE, then MTA-STS, which must not override it
// (RFC 8461 2). Every decision is said in a sentence, because somebody will ask why.

#include "relay/pm-tls-policy.h"

#include "relay/pm-dane.h"

typedef struct
{
  PmTlsPolicy value;
  gatomicrefcount references;
} Policy;

struct _PmTlsPolicyStore
{
  gatomicrefcount references;
  PmResolver *resolver;
  PmMtaSts *mta_sts; /* (nullable) */
};

typedef struct
{
  PmTlsPolicyStore *store;
  PmTlsPolicyQuery query; /* its texts are owned */
} Lookup;

/**
 * pm_tls_policy_ref:
 *
 * Returns: (transfer full): @policy. Any thread.
 */
PmTlsPolicy *
pm_tls_policy_ref (const PmTlsPolicy *policy)
{
  g_atomic_ref_count_inc (&((Policy *) policy)->references);
  return (PmTlsPolicy *) policy;
}

/**
 * pm_tls_policy_unref:
 * @policy: (transfer full) (nullable): a policy
 *
 * Any thread.
 */
void
pm_tls_policy_unref (PmTlsPolicy *policy)
{
  if (policy == NULL || !g_atomic_ref_count_dec (&((Policy *) policy)->references))
    return;
  g_ptr_array_unref (policy->names);
  g_clear_pointer (&policy->tlsa, g_ptr_array_unref);
  g_free (policy->reason);
  g_free (policy);
}

/**
 * pm_tls_level_to_string:
 *
 * Returns: the level's word, as `opportunistic`.
 */
const char *
pm_tls_level_to_string (PmTlsLevel level)
{
  static const char *const words[] = {
    [PM_TLS_LEVEL_NONE] = "none",
    [PM_TLS_LEVEL_OPPORTUNISTIC] = "opportunistic",
    [PM_TLS_LEVEL_REQUIRED] = "required",
    [PM_TLS_LEVEL_VERIFY] = "verify",
    [PM_TLS_LEVEL_DANE] = "dane",
    [PM_TLS_LEVEL_REFUSED] = "refused",
  };

  g_return_val_if_fail ((guint) level < G_N_ELEMENTS (words), "unknown");
  return words[level];
}

static PmTlsPolicy *policy_new (PmTlsLevel level, PmTlsSource source, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static PmTlsPolicy *
policy_new (PmTlsLevel level, PmTlsSource source, const char *format, ...)
{
  Policy *policy = g_new0 (Policy, 1);
  va_list args;

  g_atomic_ref_count_init (&policy->references);
  policy->value.level = level;
  policy->value.source = source;
  policy->value.names = g_ptr_array_new_with_free_func (g_free);
  va_start (args, format);
  policy->value.reason = g_strdup_vprintf (format, args);
  va_end (args);
  return &policy->value;
}

static void
add_name (PmTlsPolicy *policy, const char *name)
{
  if (name != NULL &&
      !g_ptr_array_find_with_equal_func (policy->names, name, g_str_equal, NULL))
    g_ptr_array_add (policy->names, g_strdup (name));
}

// REQUIRETLS wants the host's name from a source that can be believed, and its certificate checked
// (RFC 8689 4.2.1).
static PmTlsPolicy *
verify_for_message (const PmTlsPolicyQuery *query)
{
  PmTlsPolicy *policy;

  if (query->by_mx && !query->mx_secure)
    {
      policy = policy_new (PM_TLS_LEVEL_REFUSED, PM_TLS_SOURCE_MESSAGE,
                           "The message came with REQUIRETLS, but neither DNSSEC nor an MTA-STS"
                           " policy says that %s takes the mail of %s",
                           query->mx_host, query->domain);
      policy->permanent = TRUE;
      return policy;
    }
  policy = policy_new (PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_MESSAGE,
                       "The message came with REQUIRETLS");
  add_name (policy, query->mx_host);
  return policy;
}

/* Whether whoever passes the policy is the host that the site or a signed record names. */
static gboolean
proves_host (const PmTlsPolicyQuery *query, const PmTlsPolicy *policy)
{
  if (policy->level == PM_TLS_LEVEL_VERIFY && policy->source == PM_TLS_SOURCE_SITE)
    return !query->by_mx || query->mx_secure;
  return policy->level >= PM_TLS_LEVEL_VERIFY;
}

/* A password goes to nobody but the host it is for. (transfer full): @policy, or a stricter one */
static PmTlsPolicy *
secure_login (const PmTlsPolicyQuery *query, PmTlsPolicy *policy)
{
  PmTlsPolicy *stricter;

  if (!query->login || proves_host (query, policy))
    return policy;
  if (policy->level == PM_TLS_LEVEL_NONE)
    stricter = policy_new (PM_TLS_LEVEL_REFUSED, PM_TLS_SOURCE_SITE,
                           "We are to log in to %s, which needs TLS, but the site says tls=none",
                           query->mx_host);
  else
    stricter = policy_new (PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_SITE,
                           "We log in to %s: it must prove who it is", query->mx_host);
  if (!query->by_mx || query->mx_secure)
    add_name (stricter, query->mx_host);
  if (query->by_mx)
    add_name (stricter, query->domain);
  pm_tls_policy_unref (policy);
  return stricter;
}

static PmTlsPolicy *
decide_by_site (const PmTlsPolicyQuery *query)
{
  gboolean of_host = query->hop_tls != PM_TLS_OPPORTUNISTIC;
  PmTls tls = of_host ? query->hop_tls : query->domain_tls;
  const char *who = of_host ? "the host" : "the domain";
  const char *name = of_host ? query->mx_host : query->domain;
  PmTlsPolicy *policy;

  switch (tls)
    {
    case PM_TLS_NONE:
      if (!query->require_tls)
        return policy_new (PM_TLS_LEVEL_NONE, PM_TLS_SOURCE_SITE,
                           "The site says tls=none for %s %s", who, name);
      policy = policy_new (PM_TLS_LEVEL_REFUSED, PM_TLS_SOURCE_SITE,
                           "The message came with REQUIRETLS, but the site says tls=none for %s %s",
                           who, name);
      policy->permanent = TRUE;
      return policy;
    case PM_TLS_REQUIRED:
      if (query->require_tls)
        return verify_for_message (query);
      return policy_new (PM_TLS_LEVEL_REQUIRED, PM_TLS_SOURCE_SITE,
                         "The site says tls=required for %s %s", who, name);
    case PM_TLS_VERIFY:
      policy = policy_new (PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_SITE,
                           "The site says tls=verify for %s %s", who, name);
      add_name (policy, query->mx_host);
      if (query->by_mx)
        add_name (policy, query->domain);
      return policy;
    case PM_TLS_OPPORTUNISTIC:
    default:
      return NULL;
    }
}

static PmTlsPolicy *
decide_without_others (const PmTlsPolicyQuery *query)
{
  PmTlsPolicy *policy = decide_by_site (query);

  if (policy != NULL)
    return policy;
  if (query->tls_optional && !query->require_tls)
    return policy_new (PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_MESSAGE,
                       "The message says “TLS-Required: No”");
  if ((query->use_dane && query->mx_secure) || (query->use_mta_sts && query->by_mx))
    return NULL;
  if (query->require_tls)
    return verify_for_message (query);
  return policy_new (PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_DEFAULT, "Nobody asks for more");
}

/**
 * pm_tls_policy_decide_locally:
 * @query: what is asked
 *
 * Returns: (transfer full) (nullable): the policy, where no other domain is to be asked for its
 *   wishes.
 */
PmTlsPolicy *
pm_tls_policy_decide_locally (const PmTlsPolicyQuery *query)
{
  PmTlsPolicy *policy = decide_without_others (query);

  return policy != NULL ? secure_login (query, policy) : NULL;
}

static PmTlsPolicy *
decide_by_dane (const PmTlsPolicyQuery *query, const PmDane *dane)
{
  PmTlsPolicy *policy;

  switch (dane->status)
    {
    case PM_DANE_USABLE:
      policy = policy_new (PM_TLS_LEVEL_DANE, PM_TLS_SOURCE_DANE,
                           "%s has TLSA records that DNSSEC vouches for", dane->base);
      // The names that count for usage 2 (RFC 7672 3.2.2).
      add_name (policy, dane->base);
      add_name (policy, query->mx_host);
      if (query->by_mx)
        add_name (policy, query->domain);
      policy->tlsa = g_ptr_array_ref (dane->tlsa);
      return policy;
    case PM_DANE_FAILED:
      return policy_new (PM_TLS_LEVEL_REFUSED, PM_TLS_SOURCE_DANE,
                         "%s is not used now (RFC 7672 2.1): %s", query->mx_host, dane->detail);
    case PM_DANE_UNUSABLE:
      if (!query->require_tls)
        return policy_new (PM_TLS_LEVEL_REQUIRED, PM_TLS_SOURCE_DANE,
                           "%s has TLSA records, but none that counts for mail", query->mx_host);
      return verify_for_message (query);
    case PM_DANE_NONE:
    default:
      return NULL;
    }
}

/* RFC 8461 5: failures are reported, and the mail goes as if there were no policy. */
static PmTlsPolicy *
test_mta_sts (const PmTlsPolicyQuery *query, const PmMtaStsPolicy *sts)
{
  PmTlsPolicy *policy = policy_new (PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_MTA_STS,
                                    "The MTA-STS policy of %s is only being tested",
                                    query->domain);

  add_name (policy, query->mx_host);
  policy->testing = TRUE;
  policy->unnamed = !pm_mta_sts_policy_matches (sts, query->mx_host);
  return policy;
}

static PmTlsPolicy *
decide_by_mta_sts (const PmTlsPolicyQuery *query, const PmMtaStsPolicy *sts)
{
  PmTlsPolicy *policy;

  if (sts == NULL || sts->mode != PM_MTA_STS_ENFORCE)
    {
      if (query->require_tls)
        return verify_for_message (query);
      if (sts != NULL && sts->mode == PM_MTA_STS_TESTING)
        return test_mta_sts (query, sts);
      return policy_new (PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_DEFAULT,
                         "Nobody asks for more");
    }
  if (!pm_mta_sts_policy_matches (sts, query->mx_host))
    return policy_new (PM_TLS_LEVEL_REFUSED, PM_TLS_SOURCE_MTA_STS,
                       "The MTA-STS policy of %s does not name the host %s", query->domain,
                       query->mx_host);
  policy = policy_new (PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_MTA_STS,
                       "The MTA-STS policy of %s is to be enforced", query->domain);
  add_name (policy, query->mx_host);
  return policy;
}

/**
 * pm_tls_policy_store_new:
 * @resolver: for TLSA records; it should validate, else there is no DANE
 * @mta_sts: (nullable): the policies of domains
 *
 * Returns: (transfer full): a store.
 */
PmTlsPolicyStore *
pm_tls_policy_store_new (PmResolver *resolver, PmMtaSts *mta_sts)
{
  PmTlsPolicyStore *store = g_new0 (PmTlsPolicyStore, 1);

  g_atomic_ref_count_init (&store->references);
  store->resolver = g_object_ref (resolver);
  store->mta_sts = mta_sts != NULL ? pm_mta_sts_ref (mta_sts) : NULL;
  return store;
}

/**
 * pm_tls_policy_store_ref:
 *
 * Returns: (transfer full): @store. Any thread.
 */
PmTlsPolicyStore *
pm_tls_policy_store_ref (PmTlsPolicyStore *store)
{
  g_atomic_ref_count_inc (&store->references);
  return store;
}

/**
 * pm_tls_policy_store_unref:
 * @store: (transfer full) (nullable): a store
 */
void
pm_tls_policy_store_unref (PmTlsPolicyStore *store)
{
  if (store == NULL || !g_atomic_ref_count_dec (&store->references))
    return;
  g_object_unref (store->resolver);
  pm_mta_sts_unref (store->mta_sts);
  g_free (store);
}

static void
free_lookup (gpointer data)
{
  Lookup *lookup = data;

  pm_tls_policy_store_unref (lookup->store);
  g_free ((char *) lookup->query.domain);
  g_free ((char *) lookup->query.mx_host);
  g_free (lookup);
}

static void
return_policy (GTask *task, PmTlsPolicy *policy)
{
  const Lookup *lookup = g_task_get_task_data (task);

  if (lookup != NULL)
    policy = secure_login (&lookup->query, policy);
  g_task_return_pointer (task, policy, (GDestroyNotify) pm_tls_policy_unref);
}

static void
mta_sts_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Lookup *lookup = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (PmMtaStsPolicy) sts = pm_mta_sts_lookup_finish (lookup->store->mta_sts, result,
                                                             &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    return_policy (task, decide_by_mta_sts (&lookup->query, sts));
}

static void
ask_mta_sts (GTask *task)
{
  Lookup *lookup = g_task_get_task_data (task);

  if (lookup->store->mta_sts != NULL && lookup->query.use_mta_sts && lookup->query.by_mx)
    {
      pm_mta_sts_lookup_async (lookup->store->mta_sts, lookup->query.domain,
                               g_task_get_cancellable (task), mta_sts_cb, task);
      return;
    }
  return_policy (task, decide_by_mta_sts (&lookup->query, NULL));
  g_object_unref (task);
}

static void
dane_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Lookup *lookup = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (PmDane) dane = pm_dane_lookup_finish (PM_RESOLVER (source), result, &error);
  PmTlsPolicy *policy;

  if (dane == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  policy = decide_by_dane (&lookup->query, dane);
  if (policy != NULL)
    return_policy (task, policy);
  else
    ask_mta_sts (g_steal_pointer (&task));
}

/**
 * pm_tls_policy_lookup_async:
 * @query: what is asked; copied
 * @cancellable: (nullable): ends it early
 *
 * Finds out how the host is to be talked to.
 */
void
pm_tls_policy_lookup_async (PmTlsPolicyStore *store,
                            const PmTlsPolicyQuery *query,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  PmTlsPolicy *policy = pm_tls_policy_decide_locally (query);
  Lookup *lookup;

  g_task_set_source_tag (task, pm_tls_policy_lookup_async);
  if (policy != NULL)
    {
      return_policy (task, policy);
      return;
    }
  lookup = g_new0 (Lookup, 1);
  lookup->store = pm_tls_policy_store_ref (store);
  lookup->query = *query;
  lookup->query.domain = g_strdup (query->domain);
  lookup->query.mx_host = g_strdup (query->mx_host);
  g_task_set_task_data (task, lookup, free_lookup);
  if (query->use_dane && query->mx_secure)
    pm_dane_lookup_async (store->resolver, query->mx_host, query->port, cancellable, dane_cb,
                          g_steal_pointer (&task));
  else
    ask_mta_sts (g_steal_pointer (&task));
}

/**
 * pm_tls_policy_lookup_finish:
 * @error: %G_IO_ERROR_CANCELLED, and nothing else
 *
 * Returns: (transfer full) (nullable): the policy.
 */
PmTlsPolicy *
pm_tls_policy_lookup_finish (PmTlsPolicyStore *store, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
