// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "ui/properties/pm-service-draft.h"

G_BEGIN_DECLS

#define PM_TYPE_RESTRICTIONS_DIALOG (pm_restrictions_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmRestrictionsDialog, pm_restrictions_dialog, PM, RESTRICTIONS_DIALOG,
                      GtkDialog)

PmRestrictionsDialog *pm_restrictions_dialog_new (GtkWindow *parent, const PmServiceDraft *draft);
GPtrArray *pm_restrictions_dialog_dup_items (PmRestrictionsDialog *self);

G_END_DECLS
