// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "ui/tree/pm-tree-node.h"

G_BEGIN_DECLS

/**
 * PmTreeView:
 *
 * The tree of containers. `selected-node` is the one whose contents are shown.
 */
#define PM_TYPE_TREE_VIEW (pm_tree_view_get_type ())
G_DECLARE_FINAL_TYPE (PmTreeView, pm_tree_view, PM, TREE_VIEW, GtkTreeView)

void pm_tree_view_set_roots (PmTreeView *self, GListModel *roots);
PmTreeNode *pm_tree_view_get_selected_node (PmTreeView *self);
void pm_tree_view_select_node (PmTreeView *self, PmTreeNode *node);

G_END_DECLS
