// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void pm_field_set_problem (GtkWidget *field, const char *problem);
gboolean pm_field_check (GtkWidget *field, gboolean valid, GError **error, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

char *pm_field_get_text (GtkEntry *entry);
char *pm_field_get_host (GtkEntry *entry, GError **error);
char *pm_host_name_parse (const char *text, GError **error);

G_END_DECLS
