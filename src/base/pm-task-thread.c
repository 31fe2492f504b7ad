// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Blocking work of a task in a thread, so that the task and its source object are released only in
// the task's own main context. A thread that g_task_run_in_thread() starts may drop the last
// reference to the source object, and an object with signals and timers must not be disposed there.

#include "base/pm-task-thread.h"

typedef struct
{
  GTask *task; /* (owned): released in its main context only */
  PmWorkFunc work;
  gpointer task_data;
  GDestroyNotify free_result;
} Job;

static void
done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = data;
  GError *error = NULL;
  gpointer value = g_task_propagate_pointer (G_TASK (result), &error);

  if (error != NULL)
    g_task_return_error (job->task, error);
  else
    g_task_return_pointer (job->task, value, job->free_result);
  g_object_unref (job->task);
  g_free (job);
}

static void
run_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Job *job = task_data;
  GDestroyNotify free_result = job->free_result;
  GError *error = NULL;
  gpointer value = job->work (job->task_data, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, value, free_result);
}

/**
 * pm_task_thread_run:
 * @task: what to work for; its cancellable ends the waiting, not the work
 * @work: gets @task's data, which must be fit for another thread until it returns
 * @free_result: frees what @work returns
 *
 * Runs @work in a thread and returns what came of it as @task's pointer or error.
 */
void
pm_task_thread_run (GTask *task, PmWorkFunc work, GDestroyNotify free_result)
{
  g_autoptr (GTask) inner = NULL;
  Job *job;

  g_return_if_fail (G_IS_TASK (task));

  job = g_new0 (Job, 1);
  job->task = g_object_ref (task);
  job->work = work;
  job->task_data = g_task_get_task_data (task);
  job->free_result = free_result;
  inner = g_task_new (NULL, NULL, done_cb, job);
  g_task_set_source_tag (inner, pm_task_thread_run);
  g_task_set_task_data (inner, job, NULL);
  g_task_run_in_thread (inner, run_in_thread);
}
