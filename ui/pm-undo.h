// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/**
 * PmUndo:
 *
 * One step back: the site as it was before the last change, if that was made here, through this
 * connection. As soon as somebody else has changed the site there is nothing to undo any more.
 * Undoing writes the former site, as a change of its own, so that undoing twice brings the change
 * back. `can-undo` and `label` (string, nullable: what a menu calls it, with its mnemonic) notify.
 */
#define PM_TYPE_UNDO (pm_undo_get_type ())
G_DECLARE_FINAL_TYPE (PmUndo, pm_undo, PM, UNDO, GObject)

PmUndo *pm_undo_new (PmServerConnection *connection);
gboolean pm_undo_get_can_undo (PmUndo *self);
char *pm_undo_dup_label (PmUndo *self);
void pm_undo_undo_async (PmUndo *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer data);
char *pm_undo_undo_finish (PmUndo *self, GAsyncResult *result, GError **error);

G_END_DECLS
