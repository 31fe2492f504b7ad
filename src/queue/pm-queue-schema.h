// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

#define PM_QUEUE_SCHEMA_VERSION 2

gboolean pm_queue_schema_set_up (sqlite3 *db, GError **error);
gboolean pm_queue_schema_recount (sqlite3 *db, GError **error);

G_END_DECLS
