// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A client asks for the mail that waits for its domain. It is sent where it would go anyway, not to
// whoever asks, so that asking gives nobody anything but an earlier try.

#include "relay/pm-inbound-etrn.h"

#include "base/pm-domain-name.h"
#include "base/pm-log.h"
#include "relay/pm-report-limit.h"

/* Asking costs a look through the queue: a client is to ask rarely. */
#define PER_MINUTE 6

typedef struct
{
  PmInbound *session;
  char *domain;
} Request;

static PmSmtpReply *
conclude (const Request *request, GAsyncResult *result)
{
  PmRelay *relay = request->session->worker->relay;
  g_autoptr (GError) error = NULL;
  guint count = 0;

  if (!pm_queue_change_finish (pm_relay_get_queue (relay), result, &count, &error))
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "client", request->session->peer_text,
                    "reason", error->message, NULL);
      return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 458, "4.3.0",
                                "Unable to queue messages now, try again later");
    }
  if (count == 0)
    return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 251, "2.0.0",
                                     "OK, no messages waiting for node %s", request->domain);
  return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 253, "2.0.0",
                                   "OK, %u pending messages for node %s started", count,
                                   request->domain);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Request *request = data;
  PmInbound *self = request->session;
  g_autoptr (PmSmtpReply) reply = conclude (request, result);

  pm_relay_queue_changed (self->worker->relay);
  g_free (request->domain);
  if (self->stream != NULL)
    {
      pm_smtp_server_continue (self->server, reply);
      pm_inbound_pump (self);
    }
  pm_inbound_unref (self);
}

static gboolean
may_relay (const PmInbound *self)
{
  PmRoutingClient client = pm_inbound_get_client (self);

  return pm_router_may_relay (self->settings->router, &client, NULL);
}

/* Returns: (transfer full) (nullable): the domain; only one that we carry mail for counts */
static char *
read_domain (const PmInbound *self, const char *argument)
{
  g_autofree char *domain = pm_domain_name_normalize (argument, NULL);
  const PmRoute *route = domain != NULL ? pm_router_match (self->settings->router, domain) : NULL;

  return route != NULL && route->action != PM_ROUTE_INBOUND ? g_steal_pointer (&domain) : NULL;
}

/* By its address, and of strangers by the route too: many of them could press harder than one. */
static gboolean
is_in_time (PmInbound *self, const char *domain)
{
  PmRelay *relay = self->worker->relay;
  const PmRoute *route = pm_router_match (self->settings->router, domain);

  return pm_client_census_count (pm_relay_get_census (relay), self->peer, PM_CLIENT_ASKS,
                                 PER_MINUTE, g_get_monotonic_time ()) &&
         (may_relay (self) ||
          pm_report_limit_take (pm_relay_get_report_limit (relay), route->domain,
                                pm_clock_now (pm_relay_get_clock (relay))));
}

void
pm_inbound_etrn (PmSmtpServer *server, const char *argument, gpointer data)
{
  static const PmQueueChange retry = { .verb = PM_QUEUE_RETRY };
  PmInbound *self = data;
  PmQueueFilter filter = PM_QUEUE_FILTER_ALL;
  g_autofree char *domain = read_domain (self, argument);
  g_autoptr (PmSmtpReply) reply = NULL;
  Request *request;

  if (domain == NULL)
    reply = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 459, "4.7.1",
                               "This host queues nothing for that node");
  else if (!is_in_time (self, domain))
    reply = pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 458, "4.7.0",
                               "This is asked too often, try again later");
  if (reply != NULL)
    {
      pm_inbound_refuse (self, "command", argument, reply);
      return;
    }

  filter.recipient_domain = domain;
  request = g_new0 (Request, 1);
  request->session = self;
  request->domain = g_strdup (domain);
  pm_inbound_ref (self);
  pm_queue_change_all_async (pm_relay_get_queue (self->worker->relay), &retry, &filter, NULL, NULL,
                             NULL, changed_cb, request);
}
