// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* So many reports at once, and so many an hour from then on. */
#define PM_REPORT_LIMIT_BURST 50
#define PM_REPORT_LIMIT_PER_HOUR 100

/**
 * PmReportLimit:
 *
 * How many reports one address gets. Senders are forged; whoever they name gets no flood from us.
 * Any thread.
 */
typedef struct _PmReportLimit PmReportLimit;

PmReportLimit *pm_report_limit_new (void);
void pm_report_limit_free (PmReportLimit *limit);
gboolean pm_report_limit_take (PmReportLimit *limit, const char *address, gint64 now);
guint pm_report_limit_get_size (PmReportLimit *limit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmReportLimit, pm_report_limit_free)

G_END_DECLS
