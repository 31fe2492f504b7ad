// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "site/pm-site.h"

G_BEGIN_DECLS

#define PM_TYPE_ACCEPT_DIALOG (pm_accept_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmAcceptDialog, pm_accept_dialog, PM, ACCEPT_DIALOG, GtkDialog)

PmAcceptDialog *pm_accept_dialog_new (GtkWindow *parent, const PmMailService *service);
void pm_accept_dialog_collect (PmAcceptDialog *self, PmMailService *service);

G_END_DECLS
