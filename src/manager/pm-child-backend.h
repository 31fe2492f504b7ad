// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "manager/pm-service-backend.h"

G_BEGIN_DECLS

#define PM_TYPE_CHILD_BACKEND (pm_child_backend_get_type ())
G_DECLARE_FINAL_TYPE (PmChildBackend, pm_child_backend, PM, CHILD_BACKEND, GObject)

PmChildBackend *pm_child_backend_new (const char *const *argv, const char *state_dir);
void pm_child_backend_start_if_wanted (PmChildBackend *self);
gboolean pm_child_backend_kill (PmChildBackend *self);
void pm_child_backend_set_stop_timeout (PmChildBackend *self, guint milliseconds);

G_END_DECLS
