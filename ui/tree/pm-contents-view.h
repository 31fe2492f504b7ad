// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "ui/tree/pm-tree-node.h"

G_BEGIN_DECLS

/**
 * PmContentsView:
 *
 * What the selected container holds, as a sortable list; where it holds nothing, what belongs there
 * and a button for the first step. `n-objects` and `selected-node` notify.
 *
 * Signals: `open (PmTreeNode)` (Enter, double-click), `context-menu (GdkEvent)`.
 */
#define PM_TYPE_CONTENTS_VIEW (pm_contents_view_get_type ())
G_DECLARE_FINAL_TYPE (PmContentsView, pm_contents_view, PM, CONTENTS_VIEW, GtkStack)

typedef enum
{
  PM_CONTENTS_TITLE,
  PM_CONTENTS_STATE,
  PM_CONTENTS_DETAIL,
  PM_CONTENTS_N_COLUMNS,
} PmContentsColumn;

void pm_contents_view_set_container (PmContentsView *self, PmTreeNode *container);
PmTreeNode *pm_contents_view_get_selected_node (PmContentsView *self);
GPtrArray *pm_contents_view_get_selected_nodes (PmContentsView *self);
void pm_contents_view_select_node (PmContentsView *self, PmTreeNode *node);
void pm_contents_view_select_all (PmContentsView *self);
guint pm_contents_view_get_n_objects (PmContentsView *self);
void pm_contents_view_set_sort (PmContentsView *self, PmContentsColumn column, GtkSortType order);
char *pm_contents_view_to_csv (PmContentsView *self);

G_END_DECLS
