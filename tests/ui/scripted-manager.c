// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The manager's side of the bus for tests of the Administrator's widgets. The real one is tested by
// tests/manager, and both together by tests/integration.

#include "config.h"

#include "scripted-manager.h"

#include "base/pm-error.h"

struct _ScriptedManager
{
  GTestDBus *bus;
  GDBusConnection *connection;
  PmBusManager *skeleton;
  char *xml;
  GHashTable *revisions; /* revision to text */
  gboolean refuse;
};

static char *
set_xml (ScriptedManager *self, const char *xml)
{
  g_autoptr (GBytes) bytes = g_bytes_new (xml, strlen (xml));
  char *revision = pm_site_revision (bytes);

  g_free (self->xml);
  self->xml = g_strdup (xml);
  g_hash_table_insert (self->revisions, g_strdup (revision), g_strdup (xml));
  pm_bus_manager_set_revision (self->skeleton, revision);
  return revision;
}

static gboolean
read_site_cb (PmBusManager *skeleton, GDBusMethodInvocation *call, ScriptedManager *self)
{
  pm_bus_manager_complete_read_site (skeleton, call, self->xml,
                                     pm_bus_manager_get_revision (skeleton));
  return TRUE;
}

static gboolean
read_revision_cb (PmBusManager *skeleton, GDBusMethodInvocation *call, const char *revision,
                  ScriptedManager *self)
{
  const char *xml = g_hash_table_lookup (self->revisions, revision);

  if (xml != NULL)
    pm_bus_manager_complete_read_revision (skeleton, call, xml);
  else
    g_dbus_method_invocation_return_error (call, PM_ERROR, PM_ERROR_NOT_FOUND, "No revision %s",
                                           revision);
  return TRUE;
}

static gboolean
write_site_cb (PmBusManager *skeleton, GDBusMethodInvocation *call, const char *xml,
               const char *base_revision, const char *comment, ScriptedManager *self)
{
  g_autofree char *revision = NULL;

  if (self->refuse)
    {
      g_dbus_method_invocation_return_error (call, PM_ERROR, PM_ERROR_DENIED, "Not you");
      return TRUE;
    }
  if (!g_str_equal (base_revision, pm_bus_manager_get_revision (skeleton)))
    {
      g_dbus_method_invocation_return_error (call, PM_ERROR, PM_ERROR_CONFLICT, "It moved on");
      return TRUE;
    }
  revision = set_xml (self, xml);
  pm_bus_manager_complete_write_site (skeleton, call, revision);
  pm_bus_manager_emit_site_changed (skeleton, revision);
  return TRUE;
}

static gboolean
stop_cb (PmBusManager *skeleton, GDBusMethodInvocation *call, ScriptedManager *self)
{
  pm_bus_manager_set_service_state (skeleton, "stopped");
  pm_bus_manager_set_loaded_revision (skeleton, "");
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (skeleton));
  pm_bus_manager_complete_stop_service (skeleton, call);
  return TRUE;
}

static gboolean
start_cb (PmBusManager *skeleton, GDBusMethodInvocation *call, ScriptedManager *self)
{
  pm_bus_manager_set_service_state (skeleton, "running");
  pm_bus_manager_set_loaded_revision (skeleton, pm_bus_manager_get_revision (skeleton));
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (skeleton));
  pm_bus_manager_complete_start_service (skeleton, call);
  return TRUE;
}

static void
export_skeleton (ScriptedManager *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  self->connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (self->bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
  g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), self->connection,
                                    "/org/pointsman/Manager1", &error);
  g_assert_no_error (error);
  reply = g_dbus_connection_call_sync (self->connection, "org.freedesktop.DBus", "/",
                                       "org.freedesktop.DBus", "RequestName",
                                       g_variant_new ("(su)", "org.pointsman.Manager1", 0), NULL,
                                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
}

ScriptedManager *
scripted_manager_new (const char *xml)
{
  ScriptedManager *self = g_new0 (ScriptedManager, 1);
  g_autofree char *revision = NULL;

  self->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (self->bus);
  self->revisions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->skeleton = pm_bus_manager_skeleton_new ();
  revision = set_xml (self, xml);
  pm_bus_manager_set_version (self->skeleton, PM_VERSION);
  pm_bus_manager_set_session_mode (self->skeleton, TRUE);
  pm_bus_manager_set_site_path (self->skeleton, "/etc/pointsman/site.xml");
  pm_bus_manager_set_server_name (self->skeleton, "");
  pm_bus_manager_set_loaded_revision (self->skeleton, revision);
  pm_bus_manager_set_service_backend (self->skeleton, "child");
  pm_bus_manager_set_service_state (self->skeleton, "running");
  pm_bus_manager_set_service_detail (self->skeleton, "");
  g_signal_connect (self->skeleton, "handle-read-site", G_CALLBACK (read_site_cb), self);
  g_signal_connect (self->skeleton, "handle-read-revision", G_CALLBACK (read_revision_cb), self);
  g_signal_connect (self->skeleton, "handle-write-site", G_CALLBACK (write_site_cb), self);
  g_signal_connect (self->skeleton, "handle-stop-service", G_CALLBACK (stop_cb), self);
  g_signal_connect (self->skeleton, "handle-start-service", G_CALLBACK (start_cb), self);
  export_skeleton (self);
  return self;
}

void
scripted_manager_free (ScriptedManager *self)
{
  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_dbus_connection_close_sync (self->connection, NULL, NULL);
  g_object_unref (self->connection);
  g_object_unref (self->skeleton);
  g_test_dbus_stop (self->bus);
  g_object_unref (self->bus);
  g_hash_table_unref (self->revisions);
  g_free (self->xml);
  g_free (self);
}

/* A connection that has the site. */
PmServerConnection *
scripted_manager_connect (ScriptedManager *self)
{
  PmServerConnection *connection = pm_server_connection_new (G_BUS_TYPE_SESSION);

  pm_server_connection_open (connection);
  while (pm_server_connection_get_site (connection) == NULL)
    {
      g_assert_null (pm_server_connection_get_site_problem (connection));
      g_main_context_iteration (NULL, TRUE);
    }
  return connection;
}

PmBusManager *
scripted_manager_get (ScriptedManager *self)
{
  return self->skeleton;
}

const char *
scripted_manager_get_xml (ScriptedManager *self)
{
  return self->xml;
}

void
scripted_manager_refuse_writes (ScriptedManager *self, gboolean refuse)
{
  self->refuse = refuse;
}
