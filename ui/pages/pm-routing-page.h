// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ui/properties/pm-properties-page.h"

G_BEGIN_DECLS

#define PM_TYPE_ROUTING_PAGE (pm_routing_page_get_type ())
G_DECLARE_FINAL_TYPE (PmRoutingPage, pm_routing_page, PM, ROUTING_PAGE, GtkBox)

G_END_DECLS
