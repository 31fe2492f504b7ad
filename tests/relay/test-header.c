// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-header.h"

#include <string.h>

static void
test_has (void)
{
  static const char text[] = "Delivered-To: a@example.com\r\nX: y\r\n\r\n"
                             "Delivered-To: b@example.com\r\n";
  const guint8 *bytes = (const guint8 *) text;

  g_assert_cmpuint (pm_header_size (bytes, strlen (text)), ==, 35);
  g_assert_cmpuint (pm_header_size ((const guint8 *) "a: b", 4), ==, 4);
  g_assert_cmpuint (pm_header_size ((const guint8 *) "\r\nx", 3), ==, 0);
  g_assert_true (pm_header_has (bytes, strlen (text), "delivered-to", "A@example.com"));
  g_assert_false (pm_header_has (bytes, strlen (text), "Delivered-To", "a@example.co"));
  g_assert_false (pm_header_has (bytes, strlen (text), "Delivered-To", "b@example.com"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/header/has", test_has);
  return g_test_run ();
}
