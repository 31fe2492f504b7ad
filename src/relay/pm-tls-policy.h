// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "dns/pm-resolver.h"
#include "relay/pm-mta-sts.h"
#include "site/pm-site.h"

G_BEGIN_DECLS

/**
 * PmTlsLevel:
 * @PM_TLS_LEVEL_NONE: in clear, even where the host offers TLS
 * @PM_TLS_LEVEL_OPPORTUNISTIC: TLS where the host offers it, whoever it is; where the handshake
 *   fails, once more in clear
 * @PM_TLS_LEVEL_REQUIRED: TLS, whoever the host is
 * @PM_TLS_LEVEL_VERIFY: TLS, and a trusted authority vouches for one of the names
 * @PM_TLS_LEVEL_DANE: TLS, and the TLSA records vouch for the host
 * @PM_TLS_LEVEL_REFUSED: this host is not to be used at all
 */
typedef enum
{
  PM_TLS_LEVEL_NONE,
  PM_TLS_LEVEL_OPPORTUNISTIC,
  PM_TLS_LEVEL_REQUIRED,
  PM_TLS_LEVEL_VERIFY,
  PM_TLS_LEVEL_DANE,
  PM_TLS_LEVEL_REFUSED,
} PmTlsLevel;

/* Who wants it so. */
typedef enum
{
  PM_TLS_SOURCE_DEFAULT,
  PM_TLS_SOURCE_SITE,
  PM_TLS_SOURCE_MESSAGE, /* REQUIRETLS, or TLS-Required: No (RFC 8689) */
  PM_TLS_SOURCE_DANE,
  PM_TLS_SOURCE_MTA_STS,
} PmTlsSource;

/**
 * PmTlsPolicy:
 * @level: what is wanted of the connection
 * @source: who wants it so
 * @names: (element-type utf8): for PmTlsClientConfig: the names that count, maybe none
 * @tlsa: (nullable) (element-type PmTlsa): with %PM_TLS_LEVEL_DANE
 * @reason: a sentence for the log and for people
 * @permanent: with %PM_TLS_LEVEL_REFUSED: mail that only has such hosts is returned, not deferred
 * @testing: the certificate is to have one of @names, but where it has not that is only counted
 * @unnamed: the MTA-STS policy that is being tested does not name the host: to be counted as well
 *
 * How a connection to one host for one domain must be secured. Immutable, reference counted.
 */
typedef struct
{
  PmTlsLevel level;
  PmTlsSource source;
  GPtrArray *names;
  GPtrArray *tlsa;
  char *reason;
  gboolean permanent;
  gboolean testing;
  gboolean unnamed;
} PmTlsPolicy;

PmTlsPolicy *pm_tls_policy_ref (const PmTlsPolicy *policy);
void pm_tls_policy_unref (PmTlsPolicy *policy);
const char *pm_tls_level_to_string (PmTlsLevel level);

/**
 * PmTlsPolicyQuery:
 * @domain: the destination: the domain whose MX records were followed, or of the recipients
 * @mx_host: the host to connect to
 * @by_mx: whether @mx_host comes from DNS; else the site names it
 * @mx_secure: whether the answer that named it was validated by DNSSEC; of a host that the site
 *   names %TRUE
 * @port: of the host, for its TLSA records
 * @hop_tls: what the host's own `tls=` says; %PM_TLS_OPPORTUNISTIC where it says nothing
 * @domain_tls: what `<security><domain>` says of @domain, likewise
 * @login: we log in there, and not on this computer: the host must prove who it is
 * @require_tls: the message came with REQUIRETLS
 * @tls_optional: the message says `TLS-Required: No`
 * @use_dane: `<security dane=>`
 * @use_mta_sts: `<security mta-sts=>`
 */
typedef struct
{
  const char *domain;
  const char *mx_host;
  gboolean by_mx;
  gboolean mx_secure;
  guint16 port;
  PmTls hop_tls;
  PmTls domain_tls;
  gboolean login;
  gboolean require_tls;
  gboolean tls_optional;
  gboolean use_dane;
  gboolean use_mta_sts;
} PmTlsPolicyQuery;

/**
 * PmTlsPolicyStore:
 *
 * Decides how hosts are to be talked to. What the site says comes first, then the message, then the
 * host's TLSA records (RFC 7672), then the domain's MTA-STS policy (RFC 8461), else TLS is used
 * where it is offered. Reference counted; any thread.
 */
typedef struct _PmTlsPolicyStore PmTlsPolicyStore;

/* `mta_sts` (nullable): without it no domain has a policy. */
PmTlsPolicyStore *pm_tls_policy_store_new (PmResolver *resolver, PmMtaSts *mta_sts);
PmTlsPolicyStore *pm_tls_policy_store_ref (PmTlsPolicyStore *store);
void pm_tls_policy_store_unref (PmTlsPolicyStore *store);

/*
 * The callback's source object is %NULL; it comes in the caller's thread-default main context.
 * Where nothing has to be asked it comes at once, from that context. The only error is
 * cancellation.
 */
void pm_tls_policy_lookup_async (PmTlsPolicyStore *store,
                                 const PmTlsPolicyQuery *query,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer data);
PmTlsPolicy *pm_tls_policy_lookup_finish (PmTlsPolicyStore *store,
                                          GAsyncResult *result,
                                          GError **error);
/*
 * The same without asking anybody, where the site or the message decides alone; %NULL where DNS has
 * to be asked.
 */
PmTlsPolicy *pm_tls_policy_decide_locally (const PmTlsPolicyQuery *query);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTlsPolicy, pm_tls_policy_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTlsPolicyStore, pm_tls_policy_store_unref)

G_END_DECLS
