// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-client-census.h"

static gboolean
enter (PmClientCensus *census, const char *text, guint limit)
{
  g_autoptr (GInetAddress) client = g_inet_address_new_from_string (text);

  return pm_client_census_enter (census, client, limit);
}

static void
leave (PmClientCensus *census, const char *text)
{
  g_autoptr (GInetAddress) client = g_inet_address_new_from_string (text);

  pm_client_census_leave (census, client);
}

static void
test_limit (void)
{
  struct
  {
    const char *client;
    const char *same;
    const char *other;
  } cases[] = {
    { "192.0.2.1", "192.0.2.1", "192.0.2.2" },
    { "2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PmClientCensus) census = pm_client_census_new ();

      g_assert_true (enter (census, cases[i].client, 2));
      g_assert_true (enter (census, cases[i].same, 2));
      g_assert_false (enter (census, cases[i].client, 2));
      g_assert_false (enter (census, cases[i].same, 2));
      g_assert_true (enter (census, cases[i].other, 2));

      // Whoever was turned away was not counted: one that leaves makes room for one.
      leave (census, cases[i].same);
      g_assert_true (enter (census, cases[i].client, 2));
      g_assert_false (enter (census, cases[i].client, 2));
      // The limit may have changed meanwhile.
      g_assert_true (enter (census, cases[i].client, 3));
      for (int n = 0; n < 3; n++)
        leave (census, cases[i].client);
      g_assert_true (enter (census, cases[i].client, 1));
    }
}

static void
test_loopback (void)
{
  g_autoptr (PmClientCensus) census = pm_client_census_new ();
  const char *const addresses[] = { "127.0.0.1", "127.9.9.9", "::1" };

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      for (int n = 0; n < 20; n++)
        g_assert_true (enter (census, addresses[i], 1));
      leave (census, addresses[i]);
    }
}

static gboolean
count (PmClientCensus *census, const char *text, guint per_minute, gint64 now)
{
  g_autoptr (GInetAddress) client = g_inet_address_new_from_string (text);

  return pm_client_census_count (census, client, PM_CLIENT_SENDS, per_minute, now);
}

static void
test_rate (void)
{
  g_autoptr (PmClientCensus) census = pm_client_census_new ();
  g_autoptr (GInetAddress) same = g_inet_address_new_from_string ("2001:db8::1");
  const gint64 start = 1000 * G_USEC_PER_SEC;
  gint64 now = start;

  // A minute's worth at once, then one by one as time goes.
  for (int i = 0; i < 6; i++)
    g_assert_true (count (census, "2001:db8::1", 6, now));
  g_assert_false (count (census, "2001:db8::2", 6, now));
  g_assert_false (pm_client_census_may (census, same, PM_CLIENT_SENDS, 6, now));
  g_assert_true (pm_client_census_may (census, same, PM_CLIENT_NAMES, 6, now));
  g_assert_true (count (census, "2001:db8:0:1::1", 6, now));
  g_assert_true (count (census, "127.0.0.1", 1, now));
  g_assert_true (count (census, "127.0.0.1", 1, now));
  now += 10 * G_USEC_PER_SEC - 1;
  g_assert_false (count (census, "2001:db8::2", 6, now));
  now += 1;
  g_assert_true (pm_client_census_may (census, same, PM_CLIENT_SENDS, 6, now));
  g_assert_true (count (census, "2001:db8::2", 6, now));
  g_assert_false (count (census, "2001:db8::2", 6, now));
  // No limit is none, and after a minute all is forgiven.
  g_assert_true (count (census, "2001:db8::2", 0, now));
  now += 60 * G_USEC_PER_SEC;
  for (int i = 0; i < 6; i++)
    g_assert_true (count (census, "2001:db8::1", 6, now));
  g_assert_false (count (census, "2001:db8::1", 6, now));
}

static void
test_memory (void)
{
  g_autoptr (PmClientCensus) census = pm_client_census_new ();
  gint64 now = g_get_monotonic_time ();

  g_assert_true (enter (census, "198.51.100.1", 1));
  for (guint i = 0; i < PM_CLIENT_CENSUS_MAX + 100; i++)
    {
      g_autofree char *text =
          g_strdup_printf ("10.%u.%u.%u", i >> 16, (i >> 8) & 0xff, i & 0xff);

      g_assert_true (count (census, text, 2, now));
      g_assert_cmpuint (pm_client_census_get_size (census), <=, PM_CLIENT_CENSUS_MAX);
    }
  // Whoever is connected is never forgotten.
  g_assert_false (enter (census, "198.51.100.1", 1));
  leave (census, "198.51.100.1");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client-census/limit", test_limit);
  g_test_add_func ("/client-census/loopback", test_loopback);
  g_test_add_func ("/client-census/rate", test_rate);
  g_test_add_func ("/client-census/memory", test_memory);
  return g_test_run ();
}
