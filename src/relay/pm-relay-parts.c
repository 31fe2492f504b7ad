// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the engine is made of, for whoever works in it, and what it has counted. Any thread.

#include "relay/pm-relay-state.h"

guint64
pm_relay_get_counter (PmRelay *self, PmCounter counter)
{
  // The queue itself knows: whoever counted along would miscount what is deleted while it is tried.
  if (counter == PM_COUNTER_QUEUED)
    return pm_queue_get_size (self->queue);
  return __atomic_load_n (&self->counters[counter], __ATOMIC_RELAXED);
}

const char *
pm_counter_to_string (PmCounter counter)
{
  static const char *const names[PM_N_COUNTERS] = {
    [PM_COUNTER_CONNECTIONS] = "connections",
    [PM_COUNTER_MESSAGES_ACCEPTED] = "messages-accepted",
    [PM_COUNTER_RECIPIENTS_ACCEPTED] = "recipients-accepted",
    [PM_COUNTER_RECIPIENTS_REFUSED] = "recipients-refused",
    [PM_COUNTER_DELIVERED] = "delivered",
    [PM_COUNTER_DEFERRED] = "deferred",
    [PM_COUNTER_BOUNCED] = "bounced",
    [PM_COUNTER_QUEUED] = "queued",
    [PM_COUNTER_SESSIONS] = "sessions",
  };

  return names[counter];
}

PmClock *
pm_relay_get_clock (PmRelay *self)
{
  return self->clock;
}

PmResolver *
pm_relay_get_resolver (PmRelay *self)
{
  return self->resolver;
}

const PmOutboundTls *
pm_relay_get_outbound_tls (PmRelay *self)
{
  return self->tls;
}

PmLimiter *
pm_relay_get_limiter (PmRelay *self)
{
  return self->limiter;
}

PmDeadHosts *
pm_relay_get_dead_hosts (PmRelay *self)
{
  return self->dead_hosts;
}

PmClientCensus *
pm_relay_get_census (PmRelay *self)
{
  return self->census;
}

/**
 * pm_relay_get_tracking:
 *
 * Returns: (nullable): what happened to messages; %NULL when its file cannot be used. Any thread.
 */
PmTracking *
pm_relay_get_tracking (PmRelay *self)
{
  return self->tracking;
}

PmRecipientCheck *
pm_relay_get_recipient_check (PmRelay *self)
{
  return self->check;
}

PmReportLimit *
pm_relay_get_report_limit (PmRelay *self)
{
  return self->reports;
}

/**
 * pm_relay_get_workers:
 *
 * Returns: (transfer none) (element-type PmRelayWorker): they stay as long as the engine runs
 */
GPtrArray *
pm_relay_get_workers (PmRelay *self)
{
  return self->workers;
}

guint16
pm_relay_get_mx_port (PmRelay *self)
{
  return self->mx_port;
}

const char *
pm_relay_get_state_dir (PmRelay *self)
{
  return self->state_dir;
}

gboolean
pm_relay_is_stopping (PmRelay *self)
{
  return __atomic_load_n (&self->stopping, __ATOMIC_SEQ_CST) != 0;
}

void
pm_relay_add_to_counter (PmRelay *self, PmCounter counter, int by)
{
  __atomic_add_fetch (&self->counters[counter], (guint64) (gint64) by, __ATOMIC_RELAXED);
}

/**
 * pm_relay_get_maildir:
 *
 * Returns: (transfer none): who delivers into mailboxes
 */
PmMaildir *
pm_relay_get_maildir (PmRelay *self)
{
  return self->maildir;
}
