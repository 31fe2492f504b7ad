// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmTreeNode:
 *
 * One object of the site as the tree and the contents list show it. Its children are a list model;
 * what can be done with it is a set of features that menus, toolbar and keys all read.
 */
#define PM_TYPE_TREE_NODE (pm_tree_node_get_type ())
G_DECLARE_FINAL_TYPE (PmTreeNode, pm_tree_node, PM, TREE_NODE, GObject)

typedef enum
{
  PM_NODE_ORGANIZATION,
  PM_NODE_SITE,
  PM_NODE_CONFIGURATION,
  PM_NODE_CONNECTIONS,
  PM_NODE_MAIL_SERVICE,
  PM_NODE_SERVERS,
  PM_NODE_SERVER,
  PM_NODE_SITE_ADDRESSING,
  PM_NODE_RECIPIENTS,
  PM_NODE_MAILBOX,
} PmNodeKind;

/* What can be done with a node. */
typedef enum
{
  PM_NODE_IN_TREE = 1 << 0,    /* stands in the tree as well as in its parent's contents list */
  PM_NODE_PROPERTIES = 1 << 1, /* has Properties */
  PM_NODE_DELETE = 1 << 2,     /* can be removed, and the removal undone */
} PmNodeFeatures;

PmTreeNode *pm_tree_node_new (PmNodeKind kind,
                              const char *key,
                              const char *title,
                              PmNodeFeatures features);
PmNodeKind pm_tree_node_get_kind (PmTreeNode *self);
const char *pm_tree_node_get_key (PmTreeNode *self);
const char *pm_tree_node_get_owner (PmTreeNode *self);
void pm_tree_node_set_owner (PmTreeNode *self, const char *owner);
const char *pm_tree_node_get_title (PmTreeNode *self);
const char *pm_tree_node_get_icon_name (PmTreeNode *self);
PmNodeFeatures pm_tree_node_get_features (PmTreeNode *self);
const char *pm_tree_node_get_state (PmTreeNode *self);
const char *pm_tree_node_get_state_icon (PmTreeNode *self);
const char *pm_tree_node_get_detail (PmTreeNode *self);
void pm_tree_node_set_state (PmTreeNode *self, const char *state, const char *icon_name);
void pm_tree_node_set_detail (PmTreeNode *self, const char *detail);
GListModel *pm_tree_node_get_children (PmTreeNode *self);
PmTreeNode *pm_tree_node_get_parent (PmTreeNode *self);
void pm_tree_node_set_children (PmTreeNode *self, GPtrArray *children);
void pm_tree_node_reconcile (GListStore *list, GPtrArray *wanted, PmTreeNode *parent);

G_END_DECLS
