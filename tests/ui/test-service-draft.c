// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The draft: copied, compared, merged, put back.

#include "ui-fixture.h"

static void
test_round_trip (void)
{
  g_autoptr (PmServiceDraft) draft = ui_fixture_draft ();
  g_autoptr (PmServiceDraft) copy = pm_service_draft_copy (draft);
  g_autoptr (PmSite) site = NULL;
  g_autoptr (PmServiceDraft) again = NULL;

  g_assert_true (pm_service_draft_equal (draft, copy));
  g_free (copy->server->host);
  copy->server->host = g_strdup ("other.example.com");
  copy->service->max_inbound = 7;
  g_assert_false (pm_service_draft_equal (draft, copy));

  site = pm_service_draft_to_site (copy);
  again = pm_service_draft_new (site, "MAIL1");
  g_assert_true (pm_service_draft_equal (copy, again));
  g_assert_null (pm_service_draft_new (site, "MAIL2"));
  // The site that it came from is as it was.
  g_assert_cmpstr (pm_site_find_server (draft->site, "MAIL1")->host, ==, "mail1.example.com");
}

static gboolean
has_route (const PmServiceDraft *draft, const char *sent_to, PmRouteAction action)
{
  for (guint i = 0; i < draft->service->routes->len; i++)
    {
      const PmRoute *route = draft->service->routes->pdata[i];
      g_autofree char *key = pm_route_to_sent_to (route);

      if (g_str_equal (key, sent_to))
        return route->action == action;
    }
  return FALSE;
}

static void
test_merge (void)
{
  g_autoptr (PmServiceDraft) base = ui_fixture_draft ();
  g_autoptr (PmServiceDraft) mine = pm_service_draft_copy (base);
  g_autoptr (PmServiceDraft) theirs = pm_service_draft_copy (base);
  g_autoptr (PmServiceDraft) merged = NULL;

  // I: add one, change example.net, take partner.example out, and a number.
  g_ptr_array_add (mine->service->routes, ui_fixture_route ("mine.example", TRUE, PM_ROUTE_INBOUND,
                                                            NULL));
  pm_route_unref (mine->service->routes->pdata[1]);
  mine->service->routes->pdata[1] = ui_fixture_route ("example.net", TRUE, PM_ROUTE_RELAY, NULL);
  g_ptr_array_remove_index (mine->service->routes, 4);
  mine->service->max_inbound = 5;

  // They: add one, take old.example.org out, change legacy, and other values.
  g_ptr_array_add (theirs->service->routes,
                   ui_fixture_route ("theirs.example", TRUE, PM_ROUTE_INBOUND, NULL));
  pm_route_unref (theirs->service->routes->pdata[3]);
  theirs->service->routes->pdata[3] =
      ui_fixture_route ("legacy.example.org", TRUE, PM_ROUTE_INBOUND, NULL);
  g_ptr_array_remove_index (theirs->service->routes, 2);
  theirs->service->max_inbound = 6;
  theirs->service->max_outbound = 8;

  merged = pm_service_draft_merge (base, mine, theirs);
  g_assert_true (has_route (merged, "mine.example", PM_ROUTE_INBOUND));
  g_assert_true (has_route (merged, "theirs.example", PM_ROUTE_INBOUND));
  g_assert_true (has_route (merged, "example.net", PM_ROUTE_RELAY));
  g_assert_true (has_route (merged, "legacy.example.org", PM_ROUTE_INBOUND));
  g_assert_true (has_route (merged, "#example.com", PM_ROUTE_INBOUND));
  g_assert_false (has_route (merged, "partner.example", PM_ROUTE_RELAY));
  g_assert_false (has_route (merged, "old.example.org", PM_ROUTE_REWRITE));
  g_assert_cmpuint (merged->service->routes->len, ==, 6);
  g_assert_cmpuint (merged->service->max_inbound, ==, 5);
  g_assert_cmpuint (merged->service->max_outbound, ==, 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service-draft/round-trip", test_round_trip);
  g_test_add_func ("/service-draft/merge", test_merge);
  return g_test_run ();
}
