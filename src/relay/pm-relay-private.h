// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-worker.h"
#include "relay/pm-client-census.h"
#include "relay/pm-dead-hosts.h"
#include "relay/pm-limiter.h"
#include "relay/pm-maildir.h"
#include "relay/pm-relay.h"
#include "relay/pm-report-limit.h"

G_BEGIN_DECLS

typedef struct _PmSessionPool PmSessionPool;
typedef struct _PmRecipientCheck PmRecipientCheck;

/**
 * PmRelayWorker:
 * @inbound: (element-type PmInbound): sessions of clients
 * @sessions: (element-type PmInbound): the same, those that have done nothing for long in front
 * @callouts: (element-type PmCallout): questions about recipients
 * @attempts: (element-type PmAttempt): deliveries under way
 * @pool: connections to other hosts that wait for more mail
 *
 * One worker thread with what lives in it. Everything but @relay and @worker belongs to that
 * thread.
 */
typedef struct
{
  PmRelay *relay;
  PmWorker *worker;
  GPtrArray *acceptors;
  GHashTable *inbound;
  GQueue sessions;
  GHashTable *callouts;
  GHashTable *attempts;
  PmSessionPool *pool;
} PmRelayWorker;

/* What sessions and deliveries want of the engine; from any thread. */
PmClock *pm_relay_get_clock (PmRelay *relay);
PmResolver *pm_relay_get_resolver (PmRelay *relay);
const PmOutboundTls *pm_relay_get_outbound_tls (PmRelay *relay);
gboolean pm_relay_is_dane_in_force (PmRelay *relay);
PmLimiter *pm_relay_get_limiter (PmRelay *relay);
PmDeadHosts *pm_relay_get_dead_hosts (PmRelay *relay);
PmClientCensus *pm_relay_get_census (PmRelay *relay);
PmRecipientCheck *pm_relay_get_recipient_check (PmRelay *relay);
PmReportLimit *pm_relay_get_report_limit (PmRelay *relay);
PmMaildir *pm_relay_get_maildir (PmRelay *relay);
GPtrArray *pm_relay_get_workers (PmRelay *relay);
guint16 pm_relay_get_mx_port (PmRelay *relay);
const char *pm_relay_get_state_dir (PmRelay *relay);
gboolean pm_relay_is_stopping (PmRelay *relay);
void pm_relay_add_to_counter (PmRelay *relay, PmCounter counter, int by);
void pm_relay_message_queued (PmRelay *relay, guint64 message, gint64 next_try);
/* The same for one due now, from the thread of @worker: tried there at once where it may. */
void pm_relay_message_fresh (PmRelayWorker *worker, guint64 message, gint64 next_try);
void pm_relay_attempt_over (PmRelay *relay,
                            guint64 message,
                            gint64 next_try,
                            const char *parked_for,
                            gboolean gone);
void pm_relay_session_over (PmRelay *relay);
void pm_relay_queue_changed (PmRelay *relay);
void pm_relay_relieve (PmRelayWorker *worker);

G_END_DECLS
