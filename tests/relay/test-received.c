// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-received.h"
#include "relay/pm-submission.h"

#include <string.h>

static void
test_protocols (void)
{
  const PmTlsInfo tls = { .protocol = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384", .bits = 256 };
  struct
  {
    gboolean extended;
    gboolean utf8;
    gboolean authenticated;
    gboolean tls;
    const char *expected;
  } cases[] = {
    { FALSE, FALSE, FALSE, FALSE, " with SMTP id " },
    { TRUE, FALSE, FALSE, FALSE, " with ESMTP id " },
    { TRUE, FALSE, FALSE, TRUE, " with ESMTPS id " },
    { TRUE, FALSE, TRUE, FALSE, " with ESMTPA id " },
    { TRUE, FALSE, TRUE, TRUE, " with ESMTPSA id " },
    { TRUE, TRUE, FALSE, FALSE, " with UTF8SMTP id " },
    { TRUE, TRUE, FALSE, TRUE, " with UTF8SMTPS id " },
    { TRUE, TRUE, TRUE, TRUE, " with UTF8SMTPSA id " },
  };
  g_autoptr (GInetAddress) client = g_inet_address_new_from_string ("192.0.2.1");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      PmReceived received = {
        .hello = "c.example",
        .extended = cases[i].extended,
        .utf8 = cases[i].utf8,
        .authenticated = cases[i].authenticated,
        .tls = cases[i].tls ? &tls : NULL,
        .client = client,
        .host = "mail.example.com",
        .id = 42,
      };
      g_autofree char *field = pm_received_to_string (&received);

      g_assert_nonnull (strstr (field, cases[i].expected));
      g_assert_cmpint (cases[i].tls, ==,
                       strstr (field, "\r\n\t(TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
                                      "(256 bits))\r\n") != NULL);
    }
}

static void
test_whole (void)
{
  g_autoptr (GInetAddress) client = g_inet_address_new_from_string ("2001:db8::1");
  PmReceived received = {
    .hello = "evil\r\nX: y (",
    .extended = TRUE,
    .client = client,
    .host = "mail.example.com",
    .id = 42,
    .recipient = "r@example.com",
    .time = 1700000000 * G_TIME_SPAN_SECOND,
  };
  g_autofree char *field = pm_received_to_string (&received);
  g_autofree char *several = NULL;

  g_assert_cmpstr (field, ==,
                   "Received: from evil??X:?y?? ([IPv6:2001:db8::1])\r\n"
                   "\tby mail.example.com (Pointsman) with ESMTP id 42\r\n"
                   "\tfor <r@example.com>;\r\n"
                   "\tTue, 14 Nov 2023 22:13:20 +0000\r\n");
  received = (PmReceived){ .client = client, .host = "mail.example.com", .id = 42 };
  several = pm_received_to_string (&received);
  g_assert_cmpstr (several, ==,
                   "Received: from unknown ([IPv6:2001:db8::1])\r\n"
                   "\tby mail.example.com (Pointsman) with SMTP id 42;\r\n"
                   "\tThu, 1 Jan 1970 00:00:00 +0000\r\n");
}

static void
test_submission (void)
{
  struct
  {
    const char *header;
    const char *expected;
  } cases[] = {
    { "Subject: x\r\n", "Date: Thu, 1 Jan 1970 00:00:01 +0000\r\n"
                        "Message-ID: <1000000.42@mail.example.com>\r\n" },
    { "date: x\r\n", "Message-ID: <1000000.42@mail.example.com>\r\n" },
    { "MESSAGE-ID: x\r\n", "Date: Thu, 1 Jan 1970 00:00:01 +0000\r\n" },
    { "Date: x\r\nMessage-Id: y\r\n", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (PmHeaderSection) section = { 0 };
      g_autofree char *added = NULL;

      pm_header_section_feed (&section, (const guint8 *) cases[i].header,
                              strlen (cases[i].header));
      pm_header_section_finish (&section);
      added = pm_submission_add_fields (&section, G_TIME_SPAN_SECOND, 42, "mail.example.com");
      g_assert_cmpstr (added, ==, cases[i].expected);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/received/protocols", test_protocols);
  g_test_add_func ("/received/whole", test_whole);
  g_test_add_func ("/received/submission", test_submission);
  return g_test_run ();
}
