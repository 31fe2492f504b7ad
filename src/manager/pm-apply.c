// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Puts a site in force, or everything back: write, switch, confirm; and where that fails the former
// revision, the switch again, and a report. Each step is bounded, and whatever happens ends with
// the truth about what is on disk and whether the service runs. A record on disk goes along with
// it, so that the end is reached also when the manager is killed: the next one takes it up.

#include "manager/pm-apply.h"

#include <string.h>

#include "base/pm-error.h"
#include "manager/pm-apply-record.h"
#include "manager/pm-service-switch.h"

/* What bringing the service back may take, however short the caller's patience was. */
#define MIN_RECOVERY 30

typedef struct
{
  PmSiteKeeper *keeper;
  PmServiceBackend *backend;
  PmRelayLink *link;
  GBytes *xml; /* (nullable): when it was written before */
  PmApplyRecord *record;
  char *comment;
  guint timeout;

  GBytes *former; /* (nullable) */
  GString *report;
  PmApplyResult *outcome;
  GError *failure; /* (nullable): while the record is removed */
} Application;

static void
free_application (Application *app)
{
  g_object_unref (app->keeper);
  g_object_unref (app->backend);
  g_object_unref (app->link);
  g_clear_pointer (&app->xml, g_bytes_unref);
  pm_apply_record_free (app->record);
  g_free (app->comment);
  g_clear_pointer (&app->former, g_bytes_unref);
  g_string_free (app->report, TRUE);
  g_clear_pointer (&app->outcome, pm_apply_result_free);
  g_clear_error (&app->failure);
  g_free (app);
}

static void G_GNUC_PRINTF (2, 3)
    say (Application *app, const char *format, ...)
{
  va_list args;

  if (app->report->len > 0)
    g_string_append_c (app->report, ' ');
  va_start (args, format);
  g_string_append_vprintf (app->report, format, args);
  va_end (args);
}

static PmServiceState
get_state (Application *app)
{
  PmServiceStatus status;

  pm_service_backend_get_status (app->backend, &status);
  return status.state;
}

/* Errors' messages end with or without a full stop; in a report each is a sentence. */
static void
say_reason (Application *app, const char *lead, const GError *error)
{
  gsize length = strlen (error->message);
  const char *stop = length > 0 && error->message[length - 1] == '.' ? "" : ".";

  say (app, "%s: %s%s", lead, error->message, stop);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  /* Left behind it would at worst make the next manager do once more what was done. */
  if (!pm_apply_record_remove_finish (result, &error))
    g_warning ("%s", error->message);
  app->outcome->report = g_strdup (app->report->str);
  if (app->outcome->log == NULL)
    app->outcome->log = g_new0 (char *, 1);
  g_task_return_pointer (task, g_steal_pointer (&app->outcome),
                         (GDestroyNotify) pm_apply_result_free);
}

static void
finish (GTask *task)
{
  Application *app = g_task_get_task_data (task);

  pm_apply_record_remove_async (pm_site_keeper_get_record_path (app->keeper), closed_cb,
                                g_object_ref (task));
}

/* --- Back to what was ------------------------------------------------------------------------- */

static void
brought_back_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!pm_service_switch_finish (app->backend, result, &error))
    {
      say_reason (app,
                  app->record->ran_before ? "The mail service did not come back with it either"
                                          : "The mail service could not be stopped again",
                  error);
      say (app, "It is %s now.", pm_service_state_to_string (get_state (app)));
    }
  else if (app->record->ran_before)
    say (app, "The mail service runs with it again.");
  else
    say (app, "The mail service is stopped, as it was before.");
  finish (task);
}

static void
bring_back (GTask *task)
{
  Application *app = g_task_get_task_data (task);
  PmServiceVerb verb = PM_SERVICE_RESTART;

  if (!app->record->ran_before)
    verb = PM_SERVICE_STOP;
  else if (!app->record->restart && get_state (app) == PM_SERVICE_RUNNING)
    verb = PM_SERVICE_RELOAD;
  pm_service_switch_async (app->backend, app->link, verb,
                           app->record->ran_before ? app->record->base_revision : NULL,
                           MAX (app->timeout, MIN_RECOVERY), brought_back_cb, g_object_ref (task));
}

static void
put_back_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autofree char *revision = NULL;

  revision = pm_site_keeper_save_finish (PM_SITE_KEEPER (source), result, &error);
  if (revision == NULL)
    {
      say_reason (app, "The former site could not be put back", error);
      g_free (app->outcome->revision);
      app->outcome->revision = g_strdup (pm_site_keeper_get_revision (app->keeper));
      finish (task);
      return;
    }
  g_free (app->outcome->revision);
  app->outcome->revision = g_steal_pointer (&revision);
  say (app, "The former site was put back.");
  bring_back (task);
}

static void
put_back (GTask *task)
{
  Application *app = g_task_get_task_data (task);
  g_autofree char *comment = g_strdup_printf ("Put back: revision %.8s did not come into force",
                                              app->outcome->revision);

  pm_site_keeper_save_async (app->keeper, app->former, app->outcome->revision, app->record->who,
                             comment, FALSE, put_back_cb, g_object_ref (task));
}

static void
turned_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *revision = pm_apply_record_write_finish (result, &error);

  /* The way back is needed all the same. */
  if (revision == NULL)
    g_warning ("%s", error->message);
  put_back (task);
}

static void
log_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) lines = NULL;

  lines = pm_service_backend_read_journal_finish (PM_SERVICE_BACKEND (source), result, &error);
  if (lines != NULL)
    app->outcome->log = pm_apply_log_to_texts (lines);
  else
    say_reason (app, "Its last lines could not be read", error);

  if (app->former == NULL)
    {
      say (app, "There was no site before, so the new one stays on disk.");
      finish (task);
      return;
    }
  app->record->going_back = TRUE;
  pm_apply_record_write_async (pm_site_keeper_get_record_path (app->keeper), app->record, NULL,
                               turned_cb, g_object_ref (task));
}

/* --- Forward ---------------------------------------------------------------------------------- */

static void
switched_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (pm_service_switch_finish (app->backend, result, &error))
    {
      app->outcome->in_force = TRUE;
      say (app, "The mail service has loaded it and its ports answer.");
      finish (task);
      return;
    }
  say_reason (app, "It did not come into force", error);
  pm_service_backend_read_journal_async (app->backend, PM_APPLY_LOG_LINES, NULL, log_read_cb,
                                         g_object_ref (task));
}

static void
go_forward (GTask *task)
{
  Application *app = g_task_get_task_data (task);
  PmServiceVerb verb = app->record->restart || !app->record->ran_before ? PM_SERVICE_RESTART
                                                                        : PM_SERVICE_RELOAD;

  if (!app->record->ran_before)
    say (app, "The mail service did not run and was started.");
  pm_service_switch_async (app->backend, app->link, verb, app->outcome->revision, app->timeout,
                           switched_cb, g_object_ref (task));
}

static void
withdrawn_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!pm_apply_record_remove_finish (result, &error))
    g_warning ("%s", error->message);
  g_task_return_error (task, g_steal_pointer (&app->failure));
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);

  app->outcome->revision =
      pm_site_keeper_save_finish (PM_SITE_KEEPER (source), result, &app->failure);
  if (app->outcome->revision == NULL)
    {
      pm_apply_record_remove_async (pm_site_keeper_get_record_path (app->keeper), withdrawn_cb,
                                    g_object_ref (task));
      return;
    }
  say (app, "The site was written as revision %.8s.", app->outcome->revision);
  go_forward (task);
}

static void
noted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  GError *error = NULL;

  app->record->revision = pm_apply_record_write_finish (result, &error);
  if (app->record->revision == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  /* Whether this is the base is the store's to say, at the moment of writing. */
  pm_site_keeper_save_async (app->keeper, app->xml, app->record->base_revision, app->record->who,
                             app->comment, TRUE, saved_cb, g_object_ref (task));
}

static void
former_loaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  g_autofree char *revision = NULL;
  GError *error = NULL;

  app->former = pm_site_keeper_load_finish (PM_SITE_KEEPER (source), result, &revision, &error);
  if (app->former == NULL && !g_error_matches (error, PM_ERROR, PM_ERROR_NOT_FOUND))
    {
      g_task_return_error (task, error);
      return;
    }
  g_clear_error (&error);
  pm_apply_record_write_async (pm_site_keeper_get_record_path (app->keeper), app->record, app->xml,
                               noted_cb, g_object_ref (task));
}

static Application *
new_application (PmSiteKeeper *keeper, PmServiceBackend *backend, PmRelayLink *link)
{
  Application *app = g_new0 (Application, 1);

  app->keeper = g_object_ref (keeper);
  app->backend = g_object_ref (backend);
  app->link = g_object_ref (link);
  app->timeout = PM_APPLY_TIMEOUT;
  app->report = g_string_new (NULL);
  app->outcome = g_new0 (PmApplyResult, 1);
  return app;
}

/**
 * pm_apply_async:
 * @order: what to apply; copied
 *
 * Only one at a time, and nothing else may switch the service meanwhile; the caller sees to that.
 */
void
pm_apply_async (const PmApplyOrder *order, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (order->keeper, NULL, callback, data);
  Application *app = new_application (order->keeper, order->backend, order->link);
  PmServiceState state = get_state (app);
  PmApplyRecord record = {
    .base_revision = (char *) order->base_revision,
    .who = order->who,
    .restart = order->restart,
    .ran_before = state == PM_SERVICE_RUNNING || state == PM_SERVICE_STARTING,
  };

  app->xml = g_bytes_ref (order->xml);
  app->record = pm_apply_record_copy (&record);
  app->comment = g_strdup (order->comment);
  app->timeout = order->timeout;
  g_task_set_source_tag (task, pm_apply_async);
  g_task_set_task_data (task, app, (GDestroyNotify) free_application);

  pm_site_keeper_load_async (app->keeper, former_loaded_cb, g_steal_pointer (&task));
}

/**
 * pm_apply_finish:
 *
 * Returns: (transfer full): %NULL when nothing was written
 */
PmApplyResult *
pm_apply_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Taking up what was interrupted ----------------------------------------------------------- */

static void
go_on (GTask *task)
{
  Application *app = g_task_get_task_data (task);
  const char *present = pm_site_keeper_get_revision (app->keeper);
  gboolean is_new = g_str_equal (present, app->record->revision);

  if (!app->record->going_back && is_new)
    {
      go_forward (task);
      return;
    }
  say (app, "It did not come into force.");
  if (app->record->going_back && is_new && app->former != NULL)
    {
      put_back (task);
      return;
    }
  g_free (app->outcome->revision);
  app->outcome->revision = g_strdup (present);
  if (app->record->going_back && g_str_equal (present, app->record->base_revision))
    {
      say (app, "The former site was put back.");
      bring_back (task);
      return;
    }
  /* It had not been written yet, or somebody has written another since: theirs to put in force. */
  say (app, "The site on disk is not the one that was to come into force, so it stays as it is.");
  finish (task);
}

static void
former_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  app->former = pm_site_keeper_read_revision_finish (PM_SITE_KEEPER (source), result, &error);
  if (app->former == NULL)
    say_reason (app, "The former site is not in the history", error);
  go_on (task);
}

static void
present_loaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);
  g_autofree char *revision = NULL;
  g_autoptr (GBytes) xml = NULL;

  /* Without a site there is none of the two either. */
  xml = pm_site_keeper_load_finish (PM_SITE_KEEPER (source), result, &revision, NULL);
  if (*app->record->base_revision != '\0')
    pm_site_keeper_read_revision_async (app->keeper, app->record->base_revision, former_read_cb,
                                        g_object_ref (task));
  else
    go_on (task);
}

static void
record_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Application *app = g_task_get_task_data (task);

  app->record = pm_apply_record_read_finish (result, &app->failure);
  if (app->record == NULL)
    {
      pm_apply_record_remove_async (pm_site_keeper_get_record_path (app->keeper), withdrawn_cb,
                                    g_object_ref (task));
      return;
    }
  app->outcome->revision = g_strdup (app->record->revision);
  say (app, "The manager was ended while it put revision %.8s in force.", app->record->revision);
  pm_site_keeper_load_async (app->keeper, present_loaded_cb, g_object_ref (task));
}

/**
 * pm_apply_is_pending:
 *
 * Returns: whether an Apply was interrupted, so that pm_apply_resume_async() has something to do
 */
gboolean
pm_apply_is_pending (PmSiteKeeper *keeper)
{
  return g_file_test (pm_site_keeper_get_record_path (keeper), G_FILE_TEST_EXISTS);
}

/**
 * pm_apply_resume_async:
 *
 * Brings an Apply to its end that a former manager had begun: forward where the new site is on
 * disk and had not failed, which may switch the service once more than needed; back where that had
 * begun; and where the file is neither, not at all. pm_apply_finish() tells what came of it. As
 * with pm_apply_async() nothing else may change anything meanwhile.
 */
void
pm_apply_resume_async (PmSiteKeeper *keeper,
                       PmServiceBackend *backend,
                       PmRelayLink *link,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  g_autoptr (GTask) task = g_task_new (keeper, NULL, callback, data);

  g_task_set_source_tag (task, pm_apply_resume_async);
  g_task_set_task_data (task, new_application (keeper, backend, link),
                        (GDestroyNotify) free_application);
  pm_apply_record_read_async (pm_site_keeper_get_record_path (keeper), record_read_cb,
                              g_steal_pointer (&task));
}

/* (transfer full) (array zero-terminated=1): the texts of journal lines */
char **
pm_apply_log_to_texts (GPtrArray *lines)
{
  char **texts = g_new0 (char *, lines->len + 1);

  for (guint i = 0; i < lines->len; i++)
    texts[i] = g_strdup (((PmJournalLine *) g_ptr_array_index (lines, i))->text);
  return texts;
}
