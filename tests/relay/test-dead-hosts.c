// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-dead-hosts.h"

#define SECOND ((gint64) G_USEC_PER_SEC)
#define START (1000000 * SECOND)

static void
fail (PmDeadHosts *hosts, GInetAddress *address, gint64 now)
{
  pm_dead_hosts_note_failure (hosts, address, 25, now, G_MAXINT64);
}

/* One minute, then twice as long, a quarter of an hour in the end; one answer forgives it all. */
static void
test_grows (void)
{
  static const int periods[] = { 60, 120, 240, 480, 900, 900 };
  g_autoptr (PmDeadHosts) hosts = pm_dead_hosts_new ();
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string ("192.0.2.1");
  gint64 now = START;

  g_assert_cmpint (pm_dead_hosts_get (hosts, address, 25, now), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (periods); i++)
    {
      fail (hosts, address, now);
      // Those that were under way at the same time are one failure with it.
      fail (hosts, address, now + SECOND);
      g_assert_cmpint (pm_dead_hosts_get (hosts, address, 25, now), ==, now + periods[i] * SECOND);
      now += periods[i] * SECOND;
      g_assert_cmpint (pm_dead_hosts_get (hosts, address, 25, now - 1), ==, now);
      g_assert_cmpint (pm_dead_hosts_get (hosts, address, 25, now), ==, 0);
    }
  pm_dead_hosts_note_answer (hosts, address, 25);
  g_assert_cmpuint (pm_dead_hosts_count (hosts), ==, 0);
  fail (hosts, address, now);
  g_assert_cmpint (pm_dead_hosts_get (hosts, address, 25, now), ==, now + 60 * SECOND);
}

static void
test_apart (void)
{
  g_autoptr (PmDeadHosts) hosts = pm_dead_hosts_new ();
  g_autoptr (GInetAddress) four = g_inet_address_new_from_string ("192.0.2.1");
  g_autoptr (GInetAddress) six = g_inet_address_new_from_string ("2001:db8::1");

  fail (hosts, six, START);
  g_assert_cmpint (pm_dead_hosts_get (hosts, six, 25, START), !=, 0);
  g_assert_cmpint (pm_dead_hosts_get (hosts, six, 587, START), ==, 0);
  g_assert_cmpint (pm_dead_hosts_get (hosts, four, 25, START), ==, 0);

  // The site's own patience is shorter; and a clock that was set back makes nobody wait for ever.
  pm_dead_hosts_note_failure (hosts, four, 25, START, 2 * SECOND);
  g_assert_cmpint (pm_dead_hosts_get (hosts, four, 25, START), ==, START + 2 * SECOND);
  g_assert_cmpint (pm_dead_hosts_get (hosts, six, 25, START - 86400 * SECOND), ==, 0);

  pm_dead_hosts_clear (hosts);
  g_assert_cmpint (pm_dead_hosts_get (hosts, six, 25, START), ==, 0);
}

static void
test_bound (void)
{
  g_autoptr (PmDeadHosts) hosts = pm_dead_hosts_new ();

  for (guint32 i = 0; i < PM_DEAD_HOSTS_MAX + 100; i++)
    {
      g_autoptr (GInetAddress) address =
          g_inet_address_new_from_bytes ((const guint8 *) &i, G_SOCKET_FAMILY_IPV4);

      fail (hosts, address, START);
      g_assert_cmpuint (pm_dead_hosts_count (hosts), <=, PM_DEAD_HOSTS_MAX);
      g_assert_cmpint (pm_dead_hosts_get (hosts, address, 25, START), !=, 0);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dead-hosts/grows", test_grows);
  g_test_add_func ("/dead-hosts/apart", test_apart);
  g_test_add_func ("/dead-hosts/bound", test_bound);
  return g_test_run ();
}
