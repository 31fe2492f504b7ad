// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "ui/properties/pm-service-draft.h"

G_BEGIN_DECLS

#define PM_TYPE_ROUTE_DIALOG (pm_route_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmRouteDialog, pm_route_dialog, PM, ROUTE_DIALOG, GtkDialog)

/*
 * `route` (nullable): the entry to edit, one of the draft's. `draft`: what the entry is judged
 * in: its other entries, its server's name and addresses.
 */
PmRouteDialog *pm_route_dialog_new (GtkWindow *parent,
                                    const PmServiceDraft *draft,
                                    const PmRoute *route);
PmRoute *pm_route_dialog_dup_route (PmRouteDialog *self);

G_END_DECLS
