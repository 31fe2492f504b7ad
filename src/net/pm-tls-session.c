// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// TLS as a layer of a stream: GnuTLS over the stream's own non-blocking socket, so that a handshake
// that stalls costs nobody else anything. It shakes hands once; a peer that asks for another time
// is cut off. After the end of TLS, or after any error in it, nothing is read from the socket any
// more: what a peer sends in clear then is never taken for its mail (CVE-2026-45185). No session
// tickets: mail hosts come back too seldom to make the memory and the long-lived key worth while.

#include "net/pm-tls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net/pm-stream-private.h"
#include "net/pm-tls-private.h"

#define FLAGS (GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS)

typedef struct
{
  gnutls_session_t session; /* (nullable): %NULL where it could not even begin */
  PmTlsCredentials *credentials;
  PmTlsClientConfig *config; /* (nullable): of a client */
  GError *broken;            /* (nullable): why nothing goes any more */
  gboolean ended;            /* the peer has ended TLS */
  gsize sending;             /* bytes that GnuTLS took and could not send yet */
  PmReady for_read;          /* what the socket must be ready for, for the one and the other */
  PmReady for_write;
  int fd;
  gboolean cut; /* the socket has ended, whatever TLS says */
  int reason;   /* errno of the socket, where it failed */
  PmTlsInfo info;
} Session;

static void
note_errno (Session *self)
{
  self->reason = errno;
  gnutls_transport_set_errno (self->session, self->reason);
}

static ssize_t
pull_cb (gnutls_transport_ptr_t transport, void *bytes, size_t size)
{
  Session *self = transport;
  ssize_t count = recv (self->fd, bytes, size, 0);

  if (count < 0)
    note_errno (self);
  self->cut = count == 0 && size > 0;
  return count;
}

static ssize_t
push_cb (gnutls_transport_ptr_t transport, const giovec_t *parts, int count)
{
  Session *self = transport;
  struct msghdr message = { .msg_iov = (struct iovec *) parts, .msg_iovlen = (size_t) count };
  ssize_t sent = sendmsg (self->fd, &message, MSG_NOSIGNAL);

  if (sent < 0)
    note_errno (self);
  return sent;
}

static void
free_config (PmTlsClientConfig *config)
{
  g_free ((char *) config->server_name);
  g_clear_pointer (&config->names, g_ptr_array_unref);
  g_clear_pointer (&config->tlsa, g_ptr_array_unref);
  pm_tls_trust_unref (config->trust);
  g_free (config);
}

static gpointer
copy_name (gconstpointer name, gpointer user_data)
{
  return g_strdup (name);
}

static gpointer
copy_tlsa (gconstpointer tlsa, gpointer user_data)
{
  return pm_tlsa_ref ((PmTlsa *) tlsa);
}

static PmTlsClientConfig *
copy_config (const PmTlsClientConfig *config)
{
  PmTlsClientConfig *copy = g_new0 (PmTlsClientConfig, 1);

  copy->server_name = g_strdup (config->server_name);
  copy->verify = config->verify;
  copy->lenient = config->lenient;
  if (config->names != NULL)
    {
      copy->names = g_ptr_array_copy (config->names, copy_name, NULL);
      g_ptr_array_set_free_func (copy->names, g_free);
    }
  if (config->tlsa != NULL)
    {
      copy->tlsa = g_ptr_array_copy (config->tlsa, copy_tlsa, NULL);
      g_ptr_array_set_free_func (copy->tlsa, (GDestroyNotify) pm_tlsa_unref);
    }
  if (config->trust != NULL)
    copy->trust = pm_tls_trust_ref (config->trust);
  return copy;
}

static void
tls_free (gpointer data)
{
  Session *self = data;

  g_clear_pointer (&self->session, gnutls_deinit);
  g_clear_pointer (&self->credentials, pm_tls_credentials_unref);
  g_clear_pointer (&self->config, free_config);
  g_clear_error (&self->broken);
  g_free ((char *) self->info.cipher);
  g_free ((char *) self->info.verify_error);
  g_free ((char *) self->info.peer_name);
  g_free ((char *) self->info.server_name);
  g_free (self);
}

static void
wait_more (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "TLS waits for the socket");
}

static void
say_socket (Session *self, GError **error)
{
  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (self->reason),
               "The connection below TLS is broken: %s", g_strerror (self->reason));
}

static void
say_handshake (Session *self, int result, GError **error)
{
  const char *alert = gnutls_alert_get_name (gnutls_alert_get (self->session));

  switch (self->cut ? GNUTLS_E_PREMATURE_TERMINATION : result)
    {
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
      say_socket (self, error);
      break;
    case GNUTLS_E_PREMATURE_TERMINATION:
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                           "The other side closed the connection during the TLS handshake");
      break;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
      g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED,
                   "The other side broke off the TLS handshake: %s",
                   alert != NULL ? alert : "for a reason without a name");
      break;
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
    case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
    case GNUTLS_E_UNEXPECTED_PACKET:
    case GNUTLS_E_RECORD_OVERFLOW:
    case GNUTLS_E_RECORD_LIMIT_REACHED:
      g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED,
                   "What the other side sent is not a TLS handshake, or one before TLS 1.2: %s",
                   gnutls_strerror (result));
      break;
    case GNUTLS_E_NO_CIPHER_SUITES:
    case GNUTLS_E_NO_COMMON_KEY_SHARE:
    case GNUTLS_E_UNKNOWN_CIPHER_SUITE:
      g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED,
                   "The other side and this one have no TLS version and cipher in common: %s",
                   gnutls_strerror (result));
      break;
    default:
      g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED, "The TLS handshake failed: %s",
                   gnutls_strerror (result));
    }
}

// Keeps the error: whoever asks again gets the same, and the socket is not touched again.
static void
give_up (Session *self, GError *broken, GError **error)
{
  self->broken = broken;
  if (error != NULL)
    *error = g_error_copy (broken);
}

static gboolean
is_over (Session *self, GError **error)
{
  if (self->broken == NULL)
    return FALSE;
  if (error != NULL)
    *error = g_error_copy (self->broken);
  return TRUE;
}

static void
fill_info (Session *self)
{
  const char *cipher = gnutls_ciphersuite_get (self->session);
  gnutls_protocol_t protocol = gnutls_protocol_get_version (self->session);

  self->info.protocol = protocol == GNUTLS_TLS1_3 ? "TLSv1.3" : "TLSv1.2";
  self->info.cipher = g_strdup (cipher != NULL ? cipher : "unknown");
  self->info.bits = (int) (8 * gnutls_cipher_get_key_size (gnutls_cipher_get (self->session)));
  if (self->config != NULL)
    {
      self->info.peer_name = pm_tls_get_peer_name (self->session);
      self->info.server_name = g_strdup (self->config->server_name);
    }
  else
    {
      char name[256];
      size_t size = sizeof name;
      unsigned int type = 0;

      if (gnutls_server_name_get (self->session, name, &size, &type, 0) >= 0)
        self->info.server_name = g_utf8_make_valid (name, -1);
    }
}

static gboolean
check_peer (Session *self, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (self->config == NULL)
    return TRUE;
  if (pm_tls_verify_peer (self->session, self->config, &why))
    {
      self->info.verified = self->config->verify != PM_TLS_VERIFY_OPAQUE;
      return TRUE;
    }
  if (self->config->verify == PM_TLS_VERIFY_OPAQUE || self->config->lenient)
    {
      self->info.verify_error = g_strdup (why->message);
      self->info.verify_code = (PmTlsError) why->code;
      return TRUE;
    }
  gnutls_alert_send (self->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
  give_up (self, g_steal_pointer (&why), error);
  return FALSE;
}

static gboolean
tls_handshake (gpointer data, int fd, GError **error)
{
  Session *self = data;
  GError *broken = NULL;
  int result;

  if (is_over (self, error))
    return FALSE;
  self->fd = fd;
  do
    result = gnutls_handshake (self->session);
  while (result == GNUTLS_E_INTERRUPTED);

  // A warning is nothing to stop for, but others come before this peer's next one.
  if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_WARNING_ALERT_RECEIVED)
    {
      self->for_read = gnutls_record_get_direction (self->session) == 1 ? PM_READY_WRITE
                                                                        : PM_READY_READ;
      wait_more (error);
      return FALSE;
    }
  if (result < 0)
    {
      gnutls_alert_send_appropriate (self->session, result);
      say_handshake (self, result, &broken);
      give_up (self, broken, error);
      return FALSE;
    }
  self->for_read = PM_READY_READ;
  if (!check_peer (self, error))
    return FALSE;
  fill_info (self);
  g_clear_pointer (&self->config, free_config);
  return TRUE;
}

// What a negative result of GnuTLS means after the handshake.
static void
say_broken (Session *self, int result, GError **error)
{
  const char *alert = gnutls_alert_get_name (gnutls_alert_get (self->session));

  switch (self->cut ? GNUTLS_E_PREMATURE_TERMINATION : result)
    {
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
      say_socket (self, error);
      break;
    case GNUTLS_E_PREMATURE_TERMINATION:
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                           "The other side closed the connection without ending TLS");
      break;
    case GNUTLS_E_REHANDSHAKE:
      g_set_error_literal (error, PM_TLS_ERROR, PM_TLS_ERROR_BROKEN,
                           "The other side asked to shake hands again, which is refused");
      break;
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
      g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_BROKEN, "The other side broke off TLS: %s",
                   alert != NULL ? alert : "for a reason without a name");
      break;
    default:
      g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_BROKEN, "What came is not valid TLS: %s",
                   gnutls_strerror (result));
    }
}

static gssize
tls_read (gpointer data, int fd, guint8 *bytes, gsize size, GError **error)
{
  Session *self = data;
  GError *broken = NULL;
  ssize_t count;

  if (self->ended)
    return 0;
  if (is_over (self, error))
    return -1;
  do
    count = gnutls_record_recv (self->session, bytes, size);
  while (count == GNUTLS_E_INTERRUPTED);

  self->for_read = PM_READY_READ;
  if (count > 0)
    return count;
  if (count == 0)
    {
      self->ended = TRUE;
      return 0;
    }
  if (count == GNUTLS_E_AGAIN || count == GNUTLS_E_WARNING_ALERT_RECEIVED)
    {
      if (count == GNUTLS_E_AGAIN && gnutls_record_get_direction (self->session) == 1)
        self->for_read = PM_READY_WRITE;
      wait_more (error);
      return -1;
    }
  if (count == GNUTLS_E_REHANDSHAKE)
    gnutls_alert_send (self->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
  else
    gnutls_alert_send_appropriate (self->session, (int) count);
  say_broken (self, (int) count, &broken);
  give_up (self, broken, error);
  return -1;
}

static gssize
tls_write (gpointer data, int fd, const guint8 *bytes, gsize size, GError **error)
{
  Session *self = data;
  GError *broken = NULL;
  ssize_t count;

  if (is_over (self, error))
    return -1;
  // What GnuTLS has taken already is not given to it twice.
  do
    count = self->sending > 0 ? gnutls_record_send (self->session, NULL, 0)
                              : gnutls_record_send (self->session, bytes, size);
  while (count == GNUTLS_E_INTERRUPTED);

  self->for_write = PM_READY_WRITE;
  if (count >= 0)
    {
      count = self->sending > 0 ? (ssize_t) self->sending : count;
      self->sending = 0;
      return count;
    }
  if (count == GNUTLS_E_AGAIN)
    {
      self->sending = MIN (size, gnutls_record_get_max_size (self->session));
      if (gnutls_record_get_direction (self->session) == 0)
        self->for_write = PM_READY_READ;
      wait_more (error);
      return -1;
    }
  say_broken (self, (int) count, &broken);
  give_up (self, broken, error);
  return -1;
}

static gboolean
tls_shutdown (gpointer data, int fd, GError **error)
{
  Session *self = data;

  // Said once, and not waited for: TCP's own end follows, and carries it.
  if (self->broken == NULL && self->session != NULL)
    gnutls_bye (self->session, GNUTLS_SHUT_WR);
  return shutdown (fd, SHUT_WR) == 0;
}

static gboolean
tls_pending (gpointer data)
{
  Session *self = data;

  return self->broken == NULL && !self->ended && gnutls_record_check_pending (self->session) > 0;
}

static PmReady
tls_interest (gpointer data, PmReady wanted)
{
  Session *self = data;
  PmReady interest = PM_READY_NONE;

  if (self->info.protocol == NULL) // the hands are not shaken yet
    return self->for_read;
  if (wanted & PM_READY_READ)
    interest |= self->for_read;
  if (wanted & PM_READY_WRITE)
    interest |= self->for_write;
  return interest;
}

static const PmStreamLayer tls_layer = {
  .read = tls_read,
  .write = tls_write,
  .shutdown = tls_shutdown,
  .pending = tls_pending,
  .handshake = tls_handshake,
  .interest = tls_interest,
  .free = tls_free,
};

// GnuTLS itself finds a certificate by names as they stand in it, but not by wildcards, nor by the
// name that it was given for.
static int
client_hello_cb (gnutls_session_t session)
{
  Session *self = gnutls_transport_get_ptr (session);
  gnutls_certificate_credentials_t found;
  char name[256];
  size_t size = sizeof name;
  unsigned int type = 0;

  if (gnutls_server_name_get (session, name, &size, &type, 0) < 0)
    return 0;
  found = pm_tls_credentials_find (self->credentials, name);
  return found != NULL ? gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, found) : 0;
}

// What goes wrong in here is told by the handshake, so that there is one way to fail.
static Session *
session_new (guint role, PmTlsCredentials *credentials)
{
  Session *self = g_new0 (Session, 1);
  int result = gnutls_init (&self->session, role | FLAGS);

  self->fd = -1;
  self->credentials = credentials;
  self->for_read = PM_READY_READ;
  self->for_write = PM_READY_WRITE;
  if (result >= 0)
    result = gnutls_priority_set (self->session, credentials->priority);
  if (result >= 0)
    result = gnutls_credentials_set (self->session, GNUTLS_CRD_CERTIFICATE,
                                     credentials->certificates);
  if (result < 0)
    {
      self->broken = g_error_new (PM_TLS_ERROR, PM_TLS_ERROR_FAILED, "Cannot begin TLS: %s",
                                  gnutls_strerror (result));
      return self;
    }
  gnutls_transport_set_ptr (self->session, self);
  gnutls_transport_set_pull_function (self->session, pull_cb);
  gnutls_transport_set_vec_push_function (self->session, push_cb);
  if (role == GNUTLS_SERVER)
    gnutls_handshake_set_post_client_hello_function (self->session, client_hello_cb);
  return self;
}

static gboolean
start (PmStream *stream, Session *self, gint64 microseconds)
{
  if (!pm_stream_has_layer (stream, &tls_layer) &&
      pm_stream_begin_layer (stream, &tls_layer, self, microseconds))
    return TRUE;
  tls_free (self);
  return FALSE;
}

/**
 * pm_stream_start_tls_server:
 * @server: the certificates to show; referenced as long as needed
 *
 * Waits for the peer to begin a handshake.
 *
 * Returns: %FALSE, with nothing changed, when there are bytes in the stream's buffers or TLS is in
 *   force already.
 */
gboolean
pm_stream_start_tls_server (PmStream *stream, PmTlsServer *server)
{
  return start (stream, session_new (GNUTLS_SERVER, pm_tls_server_get_credentials (server)),
                pm_tls_server_get_handshake_time (server));
}

static PmTlsCredentials *
get_client_credentials (void)
{
  static gsize once;

  // Clients show no certificate and check the host's themselves: one set serves them all.
  if (g_once_init_enter (&once))
    {
      g_autoptr (GError) error = NULL;
      PmTlsCredentials *credentials = pm_tls_credentials_new (PM_TLS_PRIORITY, &error);

      if (credentials == NULL)
        g_error ("%s", error->message);
      g_once_init_leave (&once, (gsize) credentials);
    }
  return pm_tls_credentials_ref ((PmTlsCredentials *) once);
}

/**
 * pm_stream_start_tls_client:
 * @config: what is asked of the host
 *
 * Begins a handshake with the host.
 *
 * Returns: %FALSE, with nothing changed, when there are bytes in the stream's buffers or TLS is in
 *   force already.
 */
gboolean
pm_stream_start_tls_client (PmStream *stream, const PmTlsClientConfig *config)
{
  Session *self = session_new (GNUTLS_CLIENT, get_client_credentials ());
  gint64 time = config->handshake_time > 0 ? config->handshake_time : PM_TLS_HANDSHAKE_TIME;

  self->config = copy_config (config);
  // An address is no name for SNI (RFC 6066 3).
  if (config->server_name != NULL && self->broken == NULL &&
      !g_hostname_is_ip_address (config->server_name))
    gnutls_server_name_set (self->session, GNUTLS_NAME_DNS, config->server_name,
                            strlen (config->server_name));
  return start (stream, self, time);
}

/**
 * pm_stream_get_tls:
 *
 * Returns: (transfer none) (nullable): how the stream is secured; %NULL before @secured.
 */
const PmTlsInfo *
pm_stream_get_tls (PmStream *stream)
{
  Session *self = pm_stream_get_layer (stream, &tls_layer);

  return self != NULL ? &self->info : NULL;
}
