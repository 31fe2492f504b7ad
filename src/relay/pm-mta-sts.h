// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "base/pm-clock.h"
#include "dns/pm-resolver.h"
#include "relay/pm-mta-sts-policy.h"

G_BEGIN_DECLS

/**
 * PmMtaStsOptions:
 * @directory: where policies are kept; made when it is not there
 * @ca_file: (nullable): whom to believe instead of this system's authorities, for tests
 * @address: (nullable): where to fetch from, whatever DNS says of the host, for tests
 * @port: of the web server; 0 for 443
 */
typedef struct
{
  const char *directory;
  const char *ca_file;
  const char *address;
  guint16 port;
} PmMtaStsOptions;

/**
 * PmMtaSts:
 *
 * The MTA-STS policies of other domains (RFC 8461): found by DNS, fetched by HTTPS, kept on disk as
 * long as they are valid. Made in the thread of the default main context, where it also works;
 * asked from any.
 */
typedef struct _PmMtaSts PmMtaSts;

PmMtaSts *pm_mta_sts_new (PmResolver *resolver,
                          PmClock *clock,
                          const PmMtaStsOptions *options,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
PmMtaSts *pm_mta_sts_ref (PmMtaSts *self);
/* The last one in the main thread. Look-ups under way keep it alive. */
void pm_mta_sts_unref (PmMtaSts *self);

/* `domain` is normalized. The callback's source object is %NULL. */
void pm_mta_sts_lookup_async (PmMtaSts *self,
                              const char *domain,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data);
/* (nullable): %NULL, with @error only when cancelled: the domain has none that is known. */
PmMtaStsPolicy *pm_mta_sts_lookup_finish (PmMtaSts *self, GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmMtaSts, pm_mta_sts_unref)

G_END_DECLS
