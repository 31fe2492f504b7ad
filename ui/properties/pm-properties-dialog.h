// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/**
 * PmPropertiesDialog:
 *
 * The Properties of one Internet Mail Service. Works on a copy of the site's values; OK and Apply
 * write it, as an edit of the revision it was filled from.
 */
#define PM_TYPE_PROPERTIES_DIALOG (pm_properties_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmPropertiesDialog, pm_properties_dialog, PM, PROPERTIES_DIALOG, GtkDialog)

/*
 * `connection` must have a site with a service on that server, else NULL. Show it with
 * gtk_window_present().
 */
GtkWidget *pm_properties_dialog_new (GtkWindow *parent,
                                     PmServerConnection *connection,
                                     const char *server_name);

/* Shows one of its tabs: "general", "connections", "routing", "queues". */
void pm_properties_dialog_show_tab (PmPropertiesDialog *self, const char *name);

G_END_DECLS
