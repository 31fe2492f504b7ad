// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What a page or dialog does not show stays as it was: a site in which every value that the
// Administrator has no field for is set is edited in each of them, and its text differs by that
// edit and by nothing else.

#include <string.h>

#include "site/pm-site-file.h"
#include "ui-fixture.h"
#include "ui/dialogs/pm-accept-dialog.h"
#include "ui/dialogs/pm-endpoint-dialog.h"
#include "ui/dialogs/pm-limits-dialog.h"
#include "ui/dialogs/pm-mail-domain-dialog.h"
#include "ui/dialogs/pm-mailbox-edit.h"
#include "ui/dialogs/pm-restrictions-dialog.h"
#include "ui/dialogs/pm-route-dialog.h"
#include "ui/dialogs/pm-timeouts-dialog.h"
#include "ui/pages/pm-connections-page.h"
#include "ui/pages/pm-general-page.h"
#include "ui/pages/pm-queues-page.h"
#include "ui/pages/pm-routing-page.h"

static const char site_text[] =
    "<site xmlns=\"urn:pointsman:site:1\" name=\"Headquarters\">\n"
    "  <configuration>\n"
    "    <servers><server name=\"MAIL1\" host=\"mail1.example.com\"/></servers>\n"
    "    <site-addressing domain=\"example.com\"/>\n"
    "    <connections>\n"
    "      <internet-mail-service server=\"MAIL1\">\n"
    "        <general inbound-limit=\"10 MiB\"/>\n"
    "        <internet-mail administrator=\"anna@example.com\" double-bounces=\"no\"/>\n"
    "        <connections>\n"
    "          <listen address=\"127.0.0.1\" port=\"25\" proxy=\"yes\"/>\n"
    "          <deliver method=\"host\" order=\"rotate\">\n"
    "            <host name=\"smart.example.net\"/><host name=\"smart2.example.net\"/>\n"
    "          </deliver>\n"
    "          <e-mail-domain name=\"partner.example\">\n"
    "            <deliver method=\"host\" order=\"rotate\"><host name=\"mx.partner.example\"/></deliver>\n"
    "          </e-mail-domain>\n"
    "          <retry notify=\"3h\" timeout=\"24h\">\n"
    "            <class priority=\"urgent\" notify=\"1h\" timeout=\"12h\"/>\n"
    "            <class priority=\"non-urgent\" notify=\"20h\" timeout=\"96h\"/>\n"
    "          </retry>\n"
    "          <limits inbound=\"500\" per-client=\"20\" client-connections-per-minute=\"30\"\n"
    "            client-messages-per-minute=\"40\" client-recipients-per-minute=\"60\"\n"
    "            greeting-pause=\"2s\"/>\n"
    "          <accept-connections submit-homed=\"yes\" submit-matches=\"yes\">\n"
    "            <host network=\"203.0.113.0/24\" action=\"accept\" relay-server=\"yes\" xclient=\"yes\""
    " proxy=\"yes\"/>\n"
    "          </accept-connections>\n"
    "          <message-filtering action=\"delete\">\n"
    "            <sender address=\"@spam.example\"/><sender address=\"\"/>\n"
    "          </message-filtering>\n"
    "        </connections>\n"
    "        <routing>\n"
    "          <route domain=\"example.com\"><inbound/></route>\n"
    "          <route domain=\"alias.example\"><inbound/></route>\n"
    "          <route domain=\"legacy.example.org\">\n"
    "            <forward order=\"rotate\" ask=\"yes\"><host name=\"10.1.2.3\"/></forward>\n"
    "          </route>\n"
    "          <restrictions><allow network=\"192.0.2.0/24\"/></restrictions>\n"
    "        </routing>\n"
    "        <mailboxes accept=\"listed\">\n"
    "          <deliver-to maildir=\"mail\" quota=\"1 GiB\"/>\n"
    "          <mailbox address=\"anna@example.com\" quota=\"2 GiB\"/>\n"
    "          <domain-alias domain=\"alias.example\" of=\"example.com\"/>\n"
    "          <catch-all domain=\"example.com\" address=\"anna@example.com\"/>\n"
    "        </mailboxes>\n"
    "        <security mta-sts=\"no\" dane=\"no\">\n"
    "          <certificate chain=\"/etc/c.pem\" key=\"/etc/k.pem\" host=\"mail1.example.com\"/>\n"
    "          <accounts source=\"file\" path=\"/etc/accounts\"/>\n"
    "          <domain name=\"partner.example\" tls=\"verify\">"
    "<login user=\"relay\" secret=\"partner-login\"/></domain>\n"
    "        </security>\n"
    "        <tracking keep=\"7d\"/>\n"
    "        <statistics port=\"9125\"/>\n"
    "        <diagnostics><category name=\"tls\" level=\"maximum\"/></diagnostics>\n"
    "      </internet-mail-service>\n"
    "    </connections>\n"
    "  </configuration>\n"
    "</site>\n";

static PmPropertiesPage *
load_page (GType type, const PmServiceDraft *draft)
{
  PmPropertiesPage *page = PM_PROPERTIES_PAGE (g_object_ref_sink (g_object_new (type, NULL)));

  pm_properties_page_load (page, draft);
  return page;
}

static void
collect_page (PmPropertiesPage *page, PmServiceDraft *draft)
{
  pm_properties_page_collect (page, draft);
  g_object_unref (page);
}

static void
edit_general (PmServiceDraft *draft)
{
  PmPropertiesPage *page = load_page (PM_TYPE_GENERAL_PAGE, draft);

  gtk_spin_button_set_value (ui_fixture_child (page, "inbound_spin"), 20);
  collect_page (page, draft);
}

static void
edit_administrator (PmServiceDraft *draft)
{
  PmPropertiesPage *page = load_page (PM_TYPE_GENERAL_PAGE, draft);

  ui_fixture_type (page, "administrator_entry", "bert@example.com");
  collect_page (page, draft);
}

static void
edit_transfer (PmServiceDraft *draft)
{
  PmPropertiesPage *page = load_page (PM_TYPE_CONNECTIONS_PAGE, draft);

  ui_fixture_toggle (page, "inbound_radio", TRUE);
  collect_page (page, draft);
}

static void
edit_listen (PmServiceDraft *draft)
{
  PmEndpointDialog *dialog =
      pm_endpoint_dialog_new (NULL, PM_ENDPOINT_LISTEN, draft->service->listeners->pdata[0]);

  gtk_spin_button_set_value (ui_fixture_child (dialog, "port_spin"), 2525);
  pm_listen_unref (draft->service->listeners->pdata[0]);
  draft->service->listeners->pdata[0] = pm_endpoint_dialog_dup_item (dialog);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
edit_accept_rule (PmServiceDraft *draft)
{
  PmEndpointDialog *dialog = pm_endpoint_dialog_new (NULL, PM_ENDPOINT_ACCEPT_RULE,
                                                     draft->service->accept_rules->pdata[0]);

  ui_fixture_type (dialog, "name_entry", "203.0.113.0/25");
  pm_accept_rule_unref (draft->service->accept_rules->pdata[0]);
  draft->service->accept_rules->pdata[0] = pm_endpoint_dialog_dup_item (dialog);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
edit_accept (PmServiceDraft *draft)
{
  PmAcceptDialog *dialog = pm_accept_dialog_new (NULL, draft->service);
  PmPropertiesPage *page;

  pm_accept_dialog_collect (dialog, draft->service);
  gtk_widget_destroy (GTK_WIDGET (dialog));
  page = load_page (PM_TYPE_CONNECTIONS_PAGE, draft);
  ui_fixture_toggle (page, "reject_radio", TRUE);
  collect_page (page, draft);
}

static void
edit_mail_domain (PmServiceDraft *draft)
{
  g_autoptr (GPtrArray) others = g_ptr_array_new ();
  PmMailDomainDialog *dialog =
      pm_mail_domain_dialog_new (NULL, draft->service->mail_domains->pdata[0], others);

  ui_fixture_type (dialog, "name_entry", "partner2.example");
  pm_mail_domain_unref (draft->service->mail_domains->pdata[0]);
  draft->service->mail_domains->pdata[0] = pm_mail_domain_dialog_dup_item (dialog);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
edit_limits (PmServiceDraft *draft)
{
  PmLimitsDialog *dialog = pm_limits_dialog_new (NULL, draft->service);

  gtk_spin_button_set_value (ui_fixture_child (dialog, "inbound_spin"), 600);
  pm_limits_dialog_collect (dialog, draft->service);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
edit_timeouts (PmServiceDraft *draft)
{
  PmTimeoutsDialog *dialog = pm_timeouts_dialog_new (NULL, draft->service);

  ui_fixture_type (dialog, "notify_entry", "2h");
  pm_timeouts_dialog_collect (dialog, draft->service);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
edit_route (PmServiceDraft *draft)
{
  PmRouteDialog *dialog = pm_route_dialog_new (NULL, draft, draft->service->routes->pdata[2]);

  ui_fixture_type (dialog, "domain_entry", "older.example.org");
  pm_route_unref (draft->service->routes->pdata[2]);
  draft->service->routes->pdata[2] = pm_route_dialog_dup_route (dialog);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
edit_routing (PmServiceDraft *draft)
{
  PmPropertiesPage *page = load_page (PM_TYPE_ROUTING_PAGE, draft);

  ui_fixture_toggle (page, "no_reroute_radio", TRUE);
  collect_page (page, draft);
}

static void
edit_restrictions (PmServiceDraft *draft)
{
  PmRestrictionsDialog *dialog = pm_restrictions_dialog_new (NULL, draft);

  ui_fixture_toggle (dialog, "authenticated_check", TRUE);
  g_ptr_array_unref (draft->service->restrictions);
  draft->service->restrictions = pm_restrictions_dialog_dup_items (dialog);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

/* Nothing of it is in the site. */
static void
edit_queues (PmServiceDraft *draft)
{
  collect_page (load_page (PM_TYPE_QUEUES_PAGE, draft), draft);
}

static const struct
{
  const char *name;
  void (*edit) (PmServiceDraft *draft);
  const char *before;
  const char *after;
} edits[] = {
  { "general", edit_general, "10 MiB", "20 MiB" },
  { "administrator", edit_administrator, "administrator=\"anna@", "administrator=\"bert@" },
  { "transfer", edit_transfer, "        <connections>\n          <listen",
    "        <connections transfer=\"inbound\">\n          <listen" },
  { "listen", edit_listen, "port=\"25\"", "port=\"2525\"" },
  { "accept-rule", edit_accept_rule, "203.0.113.0/24", "203.0.113.0/25" },
  { "accept", edit_accept, "submit-matches=\"yes\">", "submit-matches=\"yes\" default=\"reject\">" },
  { "mail-domain", edit_mail_domain, "-domain name=\"partner.", "-domain name=\"partner2." },
  { "limits", edit_limits, "inbound=\"500\"", "inbound=\"600\"" },
  { "timeouts", edit_timeouts, "notify=\"3h\"", "notify=\"2h\"" },
  { "route", edit_route, "legacy.example.org", "older.example.org" },
  { "routing", edit_routing, "<routing>", "<routing reroute=\"no\">" },
  { "restrictions", edit_restrictions, "<allow network=\"192.0.2.0/24\"/>",
    "<allow network=\"192.0.2.0/24\"/><allow authenticated=\"yes\"/>" },
  { "queues", edit_queues, "", "" },
};

static PmSite *
parse (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  PmSite *site = pm_site_parse (bytes, "site.xml", NULL, &error);

  g_assert_no_error (error);
  return site;
}

/* That @changed is written as @site_text with @before replaced, where it stands first. */
static void
assert_written (const PmSite *changed, GBytes *base, const char *before, const char *after)
{
  const char *place = strstr (site_text, before);
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) wanted = g_string_new_len (site_text, place - site_text);
  g_autoptr (GBytes) written = pm_site_write (changed, base, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  g_string_append_printf (wanted, "%s%s", after, place + strlen (before));
  text = g_strndup (g_bytes_get_data (written, NULL), g_bytes_get_size (written));
  g_assert_cmpstr (text, ==, wanted->str);
}

static void
test_edit (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GBytes) base = g_bytes_new_static (site_text, strlen (site_text));
  g_autoptr (PmSite) site = parse (base);
  g_autoptr (PmServiceDraft) draft = pm_service_draft_new (site, "MAIL1");
  g_autoptr (PmSite) changed = NULL;

  edits[i].edit (draft);
  changed = pm_service_draft_to_site (draft);
  assert_written (changed, base, edits[i].before, edits[i].after);
}

static void
test_mailbox (void)
{
  g_autoptr (GBytes) base = g_bytes_new_static (site_text, strlen (site_text));
  g_autoptr (PmSite) site = parse (base);
  g_autoptr (PmSite) changed = NULL;
  g_autoptr (GError) error = NULL;
  PmMailboxField field;

  changed = pm_mailbox_edit_apply (site, "MAIL1", "anna@example.com", "anne@example.com", "", &field,
                                   &error);
  g_assert_no_error (error);
  assert_written (changed, base, "<mailbox address=\"anna@", "<mailbox address=\"anne@");
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (edits); i++)
    {
      g_autofree char *path = g_strconcat ("/keeps/", edits[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_edit);
    }
  g_test_add_func ("/keeps/mailbox", test_mailbox);
  return g_test_run ();
}
