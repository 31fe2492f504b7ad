// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *pm_queue_text_time (gint64 microseconds);
const char *pm_queue_text_state (const char *state);

G_END_DECLS
