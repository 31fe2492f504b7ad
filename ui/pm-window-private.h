// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "ui/mx/pm-mx-panel.h"
#include "ui/pm-undo.h"
#include "ui/pm-window.h"
#include "ui/tree/pm-contents-view.h"
#include "ui/tree/pm-site-nodes.h"
#include "ui/tree/pm-tree-view.h"
#include "ui/widgets/pm-connection-page.h"
#include "ui/widgets/pm-message-bar.h"
#include "ui/widgets/pm-pending-bar.h"
#include "ui/widgets/pm-service-strip.h"
#include "ui/widgets/pm-undo-bar.h"

G_BEGIN_DECLS

struct _PmWindow
{
  GtkApplicationWindow parent_instance;

  /* Template */
  GtkStack *stack;
  GtkWidget *toolbar;
  PmServiceStrip *strip;
  PmPendingBar *pending_bar;
  PmMessageBar *message_bar;
  PmConnectionPage *connection_page;
  GtkPaned *pane;
  GtkPaned *contents_pane;
  PmTreeView *tree;
  PmContentsView *contents;
  PmUndoBar *undo_bar;
  PmMxPanel *mx_panel;
  GtkWidget *status_bar;
  GtkLabel *status_left;
  GtkLabel *status_right;

  /* Owned */
  PmServerConnection *connection;
  PmSiteNodes *site_nodes;
  PmPendingChanges *pending;
  PmUndo *undo;
  GSettings *settings; /* (nullable): where the schema is not installed */
  GCancellable *cancellable;
  gboolean placed; /* the first container was selected */
};

void pm_window_add_actions (PmWindow *self);
void pm_window_show_mx (PmWindow *self, gboolean shown);
void pm_window_update_actions (PmWindow *self);
void pm_window_update_undo_label (PmWindow *self);
PmTreeNode *pm_window_get_active_node (PmWindow *self);
void pm_window_open_properties (PmWindow *self, PmTreeNode *node);

G_END_DECLS
