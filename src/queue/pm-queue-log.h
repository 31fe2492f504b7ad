// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * The database's log, `queue.db-wal`: what was committed and is not yet copied into `queue.db`.
 * Before anybody has the database open.
 */
gboolean pm_queue_log_set_aside_damaged (const char *folder, GError **error);
/* Until when bodies may belong to what was in a log that was set aside; 0: there is none. */
gint64 pm_queue_log_get_damage_time (const char *folder);

G_END_DECLS
