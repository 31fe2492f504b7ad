// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "site/pm-site.h"

G_BEGIN_DECLS

/* What happens about a mailbox for a new inbound domain. */
typedef enum
{
  PM_DOMAIN_MAILBOX_NONE,
  PM_DOMAIN_MAILBOX_POSTMASTER, /* make postmaster@domain */
  PM_DOMAIN_MAILBOX_ALIAS,      /* postmaster@domain becomes an alias of an existing mailbox */
} PmDomainMailbox;

/**
 * PmDomainDraft:
 *
 * What a person has typed into Add Domain, as they typed it. The strings are borrowed.
 */
typedef struct
{
  const char *domain;
  gboolean subdomains;
  PmRouteAction action;
  const char *rewrite_domain;
  const char *host;
  guint16 port;
  PmDomainMailbox mailbox;
  const char *mailbox_address;
} PmDomainDraft;

typedef enum
{
  PM_DOMAIN_FIELD_NONE,
  PM_DOMAIN_FIELD_DOMAIN,
  PM_DOMAIN_FIELD_REWRITE,
  PM_DOMAIN_FIELD_HOST,
} PmDomainField;

char *pm_domain_draft_normalize (const PmDomainDraft *draft, gboolean *subdomains, GError **error);
PmSite *pm_domain_draft_apply (const PmDomainDraft *draft,
                               const PmSite *site,
                               const char *server_name,
                               PmDomainField *field,
                               GError **error);

G_END_DECLS
