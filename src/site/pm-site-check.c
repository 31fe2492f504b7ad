// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What is wrong or doubtful in a site beyond its form. Every sentence says what to do about it. The
// cost grows with the size of the site, not with its square.

#include <stdarg.h>
#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-mail-address.h"
#include "site/pm-site-reading.h"

typedef struct
{
  const PmSite *site;
  const PmMailService *service; /* (nullable): the one that is being checked */
  const PmServer *server;       /* (nullable): what it runs on */
  gboolean partial;
  PmSiteReport report;
  gpointer data;

  GHashTable *exact;          /* (element-type utf8 PmRoute): by domain, those without subdomains */
  GHashTable *suffix;         /* (element-type utf8 PmRoute): by domain, the others */
  GHashTable *mailboxes;      /* (element-type utf8 utf8): by pm_mail_address_key() */
  GHashTable *occupied;       /* (element-type utf8): domains that have a mailbox */
  GHashTable *occupied_below; /* (element-type utf8): the same, and everything above them */
} Check;

/* What a problem is about: `parent/element[@key_name="key"]`, and the attribute to point at. */
typedef struct
{
  gconstpointer value;
  const char *parent;
  const char *element;
  const char *attribute;
  const char *key_name;
  const char *key;
} Place;

static void say (Check *check, PmProblemSeverity severity, Place place, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static void
say (Check *check, PmProblemSeverity severity, Place place, const char *format, ...)
{
  g_autoptr (GString) where = g_string_new (NULL);
  g_autofree char *message = NULL;
  va_list args;

  if (check->service != NULL && check->site->services->len > 1)
    g_string_append_printf (where, "internet-mail-service[@server=\"%s\"]%s",
                            check->service->server, place.element != NULL ? "/" : "");
  if (place.parent != NULL)
    g_string_append_printf (where, "%s/", place.parent);
  if (place.element != NULL)
    g_string_append (where, place.element);
  if (place.key != NULL)
    g_string_append_printf (where, "[@%s=\"%s\"]", place.key_name, place.key);

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  check->report (check->data, severity, place.value,
                 place.element != NULL ? place.element : "internet-mail-service", place.attribute,
                 where->str, message);
}

#define ERROR(...) say (check, PM_PROBLEM_ERROR, __VA_ARGS__)
#define WARNING(...) say (check, PM_PROBLEM_WARNING, __VA_ARGS__)

static Place
route_place (const PmRoute *route)
{
  return (Place){ route, "routing", "route", "domain", "domain", route->domain };
}

/* Servers and services */

static void
check_servers (Check *check)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < check->site->servers->len; i++)
    {
      const PmServer *server = check->site->servers->pdata[i];
      Place place = { server, "servers", "server", "name", "name", server->name };

      if (*server->name != '\0' && !g_hash_table_add (names, server->name))
        ERROR (place, "there are two servers named %s; give one of them another name",
               server->name);
    }
}

static void
check_services (Check *check)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  if (check->site->services->len == 0 && !check->partial)
    WARNING (((Place){ check->site, NULL, "connections" }),
             "there is no Internet Mail Service in this site; add an <internet-mail-service>");

  for (guint i = 0; i < check->site->services->len; i++)
    {
      const PmMailService *service = check->site->services->pdata[i];
      Place place = { service, "connections", "internet-mail-service", "server", "server",
                      service->server };

      if (*service->server == '\0')
        continue;
      if (!g_hash_table_add (names, service->server))
        ERROR (place, "two services run on the server %s; keep one of them", service->server);
      if (!check->partial && pm_site_find_server (check->site, service->server) == NULL)
        ERROR (place,
               "the server %s is not declared; add <server name=\"%s\" host=\"…\"/> to <servers>, "
               "or correct the name",
               service->server, service->server);
    }
}

/* Connections */

static void
check_listeners (Check *check)
{
  const PmMailService *service = check->service;
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean inbound = service->transfer == PM_TRANSFER_BOTH ||
                     service->transfer == PM_TRANSFER_INBOUND;

  if (service->listeners->len == 0 && inbound && !check->partial)
    WARNING (((Place){ service, NULL, "connections" }),
             "the service listens nowhere, so no mail comes in; add <listen address=\"0.0.0.0\" "
             "port=\"25\"/>, or set transfer=\"outbound\"");

  for (guint i = 0; i < service->listeners->len; i++)
    {
      const PmListen *listen_on = service->listeners->pdata[i];
      Place place = { listen_on, "connections", "listen", "address", "address",
                      listen_on->address };
      gboolean v6 = strchr (listen_on->address, ':') != NULL;
      g_autofree char *all = g_strdup_printf ("%s port %u", v6 ? "::" : "0.0.0.0",
                                              listen_on->port);
      char *key = g_strdup_printf ("%s port %u", listen_on->address, listen_on->port);

      if (g_hash_table_contains (seen, key) || g_hash_table_contains (seen, all))
        ERROR (place, "another <listen> has %s port %u already; remove one of the two",
               listen_on->address, listen_on->port);
      g_hash_table_add (seen, key);
    }
  // A specific address before the one for all is the same clash.
  for (guint i = 0; i < service->listeners->len; i++)
    {
      const PmListen *wide = service->listeners->pdata[i];
      gboolean v6 = strcmp (wide->address, "::") == 0;

      if (!v6 && strcmp (wide->address, "0.0.0.0") != 0)
        continue;
      for (guint j = 0; j < i; j++)
        {
          const PmListen *other = service->listeners->pdata[j];

          if (other->port != wide->port || strcmp (other->address, wide->address) == 0 ||
              v6 != (strchr (other->address, ':') != NULL))
            continue;
          ERROR (((Place){ wide, "connections", "listen", "address", "address", wide->address }),
                 "%s is all addresses, and another <listen> has %s port %u already; remove one of "
                 "the two",
                 wide->address, other->address, other->port);
          break;
        }
    }
}

static void
check_delivery (Check *check, const PmDelivery *delivery, const char *parent)
{
  Place place = { delivery, parent, "deliver", "method" };

  if (delivery->method == PM_DELIVERY_HOST && delivery->hosts->len == 0 && !check->partial)
    ERROR (place, "method=\"host\" names no host; add <host name=\"…\"/>, or set method=\"dns\"");
  if (delivery->method == PM_DELIVERY_DNS && delivery->hosts->len > 0)
    WARNING (place, "method=\"dns\" does not use the hosts named here; set method=\"host\", or "
                    "remove them");
}

static void
check_mail_domains (Check *check)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  check_delivery (check, check->service->deliver, "connections");
  for (guint i = 0; i < check->service->mail_domains->len; i++)
    {
      const PmMailDomain *domain = check->service->mail_domains->pdata[i];
      g_autofree char *parent = g_strdup_printf ("connections/e-mail-domain[@name=\"%s\"]",
                                                 domain->name);

      if (*domain->name != '\0' &&
          !g_hash_table_add (seen, g_strdup_printf ("%d %s", domain->subdomains, domain->name)))
        ERROR (((Place){ domain, "connections", "e-mail-domain", "name", "name", domain->name }),
               "%s has two <e-mail-domain> entries; keep one of them", domain->name);
      check_delivery (check, domain->delivery, parent);
    }
}

#define NOTIFY_TOO_LATE                                                            \
  "the sender would hear of the delay only after the timeout, which is never; make " \
  "notify shorter than timeout"

static void
check_retry (Check *check)
{
  const PmMailService *service = check->service;
  Place place = { service, "connections", "retry", "intervals" };

  for (guint i = 0; i < service->retry_intervals->len; i++)
    if (g_array_index (service->retry_intervals, guint, i) > service->retry_timeout)
      {
        WARNING (place, "an interval is longer than the timeout, so that try never comes; shorten "
                        "the interval or lengthen the timeout");
        break;
      }
  place.attribute = "notify";
  if (service->retry_notify > service->retry_timeout)
    WARNING (place, NOTIFY_TOO_LATE);
  place.element = "class";
  place.parent = "connections/retry";
  place.key_name = "priority";
  place.key = "urgent";
  if (service->retry_urgent_notify > service->retry_urgent_timeout)
    WARNING (place, NOTIFY_TOO_LATE);
  place.key = "non-urgent";
  if (service->retry_nonurgent_notify > service->retry_nonurgent_timeout)
    WARNING (place, NOTIFY_TOO_LATE);
}

static void
check_trust (Check *check)
{
  gboolean any_proxy = FALSE;

  for (guint i = 0; i < check->service->accept_rules->len; i++)
    {
      const PmAcceptRule *rule = check->service->accept_rules->pdata[i];
      g_autofree char *network = pm_network_to_string (&rule->network);
      Place place = { rule, "connections/accept-connections", "host", "network", "network",
                      network };

      any_proxy = any_proxy || (rule->accept && rule->proxy);
      if (!rule->relay_server && !rule->xclient && !rule->proxy)
        continue;
      if (!rule->accept)
        WARNING (place, "%s is trusted, but its connections are rejected; set action=\"accept\"",
                 network);
      else if (rule->network.prefix == 0)
        WARNING (place, "the whole Internet is trusted to say who it is; name the network of your "
                        "own hosts");
    }
  for (guint i = 0; i < check->service->listeners->len; i++)
    {
      const PmListen *listen_on = check->service->listeners->pdata[i];

      if (listen_on->proxy && !any_proxy && !check->partial)
        WARNING (((Place){ listen_on, "connections", "listen", "proxy", "address",
                           listen_on->address }),
                 "a PROXY header is expected, and no host may send one, so that all are refused; "
                 "add <host network=\"…\" action=\"accept\" proxy=\"yes\"/> to "
                 "<accept-connections>");
    }
}

static void
check_filter (Check *check)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < check->service->filter_senders->len; i++)
    {
      char *sender = check->service->filter_senders->pdata[i];

      if (!g_hash_table_add (seen, sender))
        WARNING (((Place){ sender, "connections/message-filtering", "sender", "address", "address",
                           sender }),
                 "the sender stands twice; remove one of the two");
    }
}

/* Routing */

static const PmRoute *
match_route (const Check *check, const char *domain)
{
  const PmRoute *route = g_hash_table_lookup (check->exact, domain);

  for (const char *name = domain; route == NULL && name != NULL;)
    {
      route = g_hash_table_lookup (check->suffix, name);
      name = strchr (name, '.');
      if (name != NULL)
        name++;
    }
  return route;
}

static void
index_routes (Check *check)
{
  for (guint i = 0; i < check->service->routes->len; i++)
    {
      PmRoute *route = check->service->routes->pdata[i];
      GHashTable *table = route->subdomains ? check->suffix : check->exact;

      if (*route->domain == '\0')
        continue;
      if (g_hash_table_contains (table, route->domain))
        ERROR (route_place (route), "%s%s has two routes; keep one of them", route->domain,
               route->subdomains ? " with its subdomains" : " (exactly)");
      else
        g_hash_table_insert (table, route->domain, route);
    }
}

// Follows rewrites from one route; `done` holds those that are known to come to an end or to have
// been reported, so that every route is walked once.
static void
check_rewrite (Check *check, const PmRoute *start, GHashTable *done)
{
  g_autoptr (GHashTable) walked = g_hash_table_new (NULL, NULL);
  const PmRoute *route = start;

  while (route != NULL && route->action == PM_ROUTE_REWRITE && route->rewrite_domain != NULL &&
         !g_hash_table_contains (done, route))
    {
      const PmRoute *next = match_route (check, route->rewrite_domain);

      g_hash_table_add (walked, (gpointer) route);
      if (next == route)
        ERROR (route_place (route),
               "the route rewrites to %s, which it matches itself, without end; rewrite to another "
               "domain, or set subdomains=\"no\"",
               route->rewrite_domain);
      else if (next != NULL && g_hash_table_contains (walked, next))
        ERROR (route_place (route),
               "the routes rewrite in a circle: %s to %s, and back here; let one of them accept or "
               "forward the mail",
               route->domain, route->rewrite_domain);
      g_hash_table_add (done, (gpointer) route);
      route = next;
    }
}

// A host named in a route that is this server itself would get the mail again and again.
static gboolean
is_this_server (const Check *check, const PmHost *host)
{
  gboolean ours = FALSE;
  gboolean listening = host->port == 25;

  for (guint i = 0; i < check->service->listeners->len; i++)
    {
      const PmListen *listen_on = check->service->listeners->pdata[i];

      if (listen_on->port != host->port)
        continue;
      listening = TRUE;
      if (strcmp (listen_on->address, host->name) == 0 || strcmp (host->name, "localhost") == 0 ||
          strcmp (host->name, "127.0.0.1") == 0 || strcmp (host->name, "::1") == 0)
        return TRUE;
    }
  if (check->server == NULL)
    return FALSE;
  ours = strcmp (check->server->host, host->name) == 0;
  for (guint i = 0; i < check->server->addresses->len; i++)
    ours = ours || strcmp (check->server->addresses->pdata[i], host->name) == 0;
  return ours && listening;
}

static void
check_forward (Check *check, const PmRoute *route)
{
  if (route->hosts->len == 0 && !check->partial)
    ERROR (route_place (route), "the route forwards to no host; add <host name=\"…\"/>");
  for (guint i = 0; i < route->hosts->len; i++)
    {
      const PmHost *host = route->hosts->pdata[i];

      if (is_this_server (check, host))
        WARNING (route_place (route),
                 "the route forwards to %s port %u, which is this server: its mail would go round "
                 "in a loop; forward to another host, or accept the domain as inbound",
                 host->name, host->port);
    }
}

// RFC 5321 4.5.1: a domain that takes mail has a postmaster.
static void
check_inbound (Check *check, const PmRoute *route)
{
  g_autofree char *postmaster = NULL;

  if (check->service->mailbox_accept != PM_MAILBOXES_LISTED || check->partial ||
      *route->domain == '\0')
    return;
  if (!g_hash_table_contains (route->subdomains ? check->occupied_below : check->occupied,
                              route->domain))
    {
      WARNING (route_place (route),
               "%s is inbound and has no mailbox, so all its mail is refused; add a mailbox, or "
               "set accept=\"any\" in <mailboxes>",
               route->domain);
      return;
    }
  if (check->service->administrator != NULL)
    return;
  postmaster = g_strconcat ("postmaster@", route->domain, NULL);
  if (!g_hash_table_contains (check->mailboxes, postmaster))
    WARNING (route_place (route),
             "nobody gets the mail for postmaster@%s, which every domain must accept; add the "
             "address to a mailbox, or name an administrator in <internet-mail>",
             route->domain);
}

static void
check_routes (Check *check)
{
  g_autoptr (GHashTable) done = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < check->service->routes->len; i++)
    {
      const PmRoute *route = check->service->routes->pdata[i];

      switch (route->action)
        {
        case PM_ROUTE_INBOUND:
          check_inbound (check, route);
          break;
        case PM_ROUTE_REWRITE:
          if (route->rewrite_domain == NULL && !check->partial)
            ERROR (route_place (route), "the route rewrites to no domain; name one");
          check_rewrite (check, route, done);
          break;
        case PM_ROUTE_FORWARD:
          check_forward (check, route);
          break;
        case PM_ROUTE_RELAY:
          break;
        }
    }
}

static gboolean
is_unspecified (const PmNetwork *network)
{
  static const guint8 zero[16] = { 0 };

  return memcmp (network->bytes, zero, sizeof zero) == 0;
}

static gboolean
covers (const PmNetwork *wide, const PmNetwork *narrow)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_bytes (narrow->bytes, narrow->family);

  return wide->family == narrow->family && wide->prefix <= narrow->prefix &&
         pm_network_contains (wide, address);
}

static void
check_allow (Check *check, const PmRestriction *allow, Place place)
{
  if (allow->kind == PM_RESTRICTION_INTERFACE && is_unspecified (&allow->network))
    ERROR (place, "%s is no address of this host; name the one that the clients connect to",
           place.key);
  if (allow->kind != PM_RESTRICTION_NETWORK)
    return;
  if (allow->network.prefix == 0 && !check->partial)
    WARNING (place,
             "this lets the whole Internet relay through this server: an open relay; allow only "
             "the networks of your own hosts");

  for (guint i = 0; i < check->service->restrictions->len; i++)
    {
      const PmRestriction *never = check->service->restrictions->pdata[i];

      if (never->never && covers (&never->network, &allow->network))
        {
          WARNING (place, "a <never> holds all of %s, and it wins; remove one of the two",
                   place.key);
          return;
        }
    }
}

#define MAX_COMPARED 4096

static void
check_restrictions (Check *check)
{
  GPtrArray *list = check->service->restrictions;

  for (guint i = 0; i < MIN (list->len, MAX_COMPARED); i++)
    {
      const PmRestriction *restriction = list->pdata[i];
      g_autofree char *network = pm_network_to_string (&restriction->network);
      gboolean interface = restriction->kind == PM_RESTRICTION_INTERFACE;
      Place place = { restriction, "routing/restrictions", restriction->never ? "never" : "allow",
                      interface ? "interface" : "network", interface ? "interface" : "network",
                      network };

      if (restriction->kind == PM_RESTRICTION_AUTHENTICATED)
        continue;
      if (!restriction->never)
        check_allow (check, restriction, place);
      else if (restriction->network.prefix == 0)
        WARNING (place, "this keeps every client from relaying, whatever is allowed; remove it, or "
                        "name a smaller network");
    }
}

/* Mailboxes and the rest */

static void
occupy (Check *check, const char *domain)
{
  g_hash_table_add (check->occupied, g_strdup (domain));
  for (const char *name = domain; name != NULL;)
    {
      g_hash_table_add (check->occupied_below, g_strdup (name));
      name = strchr (name, '.');
      if (name != NULL)
        name++;
    }
}

static void
check_address (Check *check, const char *text, const char *element, gpointer value)
{
  Place place = { value, "mailboxes", element, "address", "address", text };
  g_autoptr (PmMailAddress) address = *text == '\0' ? NULL : pm_mail_address_parse (text, NULL);
  const PmRoute *route;
  char *key;

  if (address == NULL)
    return;
  key = pm_mail_address_key (address);
  if (g_hash_table_contains (check->mailboxes, key))
    {
      ERROR (place, "%s stands in another mailbox already; every address leads to one mailbox: "
                    "remove one of the two",
             text);
      g_free (key);
      return;
    }
  g_hash_table_add (check->mailboxes, key);
  if (address->literal != NULL)
    return;
  occupy (check, address->domain);

  route = match_route (check, address->domain);
  if ((route == NULL || route->action != PM_ROUTE_INBOUND) && !check->partial)
    WARNING (place,
             "mail for %s never comes to this mailbox, for %s is not inbound; add a route that "
             "accepts the domain",
             text, address->domain);
}

static void
check_mailboxes (Check *check)
{
  const PmMailService *service = check->service;

  for (guint i = 0; i < service->mailboxes->len; i++)
    {
      PmMailbox *mailbox = service->mailboxes->pdata[i];

      check_address (check, mailbox->address, "mailbox", mailbox);
      for (guint j = 0; j < mailbox->aliases->len; j++)
        check_address (check, mailbox->aliases->pdata[j], "alias", mailbox->aliases->pdata[j]);
    }
  if (service->maildir == NULL && service->lmtp == NULL && !check->partial)
    ERROR (((Place){ service, "mailboxes", "deliver-to" }),
           "there is no place for the mailboxes; set maildir or lmtp");
  if (service->mailbox_accept == PM_MAILBOXES_ASK && service->lmtp == NULL && !check->partial)
    ERROR (((Place){ service, NULL, "mailboxes", "accept" }),
           "accept=\"ask\" asks the LMTP server, and there is none; set lmtp in <deliver-to>, or "
           "accept=\"listed\"");
}

static gboolean
is_inbound (const Check *check, const char *domain)
{
  const PmRoute *route = match_route (check, domain);

  return (route != NULL && route->action == PM_ROUTE_INBOUND) ||
         g_strcmp0 (check->site->addressing_domain, domain) == 0;
}

static void
check_domain_aliases (Check *check)
{
  GPtrArray *aliases = check->service->domain_aliases;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < aliases->len; i++)
    {
      const PmDomainAlias *alias = aliases->pdata[i];
      Place place = { alias, "mailboxes", "domain-alias", "domain", "domain", alias->domain };

      if (*alias->domain == '\0' || *alias->of == '\0')
        continue;
      if (strcmp (alias->domain, alias->of) == 0)
        ERROR (place, "%s is an alias of itself; name the domain that has the mailboxes",
               alias->domain);
      if (!g_hash_table_add (seen, alias->domain))
        ERROR (place, "%s has two <domain-alias> entries; keep one of them", alias->domain);
      if (!is_inbound (check, alias->domain) && !check->partial)
        WARNING (place, "mail for %s never comes, for it is not inbound; add a route that accepts "
                        "the domain",
                 alias->domain);
      occupy (check, alias->domain);
    }
  for (guint i = 0; i < aliases->len; i++)
    {
      const PmDomainAlias *alias = aliases->pdata[i];

      if (*alias->of != '\0' && strcmp (alias->domain, alias->of) != 0 &&
          g_hash_table_contains (seen, alias->of))
        ERROR (((Place){ alias, "mailboxes", "domain-alias", "of", "domain", alias->domain }),
               "%s is an alias itself; name the domain that has the mailboxes", alias->of);
    }
}

static gboolean
is_mailbox (const Check *check, const char *text)
{
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (text, NULL);
  g_autofree char *key = address == NULL ? NULL : pm_mail_address_key (address);

  return key == NULL || g_hash_table_contains (check->mailboxes, key) ||
         g_strcmp0 (check->service->administrator, text) == 0 ||
         check->service->mailbox_accept != PM_MAILBOXES_LISTED;
}

static void
check_catch_alls (Check *check)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < check->service->catch_alls->len; i++)
    {
      const PmCatchAll *all = check->service->catch_alls->pdata[i];
      Place place = { all, "mailboxes", "catch-all", "domain", "domain", all->domain };

      if (*all->domain == '\0' || *all->address == '\0')
        continue;
      if (!g_hash_table_add (seen, all->domain))
        ERROR (place, "%s has two <catch-all> entries; keep one of them", all->domain);
      if (!is_inbound (check, all->domain) && !check->partial)
        WARNING (place, "mail for %s never comes, for it is not inbound; add a route that accepts "
                        "the domain",
                 all->domain);
      if (check->service->mailbox_accept == PM_MAILBOXES_ANY)
        WARNING (place, "every name of %s is a mailbox by accept=\"any\", so that nothing is left "
                        "for the catch-all; remove it, or set accept=\"listed\"",
                 all->domain);
      place.attribute = "address";
      if (!is_mailbox (check, all->address) && !check->partial)
        ERROR (place, "no mailbox has the address %s; add the mailbox, or name another",
               all->address);
      occupy (check, all->domain);
    }
}

/* Security */

static void
check_certificates (Check *check)
{
  const PmMailService *service = check->service;
  g_autoptr (GHashTable) chains = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) hosts = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < service->certificates->len; i++)
    {
      const PmCertificate *certificate = service->certificates->pdata[i];
      Place place = { certificate, "security", "certificate", "chain", "chain",
                      certificate->chain };

      if (*certificate->key == '\0' && !check->partial)
        ERROR (place, "the certificate has no key; name the file with its private key");
      if (*certificate->chain != '\0' && !g_hash_table_add (chains, certificate->chain))
        ERROR (place, "the certificate %s stands twice; keep one of the two", certificate->chain);
      place.attribute = "host";
      if (certificate->host != NULL && !g_hash_table_add (hosts, certificate->host))
        ERROR (place, "two certificates are for %s; keep one of the two", certificate->host);
    }
  for (guint i = 0; i < service->listeners->len; i++)
    {
      const PmListen *listen_on = service->listeners->pdata[i];
      Place place = { listen_on, "connections", "listen", "tls", "address", listen_on->address };

      if (service->certificates->len > 0 || check->partial)
        break;
      if (listen_on->implicit_tls)
        WARNING (place, "port %u needs a certificate, and there is none; add <certificate "
                        "chain=\"…\" key=\"…\"/> to <security>",
                 listen_on->port);
      else if (listen_on->role == PM_LISTEN_SUBMISSION)
        WARNING (place, "who submits on port %u must authenticate, which is only possible with "
                        "TLS; add <certificate chain=\"…\" key=\"…\"/> to <security>",
                 listen_on->port);
    }
  if (service->accounts_source == PM_ACCOUNTS_PAM && service->accounts_path != NULL)
    WARNING (((Place){ service, "security", "accounts", "path" }),
             "PAM is asked and the accounts file is not read; remove the path, or set "
             "source=\"file\"");
}

static void
check_named (Check *check)
{
  const PmMailService *service = check->service;
  g_autoptr (GHashTable) domains = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) categories = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < service->domain_security->len; i++)
    {
      const PmDomainSecurity *domain = service->domain_security->pdata[i];

      if (*domain->name != '\0' && !g_hash_table_add (domains, domain->name))
        ERROR (((Place){ domain, "security", "domain", "name", "name", domain->name }),
               "%s stands twice in <security>; keep one of the two", domain->name);
    }
  for (guint i = 0; i < service->diagnostics->len; i++)
    {
      const PmDiagnosticsCategory *category = service->diagnostics->pdata[i];

      if (*category->name != '\0' && !g_hash_table_add (categories, category->name))
        ERROR (((Place){ category, "diagnostics", "category", "name", "name", category->name }),
               "the category %s stands twice; keep one of the two", category->name);
    }
}

static void
check_service (Check *check, const PmMailService *service)
{
  g_autoptr (GHashTable) exact = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) suffix = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) mailboxes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) occupied = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) below = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  check->service = service;
  check->server = pm_site_find_server (check->site, service->server);
  check->exact = exact;
  check->suffix = suffix;
  check->mailboxes = mailboxes;
  check->occupied = occupied;
  check->occupied_below = below;

  check_listeners (check);
  check_mail_domains (check);
  check_retry (check);
  check_trust (check);
  check_filter (check);
  index_routes (check);
  check_mailboxes (check);
  check_domain_aliases (check);
  check_catch_alls (check);
  check_certificates (check);
  check_routes (check);
  check_restrictions (check);
  check_named (check);
}

/*
 * Checks the site and reports what it finds, each as one call of `report`. Pure; any thread.
 */
void
pm_site_check (const PmSite *site, gboolean partial, PmSiteReport report, gpointer data)
{
  Check check = { .site = site, .partial = partial, .report = report, .data = data };

  check_servers (&check);
  check_services (&check);
  for (guint i = 0; i < site->services->len; i++)
    check_service (&check, site->services->pdata[i]);
}
