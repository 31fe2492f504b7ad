// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Remembers one step back, and only one of our own: the former site counts for the revision that
// replaced it and was written here. The write names that revision, so what somebody else saves
// meanwhile is never taken back with it.

#include "config.h"

#include "ui/pm-undo.h"

#include <glib/gi18n.h>

struct _PmUndo
{
  GObject parent_instance;

  PmServerConnection *connection; /* (owned) */
  PmSite *former;                 /* (owned) (nullable) */
  PmSite *current;                /* (owned) (nullable) */
  char *revision;                 /* (owned) (nullable): of @current */
  char *change;                   /* (owned) (nullable): what made it; NULL when it was not us */
  gboolean undone;                /* it was this object, so that undoing does @change again */
  char *undoing;                  /* (owned) (nullable): the change that is being taken back */
};

G_DEFINE_FINAL_TYPE (PmUndo, pm_undo, G_TYPE_OBJECT)

enum
{
  PROP_CAN_UNDO = 1,
  PROP_LABEL,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void
set_change (PmUndo *self, const char *change, gboolean undone)
{
  g_free (self->change);
  self->change = g_strdup (change);
  self->undone = undone;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CAN_UNDO]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_LABEL]);
}

/* Comes first after every change; who made it is told after this. */
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
  set_change (self, NULL, FALSE);
}

static void
changed_here_cb (PmUndo *self, const char *comment)
{
  if (self->undoing != NULL)
    set_change (self, self->undoing, !self->undone);
  else
    set_change (self, comment, FALSE);
}

static void
pm_undo_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_CAN_UNDO:
      g_value_set_boolean (value, pm_undo_get_can_undo (PM_UNDO (object)));
      break;
    case PROP_LABEL:
      g_value_take_string (value, pm_undo_dup_label (PM_UNDO (object)));
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
  g_clear_pointer (&self->change, g_free);
  g_clear_pointer (&self->undoing, g_free);
  G_OBJECT_CLASS (pm_undo_parent_class)->dispose (object);
}

static void
pm_undo_class_init (PmUndoClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = pm_undo_get_property;
  object_class->dispose = pm_undo_dispose;
  props[PROP_CAN_UNDO] = g_param_spec_boolean ("can-undo", NULL, NULL, FALSE, flags);
  props[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, flags);
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
  g_signal_connect_object (connection, "changed-here", G_CALLBACK (changed_here_cb), self,
                           G_CONNECT_SWAPPED);
  site_changed_cb (self);
  return self;
}

gboolean
pm_undo_get_can_undo (PmUndo *self)
{
  return self->former != NULL && self->change != NULL;
}

/**
 * pm_undo_dup_label:
 *
 * Returns: (transfer full) (nullable): “_Undo: Add the domain example.net”; %NULL when there is
 *   nothing to undo
 */
char *
pm_undo_dup_label (PmUndo *self)
{
  g_auto (GStrv) parts = NULL;
  g_autofree char *change = NULL;

  if (!pm_undo_get_can_undo (self))
    return NULL;
  parts = g_strsplit (self->change, "_", -1);
  change = g_strjoinv ("__", parts);
  /* Translators: what was done, as “Add the domain example.net” */
  return g_strdup_printf (self->undone ? _ ("_Redo: %s") : _ ("_Undo: %s"), change);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  PmUndo *self = g_task_get_source_object (task);
  GError *error = NULL;

  g_clear_pointer (&self->undoing, g_free);
  if (pm_server_connection_write_finish (PM_SERVER_CONNECTION (source), result, &error))
    g_task_return_pointer (task, g_strdup (g_task_get_task_data (task)), g_free);
  else
    g_task_return_error (task, error);
}

/**
 * pm_undo_undo_async:
 *
 * Writes the former site. Only when `can-undo`, and not again before it has finished.
 */
void
pm_undo_undo_async (PmUndo *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer data)
{
  GTask *task;
  g_autofree char *comment = NULL;

  g_return_if_fail (pm_undo_get_can_undo (self) && self->undoing == NULL);

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, pm_undo_undo_async);
  comment = g_strdup_printf (self->undone ? _ ("Redo: %s") : _ ("Undo: %s"), self->change);
  g_task_set_task_data (task, g_strdup (comment), g_free);
  self->undoing = g_strdup (self->change);
  pm_server_connection_write_from_async (self->connection, self->former, self->revision, comment,
                                         cancellable, written_cb, task);
}

/**
 * pm_undo_undo_finish:
 *
 * Returns: (transfer full) (nullable): what was done, in words: “Undo: Add the domain example.net”
 */
char *
pm_undo_undo_finish (PmUndo *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
