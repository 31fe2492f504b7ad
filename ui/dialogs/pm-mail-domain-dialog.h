// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "site/pm-site.h"

G_BEGIN_DECLS

#define PM_TYPE_MAIL_DOMAIN_DIALOG (pm_mail_domain_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmMailDomainDialog, pm_mail_domain_dialog, PM, MAIL_DOMAIN_DIALOG, GtkDialog)

/* `taken` (element-type PmMailDomain): the other entries, which must not be entered twice. */
PmMailDomainDialog *pm_mail_domain_dialog_new (GtkWindow *parent,
                                               const PmMailDomain *domain,
                                               GPtrArray *taken);
PmMailDomain *pm_mail_domain_dialog_dup_item (PmMailDomainDialog *self);

G_END_DECLS
