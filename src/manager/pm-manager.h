// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "manager/pm-authority.h"
#include "manager/pm-relay-link.h"
#include "manager/pm-service-backend.h"
#include "manager/pm-site-keeper.h"

G_BEGIN_DECLS

/**
 * PmManager:
 *
 * The object org.pointsman.Manager1: authorizes each call, does it without blocking, one change at
 * a time, and publishes how things are. Emits `idle-changed` (gboolean) when the last caller has
 * left the bus and nothing is going on, and when that is over; and `settled` when the last call is
 * answered.
 */
#define PM_TYPE_MANAGER (pm_manager_get_type ())
G_DECLARE_FINAL_TYPE (PmManager, pm_manager, PM, MANAGER, GObject)

PmManager *pm_manager_new (PmSiteKeeper *keeper,
                           PmServiceBackend *backend,
                           PmRelayLink *link,
                           PmAuthority *authority,
                           const char *server_name,
                           gboolean session_mode);
gboolean pm_manager_export (PmManager *self, GDBusConnection *bus, GError **error);
gboolean pm_manager_resume (PmManager *self);
gboolean pm_manager_is_idle (PmManager *self);
gboolean pm_manager_is_busy (PmManager *self);

G_END_DECLS
