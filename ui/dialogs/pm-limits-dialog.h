// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "site/pm-site.h"

G_BEGIN_DECLS

#define PM_TYPE_LIMITS_DIALOG (pm_limits_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmLimitsDialog, pm_limits_dialog, PM, LIMITS_DIALOG, GtkDialog)

PmLimitsDialog *pm_limits_dialog_new (GtkWindow *parent, const PmMailService *service);
void pm_limits_dialog_collect (PmLimitsDialog *self, PmMailService *service);

G_END_DECLS
