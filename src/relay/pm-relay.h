// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-clock.h"
#include "dns/pm-resolver.h"
#include "queue/pm-queue.h"
#include "queue/pm-tracking.h"
#include "relay/pm-outbound-tls.h"
#include "relay/pm-relay-settings.h"

G_BEGIN_DECLS

/**
 * PmRelayOptions:
 * @config: path of the site file
 * @server: (nullable): our server's name in it
 * @state_dir: where the queue and relative Maildirs are
 * @mx_port: the port that MX hosts are tried on; 25 but in tests
 * @resolver: (transfer none): DNS
 * @clock: (transfer none): the time
 * @tls: for the connections to other hosts
 */
typedef struct
{
  const char *config;
  const char *server;
  const char *state_dir;
  guint16 mx_port;
  PmResolver *resolver;
  PmClock *clock;
  PmOutboundTlsOptions tls;
} PmRelayOptions;

typedef enum
{
  PM_COUNTER_CONNECTIONS,
  PM_COUNTER_MESSAGES_ACCEPTED,
  PM_COUNTER_RECIPIENTS_ACCEPTED,
  PM_COUNTER_RECIPIENTS_REFUSED,
  PM_COUNTER_DELIVERED,
  PM_COUNTER_DEFERRED,
  PM_COUNTER_BOUNCED,
  PM_COUNTER_QUEUED,   /* now */
  PM_COUNTER_SESSIONS, /* now */
  PM_N_COUNTERS,
} PmCounter;

/**
 * PmRelay:
 *
 * The engine: listeners, sessions, the queue and what is delivered from it, on worker threads, one
 * a core. Methods are for the thread that made it, whose main context must run; so are its signals.
 *
 * Signals: `queue-changed` (at most once a second), `stopped` (after pm_relay_stop()).
 */
#define PM_TYPE_RELAY (pm_relay_get_type ())
G_DECLARE_FINAL_TYPE (PmRelay, pm_relay, PM, RELAY, GObject)

PmRelay *pm_relay_new (const PmRelayOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean pm_relay_start (PmRelay *relay, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean pm_relay_reload (PmRelay *relay, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_relay_stop (PmRelay *relay);
gboolean pm_relay_is_running (PmRelay *relay);

PmQueue *pm_relay_get_queue (PmRelay *relay);
PmTracking *pm_relay_get_tracking (PmRelay *relay);
PmRelaySettings *pm_relay_dup_settings (PmRelay *relay);
gint64 pm_relay_get_started_at (PmRelay *relay);
GStrv pm_relay_list_listening (PmRelay *relay);
GPtrArray *pm_relay_list_targets (PmRelay *relay);
char *pm_relay_dup_dane_state (PmRelay *relay);
guint64 pm_relay_get_counter (PmRelay *relay, PmCounter counter);
const char *pm_counter_to_string (PmCounter counter);

gboolean pm_relay_is_active (PmRelay *relay, guint64 message);
void pm_relay_queue_edited (PmRelay *relay);

G_END_DECLS
