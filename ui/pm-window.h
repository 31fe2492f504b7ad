// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "bus/pm-server-connection.h"
#include "dns/pm-resolver.h"

G_BEGIN_DECLS

/**
 * PmWindow:
 *
 * One server's window: tree and contents list, with what changes them around. Composition only;
 * what the menus, buttons and keys do is in pm-window-actions.c.
 */
#define PM_TYPE_WINDOW (pm_window_get_type ())
G_DECLARE_FINAL_TYPE (PmWindow, pm_window, PM, WINDOW, GtkApplicationWindow)

PmWindow *pm_window_new (GtkApplication *application, PmServerConnection *connection);
void pm_window_set_resolver (PmWindow *self, PmResolver *resolver);

G_END_DECLS
