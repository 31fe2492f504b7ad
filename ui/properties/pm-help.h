// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void pm_help_show (GtkWindow *window, const char *topic);

G_END_DECLS
