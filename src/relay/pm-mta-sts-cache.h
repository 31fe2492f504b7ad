// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "base/pm-clock.h"
#include "relay/pm-mta-sts-policy.h"

G_BEGIN_DECLS

/**
 * PmMtaStsEntry:
 * @domain: whose policy it is
 * @id: of the TXT record that announced it
 * @fetched: when, in microseconds since 1970
 * @checked: when the TXT record was last looked at, by this process; 0 for not yet
 *
 * A policy that is valid.
 */
typedef struct
{
  char *domain;
  char *id;
  gint64 fetched;
  gint64 checked;
  PmMtaStsPolicy *policy;
} PmMtaStsEntry;

/**
 * PmMtaStsCache:
 *
 * Policies in a directory, one file a domain, and in memory. A bounded number. One thread.
 */
typedef struct _PmMtaStsCache PmMtaStsCache;

PmMtaStsCache *pm_mta_sts_cache_new (const char *directory,
                                     PmClock *clock,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_mta_sts_cache_free (PmMtaStsCache *cache);

/* (nullable): %NULL where there is none or it has expired; valid until the next call. */
PmMtaStsEntry *pm_mta_sts_cache_get (PmMtaStsCache *cache, const char *domain);
/* In memory even where the disk refuses it, which is an error then. */
gboolean pm_mta_sts_cache_put (PmMtaStsCache *cache,
                               const char *domain,
                               const char *id,
                               GBytes *text,
                               PmMtaStsPolicy *policy,
                               GError **error);
/* (element-type utf8) (transfer full): domains whose policies have lived half their life. */
GPtrArray *pm_mta_sts_cache_list_aging (PmMtaStsCache *cache);
gboolean pm_mta_sts_cache_is_aging (PmMtaStsCache *cache, const PmMtaStsEntry *entry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmMtaStsCache, pm_mta_sts_cache_free)

G_END_DECLS
