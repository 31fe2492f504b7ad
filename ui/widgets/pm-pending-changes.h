// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/**
 * PmPendingChanges:
 *
 * What is saved but not in force: the difference between the revision that the running service has
 * loaded and the site as it is saved. Works it out off the main thread.
 *
 * Signal: `changed`.
 */
#define PM_TYPE_PENDING_CHANGES (pm_pending_changes_get_type ())
G_DECLARE_FINAL_TYPE (PmPendingChanges, pm_pending_changes, PM, PENDING_CHANGES, GObject)

PmPendingChanges *pm_pending_changes_new (PmServerConnection *connection);
gboolean pm_pending_changes_get_pending (PmPendingChanges *self);
GPtrArray *pm_pending_changes_get_changes (PmPendingChanges *self);

G_END_DECLS
