// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The site as the engine obeys it: a snapshot comes into force whole or not at all, and what it
// keeps from happening (mail that is held, DANE that is not in force) is said and can be asked for.

#include "relay/pm-relay-state.h"

#include "base/pm-log.h"
#include "relay/pm-diagnostics.h"
#include "relay/pm-recipient-check.h"
#include "relay/pm-relay-statistics.h"

#define MAX_ACTIVE_HERE 400 /* besides those that send or wait to */

/* Seconds that the oldest message for another host has been here; 0 where there is none. */
static gint64
get_oldest_age (PmRelay *self)
{
  g_autoptr (GPtrArray) first = pm_queue_list (self->queue, PM_QUEUE_REMOTE, 0, 1, NULL);
  const PmQueueMessage *message;

  if (first == NULL || first->len == 0)
    return 0;
  message = g_ptr_array_index (first, 0);
  return MAX (pm_clock_now (self->clock) - message->received, 0) / G_USEC_PER_SEC;
}

void
pm_relay_log_dane (PmRelay *self)
{
  g_autofree char *state = pm_relay_dup_dane_state (self);

  pm_log_event (G_LOG_LEVEL_MESSAGE, "dane", "state", state, NULL);
}

static void
log_transfer (PmRelay *self, const PmRelaySettings *settings)
{
  static const char *const meanings[] = {
    NULL,
    "mail for other hosts is held in the queue",
    "no mail is accepted from other hosts",
    "no mail is accepted from other hosts; what is queued is still tried",
  };
  PmTransferMode transfer = settings->service->transfer;
  guint64 waiting = 0;
  gint64 age;
  g_autofree char *count = NULL;
  g_autofree char *oldest = NULL;

  if (transfer == PM_TRANSFER_BOTH)
    return;
  pm_queue_count (self->queue, PM_QUEUE_REMOTE, &waiting, NULL);
  age = get_oldest_age (self);
  oldest = waiting > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, age) : NULL;
  count = g_strdup_printf ("%" G_GUINT64_FORMAT, waiting);
  pm_log_event (G_LOG_LEVEL_WARNING, "transfer-mode", "transfer",
                pm_transfer_mode_to_string (transfer), "meaning", meanings[transfer],
                "queued-for-other-hosts", count, "oldest-seconds", oldest, NULL);
}

/* Mail that is held is easily forgotten: it is said again, every hour. */
gboolean
pm_relay_remind_cb (gpointer data)
{
  PmRelay *self = data;
  g_autoptr (PmRelaySettings) settings = pm_relay_dup_settings (self);

  if (settings->service->transfer == PM_TRANSFER_INBOUND)
    log_transfer (self, settings);
  return G_SOURCE_CONTINUE;
}

/* More connections than descriptors would starve the queue and deliveries. */
static void
log_descriptors (const PmRelaySettings *settings)
{
  g_autofree char *wanted = NULL;
  g_autofree char *limit = NULL;

  if (settings->max_inbound >= settings->service->max_inbound)
    return;
  wanted = g_strdup_printf ("%u", settings->service->max_inbound);
  limit = g_strdup_printf ("%u", settings->max_inbound);
  pm_log_event (G_LOG_LEVEL_WARNING, "inbound-limit-lowered", "wanted", wanted, "limit", limit,
                "reason", "this process may not have more file descriptors (LimitNOFILE=)", NULL);
}

/*
 * The server for statistics that @settings want, which may be the one at hand; (nullable) where
 * they want none.
 */
static gboolean
open_statistics (PmRelay *self,
                 const PmRelaySettings *settings,
                 PmStatisticsServer **statistics,
                 GError **error)
{
  guint16 port = settings->service->statistics_port;

  *statistics = NULL;
  if (port == 0)
    return TRUE;
  if (self->statistics != NULL && pm_statistics_server_get_port (self->statistics) == port)
    *statistics = self->statistics;
  else
    *statistics = pm_statistics_server_new (self, port, error);
  return *statistics != NULL;
}

static void
switch_statistics (PmRelay *self, PmStatisticsServer *statistics)
{
  if (statistics != self->statistics)
    pm_statistics_server_free (self->statistics);
  self->statistics = statistics;
}

/*
 * Puts a snapshot in force, all of it or nothing: the sockets first, since those are what can fail.
 * @settings: (transfer full)
 */
gboolean
pm_relay_put_in_force (PmRelay *self, PmRelaySettings *settings, GError **error)
{
  PmStatisticsServer *statistics;
  GPtrArray *wanted = NULL;
  PmRelaySettings *former;

  if (open_statistics (self, settings, &statistics, error))
    {
      wanted = pm_relay_listeners_open (self->listeners, settings, error);
      if (wanted == NULL && statistics != self->statistics)
        pm_statistics_server_free (statistics);
    }
  if (wanted == NULL)
    {
      pm_relay_settings_unref (settings);
      return FALSE;
    }

  g_mutex_lock (&self->settings_lock);
  former = self->settings;
  self->settings = settings;
  g_mutex_unlock (&self->settings_lock);
  pm_relay_settings_unref (former);

  pm_relay_listeners_switch (self->listeners, wanted);
  switch_statistics (self, statistics);
  pm_limiter_set_limits (self->limiter, settings->service->max_outbound,
                         settings->service->max_per_host);
  pm_dispatcher_set_max_active (self->dispatcher, MAX_ACTIVE_HERE + PM_LIMITER_MAX_WAITING +
                                                      settings->service->max_outbound);
  pm_diagnostics_apply (settings->service);
  if (self->tracking != NULL)
    pm_tracking_set_keep (self->tracking,
                          settings->service->tracking_keep * (gint64) G_USEC_PER_SEC);
  log_transfer (self, settings);
  log_descriptors (settings);
  pm_recipient_check_forget (self->check);
  return TRUE;
}

/* Whether DNS answers are validated: without that no host's TLSA records can be believed. */
gboolean
pm_relay_is_dane_in_force (PmRelay *self)
{
  return self->dnssec == NULL || pm_dnssec_resolver_is_in_force (self->dnssec);
}

/**
 * pm_relay_dup_dane_state:
 *
 * Returns: (transfer full): `in force`, or `not in force: ` and why
 */
char *
pm_relay_dup_dane_state (PmRelay *self)
{
  g_autoptr (PmRelaySettings) settings = pm_relay_dup_settings (self);
  g_autofree char *reason = NULL;

  if (!settings->service->dane)
    return g_strdup ("not in force: the site says dane=no");
  if (pm_relay_is_dane_in_force (self))
    return g_strdup ("in force");
  reason = pm_dnssec_resolver_dup_reason (self->dnssec);
  return g_strdup_printf ("not in force: %s", reason);
}
