// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Finds mail that would go round before any does: entries that rewrite in a circle, hosts that are
// this server itself, servers that forward to each other, own domains that are sent away. What only
// DNS can tell is the engine's and the checker's to find.

#include "routing/pm-routing-loop.h"

#include <stdarg.h>
#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-mail-address.h"
#include "routing/pm-router.h"

#define MAX_REWRITES 10
#define SMTP_PORT 25

/* One service of the site, with its router. */
typedef struct
{
  const PmMailService *service;
  const PmServer *server; /* (nullable) */
  PmRouter *router;
} Node;

typedef struct
{
  const PmSite *site;
  GPtrArray *nodes; /* (element-type Node) */
  GPtrArray *loops;
} Search;

static void
node_free (Node *node)
{
  pm_router_unref (node->router);
  g_free (node);
}

/**
 * pm_routing_loop_free:
 * @loop: (transfer full) (nullable): a finding
 */
void
pm_routing_loop_free (PmRoutingLoop *loop)
{
  if (loop == NULL)
    return;
  g_free (loop->server);
  g_free (loop->domain);
  g_free (loop->message);
  pm_route_unref (loop->route);
  g_free (loop);
}

static void G_GNUC_PRINTF (6, 7)
    report (Search *search,
            const Node *node,
            PmRoutingLoopKind kind,
            const char *domain,
            const PmRoute *route,
            const char *format,
            ...)
{
  PmRoutingLoop *loop = g_new0 (PmRoutingLoop, 1);
  va_list args;

  va_start (args, format);
  loop->message = g_strdup_vprintf (format, args);
  va_end (args);
  loop->kind = kind;
  loop->server = g_strdup (node->service->server);
  loop->domain = g_strdup (domain);
  loop->route = route == NULL ? NULL : pm_route_ref (route);
  g_ptr_array_add (search->loops, loop);
}

/* Rewrites. */

/*
 * Follows rewriting entries from `domain`. Returns FALSE when they do not end; else `*last` is the
 * entry, if any, that they come to.
 */
static gboolean
follow_rewrites (const Node *node, const char *domain, GPtrArray *chain, const PmRoute **last)
{
  for (;;)
    {
      const PmRoute *route = pm_router_match (node->router, domain);

      g_ptr_array_add (chain, (gpointer) domain);
      if (route == NULL || route->action != PM_ROUTE_REWRITE)
        {
          *last = route;
          return TRUE;
        }
      domain = route->rewrite_domain;
      if (chain->len > MAX_REWRITES ||
          g_ptr_array_find_with_equal_func (chain, domain, g_str_equal, NULL))
        {
          g_ptr_array_add (chain, (gpointer) domain);
          return FALSE;
        }
    }
}

static void
check_rewrite (Search *search, const Node *node, const PmRoute *route)
{
  g_autoptr (GPtrArray) chain = g_ptr_array_new ();
  g_autofree char *text = NULL;
  const PmRoute *last;

  // From the entry's own domain if it is the one that wins there, else from below it.
  g_ptr_array_add (chain, route->domain);
  if (follow_rewrites (node, route->rewrite_domain, chain, &last))
    return;
  g_ptr_array_add (chain, NULL);
  text = g_strjoinv (" → ", (char **) chain->pdata);
  report (search, node, PM_ROUTING_LOOP_REWRITE, route->domain, route,
          "Mail for %s is rewritten without end: %s. Change one of these entries to inbound, or to "
          "a domain outside the circle.",
          route->domain, text);
}

/* Hosts that are servers of the site. */

static gboolean
names_host (const PmServer *server, const char *name)
{
  return g_ascii_strcasecmp (server->host, name) == 0;
}

static gboolean
listens (const PmListen *listener, GInetAddress *address)
{
  g_autoptr (GInetAddress) bound = g_inet_address_new_from_string (listener->address);

  return bound == NULL || address == NULL || g_inet_address_get_is_any (bound) ||
         g_inet_address_equal (bound, address);
}

static gboolean
accepts_at (const Node *node, GInetAddress *address, guint16 port)
{
  GPtrArray *listeners = node->service->listeners;

  for (guint i = 0; i < listeners->len; i++)
    {
      const PmListen *listener = listeners->pdata[i];

      if (listener->port == port && listens (listener, address))
        return TRUE;
    }
  return listeners->len == 0 && port == SMTP_PORT;
}

static gboolean
is_loopback (const char *name, GInetAddress *address)
{
  return address == NULL ? g_ascii_strcasecmp (name, "localhost") == 0
                         : g_inet_address_get_is_loopback (address);
}

/* Whether mail sent from `from` to `host` arrives at `node`. */
static gboolean
leads_to (const Node *from, const PmHost *host, const Node *node)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host->name);
  gboolean there;

  // Loopback, which every router calls its own, is only the sender's.
  if (is_loopback (host->name, address))
    there = from == node;
  else if (address != NULL)
    there = pm_router_is_own_address (node->router, address);
  else
    there = node->server != NULL && names_host (node->server, host->name);
  return there && accepts_at (node, address, host->port);
}

static const Node *
find_target (Search *search, const Node *from, GPtrArray *hosts)
{
  for (guint i = 0; i < hosts->len; i++)
    for (guint j = 0; j < search->nodes->len; j++)
      if (leads_to (from, hosts->pdata[i], search->nodes->pdata[j]))
        return search->nodes->pdata[j];
  return NULL;
}

static const PmHost *
find_self (const Node *node, GPtrArray *hosts)
{
  for (guint i = 0; i < hosts->len; i++)
    if (leads_to (node, hosts->pdata[i], node))
      return hosts->pdata[i];
  return NULL;
}

static void
check_between (Search *search, const Node *node, const PmRoute *route)
{
  const Node *target = find_target (search, node, route->hosts);

  for (guint hops = 0; target != NULL && target != node && hops < search->nodes->len; hops++)
    {
      const PmRoute *next = pm_router_match (target->router, route->domain);
      const Node *via = target;

      if (next == NULL || next->action != PM_ROUTE_FORWARD)
        return;
      target = find_target (search, target, next->hosts);
      if (target == node)
        report (search, node, PM_ROUTING_LOOP_BETWEEN_SERVERS, route->domain, route,
                "Mail for %s is forwarded from %s to other servers of the site, and %s forwards it "
                "back. On one of them the domain must be inbound.",
                route->domain, node->service->server, via->service->server);
    }
}

static void
check_forward (Search *search, const Node *node, const PmRoute *route)
{
  const PmHost *self = find_self (node, route->hosts);

  if (self == NULL)
    {
      check_between (search, node, route);
      return;
    }
  report (search, node, PM_ROUTING_LOOP_TO_ITSELF, route->domain, route,
          "Mail for %s is forwarded to %s, port %u, which is this server: it would come back. If "
          "the mailboxes are here, make the entry inbound; else name the host that has them.",
          route->domain, self->name, self->port);
}

static void
check_delivery (Search *search, const Node *node)
{
  const PmMailService *service = node->service;
  const PmHost *self = find_self (node, service->deliver->hosts);

  if (self != NULL && service->deliver->method == PM_DELIVERY_HOST)
    report (search, node, PM_ROUTING_LOOP_TO_ITSELF, NULL, NULL,
            "All outbound mail is sent to %s, port %u, which is this server: it would come back.",
            self->name, self->port);
  for (guint i = 0; i < service->mail_domains->len; i++)
    {
      const PmMailDomain *entry = service->mail_domains->pdata[i];

      self = find_self (node, entry->delivery->hosts);
      if (self != NULL && entry->delivery->method == PM_DELIVERY_HOST)
        report (search, node, PM_ROUTING_LOOP_TO_ITSELF, entry->name, NULL,
                "The e-mail domain %s sends to %s, port %u, which is this server: it would come "
                "back.",
                entry->name, self->name, self->port);
    }
}

/* Own domains. */

static void
check_own_domain (Search *search, const Node *node, const char *domain)
{
  g_autoptr (GPtrArray) chain = g_ptr_array_new ();
  const PmRoute *last;

  // A circle has been reported, as what it is.
  if (!follow_rewrites (node, domain, chain, &last))
    return;
  if (last == NULL && chain->len == 1)
    report (search, node, PM_ROUTING_LOOP_OWN_DOMAIN, domain, NULL,
            "There are mailboxes with addresses in %s, but no entry accepts mail for it. Add an "
            "inbound entry for %s.",
            domain, domain);
  else if (last == NULL || last->action != PM_ROUTE_INBOUND)
    report (search, node, PM_ROUTING_LOOP_OWN_DOMAIN, domain,
            pm_router_match (node->router, domain),
            "%s is a domain of this site, but the routing table sends its mail elsewhere: what "
            "comes back from there goes round, and the mailboxes here get none. Make its entry "
            "inbound.",
            domain);
}

static void
collect_domain (const char *address, GHashTable *domains)
{
  g_autoptr (PmMailAddress) parsed = pm_mail_address_parse (address, NULL);

  if (parsed != NULL && parsed->literal == NULL)
    g_hash_table_add (domains, g_strdup (parsed->domain));
}

static void
check_own_domains (Search *search, const Node *node)
{
  g_autoptr (GHashTable) domains = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GList) sorted = NULL;
  const char *site_domain = search->site->addressing_domain;
  GPtrArray *mailboxes = node->service->mailboxes;

  for (guint i = 0; i < mailboxes->len; i++)
    {
      const PmMailbox *mailbox = mailboxes->pdata[i];

      collect_domain (mailbox->address, domains);
      for (guint j = 0; j < mailbox->aliases->len; j++)
        collect_domain (mailbox->aliases->pdata[j], domains);
    }
  // A gateway without mailboxes may well hand the site's own mail to the host that has them.
  if (site_domain != NULL &&
      (mailboxes->len > 0 || node->service->mailbox_accept != PM_MAILBOXES_LISTED))
    g_hash_table_add (domains, g_strdup (site_domain));

  sorted = g_list_sort (g_hash_table_get_keys (domains), (GCompareFunc) strcmp);
  for (GList *link = sorted; link != NULL; link = link->next)
    check_own_domain (search, node, link->data);
}

static void
check_node (Search *search, const Node *node)
{
  GPtrArray *routes = node->service->routes;

  for (guint i = 0; i < routes->len; i++)
    {
      const PmRoute *route = routes->pdata[i];

      if (route->action == PM_ROUTE_REWRITE)
        check_rewrite (search, node, route);
      else if (route->action == PM_ROUTE_FORWARD)
        check_forward (search, node, route);
    }
  check_delivery (search, node);
  check_own_domains (search, node);
}

/**
 * pm_routing_find_loops:
 * @site: a site
 * @local_server: (nullable): name of the server that this host is, %NULL for the only one
 * @local_addresses: (nullable) (element-type GInetAddress): this host's addresses
 *
 * Returns: (transfer container) (element-type PmRoutingLoop): what would go round. Any thread.
 */
GPtrArray *
pm_routing_find_loops (const PmSite *site, const char *local_server, GPtrArray *local_addresses)
{
  const PmMailService *local = pm_site_find_service (site, local_server);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new_with_free_func ((GDestroyNotify) node_free);
  GPtrArray *loops = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_routing_loop_free);
  Search search = { site, nodes, loops };

  for (guint i = 0; i < site->services->len; i++)
    {
      Node *node = g_new0 (Node, 1);

      node->service = site->services->pdata[i];
      node->server = pm_site_find_server (site, node->service->server);
      node->router = pm_router_new (site, node->service,
                                    node->service == local ? local_addresses : NULL);
      g_ptr_array_add (nodes, node);
    }
  for (guint i = 0; i < nodes->len; i++)
    check_node (&search, nodes->pdata[i]);
  return loops;
}
