// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "base/pm-error.h"

G_BEGIN_DECLS

char *pm_bus_error_to_message (const GError *error);
GError *pm_bus_error_translate (const GError *error);

G_END_DECLS
