// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "bus/pm-server-connection.h"
#include "ui/properties/pm-properties-page.h"

G_BEGIN_DECLS

#define PM_TYPE_QUEUES_PAGE (pm_queues_page_get_type ())
G_DECLARE_FINAL_TYPE (PmQueuesPage, pm_queues_page, PM, QUEUES_PAGE, GtkBox)

void pm_queues_page_set_connection (PmQueuesPage *self, PmServerConnection *connection);

G_END_DECLS
