// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The contents list on the right.

#include "config.h"

#include "ui/tree/pm-contents-view.h"

#include <glib/gi18n.h>

#include "ui/tree/pm-tree-model.h"

struct _PmContentsView
{
  GtkStack parent_instance;

  GtkTreeView *list;
  GtkTreeSelection *selection;
  GtkImage *empty_icon;
  GtkLabel *empty_title;
  GtkLabel *empty_text;
  GtkButton *empty_button;

  PmTreeNode *container; /* (owned) (nullable) */
  PmTreeModel *model;    /* (owned) (nullable) */
  GtkTreeModel *sorted;  /* (owned) (nullable) */
  PmContentsColumn sort_column;
  GtkSortType sort_order;
};

G_DEFINE_FINAL_TYPE (PmContentsView, pm_contents_view, GTK_TYPE_STACK)

enum
{
  PROP_SELECTED_NODE = 1,
  PROP_N_OBJECTS,
  N_PROPS,
};

enum
{
  OPEN,
  CONTEXT_MENU,
  N_SIGNALS,
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

/* What belongs into an empty container, and the action that puts the first one there. */
static const struct
{
  PmNodeKind kind;
  const char *title;
  const char *text;
  const char *action;
  const char *label;
} empty_states[] = {
  { PM_NODE_CONNECTIONS, N_ ("No Mail Service Yet"),
    N_ ("The site's Internet Mail Services belong here. Each is an "
        "&lt;internet-mail-service&gt; of the site file; this site has none."),
    NULL, NULL },
  { PM_NODE_SERVERS, N_ ("No Servers Yet"),
    N_ ("The machines that the site's mail services run on belong here."), NULL, NULL },
  { PM_NODE_SERVER, N_ ("No Mail Service on This Server"),
    N_ ("This server is known to the site, but no Internet Mail Service runs on it."),
    "win.properties", N_ ("_Properties") },
  { PM_NODE_SITE_ADDRESSING, N_ ("Site Addressing"),
    N_ ("The site's own mail domain: new mailboxes get their address in it."),
    "win.properties", N_ ("_Properties") },
  { PM_NODE_RECIPIENTS, N_ ("No Mailboxes Yet"),
    N_ ("The people and roles that get mail here belong into this list. "
        "Give the first one a mailbox."),
    "win.add-mailbox", N_ ("_Add Mailbox…") },
};

static const char *
node_text (PmTreeNode *node, PmContentsColumn column)
{
  switch (column)
    {
    case PM_CONTENTS_STATE:
      return pm_tree_node_get_state (node);
    case PM_CONTENTS_DETAIL:
      return pm_tree_node_get_detail (node);
    case PM_CONTENTS_TITLE:
    default:
      return pm_tree_node_get_title (node);
    }
}

static void
show_text (GtkTreeViewColumn *column, GtkCellRenderer *cell, GtkTreeModel *model,
           GtkTreeIter *iter, gpointer data)
{
  g_autoptr (PmTreeNode) node = pm_tree_model_get_node (model, iter);

  g_object_set (cell, "text", node_text (node, GPOINTER_TO_INT (data)), NULL);
}

static void
show_icon (GtkTreeViewColumn *column, GtkCellRenderer *cell, GtkTreeModel *model,
           GtkTreeIter *iter, gpointer data)
{
  g_autoptr (PmTreeNode) node = pm_tree_model_get_node (model, iter);

  g_object_set (cell, "icon-name",
                GPOINTER_TO_INT (data) == PM_CONTENTS_STATE ? pm_tree_node_get_state_icon (node)
                                                            : pm_tree_node_get_icon_name (node),
                NULL);
}

static int
compare_rows (GtkTreeModel *model, GtkTreeIter *a, GtkTreeIter *b, gpointer data)
{
  g_autoptr (PmTreeNode) left = pm_tree_model_get_node (model, a);
  g_autoptr (PmTreeNode) right = pm_tree_model_get_node (model, b);
  int order = g_utf8_collate (node_text (left, GPOINTER_TO_INT (data)),
                              node_text (right, GPOINTER_TO_INT (data)));

  return order != 0 ? order
                    : g_utf8_collate (pm_tree_node_get_title (left),
                                      pm_tree_node_get_title (right));
}

static gboolean
title_differs (GtkTreeModel *model, int column, const char *key, GtkTreeIter *iter, gpointer data)
{
  g_autoptr (PmTreeNode) node = pm_tree_model_get_node (model, iter);
  g_autofree char *title = g_utf8_casefold (pm_tree_node_get_title (node), -1);
  g_autofree char *wanted = g_utf8_casefold (key, -1);

  return strstr (title, wanted) == NULL;
}

static void
show_empty_state (PmContentsView *self)
{
  PmNodeKind kind = pm_tree_node_get_kind (self->container);

  gtk_image_set_from_icon_name (self->empty_icon, pm_tree_node_get_icon_name (self->container),
                                GTK_ICON_SIZE_DIALOG);
  gtk_image_set_pixel_size (self->empty_icon, 64);
  for (guint i = 0; i < G_N_ELEMENTS (empty_states); i++)
    if (empty_states[i].kind == kind)
      {
        gtk_label_set_label (self->empty_title, _ (empty_states[i].title));
        gtk_label_set_markup (self->empty_text, _ (empty_states[i].text));
        gtk_widget_set_visible (GTK_WIDGET (self->empty_button), empty_states[i].action != NULL);
        if (empty_states[i].action != NULL)
          {
            gtk_button_set_label (self->empty_button, _ (empty_states[i].label));
            gtk_actionable_set_action_name (GTK_ACTIONABLE (self->empty_button),
                                            empty_states[i].action);
          }
      }
}

static void
objects_changed_cb (PmContentsView *self)
{
  gboolean empty = pm_contents_view_get_n_objects (self) == 0;

  if (empty && self->container != NULL)
    show_empty_state (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self), empty ? "empty" : "list");
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_OBJECTS]);
}

static void
selection_changed_cb (GtkTreeSelection *selection, PmContentsView *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED_NODE]);
}

static void
row_activated_cb (GtkTreeView *list, GtkTreePath *path, GtkTreeViewColumn *column,
                  PmContentsView *self)
{
  g_autoptr (PmTreeNode) node = NULL;
  GtkTreeIter iter;

  if (!gtk_tree_model_get_iter (self->sorted, &iter, path))
    return;
  node = pm_tree_model_get_node (self->sorted, &iter);
  g_signal_emit (self, signals[OPEN], 0, node);
}

static gboolean
button_press_cb (GtkWidget *widget, GdkEventButton *event, PmContentsView *self)
{
  g_autoptr (GtkTreePath) path = NULL;

  if (!gdk_event_triggers_context_menu ((GdkEvent *) event) ||
      event->window != gtk_tree_view_get_bin_window (self->list))
    return GDK_EVENT_PROPAGATE;
  if (gtk_tree_view_get_path_at_pos (self->list, (int) event->x, (int) event->y, &path, NULL,
                                     NULL, NULL) &&
      !gtk_tree_selection_path_is_selected (self->selection, path))
    gtk_tree_view_set_cursor (self->list, path, NULL, FALSE);
  gtk_widget_grab_focus (widget);
  g_signal_emit (self, signals[CONTEXT_MENU], 0, event);
  return GDK_EVENT_STOP;
}

static gboolean
popup_menu_cb (GtkWidget *widget, PmContentsView *self)
{
  g_signal_emit (self, signals[CONTEXT_MENU], 0, NULL);
  return TRUE;
}

static void
sort_changed_cb (GtkTreeSortable *sortable, PmContentsView *self)
{
  int column;

  if (gtk_tree_sortable_get_sort_column_id (sortable, &column, &self->sort_order))
    self->sort_column = (PmContentsColumn) column;
}

static void
clear_model (PmContentsView *self)
{
  if (self->container != NULL)
    g_signal_handlers_disconnect_by_data (pm_tree_node_get_children (self->container), self);
  if (self->sorted != NULL)
    g_signal_handlers_disconnect_by_data (self->sorted, self);
  g_clear_object (&self->sorted);
  g_clear_object (&self->model);
}

static void
pm_contents_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PmContentsView *self = PM_CONTENTS_VIEW (object);

  switch (id)
    {
    case PROP_SELECTED_NODE:
      g_value_set_object (value, pm_contents_view_get_selected_node (self));
      break;
    case PROP_N_OBJECTS:
      g_value_set_uint (value, pm_contents_view_get_n_objects (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
pm_contents_view_dispose (GObject *object)
{
  PmContentsView *self = PM_CONTENTS_VIEW (object);

  clear_model (self);
  g_clear_object (&self->container);
  G_OBJECT_CLASS (pm_contents_view_parent_class)->dispose (object);
}

static void
pm_contents_view_class_init (PmContentsViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = pm_contents_view_get_property;
  object_class->dispose = pm_contents_view_dispose;
  props[PROP_SELECTED_NODE] = g_param_spec_object ("selected-node", NULL, NULL, PM_TYPE_TREE_NODE,
                                                   flags);
  props[PROP_N_OBJECTS] = g_param_spec_uint ("n-objects", NULL, NULL, 0, G_MAXUINT, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signals[OPEN] = g_signal_new ("open", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                NULL, NULL, G_TYPE_NONE, 1, PM_TYPE_TREE_NODE);
  signals[CONTEXT_MENU] = g_signal_new ("context-menu", G_TYPE_FROM_CLASS (klass),
                                        G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                        GDK_TYPE_EVENT);

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/tree/pm-contents-view.ui");
  gtk_widget_class_bind_template_child (widget_class, PmContentsView, list);
  gtk_widget_class_bind_template_child (widget_class, PmContentsView, selection);
  gtk_widget_class_bind_template_child (widget_class, PmContentsView, empty_icon);
  gtk_widget_class_bind_template_child (widget_class, PmContentsView, empty_title);
  gtk_widget_class_bind_template_child (widget_class, PmContentsView, empty_text);
  gtk_widget_class_bind_template_child (widget_class, PmContentsView, empty_button);
  gtk_widget_class_bind_template_callback (widget_class, selection_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, row_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, button_press_cb);
  gtk_widget_class_bind_template_callback (widget_class, popup_menu_cb);
}

static void
add_cells (PmContentsView *self, PmContentsColumn id)
{
  GtkTreeViewColumn *column = gtk_tree_view_get_column (self->list, (int) id);
  GtkCellRenderer *icon = gtk_cell_renderer_pixbuf_new ();
  GtkCellRenderer *text = gtk_cell_renderer_text_new ();
  gpointer data = GINT_TO_POINTER (id);

  gtk_tree_view_column_set_sort_column_id (column, (int) id);
  g_object_set (text, "ellipsize", PANGO_ELLIPSIZE_END, "ypad", 3, NULL);
  if (id != PM_CONTENTS_DETAIL)
    {
      gtk_tree_view_column_pack_start (column, icon, FALSE);
      gtk_tree_view_column_set_cell_data_func (column, icon, show_icon, data, NULL);
    }
  else
    g_object_unref (g_object_ref_sink (icon));
  gtk_tree_view_column_pack_start (column, text, TRUE);
  gtk_tree_view_column_set_cell_data_func (column, text, show_text, data, NULL);
}

static void
pm_contents_view_init (PmContentsView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  for (int id = 0; id < PM_CONTENTS_N_COLUMNS; id++)
    add_cells (self, (PmContentsColumn) id);
  gtk_tree_view_set_search_equal_func (self->list, title_differs, NULL, NULL);
}

static void
set_titles (PmContentsView *self)
{
  gboolean mailboxes = pm_tree_node_get_kind (self->container) == PM_NODE_RECIPIENTS;

  gtk_tree_view_column_set_title (gtk_tree_view_get_column (self->list, PM_CONTENTS_STATE),
                                  mailboxes ? _ ("Server") : _ ("State"));
  gtk_tree_view_column_set_title (gtk_tree_view_get_column (self->list, PM_CONTENTS_DETAIL),
                                  mailboxes ? _ ("Other Addresses") : _ ("Details"));
}

/**
 * pm_contents_view_set_container:
 * @container: (nullable): whose contents are shown
 */
void
pm_contents_view_set_container (PmContentsView *self, PmTreeNode *container)
{
  GListModel *children;

  if (container == self->container)
    return;
  clear_model (self);
  gtk_tree_view_set_model (self->list, NULL);
  g_set_object (&self->container, container);
  if (container != NULL)
    {
      children = pm_tree_node_get_children (container);
      self->model = pm_tree_model_new (children, 0, FALSE);
      self->sorted = gtk_tree_model_sort_new_with_model (GTK_TREE_MODEL (self->model));
      for (int id = 0; id < PM_CONTENTS_N_COLUMNS; id++)
        gtk_tree_sortable_set_sort_func (GTK_TREE_SORTABLE (self->sorted), id, compare_rows,
                                         GINT_TO_POINTER (id), NULL);
      gtk_tree_sortable_set_sort_column_id (GTK_TREE_SORTABLE (self->sorted),
                                            (int) self->sort_column, self->sort_order);
      g_signal_connect (self->sorted, "sort-column-changed", G_CALLBACK (sort_changed_cb), self);
      gtk_tree_view_set_model (self->list, self->sorted);
      // With every model anew: the rows hold nodes, so there is no text that is found by itself.
      gtk_tree_view_set_search_column (self->list, PM_CONTENTS_TITLE);
      set_titles (self);
      g_signal_connect_swapped (children, "items-changed", G_CALLBACK (objects_changed_cb), self);
    }
  objects_changed_cb (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED_NODE]);
}

/**
 * pm_contents_view_get_selected_nodes:
 *
 * Returns: (transfer container) (element-type PmTreeNode): in the order shown
 */
GPtrArray *
pm_contents_view_get_selected_nodes (PmContentsView *self)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);
  GList *paths = NULL;

  if (self->sorted != NULL)
    paths = gtk_tree_selection_get_selected_rows (self->selection, NULL);
  for (GList *l = paths; l != NULL; l = l->next)
    {
      GtkTreeIter iter;

      if (gtk_tree_model_get_iter (self->sorted, &iter, l->data))
        g_ptr_array_add (nodes, pm_tree_model_get_node (self->sorted, &iter));
    }
  g_list_free_full (paths, (GDestroyNotify) gtk_tree_path_free);
  return nodes;
}

/**
 * pm_contents_view_get_selected_node:
 *
 * Returns: (nullable) (transfer none): the one selected node, where exactly one is
 */
PmTreeNode *
pm_contents_view_get_selected_node (PmContentsView *self)
{
  g_autoptr (GPtrArray) nodes = pm_contents_view_get_selected_nodes (self);

  return nodes->len == 1 ? nodes->pdata[0] : NULL;
}

void
pm_contents_view_select_node (PmContentsView *self, PmTreeNode *node)
{
  g_autoptr (GtkTreePath) path = NULL;
  GtkTreeIter iter, sorted;

  if (self->model == NULL || !pm_tree_model_find (self->model, node, &iter))
    return;
  gtk_tree_model_sort_convert_child_iter_to_iter (GTK_TREE_MODEL_SORT (self->sorted), &sorted,
                                                  &iter);
  path = gtk_tree_model_get_path (self->sorted, &sorted);
  gtk_tree_view_set_cursor (self->list, path, NULL, FALSE);
}

void
pm_contents_view_select_all (PmContentsView *self)
{
  gtk_tree_selection_select_all (self->selection);
  gtk_widget_grab_focus (GTK_WIDGET (self->list));
}

guint
pm_contents_view_get_n_objects (PmContentsView *self)
{
  if (self->container == NULL)
    return 0;
  return g_list_model_get_n_items (pm_tree_node_get_children (self->container));
}

void
pm_contents_view_set_sort (PmContentsView *self, PmContentsColumn column, GtkSortType order)
{
  self->sort_column = column;
  self->sort_order = order;
  if (self->sorted != NULL)
    gtk_tree_sortable_set_sort_column_id (GTK_TREE_SORTABLE (self->sorted), (int) column, order);
}

/* RFC 4180 2 (5..7): quoted, with quotes doubled. */
static void
append_field (GString *csv, const char *text, const char *end)
{
  g_auto (GStrv) parts = g_strsplit (text, "\"", -1);
  g_autofree char *quoted = g_strjoinv ("\"\"", parts);

  g_string_append_printf (csv, "\"%s\"%s", quoted, end);
}

/**
 * pm_contents_view_to_csv:
 *
 * Returns: (transfer full): what is shown, in the order shown, as comma-separated values (RFC 4180)
 */
char *
pm_contents_view_to_csv (PmContentsView *self)
{
  GString *csv = g_string_new (NULL);
  GtkTreeIter iter;
  gboolean more;

  for (int id = 0; id < PM_CONTENTS_N_COLUMNS; id++)
    append_field (csv, gtk_tree_view_column_get_title (gtk_tree_view_get_column (self->list, id)),
                  id + 1 < PM_CONTENTS_N_COLUMNS ? "," : "\r\n");
  more = self->sorted != NULL && gtk_tree_model_get_iter_first (self->sorted, &iter);
  for (; more; more = gtk_tree_model_iter_next (self->sorted, &iter))
    {
      g_autoptr (PmTreeNode) node = pm_tree_model_get_node (self->sorted, &iter);

      for (int id = 0; id < PM_CONTENTS_N_COLUMNS; id++)
        append_field (csv, node_text (node, (PmContentsColumn) id),
                      id + 1 < PM_CONTENTS_N_COLUMNS ? "," : "\r\n");
    }
  return g_string_free (csv, FALSE);
}
