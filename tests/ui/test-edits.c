// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Adding a domain and editing mailboxes, as functions from site to site.

#include "config.h"

#include "base/pm-error.h"
#include "ui/dialogs/pm-domain-draft.h"
#include "ui/dialogs/pm-mailbox-edit.h"

static void
add_route (PmMailService *service, const char *domain, gboolean subdomains, PmRouteAction action)
{
  PmRoute *route = pm_route_new ();

  g_free (route->domain);
  route->domain = g_strdup (domain);
  route->subdomains = subdomains;
  route->action = action;
  g_ptr_array_add (service->routes, route);
}

static void
add_mailbox (PmMailService *service, const char *address, const char *alias)
{
  PmMailbox *mailbox = pm_mailbox_new ();

  g_free (mailbox->address);
  mailbox->address = g_strdup (address);
  if (alias != NULL)
    g_ptr_array_add (mailbox->aliases, g_strdup (alias));
  g_ptr_array_add (service->mailboxes, mailbox);
}

static PmSite *
make_site (void)
{
  PmSite *site = pm_site_new ();
  PmMailService *service = pm_mail_service_new ();

  g_free (service->server);
  service->server = g_strdup ("MAIL1");
  add_route (service, "example.com", FALSE, PM_ROUTE_INBOUND);
  add_route (service, "example.net", TRUE, PM_ROUTE_INBOUND);
  add_route (service, "partner.example", TRUE, PM_ROUTE_RELAY);
  add_mailbox (service, "anna@example.com", "sales@example.net");
  add_mailbox (service, "bert@example.com", NULL);
  g_ptr_array_add (site->services, service);
  return site;
}

static const struct
{
  const char *name;
  PmDomainDraft draft;
  const char *domain; /* NULL: refused */
  gboolean subdomains;
  PmDomainField field;
} domains[] = {
  { "plain", { .domain = "example.org", .subdomains = TRUE }, "example.org", TRUE },
  { "blanks, dot and capitals", { .domain = " Example.ORG. ", .subdomains = TRUE }, "example.org", TRUE },
  { "exact", { .domain = "example.org" }, "example.org", FALSE },
  { "hash", { .domain = "#example.org", .subdomains = TRUE }, "example.org", FALSE },
  { "idn", { .domain = "bücher.example", .subdomains = TRUE }, "xn--bcher-kva.example", TRUE },
  { "same domain, other reach", { .domain = "example.com", .subdomains = TRUE }, "example.com", TRUE },
  { "empty", { .domain = "  " }, NULL, FALSE, PM_DOMAIN_FIELD_DOMAIN },
  { "address", { .domain = "anna@example.org" }, NULL, FALSE, PM_DOMAIN_FIELD_DOMAIN },
  { "IP address", { .domain = "192.0.2.1" }, NULL, FALSE, PM_DOMAIN_FIELD_DOMAIN },
  { "everything", { .domain = "*" }, NULL, FALSE, PM_DOMAIN_FIELD_DOMAIN },
  { "no name", { .domain = "exa mple.org" }, NULL, FALSE, PM_DOMAIN_FIELD_DOMAIN },
  { "twice", { .domain = "example.net", .subdomains = TRUE }, NULL, FALSE, PM_DOMAIN_FIELD_DOMAIN },
  { "rewrite", { .domain = "a.example", .action = PM_ROUTE_REWRITE, .rewrite_domain = "@example.com" }, "a.example", FALSE },
  { "rewrite to nothing", { .domain = "a.example", .action = PM_ROUTE_REWRITE, .rewrite_domain = "" }, NULL, FALSE, PM_DOMAIN_FIELD_REWRITE },
  { "rewrite to itself", { .domain = "a.example", .action = PM_ROUTE_REWRITE, .rewrite_domain = "A.example" }, NULL, FALSE, PM_DOMAIN_FIELD_REWRITE },
  { "forward by name", { .domain = "a.example", .action = PM_ROUTE_FORWARD, .host = "mx.a.example", .port = 2525 }, "a.example", FALSE },
  { "forward by address", { .domain = "a.example", .action = PM_ROUTE_FORWARD, .host = "2001:db8::1", .port = 25 }, "a.example", FALSE },
  { "forward to nobody", { .domain = "a.example", .action = PM_ROUTE_FORWARD, .host = " " }, NULL, FALSE, PM_DOMAIN_FIELD_HOST },
  { "relay", { .domain = "a.example", .action = PM_ROUTE_RELAY }, "a.example", FALSE },
};

static void
test_add_domain (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    {
      g_autoptr (PmSite) site = make_site ();
      g_autoptr (PmSite) changed = NULL;
      g_autoptr (GError) error = NULL;
      PmDomainField field;
      const PmMailService *service;
      const PmRoute *route;

      g_test_message ("%s", domains[i].name);
      changed = pm_domain_draft_apply (&domains[i].draft, site, "MAIL1", &field, &error);
      g_assert_cmpint (field, ==, domains[i].field);
      if (domains[i].domain == NULL)
        {
          g_assert_null (changed);
          g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
          continue;
        }
      g_assert_no_error (error);
      service = pm_site_find_service (changed, "MAIL1");
      g_assert_cmpuint (service->routes->len, ==, 4);
      route = service->routes->pdata[3];
      g_assert_cmpstr (route->domain, ==, domains[i].domain);
      g_assert_cmpint (route->subdomains, ==, domains[i].subdomains);
      g_assert_cmpint (route->action, ==, domains[i].draft.action);
      g_assert_cmpuint (route->hosts->len, ==,
                        domains[i].draft.action == PM_ROUTE_FORWARD ? 1 : 0);
      /* The site that it started from is untouched. */
      g_assert_cmpuint (pm_site_find_service (site, "MAIL1")->routes->len, ==, 3);
    }
}

static void
test_postmaster (void)
{
  PmDomainDraft draft = { .domain = "example.org", .mailbox = PM_DOMAIN_MAILBOX_POSTMASTER };
  g_autoptr (PmSite) site = make_site ();
  g_autoptr (PmSite) own = NULL;
  g_autoptr (PmSite) alias = NULL;
  g_autoptr (PmSite) relayed = NULL;
  const PmMailbox *mailbox;
  PmDomainField field;

  own = pm_domain_draft_apply (&draft, site, "MAIL1", &field, NULL);
  g_assert_nonnull (pm_mailbox_edit_find (pm_site_find_service (own, "MAIL1"),
                                          "postmaster@example.org"));

  draft.mailbox = PM_DOMAIN_MAILBOX_ALIAS;
  draft.mailbox_address = "bert@example.com";
  alias = pm_domain_draft_apply (&draft, site, "MAIL1", &field, NULL);
  mailbox = pm_mailbox_edit_find (pm_site_find_service (alias, "MAIL1"), "bert@example.com");
  g_assert_cmpuint (mailbox->aliases->len, ==, 1);
  g_assert_cmpstr (mailbox->aliases->pdata[0], ==, "postmaster@example.org");

  draft.action = PM_ROUTE_RELAY;
  relayed = pm_domain_draft_apply (&draft, site, "MAIL1", &field, NULL);
  mailbox = pm_mailbox_edit_find (pm_site_find_service (relayed, "MAIL1"), "bert@example.com");
  g_assert_cmpuint (mailbox->aliases->len, ==, 0);
}

static const struct
{
  const char *name;
  const char *former;
  const char *address;
  const char *aliases;
  gboolean accepted;
  PmMailboxField field;
} mailboxes[] = {
  { "new", NULL, "carla@example.com", "", TRUE },
  { "new in a subdomain", NULL, "carla@sub.example.net", "c@example.net,d@example.net", TRUE },
  { "blanks", NULL, "  carla@example.com ", "\n c@example.net \n\n", TRUE },
  { "rename", "anna@example.com", "anna.maria@example.com", "sales@example.net", TRUE },
  { "its own alias stays", "anna@example.com", "anna@example.com", "sales@example.net", TRUE },
  { "empty", NULL, "", "", FALSE, PM_MAILBOX_FIELD_ADDRESS },
  { "only the domain", NULL, "@example.com", "", FALSE, PM_MAILBOX_FIELD_ADDRESS },
  { "taken", NULL, "bert@example.com", "", FALSE, PM_MAILBOX_FIELD_ADDRESS },
  { "taken in capitals", NULL, "bert@EXAMPLE.com", "", FALSE, PM_MAILBOX_FIELD_ADDRESS },
  { "taken as an alias", NULL, "sales@example.net", "", FALSE, PM_MAILBOX_FIELD_ADDRESS },
  { "not ours", NULL, "carla@elsewhere.example", "", FALSE, PM_MAILBOX_FIELD_ADDRESS },
  { "only relayed", NULL, "carla@partner.example", "", FALSE, PM_MAILBOX_FIELD_ADDRESS },
  { "exact entry has no subdomains", NULL, "c@sub.example.com", "", FALSE,
    PM_MAILBOX_FIELD_ADDRESS },
  { "alias is no address", NULL, "carla@example.com", "nonsense", FALSE,
    PM_MAILBOX_FIELD_ALIASES },
  { "alias twice", NULL, "carla@example.com", "c@example.net c@example.net", FALSE,
    PM_MAILBOX_FIELD_ALIASES },
  { "alias is the address", NULL, "carla@example.com", "carla@example.com", FALSE,
    PM_MAILBOX_FIELD_ALIASES },
  { "gone meanwhile", "nobody@example.com", "carla@example.com", "", FALSE,
    PM_MAILBOX_FIELD_NONE },
};

static void
test_mailboxes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (mailboxes); i++)
    {
      g_autoptr (PmSite) site = make_site ();
      g_autoptr (PmSite) changed = NULL;
      g_autoptr (GError) error = NULL;
      PmMailboxField field;

      g_test_message ("%s", mailboxes[i].name);
      changed = pm_mailbox_edit_apply (site, "MAIL1", mailboxes[i].former, mailboxes[i].address,
                                       mailboxes[i].aliases, &field, &error);
      g_assert_cmpint (field, ==, mailboxes[i].field);
      g_assert_cmpint (changed != NULL, ==, mailboxes[i].accepted);
      g_assert_cmpint (error == NULL, ==, mailboxes[i].accepted);
      if (changed != NULL)
        g_assert_cmpuint (pm_site_find_service (changed, "MAIL1")->mailboxes->len, ==,
                          mailboxes[i].former != NULL ? 2 : 3);
    }
}

static void
test_remove_mailbox (void)
{
  g_autoptr (PmSite) site = make_site ();
  g_autoptr (GPtrArray) addresses = g_ptr_array_new ();
  g_autoptr (PmSite) changed = NULL;
  const PmMailService *service;

  g_ptr_array_add (addresses, (gpointer) "anna@example.com");
  g_ptr_array_add (addresses, (gpointer) "nobody@example.com");
  changed = pm_mailbox_edit_remove (site, "MAIL1", addresses);
  service = pm_site_find_service (changed, "MAIL1");
  g_assert_cmpuint (service->mailboxes->len, ==, 1);
  g_assert_null (pm_mailbox_edit_find (service, "anna@example.com"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/edits/add-domain", test_add_domain);
  g_test_add_func ("/edits/postmaster", test_postmaster);
  g_test_add_func ("/edits/mailboxes", test_mailboxes);
  g_test_add_func ("/edits/remove-mailbox", test_remove_mailbox);
  return g_test_run ();
}
