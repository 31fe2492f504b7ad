// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// route list, route test: the routing table, and where it sends an address. The decision is the
// router's own; its JSON is a contract.

#include <string.h>

#include "base/pm-error.h"
#include "ctl/pm-ctl-route.h"
#include "ctl/pm-ctl-running.h"
#include "ctl/pm-table.h"
#include "routing/pm-router.h"

static const char *
action_name (PmRouteAction action)
{
  static const char *const names[] = { "inbound", "rewrite", "forward", "relay" };

  return names[action];
}

/**
 * pm_ctl_route_describe:
 *
 * Returns: (transfer full): where an entry leads, as the Administrator's table says it
 */
char *
pm_ctl_route_describe (const PmRoute *route)
{
  g_autoptr (GString) out = NULL;

  if (route->action == PM_ROUTE_INBOUND)
    return g_strdup ("<inbound>");
  if (route->action == PM_ROUTE_RELAY)
    return g_strdup ("<relay>");
  if (route->action == PM_ROUTE_REWRITE)
    return g_strdup_printf ("rewritten to %s", route->rewrite_domain);

  out = g_string_new (NULL);
  for (guint i = 0; i < route->hosts->len; i++)
    {
      const PmHost *host = route->hosts->pdata[i];
      gboolean v6 = strchr (host->name, ':') != NULL;

      g_string_append_printf (out, "%s%s%s%s:%u", i > 0 ? ", " : "", v6 ? "[" : "", host->name,
                              v6 ? "]" : "", host->port);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static const char *
tls_name (PmTls tls)
{
  static const char *const names[] = { "none", "opportunistic", "required", "verify" };

  return names[tls];
}

static void
add_hosts (JsonBuilder *builder, GPtrArray *hosts)
{
  json_builder_set_member_name (builder, "hosts");
  json_builder_begin_array (builder);
  for (guint i = 0; i < hosts->len; i++)
    {
      const PmHost *host = hosts->pdata[i];

      json_builder_begin_object (builder);
      pm_ctl_set_string (builder, "host", host->name);
      json_builder_set_member_name (builder, "port");
      json_builder_add_int_value (builder, host->port);
      pm_ctl_set_string (builder, "tls", tls_name (host->tls));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/**
 * pm_ctl_route_add_json:
 *
 * Adds an entry as an object.
 */
void
pm_ctl_route_add_json (JsonBuilder *builder, const PmRoute *route)
{
  json_builder_begin_object (builder);
  pm_ctl_set_string (builder, "domain", route->domain);
  json_builder_set_member_name (builder, "subdomains");
  json_builder_add_boolean_value (builder, route->subdomains);
  pm_ctl_set_string (builder, "action", action_name (route->action));
  pm_ctl_set_string (builder, "rewriteDomain", route->rewrite_domain);
  add_hosts (builder, route->hosts);
  json_builder_end_object (builder);
}

static void
print_routes (const PmMailService *service)
{
  g_autoptr (PmTable) table = pm_table_new ("Sent To", "Subdomains", "Route To", NULL);

  if (!service->reroute)
    pm_ctl_say ("Incoming mail is not rerouted: of these entries only <inbound> ones count.");
  if (service->routes->len == 0)
    {
      pm_ctl_say ("There are no entries. Add one with “pointsmanctl route add DOMAIN”.");
      return;
    }
  for (guint i = 0; i < service->routes->len; i++)
    {
      const PmRoute *route = service->routes->pdata[i];
      g_autofree char *to = pm_ctl_route_describe (route);

      pm_table_add (table, route->domain, route->subdomains ? "included" : "exact", to, NULL);
    }
  pm_table_print (table);
}

/**
 * pm_ctl_route_list:
 *
 * `route list`
 */
PmExit
pm_ctl_route_list (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (PmCtlSite) site = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  g_autoptr (GError) error = NULL;
  const PmMailService *service;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  site = pm_ctl_site_load (ctl, &error);
  service = site == NULL ? NULL : pm_ctl_site_get_service (ctl, site, &error);
  if (service == NULL)
    return pm_ctl_fail (error);

  if (!ctl->json)
    {
      print_routes (service);
      return PM_EXIT_DONE;
    }
  builder = json_builder_new ();
  json_builder_begin_array (builder);
  for (guint i = 0; i < service->routes->len; i++)
    pm_ctl_route_add_json (builder, service->routes->pdata[i]);
  json_builder_end_array (builder);
  pm_ctl_print_json (builder);
  return PM_EXIT_DONE;
}

/* route test */

static void
add_next_hops (JsonBuilder *builder, GPtrArray *hops)
{
  json_builder_set_member_name (builder, "nextHops");
  json_builder_begin_array (builder);
  for (guint i = 0; i < hops->len; i++)
    {
      const PmNextHop *hop = hops->pdata[i];

      json_builder_begin_object (builder);
      pm_ctl_set_string (builder, "host", hop->host);
      json_builder_set_member_name (builder, "port");
      json_builder_add_int_value (builder, hop->port);
      json_builder_set_member_name (builder, "mx");
      json_builder_add_boolean_value (builder, hop->mx);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
print_decision_json (const PmMailAddress *address, const PmDecision *decision, GStrv explanation)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *asked = pm_mail_address_to_string (address);
  g_autofree char *recipient = pm_mail_address_to_string (decision->recipient);
  g_autofree char *rule = decision->rule == NULL ? NULL : pm_route_to_sent_to (decision->rule);

  json_builder_begin_object (builder);
  pm_ctl_set_string (builder, "address", asked);
  pm_ctl_set_string (builder, "action", pm_routing_action_to_string (decision->action));
  pm_ctl_set_string (builder, "rule", rule);
  add_next_hops (builder, decision->next_hops);
  pm_ctl_set_string (builder, "rewritten", decision->rewritten ? recipient : NULL);
  pm_ctl_set_string (builder, "reply", decision->reply);
  json_builder_set_member_name (builder, "explanation");
  json_builder_begin_array (builder);
  for (guint i = 0; explanation[i] != NULL; i++)
    json_builder_add_string_value (builder, explanation[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
}

static void
print_decision (const PmMailAddress *address, const PmDecision *decision, GStrv explanation)
{
  g_autofree char *asked = pm_mail_address_to_string (address);
  g_autofree char *rule = decision->rule == NULL ? NULL : pm_route_to_sent_to (decision->rule);

  pm_ctl_say ("%s: %s", asked, pm_routing_action_to_string (decision->action));
  pm_ctl_say ("  Entry      %s", rule != NULL ? rule : "none");
  if (decision->rewritten)
    {
      g_autofree char *recipient = pm_mail_address_to_string (decision->recipient);

      pm_ctl_say ("  Rewritten  %s", recipient);
    }
  if (decision->mailbox != NULL)
    pm_ctl_say ("  Mailbox    %s", decision->mailbox);
  for (guint i = 0; i < decision->next_hops->len; i++)
    {
      const PmNextHop *hop = decision->next_hops->pdata[i];

      pm_ctl_say ("  %-9s  %s%s, port %u, TLS %s", i == 0 ? "Next hop" : "then",
                  hop->mx ? "the MX hosts of " : "", hop->host, hop->port, tls_name (hop->tls));
    }
  if (decision->reply != NULL)
    pm_ctl_say ("  Reply      %s", decision->reply);
  pm_ctl_say ("Why:");
  for (guint i = 0; explanation[i] != NULL; i++)
    pm_ctl_say ("  %s", explanation[i]);
}

static gboolean
read_ip (PmCtl *ctl, const char *text, const char *option, GInetAddress **address)
{
  if (text == NULL)
    return TRUE;
  *address = g_inet_address_new_from_string (text);
  if (*address != NULL)
    return TRUE;
  pm_ctl_usage (ctl, "“%s” after %s is not an IP address, as 192.0.2.1 or 2001:db8::1.", text,
                option);
  return FALSE;
}

static PmMailAddress *
read_address (const char *text, GError **error)
{
  gsize length = strlen (text);
  g_autofree char *inner = NULL;

  if (length < 2 || text[0] != '<' || text[length - 1] != '>')
    return pm_mail_address_parse (text, error);
  inner = g_strndup (text + 1, length - 2);
  return pm_mail_address_parse (inner, error);
}

static PmExit
test_address (PmCtl *ctl, const PmMailAddress *address, const PmRoutingClient *client)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmCtlSite) site = pm_ctl_site_load (ctl, &error);
  const PmMailService *service;
  g_autoptr (PmRouter) router = NULL;
  g_autoptr (PmDecision) decision = NULL;
  g_auto (GStrv) explanation = NULL;

  service = site == NULL ? NULL : pm_ctl_site_get_service (ctl, site, &error);
  if (service == NULL)
    return pm_ctl_fail (error);

  router = pm_router_new (site->site, service, NULL);
  decision = pm_router_decide (router, address, client);
  explanation = pm_decision_explain (decision);
  if (ctl->json)
    print_decision_json (address, decision, explanation);
  else
    print_decision (address, decision, explanation);
  return PM_EXIT_DONE;
}

/**
 * pm_ctl_route_test:
 *
 * `route test`: what a client gets; without --client some host of the Internet
 */
PmExit
pm_ctl_route_test (PmCtl *ctl, int argc, char **argv)
{
  g_autofree char *client_text = NULL;
  g_autofree char *local_text = NULL;
  g_autoptr (GInetAddress) client_address = NULL;
  g_autoptr (GInetAddress) local_address = NULL;
  g_autoptr (PmMailAddress) address = NULL;
  g_autoptr (GError) error = NULL;
  gboolean authenticated = FALSE;
  gboolean running = FALSE;
  const GOptionEntry entries[] = {
    { "client", 0, 0, G_OPTION_ARG_STRING, &client_text, "Where the client connects from", "IP" },
    { "local", 0, 0, G_OPTION_ARG_STRING, &local_text, "The address of ours it connects to", "IP" },
    { "authenticated", 0, 0, G_OPTION_ARG_NONE, &authenticated, "It has authenticated", NULL },
    { "running", 0, 0, G_OPTION_ARG_NONE, &running,
      "By what the mail service has in force, not by the saved site", NULL },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, entries, &argc, &argv) ||
      !read_ip (ctl, client_text, "--client", &client_address) ||
      !read_ip (ctl, local_text, "--local", &local_address))
    return PM_EXIT_USAGE;
  address = read_address (argv[1], &error);
  if (address == NULL)
    return pm_ctl_usage (ctl, "%s", error->message);
  if (running)
    {
      g_autofree char *text = pm_mail_address_to_string (address);

      if (ctl->config != NULL)
        return pm_ctl_usage (ctl, "--running needs the services, and does not go with --config.");
      return pm_ctl_test_running (ctl, text, client_text, local_text, authenticated);
    }

  PmRoutingClient client = { client_address, local_address, authenticated,
                             .stranger = client_address == NULL };
  return test_address (ctl, address, &client);
}
