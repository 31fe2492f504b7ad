// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ui/dialogs/pm-object-dialog.h"

G_BEGIN_DECLS

/**
 * PmMailboxDialog:
 *
 * A mailbox: its address and its other addresses; a new one where none is named.
 */
#define PM_TYPE_MAILBOX_DIALOG (pm_mailbox_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmMailboxDialog, pm_mailbox_dialog, PM, MAILBOX_DIALOG, PmObjectDialog)

PmMailboxDialog *pm_mailbox_dialog_new (GtkWindow *parent,
                                        PmServerConnection *connection,
                                        const char *server_name,
                                        const char *address);

G_END_DECLS
