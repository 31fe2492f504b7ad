// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Site file and history for a main loop that must not wait for a disk. One worker at a time holds
// the store; a watch on the file tells of what others write.

#include "manager/pm-site-keeper.h"

#include <pwd.h>

#include "base/pm-error.h"
#include "base/pm-task-thread.h"

/* How long the file must be left alone before a change from outside is read, in milliseconds. */
#define SETTLE 100

struct _PmSiteKeeper
{
  GObject parent;

  char *path;
  char *record_path;
  PmSiteStore *store; /* (owned): used with `lock` held, in worker threads */
  GMutex lock;
  guint64 turns;         /* with `lock` held: how often the store was used */
  guint64 known;         /* the turn that `revision` is from */
  char *revision;        /* never NULL; "" when there is no file that can be read */
  GFileMonitor *monitor; /* (owned) (nullable) */
  guint settle_source;
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmSiteKeeper, pm_site_keeper, G_TYPE_OBJECT)

/* What a worker needs and what it found; the task's data. */
typedef struct
{
  PmSiteKeeper *keeper; /* (unowned): the task holds it */
  GBytes *xml;
  char *revision;
  char *comment;
  guint number;
  gboolean validate;
  guint64 turn;
} Work;

static void
free_work (Work *work)
{
  g_clear_pointer (&work->xml, g_bytes_unref);
  g_free (work->revision);
  g_free (work->comment);
  g_free (work);
}

static Work *
start_work (PmSiteKeeper *self, GAsyncReadyCallback callback, gpointer data, GTask **task)
{
  Work *work = g_new0 (Work, 1);

  work->keeper = self;
  *task = g_task_new (self, NULL, callback, data);
  g_task_set_task_data (*task, work, (GDestroyNotify) free_work);
  return work;
}

/* Workers may be heard of in another order than they used the store in: the last turn counts. */
static void
set_revision (PmSiteKeeper *self, const Work *work, const char *revision)
{
  if (work->turn < self->known)
    return;
  self->known = work->turn;
  if (g_str_equal (self->revision, revision))
    return;
  g_free (self->revision);
  self->revision = g_strdup (revision);
  g_signal_emit (self, signals[CHANGED], 0, self->revision);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static gpointer
load_in_thread (gpointer data, GError **error)
{
  Work *work = data;
  PmSiteKeeper *self = work->keeper;
  GBytes *xml;

  g_mutex_lock (&self->lock);
  work->turn = ++self->turns;
  xml = pm_site_store_load (self->store, &work->revision, error);
  g_mutex_unlock (&self->lock);
  return xml;
}

void
pm_site_keeper_load_async (PmSiteKeeper *self, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = NULL;

  (void) start_work (self, callback, data, &task);
  pm_task_thread_run (task, load_in_thread, (GDestroyNotify) g_bytes_unref);
}

/**
 * pm_site_keeper_load_finish:
 * @revision: (out) (transfer full): of the bytes; set also without them, then to ""
 *
 * Returns: (transfer full): %NULL with %PM_ERROR_NOT_FOUND when there is no file
 */
GBytes *
pm_site_keeper_load_finish (PmSiteKeeper *self,
                            GAsyncResult *result,
                            char **revision,
                            GError **error)
{
  Work *work = g_task_get_task_data (G_TASK (result));
  GBytes *xml = g_task_propagate_pointer (G_TASK (result), error);

  *revision = g_strdup (xml != NULL ? work->revision : "");
  set_revision (self, work, *revision);
  return xml;
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *revision = NULL;
  g_autoptr (GBytes) xml = NULL;

  xml = pm_site_keeper_load_finish (PM_SITE_KEEPER (source), result, &revision, &error);
  if (xml == NULL)
    g_debug ("the site file: %s", error->message);
}

static gboolean
settle_cb (gpointer data)
{
  PmSiteKeeper *self = PM_SITE_KEEPER (data);

  self->settle_source = 0;
  pm_site_keeper_load_async (self, settled_cb, NULL);
  return G_SOURCE_REMOVE;
}

static void
file_changed_cb (GFileMonitor *monitor,
                 GFile *file,
                 GFile *other,
                 GFileMonitorEvent event,
                 gpointer data)
{
  PmSiteKeeper *self = PM_SITE_KEEPER (data);

  g_clear_handle_id (&self->settle_source, g_source_remove);
  self->settle_source = g_timeout_add (SETTLE, settle_cb, self);
}

/* --- Checking and saving ---------------------------------------------------------------------- */

static gpointer
check_in_thread (gpointer data, GError **error)
{
  Work *work = data;
  g_autoptr (PmSite) site = NULL;
  g_autoptr (GError) invalid = NULL;
  GPtrArray *problems = NULL;

  site = pm_site_parse (work->xml, "site.xml", &problems, &invalid);
  if (problems == NULL)
    problems = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_site_problem_free);
  if (site == NULL && problems->len == 0)
    g_ptr_array_add (problems, pm_site_problem_new (PM_PROBLEM_ERROR, 0, 0, "", "%s",
                                                    invalid->message));
  return problems;
}

void
pm_site_keeper_check_async (PmSiteKeeper *self,
                            GBytes *xml,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  g_autoptr (GTask) task = NULL;
  Work *work = start_work (self, callback, data, &task);

  work->xml = g_bytes_ref (xml);
  pm_task_thread_run (task, check_in_thread, (GDestroyNotify) g_ptr_array_unref);
}

/**
 * pm_site_keeper_check_finish:
 *
 * Returns: (transfer container) (element-type PmSiteProblem): none when all is well
 */
GPtrArray *
pm_site_keeper_check_finish (PmSiteKeeper *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Asks the name service, which may take its time: only in a worker. */
static char *
find_user_name (guint uid)
{
  struct passwd entry;
  struct passwd *found = NULL;
  char buffer[4096];

  if (getpwuid_r ((uid_t) uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
    return g_utf8_make_valid (found->pw_name, -1);
  return g_strdup_printf ("uid %u", uid);
}

static gpointer
save_in_thread (gpointer data, GError **error)
{
  Work *work = data;
  PmSiteKeeper *self = work->keeper;
  g_autofree char *who = find_user_name (work->number);
  g_autoptr (PmSite) site = NULL;
  char *revision;

  if (work->validate)
    {
      site = pm_site_parse (work->xml, "site.xml", NULL, error);
      if (site == NULL)
        return NULL;
    }
  g_mutex_lock (&self->lock);
  work->turn = ++self->turns;
  revision = pm_site_store_save (self->store, work->xml, work->revision, who, work->comment, error);
  g_mutex_unlock (&self->lock);
  return revision;
}

/**
 * pm_site_keeper_save_async:
 * @base_revision: what the file must still be; "" for none yet
 * @who: user id of the author
 * @validate: whether a site that does not load is refused; not for putting back what was there
 */
void
pm_site_keeper_save_async (PmSiteKeeper *self,
                           GBytes *xml,
                           const char *base_revision,
                           guint who,
                           const char *comment,
                           gboolean validate,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  g_autoptr (GTask) task = NULL;
  Work *work = start_work (self, callback, data, &task);

  work->xml = g_bytes_ref (xml);
  work->revision = g_strdup (base_revision);
  work->comment = g_strdup (comment);
  work->number = who;
  work->validate = validate;
  pm_task_thread_run (task, save_in_thread, g_free);
}

/**
 * pm_site_keeper_save_finish:
 *
 * Returns: (transfer full): the new revision
 */
char *
pm_site_keeper_save_finish (PmSiteKeeper *self, GAsyncResult *result, GError **error)
{
  char *revision = g_task_propagate_pointer (G_TASK (result), error);

  if (revision != NULL)
    set_revision (self, g_task_get_task_data (G_TASK (result)), revision);
  return revision;
}

/* --- The history ------------------------------------------------------------------------------ */

static gpointer
history_in_thread (gpointer data, GError **error)
{
  const Work *work = data;
  PmSiteKeeper *self = work->keeper;
  GPtrArray *entries;

  g_mutex_lock (&self->lock);
  entries = pm_site_store_history (self->store, work->number, error);
  g_mutex_unlock (&self->lock);
  return entries;
}

void
pm_site_keeper_history_async (PmSiteKeeper *self,
                              guint limit,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_autoptr (GTask) task = NULL;
  Work *work = start_work (self, callback, data, &task);

  work->number = limit;
  pm_task_thread_run (task, history_in_thread, (GDestroyNotify) g_ptr_array_unref);
}

/**
 * pm_site_keeper_history_finish:
 *
 * Returns: (transfer container) (element-type PmSiteHistoryEntry): newest first
 */
GPtrArray *
pm_site_keeper_history_finish (PmSiteKeeper *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static gpointer
read_revision_in_thread (gpointer data, GError **error)
{
  const Work *work = data;
  PmSiteKeeper *self = work->keeper;
  GBytes *xml;

  g_mutex_lock (&self->lock);
  xml = pm_site_store_read_revision (self->store, work->revision, error);
  g_mutex_unlock (&self->lock);
  return xml;
}

void
pm_site_keeper_read_revision_async (PmSiteKeeper *self,
                                    const char *revision,
                                    GAsyncReadyCallback callback,
                                    gpointer data)
{
  g_autoptr (GTask) task = NULL;
  Work *work = start_work (self, callback, data, &task);

  work->revision = g_strdup (revision);
  pm_task_thread_run (task, read_revision_in_thread, (GDestroyNotify) g_bytes_unref);
}

GBytes *
pm_site_keeper_read_revision_finish (PmSiteKeeper *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
pm_site_keeper_dispose (GObject *object)
{
  PmSiteKeeper *self = PM_SITE_KEEPER (object);

  g_clear_handle_id (&self->settle_source, g_source_remove);
  if (self->monitor != NULL)
    g_file_monitor_cancel (self->monitor);
  g_clear_object (&self->monitor);
  G_OBJECT_CLASS (pm_site_keeper_parent_class)->dispose (object);
}

static void
pm_site_keeper_finalize (GObject *object)
{
  PmSiteKeeper *self = PM_SITE_KEEPER (object);

  g_free (self->path);
  g_free (self->record_path);
  g_clear_object (&self->store);
  g_mutex_clear (&self->lock);
  g_free (self->revision);
  G_OBJECT_CLASS (pm_site_keeper_parent_class)->finalize (object);
}

static void
pm_site_keeper_class_init (PmSiteKeeperClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = pm_site_keeper_dispose;
  object_class->finalize = pm_site_keeper_finalize;
  signals[CHANGED] = g_signal_new ("changed", PM_TYPE_SITE_KEEPER, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
pm_site_keeper_init (PmSiteKeeper *self)
{
  g_mutex_init (&self->lock);
  self->revision = g_strdup ("");
}

/**
 * pm_site_keeper_new:
 * @path: the site file; its folder must exist for changes from outside to be noticed
 * @history_folder: where the revisions are kept
 *
 * Begins with the revision "" and reads the file at once; `changed` tells what it is.
 */
PmSiteKeeper *
pm_site_keeper_new (const char *path, const char *history_folder)
{
  PmSiteKeeper *self = g_object_new (PM_TYPE_SITE_KEEPER, NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;

  self->path = g_strdup (path);
  self->record_path = g_build_filename (history_folder, "apply", NULL);
  self->store = pm_site_store_new (path, history_folder);
  self->monitor = g_file_monitor_file (file, G_FILE_MONITOR_WATCH_MOVES, NULL, &error);
  if (self->monitor != NULL)
    g_signal_connect_object (self->monitor, "changed", G_CALLBACK (file_changed_cb), self, 0);
  else
    g_warning ("Changes of %s from outside will go unnoticed: %s", path, error->message);
  pm_site_keeper_load_async (self, settled_cb, NULL);
  return self;
}

const char *
pm_site_keeper_get_path (PmSiteKeeper *self)
{
  g_return_val_if_fail (PM_IS_SITE_KEEPER (self), NULL);
  return self->path;
}

const char *
pm_site_keeper_get_revision (PmSiteKeeper *self)
{
  g_return_val_if_fail (PM_IS_SITE_KEEPER (self), NULL);
  return self->revision;
}

/* Where the record of an Apply under way lies: beside the history, as durable as that. */
const char *
pm_site_keeper_get_record_path (PmSiteKeeper *self)
{
  g_return_val_if_fail (PM_IS_SITE_KEEPER (self), NULL);
  return self->record_path;
}
