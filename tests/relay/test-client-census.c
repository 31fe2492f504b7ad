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

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client-census/limit", test_limit);
  g_test_add_func ("/client-census/loopback", test_loopback);
  return g_test_run ();
}
