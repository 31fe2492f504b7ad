// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A GtkTreeModel over an array of routes. `routes` is the table in the order of the site file,
// which nothing here disturbs; `visible` is what the view shows, narrowed and sorted: two arrays of
// pointers are all that a hundred thousand rows cost.

#include "config.h"

#include "ui/pages/pm-route-model.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/pm-domain-name.h"

struct _PmRouteModel
{
  GObject parent_instance;

  GPtrArray *routes;  /* (owned) (element-type PmRoute) */
  GPtrArray *visible; /* (owned) (element-type PmRoute): not owning */
  char *search;       /* (owned) (nullable): folded */
  int sort_column;
  GtkSortType sort_order;
  int stamp;
};

static void tree_model_init (GtkTreeModelIface *iface);
static void tree_sortable_init (GtkTreeSortableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmRouteModel, pm_route_model, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (GTK_TYPE_TREE_MODEL, tree_model_init)
    G_IMPLEMENT_INTERFACE (GTK_TYPE_TREE_SORTABLE, tree_sortable_init))

static char *
hosts_to_display (const PmRoute *route)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < route->hosts->len; i++)
    {
      const PmHost *host = route->hosts->pdata[i];
      g_autofree char *name = pm_domain_name_to_display (host->name);
      gboolean bare_ipv6 = strchr (host->name, ':') != NULL;

      g_string_append_printf (text, bare_ipv6 ? "%s[%s]:%u" : "%s%s:%u", i > 0 ? ", " : "", name,
                              host->port);
    }
  return g_strdup (text->str);
}

static char *
target_to_display (const PmRoute *route)
{
  switch (route->action)
    {
    case PM_ROUTE_REWRITE:
      return pm_domain_name_to_display (route->rewrite_domain);
    case PM_ROUTE_FORWARD:
      return hosts_to_display (route);
    case PM_ROUTE_RELAY:
      return g_strdup (_ ("<relay>"));
    case PM_ROUTE_INBOUND:
    default:
      return g_strdup (_ ("<inbound>"));
    }
}

/**
 * pm_route_to_display:
 * @column: one of the model's columns
 *
 * Returns: (transfer full): what stands there for @route
 */
char *
pm_route_to_display (const PmRoute *route, int column)
{
  switch (column)
    {
    case PM_ROUTE_COLUMN_SENT_TO:
      return pm_domain_name_to_display (route->domain);
    case PM_ROUTE_COLUMN_SUBDOMAINS:
      return g_strdup (route->subdomains ? _ ("included") : _ ("exact"));
    case PM_ROUTE_COLUMN_ROUTE_TO:
    default:
      return target_to_display (route);
    }
}

static int
compare_targets (const PmRoute *a, const PmRoute *b)
{
  const PmHost *a_host = a->hosts->len > 0 ? a->hosts->pdata[0] : NULL;
  const PmHost *b_host = b->hosts->len > 0 ? b->hosts->pdata[0] : NULL;

  if (a->action != b->action)
    return a->action < b->action ? -1 : 1;
  if (a->action == PM_ROUTE_REWRITE)
    return g_strcmp0 (a->rewrite_domain, b->rewrite_domain);
  if (a_host != NULL && b_host != NULL && strcmp (a_host->name, b_host->name) != 0)
    return strcmp (a_host->name, b_host->name);
  return a_host != NULL && b_host != NULL ? (int) a_host->port - (int) b_host->port : 0;
}

// Equal rows fall back on the domain, so that the order is always a whole one.
static int
compare (const PmRoute *a, const PmRoute *b, PmRouteModel *self)
{
  int result = 0;

  if (self->sort_column == PM_ROUTE_COLUMN_SUBDOMAINS)
    result = (int) a->subdomains - (int) b->subdomains;
  else if (self->sort_column == PM_ROUTE_COLUMN_ROUTE_TO)
    result = compare_targets (a, b);
  if (result == 0)
    result = strcmp (a->domain, b->domain);
  if (result == 0)
    result = (int) a->subdomains - (int) b->subdomains;
  return self->sort_order == GTK_SORT_ASCENDING ? result : -result;
}

static int
compare_pointers (gconstpointer a, gconstpointer b, gpointer self)
{
  return compare (*(const PmRoute *const *) a, *(const PmRoute *const *) b, self);
}

/* Site files are mostly in order, and looking costs a twentieth of sorting. */
static gboolean
is_sorted (PmRouteModel *self)
{
  for (guint i = 1; i < self->visible->len; i++)
    if (compare (self->visible->pdata[i - 1], self->visible->pdata[i], self) > 0)
      return FALSE;
  return TRUE;
}

static gboolean
is_ascii_match (const char *text, const char *search)
{
  return text != NULL && strstr (text, search) != NULL;
}

// Domains are stored folded, so most rows are decided without making a string.
static gboolean
matches (PmRouteModel *self, const PmRoute *route)
{
  g_autofree char *shown = NULL;
  g_autofree char *folded = NULL;

  if (self->search == NULL || is_ascii_match (route->domain, self->search) ||
      is_ascii_match (route->rewrite_domain, self->search))
    return TRUE;
  if (route->hosts->len == 0 && strstr (route->domain, "xn--") == NULL &&
      strchr (self->search, '<') == NULL)
    return FALSE;
  for (int i = 0; i < PM_ROUTE_N_COLUMNS; i++)
    {
      if (i == PM_ROUTE_COLUMN_SUBDOMAINS)
        continue;
      g_clear_pointer (&shown, g_free);
      g_clear_pointer (&folded, g_free);
      shown = pm_route_to_display (route, i);
      folded = g_utf8_strdown (shown, -1);
      if (strstr (folded, self->search) != NULL)
        return TRUE;
    }
  return FALSE;
}

static void
rebuild (PmRouteModel *self)
{
  self->stamp++;
  g_ptr_array_set_size (self->visible, 0);
  for (guint i = 0; i < self->routes->len; i++)
    if (matches (self, self->routes->pdata[i]))
      g_ptr_array_add (self->visible, self->routes->pdata[i]);
  if (!is_sorted (self))
    g_ptr_array_sort_with_data (self->visible, compare_pointers, self);
}

// The first visible row that is not before `route`.
static guint
lower_bound (PmRouteModel *self, const PmRoute *route)
{
  guint low = 0;
  guint high = self->visible->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (compare (self->visible->pdata[middle], route, self) < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static gboolean
find_visible (PmRouteModel *self, const PmRoute *route, guint *index)
{
  for (guint i = lower_bound (self, route); i < self->visible->len; i++)
    {
      if (self->visible->pdata[i] == route)
        {
          *index = i;
          return TRUE;
        }
      if (compare (self->visible->pdata[i], route, self) != 0)
        break;
    }
  return FALSE;
}

static gboolean
set_iter (PmRouteModel *self, GtkTreeIter *iter, guint index)
{
  if (index >= self->visible->len)
    {
      iter->stamp = 0;
      return FALSE;
    }
  iter->stamp = self->stamp;
  iter->user_data = GUINT_TO_POINTER (index);
  return TRUE;
}

static guint
iter_index (GtkTreeIter *iter)
{
  return GPOINTER_TO_UINT (iter->user_data);
}

static GtkTreeModelFlags
get_flags (GtkTreeModel *model)
{
  return GTK_TREE_MODEL_LIST_ONLY;
}

static int
get_n_columns (GtkTreeModel *model)
{
  return PM_ROUTE_N_COLUMNS;
}

static GType
get_column_type (GtkTreeModel *model, int column)
{
  return G_TYPE_STRING;
}

static gboolean
get_iter (GtkTreeModel *model, GtkTreeIter *iter, GtkTreePath *path)
{
  if (gtk_tree_path_get_depth (path) != 1)
    return FALSE;
  return set_iter (PM_ROUTE_MODEL (model), iter, (guint) gtk_tree_path_get_indices (path)[0]);
}

static GtkTreePath *
get_path (GtkTreeModel *model, GtkTreeIter *iter)
{
  return gtk_tree_path_new_from_indices ((int) iter_index (iter), -1);
}

static void
get_value (GtkTreeModel *model, GtkTreeIter *iter, int column, GValue *value)
{
  PmRouteModel *self = PM_ROUTE_MODEL (model);

  g_value_init (value, G_TYPE_STRING);
  if (iter_index (iter) < self->visible->len)
    g_value_take_string (value, pm_route_to_display (self->visible->pdata[iter_index (iter)],
                                                     column));
}

static gboolean
iter_next (GtkTreeModel *model, GtkTreeIter *iter)
{
  return set_iter (PM_ROUTE_MODEL (model), iter, iter_index (iter) + 1);
}

static gboolean
iter_previous (GtkTreeModel *model, GtkTreeIter *iter)
{
  if (iter_index (iter) == 0)
    return FALSE;
  return set_iter (PM_ROUTE_MODEL (model), iter, iter_index (iter) - 1);
}

static gboolean
iter_nth_child (GtkTreeModel *model, GtkTreeIter *iter, GtkTreeIter *parent, int n)
{
  return parent == NULL && n >= 0 && set_iter (PM_ROUTE_MODEL (model), iter, (guint) n);
}

static gboolean
iter_children (GtkTreeModel *model, GtkTreeIter *iter, GtkTreeIter *parent)
{
  return iter_nth_child (model, iter, parent, 0);
}

static gboolean
iter_has_child (GtkTreeModel *model, GtkTreeIter *iter)
{
  return FALSE;
}

static int
iter_n_children (GtkTreeModel *model, GtkTreeIter *iter)
{
  return iter == NULL ? (int) PM_ROUTE_MODEL (model)->visible->len : 0;
}

static gboolean
iter_parent (GtkTreeModel *model, GtkTreeIter *iter, GtkTreeIter *child)
{
  return FALSE;
}

static void
tree_model_init (GtkTreeModelIface *iface)
{
  iface->get_flags = get_flags;
  iface->get_n_columns = get_n_columns;
  iface->get_column_type = get_column_type;
  iface->get_iter = get_iter;
  iface->get_path = get_path;
  iface->get_value = get_value;
  iface->iter_next = iter_next;
  iface->iter_previous = iter_previous;
  iface->iter_children = iter_children;
  iface->iter_has_child = iter_has_child;
  iface->iter_n_children = iter_n_children;
  iface->iter_nth_child = iter_nth_child;
  iface->iter_parent = iter_parent;
}

static gboolean
get_sort_column_id (GtkTreeSortable *sortable, int *column, GtkSortType *order)
{
  PmRouteModel *self = PM_ROUTE_MODEL (sortable);

  if (column != NULL)
    *column = self->sort_column;
  if (order != NULL)
    *order = self->sort_order;
  return self->sort_column >= 0;
}

static void
emit_reordered (PmRouteModel *self, GPtrArray *former)
{
  g_autoptr (GtkTreePath) root = gtk_tree_path_new ();
  g_autoptr (GHashTable) former_index = g_hash_table_new (NULL, NULL);
  g_autofree int *order = g_new (int, self->visible->len);

  for (guint i = 0; i < former->len; i++)
    g_hash_table_insert (former_index, former->pdata[i], GUINT_TO_POINTER (i));
  for (guint i = 0; i < self->visible->len; i++)
    order[i] = GPOINTER_TO_INT (g_hash_table_lookup (former_index, self->visible->pdata[i]));
  gtk_tree_model_rows_reordered (GTK_TREE_MODEL (self), root, NULL, order);
}

static void
set_sort_column_id (GtkTreeSortable *sortable, int column, GtkSortType order)
{
  PmRouteModel *self = PM_ROUTE_MODEL (sortable);
  g_autoptr (GPtrArray) former = g_ptr_array_copy (self->visible, NULL, NULL);

  // Negative: back to the order there is by default.
  self->sort_column = column >= 0 ? column : PM_ROUTE_COLUMN_SENT_TO;
  self->sort_order = column >= 0 ? order : GTK_SORT_ASCENDING;
  g_ptr_array_sort_with_data (self->visible, compare_pointers, self);
  gtk_tree_sortable_sort_column_changed (sortable);
  if (self->visible->len > 0)
    emit_reordered (self, former);
}

static gboolean
has_default_sort_func (GtkTreeSortable *sortable)
{
  return FALSE;
}

static void
tree_sortable_init (GtkTreeSortableIface *iface)
{
  iface->get_sort_column_id = get_sort_column_id;
  iface->set_sort_column_id = set_sort_column_id;
  iface->has_default_sort_func = has_default_sort_func;
}

static void
pm_route_model_finalize (GObject *object)
{
  PmRouteModel *self = PM_ROUTE_MODEL (object);

  g_ptr_array_unref (self->visible);
  g_ptr_array_unref (self->routes);
  g_free (self->search);
  G_OBJECT_CLASS (pm_route_model_parent_class)->finalize (object);
}

static void
pm_route_model_class_init (PmRouteModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = pm_route_model_finalize;
}

static void
pm_route_model_init (PmRouteModel *self)
{
  self->routes = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_route_unref);
  self->visible = g_ptr_array_new ();
  self->sort_column = PM_ROUTE_COLUMN_SENT_TO;
  self->stamp = 1;
}

PmRouteModel *
pm_route_model_new (void)
{
  return g_object_new (PM_TYPE_ROUTE_MODEL, NULL);
}

/**
 * pm_route_model_set_routes:
 * @routes: (element-type PmRoute): the table from now on; its elements are shared
 */
void
pm_route_model_set_routes (PmRouteModel *self, GPtrArray *routes)
{
  g_ptr_array_set_size (self->visible, 0);
  g_ptr_array_set_size (self->routes, 0);
  for (guint i = 0; i < routes->len; i++)
    g_ptr_array_add (self->routes, pm_route_ref (routes->pdata[i]));
  rebuild (self);
}

/**
 * pm_route_model_set_search:
 * @search: (nullable): only rows that contain this are shown
 */
void
pm_route_model_set_search (PmRouteModel *self, const char *search)
{
  g_autofree char *folded = search != NULL ? g_utf8_strdown (search, -1) : NULL;

  g_free (self->search);
  self->search = folded != NULL && *g_strstrip (folded) != '\0' ? g_steal_pointer (&folded) : NULL;
  rebuild (self);
}

/**
 * pm_route_model_remove_all:
 * @routes: (element-type PmRoute): a set
 */
void
pm_route_model_remove_all (PmRouteModel *self, GHashTable *routes)
{
  g_autoptr (GPtrArray) kept =
      g_ptr_array_new_full (self->routes->len, (GDestroyNotify) pm_route_unref);

  for (guint i = 0; i < self->routes->len; i++)
    if (!g_hash_table_contains (routes, self->routes->pdata[i]))
      g_ptr_array_add (kept, pm_route_ref (self->routes->pdata[i]));
  g_ptr_array_set_size (self->visible, 0);
  g_ptr_array_unref (self->routes);
  self->routes = g_steal_pointer (&kept);
  rebuild (self);
}

/**
 * pm_route_model_add:
 *
 * Adds @route to the table; it is seen at its place, if it fits the search.
 */
void
pm_route_model_add (PmRouteModel *self, const PmRoute *route)
{
  PmRoute *own = pm_route_ref (route);
  GtkTreeIter iter;

  g_ptr_array_add (self->routes, own);
  if (matches (self, own))
    {
      guint index = lower_bound (self, own);
      g_autoptr (GtkTreePath) path = gtk_tree_path_new_from_indices ((int) index, -1);

      g_ptr_array_insert (self->visible, (int) index, own);
      self->stamp++;
      set_iter (self, &iter, index);
      gtk_tree_model_row_inserted (GTK_TREE_MODEL (self), path, &iter);
    }
}

/**
 * pm_route_model_remove:
 * @route: an element of the table
 */
void
pm_route_model_remove (PmRouteModel *self, const PmRoute *route)
{
  guint index;

  if (find_visible (self, route, &index))
    {
      g_autoptr (GtkTreePath) path = gtk_tree_path_new_from_indices ((int) index, -1);

      g_ptr_array_remove_index (self->visible, index);
      self->stamp++;
      gtk_tree_model_row_deleted (GTK_TREE_MODEL (self), path);
    }
  g_ptr_array_remove (self->routes, (gpointer) route);
}

const PmRoute *
pm_route_model_get_route (PmRouteModel *self, GtkTreeIter *iter)
{
  g_return_val_if_fail (iter_index (iter) < self->visible->len, NULL);
  return self->visible->pdata[iter_index (iter)];
}

/**
 * pm_route_model_find:
 * @iter: (out): its row
 *
 * Returns: whether @route is among the visible rows
 */
gboolean
pm_route_model_find (PmRouteModel *self, const PmRoute *route, GtkTreeIter *iter)
{
  guint index;

  return find_visible (self, route, &index) && set_iter (self, iter, index);
}

/**
 * pm_route_model_get_routes:
 *
 * Returns: (transfer none) (element-type PmRoute): the whole table
 */
GPtrArray *
pm_route_model_get_routes (PmRouteModel *self)
{
  return self->routes;
}

guint
pm_route_model_get_n_visible (PmRouteModel *self)
{
  return self->visible->len;
}
