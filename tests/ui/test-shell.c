// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The window and its dialogs against a scripted manager: they show what it says, do what their
// actions say, and are gone when they are closed.

#include "config.h"

#include "scripted-manager.h"
#include "ui/dialogs/pm-add-domain-dialog.h"
#include "ui/dialogs/pm-mailbox-dialog.h"
#include "ui/dialogs/pm-report-dialog.h"
#include "ui/dialogs/pm-route-tester.h"
#include "ui/dialogs/pm-server-dialog.h"
#include "ui/dialogs/pm-site-addressing-dialog.h"
#include "ui/pm-window-private.h"

static const char site_xml[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<site xmlns=\"urn:pointsman:site:1\" name=\"Headquarters\" organization=\"Example\">\n"
    "  <configuration>\n"
    "    <servers><server name=\"MAIL1\" host=\"mail1.example.com\"/></servers>\n"
    "    <site-addressing domain=\"example.com\"/>\n"
    "    <connections>\n"
    "      <internet-mail-service server=\"MAIL1\">\n"
    "        <connections><listen address=\"127.0.0.1\" port=\"2525\"/></connections>\n"
    "        <routing>\n"
    "          <route domain=\"example.com\" subdomains=\"no\"><inbound/></route>\n"
    "        </routing>\n"
    "        <mailboxes accept=\"listed\">\n"
    "          <deliver-to maildir=\"mail\"/>\n"
    "          <mailbox address=\"anna@example.com\"/>\n"
    "          <mailbox address=\"bert@example.com\"/>\n"
    "        </mailboxes>\n"
    "      </internet-mail-service>\n"
    "    </connections>\n"
    "  </configuration>\n"
    "</site>\n";

typedef struct
{
  ScriptedManager *manager;
  PmServerConnection *connection;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->manager = scripted_manager_new (site_xml);
  fixture->connection = scripted_manager_connect (fixture->manager);
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gpointer weak = fixture->connection;

  g_object_add_weak_pointer (weak, &weak);
  g_object_unref (fixture->connection);
  while (weak != NULL)
    g_main_context_iteration (NULL, TRUE);
  scripted_manager_free (fixture->manager);
}

/* Waits until what is written is, or the test's own time limit ends it. */
static void
wait_until_written (Fixture *fixture, const char *text, gboolean there)
{
  while ((strstr (scripted_manager_get_xml (fixture->manager), text) != NULL) != there || pm_server_connection_get_busy (fixture->connection))
    g_main_context_iteration (NULL, TRUE);
  settle ();
}

static GtkWidget *
find_widget (GtkWidget *widget, const char *id)
{
  g_autoptr (GList) children = NULL;

  if (GTK_IS_BUILDABLE (widget) && g_strcmp0 (gtk_buildable_get_name (GTK_BUILDABLE (widget)), id) == 0)
    return widget;
  if (!GTK_IS_CONTAINER (widget))
    return NULL;
  children = gtk_container_get_children (GTK_CONTAINER (widget));
  for (GList *l = children; l != NULL; l = l->next)
    {
      GtkWidget *found = find_widget (l->data, id);

      if (found != NULL)
        return found;
    }
  return NULL;
}

/* Takes @widget, closes it, and holds it to being gone. */
static void
assert_goes (gpointer widget)
{
  gpointer weak = widget;

  g_object_add_weak_pointer (widget, &weak);
  gtk_widget_show (widget);
  settle ();
  gtk_widget_destroy (widget);
  settle ();
  g_assert_null (weak);
}

static void
test_window (Fixture *fixture, gconstpointer data)
{
  PmWindow *window = pm_window_new (NULL, fixture->connection);
  GActionGroup *actions = G_ACTION_GROUP (window);

  gtk_widget_show (GTK_WIDGET (window));
  settle ();
  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (window)), ==,
                   "Pointsman – MAIL1 in Site Headquarters – Connections");
  g_assert_cmpuint (pm_contents_view_get_n_objects (window->contents), ==, 1);
  g_assert_true (g_action_group_get_action_enabled (actions, "add-domain"));
  g_assert_true (g_action_group_get_action_enabled (actions, "service-stop"));
  g_assert_false (g_action_group_get_action_enabled (actions, "service-start"));
  g_assert_false (g_action_group_get_action_enabled (actions, "undo"));
  g_assert_false (g_action_group_get_action_enabled (actions, "delete"));

  g_action_group_activate_action (actions, "service-stop", NULL);
  while (!g_action_group_get_action_enabled (actions, "service-start"))
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (g_action_group_get_action_enabled (actions, "service-stop"));
  assert_goes (window);
}

static void
select_mailbox (PmWindow *window, const char *address)
{
  PmTreeNode *recipients = pm_site_nodes_find (window->site_nodes, PM_NODE_RECIPIENTS, "");
  PmTreeNode *mailbox = pm_site_nodes_find (window->site_nodes, PM_NODE_MAILBOX, address);

  g_assert_nonnull (mailbox);
  pm_tree_view_select_node (window->tree, recipients);
  pm_contents_view_select_node (window->contents, mailbox);
}

static void
test_delete_and_undo (Fixture *fixture, gconstpointer data)
{
  PmWindow *window = pm_window_new (NULL, fixture->connection);
  GActionGroup *actions = G_ACTION_GROUP (window);
  g_autofree char *label = NULL;

  gtk_widget_show (GTK_WIDGET (window));
  settle ();
  select_mailbox (window, "anna@example.com");
  g_assert_true (g_action_group_get_action_enabled (actions, "delete"));
  g_action_group_activate_action (actions, "delete", NULL);
  wait_until_written (fixture, "anna@example.com", FALSE);
  g_assert_nonnull (strstr (scripted_manager_get_xml (fixture->manager), "bert@example.com"));
  g_assert_cmpuint (pm_contents_view_get_n_objects (window->contents), ==, 1);
  g_assert_true (gtk_revealer_get_reveal_child (GTK_REVEALER (window->undo_bar)));

  g_assert_true (g_action_group_get_action_enabled (actions, "undo"));
  label = pm_undo_dup_label (window->undo);
  g_assert_cmpstr (label, ==, "_Undo: Remove anna@example.com");
  g_action_group_activate_action (actions, "undo", NULL);
  wait_until_written (fixture, "anna@example.com", TRUE);
  g_assert_cmpuint (pm_contents_view_get_n_objects (window->contents), ==, 2);
  assert_goes (window);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  PmWindow *window = pm_window_new (NULL, fixture->connection);

  gtk_widget_show (GTK_WIDGET (window));
  settle ();
  scripted_manager_refuse_writes (fixture->manager, TRUE);
  select_mailbox (window, "anna@example.com");
  g_action_group_activate_action (G_ACTION_GROUP (window), "delete", NULL);
  while (!gtk_revealer_get_reveal_child (GTK_REVEALER (window->message_bar)))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (pm_contents_view_get_n_objects (window->contents), ==, 2);
  assert_goes (window);
}

static void
test_pending (Fixture *fixture, gconstpointer data)
{
  PmWindow *window = pm_window_new (NULL, fixture->connection);

  gtk_widget_show (GTK_WIDGET (window));
  settle ();
  g_assert_false (gtk_revealer_get_reveal_child (GTK_REVEALER (window->pending_bar)));
  select_mailbox (window, "bert@example.com");
  g_action_group_activate_action (G_ACTION_GROUP (window), "delete", NULL);
  wait_until_written (fixture, "bert@example.com", FALSE);
  while (pm_pending_changes_get_changes (window->pending) == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (gtk_revealer_get_reveal_child (GTK_REVEALER (window->pending_bar)));
  g_assert_cmpuint (pm_pending_changes_get_changes (window->pending)->len, ==, 1);
  assert_goes (window);
}

static void
test_csv (Fixture *fixture, gconstpointer data)
{
  PmWindow *window = pm_window_new (NULL, fixture->connection);
  g_autofree char *csv = NULL;

  settle ();
  select_mailbox (window, "anna@example.com");
  csv = pm_contents_view_to_csv (window->contents);
  g_assert_cmpstr (csv, ==,
                   "\"Display Name\",\"Server\",\"Other Addresses\"\r\n"
                   "\"anna@example.com\",\"MAIL1\",\"\"\r\n"
                   "\"bert@example.com\",\"MAIL1\",\"\"\r\n");
  assert_goes (window);
}

static void
test_add_domain (Fixture *fixture, gconstpointer data)
{
  PmAddDomainDialog *dialog = pm_add_domain_dialog_new (NULL, fixture->connection, "MAIL1");
  GtkWidget *entry = find_widget (GTK_WIDGET (dialog), "domain_entry");
  GtkWidget *button = find_widget (GTK_WIDGET (dialog), "add_button");
  gpointer weak = dialog;

  g_object_add_weak_pointer (weak, &weak);
  gtk_widget_show (GTK_WIDGET (dialog));
  settle ();
  g_assert_false (gtk_widget_get_sensitive (button));
  gtk_entry_set_text (GTK_ENTRY (entry), "example.org");
  while (!gtk_widget_get_sensitive (button))
    g_main_context_iteration (NULL, TRUE);
  gtk_dialog_response (GTK_DIALOG (dialog), GTK_RESPONSE_OK);
  wait_until_written (fixture, "domain=\"example.org\"", TRUE);
  g_assert_null (weak);
}

static void
test_mailbox_dialog (Fixture *fixture, gconstpointer data)
{
  PmMailboxDialog *dialog = pm_mailbox_dialog_new (NULL, fixture->connection, "MAIL1", NULL);
  GtkWidget *entry = find_widget (GTK_WIDGET (dialog), "address_entry");
  GtkWidget *button = find_widget (GTK_WIDGET (dialog), "ok_button");
  gpointer weak = dialog;

  g_object_add_weak_pointer (weak, &weak);
  gtk_widget_show (GTK_WIDGET (dialog));
  settle ();
  g_assert_cmpstr (gtk_entry_get_text (GTK_ENTRY (entry)), ==, "@example.com");
  g_assert_false (gtk_widget_get_sensitive (button));
  gtk_entry_set_text (GTK_ENTRY (entry), "carla@example.com");
  settle ();
  g_assert_true (gtk_widget_get_sensitive (button));
  gtk_dialog_response (GTK_DIALOG (dialog), GTK_RESPONSE_OK);
  wait_until_written (fixture, "carla@example.com", TRUE);
  g_assert_null (weak);
}

/* What somebody typed is still there after a refusal. */
static void
test_dialog_refused (Fixture *fixture, gconstpointer data)
{
  PmServerDialog *dialog = pm_server_dialog_new (NULL, fixture->connection, "MAIL1");
  GtkWidget *entry = find_widget (GTK_WIDGET (dialog), "host_entry");
  GtkWidget *bar = find_widget (GTK_WIDGET (dialog), "problem_bar");

  scripted_manager_refuse_writes (fixture->manager, TRUE);
  gtk_widget_show (GTK_WIDGET (dialog));
  settle ();
  gtk_entry_set_text (GTK_ENTRY (entry), "mx.example.com");
  settle ();
  gtk_dialog_response (GTK_DIALOG (dialog), GTK_RESPONSE_OK);
  while (!gtk_widget_get_visible (bar))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (gtk_entry_get_text (GTK_ENTRY (entry)), ==, "mx.example.com");
  assert_goes (dialog);
}

/* A field of one line, or one of several. */
static void
type_text (GtkWidget *field, const char *text)
{
  if (GTK_IS_ENTRY (field))
    gtk_entry_set_text (GTK_ENTRY (field), text);
  else
    gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (field)), text, -1);
  settle ();
}

static char *
dup_text (GtkWidget *field)
{
  char *text = NULL;

  g_object_get (GTK_IS_ENTRY (field) ? (gpointer) field
                                     : gtk_text_view_get_buffer (GTK_TEXT_VIEW (field)),
                "text", &text, NULL);
  return text;
}

static void
assert_text (GtkWidget *field, const char *expected)
{
  g_autofree char *text = dup_text (field);

  g_assert_cmpstr (text, ==, expected);
}

/* Somebody else replaces @from by @to in the site, and everybody has heard of it. */
static void
replace_as_another (Fixture *fixture, const char *from, const char *to)
{
  PmBusManager *manager = pm_server_connection_get_manager (fixture->connection);
  PmBusManager *skeleton = scripted_manager_get (fixture->manager);
  g_autofree char *former = g_strdup (pm_bus_manager_get_revision (skeleton));
  g_auto (GStrv) parts = g_strsplit (scripted_manager_get_xml (fixture->manager), from, 2);
  g_autofree char *xml = g_strjoinv (to, parts);
  const PmSite *site = pm_server_connection_get_site (fixture->connection);

  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  pm_bus_manager_call_write_site (manager, xml, former, "Another’s change", NULL, NULL, NULL);
  while (pm_server_connection_get_site (fixture->connection) == site ||
         g_strcmp0 (pm_server_connection_get_revision (fixture->connection),
                    pm_bus_manager_get_revision (skeleton)) != 0)
    g_main_context_iteration (NULL, TRUE);
  settle ();
}

static GtkWidget *
open_server (Fixture *fixture)
{
  return GTK_WIDGET (pm_server_dialog_new (NULL, fixture->connection, "MAIL1"));
}

static GtkWidget *
open_mailbox (Fixture *fixture)
{
  return GTK_WIDGET (pm_mailbox_dialog_new (NULL, fixture->connection, "MAIL1",
                                            "anna@example.com"));
}

static GtkWidget *
open_addressing (Fixture *fixture)
{
  return GTK_WIDGET (pm_site_addressing_dialog_new (NULL, fixture->connection));
}

static const struct
{
  const char *name;
  GtkWidget *(*open) (Fixture *fixture);
  const char *field;
  const char *typed;
  const char *from; /* in the site */
  const char *to;
  const char *theirs;  /* in the field */
  const char *written; /* of what was typed */
} conflicts[] = {
  { "server", open_server, "host_entry", "mine.example.com", "mail1.example.com",
    "theirs.example.com", "theirs.example.com", "host=\"mine.example.com\"" },
  { "server-addresses", open_server, "addresses_view", "192.0.2.1",
    "<server name=\"MAIL1\" host=\"mail1.example.com\"/>",
    "<server name=\"MAIL1\" host=\"mail1.example.com\"><address ip=\"192.0.2.2\"/></server>",
    "192.0.2.2", "ip=\"192.0.2.1\"" },
  { "mailbox", open_mailbox, "aliases_view", "mine@example.com",
    "<mailbox address=\"anna@example.com\"/>",
    "<mailbox address=\"anna@example.com\"><alias address=\"theirs@example.com\"/></mailbox>",
    "theirs@example.com", "alias address=\"mine@example.com\"" },
  { "site-addressing", open_addressing, "domain_entry", "mine.example",
    "<site-addressing domain=\"example.com\"/>", "<site-addressing domain=\"theirs.example\"/>",
    "theirs.example", "<site-addressing domain=\"mine.example\"/>" },
};

static void
assert_begins (GtkWidget *field, const char *expected)
{
  g_autofree char *text = dup_text (field);

  /* The fields of several lines end theirs. */
  g_assert_cmpstr (g_strchomp (text), ==, expected);
}

/* Opens the dialog, types, and has somebody else change the same object. */
static GtkWidget *
provoke_conflict (Fixture *fixture, guint i)
{
  GtkWidget *dialog = conflicts[i].open (fixture);
  GtkWidget *field = find_widget (dialog, conflicts[i].field);
  GtkWidget *bar = find_widget (dialog, "problem_bar");

  gtk_widget_show (dialog);
  settle ();
  type_text (field, conflicts[i].typed);
  /* What happens to other objects is no conflict. */
  replace_as_another (fixture, "bert@example.com", "berta@example.com");
  g_assert_false (gtk_widget_get_visible (bar));
  assert_text (field, conflicts[i].typed);

  replace_as_another (fixture, conflicts[i].from, conflicts[i].to);
  g_assert_true (gtk_widget_get_visible (bar));
  g_assert_true (gtk_widget_get_visible (find_widget (dialog, "theirs_button")));
  assert_text (field, conflicts[i].typed);
  return dialog;
}

static void
test_conflict_theirs (Fixture *fixture, gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  GtkWidget *dialog = provoke_conflict (fixture, i);
  g_autofree char *before = g_strdup (scripted_manager_get_xml (fixture->manager));

  gtk_button_clicked (GTK_BUTTON (find_widget (dialog, "theirs_button")));
  settle ();
  assert_begins (find_widget (dialog, conflicts[i].field), conflicts[i].theirs);
  g_assert_false (gtk_widget_get_visible (find_widget (dialog, "problem_bar")));
  g_assert_false (gtk_widget_get_sensitive (find_widget (dialog, "apply_button")));
  g_assert_true (gtk_widget_get_sensitive (find_widget (dialog, "ok_button")));
  g_assert_cmpstr (scripted_manager_get_xml (fixture->manager), ==, before);
  assert_goes (dialog);
}

static void
test_conflict_mine (Fixture *fixture, gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  gpointer weak = provoke_conflict (fixture, i);

  g_object_add_weak_pointer (weak, &weak);
  gtk_dialog_response (weak, GTK_RESPONSE_OK);
  wait_until_written (fixture, conflicts[i].written, TRUE);
  g_assert_null (weak);
  g_assert_null (strstr (scripted_manager_get_xml (fixture->manager), conflicts[i].theirs));
  g_assert_nonnull (strstr (scripted_manager_get_xml (fixture->manager), "berta@example.com"));
}

static void
test_conflict_untyped (Fixture *fixture, gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  GtkWidget *dialog = conflicts[i].open (fixture);

  gtk_widget_show (dialog);
  settle ();
  replace_as_another (fixture, conflicts[i].from, conflicts[i].to);
  assert_begins (find_widget (dialog, conflicts[i].field), conflicts[i].theirs);
  g_assert_false (gtk_widget_get_visible (find_widget (dialog, "problem_bar")));
  assert_goes (dialog);
}

/* The search that typing in a list starts, without the keyboard that a test's window has not. */
static void
search (GtkWidget *view, const char *text)
{
  GtkWidget *entry = g_object_ref_sink (gtk_entry_new ());

  g_assert_true (gtk_tree_view_get_enable_search (GTK_TREE_VIEW (view)));
  g_assert_cmpint (gtk_tree_view_get_search_column (GTK_TREE_VIEW (view)), >=, 0);
  gtk_tree_view_set_search_entry (GTK_TREE_VIEW (view), GTK_ENTRY (entry));
  gtk_entry_set_text (GTK_ENTRY (entry), text);
  gtk_tree_view_set_search_entry (GTK_TREE_VIEW (view), NULL);
  g_object_unref (entry);
  settle ();
}

static void
test_type_ahead (Fixture *fixture, gconstpointer data)
{
  PmWindow *window = pm_window_new (NULL, fixture->connection);
  PmTreeNode *recipients;
  g_autoptr (GtkTreePath) path = NULL;

  gtk_widget_show (GTK_WIDGET (window));
  settle ();
  search (GTK_WIDGET (window->tree), "recip");
  recipients = pm_site_nodes_find (window->site_nodes, PM_NODE_RECIPIENTS, "");
  g_assert_true (pm_tree_view_get_selected_node (window->tree) == recipients);
  search (find_widget (GTK_WIDGET (window), "list"), "BERT");
  gtk_tree_view_get_cursor (GTK_TREE_VIEW (find_widget (GTK_WIDGET (window), "list")), &path,
                            NULL);
  g_assert_nonnull (path);
  g_assert_cmpint (gtk_tree_path_get_indices (path)[0], ==, 1);
  assert_goes (window);
}

static void
test_route_tester (Fixture *fixture, gconstpointer data)
{
  PmRouteTester *dialog = pm_route_tester_new (NULL, fixture->connection, "MAIL1");
  GtkWidget *entry = find_widget (GTK_WIDGET (dialog), "address_entry");
  GtkWidget *headline = find_widget (GTK_WIDGET (dialog), "headline");

  gtk_entry_set_text (GTK_ENTRY (entry), "anna@example.com");
  g_assert_cmpstr (gtk_label_get_label (GTK_LABEL (headline)), ==,
                   "Accepted here, into the mailbox anna@example.com.");
  gtk_entry_set_text (GTK_ENTRY (entry), "nobody@example.com");
  g_assert_true (g_str_has_prefix (gtk_label_get_label (GTK_LABEL (headline)),
                                   "Refused: 550 5.1.1"));
  gtk_entry_set_text (GTK_ENTRY (entry), "anna@elsewhere.example");
  g_assert_true (g_str_has_prefix (gtk_label_get_label (GTK_LABEL (headline)),
                                   "Refused: 550 5.7.1"));
  gtk_entry_set_text (GTK_ENTRY (entry), "anna@");
  assert_goes (dialog);
}

static void
test_dialogs_go (Fixture *fixture, gconstpointer data)
{
  PmReportDialog *report = pm_report_dialog_new (NULL, "Report", "Two things:");

  pm_report_dialog_add (report, "dialog-warning-symbolic", "Warning", "Something", "here");
  pm_report_dialog_add (report, "dialog-error-symbolic", "Error", NULL, NULL);
  assert_goes (report);
  assert_goes (pm_server_dialog_new (NULL, fixture->connection, "MAIL1"));
  assert_goes (pm_site_addressing_dialog_new (NULL, fixture->connection));
  assert_goes (pm_mailbox_dialog_new (NULL, fixture->connection, "MAIL1", "anna@example.com"));
  assert_goes (pm_add_domain_dialog_new (NULL, fixture->connection, "MAIL1"));
}

#define ADD(path, function) \
  g_test_add ("/shell/" path, Fixture, NULL, set_up, function, tear_down)

static void
add_conflicts (const char *what, void (*function) (Fixture *, gconstpointer))
{
  for (guint i = 0; i < G_N_ELEMENTS (conflicts); i++)
    {
      g_autofree char *path = g_strdup_printf ("/shell/conflict/%s/%s", what, conflicts[i].name);

      g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up, function, tear_down);
    }
}

int
main (int argc, char **argv)
{
  gtk_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("window", test_window);
  ADD ("delete-and-undo", test_delete_and_undo);
  ADD ("refused", test_refused);
  ADD ("pending", test_pending);
  ADD ("csv", test_csv);
  ADD ("add-domain", test_add_domain);
  ADD ("mailbox-dialog", test_mailbox_dialog);
  ADD ("dialog-refused", test_dialog_refused);
  add_conflicts ("theirs", test_conflict_theirs);
  add_conflicts ("mine", test_conflict_mine);
  add_conflicts ("untyped", test_conflict_untyped);
  ADD ("type-ahead", test_type_ahead);
  ADD ("route-tester", test_route_tester);
  ADD ("dialogs-go", test_dialogs_go);
  return g_test_run ();
}
