// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "dns/pm-resolver.h"

G_BEGIN_DECLS

/**
 * PmDnssecResolver:
 *
 * A #PmResolver that validates (DNSSEC) where that works, and else resolves plainly: where the name
 * servers in use strip what validation needs, nothing fails but DANE is not in force. Any thread;
 * made in the thread of the default main context, where it also looks after itself.
 *
 * Signals: `changed`, there.
 */
#define PM_TYPE_DNSSEC_RESOLVER (pm_dnssec_resolver_get_type ())
G_DECLARE_FINAL_TYPE (PmDnssecResolver, pm_dnssec_resolver, PM, DNSSEC_RESOLVER, GObject)

/* `root_keys` (nullable): a file with the keys of the root; may well be absent. */
PmDnssecResolver *pm_dnssec_resolver_new (const char *server,
                                          guint timeout,
                                          const char *root_keys,
                                          GError **error);
gboolean pm_dnssec_resolver_is_in_force (PmDnssecResolver *self);
/* (transfer full): in force since when, or why it is not; a sentence for people */
char *pm_dnssec_resolver_dup_reason (PmDnssecResolver *self);

G_END_DECLS
