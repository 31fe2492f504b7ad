// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who wins: one row per decision. DNS is zone text; the MTA-STS policies lie on disk already, under
// the id that the zone announces, so that nobody has to be asked for them.

#include "relay/pm-tls-policy.h"

#include <glib/gstdio.h>
#include <string.h>

#include "dns/pm-fake-resolver.h"
#include "net/pm-tls.h"

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char zone[] =
    // A host with DANE, one whose zone is secure without it, one without DNSSEC.
    "dane.example 60 A 192.0.2.1\n"
    "dane.example ! secure\n"
    "_25._tcp.dane.example 60 TLSA 3 1 1 " KEY "\n"
    "_25._tcp.dane.example 60 TLSA 1 1 1 " KEY "\n"
    "_25._tcp.dane.example ! secure\n"
    "secure.example 60 AAAA 2001:db8::1\n"
    "secure.example ! secure\n"
    "plain.example 60 A 192.0.2.3\n"
    "_25._tcp.plain.example 60 TLSA 3 1 1 " KEY "\n"
    "_25._tcp.plain.example ! secure\n"
    "unsigned.example 60 A 192.0.2.4\n"
    "unsigned.example ! secure\n"
    "_25._tcp.unsigned.example 60 TLSA 3 1 1 " KEY "\n"
    "unusable.example 60 A 192.0.2.5\n"
    "unusable.example ! secure\n"
    "_25._tcp.unusable.example 60 TLSA 1 1 1 " KEY "\n"
    "_25._tcp.unusable.example 60 TLSA 3 1 1 0123\n"
    "_25._tcp.unusable.example ! secure\n"
    "bogus.example 60 A 192.0.2.6\n"
    "bogus.example ! secure\n"
    "_25._tcp.bogus.example ! bogus\n"
    "silent.example 60 A 192.0.2.6\n"
    "silent.example ! secure\n"
    "_25._tcp.silent.example ! timeout\n"
    "lost.example ! servfail\n"
    // An alias whose records stand where it leads, and one whose stand under its own name.
    "alias.example 60 CNAME dane.example\n"
    "alias.example ! secure\n"
    "own.example 60 CNAME secure.example\n"
    "own.example ! secure\n"
    "_25._tcp.own.example 60 TLSA 2 0 1 " KEY "\n"
    "_25._tcp.own.example ! secure\n"
    "_mta-sts.enforce.example 60 TXT \"v=STSv1; id=1;\"\n"
    "_mta-sts.testing.example 60 TXT \"v=STSv1; id=1;\"\n"
    "_mta-sts.none.example 60 TXT \"v=STSv1; id=1;\"\n"
    // Announced no more: what was fetched still holds.
    "withdrawn.example 60 TXT \"x\"\n";

typedef struct
{
  const char *name;
  PmTlsPolicyQuery query;
  PmTlsLevel level;
  PmTlsSource source;
  const char *names;
  gboolean permanent;
} Row;

// A row's own fields override the usual ones.
#pragma GCC diagnostic ignored "-Woverride-init"

#define MX(d, h, ...)                                                                      \
  {                                                                                        \
    .domain = d, .mx_host = h, .by_mx = TRUE, .port = 25, .hop_tls = PM_TLS_OPPORTUNISTIC, \
    .domain_tls = PM_TLS_OPPORTUNISTIC, .use_dane = TRUE, .use_mta_sts = TRUE, __VA_ARGS__ \
  }
#define SECURE .mx_secure = TRUE
#define DOMAIN_TLS(t) .domain_tls = t
#define HOP_TLS(t) .by_mx = FALSE, .mx_secure = TRUE, .hop_tls = t

static const Row rows[] = {
  { "nothing", MX ("d.example", "plain.example", SECURE), PM_TLS_LEVEL_OPPORTUNISTIC,
    PM_TLS_SOURCE_DEFAULT, "", FALSE },
  // The site.
  { "site-none", MX ("enforce.example", "dane.example", SECURE, DOMAIN_TLS (PM_TLS_NONE)),
    PM_TLS_LEVEL_NONE, PM_TLS_SOURCE_SITE, "", FALSE },
  { "site-required", MX ("enforce.example", "dane.example", SECURE, DOMAIN_TLS (PM_TLS_REQUIRED)),
    PM_TLS_LEVEL_REQUIRED, PM_TLS_SOURCE_SITE, "", FALSE },
  { "site-verify", MX ("d.example", "dane.example", SECURE, DOMAIN_TLS (PM_TLS_VERIFY)),
    PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_SITE, "dane.example d.example", FALSE },
  { "site-verify-optional",
    MX ("d.example", "dane.example", DOMAIN_TLS (PM_TLS_VERIFY), .tls_optional = TRUE),
    PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_SITE, "dane.example d.example", FALSE },
  { "host-before-domain",
    MX ("d.example", "relay.example", HOP_TLS (PM_TLS_NONE), DOMAIN_TLS (PM_TLS_VERIFY)),
    PM_TLS_LEVEL_NONE, PM_TLS_SOURCE_SITE, "", FALSE },
  { "host-verify", MX ("relay.example", "relay.example", HOP_TLS (PM_TLS_VERIFY)),
    PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_SITE, "relay.example", FALSE },
  // The message.
  { "requiretls-site-none",
    MX ("d.example", "plain.example", DOMAIN_TLS (PM_TLS_NONE), .require_tls = TRUE),
    PM_TLS_LEVEL_REFUSED, PM_TLS_SOURCE_SITE, "", TRUE },
  { "requiretls-insecure-mx", MX ("d.example", "plain.example", .require_tls = TRUE),
    PM_TLS_LEVEL_REFUSED, PM_TLS_SOURCE_MESSAGE, "", TRUE },
  { "requiretls-secure-mx", MX ("d.example", "plain.example", SECURE, .require_tls = TRUE),
    PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_MESSAGE, "plain.example", FALSE },
  { "requiretls-host", MX ("d.example", "10.0.0.1", HOP_TLS (PM_TLS_REQUIRED), .require_tls = TRUE),
    PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_MESSAGE, "10.0.0.1", FALSE },
  { "requiretls-dane", MX ("d.example", "dane.example", SECURE, .require_tls = TRUE),
    PM_TLS_LEVEL_DANE, PM_TLS_SOURCE_DANE, "dane.example d.example", FALSE },
  { "requiretls-mta-sts", MX ("enforce.example", "mx.enforce.example", .require_tls = TRUE),
    PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_MTA_STS, "mx.enforce.example", FALSE },
  { "requiretls-testing", MX ("testing.example", "mx.testing.example", .require_tls = TRUE),
    PM_TLS_LEVEL_REFUSED, PM_TLS_SOURCE_MESSAGE, "", TRUE },
  { "requiretls-unusable", MX ("d.example", "unusable.example", SECURE, .require_tls = TRUE),
    PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_MESSAGE, "unusable.example", FALSE },
  { "optional-dane", MX ("d.example", "dane.example", SECURE, .tls_optional = TRUE),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_MESSAGE, "", FALSE },
  { "optional-mta-sts", MX ("enforce.example", "other.example", .tls_optional = TRUE),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_MESSAGE, "", FALSE },
  { "optional-and-required",
    MX ("d.example", "dane.example", SECURE, .tls_optional = TRUE, .require_tls = TRUE),
    PM_TLS_LEVEL_DANE, PM_TLS_SOURCE_DANE, "dane.example d.example", FALSE },
  // DANE.
  { "dane", MX ("d.example", "dane.example", SECURE), PM_TLS_LEVEL_DANE, PM_TLS_SOURCE_DANE,
    "dane.example d.example", FALSE },
  { "dane-insecure-mx", MX ("d.example", "dane.example"), PM_TLS_LEVEL_OPPORTUNISTIC,
    PM_TLS_SOURCE_DEFAULT, "", FALSE },
  { "dane-off", MX ("d.example", "dane.example", SECURE, .use_dane = FALSE),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_DEFAULT, "", FALSE },
  { "dane-no-records", MX ("d.example", "secure.example", SECURE), PM_TLS_LEVEL_OPPORTUNISTIC,
    PM_TLS_SOURCE_DEFAULT, "", FALSE },
  { "dane-insecure-address", MX ("d.example", "plain.example", SECURE),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_DEFAULT, "", FALSE },
  { "dane-insecure-tlsa", MX ("d.example", "unsigned.example", SECURE),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_DEFAULT, "", FALSE },
  { "dane-unusable", MX ("d.example", "unusable.example", SECURE), PM_TLS_LEVEL_REQUIRED,
    PM_TLS_SOURCE_DANE, "", FALSE },
  { "dane-bogus", MX ("d.example", "bogus.example", SECURE), PM_TLS_LEVEL_REFUSED,
    PM_TLS_SOURCE_DANE, "", FALSE },
  { "dane-time-out", MX ("d.example", "silent.example", SECURE), PM_TLS_LEVEL_REFUSED,
    PM_TLS_SOURCE_DANE, "", FALSE },
  { "dane-no-address", MX ("d.example", "lost.example", SECURE), PM_TLS_LEVEL_REFUSED,
    PM_TLS_SOURCE_DANE, "", FALSE },
  { "dane-alias", MX ("d.example", "alias.example", SECURE), PM_TLS_LEVEL_DANE,
    PM_TLS_SOURCE_DANE, "dane.example alias.example d.example", FALSE },
  { "dane-alias-own", MX ("d.example", "own.example", SECURE), PM_TLS_LEVEL_DANE,
    PM_TLS_SOURCE_DANE, "own.example d.example", FALSE },
  { "dane-other-port", MX ("d.example", "dane.example", SECURE, .port = 587),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_DEFAULT, "", FALSE },
  { "dane-host-of-site", MX ("d.example", "dane.example", HOP_TLS (PM_TLS_OPPORTUNISTIC)),
    PM_TLS_LEVEL_DANE, PM_TLS_SOURCE_DANE, "dane.example", FALSE },
  { "dane-address", MX ("d.example", "192.0.2.1", HOP_TLS (PM_TLS_OPPORTUNISTIC)),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_DEFAULT, "", FALSE },
  { "dane-before-mta-sts", MX ("enforce.example", "dane.example", SECURE), PM_TLS_LEVEL_DANE,
    PM_TLS_SOURCE_DANE, "dane.example enforce.example", FALSE },
  // MTA-STS.
  { "mta-sts", MX ("enforce.example", "mx.enforce.example"), PM_TLS_LEVEL_VERIFY,
    PM_TLS_SOURCE_MTA_STS, "mx.enforce.example", FALSE },
  { "mta-sts-secure-mx", MX ("enforce.example", "mx.enforce.example", SECURE), PM_TLS_LEVEL_VERIFY,
    PM_TLS_SOURCE_MTA_STS, "mx.enforce.example", FALSE },
  { "mta-sts-other-host", MX ("enforce.example", "plain.example"), PM_TLS_LEVEL_REFUSED,
    PM_TLS_SOURCE_MTA_STS, "", FALSE },
  // Whoever gets our password must prove who it is.
  { "login", MX ("d.example", "relay.example", .by_mx = FALSE, .login = TRUE), PM_TLS_LEVEL_VERIFY,
    PM_TLS_SOURCE_SITE, "relay.example", FALSE },
  { "login-insecure-mx", MX ("none.example", "plain.example", .login = TRUE), PM_TLS_LEVEL_VERIFY,
    PM_TLS_SOURCE_SITE, "none.example", FALSE },
  { "login-verify-insecure-mx",
    MX ("d.example", "plain.example", DOMAIN_TLS (PM_TLS_VERIFY), .login = TRUE),
    PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_SITE, "d.example", FALSE },
  { "login-verify-secure-mx",
    MX ("d.example", "plain.example", SECURE, DOMAIN_TLS (PM_TLS_VERIFY), .login = TRUE),
    PM_TLS_LEVEL_VERIFY, PM_TLS_SOURCE_SITE, "plain.example d.example", FALSE },
  { "login-in-clear", MX ("d.example", "relay.example", HOP_TLS (PM_TLS_NONE), .login = TRUE),
    PM_TLS_LEVEL_REFUSED, PM_TLS_SOURCE_SITE, "relay.example", FALSE },
  { "mta-sts-testing", MX ("testing.example", "mx.testing.example"), PM_TLS_LEVEL_OPPORTUNISTIC,
    PM_TLS_SOURCE_MTA_STS, "mx.testing.example", FALSE },
  { "mta-sts-testing-other-host", MX ("testing.example", "plain.example"),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_MTA_STS, "plain.example", FALSE },
  { "mta-sts-none", MX ("none.example", "plain.example"), PM_TLS_LEVEL_OPPORTUNISTIC,
    PM_TLS_SOURCE_DEFAULT, "", FALSE },
  { "mta-sts-withdrawn", MX ("withdrawn.example", "mx.withdrawn.example"), PM_TLS_LEVEL_VERIFY,
    PM_TLS_SOURCE_MTA_STS, "mx.withdrawn.example", FALSE },
  { "mta-sts-off", MX ("enforce.example", "plain.example", .use_mta_sts = FALSE),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_DEFAULT, "", FALSE },
  { "mta-sts-host-of-site", MX ("enforce.example", "relay.example", HOP_TLS (PM_TLS_OPPORTUNISTIC)),
    PM_TLS_LEVEL_OPPORTUNISTIC, PM_TLS_SOURCE_DEFAULT, "", FALSE },
};

static char *directory;

static void
write_policy (const char *domain, const char *mode)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.sts", directory, domain);
  g_autofree char *text = g_strdup_printf (
      "1 1000000\nversion: STSv1\nmode: %s\nmx: *.%s\nmax_age: 86400\n", mode, domain);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
clean (void)
{
  static const char *const domains[] = { "enforce", "testing", "none", "withdrawn" };

  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s.example.sts", directory, domains[i]);

      g_unlink (path);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
keep_result_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  g_autoptr (PmClock) clock = pm_clock_new_manual (G_TIME_SPAN_HOUR);
  PmMtaStsOptions options = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (PmMtaSts) mta_sts = NULL;
  g_autoptr (PmTlsPolicyStore) store = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (PmTlsPolicy) policy = NULL;
  g_autofree char *names = NULL;

  directory = g_dir_make_tmp ("pm-policy-XXXXXX", NULL);
  options.directory = directory;
  write_policy ("enforce.example", "enforce");
  write_policy ("testing.example", "testing");
  write_policy ("none.example", "none");
  write_policy ("withdrawn.example", "enforce");
  mta_sts = pm_mta_sts_new (resolver, clock, &options, &error);
  g_assert_no_error (error);
  store = pm_tls_policy_store_new (resolver, mta_sts);
  pm_tls_policy_lookup_async (store, &row->query, NULL, keep_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  policy = pm_tls_policy_lookup_finish (store, result, &error);
  g_assert_no_error (error);

  g_test_message ("%s: %s", pm_tls_level_to_string (policy->level), policy->reason);
  g_assert_cmpstr (pm_tls_level_to_string (policy->level), ==,
                   pm_tls_level_to_string (row->level));
  g_assert_cmpint ((int) policy->source, ==, (int) row->source);
  g_assert_cmpint (policy->permanent, ==, row->permanent);
  g_ptr_array_add (policy->names, NULL);
  names = g_strjoinv (" ", (char **) policy->names->pdata);
  g_ptr_array_set_size (policy->names, (int) policy->names->len - 1);
  g_assert_cmpstr (names, ==, row->names);
  if (row->level == PM_TLS_LEVEL_DANE)
    g_assert_cmpuint (policy->tlsa->len, ==, 1);
  else
    g_assert_null (policy->tlsa);
  clean ();
  g_clear_pointer (&directory, g_free);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/relay/tls-policy/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  return g_test_run ();
}
