// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// TLS between two streams of ours: who is believed and who is not, which certificate is shown, and
// what it costs.

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pm-log.h"
#include "tls-wire.h"

typedef enum
{
  HOST_GOOD,
  HOST_EXPIRED,
  HOST_EARLY,
  HOST_OTHER_NAME,
  HOST_WILDCARD,
  HOST_COMMON_NAME,
  HOST_ADDRESS,
  HOST_SELF_SIGNED,
  HOST_STRANGER,
  N_HOSTS
} HostKind;

static TestIdentity *
make_host (HostKind kind, TlsFixture *fixture)
{
  g_autoptr (TestIdentity) stranger = NULL;

  switch (kind)
    {
    case HOST_EXPIRED:
      return test_identity_new ("mx", "mx.example.com", fixture->authority, -5, -1);
    case HOST_EARLY:
      return test_identity_new ("mx", "mx.example.com", fixture->authority, 1, 5);
    case HOST_OTHER_NAME:
      return test_identity_new ("mx", "mail.example.net", fixture->authority, -1, 5);
    case HOST_WILDCARD:
      return test_identity_new ("mx", "*.example.com", fixture->authority, -1, 5);
    case HOST_COMMON_NAME:
      return test_identity_new ("mx.example.com", "", fixture->authority, -1, 5);
    case HOST_ADDRESS:
      return test_identity_new ("mx", "192.0.2.7", fixture->authority, -1, 5);
    case HOST_SELF_SIGNED:
      return test_identity_new ("mx", "mx.example.com", NULL, -1, 5);
    case HOST_STRANGER:
      stranger = test_identity_new ("Stranger", NULL, NULL, -1, 5);
      return test_identity_new ("mx", "mx.example.com", stranger, -1, 5);
    case HOST_GOOD:
    case N_HOSTS:
    default:
      return test_identity_new ("mx", "mx.example.com", fixture->authority, -1, 5);
    }
}

typedef struct
{
  const char *name;
  HostKind kind;
  PmTlsVerify verify;
  const char *wanted; /* a name that is asked for */
  int code;           /* of PM_TLS_ERROR, or -1 */
  const char *says;
} NameCase;

static const NameCase name_cases[] = {
  { "good", HOST_GOOD, PM_TLS_VERIFY_NAMES, "mx.example.com", -1, NULL },
  { "good-other-case", HOST_GOOD, PM_TLS_VERIFY_NAMES, "MX.Example.COM", -1, NULL },
  { "expired", HOST_EXPIRED, PM_TLS_VERIFY_NAMES, "mx.example.com", PM_TLS_ERROR_EXPIRED,
    "The host's certificate expired on 20" },
  { "early", HOST_EARLY, PM_TLS_VERIFY_NAMES, "mx.example.com", PM_TLS_ERROR_EXPIRED,
    "The host's certificate is not valid before 20" },
  { "other-name", HOST_OTHER_NAME, PM_TLS_VERIFY_NAMES, "mx.example.com", PM_TLS_ERROR_NAME,
    "The host's certificate is for mail.example.net, not mx.example.com" },
  { "wildcard", HOST_WILDCARD, PM_TLS_VERIFY_NAMES, "mx.example.com", -1, NULL },
  { "wildcard-two-labels", HOST_WILDCARD, PM_TLS_VERIFY_NAMES, "a.mx.example.com",
    PM_TLS_ERROR_NAME, "is for *.example.com, not a.mx.example.com" },
  { "wildcard-no-label", HOST_WILDCARD, PM_TLS_VERIFY_NAMES, "example.com", PM_TLS_ERROR_NAME,
    "is for *.example.com, not example.com" },
  { "common-name-only", HOST_COMMON_NAME, PM_TLS_VERIFY_NAMES, "mx.example.com",
    PM_TLS_ERROR_NAME, "is for no name at all, not mx.example.com" },
  { "address", HOST_ADDRESS, PM_TLS_VERIFY_NAMES, "192.0.2.7", -1, NULL },
  { "other-address", HOST_ADDRESS, PM_TLS_VERIFY_NAMES, "192.0.2.8", PM_TLS_ERROR_NAME,
    "is for (an address), not 192.0.2.8" },
  { "self-signed", HOST_SELF_SIGNED, PM_TLS_VERIFY_NAMES, "mx.example.com",
    PM_TLS_ERROR_UNTRUSTED, "self-signed" },
  { "stranger", HOST_STRANGER, PM_TLS_VERIFY_NAMES, "mx.example.com", PM_TLS_ERROR_UNTRUSTED,
    "leads to “CN=" },
  { "no-names-asked", HOST_GOOD, PM_TLS_VERIFY_NAMES, NULL, PM_TLS_ERROR_NAME, "not " },
  { "opaque-expired", HOST_EXPIRED, PM_TLS_VERIFY_OPAQUE, NULL, -1, NULL },
  { "opaque-self-signed", HOST_SELF_SIGNED, PM_TLS_VERIFY_OPAQUE, NULL, -1, NULL },
};

static void
check_outcome (End *server, End *client, int code, const char *says)
{
  if (code < 0)
    {
      g_assert_no_error (client->error);
      end_send (client, "EHLO a\r\n");
      end_send (server, "220 b\r\n");
      turn_until_size (&server->received->len, 8);
      turn_until_size (&client->received->len, 7);
      g_assert_cmpstr (server->received->str, ==, "EHLO a\r\n");
      g_assert_cmpstr (client->received->str, ==, "220 b\r\n");
      return;
    }
  g_assert_cmpuint (client->secured, ==, 0);
  g_assert_error (client->error, PM_TLS_ERROR, code);
  if (strstr (client->error->message, says) == NULL)
    g_error ("“%s” does not say “%s”", client->error->message, says);
  turn_until (&server->failed, 1);
}

static void
test_names (gconstpointer data)
{
  const NameCase *row = data;
  TlsFixture fixture;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  PmTlsClientConfig config = { "mx.example.com", row->verify, names };
  g_autoptr (TestIdentity) host = NULL;
  End server;
  End client;

  tls_fixture_init (&fixture);
  host = make_host (row->kind, &fixture);
  pm_tls_server_unref (fixture.server);
  // One that signs for itself brings nobody else along.
  fixture.server = tls_fixture_server_for (&fixture, host, "tried");
  if (row->kind == HOST_SELF_SIGNED)
    {
      g_autofree char *chain = tls_fixture_path (&fixture, "alone.pem");
      g_autofree char *key = tls_fixture_path (&fixture, "alone.key");

      test_identity_write (host, NULL, fixture.directory, "alone");
      pm_tls_server_unref (fixture.server);
      fixture.server = pm_tls_server_new (NULL);
      g_assert_true (pm_tls_server_add (fixture.server, chain, key, NULL));
    }
  if (row->wanted != NULL)
    g_ptr_array_add (names, (gpointer) row->wanted);
  config.trust = fixture.trust;

  shake_hands (&server, &client, &fixture, &config);
  check_outcome (&server, &client, row->code, row->says);
  if (row->code < 0)
    {
      g_assert_cmpstr (client.info.protocol, ==, "TLSv1.3");
      g_assert_cmpint (client.info.bits, >=, 128);
      g_assert_true (g_str_has_prefix (client.info.cipher, "TLS_"));
      g_assert_cmpint (client.info.verified, ==, row->verify != PM_TLS_VERIFY_OPAQUE);
      g_assert_cmpstr (server.info.server_name, ==, "mx.example.com");
      g_assert_null (client.info.verify_error);
    }
  end_clear (&server);
  end_clear (&client);
  tls_fixture_clear (&fixture);
}

typedef enum
{
  OF_HOST,
  OF_AUTHORITY,
  OF_STRANGER,
} TlsaOf;

typedef struct
{
  const char *name;
  HostKind kind;
  guint8 usage, selector, matching;
  TlsaOf of;
  const char *wanted;
  int code;
} TlsaCase;

static const TlsaCase tlsa_cases[] = {
  { "3-0-0", HOST_GOOD, 3, 0, 0, OF_HOST, "mx.example.com", -1 },
  { "3-0-1", HOST_GOOD, 3, 0, 1, OF_HOST, "mx.example.com", -1 },
  { "3-0-2", HOST_GOOD, 3, 0, 2, OF_HOST, "mx.example.com", -1 },
  { "3-1-0", HOST_GOOD, 3, 1, 0, OF_HOST, "mx.example.com", -1 },
  { "3-1-1", HOST_GOOD, 3, 1, 1, OF_HOST, "mx.example.com", -1 },
  { "3-1-2", HOST_GOOD, 3, 1, 2, OF_HOST, "mx.example.com", -1 },
  { "3-ignores-names", HOST_OTHER_NAME, 3, 1, 1, OF_HOST, "mx.example.com", -1 },
  { "3-ignores-dates", HOST_EXPIRED, 3, 1, 1, OF_HOST, "mx.example.com", -1 },
  { "3-self-signed", HOST_SELF_SIGNED, 3, 1, 1, OF_HOST, "mx.example.com", -1 },
  { "3-other-key", HOST_GOOD, 3, 1, 1, OF_STRANGER, "mx.example.com", PM_TLS_ERROR_TLSA },
  { "3-of-authority", HOST_GOOD, 3, 1, 1, OF_AUTHORITY, "mx.example.com", PM_TLS_ERROR_TLSA },
  { "2-0-0", HOST_GOOD, 2, 0, 0, OF_AUTHORITY, "mx.example.com", -1 },
  { "2-0-1", HOST_GOOD, 2, 0, 1, OF_AUTHORITY, "mx.example.com", -1 },
  { "2-1-1", HOST_GOOD, 2, 1, 1, OF_AUTHORITY, "mx.example.com", -1 },
  { "2-1-2", HOST_GOOD, 2, 1, 2, OF_AUTHORITY, "mx.example.com", -1 },
  { "2-checks-names", HOST_OTHER_NAME, 2, 1, 1, OF_AUTHORITY, "mx.example.com",
    PM_TLS_ERROR_NAME },
  { "2-checks-dates", HOST_EXPIRED, 2, 1, 1, OF_AUTHORITY, "mx.example.com",
    PM_TLS_ERROR_EXPIRED },
  { "2-other-authority", HOST_GOOD, 2, 1, 1, OF_STRANGER, "mx.example.com", PM_TLS_ERROR_TLSA },
  { "2-not-its-issuer", HOST_STRANGER, 2, 1, 1, OF_AUTHORITY, "mx.example.com", PM_TLS_ERROR_TLSA },
  { "2-0-0-not-its-issuer", HOST_STRANGER, 2, 0, 0, OF_AUTHORITY, "mx.example.com",
    PM_TLS_ERROR_UNTRUSTED },
  { "1-does-not-count", HOST_GOOD, 1, 1, 1, OF_HOST, "mx.example.com", PM_TLS_ERROR_TLSA },
  { "0-does-not-count", HOST_GOOD, 0, 1, 1, OF_AUTHORITY, "mx.example.com", PM_TLS_ERROR_TLSA },
  { "unknown-matching", HOST_GOOD, 3, 1, 3, OF_HOST, "mx.example.com", PM_TLS_ERROR_TLSA },
  { "unknown-selector", HOST_GOOD, 3, 2, 1, OF_HOST, "mx.example.com", PM_TLS_ERROR_TLSA },
};

static PmTlsa *
make_tlsa (const TlsaCase *row, const TestIdentity *of)
{
  g_autoptr (GBytes) all = row->selector == 0 ? test_identity_get_der (of)
                                              : test_identity_get_public_key (of);
  g_autoptr (GBytes) data = NULL;
  guint8 digest[64];

  if (row->matching == 0)
    data = g_bytes_ref (all);
  else
    {
      gnutls_hash_fast (row->matching == 2 ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256,
                        g_bytes_get_data (all, NULL), g_bytes_get_size (all), digest);
      data = g_bytes_new (digest, row->matching == 2 ? 64 : 32);
    }
  return pm_tlsa_new (row->usage, row->selector, row->matching, data);
}

static void
test_tlsa (gconstpointer data)
{
  const TlsaCase *row = data;
  TlsFixture fixture;
  g_autoptr (TestIdentity) host = NULL;
  g_autoptr (TestIdentity) stranger = test_identity_new ("Stranger", NULL, NULL, -1, 5);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GPtrArray) tlsa = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_tlsa_unref);
  PmTlsClientConfig config = { "mx.example.com", PM_TLS_VERIFY_DANE, names, tlsa };
  End server;
  End client;

  tls_fixture_init (&fixture);
  host = make_host (row->kind, &fixture);
  pm_tls_server_unref (fixture.server);
  fixture.server = tls_fixture_server_for (&fixture, host, "tried");
  g_ptr_array_add (names, (gpointer) row->wanted);
  // One that does not fit does not spoil the one that does.
  g_ptr_array_add (tlsa, make_tlsa (&(TlsaCase){ .usage = 3, .selector = 1, .matching = 1 },
                                    stranger));
  g_ptr_array_add (tlsa, make_tlsa (row, row->of == OF_HOST        ? host
                                         : row->of == OF_AUTHORITY ? fixture.authority
                                                                   : stranger));
  shake_hands (&server, &client, &fixture, &config);
  check_outcome (&server, &client, row->code, "certificate");
  if (row->code < 0)
    g_assert_true (client.info.verified);
  end_clear (&server);
  end_clear (&client);
  tls_fixture_clear (&fixture);
}

// Returns the name that the host shows to who asks for `wanted`.
static char *
ask_name (TlsFixture *fixture, const char *wanted)
{
  PmTlsClientConfig config = { wanted, PM_TLS_VERIFY_OPAQUE };
  End server;
  End client;
  char *name;

  shake_hands (&server, &client, fixture, &config);
  g_assert_no_error (client.error);
  name = g_strdup (client.info.peer_name);
  end_clear (&server);
  end_clear (&client);
  return name;
}

static void
add_host (TlsFixture *fixture, const char *names, const char *file, const char *only_for)
{
  g_autoptr (TestIdentity) host = test_identity_new (file, names, fixture->authority, -1, 5);
  g_autofree char *chain = g_strdup_printf ("%s/%s.pem", fixture->directory, file);
  g_autofree char *key = g_strdup_printf ("%s/%s.key", fixture->directory, file);
  g_autoptr (GError) error = NULL;

  test_identity_write (host, fixture->authority, fixture->directory, file);
  g_assert_true (pm_tls_server_add_for (fixture->server, only_for, chain, key, &error));
  g_assert_no_error (error);
}

static void
test_sni (void)
{
  static const char *const rows[][2] = {
    { "mx.example.com", "mx.example.com" },
    { "mail.example.net", "mail.example.net" },
    { "smtp.example.net", "mail.example.net" },
    { "a.example.org", "*.example.org" },
    { "special.example", "hidden.example" },
    { "SPECIAL.example", "hidden.example" },
    { "hidden.example", "mx.example.com" },
    { "b.example.org", "mine.example.org" },
    { "mine.example.org", "*.example.org" },
    { "unknown.example", "mx.example.com" },
    { NULL, "mx.example.com" },
    { "192.0.2.1", "mx.example.com" },
  };
  TlsFixture fixture;

  tls_fixture_init (&fixture);
  add_host (&fixture, "mail.example.net,smtp.example.net", "second", NULL);
  add_host (&fixture, "*.example.org", "third", NULL);
  add_host (&fixture, "hidden.example", "fourth", "special.example");
  add_host (&fixture, "mine.example.org", "fifth", "b.example.org");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *shown = ask_name (&fixture, rows[i][0]);

      g_assert_cmpstr (shown, ==, rows[i][1]);
    }
  tls_fixture_clear (&fixture);
}

static void
wait_for_name (TlsFixture *fixture, const char *wanted)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;
  g_autofree char *shown = NULL;

  while (g_strcmp0 (shown, wanted) != 0)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_free (shown);
      shown = ask_name (fixture, NULL);
    }
}

static guint refusals;

static GLogWriterOutput
count_refusals (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "PM_EVENT") == 0 &&
        strcmp (fields[i].value, "certificate-refused") == 0)
      refusals++;
  return G_LOG_WRITER_HANDLED;
}

// A renewed certificate is shown without a restart; a broken one never is, which is said once, and
// connections from before do not notice any of it.
static void
test_reload (void)
{
  PmTlsClientConfig config = { NULL, PM_TLS_VERIFY_OPAQUE };
  TlsFixture fixture;
  g_autoptr (TestIdentity) second = NULL;
  g_autoptr (TestIdentity) third = NULL;
  g_autofree char *chain = NULL;
  End server;
  End client;

  tls_fixture_init (&fixture);
  shake_hands (&server, &client, &fixture, &config);
  second = test_identity_new ("mx", "second.example.com", fixture.authority, -1, 5);
  test_identity_write (second, fixture.authority, fixture.directory, "host");
  wait_for_name (&fixture, "second.example.com");

  chain = tls_fixture_path (&fixture, "host.pem");
  g_assert_true (g_file_set_contents (chain, "no certificate", -1, NULL));
  for (gint64 end = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND; refusals == 0;)
    {
      g_autofree char *shown = ask_name (&fixture, NULL);

      g_assert_cmpstr (shown, ==, "second.example.com");
      g_assert_cmpint (g_get_monotonic_time (), <, end);
    }
  // Looked at again, and silent about it: the next thing that happens is the good one.
  third = test_identity_new ("mx", "third.example.com", fixture.authority, -1, 5);
  test_identity_write (third, fixture.authority, fixture.directory, "host");
  wait_for_name (&fixture, "third.example.com");
  g_assert_cmpuint (refusals, ==, 1);

  check_outcome (&server, &client, -1, NULL);
  end_clear (&server);
  end_clear (&client);
  tls_fixture_clear (&fixture);
}

static void
test_unusable_files (void)
{
  TlsFixture fixture;
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;
  g_autofree char *key = NULL;
  g_autofree char *other = NULL;
  g_autofree char *shown = NULL;

  tls_fixture_init (&fixture);
  chain = tls_fixture_path (&fixture, "host.pem");
  key = tls_fixture_path (&fixture, "host.key");
  other = tls_fixture_path (&fixture, "authority.key");
  g_assert_false (pm_tls_server_add (fixture.server, "/nonexistent.pem", key, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_clear_error (&error);
  g_assert_false (pm_tls_server_add (fixture.server, chain, other, &error));
  g_assert_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "does not belong"));
  g_clear_error (&error);
  g_assert_false (pm_tls_server_add (fixture.server, key, chain, &error));
  g_assert_nonnull (strstr (error->message, key));
  g_clear_error (&error);
  g_assert_false (pm_tls_server_set_priority (fixture.server, "NORMAL:+NONSENSE", &error));
  g_assert_nonnull (strstr (error->message, "NONSENSE"));
  g_clear_error (&error);
  g_assert_null (pm_tls_trust_new (other, &error));
  g_assert_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED);
  // None of it has hurt what was there.
  shown = ask_name (&fixture, NULL);
  g_assert_cmpstr (shown, ==, "mx.example.com");
  tls_fixture_clear (&fixture);
}

// Far more than the socket, a record or the input takes at once, both ways at the same time.
static void
test_volume (void)
{
  PmTlsClientConfig config = { "mx.example.com", PM_TLS_VERIFY_OPAQUE };
  g_autoptr (GString) text = g_string_new (NULL);
  TlsFixture fixture;
  End server;
  End client;

  for (guint i = 0; text->len < 3000000; i++)
    g_string_append_printf (text, "line %u\r\n", i);
  tls_fixture_init (&fixture);
  shake_hands (&server, &client, &fixture, &config);
  end_send (&client, text->str);
  end_send (&server, text->str);
  turn_until_size (&server.received->len, text->len);
  turn_until_size (&client.received->len, text->len);
  g_assert_true (g_string_equal (server.received, text));
  g_assert_true (g_string_equal (client.received, text));

  // The end is told, and the other direction goes on.
  pm_stream_shut_down_output (client.stream);
  turn_until (&server.ended, 1);
  g_assert_cmpuint (server.failed, ==, 0);
  end_send (&server, "after");
  turn_until_size (&client.received->len, text->len + 5);
  pm_stream_finish (g_steal_pointer (&server.stream), 5 * G_TIME_SPAN_SECOND);
  turn_until (&client.ended, 1);
  g_assert_cmpuint (client.failed, ==, 0);
  end_clear (&server);
  end_clear (&client);
  tls_fixture_clear (&fixture);
}

// How clang tells of its sanitizers; gcc has a macro.
#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#define IDLE 1000

static void
be_clients (int to_parent, guint16 port)
{
  gnutls_certificate_credentials_t credentials;
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = g_htons (port),
                                 .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  char byte;

  gnutls_certificate_allocate_credentials (&credentials);
  for (guint i = 0; i < IDLE; i++)
    {
      int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      gnutls_session_t session;

      if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
        _exit (1);
      gnutls_init (&session, GNUTLS_CLIENT);
      gnutls_set_default_priority (session);
      gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, credentials);
      gnutls_transport_set_int (session, fd);
      if (gnutls_handshake (session) < 0)
        _exit (2);
      if (write (to_parent, "x", 1) != 1)
        _exit (3);
    }
  // Until the parent goes away.
  if (read (to_parent, &byte, 1) < 0)
    _exit (4);
  _exit (0);
}

static gsize
resident (void)
{
  g_autofree char *text = NULL;
  gsize pages = 0;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%*u %zu", &pages), ==, 1);
  return pages * (gsize) sysconf (_SC_PAGESIZE);
}

static int
listen_on_loopback (guint16 *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, 100), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &size), ==, 0);
  *port = g_ntohs (address.sin_port);
  return fd;
}

// 1,000 connections that have shaken hands and say nothing.
static void
test_memory (void)
{
  g_autofree End *ends = g_new0 (End, IDLE);
  TlsFixture fixture;
  guint16 port;
  int listener = listen_on_loopback (&port);
  int talk[2];
  pid_t child;
  gsize before;
  gsize grown;
  int status;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk), ==, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      close (talk[0]);
      be_clients (talk[1], port);
    }
  close (talk[1]);
  tls_fixture_init (&fixture);
  before = resident ();
  for (guint i = 0; i < IDLE; i++)
    {
      int fd = accept4 (listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
      char byte;

      g_assert_cmpint (fd, >=, 0);
      end_open (&ends[i], &fixture, fd);
      g_assert_true (pm_stream_start_tls_server (ends[i].stream, fixture.server));
      turn_until (&ends[i].secured, 1);
      g_assert_cmpint (read (talk[0], &byte, 1), ==, 1);
    }
  for (guint i = 0; i < 100; i++)
    g_main_context_iteration (NULL, FALSE);
  grown = resident () - before;
  g_test_message ("%d idle TLS connections: %zu KiB in all, %zu bytes each", IDLE, grown / 1024,
                  grown / IDLE);
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
  g_assert_cmpuint (grown, <, 64 << 20);
#endif
  close (talk[0]);
  for (guint i = 0; i < IDLE; i++)
    end_clear (&ends[i]);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  close (listener);
  tls_fixture_clear (&fixture);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_refusals, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (name_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/net/tls/names/", name_cases[i].name, NULL);

      g_test_add_data_func (path, &name_cases[i], test_names);
    }
  for (guint i = 0; i < G_N_ELEMENTS (tlsa_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/net/tls/tlsa/", tlsa_cases[i].name, NULL);

      g_test_add_data_func (path, &tlsa_cases[i], test_tlsa);
    }
  g_test_add_func ("/net/tls/sni", test_sni);
  g_test_add_func ("/net/tls/reload", test_reload);
  g_test_add_func ("/net/tls/unusable-files", test_unusable_files);
  g_test_add_func ("/net/tls/volume", test_volume);
  g_test_add_func ("/net/tls/memory", test_memory);
  return g_test_run ();
}
