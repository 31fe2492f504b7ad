// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

const char *pm_service_words_title (PmServerConnection *connection);
const char *pm_service_words_for_state (const char *state);
const char *pm_service_words_icon (const char *state);
char *pm_service_words_since (gint64 since, gint64 now);

G_END_DECLS
