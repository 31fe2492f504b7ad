// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One turn of the service's switch, bounded in time: the backend does its part, and where a
// revision is named the service itself must then say that it has loaded it and that its ports
// answer.

#include "manager/pm-service-switch.h"

#include "base/pm-error.h"

typedef struct
{
  PmRelayLink *link;
  PmServiceVerb verb;
  char *revision; /* (nullable) */
  guint timeout;
  GCancellable *deadline;
  guint source;
  const char *waiting_for;
} Turn;

static void
free_turn (Turn *turn)
{
  g_clear_handle_id (&turn->source, g_source_remove);
  g_object_unref (turn->link);
  g_free (turn->revision);
  g_object_unref (turn->deadline);
  g_free (turn);
}

static gboolean
late_cb (gpointer data)
{
  Turn *turn = data;

  turn->source = 0;
  g_cancellable_cancel (turn->deadline);
  return G_SOURCE_REMOVE;
}

static void
fail (GTask *task, GError *error)
{
  g_autoptr (GError) own = error;
  Turn *turn = g_task_get_task_data (task);

  g_clear_handle_id (&turn->source, g_source_remove);
  if (g_error_matches (own, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_FAILED,
                             "The mail service %s within %u s.", turn->waiting_for,
                             turn->timeout);
  else
    g_task_return_error (task, g_steal_pointer (&own));
}

static void
succeed (GTask *task)
{
  Turn *turn = g_task_get_task_data (task);

  g_clear_handle_id (&turn->source, g_source_remove);
  g_task_return_boolean (task, TRUE);
}

static void
confirmed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (pm_relay_link_confirm_finish (PM_RELAY_LINK (source), result, &error))
    succeed (task);
  else
    fail (task, error);
}

static void
confirm (GTask *task)
{
  Turn *turn = g_task_get_task_data (task);

  if (turn->revision == NULL)
    {
      succeed (task);
      return;
    }
  turn->waiting_for = "did not tell that it has loaded the site and that its ports answer";
  pm_relay_link_confirm_async (turn->link, turn->revision, turn->deadline, confirmed_cb,
                               g_object_ref (task));
}

static void
ran_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (pm_service_backend_run_finish (PM_SERVICE_BACKEND (source), result, &error))
    confirm (task);
  else
    fail (task, error);
}

static void
run (GTask *task)
{
  const Turn *turn = g_task_get_task_data (task);

  pm_service_backend_run_async (g_task_get_source_object (task), turn->verb, turn->deadline, ran_cb,
                                g_object_ref (task));
}

static void
reloaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (pm_relay_link_reload_finish (PM_RELAY_LINK (source), result, &error))
    {
      confirm (task);
      return;
    }
  if (!g_error_matches (error, PM_ERROR, PM_ERROR_UNREACHABLE))
    {
      fail (task, error);
      return;
    }
  /* It cannot be asked over the bus; a signal reaches it all the same. */
  g_error_free (error);
  run (task);
}

/**
 * pm_service_switch_async:
 * @verb: what to do
 * @revision: (nullable): what must be in force at the end
 * @timeout: the bound of it all, in seconds
 */
void
pm_service_switch_async (PmServiceBackend *backend,
                         PmRelayLink *link,
                         PmServiceVerb verb,
                         const char *revision,
                         guint timeout,
                         GAsyncReadyCallback callback,
                         gpointer data)
{
  static const char *const waits[] = {
    [PM_SERVICE_START] = "was not ready",
    [PM_SERVICE_STOP] = "did not stop",
    [PM_SERVICE_RESTART] = "was not ready again",
    [PM_SERVICE_RELOAD] = "did not reload",
  };
  g_autoptr (GTask) task = g_task_new (backend, NULL, callback, data);
  Turn *turn = g_new0 (Turn, 1);

  turn->link = g_object_ref (link);
  turn->verb = verb;
  turn->revision = g_strdup (revision);
  turn->timeout = timeout;
  turn->deadline = g_cancellable_new ();
  turn->waiting_for = waits[verb];
  turn->source = g_timeout_add_seconds (timeout, late_cb, turn);
  g_task_set_source_tag (task, pm_service_switch_async);
  g_task_set_task_data (task, turn, (GDestroyNotify) free_turn);

  /* Asked over the bus a reload has an answer, with the reason where it is refused. */
  if (verb == PM_SERVICE_RELOAD)
    pm_relay_link_reload_async (link, turn->deadline, reloaded_cb, g_object_ref (task));
  else
    run (task);
}

gboolean
pm_service_switch_finish (PmServiceBackend *backend, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
