// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void pm_fit_screen (GtkWindow *window);

G_END_DECLS
