// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The tree on the left: containers with their icons, one of them always selected.

#include "config.h"

#include "ui/tree/pm-tree-view.h"

#include "ui/tree/pm-tree-model.h"

struct _PmTreeView
{
  GtkTreeView parent_instance;

  PmTreeModel *model;   /* (owned) (nullable) */
  PmTreeNode *selected; /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (PmTreeView, pm_tree_view, GTK_TYPE_TREE_VIEW)

enum
{
  PROP_SELECTED_NODE = 1,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void
show_icon (GtkTreeViewColumn *column, GtkCellRenderer *cell, GtkTreeModel *model,
           GtkTreeIter *iter, gpointer data)
{
  g_autoptr (PmTreeNode) node = pm_tree_model_get_node (model, iter);

  g_object_set (cell, "icon-name", pm_tree_node_get_icon_name (node), NULL);
}

static void
show_title (GtkTreeViewColumn *column, GtkCellRenderer *cell, GtkTreeModel *model,
            GtkTreeIter *iter, gpointer data)
{
  g_autoptr (PmTreeNode) node = pm_tree_model_get_node (model, iter);

  g_object_set (cell, "text", pm_tree_node_get_title (node), NULL);
}

static void
selection_changed_cb (GtkTreeSelection *selection, PmTreeView *self)
{
  g_autoptr (PmTreeNode) node = NULL;
  GtkTreeIter iter;

  if (gtk_tree_selection_get_selected (selection, NULL, &iter))
    node = pm_tree_model_get_node (GTK_TREE_MODEL (self->model), &iter);
  if (g_set_object (&self->selected, node))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SELECTED_NODE]);
}

/* Enter and double-click open and close a container, as they did in the original. */
static void
pm_tree_view_row_activated (GtkTreeView *view, GtkTreePath *path, GtkTreeViewColumn *column)
{
  if (gtk_tree_view_row_expanded (view, path))
    gtk_tree_view_collapse_row (view, path);
  else
    gtk_tree_view_expand_row (view, path, FALSE);
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
pm_tree_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PmTreeView *self = PM_TREE_VIEW (object);

  switch (id)
    {
    case PROP_SELECTED_NODE:
      g_value_set_object (value, self->selected);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
pm_tree_view_dispose (GObject *object)
{
  PmTreeView *self = PM_TREE_VIEW (object);

  g_clear_object (&self->model);
  g_clear_object (&self->selected);
  G_OBJECT_CLASS (pm_tree_view_parent_class)->dispose (object);
}

static void
pm_tree_view_class_init (PmTreeViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = pm_tree_view_get_property;
  object_class->dispose = pm_tree_view_dispose;
  GTK_TREE_VIEW_CLASS (klass)->row_activated = pm_tree_view_row_activated;

  props[PROP_SELECTED_NODE] = g_param_spec_object ("selected-node", NULL, NULL, PM_TYPE_TREE_NODE,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/tree/pm-tree-view.ui");
  gtk_widget_class_bind_template_callback (widget_class, selection_changed_cb);
}

static void
pm_tree_view_init (PmTreeView *self)
{
  GtkTreeViewColumn *column;
  GtkCellRenderer *icon, *title;

  gtk_widget_init_template (GTK_WIDGET (self));
  column = gtk_tree_view_get_column (GTK_TREE_VIEW (self), 0);
  icon = gtk_cell_renderer_pixbuf_new ();
  title = gtk_cell_renderer_text_new ();
  g_object_set (title, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
  gtk_tree_view_column_pack_start (column, icon, FALSE);
  gtk_tree_view_column_pack_start (column, title, TRUE);
  gtk_tree_view_column_set_cell_data_func (column, icon, show_icon, NULL, NULL);
  gtk_tree_view_column_set_cell_data_func (column, title, show_title, NULL, NULL);
  gtk_tree_view_set_search_equal_func (GTK_TREE_VIEW (self), title_differs, NULL, NULL);
}

void
pm_tree_view_set_roots (PmTreeView *self, GListModel *roots)
{
  g_set_object (&self->model, NULL);
  self->model = pm_tree_model_new (roots, PM_NODE_IN_TREE, TRUE);
  gtk_tree_view_set_model (GTK_TREE_VIEW (self), GTK_TREE_MODEL (self->model));
  gtk_tree_view_set_search_column (GTK_TREE_VIEW (self), 0);
}

/**
 * pm_tree_view_get_selected_node:
 *
 * Returns: (nullable) (transfer none)
 */
PmTreeNode *
pm_tree_view_get_selected_node (PmTreeView *self)
{
  return self->selected;
}

/**
 * pm_tree_view_select_node:
 *
 * Selects the node and opens what leads to it. A node that has no row (a leaf) selects nothing.
 */
void
pm_tree_view_select_node (PmTreeView *self, PmTreeNode *node)
{
  g_autoptr (GtkTreePath) path = NULL;
  GtkTreeIter iter;

  if (self->model == NULL || !pm_tree_model_find (self->model, node, &iter))
    return;
  path = gtk_tree_model_get_path (GTK_TREE_MODEL (self->model), &iter);
  gtk_tree_view_expand_to_path (GTK_TREE_VIEW (self), path);
  gtk_tree_view_set_cursor (GTK_TREE_VIEW (self), path, NULL, FALSE);
}
