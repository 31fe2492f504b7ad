// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *pm_duration_text_format (guint seconds);
gboolean pm_duration_text_parse (const char *text, guint *seconds, GError **error);
char *pm_duration_text_format_list (GArray *list);
GArray *pm_duration_text_parse_list (const char *text, GError **error);

G_END_DECLS
