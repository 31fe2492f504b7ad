// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Holds together what deliveries need for TLS, and has the counters saved.

#include "relay/pm-outbound-tls.h"

#include "base/pm-log.h"

#define SAVE_EVERY 60 // seconds

typedef struct
{
  PmOutboundTls value;
  guint timer;
} Tls;

static gboolean
save_cb (gpointer data)
{
  PmOutboundTls *tls = data;
  g_autoptr (GError) error = NULL;

  if (!pm_tls_report_save (tls->report, &error))
    pm_log_event (G_LOG_LEVEL_WARNING, "tls-report-not-saved", "reason", error->message, NULL);
  return G_SOURCE_CONTINUE;
}

/**
 * pm_outbound_tls_new:
 * @state_dir: below it policies and counters are kept, in `mta-sts` and `tls-report`
 * @options: whom to believe and where to fetch
 * @error: what cannot be read or made
 *
 * Returns: (transfer full) (nullable): all of it. Blocks on the disk.
 */
PmOutboundTls *
pm_outbound_tls_new (const char *state_dir,
                     PmResolver *resolver,
                     PmClock *clock,
                     const PmOutboundTlsOptions *options,
                     GError **error)
{
  g_autoptr (PmOutboundTls) tls = (PmOutboundTls *) g_new0 (Tls, 1);
  g_autoptr (PmMtaSts) mta_sts = NULL;
  g_autofree char *policies = g_build_filename (state_dir, "mta-sts", NULL);
  g_autofree char *counters = g_build_filename (state_dir, "tls-report", NULL);
  PmMtaStsOptions where = { policies, options->ca_file, options->mta_sts_address,
                            options->mta_sts_port };

  if (options->ca_file != NULL)
    {
      tls->trust = pm_tls_trust_new (options->ca_file, error);
      if (tls->trust == NULL)
        return NULL;
    }
  mta_sts = pm_mta_sts_new (resolver, clock, &where, error);
  if (mta_sts == NULL)
    return NULL;
  tls->report = pm_tls_report_new (counters, clock, error);
  if (tls->report == NULL)
    return NULL;
  tls->policies = pm_tls_policy_store_new (resolver, mta_sts);
  ((Tls *) tls)->timer = g_timeout_add_seconds (SAVE_EVERY, save_cb, tls);
  return g_steal_pointer (&tls);
}

/**
 * pm_outbound_tls_free:
 * @tls: (transfer full) (nullable): all of it
 *
 * Saves the counters. Blocks on the disk.
 */
void
pm_outbound_tls_free (PmOutboundTls *tls)
{
  if (tls == NULL)
    return;
  if (((Tls *) tls)->timer != 0)
    {
      g_source_remove (((Tls *) tls)->timer);
      save_cb (tls);
    }
  pm_tls_policy_store_unref (tls->policies);
  pm_tls_report_free (tls->report);
  pm_tls_trust_unref (tls->trust);
  g_free (tls);
}
