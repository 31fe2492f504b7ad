// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The values: copies share what does not change, and what is put back is found.

#include "site/pm-site.h"

static PmMailService *
make_service (const char *server)
{
  PmMailService *service = pm_mail_service_new ();
  PmRoute *route = pm_route_new ();

  g_free (service->server);
  service->server = g_strdup (server);
  g_free (route->domain);
  route->domain = g_strdup ("example.com");
  g_ptr_array_add (service->routes, route);
  return service;
}

static void
test_copy (void)
{
  g_autoptr (PmMailService) service = make_service ("M");
  g_autoptr (PmMailService) copy = pm_mail_service_copy (service);

  g_assert_true (copy->routes != service->routes);
  g_assert_true (copy->routes->pdata[0] == service->routes->pdata[0]);
  g_ptr_array_set_size (copy->routes, 0);
  g_array_set_size (copy->retry_intervals, 0);
  g_assert_cmpuint (service->routes->len, ==, 1);
  g_assert_cmpuint (service->retry_intervals->len, ==, 4);
}

static void
test_copy_outlives (void)
{
  PmMailService *service = make_service ("M");
  g_autoptr (PmMailService) copy = NULL;

  service->administrator = g_strdup ("a@example.com");
  copy = pm_mail_service_copy (service);
  pm_mail_service_unref (service);
  g_assert_cmpstr (copy->administrator, ==, "a@example.com");
  g_assert_cmpstr (((PmRoute *) copy->routes->pdata[0])->domain, ==, "example.com");
  g_assert_cmpint (copy->deliver->method, ==, PM_DELIVERY_DNS);
}

static void
test_with_service (void)
{
  g_autoptr (PmSite) empty = pm_site_new ();
  g_autoptr (PmMailService) first = make_service ("A");
  g_autoptr (PmMailService) second = make_service ("B");
  g_autoptr (PmMailService) changed = pm_mail_service_copy (first);
  g_autoptr (PmSite) one = pm_site_with_service (empty, first);
  g_autoptr (PmSite) two = pm_site_with_service (one, second);
  g_autoptr (PmSite) three = NULL;

  changed->reroute = FALSE;
  three = pm_site_with_service (two, changed);
  g_assert_cmpuint (empty->services->len, ==, 0);
  g_assert_cmpuint (two->services->len, ==, 2);
  g_assert_true (pm_site_find_service (two, "A")->reroute);
  g_assert_true (pm_site_find_service (three, "A") == changed);
  g_assert_true (pm_site_find_service (three, "B") == second);
  g_assert_true (pm_site_find_service (one, NULL) == first);
  g_assert_null (pm_site_find_service (two, NULL));
  g_assert_null (pm_site_find_service (two, "C"));
  g_assert_null (pm_site_find_server (two, "A"));
}

static void
test_route (void)
{
  g_autoptr (PmRoute) route = pm_route_new ();
  g_autoptr (PmRoute) other = NULL;
  g_autofree char *suffix = NULL;
  g_autofree char *exact = NULL;

  g_free (route->domain);
  route->domain = g_strdup ("example.com");
  route->action = PM_ROUTE_FORWARD;
  g_ptr_array_add (route->hosts, pm_host_new ());
  other = pm_route_copy (route);
  g_assert_true (pm_route_equal (route, other));
  suffix = pm_route_to_sent_to (other);
  other->subdomains = FALSE;
  exact = pm_route_to_sent_to (other);
  g_assert_cmpstr (suffix, ==, "example.com");
  g_assert_cmpstr (exact, ==, "#example.com");
  g_assert_false (pm_route_equal (route, other));
  other->subdomains = TRUE;
  g_ptr_array_add (other->hosts, pm_host_new ());
  g_assert_false (pm_route_equal (route, other));
  g_ptr_array_set_size (other->hosts, 0);
  g_ptr_array_add (other->hosts, pm_host_new ());
  ((PmHost *) other->hosts->pdata[0])->port = 2525;
  g_assert_false (pm_route_equal (route, other));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/site/copy", test_copy);
  g_test_add_func ("/site/copy-outlives", test_copy_outlives);
  g_test_add_func ("/site/with-service", test_with_service);
  g_test_add_func ("/site/route", test_route);
  return g_test_run ();
}
