// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * PmUndoBar:
 *
 * “anna@example.com was removed. [Undo]”: floats over the contents for a while after a removal
 * (action `win.undo`). What it offers stays in the Edit menu when it is gone.
 */
#define PM_TYPE_UNDO_BAR (pm_undo_bar_get_type ())
G_DECLARE_FINAL_TYPE (PmUndoBar, pm_undo_bar, PM, UNDO_BAR, GtkRevealer)

void pm_undo_bar_show (PmUndoBar *self, const char *text);
void pm_undo_bar_hide (PmUndoBar *self);

G_END_DECLS
