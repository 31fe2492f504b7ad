// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Describes the site as a tree each time it or the service's state changes, and reconciles that
// with the nodes that are shown.

#include "config.h"

#include "ui/tree/pm-site-nodes.h"

#include <glib/gi18n.h>

#include "base/pm-domain-name.h"
#include "ui/pm-service-words.h"

struct _PmSiteNodes
{
  GObject parent_instance;

  PmServerConnection *connection; /* (owned) */
  GListStore *roots;              /* (owned) */
};

G_DEFINE_FINAL_TYPE (PmSiteNodes, pm_site_nodes, G_TYPE_OBJECT)

static void
add_child (GPtrArray *list, PmTreeNode *node, GPtrArray *children)
{
  if (children != NULL)
    {
      pm_tree_node_set_children (node, children);
      g_ptr_array_unref (children);
    }
  g_ptr_array_add (list, node);
}

static GPtrArray *
new_list (void)
{
  return g_ptr_array_new_with_free_func (g_object_unref);
}

static PmTreeNode *
describe_service (PmSiteNodes *self, const PmMailService *service)
{
  g_autofree char *title = g_strdup_printf (_ ("Internet Mail Service (%s)"), service->server);
  g_autofree char *detail = NULL;
  PmTreeNode *node = pm_tree_node_new (PM_NODE_MAIL_SERVICE, service->server, title,
                                       PM_NODE_PROPERTIES);
  guint n = service->routes->len;

  pm_tree_node_set_owner (node, service->server);
  if (g_strcmp0 (service->server, pm_site_nodes_get_server_name (self->connection)) == 0)
    {
      const char *state = pm_server_connection_get_service_state (self->connection);

      pm_tree_node_set_state (node, pm_service_words_for_state (state),
                              pm_service_words_icon (state));
    }
  else
    pm_tree_node_set_state (node, _ ("on another server"), NULL);
  detail = g_strdup_printf (ngettext ("%u domain in the routing table",
                                      "%u domains in the routing table", n),
                            n);
  pm_tree_node_set_detail (node, detail);
  return node;
}

static GPtrArray *
describe_services (PmSiteNodes *self, const PmSite *site)
{
  GPtrArray *list = new_list ();

  for (guint i = 0; i < site->services->len; i++)
    g_ptr_array_add (list, describe_service (self, site->services->pdata[i]));
  return list;
}

static GPtrArray *
describe_servers (PmSiteNodes *self, const PmSite *site)
{
  GPtrArray *list = new_list ();

  for (guint i = 0; i < site->servers->len; i++)
    {
      const PmServer *server = site->servers->pdata[i];
      const PmMailService *service = pm_site_find_service (site, server->name);
      GPtrArray *children = new_list ();
      PmTreeNode *node = pm_tree_node_new (PM_NODE_SERVER, server->name, server->name,
                                           PM_NODE_IN_TREE | PM_NODE_PROPERTIES);

      pm_tree_node_set_detail (node, server->host);
      if (service != NULL)
        g_ptr_array_add (children, describe_service (self, service));
      add_child (list, node, children);
    }
  return list;
}

static GPtrArray *
describe_mailboxes (const PmSite *site)
{
  GPtrArray *list = new_list ();

  for (guint i = 0; i < site->services->len; i++)
    {
      const PmMailService *service = site->services->pdata[i];

      for (guint k = 0; k < service->mailboxes->len; k++)
        {
          const PmMailbox *mailbox = service->mailboxes->pdata[k];
          PmTreeNode *node = pm_tree_node_new (PM_NODE_MAILBOX, mailbox->address,
                                               mailbox->address,
                                               PM_NODE_PROPERTIES | PM_NODE_DELETE);
          g_autofree char *detail = NULL;
          guint n = mailbox->aliases->len;

          if (n == 1)
            detail = g_strdup_printf (_ ("also %s"), (const char *) mailbox->aliases->pdata[0]);
          else if (n > 1)
            detail = g_strdup_printf (ngettext ("%u more address", "%u more addresses", n), n);
          pm_tree_node_set_owner (node, service->server);
          pm_tree_node_set_state (node, service->server, NULL);
          pm_tree_node_set_detail (node, detail != NULL ? detail : "");
          g_ptr_array_add (list, node);
        }
    }
  return list;
}

static PmTreeNode *
describe_addressing (const PmSite *site)
{
  PmTreeNode *node = pm_tree_node_new (PM_NODE_SITE_ADDRESSING, "", _ ("Site Addressing"),
                                       PM_NODE_IN_TREE | PM_NODE_PROPERTIES);
  g_autofree char *domain = NULL;

  if (site->addressing_domain != NULL)
    domain = pm_domain_name_to_display (site->addressing_domain);
  pm_tree_node_set_detail (node, domain != NULL ? domain : _ ("no mail domain yet"));
  return node;
}

static GPtrArray *
describe_configuration (PmSiteNodes *self, const PmSite *site)
{
  GPtrArray *list = new_list ();

  add_child (list, pm_tree_node_new (PM_NODE_CONNECTIONS, "", _ ("Connections"), PM_NODE_IN_TREE),
             describe_services (self, site));
  add_child (list, pm_tree_node_new (PM_NODE_SERVERS, "", _ ("Servers"), PM_NODE_IN_TREE),
             describe_servers (self, site));
  add_child (list, describe_addressing (site), NULL);
  return list;
}

static GPtrArray *
describe_site (PmSiteNodes *self, const PmSite *site)
{
  GPtrArray *list = new_list ();

  add_child (list,
             pm_tree_node_new (PM_NODE_CONFIGURATION, "", _ ("Configuration"), PM_NODE_IN_TREE),
             describe_configuration (self, site));
  add_child (list, pm_tree_node_new (PM_NODE_RECIPIENTS, "", _ ("Recipients"), PM_NODE_IN_TREE),
             describe_mailboxes (site));
  return list;
}

static void
update (PmSiteNodes *self)
{
  const PmSite *site = pm_server_connection_get_site (self->connection);
  g_autoptr (GPtrArray) roots = new_list ();

  if (site != NULL)
    {
      GPtrArray *sites = new_list ();

      add_child (sites, pm_tree_node_new (PM_NODE_SITE, "", site->name, PM_NODE_IN_TREE),
                 describe_site (self, site));
      add_child (roots,
                 pm_tree_node_new (PM_NODE_ORGANIZATION, "", site->organization, PM_NODE_IN_TREE),
                 sites);
    }
  pm_tree_node_reconcile (self->roots, roots, NULL);
}

static void
pm_site_nodes_dispose (GObject *object)
{
  PmSiteNodes *self = PM_SITE_NODES (object);

  g_clear_object (&self->connection);
  g_clear_object (&self->roots);
  G_OBJECT_CLASS (pm_site_nodes_parent_class)->dispose (object);
}

static void
pm_site_nodes_class_init (PmSiteNodesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = pm_site_nodes_dispose;
}

static void
pm_site_nodes_init (PmSiteNodes *self)
{
  self->roots = g_list_store_new (PM_TYPE_TREE_NODE);
}

PmSiteNodes *
pm_site_nodes_new (PmServerConnection *connection)
{
  PmSiteNodes *self = g_object_new (PM_TYPE_SITE_NODES, NULL);

  self->connection = g_object_ref (connection);
  g_signal_connect_object (connection, "notify::site", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (connection, "notify::service-state", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  update (self);
  return self;
}

/**
 * pm_site_nodes_get_roots:
 *
 * Returns: (transfer none) (element-type PmTreeNode): empty while there is no site
 */
GListModel *
pm_site_nodes_get_roots (PmSiteNodes *self)
{
  return G_LIST_MODEL (self->roots);
}

static PmTreeNode *
find_below (GListModel *list, PmNodeKind kind, const char *key)
{
  guint n = g_list_model_get_n_items (list);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (PmTreeNode) node = g_list_model_get_item (list, i);
      PmTreeNode *found;

      if (pm_tree_node_get_kind (node) == kind && g_str_equal (pm_tree_node_get_key (node), key))
        return node;
      found = find_below (pm_tree_node_get_children (node), kind, key);
      if (found != NULL)
        return found;
    }
  return NULL;
}

/**
 * pm_site_nodes_find:
 *
 * Returns: (nullable) (transfer none): the first node of that kind and key
 */
PmTreeNode *
pm_site_nodes_find (PmSiteNodes *self, PmNodeKind kind, const char *key)
{
  return find_below (G_LIST_MODEL (self->roots), kind, key);
}

/**
 * pm_site_nodes_get_server_name:
 *
 * The server of the site that @connection leads to: what its manager says, else the only one that
 * has a mail service.
 *
 * Returns: (nullable)
 */
const char *
pm_site_nodes_get_server_name (PmServerConnection *connection)
{
  PmBusManager *manager = pm_server_connection_get_manager (connection);
  const PmSite *site = pm_server_connection_get_site (connection);
  const char *name = manager != NULL ? pm_bus_manager_get_server_name (manager) : NULL;

  if (name != NULL && *name != '\0')
    return name;
  if (site != NULL && site->services->len > 0)
    return ((const PmMailService *) site->services->pdata[0])->server;
  return NULL;
}
