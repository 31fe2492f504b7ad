// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ui/properties/pm-properties-page.h"

G_BEGIN_DECLS

#define PM_TYPE_CONNECTIONS_PAGE (pm_connections_page_get_type ())
G_DECLARE_FINAL_TYPE (PmConnectionsPage, pm_connections_page, PM, CONNECTIONS_PAGE, GtkBox)

G_END_DECLS
