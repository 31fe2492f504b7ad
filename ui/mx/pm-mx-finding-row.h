// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "check/pm-check.h"

G_BEGIN_DECLS

/**
 * PmMxFindingRow:
 *
 * One finding in the panel's list: its symbol and word, what it means, what to do, and the DNS
 * lines with a button that copies them.
 */
#define PM_TYPE_MX_FINDING_ROW (pm_mx_finding_row_get_type ())
G_DECLARE_FINAL_TYPE (PmMxFindingRow, pm_mx_finding_row, PM, MX_FINDING_ROW, GtkListBoxRow)

GtkWidget *pm_mx_finding_row_new (const PmFinding *finding);

G_END_DECLS
