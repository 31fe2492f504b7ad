// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One server's window, put together from its parts.

#include "config.h"

#include "ui/pm-window.h"

#include <glib/gi18n.h>

#include "ui/pm-service-words.h"
#include "ui/pm-settings.h"
#include "ui/pm-window-private.h"
#include "ui/widgets/pm-fit-screen.h"

G_DEFINE_FINAL_TYPE (PmWindow, pm_window, GTK_TYPE_APPLICATION_WINDOW)

static void
update_title (PmWindow *self)
{
  const PmSite *site = pm_server_connection_get_site (self->connection);
  const char *server = pm_site_nodes_get_server_name (self->connection);
  PmTreeNode *node = pm_tree_view_get_selected_node (self->tree);
  g_autofree char *title = NULL;

  if (site == NULL || server == NULL || node == NULL)
    title = g_strdup_printf (_ ("Pointsman – %s"),
                             pm_service_words_title (self->connection));
  else
    /* Translators: server, site, what is selected: “Pointsman – MAIL1 in Site Headquarters – …” */
    title = g_strdup_printf (_ ("Pointsman – %s in Site %s – %s"), server, site->name,
                             pm_tree_node_get_title (node));
  gtk_window_set_title (GTK_WINDOW (self), title);
}

static void
update_status (PmWindow *self)
{
  guint n = pm_contents_view_get_n_objects (self->contents);
  const char *revision = pm_server_connection_get_revision (self->connection);
  const char *loaded = pm_server_connection_get_loaded_revision (self->connection);
  g_autofree char *left = g_strdup_printf (ngettext ("%u object", "%u objects", n), n);
  g_autofree char *right = NULL;

  gtk_label_set_label (self->status_left, left);
  if (revision == NULL || *revision == '\0')
    right = g_strdup ("");
  else if (loaded == NULL || *loaded == '\0')
    right = g_strdup_printf (_ ("Revision %.7s · saved"), revision);
  else if (g_str_equal (loaded, revision))
    right = g_strdup_printf (_ ("Revision %.7s · in force"), revision);
  else
    right = g_strdup_printf (_ ("Revision %.7s · not in force"), revision);
  gtk_label_set_label (self->status_right, right);
}

/* The first time that there is a site: where most work begins. */
static void
place (PmWindow *self)
{
  PmTreeNode *node = pm_site_nodes_find (self->site_nodes, PM_NODE_CONNECTIONS, "");

  if (self->placed || node == NULL)
    return;
  self->placed = TRUE;
  pm_tree_view_select_node (self->tree, node);
  gtk_widget_grab_focus (GTK_WIDGET (self->tree));
}

static void
update (PmWindow *self)
{
  const PmSite *site = pm_server_connection_get_site (self->connection);
  gboolean shown = site != NULL &&
                   pm_server_connection_get_state (self->connection) != PM_CONNECTION_LOST &&
                   pm_server_connection_get_site_problem (self->connection) == NULL;

  gtk_stack_set_visible_child_name (self->stack, shown ? "site" : "connection");
  if (shown)
    place (self);
  update_title (self);
  update_status (self);
  pm_window_update_actions (self);
}

static void
site_changed_cb (PmWindow *self)
{
  pm_mx_panel_set_site (self->mx_panel, pm_server_connection_get_site (self->connection),
                        pm_site_nodes_get_server_name (self->connection));
}

static void
container_selected_cb (PmWindow *self)
{
  pm_contents_view_set_container (self->contents, pm_tree_view_get_selected_node (self->tree));
  update (self);
}

static void
contents_changed_cb (PmWindow *self)
{
  update_status (self);
  pm_window_update_actions (self);
}

static void
open_cb (PmContentsView *contents, PmTreeNode *node, PmWindow *self)
{
  GListModel *children = pm_tree_node_get_children (node);

  if ((pm_tree_node_get_features (node) & PM_NODE_PROPERTIES) != 0 &&
      g_list_model_get_n_items (children) == 0)
    pm_window_open_properties (self, node);
  else
    pm_tree_view_select_node (self->tree, node);
}

static void
context_menu_cb (GtkWidget *view, GdkEvent *event, PmWindow *self)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));
  GMenu *model = application != NULL ? gtk_application_get_menu_by_id (application, "context")
                                     : NULL;
  GtkWidget *menu;

  if (model == NULL)
    return;
  menu = gtk_menu_new_from_model (G_MENU_MODEL (model));
  gtk_menu_attach_to_widget (GTK_MENU (menu), view, NULL);
  g_signal_connect (menu, "selection-done", G_CALLBACK (gtk_menu_detach), NULL);
  if (event != NULL)
    gtk_menu_popup_at_pointer (GTK_MENU (menu), event);
  else
    gtk_menu_popup_at_widget (GTK_MENU (menu), view, GDK_GRAVITY_CENTER, GDK_GRAVITY_NORTH_WEST,
                              NULL);
}

static void
mx_close_cb (PmMxPanel *panel, PmWindow *self)
{
  pm_window_show_mx (self, FALSE);
  gtk_widget_grab_focus (GTK_WIDGET (self->tree));
}

static gboolean
tree_button_press_cb (GtkWidget *tree, GdkEventButton *event, PmWindow *self)
{
  g_autoptr (GtkTreePath) path = NULL;

  if (!gdk_event_triggers_context_menu ((GdkEvent *) event) ||
      event->window != gtk_tree_view_get_bin_window (GTK_TREE_VIEW (tree)))
    return GDK_EVENT_PROPAGATE;
  if (gtk_tree_view_get_path_at_pos (GTK_TREE_VIEW (tree), (int) event->x, (int) event->y, &path,
                                     NULL, NULL, NULL))
    gtk_tree_view_set_cursor (GTK_TREE_VIEW (tree), path, NULL, FALSE);
  gtk_widget_grab_focus (tree);
  context_menu_cb (tree, (GdkEvent *) event, self);
  return GDK_EVENT_STOP;
}

static gboolean
tree_popup_menu_cb (GtkWidget *tree, PmWindow *self)
{
  context_menu_cb (tree, NULL, self);
  return TRUE;
}

static void
focus_changed_cb (GtkWindow *window, GtkWidget *focus, PmWindow *self)
{
  pm_window_update_actions (self);
}

/* Keys that edit text belong to the text that has the focus before they belong to the menu bar. */
static gboolean
pm_window_key_press_event (GtkWidget *widget, GdkEventKey *event)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (widget));

  if ((GTK_IS_EDITABLE (focus) || GTK_IS_TEXT_VIEW (focus)) &&
      gtk_window_propagate_key_event (GTK_WINDOW (widget), event))
    return GDK_EVENT_STOP;
  return GTK_WIDGET_CLASS (pm_window_parent_class)->key_press_event (widget, event);
}

static void
restore_geometry (PmWindow *self)
{
  int width, height;

  if (self->settings == NULL)
    return;
  g_settings_get (self->settings, "window-size", "(ii)", &width, &height);
  gtk_window_set_default_size (GTK_WINDOW (self), width, height);
  if (g_settings_get_boolean (self->settings, "window-maximized"))
    gtk_window_maximize (GTK_WINDOW (self));
  g_settings_bind (self->settings, "pane-position", self->pane, "position",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "panel-position", self->contents_pane, "position",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (self->settings, "show-mx-records", self->mx_panel, "visible",
                   G_SETTINGS_BIND_GET);
  g_settings_bind (self->settings, "show-toolbar", self->toolbar, "visible",
                   G_SETTINGS_BIND_GET);
  g_settings_bind (self->settings, "show-status-bar", self->status_bar, "visible",
                   G_SETTINGS_BIND_GET);
}

static void
save_geometry (PmWindow *self)
{
  int width, height;

  if (self->settings == NULL)
    return;
  g_settings_set_boolean (self->settings, "window-maximized",
                          gtk_window_is_maximized (GTK_WINDOW (self)));
  if (gtk_window_is_maximized (GTK_WINDOW (self)))
    return;
  gtk_window_get_size (GTK_WINDOW (self), &width, &height);
  g_settings_set (self->settings, "window-size", "(ii)", width, height);
}

static gboolean
pm_window_delete_event (GtkWidget *widget, GdkEventAny *event)
{
  save_geometry (PM_WINDOW (widget));
  return GDK_EVENT_PROPAGATE;
}

static void
pm_window_dispose (GObject *object)
{
  PmWindow *self = PM_WINDOW (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->undo);
  g_clear_object (&self->pending);
  g_clear_object (&self->site_nodes);
  g_clear_object (&self->connection);
  g_clear_object (&self->settings);
  G_OBJECT_CLASS (pm_window_parent_class)->dispose (object);
}

static void
pm_window_class_init (PmWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_window_dispose;
  widget_class->key_press_event = pm_window_key_press_event;
  widget_class->delete_event = pm_window_delete_event;

  g_type_ensure (PM_TYPE_CONNECTION_PAGE);
  g_type_ensure (PM_TYPE_CONTENTS_VIEW);
  g_type_ensure (PM_TYPE_MESSAGE_BAR);
  g_type_ensure (PM_TYPE_MX_PANEL);
  g_type_ensure (PM_TYPE_PENDING_BAR);
  g_type_ensure (PM_TYPE_SERVICE_STRIP);
  g_type_ensure (PM_TYPE_TREE_VIEW);
  g_type_ensure (PM_TYPE_UNDO_BAR);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/pointsman/Administrator/pm-window.ui");
  gtk_widget_class_bind_template_child (widget_class, PmWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, toolbar);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, strip);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, pending_bar);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, message_bar);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, connection_page);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, pane);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, contents_pane);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, tree);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, contents);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, undo_bar);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, mx_panel);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, status_bar);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, status_left);
  gtk_widget_class_bind_template_child (widget_class, PmWindow, status_right);
  gtk_widget_class_bind_template_callback (widget_class, context_menu_cb);
  gtk_widget_class_bind_template_callback (widget_class, focus_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, mx_close_cb);
  gtk_widget_class_bind_template_callback (widget_class, open_cb);
  gtk_widget_class_bind_template_callback (widget_class, tree_button_press_cb);
  gtk_widget_class_bind_template_callback (widget_class, tree_popup_menu_cb);
}

static void
pm_window_init (PmWindow *self)
{
  self->cancellable = g_cancellable_new ();
  self->settings = pm_settings_new ();
  pm_window_add_actions (self);
  gtk_widget_init_template (GTK_WIDGET (self));
  restore_geometry (self);
  pm_fit_screen (GTK_WINDOW (self));
}

static void
observe (PmWindow *self)
{
  static const char *const watched[] = { "notify::state", "notify::site", "notify::site-problem",
                                         "notify::revision", "notify::loaded-revision",
                                         "notify::service-state", "notify::service-enabled",
                                         "notify::busy", "notify::can-write", "notify::title" };

  for (guint i = 0; i < G_N_ELEMENTS (watched); i++)
    g_signal_connect_object (self->connection, watched[i], G_CALLBACK (update), self,
                             G_CONNECT_SWAPPED);
  g_signal_connect_object (self->connection, "notify::site", G_CALLBACK (site_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->connection, "notify::revision",
                           G_CALLBACK (pm_message_bar_hide_good_news), self->message_bar,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->tree, "notify::selected-node",
                           G_CALLBACK (container_selected_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->contents, "notify::selected-node",
                           G_CALLBACK (contents_changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->contents, "notify::n-objects", G_CALLBACK (contents_changed_cb),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->undo, "notify::can-undo", G_CALLBACK (pm_window_update_actions),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->undo, "notify::label", G_CALLBACK (pm_window_update_undo_label),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (pm_window_update_undo_label), NULL);
}

/**
 * pm_window_new:
 * @connection: the server that the window shows; opened by whoever made it
 */
PmWindow *
pm_window_new (GtkApplication *application, PmServerConnection *connection)
{
  PmWindow *self = g_object_new (PM_TYPE_WINDOW, "application", application, NULL);

  self->connection = g_object_ref (connection);
  self->site_nodes = pm_site_nodes_new (connection);
  self->pending = pm_pending_changes_new (connection);
  self->undo = pm_undo_new (connection);
  pm_service_strip_set_connection (self->strip, connection);
  pm_pending_bar_set_changes (self->pending_bar, self->pending);
  pm_connection_page_set_connection (self->connection_page, connection);
  pm_tree_view_set_roots (self->tree, pm_site_nodes_get_roots (self->site_nodes));
  observe (self);
  site_changed_cb (self);
  update (self);
  return self;
}

/**
 * pm_window_set_resolver:
 * @resolver: (nullable): whom the MX record panel asks; %NULL for the system's resolver
 */
void
pm_window_set_resolver (PmWindow *self, PmResolver *resolver)
{
  pm_mx_panel_set_resolver (self->mx_panel, resolver);
}
