// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Compiles a service's routing into tables: routes, e-mail domains and security by domain,
// mailboxes by address. Decisions are made from it in pm-decision.c; this file knows what is in
// force.

#include "routing/pm-router.h"

#include "routing/pm-router-private.h"

static void
router_clear (PmRouter *router)
{
  pm_domain_table_clear (&router->routes);
  pm_domain_table_clear (&router->mail_domains);
  pm_domain_table_clear (&router->security);
  g_hash_table_unref (router->mailboxes);
  g_hash_table_unref (router->domain_aliases);
  g_hash_table_unref (router->catch_alls);
  pm_route_unref (router->site_entry);
  pm_mail_address_unref (router->administrator);
  g_free (router->site_domain);
  g_free (router->server_host);
  g_array_unref (router->own);
  pm_mail_service_unref (router->service);
}

static void
add_mailbox (PmRouter *router, const char *address, const char *primary)
{
  g_autoptr (PmMailAddress) parsed = pm_mail_address_parse (address, NULL);
  g_autofree char *key = NULL;

  // An address that is none can match no recipient; validation reports it.
  if (parsed == NULL)
    return;
  key = pm_mail_address_key (parsed);
  if (!g_hash_table_contains (router->mailboxes, key))
    g_hash_table_insert (router->mailboxes, g_steal_pointer (&key), (gpointer) primary);
}

// Primary addresses come first, so that an alias never takes another mailbox's mail. The
// administrator's address is a mailbox also where it is not listed: notifications must arrive.
static void
add_mailboxes (PmRouter *router)
{
  GPtrArray *mailboxes = router->service->mailboxes;
  const char *administrator = router->service->administrator;

  for (guint i = 0; i < mailboxes->len; i++)
    {
      const PmMailbox *mailbox = mailboxes->pdata[i];

      add_mailbox (router, mailbox->address, mailbox->address);
    }
  for (guint i = 0; i < mailboxes->len; i++)
    {
      const PmMailbox *mailbox = mailboxes->pdata[i];

      for (guint j = 0; j < mailbox->aliases->len; j++)
        add_mailbox (router, mailbox->aliases->pdata[j], mailbox->address);
    }
  if (administrator != NULL)
    {
      router->administrator = pm_mail_address_parse (administrator, NULL);
      if (router->administrator != NULL && router->administrator->literal != NULL)
        g_clear_pointer (&router->administrator, pm_mail_address_unref);
      add_mailbox (router, administrator, administrator);
    }
}

static void
add_mailbox_rules (PmRouter *router)
{
  PmMailService *service = router->service;

  for (guint i = 0; i < service->domain_aliases->len; i++)
    {
      PmDomainAlias *alias = service->domain_aliases->pdata[i];

      g_hash_table_insert (router->domain_aliases, alias->domain, alias->of);
    }
  for (guint i = 0; i < service->catch_alls->len; i++)
    {
      PmCatchAll *all = service->catch_alls->pdata[i];

      g_hash_table_insert (router->catch_alls, all->domain, all->address);
    }
}

static void
add_routes (PmRouter *router, const char *addressing_domain)
{
  PmMailService *service = router->service;

  for (guint i = 0; i < service->routes->len; i++)
    {
      PmRoute *route = service->routes->pdata[i];

      pm_domain_table_insert (&router->routes, route->domain, route->subdomains, route);
    }
  // The site's own domain is inbound unless an entry for it says otherwise.
  if (addressing_domain != NULL && !pm_domain_table_has_entry (&router->routes, addressing_domain))
    {
      router->site_entry = pm_route_new ();
      g_free (router->site_entry->domain);
      router->site_entry->domain = g_strdup (addressing_domain);
      router->site_entry->subdomains = FALSE;
      pm_domain_table_insert (&router->routes, router->site_entry->domain, FALSE,
                              router->site_entry);
    }
  for (guint i = 0; i < service->mail_domains->len; i++)
    {
      PmMailDomain *domain = service->mail_domains->pdata[i];

      pm_domain_table_insert (&router->mail_domains, domain->name, domain->subdomains, domain);
    }
  for (guint i = 0; i < service->domain_security->len; i++)
    {
      PmDomainSecurity *security = service->domain_security->pdata[i];

      pm_domain_table_insert (&router->security, security->name, TRUE, security);
    }
}

static void
add_own_address (PmRouter *router, GInetAddress *address)
{
  PmNetwork network;

  pm_network_from_address (address, &network);
  g_array_append_val (router->own, network);
}

static void
add_own_addresses (PmRouter *router, const PmServer *server, GPtrArray *local_addresses)
{
  for (guint i = 0; server != NULL && i < server->addresses->len; i++)
    {
      g_autoptr (GInetAddress) address = NULL;

      address = g_inet_address_new_from_string (server->addresses->pdata[i]);
      if (address != NULL)
        add_own_address (router, address);
    }
  for (guint i = 0; local_addresses != NULL && i < local_addresses->len; i++)
    add_own_address (router, local_addresses->pdata[i]);
}

/**
 * pm_router_new:
 * @site: the site
 * @service: one of its services; both are held and must not be changed afterwards
 * @local_addresses: (nullable) (element-type GInetAddress): this host's own addresses
 *
 * Returns: (transfer full): the service's routing
 */
PmRouter *
pm_router_new (const PmSite *site, const PmMailService *service, GPtrArray *local_addresses)
{
  PmRouter *router;
  const PmServer *server;

  g_return_val_if_fail (site != NULL && service != NULL, NULL);

  router = g_atomic_rc_box_new0 (PmRouter);
  server = pm_site_find_server (site, service->server);
  router->service = pm_mail_service_ref (service);
  pm_domain_table_init (&router->routes);
  pm_domain_table_init (&router->mail_domains);
  pm_domain_table_init (&router->security);
  router->mailboxes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  router->domain_aliases = g_hash_table_new (g_str_hash, g_str_equal);
  router->catch_alls = g_hash_table_new (g_str_hash, g_str_equal);
  router->own = g_array_new (FALSE, FALSE, sizeof (PmNetwork));
  router->server_host = server == NULL ? NULL : g_strdup (server->host);
  router->site_domain = g_strdup (site->addressing_domain != NULL ? site->addressing_domain
                                                                  : router->server_host);
  add_routes (router, site->addressing_domain);
  add_mailboxes (router);
  add_mailbox_rules (router);
  add_own_addresses (router, server, local_addresses);
  return router;
}

/**
 * pm_router_ref:
 *
 * Returns: (transfer full): @router, with one more reference. Any thread.
 */
PmRouter *
pm_router_ref (PmRouter *router)
{
  return g_atomic_rc_box_acquire (router);
}

/**
 * pm_router_unref:
 * @router: (transfer full) (nullable): a router
 *
 * Any thread.
 */
void
pm_router_unref (PmRouter *router)
{
  if (router != NULL)
    g_atomic_rc_box_release_full (router, (GDestroyNotify) router_clear);
}

/**
 * pm_router_match:
 * @domain: a normalized domain
 *
 * Returns: (nullable) (transfer none): the entry that wins for @domain. Any thread.
 */
const PmRoute *
pm_router_match (PmRouter *router, const char *domain)
{
  g_return_val_if_fail (router != NULL && domain != NULL, NULL);

  return pm_domain_table_look_up (&router->routes, domain);
}

/**
 * pm_router_is_own_address:
 * @address: an IP address
 *
 * Returns: whether mail sent to @address would come back to this server. Any thread.
 */
gboolean
pm_router_is_own_address (PmRouter *router, GInetAddress *address)
{
  PmNetwork network;
  g_autoptr (GInetAddress) plain = NULL;

  g_return_val_if_fail (router != NULL && G_IS_INET_ADDRESS (address), FALSE);

  // By way of the network, an IPv4-mapped address is the IPv4 address in it.
  pm_network_from_address (address, &network);
  plain = g_inet_address_new_from_bytes (network.bytes, network.family);
  if (g_inet_address_get_is_loopback (plain) || g_inet_address_get_is_any (plain))
    return TRUE;
  for (guint i = 0; i < router->own->len; i++)
    if (pm_network_equal (&network, &g_array_index (router->own, PmNetwork, i)))
      return TRUE;
  return FALSE;
}
