// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "site/pm-site.h"

G_BEGIN_DECLS

/**
 * PmRouteModel:
 *
 * The routing table as a list that a GtkTreeView shows: sortable by each column, narrowed by a
 * search, and holding nothing per row but a pointer to the route.
 */
#define PM_TYPE_ROUTE_MODEL (pm_route_model_get_type ())
G_DECLARE_FINAL_TYPE (PmRouteModel, pm_route_model, PM, ROUTE_MODEL, GObject)

enum
{
  PM_ROUTE_COLUMN_SENT_TO,
  PM_ROUTE_COLUMN_SUBDOMAINS,
  PM_ROUTE_COLUMN_ROUTE_TO,
  PM_ROUTE_N_COLUMNS,
};

PmRouteModel *pm_route_model_new (void);

/* These three change many rows at once: no view may be attached. */
void pm_route_model_set_routes (PmRouteModel *self, GPtrArray *routes);
void pm_route_model_set_search (PmRouteModel *self, const char *search);
void pm_route_model_remove_all (PmRouteModel *self, GHashTable *routes);

void pm_route_model_add (PmRouteModel *self, const PmRoute *route);
void pm_route_model_remove (PmRouteModel *self, const PmRoute *route);
const PmRoute *pm_route_model_get_route (PmRouteModel *self, GtkTreeIter *iter);
gboolean pm_route_model_find (PmRouteModel *self, const PmRoute *route, GtkTreeIter *iter);
GPtrArray *pm_route_model_get_routes (PmRouteModel *self);
guint pm_route_model_get_n_visible (PmRouteModel *self);

char *pm_route_to_display (const PmRoute *route, int column);

G_END_DECLS
