// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Whether the engine lives: not only its main loop, but each thread that mail depends on.

#include "relay/pm-relay-health.h"

#include "relay/pm-relay-private.h"

/* (atomic) How many have not answered yet; data of the task. */
typedef struct
{
  int outstanding;
} Check;

static void
answer (GTask *task)
{
  Check *check = g_task_get_task_data (task);

  if (__atomic_sub_fetch (&check->outstanding, 1, __ATOMIC_SEQ_CST) == 0)
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
worker_cb (gpointer data)
{
  answer (data);
}

/* Also a failed disk is an answer: the writer lives, and says so to those whom it concerns. */
static void
writer_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  guint count;

  pm_queue_change_finish (PM_QUEUE (source), result, &count, NULL);
  answer (data);
}

void
pm_relay_health_check_async (PmRelay *relay, GAsyncReadyCallback callback, gpointer data)
{
  // Without a source: a worker that lets go of the engine last would wait for its own end.
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  GPtrArray *workers = pm_relay_get_workers (relay);
  Check *check = g_new0 (Check, 1);

  g_task_set_source_tag (task, pm_relay_health_check_async);
  g_task_set_task_data (task, check, g_free);
  check->outstanding = (int) workers->len + 1;
  for (guint i = 0; i < workers->len; i++)
    pm_worker_invoke (((PmRelayWorker *) g_ptr_array_index (workers, i))->worker, worker_cb,
                      g_object_ref (task));
  // A change of no message goes through the writer's line, and writes nothing.
  pm_queue_retry_async (pm_relay_get_queue (relay), NULL, 0, writer_cb, g_object_ref (task));
}

gboolean
pm_relay_health_check_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
