// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "ui/tree/pm-tree-node.h"

G_BEGIN_DECLS

/* The model's one column. */
enum
{
  PM_TREE_MODEL_NODE,
  PM_TREE_MODEL_N_COLUMNS,
};

/**
 * PmTreeModel:
 *
 * A list model of #PmTreeNode as a #GtkTreeModel that follows it: the one adapter between the two.
 */
#define PM_TYPE_TREE_MODEL (pm_tree_model_get_type ())
G_DECLARE_FINAL_TYPE (PmTreeModel, pm_tree_model, PM, TREE_MODEL, GtkTreeStore)

PmTreeModel *pm_tree_model_new (GListModel *nodes, PmNodeFeatures required, gboolean deep);
gboolean pm_tree_model_find (PmTreeModel *self, PmTreeNode *node, GtkTreeIter *iter);
PmTreeNode *pm_tree_model_get_node (GtkTreeModel *model, GtkTreeIter *iter);

G_END_DECLS
