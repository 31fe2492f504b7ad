// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A worker: one thread, one main context, one reactor. It starts before pm_worker_new() returns and
// has ended when pm_worker_free() returns.

#include "net/pm-worker.h"

struct _PmWorker
{
  GMainContext *context; /* (owned) */
  GMainLoop *loop;       /* (owned) */
  PmReactor *reactor;    /* (owned) */
  GThread *thread;       /* (owned) */
};

typedef struct
{
  PmReactorFunc func;
  gpointer user_data;
  GMutex mutex;
  GCond cond;
  gboolean done;
} Call;

static gpointer
worker_thread (gpointer user_data)
{
  PmWorker *worker = user_data;

  g_main_context_push_thread_default (worker->context);
  g_main_loop_run (worker->loop);
  // Here, so that what is freed with the reactor is freed in its own thread.
  g_clear_pointer (&worker->reactor, pm_reactor_free);
  g_main_context_pop_thread_default (worker->context);
  return NULL;
}

/**
 * pm_worker_new:
 * @name: for debuggers, 15 characters at most
 *
 * Returns: (transfer full) (nullable): a running worker, or %NULL with a #G_IO_ERROR.
 */
PmWorker *
pm_worker_new (const char *name, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  PmReactor *reactor = pm_reactor_new (context, error);
  PmWorker *worker;

  if (reactor == NULL)
    return NULL;

  worker = g_new0 (PmWorker, 1);
  worker->reactor = reactor;
  worker->loop = g_main_loop_new (context, FALSE);
  worker->context = g_steal_pointer (&context);
  worker->thread = g_thread_new (name, worker_thread, worker);
  return worker;
}

static void
quit_cb (gpointer user_data)
{
  g_main_loop_quit (user_data);
}

/**
 * pm_worker_free:
 * @worker: (transfer full) (nullable): a worker; not from its own thread
 */
void
pm_worker_free (PmWorker *worker)
{
  if (worker == NULL)
    return;

  pm_reactor_invoke (worker->reactor, quit_cb, worker->loop);
  g_thread_join (worker->thread);
  g_main_loop_unref (worker->loop);
  g_main_context_unref (worker->context);
  g_free (worker);
}

/**
 * pm_worker_get_reactor:
 *
 * Returns: (transfer none): its reactor.
 */
PmReactor *
pm_worker_get_reactor (PmWorker *worker)
{
  return worker->reactor;
}

/**
 * pm_worker_is_current:
 *
 * Returns: whether the caller runs in the worker's thread.
 */
gboolean
pm_worker_is_current (PmWorker *worker)
{
  return g_thread_self () == worker->thread;
}

/**
 * pm_worker_invoke:
 *
 * Never blocks; calls from one thread keep their order.
 */
void
pm_worker_invoke (PmWorker *worker, PmReactorFunc func, gpointer user_data)
{
  pm_reactor_invoke (worker->reactor, func, user_data);
}

static void
call_cb (gpointer user_data)
{
  Call *call = user_data;

  call->func (call->user_data);
  g_mutex_lock (&call->mutex);
  call->done = TRUE;
  g_cond_signal (&call->cond);
  g_mutex_unlock (&call->mutex);
}

/**
 * pm_worker_call:
 *
 * Blocks until @func has run.
 */
void
pm_worker_call (PmWorker *worker, PmReactorFunc func, gpointer user_data)
{
  Call call = { .func = func, .user_data = user_data };

  if (pm_worker_is_current (worker))
    {
      func (user_data);
      return;
    }

  g_mutex_init (&call.mutex);
  g_cond_init (&call.cond);
  pm_reactor_invoke (worker->reactor, call_cb, &call);
  g_mutex_lock (&call.mutex);
  while (!call.done)
    g_cond_wait (&call.cond, &call.mutex);
  g_mutex_unlock (&call.mutex);
  g_cond_clear (&call.cond);
  g_mutex_clear (&call.mutex);
}
