// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-log.h"
#include "relay/pm-relay.h"

G_BEGIN_DECLS

/*
 * What happens to connections and messages, by fixed names: the table of events in
 * pointsman-relayd(8).
 */
typedef enum
{
  PM_EVENT_CONNECTED,
  PM_EVENT_CONNECTION_LOST,
  PM_EVENT_REFUSED, /* a connection, sender, recipient, message or command: `what` */
  PM_EVENT_TLS,
  PM_EVENT_AUTHENTICATED,
  PM_EVENT_AUTH_FAILED,
  PM_EVENT_ACCEPTED,  /* a message; 250 is on its way */
  PM_EVENT_DELIVERED, /* to a mailbox of this site */
  PM_EVENT_RELAYED,   /* to another host */
  PM_EVENT_DEFERRED,
  PM_EVENT_BOUNCED, /* given up since it was refused */
  PM_EVENT_EXPIRED, /* given up since its time was over */
  PM_EVENT_HELD,
  PM_EVENT_RELEASED,
  PM_EVENT_QUARANTINED,
  PM_EVENT_REDIRECTED,
  PM_EVENT_DELETED,
  PM_EVENT_REPORTED, /* a report on it was queued, to `to`, as message `other` */
  PM_N_EVENTS,
} PmEvent;

/**
 * PmRelayEvent:
 * @event: what happened
 * @message: the queue's number of the message it happened to; 0 for none
 * @from: (nullable): the envelope sender, "" for the null sender
 * @to: (nullable): the recipient
 * @original: (nullable): the recipient as the client gave it; left out where it is @to
 * @relay: (nullable): the other host, `name [address]:port`
 * @reply: (nullable): what was said, or why
 * @dsn: (nullable): the enhanced status code, where it does not stand in @reply
 * @client: (nullable): who is or was the client
 * @user: (nullable): as whom the client authenticated
 * @tls: (nullable): protocol and cipher
 * @what: (nullable): what it is about, one word
 * @received: when the message was accepted, microseconds since 1970, for its delay; 0 for not known
 * @size: of the message; 0 for not known
 * @recipients: how many, of an accepted message; else 0
 * @other: the number of another message: a report; 0 for none
 *
 * One event. All borrowed; what is not set is left out. Nothing in it is ever a password.
 */
typedef struct
{
  PmEvent event;
  guint64 message;
  const char *from;
  const char *to;
  const char *original;
  const char *relay;
  const char *reply;
  const char *dsn;
  const char *client;
  const char *user;
  const char *tls;
  const char *what;
  gint64 received;
  guint64 size;
  guint recipients;
  guint64 other;
} PmRelayEvent;

/*
 * Says that @event happened: a line of the log, a row of message tracking and the counters come of
 * this one call. It copies, never waits for a disk or a reader, and may be called from any thread.
 *
 *   pm_relay_event (relay, &(PmRelayEvent){ .event = PM_EVENT_DELIVERED, .message = id, … });
 */
void pm_relay_event (PmRelay *relay, const PmRelayEvent *event);


G_END_DECLS
