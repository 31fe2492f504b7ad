// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A server's two services, played on a private bus.

#include "fake-server.h"

#include "base/pm-error.h"

static const char site_text[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<site xmlns=\"urn:pointsman:site:1\" name=\"Headquarters\" organization=\"Example\">\n"
    "  <configuration>\n"
    "    <servers>\n"
    "      <server name=\"MAIL1\" host=\"mail1.example.com\"/>\n"
    "    </servers>\n"
    "    <connections>\n"
    "      <internet-mail-service server=\"MAIL1\">\n"
    "        <connections>\n"
    "          <listen address=\"127.0.0.1\" port=\"2525\"/>\n"
    "          <limits inbound=\"100\"/>\n"
    "        </connections>\n"
    "        <routing>\n"
    "          <route domain=\"example.com\"><inbound/></route>\n"
    "          <route domain=\"example.net\"><inbound/></route>\n"
    "        </routing>\n"
    "        <mailboxes accept=\"any\">\n"
    "          <deliver-to maildir=\"mail\"/>\n"
    "          <mailbox address=\"postmaster@example.com\">"
    "<alias address=\"postmaster@example.net\"/></mailbox>\n"
    "        </mailboxes>\n"
    "      </internet-mail-service>\n"
    "    </connections>\n"
    "  </configuration>\n"
    "</site>\n";

gboolean
fake_server_tick_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static char *
revision_of (const char *xml)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (xml, strlen (xml));

  return pm_site_revision (bytes);
}

static void
publish (FakeServer *self, gboolean loaded)
{
  g_autofree char *revision = revision_of (self->xml);

  pm_bus_manager_set_revision (self->manager, revision);
  if (loaded)
    pm_bus_manager_set_loaded_revision (self->manager, revision);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->manager));
  pm_bus_manager_emit_site_changed (self->manager, revision);
}

static gboolean
read_cb (PmBusManager *manager, GDBusMethodInvocation *call, FakeServer *self)
{
  g_autofree char *revision = revision_of (self->xml);

  pm_bus_manager_complete_read_site (manager, call, self->xml, revision);
  return TRUE;
}

static gboolean
accept_write (FakeServer *self, GDBusMethodInvocation *call, const char *xml, const char *base)
{
  g_autofree char *revision = revision_of (self->xml);

  if (self->deny)
    g_dbus_method_invocation_return_error (call, PM_ERROR, PM_ERROR_DENIED,
                                           "You may not change the site of this server.");
  else if (!g_str_equal (base, revision))
    g_dbus_method_invocation_return_error (call, PM_ERROR, PM_ERROR_CONFLICT,
                                           "The site file has moved on.");
  else
    {
      self->n_writes++;
      g_free (self->xml);
      self->xml = g_strdup (xml);
      return TRUE;
    }
  return FALSE;
}

static gboolean
write_cb (PmBusManager *manager,
          GDBusMethodInvocation *call,
          const char *xml,
          const char *base,
          const char *comment,
          FakeServer *self)
{
  if (accept_write (self, call, xml, base))
    {
      g_autofree char *revision = revision_of (self->xml);

      publish (self, FALSE);
      pm_bus_manager_complete_write_site (manager, call, revision);
    }
  return TRUE;
}

static gboolean
apply_cb (PmBusManager *manager,
          GDBusMethodInvocation *call,
          const char *xml,
          const char *base,
          const char *comment,
          const char *how,
          guint timeout,
          FakeServer *self)
{
  static const char *const log[] = { "cannot listen on 127.0.0.1:2525", NULL };
  static const char *const quiet[] = { NULL };
  g_autofree char *former = revision_of (self->xml);

  g_free (self->how);
  self->how = g_strdup (how);
  if (self->fail_apply)
    {
      pm_bus_manager_complete_apply (manager, call, FALSE, former,
                                     "The service did not start; the former site was put back.",
                                     log);
    }
  else if (accept_write (self, call, xml, base))
    {
      g_autofree char *revision = revision_of (self->xml);

      publish (self, TRUE);
      pm_bus_manager_complete_apply (manager, call, TRUE, revision, "Ready in 0.2 s.", quiet);
    }
  return TRUE;
}

static gboolean
list_cb (PmBusRelay *relay,
         GDBusMethodInvocation *call,
         const char *queue,
         guint64 after,
         guint limit,
         FakeServer *self)
{
  GVariantBuilder builder;
  static const char *const recipients[] = { "bob@partner.example", "carol@partner.example", NULL };
  gint64 now = g_get_real_time ();
  guint n = 0;
  guint total = g_str_equal (queue, "outbound") ? self->queue->len : 0;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(tsasttxusss)"));
  for (guint i = 0; i < total && n < limit; i++)
    {
      guint64 id = g_array_index (self->queue, guint64, i);

      if (id <= after)
        continue;
      n++;
      g_variant_builder_add (&builder, "(ts^asttxusss)", id, id % 5 == 0 ? "" : "anna@example.com",
                             recipients, (guint64) (1500 * id), (guint64) now - id * 60000000,
                             now + 900 * G_USEC_PER_SEC, (guint) id % 7, "deferred",
                             "mx.partner.example",
                             "451 4.7.1 Greylisting in action, please come back later");
    }
  pm_bus_relay_complete_list_queue (relay, call, g_variant_builder_end (&builder), total);
  return TRUE;
}

static gboolean
show_cb (PmBusRelay *relay, GDBusMethodInvocation *call, guint64 id, FakeServer *self)
{
  GVariantBuilder builder;

  self->asked_interactively =
      (g_dbus_message_get_flags (g_dbus_method_invocation_get_message (call)) &
       G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ssuxs)"));
  g_variant_builder_add (&builder, "(ssuxs)", "bob@partner.example", "deferred", 3,
                         g_get_real_time (), "451 4.7.1 Greylisting in action");
  pm_bus_relay_complete_show_message (relay, call,
                                      "From: Anna <anna@example.com>\r\nTo: bob@partner.example\r\n"
                                      "Subject: The figures for October\r\n",
                                      g_variant_builder_end (&builder));
  return TRUE;
}

static gboolean
retry_cb (PmBusRelay *relay, GDBusMethodInvocation *call, GVariant *ids, FakeServer *self)
{
  self->n_retried = (guint) g_variant_n_children (ids);
  pm_bus_relay_complete_retry_messages (relay, call, self->n_retried);
  return TRUE;
}

static gboolean
delete_cb (PmBusRelay *relay,
           GDBusMethodInvocation *call,
           GVariant *ids,
           gboolean report,
           FakeServer *self)
{
  guint n = (guint) g_variant_n_children (ids);

  self->reported = report;
  for (guint i = 0; i < n; i++)
    {
      guint64 id;

      g_variant_get_child (ids, i, "t", &id);
      for (guint j = 0; j < self->queue->len; j++)
        if (g_array_index (self->queue, guint64, j) == id)
          {
            g_array_remove_index (self->queue, j);
            break;
          }
    }
  pm_bus_relay_complete_delete_messages (relay, call, n);
  pm_bus_relay_emit_queue_changed (relay, self->queue->len);
  return TRUE;
}

static void
own_name (FakeServer *self, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "RequestName", g_variant_new ("(su)", name, 0), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
      &error);

  g_assert_no_error (error);
  g_assert_nonnull (reply);
}

static void
export_manager (FakeServer *self)
{
  g_autoptr (GError) error = NULL;

  self->manager = pm_bus_manager_skeleton_new ();
  pm_bus_manager_set_session_mode (self->manager, TRUE);
  pm_bus_manager_set_service_state (self->manager, self->queue->len > 0 ? "running" : "stopped");
  pm_bus_manager_set_service_detail (self->manager, "");
  pm_bus_manager_set_loaded_revision (self->manager, "");
  pm_bus_manager_set_server_name (self->manager, "MAIL1");
  g_signal_connect (self->manager, "handle-read-site", G_CALLBACK (read_cb), self);
  g_signal_connect (self->manager, "handle-write-site", G_CALLBACK (write_cb), self);
  g_signal_connect (self->manager, "handle-apply", G_CALLBACK (apply_cb), self);
  g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->manager), self->connection,
                                    "/org/pointsman/Manager1", &error);
  g_assert_no_error (error);
  own_name (self, "org.pointsman.Manager1");
}

static void
export_relay (FakeServer *self)
{
  g_autoptr (GError) error = NULL;

  self->relay = pm_bus_relay_skeleton_new ();
  g_signal_connect (self->relay, "handle-list-queue", G_CALLBACK (list_cb), self);
  g_signal_connect (self->relay, "handle-show-message", G_CALLBACK (show_cb), self);
  g_signal_connect (self->relay, "handle-retry-messages", G_CALLBACK (retry_cb), self);
  g_signal_connect (self->relay, "handle-delete-messages", G_CALLBACK (delete_cb), self);
  g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->relay), self->connection,
                                    "/org/pointsman/Relay1", &error);
  g_assert_no_error (error);
  own_name (self, "org.pointsman.Relay1");
}

FakeServer *
fake_server_new (guint n_messages)
{
  FakeServer *self = g_new0 (FakeServer, 1);
  g_autoptr (GError) error = NULL;

  self->xml = g_strdup (site_text);
  self->queue = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint64 id = 1; id <= n_messages; id++)
    g_array_append_val (self->queue, id);
  self->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (self->bus);
  self->connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (self->bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
          G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
  export_manager (self);
  if (n_messages > 0)
    export_relay (self);
  return self;
}

void
fake_server_free (FakeServer *self)
{
  g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->manager));
  g_object_unref (self->manager);
  if (self->relay != NULL)
    g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->relay));
  g_clear_object (&self->relay);
  g_dbus_connection_close_sync (self->connection, NULL, NULL);
  g_object_unref (self->connection);
  g_test_dbus_down (self->bus);
  g_object_unref (self->bus);
  g_array_unref (self->queue);
  g_free (self->xml);
  g_free (self->how);
  g_free (self);
}

void
fake_server_edit_silently (FakeServer *self, const char *from, const char *to)
{
  g_auto (GStrv) parts = g_strsplit (self->xml, from, 2);

  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  g_free (self->xml);
  self->xml = g_strjoinv (to, parts);
}

void
fake_server_edit (FakeServer *self, const char *from, const char *to)
{
  fake_server_edit_silently (self, from, to);
  publish (self, FALSE);
}

PmServerConnection *
fake_server_connect (FakeServer *self)
{
  PmServerConnection *connection = pm_server_connection_new (G_BUS_TYPE_SESSION);

  pm_server_connection_open (connection);
  wait_until (pm_server_connection_get_site (connection) != NULL);
  if (self->relay != NULL)
    wait_until (pm_server_connection_get_relay (connection) != NULL);
  return connection;
}
