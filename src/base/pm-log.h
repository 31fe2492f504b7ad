// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void pm_log_init (const char *program, gboolean debug);
void pm_log_failure (const char *text);
void pm_log_event (GLogLevelFlags level,
                   const char *event,
                   ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
