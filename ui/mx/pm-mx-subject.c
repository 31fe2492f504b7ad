// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the site knows about a domain, told to the checker: which hosts are its own, and what its
// router does with the domain's mail.

#include "config.h"

#include "ui/mx/pm-mx-subject.h"

#include <string.h>

#include "base/pm-domain-name.h"
#include "routing/pm-router.h"

/* A person may paste an address, or an entry of the routing table with its `#`. */
static const char *
find_domain (const char *text)
{
  const char *at = strrchr (text, '@');

  if (at != NULL)
    return at + 1;
  while (g_ascii_isspace (*text))
    text++;
  return *text == '#' ? text + 1 : text;
}

static void
add_listeners (PmCheckSubject *subject, const PmMailService *service)
{
  for (guint i = 0; i < service->listeners->len; i++)
    {
      const PmListen *listen = g_ptr_array_index (service->listeners, i);
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (listen->address);

      if (address != NULL && !g_inet_address_get_is_any (address) &&
          !g_inet_address_get_is_loopback (address))
        g_ptr_array_add (subject->own_addresses, g_steal_pointer (&address));
    }
}

static void
add_server (PmCheckSubject *subject,
            const PmSite *site,
            const char *name,
            const PmMailService *service,
            gboolean local)
{
  const PmServer *server = pm_site_find_server (site, name);

  if (server != NULL)
    {
      pm_check_subject_add_name (subject, server->host);
      for (guint i = 0; i < server->addresses->len; i++)
        pm_check_subject_add_declared (subject, g_ptr_array_index (server->addresses, i));
    }
  if (subject->declared)
    return;
  if (service != NULL)
    add_listeners (subject, service);
  // The interfaces of the computer one sits at say nothing about a server elsewhere.
  if (local)
    pm_check_subject_add_interfaces (subject);
}

static void
add_route (PmCheckSubject *subject, const PmSite *site, const PmMailService *service)
{
  g_autoptr (PmRouter) router = pm_router_new (site, service, NULL);
  const PmRoute *route = pm_router_match (router, subject->domain);

  subject->route = PM_CHECK_ROUTE_NONE;
  if (route == NULL || (route->action != PM_ROUTE_INBOUND && !service->reroute))
    return;
  subject->route = route->action == PM_ROUTE_INBOUND ? PM_CHECK_ROUTE_INBOUND
                                                     : PM_CHECK_ROUTE_ONWARD;
  subject->route_subdomains = route->subdomains;
}

/**
 * pm_mx_subject_new:
 * @text: a domain as typed; of an address, what follows its `@`
 * @site: (nullable): the site; %NULL where none is known
 * @server: (nullable): the server that mail should reach
 * @local: whether @server is the computer this runs on
 *
 * Returns: (transfer full): what is to be checked.
 */
PmCheckSubject *
pm_mx_subject_new (const char *text, const PmSite *site, const char *server, gboolean local)
{
  PmCheckSubject *subject = pm_check_subject_new (find_domain (text));
  const PmMailService *service;

  if (site == NULL || server == NULL)
    return subject;
  service = pm_site_find_service (site, server);
  add_server (subject, site, server, service, local);
  if (service != NULL && subject->domain != NULL)
    add_route (subject, site, service);
  return subject;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_utf8_collate (*(const char *const *) a, *(const char *const *) b);
}

/**
 * pm_mx_subject_list_domains:
 * @site: a site
 * @server: (nullable): one of its servers
 * @limit: how many at most
 *
 * Returns: (transfer container) (element-type utf8): the domains that @server has entries for, as a
 *   person reads them, sorted.
 */
GPtrArray *
pm_mx_subject_list_domains (const PmSite *site, const char *server, guint limit)
{
  const PmMailService *service = server != NULL ? pm_site_find_service (site, server) : NULL;
  GPtrArray *domains = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; service != NULL && i < service->routes->len && domains->len < limit; i++)
    {
      const PmRoute *route = g_ptr_array_index (service->routes, i);

      if (g_hash_table_add (seen, route->domain))
        g_ptr_array_add (domains, pm_domain_name_to_display (route->domain));
    }
  g_ptr_array_sort (domains, compare_names);
  return domains;
}
