// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Listeners, streams and connectors over real sockets on loopback, all in one reactor that the test
// turns itself.

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/pm-connector.h"
#include "net/pm-listener.h"
#include "net/pm-stream.h"
#include "net/pm-worker.h"

#define CLIENTS 200
#define PAYLOAD 50000

typedef struct
{
  PmReactor *reactor;
  PmListener *listener;
  PmAcceptor *acceptor;
  GPtrArray *echoes; /* (element-type PmStream) */
  GPtrArray *ending; /* (element-type PmStream): the peer sends no more */
  guint accepted;
  guint ended;
} Server;

typedef struct
{
  Server *server;
  PmConnector *connector;
  PmStream *stream;
  gsize sent;
  gsize received;
  guint *done;
  GError *error;
  guint failed;
} Client;

static void
turn_until (const guint *value, guint wanted)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  while (*value < wanted)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_main_context_iteration (NULL, FALSE);
    }
}

static void
echo_received (PmStream *stream, gpointer user_data)
{
  PmBuffer *in = pm_stream_get_input (stream);
  PmBuffer *out = pm_stream_get_output (stream);
  gsize size = MIN (pm_buffer_size (in), pm_buffer_room (out));

  g_assert_true (pm_buffer_append (out, pm_buffer_peek (in), size));
  pm_buffer_consume (in, size);
}

static void
echo_finish (PmStream *stream, Server *server)
{
  server->ended++;
  g_ptr_array_remove_fast (server->echoes, stream);
  g_ptr_array_remove_fast (server->ending, stream);
  pm_stream_finish (stream, 5 * G_TIME_SPAN_SECOND);
}

static void
echo_sent (PmStream *stream, gpointer user_data)
{
  Server *server = user_data;

  if (pm_buffer_size (pm_stream_get_input (stream)) > 0)
    pm_stream_resume (stream);
  else if (g_ptr_array_find (server->ending, stream, NULL))
    echo_finish (stream, server);
}

// The end may come while there is still something to echo.
static void
echo_ended (PmStream *stream, gpointer user_data)
{
  Server *server = user_data;

  if (pm_buffer_size (pm_stream_get_input (stream)) == 0)
    echo_finish (stream, server);
  else
    g_ptr_array_add (server->ending, stream);
}

static void
echo_failed (PmStream *stream, const GError *error, gpointer user_data)
{
  Server *server = user_data;

  g_ptr_array_remove_fast (server->echoes, stream);
  pm_stream_free (stream);
}

static const PmStreamHandler echo_handler = {
  .received = echo_received,
  .ended = echo_ended,
  .sent = echo_sent,
  .failed = echo_failed,
};

static void
accept_cb (int fd, GInetSocketAddress *peer, GInetSocketAddress *local, gpointer user_data)
{
  Server *server = user_data;

  server->accepted++;
  g_assert_true (g_inet_address_get_is_loopback (g_inet_socket_address_get_address (peer)));
  g_assert_cmpuint (g_inet_socket_address_get_port (local), ==,
                    g_inet_socket_address_get_port (pm_listener_get_address (server->listener)));
  // A small output, so that the echo has to wait for the peer.
  g_ptr_array_add (server->echoes,
                   pm_stream_new (server->reactor, fd, 4096, 1000, &echo_handler, server));
}

static void
server_init (Server *server, GSocketFamily family)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (family);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);

  *server = (Server){ .reactor = pm_reactor_new (NULL, &error),
                      .echoes = g_ptr_array_new (),
                      .ending = g_ptr_array_new () };
  g_assert_no_error (error);
  server->listener = pm_listener_new (G_INET_SOCKET_ADDRESS (address), &error);
  g_assert_no_error (error);
  server->acceptor = pm_acceptor_new (server->listener, server->reactor, accept_cb, server);
}

static void
server_clear (Server *server)
{
  g_ptr_array_foreach (server->echoes, (GFunc) (void (*) (void)) pm_stream_free, NULL);
  g_ptr_array_unref (server->echoes);
  g_ptr_array_unref (server->ending);
  pm_acceptor_free (server->acceptor);
  pm_listener_unref (server->listener);
  pm_reactor_free (server->reactor);
}

static guint8
pattern (gsize offset)
{
  return (guint8) (offset * 31 + offset / 251);
}

static void
client_fill (Client *client)
{
  PmBuffer *out = pm_stream_get_output (client->stream);

  while (client->sent < PAYLOAD && pm_buffer_room (out) > 0)
    {
      guint8 byte = pattern (client->sent++);

      g_assert_true (pm_buffer_append (out, &byte, 1));
    }
  if (client->sent == PAYLOAD)
    pm_stream_shut_down_output (client->stream);
  pm_stream_update (client->stream);
}

static void
client_received (PmStream *stream, gpointer user_data)
{
  Client *client = user_data;
  PmBuffer *in = pm_stream_get_input (stream);
  const guint8 *bytes = pm_buffer_peek (in);

  for (gsize i = 0; i < pm_buffer_size (in); i++)
    g_assert_cmpuint (bytes[i], ==, pattern (client->received++));
  pm_buffer_consume (in, pm_buffer_size (in));
}

static void
client_sent (PmStream *stream, gpointer user_data)
{
  client_fill (user_data);
}

static void
client_ended (PmStream *stream, gpointer user_data)
{
  Client *client = user_data;

  g_clear_pointer (&client->stream, pm_stream_free);
  ++*client->done;
}

static void
client_failed (PmStream *stream, const GError *error, gpointer user_data)
{
  Client *client = user_data;

  client->failed++;
  client->error = g_error_copy (error);
  g_clear_pointer (&client->stream, pm_stream_free);
}

static const PmStreamHandler client_handler = {
  .received = client_received,
  .ended = client_ended,
  .sent = client_sent,
  .failed = client_failed,
};

static void
connected_cb (int fd, const GError *error, gpointer user_data)
{
  Client *client = user_data;

  g_assert_no_error (error);
  g_clear_pointer (&client->connector, pm_connector_free);
  client->stream = pm_stream_new (client->server->reactor, fd, 700, 3000, &client_handler, client);
  client_fill (client);
}

static void
check_echo (GSocketFamily family)
{
  g_autofree Client *clients = g_new0 (Client, CLIENTS);
  Server server;
  guint done = 0;

  server_init (&server, family);
  for (int i = 0; i < CLIENTS; i++)
    {
      clients[i].server = &server;
      clients[i].done = &done;
      clients[i].connector = pm_connector_new (
          server.reactor, G_SOCKET_ADDRESS (pm_listener_get_address (server.listener)), NULL,
          10 * G_TIME_SPAN_SECOND, connected_cb, &clients[i]);
    }
  turn_until (&done, CLIENTS);
  for (int i = 0; i < CLIENTS; i++)
    g_assert_cmpuint (clients[i].received, ==, PAYLOAD);
  g_assert_cmpuint (server.accepted, ==, CLIENTS);
  turn_until (&server.ended, CLIENTS);
  server_clear (&server);
}

static void
test_echo (void)
{
  check_echo (G_SOCKET_FAMILY_IPV4);
}

static gboolean
has_ipv6 (void)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV6);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (PmListener) listener = pm_listener_new (G_INET_SOCKET_ADDRESS (address), NULL);

  return listener != NULL;
}

static void
test_echo_ipv6 (void)
{
  if (!has_ipv6 ())
    {
      g_test_skip ("This host has no IPv6 loopback");
      return;
    }
  check_echo (G_SOCKET_FAMILY_IPV6);
}

static int
connect_plainly (PmListener *listener)
{
  GSocketAddress *address = G_SOCKET_ADDRESS (pm_listener_get_address (listener));
  struct sockaddr_storage native;
  int fd =
      socket (g_socket_address_get_family (address) == G_SOCKET_FAMILY_IPV6 ? AF_INET6 : AF_INET,
              SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (g_socket_address_to_native (address, &native, sizeof native, NULL));
  g_assert_cmpint (connect (fd, (struct sockaddr *) &native,
                            (socklen_t) g_socket_address_get_native_size (address)),
                   ==, 0);
  return fd;
}

// Without descriptors the acceptor waits, does not spin, and goes on when there are some again.
static void
test_descriptors_run_out (void)
{
  struct rlimit before;
  struct rlimit tight;
  guint turns = 0;
  gint64 begin;
  Server server;
  int fds[3];

  server_init (&server, G_SOCKET_FAMILY_IPV4);
  for (int i = 0; i < 3; i++)
    fds[i] = connect_plainly (server.listener);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  tight = before;
  tight.rlim_cur = (rlim_t) fds[2] + 1; // the next descriptor is over it
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &tight), ==, 0);

  begin = g_get_monotonic_time ();
  while (pm_acceptor_get_backoffs (server.acceptor) < 3)
    {
      g_assert_cmpint (g_get_monotonic_time () - begin, <, 10 * G_TIME_SPAN_SECOND);
      g_main_context_iteration (NULL, TRUE);
      turns++;
    }
  g_assert_cmpuint (turns, <, 50);
  g_assert_cmpint (g_get_monotonic_time () - begin, >=, 100 * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpuint (server.accepted, ==, 0);

  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  turn_until (&server.accepted, 3);
  for (int i = 0; i < 3; i++)
    close (fds[i]);
  turn_until (&server.ended, 3);
  server_clear (&server);
}

static void
test_paused (void)
{
  Server server;
  int fd;

  server_init (&server, G_SOCKET_FAMILY_IPV4);
  pm_acceptor_set_paused (server.acceptor, TRUE);
  fd = connect_plainly (server.listener);
  for (int i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (server.accepted, ==, 0);
  pm_acceptor_set_paused (server.acceptor, FALSE);
  turn_until (&server.accepted, 1);
  close (fd);
  server_clear (&server);
}

// A socket of the kind that socket activation hands over, bound to loopback; it listens from 0 on.
static int
make_socket (int backlog)
{
  struct sockaddr_in native = { .sin_family = AF_INET,
                                .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &native, sizeof native), ==, 0);
  if (backlog >= 0)
    g_assert_cmpint (listen (fd, backlog), ==, 0);
  return fd;
}

static void
test_adopted (void)
{
  g_autoptr (GError) error = NULL;
  Server server;
  PmListener *adopted;
  int fd;

  server_init (&server, G_SOCKET_FAMILY_IPV4);
  fd = make_socket (-1);
  g_assert_null (pm_listener_new_for_fd (fd, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  g_assert_cmpint (listen (fd, 5), ==, 0);
  adopted = pm_listener_new_for_fd (fd, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_inet_socket_address_get_port (pm_listener_get_address (adopted)), >, 0);
  g_assert_true ((fcntl (fd, F_GETFL) & O_NONBLOCK) != 0);

  // A port that is taken is an error in words.
  g_assert_null (pm_listener_new (pm_listener_get_address (server.listener), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, "Could not listen on 127.0.0.1 port "));
  pm_listener_unref (adopted);
  server_clear (&server);
}

typedef struct
{
  guint answers;
  int fd;
  GError *error;
} Attempt;

static void
attempt_cb (int fd, const GError *error, gpointer user_data)
{
  Attempt *attempt = user_data;

  attempt->answers++;
  attempt->fd = fd;
  attempt->error = error == NULL ? NULL : g_error_copy (error);
}

static void
test_connect_refused (void)
{
  g_autoptr (PmReactor) reactor = pm_reactor_new (NULL, NULL);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  PmListener *listener = pm_listener_new (G_INET_SOCKET_ADDRESS (any), NULL);
  g_autoptr (GSocketAddress) closed =
      G_SOCKET_ADDRESS (g_object_ref (pm_listener_get_address (listener)));
  PmConnector *connector;
  Attempt attempt = { 0 };

  pm_listener_unref (listener);
  connector = pm_connector_new (reactor, closed, NULL, G_TIME_SPAN_SECOND, attempt_cb, &attempt);
  g_assert_cmpuint (attempt.answers, ==, 0); // never from inside
  turn_until (&attempt.answers, 1);
  g_assert_cmpint (attempt.fd, ==, -1);
  g_assert_error (attempt.error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_nonnull (strstr (attempt.error->message, "127.0.0.1"));
  g_clear_error (&attempt.error);
  pm_connector_free (connector);
}

// A listener whose queue is full does not answer: Linux drops the SYN.
static void
test_connect_time_out (void)
{
  g_autoptr (PmReactor) reactor = pm_reactor_new (NULL, NULL);
  g_autoptr (PmListener) listener = NULL;
  PmConnector *connectors[8];
  Attempt attempts[8] = { 0 };
  guint timed_out = 0;

  listener = pm_listener_new_for_fd (make_socket (0), NULL);
  for (int i = 0; i < 8; i++)
    {
      g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
      g_autoptr (GSocketAddress) address = g_inet_socket_address_new (
          loopback, g_inet_socket_address_get_port (pm_listener_get_address (listener)));

      connectors[i] = pm_connector_new (reactor, address, NULL, 200 * G_TIME_SPAN_MILLISECOND,
                                        attempt_cb, &attempts[i]);
    }
  for (int i = 0; i < 8; i++)
    turn_until (&attempts[i].answers, 1);
  for (int i = 0; i < 8; i++)
    {
      if (attempts[i].fd >= 0)
        close (attempts[i].fd);
      else if (g_error_matches (attempts[i].error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
        timed_out++;
      g_clear_error (&attempts[i].error);
      pm_connector_free (connectors[i]);
    }
  g_assert_cmpuint (timed_out, >=, 5);
}

static void
test_connect_source (void)
{
  g_autoptr (GInetAddress) source = g_inet_address_new_from_string ("127.0.0.9");
  Server server;
  Attempt attempt = { 0 };
  PmConnector *connector;
  struct sockaddr_in native;
  socklen_t size = sizeof native;

  server_init (&server, G_SOCKET_FAMILY_IPV4);
  connector = pm_connector_new (server.reactor,
                                G_SOCKET_ADDRESS (pm_listener_get_address (server.listener)),
                                source, G_TIME_SPAN_SECOND, attempt_cb, &attempt);
  turn_until (&attempt.answers, 1);
  g_assert_no_error (attempt.error);
  g_assert_cmpint (getsockname (attempt.fd, (struct sockaddr *) &native, &size), ==, 0);
  g_assert_cmphex (g_ntohl (native.sin_addr.s_addr), ==, 0x7f000009);
  close (attempt.fd);
  pm_connector_free (connector);
  turn_until (&server.accepted, 1);
  server_clear (&server);
}

static void
test_connect_cancelled (void)
{
  Server server;
  Attempt attempt = { 0 };

  server_init (&server, G_SOCKET_FAMILY_IPV4);
  pm_connector_free (pm_connector_new (server.reactor,
                                       G_SOCKET_ADDRESS (pm_listener_get_address (server.listener)),
                                       NULL, G_TIME_SPAN_SECOND, attempt_cb, &attempt));
  for (int i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (attempt.answers, ==, 0);
  server_clear (&server);
}

typedef struct
{
  Client client;
  int fds[2];
  guint done;
} Wire;

static void
wire_init (Wire *wire, Server *server)
{
  *wire = (Wire){ 0 };
  *server = (Server){ .reactor = pm_reactor_new (NULL, NULL) };
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, wire->fds),
                   ==, 0);
  wire->client.server = server;
  wire->client.done = &wire->done;
  wire->client.stream =
      pm_stream_new (server->reactor, wire->fds[0], 100, 100, &client_handler, &wire->client);
}

static void
test_deadline (void)
{
  Server server;
  Wire wire;

  wire_init (&wire, &server);
  pm_stream_set_deadline (wire.client.stream, g_get_monotonic_time () + G_TIME_SPAN_HOUR);
  pm_stream_set_deadline (wire.client.stream, g_get_monotonic_time () + 5000);
  turn_until (&wire.client.failed, 1);
  g_assert_error (wire.client.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&wire.client.error);
  close (wire.fds[1]);
  pm_reactor_free (server.reactor);
}

static void
test_half_close (void)
{
  Server server;
  Wire wire;
  char bytes[10];

  wire_init (&wire, &server);
  g_assert_true (pm_buffer_append (pm_stream_get_output (wire.client.stream), "bye", 3));
  pm_stream_shut_down_output (wire.client.stream);
  for (int i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (read (wire.fds[1], bytes, sizeof bytes), ==, 3);
  g_assert_cmpint (read (wire.fds[1], bytes, sizeof bytes), ==, 0);
  g_assert_cmpuint (wire.done, ==, 0);
  close (wire.fds[1]);
  turn_until (&wire.done, 1);
  pm_reactor_free (server.reactor);
}

// A finishing stream sends its rest though the peer has not read anything yet, and takes its time.
static void
test_finish (void)
{
  Server server;
  Wire wire;
  char bytes[100];

  wire_init (&wire, &server);
  g_assert_true (pm_buffer_append (pm_stream_get_output (wire.client.stream), "last words", 10));
  g_assert_cmpint (write (wire.fds[1], "unread", 6), ==, 6);
  pm_stream_finish (wire.client.stream, 10 * G_TIME_SPAN_SECOND);
  for (int i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (read (wire.fds[1], bytes, sizeof bytes), ==, 10);
  g_assert_cmpint (read (wire.fds[1], bytes, sizeof bytes), ==, 0);
  g_assert_cmpint (fcntl (wire.fds[0], F_GETFD), >=, 0); // still there for the peer
  close (wire.fds[1]);
  for (int i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (fcntl (wire.fds[0], F_GETFD), ==, -1);

  // A peer that never closes is left at the time-out, at the latest with the reactor.
  wire_init (&wire, &server);
  pm_stream_finish (wire.client.stream, G_TIME_SPAN_HOUR);
  pm_reactor_free (server.reactor);
  g_assert_cmpint (fcntl (wire.fds[0], F_GETFD), ==, -1);
  close (wire.fds[1]);
}

static void
never_received (PmStream *stream, gpointer user_data)
{
}

static const PmStreamHandler lazy_handler = {
  .received = never_received,
  .failed = client_failed,
};

// An input that nobody empties stops the reading; the peer's hang-up does not make the reactor
// spin.
static void
test_input_ceiling (void)
{
  Server server;
  Client client = { .server = &server };
  int fds[2];
  char bytes[5000] = { 0 };
  guint turns = 0;

  server = (Server){ .reactor = pm_reactor_new (NULL, NULL) };
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
  client.stream = pm_stream_new (server.reactor, fds[0], 1000, 100, &lazy_handler, &client);
  g_assert_cmpint (write (fds[1], bytes, sizeof bytes), ==, sizeof bytes);
  close (fds[1]);
  while (g_main_context_iteration (NULL, FALSE))
    g_assert_cmpuint (++turns, <, 50);
  g_assert_cmpuint (pm_buffer_size (pm_stream_get_input (client.stream)), ==, 1000);
  g_assert_cmpuint (client.failed, ==, 0);

  // Emptied, it reads on: what the peer sent before it went is not lost.
  for (int i = 1; i < 5; i++)
    {
      pm_buffer_consume (pm_stream_get_input (client.stream), 1000);
      pm_stream_update (client.stream);
      while (pm_buffer_size (pm_stream_get_input (client.stream)) < 1000)
        g_assert_cmpuint (g_main_context_iteration (NULL, TRUE) ? ++turns : turns, <, 500);
    }
  pm_stream_free (client.stream);
  pm_reactor_free (server.reactor);
}

static gssize
rot_read (gpointer self, int fd, guint8 *bytes, gsize size, GError **error)
{
  gssize count = recv (fd, bytes, size, 0);

  if (count < 0)
    g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (errno), "rot");
  for (gssize i = 0; i < count; i++)
    bytes[i] ^= 1;
  return count;
}

static gssize
rot_write (gpointer self, int fd, const guint8 *bytes, gsize size, GError **error)
{
  guint8 byte = bytes[0] ^ 1;

  ++*(guint *) self;
  return send (fd, &byte, 1, MSG_NOSIGNAL);
}

static gboolean
rot_shutdown (gpointer self, int fd, GError **error)
{
  return shutdown (fd, SHUT_WR) == 0;
}

static const PmStreamLayer rot_layer = {
  .read = rot_read,
  .write = rot_write,
  .shutdown = rot_shutdown,
};

static void
test_layer (void)
{
  Server server;
  Wire wire;
  guint writes = 0;
  char bytes[10] = { 0 };

  wire_init (&wire, &server);
  g_assert_true (pm_buffer_append (pm_stream_get_output (wire.client.stream), "x", 1));
  g_assert_false (pm_stream_set_layer (wire.client.stream, &rot_layer, &writes));
  pm_buffer_consume (pm_stream_get_output (wire.client.stream), 1);
  g_assert_true (pm_stream_set_layer (wire.client.stream, &rot_layer, &writes));
  g_assert_true (pm_buffer_append (pm_stream_get_output (wire.client.stream), "`bc", 3));
  pm_stream_shut_down_output (wire.client.stream);
  for (int i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (read (wire.fds[1], bytes, sizeof bytes), ==, 3);
  g_assert_cmpstr (bytes, ==, "acb");
  g_assert_cmpuint (writes, ==, 3);
  pm_stream_free (wire.client.stream);
  close (wire.fds[1]);
  pm_reactor_free (server.reactor);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/stream/echo", test_echo);
  g_test_add_func ("/net/stream/echo-ipv6", test_echo_ipv6);
  g_test_add_func ("/net/stream/deadline", test_deadline);
  g_test_add_func ("/net/stream/half-close", test_half_close);
  g_test_add_func ("/net/stream/finish", test_finish);
  g_test_add_func ("/net/stream/input-ceiling", test_input_ceiling);
  g_test_add_func ("/net/stream/layer", test_layer);
  g_test_add_func ("/net/listener/descriptors-run-out", test_descriptors_run_out);
  g_test_add_func ("/net/listener/paused", test_paused);
  g_test_add_func ("/net/listener/adopted", test_adopted);
  g_test_add_func ("/net/connector/refused", test_connect_refused);
  g_test_add_func ("/net/connector/time-out", test_connect_time_out);
  g_test_add_func ("/net/connector/source", test_connect_source);
  g_test_add_func ("/net/connector/cancelled", test_connect_cancelled);
  return g_test_run ();
}
