// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "base/pm-error.h"

G_BEGIN_DECLS

char *pm_bus_error_to_message (const GError *error);
GError *pm_bus_error_translate (const GError *error);

/* A bus closes the connection of whoever sends more than 32 MiB at once; some is for the rest. */
#define PM_BUS_MAX_SITE (32 * 1024 * 1024 - 64 * 1024)

gboolean pm_bus_check_size (gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
