// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the window's menus, buttons and keys do. Everything that concerns the server is
// asynchronous; what comes back is shown in the window's message bar.

#include "config.h"

#include <glib/gi18n.h>

#include "ui/dialogs/pm-add-domain-dialog.h"
#include "ui/dialogs/pm-mailbox-dialog.h"
#include "ui/dialogs/pm-mailbox-edit.h"
#include "ui/dialogs/pm-report-dialog.h"
#include "ui/dialogs/pm-route-tester.h"
#include "ui/dialogs/pm-server-dialog.h"
#include "ui/dialogs/pm-site-addressing-dialog.h"
#include "ui/pm-change-text.h"
#include "ui/pm-window-private.h"
#include "ui/properties/pm-properties-dialog.h"

/* The window may be gone by the time something answers; then the answer is nobody's. */
static PmWindow *
take_window (gpointer data)
{
  PmWindow *self = PM_WINDOW (data);

  return self->connection != NULL ? self : NULL;
}

/**
 * pm_window_get_active_node:
 *
 * Returns: (nullable) (transfer none): what Properties and the like are about: the one thing
 *   selected in the contents list, else the container
 */
PmTreeNode *
pm_window_get_active_node (PmWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  PmTreeNode *selected = pm_contents_view_get_selected_node (self->contents);

  if (selected != NULL && focus != GTK_WIDGET (self->tree))
    return selected;
  return pm_tree_view_get_selected_node (self->tree);
}

/* --- Properties ------------------------------------------------------------------------------ */

void
pm_window_open_properties (PmWindow *self, PmTreeNode *node)
{
  GtkWindow *parent = GTK_WINDOW (self);
  GtkWidget *dialog = NULL;

  switch (pm_tree_node_get_kind (node))
    {
    case PM_NODE_SERVER:
      dialog = GTK_WIDGET (pm_server_dialog_new (parent, self->connection,
                                                 pm_tree_node_get_key (node)));
      break;
    case PM_NODE_SITE_ADDRESSING:
      dialog = GTK_WIDGET (pm_site_addressing_dialog_new (parent, self->connection));
      break;
    case PM_NODE_MAIL_SERVICE:
      dialog = pm_properties_dialog_new (parent, self->connection, pm_tree_node_get_key (node));
      break;
    case PM_NODE_MAILBOX:
      dialog = GTK_WIDGET (pm_mailbox_dialog_new (parent, self->connection,
                                                  pm_tree_node_get_owner (node),
                                                  pm_tree_node_get_key (node)));
      break;
    case PM_NODE_ORGANIZATION:
    case PM_NODE_SITE:
    case PM_NODE_CONFIGURATION:
    case PM_NODE_CONNECTIONS:
    case PM_NODE_SERVERS:
    case PM_NODE_RECIPIENTS:
    default:
      return;
    }
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
properties_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmTreeNode *node = pm_window_get_active_node (data);

  if (node != NULL)
    pm_window_open_properties (data, node);
}

/* --- Adding, deleting, undoing --------------------------------------------------------------- */

static void
domain_added_cb (PmAddDomainDialog *dialog, const char *domain, PmApplyResult *result,
                 PmWindow *self)
{
  if (result != NULL)
    pm_message_bar_show_apply_result (self->message_bar, result);
  pm_window_show_mx (self, TRUE);
  pm_mx_panel_check (self->mx_panel, domain);
}

static void
add_domain_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  PmAddDomainDialog *dialog;

  dialog = pm_add_domain_dialog_new (GTK_WINDOW (self), self->connection,
                                     pm_site_nodes_get_server_name (self->connection));
  g_signal_connect_object (dialog, "added", G_CALLBACK (domain_added_cb), self, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
add_mailbox_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  const char *server = pm_site_nodes_get_server_name (self->connection);

  gtk_window_present (GTK_WINDOW (pm_mailbox_dialog_new (GTK_WINDOW (self), self->connection,
                                                         server, NULL)));
}

typedef struct
{
  PmWindow *window; /* (owned) */
  char *text;       /* (owned): what the undo bar says */
} Removal;

static void
removal_free (Removal *removal)
{
  g_object_unref (removal->window);
  g_free (removal->text);
  g_free (removal);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Removal, removal_free)

static void
deleted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Removal) removal = data;
  PmWindow *self = take_window (removal->window);
  g_autoptr (GError) error = NULL;
  gboolean written = pm_server_connection_write_finish (PM_SERVER_CONNECTION (source), result,
                                                        &error);

  if (self == NULL)
    return;
  if (written)
    pm_undo_bar_show (self->undo_bar, removal->text);
  else
    pm_message_bar_show_error (self->message_bar, _ ("Nothing was deleted"), error);
}

/* The selected nodes that can be deleted; all of them are mailboxes of one service or none. */
static GPtrArray *
get_deletable (PmWindow *self)
{
  GPtrArray *nodes = pm_contents_view_get_selected_nodes (self->contents);

  for (guint i = 0; i < nodes->len; i++)
    if ((pm_tree_node_get_features (nodes->pdata[i]) & PM_NODE_DELETE) == 0)
      {
        g_ptr_array_set_size (nodes, 0);
        break;
      }
  return nodes;
}

static char *
describe_removal (GPtrArray *nodes)
{
  if (nodes->len == 1)
    return g_strdup_printf (_ ("%s was removed."), pm_tree_node_get_title (nodes->pdata[0]));
  return g_strdup_printf (ngettext ("%u mailbox was removed.", "%u mailboxes were removed.",
                                    nodes->len),
                          nodes->len);
}

static PmSite *
remove_nodes (const PmSite *site, GPtrArray *nodes)
{
  g_autoptr (PmSite) result = pm_site_ref (site);

  for (guint i = 0; i < nodes->len; i++)
    {
      g_autoptr (GPtrArray) addresses = g_ptr_array_new ();
      PmSite *next;

      g_ptr_array_add (addresses, (gpointer) pm_tree_node_get_key (nodes->pdata[i]));
      next = pm_mailbox_edit_remove (result, pm_tree_node_get_owner (nodes->pdata[i]), addresses);
      pm_site_unref (result);
      result = next;
    }
  return g_steal_pointer (&result);
}

static void
delete_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  const PmSite *site = pm_server_connection_get_site (self->connection);
  g_autoptr (GPtrArray) nodes = get_deletable (self);
  g_autoptr (PmSite) changed = NULL;
  g_autofree char *comment = NULL;
  Removal *removal;

  if (site == NULL || nodes->len == 0)
    return;
  changed = remove_nodes (site, nodes);
  removal = g_new0 (Removal, 1);
  removal->window = g_object_ref (self);
  removal->text = describe_removal (nodes);
  comment = nodes->len == 1
                ? g_strdup_printf (_ ("Remove %s"), pm_tree_node_get_title (nodes->pdata[0]))
                : g_strdup_printf (
                      ngettext ("Remove %u mailbox", "Remove %u mailboxes", nodes->len),
                      nodes->len);
  pm_server_connection_write_async (self->connection, changed, comment, self->cancellable,
                                    deleted_cb, removal);
}

static void
undone_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmWindow) window = data;
  PmWindow *self = take_window (window);
  g_autoptr (GError) error = NULL;
  g_autofree char *done = pm_undo_undo_finish (PM_UNDO (source), result, &error);

  if (self == NULL)
    return;
  if (done != NULL)
    pm_message_bar_show (self->message_bar, GTK_MESSAGE_INFO, done,
                         _ ("It is saved. Press Ctrl+Z to go back."), NULL);
  else
    pm_message_bar_show_error (self->message_bar, _ ("The change could not be undone"), error);
}

static void
undo_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);

  pm_undo_bar_hide (self->undo_bar);
  pm_undo_undo_async (self->undo, self->cancellable, undone_cb, g_object_ref (self));
}

/* The menu bar is the application's, so it says what the window in front would undo. */
void
pm_window_update_undo_label (PmWindow *self)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));
  g_autofree char *label = pm_undo_dup_label (self->undo);
  GMenu *menu = NULL;

  if (!pm_undo_get_can_undo (self->undo))
    pm_undo_bar_hide (self->undo_bar);
  if (application != NULL && gtk_window_is_active (GTK_WINDOW (self)))
    menu = gtk_application_get_menu_by_id (application, "undo");
  if (menu == NULL)
    return;
  g_menu_remove_all (menu);
  g_menu_append (menu, label != NULL ? label : _ ("_Undo"), "win.undo");
}

static void
select_all_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  pm_contents_view_select_all (PM_WINDOW (data)->contents);
}

/* --- The mail service ------------------------------------------------------------------------ */

static void
service_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmWindow) window = data;
  PmWindow *self = take_window (window);
  g_autoptr (GError) error = NULL;
  gboolean done = pm_server_connection_service_finish (PM_SERVER_CONNECTION (source), result,
                                                       &error);

  if (self == NULL)
    return;
  if (done)
    pm_message_bar_hide (self->message_bar);
  else
    pm_message_bar_show_error (self->message_bar,
                               _ ("The Internet Mail Service did not do as it was told"), error);
}

static void
tell_service (PmWindow *self, PmServiceVerb verb)
{
  pm_server_connection_service_async (self->connection, verb, self->cancellable, service_done_cb,
                                      g_object_ref (self));
}

static void
start_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  tell_service (data, PM_SERVICE_START);
}

static void
stop_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  tell_service (data, PM_SERVICE_STOP);
}

static void
restart_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  tell_service (data, PM_SERVICE_RESTART);
}

static void
reload_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  tell_service (data, PM_SERVICE_RELOAD);
}

static void
applied_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmWindow) window = data;
  PmWindow *self = take_window (window);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmApplyResult) outcome = NULL;

  outcome = pm_server_connection_apply_finish (PM_SERVER_CONNECTION (source), result, &error);
  if (self == NULL)
    return;
  if (outcome != NULL)
    pm_message_bar_show_apply_result (self->message_bar, outcome);
  else
    pm_message_bar_show_error (self->message_bar, _ ("The changes were not put in force"), error);
}

/* By Apply rather than Restart, so that a site the service cannot live with is put back. */
static void
put_in_force_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  const PmSite *site = pm_server_connection_get_site (self->connection);

  if (site != NULL)
    pm_server_connection_apply_async (self->connection, site, _ ("Put in force"), TRUE,
                                      self->cancellable, applied_cb, g_object_ref (self));
}

static void
enabled_set_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmWindow) window = data;
  PmWindow *self = take_window (window);
  g_autoptr (GError) error = NULL;
  gboolean done = pm_server_connection_set_enabled_finish (PM_SERVER_CONNECTION (source), result,
                                                           &error);

  if (self == NULL)
    return;
  if (!done)
    pm_message_bar_show_error (self->message_bar,
                               _ ("Starting with the machine could not be changed"), error);
  pm_window_update_actions (self);
}

static void
enabled_change_cb (GSimpleAction *action, GVariant *value, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);

  pm_server_connection_set_enabled_async (self->connection, g_variant_get_boolean (value),
                                          self->cancellable, enabled_set_cb, g_object_ref (self));
}

/* --- Reading --------------------------------------------------------------------------------- */

static void
add_change (PmReportDialog *dialog, const PmSiteChange *change)
{
  static const char *const icon_names[] = {
    [PM_CHANGE_ADDED] = "list-add-symbolic",
    [PM_CHANGE_REMOVED] = "list-remove-symbolic",
    [PM_CHANGE_MODIFIED] = "document-edit-symbolic",
  };
  g_autofree char *sentence = pm_change_text (change);
  g_autofree char *text = NULL;

  if (change->kind == PM_CHANGE_MODIFIED)
    {
      g_autofree char *from = pm_change_text_value (change, change->from);
      g_autofree char *to = pm_change_text_value (change, change->to);

      text = g_strdup_printf (_ ("from %s\nto %s"), from, to);
    }
  pm_report_dialog_add (dialog, icon_names[change->kind], sentence, text, NULL);
}

static void
show_pending_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  GPtrArray *changes = pm_pending_changes_get_changes (self->pending);
  PmReportDialog *dialog;

  if (changes == NULL)
    return;
  dialog = pm_report_dialog_new (GTK_WINDOW (self), _ ("Changes Not in Force"),
                                 _ ("The saved site differs in this from the one that the running "
                                    "service has read:"));
  for (guint i = 0; i < changes->len; i++)
    add_change (dialog, changes->pdata[i]);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
show_problems (PmWindow *self, GVariant *problems)
{
  gsize n = g_variant_n_children (problems);
  g_autofree char *heading = NULL;
  PmReportDialog *dialog;
  GVariantIter iter;
  const char *severity, *where, *message;
  guint line, column;

  heading = n == 0 ? g_strdup (_ ("Nothing is wrong with the saved site, and nothing doubtful."))
                   : g_strdup_printf (ngettext ("%u finding about the saved site:",
                                                "%u findings about the saved site:", (gulong) n),
                                      (guint) n);
  dialog = pm_report_dialog_new (GTK_WINDOW (self), _ ("Validate Site"), heading);
  g_variant_iter_init (&iter, problems);
  while (g_variant_iter_next (&iter, "(&suu&s&s)", &severity, &line, &column, &where, &message))
    {
      gboolean grave = g_str_equal (severity, "error");
      g_autofree char *place = line > 0 ? g_strdup_printf (_ ("line %u: %s"), line, where)
                                        : g_strdup (where);

      pm_report_dialog_add (dialog, grave ? "dialog-error-symbolic" : "dialog-warning-symbolic",
                            grave ? _ ("Error") : _ ("Warning"), message, place);
    }
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmWindow) window = data;
  PmWindow *self = take_window (window);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) problems = NULL;
  gboolean checked = pm_bus_manager_call_check_site_finish (PM_BUS_MANAGER (source), &problems,
                                                            result, &error);

  if (self == NULL)
    return;
  if (checked)
    show_problems (self, problems);
  else
    pm_message_bar_show_error (self->message_bar, _ ("The site could not be checked"), error);
}

static void
validate_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  PmBusManager *manager = pm_server_connection_get_manager (self->connection);
  GBytes *xml = pm_server_connection_get_xml (self->connection);
  g_autofree char *text = NULL;

  if (manager == NULL || xml == NULL)
    return;
  text = g_strndup (g_bytes_get_data (xml, NULL), g_bytes_get_size (xml));
  pm_bus_manager_call_check_site (manager, text, self->cancellable, checked_cb,
                                  g_object_ref (self));
}

static void
test_route_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  const char *server = pm_site_nodes_get_server_name (self->connection);

  gtk_window_present (GTK_WINDOW (pm_route_tester_new (GTK_WINDOW (self), self->connection,
                                                       server)));
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmWindow) window = data;
  PmWindow *self = take_window (window);
  g_autoptr (GError) error = NULL;
  gboolean saved = g_file_replace_contents_finish (G_FILE (source), result, NULL, &error);

  if (self != NULL && !saved)
    pm_message_bar_show_error (self->message_bar, _ ("The contents could not be saved"), error);
}

static void
file_chosen_cb (GtkNativeDialog *chooser, int response, PmWindow *self)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));
      char *csv = pm_contents_view_to_csv (self->contents);
      g_autoptr (GBytes) bytes = g_bytes_new_take (csv, strlen (csv));

      g_file_replace_contents_bytes_async (file, bytes, NULL, FALSE, G_FILE_CREATE_NONE,
                                           self->cancellable, saved_cb, g_object_ref (self));
    }
  g_object_unref (chooser);
}

static void
save_contents_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  PmTreeNode *node = pm_tree_view_get_selected_node (self->tree);
  GtkFileChooserNative *chooser;
  g_autofree char *name = NULL;

  if (node == NULL)
    return;
  chooser = gtk_file_chooser_native_new (_ ("Save Window Contents"), GTK_WINDOW (self),
                                         GTK_FILE_CHOOSER_ACTION_SAVE, NULL, NULL);
  name = g_strdup_printf ("%s.csv", pm_tree_node_get_title (node));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (chooser), TRUE);
  gtk_file_chooser_set_do_overwrite_confirmation (GTK_FILE_CHOOSER (chooser), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (chooser), name);
  g_signal_connect_object (chooser, "response", G_CALLBACK (file_chosen_cb), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (chooser));
}

/* --- The window ------------------------------------------------------------------------------ */

static void
refresh_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  pm_server_connection_open (PM_WINDOW (data)->connection);
}

static void
close_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  gtk_window_close (data);
}

static void
go_up_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  PmTreeNode *node = pm_tree_view_get_selected_node (self->tree);
  PmTreeNode *parent = node != NULL ? pm_tree_node_get_parent (node) : NULL;

  if (parent == NULL)
    return;
  pm_tree_view_select_node (self->tree, parent);
  pm_contents_view_select_node (self->contents, node);
}

static void
sort_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  const char *column = g_variant_get_string (parameter, NULL);

  g_simple_action_set_state (action, parameter);
  pm_contents_view_set_sort (self->contents,
                             g_str_equal (column, "state")    ? PM_CONTENTS_STATE
                             : g_str_equal (column, "detail") ? PM_CONTENTS_DETAIL
                                                              : PM_CONTENTS_TITLE,
                             GTK_SORT_ASCENDING);
}

static void
show_part (PmWindow *self, GSimpleAction *action, GVariant *value, GtkWidget *part,
           const char *key)
{
  g_simple_action_set_state (action, value);
  gtk_widget_set_visible (part, g_variant_get_boolean (value));
  if (self->settings != NULL)
    g_settings_set_value (self->settings, key, value);
}

static void
show_toolbar_cb (GSimpleAction *action, GVariant *value, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);

  show_part (self, action, value, self->toolbar, "show-toolbar");
}

static void
show_status_bar_cb (GSimpleAction *action, GVariant *value, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);

  show_part (self, action, value, self->status_bar, "show-status-bar");
}

static void
show_mx_cb (GSimpleAction *action, GVariant *value, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);

  show_part (self, action, value, GTK_WIDGET (self->mx_panel), "show-mx-records");
  if (g_variant_get_boolean (value))
    gtk_widget_grab_focus (GTK_WIDGET (self->mx_panel));
}

void
pm_window_show_mx (PmWindow *self, gboolean shown)
{
  g_action_group_change_action_state (G_ACTION_GROUP (self), "show-mx-records",
                                      g_variant_new_boolean (shown));
}

/* Opens the panel, ready for a domain: with the site's own one, where it has one, already asked. */
static void
check_mx_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  PmWindow *self = PM_WINDOW (data);
  const PmSite *site = pm_server_connection_get_site (self->connection);

  pm_window_show_mx (self, TRUE);
  if (site != NULL && site->addressing_domain != NULL)
    pm_mx_panel_check (self->mx_panel, site->addressing_domain);
}

static const GActionEntry actions[] = {
  { .name = "add-domain", .activate = add_domain_cb },
  { .name = "add-mailbox", .activate = add_mailbox_cb },
  { .name = "check-mx", .activate = check_mx_cb },
  { .name = "close", .activate = close_cb },
  { .name = "delete", .activate = delete_cb },
  { .name = "go-up", .activate = go_up_cb },
  { .name = "properties", .activate = properties_cb },
  { .name = "put-in-force", .activate = put_in_force_cb },
  { .name = "refresh", .activate = refresh_cb },
  { .name = "save-contents", .activate = save_contents_cb },
  { .name = "select-all", .activate = select_all_cb },
  { .name = "service-enabled", .state = "false", .change_state = enabled_change_cb },
  { .name = "service-reload", .activate = reload_cb },
  { .name = "service-restart", .activate = restart_cb },
  { .name = "service-start", .activate = start_cb },
  { .name = "service-stop", .activate = stop_cb },
  { .name = "show-mx-records", .state = "false", .change_state = show_mx_cb },
  { .name = "show-pending", .activate = show_pending_cb },
  { .name = "show-status-bar", .state = "true", .change_state = show_status_bar_cb },
  { .name = "show-toolbar", .state = "true", .change_state = show_toolbar_cb },
  { .name = "sort", .activate = sort_cb, .parameter_type = "s", .state = "'title'" },
  { .name = "test-route", .activate = test_route_cb },
  { .name = "undo", .activate = undo_cb },
  { .name = "validate", .activate = validate_cb },
};

static void
restore_state (PmWindow *self, const char *name)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), name);
  g_autoptr (GVariant) value = g_settings_get_value (self->settings, name);

  g_simple_action_set_state (G_SIMPLE_ACTION (action), value);
}

/* For pm_window_init(), before there is a connection. */
void
pm_window_add_actions (PmWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  if (self->settings == NULL)
    return;
  restore_state (self, "show-mx-records");
  restore_state (self, "show-toolbar");
  restore_state (self, "show-status-bar");
}

static void
enable (PmWindow *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

static void
update_service_actions (PmWindow *self, gboolean connected, gboolean busy)
{
  PmBusManager *manager = pm_server_connection_get_manager (self->connection);
  const char *state = pm_server_connection_get_service_state (self->connection);
  gboolean running = g_strcmp0 (state, "running") == 0;
  gboolean stopped = g_strcmp0 (state, "stopped") == 0 || g_strcmp0 (state, "failed") == 0;
  gboolean can_enable = manager != NULL && pm_bus_manager_get_service_can_enable (manager);
  gboolean enabled = pm_server_connection_get_service_enabled (self->connection);
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), "service-enabled");

  enable (self, "service-start", connected && !busy && !running);
  enable (self, "service-stop", connected && !busy && !stopped);
  enable (self, "service-restart", connected && !busy && !stopped);
  enable (self, "service-reload", connected && !busy && running);
  enable (self, "service-enabled", connected && can_enable);
  g_simple_action_set_state (G_SIMPLE_ACTION (action), g_variant_new_boolean (enabled));
}

/* Says which actions are possible, from what is selected and how the server is. */
void
pm_window_update_actions (PmWindow *self)
{
  PmTreeNode *node, *container;
  g_autoptr (GPtrArray) deletable = NULL;
  gboolean connected, busy, site, change, service;

  if (self->connection == NULL)
    return;
  node = pm_window_get_active_node (self);
  container = pm_tree_view_get_selected_node (self->tree);
  deletable = get_deletable (self);
  connected = pm_server_connection_get_state (self->connection) == PM_CONNECTION_CONNECTED;
  busy = pm_server_connection_get_busy (self->connection);
  site = connected && pm_server_connection_get_site (self->connection) != NULL &&
         pm_server_connection_get_site_problem (self->connection) == NULL;
  change = site && !busy && pm_server_connection_get_can_write (self->connection);
  service = pm_site_nodes_get_server_name (self->connection) != NULL;

  enable (self, "add-domain", change && service);
  enable (self, "add-mailbox", change && service);
  enable (self, "delete", change && deletable->len > 0);
  enable (self, "undo", change && pm_undo_get_can_undo (self->undo));
  enable (self, "put-in-force", change);
  enable (self, "properties",
          site && node != NULL && (pm_tree_node_get_features (node) & PM_NODE_PROPERTIES) != 0);
  enable (self, "go-up", container != NULL && pm_tree_node_get_parent (container) != NULL);
  enable (self, "save-contents", container != NULL);
  enable (self, "select-all", pm_contents_view_get_n_objects (self->contents) > 0);
  enable (self, "check-mx", site);
  enable (self, "test-route", site && service);
  enable (self, "validate", site);
  update_service_actions (self, connected, busy);
}
