// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The routing table as a model: sorted, narrowed, changed, and large.

#include "ui-fixture.h"
#include "ui/pages/pm-route-model.h"

static char *
row_text (PmRouteModel *model, int row, int column)
{
  GtkTreeIter iter;
  char *text;

  g_assert_true (gtk_tree_model_iter_nth_child (GTK_TREE_MODEL (model), &iter, NULL, row));
  gtk_tree_model_get (GTK_TREE_MODEL (model), &iter, column, &text, -1);
  return text;
}

#define assert_row(model, row, column, expected)                     \
  G_STMT_START                                                       \
  {                                                                  \
    g_autofree char *row_text_found = row_text (model, row, column); \
    g_assert_cmpstr (row_text_found, ==, expected);                  \
  }                                                                  \
  G_STMT_END

static void
test_rows (void)
{
  g_autoptr (PmRouteModel) model = pm_route_model_new ();
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();

  pm_route_model_set_routes (model, draft->service->routes);
  g_assert_cmpuint (pm_route_model_get_n_visible (model), ==, 6);
  assert_row (model, 0, PM_ROUTE_COLUMN_SENT_TO, "example.com");
  assert_row (model, 0, PM_ROUTE_COLUMN_SUBDOMAINS, "exact");
  assert_row (model, 0, PM_ROUTE_COLUMN_ROUTE_TO, "<inbound>");
  assert_row (model, 2, PM_ROUTE_COLUMN_ROUTE_TO, "10.1.2.3:25");
  assert_row (model, 3, PM_ROUTE_COLUMN_ROUTE_TO, "example.com");
  assert_row (model, 4, PM_ROUTE_COLUMN_ROUTE_TO, "<relay>");
  assert_row (model, 5, PM_ROUTE_COLUMN_SENT_TO, "bücher.example");
}

static void
test_sort (void)
{
  g_autoptr (PmRouteModel) model = pm_route_model_new ();
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  GtkTreeSortable *sortable = GTK_TREE_SORTABLE (model);

  pm_route_model_set_routes (model, draft->service->routes);
  gtk_tree_sortable_set_sort_column_id (sortable, PM_ROUTE_COLUMN_SENT_TO, GTK_SORT_DESCENDING);
  assert_row (model, 5, PM_ROUTE_COLUMN_SENT_TO, "example.com");
  gtk_tree_sortable_set_sort_column_id (sortable, PM_ROUTE_COLUMN_ROUTE_TO, GTK_SORT_ASCENDING);
  assert_row (model, 0, PM_ROUTE_COLUMN_ROUTE_TO, "<inbound>");
  assert_row (model, 5, PM_ROUTE_COLUMN_ROUTE_TO, "<relay>");
  gtk_tree_sortable_set_sort_column_id (sortable, PM_ROUTE_COLUMN_SUBDOMAINS, GTK_SORT_ASCENDING);
  assert_row (model, 0, PM_ROUTE_COLUMN_SUBDOMAINS, "exact");
}

static const struct
{
  const char *search;
  guint found;
} searches[] = {
  { "example.org", 2 },
  { "EXAMPLE.NET", 1 },
  { "10.1.2", 1 },
  { "<relay>", 1 },
  { "bücher", 1 },
  { "xn--bcher", 1 },
  { "  ", 6 },
  { "", 6 },
  { "example.com", 2 },
  { "nothing", 0 },
  { "<inbound", 3 },
};

static void
test_search (void)
{
  g_autoptr (PmRouteModel) model = pm_route_model_new ();
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();

  pm_route_model_set_routes (model, draft->service->routes);
  for (guint i = 0; i < G_N_ELEMENTS (searches); i++)
    {
      pm_route_model_set_search (model, searches[i].search);
      g_test_message ("%s", searches[i].search);
      g_assert_cmpuint (pm_route_model_get_n_visible (model), ==, searches[i].found);
    }
  g_assert_cmpuint (pm_route_model_get_routes (model)->len, ==, 6);
}

static void
count_cb (GtkTreeModel *model, GtkTreePath *path, GtkTreeIter *iter, guint *count)
{
  (*count)++;
}

static void
count_deleted_cb (GtkTreeModel *model, GtkTreePath *path, guint *count)
{
  (*count)++;
}

static void
test_change (void)
{
  g_autoptr (PmRouteModel) model = pm_route_model_new ();
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  g_autoptr (PmRoute) route = ui_fixture_route ("f.example", TRUE, PM_ROUTE_INBOUND, NULL);
  g_autoptr (PmRoute) hidden = ui_fixture_route ("zzz", TRUE, PM_ROUTE_INBOUND, NULL);
  guint inserted = 0;
  guint deleted = 0;
  GtkTreeIter iter;

  pm_route_model_set_routes (model, draft->service->routes);
  g_signal_connect (model, "row-inserted", G_CALLBACK (count_cb), &inserted);
  g_signal_connect (model, "row-deleted", G_CALLBACK (count_deleted_cb), &deleted);
  pm_route_model_add (model, route);
  g_assert_cmpuint (inserted, ==, 1);
  assert_row (model, 2, PM_ROUTE_COLUMN_SENT_TO, "f.example");
  g_assert_true (pm_route_model_find (model, route, &iter));
  g_assert_true (pm_route_model_get_route (model, &iter) == route);
  pm_route_model_remove (model, route);
  g_assert_cmpuint (deleted, ==, 1);
  g_assert_false (pm_route_model_find (model, route, &iter));

  pm_route_model_set_search (model, "example");
  pm_route_model_add (model, hidden);
  g_assert_cmpuint (inserted, ==, 1);
  g_assert_cmpuint (pm_route_model_get_routes (model)->len, ==, 7);
  pm_route_model_remove (model, hidden);
  g_assert_cmpuint (deleted, ==, 1);
  g_assert_cmpuint (pm_route_model_get_routes (model)->len, ==, 6);
}

// A hundred thousand rows are sorted and narrowed between two keystrokes.
static void
test_large (void)
{
  g_autoptr (PmRouteModel) model = pm_route_model_new ();
  g_autoptr (GPtrArray) routes =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_route_unref);
  gint64 start;
  double took;

  for (guint i = 0; i < 100000; i++)
    {
      g_autofree char *domain = g_strdup_printf ("d%u.example", (i * 7919u) % 1000003u);

      g_ptr_array_add (routes, ui_fixture_route (domain, TRUE, PM_ROUTE_INBOUND, NULL));
    }
  pm_route_model_set_routes (model, routes);
  start = g_get_monotonic_time ();
  pm_route_model_set_search (model, "d12");
  g_assert_cmpuint (pm_route_model_get_n_visible (model), >, 100);
  pm_route_model_set_search (model, NULL);
  g_assert_cmpuint (pm_route_model_get_n_visible (model), ==, 100000);
  took = (double) (g_get_monotonic_time () - start) / 1000;
  g_test_message ("searched twice among 100,000 in %.0f ms", took);
  // Far above what it takes, for slow machines and sanitizers; far below what a square would take.
  g_assert_cmpfloat (took, <, 5000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/route-model/rows", test_rows);
  g_test_add_func ("/route-model/sort", test_sort);
  g_test_add_func ("/route-model/search", test_search);
  g_test_add_func ("/route-model/change", test_change);
  g_test_add_func ("/route-model/large", test_large);
  return g_test_run ();
}
