// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "dns/pm-resolver.h"

G_BEGIN_DECLS

/**
 * PmDnsDiagnostics:
 *
 * A resolver that asks another one, and tells what was asked and answered where category `dns`
 * wants it: at `minimum` what failed, at `medium` every answer, at `maximum` its records too.
 */
#define PM_TYPE_DNS_DIAGNOSTICS (pm_dns_diagnostics_get_type ())
G_DECLARE_FINAL_TYPE (PmDnsDiagnostics, pm_dns_diagnostics, PM, DNS_DIAGNOSTICS, GObject)

PmResolver *pm_dns_diagnostics_new (PmResolver *resolver);

G_END_DECLS
