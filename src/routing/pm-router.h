// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-mail-address.h"
#include "site/pm-site.h"

G_BEGIN_DECLS

/**
 * PmRouter:
 *
 * One Internet Mail Service's routing, compiled from the site: an immutable, reference-counted
 * value that answers, for a recipient and a client, which way the recipient goes and why. Pure: no
 * I/O, any thread. A look-up costs a hash probe per label of the domain, however many routes there
 * are.
 */
typedef struct _PmRouter PmRouter;

/**
 * PmRoutingClient:
 * @address: (nullable): where the client connects from; %NULL for mail made on this host
 * @local_address: (nullable): the address of ours that it connected to
 * @authenticated: whether it has proved who it is
 * @stranger: some host of the Internet whose address is not known: it is in no network; @address is
 *   then ignored
 */
typedef struct
{
  GInetAddress *address;
  GInetAddress *local_address;
  gboolean authenticated;
  gboolean stranger;
} PmRoutingClient;

typedef enum
{
  PM_ACTION_INBOUND,  /* to a mailbox here */
  PM_ACTION_FORWARD,  /* unchanged to the entry's hosts */
  PM_ACTION_REWRITE,  /* the recipient was rewritten, and then goes out by Connections */
  PM_ACTION_RELAY,    /* always relay: out by Connections, from anyone */
  PM_ACTION_OUTBOUND, /* no entry: out by Connections, for a client that may relay */
  PM_ACTION_REJECT,
} PmRoutingAction;

/**
 * PmNextHop:
 * @host: host name or IP address; for @mx the domain whose MX records are followed
 * @port: TCP port
 * @mx: whether @host is to be looked up as MX
 * @tls: how the connection must be secured
 */
typedef struct
{
  char *host;
  guint16 port;
  gboolean mx;
  PmTls tls;
} PmNextHop;

/**
 * PmDecision:
 * @action: what happens to the recipient
 * @recipient: the recipient after rewriting (the one asked about where nothing was rewritten)
 * @rewritten: whether @recipient differs from what was asked
 * @rule: (nullable): the winning entry (for a rewrite: the rewriting one), %NULL when none matched
 * @losers: (element-type PmRoute): entries that also match, most specific first
 * @mailbox: (nullable): for %PM_ACTION_INBOUND, the mailbox's primary address
 * @lmtp: (nullable): for %PM_ACTION_INBOUND, the LMTP server that has the mailboxes, as
 *   `unix:PATH` or `HOST:PORT`; %NULL where they are Maildirs
 * @next_hops: (element-type PmNextHop): in the order to try; empty for inbound and reject
 * @rotate: @next_hops are equals: each time another one is tried first
 * @ask: whether the recipient exists is known to the next host only: it is to be asked at RCPT,
 *   @lmtp for @mailbox, or @next_hops for @recipient
 * @catch_all: (nullable): with @ask and @lmtp, the mailbox that gets the mail when the answer is no
 * @reply: (nullable): for %PM_ACTION_REJECT, the whole SMTP reply, as `550 5.7.1 …`
 *
 * What becomes of one recipient, and why. Immutable, reference counted. An inbound domain whose
 * mailbox is unknown is %PM_ACTION_REJECT with 550 5.1.1 and @rule set. A rewrite that ends in an
 * inbound domain is %PM_ACTION_INBOUND with @rewritten, and @rule is the entry that rewrites.
 * The reasons are worked out when they are asked for: pm_decision_explain().
 */
typedef struct
{
  PmRoutingAction action;
  PmMailAddress *recipient;
  gboolean rewritten;
  PmRoute *rule;
  GPtrArray *losers;
  char *mailbox;
  const char *lmtp;
  GPtrArray *next_hops;
  gboolean rotate;
  gboolean ask;
  char *catch_all;
  char *reply;
} PmDecision;

/*
 * `local_addresses` (element-type GInetAddress) (nullable): this host's own addresses, besides
 * those the site declares for the server; for address literals and loops.
 */
PmRouter *pm_router_new (const PmSite *site,
                         const PmMailService *service,
                         GPtrArray *local_addresses);
PmRouter *pm_router_ref (PmRouter *router);
void pm_router_unref (PmRouter *router);

/* What becomes of one recipient. `client` NULL: mail made on this host. Never NULL. Any thread. */
PmDecision *pm_router_decide (PmRouter *router,
                              const PmMailAddress *recipient,
                              const PmRoutingClient *client);

/*
 * The entry that wins for a normalized domain, without a client or mailboxes (nullable). The site
 * addressing domain has an inbound entry also where the table does not list it.
 */
const PmRoute *pm_router_match (PmRouter *router, const char *domain);

/*
 * Whether the client may relay, with the reason as a sentence (out) (optional). `client` NULL: mail
 * made on this host, which may.
 */
gboolean pm_router_may_relay (PmRouter *router, const PmRoutingClient *client, char **reason);

/* Whether `address` is one of this server's own: declared, of this host, or loopback. */
gboolean pm_router_is_own_address (PmRouter *router, GInetAddress *address);

PmDecision *pm_decision_ref (const PmDecision *decision);
void pm_decision_unref (PmDecision *decision);
/* (array zero-terminated=1) (transfer full): the reasons in order, a sentence each. */
GStrv pm_decision_explain (const PmDecision *decision);
const char *pm_routing_action_to_string (PmRoutingAction action);
PmNextHop *pm_next_hop_new (const char *host, guint16 port, gboolean mx, PmTls tls);
void pm_next_hop_free (PmNextHop *hop);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmRouter, pm_router_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmDecision, pm_decision_unref)

G_END_DECLS
