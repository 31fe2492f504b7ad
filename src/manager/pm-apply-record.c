// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A file that stands beside the history from before an Apply writes the site until it has come to
// its end, one way or the other. It says all that is needed to bring it to that end later.

#include "manager/pm-apply-record.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "base/pm-atomic-file.h"
#include "base/pm-error.h"
#include "base/pm-task-thread.h"
#include "site/pm-site-file.h"

#define GROUP "Apply"
#define MODE 0600

typedef struct
{
  char *path;
  PmApplyRecord *record; /* (nullable) */
  GBytes *xml;           /* (nullable) */
} Work;

static void
free_work (Work *work)
{
  g_free (work->path);
  pm_apply_record_free (work->record);
  g_clear_pointer (&work->xml, g_bytes_unref);
  g_free (work);
}

static GTask *
start_work (const char *path, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, NULL, callback, data);
  Work *work = g_new0 (Work, 1);

  work->path = g_strdup (path);
  g_task_set_task_data (task, work, (GDestroyNotify) free_work);
  return task;
}

PmApplyRecord *
pm_apply_record_copy (const PmApplyRecord *record)
{
  PmApplyRecord *copy = g_memdup2 (record, sizeof *record);

  copy->base_revision = g_strdup (record->base_revision);
  copy->revision = g_strdup (record->revision);
  return copy;
}

void
pm_apply_record_free (PmApplyRecord *record)
{
  if (record == NULL)
    return;
  g_free (record->base_revision);
  g_free (record->revision);
  g_free (record);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static gpointer
write_in_thread (gpointer data, GError **error)
{
  Work *work = data;
  PmApplyRecord *record = work->record;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GBytes) bytes = NULL;
  char *text;
  gsize size;

  if (work->xml != NULL)
    {
      g_free (record->revision);
      record->revision = pm_site_revision (work->xml);
    }
  g_key_file_set_string (file, GROUP, "Base", record->base_revision);
  g_key_file_set_string (file, GROUP, "Revision", record->revision);
  g_key_file_set_uint64 (file, GROUP, "Who", record->who);
  g_key_file_set_boolean (file, GROUP, "Restart", record->restart);
  g_key_file_set_boolean (file, GROUP, "RanBefore", record->ran_before);
  g_key_file_set_boolean (file, GROUP, "GoingBack", record->going_back);
  text = g_key_file_to_data (file, &size, NULL);
  bytes = g_bytes_new_take (text, size);
  return pm_atomic_file_write (work->path, bytes, MODE, error) ? g_strdup (record->revision) : NULL;
}

/**
 * pm_apply_record_write_async:
 * @record: copied
 * @xml: (nullable): what is applied; its revision is then the record's
 */
void
pm_apply_record_write_async (const char *path,
                             const PmApplyRecord *record,
                             GBytes *xml,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  g_autoptr (GTask) task = start_work (path, callback, data);
  Work *work = g_task_get_task_data (task);

  work->record = pm_apply_record_copy (record);
  work->xml = xml != NULL ? g_bytes_ref (xml) : NULL;
  pm_task_thread_run (task, write_in_thread, g_free);
}

/**
 * pm_apply_record_write_finish:
 *
 * Returns: (transfer full): the record's revision, once it is on stable storage
 */
char *
pm_apply_record_write_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static gpointer
read_in_thread (gpointer data, GError **error)
{
  const Work *work = data;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (PmApplyRecord) record = g_new0 (PmApplyRecord, 1);

  if (!g_key_file_load_from_file (file, work->path, G_KEY_FILE_NONE, error))
    return NULL;
  record->base_revision = g_key_file_get_string (file, GROUP, "Base", NULL);
  record->revision = g_key_file_get_string (file, GROUP, "Revision", NULL);
  record->who = (guint) g_key_file_get_uint64 (file, GROUP, "Who", NULL);
  record->restart = g_key_file_get_boolean (file, GROUP, "Restart", NULL);
  record->ran_before = g_key_file_get_boolean (file, GROUP, "RanBefore", NULL);
  record->going_back = g_key_file_get_boolean (file, GROUP, "GoingBack", NULL);
  if (record->base_revision != NULL && record->revision != NULL)
    return g_steal_pointer (&record);
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "%s does not say which revision was applied",
               work->path);
  return NULL;
}

void
pm_apply_record_read_async (const char *path, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = start_work (path, callback, data);

  pm_task_thread_run (task, read_in_thread, (GDestroyNotify) pm_apply_record_free);
}

/**
 * pm_apply_record_read_finish:
 *
 * Returns: (transfer full): what was left there
 */
PmApplyRecord *
pm_apply_record_read_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Removing --------------------------------------------------------------------------------- */

static gpointer
remove_in_thread (gpointer data, GError **error)
{
  const Work *work = data;
  g_autofree char *folder = g_path_get_dirname (work->path);
  int saved;

  if (g_unlink (work->path) == 0)
    return pm_atomic_file_sync_directory (folder, error) ? g_strdup ("") : NULL;
  if (errno == ENOENT)
    return g_strdup ("");
  saved = errno;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "Could not remove %s: %s",
               work->path, g_strerror (saved));
  return NULL;
}

void
pm_apply_record_remove_async (const char *path, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = start_work (path, callback, data);

  pm_task_thread_run (task, remove_in_thread, g_free);
}

gboolean
pm_apply_record_remove_finish (GAsyncResult *result, GError **error)
{
  g_autofree char *done = g_task_propagate_pointer (G_TASK (result), error);

  return done != NULL;
}
