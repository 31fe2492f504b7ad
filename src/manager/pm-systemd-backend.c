// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The mail service as a unit of systemd: the system's, or the user's own. A job counts as done when
// systemd has removed it and the unit's state has been read again after that.

#include "manager/pm-systemd-backend.h"

#include "base/pm-error.h"
#include "base/pm-task-thread.h"
#include "manager/pm-journal.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define UNIT_INTERFACE "org.freedesktop.systemd1.Unit"
#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define CALL_TIMEOUT 25000
/* How far back in the journal the reason of a failed start is looked for. */
#define REASON_LINES 50
/* siginfo's codes of how a process ended (wait(2)) */
#define EXITED 1

struct _PmSystemdBackend
{
  GObject parent;

  GDBusConnection *bus; /* (owned) */
  gboolean user_instance;
  char *unit;
  char *unit_path;
  guint subscriptions[3];

  PmServiceState state;
  char *detail; /* (owned) (nullable) */
  gint64 since;
  gboolean enabled;
  gboolean can_enable;
  gboolean loaded;
  char *active_state;
  char *sub_state;

  gboolean refreshing;
  gboolean refresh_again;

  GTask *operation; /* (owned) (nullable): waits for a job */
  gulong cancelled_id;
  char *job;           /* (owned) (nullable): its path, once known */
  GHashTable *results; /* (owned): job path to result, of jobs removed before the path was known */
  char *result;        /* (owned) (nullable): of the job, while the unit is read again */
};

static void pm_systemd_backend_init_backend (PmServiceBackendInterface *iface);
static void refresh (PmSystemdBackend *self);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmSystemdBackend, pm_systemd_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_SERVICE_BACKEND,
                                                      pm_systemd_backend_init_backend))

static void
call (PmSystemdBackend *self,
      const char *path,
      const char *interface,
      const char *method,
      GVariant *parameters,
      GCancellable *cancellable,
      GAsyncReadyCallback callback,
      gpointer data)
{
  g_dbus_connection_call (self->bus, SYSTEMD, path, interface, method, parameters, NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_TIMEOUT, cancellable, callback,
                          data);
}

static GError *
refuse (GError *error)
{
  g_autoptr (GError) own = error;

  if (g_error_matches (own, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_steal_pointer (&own);
  g_dbus_error_strip_remote_error (own);
  return g_error_new (PM_ERROR, PM_ERROR_FAILED, "systemd did not do it: %s", own->message);
}

/* --- The unit's state ------------------------------------------------------------------------- */

static PmServiceState
to_state (const char *active_state)
{
  static const struct
  {
    const char *name;
    PmServiceState state;
  } states[] = {
    { "active", PM_SERVICE_RUNNING },
    { "reloading", PM_SERVICE_RUNNING },
    { "activating", PM_SERVICE_STARTING },
    { "deactivating", PM_SERVICE_STOPPING },
    { "inactive", PM_SERVICE_STOPPED },
    { "failed", PM_SERVICE_FAILED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
    {
      if (g_strcmp0 (active_state, states[i].name) == 0)
        return states[i].state;
    }
  return PM_SERVICE_UNKNOWN;
}

static void
read_unit (PmSystemdBackend *self, GVariant *properties)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (properties);
  const char *text;
  guint64 since = 0;

  g_clear_pointer (&self->active_state, g_free);
  g_clear_pointer (&self->sub_state, g_free);
  g_variant_dict_lookup (&dict, "ActiveState", "s", &self->active_state);
  g_variant_dict_lookup (&dict, "SubState", "s", &self->sub_state);
  self->state = to_state (self->active_state);
  g_variant_dict_lookup (&dict, "StateChangeTimestamp", "t", &since);
  self->since = (gint64) since;
  self->loaded = g_variant_dict_lookup (&dict, "LoadState", "&s", &text) &&
                 g_str_equal (text, "loaded");
  if (!g_variant_dict_lookup (&dict, "UnitFileState", "&s", &text))
    text = "";
  self->enabled = g_str_equal (text, "enabled") || g_str_equal (text, "enabled-runtime");
  self->can_enable = self->enabled || g_str_equal (text, "disabled");
}

static char *
describe (PmSystemdBackend *self, GVariant *properties)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (properties);
  const char *result = "";
  int code = 0;
  int status = 0;

  if (!self->loaded)
    return g_strdup_printf ("systemd knows no unit %s", self->unit);
  if (self->state != PM_SERVICE_FAILED && g_strcmp0 (self->sub_state, "auto-restart") != 0)
    return NULL;
  g_variant_dict_lookup (&dict, "Result", "&s", &result);
  g_variant_dict_lookup (&dict, "ExecMainCode", "i", &code);
  g_variant_dict_lookup (&dict, "ExecMainStatus", "i", &status);
  if (g_str_equal (result, "exit-code") || g_str_equal (result, "signal") ||
      g_str_equal (result, "core-dump"))
    return pm_service_exit_to_words (code != EXITED, status);
  if (g_str_equal (result, "timeout"))
    return g_strdup ("was not ready, or did not end, within systemd's time-out");
  if (g_str_equal (result, "start-limit-hit"))
    return g_strdup ("failed too often in a short time, so systemd does not start it again");
  return g_strdup_printf ("failed (%s)", result);
}

/* --- The operation under way ------------------------------------------------------------------ */

static GTask *
take_operation (PmSystemdBackend *self)
{
  if (self->operation != NULL && self->cancelled_id != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (self->operation), self->cancelled_id);
  self->cancelled_id = 0;
  g_clear_pointer (&self->job, g_free);
  g_clear_pointer (&self->result, g_free);
  g_hash_table_remove_all (self->results);
  return g_steal_pointer (&self->operation);
}

static gboolean
give_up_idle_cb (gpointer data)
{
  PmSystemdBackend *self = PM_SYSTEMD_BACKEND (data);

  if (self->operation != NULL &&
      g_cancellable_is_cancelled (g_task_get_cancellable (self->operation)))
    {
      g_autoptr (GTask) task = take_operation (self);

      g_task_return_error_if_cancelled (task);
    }
  return G_SOURCE_REMOVE;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  /* A handler must not disconnect itself from inside the signal; the main loop takes it up. */
  g_idle_add_full (G_PRIORITY_DEFAULT, give_up_idle_cb, g_object_ref (data), g_object_unref);
}

/* What a job was asked for, and how the unit was when it had failed. */
typedef struct
{
  PmServiceVerb verb;
  gint64 asked_at; /* wall-clock time, as the journal's */
  char *detail;    /* (nullable) */
} Job;

static void
free_job (Job *job)
{
  g_free (job->detail);
  g_free (job);
}

static char *
find_last_reason (GPtrArray *lines, gint64 since)
{
  for (guint i = lines->len; i > 0; i--)
    {
      const PmJournalLine *line = g_ptr_array_index (lines, i - 1);
      char *reason = line->time >= since ? pm_service_find_reason (line) : NULL;

      if (reason != NULL)
        return reason;
    }
  return NULL;
}

/* The service's own words say more than its exit status; without them that must do. */
static void
reason_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Job *job = g_task_get_task_data (task);
  g_autoptr (GPtrArray) lines = NULL;
  g_autofree char *reason = NULL;

  lines = pm_service_backend_read_journal_finish (PM_SERVICE_BACKEND (source), result, NULL);
  if (lines != NULL)
    reason = find_last_reason (lines, job->asked_at);
  g_task_return_new_error (task, PM_ERROR, PM_ERROR_FAILED, "The mail service %s%s%s.",
                           job->detail, reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

/* The job is over and the unit's state is that of after it. */
static void
finish_operation (PmSystemdBackend *self)
{
  g_autofree char *result = g_strdup (self->result);
  g_autoptr (GTask) task = take_operation (self);
  Job *job = g_task_get_task_data (task);

  if (g_str_equal (result, "done") || g_str_equal (result, "skipped"))
    g_task_return_boolean (task, TRUE);
  else if (self->detail != NULL)
    {
      job->detail = g_strdup (self->detail);
      pm_service_backend_read_journal_async (PM_SERVICE_BACKEND (self), REASON_LINES, NULL,
                                             reason_read_cb, g_object_ref (task));
    }
  else
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_FAILED,
                             "systemd's job for %s ended with “%s”.", self->unit, result);
}

static void
job_is_over (PmSystemdBackend *self, const char *result)
{
  g_free (self->result);
  self->result = g_strdup (result);
  refresh (self);
}

static void
job_removed_cb (GDBusConnection *bus,
                const char *sender,
                const char *path,
                const char *interface,
                const char *signal,
                GVariant *parameters,
                gpointer data)
{
  PmSystemdBackend *self = PM_SYSTEMD_BACKEND (data);
  const char *job;
  const char *unit;
  const char *result;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(uoss)")))
    return;
  g_variant_get (parameters, "(u&o&s&s)", NULL, &job, &unit, &result);
  if (self->operation == NULL || !g_str_equal (unit, self->unit))
    return;
  if (self->job == NULL)
    g_hash_table_replace (self->results, g_strdup (job), g_strdup (result));
  else if (g_str_equal (self->job, job))
    job_is_over (self, result);
}

/* --- Reading the unit ------------------------------------------------------------------------- */

static void
refreshed (PmSystemdBackend *self)
{
  self->refreshing = FALSE;
  if (self->refresh_again)
    {
      refresh (self);
      return;
    }
  pm_service_backend_changed (PM_SERVICE_BACKEND (self));
  if (self->operation != NULL && self->result != NULL)
    finish_operation (self);
}

static void
properties_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmSystemdBackend) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) properties = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_clear_pointer (&self->detail, g_free);
  if (reply == NULL)
    {
      g_dbus_error_strip_remote_error (error);
      self->state = PM_SERVICE_UNKNOWN;
      self->detail = g_strdup_printf ("systemd cannot be asked: %s", error->message);
    }
  else
    {
      properties = g_variant_get_child_value (reply, 0);
      read_unit (self, properties);
      self->detail = describe (self, properties);
    }
  refreshed (self);
}

static void
refresh (PmSystemdBackend *self)
{
  if (self->refreshing)
    {
      self->refresh_again = TRUE;
      return;
    }
  self->refreshing = TRUE;
  self->refresh_again = FALSE;
  /* An empty interface name stands for all of them: the unit's and the service's properties. */
  call (self, self->unit_path, PROPERTIES, "GetAll", g_variant_new ("(s)", ""), NULL,
        properties_read_cb, g_object_ref (self));
}

static void
something_changed_cb (GDBusConnection *bus,
                      const char *sender,
                      const char *path,
                      const char *interface,
                      const char *signal,
                      GVariant *parameters,
                      gpointer data)
{
  refresh (PM_SYSTEMD_BACKEND (data));
}

/* --- Starting and stopping -------------------------------------------------------------------- */

static void
queued_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmSystemdBackend *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  const char *early;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (task != self->operation)
    return;
  if (reply == NULL)
    {
      g_autoptr (GTask) own = take_operation (self);

      g_task_return_error (own, refuse (g_steal_pointer (&error)));
      return;
    }
  g_variant_get (reply, "(o)", &self->job);
  early = g_hash_table_lookup (self->results, self->job);
  if (early != NULL)
    job_is_over (self, early);
}

static void
queue_job (GTask *task)
{
  static const char *const methods[] = {
    [PM_SERVICE_START] = "StartUnit",
    [PM_SERVICE_STOP] = "StopUnit",
    [PM_SERVICE_RESTART] = "RestartUnit",
    [PM_SERVICE_RELOAD] = "ReloadUnit",
  };
  PmSystemdBackend *self = g_task_get_source_object (task);
  const Job *job = g_task_get_task_data (task);

  call (self, SYSTEMD_PATH, MANAGER_INTERFACE, methods[job->verb],
        g_variant_new ("(ss)", self->unit, "replace"), NULL, queued_cb, g_object_ref (task));
}

static void
reset_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmSystemdBackend *self = g_task_get_source_object (task);
  g_autoptr (GVariant) reply = NULL;

  /* A unit that is not loaded has nothing to reset, which is as good. */
  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  if (task == self->operation)
    queue_job (task);
}

static void
pm_systemd_backend_run_async (PmServiceBackend *backend,
                              PmServiceVerb verb,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  PmSystemdBackend *self = PM_SYSTEMD_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  Job *job = g_new0 (Job, 1);

  g_task_set_source_tag (task, pm_systemd_backend_run_async);
  g_task_set_check_cancellable (task, FALSE);
  job->verb = verb;
  job->asked_at = g_get_real_time ();
  g_task_set_task_data (task, job, (GDestroyNotify) free_job);
  if (self->operation != NULL)
    {
      g_task_return_new_error (task, PM_ERROR, PM_ERROR_BUSY,
                               "The mail service is being started or stopped already.");
      return;
    }
  if (g_task_return_error_if_cancelled (task))
    return;
  self->operation = g_object_ref (task);
  if (cancellable != NULL)
    self->cancelled_id = g_signal_connect (cancellable, "cancelled", G_CALLBACK (cancelled_cb),
                                           self);
  /* A person's wish overrides the limit on starts that systemd keeps for itself. */
  if (verb == PM_SERVICE_START || verb == PM_SERVICE_RESTART)
    call (self, SYSTEMD_PATH, MANAGER_INTERFACE, "ResetFailedUnit",
          g_variant_new ("(s)", self->unit), NULL, reset_cb, g_object_ref (task));
  else
    queue_job (task);
}

/* --- With the machine ------------------------------------------------------------------------- */

static void
reloaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GVariant) reply = NULL;
  GError *error = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  refresh (g_task_get_source_object (task));
  if (reply == NULL)
    g_task_return_error (task, refuse (error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
links_changed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmSystemdBackend *self = g_task_get_source_object (task);
  g_autoptr (GVariant) reply = NULL;
  GError *error = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (reply == NULL)
    {
      g_task_return_error (task, refuse (error));
      return;
    }
  call (self, SYSTEMD_PATH, MANAGER_INTERFACE, "Reload", NULL, NULL, reloaded_cb,
        g_steal_pointer (&task));
}

static void
pm_systemd_backend_set_enabled_async (PmServiceBackend *backend,
                                      gboolean enabled,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer data)
{
  PmSystemdBackend *self = PM_SYSTEMD_BACKEND (backend);
  const char *const units[] = { self->unit, NULL };
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, pm_systemd_backend_set_enabled_async);
  if (enabled)
    call (self, SYSTEMD_PATH, MANAGER_INTERFACE, "EnableUnitFiles",
          g_variant_new ("(^asbb)", units, FALSE, TRUE), cancellable, links_changed_cb,
          g_steal_pointer (&task));
  else
    call (self, SYSTEMD_PATH, MANAGER_INTERFACE, "DisableUnitFiles",
          g_variant_new ("(^asb)", units, FALSE), cancellable, links_changed_cb,
          g_steal_pointer (&task));
}

/* --- The journal ------------------------------------------------------------------------------ */

/* What a reading needs, for a thread that does not touch the backend. */
typedef struct
{
  char *unit;
  gboolean user_instance;
  guint count;
} JournalQuery;

static void
free_query (JournalQuery *query)
{
  g_free (query->unit);
  g_free (query);
}

static gpointer
read_journal_in_thread (gpointer data, GError **error)
{
  const JournalQuery *query = data;

  return pm_journal_read (query->unit, query->user_instance, query->count, error);
}

static void
pm_systemd_backend_read_journal_async (PmServiceBackend *backend,
                                       guint count,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer data)
{
  PmSystemdBackend *self = PM_SYSTEMD_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  JournalQuery *query = g_new0 (JournalQuery, 1);

  query->unit = g_strdup (self->unit);
  query->user_instance = self->user_instance;
  query->count = count;
  g_task_set_source_tag (task, pm_systemd_backend_read_journal_async);
  g_task_set_task_data (task, query, (GDestroyNotify) free_query);
  pm_task_thread_run (task, read_journal_in_thread, (GDestroyNotify) g_ptr_array_unref);
}

static void
pm_systemd_backend_get_status (PmServiceBackend *backend, PmServiceStatus *status)
{
  PmSystemdBackend *self = PM_SYSTEMD_BACKEND (backend);

  status->state = self->state;
  status->detail = self->detail;
  status->since = self->since;
  status->enabled = self->enabled;
  status->can_enable = self->can_enable;
}

static void
pm_systemd_backend_init_backend (PmServiceBackendInterface *iface)
{
  iface->kind = "systemd";
  iface->get_status = pm_systemd_backend_get_status;
  iface->run_async = pm_systemd_backend_run_async;
  iface->set_enabled_async = pm_systemd_backend_set_enabled_async;
  iface->read_journal_async = pm_systemd_backend_read_journal_async;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
pm_systemd_backend_dispose (GObject *object)
{
  PmSystemdBackend *self = PM_SYSTEMD_BACKEND (object);

  for (gsize i = 0; i < G_N_ELEMENTS (self->subscriptions); i++)
    {
      if (self->subscriptions[i] != 0)
        g_dbus_connection_signal_unsubscribe (self->bus, self->subscriptions[i]);
      self->subscriptions[i] = 0;
    }
  g_clear_object (&self->bus);
  G_OBJECT_CLASS (pm_systemd_backend_parent_class)->dispose (object);
}

static void
pm_systemd_backend_finalize (GObject *object)
{
  PmSystemdBackend *self = PM_SYSTEMD_BACKEND (object);

  g_free (self->unit);
  g_free (self->unit_path);
  g_free (self->detail);
  g_free (self->active_state);
  g_free (self->sub_state);
  g_free (self->job);
  g_free (self->result);
  g_hash_table_unref (self->results);
  G_OBJECT_CLASS (pm_systemd_backend_parent_class)->finalize (object);
}

static void
pm_systemd_backend_class_init (PmSystemdBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = pm_systemd_backend_dispose;
  object_class->finalize = pm_systemd_backend_finalize;
}

static void
pm_systemd_backend_init (PmSystemdBackend *self)
{
  self->results = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
first_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmSystemdBackend *self = g_task_get_task_data (task);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) properties = NULL;
  GError *error = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (reply == NULL)
    {
      g_task_return_error (task, refuse (error));
      return;
    }
  properties = g_variant_get_child_value (reply, 0);
  read_unit (self, properties);
  self->detail = describe (self, properties);
  if (self->loaded)
    g_task_return_pointer (task, g_object_ref (self), g_object_unref);
  else
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_NOT_FOUND,
                             "systemd knows no unit %s: is Pointsman installed?", self->unit);
}

static void
unit_loaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmSystemdBackend *self = g_task_get_task_data (task);
  g_autoptr (GVariant) reply = NULL;
  GError *error = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (reply == NULL)
    {
      g_task_return_error (task, refuse (error));
      return;
    }
  g_variant_get (reply, "(o)", &self->unit_path);
  self->subscriptions[2] =
      g_dbus_connection_signal_subscribe (self->bus, SYSTEMD, PROPERTIES, "PropertiesChanged",
                                          self->unit_path, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                          something_changed_cb, self, NULL);
  call (self, self->unit_path, PROPERTIES, "GetAll", g_variant_new ("(s)", ""),
        g_task_get_cancellable (task), first_read_cb, g_object_ref (task));
}

static void
subscribed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmSystemdBackend *self = g_task_get_task_data (task);
  g_autoptr (GVariant) reply = NULL;
  GError *error = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (reply == NULL)
    {
      g_task_return_error (task, refuse (error));
      return;
    }
  call (self, SYSTEMD_PATH, MANAGER_INTERFACE, "LoadUnit", g_variant_new ("(s)", self->unit),
        g_task_get_cancellable (task), unit_loaded_cb, g_object_ref (task));
}

/**
 * pm_systemd_backend_new_async:
 * @bus: the system bus, or the session bus for @user_instance
 * @unit: as pointsman-relay.service; systemd must know its file
 */
void
pm_systemd_backend_new_async (GDBusConnection *bus,
                              gboolean user_instance,
                              const char *unit,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  PmSystemdBackend *self = g_object_new (PM_TYPE_SYSTEMD_BACKEND, NULL);
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);

  g_task_set_source_tag (task, pm_systemd_backend_new_async);
  g_task_set_task_data (task, self, g_object_unref);
  self->bus = g_object_ref (bus);
  self->user_instance = user_instance;
  self->unit = g_strdup (unit);
  self->subscriptions[0] =
      g_dbus_connection_signal_subscribe (bus, SYSTEMD, MANAGER_INTERFACE, "JobRemoved",
                                          SYSTEMD_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                          job_removed_cb, self, NULL);
  self->subscriptions[1] =
      g_dbus_connection_signal_subscribe (bus, SYSTEMD, MANAGER_INTERFACE, "UnitFilesChanged",
                                          SYSTEMD_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                          something_changed_cb, self, NULL);
  call (self, SYSTEMD_PATH, MANAGER_INTERFACE, "Subscribe", NULL, cancellable, subscribed_cb,
        g_object_ref (task));
}

PmSystemdBackend *
pm_systemd_backend_new_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
