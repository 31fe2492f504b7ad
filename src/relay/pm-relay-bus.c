// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// org.pointsman.Relay1. What it promises: on the system bus nothing is shown or changed without
// polkit's word, and no method ever blocks the engine.

#include "relay/pm-relay-bus.h"

#include <polkit/polkit.h>
#include <string.h>

#include "config.h"

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "pm-relay-generated.h"
#include "relay/pm-listener-probe.h"
#include "relay/pm-relay-bus-call.h"

#define NAME "org.pointsman.Relay1"
#define PATH "/org/pointsman/Relay1"
#define ACTION_READ "org.pointsman.relay.read"
#define ACTION_QUEUE "org.pointsman.relay.queue"
#define ACTION_CONTENT "org.pointsman.relay.content"

struct _PmRelayBus
{
  PmRelay *relay; /* (owned) */
  gboolean session;
  GCancellable *cancellable;   /* (owned) */
  GHashTable *changes;         /* (owned): see PmRelayBusCall */
  GDBusConnection *connection; /* (owned) (nullable) */
  guint registration;
  guint name;
  gulong queue_changed;
  char *revision; /* (owned): as last told */
};

typedef struct
{
  const char *name;
  const char *action;
  PmRelayBusMethod method;
} Method;

/* One method call, while polkit is asked and while it is carried out. */
typedef struct
{
  PmRelayBusCall call; /* its engine, connection, table and descriptors owned */
  PmRelayBus *bus;     /* only valid while the cancellable is not cancelled */
  GCancellable *cancellable;
  GDBusMethodInvocation *invocation; /* (owned) (nullable): until it is answered */
  const Method *method;
} BusCall;

static void
free_call (BusCall *call)
{
  g_object_unref (call->call.relay);
  g_object_unref (call->call.connection);
  g_hash_table_unref (call->call.changes);
  g_clear_object (&call->call.fds);
  g_object_unref (call->cancellable);
  g_free (call);
}

static void
reload (PmRelayBusCall *call, GTask *task)
{
  g_autoptr (PmRelaySettings) settings = NULL;
  GError *error = NULL;

  if (!pm_relay_reload (call->relay, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  settings = pm_relay_dup_settings (call->relay);
  pm_relay_bus_return (task, g_variant_new ("(s)", settings->revision));
}

static void
probed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GVariant) results = NULL;
  GError *error = NULL;

  results = pm_listener_probe_finish (result, &error);
  if (results == NULL)
    g_task_return_error (task, error);
  else
    pm_relay_bus_return (task, g_variant_new ("(@a(sbs))", results));
}

static void
probe (PmRelayBusCall *call, GTask *task)
{
  g_autoptr (GPtrArray) targets = pm_relay_list_targets (call->relay);
  g_autoptr (PmRelaySettings) settings = pm_relay_dup_settings (call->relay);

  pm_listener_probe_async (targets, settings->service->greeting_pause, probed_cb,
                           g_object_ref (task));
}

static const Method methods[] = {
  { "Reload", ACTION_QUEUE, reload },
  { "ProbeListeners", ACTION_READ, probe },
  { "ListQueue", ACTION_READ, pm_relay_bus_list_queue },
  { "QueryQueue", ACTION_READ, pm_relay_bus_query_queue },
  { "SummarizeQueue", ACTION_READ, pm_relay_bus_summarize_queue },
  { "ShowMessage", ACTION_CONTENT, pm_relay_bus_show_message },
  { "DescribeMessage", ACTION_READ, pm_relay_bus_describe_message },
  { "ExportMessage", ACTION_CONTENT, pm_relay_bus_export_message },
  { "HoldMessages", ACTION_QUEUE, pm_relay_bus_hold_messages },
  { "ReleaseMessages", ACTION_QUEUE, pm_relay_bus_release_messages },
  { "RetryMessages", ACTION_QUEUE, pm_relay_bus_retry_messages },
  { "RetryMatching", ACTION_QUEUE, pm_relay_bus_retry_matching },
  { "DeleteMessages", ACTION_QUEUE, pm_relay_bus_delete_messages },
  { "DeleteMatching", ACTION_QUEUE, pm_relay_bus_delete_matching },
  { "RedirectMessages", ACTION_QUEUE, pm_relay_bus_redirect_messages },
  { "SetPriority", ACTION_QUEUE, pm_relay_bus_set_priority },
  { "CancelOperation", ACTION_QUEUE, pm_relay_bus_cancel_operation },
  { "TrackMessages", ACTION_READ, pm_relay_bus_track_messages },
  { "ShowHistory", ACTION_READ, pm_relay_bus_show_history },
  { "Statistics", ACTION_READ, pm_relay_bus_statistics },
  { "EffectivePolicy", ACTION_READ, pm_relay_bus_effective_policy },
  { "TestRoute", ACTION_READ, pm_relay_bus_test_route },
  { "TlsPolicy", ACTION_READ, pm_relay_bus_tls_policy },
};

/* By a name of ours, whatever went wrong below. What callers wrote stands in texts, perhaps cut
   short; the bus takes only whole letters. */
static void
return_error (GDBusMethodInvocation *invocation, GError *error)
{
  g_autoptr (GError) own = error;
  g_autofree char *text = g_utf8_make_valid (own->message, -1);

  if (g_error_matches (own, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_dbus_method_invocation_return_dbus_error (invocation, "org.pointsman.Error.Cancelled", text);
  else
    g_dbus_method_invocation_return_error_literal (
        invocation, PM_ERROR, own->domain == PM_ERROR ? own->code : PM_ERROR_FAILED, text);
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  BusCall *call = data;
  GError *error = NULL;
  GVariant *results = g_task_propagate_pointer (G_TASK (result), &error);

  if (results == NULL)
    return_error (call->invocation, error);
  else
    {
      g_dbus_method_invocation_return_value_with_unix_fd_list (call->invocation, results,
                                                               call->call.fds);
      g_variant_unref (results);
    }
  if (call->method->method == reload && !g_cancellable_is_cancelled (call->cancellable))
    pm_relay_bus_update (call->bus);
  free_call (call);
}

static void
carry_out (BusCall *call)
{
  g_autoptr (GTask) task = g_task_new (call->call.relay, NULL, done_cb, call);

  call->method->method (&call->call, task);
}

static void
refuse (BusCall *call, const char *reason)
{
  g_dbus_method_invocation_return_error (call->invocation, PM_ERROR, PM_ERROR_DENIED,
                                         "%s is not allowed: %s", call->method->name, reason);
  free_call (call);
}

static void
uid_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  BusCall *call = data;
  g_autoptr (GVariant) reply = NULL;
  guint uid = 1;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  if (reply != NULL)
    g_variant_get (reply, "(u)", &uid);
  if (uid == 0)
    carry_out (call);
  else
    refuse (call, "polkit, which knows what this user may do, cannot be asked");
}

// Where there is no polkit root may all the same, who could do it without us; the manager is root.
static void
allow_root (BusCall *call, const GError *error)
{
  GDBusConnection *bus = g_dbus_method_invocation_get_connection (call->invocation);
  const char *sender = g_dbus_method_invocation_get_sender (call->invocation);

  g_debug ("polkit: %s", error->message);
  g_dbus_connection_call (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "GetConnectionUnixUser",
                          g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(u)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, call->cancellable, uid_cb, call);
}

static void
refuse_authorization (BusCall *call, PolkitAuthorizationResult *answer)
{
  const char *action = call->method->action;
  g_autofree char *reason = NULL;

  if (polkit_authorization_result_get_dismissed (answer))
    reason = g_strdup ("the password dialog was closed");
  else if (polkit_authorization_result_get_is_challenge (answer))
    reason = g_strdup_printf ("this needs an administrator's password, and nobody could be asked "
                              "for it (polkit action %s)",
                              action);
  else
    reason = g_strdup_printf ("this user may not do that (polkit action %s)", action);
  refuse (call, reason);
}

static void
authorized_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  BusCall *call = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PolkitAuthorizationResult) answer =
      polkit_authority_check_authorization_finish (POLKIT_AUTHORITY (source), result, &error);

  if (answer == NULL)
    allow_root (call, error);
  else if (!polkit_authorization_result_get_is_authorized (answer))
    refuse_authorization (call, answer);
  else
    carry_out (call);
}

static void
authority_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  BusCall *call = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PolkitAuthority) authority = polkit_authority_get_finish (result, &error);
  g_autoptr (PolkitSubject) subject = NULL;
  PolkitCheckAuthorizationFlags flags = POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE;
  gboolean interactive = (g_dbus_message_get_flags (g_dbus_method_invocation_get_message (
                              call->invocation)) &
                          G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;

  if (authority == NULL)
    {
      allow_root (call, error);
      return;
    }
  subject = polkit_system_bus_name_new (g_dbus_method_invocation_get_sender (call->invocation));
  if (interactive)
    flags = POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION;
  polkit_authority_check_authorization (authority, subject, call->method->action, NULL, flags,
                                        call->cancellable, authorized_cb, call);
}

static void
method_call_cb (GDBusConnection *connection,
                const char *sender,
                const char *path,
                const char *interface,
                const char *name,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer data)
{
  PmRelayBus *self = data;
  BusCall *call = g_new0 (BusCall, 1);

  call->call.relay = g_object_ref (self->relay);
  call->call.connection = g_object_ref (connection);
  call->call.sender = sender;
  call->call.parameters = parameters;
  call->call.changes = g_hash_table_ref (self->changes);
  call->bus = self;
  call->cancellable = g_object_ref (self->cancellable);
  call->invocation = invocation;
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (strcmp (methods[i].name, name) == 0)
      call->method = &methods[i];
  // GDBus lets nothing through that is not in the interface.
  g_assert (call->method != NULL);

  if (self->session)
    carry_out (call);
  else
    polkit_authority_get_async (self->cancellable, authority_cb, call);
}

static GVariant *
get_counters (PmRelay *relay)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{st}"));
  for (guint i = 0; i < PM_N_COUNTERS; i++)
    g_variant_builder_add (&builder, "{st}", pm_counter_to_string (i),
                           pm_relay_get_counter (relay, i));
  return g_variant_builder_end (&builder);
}

static GVariant *
get_property_cb (GDBusConnection *connection,
                 const char *sender,
                 const char *path,
                 const char *interface,
                 const char *name,
                 GError **error,
                 gpointer data)
{
  PmRelayBus *self = data;
  g_autoptr (PmRelaySettings) settings = pm_relay_dup_settings (self->relay);
  g_auto (GStrv) listening = pm_relay_list_listening (self->relay);

  if (strcmp (name, "Version") == 0)
    return g_variant_new_string (PM_VERSION);
  if (strcmp (name, "ServerName") == 0)
    return g_variant_new_string (settings->service->server);
  if (strcmp (name, "LoadedRevision") == 0)
    return g_variant_new_string (settings->revision);
  if (strcmp (name, "StartedAt") == 0)
    return g_variant_new_uint64 ((guint64) pm_relay_get_started_at (self->relay));
  if (strcmp (name, "Listening") == 0)
    return g_variant_new_strv ((const char *const *) listening, -1);
  if (strcmp (name, "Counters") == 0)
    return get_counters (self->relay);
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_PROPERTY, "There is no property %s", name);
  return NULL;
}

static const GDBusInterfaceVTable vtable = {
  .method_call = method_call_cb,
  .get_property = get_property_cb,
};

static void
emit_properties (PmRelayBus *self, const char *const *names)
{
  GVariantBuilder changed;

  if (self->connection == NULL)
    return;
  g_variant_builder_init (&changed, G_VARIANT_TYPE ("a{sv}"));
  for (guint i = 0; names[i] != NULL; i++)
    g_variant_builder_add (&changed, "{sv}", names[i],
                           get_property_cb (NULL, NULL, NULL, NULL, names[i], NULL, self));
  g_dbus_connection_emit_signal (self->connection, NULL, PATH, "org.freedesktop.DBus.Properties",
                                 "PropertiesChanged",
                                 g_variant_new ("(sa{sv}as)", NAME, &changed, NULL), NULL);
}

static void
queue_changed_cb (PmRelay *relay, gpointer data)
{
  static const char *const names[] = { "Counters", NULL };
  PmRelayBus *self = data;
  guint64 queued = pm_relay_get_counter (relay, PM_COUNTER_QUEUED);

  if (self->connection == NULL)
    return;
  g_dbus_connection_emit_signal (self->connection, NULL, PATH, NAME, "QueueChanged",
                                 g_variant_new ("(u)", (guint) queued), NULL);
  g_dbus_connection_emit_signal (self->connection, NULL, PATH, NAME, "StatisticsChanged",
                                 g_variant_new ("(@a{st})", get_counters (relay)), NULL);
  emit_properties (self, names);
}

static void
name_lost_cb (GDBusConnection *connection, const char *name, gpointer data)
{
  pm_log_event (G_LOG_LEVEL_WARNING, "bus-name-lost", "name", name, "meaning",
                "the Administrator cannot see this service on the bus", NULL);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmRelayBus *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = g_bus_get_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (connection == NULL)
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "no-bus", "reason", error->message, NULL);
      return;
    }
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  self->registration = g_dbus_connection_register_object (
      connection, PATH, pm_bus_relay_interface_info (), &vtable, self, NULL, &error);
  if (self->registration == 0)
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "no-bus", "reason", error->message, NULL);
      return;
    }
  self->connection = g_steal_pointer (&connection);
  self->name = g_bus_own_name_on_connection (self->connection, NAME,
                                             G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE, NULL,
                                             name_lost_cb, NULL, NULL);
}

PmRelayBus *
pm_relay_bus_new (PmRelay *relay, gboolean session)
{
  PmRelayBus *self = g_new0 (PmRelayBus, 1);
  g_autoptr (PmRelaySettings) settings = NULL;

  self->relay = g_object_ref (relay);
  self->session = session;
  self->cancellable = g_cancellable_new ();
  self->changes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  settings = pm_relay_dup_settings (relay);
  self->revision = g_strdup (settings->revision);
  self->queue_changed =
      g_signal_connect (relay, "queue-changed", G_CALLBACK (queue_changed_cb), self);
  g_bus_get (session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, self->cancellable, connected_cb,
             self);
  return self;
}

/**
 * pm_relay_bus_update:
 * @bus: (nullable)
 */
void
pm_relay_bus_update (PmRelayBus *self)
{
  static const char *const names[] = { "ServerName", "LoadedRevision", "Listening", NULL };

  g_autoptr (PmRelaySettings) settings = NULL;

  if (self == NULL)
    return;
  emit_properties (self, names);
  settings = pm_relay_dup_settings (self->relay);
  if (self->connection == NULL || g_strcmp0 (settings->revision, self->revision) == 0)
    return;
  g_free (self->revision);
  self->revision = g_strdup (settings->revision);
  g_dbus_connection_emit_signal (self->connection, NULL, PATH, NAME, "PolicyChanged",
                                 g_variant_new ("(s)", self->revision), NULL);
}

/**
 * pm_relay_bus_free:
 * @bus: (nullable)
 */
void
pm_relay_bus_free (PmRelayBus *self)
{
  if (self == NULL)
    return;
  g_cancellable_cancel (self->cancellable);
  g_signal_handler_disconnect (self->relay, self->queue_changed);
  if (self->name != 0)
    g_bus_unown_name (self->name);
  if (self->registration != 0)
    g_dbus_connection_unregister_object (self->connection, self->registration);
  if (self->connection != NULL)
    g_dbus_connection_flush_sync (self->connection, NULL, NULL);
  g_clear_object (&self->connection);
  g_hash_table_unref (self->changes);
  g_free (self->revision);
  g_object_unref (self->cancellable);
  g_object_unref (self->relay);
  g_free (self);
}
