// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The interface behind which DNS answers come from somewhere: libunbound, or a test's zone text.

#include "dns/pm-resolver.h"

G_DEFINE_INTERFACE (PmResolver, pm_resolver, G_TYPE_OBJECT)

static void
pm_resolver_default_init (PmResolverInterface *interface)
{
}

/**
 * pm_resolver_lookup_async:
 * @resolver: a resolver
 * @name: the name to ask for, with or without its final dot
 * @type: the type of records
 * @cancellable: (nullable): ends the look-up early
 * @callback: called in the caller's thread-default main context
 * @data: for @callback
 *
 * Asks for the records of one type. CNAMEs are followed. Any thread.
 */
void
pm_resolver_lookup_async (PmResolver *resolver,
                          const char *name,
                          PmDnsType type,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer data)
{
  g_return_if_fail (PM_IS_RESOLVER (resolver));
  g_return_if_fail (name != NULL);

  PM_RESOLVER_GET_IFACE (resolver)->lookup_async (resolver, name, type, cancellable, callback,
                                                  data);
}

/**
 * pm_resolver_lookup_finish:
 * @resolver: the resolver
 * @result: what the callback got
 * @error: %G_IO_ERROR_CANCELLED, and nothing else
 *
 * Returns: (transfer full) (nullable): the answer.
 */
PmDnsAnswer *
pm_resolver_lookup_finish (PmResolver *resolver, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (PM_IS_RESOLVER (resolver), NULL);

  return PM_RESOLVER_GET_IFACE (resolver)->lookup_finish (resolver, result, error);
}

/**
 * pm_resolver_forget:
 * @resolver: a resolver
 *
 * Drops what is remembered of earlier answers, so that look-ups that start from now on ask anew:
 * for someone who has just corrected a record. Look-ups under way are not disturbed. Any thread.
 */
void
pm_resolver_forget (PmResolver *resolver)
{
  g_return_if_fail (PM_IS_RESOLVER (resolver));

  if (PM_RESOLVER_GET_IFACE (resolver)->forget != NULL)
    PM_RESOLVER_GET_IFACE (resolver)->forget (resolver);
}
