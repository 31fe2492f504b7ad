// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Networks: every way of writing one, masked when read, and what lies in it.

#include "base/pm-network.h"

#include "base/pm-error.h"

static const struct
{
  const char *name;
  const char *text;
  const char *canonical;
} good[] = {
  { "address", "192.0.2.66", "192.0.2.66" },
  { "prefix", "192.0.2.0/24", "192.0.2.0/24" },
  { "host-bits", "192.0.2.9/24", "192.0.2.0/24" },
  { "odd-prefix", "192.0.2.255/25", "192.0.2.128/25" },
  { "mask", "192.0.2.9/255.255.255.0", "192.0.2.0/24" },
  { "mask-odd", "10.255.255.255/255.240.0.0", "10.240.0.0/12" },
  { "mask-host", "10.0.0.1/255.255.255.255", "10.0.0.1" },
  { "mask-all", "10.0.0.1/0.0.0.0", "0.0.0.0/0" },
  { "all", "1.2.3.4/0", "0.0.0.0/0" },
  { "full-prefix", "1.2.3.4/32", "1.2.3.4" },
  { "blanks", "  10.0.0.0/8\n", "10.0.0.0/8" },
  { "v6", "2001:DB8::1", "2001:db8::1" },
  { "v6-prefix", "2001:db8:1:2::/32", "2001:db8::/32" },
  { "v6-odd-prefix", "ffff::/3", "e000::/3" },
  { "v6-all", "::1/0", "::/0" },
  { "mapped", "::ffff:192.0.2.1", "192.0.2.1" },
  { "mapped-network", "::ffff:192.0.2.1/120", "192.0.2.0/24" },
  { "mapped-host", "::ffff:192.0.2.1/128", "192.0.2.1" },
};

static void
test_good (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  PmNetwork network;
  PmNetwork again;

  g_assert_true (pm_network_parse (good[index].text, &network, &error));
  g_assert_no_error (error);
  text = pm_network_to_string (&network);
  g_assert_cmpstr (text, ==, good[index].canonical);
  g_assert_true (pm_network_parse (text, &again, NULL));
  g_assert_true (pm_network_equal (&network, &again));
}

static const char *const bad[] = {
  "",
  " ",
  "/",
  "/24",
  "example.com",
  "192.0.2",
  "192.0.2.0/",
  "192.0.2.0/33",
  "192.0.2.0/-1",
  "192.0.2.0/+8",
  "192.0.2.0/ 8",
  "192.0.2.0/8x",
  "192.0.2.0/24/24",
  "192.0.2.0/255.0.255.0",
  "192.0.2.0/0.255.255.255",
  "2001:db8::/129",
  "2001:db8::/255.255.0.0",
  "[2001:db8::1]",
  "192.0.2.256",
  "::ffff:192.0.2.1/95",
  "fe80::1%eth0",
};

static void
test_bad (gconstpointer data)
{
  PmNetwork network = { .prefix = 77 };
  g_autoptr (GError) error = NULL;

  g_assert_false (pm_network_parse (data, &network, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_assert_cmpuint (network.prefix, ==, 77);
}

static const struct
{
  const char *network;
  const char *address;
  gboolean contains;
} members[] = {
  { "192.0.2.0/24", "192.0.2.0", TRUE },
  { "192.0.2.0/24", "192.0.2.255", TRUE },
  { "192.0.2.0/24", "192.0.3.0", FALSE },
  { "192.0.2.128/25", "192.0.2.127", FALSE },
  { "192.0.2.1", "192.0.2.1", TRUE },
  { "192.0.2.1", "192.0.2.2", FALSE },
  { "0.0.0.0/0", "8.8.8.8", TRUE },
  { "0.0.0.0/0", "::1", FALSE },
  { "::/0", "2001:db8::1", TRUE },
  { "::/0", "10.0.0.1", FALSE },
  { "::/0", "::ffff:10.0.0.1", FALSE },
  { "10.0.0.0/8", "::ffff:10.0.0.1", TRUE },
  { "2001:db8::/33", "2001:db8:7fff::", TRUE },
  { "2001:db8::/33", "2001:db8:8000::", FALSE },
};

static void
test_contains (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (members[i].address);
      PmNetwork network;

      g_assert_true (pm_network_parse (members[i].network, &network, NULL));
      if (pm_network_contains (&network, address) != members[i].contains)
        g_error ("%s in %s", members[i].address, members[i].network);
    }
}

static void
test_from_address (void)
{
  g_autoptr (GInetAddress) mapped = g_inet_address_new_from_string ("::ffff:192.0.2.1");
  PmNetwork network;
  PmNetwork plain;

  pm_network_from_address (mapped, &network);
  g_assert_true (pm_network_parse ("192.0.2.1", &plain, NULL));
  g_assert_true (pm_network_equal (&network, &plain));
  g_assert_true (pm_network_parse ("192.0.2.1/31", &plain, NULL));
  g_assert_false (pm_network_equal (&network, &plain));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *name = g_strconcat ("/network/good/", good[i].name, NULL);

      g_test_add_data_func (name, GUINT_TO_POINTER (i), test_good);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *name = g_strdup_printf ("/network/bad/%u", i);

      g_test_add_data_func (name, bad[i], test_bad);
    }
  g_test_add_func ("/network/contains", test_contains);
  g_test_add_func ("/network/from-address", test_from_address);
  return g_test_run ();
}
