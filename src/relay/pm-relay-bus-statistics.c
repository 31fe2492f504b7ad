// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Statistics on the bus.

#include "relay/pm-relay-bus-call.h"
#include "relay/pm-relay-statistics.h"

static void
add_number (GVariantBuilder *builder, const char *key, guint64 number)
{
  g_variant_builder_add (builder, "{st}", key, number);
}

static GVariant *
describe_queue (const PmRelayStatistics *statistics)
{
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE ("a{st}"));
  add_number (&out, "fresh", statistics->states[PM_QUEUE_STATE_FRESH]);
  add_number (&out, "deferred", statistics->states[PM_QUEUE_STATE_DEFERRED]);
  add_number (&out, "held", statistics->states[PM_QUEUE_STATE_HELD]);
  return g_variant_builder_end (&out);
}

static GVariant *
describe_durability (const PmRelayStatistics *statistics)
{
  const PmQueueDurability *durability = &statistics->durability;
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  pm_relay_bus_add (&out, "commits", g_variant_new_uint64 (durability->commits));
  pm_relay_bus_add (&out, "syncs", g_variant_new_uint64 (durability->syncs));
  pm_relay_bus_add (&out, "last-commit", g_variant_new_uint64 (durability->commit_time));
  pm_relay_bus_add (&out, "largest-batch", g_variant_new_uint64 (durability->largest_batch));
  pm_relay_bus_add_string (&out, "folder", statistics->folder);
  pm_relay_bus_add_string (&out, "file-system", durability->file_system);
  pm_relay_bus_add_string (&out, "options", durability->options);
  return g_variant_builder_end (&out);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (PmRelayStatistics) statistics =
      pm_relay_statistics_read_finish (PM_RELAY (source), result, &error);
  GVariantBuilder out, counters, part;

  if (statistics == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_variant_builder_init (&counters, G_VARIANT_TYPE ("a{st}"));
  for (guint i = 0; i < PM_N_COUNTERS; i++)
    add_number (&counters, pm_counter_to_string (i), statistics->counters[i]);
  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  pm_relay_bus_add (&out, "counters", g_variant_builder_end (&counters));
  pm_relay_bus_add (&out, "queue", describe_queue (statistics));
  pm_relay_bus_add (&out, "durability", describe_durability (statistics));
  pm_relay_bus_add_string (&out, "transfer", statistics->transfer);
  g_variant_builder_init (&part, G_VARIANT_TYPE_VARDICT);
  pm_relay_bus_add (&part, "messages", g_variant_new_uint64 (statistics->held));
  pm_relay_bus_add (&part, "oldest", g_variant_new_int64 (statistics->held_oldest));
  pm_relay_bus_add (&out, "held", g_variant_builder_end (&part));
  g_variant_builder_init (&part, G_VARIANT_TYPE ("a{st}"));
  add_number (&part, "secured", statistics->secured);
  add_number (&part, "failed", statistics->failed);
  pm_relay_bus_add (&out, "tls", g_variant_builder_end (&part));
  pm_relay_bus_add (&out, "tracking-dropped",
                    g_variant_new_uint64 (statistics->tracking_dropped));
  pm_relay_bus_return (task, g_variant_new ("(a{sv})", &out));
}

void
pm_relay_bus_statistics (PmRelayBusCall *call, GTask *task)
{
  pm_relay_statistics_read_async (call->relay, read_cb, g_object_ref (task));
}
