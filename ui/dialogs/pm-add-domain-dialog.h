// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/**
 * PmAddDomainDialog:
 *
 * One more domain in one go: what its mail does, who is its postmaster, and what that will mean,
 * said while one types. Writes the site, and restarts the service where that was the button.
 *
 * Signal: `added (domain, PmApplyResult *)` before it closes; no result when the service was left
 * alone.
 */
#define PM_TYPE_ADD_DOMAIN_DIALOG (pm_add_domain_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmAddDomainDialog, pm_add_domain_dialog, PM, ADD_DOMAIN_DIALOG, GtkDialog)

enum
{
  PM_ADD_DOMAIN_RESPONSE_RESTART = 1,
};

PmAddDomainDialog *pm_add_domain_dialog_new (GtkWindow *parent,
                                             PmServerConnection *connection,
                                             const char *server_name);

G_END_DECLS
