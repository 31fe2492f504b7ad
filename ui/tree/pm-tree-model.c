// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Follows nodes and their children with a GtkTreeStore. Rows are only ever moved by removing and
// inserting, and a node that stays keeps its row, so views keep what is expanded and selected.

#include "config.h"

#include "ui/tree/pm-tree-model.h"

struct _PmTreeModel
{
  GtkTreeStore parent_instance;

  PmNodeFeatures required;
  gboolean deep;
  GListModel *nodes; /* (owned) */
  GHashTable *rows;  /* (owned) (element-type PmTreeNode GtkTreeIter): the store's iters persist */
};

G_DEFINE_FINAL_TYPE (PmTreeModel, pm_tree_model, GTK_TYPE_TREE_STORE)

static void follow_list (PmTreeModel *self, GListModel *list, GtkTreeIter *parent);

static void
node_changed_cb (PmTreeNode *node, PmTreeModel *self)
{
  GtkTreeIter *iter = g_hash_table_lookup (self->rows, node);
  g_autoptr (GtkTreePath) path = gtk_tree_model_get_path (GTK_TREE_MODEL (self), iter);

  gtk_tree_model_row_changed (GTK_TREE_MODEL (self), path, iter);
}

static void
children_changed_cb (GListModel *list, guint position, guint removed, guint added,
                     PmTreeModel *self)
{
  GHashTableIter iter;
  gpointer node, row;

  if (list == self->nodes)
    {
      follow_list (self, list, NULL);
      return;
    }
  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &node, &row))
    if (pm_tree_node_get_children (node) == list)
      {
        follow_list (self, list, row);
        return;
      }
}

static void
forget_node (PmTreeModel *self, PmTreeNode *node)
{
  g_signal_handlers_disconnect_by_data (node, self);
  g_signal_handlers_disconnect_by_data (pm_tree_node_get_children (node), self);
  g_hash_table_remove (self->rows, node);
}

static void
remove_row (PmTreeModel *self, GtkTreeIter *iter)
{
  GtkTreeIter child;
  g_autoptr (PmTreeNode) node = pm_tree_model_get_node (GTK_TREE_MODEL (self), iter);

  while (gtk_tree_model_iter_children (GTK_TREE_MODEL (self), &child, iter))
    remove_row (self, &child);
  forget_node (self, node);
  gtk_tree_store_remove (GTK_TREE_STORE (self), iter);
}

static void
insert_row (PmTreeModel *self, PmTreeNode *node, GtkTreeIter *parent, int position)
{
  GtkTreeIter iter;
  GListModel *children = pm_tree_node_get_children (node);

  gtk_tree_store_insert_with_values (GTK_TREE_STORE (self), &iter, parent, position,
                                     PM_TREE_MODEL_NODE, node, -1);
  g_hash_table_insert (self->rows, g_object_ref (node), gtk_tree_iter_copy (&iter));
  g_signal_connect (node, "changed", G_CALLBACK (node_changed_cb), self);
  if (!self->deep)
    return;
  g_signal_connect (children, "items-changed", G_CALLBACK (children_changed_cb), self);
  follow_list (self, children, &iter);
}

/* Removes the rows below @parent whose nodes are not in @wanted. */
static void
remove_others (PmTreeModel *self, GHashTable *wanted, GtkTreeIter *parent)
{
  GtkTreeModel *model = GTK_TREE_MODEL (self);
  GtkTreeIter iter;
  gboolean more = gtk_tree_model_iter_children (model, &iter, parent);

  while (more)
    {
      GtkTreeIter next = iter;
      g_autoptr (PmTreeNode) node = pm_tree_model_get_node (model, &iter);

      more = gtk_tree_model_iter_next (model, &next);
      if (!g_hash_table_contains (wanted, node))
        remove_row (self, &iter);
      iter = next;
    }
}

/* Puts @node's row before @next (%NULL: at the end) and says which row comes after it. */
static gboolean
place_row (PmTreeModel *self, PmTreeNode *node, GtkTreeIter *parent, int position,
           gboolean more, GtkTreeIter *next)
{
  GtkTreeIter *row = g_hash_table_lookup (self->rows, node);

  if (row == NULL)
    {
      insert_row (self, node, parent, position);
      return more;
    }
  if (!more || row->user_data != next->user_data)
    {
      gtk_tree_store_move_before (GTK_TREE_STORE (self), row, more ? next : NULL);
      return more;
    }
  return gtk_tree_model_iter_next (GTK_TREE_MODEL (self), next);
}

static void
follow_list (PmTreeModel *self, GListModel *list, GtkTreeIter *parent)
{
  g_autoptr (GHashTable) wanted = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  guint n = g_list_model_get_n_items (list);
  GtkTreeIter next;
  gboolean more;
  int position = 0;

  for (guint i = 0; i < n; i++)
    g_hash_table_add (wanted, g_list_model_get_item (list, i));
  remove_others (self, wanted, parent);
  more = gtk_tree_model_iter_children (GTK_TREE_MODEL (self), &next, parent);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (PmTreeNode) node = g_list_model_get_item (list, i);

      if ((pm_tree_node_get_features (node) & self->required) == self->required)
        more = place_row (self, node, parent, position++, more, &next);
    }
}

static void
pm_tree_model_dispose (GObject *object)
{
  PmTreeModel *self = PM_TREE_MODEL (object);
  GHashTableIter iter;
  gpointer node;

  if (self->nodes != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->nodes, self);
      g_hash_table_iter_init (&iter, self->rows);
      while (g_hash_table_iter_next (&iter, &node, NULL))
        {
          g_signal_handlers_disconnect_by_data (node, self);
          g_signal_handlers_disconnect_by_data (pm_tree_node_get_children (node), self);
        }
    }
  g_clear_object (&self->nodes);
  g_clear_pointer (&self->rows, g_hash_table_unref);
  G_OBJECT_CLASS (pm_tree_model_parent_class)->dispose (object);
}

static void
pm_tree_model_class_init (PmTreeModelClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = pm_tree_model_dispose;
}

static void
pm_tree_model_init (PmTreeModel *self)
{
  GType types[PM_TREE_MODEL_N_COLUMNS] = { PM_TYPE_TREE_NODE };

  gtk_tree_store_set_column_types (GTK_TREE_STORE (self), G_N_ELEMENTS (types), types);
  self->rows = g_hash_table_new_full (NULL, NULL, g_object_unref,
                                      (GDestroyNotify) gtk_tree_iter_free);
}

/**
 * pm_tree_model_new:
 * @nodes: (element-type PmTreeNode): the top rows
 * @required: features a node must have to get a row
 * @deep: whether children get rows too
 */
PmTreeModel *
pm_tree_model_new (GListModel *nodes, PmNodeFeatures required, gboolean deep)
{
  PmTreeModel *self = g_object_new (PM_TYPE_TREE_MODEL, NULL);

  self->required = required;
  self->deep = deep;
  self->nodes = g_object_ref (nodes);
  g_signal_connect (nodes, "items-changed", G_CALLBACK (children_changed_cb), self);
  follow_list (self, nodes, NULL);
  return self;
}

/**
 * pm_tree_model_find:
 * @iter: (out): the node's row
 *
 * Returns: whether the node has a row
 */
gboolean
pm_tree_model_find (PmTreeModel *self, PmTreeNode *node, GtkTreeIter *iter)
{
  GtkTreeIter *row = g_hash_table_lookup (self->rows, node);

  if (row != NULL)
    *iter = *row;
  return row != NULL;
}

/**
 * pm_tree_model_get_node:
 * @model: a #PmTreeModel, or a sorting or filtering model of one
 *
 * Returns: (transfer full): the node in the row
 */
PmTreeNode *
pm_tree_model_get_node (GtkTreeModel *model, GtkTreeIter *iter)
{
  PmTreeNode *node = NULL;

  gtk_tree_model_get (model, iter, PM_TREE_MODEL_NODE, &node, -1);
  return node;
}
