// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Whether our own ports answer, asked from outside the engine: by a connection of its own.

#include "relay/pm-listener-probe.h"

#include <glib-unix.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/socket.h>

#define TIMEOUT_SECONDS 5
#define MAX_GREETING 512

typedef struct
{
  GTask *task;
  char *name;
  GCancellable *timeout;
  GSource *timer;
  GSocketConnection *connection;
  PmListen *listen; /* (owned) */
  guint patience;   /* seconds */
  char greeting[MAX_GREETING + 1];
  gboolean ok;
  char *text;
} Probe;

typedef struct
{
  GPtrArray *probes;
  guint outstanding;
} Probes;

PmListenerTarget *
pm_listener_target_new (GInetSocketAddress *address, PmListen *listen)
{
  PmListenerTarget *target = g_new0 (PmListenerTarget, 1);

  target->address = g_object_ref (address);
  target->listen = pm_listen_ref (listen);
  return target;
}

void
pm_listener_target_free (PmListenerTarget *target)
{
  g_object_unref (target->address);
  pm_listen_unref (target->listen);
  g_free (target);
}

static void
free_probe (Probe *probe)
{
  if (probe->timer != NULL)
    g_source_destroy (probe->timer);
  g_clear_pointer (&probe->timer, g_source_unref);
  g_clear_object (&probe->connection);
  pm_listen_unref (probe->listen);
  g_object_unref (probe->timeout);
  g_free (probe->name);
  g_free (probe->text);
  g_free (probe);
}

static void
free_probes (Probes *probes)
{
  g_ptr_array_unref (probes->probes);
  g_free (probes);
}

static GVariant *
make_results (const Probes *probes)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sbs)"));
  for (guint i = 0; i < probes->probes->len; i++)
    {
      const Probe *probe = g_ptr_array_index (probes->probes, i);

      g_variant_builder_add (&builder, "(sbs)", probe->name, probe->ok, probe->text);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* @text: (transfer full) */
static void
conclude (Probe *probe, gboolean ok, char *text)
{
  g_autoptr (GTask) task = probe->task;
  Probes *probes = g_task_get_task_data (task);

  probe->ok = ok;
  probe->text = g_utf8_make_valid (text, -1);
  g_free (text);
  if (--probes->outstanding == 0)
    g_task_return_pointer (task, make_results (probes), (GDestroyNotify) g_variant_unref);
}

static void
conclude_error (Probe *probe, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    conclude (probe, FALSE, g_strdup_printf ("No greeting within %u seconds", probe->patience));
  else
    conclude (probe, FALSE, g_strdup (error->message));
}

static void
take_greeting (Probe *probe, gsize size)
{
  probe->greeting[size] = '\0';
  g_strchomp (probe->greeting);
  if (size == 0)
    conclude (probe, FALSE, g_strdup ("The connection was closed without a greeting"));
  else
    conclude (probe, strchr ("245", probe->greeting[0]) != NULL, g_strdup (probe->greeting));
}

static void
greeted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Probe *probe = data;
  g_autoptr (GError) error = NULL;
  gssize size = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  if (size < 0)
    conclude_error (probe, error);
  else
    take_greeting (probe, (gsize) size);
}

/* TLS, in a thread of its own: the greeting, or why there is none. */

static int
shake_hands (Probe *probe, gnutls_session_t session)
{
  int fd = g_socket_get_fd (g_socket_connection_get_socket (probe->connection));
  const struct timeval limit = { .tv_sec = (time_t) probe->patience };
  int result;

  g_socket_set_blocking (g_socket_connection_get_socket (probe->connection), TRUE);
  if (!g_unix_set_fd_nonblocking (fd, FALSE, NULL) ||
      setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
    return GNUTLS_E_INTERNAL_ERROR;
  gnutls_transport_set_int (session, fd);
  gnutls_handshake_set_timeout (session, probe->patience * 1000);
  do
    result = gnutls_handshake (session);
  while (result < 0 && !gnutls_error_is_fatal (result) && result != GNUTLS_E_AGAIN);
  return result;
}

/* Whose certificate it is, is not the question: it is our own socket. */
static gssize
greet_by_tls (Probe *probe)
{
  gnutls_certificate_credentials_t credentials = NULL;
  gnutls_session_t session = NULL;
  gssize result = gnutls_certificate_allocate_credentials (&credentials);

  if (result >= 0)
    result = gnutls_init (&session, GNUTLS_CLIENT);
  if (result >= 0)
    result = gnutls_set_default_priority (session);
  if (result >= 0)
    result = gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, credentials);
  if (result >= 0)
    result = shake_hands (probe, session);
  if (result >= 0)
    do
      result = gnutls_record_recv (session, probe->greeting, MAX_GREETING);
    while (result == GNUTLS_E_INTERRUPTED);
  if (session != NULL)
    gnutls_deinit (session);
  if (credentials != NULL)
    gnutls_certificate_free_credentials (credentials);
  return result;
}

static void
greet_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_int (task, greet_by_tls (data));
}

static void
greeted_by_tls_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Probe *probe = data;
  gssize size = g_task_propagate_int (G_TASK (result), NULL);

  if (size == GNUTLS_E_AGAIN || size == GNUTLS_E_TIMEDOUT)
    conclude (probe, FALSE, g_strdup_printf ("No TLS within %u seconds", probe->patience));
  else if (size < 0)
    conclude (probe, FALSE, g_strdup_printf ("No TLS: %s", gnutls_strerror ((int) size)));
  else
    take_greeting (probe, (gsize) size);
}

static void
probe_tls (Probe *probe)
{
  g_autoptr (GTask) thread = g_task_new (NULL, NULL, greeted_by_tls_cb, probe);

  g_task_set_task_data (thread, probe, NULL);
  g_task_run_in_thread (thread, greet_in_thread);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Probe *probe = data;
  g_autoptr (GError) error = NULL;

  probe->connection =
      g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  if (probe->connection == NULL)
    {
      conclude_error (probe, error);
      return;
    }
  if (probe->listen->proxy)
    {
      conclude (probe, TRUE, g_strdup ("The connection was taken; a proxy speaks first there"));
      return;
    }
  if (probe->listen->implicit_tls)
    {
      probe_tls (probe);
      return;
    }
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (probe->connection)),
                             probe->greeting, MAX_GREETING, G_PRIORITY_DEFAULT, probe->timeout,
                             greeted_cb, probe);
}

static gboolean
timeout_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static GSocketAddress *
get_reachable (GInetSocketAddress *address)
{
  GInetAddress *inet = g_inet_socket_address_get_address (address);
  g_autoptr (GInetAddress) loopback = NULL;

  if (!g_inet_address_get_is_any (inet))
    return g_object_ref (G_SOCKET_ADDRESS (address));
  loopback = g_inet_address_new_loopback (g_inet_address_get_family (inet));
  return g_inet_socket_address_new (loopback, g_inet_socket_address_get_port (address));
}

static void
start_probe (GTask *task, Probes *probes, const PmListenerTarget *target, guint patience)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) reachable = get_reachable (target->address);
  Probe *probe = g_new0 (Probe, 1);

  g_socket_client_set_enable_proxy (client, FALSE);
  probe->task = g_object_ref (task);
  probe->name = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (target->address));
  probe->listen = pm_listen_ref (target->listen);
  probe->patience = patience;
  probe->timeout = g_cancellable_new ();
  probe->timer = g_timeout_source_new_seconds (patience);
  g_source_set_callback (probe->timer, timeout_cb, g_object_ref (probe->timeout), g_object_unref);
  g_source_attach (probe->timer, g_main_context_get_thread_default ());
  g_ptr_array_add (probes->probes, probe);
  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (reachable), probe->timeout,
                                 connected_cb, probe);
}

void
pm_listener_probe_async (GPtrArray *targets,
                         guint greeting_pause,
                         GAsyncReadyCallback callback,
                         gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  guint patience = TIMEOUT_SECONDS + greeting_pause;
  Probes *probes = g_new0 (Probes, 1);

  probes->probes = g_ptr_array_new_with_free_func ((GDestroyNotify) free_probe);
  probes->outstanding = targets->len;
  g_task_set_task_data (task, probes, (GDestroyNotify) free_probes);
  if (targets->len == 0)
    g_task_return_pointer (task, make_results (probes), (GDestroyNotify) g_variant_unref);
  for (guint i = 0; i < targets->len; i++)
    start_probe (task, probes, g_ptr_array_index (targets, i), patience);
}

/**
 * pm_listener_probe_finish:
 *
 * Returns: (transfer full) (nullable): of type a(sbs)
 */
GVariant *
pm_listener_probe_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
