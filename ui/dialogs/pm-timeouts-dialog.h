// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "site/pm-site.h"

G_BEGIN_DECLS

#define PM_TYPE_TIMEOUTS_DIALOG (pm_timeouts_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmTimeoutsDialog, pm_timeouts_dialog, PM, TIMEOUTS_DIALOG, GtkDialog)

PmTimeoutsDialog *pm_timeouts_dialog_new (GtkWindow *parent, const PmMailService *service);
void pm_timeouts_dialog_collect (PmTimeoutsDialog *self, PmMailService *service);

G_END_DECLS
