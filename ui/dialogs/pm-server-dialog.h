// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ui/dialogs/pm-object-dialog.h"

G_BEGIN_DECLS

/**
 * PmServerDialog:
 *
 * Properties of a server: its public DNS name and addresses.
 */
#define PM_TYPE_SERVER_DIALOG (pm_server_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmServerDialog, pm_server_dialog, PM, SERVER_DIALOG, PmObjectDialog)

PmServerDialog *pm_server_dialog_new (GtkWindow *parent,
                                      PmServerConnection *connection,
                                      const char *server_name);

G_END_DECLS
