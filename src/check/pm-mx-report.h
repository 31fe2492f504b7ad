// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "check/pm-check.h"

G_BEGIN_DECLS

/**
 * PmMxRow:
 * @preference: of the MX record; 0 for the implicit one
 * @implicit: there is no record: the domain's own address is used
 * @host: the host's name, normalized; `.` for the null MX
 * @addresses: (array zero-terminated=1): its addresses as text, as far as they are known
 * @ttl: seconds the MX record may be kept
 * @pending: questions about the host are still under way
 * @leads: whether it is this server
 * @status: of the remark
 * @remark: what is to be said about it in a few words; without template where there is nothing
 *
 * One line of the table.
 */
typedef struct
{
  guint16 preference;
  gboolean implicit;
  char *host;
  char **addresses;
  guint32 ttl;
  gboolean pending;
  PmLeads leads;
  PmFindingStatus status;
  PmCheckText remark;
} PmMxRow;

/**
 * PmMxReport:
 *
 * The check of one domain's MX records: asks DNS for all it needs at once, judges it by the checks
 * of the registry, and says in one sentence where the domain's mail goes. It can be looked at while
 * it runs: `::changed` is emitted whenever an answer has arrived, `::finished` once, at the end,
 * also when it was cancelled. Use it in one thread.
 *
 *     g_autoptr (PmCheckSubject) subject = pm_check_subject_new ("example.com");
 *     pm_check_subject_add_name (subject, "mail1.example.com");
 *     pm_check_subject_add_declared (subject, "192.0.2.10");  // or …_add_interfaces (subject)
 *     subject->route = PM_CHECK_ROUTE_INBOUND;
 *     report = pm_mx_report_new (resolver, subject);
 *     pm_mx_report_run_async (report, cancellable, done_cb, data);
 *
 * and in done_cb pm_mx_report_run_finish(), whose only error is %G_IO_ERROR_CANCELLED, and then the
 * getters, pm_mx_report_to_text() or pm_mx_report_to_json().
 */
#define PM_TYPE_MX_REPORT (pm_mx_report_get_type ())
G_DECLARE_FINAL_TYPE (PmMxReport, pm_mx_report, PM, MX_REPORT, GObject)

PmMxReport *pm_mx_report_new (PmResolver *resolver, const PmCheckSubject *subject);
void pm_mx_report_run_async (PmMxReport *report,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data);
gboolean pm_mx_report_run_finish (PmMxReport *report, GAsyncResult *result, GError **error);

const PmCheckSubject *pm_mx_report_get_subject (PmMxReport *report);
gboolean pm_mx_report_is_running (PmMxReport *report);
gboolean pm_mx_report_was_cancelled (PmMxReport *report);
guint pm_mx_report_get_asked (PmMxReport *report);
guint pm_mx_report_get_answered (PmMxReport *report);
const char *pm_mx_report_get_server (PmMxReport *report);
gint64 pm_mx_report_get_elapsed (PmMxReport *report);

/* (element-type PmMxRow): the table, by preference. */
const GPtrArray *pm_mx_report_get_rows (PmMxReport *report);
/* (element-type PmFinding): empty until it is finished. */
const GPtrArray *pm_mx_report_get_findings (PmMxReport *report);
/* (element-type PmDnsAnswer): everything DNS said, for the curious. */
const GPtrArray *pm_mx_report_get_answers (PmMxReport *report);

/* Where the mail goes, in one sentence, and whether that is well. */
const PmCheckText *pm_mx_report_get_verdict (PmMxReport *report);
PmFindingStatus pm_mx_report_get_verdict_status (PmMxReport *report);
/* The worst of the verdict and all findings. */
PmFindingStatus pm_mx_report_get_worst (PmMxReport *report);

/* English text, and one JSON object, of a finished report. */
char *pm_mx_report_to_text (PmMxReport *report);
char *pm_mx_report_to_json (PmMxReport *report);

G_END_DECLS
