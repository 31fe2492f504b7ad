// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "site/pm-site.h"

G_BEGIN_DECLS

typedef enum
{
  PM_ROUTING_LOOP_REWRITE,         /* rewriting entries lead in a circle */
  PM_ROUTING_LOOP_TO_ITSELF,       /* mail is sent to a socket that this server listens on */
  PM_ROUTING_LOOP_BETWEEN_SERVERS, /* two or more servers of the site forward to each other */
  PM_ROUTING_LOOP_OWN_DOMAIN,      /* a domain of ours does not reach the mailboxes it has here */
} PmRoutingLoopKind;

/**
 * PmRoutingLoop:
 * @kind: what is wrong
 * @server: name of the server whose service it concerns
 * @domain: (nullable): the domain it concerns; %NULL for all outbound mail
 * @route: (nullable): the entry that does it
 * @message: one untranslated sentence or two: what happens, and what to do
 *
 * Mail that would go round, seen in the site alone, without DNS.
 */
typedef struct
{
  PmRoutingLoopKind kind;
  char *server;
  char *domain;
  PmRoute *route;
  char *message;
} PmRoutingLoop;

void pm_routing_loop_free (PmRoutingLoop *loop);

/*
 * (transfer container) (element-type PmRoutingLoop): what goes round in `site`, service by service.
 * `local_addresses` (nullable) (element-type GInetAddress) are the addresses of the host that is
 * the server `local_server` (nullable: the only one), besides those the site declares. Pure.
 */
GPtrArray *pm_routing_find_loops (const PmSite *site,
                                  const char *local_server,
                                  GPtrArray *local_addresses);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmRoutingLoop, pm_routing_loop_free)

G_END_DECLS
