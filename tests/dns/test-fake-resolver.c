// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "dns/pm-fake-resolver.h"

#include "test-name-server.h"

static const char zone[] = "; a comment\n"
                           "example.com 3600 MX 10 MX1.Example.COM.\n"
                           "example.com 3600 MX 20 mx2.example.com.\n"
                           "mx1.example.com 300 A 192.0.2.10\n"
                           "alias.example.com 60 CNAME mx1.example.com.\n"
                           "loop.example.com 60 CNAME loop.example.com.\n"
                           "*.wild.example.com 60 A 192.0.2.99\n"
                           "there.wild.example.com 60 TXT \"hello \" \"world\"\n"
                           "broken.example.com ! servfail\n"
                           "slow.example.com ! timeout\n"
                           "forged.example.com ! bogus\n"
                           "silent.example.com ! silent\n";

typedef struct
{
  const char *name;
  PmDnsType type;
  PmDnsStatus status;
  guint records;
  const char *canonical;
} Case;

static const Case cases[] = {
  { "example.com", PM_DNS_MX, PM_DNS_OK, 2, NULL },
  { "EXAMPLE.com.", PM_DNS_MX, PM_DNS_OK, 2, NULL },
  { "example.com", PM_DNS_A, PM_DNS_NODATA, 0, NULL },
  { "nothing.example.com", PM_DNS_A, PM_DNS_NXDOMAIN, 0, NULL },
  { "com", PM_DNS_A, PM_DNS_NODATA, 0, NULL },
  { "alias.example.com", PM_DNS_A, PM_DNS_OK, 1, "mx1.example.com" },
  { "alias.example.com", PM_DNS_AAAA, PM_DNS_NODATA, 0, "mx1.example.com" },
  { "alias.example.com", PM_DNS_CNAME, PM_DNS_OK, 1, NULL },
  { "loop.example.com", PM_DNS_A, PM_DNS_SERVFAIL, 0, "loop.example.com" },
  { "any.wild.example.com", PM_DNS_A, PM_DNS_OK, 1, NULL },
  { "a.b.wild.example.com", PM_DNS_A, PM_DNS_OK, 1, NULL },
  { "there.wild.example.com", PM_DNS_A, PM_DNS_NODATA, 0, NULL },
  { "broken.example.com", PM_DNS_MX, PM_DNS_SERVFAIL, 0, NULL },
  { "slow.example.com", PM_DNS_MX, PM_DNS_TIMEOUT, 0, NULL },
  { "forged.example.com", PM_DNS_MX, PM_DNS_BOGUS, 0, NULL },
};

static void
test_answers (void)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, cases[i].name, cases[i].type);

      g_test_message ("%s %d", cases[i].name, cases[i].type);
      g_assert_cmpint (answer->status, ==, cases[i].status);
      g_assert_cmpuint (answer->records->len, ==, cases[i].records);
      g_assert_cmpstr (answer->canonical_name, ==, cases[i].canonical);
    }
}

static void
test_records (void)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  g_autoptr (PmDnsAnswer) mx = test_lookup (resolver, "example.com", PM_DNS_MX);
  g_autoptr (PmDnsAnswer) text = test_lookup (resolver, "there.wild.example.com", PM_DNS_TXT);
  const PmDnsRecord *record = g_ptr_array_index (mx->records, 0);

  g_assert_cmpuint (record->preference, ==, 10);
  g_assert_cmpuint (record->ttl, ==, 3600);
  g_assert_cmpstr (record->name, ==, "mx1.example.com");
  record = g_ptr_array_index (text->records, 0);
  g_assert_cmpstr (record->text, ==, "hello world");
}

static void
test_count (void)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  PmFakeResolver *fake = PM_FAKE_RESOLVER (resolver);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PmDnsAnswer) answer = test_lookup (resolver, "Example.com.", PM_DNS_MX);
    }
  g_assert_cmpuint (pm_fake_resolver_count_questions (fake, "example.com", PM_DNS_MX), ==, 2);
  g_assert_cmpuint (pm_fake_resolver_count_questions (fake, "example.com", PM_DNS_A), ==, 0);
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pm_resolver_lookup_finish (PM_RESOLVER (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  *(gboolean *) data = TRUE;
}

static void
test_cancel (void)
{
  static const char *const names[] = { "silent.example.com", "example.com" };
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      gboolean done = FALSE;

      pm_resolver_lookup_async (resolver, names[i], PM_DNS_MX, cancellable, cancelled_cb, &done);
      g_cancellable_cancel (cancellable);
      while (!done)
        g_main_context_iteration (NULL, TRUE);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/fake-resolver/answers", test_answers);
  g_test_add_func ("/dns/fake-resolver/records", test_records);
  g_test_add_func ("/dns/fake-resolver/count", test_count);
  g_test_add_func ("/dns/fake-resolver/cancel", test_cancel);
  return g_test_run ();
}
