// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void pm_log_init (const char *program, gboolean debug);
void pm_log_failure (const char *text);

/*
 * Lets pm_log_event() leave its lines to a thread, so that no reader of the log ever holds up the
 * program; pm_log_stop() writes what is left and goes back to writing at once.
 */
void pm_log_start (void);
void pm_log_stop (void);
guint64 pm_log_get_dropped (void);

/* Whether anybody could read what pm_log_event() writes: not when standard error is /dev/null. */
gboolean pm_log_is_read (void);
void pm_log_event (GLogLevelFlags level,
                   const char *event,
                   ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
