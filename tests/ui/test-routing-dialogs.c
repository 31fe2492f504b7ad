// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Edit Routing Table Entry and Routing Restrictions: what is typed, what is said of it, and what
// comes out.

#include "ui-fixture.h"
#include "ui/dialogs/pm-endpoint-dialog.h"
#include "ui/dialogs/pm-restrictions-dialog.h"
#include "ui/dialogs/pm-route-dialog.h"

typedef enum
{
  INBOUND,
  REWRITE,
  FORWARD,
  RELAY,
} Choice;

static const struct
{
  const char *name;
  const char *typed;
  Choice choice;
  const char *target;
  const char *domain; /* NULL: refused */
  gboolean subdomains;
  const char *said; /* in the sentence, or in the reason */
} entries[] = {
  { "plain", "new.example", INBOUND, NULL, "new.example", TRUE,
    "matches anna@new.example and anna@sales.new.example, not anna@mynew.example" },
  { "exact", "#new.example", INBOUND, NULL, "new.example", FALSE, "not anna@sales.new.example" },
  { "exact-beside-suffix", "#example.net", INBOUND, NULL, "example.net", FALSE,
    "matches anna@example.net" },
  { "blanks-and-dot", "  New.Example. ", INBOUND, NULL, "new.example", TRUE, "anna@new.example" },
  { "wildcard", "*.new.example", INBOUND, NULL, "new.example", TRUE, "anna@sales.new.example" },
  { "idn", "straße.example", INBOUND, NULL, "xn--strae-oqa.example", TRUE, "anna@straße.example" },
  { "a-label", "xn--strae-oqa.example", INBOUND, NULL, "xn--strae-oqa.example", TRUE,
    "anna@straße.example" },
  { "empty", "", INBOUND, NULL, NULL, FALSE, "Type the domain" },
  { "mark-alone", "#", INBOUND, NULL, NULL, FALSE, "Type the domain" },
  { "address", "anna@new.example", INBOUND, NULL, NULL, FALSE, "type new.example" },
  { "ip-address", "192.0.2.1", INBOUND, NULL, NULL, FALSE, "IP address" },
  { "everything", "*", INBOUND, NULL, NULL, FALSE, "one domain" },
  { "blank-inside", "new example", INBOUND, NULL, NULL, FALSE, "not a domain name" },
  { "two-dots", "new..example", INBOUND, NULL, NULL, FALSE, "not a domain name" },
  { "duplicate", "Example.NET", INBOUND, NULL, NULL, FALSE, "already" },
  { "duplicate-exact", "#example.com", INBOUND, NULL, NULL, FALSE, "already" },
  { "duplicate-idn", "bücher.example", INBOUND, NULL, NULL, FALSE, "already" },
  { "rewrite", "new.example", REWRITE, "Example.com", "new.example", TRUE, "" },
  { "rewrite-empty", "new.example", REWRITE, "", NULL, FALSE, "rerouted to" },
  { "rewrite-wrong", "new.example", REWRITE, "exa mple", NULL, FALSE, "not a domain name" },
  { "rewrite-to-itself", "new.example", REWRITE, "new.example", NULL, FALSE, "circle" },
  { "rewrite-below-itself", "new.example", REWRITE, "x.new.example", NULL, FALSE, "circle" },
  { "rewrite-exact-below", "#new.example", REWRITE, "x.new.example", "new.example", FALSE, "" },
  { "forward", "new.example", FORWARD, "10.0.0.9", "new.example", TRUE, "" },
  { "forward-ipv6", "new.example", FORWARD, "[2001:db8::9]", "new.example", TRUE, "" },
  { "forward-empty", "new.example", FORWARD, " ", NULL, FALSE, "forwarded to" },
  { "forward-to-own-name", "new.example", FORWARD, "mail1.example.com", NULL, FALSE, "circle" },
  { "forward-to-own-address", "new.example", FORWARD, "192.0.2.10", NULL, FALSE, "circle" },
  { "forward-to-loopback", "new.example", FORWARD, "127.0.0.1", NULL, FALSE, "circle" },
  { "relay", "new.example", RELAY, NULL, "new.example", TRUE, "" },
};

static void
choose (PmRouteDialog *dialog, Choice choice, const char *target)
{
  static const char *const radios[] = { "inbound_radio", "rewrite_radio", "forward_radio",
                                        "relay_radio" };

  ui_fixture_toggle (dialog, radios[choice], TRUE);
  if (choice == REWRITE)
    ui_fixture_type (dialog, "rewrite_entry", target);
  else if (choice == FORWARD)
    ui_fixture_type (dialog, "host_entry", target);
}

static void
assert_target (const PmRoute *route, Choice choice, const char *target)
{
  static const PmRouteAction actions[] = { PM_ROUTE_INBOUND, PM_ROUTE_REWRITE, PM_ROUTE_FORWARD,
                                           PM_ROUTE_RELAY };

  g_assert_cmpint (route->action, ==, actions[choice]);
  if (choice == REWRITE)
    {
      g_autofree char *folded = g_ascii_strdown (target, -1);

      g_assert_cmpstr (route->rewrite_domain, ==, folded);
    }
  if (choice == FORWARD)
    g_assert_cmpuint (route->hosts->len, ==, 1);
}

static void
test_entry (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmRouteDialog *dialog = pm_route_dialog_new (NULL, draft, NULL);
  GtkWidget *ok = ui_fixture_child (dialog, "ok_button");
  g_autoptr (PmRoute) route = NULL;
  g_autofree char *tooltip = NULL;

  ui_fixture_type (dialog, "domain_entry", entries[i].typed);
  choose (dialog, entries[i].choice, entries[i].target);
  route = pm_route_dialog_dup_route (dialog);
  tooltip = gtk_widget_get_tooltip_text (ok);

  g_test_message ("%s | %s", ui_fixture_text (dialog, "match_label"),
                  ui_fixture_text (dialog, "reason_label"));
  g_assert_cmpint (gtk_widget_get_sensitive (ok), ==, entries[i].domain != NULL);
  if (entries[i].domain == NULL)
    {
      g_assert_nonnull (strstr (ui_fixture_text (dialog, "reason_label"), entries[i].said));
      g_assert_true (gtk_widget_get_visible (ui_fixture_child (dialog, "reason_box")));
      g_assert_cmpstr (tooltip, ==, ui_fixture_text (dialog, "reason_label"));
      g_assert_null (route);
    }
  else
    {
      g_assert_nonnull (strstr (ui_fixture_text (dialog, "match_label"), entries[i].said));
      g_assert_false (gtk_widget_get_visible (ui_fixture_child (dialog, "reason_box")));
      g_assert_cmpstr (route->domain, ==, entries[i].domain);
      g_assert_cmpint (route->subdomains, ==, entries[i].subdomains);
      assert_target (route, entries[i].choice, entries[i].target);
    }
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
test_entry_edit (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();

  // Every entry of the table is shown and given back as it is.
  for (guint i = 0; i < draft->service->routes->len; i++)
    {
      const PmRoute *route = draft->service->routes->pdata[i];
      PmRouteDialog *dialog = pm_route_dialog_new (NULL, draft, route);
      g_autoptr (PmRoute) result = pm_route_dialog_dup_route (dialog);
      gboolean finalized;

      g_assert_nonnull (result);
      g_assert_true (pm_route_equal (result, route));
      g_assert_true (gtk_widget_get_sensitive (ui_fixture_child (dialog, "ok_button")));
      ui_fixture_watch (dialog, &finalized);
      gtk_widget_destroy (GTK_WIDGET (dialog));
      g_assert_true (finalized);
    }
}

static void
test_entry_keeps_hosts (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  g_autoptr (PmRoute) route = ui_fixture_route ("two.example", TRUE, PM_ROUTE_FORWARD, "10.0.0.1");
  g_autoptr (PmRoute) result = NULL;
  PmRouteDialog *dialog;
  PmHost *second = pm_host_new ();

  g_free (second->name);
  second->name = g_strdup ("10.0.0.2");
  g_ptr_array_add (route->hosts, second);
  g_ptr_array_add (draft->service->routes, pm_route_ref (route));
  dialog = pm_route_dialog_new (NULL, draft, route);
  result = pm_route_dialog_dup_route (dialog);
  g_assert_true (pm_route_equal (result, route));
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

// “When it is down, to:”, beside a first host 10.0.0.1, port 25.
static const struct
{
  const char *name;
  const char *typed;
  const char *hosts; /* what comes after the first; NULL: refused */
  const char *said;
} more_hosts[] = {
  { "none", "", "", "" },
  { "blanks", " , ", "", "" },
  { "name", "backup.example", "backup.example 25 ", "" },
  { "port", "backup.example:2525", "backup.example 2525 ", "" },
  { "two", "b.example, 10.0.0.3:26", "b.example 25 10.0.0.3 26 ", "" },
  { "separators", "b.example;c.example d.example", "b.example 25 c.example 25 d.example 25 ", "" },
  { "ipv6", "2001:db8::2", "2001:db8::2 25 ", "" },
  { "ipv6-brackets", "[2001:db8::2]", "2001:db8::2 25 ", "" },
  { "ipv6-port", "[2001:db8::2]:2525", "2001:db8::2 2525 ", "" },
  { "first-at-another-port", "10.0.0.1:26", "10.0.0.1 26 ", "" },
  { "port-zero", "b.example:0", NULL, "“0” is not a port" },
  { "port-too-large", "b.example:65536", NULL, "“65536” is not a port" },
  { "port-word", "b.example:smtp", NULL, "“smtp” is not a port" },
  { "port-missing", "b.example:", NULL, "is not a port" },
  { "port-alone", ":25", NULL, "" },
  { "not-a-name", "b..example", NULL, "not a domain name" },
  { "duplicate-of-first", "10.0.0.1", NULL, "10.0.0.1, port 25, is there twice" },
  { "duplicate", "b.example, B.Example:25", NULL, "b.example, port 25, is there twice" },
  { "own-name", "mail1.example.com", NULL, "this server itself" },
  { "own-address", "b.example, 192.0.2.10", NULL, "192.0.2.10 is this server itself" },
  { "own-submission", "192.0.2.10:587", NULL, "this server itself" },
  { "own-address-other-port", "192.0.2.10:2525", "192.0.2.10 2525 ", "" },
};

static char *
describe_more (const PmRoute *route)
{
  GString *out = g_string_new (NULL);

  for (guint i = 1; i < route->hosts->len; i++)
    {
      const PmHost *host = route->hosts->pdata[i];

      g_string_append_printf (out, "%s %u ", host->name, host->port);
    }
  return g_string_free (out, FALSE);
}

static void
test_more_hosts (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmRouteDialog *dialog = pm_route_dialog_new (NULL, draft, NULL);
  g_autoptr (PmRoute) route = NULL;

  ui_fixture_type (dialog, "domain_entry", "new.example");
  choose (dialog, FORWARD, "10.0.0.1");
  ui_fixture_type (dialog, "more_hosts_entry", more_hosts[i].typed);
  route = pm_route_dialog_dup_route (dialog);
  g_test_message ("%s", ui_fixture_text (dialog, "reason_label"));
  g_assert_cmpint (gtk_widget_get_sensitive (ui_fixture_child (dialog, "ok_button")), ==,
                   more_hosts[i].hosts != NULL);
  g_assert_cmpint (route != NULL, ==, more_hosts[i].hosts != NULL);
  g_assert_nonnull (strstr (ui_fixture_text (dialog, "reason_label"), more_hosts[i].said));
  if (route != NULL)
    {
      g_autofree char *said = describe_more (route);

      g_assert_cmpstr (said, ==, more_hosts[i].hosts);
    }
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static PmTls
get_tls (PmRouteDialog *dialog, guint index)
{
  g_autoptr (PmRoute) route = pm_route_dialog_dup_route (dialog);

  g_assert_nonnull (route);
  g_assert_cmpuint (route->hosts->len, >, index);
  return ((const PmHost *) route->hosts->pdata[index])->tls;
}

// What a host was given elsewhere stays its own, until encryption is chosen here.
static void
test_more_hosts_tls (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  g_autoptr (PmRoute) route = ui_fixture_route ("two.example", TRUE, PM_ROUTE_FORWARD, "10.0.0.1");
  PmHost *second = pm_host_new ();
  PmRouteDialog *dialog;

  g_free (second->name);
  second->name = g_strdup ("10.0.0.2");
  second->tls = PM_TLS_VERIFY;
  g_ptr_array_add (route->hosts, second);
  g_ptr_array_add (draft->service->routes, pm_route_ref (route));
  dialog = pm_route_dialog_new (NULL, draft, route);
  g_assert_cmpint (get_tls (dialog, 0), ==, PM_TLS_OPPORTUNISTIC);
  g_assert_cmpint (get_tls (dialog, 1), ==, PM_TLS_VERIFY);

  ui_fixture_type (dialog, "more_hosts_entry", "10.0.0.3, 10.0.0.2");
  g_assert_cmpint (get_tls (dialog, 1), ==, PM_TLS_OPPORTUNISTIC);
  g_assert_cmpint (get_tls (dialog, 2), ==, PM_TLS_VERIFY);
  gtk_combo_box_set_active (ui_fixture_child (dialog, "tls_combo"), PM_TLS_REQUIRED);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (get_tls (dialog, i), ==, PM_TLS_REQUIRED);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

// A circle over another entry: a → b is in the table, b → a is typed.
static void
test_entry_long_circle (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmRouteDialog *dialog;

  g_ptr_array_add (draft->service->routes,
                   ui_fixture_route ("a.example", TRUE, PM_ROUTE_REWRITE, "b.example"));
  dialog = pm_route_dialog_new (NULL, draft, NULL);
  ui_fixture_type (dialog, "domain_entry", "b.example");
  choose (dialog, REWRITE, "a.example");
  g_test_message ("%s", ui_fixture_text (dialog, "reason_label"));
  g_assert_false (gtk_widget_get_sensitive (ui_fixture_child (dialog, "ok_button")));
  ui_fixture_type (dialog, "rewrite_entry", "example.com");
  g_assert_true (gtk_widget_get_sensitive (ui_fixture_child (dialog, "ok_button")));
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
test_restrictions_unchanged (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  g_autoptr (PmServiceDraft) after = pm_service_draft_copy (draft);
  PmRestrictionsDialog *dialog = pm_restrictions_dialog_new (NULL, draft);
  gboolean finalized;

  g_ptr_array_unref (after->service->restrictions);
  after->service->restrictions = pm_restrictions_dialog_dup_items (dialog);
  g_assert_true (pm_service_draft_equal (draft, after));
  ui_fixture_watch (dialog, &finalized);
  gtk_widget_destroy (GTK_WIDGET (dialog));
  g_assert_true (finalized);
}

static void
assert_client (PmRestrictionsDialog *dialog, const char *client, const char *local,
               gboolean authenticated, const char *answer)
{
  ui_fixture_type (dialog, "client_entry", client);
  ui_fixture_type (dialog, "local_entry", local);
  ui_fixture_toggle (dialog, "tester_authenticated_check", authenticated);
  g_test_message ("%s: %s", client, ui_fixture_text (dialog, "tester_label"));
  g_assert_true (g_str_has_prefix (ui_fixture_text (dialog, "tester_label"), answer));
}

static void
test_restrictions_tester (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmRestrictionsDialog *dialog = pm_restrictions_dialog_new (NULL, draft);

  assert_client (dialog, "192.0.2.5", "", FALSE, "✔");
  assert_client (dialog, "192.0.2.66", "", FALSE, "✖");
  assert_client (dialog, "192.0.2.66", "10.0.0.1", TRUE, "✖");
  assert_client (dialog, "198.51.100.7", "", FALSE, "✖");
  assert_client (dialog, "198.51.100.7", "10.0.0.1", FALSE, "✔");
  assert_client (dialog, "198.51.100.7", "", TRUE, "✔");
  assert_client (dialog, "198.51.100", "", TRUE, "Write an IP address");
  assert_client (dialog, "", "", TRUE, "Type a client");

  // A check box that is off allows nobody, whatever is listed below it.
  ui_fixture_toggle (dialog, "networks_check", FALSE);
  assert_client (dialog, "192.0.2.5", "", FALSE, "✖");
  ui_fixture_toggle (dialog, "authenticated_check", FALSE);
  assert_client (dialog, "198.51.100.7", "", TRUE, "✖");
  ui_fixture_toggle (dialog, "interfaces_check", FALSE);
  g_assert_true (g_str_has_prefix (ui_fixture_text (dialog, "policy_label"), "Nobody may relay"));
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
test_restrictions_open_relay (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmRestrictionsDialog *dialog = pm_restrictions_dialog_new (NULL, draft);
  PmRestriction *everybody = pm_restriction_new ();

  g_assert_null (strstr (ui_fixture_text (dialog, "policy_label"), "OPEN RELAY"));
  g_assert_true (pm_network_parse ("0.0.0.0/0", &everybody->network, NULL));
  pm_list_editor_put (ui_fixture_child (dialog, "networks_editor"), NULL, everybody);
  g_assert_nonnull (strstr (ui_fixture_text (dialog, "policy_label"), "OPEN RELAY"));
  ui_fixture_toggle (dialog, "networks_check", FALSE);
  g_assert_null (strstr (ui_fixture_text (dialog, "policy_label"), "OPEN RELAY"));
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static const struct
{
  const char *name;
  PmEndpointKind kind;
  const char *typed;
  gboolean valid;
  const char *hint;
} endpoints[] = {
  { "address", PM_ENDPOINT_ADDRESS, " 192.0.2.1 ", TRUE, "" },
  { "address-name", PM_ENDPOINT_ADDRESS, "mail.example", FALSE, "not an IP address" },
  { "host", PM_ENDPOINT_HOST, "mx.example.", TRUE, "" },
  { "host-ipv6", PM_ENDPOINT_HOST, "[2001:db8::1]", TRUE, "" },
  { "host-wrong", PM_ENDPOINT_HOST, "mx example", FALSE, "not a domain name" },
  { "listen", PM_ENDPOINT_LISTEN, "::", TRUE, "" },
  { "network-masked", PM_ENDPOINT_ALLOW_NETWORK, "192.0.2.9/24", TRUE, "192.0.2.0/24" },
  { "network-mask", PM_ENDPOINT_NEVER_NETWORK, "192.0.2.0/255.255.255.0", TRUE, "192.0.2.0/24" },
  { "network-single", PM_ENDPOINT_ACCEPT_RULE, "192.0.2.9", TRUE, "single" },
  { "network-everybody", PM_ENDPOINT_ALLOW_NETWORK, "0.0.0.0/0", TRUE, "open relay" },
  { "network-wrong", PM_ENDPOINT_ALLOW_NETWORK, "192.0.2.0/33", FALSE, "192.0.2.0/33" },
  { "interface-network", PM_ENDPOINT_ALLOW_INTERFACE, "10.0.0.0/8", FALSE, "not an IP address" },
};

static void
test_endpoint (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  PmEndpointDialog *dialog = pm_endpoint_dialog_new (NULL, endpoints[i].kind, NULL);
  gpointer item;

  g_assert_null (pm_endpoint_dialog_dup_item (dialog));
  ui_fixture_type (dialog, "name_entry", endpoints[i].typed);
  g_test_message ("%s", ui_fixture_text (dialog, "hint_label"));
  g_assert_nonnull (strstr (ui_fixture_text (dialog, "hint_label"), endpoints[i].hint));
  g_assert_cmpint (gtk_widget_get_sensitive (ui_fixture_child (dialog, "ok_button")), ==,
                   endpoints[i].valid);
  item = pm_endpoint_dialog_dup_item (dialog);
  g_assert_cmpint (item != NULL, ==, endpoints[i].valid);
  if (item != NULL && endpoints[i].kind == PM_ENDPOINT_ADDRESS)
    g_free (item);
  else if (item != NULL && endpoints[i].kind == PM_ENDPOINT_HOST)
    pm_host_unref (item);
  else if (item != NULL && endpoints[i].kind == PM_ENDPOINT_LISTEN)
    pm_listen_unref (item);
  else if (item != NULL && endpoints[i].kind == PM_ENDPOINT_ACCEPT_RULE)
    pm_accept_rule_unref (item);
  else if (item != NULL)
    pm_restriction_unref (item);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
add_table (const char *prefix, const char *name, guint index, GTestDataFunc func)
{
  g_autofree char *path = g_strconcat (prefix, name, NULL);

  g_test_add_data_func (path, GUINT_TO_POINTER (index), func);
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    add_table ("/route-dialog/", entries[i].name, i, test_entry);
  g_test_add_func ("/route-dialog/edit", test_entry_edit);
  g_test_add_func ("/route-dialog/keeps-hosts", test_entry_keeps_hosts);
  for (guint i = 0; i < G_N_ELEMENTS (more_hosts); i++)
    add_table ("/route-dialog/more-hosts/", more_hosts[i].name, i, test_more_hosts);
  g_test_add_func ("/route-dialog/more-hosts/tls", test_more_hosts_tls);
  g_test_add_func ("/route-dialog/long-circle", test_entry_long_circle);
  g_test_add_func ("/restrictions/unchanged", test_restrictions_unchanged);
  g_test_add_func ("/restrictions/tester", test_restrictions_tester);
  g_test_add_func ("/restrictions/open-relay", test_restrictions_open_relay);
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++)
    add_table ("/endpoint-dialog/", endpoints[i].name, i, test_endpoint);
  return g_test_run ();
}
