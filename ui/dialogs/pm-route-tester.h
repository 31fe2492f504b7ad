// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/**
 * PmRouteTester:
 *
 * “Where would this go?”: for an address and a client, which way mail goes by the saved site, and
 * why, as one types. Pure: asks nobody.
 */
#define PM_TYPE_ROUTE_TESTER (pm_route_tester_get_type ())
G_DECLARE_FINAL_TYPE (PmRouteTester, pm_route_tester, PM, ROUTE_TESTER, GtkDialog)

PmRouteTester *pm_route_tester_new (GtkWindow *parent,
                                    PmServerConnection *connection,
                                    const char *server_name);

G_END_DECLS
