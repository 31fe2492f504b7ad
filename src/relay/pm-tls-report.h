// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "base/pm-clock.h"
#include "relay/pm-tls-policy.h"

G_BEGIN_DECLS

/* What a TLS report calls a failure (RFC 8460 4.3). */
typedef enum
{
  PM_TLS_RESULT_STARTTLS_NOT_SUPPORTED,
  PM_TLS_RESULT_CERTIFICATE_HOST_MISMATCH,
  PM_TLS_RESULT_CERTIFICATE_EXPIRED,
  PM_TLS_RESULT_CERTIFICATE_NOT_TRUSTED,
  PM_TLS_RESULT_VALIDATION_FAILURE,
  PM_TLS_RESULT_TLSA_INVALID,
  PM_TLS_RESULT_DNSSEC_INVALID,
  PM_TLS_RESULT_STS_POLICY_INVALID,
} PmTlsResult;

/* Of an error of net/pm-tls.h, or of the connection below it. */
PmTlsResult pm_tls_result_from_error (const GError *error);

/**
 * PmTlsReport:
 *
 * Counts how connections to other domains were secured, by domain, policy and day (UTC), as TLS
 * reports want it (RFC 8460). In memory and on disk, for today and the two days before; at most so
 * many domains a day. Any thread.
 */
typedef struct _PmTlsReport PmTlsReport;

PmTlsReport *pm_tls_report_new (const char *directory,
                                PmClock *clock,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What was not saved is lost: see pm_tls_report_save(). */
void pm_tls_report_free (PmTlsReport *report);

void pm_tls_report_note_success (PmTlsReport *report, const char *domain, PmTlsSource policy);
void pm_tls_report_note_failure (PmTlsReport *report,
                                 const char *domain,
                                 PmTlsSource policy,
                                 PmTlsResult result,
                                 const char *mx_host);

/* To be called now and then, and at the end. Blocks on the disk. */
gboolean pm_tls_report_save (PmTlsReport *report, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* `days_ago`: 0 for today, so far. */
GPtrArray *pm_tls_report_list_domains (PmTlsReport *report, guint days_ago);
void pm_tls_report_count_today (PmTlsReport *report, guint64 *successes, guint64 *failures);
char *pm_tls_report_to_json (PmTlsReport *report,
                             guint days_ago,
                             const char *domain,
                             const char *organization,
                             const char *contact);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTlsReport, pm_tls_report_free)

G_END_DECLS
