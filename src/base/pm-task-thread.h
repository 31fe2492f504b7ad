// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What runs in the thread: a result that is not %NULL, or %NULL with `error` set. */
typedef gpointer (*PmWorkFunc) (gpointer task_data, GError **error);

void pm_task_thread_run (GTask *task, PmWorkFunc work, GDestroyNotify free_result);

G_END_DECLS
