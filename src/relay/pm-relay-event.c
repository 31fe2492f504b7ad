// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The one place that events pass through. What it promises: the log, message tracking and the
// counters never tell different stories, since all three are told by the same call.

#include "relay/pm-relay-event.h"

#include <string.h>

#include "relay/pm-diagnostics.h"
#include "relay/pm-relay-private.h"

/* What an event means to those who listen. */
typedef struct
{
  const char *name;
  GLogLevelFlags level;
  gboolean tracked; /* part of a message's story */
} Kind;

static const Kind kinds[PM_N_EVENTS] = {
  [PM_EVENT_CONNECTED] = { "connected", G_LOG_LEVEL_INFO, FALSE },
  [PM_EVENT_CONNECTION_LOST] = { "connection-lost", G_LOG_LEVEL_INFO, FALSE },
  [PM_EVENT_REFUSED] = { "refused", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_TLS] = { "tls", G_LOG_LEVEL_INFO, FALSE },
  [PM_EVENT_AUTHENTICATED] = { "authenticated", G_LOG_LEVEL_MESSAGE, FALSE },
  [PM_EVENT_AUTH_FAILED] = { "auth-failed", G_LOG_LEVEL_MESSAGE, FALSE },
  [PM_EVENT_ACCEPTED] = { "accepted", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_DELIVERED] = { "delivered", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_RELAYED] = { "relayed", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_DEFERRED] = { "deferred", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_BOUNCED] = { "bounced", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_EXPIRED] = { "expired", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_HELD] = { "held", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_RELEASED] = { "released", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_QUARANTINED] = { "quarantined", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_REDIRECTED] = { "redirected", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_DELETED] = { "deleted", G_LOG_LEVEL_MESSAGE, TRUE },
  [PM_EVENT_REPORTED] = { "reported", G_LOG_LEVEL_MESSAGE, TRUE },
};

static void
count (PmRelay *relay, const PmRelayEvent *event)
{
  switch (event->event)
    {
    case PM_EVENT_ACCEPTED:
      pm_relay_add_to_counter (relay, PM_COUNTER_MESSAGES_ACCEPTED, 1);
      pm_relay_add_to_counter (relay, PM_COUNTER_RECIPIENTS_ACCEPTED, (int) event->recipients);
      break;
    case PM_EVENT_REFUSED:
      if (g_strcmp0 (event->what, "recipient") == 0)
        pm_relay_add_to_counter (relay, PM_COUNTER_RECIPIENTS_REFUSED, 1);
      break;
    case PM_EVENT_DELIVERED:
    case PM_EVENT_RELAYED:
      pm_relay_add_to_counter (relay, PM_COUNTER_DELIVERED, 1);
      break;
    case PM_EVENT_DEFERRED:
      pm_relay_add_to_counter (relay, PM_COUNTER_DEFERRED, 1);
      break;
    case PM_EVENT_BOUNCED:
    case PM_EVENT_EXPIRED:
      pm_relay_add_to_counter (relay, PM_COUNTER_BOUNCED, 1);
      break;
    default:
      break;
    }
}

/* A number as text, in @buffer; %NULL for 0, which leaves the key out. */
static const char *
format_number (guint64 number, char buffer[24])
{
  if (number == 0)
    return NULL;
  g_snprintf (buffer, 24, "%" G_GUINT64_FORMAT, number);
  return buffer;
}

/* Seconds with three decimals, whatever the locale. */
static const char *
format_delay (PmRelay *relay, gint64 received, char buffer[32])
{
  gint64 delay;

  if (received == 0)
    return NULL;
  delay = MAX (pm_clock_now (pm_relay_get_clock (relay)) - received, 0) / 1000;
  g_snprintf (buffer, 32, "%" G_GINT64_FORMAT ".%03d", delay / 1000, (int) (delay % 1000));
  return buffer;
}

static void
say (PmRelay *relay, const PmRelayEvent *event)
{
  const Kind *kind = &kinds[event->event];
  const char *from = event->from != NULL && *event->from == '\0' ? "<>" : event->from;
  const char *original = g_strcmp0 (event->original, event->to) != 0 ? event->original : NULL;
  char id[24];
  char size[24];
  char recipients[24];
  char other[24];
  char delay[32];

  pm_log_event (kind->level, kind->name, "id", format_number (event->message, id), "what",
                event->what, "from", from, "to", event->to, "original", original, "relay",
                event->relay, "delay", format_delay (relay, event->received, delay), "dsn",
                event->dsn, "reply", event->reply, "recipients",
                format_number (event->recipients, recipients), "size",
                format_number (event->size, size), "client", event->client, "user", event->user,
                "tls", event->tls, "report", format_number (event->other, other), NULL);
}

static void
track (PmTracking *tracking, const PmRelayEvent *event, gint64 now)
{
  pm_tracking_add (tracking, &(PmTrackingEvent){
                                 .time = now,
                                 .event = kinds[event->event].name,
                                 .message = event->message,
                                 .sender = event->from,
                                 .recipient = event->to,
                                 .original = event->original,
                                 .relay = event->relay,
                                 .reply = event->reply,
                                 .client = event->client,
                                 .user = event->user,
                                 .tls = event->tls,
                                 .what = event->what,
                                 .delay = event->received != 0 ? now - event->received : -1,
                                 .size = event->size,
                                 .recipients = event->recipients,
                                 .other = event->other,
                             });
}

void
pm_relay_event (PmRelay *relay, const PmRelayEvent *event)
{
  PmTracking *tracking = pm_relay_get_tracking (relay);

  g_return_if_fail (event->event < PM_N_EVENTS);

  count (relay, event);
  // A flood of connections is no part of any message's story.
  if (tracking != NULL && kinds[event->event].tracked &&
      (event->message != 0 || event->from != NULL || event->to != NULL))
    track (tracking, event, pm_clock_now (pm_relay_get_clock (relay)));
  if (pm_log_is_read () &&
      (event->event != PM_EVENT_TLS || pm_diagnostics_wants (PM_TOPIC_TLS, PM_DIAGNOSTICS_MINIMUM)))
    say (relay, event);
}
