// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Whether our own ports answer, asked from outside the engine: by a connection of its own.

#include "relay/pm-listener-probe.h"

#include <string.h>

#define TIMEOUT_SECONDS 5
#define MAX_GREETING 512

typedef struct
{
  GTask *task;
  char *name;
  GCancellable *timeout;
  GSource *timer;
  GSocketConnection *connection;
  char greeting[MAX_GREETING + 1];
  gboolean ok;
  char *text;
} Probe;

typedef struct
{
  GPtrArray *probes;
  guint outstanding;
} Probes;

static void
free_probe (Probe *probe)
{
  if (probe->timer != NULL)
    g_source_destroy (probe->timer);
  g_clear_pointer (&probe->timer, g_source_unref);
  g_clear_object (&probe->connection);
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
    conclude (probe, FALSE, g_strdup_printf ("No greeting within %d seconds", TIMEOUT_SECONDS));
  else
    conclude (probe, FALSE, g_strdup (error->message));
}

static void
greeted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Probe *probe = data;
  g_autoptr (GError) error = NULL;
  gssize size = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  if (size < 0)
    {
      conclude_error (probe, error);
      return;
    }
  probe->greeting[size] = '\0';
  g_strchomp (probe->greeting);
  if (size == 0)
    conclude (probe, FALSE, g_strdup ("The connection was closed without a greeting"));
  else
    conclude (probe, g_str_has_prefix (probe->greeting, "220"), g_strdup (probe->greeting));
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
start_probe (GTask *task, Probes *probes, GInetSocketAddress *address)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) reachable = get_reachable (address);
  Probe *probe = g_new0 (Probe, 1);

  g_socket_client_set_enable_proxy (client, FALSE);
  probe->task = g_object_ref (task);
  probe->name = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
  probe->timeout = g_cancellable_new ();
  probe->timer = g_timeout_source_new_seconds (TIMEOUT_SECONDS);
  g_source_set_callback (probe->timer, timeout_cb, g_object_ref (probe->timeout), g_object_unref);
  g_source_attach (probe->timer, g_main_context_get_thread_default ());
  g_ptr_array_add (probes->probes, probe);
  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (reachable), probe->timeout,
                                 connected_cb, probe);
}

void
pm_listener_probe_async (GPtrArray *addresses, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  Probes *probes = g_new0 (Probes, 1);

  probes->probes = g_ptr_array_new_with_free_func ((GDestroyNotify) free_probe);
  probes->outstanding = addresses->len;
  g_task_set_task_data (task, probes, (GDestroyNotify) free_probes);
  if (addresses->len == 0)
    g_task_return_pointer (task, make_results (probes), (GDestroyNotify) g_variant_unref);
  for (guint i = 0; i < addresses->len; i++)
    start_probe (task, probes, g_ptr_array_index (addresses, i));
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
