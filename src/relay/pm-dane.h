// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "dns/pm-resolver.h"
#include "net/pm-tls.h"

G_BEGIN_DECLS

/**
 * PmDaneStatus:
 * @PM_DANE_NONE: the host has no TLSA records that DNSSEC vouches for
 * @PM_DANE_USABLE: it has; they say which certificate is its own
 * @PM_DANE_UNUSABLE: it has, but none that means something for mail: TLS must be used, with whoever
 *   is there (RFC 7672 2.2)
 * @PM_DANE_FAILED: DNS gives no answer that can be believed: the host must not be used now
 *   (RFC 7672 2.1)
 */
typedef enum
{
  PM_DANE_NONE,
  PM_DANE_USABLE,
  PM_DANE_UNUSABLE,
  PM_DANE_FAILED,
} PmDaneStatus;

/**
 * PmDane:
 * @status: what is known
 * @tlsa: (element-type PmTlsa): the usable records
 * @base: (nullable): the name they stand under: one that the certificate may have
 * @detail: (nullable): what went wrong
 */
typedef struct
{
  PmDaneStatus status;
  GPtrArray *tlsa;
  char *base;
  char *detail;
} PmDane;

/* Only for a host whose name comes from a secure answer. Ends in the caller's main context. */
void pm_dane_lookup_async (PmResolver *resolver,
                           const char *host,
                           guint16 port,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data);
PmDane *pm_dane_lookup_finish (PmResolver *resolver, GAsyncResult *result, GError **error);
void pm_dane_free (PmDane *dane);

/* (nullable): from the presentation form of a TLSA record's data, as `3 1 1 0123…`. */
PmTlsa *pm_dane_parse_tlsa (const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmDane, pm_dane_free)

G_END_DECLS
