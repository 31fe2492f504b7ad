// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "dns/pm-resolver.h"

G_BEGIN_DECLS

/**
 * PmUnboundResolver:
 *
 * A #PmResolver by libunbound. `server` (nullable) is where questions go: `ADDRESS`,
 * `ADDRESS@PORT`, or %NULL for the system's (/etc/resolv.conf). `timeout` in milliseconds bounds
 * every look-up. Its work runs in a thread of its own.
 */
#define PM_TYPE_UNBOUND_RESOLVER (pm_unbound_resolver_get_type ())
G_DECLARE_FINAL_TYPE (PmUnboundResolver, pm_unbound_resolver, PM, UNBOUND_RESOLVER, GObject)

PmResolver *pm_unbound_resolver_new (const char *server, guint timeout, GError **error);
/* One that validates (DNSSEC), from the keys in a file: answers can then be secure, or bogus. */
PmResolver *pm_unbound_resolver_new_validating (const char *server,
                                                guint timeout,
                                                const char *trust_anchor,
                                                GError **error);

G_END_DECLS
