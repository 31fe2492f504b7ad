// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "manager/pm-service-backend.h"

G_BEGIN_DECLS

#define PM_TYPE_SYSTEMD_BACKEND (pm_systemd_backend_get_type ())
G_DECLARE_FINAL_TYPE (PmSystemdBackend, pm_systemd_backend, PM, SYSTEMD_BACKEND, GObject)

void pm_systemd_backend_new_async (GDBusConnection *bus,
                                   gboolean user_instance,
                                   const char *unit,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data);
PmSystemdBackend *pm_systemd_backend_new_finish (GAsyncResult *result, GError **error);

G_END_DECLS
