// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The connection's object against a manager and a relay in memory on a private bus.

#include "bus/pm-server-connection.h"

#include <gio/gio.h>
#include <string.h>

#include "base/pm-error.h"
#include "bus/pm-bus-error.h"

#define DEADLINE_SECONDS 30

typedef struct
{
  GDBusConnection *server;
  PmBusManager *manager; /* the skeleton */
  PmBusRelay *relay;     /* the skeleton */
  guint manager_name;
  guint relay_name;
  char *xml;
  char *revision;
  char *written_base;
  gboolean refuse;      /* answer writes with a conflict */
  gboolean put_back;    /* answer Apply with a failure */
  gboolean interactive; /* whether the last read allowed a password */
  guint reads;
  PmServerConnection *connection;
  GString *notified; /* names of notified properties, each followed by a blank */
} Fixture;

static const char *bus_address;
static char *sample;

static gboolean
too_late_cb (gpointer data)
{
  g_error ("waited too long");
  return G_SOURCE_REMOVE;
}

#define wait_until(condition)                                                        \
  G_STMT_START                                                                       \
  {                                                                                  \
    guint late_source = g_timeout_add_seconds (DEADLINE_SECONDS, too_late_cb, NULL); \
    while (!(condition))                                                             \
      g_main_context_iteration (NULL, TRUE);                                         \
    g_source_remove (late_source);                                                   \
  }                                                                                  \
  G_STMT_END

/* --- The manager's side ------------------------------------------------------------------------ */

static void
set_xml (Fixture *f, const char *xml)
{
  g_autoptr (GBytes) bytes = g_bytes_new (xml, strlen (xml));

  g_free (f->xml);
  g_free (f->revision);
  f->xml = g_strdup (xml);
  f->revision = pm_site_revision (bytes);
}

static gboolean
read_cb (PmBusManager *manager, GDBusMethodInvocation *invocation, Fixture *f)
{
  GDBusMessage *message = g_dbus_method_invocation_get_message (invocation);

  f->reads++;
  f->interactive = (g_dbus_message_get_flags (message) &
                    G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
  if (f->xml == NULL)
    g_dbus_method_invocation_return_error (invocation, PM_ERROR, PM_ERROR_NOT_FOUND,
                                           "There is no site file.");
  else
    pm_bus_manager_complete_read_site (manager, invocation, f->xml, f->revision);
  return TRUE;
}

static gboolean
write_cb (PmBusManager *manager,
          GDBusMethodInvocation *invocation,
          const char *xml,
          const char *base,
          const char *comment,
          Fixture *f)
{
  g_free (f->written_base);
  f->written_base = g_strdup (base);
  if (f->refuse)
    {
      g_dbus_method_invocation_return_error (invocation, PM_ERROR, PM_ERROR_CONFLICT,
                                             "Somebody was faster.");
      return TRUE;
    }
  set_xml (f, xml);
  pm_bus_manager_emit_site_changed (manager, f->revision);
  pm_bus_manager_complete_write_site (manager, invocation, f->revision);
  return TRUE;
}

static gboolean
apply_cb (PmBusManager *manager,
          GDBusMethodInvocation *invocation,
          const char *xml,
          const char *base,
          const char *comment,
          const char *how,
          guint timeout,
          Fixture *f)
{
  const char *const log[] = { "a line", NULL };
  const char *const none[] = { NULL };

  if (!f->put_back)
    set_xml (f, xml);
  pm_bus_manager_complete_apply (manager, invocation, !f->put_back, f->revision, how,
                                 f->put_back ? log : none);
  return TRUE;
}

static gboolean
start_cb (PmBusManager *manager, GDBusMethodInvocation *invocation, Fixture *f)
{
  pm_bus_manager_set_service_state (manager, "running");
  pm_bus_manager_set_loaded_revision (manager, f->revision);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (manager));
  pm_bus_manager_complete_start_service (manager, invocation);
  return TRUE;
}

static gboolean
stop_cb (PmBusManager *manager, GDBusMethodInvocation *invocation, Fixture *f)
{
  g_dbus_method_invocation_return_error (invocation, PM_ERROR, PM_ERROR_DENIED,
                                         "This user may not do that.");
  return TRUE;
}

static void
acquired_cb (GDBusConnection *bus, const char *name, gpointer data)
{
  *(gboolean *) data = TRUE;
}

static guint
own (Fixture *f, const char *name)
{
  gboolean acquired = FALSE;
  guint id = g_bus_own_name_on_connection (f->server, name, 0, acquired_cb, NULL, &acquired, NULL);

  wait_until (acquired);
  return id;
}

static void
notify_cb (GObject *object, GParamSpec *pspec, Fixture *f)
{
  g_string_append_printf (f->notified, "%s ", pspec->name);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->server = g_dbus_connection_new_for_address_sync (
      bus_address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
  set_xml (f, sample);
  f->manager = pm_bus_manager_skeleton_new ();
  pm_bus_manager_set_service_state (f->manager, "stopped");
  pm_bus_manager_set_service_since (f->manager, 77);
  g_signal_connect (f->manager, "handle-read-site", G_CALLBACK (read_cb), f);
  g_signal_connect (f->manager, "handle-write-site", G_CALLBACK (write_cb), f);
  g_signal_connect (f->manager, "handle-apply", G_CALLBACK (apply_cb), f);
  g_signal_connect (f->manager, "handle-start-service", G_CALLBACK (start_cb), f);
  g_signal_connect (f->manager, "handle-stop-service", G_CALLBACK (stop_cb), f);
  g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (f->manager), f->server,
                                    "/org/pointsman/Manager1", &error);
  g_assert_no_error (error);
  f->relay = pm_bus_relay_skeleton_new ();
  g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (f->relay), f->server,
                                    "/org/pointsman/Relay1", &error);
  g_assert_no_error (error);
  f->manager_name = own (f, "org.pointsman.Manager1");
  f->connection = pm_server_connection_new (G_BUS_TYPE_SESSION);
  f->notified = g_string_new (" ");
  g_signal_connect (f->connection, "notify", G_CALLBACK (notify_cb), f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_object_add_weak_pointer (G_OBJECT (f->connection), (gpointer *) &f->connection);
  g_object_unref (f->connection);
  wait_until (f->connection == NULL);
  g_clear_handle_id (&f->manager_name, g_bus_unown_name);
  g_clear_handle_id (&f->relay_name, g_bus_unown_name);
  g_dbus_connection_close_sync (f->server, NULL, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_object_unref (f->manager);
  g_object_unref (f->relay);
  g_object_unref (f->server);
  g_free (f->xml);
  g_free (f->revision);
  g_free (f->written_base);
  g_string_free (f->notified, TRUE);
}

static void
wait_state (Fixture *f, PmConnectionState state)
{
  wait_until (pm_server_connection_get_state (f->connection) == state);
}

static void
open_it (Fixture *f)
{
  pm_server_connection_open (f->connection);
  g_assert_cmpint (pm_server_connection_get_state (f->connection), ==, PM_CONNECTION_CONNECTING);
  wait_state (f, PM_CONNECTION_CONNECTED);
}

/* --- The cases --------------------------------------------------------------------------------- */

static void
test_open (Fixture *f, gconstpointer data)
{
  const PmSite *site;

  open_it (f);
  site = pm_server_connection_get_site (f->connection);
  g_assert_cmpstr (site->name, ==, "Headquarters");
  g_assert_cmpstr (pm_server_connection_get_revision (f->connection), ==, f->revision);
  g_assert_cmpstr (pm_server_connection_get_service_state (f->connection), ==, "stopped");
  g_assert_cmpint (pm_server_connection_get_service_since (f->connection), ==, 77);
  g_assert_cmpstr (pm_server_connection_get_title (f->connection), ==, "This computer");
  g_assert_null (pm_server_connection_get_problem (f->connection));
  g_assert_null (pm_server_connection_get_site_problem (f->connection));
  g_assert_true (pm_server_connection_get_can_write (f->connection));
  g_assert_true (f->interactive);
  g_assert_nonnull (strstr (f->notified->str, " site "));
  g_assert_nonnull (strstr (f->notified->str, " state "));
  g_assert_nonnull (strstr (f->notified->str, " service-state "));
}

static void
test_no_site (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->xml, g_free);
  open_it (f);
  g_assert_null (pm_server_connection_get_site (f->connection));
  g_assert_cmpstr (pm_server_connection_get_revision (f->connection), ==, "");
  g_assert_cmpstr (pm_server_connection_get_site_problem (f->connection), ==,
                   "There is no site file.");
}

static void
test_bad_site (Fixture *f, gconstpointer data)
{
  set_xml (f, "<site/>");
  open_it (f);
  g_assert_null (pm_server_connection_get_site (f->connection));
  g_assert_nonnull (strstr (pm_server_connection_get_site_problem (f->connection), "site.xml:1:"));
}

static void
test_follows (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_strconcat (sample, "<!-- other -->\n", NULL);

  open_it (f);
  set_xml (f, other);
  pm_bus_manager_emit_site_changed (f->manager, f->revision);
  wait_until (g_str_equal (pm_server_connection_get_revision (f->connection), f->revision));
  g_assert_false (f->interactive);
  pm_bus_manager_set_service_state (f->manager, "failed");
  pm_bus_manager_set_service_detail (f->manager, "exited with status 78");
  wait_until (g_str_equal (pm_server_connection_get_service_state (f->connection), "failed"));
  g_assert_cmpstr (pm_server_connection_get_service_detail (f->connection), ==,
                   "exited with status 78");
}

static void
queue_changed_cb (PmServerConnection *connection, guint total, guint *seen)
{
  *seen = total;
}

static void
test_relay (Fixture *f, gconstpointer data)
{
  guint seen = 0;

  open_it (f);
  g_assert_null (pm_server_connection_get_relay (f->connection));
  g_signal_connect (f->connection, "queue-changed", G_CALLBACK (queue_changed_cb), &seen);
  f->relay_name = own (f, "org.pointsman.Relay1");
  wait_until (pm_server_connection_get_relay (f->connection) != NULL);
  pm_bus_relay_emit_queue_changed (f->relay, 5);
  wait_until (seen == 5);
  g_clear_handle_id (&f->relay_name, g_bus_unown_name);
  wait_until (pm_server_connection_get_relay (f->connection) == NULL);
}

static void
test_lost_and_back (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_strconcat (sample, "<!-- other -->\n", NULL);

  open_it (f);
  g_clear_handle_id (&f->manager_name, g_bus_unown_name);
  wait_state (f, PM_CONNECTION_LOST);
  g_assert_nonnull (pm_server_connection_get_problem (f->connection));
  g_assert_null (strstr (pm_server_connection_get_problem (f->connection), "org."));
  g_assert_cmpstr (pm_server_connection_get_service_state (f->connection), ==, "unknown");
  g_assert_nonnull (pm_server_connection_get_site (f->connection));
  set_xml (f, other);
  f->manager_name = own (f, "org.pointsman.Manager1");
  wait_state (f, PM_CONNECTION_CONNECTED);
  g_assert_null (pm_server_connection_get_problem (f->connection));
  g_assert_cmpstr (pm_server_connection_get_revision (f->connection), ==, f->revision);
  g_assert_cmpstr (pm_server_connection_get_service_state (f->connection), ==, "stopped");
}

static void
test_not_there (Fixture *f, gconstpointer data)
{
  g_clear_handle_id (&f->manager_name, g_bus_unown_name);
  pm_server_connection_open (f->connection);
  wait_state (f, PM_CONNECTION_LOST);
  g_assert_nonnull (strstr (pm_server_connection_get_problem (f->connection), "is not running"));
}

static void
keep_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static PmSite *
rename_site (Fixture *f)
{
  PmSite *site = pm_site_copy (pm_server_connection_get_site (f->connection));

  g_free (site->name);
  site->name = g_strdup ("Branch");
  return site;
}

static void
test_write (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (PmSite) site = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *base = NULL;
  guint reads;

  open_it (f);
  base = g_strdup (pm_server_connection_get_revision (f->connection));
  reads = f->reads;
  site = rename_site (f);
  pm_server_connection_write_async (f->connection, site, "rename", NULL, keep_cb, &result);
  g_assert_true (pm_server_connection_get_busy (f->connection));
  wait_until (result != NULL);
  g_assert_true (pm_server_connection_write_finish (f->connection, result, &error));
  g_assert_no_error (error);
  g_assert_false (pm_server_connection_get_busy (f->connection));
  g_assert_cmpstr (f->written_base, ==, base);
  g_assert_true (pm_server_connection_get_site (f->connection) == site);
  g_assert_cmpstr (pm_server_connection_get_revision (f->connection), ==, f->revision);
  g_assert_nonnull (strstr (f->xml, "name=\"Branch\""));
  g_assert_nonnull (strstr (f->xml, "<!-- The site that ./run opens"));
  g_assert_cmpuint (f->reads, ==, reads);
}

static void
test_write_conflict (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) late = NULL;
  g_autoptr (PmSite) site = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *base = NULL;

  open_it (f);
  f->refuse = TRUE;
  site = rename_site (f);
  pm_server_connection_write_async (f->connection, site, NULL, NULL, keep_cb, &result);
  wait_until (result != NULL);
  g_assert_false (pm_server_connection_write_finish (f->connection, result, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_CONFLICT);
  g_assert_cmpstr (error->message, ==, "Somebody was faster.");
  g_clear_error (&error);

  /* What was filled from an older revision is not written over a newer one that was read since. */
  g_clear_pointer (&f->written_base, g_free);
  pm_server_connection_write_from_async (f->connection, site, "0000", NULL, NULL, keep_cb, &late);
  wait_until (late != NULL);
  g_assert_false (pm_server_connection_write_finish (f->connection, late, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_CONFLICT);
  g_assert_null (f->written_base);
}

static void
test_apply (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (PmApplyResult) outcome = NULL;
  g_autoptr (PmSite) site = NULL;
  g_autoptr (GError) error = NULL;

  open_it (f);
  site = rename_site (f);
  f->put_back = TRUE;
  pm_server_connection_apply_async (f->connection, site, "x", FALSE, NULL, keep_cb, &result);
  wait_until (result != NULL);
  outcome = pm_server_connection_apply_finish (f->connection, result, &error);
  g_assert_no_error (error);
  g_assert_false (outcome->in_force);
  g_assert_cmpstr (outcome->report, ==, "reload");
  g_assert_cmpstr (outcome->log[0], ==, "a line");
  g_assert_cmpstr (pm_server_connection_get_site (f->connection)->name, ==, "Headquarters");

  f->put_back = FALSE;
  g_clear_pointer (&outcome, pm_apply_result_free);
  pm_server_connection_apply_async (f->connection, site, "x", TRUE, NULL, keep_cb, &second);
  wait_until (second != NULL);
  outcome = pm_server_connection_apply_finish (f->connection, second, &error);
  g_assert_no_error (error);
  g_assert_true (outcome->in_force);
  g_assert_cmpstr (outcome->report, ==, "restart");
  g_assert_cmpstr (pm_server_connection_get_site (f->connection)->name, ==, "Branch");
}

static void
test_service (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_strconcat (sample, "<!-- other -->\n", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;

  open_it (f);
  pm_server_connection_service_async (f->connection, PM_SERVICE_START, NULL, keep_cb, &result);
  wait_until (result != NULL);
  g_assert_true (pm_server_connection_service_finish (f->connection, result, &error));
  g_assert_no_error (error);
  wait_until (g_str_equal (pm_server_connection_get_service_state (f->connection), "running"));
  g_assert_false (pm_server_connection_has_pending_changes (f->connection));
  set_xml (f, other);
  pm_bus_manager_emit_site_changed (f->manager, f->revision);
  wait_until (pm_server_connection_has_pending_changes (f->connection));

  pm_server_connection_service_async (f->connection, PM_SERVICE_STOP, NULL, keep_cb, &second);
  wait_until (second != NULL);
  g_assert_false (pm_server_connection_service_finish (f->connection, second, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_DENIED);
  g_assert_cmpstr (error->message, ==, "This user may not do that.");
}

static void
test_unconnected (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  pm_server_connection_service_async (f->connection, PM_SERVICE_STOP, NULL, keep_cb, &result);
  wait_until (result != NULL);
  g_assert_false (pm_server_connection_service_finish (f->connection, result, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_UNREACHABLE);
  g_assert_false (pm_server_connection_get_busy (f->connection));
}

/* --- The sentences ----------------------------------------------------------------------------- */

static void
test_sentences (void)
{
  static const int codes[] = {
    G_DBUS_ERROR_SERVICE_UNKNOWN, G_DBUS_ERROR_NAME_HAS_NO_OWNER, G_DBUS_ERROR_NO_REPLY,
    G_DBUS_ERROR_TIMEOUT, G_DBUS_ERROR_TIMED_OUT, G_DBUS_ERROR_DISCONNECTED,
    G_DBUS_ERROR_ACCESS_DENIED, G_DBUS_ERROR_AUTH_FAILED, G_DBUS_ERROR_LIMITS_EXCEEDED,
    G_DBUS_ERROR_UNKNOWN_METHOD, G_DBUS_ERROR_UNKNOWN_INTERFACE, G_DBUS_ERROR_UNKNOWN_OBJECT,
    G_DBUS_ERROR_INVALID_ARGS, G_DBUS_ERROR_SPAWN_CHILD_EXITED
  };

  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (G_DBUS_ERROR, codes[i], "raw words");
      g_autoptr (GError) plain = pm_bus_error_translate (error);

      g_assert_true (plain->domain == PM_ERROR);
      g_assert_null (strstr (plain->message, "org."));
      g_assert_true (strstr (plain->message, "raw words") == NULL ||
                     codes[i] == G_DBUS_ERROR_SPAWN_CHILD_EXITED);
    }
}

static void
add (const char *name, void (*test) (Fixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/server-connection/", name, NULL);

  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GTestDBus) bus = NULL;
  g_autofree char *path = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (bus);
  bus_address = g_test_dbus_get_bus_address (bus);
  (void) pm_error_quark ();
  path = g_test_build_filename (G_TEST_DIST, "..", "data", "sample", "site.xml", NULL);
  g_assert_true (g_file_get_contents (path, &sample, NULL, NULL));

  add ("open", test_open);
  add ("no-site", test_no_site);
  add ("bad-site", test_bad_site);
  add ("follows", test_follows);
  add ("relay", test_relay);
  add ("lost-and-back", test_lost_and_back);
  add ("not-there", test_not_there);
  add ("write", test_write);
  add ("write-conflict", test_write_conflict);
  add ("apply", test_apply);
  add ("service", test_service);
  add ("unconnected", test_unconnected);
  g_test_add_func ("/bus-error/sentences", test_sentences);

  status = g_test_run ();
  g_test_dbus_down (bus);
  g_free (sample);
  return status;
}
