// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Message tracking on the bus. What has just happened is found too: what waits to be written is
// written first, in a thread of its own.

#include "relay/pm-relay-bus-call.h"

#include <string.h>

#include "base/pm-error.h"

static const PmRelayBusKey keys[] = {
  { "message", "t" },
  { "sender", "s" },
  { "recipient", "s" },
  { "domain", "s" },
  { "event", "s" },
  { "since", "x" },
  { "until", "x" },
};

typedef struct
{
  PmTracking *tracking;    /* of the engine, which the task holds */
  GVariant *filter;        /* (owned) (nullable): what @wanted's texts stand in */
  PmTrackingFilter wanted; /* borrows from .filter */
  gint64 before;
  guint limit;       /* 0 for the history of one message */
  GPtrArray *events; /* (owned) (nullable) (element-type PmTrackingEvent) */
} Track;

static void
free_track (Track *track)
{
  g_clear_pointer (&track->filter, g_variant_unref);
  g_clear_pointer (&track->events, g_ptr_array_unref);
  g_free (track);
}

static Track *
new_track (PmRelayBusCall *call, GTask *task)
{
  Track *track = g_new0 (Track, 1);

  track->tracking = pm_relay_get_tracking (call->relay);
  g_task_set_task_data (task, track, (GDestroyNotify) free_track);
  if (track->tracking == NULL)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_FAILED,
                             "Message tracking is not available: its file in the state directory "
                             "cannot be used; the log says why");
  return track->tracking == NULL ? NULL : track;
}

static GVariant *
describe_event (const PmTrackingEvent *event)
{
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  pm_relay_bus_add (&out, "id", g_variant_new_int64 (event->id));
  pm_relay_bus_add (&out, "time", g_variant_new_int64 (event->time));
  pm_relay_bus_add_string (&out, "event", event->event);
  if (event->message != 0)
    pm_relay_bus_add (&out, "message", g_variant_new_uint64 (event->message));
  pm_relay_bus_add_string (&out, "sender", event->sender);
  pm_relay_bus_add_string (&out, "recipient", event->recipient);
  pm_relay_bus_add_string (&out, "original", event->original);
  pm_relay_bus_add_string (&out, "relay", event->relay);
  pm_relay_bus_add_string (&out, "reply", event->reply);
  pm_relay_bus_add_string (&out, "client", event->client);
  pm_relay_bus_add_string (&out, "user", event->user);
  pm_relay_bus_add_string (&out, "tls", event->tls);
  pm_relay_bus_add_string (&out, "what", event->what);
  if (event->delay >= 0)
    pm_relay_bus_add (&out, "delay", g_variant_new_int64 (event->delay));
  if (event->size != 0)
    pm_relay_bus_add (&out, "size", g_variant_new_uint64 (event->size));
  if (event->recipients != 0)
    pm_relay_bus_add (&out, "recipients", g_variant_new_uint32 (event->recipients));
  if (event->other != 0)
    pm_relay_bus_add (&out, "other", g_variant_new_uint64 (event->other));
  return g_variant_builder_end (&out);
}

/* One more than the page was asked for, so that no page is empty but the only one. */
static gint64
get_next (const Track *track)
{
  const PmTrackingEvent *last;

  if (track->events->len <= track->limit)
    return 0;
  last = g_ptr_array_index (track->events, track->limit - 1);
  return last->id;
}

static void
tracked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Track *track = g_task_get_task_data (task);
  GError *error = NULL;
  GVariantBuilder rows;
  guint n;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  n = track->limit == 0 ? track->events->len : MIN (track->events->len, track->limit);
  for (guint i = 0; i < n; i++)
    g_variant_builder_add_value (&rows, describe_event (g_ptr_array_index (track->events, i)));
  if (track->limit == 0)
    pm_relay_bus_return (task, g_variant_new ("(aa{sv})", &rows));
  else
    pm_relay_bus_return (task, g_variant_new ("(aa{sv}x)", &rows, get_next (track)));
}

static void
track_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Track *track = data;
  GError *error = NULL;

  pm_tracking_flush (track->tracking);
  if (track->limit == 0)
    track->events = pm_tracking_history (track->tracking, track->wanted.message, &error);
  else
    track->events = pm_tracking_query (track->tracking, &track->wanted, track->before,
                                       track->limit + 1, &error);
  if (track->events != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
read_filter (Track *track)
{
  PmTrackingFilter *wanted = &track->wanted;

  g_variant_lookup (track->filter, "message", "t", &wanted->message);
  g_variant_lookup (track->filter, "sender", "&s", &wanted->sender);
  g_variant_lookup (track->filter, "recipient", "&s", &wanted->recipient);
  g_variant_lookup (track->filter, "domain", "&s", &wanted->domain);
  g_variant_lookup (track->filter, "event", "&s", &wanted->event);
  g_variant_lookup (track->filter, "since", "x", &wanted->since);
  g_variant_lookup (track->filter, "until", "x", &wanted->until);
}

void
pm_relay_bus_track_messages (PmRelayBusCall *call, GTask *task)
{
  Track *track = new_track (call, task);
  GError *error = NULL;

  if (track == NULL)
    return;
  g_variant_get (call->parameters, "(@a{sv}xu)", &track->filter, &track->before, &track->limit);
  if (!pm_relay_bus_check_page (track->limit, &error) ||
      !pm_relay_bus_check_keys (track->filter, keys, G_N_ELEMENTS (keys), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  read_filter (track);
  pm_relay_bus_run_in_thread (task, track_in_thread, tracked_cb);
}

void
pm_relay_bus_show_history (PmRelayBusCall *call, GTask *task)
{
  Track *track = new_track (call, task);

  if (track == NULL)
    return;
  g_variant_get (call->parameters, "(t)", &track->wanted.message);
  pm_relay_bus_run_in_thread (task, track_in_thread, tracked_cb);
}
