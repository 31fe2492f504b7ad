// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "dns/pm-resolver.h"

G_BEGIN_DECLS

/**
 * PmFakeResolver:
 *
 * A #PmResolver whose answers were declared beforehand, for tests of what is built on it. Names not
 * declared are NXDOMAIN; a name with records of other types only is NODATA. Zone text:
 * lines `NAME TTL TYPE DATA`, or `NAME ! STATUS` for a name that answers servfail, timeout or
 * bogus, `NAME ! silent` for one that never answers, until the look-up is cancelled, and
 * `NAME ! secure` for one whose answers count as validated by DNSSEC. `*.NAME`
 * is a wildcard (RFC 4592); `;` starts a comment. CNAMEs are followed. Zone text that cannot be
 * read is a programmer's error and aborts.
 */
#define PM_TYPE_FAKE_RESOLVER (pm_fake_resolver_get_type ())
G_DECLARE_FINAL_TYPE (PmFakeResolver, pm_fake_resolver, PM, FAKE_RESOLVER, GObject)

PmResolver *pm_fake_resolver_new (const char *zone);
guint pm_fake_resolver_count_questions (PmFakeResolver *resolver, const char *name, PmDnsType type);

G_END_DECLS
