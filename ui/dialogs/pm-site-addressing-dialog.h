// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ui/dialogs/pm-object-dialog.h"

G_BEGIN_DECLS

/**
 * PmSiteAddressingDialog:
 *
 * Properties of Site Addressing: the site's own mail domain.
 */
#define PM_TYPE_SITE_ADDRESSING_DIALOG (pm_site_addressing_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmSiteAddressingDialog, pm_site_addressing_dialog, PM,
                      SITE_ADDRESSING_DIALOG, PmObjectDialog)

PmSiteAddressingDialog *pm_site_addressing_dialog_new (GtkWindow *parent,
                                                       PmServerConnection *connection);

G_END_DECLS
