// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Every page: what it loads it collects again, each control changes its own value and no other, and
// what cannot be saved is held back with a reason at its field.

#include "ui-fixture.h"
#include "ui/dialogs/pm-accept-dialog.h"
#include "ui/dialogs/pm-limits-dialog.h"
#include "ui/dialogs/pm-mail-domain-dialog.h"
#include "ui/dialogs/pm-mail-domains-dialog.h"
#include "ui/dialogs/pm-timeouts-dialog.h"
#include "ui/pages/pm-connections-page.h"
#include "ui/pages/pm-general-page.h"
#include "ui/pages/pm-queues-page.h"
#include "ui/pages/pm-routing-page.h"
#include "ui/properties/pm-list-editor.h"

static PmPropertiesPage *
make_page (GType type)
{
  return PM_PROPERTIES_PAGE (g_object_ref_sink (g_object_new (type, NULL)));
}

static void
test_unchanged (gconstpointer data)
{
  GType type = *(const GType *) data;
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmPropertiesPage *page = make_page (type);
  gboolean finalized;

  ui_fixture_assert_unchanged (page, draft);
  g_assert_nonnull (pm_properties_page_get_help_topic (page));
  ui_fixture_watch (page, &finalized);
  g_object_unref (page);
  g_assert_true (finalized);
}

static void
count_cb (PmPropertiesPage *page, guint *count)
{
  (*count)++;
}

static void
spin (gpointer page, const char *name, double value)
{
  gtk_spin_button_set_value (ui_fixture_child (page, name), value);
}

static void
set_host (gpointer page)
{
  ui_fixture_type (page, "host_entry", " Mail2.Example.COM. ");
}

static gboolean
is_host (const PmServiceDraft *draft)
{
  return g_str_equal (draft->server->host, "mail2.example.com");
}

static void
set_address (gpointer page)
{
  pm_list_editor_put (ui_fixture_child (page, "addresses_editor"), NULL, g_strdup ("2001:db8::1"));
}

static gboolean
is_address (const PmServiceDraft *draft)
{
  return draft->server->addresses->len == 2 &&
         g_str_equal (draft->server->addresses->pdata[1], "2001:db8::1");
}

static void
set_inbound_limit (gpointer page)
{
  spin (page, "inbound_spin", 20);
}

static gboolean
is_inbound_limit (const PmServiceDraft *draft)
{
  return draft->service->inbound_limit == 20 * 1024 * 1024;
}

static void
set_inbound_kib (gpointer page)
{
  gtk_combo_box_set_active (ui_fixture_child (page, "inbound_unit_combo"), 1);
  spin (page, "inbound_spin", 100);
}

static gboolean
is_inbound_kib (const PmServiceDraft *draft)
{
  return draft->service->inbound_limit == 100 * 1024;
}

static void
set_inbound_none (gpointer page)
{
  ui_fixture_toggle (page, "inbound_no_limit_radio", TRUE);
}

static gboolean
is_inbound_none (const PmServiceDraft *draft)
{
  return draft->service->inbound_limit == 0;
}

static void
set_outbound_limit (gpointer page)
{
  ui_fixture_toggle (page, "outbound_maximum_radio", TRUE);
  spin (page, "outbound_spin", 7);
}

static gboolean
is_outbound_limit (const PmServiceDraft *draft)
{
  return draft->service->outbound_limit == 7 * 1024 * 1024;
}

static void
set_administrator (gpointer page)
{
  ui_fixture_type (page, "administrator_entry", " anna@example.com ");
}

static gboolean
is_administrator (const PmServiceDraft *draft)
{
  return g_str_equal (draft->service->administrator, "anna@example.com");
}

static void
clear_administrator (gpointer page)
{
  ui_fixture_type (page, "administrator_entry", "");
}

static gboolean
is_no_administrator (const PmServiceDraft *draft)
{
  return draft->service->administrator == NULL;
}

static void
set_inbound_only (gpointer page)
{
  ui_fixture_toggle (page, "inbound_radio", TRUE);
  g_assert_nonnull (strstr (ui_fixture_text (page, "transfer_note"), "Warning"));
}

static gboolean
is_inbound_only (const PmServiceDraft *draft)
{
  return draft->service->transfer == PM_TRANSFER_INBOUND;
}

static void
set_outbound_only (gpointer page)
{
  ui_fixture_toggle (page, "outbound_radio", TRUE);
}

static gboolean
is_outbound_only (const PmServiceDraft *draft)
{
  return draft->service->transfer == PM_TRANSFER_OUTBOUND;
}

static void
set_none (gpointer page)
{
  ui_fixture_toggle (page, "none_radio", TRUE);
}

static gboolean
is_none (const PmServiceDraft *draft)
{
  return draft->service->transfer == PM_TRANSFER_NONE;
}

static void
set_dns (gpointer page)
{
  ui_fixture_toggle (page, "dns_radio", TRUE);
}

static gboolean
is_dns (const PmServiceDraft *draft)
{
  return draft->service->deliver->method == PM_DELIVERY_DNS &&
         draft->service->deliver->hosts->len == 0;
}

static void
set_smart_host (gpointer page)
{
  pm_list_editor_put (ui_fixture_child (page, "hosts_editor"), NULL, pm_host_new ());
}

static gboolean
is_smart_host (const PmServiceDraft *draft)
{
  return draft->service->deliver->hosts->len == 2;
}

static void
set_listener (gpointer page)
{
  PmListen *listen = pm_listen_new ();

  listen->port = 2526;
  pm_list_editor_put (ui_fixture_child (page, "listeners_editor"), NULL, listen);
}

static gboolean
is_listener (const PmServiceDraft *draft)
{
  return draft->service->listeners->len == 3;
}

static void
set_reject (gpointer page)
{
  ui_fixture_toggle (page, "reject_radio", TRUE);
}

static gboolean
is_reject (const PmServiceDraft *draft)
{
  return !draft->service->accept_default;
}

static void
set_retry (gpointer page)
{
  ui_fixture_type (page, "retry_entry", "5m, 10m");
}

static gboolean
is_retry (const PmServiceDraft *draft)
{
  return draft->service->retry_intervals->len == 2 &&
         g_array_index (draft->service->retry_intervals, guint, 1) == 600;
}

static void
set_no_reroute (gpointer page)
{
  ui_fixture_toggle (page, "no_reroute_radio", TRUE);
  g_assert_true (gtk_widget_get_visible (ui_fixture_child (page, "mode_note")));
}

static gboolean
is_no_reroute (const PmServiceDraft *draft)
{
  return !draft->service->reroute;
}

static void
remove_first_route (gpointer page)
{
  GtkTreeView *view = ui_fixture_child (page, "view");
  g_autoptr (GtkTreePath) first = gtk_tree_path_new_first ();

  gtk_tree_selection_select_path (gtk_tree_view_get_selection (view), first);
  gtk_button_clicked (ui_fixture_child (page, "remove_button"));
}

static gboolean
is_first_route_removed (const PmServiceDraft *draft)
{
  return draft->service->routes->len == 5 &&
         !g_str_equal (((PmRoute *) draft->service->routes->pdata[0])->domain, "example.com");
}

static const struct
{
  const char *name;
  GType (*type) (void);
  void (*change) (gpointer page);
  gboolean (*arrived) (const PmServiceDraft *draft);
} changes[] = {
  { "host", pm_general_page_get_type, set_host, is_host },
  { "address", pm_general_page_get_type, set_address, is_address },
  { "inbound-limit", pm_general_page_get_type, set_inbound_limit, is_inbound_limit },
  { "inbound-kib", pm_general_page_get_type, set_inbound_kib, is_inbound_kib },
  { "inbound-no-limit", pm_general_page_get_type, set_inbound_none, is_inbound_none },
  { "outbound-limit", pm_general_page_get_type, set_outbound_limit, is_outbound_limit },
  { "administrator", pm_general_page_get_type, set_administrator, is_administrator },
  { "no-administrator", pm_general_page_get_type, clear_administrator, is_no_administrator },
  { "inbound-only", pm_connections_page_get_type, set_inbound_only, is_inbound_only },
  { "outbound-only", pm_connections_page_get_type, set_outbound_only, is_outbound_only },
  { "none", pm_connections_page_get_type, set_none, is_none },
  { "dns", pm_connections_page_get_type, set_dns, is_dns },
  { "smart-host", pm_connections_page_get_type, set_smart_host, is_smart_host },
  { "listener", pm_connections_page_get_type, set_listener, is_listener },
  { "reject", pm_connections_page_get_type, set_reject, is_reject },
  { "retry", pm_connections_page_get_type, set_retry, is_retry },
  { "no-reroute", pm_routing_page_get_type, set_no_reroute, is_no_reroute },
  { "remove-route", pm_routing_page_get_type, remove_first_route, is_first_route_removed },
};

static void
test_change (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (PmServiceDraft) base = ui_fixture_draft ();
  g_autoptr (PmServiceDraft) draft = NULL;
  PmPropertiesPage *page = make_page (changes[i].type ());
  guint count = 0;

  pm_properties_page_load (page, base);
  g_signal_connect (page, "changed", G_CALLBACK (count_cb), &count);
  changes[i].change (page);
  g_assert_cmpuint (count, >, 0);
  g_assert_true (pm_properties_page_is_changed (page, base));
  draft = ui_fixture_collect (page, base);
  g_assert_false (changes[i].arrived (base));
  g_assert_true (changes[i].arrived (draft));

  // Loading again takes every change back.
  ui_fixture_assert_unchanged (page, base);
  g_object_unref (page);
}

static const struct
{
  const char *name;
  GType (*type) (void);
  const char *entry;
  const char *typed;
  const char *reason; /* NULL: good */
} validations[] = {
  { "host-good", pm_general_page_get_type, "host_entry", "bücher.example", NULL },
  { "host-empty", pm_general_page_get_type, "host_entry", "  ", "Host name" },
  { "host-blank-inside", pm_general_page_get_type, "host_entry", "mail 1", "Host name" },
  { "host-address", pm_general_page_get_type, "host_entry", "192.0.2.1", "IP address" },
  { "administrator-empty", pm_general_page_get_type, "administrator_entry", "", NULL },
  { "administrator-no-at", pm_general_page_get_type, "administrator_entry", "anna",
    "Administrator" },
  { "retry-good", pm_connections_page_get_type, "retry_entry", "1h", NULL },
  { "retry-empty", pm_connections_page_get_type, "retry_entry", "", "Retry" },
  { "retry-word", pm_connections_page_get_type, "retry_entry", "15m often", "often" },
};

static void
test_validate (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (PmServiceDraft) base = ui_fixture_draft ();
  PmPropertiesPage *page = make_page (validations[i].type ());
  GtkWidget *entry = ui_fixture_child (page, validations[i].entry);
  GtkStyleContext *style = gtk_widget_get_style_context (entry);
  GtkWidget *field = NULL;
  g_autoptr (GError) error = NULL;
  gboolean valid;

  pm_properties_page_load (page, base);
  gtk_entry_set_text (GTK_ENTRY (entry), validations[i].typed);
  valid = pm_properties_page_validate (page, &field, &error);
  g_assert_cmpint (valid, ==, validations[i].reason == NULL);
  g_assert_cmpint (gtk_style_context_has_class (style, GTK_STYLE_CLASS_ERROR), ==, !valid);
  if (!valid)
    {
      g_assert_true (field == entry);
      g_assert_nonnull (strstr (error->message, validations[i].reason));
      // It counts as a change, so that closing does not lose it without a word.
      g_assert_true (pm_properties_page_is_changed (page, base));
    }
  g_object_unref (page);
}

static void
test_validate_lists (void)
{
  g_autoptr (PmServiceDraft) base = ui_fixture_draft ();
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  PmPropertiesPage *page = make_page (PM_TYPE_CONNECTIONS_PAGE);
  GtkWidget *field = NULL;
  g_autoptr (GError) error = NULL;

  pm_properties_page_load (page, base);
  pm_list_editor_put (ui_fixture_child (page, "listeners_editor"), NULL, pm_listen_new ());
  g_assert_false (pm_properties_page_validate (page, &field, &error));
  g_assert_nonnull (strstr (error->message, "twice"));
  g_clear_error (&error);
  pm_list_editor_set_items (ui_fixture_child (page, "listeners_editor"), none);
  g_assert_false (pm_properties_page_validate (page, &field, &error));
  g_clear_error (&error);

  pm_properties_page_load (page, base);
  pm_list_editor_set_items (ui_fixture_child (page, "hosts_editor"), none);
  g_assert_false (pm_properties_page_validate (page, &field, &error));
  g_assert_true (field == ui_fixture_child (page, "hosts_editor"));
  ui_fixture_toggle (page, "dns_radio", TRUE);
  g_clear_error (&error);
  g_assert_true (pm_properties_page_validate (page, &field, &error));
  g_object_unref (page);
}

static void
test_remove_and_undo (void)
{
  g_autoptr (PmServiceDraft) base = ui_fixture_draft ();
  g_autoptr (PmServiceDraft) draft = NULL;
  PmPropertiesPage *page = make_page (PM_TYPE_ROUTING_PAGE);
  GtkTreeView *view = ui_fixture_child (page, "view");

  pm_properties_page_load (page, base);
  gtk_tree_selection_select_all (gtk_tree_view_get_selection (view));
  gtk_button_clicked (ui_fixture_child (page, "remove_button"));
  draft = ui_fixture_collect (page, base);
  g_assert_cmpuint (draft->service->routes->len, ==, 0);
  g_assert_true (gtk_revealer_get_reveal_child (ui_fixture_child (page, "undo_revealer")));
  g_assert_nonnull (strstr (ui_fixture_text (page, "undo_label"), "6"));
  g_assert_true (gtk_widget_get_visible (ui_fixture_child (page, "empty_label")));

  gtk_button_clicked (ui_fixture_child (page, "undo_button"));
  g_clear_pointer (&draft, pm_service_draft_free);
  draft = ui_fixture_collect (page, base);
  g_assert_cmpuint (draft->service->routes->len, ==, 6);
  g_assert_false (gtk_revealer_get_reveal_child (ui_fixture_child (page, "undo_revealer")));
  g_object_unref (page);
}

// With a hundred thousand entries on the screen: opened, searched, and one taken out.
static void
test_large_table (void)
{
  g_autoptr (PmServiceDraft) base = ui_fixture_draft ();
  PmPropertiesPage *page = make_page (PM_TYPE_ROUTING_PAGE);
  GtkWidget *window = gtk_window_new (GTK_WINDOW_TOPLEVEL);
  GtkTreeView *view = ui_fixture_child (page, "view");
  gint64 start = g_get_monotonic_time ();
  double took;

  for (guint i = 0; i < 100000; i++)
    {
      g_autofree char *domain = g_strdup_printf ("d%u.example", (i * 7919u) % 1000003u);

      g_ptr_array_add (base->service->routes,
                       ui_fixture_route (domain, TRUE, PM_ROUTE_INBOUND, NULL));
    }
  gtk_container_add (GTK_CONTAINER (window), GTK_WIDGET (page));
  gtk_window_set_default_size (GTK_WINDOW (window), 700, 600);
  pm_properties_page_load (page, base);
  gtk_widget_show (window);
  ui_fixture_settle ();
  ui_fixture_type (page, "search_entry", "d12");
  g_signal_emit_by_name (ui_fixture_child (page, "search_entry"), "search-changed");
  ui_fixture_settle ();
  g_assert_cmpint (gtk_tree_model_iter_n_children (gtk_tree_view_get_model (view), NULL), <, 100000);
  remove_first_route (page);
  ui_fixture_type (page, "search_entry", "");
  g_signal_emit_by_name (ui_fixture_child (page, "search_entry"), "search-changed");
  ui_fixture_settle ();
  g_assert_cmpint (gtk_tree_model_iter_n_children (gtk_tree_view_get_model (view), NULL), ==, 100005);
  took = (double) (g_get_monotonic_time () - start) / 1000;
  g_test_message ("all of it in %.0f ms", took);
  g_assert_cmpfloat (took, <, 20000);
  gtk_widget_destroy (window);
  g_object_unref (page);
}

static gboolean
wait_cb (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static const struct
{
  const char *typed;
  const char *answer;
} tests[] = {
  { "anna@sub.example.net", "matches example.net → accepted as inbound" },
  { "anna@example.com", "matches example.com exactly → accepted as inbound" },
  { "anna@old.example.org", "becomes anna@example.com → accepted as inbound" },
  { "anna@x.legacy.example.org", "forwarded unchanged to 10.1.2.3:25" },
  { "anna@partner.example", "relayed to mx.partner.example:25" },
  { "anna@elsewhere.example", "matches no entry → refused: 550" },
  { "bücher.example", "matches bücher.example → accepted as inbound" },
  { "a b@", "" },
};

static void
test_tester (void)
{
  g_autoptr (PmServiceDraft) base = ui_fixture_draft ();
  PmPropertiesPage *page = make_page (PM_TYPE_ROUTING_PAGE);

  pm_properties_page_load (page, base);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      gboolean late = FALSE;
      guint deadline = g_timeout_add_seconds (5, wait_cb, &late);
      g_autofree char *before = g_strdup (ui_fixture_text (page, "test_label"));

      ui_fixture_type (page, "test_entry", tests[i].typed);
      while (!late && g_str_equal (before, ui_fixture_text (page, "test_label")))
        g_main_context_iteration (NULL, TRUE);
      g_assert_false (late);
      g_source_remove (deadline);
      g_test_message ("%s: %s", tests[i].typed, ui_fixture_text (page, "test_label"));
      g_assert_nonnull (strstr (ui_fixture_text (page, "test_label"), tests[i].answer));
    }
  g_object_unref (page);
}

static void
test_limits_dialog (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  g_autoptr (PmMailService) service = pm_mail_service_copy (draft->service);
  PmLimitsDialog *dialog = pm_limits_dialog_new (NULL, draft->service);
  static const char *const spins[] = { "inbound_spin", "outbound_spin", "per_host_spin",
                                       "messages_spin", "recipients_spin" };

  for (guint i = 0; i < G_N_ELEMENTS (spins); i++)
    spin (dialog, spins[i], i + 11);
  pm_limits_dialog_collect (dialog, service);
  g_assert_cmpuint (service->max_inbound, ==, 11);
  g_assert_cmpuint (service->max_outbound, ==, 12);
  g_assert_cmpuint (service->max_per_host, ==, 13);
  g_assert_cmpuint (service->max_messages_per_connection, ==, 14);
  g_assert_cmpuint (service->max_recipients, ==, 15);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
test_timeouts_dialog (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmTimeoutsDialog *dialog = pm_timeouts_dialog_new (NULL, draft->service);
  GtkWidget *ok = ui_fixture_child (dialog, "ok_button");

  g_assert_true (gtk_widget_get_sensitive (ok));
  ui_fixture_type (dialog, "notify_entry", "3d");
  g_assert_false (gtk_widget_get_sensitive (ok));
  g_assert_nonnull (strstr (ui_fixture_text (dialog, "reason_label"), "before"));
  ui_fixture_type (dialog, "timeout_entry", "5d");
  g_assert_true (gtk_widget_get_sensitive (ok));
  pm_timeouts_dialog_collect (dialog, draft->service);
  g_assert_cmpuint (draft->service->retry_notify, ==, 3 * 86400);
  g_assert_cmpuint (draft->service->retry_timeout, ==, 5 * 86400);
  ui_fixture_type (dialog, "timeout_entry", "never");
  g_assert_false (gtk_widget_get_sensitive (ok));
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
test_accept_dialog (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmAcceptDialog *dialog = pm_accept_dialog_new (NULL, draft->service);
  PmListEditor *editor = ui_fixture_child (dialog, "rules_editor");
  g_autoptr (PmAcceptRule) rule = pm_accept_rule_new ();

  g_assert_true (pm_network_parse ("10.0.0.0/8", &rule->network, NULL));
  rule->accept = TRUE;
  pm_list_editor_put (editor, NULL, pm_accept_rule_ref (rule));
  gtk_button_clicked (ui_fixture_child (editor, "up_button"));
  pm_accept_dialog_collect (dialog, draft->service);
  g_assert_cmpuint (draft->service->accept_rules->len, ==, 2);
  g_assert_true (((PmAcceptRule *) draft->service->accept_rules->pdata[0])->accept);
  gtk_button_clicked (ui_fixture_child (editor, "down_button"));
  pm_accept_dialog_collect (dialog, draft->service);
  g_assert_false (((PmAcceptRule *) draft->service->accept_rules->pdata[0])->accept);
  gtk_button_clicked (ui_fixture_child (editor, "remove_button"));
  g_assert_cmpuint (pm_list_editor_get_size (editor), ==, 1);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
test_mail_domain_dialog (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmMailDomainDialog *dialog = pm_mail_domain_dialog_new (NULL, NULL, draft->service->mail_domains);
  GtkWidget *ok = ui_fixture_child (dialog, "ok_button");
  g_autoptr (PmMailDomain) domain = NULL;

  g_assert_false (gtk_widget_get_sensitive (ok));
  ui_fixture_type (dialog, "name_entry", "Partner.example");
  g_assert_false (gtk_widget_get_sensitive (ok));
  ui_fixture_toggle (dialog, "subdomains_check", FALSE);
  g_assert_true (gtk_widget_get_sensitive (ok));
  ui_fixture_toggle (dialog, "forward_radio", TRUE);
  g_assert_false (gtk_widget_get_sensitive (ok));
  pm_list_editor_put (ui_fixture_child (dialog, "hosts_editor"), NULL, pm_host_new ());
  domain = pm_mail_domain_dialog_dup_item (dialog);
  g_assert_cmpstr (domain->name, ==, "partner.example");
  g_assert_false (domain->subdomains);
  g_assert_cmpuint (domain->delivery->hosts->len, ==, 1);
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static int
get_title_width (GtkTreeView *view, guint index)
{
  GtkTreeViewColumn *column = gtk_tree_view_get_column (view, (int) index);
  int width;

  gtk_widget_get_preferred_width (gtk_tree_view_column_get_button (column), NULL, &width);
  return width;
}

// The title of the queue's first column; all of them are whole at this size.
static int
measure_titles (int dpi)
{
  PmPropertiesPage *page;
  GtkTreeView *view;
  int first;

  g_object_set (gtk_settings_get_default (), "gtk-xft-dpi", dpi * PANGO_SCALE, NULL);
  page = make_page (PM_TYPE_QUEUES_PAGE);
  view = ui_fixture_child (page, "view");
  for (guint i = 0; i < gtk_tree_view_get_n_columns (view); i++)
    {
      GtkTreeViewColumn *column = gtk_tree_view_get_column (view, (int) i);

      g_assert_cmpint (gtk_tree_view_column_get_fixed_width (column), >=,
                       get_title_width (view, i));
    }
  first = get_title_width (view, 0);
  g_object_unref (page);
  return first;
}

static void
test_large_font (void)
{
  int usual = measure_titles (96);

  g_assert_cmpint (measure_titles (2 * 96), >, usual * 3 / 2);
  gtk_settings_reset_property (gtk_settings_get_default (), "gtk-xft-dpi");
}

static void
test_mail_domains_dialog (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  PmMailDomainsDialog *dialog = pm_mail_domains_dialog_new (NULL, draft->service->mail_domains);
  g_autoptr (GPtrArray) items = pm_mail_domains_dialog_dup_items (dialog);
  gboolean finalized;

  g_assert_cmpuint (items->len, ==, 1);
  g_assert_true (items->pdata[0] == draft->service->mail_domains->pdata[0]);
  ui_fixture_watch (dialog, &finalized);
  gtk_widget_destroy (GTK_WIDGET (dialog));
  g_assert_true (finalized);
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
  static GType types[4];

  gtk_test_init (&argc, &argv, NULL);
  types[0] = PM_TYPE_GENERAL_PAGE;
  types[1] = PM_TYPE_CONNECTIONS_PAGE;
  types[2] = PM_TYPE_ROUTING_PAGE;
  types[3] = PM_TYPE_QUEUES_PAGE;
  g_test_add_data_func ("/pages/unchanged/general", &types[0], test_unchanged);
  g_test_add_data_func ("/pages/unchanged/connections", &types[1], test_unchanged);
  g_test_add_data_func ("/pages/unchanged/routing", &types[2], test_unchanged);
  g_test_add_data_func ("/pages/unchanged/queues", &types[3], test_unchanged);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    add_table ("/pages/change/", changes[i].name, i, test_change);
  for (guint i = 0; i < G_N_ELEMENTS (validations); i++)
    add_table ("/pages/validate/", validations[i].name, i, test_validate);
  g_test_add_func ("/pages/validate/lists", test_validate_lists);
  g_test_add_func ("/pages/queues/large-font", test_large_font);
  g_test_add_func ("/pages/routing/remove-and-undo", test_remove_and_undo);
  g_test_add_func ("/pages/routing/large-table", test_large_table);
  g_test_add_func ("/pages/routing/tester", test_tester);
  g_test_add_func ("/pages/connections/limits", test_limits_dialog);
  g_test_add_func ("/pages/connections/timeouts", test_timeouts_dialog);
  g_test_add_func ("/pages/connections/accept", test_accept_dialog);
  g_test_add_func ("/pages/connections/mail-domain", test_mail_domain_dialog);
  g_test_add_func ("/pages/connections/mail-domains", test_mail_domains_dialog);
  return g_test_run ();
}
