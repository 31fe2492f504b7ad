// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Manager1's methods, each a line in one table: which polkit actions it needs, whether it changes
// something, and what does it. Between a call and its reply the main loop is always free.

#include "manager/pm-manager.h"

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "config.h"
#include "manager/pm-manager-private.h"

#define OBJECT_PATH "/org/pointsman/Manager1"
#define ACTION_READ "org.pointsman.manager.read"
#define ACTION_EDIT "org.pointsman.manager.edit"
#define ACTION_SERVICE "org.pointsman.manager.service"

/* How much one client may have under way: each call keeps its arguments until it is answered. */
#define MAX_CALLS 16

enum
{
  IDLE_CHANGED,
  SETTLED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmManager, pm_manager, G_TYPE_OBJECT)

/* --- What is going on ------------------------------------------------------------------------- */

gboolean
pm_manager_is_idle (PmManager *self)
{
  g_return_val_if_fail (PM_IS_MANAGER (self), TRUE);
  return self->calls == 0 && g_hash_table_size (self->clients) == 0;
}

static void
note_activity (PmManager *self, gboolean was_idle)
{
  gboolean is_idle = pm_manager_is_idle (self);

  if (is_idle != was_idle)
    g_signal_emit (self, signals[IDLE_CHANGED], 0, is_idle);
}

/* Whoever has called and is still on the bus. */
typedef struct
{
  guint watch;
  guint calls;
} Client;

static void
client_vanished_cb (GDBusConnection *bus, const char *name, gpointer data)
{
  PmManager *self = PM_MANAGER (data);
  gboolean was_idle = pm_manager_is_idle (self);

  g_hash_table_remove (self->clients, name);
  note_activity (self, was_idle);
}

static void
free_client (Client *client)
{
  g_bus_unwatch_name (client->watch);
  g_free (client);
}

static Client *
watch_client (PmManager *self, const char *name)
{
  Client *client = g_hash_table_lookup (self->clients, name);

  if (client != NULL)
    return client;
  client = g_new0 (Client, 1);
  client->watch = g_bus_watch_name_on_connection (self->bus, name, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                  NULL, client_vanished_cb, self, NULL);
  g_hash_table_insert (self->clients, g_strdup (name), client);
  return client;
}

static void
publish (PmManager *self)
{
  PmServiceStatus status;
  gboolean runs;

  pm_service_backend_get_status (self->backend, &status);
  runs = status.state == PM_SERVICE_RUNNING;
  pm_bus_manager_set_revision (self->skeleton, pm_site_keeper_get_revision (self->keeper));
  pm_bus_manager_set_loaded_revision (self->skeleton,
                                      runs ? pm_relay_link_get_loaded_revision (self->link) : "");
  pm_bus_manager_set_service_state (self->skeleton, pm_service_state_to_string (status.state));
  pm_bus_manager_set_service_detail (self->skeleton, status.detail != NULL ? status.detail : "");
  pm_bus_manager_set_service_since (self->skeleton, (guint64) status.since);
  pm_bus_manager_set_service_enabled (self->skeleton, status.enabled);
  pm_bus_manager_set_service_can_enable (self->skeleton, status.can_enable);
}

static void
site_changed_cb (PmSiteKeeper *keeper, const char *revision, gpointer data)
{
  PmManager *self = PM_MANAGER (data);

  publish (self);
  if (self->bus != NULL)
    {
      g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
      pm_bus_manager_emit_site_changed (self->skeleton, revision);
    }
}

static void
end_work (PmManager *self)
{
  self->calls--;
  note_activity (self, FALSE);
  if (self->calls == 0)
    g_signal_emit (self, signals[SETTLED], 0);
}

/* --- A call's life ---------------------------------------------------------------------------- */

static void
end_call (PmCall *call)
{
  PmManager *self = call->manager;
  Client *client = g_hash_table_lookup (self->clients,
                                        g_dbus_method_invocation_get_sender (call->invocation));

  if (client != NULL)
    client->calls--;
  if (call->holds_change)
    self->changing = FALSE;
  end_work (self);
  g_clear_error (&call->failure);
  g_object_unref (call->invocation);
  g_object_unref (call->manager);
  g_free (call);
}

void
pm_call_reply (PmCall *call, GVariant *value)
{
  PmManager *self = call->manager;

  /* Whoever gets the reply finds the properties already as it says. */
  publish (self);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  if (call->method->changes)
    pm_log_event (G_LOG_LEVEL_MESSAGE, "done", "method", call->method->name, NULL);
  g_dbus_method_invocation_return_value (call->invocation, value);
  end_call (call);
}

void
pm_call_fail (PmCall *call, GError *error)
{
  g_autoptr (GError) own = error;

  publish (call->manager);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (call->manager->skeleton));
  pm_log_event (G_LOG_LEVEL_MESSAGE, "refused-or-failed", "method", call->method->name, "reason",
                own->message, NULL);
  if (own->domain == PM_ERROR)
    g_dbus_method_invocation_return_gerror (call->invocation, own);
  else
    g_dbus_method_invocation_return_error_literal (call->invocation, PM_ERROR, PM_ERROR_FAILED,
                                                   own->message);
  end_call (call);
}

void
pm_call_get_arguments (PmCall *call, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_variant_get_va (g_dbus_method_invocation_get_parameters (call->invocation), format, NULL,
                    &args);
  va_end (args);
}

static void
run (PmCall *call)
{
  PmManager *self = call->manager;

  if (call->method->changes)
    {
      if (self->changing)
        {
          pm_call_fail (call, g_error_new_literal (PM_ERROR, PM_ERROR_BUSY,
                                                   "Another change is under way; try again when "
                                                   "it is done."));
          return;
        }
      self->changing = TRUE;
      call->holds_change = TRUE;
    }
  call->method->run (call);
}

static void
who_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  g_autoptr (GVariant) answer = NULL;
  GError *error = NULL;

  answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (answer == NULL)
    {
      pm_call_fail (call, error);
      return;
    }
  g_variant_get (answer, "(u)", &call->who);
  run (call);
}

static void
find_who (PmCall *call)
{
  const char *sender = g_dbus_method_invocation_get_sender (call->invocation);

  g_dbus_connection_call (call->manager->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "GetConnectionUnixUser",
                          g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(u)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, who_cb, call);
}

static void authorize (PmCall *call);

static void
authorized_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  GError *error = NULL;

  if (pm_authority_check_finish (PM_AUTHORITY (source), result, &error))
    {
      call->n_authorized++;
      authorize (call);
    }
  else
    {
      pm_call_fail (call, error);
    }
}

static void
authorize (PmCall *call)
{
  const char *action = call->method->actions[call->n_authorized];

  if (action != NULL)
    pm_authority_check_async (call->manager->authority, call->invocation, action, authorized_cb,
                              call);
  else if (call->method->changes)
    find_who (call);
  else
    run (call);
}

/* --- The object ------------------------------------------------------------------------------- */

static const PmMethod methods[] = {
  { "ReadSite", { ACTION_READ }, FALSE, pm_call_read_site },
  { "CheckSite", { ACTION_READ }, FALSE, pm_call_check_site },
  { "WriteSite", { ACTION_EDIT }, TRUE, pm_call_write_site },
  { "Apply", { ACTION_EDIT, ACTION_SERVICE }, TRUE, pm_call_apply },
  { "History", { ACTION_READ }, FALSE, pm_call_history },
  { "ReadRevision", { ACTION_READ }, FALSE, pm_call_read_revision },
  { "StartService", { ACTION_SERVICE }, TRUE, pm_call_start_service },
  { "StopService", { ACTION_SERVICE }, TRUE, pm_call_stop_service },
  { "RestartService", { ACTION_SERVICE }, TRUE, pm_call_restart_service },
  { "ReloadService", { ACTION_SERVICE }, TRUE, pm_call_reload_service },
  { "SetServiceEnabled", { ACTION_SERVICE }, TRUE, pm_call_set_service_enabled },
  { "Journal", { ACTION_READ }, FALSE, pm_call_journal },
};

static const char *const handler_signals[] = {
  "handle-read-site", "handle-check-site", "handle-write-site", "handle-apply", "handle-history",
  "handle-read-revision", "handle-start-service", "handle-stop-service", "handle-restart-service",
  "handle-reload-service", "handle-set-service-enabled", "handle-journal"
};

static void
receive (PmManager *self, GDBusMethodInvocation *invocation, const PmMethod *method)
{
  gboolean was_idle = pm_manager_is_idle (self);
  Client *client = watch_client (self, g_dbus_method_invocation_get_sender (invocation));
  PmCall *call = g_new0 (PmCall, 1);

  call->manager = g_object_ref (self);
  call->invocation = g_object_ref (invocation);
  call->method = method;
  self->calls++;
  note_activity (self, was_idle);
  if (++client->calls > MAX_CALLS)
    pm_call_fail (call, g_error_new (PM_ERROR, PM_ERROR_BUSY,
                                     "This program has %d calls under way already; wait for "
                                     "one to be answered.",
                                     MAX_CALLS));
  else
    authorize (call);
}

/* One closure for every handle- signal: the invocation itself holds the arguments. */
static void
marshal_call (GClosure *closure,
              GValue *result,
              guint n_params,
              const GValue *params,
              gpointer hint,
              gpointer marshal_data)
{
  receive (closure->data, g_value_get_object (&params[1]), marshal_data);
  g_value_set_boolean (result, TRUE);
}

static void
connect_methods (PmManager *self)
{
  G_STATIC_ASSERT (G_N_ELEMENTS (methods) == G_N_ELEMENTS (handler_signals));

  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      GClosure *closure = g_closure_new_object (sizeof (GClosure), G_OBJECT (self));

      g_closure_set_meta_marshal (closure, (gpointer) &methods[i], marshal_call);
      g_signal_connect_closure (self->skeleton, handler_signals[i], closure, FALSE);
    }
}

static void
pm_manager_dispose (GObject *object)
{
  PmManager *self = PM_MANAGER (object);

  if (self->bus != NULL)
    g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_clear_object (&self->bus);
  g_hash_table_remove_all (self->clients);
  g_clear_object (&self->keeper);
  g_clear_object (&self->backend);
  g_clear_object (&self->link);
  g_clear_object (&self->authority);
  G_OBJECT_CLASS (pm_manager_parent_class)->dispose (object);
}

static void
pm_manager_finalize (GObject *object)
{
  PmManager *self = PM_MANAGER (object);

  g_object_unref (self->skeleton);
  g_hash_table_unref (self->clients);
  G_OBJECT_CLASS (pm_manager_parent_class)->finalize (object);
}

static void
pm_manager_class_init (PmManagerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = pm_manager_dispose;
  object_class->finalize = pm_manager_finalize;
  signals[IDLE_CHANGED] = g_signal_new ("idle-changed", PM_TYPE_MANAGER, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
  signals[SETTLED] = g_signal_new ("settled", PM_TYPE_MANAGER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
pm_manager_init (PmManager *self)
{
  self->skeleton = pm_bus_manager_skeleton_new ();
  self->clients = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify) free_client);
  connect_methods (self);
}

/**
 * pm_manager_new:
 * @keeper: the site
 * @backend: the service's switch
 * @link: the service on the bus
 * @authority: who may do what
 * @server_name: (nullable): this machine's server in the site
 * @session_mode: what the property says
 */
PmManager *
pm_manager_new (PmSiteKeeper *keeper,
                PmServiceBackend *backend,
                PmRelayLink *link,
                PmAuthority *authority,
                const char *server_name,
                gboolean session_mode)
{
  PmManager *self = g_object_new (PM_TYPE_MANAGER, NULL);

  self->keeper = g_object_ref (keeper);
  self->backend = g_object_ref (backend);
  self->link = g_object_ref (link);
  self->authority = g_object_ref (authority);
  pm_bus_manager_set_version (self->skeleton, PM_VERSION);
  pm_bus_manager_set_session_mode (self->skeleton, session_mode);
  pm_bus_manager_set_site_path (self->skeleton, pm_site_keeper_get_path (keeper));
  pm_bus_manager_set_server_name (self->skeleton, server_name != NULL ? server_name : "");
  pm_bus_manager_set_service_backend (self->skeleton, pm_service_backend_get_kind (backend));
  g_signal_connect_object (keeper, "changed", G_CALLBACK (site_changed_cb), self, 0);
  g_signal_connect_object (backend, "changed", G_CALLBACK (publish), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (link, "changed", G_CALLBACK (publish), self, G_CONNECT_SWAPPED);
  publish (self);
  return self;
}

static void
resumed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmManager) self = data;
  g_autoptr (PmApplyResult) outcome = NULL;
  g_autoptr (GError) error = NULL;

  outcome = pm_apply_finish (result, &error);
  if (outcome != NULL)
    pm_manager_log_outcome (outcome);
  else
    pm_log_event (G_LOG_LEVEL_WARNING, "not-taken-up", "reason", error->message, NULL);
  self->changing = FALSE;
  publish (self);
  end_work (self);
}

/**
 * pm_manager_resume:
 *
 * Takes up what a former manager was interrupted in; until it is done other changes are refused as
 * busy.
 *
 * Returns: whether there was something
 */
gboolean
pm_manager_resume (PmManager *self)
{
  gboolean was_idle = pm_manager_is_idle (self);

  if (!pm_apply_is_pending (self->keeper))
    return FALSE;
  self->changing = TRUE;
  self->calls++;
  note_activity (self, was_idle);
  pm_apply_resume_async (self->keeper, self->backend, self->link, resumed_cb, g_object_ref (self));
  return TRUE;
}

/* Whether a call is not answered yet, or an Apply taken up; `settled` tells when that is over. */
gboolean
pm_manager_is_busy (PmManager *self)
{
  g_return_val_if_fail (PM_IS_MANAGER (self), FALSE);
  return self->calls > 0;
}

gboolean
pm_manager_export (PmManager *self, GDBusConnection *bus, GError **error)
{
  g_return_val_if_fail (PM_IS_MANAGER (self), FALSE);

  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), bus,
                                         OBJECT_PATH, error))
    return FALSE;
  self->bus = g_object_ref (bus);
  return TRUE;
}
