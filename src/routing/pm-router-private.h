// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "routing/pm-domain-table.h"
#include "routing/pm-router.h"

G_BEGIN_DECLS

/*
 * The compiled form. The tables borrow names and values from @service, which is immutable and held.
 * Nothing changes after pm_router_new().
 */
struct _PmRouter
{
  PmMailService *service;
  PmDomainTable routes;
  PmDomainTable mail_domains;
  PmDomainTable security;
  GHashTable *mailboxes;        /* (element-type utf8 utf8): address key to primary address */
  GHashTable *domain_aliases;   /* (element-type utf8 utf8): domain to the one with the mailboxes */
  GHashTable *catch_alls;       /* (element-type utf8 utf8): domain to a mailbox's address */
  PmRoute *site_entry;          /* (nullable): the site addressing domain's, where not in routes */
  char *site_domain;            /* (nullable): where literals and postmaster are looked up */
  char *server_host;            /* (nullable) */
  PmMailAddress *administrator; /* (nullable) */
  GArray *own;                  /* (element-type PmNetwork): this server's addresses */
};

/* Reasons are wanted only sometimes: `reasons` may be NULL, and nothing is then formatted. */
void pm_reasons_add (GPtrArray *reasons, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The hops of a `<forward>`'s hosts, secured as `domain` wants. */
GPtrArray *pm_router_host_hops (const PmRouter *router, GPtrArray *hosts, const char *domain);
GPtrArray *pm_router_explain_outbound (const PmRouter *router,
                                       const char *domain,
                                       gboolean *rotate,
                                       GPtrArray *reasons);

const char *pm_router_order_text (const GPtrArray *hops, gboolean rotate);

gboolean pm_router_check_relay (const PmRouter *router,
                                const PmRoutingClient *client,
                                GPtrArray *reasons);

G_END_DECLS
