// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

void pm_queue_syncs_watch (sqlite3 *db);
void pm_queue_syncs_add (guint n);
guint64 pm_queue_syncs_get (void);

G_END_DECLS
