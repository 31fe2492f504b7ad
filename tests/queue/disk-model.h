// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * What a disk holds of a folder when the power goes. The program's own open(), write(), fsync() and
 * so on stand before the C library's, for us and for SQLite below its VFS: what is synced is kept;
 * what is not comes through as sectors here and there, or not at all, and so do the names in
 * folders that were not synced. The program itself runs on, on the real files; the disk is as it
 * was at the cut.
 */
void disk_model_begin (const char *folder, GRand *chance, guint64 cut_after, gboolean lies);
gboolean disk_model_is_cut (void);
void disk_model_cut (void);
/* Once for each cut: writes what is left into another folder, and ends the model. */
void disk_model_write (const char *folder);
guint64 disk_model_get_steps (void);
/* Held, no cut comes: what is noted meanwhile was before it, or, where it is cut, after it. */
void disk_model_lock (void);
void disk_model_unlock (void);

G_END_DECLS
