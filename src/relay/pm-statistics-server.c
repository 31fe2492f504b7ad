// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Statistics by HTTP. What it promises: only this host can ask, there is one thing to ask for, and
// however many ask, only a few looks at the queue are under way.

#include "relay/pm-statistics-server.h"

#include <libsoup/soup.h>
#include <string.h>

#include "relay/pm-relay-statistics.h"

#define MAX_READS 4

struct _PmStatisticsServer
{
  PmRelay *relay;
  guint16 port;
  SoupServer *server; /* (owned) */
};

static int reads; /* under way, in the main thread */

static void
refuse (SoupServerMessage *message, guint status, const char *text)
{
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, "text/plain; charset=utf-8", SOUP_MEMORY_STATIC, text,
                                    strlen (text));
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (SoupServerMessage) message = data;
  g_autoptr (PmRelayStatistics) statistics =
      pm_relay_statistics_read_finish (PM_RELAY (source), result, NULL);

  reads--;
  if (statistics != NULL)
    {
      char *text = pm_relay_statistics_to_prometheus (statistics);

      soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
      soup_server_message_set_response (message, "text/plain; version=0.0.4; charset=utf-8",
                                        SOUP_MEMORY_TAKE, text, strlen (text));
    }
  else
    refuse (message, SOUP_STATUS_SERVICE_UNAVAILABLE, "The queue cannot be read now.\n");
  soup_server_message_unpause (message);
}

static void
request_cb (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer data)
{
  PmStatisticsServer *self = data;

  if (strcmp (path, "/metrics") != 0)
    refuse (message, SOUP_STATUS_NOT_FOUND, "There is only /metrics here.\n");
  else if (strcmp (soup_server_message_get_method (message), "GET") != 0)
    {
      soup_message_headers_append (soup_server_message_get_response_headers (message), "Allow",
                                   "GET");
      refuse (message, SOUP_STATUS_METHOD_NOT_ALLOWED, "Only GET.\n");
    }
  else if (reads >= MAX_READS)
    refuse (message, SOUP_STATUS_SERVICE_UNAVAILABLE, "Too many ask at once.\n");
  else
    {
      reads++;
      soup_server_message_pause (message);
      pm_relay_statistics_read_async (self->relay, read_cb, g_object_ref (message));
    }
}

/* A host without IPv6 has one address less. */
static gboolean
listen_on_loopback (PmStatisticsServer *self, GError **error)
{
  g_autoptr (GError) first = NULL;
  gboolean v4 = soup_server_listen_local (self->server, self->port,
                                          SOUP_SERVER_LISTEN_IPV4_ONLY, &first);

  if (!v4 || !soup_server_listen_local (self->server, self->port, SOUP_SERVER_LISTEN_IPV6_ONLY,
                                        NULL))
    g_debug ("statistics on port %u by one IP version only", self->port);
  if (v4)
    return TRUE;
  g_set_error (error, first->domain, first->code,
               "Statistics cannot be given on port %u of 127.0.0.1: %s", self->port,
               first->message);
  return FALSE;
}

/**
 * pm_statistics_server_new:
 * @port: on 127.0.0.1 and ::1
 * @error: when it is taken
 *
 * Returns: (transfer full) (nullable)
 */
PmStatisticsServer *
pm_statistics_server_new (PmRelay *relay, guint16 port, GError **error)
{
  g_autoptr (PmStatisticsServer) self = g_new0 (PmStatisticsServer, 1);

  self->relay = relay;
  self->port = port;
  self->server = soup_server_new ("server-header", "Pointsman", NULL);
  soup_server_add_handler (self->server, NULL, request_cb, self, NULL);
  return listen_on_loopback (self, error) ? g_steal_pointer (&self) : NULL;
}

guint16
pm_statistics_server_get_port (PmStatisticsServer *self)
{
  return self->port;
}

/**
 * pm_statistics_server_free:
 * @server: (nullable)
 */
void
pm_statistics_server_free (PmStatisticsServer *self)
{
  if (self == NULL)
    return;
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  g_free (self);
}
