// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "pm-fake-backend.h"

#include <string.h>

#include "base/pm-error.h"
#include "pm-relay-generated.h"
#include "site/pm-site-file.h"

struct _PmFakeBackend
{
  GObject parent;

  GDBusConnection *bus;
  char *site_path;
  PmBusRelay *relay;
  guint name;
  PmServiceState state;
  const char *detail;
  gboolean enabled;
  gboolean broken;
  gboolean silent;
  guint runs;
  GTask *hanging;
};

static void pm_fake_backend_init_backend (PmServiceBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmFakeBackend, pm_fake_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_SERVICE_BACKEND,
                                                      pm_fake_backend_init_backend))

static void
set_state (PmFakeBackend *self, PmServiceState state, const char *detail)
{
  self->state = state;
  self->detail = detail;
  pm_service_backend_changed (PM_SERVICE_BACKEND (self));
}

static void
appear (PmFakeBackend *self)
{
  if (self->name == 0)
    self->name = g_bus_own_name_on_connection (self->bus, "org.pointsman.Relay1", 0, NULL, NULL,
                                               NULL, NULL);
}

static void
come_up (PmFakeBackend *self, GTask *task)
{
  g_autofree char *text = NULL;
  g_autofree char *revision = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gsize size = 0;

  g_file_get_contents (self->site_path, &text, &size, NULL);
  if (text == NULL || self->broken || strstr (text, "<!-- fails -->") != NULL)
    {
      g_clear_handle_id (&self->name, g_bus_unown_name);
      set_state (self, PM_SERVICE_FAILED, "exited with status 1");
      g_task_return_new_error (task, PM_ERROR, PM_ERROR_FAILED,
                               "The mail service exited with status 1.");
      return;
    }
  if (strstr (text, "<!-- hangs -->") != NULL)
    {
      set_state (self, PM_SERVICE_STARTING, NULL);
      self->hanging = g_object_ref (task);
      return;
    }
  bytes = g_bytes_new (text, size);
  revision = pm_site_revision (bytes);
  self->silent = strstr (text, "<!-- silent -->") != NULL;
  if (strstr (text, "<!-- deaf -->") == NULL)
    pm_bus_relay_set_loaded_revision (self->relay, revision);
  appear (self);
  set_state (self, PM_SERVICE_RUNNING, NULL);
  g_task_return_boolean (task, TRUE);
}

static gboolean
run_cb (gpointer data)
{
  GTask *task = G_TASK (data);
  PmFakeBackend *self = g_task_get_source_object (task);

  if (GPOINTER_TO_UINT (g_task_get_task_data (task)) != PM_SERVICE_STOP)
    {
      come_up (self, task);
      return G_SOURCE_REMOVE;
    }
  g_clear_handle_id (&self->name, g_bus_unown_name);
  set_state (self, PM_SERVICE_STOPPED, NULL);
  g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

static gboolean
give_up_cb (gpointer data)
{
  PmFakeBackend *self = PM_FAKE_BACKEND (data);
  g_autoptr (GTask) task = g_steal_pointer (&self->hanging);

  if (task != NULL)
    g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

static void
cancelled_cb (GCancellable *cancellable, PmFakeBackend *self)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, give_up_cb, g_object_ref (self), g_object_unref);
}

static void
pm_fake_backend_run_async (PmServiceBackend *backend,
                           PmServiceVerb verb,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  PmFakeBackend *self = PM_FAKE_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);

  self->runs++;
  g_task_set_task_data (task, GUINT_TO_POINTER ((guint) verb), NULL);
  g_signal_connect_object (cancellable, "cancelled", G_CALLBACK (cancelled_cb), self, 0);
  g_idle_add_full (G_PRIORITY_DEFAULT, run_cb, g_steal_pointer (&task), g_object_unref);
}

static void
pm_fake_backend_set_enabled_async (PmServiceBackend *backend,
                                   gboolean enabled,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data)
{
  PmFakeBackend *self = PM_FAKE_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);

  self->enabled = enabled;
  g_task_return_boolean (task, TRUE);
}

static void
pm_fake_backend_read_journal_async (PmServiceBackend *backend,
                                    guint count,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer data)
{
  g_autoptr (GTask) task = g_task_new (backend, cancellable, callback, data);
  GPtrArray *lines = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_journal_line_free);

  for (guint i = 0; i < MIN (count, 2); i++)
    g_ptr_array_add (lines, pm_journal_line_new (1000 + i, 3, i == 0 ? "first line" : "last \xff",
                                                 -1));
  g_task_return_pointer (task, lines, (GDestroyNotify) g_ptr_array_unref);
}

static void
pm_fake_backend_get_status (PmServiceBackend *backend, PmServiceStatus *status)
{
  PmFakeBackend *self = PM_FAKE_BACKEND (backend);

  *status = (PmServiceStatus){ self->state, self->detail, 42, self->enabled, TRUE };
}

static void
pm_fake_backend_init_backend (PmServiceBackendInterface *iface)
{
  iface->kind = "systemd";
  iface->get_status = pm_fake_backend_get_status;
  iface->run_async = pm_fake_backend_run_async;
  iface->set_enabled_async = pm_fake_backend_set_enabled_async;
  iface->read_journal_async = pm_fake_backend_read_journal_async;
}

static gboolean
probe_cb (PmBusRelay *relay, GDBusMethodInvocation *invocation, PmFakeBackend *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sbs)"));
  g_variant_builder_add (&builder, "(sbs)", "127.0.0.1:2525", !self->silent,
                         self->silent ? "no greeting" : "220 here");
  pm_bus_relay_complete_probe_listeners (relay, invocation, g_variant_builder_end (&builder));
  return TRUE;
}

static void
reloaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GDBusMethodInvocation) invocation = data;
  PmFakeBackend *self = PM_FAKE_BACKEND (source);
  GError *error = NULL;

  /* A reload that is refused leaves the old site in force. */
  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      pm_bus_relay_complete_reload (self->relay, g_object_ref (invocation), "");
      return;
    }
  appear (self);
  set_state (self, PM_SERVICE_RUNNING, NULL);
  g_dbus_method_invocation_take_error (g_object_ref (invocation), error);
}

static gboolean
reload_cb (PmBusRelay *relay, GDBusMethodInvocation *invocation, PmFakeBackend *self)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, reloaded_cb, g_object_ref (invocation));

  come_up (self, task);
  g_object_unref (invocation);
  return TRUE;
}

static void
pm_fake_backend_finalize (GObject *object)
{
  PmFakeBackend *self = PM_FAKE_BACKEND (object);

  g_clear_handle_id (&self->name, g_bus_unown_name);
  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->relay));
  g_clear_object (&self->relay);
  g_clear_object (&self->bus);
  g_free (self->site_path);
  G_OBJECT_CLASS (pm_fake_backend_parent_class)->finalize (object);
}

static void
pm_fake_backend_class_init (PmFakeBackendClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = pm_fake_backend_finalize;
}

static void
pm_fake_backend_init (PmFakeBackend *self)
{
  self->state = PM_SERVICE_STOPPED;
}

PmFakeBackend *
pm_fake_backend_new (GDBusConnection *bus, const char *site_path)
{
  PmFakeBackend *self = g_object_new (PM_TYPE_FAKE_BACKEND, NULL);
  g_autoptr (GError) error = NULL;

  self->bus = g_object_ref (bus);
  self->site_path = g_strdup (site_path);
  self->relay = pm_bus_relay_skeleton_new ();
  g_signal_connect_object (self->relay, "handle-probe-listeners", G_CALLBACK (probe_cb), self, 0);
  g_signal_connect_object (self->relay, "handle-reload", G_CALLBACK (reload_cb), self, 0);
  g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->relay), bus,
                                    "/org/pointsman/Relay1", &error);
  g_assert_no_error (error);
  return self;
}

/* From now on it does not come up with any site. */
void
pm_fake_backend_break (PmFakeBackend *self)
{
  self->broken = TRUE;
}

guint
pm_fake_backend_get_runs (PmFakeBackend *self)
{
  return self->runs;
}
