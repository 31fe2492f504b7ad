// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Brings the manager up and takes it down: connects to the bus, finds out what runs the mail
// service, exports the object and only then owns the name. On the system bus it leaves when nobody
// needs it; the next call starts it again. Told to end it first answers what it was asked. As the
// parent of the mail service it stays, and takes it along.

#include "manager/pm-daemon.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdlib.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "config.h"
#include "manager/pm-child-backend.h"
#include "manager/pm-manager.h"
#include "manager/pm-systemd-backend.h"

#define MANAGER_NAME "org.pointsman.Manager1"
#define RELAY_UNIT "pointsman-relay.service"
#define EXIT_UNREACHABLE 3

struct _PmDaemon
{
  GObject parent;

  PmDaemonOptions options;
  char *config;
  char *state_dir;
  char *history;

  GMainLoop *loop;
  GDBusConnection *bus;
  PmServiceBackend *backend;
  PmManager *manager;
  guint name;
  guint idle_source;
  gboolean leaving;
  int status;
};

G_DEFINE_FINAL_TYPE (PmDaemon, pm_daemon, G_TYPE_OBJECT)

static void
quit (PmDaemon *self, int status)
{
  self->status = status;
  g_main_loop_quit (self->loop);
}

static void
quit_failed (PmDaemon *self, const GError *error)
{
  g_autofree char *text = g_strdup (error->message);

  pm_log_event (G_LOG_LEVEL_WARNING, "manager-failed", "reason", text, NULL);
  quit (self, error->domain == PM_ERROR ? EXIT_FAILURE : EXIT_UNREACHABLE);
}

/* --- Leaving ---------------------------------------------------------------------------------- */

static void
child_changed_cb (PmServiceBackend *backend, gpointer data)
{
  PmServiceStatus status;

  pm_service_backend_get_status (backend, &status);
  if (status.state == PM_SERVICE_STOPPED || status.state == PM_SERVICE_FAILED)
    quit (PM_DAEMON (data), EXIT_SUCCESS);
}

static void
leave_now (PmDaemon *self)
{
  pm_log_event (G_LOG_LEVEL_MESSAGE, "manager-leaves", NULL);
  if (PM_IS_CHILD_BACKEND (self->backend) &&
      pm_child_backend_kill (PM_CHILD_BACKEND (self->backend)))
    g_signal_connect_object (self->backend, "changed", G_CALLBACK (child_changed_cb), self, 0);
  else
    quit (self, EXIT_SUCCESS);
}

static void
leave (PmDaemon *self)
{
  if (self->leaving)
    return;
  self->leaving = TRUE;
  g_clear_handle_id (&self->name, g_bus_unown_name);
  if (self->manager != NULL && pm_manager_is_busy (self->manager))
    g_signal_connect_object (self->manager, "settled", G_CALLBACK (leave_now), self,
                             G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  else
    leave_now (self);
}

static gboolean
signal_cb (gpointer data)
{
  PmDaemon *self = PM_DAEMON (data);

  /* Asked twice it is meant; the next manager takes up what is cut off. */
  if (self->leaving)
    quit (self, EXIT_FAILURE);
  else
    leave (self);
  return G_SOURCE_CONTINUE;
}

/* The name is given up; whatever had reached us by then is still answered. */
static void
left_idle_cb (PmManager *manager, gboolean idle, gpointer data)
{
  if (idle)
    leave (PM_DAEMON (data));
}

static void
flushed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmDaemon) self = data;
  g_autoptr (GVariant) reply = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  if (pm_manager_is_idle (self->manager))
    leave (self);
  else
    g_signal_connect_object (self->manager, "idle-changed", G_CALLBACK (left_idle_cb), self, 0);
}

static gboolean
idle_cb (gpointer data)
{
  PmDaemon *self = PM_DAEMON (data);

  self->idle_source = 0;
  g_clear_handle_id (&self->name, g_bus_unown_name);
  /* The answer comes after everything that the bus had sent to the name before. */
  g_dbus_connection_call (self->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "GetId", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                          NULL, flushed_cb, g_object_ref (self));
  return G_SOURCE_REMOVE;
}

static void
idle_changed_cb (PmManager *manager, gboolean idle, gpointer data)
{
  PmDaemon *self = PM_DAEMON (data);

  g_clear_handle_id (&self->idle_source, g_source_remove);
  if (idle && self->name != 0 && self->options.idle_timeout > 0)
    self->idle_source = g_timeout_add_seconds ((guint) self->options.idle_timeout, idle_cb, self);
}

/* --- Coming up -------------------------------------------------------------------------------- */

static void
name_acquired_cb (GDBusConnection *bus, const char *name, gpointer data)
{
  PmDaemon *self = PM_DAEMON (data);

  pm_log_event (G_LOG_LEVEL_MESSAGE, "manager-ready", "backend",
                pm_service_backend_get_kind (self->backend), "site", self->config, NULL);
  if (!pm_manager_resume (self->manager) && PM_IS_CHILD_BACKEND (self->backend))
    pm_child_backend_start_if_wanted (PM_CHILD_BACKEND (self->backend));
  if (!self->options.session)
    idle_changed_cb (self->manager, pm_manager_is_idle (self->manager), self);
}

static void
name_lost_cb (GDBusConnection *bus, const char *name, gpointer data)
{
  PmDaemon *self = PM_DAEMON (data);
  g_autoptr (GError) error = NULL;

  if (self->leaving)
    return;
  error = g_error_new (PM_ERROR, PM_ERROR_FAILED,
                       "The name %s on the bus is taken: another manager runs, or this user may "
                       "not own it.",
                       name);
  quit_failed (self, error);
}

/* Who asks as soon as there is the name is to be told the revision that there is. */
static void
site_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmDaemon) self = PM_DAEMON (data);
  g_autoptr (GError) error = NULL;
  g_autofree char *revision = NULL;
  g_autoptr (GBytes) xml =
      pm_site_keeper_load_finish (PM_SITE_KEEPER (source), result, &revision, &error);

  if (xml == NULL)
    g_debug ("the site file: %s", error->message);
  if (self->leaving || self->manager == NULL)
    return;
  self->name = g_bus_own_name_on_connection (self->bus, MANAGER_NAME,
                                             G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                             name_acquired_cb, name_lost_cb, self, NULL);
}

static void
serve (PmDaemon *self, PmServiceBackend *backend)
{
  g_autoptr (PmSiteKeeper) keeper = pm_site_keeper_new (self->config, self->history);
  g_autoptr (PmRelayLink) link = pm_relay_link_new (self->bus);
  g_autoptr (PmAuthority) authority = NULL;
  g_autoptr (GError) error = NULL;

  authority = self->options.session ? pm_authority_new_open () : pm_polkit_authority_new ();
  self->backend = g_object_ref (backend);
  self->manager = pm_manager_new (keeper, backend, link, authority, self->options.server,
                                  self->options.session);
  if (!pm_manager_export (self->manager, self->bus, &error))
    {
      quit_failed (self, error);
      return;
    }
  if (!self->options.session)
    g_signal_connect_object (self->manager, "idle-changed", G_CALLBACK (idle_changed_cb), self, 0);
  pm_site_keeper_load_async (keeper, site_read_cb, g_object_ref (self));
}

static void
serve_with_child (PmDaemon *self)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (PmServiceBackend) backend = NULL;

  g_ptr_array_add (argv, self->options.relayd != NULL ? self->options.relayd
                                                      : (char *) PM_LIBEXECDIR "/pointsman-relayd");
  g_ptr_array_add (argv, (char *) "--session");
  g_ptr_array_add (argv, (char *) "--config");
  g_ptr_array_add (argv, self->config);
  g_ptr_array_add (argv, (char *) "--state-dir");
  g_ptr_array_add (argv, self->state_dir);
  if (self->options.server != NULL)
    {
      g_ptr_array_add (argv, (char *) "--server");
      g_ptr_array_add (argv, self->options.server);
    }
  g_ptr_array_add (argv, NULL);
  backend = PM_SERVICE_BACKEND (pm_child_backend_new ((const char *const *) argv->pdata,
                                                      self->state_dir));
  serve (self, backend);
}

static void
systemd_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmDaemon) self = data;
  g_autoptr (PmSystemdBackend) backend = NULL;
  g_autoptr (GError) error = NULL;

  backend = pm_systemd_backend_new_finish (result, &error);
  if (backend != NULL)
    serve (self, PM_SERVICE_BACKEND (backend));
  else if (self->options.session && g_strcmp0 (self->options.backend, "systemd") != 0)
    serve_with_child (self);
  else
    quit_failed (self, error);
}

static void
find_backend (PmDaemon *self)
{
  const PmDaemonOptions *options = &self->options;
  /* The unit of `systemd --user` serves the user's own site, not one given here. */
  gboolean own_files = options->config != NULL || options->state_dir != NULL ||
                       options->relayd != NULL;

  if (g_strcmp0 (options->backend, "child") == 0 ||
      (options->session && own_files && g_strcmp0 (options->backend, "systemd") != 0))
    serve_with_child (self);
  else
    pm_systemd_backend_new_async (self->bus, options->session, RELAY_UNIT, NULL, systemd_cb,
                                  g_object_ref (self));
}

static void
closed_cb (GDBusConnection *bus, gboolean by_peer, GError *error, gpointer data)
{
  PmDaemon *self = PM_DAEMON (data);

  /* Nobody can be answered any more, nor systemd asked. */
  self->leaving = TRUE;
  leave_now (self);
}

static void
bus_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmDaemon) self = data;
  g_autoptr (GError) error = NULL;

  self->bus = g_bus_get_finish (result, &error);
  if (self->bus == NULL)
    {
      quit_failed (self, error);
      return;
    }
  g_dbus_connection_set_exit_on_close (self->bus, FALSE);
  g_signal_connect_object (self->bus, "closed", G_CALLBACK (closed_cb), self, 0);
  find_backend (self);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
pm_daemon_dispose (GObject *object)
{
  PmDaemon *self = PM_DAEMON (object);

  g_clear_handle_id (&self->idle_source, g_source_remove);
  g_clear_handle_id (&self->name, g_bus_unown_name);
  g_clear_object (&self->manager);
  g_clear_object (&self->backend);
  g_clear_object (&self->bus);
  G_OBJECT_CLASS (pm_daemon_parent_class)->dispose (object);
}

static void
pm_daemon_finalize (GObject *object)
{
  PmDaemon *self = PM_DAEMON (object);

  g_free (self->options.config);
  g_free (self->options.state_dir);
  g_free (self->options.relayd);
  g_free (self->options.backend);
  g_free (self->options.server);
  g_free (self->config);
  g_free (self->state_dir);
  g_free (self->history);
  g_main_loop_unref (self->loop);
  G_OBJECT_CLASS (pm_daemon_parent_class)->finalize (object);
}

static void
pm_daemon_class_init (PmDaemonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = pm_daemon_dispose;
  object_class->finalize = pm_daemon_finalize;
}

static void
pm_daemon_init (PmDaemon *self)
{
  self->loop = g_main_loop_new (NULL, FALSE);
}

/* An absolute path: the service may start in another folder. */
static char *
make_absolute (const char *path)
{
  return g_canonicalize_filename (path, NULL);
}

static void
find_files (PmDaemon *self)
{
  const PmDaemonOptions *options = &self->options;

  if (options->config != NULL)
    self->config = make_absolute (options->config);
  else if (options->session)
    self->config = g_build_filename (g_get_user_config_dir (), "pointsman", "site.xml", NULL);
  else
    self->config = g_strdup (PM_SYSCONFDIR "/pointsman/site.xml");

  if (options->state_dir != NULL)
    self->state_dir = make_absolute (options->state_dir);
  else if (options->session)
    self->state_dir = g_build_filename (g_get_user_state_dir (), "pointsman", NULL);
  else
    self->state_dir = g_strdup (PM_LOCALSTATEDIR "/lib/pointsman-manager");
  self->history = g_build_filename (self->state_dir, "history", NULL);
}

/**
 * pm_daemon_new:
 * @options: copied
 */
PmDaemon *
pm_daemon_new (const PmDaemonOptions *options)
{
  PmDaemon *self = g_object_new (PM_TYPE_DAEMON, NULL);

  self->options.session = options->session;
  self->options.config = g_strdup (options->config);
  self->options.state_dir = g_strdup (options->state_dir);
  self->options.relayd = options->relayd != NULL ? make_absolute (options->relayd) : NULL;
  self->options.backend = g_strdup (options->backend);
  self->options.server = g_strdup (options->server);
  self->options.idle_timeout = options->idle_timeout;
  find_files (self);
  return self;
}

static gboolean
make_folders (PmDaemon *self)
{
  g_autofree char *config_folder = g_path_get_dirname (self->config);

  /* A user's own are made here; the system's come with the installation. */
  if ((self->options.session && g_mkdir_with_parents (config_folder, 0700) != 0) ||
      g_mkdir_with_parents (self->history, 0750) != 0)
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "manager-failed", "reason", g_strerror (errno), "folder",
                    self->history, NULL);
      return FALSE;
    }
  return TRUE;
}

int
pm_daemon_run (PmDaemon *self)
{
  guint term_source;
  guint int_source;

  g_return_val_if_fail (PM_IS_DAEMON (self), EXIT_FAILURE);

  if (!make_folders (self))
    return EXIT_FAILURE;
  term_source = g_unix_signal_add (SIGTERM, signal_cb, self);
  int_source = g_unix_signal_add (SIGINT, signal_cb, self);
  g_bus_get (self->options.session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, NULL, bus_cb,
             g_object_ref (self));
  g_main_loop_run (self->loop);
  g_source_remove (term_source);
  g_source_remove (int_source);
  if (self->bus != NULL)
    g_dbus_connection_flush_sync (self->bus, NULL, NULL);
  return self->status;
}
