// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * PmReportDialog:
 *
 * A list of things to read: a heading, and per thing a symbol, a sentence and where it is. For the
 * changes that are not in force and for what is doubtful in a site.
 */
#define PM_TYPE_REPORT_DIALOG (pm_report_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmReportDialog, pm_report_dialog, PM, REPORT_DIALOG, GtkDialog)

PmReportDialog *pm_report_dialog_new (GtkWindow *parent, const char *title, const char *heading);
void pm_report_dialog_add (PmReportDialog *self,
                           const char *icon_name,
                           const char *kind,
                           const char *text,
                           const char *where);

G_END_DECLS
