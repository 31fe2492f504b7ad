// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-tls.h"
#include "relay/pm-tls-policy.h"
#include "relay/pm-tls-report.h"

G_BEGIN_DECLS

/**
 * PmOutboundTls:
 * @policies: what is wanted of the connection to a host
 * @report: where its success or failure is counted; saved once a minute, and at the end
 * @trust: (nullable): for #PmTlsClientConfig; %NULL is this system's authorities
 *
 * What deliveries need in order to secure their connections. Made and freed in the main thread, the
 * fields are for any.
 */
typedef struct
{
  PmTlsPolicyStore *policies;
  PmTlsReport *report;
  PmTlsTrust *trust;
} PmOutboundTls;

/**
 * PmOutboundTlsOptions:
 * @ca_file: (nullable): authorities to believe instead of this system's
 * @mta_sts_address: (nullable): where all MTA-STS policies are fetched from, for tests
 * @mta_sts_port: the port they are fetched from; 0 for 443
 */
typedef struct
{
  const char *ca_file;
  const char *mta_sts_address;
  guint16 mta_sts_port;
} PmOutboundTlsOptions;

PmOutboundTls *pm_outbound_tls_new (const char *state_dir,
                                    PmResolver *resolver,
                                    PmClock *clock,
                                    const PmOutboundTlsOptions *options,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_outbound_tls_free (PmOutboundTls *tls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmOutboundTls, pm_outbound_tls_free)

G_END_DECLS
