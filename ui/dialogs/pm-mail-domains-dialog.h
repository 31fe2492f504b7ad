// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "site/pm-site.h"

G_BEGIN_DECLS

#define PM_TYPE_MAIL_DOMAINS_DIALOG (pm_mail_domains_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmMailDomainsDialog, pm_mail_domains_dialog, PM, MAIL_DOMAINS_DIALOG,
                      GtkDialog)

PmMailDomainsDialog *pm_mail_domains_dialog_new (GtkWindow *parent, GPtrArray *mail_domains);
GPtrArray *pm_mail_domains_dialog_dup_items (PmMailDomainsDialog *self);

G_END_DECLS
