// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The mail service as the manager's own child process, for machines and sessions without systemd:
// ready when it writes `ready`, stopped by SIGTERM and in the end SIGKILL, started again when it
// dies, and gone when the manager is. Its last lines are the journal.

#include "manager/pm-child-backend.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/pm-error.h"

#define EX_CONFIG 78
#define MAX_LINES 1000
/* Bytes of a line; the rest of it is not kept. */
#define MAX_LINE 4096
#define STOP_TIMEOUT 25000
/* How long after its exit the child's last lines are waited for, in milliseconds. */
#define DRAIN_TIMEOUT 500
/* A service that dies is started again after a second, but not more often than this. */
#define MAX_DEATHS 5
#define DEATH_PERIOD (60 * G_USEC_PER_SEC)
/* In the state directory while a person wants the service stopped. */
#define STOPPED_MARK "service-stopped"

struct _PmChildBackend
{
  GObject parent;

  GStrv argv;
  char *mark;
  guint stop_timeout;

  PmServiceState state;
  char *detail; /* (owned) (nullable) */
  gint64 since;
  GSubprocess *process; /* (owned) (nullable) */
  GQueue lines;         /* (element-type PmJournalLine) */
  char *reason;         /* (owned) (nullable): the last that the present process gave for its end */

  GTask *operation; /* (owned) (nullable): what waits for ready or for the end */
  gulong cancelled_id;
  gboolean start_after_end; /* a restart waits for the end */
  gboolean ending;          /* the end is wanted */
  gboolean exited;          /* what it wrote last may still be in the pipe */
  gboolean drained;
  guint drain_source;
  guint kill_source;
  guint revive_source;
  guint deaths;
  gint64 first_death;
};

static void pm_child_backend_init_backend (PmServiceBackendInterface *iface);
static gboolean spawn (PmChildBackend *self, GError **error);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmChildBackend, pm_child_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_SERVICE_BACKEND,
                                                      pm_child_backend_init_backend))

static void
set_state (PmChildBackend *self, PmServiceState state, const char *detail)
{
  self->state = state;
  g_free (self->detail);
  self->detail = g_strdup (detail);
  self->since = g_get_real_time ();
  pm_service_backend_changed (PM_SERVICE_BACKEND (self));
}

/* --- The operation under way ------------------------------------------------------------------ */

static GTask *
take_operation (PmChildBackend *self)
{
  if (self->operation != NULL && self->cancelled_id != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (self->operation), self->cancelled_id);
  self->cancelled_id = 0;
  return g_steal_pointer (&self->operation);
}

static void
succeed (PmChildBackend *self)
{
  g_autoptr (GTask) task = take_operation (self);

  if (task != NULL)
    g_task_return_boolean (task, TRUE);
}

static void
fail (PmChildBackend *self, GError *error)
{
  g_autoptr (GTask) task = take_operation (self);

  if (task != NULL)
    g_task_return_error (task, error);
  else
    g_error_free (error);
}

static gboolean
give_up_idle_cb (gpointer data)
{
  PmChildBackend *self = PM_CHILD_BACKEND (data);

  if (self->operation != NULL &&
      g_cancellable_is_cancelled (g_task_get_cancellable (self->operation)))
    {
      self->start_after_end = FALSE;
      fail (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled"));
    }
  return G_SOURCE_REMOVE;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  /* A handler must not disconnect itself from inside the signal; the main loop takes it up. */
  g_idle_add_full (G_PRIORITY_DEFAULT, give_up_idle_cb, g_object_ref (data), g_object_unref);
}

/* --- The child's life ------------------------------------------------------------------------- */

static void
mark_stopped (PmChildBackend *self, gboolean stopped)
{
  g_autoptr (GError) error = NULL;

  if (!stopped)
    (void) g_unlink (self->mark);
  else if (!g_file_set_contents (self->mark, "", 0, &error))
    g_warning ("Could not remember that the service is stopped: %s", error->message);
}

static gboolean
revive_cb (gpointer data)
{
  PmChildBackend *self = PM_CHILD_BACKEND (data);
  g_autoptr (GError) error = NULL;

  self->revive_source = 0;
  if (!spawn (self, &error))
    set_state (self, PM_SERVICE_FAILED, error->message);
  return G_SOURCE_REMOVE;
}

static gboolean
may_revive (PmChildBackend *self, gboolean signalled, int status)
{
  gint64 now = g_get_monotonic_time ();

  if (!signalled && (status == 0 || status == EX_CONFIG))
    return FALSE;
  if (self->deaths == 0 || now - self->first_death > DEATH_PERIOD)
    {
      self->deaths = 0;
      self->first_death = now;
    }
  return ++self->deaths <= MAX_DEATHS;
}

static void
ended_as_wanted (PmChildBackend *self)
{
  g_autoptr (GError) error = NULL;

  set_state (self, PM_SERVICE_STOPPED, NULL);
  if (!self->start_after_end)
    {
      succeed (self);
      return;
    }
  self->start_after_end = FALSE;
  if (!spawn (self, &error))
    fail (self, g_steal_pointer (&error));
}

static void
ended_by_itself (PmChildBackend *self, gboolean signalled, int status)
{
  g_autofree char *exit = pm_service_exit_to_words (signalled, status);
  g_autofree char *words =
      self->reason != NULL ? g_strdup_printf ("%s: %s", exit, self->reason) : g_strdup (exit);
  gboolean was_running = self->state == PM_SERVICE_RUNNING;

  set_state (self, PM_SERVICE_FAILED, words);
  fail (self, g_error_new (PM_ERROR, PM_ERROR_FAILED, "The mail service %s.", words));
  if (was_running && may_revive (self, signalled, status))
    self->revive_source = g_timeout_add_seconds (1, revive_cb, self);
}

static void
ended (PmChildBackend *self)
{
  g_autoptr (GSubprocess) process = g_steal_pointer (&self->process);
  gboolean signalled = g_subprocess_get_if_signaled (process);
  int status =
      signalled ? g_subprocess_get_term_sig (process) : g_subprocess_get_exit_status (process);

  g_clear_handle_id (&self->drain_source, g_source_remove);
  if (self->ending)
    ended_as_wanted (self);
  else
    ended_by_itself (self, signalled, status);
}

static gboolean
drain_cb (gpointer data)
{
  PmChildBackend *self = PM_CHILD_BACKEND (data);

  self->drain_source = 0;
  ended (self);
  return G_SOURCE_REMOVE;
}

static void
exited_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmChildBackend) self = data;

  (void) g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  if (G_SUBPROCESS (source) != self->process)
    return;
  g_clear_handle_id (&self->kill_source, g_source_remove);
  self->exited = TRUE;
  if (self->drained)
    ended (self);
  else
    self->drain_source = g_timeout_add (DRAIN_TIMEOUT, drain_cb, self);
}

static void
note_line (PmChildBackend *self, const char *text)
{
  guint priority = 6;

  /* sd-daemon(3): a line may start with its priority in angle brackets. */
  if (text[0] == '<' && text[1] >= '0' && text[1] <= '7' && text[2] == '>')
    {
      priority = (guint) (text[1] - '0');
      text += 3;
    }
  g_queue_push_tail (&self->lines, pm_journal_line_new (g_get_real_time (), priority, text, -1));
  if (g_queue_get_length (&self->lines) > MAX_LINES)
    pm_journal_line_free (g_queue_pop_head (&self->lines));
}

/* What a child writes, line by line; a former one's pipe may outlive it. */
typedef struct
{
  PmChildBackend *backend; /* (owned) */
  GInputStream *stream;    /* (owned) */
  GString *line;           /* begun, and cut off at MAX_LINE */
  char buffer[4096];
} Pipe;

static void
free_pipe (Pipe *pipe)
{
  g_object_unref (pipe->backend);
  g_object_unref (pipe->stream);
  g_string_free (pipe->line, TRUE);
  g_free (pipe);
}

static gboolean
is_present (const Pipe *pipe)
{
  GSubprocess *process = pipe->backend->process;

  return process != NULL && pipe->stream == g_subprocess_get_stderr_pipe (process);
}

static void
note_reason (PmChildBackend *self)
{
  char *reason = pm_service_find_reason (g_queue_peek_tail (&self->lines));

  if (reason == NULL)
    return;
  g_free (self->reason);
  self->reason = reason;
}

static void
take_line (Pipe *pipe)
{
  PmChildBackend *self = pipe->backend;
  gboolean is_ready = g_str_equal (pipe->line->str, "ready");

  if (!is_ready)
    note_line (self, pipe->line->str);
  if (!is_ready && is_present (pipe))
    note_reason (self);
  g_string_truncate (pipe->line, 0);
  if (is_ready && is_present (pipe) && self->state == PM_SERVICE_STARTING)
    {
      set_state (self, PM_SERVICE_RUNNING, NULL);
      succeed (self);
    }
}

static void
take_bytes (Pipe *pipe, gsize size)
{
  const char *at = pipe->buffer;

  for (const char *stop = at + size, *end; at < stop; at = end + 1)
    {
      gsize length;

      end = memchr (at, '\n', (gsize) (stop - at));
      length = (gsize) ((end != NULL ? end : stop) - at);
      g_string_append_len (pipe->line, at, (gssize) MIN (length, MAX_LINE - pipe->line->len));
      if (end == NULL)
        return;
      take_line (pipe);
    }
}

static void
bytes_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Pipe *pipe = data;
  PmChildBackend *self = pipe->backend;
  gssize size = g_input_stream_read_finish (pipe->stream, result, NULL);

  if (size > 0)
    {
      take_bytes (pipe, (gsize) size);
      g_input_stream_read_async (pipe->stream, pipe->buffer, sizeof pipe->buffer,
                                 G_PRIORITY_DEFAULT, NULL, bytes_cb, pipe);
      return;
    }
  if (pipe->line->len > 0)
    take_line (pipe);
  if (is_present (pipe))
    {
      self->drained = TRUE;
      if (self->exited)
        ended (self);
    }
  free_pipe (pipe);
}

static void
read_pipe (PmChildBackend *self)
{
  Pipe *pipe = g_new0 (Pipe, 1);

  pipe->backend = g_object_ref (self);
  pipe->stream = g_object_ref (g_subprocess_get_stderr_pipe (self->process));
  pipe->line = g_string_new (NULL);
  g_input_stream_read_async (pipe->stream, pipe->buffer, sizeof pipe->buffer, G_PRIORITY_DEFAULT,
                             NULL, bytes_cb, pipe);
}

/* Runs in the child between fork and exec: only what is safe there. */
static void
die_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (getppid () != GPOINTER_TO_INT (data))
    _exit (1);
}

static gboolean
spawn (PmChildBackend *self, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GError) failure = NULL;

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE |
                                        G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_subprocess_launcher_setenv (launcher, "PM_LOG_PRIORITIES", "1", TRUE);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, GINT_TO_POINTER (getpid ()),
                                         NULL);
  self->ending = FALSE;
  self->exited = FALSE;
  self->drained = FALSE;
  g_clear_pointer (&self->reason, g_free);
  self->process = g_subprocess_launcher_spawnv (launcher, (const char *const *) self->argv,
                                                &failure);
  if (self->process == NULL)
    {
      set_state (self, PM_SERVICE_FAILED, failure->message);
      g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "The mail service could not be started: %s",
                   failure->message);
      return FALSE;
    }
  read_pipe (self);
  g_subprocess_wait_async (self->process, NULL, exited_cb, g_object_ref (self));
  set_state (self, PM_SERVICE_STARTING, NULL);
  return TRUE;
}

static gboolean
kill_cb (gpointer data)
{
  PmChildBackend *self = PM_CHILD_BACKEND (data);

  self->kill_source = 0;
  note_line (self, "<4>pointsman-managerd: the mail service did not end in time and was killed");
  g_subprocess_force_exit (self->process);
  return G_SOURCE_REMOVE;
}

static void
end (PmChildBackend *self)
{
  self->ending = TRUE;
  set_state (self, PM_SERVICE_STOPPING, NULL);
  g_subprocess_send_signal (self->process, SIGTERM);
  g_clear_handle_id (&self->kill_source, g_source_remove);
  self->kill_source = g_timeout_add (self->stop_timeout, kill_cb, self);
}

/* --- The backend ------------------------------------------------------------------------------ */

static void
pm_child_backend_get_status (PmServiceBackend *backend, PmServiceStatus *status)
{
  PmChildBackend *self = PM_CHILD_BACKEND (backend);

  status->state = self->state;
  status->detail = self->detail;
  status->since = self->since;
}

static void
start (PmChildBackend *self)
{
  g_autoptr (GError) error = NULL;

  mark_stopped (self, FALSE);
  self->deaths = 0;
  if (self->state == PM_SERVICE_RUNNING)
    succeed (self);
  else if (self->state == PM_SERVICE_STOPPING)
    self->start_after_end = TRUE;
  else if (self->process == NULL && !spawn (self, &error))
    fail (self, g_steal_pointer (&error));
}

static void
restart (PmChildBackend *self)
{
  if (self->process == NULL)
    {
      start (self);
      return;
    }
  mark_stopped (self, FALSE);
  self->deaths = 0;
  self->start_after_end = TRUE;
  end (self);
}

static void
stop (PmChildBackend *self)
{
  mark_stopped (self, TRUE);
  self->start_after_end = FALSE;
  if (self->process != NULL)
    {
      end (self);
      return;
    }
  if (self->state != PM_SERVICE_STOPPED)
    set_state (self, PM_SERVICE_STOPPED, NULL);
  succeed (self);
}

static void
reload (PmChildBackend *self)
{
  if (self->state != PM_SERVICE_RUNNING)
    {
      fail (self, g_error_new_literal (PM_ERROR, PM_ERROR_FAILED,
                                       "The mail service does not run, so it cannot reload."));
      return;
    }
  g_subprocess_send_signal (self->process, SIGHUP);
  succeed (self);
}

static void
pm_child_backend_run_async (PmServiceBackend *backend,
                            PmServiceVerb verb,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  static void (*const verbs[]) (PmChildBackend *) = {
    [PM_SERVICE_START] = start,
    [PM_SERVICE_STOP] = stop,
    [PM_SERVICE_RESTART] = restart,
    [PM_SERVICE_RELOAD] = reload,
  };
  PmChildBackend *self = PM_CHILD_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, pm_child_backend_run_async);
  g_task_set_check_cancellable (task, FALSE);
  if (self->operation != NULL)
    {
      g_task_return_new_error (task, PM_ERROR, PM_ERROR_BUSY,
                               "The mail service is being started or stopped already.");
      return;
    }
  if (g_task_return_error_if_cancelled (task))
    return;
  g_clear_handle_id (&self->revive_source, g_source_remove);
  self->operation = g_steal_pointer (&task);
  if (cancellable != NULL)
    self->cancelled_id = g_signal_connect (cancellable, "cancelled", G_CALLBACK (cancelled_cb),
                                           self);
  verbs[verb](self);
}

static void
pm_child_backend_set_enabled_async (PmServiceBackend *backend,
                                    gboolean enabled,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer data)
{
  g_autoptr (GTask) task = g_task_new (backend, cancellable, callback, data);

  g_task_return_new_error (task, PM_ERROR, PM_ERROR_FAILED,
                           "Here the mail service runs as long as its manager does; whether it "
                           "starts with the machine can be set where systemd runs it.");
}

static void
pm_child_backend_read_journal_async (PmServiceBackend *backend,
                                     guint count,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer data)
{
  PmChildBackend *self = PM_CHILD_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  g_autoptr (GPtrArray) lines =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_journal_line_free);
  guint n_lines = g_queue_get_length (&self->lines);
  guint skip = n_lines > count ? n_lines - count : 0;

  for (GList *l = g_queue_peek_nth_link (&self->lines, skip); l != NULL; l = l->next)
    {
      const PmJournalLine *line = l->data;

      g_ptr_array_add (lines, pm_journal_line_new (line->time, line->priority, line->text, -1));
    }
  g_task_return_pointer (task, g_steal_pointer (&lines), (GDestroyNotify) g_ptr_array_unref);
}

static void
pm_child_backend_init_backend (PmServiceBackendInterface *iface)
{
  iface->kind = "child";
  iface->get_status = pm_child_backend_get_status;
  iface->run_async = pm_child_backend_run_async;
  iface->set_enabled_async = pm_child_backend_set_enabled_async;
  iface->read_journal_async = pm_child_backend_read_journal_async;
}

static void
pm_child_backend_dispose (GObject *object)
{
  PmChildBackend *self = PM_CHILD_BACKEND (object);

  g_clear_handle_id (&self->drain_source, g_source_remove);
  g_clear_handle_id (&self->kill_source, g_source_remove);
  g_clear_handle_id (&self->revive_source, g_source_remove);
  if (self->process != NULL)
    g_subprocess_send_signal (self->process, SIGTERM);
  g_clear_object (&self->process);
  G_OBJECT_CLASS (pm_child_backend_parent_class)->dispose (object);
}

static void
pm_child_backend_finalize (GObject *object)
{
  PmChildBackend *self = PM_CHILD_BACKEND (object);

  g_strfreev (self->argv);
  g_free (self->mark);
  g_free (self->detail);
  g_free (self->reason);
  g_queue_clear_full (&self->lines, (GDestroyNotify) pm_journal_line_free);
  G_OBJECT_CLASS (pm_child_backend_parent_class)->finalize (object);
}

static void
pm_child_backend_class_init (PmChildBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = pm_child_backend_dispose;
  object_class->finalize = pm_child_backend_finalize;
}

static void
pm_child_backend_init (PmChildBackend *self)
{
  self->state = PM_SERVICE_STOPPED;
  self->stop_timeout = STOP_TIMEOUT;
  g_queue_init (&self->lines);
}

/**
 * pm_child_backend_new:
 * @argv: (array zero-terminated=1): the service's command line
 * @state_dir: an existing folder where it is remembered that a person stopped the service
 */
PmChildBackend *
pm_child_backend_new (const char *const *argv, const char *state_dir)
{
  PmChildBackend *self = g_object_new (PM_TYPE_CHILD_BACKEND, NULL);

  self->argv = g_strdupv ((char **) argv);
  self->mark = g_build_filename (state_dir, STOPPED_MARK, NULL);
  return self;
}

/**
 * pm_child_backend_start_if_wanted:
 *
 * Starts the service unless a person stopped it last. Its fate shows in the status.
 */
void
pm_child_backend_start_if_wanted (PmChildBackend *self)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (PM_IS_CHILD_BACKEND (self));

  if (self->process == NULL && !g_file_test (self->mark, G_FILE_TEST_EXISTS) &&
      !spawn (self, &error))
    g_warning ("%s", error->message);
}

/**
 * pm_child_backend_kill:
 *
 * For the manager's own end: tells the service to finish, without remembering that as a person's
 * wish. `changed` tells when it has.
 *
 * Returns: whether there is something to wait for
 */
gboolean
pm_child_backend_kill (PmChildBackend *self)
{
  g_return_val_if_fail (PM_IS_CHILD_BACKEND (self), FALSE);

  g_clear_handle_id (&self->revive_source, g_source_remove);
  self->start_after_end = FALSE;
  if (self->process == NULL)
    return FALSE;
  if (self->state != PM_SERVICE_STOPPING)
    end (self);
  return TRUE;
}

/**
 * pm_child_backend_set_stop_timeout:
 * @milliseconds: how long after SIGTERM the service is killed
 */
void
pm_child_backend_set_stop_timeout (PmChildBackend *self, guint milliseconds)
{
  g_return_if_fail (PM_IS_CHILD_BACKEND (self));
  self->stop_timeout = milliseconds;
}
