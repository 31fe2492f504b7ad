// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/**
 * PmConnectionPage:
 *
 * What the window shows instead of a site while there is none to show: that it is being connected,
 * or why it cannot be shown, in a sentence, and Retry.
 */
#define PM_TYPE_CONNECTION_PAGE (pm_connection_page_get_type ())
G_DECLARE_FINAL_TYPE (PmConnectionPage, pm_connection_page, PM, CONNECTION_PAGE, GtkBox)

void pm_connection_page_set_connection (PmConnectionPage *self, PmServerConnection *connection);

G_END_DECLS
