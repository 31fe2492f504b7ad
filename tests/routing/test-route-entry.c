// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "routing/pm-route-entry.h"

typedef struct
{
  const char *text;
  gboolean subdomains;
  PmRouteEntryStatus status;
  PmRouteEntryHint hint;
  const char *domain; /* or the suggestion, where it is not valid */
  gboolean read_subdomains;
} Case;

#define VALID PM_ROUTE_ENTRY_VALID
#define PLAIN PM_ROUTE_ENTRY_PLAIN

static const Case cases[] = {
  { "example.net", TRUE, VALID, PLAIN, "example.net", TRUE },
  { "example.net", FALSE, VALID, PLAIN, "example.net", FALSE },
  { "  Example.NET. ", TRUE, VALID, PLAIN, "example.net", TRUE },
  { "bücher.example", TRUE, VALID, PLAIN, "xn--bcher-kva.example", TRUE },
  { "com", TRUE, VALID, PLAIN, "com", TRUE },
  { "#example.net", TRUE, VALID, PM_ROUTE_ENTRY_EXACT_MARK, "example.net", FALSE },
  { " # example.net", TRUE, VALID, PM_ROUTE_ENTRY_EXACT_MARK, "example.net", FALSE },
  { "@example.net", FALSE, VALID, PM_ROUTE_ENTRY_AT_SIGN, "example.net", FALSE },
  { "*.example.net", FALSE, VALID, PM_ROUTE_ENTRY_WILDCARD, "example.net", TRUE },
  { ".example.net", FALSE, VALID, PM_ROUTE_ENTRY_WILDCARD, "example.net", TRUE },
  { "anna@example.net", TRUE, PM_ROUTE_ENTRY_ADDRESS, PLAIN, "example.net", TRUE },
  { "anna@", TRUE, PM_ROUTE_ENTRY_ADDRESS, PLAIN, NULL, TRUE },
  { "*@example.net", TRUE, PM_ROUTE_ENTRY_ADDRESS, PLAIN, "example.net", TRUE },
  { "", TRUE, PM_ROUTE_ENTRY_EMPTY, PLAIN, NULL, TRUE },
  { "  ", TRUE, PM_ROUTE_ENTRY_EMPTY, PLAIN, NULL, TRUE },
  { "#", TRUE, PM_ROUTE_ENTRY_EMPTY, PM_ROUTE_ENTRY_EXACT_MARK, NULL, FALSE },
  { "*", TRUE, PM_ROUTE_ENTRY_EVERYTHING, PLAIN, NULL, TRUE },
  { "192.0.2.1", TRUE, PM_ROUTE_ENTRY_IP_ADDRESS, PLAIN, NULL, TRUE },
  { "[192.0.2.1]", TRUE, PM_ROUTE_ENTRY_IP_ADDRESS, PLAIN, NULL, TRUE },
  { "[IPv6:2001:db8::1]", TRUE, PM_ROUTE_ENTRY_IP_ADDRESS, PLAIN, NULL, TRUE },
  { "example..net", TRUE, PM_ROUTE_ENTRY_INVALID, PLAIN, NULL, TRUE },
  { "exa mple.net", TRUE, PM_ROUTE_ENTRY_INVALID, PLAIN, NULL, TRUE },
  { "exam*ple.net", TRUE, PM_ROUTE_ENTRY_INVALID, PLAIN, NULL, TRUE },
  { "##example.net", TRUE, PM_ROUTE_ENTRY_INVALID, PM_ROUTE_ENTRY_EXACT_MARK, NULL, FALSE },
  { "\xff.example", TRUE, PM_ROUTE_ENTRY_INVALID, PLAIN, NULL, TRUE },
};

static void
test_case (gconstpointer data)
{
  const Case *item = data;
  g_autoptr (PmRouteEntry) entry = pm_route_entry_parse (item->text, item->subdomains);
  g_autofree char *sentence = pm_route_entry_explain (entry);

  g_assert_cmpint (entry->status, ==, item->status);
  g_assert_cmpint (entry->hint, ==, item->hint);
  g_assert_cmpint (entry->subdomains, ==, item->read_subdomains);
  g_assert_cmpstr (item->status == VALID ? entry->domain : entry->suggestion, ==, item->domain);
  g_assert_true ((entry->domain != NULL) == (entry->status == VALID));
  g_assert_true ((entry->problem != NULL) == (entry->status == PM_ROUTE_ENTRY_INVALID));
  g_assert_true ((sentence == NULL) == (entry->status == VALID && entry->hint == PLAIN));
}

static void
check_preview (const char *domain, gboolean subdomains, const char *want)
{
  g_autoptr (PmRoutePreview) preview = pm_route_preview_new (domain, subdomains);
  g_autofree char *text = pm_route_preview_to_string (preview);

  g_assert_cmpstr (text, ==, want);
}

static void
test_preview (void)
{
  check_preview ("example.net", TRUE, "matches anna@example.net and anna@sales.example.net, "
                                      "not anna@myexample.net");
  check_preview ("example.net", FALSE, "matches anna@example.net, not anna@sales.example.net");
  check_preview ("xn--bcher-kva.example", FALSE,
                 "matches anna@bücher.example, not anna@sales.bücher.example");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/route-entry/%02u", i);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/route-entry/preview", test_preview);
  return g_test_run ();
}
