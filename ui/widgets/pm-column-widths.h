// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void pm_column_widths_fit_font (GtkTreeView *view);

G_END_DECLS
