// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A message may have a thousand recipients and a page a thousand messages; so many are named. */
#define PM_BUS_MAX_LISTED 20

char *pm_bus_more_recipients (guint more);
guint pm_bus_count_recipients (const char *const *listed, guint *more);

G_END_DECLS
