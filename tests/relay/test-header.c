// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-header.h"

#include <string.h>

static void
test_scan (void)
{
  struct
  {
    const char *name;
    const char *text;
    guint expected;
  } cases[] = {
    { "none", "Subject: x\r\n\r\nReceived: in the body\r\n", 0 },
    { "one", "Received: a\r\nSubject: x\r\n\r\n", 1 },
    { "case and folding", "RECEIVED: a\r\n\tReceived: folded\r\nreceived:b\r\n\r\n", 2 },
    { "not at the start", "X-Received: a\r\nReceivedX: b\r\nReceive\r\nd: c\r\n\r\n", 0 },
    { "no body", "Received: a\r\nReceived: b", 2 },
    { "empty header", "\r\nReceived: a\r\n", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize step = 1; step < 20; step++)
      {
        PmHeaderScan scan = { 0 };
        gsize size = strlen (cases[i].text);

        for (gsize at = 0; at < size; at += step)
          pm_header_scan (&scan, (const guint8 *) cases[i].text + at, MIN (step, size - at));
        g_test_message ("%s, in pieces of %zu", cases[i].name, step);
        g_assert_cmpuint (scan.received, ==, cases[i].expected);
        pm_header_scan_clear (&scan);
      }
}

static void
test_scan_delivered (void)
{
  g_autofree char *long_value = g_strnfill (3 * PM_HEADER_MAX_DELIVERED, 'x');
  g_autofree char *long_line = g_strconcat ("Delivered-To: ", long_value, "\r\n"
                                                                          "Delivered-To: a@example.com\r\n\r\n",
                                            NULL);
  struct
  {
    const char *name;
    const char *text;
    gboolean expected;
  } cases[] = {
    { "none", "Subject: x\r\n\r\n", FALSE },
    { "in the body", "Subject: x\r\n\r\nDelivered-To: a@example.com\r\n", FALSE },
    { "it is", "Received: x\r\nDelivered-To: a@example.com\r\n\r\n", TRUE },
    { "case", "DELIVERED-TO: A@Example.Com\r\n\r\n", TRUE },
    { "second", "Delivered-To: b@example.com\r\nDelivered-To: a@example.com\r\n\r\n", TRUE },
    { "no body", "Delivered-To: a@example.com", TRUE },
    { "another", "Delivered-To: b@example.com\r\n\r\n", FALSE },
    { "longer", "Delivered-To: a@example.com.au\r\n\r\n", FALSE },
    { "another field", "X-Delivered-To: a@example.com\r\n\r\n", FALSE },
    { "folded into another", "X: y\r\n\tDelivered-To: a@example.com\r\n\r\n", FALSE },
    { "more than is kept", long_line, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize step = 1; step < 40; step++)
      {
        PmHeaderScan scan = { 0 };
        gsize size = strlen (cases[i].text);

        for (gsize at = 0; at < size; at += step)
          pm_header_scan (&scan, (const guint8 *) cases[i].text + at, MIN (step, size - at));
        g_test_message ("%s, in pieces of %zu", cases[i].name, step);
        g_assert_cmpint (pm_header_scan_was_delivered_to (&scan, "a@example.com"), ==,
                         cases[i].expected);
        g_assert_true (scan.delivered == NULL ||
                       scan.delivered->len <= 2 * PM_HEADER_MAX_DELIVERED + 1);
        pm_header_scan_clear (&scan);
      }
}

static void
test_received (void)
{
  g_autoptr (GInetAddress) client = g_inet_address_new_from_string ("2001:db8::1");
  g_autofree char *field = pm_header_received ("evil\r\nX: y (", TRUE, client, "mail.example.com",
                                               42, "r@example.com",
                                               1700000000 * G_TIME_SPAN_SECOND);
  g_autofree char *several =
      pm_header_received (NULL, FALSE, client, "mail.example.com", 42, NULL, 0);

  g_assert_cmpstr (field, ==,
                   "Received: from evil??X:?y?? ([IPv6:2001:db8::1])\r\n"
                   "\tby mail.example.com (Pointsman) with ESMTP id 42\r\n"
                   "\tfor <r@example.com>;\r\n"
                   "\tTue, 14 Nov 2023 22:13:20 +0000\r\n");
  g_assert_cmpstr (several, ==,
                   "Received: from unknown ([IPv6:2001:db8::1])\r\n"
                   "\tby mail.example.com (Pointsman) with SMTP id 42;\r\n"
                   "\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
}

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
  g_test_add_func ("/header/scan", test_scan);
  g_test_add_func ("/header/scan-delivered", test_scan_delivered);
  g_test_add_func ("/header/received", test_received);
  g_test_add_func ("/header/has", test_has);
  return g_test_run ();
}
