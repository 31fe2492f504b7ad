// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Nodes that stay the same objects when the site changes, and the tree model that follows them.

#include "config.h"

#include "ui/tree/pm-tree-model.h"

static GPtrArray *
make_nodes (const char *keys)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);
  g_auto (GStrv) words = g_strsplit (keys, " ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0')
      g_ptr_array_add (nodes, pm_tree_node_new (PM_NODE_SERVER, words[i], words[i],
                                                PM_NODE_IN_TREE));
  return nodes;
}

static char *
read_rows (GtkTreeModel *model, GtkTreeIter *parent)
{
  GString *text = g_string_new (NULL);
  GtkTreeIter iter;
  gboolean more = gtk_tree_model_iter_children (model, &iter, parent);

  for (; more; more = gtk_tree_model_iter_next (model, &iter))
    {
      g_autoptr (PmTreeNode) node = pm_tree_model_get_node (model, &iter);

      g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "",
                              pm_tree_node_get_key (node));
    }
  return g_string_free (text, FALSE);
}

/* Every change ends in the rows that are wanted, and keeps the objects that were there. */
static void
test_reconcile (void)
{
  static const struct
  {
    const char *name;
    const char *before;
    const char *after;
  } cases[] = {
    { "nothing to nothing", "", "" },
    { "first", "", "a b c" },
    { "all gone", "a b c", "" },
    { "same", "a b c", "a b c" },
    { "append", "a b", "a b c" },
    { "prepend", "b c", "a b c" },
    { "insert", "a c", "a b c" },
    { "remove the middle", "a b c", "a c" },
    { "replace", "a b c", "a x c" },
    { "turn round", "a b c", "c b a" },
    { "move and add", "a b c d", "d a x c" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GListStore) list = g_list_store_new (PM_TYPE_TREE_NODE);
      g_autoptr (GPtrArray) before = make_nodes (cases[i].before);
      g_autoptr (GPtrArray) after = make_nodes (cases[i].after);
      g_autoptr (PmTreeModel) model = pm_tree_model_new (G_LIST_MODEL (list), PM_NODE_IN_TREE,
                                                         TRUE);
      g_autofree char *rows = NULL;

      g_test_message ("%s", cases[i].name);
      pm_tree_node_reconcile (list, before, NULL);
      pm_tree_node_reconcile (list, after, NULL);
      rows = read_rows (GTK_TREE_MODEL (model), NULL);
      g_assert_cmpstr (rows, ==, cases[i].after);
      for (guint k = 0; k < before->len; k++)
        for (guint l = 0; l < after->len; l++)
          if (g_str_equal (pm_tree_node_get_key (before->pdata[k]),
                           pm_tree_node_get_key (after->pdata[l])))
            g_assert_true (before->pdata[k] == after->pdata[l]);
    }
}

static void
count_cb (gpointer object, guint *count)
{
  ++*count;
}

static void
test_children (void)
{
  g_autoptr (GListStore) list = g_list_store_new (PM_TYPE_TREE_NODE);
  g_autoptr (GPtrArray) first = make_nodes ("top");
  g_autoptr (GPtrArray) second = make_nodes ("top");
  g_autoptr (GPtrArray) children = make_nodes ("x y");
  g_autoptr (PmTreeModel) model = pm_tree_model_new (G_LIST_MODEL (list), PM_NODE_IN_TREE, TRUE);
  PmTreeNode *shown;
  GtkTreeIter iter;
  g_autofree char *rows = NULL;
  guint changes = 0;

  pm_tree_node_reconcile (list, first, NULL);
  shown = first->pdata[0];
  g_signal_connect (shown, "changed", G_CALLBACK (count_cb), &changes);
  pm_tree_node_set_children (second->pdata[0], children);
  pm_tree_node_set_state (second->pdata[0], "running", "pm-state-running-symbolic");
  pm_tree_node_reconcile (list, second, NULL);

  g_assert_true (second->pdata[0] == shown);
  g_assert_cmpuint (changes, ==, 1);
  g_assert_cmpstr (pm_tree_node_get_state (shown), ==, "running");
  g_assert_true (pm_tree_model_find (model, shown, &iter));
  rows = read_rows (GTK_TREE_MODEL (model), &iter);
  g_assert_cmpstr (rows, ==, "x y");
  g_assert_true (pm_tree_node_get_parent (children->pdata[0]) == shown);
}

/* Leaves have no row in the tree, and a model lets go of every node when it is done. */
static void
test_features_and_life (void)
{
  g_autoptr (GListStore) list = g_list_store_new (PM_TYPE_TREE_NODE);
  GPtrArray *nodes = make_nodes ("a");
  PmTreeNode *leaf = pm_tree_node_new (PM_NODE_MAILBOX, "m", "m", PM_NODE_DELETE);
  PmTreeModel *model = pm_tree_model_new (G_LIST_MODEL (list), PM_NODE_IN_TREE, TRUE);
  gpointer weak = leaf;
  g_autofree char *rows = NULL;

  g_object_add_weak_pointer (G_OBJECT (leaf), &weak);
  g_ptr_array_add (nodes, leaf);
  pm_tree_node_reconcile (list, nodes, NULL);
  rows = read_rows (GTK_TREE_MODEL (model), NULL);
  g_assert_cmpstr (rows, ==, "a");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), ==, 2);

  g_ptr_array_unref (nodes);
  g_list_store_remove_all (list);
  g_object_unref (model);
  g_assert_null (weak);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tree/reconcile", test_reconcile);
  g_test_add_func ("/tree/children", test_children);
  g_test_add_func ("/tree/features-and-life", test_features_and_life);
  return g_test_run ();
}
