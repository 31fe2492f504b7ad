// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib-object.h>

#include "site/pm-site.h"

G_BEGIN_DECLS

/**
 * PmServiceDraft:
 * @site: the site it was made from, shared
 * @server: the server's values, to be changed
 * @service: the service's values, to be changed
 *
 * One Internet Mail Service and its server as somebody is changing them. Replace a list's element,
 * never change it: elements are shared with the site.
 */
typedef struct
{
  PmSite *site;
  PmServer *server;
  PmMailService *service;
} PmServiceDraft;

#define PM_TYPE_SERVICE_DRAFT (pm_service_draft_get_type ())
GType pm_service_draft_get_type (void);

PmServiceDraft *pm_service_draft_new (const PmSite *site, const char *server_name);
PmServiceDraft *pm_service_draft_copy (const PmServiceDraft *self);
void pm_service_draft_free (PmServiceDraft *self);
gboolean pm_service_draft_equal (const PmServiceDraft *a, const PmServiceDraft *b);
PmSite *pm_service_draft_to_site (const PmServiceDraft *self);
PmServiceDraft *pm_service_draft_merge (const PmServiceDraft *base,
                                        const PmServiceDraft *mine,
                                        const PmServiceDraft *theirs);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmServiceDraft, pm_service_draft_free)

G_END_DECLS
