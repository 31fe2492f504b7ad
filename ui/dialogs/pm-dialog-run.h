// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void pm_dialog_run_async (GtkDialog *dialog, GAsyncReadyCallback callback, gpointer data);
int pm_dialog_run_finish (GtkDialog *dialog, GAsyncResult *result);

G_END_DECLS
