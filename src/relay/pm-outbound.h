// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-queue-message.h"
#include "relay/pm-relay-private.h"
#include "smtp/pm-smtp-client.h"

G_BEGIN_DECLS

/**
 * PmOutboundResult:
 * @recipient: who
 * @outcome: delivered, deferred or bounced
 * @reply: what was said of it
 * @host: (nullable): who said it, `name [address]`
 * @tls: (nullable): how the connection to @host was secured
 * @relayed: it was delivered to a host that knows no DSN: a receipt is ours to send
 * @until: not 0: nobody was asked, since all hosts are known to be dead; when to come again
 */
typedef struct
{
  const PmMailAddress *recipient;
  PmSmtpOutcome outcome;
  PmSmtpReply *reply;
  char *host;
  char *tls;
  gboolean relayed;
  gint64 until;
} PmOutboundResult;

/**
 * PmOutboundJob:
 * @destination: what the limiter knows it by; a place there is the outbound's now, which gives it
 *   back when it is freed
 * @hops: (element-type PmNextHop): where to, in the order to try
 * @domain: of the recipients, or of the first of them
 * @message: what is sent; it outlives the outbound
 * @recipients: (element-type PmMailAddress): at least one
 * @queued: (element-type PmQueueRecipient): what the queue knows of each of them; as @message
 */
typedef struct
{
  PmRelayWorker *worker;
  PmRelaySettings *settings;
  const char *destination;
  GPtrArray *hops;
  const char *domain;
  PmSmtpProtocol protocol;
  const PmQueueMessage *message;
  const PmMailAddress *sender;
  GPtrArray *recipients;
  GPtrArray *queued;
  GBytes *body;
} PmOutboundJob;

/**
 * PmOutbound:
 *
 * One message on its way to the hosts of one destination: by a session that is open already, else
 * to each host, until every recipient has an outcome. Then it holds its place in the limiter, and
 * the session where it may serve again, until it is freed: what was delivered is to be recorded
 * first, so that of each connection at most one message comes twice after a power cut. In its
 * worker's thread.
 */
typedef struct _PmOutbound PmOutbound;

/*
 * `results` (element-type PmOutboundResult) (transfer none): one per recipient, in order. It is
 * over: free it in here or later. Never called from inside pm_outbound_new().
 */
typedef void (*PmOutboundFunc) (GPtrArray *results, gpointer data);

PmOutbound *pm_outbound_new (const PmOutboundJob *job, PmOutboundFunc func, gpointer data);
/*
 * Cuts it short: recipients without an outcome are deferred, then `func` is called. Once it is over
 * this only means that the session serves no other message.
 */
void pm_outbound_abandon (PmOutbound *outbound);
void pm_outbound_free (PmOutbound *outbound);

G_END_DECLS
