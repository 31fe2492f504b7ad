// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who a session's client is: by its address, or by what a proxy that we trust says of it. What is
// said counts for everything then, limits and rules included, as if the client had come by itself.

#include <string.h>

#include "relay/pm-inbound-private.h"
#include "relay/pm-relay-event.h"
#include "smtp/pm-proxy-header.h"

/**
 * pm_inbound_enter:
 *
 * Counts the session among those of its client, where there is room for it.
 */
void
pm_inbound_enter (PmInbound *self)
{
  if (self->standing.exempt)
    return;
  self->counted = pm_client_census_enter (pm_relay_get_census (self->worker->relay), self->peer,
                                          self->settings->service->max_per_client);
}

void
pm_inbound_leave (PmInbound *self)
{
  if (self->counted)
    pm_client_census_leave (pm_relay_get_census (self->worker->relay), self->peer);
  self->counted = FALSE;
}

/* Returns: (transfer full): @address; the IPv4 address in it where it is one mapped to IPv6 */
static GInetAddress *
unmap (GInetAddress *address)
{
  static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6 ||
      memcmp (bytes, mapped, sizeof mapped) != 0)
    return g_object_ref (address);
  return g_inet_address_new_from_bytes (bytes + sizeof mapped, G_SOCKET_FAMILY_IPV4);
}

/**
 * pm_inbound_set_peer:
 *
 * Not while it is counted. A proxy may write an IPv4 client as IPv6: it is counted, judged and
 * logged as who it is, as the listener does it.
 */
void
pm_inbound_set_peer (PmInbound *self, GInetAddress *peer, GInetAddress *local)
{
  g_autoptr (GInetAddress) client = unmap (peer);
  g_autoptr (GInetAddress) host = unmap (local);

  g_set_object (&self->peer, client);
  g_set_object (&self->local, host);
  g_free (self->peer_text);
  self->peer_text = g_inet_address_to_string (client);
  self->protocol.peer = self->peer_text;
  self->standing = pm_admission_get_standing (self->settings->service, client);
}

static PmSmtpReply *
judge (PmInbound *self)
{
  PmClientCensus *census = pm_relay_get_census (self->worker->relay);
  const PmMailService *service = self->settings->service;
  PmConnectionFacts facts = {
    .stopping = pm_relay_is_stopping (self->worker->relay),
    .full = self->over_limit,
    .client_full = !self->counted && !self->standing.exempt,
  };

  // Only what would be taken otherwise is counted.
  facts.client_hurried =
      !self->standing.exempt && self->standing.accepted && !facts.full && !facts.client_full &&
      !pm_client_census_count (census, self->peer, PM_CLIENT_CONNECTS,
                               service->client_connections_per_minute, g_get_monotonic_time ());
  return pm_admission_judge_connection (service, &self->standing, &facts);
}

static void
greet_cb (gpointer data)
{
  PmInbound *self = data;

  pm_smtp_server_continue (self->server, NULL);
  pm_inbound_pump (self);
}

/* Whoever speaks meanwhile is no mail server; the protocol sees to that. */
static void
greet (PmInbound *self)
{
  guint pause = self->settings->service->greeting_pause;

  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_CONNECTED,
                                                        .client = self->peer_text });
  if (pause == 0 || self->standing.exempt || self->listen->role == PM_LISTEN_SUBMISSION)
    {
      pm_smtp_server_continue (self->server, NULL);
      return;
    }
  pm_timer_init (&self->pause, pm_worker_get_reactor (self->worker->worker), greet_cb, self);
  pm_timer_set_after (&self->pause, pause * (gint64) G_USEC_PER_SEC);
}

void
pm_inbound_connected (PmSmtpServer *server, gpointer data)
{
  PmInbound *self = data;
  g_autoptr (PmSmtpReply) reply = judge (self);

  if (reply != NULL)
    pm_inbound_refuse (self, "connection", NULL, reply);
  else
    greet (self);
}

void
pm_inbound_xclient (PmSmtpServer *server, const PmSmtpXclient *xclient, gpointer data)
{
  PmInbound *self = data;
  g_autoptr (PmSmtpReply) reply = NULL;

  pm_inbound_leave (self);
  pm_inbound_set_peer (self, xclient->address != NULL ? xclient->address : self->peer,
                       xclient->destination != NULL ? xclient->destination : self->local);
  pm_inbound_enter (self);
  if (xclient->hello != NULL)
    {
      g_free (self->hello);
      self->hello = *xclient->hello != '\0' ? g_strdup (xclient->hello) : NULL;
    }
  // What the proxy itself, or a client before this one, has logged in as is not this one's.
  g_free (self->account);
  self->account = xclient->login != NULL && *xclient->login != '\0' ? g_strdup (xclient->login)
                                                                    : NULL;

  reply = judge (self);
  if (reply != NULL)
    pm_inbound_refuse (self, "connection", NULL, reply);
  else
    pm_smtp_server_continue (server, NULL);
}

static gboolean
refuse_proxy (PmInbound *self, const char *why)
{
  pm_relay_event (self->worker->relay, &(PmRelayEvent){ .event = PM_EVENT_REFUSED,
                                                        .what = "connection",
                                                        .client = self->peer_text,
                                                        .reply = why });
  pm_smtp_server_end (self->server, NULL, FALSE);
  return FALSE;
}

/**
 * pm_inbound_may_proxy:
 *
 * Returns: whether the site names the host that connects as a proxy. From others nothing is taken,
 *   so that nobody can lend himself an address; the protocol is closed then
 */
gboolean
pm_inbound_may_proxy (PmInbound *self)
{
  return self->standing.proxy || refuse_proxy (self, "This host is not named as a proxy");
}

/**
 * pm_inbound_read_proxy:
 *
 * Reads what the proxy says before the client's first byte.
 *
 * Returns: whether it is there and the session can begin; the protocol is closed when it never will
 */
gboolean
pm_inbound_read_proxy (PmInbound *self)
{
  PmBuffer *input = pm_stream_get_input (self->stream);
  g_auto (PmProxyHeader) header = { 0 };
  g_autoptr (GError) error = NULL;
  gsize used = 0;

  switch (pm_proxy_header_parse (pm_buffer_peek (input), pm_buffer_size (input), &used, &header,
                                 &error))
    {
    case PM_PROXY_WHOLE:
      break;
    case PM_PROXY_WRONG:
      return refuse_proxy (self, error->message);
    case PM_PROXY_MORE:
    default:
      return FALSE;
    }
  pm_buffer_consume (input, used);
  // Without a client it is the proxy's own connection, a health check as a rule.
  if (header.client != NULL)
    pm_inbound_set_peer (self, header.client,
                         header.server != NULL ? header.server : self->local);
  return TRUE;
}
