// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean pm_atomic_file_write (const char *path,
                               GBytes *contents,
                               int mode,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean pm_atomic_file_replace (const char *path,
                                 GBytes *contents,
                                 int mode,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean pm_atomic_file_sync_directory (const char *path,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
