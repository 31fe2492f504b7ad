// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the tests of the interface share.

#include "ui-fixture.h"

static void
add_host (GPtrArray *hosts, const char *name, guint16 port, PmTls tls)
{
  PmHost *host = pm_host_new ();

  g_free (host->name);
  host->name = g_strdup (name);
  host->port = port;
  host->tls = tls;
  g_ptr_array_add (hosts, host);
}

static PmRestriction *
restriction (gboolean never, PmRestrictionKind kind, const char *network)
{
  PmRestriction *self = pm_restriction_new ();

  self->never = never;
  self->kind = kind;
  if (network != NULL)
    g_assert_true (pm_network_parse (network, &self->network, NULL));
  return self;
}

PmRoute *
ui_fixture_route (const char *domain, gboolean subdomains, PmRouteAction action, const char *target)
{
  PmRoute *route = pm_route_new ();

  g_free (route->domain);
  route->domain = g_strdup (domain);
  route->subdomains = subdomains;
  route->action = action;
  if (action == PM_ROUTE_REWRITE)
    route->rewrite_domain = g_strdup (target);
  else if (action == PM_ROUTE_FORWARD)
    add_host (route->hosts, target, 25, PM_TLS_OPPORTUNISTIC);
  return route;
}

static PmServer *
make_server (void)
{
  PmServer *server = pm_server_new ();

  g_free (server->name);
  server->name = g_strdup ("MAIL1");
  g_free (server->host);
  server->host = g_strdup ("mail1.example.com");
  g_ptr_array_add (server->addresses, g_strdup ("192.0.2.10"));
  return server;
}

static void
fill_connections (PmMailService *service)
{
  PmMailDomain *domain = pm_mail_domain_new ();
  PmListen *listen = pm_listen_new ();
  PmAcceptRule *rule = pm_accept_rule_new ();

  g_free (domain->name);
  domain->name = g_strdup ("partner.example");
  domain->delivery->method = PM_DELIVERY_HOST;
  add_host (domain->delivery->hosts, "mx.partner.example", 25, PM_TLS_REQUIRED);
  g_ptr_array_add (service->mail_domains, domain);

  g_ptr_array_add (service->listeners, listen);
  listen = pm_listen_new ();
  listen->port = 587;
  listen->role = PM_LISTEN_SUBMISSION;
  g_ptr_array_add (service->listeners, listen);

  service->deliver->method = PM_DELIVERY_HOST;
  add_host (service->deliver->hosts, "smart.example.net", 2525, PM_TLS_VERIFY);

  g_assert_true (pm_network_parse ("203.0.113.0/24", &rule->network, NULL));
  g_ptr_array_add (service->accept_rules, rule);
}

static void
fill_routing (PmMailService *service)
{
  GPtrArray *routes = service->routes;
  GPtrArray *list = service->restrictions;

  g_ptr_array_add (routes, ui_fixture_route ("example.com", FALSE, PM_ROUTE_INBOUND, NULL));
  g_ptr_array_add (routes, ui_fixture_route ("example.net", TRUE, PM_ROUTE_INBOUND, NULL));
  g_ptr_array_add (routes, ui_fixture_route ("old.example.org", TRUE, PM_ROUTE_REWRITE,
                                             "example.com"));
  g_ptr_array_add (routes, ui_fixture_route ("legacy.example.org", TRUE, PM_ROUTE_FORWARD,
                                             "10.1.2.3"));
  g_ptr_array_add (routes, ui_fixture_route ("partner.example", TRUE, PM_ROUTE_RELAY, NULL));
  g_ptr_array_add (routes, ui_fixture_route ("xn--bcher-kva.example", TRUE, PM_ROUTE_INBOUND,
                                             NULL));

  g_ptr_array_add (list, restriction (FALSE, PM_RESTRICTION_NETWORK, "192.0.2.0/24"));
  g_ptr_array_add (list, restriction (FALSE, PM_RESTRICTION_INTERFACE, "10.0.0.1"));
  g_ptr_array_add (list, restriction (FALSE, PM_RESTRICTION_AUTHENTICATED, NULL));
  g_ptr_array_add (list, restriction (TRUE, PM_RESTRICTION_NETWORK, "192.0.2.66"));
}

PmServiceDraft *
ui_fixture_draft (void)
{
  g_autoptr (PmSite) site = pm_site_new ();
  PmMailService *service = pm_mail_service_new ();

  g_free (site->name);
  site->name = g_strdup ("Headquarters");
  g_ptr_array_add (site->servers, make_server ());
  g_free (service->server);
  service->server = g_strdup ("MAIL1");
  service->administrator = g_strdup ("postmaster@example.com");
  service->outbound_limit = 0;
  service->mailbox_accept = PM_MAILBOXES_ANY;
  fill_connections (service);
  fill_routing (service);
  g_ptr_array_add (site->services, service);
  return pm_service_draft_new (site, "MAIL1");
}

gpointer
ui_fixture_child (gpointer widget, const char *name)
{
  GObject *child =
      gtk_widget_get_template_child (GTK_WIDGET (widget), G_OBJECT_TYPE (widget), name);

  if (child == NULL)
    g_error ("%s has no %s", G_OBJECT_TYPE_NAME (widget), name);
  return child;
}

void
ui_fixture_type (gpointer widget, const char *entry, const char *text)
{
  gtk_entry_set_text (ui_fixture_child (widget, entry), text);
}

void
ui_fixture_toggle (gpointer widget, const char *button, gboolean active)
{
  gtk_toggle_button_set_active (ui_fixture_child (widget, button), active);
}

const char *
ui_fixture_text (gpointer widget, const char *label)
{
  return gtk_label_get_text (ui_fixture_child (widget, label));
}

void
ui_fixture_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
finalized_cb (gpointer data, GObject *former)
{
  *(gboolean *) data = TRUE;
}

void
ui_fixture_watch (gpointer object, gboolean *finalized)
{
  *finalized = FALSE;
  g_object_weak_ref (object, finalized_cb, finalized);
}

PmServiceDraft *
ui_fixture_collect (PmPropertiesPage *page, const PmServiceDraft *base)
{
  PmServiceDraft *draft = pm_service_draft_copy (base);

  pm_properties_page_collect (page, draft);
  return draft;
}

void
ui_fixture_assert_unchanged (PmPropertiesPage *page, const PmServiceDraft *draft)
{
  g_autoptr (PmServiceDraft) collected = NULL;
  g_autoptr (GError) error = NULL;

  pm_properties_page_load (page, draft);
  collected = ui_fixture_collect (page, draft);
  g_assert_true (pm_service_draft_equal (collected, draft));
  g_assert_false (pm_properties_page_is_changed (page, draft));
  g_assert_true (pm_properties_page_validate (page, NULL, &error));
  g_assert_no_error (error);
}
