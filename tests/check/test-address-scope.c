// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "check/pm-address-scope.h"

static const struct
{
  const char *address;
  PmAddressScope scope;
} cases[] = {
  { "8.8.8.8", PM_SCOPE_GLOBAL },
  { "172.15.255.255", PM_SCOPE_GLOBAL },
  { "172.16.0.0", PM_SCOPE_PRIVATE },
  { "172.31.255.255", PM_SCOPE_PRIVATE },
  { "172.32.0.0", PM_SCOPE_GLOBAL },
  { "10.255.0.1", PM_SCOPE_PRIVATE },
  { "192.168.1.1", PM_SCOPE_PRIVATE },
  { "100.63.255.255", PM_SCOPE_GLOBAL },
  { "100.64.0.1", PM_SCOPE_PRIVATE },
  { "169.254.1.1", PM_SCOPE_PRIVATE },
  { "127.0.0.1", PM_SCOPE_LOOPBACK },
  { "127.0.1.1", PM_SCOPE_LOOPBACK },
  { "0.0.0.0", PM_SCOPE_LOOPBACK },
  { "192.0.2.1", PM_SCOPE_RESERVED },
  { "198.51.100.7", PM_SCOPE_RESERVED },
  { "224.0.0.1", PM_SCOPE_RESERVED },
  { "255.255.255.255", PM_SCOPE_RESERVED },
  { "::", PM_SCOPE_LOOPBACK },
  { "::1", PM_SCOPE_LOOPBACK },
  { "::2", PM_SCOPE_GLOBAL },
  { "::ffff:10.0.0.1", PM_SCOPE_PRIVATE },
  { "fd00::1", PM_SCOPE_PRIVATE },
  { "fe80::1", PM_SCOPE_PRIVATE },
  { "2001:db8::1", PM_SCOPE_RESERVED },
  { "2001:4860:4860::8888", PM_SCOPE_GLOBAL },
  { "ff02::1", PM_SCOPE_RESERVED },
};

static void
test_scopes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (cases[i].address);

      g_test_message ("%s", cases[i].address);
      g_assert_cmpint (pm_address_scope (address), ==, cases[i].scope);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/check/address-scope", test_scopes);
  return g_test_run ();
}
