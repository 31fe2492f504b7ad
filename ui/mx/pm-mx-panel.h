// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "check/pm-mx-report.h"
#include "site/pm-site.h"

G_BEGIN_DECLS

/**
 * PmMxPanel:
 *
 * The MX record checker: a domain is typed or chosen, and where its mail goes is shown while DNS
 * answers: one sentence, the MX records, and what was found, with what to do. `::close` is emitted
 * when the person wants it out of the way (its button, or Escape while nothing runs); who put it
 * into a window hides it.
 */
#define PM_TYPE_MX_PANEL (pm_mx_panel_get_type ())
G_DECLARE_FINAL_TYPE (PmMxPanel, pm_mx_panel, PM, MX_PANEL, GtkBox)

GtkWidget *pm_mx_panel_new (void);
void pm_mx_panel_set_site (PmMxPanel *panel, const PmSite *site, const char *server);
void pm_mx_panel_set_local (PmMxPanel *panel, gboolean local);
void pm_mx_panel_set_resolver (PmMxPanel *panel, PmResolver *resolver);
void pm_mx_panel_check (PmMxPanel *panel, const char *domain);
void pm_mx_panel_cancel (PmMxPanel *panel);
PmMxReport *pm_mx_panel_get_report (PmMxPanel *panel);

G_END_DECLS
