// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "manager/pm-service-backend.h"

G_BEGIN_DECLS

/**
 * PmFakeBackend:
 *
 * A service in memory, with its Relay1 object, that acts on what the site file says: a comment
 * `fails`, `hangs`, `silent` (its port does not answer) or `deaf` (never says what it loaded).
 */
#define PM_TYPE_FAKE_BACKEND (pm_fake_backend_get_type ())
G_DECLARE_FINAL_TYPE (PmFakeBackend, pm_fake_backend, PM, FAKE_BACKEND, GObject)

PmFakeBackend *pm_fake_backend_new (GDBusConnection *bus, const char *site_path);
void pm_fake_backend_break (PmFakeBackend *self);
guint pm_fake_backend_get_runs (PmFakeBackend *self);

G_END_DECLS
