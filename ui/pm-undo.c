// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Remembers one step back. The former site counts only for the revision that replaced it: the write
// names that revision, so what somebody else has saved meanwhile is never overwritten.

#include "config.h"

#include "ui/pm-undo.h"

struct _PmUndo
{
  GObject parent_instance;

  PmServerConnection *connection; /* (owned) */
  PmSite *former;                 /* (owned) (nullable) */
  PmSite *current;                /* (owned) (nullable) */
  char *revision;                 /* (owned) (nullable): of @current */
};

G_DEFINE_FINAL_TYPE (PmUndo, pm_undo, G_TYPE_OBJECT)

enum
{
  PROP_CAN_UNDO = 1,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void
site_changed_cb (PmUndo *self)
{
  const PmSite *site = pm_server_connection_get_site (self->connection);
  const char *revision = pm_server_connection_get_revision (self->connection);

  if (site == NULL || g_strcmp0 (revision, self->revision) == 0)
    return;
  g_clear_pointer (&self->former, pm_site_unref);
  self->former = g_steal_pointer (&self->current);
  self->current = pm_site_ref (site);
  g_free (self->revision);
  self->revision = g_strdup (revision);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CAN_UNDO]);
}

static void
pm_undo_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_CAN_UNDO:
      g_value_set_boolean (value, pm_undo_get_can_undo (PM_UNDO (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
pm_undo_dispose (GObject *object)
{
  PmUndo *self = PM_UNDO (object);

  g_clear_object (&self->connection);
  g_clear_pointer (&self->former, pm_site_unref);
  g_clear_pointer (&self->current, pm_site_unref);
  g_clear_pointer (&self->revision, g_free);
  G_OBJECT_CLASS (pm_undo_parent_class)->dispose (object);
}

static void
pm_undo_class_init (PmUndoClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = pm_undo_get_property;
  object_class->dispose = pm_undo_dispose;
  props[PROP_CAN_UNDO] = g_param_spec_boolean ("can-undo", NULL, NULL, FALSE,
                                               G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
pm_undo_init (PmUndo *self)
{
}

PmUndo *
pm_undo_new (PmServerConnection *connection)
{
  PmUndo *self = g_object_new (PM_TYPE_UNDO, NULL);

  self->connection = g_object_ref (connection);
  g_signal_connect_object (connection, "notify::site", G_CALLBACK (site_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (connection, "notify::revision", G_CALLBACK (site_changed_cb), self,
                           G_CONNECT_SWAPPED);
  site_changed_cb (self);
  return self;
}

gboolean
pm_undo_get_can_undo (PmUndo *self)
{
  return self->former != NULL;
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (pm_server_connection_write_finish (PM_SERVER_CONNECTION (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * pm_undo_undo_async:
 *
 * Writes the former site. Only when `can-undo`.
 */
void
pm_undo_undo_async (PmUndo *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer data)
{
  GTask *task = g_task_new (self, cancellable, callback, data);

  g_return_if_fail (self->former != NULL);

  g_task_set_source_tag (task, pm_undo_undo_async);
  pm_server_connection_write_from_async (self->connection, self->former, self->revision,
                                         "Undo the last change", cancellable, written_cb, task);
}

gboolean
pm_undo_undo_finish (PmUndo *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
