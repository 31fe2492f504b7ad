// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PM_APPLICATION_ID "org.pointsman.Administrator"

/**
 * PmApplication:
 *
 * The Administrator: one process per person and display, one window per server it is connected to.
 */
#define PM_TYPE_APPLICATION (pm_application_get_type ())
G_DECLARE_FINAL_TYPE (PmApplication, pm_application, PM, APPLICATION, GtkApplication)

PmApplication *pm_application_new (void);

G_END_DECLS
