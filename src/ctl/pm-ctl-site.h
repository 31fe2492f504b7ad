// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ctl/pm-ctl.h"
#include "site/pm-site-file.h"
#include "site/pm-site-store.h"

G_BEGIN_DECLS

/**
 * PmCtlSite:
 * @name: how the site file is called in messages
 * @xml: its bytes
 * @revision: their revision
 * @site: (nullable): what they say; %NULL where they were not to be read
 * @store: (nullable): the file itself, where one is named with --config
 *
 * The site that a command works on: the server's, or a file alone.
 */
typedef struct
{
  char *name;
  GBytes *xml;
  char *revision;
  PmSite *site;
  PmSiteStore *store;
} PmCtlSite;

/* The bytes alone; then also what they say, with its warnings on standard error. */
PmCtlSite *pm_ctl_site_fetch (PmCtl *ctl, GError **error);
PmCtlSite *pm_ctl_site_load (PmCtl *ctl, GError **error);
void pm_ctl_site_free (PmCtlSite *self);

/* The service meant: of --server, of the server spoken to, or the only one. */
const PmMailService *pm_ctl_site_get_service (PmCtl *ctl, PmCtlSite *self, GError **error);

/* Checks and saves; returns the new revision. */
char *pm_ctl_site_save (PmCtl *ctl,
                        PmCtlSite *self,
                        GBytes *xml,
                        const char *comment,
                        GError **error);
char *pm_ctl_site_save_service (PmCtl *ctl,
                                PmCtlSite *self,
                                const PmMailService *service,
                                const char *comment,
                                GError **error);

/* Says that it is saved, and how it comes in force. */
void pm_ctl_site_report_saved (PmCtl *ctl, const char *revision);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmCtlSite, pm_ctl_site_free)

G_END_DECLS
