// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fetches the text of one MTA-STS policy (RFC 8461 3.3): HTTPS with a certificate that is checked,
// no redirects, text/plain, at most 64 KiB, and all of it within a minute.

#include "relay/pm-mta-sts-fetch.h"

#include "base/pm-error.h"

#define TIME_LIMIT 60 /* seconds */
#define MAX_SIZE (64 * 1024)

typedef struct
{
  char *domain;
  SoupMessage *message;
  GInputStream *stream; /* (nullable) */
  GCancellable *cancellable;
  GSource *limit;
  guint8 *bytes;
} Fetch;

static void
free_fetch (gpointer data)
{
  Fetch *fetch = data;

  g_source_destroy (fetch->limit);
  g_source_unref (fetch->limit);
  g_clear_object (&fetch->stream);
  g_clear_object (&fetch->message);
  g_clear_object (&fetch->cancellable);
  g_free (fetch->domain);
  g_free (fetch->bytes);
  g_free (fetch);
}

/**
 * pm_mta_sts_fetch_session_new:
 * @ca_file: (nullable): whom to believe instead of this system's authorities
 * @address: (nullable): whom to ask instead of the host that DNS names
 * @port: of @address
 *
 * Returns: (transfer full) (nullable): what policies are fetched with.
 */
SoupSession *
pm_mta_sts_fetch_session_new (const char *ca_file, const char *address, guint16 port,
                              GError **error)
{
  g_autoptr (SoupSession) session = NULL;
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GSocketConnectable) place = NULL;

  if (address != NULL)
    place = g_network_address_new (address, port);
  session = soup_session_new_with_options ("user-agent", "Pointsman", "timeout", TIME_LIMIT,
                                           "idle-timeout", 5, "max-conns", 20,
                                           "remote-connectable", place, NULL);
  soup_session_set_proxy_resolver (session, NULL);
  if (ca_file == NULL)
    return g_steal_pointer (&session);
  database = g_tls_file_database_new (ca_file, error);
  if (database == NULL)
    return NULL;
  soup_session_set_tls_database (session, database);
  return g_steal_pointer (&session);
}

// Where the session connects to an address of its own, libsoup compares the certificate with that.
// What counts is the name that the policy is asked for under (RFC 8461 3.3).
static gboolean
accept_certificate_cb (SoupMessage *message,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags errors,
                       gpointer data)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GSocketConnectable) identity = NULL;
  GUri *uri = soup_message_get_uri (message);

  g_object_get (data, "tls-database", &database, NULL);
  if (database == NULL || errors != G_TLS_CERTIFICATE_BAD_IDENTITY)
    return FALSE;
  identity = g_network_address_new (g_uri_get_host (uri), (guint16) g_uri_get_port (uri));
  return g_tls_database_verify_chain (database, certificate,
                                      G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER, identity, NULL,
                                      G_TLS_DATABASE_VERIFY_NONE, NULL, NULL) == 0;
}

static gboolean
limit_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
return_error (GTask *task, GError *error)
{
  Fetch *fetch = g_task_get_task_data (task);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_UNREACHABLE,
                             "The policy of %s did not come within %d seconds", fetch->domain,
                             TIME_LIMIT);
  else
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_UNREACHABLE,
                             "The policy of %s cannot be fetched: %s", fetch->domain,
                             error->message);
  g_error_free (error);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;
  gsize size = 0;

  if (!g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &size, &error))
    return_error (task, error);
  else if (size > MAX_SIZE)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_TOO_LARGE,
                             "The policy of %s has more than %d bytes", fetch->domain, MAX_SIZE);
  else
    g_task_return_pointer (task, g_bytes_new (fetch->bytes, size),
                           (GDestroyNotify) g_bytes_unref);
}

static gboolean
check_response (Fetch *fetch, GError **error)
{
  guint status = soup_message_get_status (fetch->message);
  const char *type = soup_message_headers_get_content_type (
      soup_message_get_response_headers (fetch->message), NULL);

  // Redirects are not followed either (RFC 8461 3.3).
  if (status != SOUP_STATUS_OK)
    g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "The web server said %u, not 200", status);
  else if (g_strcmp0 (type, "text/plain") != 0)
    g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "It is of the type %s, not text/plain",
                 type != NULL ? type : "(none)");
  else
    return TRUE;
  return FALSE;
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;

  fetch->stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (fetch->stream == NULL || !check_response (fetch, &error))
    {
      return_error (task, error);
      return;
    }
  fetch->bytes = g_malloc (MAX_SIZE + 1);
  g_input_stream_read_all_async (fetch->stream, fetch->bytes, MAX_SIZE + 1, G_PRIORITY_DEFAULT,
                                 fetch->cancellable, read_cb, g_steal_pointer (&task));
}

/**
 * pm_mta_sts_fetch_async:
 * @domain: normalized
 * @port: of the web server; 0 for 443
 *
 * Fetches the policy of @domain.
 */
void
pm_mta_sts_fetch_async (SoupSession *session, const char *domain, guint16 port,
                        GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (session, NULL, callback, data);
  Fetch *fetch = g_new0 (Fetch, 1);
  g_autofree char *host = g_strconcat ("mta-sts.", domain, NULL);
  g_autoptr (GUri) uri = g_uri_build (SOUP_HTTP_URI_FLAGS, "https", NULL, host,
                                      port != 0 ? port : -1, "/.well-known/mta-sts.txt", NULL,
                                      NULL);

  g_task_set_source_tag (task, pm_mta_sts_fetch_async);
  g_task_set_task_data (task, fetch, free_fetch);
  fetch->domain = g_strdup (domain);
  fetch->cancellable = g_cancellable_new ();
  fetch->limit = g_timeout_source_new_seconds (TIME_LIMIT);
  g_source_set_callback (fetch->limit, limit_cb, g_object_ref (fetch->cancellable),
                         g_object_unref);
  g_source_attach (fetch->limit, g_main_context_get_thread_default ());
  fetch->message = soup_message_new_from_uri (SOUP_METHOD_GET, uri);
  if (soup_session_get_remote_connectable (session) != NULL)
    g_signal_connect (fetch->message, "accept-certificate", G_CALLBACK (accept_certificate_cb),
                      session);
  soup_message_add_flags (fetch->message, SOUP_MESSAGE_NO_REDIRECT);
  soup_session_send_async (session, fetch->message, G_PRIORITY_DEFAULT, fetch->cancellable,
                           sent_cb, task);
}

/**
 * pm_mta_sts_fetch_finish:
 * @error: a #PmError that says why there is none
 *
 * Returns: (transfer full) (nullable): the text.
 */
GBytes *
pm_mta_sts_fetch_finish (SoupSession *session, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, session), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
