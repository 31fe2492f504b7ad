// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Makes sites from a line of text. A word it does not know ends the test.

#include "site-builder.h"

#include <stdlib.h>
#include <string.h>

#include "base/pm-domain-name.h"

static char *
normalize (const char *text)
{
  g_autoptr (GError) error = NULL;
  char *domain = pm_domain_name_normalize (text, &error);

  g_assert_no_error (error);
  return domain;
}

static void
replace (char **member, char *value)
{
  g_free (*member);
  *member = value;
}

static PmTls
parse_tls (const char *text)
{
  static const char *const names[] = { "none", "opportunistic", "required", "verify" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i], text) == 0)
      return (PmTls) i;
  g_error ("not a TLS level: %s", text);
}

static PmHost *
parse_host (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", 3);
  PmHost *host = pm_host_new ();

  replace (&host->name, g_strdup (parts[0]));
  if (parts[1] != NULL)
    {
      host->port = (guint16) atoi (parts[1]);
      if (parts[2] != NULL)
        host->tls = parse_tls (parts[2]);
    }
  return host;
}

static PmDelivery *
parse_delivery (const char *text)
{
  PmDelivery *delivery = pm_delivery_new ();

  if (strcmp (text, "dns") == 0)
    return delivery;
  delivery->method = PM_DELIVERY_HOST;
  g_ptr_array_add (delivery->hosts, parse_host (text));
  return delivery;
}

static void
add_route (PmMailService *service, const char *domain, const char *action)
{
  PmRoute *route = pm_route_new ();

  route->subdomains = domain[0] != '#';
  replace (&route->domain, normalize (domain + !route->subdomains));
  g_ptr_array_add (service->routes, route);
  if (strcmp (action, "inbound") == 0)
    {
      route->action = PM_ROUTE_INBOUND;
    }
  else if (strcmp (action, "relay") == 0)
    {
      route->action = PM_ROUTE_RELAY;
    }
  else if (g_str_has_prefix (action, "rewrite:"))
    {
      route->action = PM_ROUTE_REWRITE;
      route->rewrite_domain = normalize (action + strlen ("rewrite:"));
    }
  else if (g_str_has_prefix (action, "forward:") || g_str_has_prefix (action, "ask:") ||
           g_str_has_prefix (action, "rotate:"))
    {
      route->action = PM_ROUTE_FORWARD;
      route->ask = *action == 'a';
      route->order_rotate = *action == 'r';
      g_ptr_array_add (route->hosts, parse_host (strchr (action, ':') + 1));
    }
  else
    {
      g_error ("not an action: %s", action);
    }
}

static void
add_restriction (PmMailService *service, const char *kind, const char *value)
{
  PmRestriction *restriction = pm_restriction_new ();
  g_autoptr (GError) error = NULL;

  restriction->never = strcmp (kind, "never") == 0;
  restriction->kind = strcmp (kind, "interface") == 0 ? PM_RESTRICTION_INTERFACE
                                                      : PM_RESTRICTION_NETWORK;
  if (strcmp (value, "authenticated") == 0)
    restriction->kind = PM_RESTRICTION_AUTHENTICATED;
  else if (!pm_network_parse (value, &restriction->network, &error))
    g_error ("%s", error->message);
  g_ptr_array_add (service->restrictions, restriction);
}

static void
add_mailbox (PmMailService *service, const char *value)
{
  g_auto (GStrv) addresses = g_strsplit (value, ",", -1);
  PmMailbox *mailbox = pm_mailbox_new ();

  replace (&mailbox->address, g_strdup (addresses[0]));
  for (guint i = 1; addresses[i] != NULL; i++)
    g_ptr_array_add (mailbox->aliases, g_strdup (addresses[i]));
  g_ptr_array_add (service->mailboxes, mailbox);
}

static void
add_listener (PmMailService *service, const char *value)
{
  g_auto (GStrv) parts = g_strsplit (value, ",", 2);
  PmListen *listen = pm_listen_new ();

  replace (&listen->address, g_strdup (parts[0]));
  listen->port = (guint16) atoi (parts[1]);
  g_ptr_array_add (service->listeners, listen);
}

static void
add_mail_domain (PmMailService *service, const char *domain, const char *value)
{
  PmMailDomain *entry = pm_mail_domain_new ();

  entry->subdomains = domain[0] != '#';
  replace (&entry->name, normalize (domain + !entry->subdomains));
  pm_delivery_unref (entry->delivery);
  entry->delivery = parse_delivery (value);
  g_ptr_array_add (service->mail_domains, entry);
}

static void
add_security (PmMailService *service, const char *domain, const char *value)
{
  PmDomainSecurity *security = pm_domain_security_new ();

  replace (&security->name, normalize (domain));
  security->tls = parse_tls (value);
  g_ptr_array_add (service->domain_security, security);
}

static void
set (PmSite *site, PmServer *server, PmMailService *service, const char *key, const char *value)
{
  if (strcmp (key, "site") == 0)
    replace (&site->addressing_domain, normalize (value));
  else if (strcmp (key, "host") == 0)
    replace (&server->host, g_strdup (value));
  else if (strcmp (key, "ip") == 0)
    g_ptr_array_add (server->addresses, g_strdup (value));
  else if (strcmp (key, "listen") == 0)
    add_listener (service, value);
  else if (strcmp (key, "admin") == 0)
    replace (&service->administrator, g_strdup (value));
  else if (strcmp (key, "reroute") == 0)
    service->reroute = strcmp (value, "no") != 0;
  else if (strcmp (key, "accept") == 0)
    service->mailbox_accept = strcmp (value, "any") == 0   ? PM_MAILBOXES_ANY
                              : strcmp (value, "ask") == 0 ? PM_MAILBOXES_ASK
                                                           : PM_MAILBOXES_LISTED;
  else if (strcmp (key, "mailbox") == 0)
    add_mailbox (service, value);
  else if (strcmp (key, "allow") == 0 || strcmp (key, "never") == 0 ||
           strcmp (key, "interface") == 0)
    add_restriction (service, key, value);
  else if (g_str_has_prefix (key, "mail:"))
    add_mail_domain (service, key + strlen ("mail:"), value);
  else if (g_str_has_prefix (key, "tls:"))
    add_security (service, key + strlen ("tls:"), value);
  else if (g_str_has_prefix (key, "alias:"))
    {
      PmDomainAlias *alias = pm_domain_alias_new ();

      replace (&alias->domain, normalize (key + strlen ("alias:")));
      replace (&alias->of, normalize (value));
      g_ptr_array_add (service->domain_aliases, alias);
    }
  else if (g_str_has_prefix (key, "all:"))
    {
      PmCatchAll *all = pm_catch_all_new ();

      replace (&all->domain, normalize (key + strlen ("all:")));
      replace (&all->address, g_strdup (value));
      g_ptr_array_add (service->catch_alls, all);
    }
  else if (strcmp (key, "lmtp") == 0)
    {
      replace (&service->lmtp, g_strdup (value));
      g_clear_pointer (&service->maildir, g_free);
    }
  else if (strcmp (key, "order") == 0)
    service->deliver->order_rotate = strcmp (value, "rotate") == 0;
  else if (strcmp (key, "deliver") == 0)
    {
      pm_delivery_unref (service->deliver);
      service->deliver = parse_delivery (value);
    }
  else
    g_error ("not known: %s=%s", key, value);
}

/* Adds a server and its service to `site`; returns the service, which the site owns. */
PmMailService *
build_service (PmSite *site, const char *name, const char *description)
{
  g_auto (GStrv) words = g_strsplit (description, " ", -1);
  PmServer *server = pm_server_new ();
  PmMailService *service = pm_mail_service_new ();

  replace (&server->name, g_strdup (name));
  replace (&service->server, g_strdup (name));
  for (guint i = 0; words[i] != NULL; i++)
    {
      char *arrow = strchr (words[i], '>');
      char *equals = strchr (words[i], '=');

      if (words[i][0] == '\0')
        continue;
      if (arrow != NULL)
        *arrow++ = '\0';
      else if (equals != NULL)
        *equals++ = '\0';
      else
        g_error ("not known: %s", words[i]);
      if (arrow != NULL)
        add_route (service, words[i], arrow);
      else
        set (site, server, service, words[i], equals);
    }
  g_ptr_array_add (site->servers, server);
  g_ptr_array_add (site->services, service);
  return service;
}

PmSite *
build_site (const char *description)
{
  PmSite *site = pm_site_new ();

  build_service (site, "MAIL1", description);
  return site;
}

const PmMailService *
only_service (const PmSite *site)
{
  return pm_site_find_service (site, NULL);
}
