// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Asks the manager for the revision that is in force and compares it with the saved one. While that
// is under way, and where the history no longer has the revision, it is known that something is
// pending but not what.

#include "config.h"

#include "ui/widgets/pm-pending-changes.h"

#include "base/pm-task-thread.h"
#include "site/pm-site-file.h"

struct _PmPendingChanges
{
  GObject parent_instance;

  PmServerConnection *connection; /* (owned) */
  GCancellable *cancellable;      /* (owned): of the comparison under way */
  gboolean pending;
  GPtrArray *changes; /* (owned) (nullable) (element-type PmSiteChange) */
};

G_DEFINE_FINAL_TYPE (PmPendingChanges, pm_pending_changes, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

typedef struct
{
  char *loaded_xml;
  PmSite *saved;
} Comparison;

static void
comparison_free (Comparison *comparison)
{
  g_free (comparison->loaded_xml);
  pm_site_unref (comparison->saved);
  g_free (comparison);
}

static void
set_changes (PmPendingChanges *self, gboolean pending, GPtrArray *changes)
{
  self->pending = pending;
  g_clear_pointer (&self->changes, g_ptr_array_unref);
  self->changes = changes;
  g_signal_emit (self, signals[CHANGED], 0);
}

static gpointer
compare_in_thread (gpointer data, GError **error)
{
  Comparison *comparison = data;
  g_autoptr (GBytes) xml = g_bytes_new_static (comparison->loaded_xml,
                                               strlen (comparison->loaded_xml));
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (PmSite) loaded = pm_site_parse (xml, "site.xml", &problems, error);

  return loaded != NULL ? pm_site_difference (loaded, comparison->saved) : NULL;
}

static void
compared_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *changes = g_task_propagate_pointer (G_TASK (result), &error);

  if (changes != NULL)
    set_changes (PM_PENDING_CHANGES (source), TRUE, changes);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_debug ("The revision in force cannot be compared: %s", error->message);
}

static void
revision_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Comparison *comparison = g_task_get_task_data (task);
  GError *error = NULL;

  if (pm_bus_manager_call_read_revision_finish (PM_BUS_MANAGER (source), &comparison->loaded_xml,
                                                result, &error))
    pm_task_thread_run (task, compare_in_thread, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static void
compare (PmPendingChanges *self, PmBusManager *manager, const PmSite *site)
{
  g_autoptr (GTask) task = g_task_new (self, self->cancellable, compared_cb, NULL);
  Comparison *comparison = g_new0 (Comparison, 1);

  g_task_set_source_tag (task, compare);
  comparison->saved = pm_site_ref (site);
  g_task_set_task_data (task, comparison, (GDestroyNotify) comparison_free);
  pm_bus_manager_call_read_revision (
      manager, pm_server_connection_get_loaded_revision (self->connection), self->cancellable,
      revision_read_cb, g_steal_pointer (&task));
}

static void
update (PmPendingChanges *self)
{
  PmBusManager *manager = pm_server_connection_get_manager (self->connection);
  const PmSite *site = pm_server_connection_get_site (self->connection);
  gboolean pending = pm_server_connection_has_pending_changes (self->connection);

  g_cancellable_cancel (self->cancellable);
  g_set_object (&self->cancellable, NULL);
  self->cancellable = g_cancellable_new ();
  if (!pending || !self->pending)
    set_changes (self, pending, NULL);
  if (pending && manager != NULL && site != NULL)
    compare (self, manager, site);
}

static void
pm_pending_changes_dispose (GObject *object)
{
  PmPendingChanges *self = PM_PENDING_CHANGES (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->connection);
  g_clear_pointer (&self->changes, g_ptr_array_unref);
  G_OBJECT_CLASS (pm_pending_changes_parent_class)->dispose (object);
}

static void
pm_pending_changes_class_init (PmPendingChangesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = pm_pending_changes_dispose;
  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
pm_pending_changes_init (PmPendingChanges *self)
{
}

PmPendingChanges *
pm_pending_changes_new (PmServerConnection *connection)
{
  PmPendingChanges *self = g_object_new (PM_TYPE_PENDING_CHANGES, NULL);
  static const char *const watched[] = { "notify::revision", "notify::loaded-revision",
                                         "notify::site" };

  self->connection = g_object_ref (connection);
  for (guint i = 0; i < G_N_ELEMENTS (watched); i++)
    g_signal_connect_object (connection, watched[i], G_CALLBACK (update), self,
                             G_CONNECT_SWAPPED);
  update (self);
  return self;
}

gboolean
pm_pending_changes_get_pending (PmPendingChanges *self)
{
  return self->pending;
}

/**
 * pm_pending_changes_get_changes:
 *
 * Returns: (nullable) (transfer none) (element-type PmSiteChange): %NULL while it is not known what
 *   is pending
 */
GPtrArray *
pm_pending_changes_get_changes (PmPendingChanges *self)
{
  return self->changes;
}
