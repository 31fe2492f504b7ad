// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "ui/widgets/pm-pending-changes.h"

G_BEGIN_DECLS

/**
 * PmPendingBar:
 *
 * “3 changes are saved but not in force. [Show] [Restart Now]”, there only while it is so.
 */
#define PM_TYPE_PENDING_BAR (pm_pending_bar_get_type ())
G_DECLARE_FINAL_TYPE (PmPendingBar, pm_pending_bar, PM, PENDING_BAR, GtkRevealer)

void pm_pending_bar_set_changes (PmPendingBar *self, PmPendingChanges *changes);

G_END_DECLS
