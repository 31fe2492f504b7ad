// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "tls-wire.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

static void
turn (gint64 deadline)
{
  if (g_get_monotonic_time () > deadline)
    g_error ("What was waited for does not come");
  g_main_context_iteration (NULL, FALSE);
}

void
turn_until (const guint *value, guint wanted)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  while (*value < wanted)
    turn (deadline);
}

void
turn_until_size (const gsize *value, gsize wanted)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  while (*value < wanted)
    turn (deadline);
}

static void
received_cb (PmStream *stream, gpointer user_data)
{
  End *end = user_data;
  PmBuffer *in = pm_stream_get_input (stream);

  g_string_append_len (end->received, (const char *) pm_buffer_peek (in),
                       (gssize) pm_buffer_size (in));
  pm_buffer_consume (in, pm_buffer_size (in));
}

static void
ended_cb (PmStream *stream, gpointer user_data)
{
  ((End *) user_data)->ended++;
}

static void
secured_cb (PmStream *stream, gpointer user_data)
{
  End *end = user_data;

  g_assert_nonnull (pm_stream_get_tls (stream));
  end->info = *pm_stream_get_tls (stream);
  end->secured++;
}

static void
failed_cb (PmStream *stream, const GError *error, gpointer user_data)
{
  End *end = user_data;

  end->failed++;
  end->error = g_error_copy (error);
}

static const PmStreamHandler handler = {
  .received = received_cb,
  .ended = ended_cb,
  .secured = secured_cb,
  .failed = failed_cb,
};

void
end_open (End *end, TlsFixture *fixture, int fd)
{
  *end = (End){ .received = g_string_new (NULL) };
  end->stream = pm_stream_new (fixture->reactor, fd, 64 * 1024, 4 << 20, &handler, end);
}

void
end_clear (End *end)
{
  g_clear_pointer (&end->stream, pm_stream_free);
  g_clear_error (&end->error);
  g_string_free (end->received, TRUE);
  *end = (End){ 0 };
}

void
end_send (End *end, const char *text)
{
  g_assert_true (pm_buffer_append (pm_stream_get_output (end->stream), text, strlen (text)));
  pm_stream_update (end->stream);
}

void
make_pair (int fds[2])
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
}

void
shake_hands (End *server, End *client, TlsFixture *fixture, const PmTlsClientConfig *config)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
  int fds[2];

  make_pair (fds);
  end_open (server, fixture, fds[0]);
  end_open (client, fixture, fds[1]);
  g_assert_true (pm_stream_start_tls_server (server->stream, fixture->server));
  g_assert_true (pm_stream_start_tls_client (client->stream, config));
  while (client->failed == 0 && (client->secured == 0 || server->secured == 0))
    turn (deadline);
}

char *
tls_fixture_path (TlsFixture *fixture, const char *name)
{
  return g_build_filename (fixture->directory, name, NULL);
}

PmTlsServer *
tls_fixture_server_for (TlsFixture *fixture, TestIdentity *identity, const char *name)
{
  g_autofree char *chain = g_strdup_printf ("%s/%s.pem", fixture->directory, name);
  g_autofree char *key = g_strdup_printf ("%s/%s.key", fixture->directory, name);
  g_autoptr (GError) error = NULL;
  PmTlsServer *server = pm_tls_server_new (&error);

  g_assert_no_error (error);
  test_identity_write (identity, fixture->authority, fixture->directory, name);
  g_assert_true (pm_tls_server_add (server, chain, key, &error));
  g_assert_no_error (error);
  return server;
}

void
tls_fixture_init (TlsFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *authority = NULL;

  *fixture = (TlsFixture){ .reactor = pm_reactor_new (NULL, &error) };
  g_assert_no_error (error);
  fixture->directory = g_dir_make_tmp ("pm-tls-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->authority = test_identity_new ("Test Authority", NULL, NULL, -10, 10);
  test_identity_write (fixture->authority, NULL, fixture->directory, "authority");
  fixture->host = test_identity_new ("mx", "mx.example.com", fixture->authority, -1, 5);
  fixture->server = tls_fixture_server_for (fixture, fixture->host, "host");
  authority = tls_fixture_path (fixture, "authority.pem");
  fixture->trust = pm_tls_trust_new (authority, &error);
  g_assert_no_error (error);
}

void
tls_fixture_clear (TlsFixture *fixture)
{
  g_autoptr (GDir) directory = g_dir_open (fixture->directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *path = tls_fixture_path (fixture, name);

      g_unlink (path);
    }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
  test_identity_free (fixture->host);
  test_identity_free (fixture->authority);
  pm_tls_trust_unref (fixture->trust);
  pm_tls_server_unref (fixture->server);
  pm_reactor_free (fixture->reactor);
}
