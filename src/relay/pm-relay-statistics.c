// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How the engine does, in numbers; for the bus and, as text, for Prometheus.

#include "relay/pm-relay-statistics.h"

#include "relay/pm-relay-private.h"

const char *
pm_transfer_mode_to_string (PmTransferMode transfer)
{
  static const char *const words[] = { "both", "inbound", "outbound", "none" };

  return words[transfer];
}

/* What does not go out by the transfer mode, and since when. */
static gboolean
read_held (PmRelayStatistics *self, PmRelay *relay, PmTransferMode transfer, GError **error)
{
  PmQueue *queue = pm_relay_get_queue (relay);
  g_autoptr (GPtrArray) first = NULL;

  if (transfer != PM_TRANSFER_INBOUND)
    return TRUE;
  if (!pm_queue_count (queue, PM_QUEUE_REMOTE, &self->held, error))
    return FALSE;
  first = pm_queue_list (queue, PM_QUEUE_REMOTE, 0, 1, error);
  if (first == NULL)
    return FALSE;
  if (first->len > 0)
    self->held_oldest = ((const PmQueueMessage *) g_ptr_array_index (first, 0))->received;
  return TRUE;
}

/**
 * pm_relay_statistics_new:
 *
 * Returns: (transfer full) (nullable)
 */
PmRelayStatistics *
pm_relay_statistics_new (PmRelay *relay, GError **error)
{
  g_autoptr (PmRelayStatistics) self = g_new0 (PmRelayStatistics, 1);
  g_autoptr (PmRelaySettings) settings = pm_relay_dup_settings (relay);
  PmQueue *queue = pm_relay_get_queue (relay);
  PmTracking *tracking = pm_relay_get_tracking (relay);

  for (guint i = 0; i < PM_N_COUNTERS; i++)
    self->counters[i] = pm_relay_get_counter (relay, i);
  self->transfer = pm_transfer_mode_to_string (settings->service->transfer);
  self->folder = g_build_filename (pm_relay_get_state_dir (relay), "queue", NULL);
  pm_queue_get_durability (queue, &self->durability);
  pm_tls_report_count_today (pm_relay_get_outbound_tls (relay)->report, &self->secured,
                             &self->failed);
  if (tracking != NULL)
    self->tracking_dropped = pm_tracking_get_dropped (tracking);
  if (!pm_queue_count_states (queue, self->states, error) ||
      !read_held (self, relay, settings->service->transfer, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
pm_relay_statistics_free (PmRelayStatistics *self)
{
  if (self == NULL)
    return;
  pm_queue_durability_clear (&self->durability);
  g_free (self->folder);
  g_free (self);
}

static void
read_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  PmRelayStatistics *statistics = pm_relay_statistics_new (source, &error);

  if (statistics != NULL)
    g_task_return_pointer (task, statistics, (GDestroyNotify) pm_relay_statistics_free);
  else
    g_task_return_error (task, error);
}

void
pm_relay_statistics_read_async (PmRelay *relay, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (relay, NULL, callback, data);

  g_task_set_source_tag (task, pm_relay_statistics_read_async);
  g_task_run_in_thread (task, read_in_thread);
}

/**
 * pm_relay_statistics_read_finish:
 *
 * Returns: (transfer full) (nullable)
 */
PmRelayStatistics *
pm_relay_statistics_read_finish (PmRelay *relay, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
add_metric (GString *text, const char *name, const char *type, const char *help, guint64 value)
{
  g_string_append_printf (text,
                          "# HELP pointsman_%s %s\n# TYPE pointsman_%s %s\n"
                          "pointsman_%s %" G_GUINT64_FORMAT "\n",
                          name, help, name, type, name, value);
}

static void
add_seconds (GString *text, const char *name, const char *help, double seconds)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (number, sizeof number, "%.6f", seconds);
  g_string_append_printf (text,
                          "# HELP pointsman_%s %s\n# TYPE pointsman_%s gauge\npointsman_%s %s\n",
                          name, help, name, name, number);
}

static void
add_counters (GString *text, const PmRelayStatistics *self)
{
  static const struct
  {
    PmCounter counter;
    const char *name;
    const char *help;
  } counters[] = {
    { PM_COUNTER_CONNECTIONS, "connections_total", "Connections of clients." },
    { PM_COUNTER_MESSAGES_ACCEPTED, "messages_accepted_total", "Messages accepted." },
    { PM_COUNTER_RECIPIENTS_ACCEPTED, "recipients_accepted_total", "Recipients accepted." },
    { PM_COUNTER_RECIPIENTS_REFUSED, "recipients_refused_total", "Recipients refused." },
    { PM_COUNTER_DELIVERED, "delivered_total", "Recipients delivered to." },
    { PM_COUNTER_DEFERRED, "deferred_total", "Tries that have to be repeated." },
    { PM_COUNTER_BOUNCED, "bounced_total", "Recipients given up." },
  };

  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    add_metric (text, counters[i].name, "counter", counters[i].help,
                self->counters[counters[i].counter]);
}

static void
add_queue (GString *text, const PmRelayStatistics *self)
{
  static const char *const states[] = { "fresh", "deferred", "held" };

  add_metric (text, "sessions", "gauge", "Connections of clients now.",
              self->counters[PM_COUNTER_SESSIONS]);
  g_string_append (text, "# HELP pointsman_queue_messages Messages in the queue.\n"
                         "# TYPE pointsman_queue_messages gauge\n");
  for (guint i = 0; i < PM_QUEUE_N_STATES; i++)
    g_string_append_printf (text, "pointsman_queue_messages{state=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            states[i], self->states[i]);
  add_metric (text, "transfer_held_messages", "gauge", "Messages that the transfer mode holds.",
              self->held);
}

/**
 * pm_relay_statistics_to_prometheus:
 *
 * Returns: (transfer full): as text in Prometheus' format 0.0.4
 */
char *
pm_relay_statistics_to_prometheus (const PmRelayStatistics *self)
{
  const PmQueueDurability *durability = &self->durability;
  GString *text = g_string_new (NULL);

  add_counters (text, self);
  add_queue (text, self);
  add_metric (text, "commits_total", "counter", "Transactions of the queue.", durability->commits);
  add_metric (text, "syncs_total", "counter", "Syncs of the queue's files.", durability->syncs);
  add_seconds (text, "last_commit_seconds", "What the last commit took, its sync included.",
               (double) durability->commit_time / G_USEC_PER_SEC);
  add_metric (text, "largest_batch", "gauge", "Most operations in one commit.",
              durability->largest_batch);
  add_metric (text, "tls_secured_today", "gauge",
              "Connections to other hosts secured as wanted, today by UTC.", self->secured);
  add_metric (text, "tls_failed_today", "gauge",
              "Connections to other hosts not secured as wanted, today by UTC.", self->failed);
  add_metric (text, "tracking_dropped_total", "counter",
              "Events that message tracking had no room for.", self->tracking_dropped);
  return g_string_free (text, FALSE);
}
