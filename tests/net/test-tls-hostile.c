// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Peers that do what TLS does not allow: one case per misbehaviour. The peer is GnuTLS, or bare
// bytes, on the other end of a socket pair.

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls-wire.h"

typedef struct
{
  TlsFixture fixture;
  End end; /* ours */
  int fd;  /* theirs */
  gnutls_session_t session;
  gnutls_certificate_credentials_t credentials;
} Case;

static void
case_open (Case *self)
{
  int fds[2];

  *self = (Case){ 0 };
  tls_fixture_init (&self->fixture);
  make_pair (fds);
  end_open (&self->end, &self->fixture, fds[0]);
  self->fd = fds[1];
}

static void
case_close (Case *self)
{
  end_clear (&self->end);
  if (self->session != NULL)
    gnutls_deinit (self->session);
  if (self->credentials != NULL)
    gnutls_certificate_free_credentials (self->credentials);
  if (self->fd >= 0)
    close (self->fd);
  tls_fixture_clear (&self->fixture);
}

static int
try_handshake (Case *self)
{
  int result;

  while ((result = gnutls_handshake (self->session)) == GNUTLS_E_AGAIN && self->end.failed == 0)
    g_main_context_iteration (NULL, FALSE);
  return result;
}

static void
client_begin (Case *self, const char *priority)
{
  g_assert_true (pm_stream_start_tls_server (self->end.stream, self->fixture.server));
  gnutls_certificate_allocate_credentials (&self->credentials);
  gnutls_init (&self->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
  g_assert_cmpint (gnutls_priority_set_direct (self->session, priority, NULL), ==, 0);
  gnutls_credentials_set (self->session, GNUTLS_CRD_CERTIFICATE, self->credentials);
  gnutls_transport_set_int (self->session, self->fd);
}

static void
client_shake (Case *self, const char *priority)
{
  client_begin (self, priority);
  g_assert_cmpint (try_handshake (self), ==, 0);
  turn_until (&self->end.secured, 1);
}

static void
say_clear (Case *self, const void *bytes, gsize size)
{
  g_assert_cmpint (send (self->fd, bytes, size, MSG_NOSIGNAL), ==, (gssize) size);
}

static void
check_failed (Case *self, GQuark domain, int code, const char *says)
{
  turn_until (&self->end.failed, 1);
  g_assert_error (self->end.error, domain, code);
  if (strstr (self->end.error->message, says) == NULL)
    g_error ("“%s” does not say “%s”", self->end.error->message, says);
}

static void
turn_a_while (void)
{
  for (guint i = 0; i < 200; i++)
    g_main_context_iteration (NULL, FALSE);
}

// CVE-2026-45185: TLS is ended in the middle of something, and bytes in clear follow.
static void
test_clear_after_end (gconstpointer priority)
{
  Case self;

  case_open (&self);
  client_shake (&self, priority);
  g_assert_cmpint (gnutls_record_send (self.session, "BDAT 100\r\nabc", 13), ==, 13);
  g_assert_cmpint (gnutls_bye (self.session, GNUTLS_SHUT_WR), ==, 0);
  say_clear (&self, "DEF\r\nRCPT TO:<x@example.com>\r\n", 30);
  turn_until (&self.end.ended, 1);
  g_assert_cmpstr (self.end.received->str, ==, "BDAT 100\r\nabc");
  // However often it is asked, whatever else comes.
  pm_stream_resume (self.end.stream);
  pm_stream_set_reading (self.end.stream, FALSE);
  pm_stream_set_reading (self.end.stream, TRUE);
  say_clear (&self, "more", 4);
  turn_a_while ();
  g_assert_cmpstr (self.end.received->str, ==, "BDAT 100\r\nabc");
  g_assert_cmpuint (pm_buffer_size (pm_stream_get_input (self.end.stream)), ==, 0);
  g_assert_cmpuint (self.end.ended, ==, 1);
  case_close (&self);
}

// Bytes in clear in the middle of TLS are an error, and the end.
static void
test_clear_within (gconstpointer priority)
{
  Case self;

  case_open (&self);
  client_shake (&self, priority);
  g_assert_cmpint (gnutls_record_send (self.session, "MAIL", 4), ==, 4);
  say_clear (&self, " FROM:<>\r\n", 10);
  check_failed (&self, PM_TLS_ERROR, PM_TLS_ERROR_BROKEN, "What came is not valid TLS");
  g_assert_cmpstr (self.end.received->str, ==, "MAIL");
  pm_stream_resume (self.end.stream);
  say_clear (&self, "RSET\r\n", 6);
  turn_a_while ();
  g_assert_cmpstr (self.end.received->str, ==, "MAIL");
  g_assert_cmpuint (self.end.failed, ==, 1);
  case_close (&self);
}

// A forged record: the right form, the wrong key.
static void
test_forged_record (void)
{
  guint8 record[5 + 40] = { 23, 3, 3, 0, 40 };
  Case self;

  case_open (&self);
  client_shake (&self, "NORMAL");
  say_clear (&self, record, sizeof record);
  check_failed (&self, PM_TLS_ERROR, PM_TLS_ERROR_BROKEN, "What came is not valid TLS");
  g_assert_cmpuint (self.end.received->len, ==, 0);
  case_close (&self);
}

static void
test_oversized_record (void)
{
  guint8 record[5] = { 23, 3, 3, 0xff, 0xff };
  Case self;

  case_open (&self);
  client_shake (&self, "NORMAL");
  say_clear (&self, record, sizeof record);
  check_failed (&self, PM_TLS_ERROR, PM_TLS_ERROR_BROKEN, "What came is not valid TLS");
  case_close (&self);
}

// Cut in the middle of a record, or between two: not an end that can be believed.
static void
test_truncated (gconstpointer size)
{
  guint8 record[5 + 40] = { 23, 3, 3, 0, 40 };
  Case self;

  case_open (&self);
  client_shake (&self, "NORMAL");
  g_assert_cmpint (gnutls_record_send (self.session, "DATA", 4), ==, 4);
  if (GPOINTER_TO_SIZE (size) > 0)
    say_clear (&self, record, GPOINTER_TO_SIZE (size));
  close (self.fd);
  self.fd = -1;
  check_failed (&self, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "without ending TLS");
  g_assert_cmpuint (self.end.ended, ==, 0);
  case_close (&self);
}

static void
test_again_refused (void)
{
  Case self;

  case_open (&self);
  client_shake (&self, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
  try_handshake (&self);
  check_failed (&self, PM_TLS_ERROR, PM_TLS_ERROR_BROKEN, "shake hands again");
  case_close (&self);
}

static void
test_old_version (void)
{
  Case self;

  case_open (&self);
  client_begin (&self, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0");
  g_assert_cmpint (try_handshake (&self), <, 0);
  check_failed (&self, PM_TLS_ERROR, PM_TLS_ERROR_FAILED, "TLS");
  g_assert_null (pm_stream_get_tls (self.end.stream));
  case_close (&self);
}

static const struct
{
  const char *name;
  const char *bytes;
} garbage[] = {
  { "command", "EHLO x.example\r\n" },
  { "empty-record", "\x16\x03\x01\x00\x01" },
  { "other", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" },
  { "huge", "\x16\x03\x01\xff\xff" },
};

// What comes instead of a handshake is not taken for commands.
static void
test_garbage (gconstpointer bytes)
{
  Case self;

  case_open (&self);
  g_assert_true (pm_stream_start_tls_server (self.end.stream, self.fixture.server));
  say_clear (&self, bytes, strlen (bytes));
  shutdown (self.fd, SHUT_WR);
  turn_until (&self.end.failed, 1);
  g_assert_cmpuint (self.end.received->len, ==, 0);
  g_assert_cmpuint (self.end.secured, ==, 0);
  case_close (&self);
}

// A host that answers in clear.
static void
test_server_in_clear (void)
{
  PmTlsClientConfig config = { "mx.example.com", PM_TLS_VERIFY_OPAQUE };
  Case self;

  case_open (&self);
  g_assert_true (pm_stream_start_tls_client (self.end.stream, &config));
  say_clear (&self, "454 4.7.0 TLS not available\r\n", 29);
  check_failed (&self, PM_TLS_ERROR, PM_TLS_ERROR_FAILED, "not a TLS handshake");
  g_assert_cmpuint (self.end.received->len, ==, 0);
  case_close (&self);
}

static void
test_leaves_while_shaking (void)
{
  Case self;

  case_open (&self);
  g_assert_true (pm_stream_start_tls_server (self.end.stream, self.fixture.server));
  close (self.fd);
  self.fd = -1;
  check_failed (&self, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "during the TLS handshake");
  case_close (&self);
}

// RFC 3207 4.2: what came in the same packet as STARTTLS was not protected, and what is still to be
// sent would be.
static void
test_bytes_before (void)
{
  PmTlsClientConfig config = { "mx.example.com", PM_TLS_VERIFY_OPAQUE };
  PmBuffer *input;
  PmBuffer *output;
  Case self;

  case_open (&self);
  input = pm_stream_get_input (self.end.stream);
  output = pm_stream_get_output (self.end.stream);
  g_assert_true (pm_buffer_append (input, "RSET\r\n", 6));
  g_assert_false (pm_stream_start_tls_server (self.end.stream, self.fixture.server));
  g_assert_false (pm_stream_start_tls_client (self.end.stream, &config));
  pm_buffer_consume (input, 6);
  g_assert_true (pm_buffer_append (output, "220 go\r\n", 8));
  g_assert_false (pm_stream_start_tls_server (self.end.stream, self.fixture.server));
  pm_buffer_consume (output, 8);
  g_assert_true (pm_stream_start_tls_server (self.end.stream, self.fixture.server));
  // Not one in the other.
  g_assert_false (pm_stream_start_tls_server (self.end.stream, self.fixture.server));
  case_close (&self);
}

// Who stalls is cut off at the handshake's own limit, though the owner allows an hour, and others
// are served at once meanwhile.
static void
test_stall (void)
{
  PmTlsClientConfig config = { "mx.example.com", PM_TLS_VERIFY_OPAQUE };
  End stalled[50];
  int peers[G_N_ELEMENTS (stalled)];
  End server;
  End client;
  gint64 begun;
  Case self;

  case_open (&self);
  pm_tls_server_set_handshake_time (self.fixture.server, 2 * G_TIME_SPAN_SECOND);
  for (guint i = 0; i < G_N_ELEMENTS (stalled); i++)
    {
      int fds[2];

      make_pair (fds);
      end_open (&stalled[i], &self.fixture, fds[0]);
      peers[i] = fds[1];
      pm_stream_set_deadline (stalled[i].stream, g_get_monotonic_time () + G_TIME_SPAN_HOUR);
      g_assert_true (pm_stream_start_tls_server (stalled[i].stream, self.fixture.server));
      g_assert_cmpint (send (peers[i], "\x16\x03\x01\x02", 4, MSG_NOSIGNAL), ==, 4);
    }
  begun = g_get_monotonic_time ();
  shake_hands (&server, &client, &self.fixture, &config);
  g_assert_cmpuint (server.secured, ==, 1);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, G_TIME_SPAN_SECOND);
  g_assert_cmpuint (stalled[0].failed, ==, 0);

  for (guint i = 0; i < G_N_ELEMENTS (stalled); i++)
    {
      turn_until (&stalled[i].failed, 1);
      g_assert_error (stalled[i].error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
      g_assert_nonnull (strstr (stalled[i].error->message, "handshake"));
      end_clear (&stalled[i]);
      close (peers[i]);
    }
  end_clear (&server);
  end_clear (&client);
  case_close (&self);
}

// The owner's own deadline holds where it is the earlier one, and again after the handshake.
static void
test_deadlines (void)
{
  Case self;

  case_open (&self);
  g_assert_true (pm_stream_start_tls_server (self.end.stream, self.fixture.server));
  pm_stream_set_deadline (self.end.stream, g_get_monotonic_time () + 20 * G_TIME_SPAN_MILLISECOND);
  check_failed (&self, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "handshake");
  case_close (&self);

  case_open (&self);
  pm_tls_server_set_handshake_time (self.fixture.server, 10 * G_TIME_SPAN_SECOND);
  client_shake (&self, "NORMAL");
  pm_stream_set_deadline (self.end.stream, g_get_monotonic_time () + 20 * G_TIME_SPAN_MILLISECOND);
  check_failed (&self, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "The other side took too long");
  g_assert_null (strstr (self.end.error->message, "handshake"));
  case_close (&self);
}

// Whatever is put into the output while hands are shaken waits, and is never sent in clear.
static void
test_output_waits (void)
{
  char bytes[100];
  Case self;

  case_open (&self);
  g_assert_true (pm_stream_start_tls_server (self.end.stream, self.fixture.server));
  end_send (&self.end, "250 secret\r\n");
  turn_a_while ();
  g_assert_cmpint (recv (self.fd, bytes, sizeof bytes, 0), ==, -1);
  g_assert_cmpint (errno, ==, EAGAIN);
  // Given up in the middle: still nothing.
  pm_stream_finish (g_steal_pointer (&self.end.stream), 5 * G_TIME_SPAN_SECOND);
  turn_a_while ();
  g_assert_cmpint (recv (self.fd, bytes, sizeof bytes, 0), ==, 0);
  case_close (&self);
}

static void
test_no_certificate (void)
{
  Case self;

  case_open (&self);
  pm_tls_server_unref (self.fixture.server);
  self.fixture.server = pm_tls_server_new (NULL);
  client_begin (&self, "NORMAL");
  g_assert_cmpint (try_handshake (&self), <, 0);
  check_failed (&self, PM_TLS_ERROR, PM_TLS_ERROR_FAILED, "TLS");
  case_close (&self);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/net/tls/hostile/clear-after-end-1.3", "NORMAL", test_clear_after_end);
  g_test_add_data_func ("/net/tls/hostile/clear-after-end-1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                        test_clear_after_end);
  g_test_add_data_func ("/net/tls/hostile/clear-within-1.3", "NORMAL", test_clear_within);
  g_test_add_data_func ("/net/tls/hostile/clear-within-1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                        test_clear_within);
  g_test_add_func ("/net/tls/hostile/forged-record", test_forged_record);
  g_test_add_func ("/net/tls/hostile/oversized-record", test_oversized_record);
  g_test_add_data_func ("/net/tls/hostile/cut-between-records", GSIZE_TO_POINTER (0),
                        test_truncated);
  g_test_add_data_func ("/net/tls/hostile/cut-in-header", GSIZE_TO_POINTER (3), test_truncated);
  g_test_add_data_func ("/net/tls/hostile/cut-in-record", GSIZE_TO_POINTER (20), test_truncated);
  g_test_add_func ("/net/tls/hostile/again", test_again_refused);
  g_test_add_func ("/net/tls/hostile/old-version", test_old_version);
  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++)
    {
      g_autofree char *path = g_strconcat ("/net/tls/hostile/garbage/", garbage[i].name, NULL);

      g_test_add_data_func (path, garbage[i].bytes, test_garbage);
    }
  g_test_add_func ("/net/tls/hostile/server-in-clear", test_server_in_clear);
  g_test_add_func ("/net/tls/hostile/leaves", test_leaves_while_shaking);
  g_test_add_func ("/net/tls/hostile/bytes-before", test_bytes_before);
  g_test_add_func ("/net/tls/hostile/stall", test_stall);
  g_test_add_func ("/net/tls/hostile/deadlines", test_deadlines);
  g_test_add_func ("/net/tls/hostile/output-waits", test_output_waits);
  g_test_add_func ("/net/tls/hostile/no-certificate", test_no_certificate);
  return g_test_run ();
}
