// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Answers that DNSSEC vouches for, and answers that it catches: a real name server with a zone that
// the test signs itself, and a resolver that trusts the zone's key.

#include <glib/gstdio.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

#include "base/pm-error.h"
#include "dns/pm-dnssec-resolver.h"
#include "dns/pm-unbound-resolver.h"
#include "test-name-server.h"

#define ORIGIN "signed.example."
#define TIMEOUT 10000
#define KEY "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"

static const char text[] = "$ORIGIN " ORIGIN "\n"
                           "@ 3600 IN SOA ns hostmaster 1 3600 600 86400 300\n"
                           "@ 3600 IN NS ns\n"
                           "@ 3600 IN MX 10 mx\n"
                           "mx 3600 IN A 192.0.2.1\n"
                           "alias 3600 IN CNAME mx\n"
                           "_25._tcp.mx 3600 IN TLSA 3 1 1 " KEY "\n";

/* A root of its own, for who begins there. */
static const char root_text[] = "$ORIGIN .\n"
                                "@\t3600\tIN\tSOA\tns.example. host.example. 1 3600 600 86400 300\n"
                                "@ 3600 IN NS ns.example.\n"
                                "mx.example. 3600 IN A 192.0.2.1\n";

static ldns_key *
make_key (const char *origin)
{
  ldns_key *key = ldns_key_new_frm_algorithm (LDNS_SIGN_ECDSAP256SHA256, 256);
  ldns_rr *rr;

  g_assert_nonnull (key);
  ldns_key_set_pubkey_owner (key, ldns_dname_new_frm_str (origin));
  ldns_key_set_flags (key, LDNS_KEY_ZONE_KEY | LDNS_KEY_SEP_KEY);
  ldns_key_set_inception (key, (guint32) (g_get_real_time () / G_USEC_PER_SEC - 3600));
  ldns_key_set_expiration (key, (guint32) (g_get_real_time () / G_USEC_PER_SEC + 86400));
  rr = ldns_key2rr (key);
  ldns_key_set_keytag (key, ldns_calc_keytag (rr));
  ldns_rr_free (rr);
  return key;
}

static ldns_dnssec_zone *
read_zone (const char *zone_text, const ldns_rr *dnskey)
{
  FILE *file = fmemopen ((char *) zone_text, strlen (zone_text), "r");
  ldns_dnssec_zone *zone = ldns_dnssec_zone_new ();
  ldns_zone *plain = NULL;

  g_assert_cmpint (ldns_zone_new_frm_fp (&plain, file, NULL, 3600, LDNS_RR_CLASS_IN), ==,
                   LDNS_STATUS_OK);
  fclose (file);
  ldns_dnssec_zone_add_rr (zone, ldns_rr_clone (ldns_zone_soa (plain)));
  for (size_t i = 0; i < ldns_zone_rr_count (plain); i++)
    ldns_dnssec_zone_add_rr (zone,
                             ldns_rr_clone (ldns_rr_list_rr (ldns_zone_rrs (plain), i)));
  ldns_dnssec_zone_add_rr (zone, ldns_rr_clone (dnskey));
  ldns_zone_deep_free (plain);
  return zone;
}

/* The whole zone with its signatures; `anchor` gets the line of its key. */
static char *
sign (const char *origin, const char *zone_text, char **anchor)
{
  ldns_key *key = make_key (origin);
  ldns_rr *dnskey = ldns_key2rr (key);
  ldns_dnssec_zone *zone = read_zone (zone_text, dnskey);
  ldns_key_list *keys = ldns_key_list_new ();
  ldns_rr_list *added = ldns_rr_list_new ();
  char *line = ldns_rr2str (dnskey);
  char *memory = NULL;
  char *result;
  size_t size = 0;
  FILE *file = open_memstream (&memory, &size);

  ldns_key_list_push_key (keys, key);
  g_assert_cmpint (ldns_dnssec_zone_sign (zone, added, keys, ldns_dnssec_default_replace_signatures,
                                          NULL),
                   ==, LDNS_STATUS_OK);
  ldns_dnssec_zone_print (file, zone);
  fclose (file);
  result = g_strdup (memory);
  *anchor = g_strdup (line);
  free (memory);
  free (line);
  ldns_rr_free (dnskey);
  ldns_rr_list_free (added);
  ldns_key_list_free (keys);
  ldns_dnssec_zone_deep_free (zone);
  return result;
}

typedef struct
{
  TestNameServer *server;
  char *anchor; /* path */
  PmResolver *resolver;
} Fixture;

static void
set_up (Fixture *fixture, const char *forged)
{
  g_autofree char *line = NULL;
  g_autofree char *zone = sign (ORIGIN, text, &line);
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("pm-anchor-XXXXXX", &fixture->anchor, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (fixture->anchor, line, -1, NULL));
  if (forged != NULL)
    {
      g_auto (GStrv) parts = g_strsplit (zone, "192.0.2.1\n", 2);

      g_assert_cmpuint (g_strv_length (parts), ==, 2);
      g_free (zone);
      zone = g_strconcat (parts[0], forged, "\n", parts[1], NULL);
    }
  fixture->server = test_name_server_start (ORIGIN, zone);
  fixture->resolver = pm_unbound_resolver_new_validating (
      test_name_server_get_address (fixture->server), TIMEOUT, fixture->anchor, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture)
{
  g_object_unref (fixture->resolver);
  test_name_server_stop (fixture->server);
  g_unlink (fixture->anchor);
  g_free (fixture->anchor);
}

static void
check (Fixture *fixture, const char *name, PmDnsType type, PmDnsStatus status, gboolean secure)
{
  g_autoptr (PmDnsAnswer) answer = test_lookup (fixture->resolver, name, type);

  g_test_message ("%s: %s %s", name, pm_dns_status_to_string (answer->status),
                  answer->detail != NULL ? answer->detail : "");
  g_assert_cmpstr (pm_dns_status_to_string (answer->status), ==, pm_dns_status_to_string (status));
  g_assert_cmpint (answer->secure, ==, secure);
}

static void
test_secure (void)
{
  g_autoptr (PmDnsAnswer) tlsa = NULL;
  Fixture fixture;

  set_up (&fixture, NULL);
  check (&fixture, "signed.example", PM_DNS_MX, PM_DNS_OK, TRUE);
  check (&fixture, "mx.signed.example", PM_DNS_A, PM_DNS_OK, TRUE);
  check (&fixture, "alias.signed.example", PM_DNS_A, PM_DNS_OK, TRUE);
  check (&fixture, "mx.signed.example", PM_DNS_AAAA, PM_DNS_NODATA, TRUE);
  check (&fixture, "nobody.signed.example", PM_DNS_A, PM_DNS_NXDOMAIN, TRUE);
  tlsa = test_lookup (fixture.resolver, "_25._tcp.mx.signed.example", PM_DNS_TLSA);
  g_assert_true (tlsa->secure);
  g_assert_cmpuint (tlsa->records->len, ==, 1);
  g_assert_cmpint (g_ascii_strcasecmp (((PmDnsRecord *) g_ptr_array_index (tlsa->records, 0))->text,
                                       "3 1 1 " KEY),
                   ==, 0);
  tear_down (&fixture);
}

// One record is another one than was signed.
static void
test_forged (void)
{
  Fixture fixture;

  set_up (&fixture, "192.0.2.66");
  check (&fixture, "signed.example", PM_DNS_MX, PM_DNS_OK, TRUE);
  check (&fixture, "mx.signed.example", PM_DNS_A, PM_DNS_BOGUS, FALSE);
  check (&fixture, "alias.signed.example", PM_DNS_A, PM_DNS_BOGUS, FALSE);
  tear_down (&fixture);
}

// Who trusts no key is told nothing about it.
static void
test_without_anchor (void)
{
  Fixture fixture;

  set_up (&fixture, "192.0.2.66");
  g_object_unref (fixture.resolver);
  fixture.resolver = pm_unbound_resolver_new (test_name_server_get_address (fixture.server),
                                              TIMEOUT, NULL);
  check (&fixture, "mx.signed.example", PM_DNS_A, PM_DNS_OK, FALSE);
  tear_down (&fixture);
}

static void
test_unusable_anchor (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pm_unbound_resolver_new_validating (NULL, TIMEOUT, "/nonexistent", &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_clear_error (&error);
  g_assert_null (pm_unbound_resolver_new_validating (NULL, TIMEOUT, "/dev/null", &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
}

static void
changed_cb (gboolean *changed)
{
  *changed = TRUE;
}

/* A resolver that has found out whether it can validate, by the root's keys in @keys. */
static PmDnssecResolver *
probe (TestNameServer *server, const char *keys)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  PmDnssecResolver *resolver;
  gboolean changed = FALSE;
  int fd = g_file_open_tmp ("pm-root-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, keys, -1, NULL));
  resolver = pm_dnssec_resolver_new (test_name_server_get_address (server), TIMEOUT, path, &error);
  g_assert_no_error (error);
  g_assert_false (pm_dnssec_resolver_is_in_force (resolver)); // not before it is known
  g_signal_connect_swapped (resolver, "changed", G_CALLBACK (changed_cb), &changed);
  while (!changed)
    g_main_context_iteration (NULL, TRUE);
  g_signal_handlers_disconnect_by_data (resolver, &changed);
  g_unlink (path);
  return resolver;
}

static void
check_root (TestNameServer *server, const char *keys, gboolean in_force, PmDnsStatus status)
{
  g_autoptr (PmDnssecResolver) resolver = probe (server, keys);
  g_autoptr (PmDnsAnswer) answer = test_lookup (PM_RESOLVER (resolver), "mx.example", PM_DNS_A);
  g_autofree char *reason = pm_dnssec_resolver_dup_reason (resolver);

  g_test_message ("%s", reason);
  g_assert_cmpint (pm_dnssec_resolver_is_in_force (resolver), ==, in_force);
  g_assert_cmpint (strstr (reason, "does not pass on") == NULL, ==, in_force);
  g_assert_cmpstr (pm_dns_status_to_string (answer->status), ==, pm_dns_status_to_string (status));
  g_assert_cmpint (answer->secure, ==, in_force && status == PM_DNS_OK);
}

static void
test_root (void)
{
  g_autofree char *line = NULL;
  g_autofree char *zone = sign (".", root_text, &line);
  TestNameServer *server = test_name_server_start (".", zone);

  check_root (server, line, TRUE, PM_DNS_OK);
  test_name_server_stop (server);
}

// One record is another one than was signed: that is no fault of the name server.
static void
test_root_forged (void)
{
  g_autofree char *line = NULL;
  g_autofree char *zone = sign (".", root_text, &line);
  g_auto (GStrv) parts = g_strsplit (zone, "192.0.2.1\n", 2);
  g_autofree char *forged = g_strconcat (parts[0], "192.0.2.66\n", parts[1], NULL);
  TestNameServer *server = test_name_server_start (".", forged);

  check_root (server, line, TRUE, PM_DNS_BOGUS);
  test_name_server_stop (server);
}

// Signatures are stripped, or never were there: nothing fails for that.
static void
test_root_stripped (void)
{
  g_autofree char *line = NULL;
  g_autofree char *zone = sign (".", root_text, &line);
  TestNameServer *server = test_name_server_start (".", root_text);

  check_root (server, line, FALSE, PM_DNS_OK);
  test_name_server_stop (server);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/dnssec/unusable-anchor", test_unusable_anchor);
  if (!test_name_server_is_available ())
    {
      g_test_message ("nsd is not installed");
      return g_test_run ();
    }
  g_test_add_func ("/dns/dnssec/secure", test_secure);
  g_test_add_func ("/dns/dnssec/forged", test_forged);
  g_test_add_func ("/dns/dnssec/without-anchor", test_without_anchor);
  g_test_add_func ("/dns/dnssec/root", test_root);
  g_test_add_func ("/dns/dnssec/root-forged", test_root_forged);
  g_test_add_func ("/dns/dnssec/root-stripped", test_root_stripped);
  return g_test_run ();
}
