// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The manager's view of Relay1. Waiting is by the bus's own news (the name's owner, the property),
// bounded by the caller's cancellable.

#include "manager/pm-relay-link.h"

#include "base/pm-error.h"
#include "bus/pm-bus-error.h"
#include "pm-relay-generated.h"

#define RELAY_NAME "org.pointsman.Relay1"
#define RELAY_PATH "/org/pointsman/Relay1"
#define CALL_TIMEOUT 60000

struct _PmRelayLink
{
  GObject parent;

  GDBusConnection *bus; /* (owned) */
  guint watch;
  GCancellable *cancellable;
  PmBusRelay *relay; /* (owned) (nullable): while the name has an owner */
  char *loaded_revision;
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmRelayLink, pm_relay_link, G_TYPE_OBJECT)

static void
take_revision (PmRelayLink *self)
{
  const char *revision = NULL;

  if (self->relay != NULL)
    revision = pm_bus_relay_get_loaded_revision (self->relay);
  if (revision == NULL)
    revision = "";
  if (g_str_equal (self->loaded_revision, revision))
    return;
  g_free (self->loaded_revision);
  self->loaded_revision = g_strdup (revision);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
set_relay (PmRelayLink *self, PmBusRelay *relay)
{
  if (self->relay != NULL)
    g_signal_handlers_disconnect_by_data (self->relay, self);
  g_set_object (&self->relay, relay);
  if (relay != NULL)
    g_signal_connect_object (relay, "notify::loaded-revision", G_CALLBACK (take_revision), self,
                             G_CONNECT_SWAPPED);
  take_revision (self);
}

static void
relay_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmRelayLink) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmBusRelay) relay = pm_bus_relay_proxy_new_finish (result, &error);

  if (relay != NULL)
    set_relay (self, relay);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_warning ("The mail service cannot be asked: %s", error->message);
}

static void
stop_asking (PmRelayLink *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

static void
appeared_cb (GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
  PmRelayLink *self = PM_RELAY_LINK (data);

  stop_asking (self);
  self->cancellable = g_cancellable_new ();
  /* Bound to this very process: what a former one said must not pass for the new one's word. */
  pm_bus_relay_proxy_new (bus, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, owner, RELAY_PATH,
                          self->cancellable, relay_cb, g_object_ref (self));
}

static void
vanished_cb (GDBusConnection *bus, const char *name, gpointer data)
{
  PmRelayLink *self = PM_RELAY_LINK (data);

  stop_asking (self);
  set_relay (self, NULL);
}

/* --- Reload ----------------------------------------------------------------------------------- */

static void
reloaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;

  if (pm_bus_relay_call_reload_finish (PM_BUS_RELAY (source), NULL, result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, pm_bus_error_translate (error));
}

/**
 * pm_relay_link_reload_async:
 *
 * Tells the mail service to read its site file again; unlike a signal this brings its answer.
 */
void
pm_relay_link_reload_async (PmRelayLink *self,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, pm_relay_link_reload_async);
  if (self->relay == NULL)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_UNREACHABLE,
                             "The mail service is not on the message bus.");
  else
    pm_bus_relay_call_reload (self->relay, cancellable, reloaded_cb, g_steal_pointer (&task));
}

gboolean
pm_relay_link_reload_finish (PmRelayLink *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Confirm ---------------------------------------------------------------------------------- */

typedef struct
{
  char *revision;
  gulong changed_id;
  gulong cancelled_id;
} Confirmation;

static void
free_confirmation (Confirmation *confirmation)
{
  g_free (confirmation->revision);
  g_free (confirmation);
}

static void
stop_waiting (GTask *task)
{
  PmRelayLink *self = g_task_get_source_object (task);
  Confirmation *confirmation = g_task_get_task_data (task);

  g_clear_signal_handler (&confirmation->changed_id, self);
  if (g_task_get_cancellable (task) != NULL)
    g_clear_signal_handler (&confirmation->cancelled_id, g_task_get_cancellable (task));
}

static void wait_for_revision (GTask *task);

static void
probed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) silent = g_string_new (NULL);
  GVariantIter iter;
  const char *socket;
  const char *said;
  gboolean answered;

  if (!pm_bus_relay_call_probe_listeners_finish (PM_BUS_RELAY (source), &results, result, &error))
    {
      g_autoptr (GError) plain = pm_bus_error_translate (error);

      /* It may have been the former process, on its way out: then the present one will tell. */
      if (g_error_matches (plain, PM_ERROR, PM_ERROR_UNREACHABLE))
        wait_for_revision (task);
      else
        g_task_return_error (task, g_steal_pointer (&plain));
      return;
    }
  g_variant_iter_init (&iter, results);
  while (g_variant_iter_next (&iter, "(&sb&s)", &socket, &answered, &said))
    {
      if (!answered)
        g_string_append_printf (silent, "%s%s (%s)", silent->len > 0 ? ", " : "", socket, said);
    }
  if (silent->len > 0)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_FAILED,
                             "These ports do not answer as they should: %s.", silent->str);
  else
    g_task_return_boolean (task, TRUE);
}

static gboolean
probe_idle_cb (gpointer data)
{
  GTask *task = G_TASK (data);
  PmRelayLink *self = g_task_get_source_object (task);

  if (g_task_return_error_if_cancelled (task))
    return G_SOURCE_REMOVE;
  if (self->relay == NULL)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_UNREACHABLE,
                             "The mail service left before its ports could be tried.");
  else
    pm_bus_relay_call_probe_listeners (self->relay, g_task_get_cancellable (task), probed_cb,
                                       g_object_ref (task));
  return G_SOURCE_REMOVE;
}

/* Both handlers stop the waiting first, so exactly one of them goes on, and from the main loop. */
static void
go_on (GTask *task)
{
  stop_waiting (task);
  g_idle_add_full (G_PRIORITY_DEFAULT, probe_idle_cb, g_object_ref (task), g_object_unref);
}

static void
revision_changed_cb (PmRelayLink *self, GTask *task)
{
  Confirmation *confirmation = g_task_get_task_data (task);

  if (g_str_equal (self->loaded_revision, confirmation->revision))
    go_on (task);
}

static gboolean
cancelled_idle_cb (gpointer data)
{
  GTask *task = G_TASK (data);
  Confirmation *confirmation = g_task_get_task_data (task);

  if (confirmation->changed_id != 0)
    go_on (task);
  return G_SOURCE_REMOVE;
}

static void
cancelled_cb (GCancellable *cancellable, GTask *task)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, cancelled_idle_cb, g_object_ref (task), g_object_unref);
}

static void
wait_for_revision (GTask *task)
{
  PmRelayLink *self = g_task_get_source_object (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  Confirmation *confirmation = g_task_get_task_data (task);

  confirmation->changed_id =
      g_signal_connect_data (self, "changed", G_CALLBACK (revision_changed_cb), g_object_ref (task),
                             (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  if (cancellable != NULL)
    confirmation->cancelled_id =
        g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (cancelled_cb),
                               g_object_ref (task),
                               (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  if (g_str_equal (self->loaded_revision, confirmation->revision) ||
      g_cancellable_is_cancelled (cancellable))
    go_on (task);
}

/**
 * pm_relay_link_confirm_async:
 * @revision: what must be in force
 * @cancellable: the bound of the waiting
 *
 * Waits until the mail service has loaded @revision, then has it try each of its ports.
 */
void
pm_relay_link_confirm_async (PmRelayLink *self,
                             const char *revision,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  Confirmation *confirmation = g_new0 (Confirmation, 1);

  confirmation->revision = g_strdup (revision);
  g_task_set_source_tag (task, pm_relay_link_confirm_async);
  g_task_set_task_data (task, confirmation, (GDestroyNotify) free_confirmation);
  wait_for_revision (task);
}

gboolean
pm_relay_link_confirm_finish (PmRelayLink *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
pm_relay_link_dispose (GObject *object)
{
  PmRelayLink *self = PM_RELAY_LINK (object);

  stop_asking (self);
  g_clear_handle_id (&self->watch, g_bus_unwatch_name);
  if (self->relay != NULL)
    g_signal_handlers_disconnect_by_data (self->relay, self);
  g_clear_object (&self->relay);
  g_clear_object (&self->bus);
  G_OBJECT_CLASS (pm_relay_link_parent_class)->dispose (object);
}

static void
pm_relay_link_finalize (GObject *object)
{
  g_free (PM_RELAY_LINK (object)->loaded_revision);
  G_OBJECT_CLASS (pm_relay_link_parent_class)->finalize (object);
}

static void
pm_relay_link_class_init (PmRelayLinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = pm_relay_link_dispose;
  object_class->finalize = pm_relay_link_finalize;
  signals[CHANGED] = g_signal_new ("changed", PM_TYPE_RELAY_LINK, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
pm_relay_link_init (PmRelayLink *self)
{
  self->loaded_revision = g_strdup ("");
}

PmRelayLink *
pm_relay_link_new (GDBusConnection *bus)
{
  PmRelayLink *self = g_object_new (PM_TYPE_RELAY_LINK, NULL);

  self->bus = g_object_ref (bus);
  self->watch = g_bus_watch_name_on_connection (bus, RELAY_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                appeared_cb, vanished_cb, self, NULL);
  return self;
}

/* "" while it does not run or has not said. */
const char *
pm_relay_link_get_loaded_revision (PmRelayLink *self)
{
  g_return_val_if_fail (PM_IS_RELAY_LINK (self), "");
  return self->loaded_revision;
}
