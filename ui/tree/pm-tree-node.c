// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A node of the site's tree. When the site has changed, a new tree is described and reconciled with
// the one that is shown: nodes of the same kind and key stay the same objects, so that what is
// expanded, selected and focused stays so.

#include "config.h"

#include "ui/tree/pm-tree-node.h"

struct _PmTreeNode
{
  GObject parent_instance;

  /* Borrowed: a parent outlives its place in the tree only as long as it holds the child. */
  PmTreeNode *parent; /* (nullable) */

  PmNodeKind kind;
  PmNodeFeatures features;
  char *key;        /* (owned) */
  char *owner;      /* (owned) (nullable) */
  char *title;      /* (owned) */
  char *state;      /* (owned) */
  char *state_icon; /* (owned) (nullable) */
  char *detail;     /* (owned) */
  GListStore *children;
};

G_DEFINE_FINAL_TYPE (PmTreeNode, pm_tree_node, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* By PmNodeKind. */
static const char *const icon_names[] = {
  "pm-organization-symbolic",
  "pm-site-symbolic",
  "pm-configuration-symbolic",
  "pm-connections-symbolic",
  "pm-mail-service-symbolic",
  "pm-servers-symbolic",
  "pm-server-symbolic",
  "pm-addressing-symbolic",
  "pm-recipients-symbolic",
  "pm-mailbox-symbolic",
};

static void
pm_tree_node_dispose (GObject *object)
{
  PmTreeNode *self = PM_TREE_NODE (object);

  if (self->children != NULL)
    {
      guint n = g_list_model_get_n_items (G_LIST_MODEL (self->children));

      for (guint i = 0; i < n; i++)
        {
          g_autoptr (PmTreeNode) child = g_list_model_get_item (G_LIST_MODEL (self->children), i);

          /* It may be another's by now: reconciling moves children from a description. */
          if (child->parent == self)
            child->parent = NULL;
        }
    }
  g_clear_object (&self->children);
  G_OBJECT_CLASS (pm_tree_node_parent_class)->dispose (object);
}

static void
pm_tree_node_finalize (GObject *object)
{
  PmTreeNode *self = PM_TREE_NODE (object);

  g_free (self->key);
  g_free (self->owner);
  g_free (self->title);
  g_free (self->state);
  g_free (self->state_icon);
  g_free (self->detail);
  G_OBJECT_CLASS (pm_tree_node_parent_class)->finalize (object);
}

static void
pm_tree_node_class_init (PmTreeNodeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = pm_tree_node_dispose;
  object_class->finalize = pm_tree_node_finalize;

  /**
   * PmTreeNode::changed:
   *
   * Something about the node itself, not its children, is different.
   */
  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
pm_tree_node_init (PmTreeNode *self)
{
  self->children = g_list_store_new (PM_TYPE_TREE_NODE);
  self->state = g_strdup ("");
  self->detail = g_strdup ("");
}

static gboolean
set_text (char **place, const char *text)
{
  if (g_strcmp0 (*place, text) == 0)
    return FALSE;
  g_free (*place);
  *place = g_strdup (text);
  return TRUE;
}

/* Makes @self say what @described says; the two are the same object of the site. */
static void
assign (PmTreeNode *self, PmTreeNode *described)
{
  gboolean changed = self->features != described->features;
  g_autoptr (GPtrArray) children = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (described->children));

  self->features = described->features;
  changed |= set_text (&self->owner, described->owner);
  changed |= set_text (&self->title, described->title);
  changed |= set_text (&self->state, described->state);
  changed |= set_text (&self->state_icon, described->state_icon);
  changed |= set_text (&self->detail, described->detail);
  if (changed)
    g_signal_emit (self, signals[CHANGED], 0);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (children, g_list_model_get_item (G_LIST_MODEL (described->children), i));
  pm_tree_node_reconcile (self->children, children, self);
}

static guint
hash_node (gconstpointer key)
{
  const PmTreeNode *node = key;

  return g_str_hash (node->key) + (guint) node->kind;
}

static gboolean
equal_nodes (gconstpointer a, gconstpointer b)
{
  const PmTreeNode *left = a, *right = b;

  return left->kind == right->kind && g_str_equal (left->key, right->key);
}

/* Replaces each wanted node that is already in @list by the object there. */
static void
reuse_nodes (GListStore *list, GPtrArray *wanted)
{
  g_autoptr (GHashTable) known = g_hash_table_new_full (hash_node, equal_nodes, g_object_unref,
                                                        NULL);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (list));

  for (guint i = 0; i < n; i++)
    g_hash_table_add (known, g_list_model_get_item (G_LIST_MODEL (list), i));
  for (guint i = 0; i < wanted->len; i++)
    {
      PmTreeNode *shown = g_hash_table_lookup (known, wanted->pdata[i]);

      if (shown == NULL || shown == wanted->pdata[i])
        continue;
      assign (shown, wanted->pdata[i]);
      g_object_unref (wanted->pdata[i]);
      wanted->pdata[i] = g_object_ref (shown);
    }
}

static gboolean
item_is (GListStore *list, guint position, PmTreeNode *node)
{
  g_autoptr (PmTreeNode) item = g_list_model_get_item (G_LIST_MODEL (list), position);

  return item == node;
}

/**
 * pm_tree_node_reconcile:
 * @list: (element-type PmTreeNode): nodes that are shown
 * @wanted: (element-type PmTreeNode): the nodes as they should be
 * @parent: (nullable): whose children they are
 *
 * Makes @list what @wanted describes with the fewest changes. Nodes in @wanted that @list already
 * has (same kind and key) are replaced by those of @list.
 */
void
pm_tree_node_reconcile (GListStore *list, GPtrArray *wanted, PmTreeNode *parent)
{
  guint before = g_list_model_get_n_items (G_LIST_MODEL (list));
  guint start = 0, end = 0;

  reuse_nodes (list, wanted);
  for (guint i = 0; i < wanted->len; i++)
    ((PmTreeNode *) wanted->pdata[i])->parent = parent;
  while (start < before && start < wanted->len && item_is (list, start, wanted->pdata[start]))
    start++;
  while (end < before - start && end < wanted->len - start &&
         item_is (list, before - 1 - end, wanted->pdata[wanted->len - 1 - end]))
    end++;
  if (start + end < before || start + end < wanted->len)
    g_list_store_splice (list, start, before - start - end, wanted->pdata + start,
                         wanted->len - start - end);
}

/**
 * pm_tree_node_new:
 * @kind: what it stands for
 * @key: what tells it from others of its kind: a server's name, a mailbox's address, or ""
 * @title: its name for a person
 * @features: what can be done with it
 */
PmTreeNode *
pm_tree_node_new (PmNodeKind kind, const char *key, const char *title, PmNodeFeatures features)
{
  PmTreeNode *self = g_object_new (PM_TYPE_TREE_NODE, NULL);

  self->kind = kind;
  self->key = g_strdup (key);
  self->title = g_strdup (title);
  self->features = features;
  return self;
}

PmNodeKind
pm_tree_node_get_kind (PmTreeNode *self)
{
  return self->kind;
}

const char *
pm_tree_node_get_key (PmTreeNode *self)
{
  return self->key;
}

/**
 * pm_tree_node_get_owner:
 *
 * Returns: (nullable): the server whose mail service the object belongs to
 */
const char *
pm_tree_node_get_owner (PmTreeNode *self)
{
  return self->owner;
}

void
pm_tree_node_set_owner (PmTreeNode *self, const char *owner)
{
  set_text (&self->owner, owner);
}

const char *
pm_tree_node_get_title (PmTreeNode *self)
{
  return self->title;
}

const char *
pm_tree_node_get_icon_name (PmTreeNode *self)
{
  return icon_names[self->kind];
}

PmNodeFeatures
pm_tree_node_get_features (PmTreeNode *self)
{
  return self->features;
}

const char *
pm_tree_node_get_state (PmTreeNode *self)
{
  return self->state;
}

/**
 * pm_tree_node_get_state_icon:
 *
 * Returns: (nullable): the symbol that goes with the state's word
 */
const char *
pm_tree_node_get_state_icon (PmTreeNode *self)
{
  return self->state_icon;
}

const char *
pm_tree_node_get_detail (PmTreeNode *self)
{
  return self->detail;
}

void
pm_tree_node_set_state (PmTreeNode *self, const char *state, const char *icon_name)
{
  set_text (&self->state, state);
  set_text (&self->state_icon, icon_name);
}

void
pm_tree_node_set_detail (PmTreeNode *self, const char *detail)
{
  set_text (&self->detail, detail);
}

/**
 * pm_tree_node_get_children:
 *
 * Returns: (transfer none) (element-type PmTreeNode)
 */
GListModel *
pm_tree_node_get_children (PmTreeNode *self)
{
  return G_LIST_MODEL (self->children);
}

/**
 * pm_tree_node_get_parent:
 *
 * Returns: (nullable) (transfer none)
 */
PmTreeNode *
pm_tree_node_get_parent (PmTreeNode *self)
{
  return self->parent;
}

/**
 * pm_tree_node_set_children:
 * @children: (element-type PmTreeNode): see pm_tree_node_reconcile()
 */
void
pm_tree_node_set_children (PmTreeNode *self, GPtrArray *children)
{
  pm_tree_node_reconcile (self->children, children, self);
}
