// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "bus/pm-server-connection.h"
#include "ui/tree/pm-tree-node.h"

G_BEGIN_DECLS

/**
 * PmSiteNodes:
 *
 * The site of a connected server as nodes, kept up to date while the connection lives.
 */
#define PM_TYPE_SITE_NODES (pm_site_nodes_get_type ())
G_DECLARE_FINAL_TYPE (PmSiteNodes, pm_site_nodes, PM, SITE_NODES, GObject)

PmSiteNodes *pm_site_nodes_new (PmServerConnection *connection);
GListModel *pm_site_nodes_get_roots (PmSiteNodes *self);
PmTreeNode *pm_site_nodes_find (PmSiteNodes *self, PmNodeKind kind, const char *key);
const char *pm_site_nodes_get_server_name (PmServerConnection *connection);

G_END_DECLS
