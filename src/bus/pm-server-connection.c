// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Keeps one server's manager, relay and site in view: connects, reads the site off the main thread,
// follows what changes, and after a loss connects again by itself. What was read stays readable
// while the server is away. The changes that a person makes are in pm-server-changes.c.

#include "bus/pm-server-connection.h"

#include "base/pm-task-thread.h"
#include "bus/pm-bus-error.h"
#include "bus/pm-server-connection-private.h"

#define MANAGER_NAME "org.pointsman.Manager1"
#define MANAGER_PATH "/org/pointsman/Manager1"
#define RELAY_NAME "org.pointsman.Relay1"
#define RELAY_PATH "/org/pointsman/Relay1"

/* How long a call waits that nobody is asked a password for, in milliseconds. */
#define READ_TIMEOUT 60000
/* Seconds between attempts while the bus itself cannot be reached. */
#define RETRY_SECONDS 5
/* A manager that keeps dying is started again this often within the time, then no more. */
#define MAX_REVIVALS 3
#define REVIVAL_PERIOD (60 * G_USEC_PER_SEC)

struct _PmServerConnection
{
  GObject parent;

  GBusType bus;
  GCancellable *cancellable;   /* (owned): of everything this object started */
  GDBusConnection *connection; /* (owned) (nullable) */
  PmBusManager *manager;       /* (owned) (nullable) */
  PmBusRelay *relay;           /* (owned) (nullable) */
  guint relay_watch;
  guint permission_watch;
  guint retry_source;
  guint revivals;
  gint64 first_revival;

  PmConnectionState state;
  char *title;
  char *problem;      /* (owned) (nullable) */
  PmSite *site;       /* (owned) (nullable) */
  GBytes *xml;        /* (owned) (nullable): what `site` was read from */
  char *site_problem; /* (owned) (nullable) */
  char *revision;
  char *loaded_revision;
  char *service_state;
  char *service_detail;
  gint64 service_since;
  gboolean service_enabled;
  gboolean can_write;

  guint changes; /* under way */
  gboolean reading;
  gboolean read_again;
  gboolean ask; /* the next read is on behalf of a person */
};

enum
{
  PROP_STATE = 1,
  PROP_PROBLEM,
  PROP_SITE,
  PROP_SITE_PROBLEM,
  PROP_REVISION,
  PROP_LOADED_REVISION,
  PROP_SERVICE_STATE,
  PROP_SERVICE_DETAIL,
  PROP_SERVICE_SINCE,
  PROP_SERVICE_ENABLED,
  PROP_TITLE,
  PROP_BUSY,
  PROP_CAN_WRITE,
  PROP_RELAY,
  N_PROPS
};

enum
{
  QUEUE_CHANGED,
  CHANGED_HERE,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmServerConnection, pm_server_connection, G_TYPE_OBJECT)

static void connect_to_bus (PmServerConnection *self);
static void read_site (PmServerConnection *self);

static PmSite *
copy_site_value (PmSite *site)
{
  return pm_site_ref (site);
}

G_DEFINE_BOXED_TYPE (PmSite, pm_site_boxed, copy_site_value, pm_site_unref)

GType
pm_connection_state_get_type (void)
{
  static const GEnumValue values[] = {
    { PM_CONNECTION_CONNECTING, "PM_CONNECTION_CONNECTING", "connecting" },
    { PM_CONNECTION_CONNECTED, "PM_CONNECTION_CONNECTED", "connected" },
    { PM_CONNECTION_LOST, "PM_CONNECTION_LOST", "lost" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    {
      GType new_type = g_enum_register_static ("PmConnectionState", values);

      g_once_init_leave (&type, new_type);
    }
  return type;
}

static gboolean
replace_string (PmServerConnection *self, char **field, const char *value, guint prop)
{
  if (g_strcmp0 (*field, value) == 0)
    return FALSE;
  g_free (*field);
  *field = g_strdup (value);
  g_object_notify_by_pspec (G_OBJECT (self), props[prop]);
  return TRUE;
}

static void
set_state (PmServerConnection *self, PmConnectionState state, const char *problem)
{
  gboolean changed = self->state != state;

  self->state = state;
  g_object_freeze_notify (G_OBJECT (self));
  replace_string (self, &self->problem, problem, PROP_PROBLEM);
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
lose (PmServerConnection *self, const GError *error)
{
  g_autofree char *problem = pm_bus_error_to_message (error);

  g_debug ("lost the manager: %s", error->message);
  replace_string (self, &self->service_state, "unknown", PROP_SERVICE_STATE);
  replace_string (self, &self->service_detail, "", PROP_SERVICE_DETAIL);
  set_state (self, PM_CONNECTION_LOST, problem);
}

/* --- What the person may do ------------------------------------------------------------------- */

static void
set_can_write (PmServerConnection *self, gboolean can_write)
{
  if (self->can_write == can_write)
    return;
  self->can_write = can_write;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CAN_WRITE]);
}

static void
permission_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmServerConnection) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  gboolean authorized;
  gboolean challenge;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (reply == NULL)
    {
      /* The manager decides in any case; without an answer, let the person try. */
      set_can_write (self, TRUE);
      return;
    }
  g_variant_get (reply, "((bba{ss}))", &authorized, &challenge, NULL);
  set_can_write (self, authorized || challenge);
}

static void
ask_permission (PmServerConnection *self)
{
  const char *name = g_dbus_connection_get_unique_name (self->connection);
  GVariantBuilder subject;

  if (self->bus == G_BUS_TYPE_SESSION)
    {
      set_can_write (self, TRUE);
      return;
    }
  g_variant_builder_init (&subject, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&subject, "{sv}", "name", g_variant_new_string (name));
  g_dbus_connection_call (self->connection, "org.freedesktop.PolicyKit1",
                          "/org/freedesktop/PolicyKit1/Authority",
                          "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization",
                          g_variant_new ("((sa{sv})sa{ss}us)", "system-bus-name", &subject,
                                         "org.pointsman.manager.edit", NULL, 0, ""),
                          G_VARIANT_TYPE ("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE, READ_TIMEOUT,
                          self->cancellable, permission_cb, g_object_ref (self));
}

static void
permissions_changed_cb (GDBusConnection *connection,
                        const char *sender,
                        const char *path,
                        const char *interface,
                        const char *signal,
                        GVariant *parameters,
                        gpointer data)
{
  ask_permission (PM_SERVER_CONNECTION (data));
}

/* --- Reading the site ------------------------------------------------------------------------- */

/* What a reading came to; immutable once the worker thread has filled it. */
typedef struct
{
  GBytes *xml;
  char *revision;
  PmSite *site;  /* (nullable) */
  char *problem; /* (nullable) */
} Reading;

static void
free_reading (Reading *reading)
{
  g_bytes_unref (reading->xml);
  g_free (reading->revision);
  g_clear_pointer (&reading->site, pm_site_unref);
  g_free (reading->problem);
  g_free (reading);
}

static void
set_site (PmServerConnection *self,
          const PmSite *site,
          GBytes *xml,
          const char *revision,
          const char *problem)
{
  g_object_freeze_notify (G_OBJECT (self));
  if (self->site != site)
    {
      g_clear_pointer (&self->site, pm_site_unref);
      self->site = site != NULL ? pm_site_ref (site) : NULL;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SITE]);
    }
  g_clear_pointer (&self->xml, g_bytes_unref);
  self->xml = xml != NULL ? g_bytes_ref (xml) : NULL;
  replace_string (self, &self->revision, revision, PROP_REVISION);
  replace_string (self, &self->site_problem, problem, PROP_SITE_PROBLEM);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
reading_done (PmServerConnection *self)
{
  self->reading = FALSE;
  if (self->state != PM_CONNECTION_CONNECTED)
    set_state (self, PM_CONNECTION_CONNECTED, NULL);
  if (self->read_again && self->changes == 0)
    read_site (self);
}

static void
parsed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmServerConnection *self = PM_SERVER_CONNECTION (source);
  Reading *reading = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_pointer (G_TASK (result), NULL))
    return;
  set_site (self, reading->site, reading->xml, reading->revision, reading->problem);
  reading_done (self);
}

static gpointer
parse_in_thread (gpointer data, GError **error)
{
  Reading *reading = data;
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) invalid = NULL;

  reading->site = pm_site_parse (reading->xml, "site.xml", &problems, &invalid);
  if (reading->site == NULL)
    reading->problem = pm_bus_error_to_message (invalid);
  return reading;
}

static void
parse (PmServerConnection *self, GVariant *reply)
{
  g_autoptr (GVariant) text = g_variant_get_child_value (reply, 0);
  g_autoptr (GVariant) revision = g_variant_get_child_value (reply, 1);
  g_autoptr (GTask) task = NULL;
  Reading *reading = g_new0 (Reading, 1);
  const char *xml;
  gsize size;

  xml = g_variant_get_string (text, &size);
  reading->revision = g_variant_dup_string (revision, NULL);
  reading->xml = g_bytes_new_with_free_func (xml, size, (GDestroyNotify) g_variant_unref,
                                             g_variant_ref (text));
  task = g_task_new (self, self->cancellable, parsed_cb, NULL);
  g_task_set_source_tag (task, parse);
  g_task_set_task_data (task, reading, (GDestroyNotify) free_reading);
  pm_task_thread_run (task, parse_in_thread, NULL);
}

static void
read_failed (PmServerConnection *self, const GError *error)
{
  g_autofree char *message = pm_bus_error_to_message (error);
  g_autoptr (GError) plain = pm_bus_error_translate (error);

  if (g_error_matches (plain, PM_ERROR, PM_ERROR_UNREACHABLE))
    {
      self->reading = FALSE;
      /* A manager that left meanwhile is being started again, and then read. */
      if (self->manager == NULL ||
          g_dbus_proxy_get_name_owner (G_DBUS_PROXY (self->manager)) != NULL)
        lose (self, error);
      return;
    }
  if (g_error_matches (plain, PM_ERROR, PM_ERROR_NOT_FOUND))
    set_site (self, NULL, NULL, "", message);
  else
    set_site (self, self->site, self->xml, self->revision, message);
  reading_done (self);
}

static void
site_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmServerConnection) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);
  const char *revision;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (reply == NULL)
    {
      read_failed (self, error);
      return;
    }
  g_variant_get_child (reply, 1, "&s", &revision);
  if (self->site != NULL && self->site_problem == NULL && g_str_equal (revision, self->revision))
    reading_done (self);
  else
    parse (self, reply);
}

static void
read_site (PmServerConnection *self)
{
  GDBusCallFlags flags = G_DBUS_CALL_FLAGS_NO_AUTO_START;
  int timeout = READ_TIMEOUT;

  if (self->manager == NULL)
    return;
  if (self->reading || self->changes > 0)
    {
      self->read_again = TRUE;
      return;
    }
  if (self->ask)
    {
      flags = G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION;
      timeout = G_MAXINT;
    }
  self->reading = TRUE;
  self->read_again = FALSE;
  self->ask = FALSE;
  g_dbus_proxy_call (G_DBUS_PROXY (self->manager), "ReadSite", NULL, flags, timeout,
                     self->cancellable, site_read_cb, g_object_ref (self));
}

static void
site_changed_cb (PmBusManager *manager, const char *revision, gpointer data)
{
  PmServerConnection *self = PM_SERVER_CONNECTION (data);

  if (self->reading || !g_str_equal (revision, self->revision))
    read_site (self);
}

/* --- The manager ------------------------------------------------------------------------------ */

static void
read_properties (PmServerConnection *self)
{
  PmBusManager *manager = self->manager;
  const char *text;
  gint64 since;
  gboolean enabled;

  /* While nobody owns the name the cache is empty; what was known last stays. */
  text = pm_bus_manager_get_service_state (manager);
  if (text == NULL)
    return;
  g_object_freeze_notify (G_OBJECT (self));
  replace_string (self, &self->service_state, text, PROP_SERVICE_STATE);
  text = pm_bus_manager_get_service_detail (manager);
  replace_string (self, &self->service_detail, text != NULL ? text : "", PROP_SERVICE_DETAIL);
  text = pm_bus_manager_get_loaded_revision (manager);
  replace_string (self, &self->loaded_revision, text != NULL ? text : "", PROP_LOADED_REVISION);
  since = (gint64) pm_bus_manager_get_service_since (manager);
  if (self->service_since != since)
    {
      self->service_since = since;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SERVICE_SINCE]);
    }
  enabled = pm_bus_manager_get_service_enabled (manager);
  if (self->service_enabled != enabled)
    {
      self->service_enabled = enabled;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SERVICE_ENABLED]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

static void
properties_changed_cb (GDBusProxy *proxy, GVariant *changed, GStrv invalidated, gpointer data)
{
  read_properties (PM_SERVER_CONNECTION (data));
}

static void
revived_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmServerConnection) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (reply == NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    lose (self, error);
}

/* The manager has left: an activated one is started again, and its new owner is then noticed. */
static void
revive (PmServerConnection *self)
{
  gint64 now = g_get_monotonic_time ();

  if (self->revivals == 0 || now - self->first_revival > REVIVAL_PERIOD)
    {
      self->revivals = 0;
      self->first_revival = now;
    }
  if (self->revivals++ >= MAX_REVIVALS)
    {
      g_autoptr (GError) error =
          g_error_new_literal (PM_ERROR, PM_ERROR_UNREACHABLE,
                               "The manager service of Pointsman keeps leaving; see its journal.");

      lose (self, error);
      return;
    }
  g_dbus_connection_call (self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "StartServiceByName",
                          g_variant_new ("(su)", MANAGER_NAME, 0), G_VARIANT_TYPE ("(u)"),
                          G_DBUS_CALL_FLAGS_NONE, READ_TIMEOUT, self->cancellable, revived_cb,
                          g_object_ref (self));
}

static void
owner_changed_cb (GDBusProxy *proxy, GParamSpec *pspec, gpointer data)
{
  PmServerConnection *self = PM_SERVER_CONNECTION (data);
  g_autofree char *owner = g_dbus_proxy_get_name_owner (proxy);

  if (owner == NULL)
    {
      revive (self);
      return;
    }
  if (self->state == PM_CONNECTION_LOST)
    set_state (self, PM_CONNECTION_CONNECTING, NULL);
  read_properties (self);
  read_site (self);
}

static void
manager_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmServerConnection) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmBusManager) manager = pm_bus_manager_proxy_new_finish (result, &error);
  g_autofree char *owner = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (manager == NULL)
    {
      lose (self, error);
      return;
    }
  self->manager = g_steal_pointer (&manager);
  g_signal_connect_object (self->manager, "notify::g-name-owner", G_CALLBACK (owner_changed_cb),
                           self, 0);
  g_signal_connect_object (self->manager, "g-properties-changed",
                           G_CALLBACK (properties_changed_cb), self, 0);
  g_signal_connect_object (self->manager, "site-changed", G_CALLBACK (site_changed_cb), self, 0);

  owner = g_dbus_proxy_get_name_owner (G_DBUS_PROXY (self->manager));
  if (owner != NULL)
    owner_changed_cb (G_DBUS_PROXY (self->manager), NULL, self);
  else
    revive (self);
}

/* --- The relay -------------------------------------------------------------------------------- */

static void
queue_changed_cb (PmBusRelay *relay, guint total, gpointer data)
{
  g_signal_emit (data, signals[QUEUE_CHANGED], 0, total);
}

static void
set_relay (PmServerConnection *self, PmBusRelay *relay)
{
  if (self->relay != NULL)
    g_signal_handlers_disconnect_by_data (self->relay, self);
  if (!g_set_object (&self->relay, relay))
    return;
  if (relay != NULL)
    g_signal_connect_object (relay, "queue-changed", G_CALLBACK (queue_changed_cb), self, 0);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RELAY]);
}

static void
relay_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmServerConnection) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmBusRelay) relay = pm_bus_relay_proxy_new_finish (result, &error);
  g_autofree char *owner = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (relay == NULL)
    {
      g_debug ("no relay: %s", error->message);
      return;
    }
  owner = g_dbus_proxy_get_name_owner (G_DBUS_PROXY (relay));
  if (owner != NULL)
    set_relay (self, relay);
}

static void
relay_appeared_cb (GDBusConnection *connection,
                   const char *name,
                   const char *owner,
                   gpointer data)
{
  PmServerConnection *self = PM_SERVER_CONNECTION (data);

  pm_bus_relay_proxy_new (connection, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, RELAY_NAME,
                          RELAY_PATH, self->cancellable, relay_cb, g_object_ref (self));
}

static void
relay_vanished_cb (GDBusConnection *connection, const char *name, gpointer data)
{
  set_relay (PM_SERVER_CONNECTION (data), NULL);
}

/* --- The bus ---------------------------------------------------------------------------------- */

static gboolean
retry_cb (gpointer data)
{
  PmServerConnection *self = PM_SERVER_CONNECTION (data);

  self->retry_source = 0;
  connect_to_bus (self);
  return G_SOURCE_REMOVE;
}

static void
drop_connection (PmServerConnection *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->retry_source, g_source_remove);
  g_clear_handle_id (&self->relay_watch, g_bus_unwatch_name);
  if (self->permission_watch != 0)
    g_dbus_connection_signal_unsubscribe (self->connection, self->permission_watch);
  self->permission_watch = 0;
  if (self->manager != NULL)
    g_signal_handlers_disconnect_by_data (self->manager, self);
  g_clear_object (&self->manager);
  if (self->relay != NULL)
    g_signal_handlers_disconnect_by_data (self->relay, self);
  g_clear_object (&self->relay);
  if (self->connection != NULL)
    g_signal_handlers_disconnect_by_data (self->connection, self);
  g_clear_object (&self->connection);
  self->reading = FALSE;
}

static void
lose_bus (PmServerConnection *self, const GError *error)
{
  drop_connection (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_RELAY]);
  lose (self, error);
  self->retry_source = g_timeout_add_seconds (RETRY_SECONDS, retry_cb, self);
}

static void
closed_cb (GDBusConnection *connection, gboolean by_peer, GError *error, gpointer data)
{
  g_autoptr (GError) closed =
      g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "the bus closed the connection");

  lose_bus (PM_SERVER_CONNECTION (data), closed);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmServerConnection) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = NULL;

  connection = g_dbus_connection_new_for_address_finish (result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (connection == NULL)
    {
      lose_bus (self, error);
      return;
    }
  self->connection = g_steal_pointer (&connection);
  g_signal_connect_object (self->connection, "closed", G_CALLBACK (closed_cb), self, 0);
  if (self->bus == G_BUS_TYPE_SYSTEM)
    self->permission_watch =
        g_dbus_connection_signal_subscribe (self->connection, "org.freedesktop.PolicyKit1",
                                            "org.freedesktop.PolicyKit1.Authority", "Changed",
                                            "/org/freedesktop/PolicyKit1/Authority", NULL,
                                            G_DBUS_SIGNAL_FLAGS_NONE, permissions_changed_cb,
                                            self, NULL);
  ask_permission (self);
  self->relay_watch =
      g_bus_watch_name_on_connection (self->connection, RELAY_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                      relay_appeared_cb, relay_vanished_cb, self, NULL);
  pm_bus_manager_proxy_new (self->connection, G_DBUS_PROXY_FLAGS_NONE, MANAGER_NAME, MANAGER_PATH,
                            self->cancellable, manager_cb, g_object_ref (self));
}

static void
address_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmServerConnection *self = PM_SERVER_CONNECTION (source);
  g_autoptr (GError) error = NULL;
  g_autofree char *address = g_task_propagate_pointer (G_TASK (result), &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (address == NULL)
    {
      lose_bus (self, error);
      return;
    }
  /* A connection of our own: the shared one would end the program when the bus closes it. */
  g_dbus_connection_new_for_address (address,
                                     G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                         G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                     NULL, self->cancellable, connected_cb, g_object_ref (self));
}

static gpointer
find_address_in_thread (gpointer data, GError **error)
{
  return g_dbus_address_get_for_bus_sync ((GBusType) GPOINTER_TO_INT (data), NULL, error);
}

static void
connect_to_bus (PmServerConnection *self)
{
  g_autoptr (GTask) task = NULL;

  drop_connection (self);
  self->cancellable = g_cancellable_new ();
  set_state (self, PM_CONNECTION_CONNECTING, NULL);
  task = g_task_new (self, self->cancellable, address_cb, NULL);
  g_task_set_source_tag (task, connect_to_bus);
  g_task_set_task_data (task, GINT_TO_POINTER ((int) self->bus), NULL);
  pm_task_thread_run (task, find_address_in_thread, g_free);
}

/* --- For pm-server-changes.c ------------------------------------------------------------------ */

void
pm_server_connection_begin_change (PmServerConnection *self)
{
  if (self->changes++ == 0)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_BUSY]);
}

void
pm_server_connection_end_change (PmServerConnection *self)
{
  g_return_if_fail (self->changes > 0);

  if (--self->changes > 0)
    return;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_BUSY]);
  if (self->read_again)
    read_site (self);
}

void
pm_server_connection_adopt_site (PmServerConnection *self,
                                 const PmSite *site,
                                 GBytes *xml,
                                 const char *revision)
{
  set_site (self, site, xml, revision, NULL);
}

void
pm_server_connection_tell_changed_here (PmServerConnection *self, const char *comment)
{
  g_signal_emit (self, signals[CHANGED_HERE], 0, comment);
}

void
pm_server_connection_read_again (PmServerConnection *self)
{
  read_site (self);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
pm_server_connection_get_property (GObject *object, guint prop, GValue *value, GParamSpec *pspec)
{
  PmServerConnection *self = PM_SERVER_CONNECTION (object);

  switch (prop)
    {
    case PROP_STATE:
      g_value_set_enum (value, (int) self->state);
      break;
    case PROP_PROBLEM:
      g_value_set_string (value, self->problem);
      break;
    case PROP_SITE:
      g_value_set_boxed (value, self->site);
      break;
    case PROP_SITE_PROBLEM:
      g_value_set_string (value, self->site_problem);
      break;
    case PROP_REVISION:
      g_value_set_string (value, self->revision);
      break;
    case PROP_LOADED_REVISION:
      g_value_set_string (value, self->loaded_revision);
      break;
    case PROP_SERVICE_STATE:
      g_value_set_string (value, self->service_state);
      break;
    case PROP_SERVICE_DETAIL:
      g_value_set_string (value, self->service_detail);
      break;
    case PROP_SERVICE_SINCE:
      g_value_set_int64 (value, self->service_since);
      break;
    case PROP_SERVICE_ENABLED:
      g_value_set_boolean (value, self->service_enabled);
      break;
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_BUSY:
      g_value_set_boolean (value, self->changes > 0);
      break;
    case PROP_CAN_WRITE:
      g_value_set_boolean (value, self->can_write);
      break;
    case PROP_RELAY:
      g_value_set_object (value, self->relay);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop, pspec);
    }
}

static void
pm_server_connection_dispose (GObject *object)
{
  drop_connection (PM_SERVER_CONNECTION (object));
  G_OBJECT_CLASS (pm_server_connection_parent_class)->dispose (object);
}

static void
pm_server_connection_finalize (GObject *object)
{
  PmServerConnection *self = PM_SERVER_CONNECTION (object);

  g_free (self->title);
  g_free (self->problem);
  g_clear_pointer (&self->site, pm_site_unref);
  g_clear_pointer (&self->xml, g_bytes_unref);
  g_free (self->site_problem);
  g_free (self->revision);
  g_free (self->loaded_revision);
  g_free (self->service_state);
  g_free (self->service_detail);
  G_OBJECT_CLASS (pm_server_connection_parent_class)->finalize (object);
}

static void
install_string (GObjectClass *object_class, guint prop, const char *name)
{
  props[prop] = g_param_spec_string (name, NULL, NULL, NULL,
                                     G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property (object_class, prop, props[prop]);
}

static void
install_boolean (GObjectClass *object_class, guint prop, const char *name)
{
  props[prop] = g_param_spec_boolean (name, NULL, NULL, FALSE,
                                      G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property (object_class, prop, props[prop]);
}

static void
pm_server_connection_class_init (PmServerConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = pm_server_connection_get_property;
  object_class->dispose = pm_server_connection_dispose;
  object_class->finalize = pm_server_connection_finalize;

  props[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, PM_TYPE_CONNECTION_STATE,
                                         PM_CONNECTION_CONNECTING, flags);
  g_object_class_install_property (object_class, PROP_STATE, props[PROP_STATE]);
  props[PROP_SITE] = g_param_spec_boxed ("site", NULL, NULL, PM_TYPE_SITE_BOXED, flags);
  g_object_class_install_property (object_class, PROP_SITE, props[PROP_SITE]);
  props[PROP_SERVICE_SINCE] =
      g_param_spec_int64 ("service-since", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
  g_object_class_install_property (object_class, PROP_SERVICE_SINCE, props[PROP_SERVICE_SINCE]);
  props[PROP_RELAY] = g_param_spec_object ("relay", NULL, NULL, PM_BUS_TYPE_RELAY, flags);
  g_object_class_install_property (object_class, PROP_RELAY, props[PROP_RELAY]);
  install_string (object_class, PROP_PROBLEM, "problem");
  install_string (object_class, PROP_SITE_PROBLEM, "site-problem");
  install_string (object_class, PROP_REVISION, "revision");
  install_string (object_class, PROP_LOADED_REVISION, "loaded-revision");
  install_string (object_class, PROP_SERVICE_STATE, "service-state");
  install_string (object_class, PROP_SERVICE_DETAIL, "service-detail");
  install_string (object_class, PROP_TITLE, "title");
  install_boolean (object_class, PROP_SERVICE_ENABLED, "service-enabled");
  install_boolean (object_class, PROP_BUSY, "busy");
  install_boolean (object_class, PROP_CAN_WRITE, "can-write");

  signals[QUEUE_CHANGED] =
      g_signal_new ("queue-changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                    NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  signals[CHANGED_HERE] =
      g_signal_new ("changed-here", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                    NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  /* So that errors of the services arrive in their own domain. */
  (void) pm_error_quark ();
}

static void
pm_server_connection_init (PmServerConnection *self)
{
  self->state = PM_CONNECTION_LOST;
  self->revision = g_strdup ("");
  self->loaded_revision = g_strdup ("");
  self->service_state = g_strdup ("unknown");
  self->service_detail = g_strdup ("");
}

/**
 * pm_server_connection_new:
 * @bus: the system bus (an installed Pointsman) or the session bus (session mode)
 *
 * Returns: (transfer full): a connection that is not open yet
 */
PmServerConnection *
pm_server_connection_new (GBusType bus)
{
  PmServerConnection *self = g_object_new (PM_TYPE_SERVER_CONNECTION, NULL);

  g_return_val_if_fail (bus == G_BUS_TYPE_SYSTEM || bus == G_BUS_TYPE_SESSION, self);

  self->bus = bus;
  self->title = g_strdup ("This computer");
  return self;
}

/**
 * pm_server_connection_open:
 * @self: a connection
 *
 * Begins to connect, on behalf of a person: reading the site may ask for a password this once. Sets
 * `state` at once and again when it is known; after a loss the connection comes back by itself,
 * and calling this makes it try without delay.
 */
void
pm_server_connection_open (PmServerConnection *self)
{
  g_return_if_fail (PM_IS_SERVER_CONNECTION (self));

  self->ask = TRUE;
  self->revivals = 0;
  connect_to_bus (self);
}

PmConnectionState
pm_server_connection_get_state (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), PM_CONNECTION_LOST);
  return self->state;
}

const char *
pm_server_connection_get_title (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->title;
}

const char *
pm_server_connection_get_problem (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->problem;
}

const PmSite *
pm_server_connection_get_site (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->site;
}

/**
 * pm_server_connection_get_xml:
 * @self: a connection
 *
 * Returns: (transfer none) (nullable): the bytes of the site file as last read
 */
GBytes *
pm_server_connection_get_xml (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->xml;
}

const char *
pm_server_connection_get_site_problem (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->site_problem;
}

const char *
pm_server_connection_get_revision (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->revision;
}

const char *
pm_server_connection_get_loaded_revision (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->loaded_revision;
}

const char *
pm_server_connection_get_service_state (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->service_state;
}

const char *
pm_server_connection_get_service_detail (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->service_detail;
}

gint64
pm_server_connection_get_service_since (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), 0);
  return self->service_since;
}

gboolean
pm_server_connection_get_service_enabled (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), FALSE);
  return self->service_enabled;
}

gboolean
pm_server_connection_get_busy (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), FALSE);
  return self->changes > 0;
}

gboolean
pm_server_connection_get_can_write (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), FALSE);
  return self->can_write;
}

PmBusManager *
pm_server_connection_get_manager (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->manager;
}

PmBusRelay *
pm_server_connection_get_relay (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), NULL);
  return self->relay;
}

gboolean
pm_server_connection_has_pending_changes (PmServerConnection *self)
{
  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (self), FALSE);
  return *self->loaded_revision != '\0' && !g_str_equal (self->revision, self->loaded_revision);
}
