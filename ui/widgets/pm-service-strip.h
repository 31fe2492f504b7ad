// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/**
 * PmServiceStrip:
 *
 * The mail service's state as a symbol and a sentence, with the buttons that start and stop it
 * (actions `win.service-start`, `win.service-stop`, `win.service-restart`).
 */
#define PM_TYPE_SERVICE_STRIP (pm_service_strip_get_type ())
G_DECLARE_FINAL_TYPE (PmServiceStrip, pm_service_strip, PM, SERVICE_STRIP, GtkBox)

void pm_service_strip_set_connection (PmServiceStrip *self, PmServerConnection *connection);

G_END_DECLS
