// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the manager knows of a service manager, whichever it is. All operations are GTasks that the
// implementations make with the backend as their source.

#include "manager/pm-service-backend.h"

#include <string.h>

#define MAX_LINE 4096
#define EX_CONFIG 78
#define ERROR_PRIORITY 3
#define SERVICE_PREFIX "pointsman-relayd: "

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_INTERFACE (PmServiceBackend, pm_service_backend, G_TYPE_OBJECT)

static void
pm_service_backend_default_init (PmServiceBackendInterface *iface)
{
  signals[CHANGED] = g_signal_new ("changed", PM_TYPE_SERVICE_BACKEND, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

/**
 * pm_journal_line_new:
 * @text: bytes as the service wrote them; made valid UTF-8 of bounded length
 * @length: of @text, or -1
 */
PmJournalLine *
pm_journal_line_new (gint64 time, guint priority, const char *text, gssize length)
{
  PmJournalLine *line = g_new0 (PmJournalLine, 1);
  gsize size = length < 0 ? strlen (text) : (gsize) length;

  line->time = time;
  line->priority = MIN (priority, 7);
  line->text = g_utf8_make_valid (text, (gssize) MIN (size, MAX_LINE));
  return line;
}

void
pm_journal_line_free (PmJournalLine *line)
{
  g_free (line->text);
  g_free (line);
}

const char *
pm_service_state_to_string (PmServiceState state)
{
  switch (state)
    {
    case PM_SERVICE_RUNNING:
      return "running";
    case PM_SERVICE_STARTING:
      return "starting";
    case PM_SERVICE_STOPPING:
      return "stopping";
    case PM_SERVICE_STOPPED:
      return "stopped";
    case PM_SERVICE_FAILED:
      return "failed";
    case PM_SERVICE_UNKNOWN:
    default:
      return "unknown";
    }
}

/**
 * pm_service_exit_to_words:
 * @signalled: whether a signal ended the process
 * @status: its exit status or the signal's number
 *
 * Returns: (transfer full): as "exited with status 1"
 */
char *
pm_service_exit_to_words (gboolean signalled, int status)
{
  if (signalled)
    return g_strdup_printf ("was ended by signal %d (%s)", status, strsignal (status));
  if (status == EX_CONFIG)
    return g_strdup_printf ("exited with status %d: its site file does not load", status);
  return g_strdup_printf ("exited with status %d", status);
}

/**
 * pm_service_find_reason:
 * @line: what the service logged
 *
 * Returns: (transfer full) (nullable): the reason it gave there for not running, without a full
 *   stop; %NULL when the line is something else
 */
char *
pm_service_find_reason (const PmJournalLine *line)
{
  char *reason;
  gsize length;

  /* A service manager has errors of its own to tell, which say less. */
  if (line->priority > ERROR_PRIORITY || !g_str_has_prefix (line->text, SERVICE_PREFIX))
    return NULL;
  reason = g_strstrip (g_strdup (line->text + strlen (SERVICE_PREFIX)));
  length = strlen (reason);
  if (length > 0 && reason[length - 1] == '.')
    reason[length - 1] = '\0';
  return reason;
}

const char *
pm_service_backend_get_kind (PmServiceBackend *self)
{
  return PM_SERVICE_BACKEND_GET_IFACE (self)->kind;
}

/**
 * pm_service_backend_get_status:
 * @status: (out caller-allocates): borrowed until the next `changed`
 */
void
pm_service_backend_get_status (PmServiceBackend *self, PmServiceStatus *status)
{
  *status = (PmServiceStatus){ PM_SERVICE_UNKNOWN, NULL, 0, FALSE, FALSE };
  PM_SERVICE_BACKEND_GET_IFACE (self)->get_status (self, status);
}

void
pm_service_backend_changed (PmServiceBackend *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

/**
 * pm_service_backend_run_async:
 * @verb: START and RESTART end when the service is ready, STOP when its process is gone, RELOAD
 * when it has been told
 */
void
pm_service_backend_run_async (PmServiceBackend *self,
                              PmServiceVerb verb,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  PM_SERVICE_BACKEND_GET_IFACE (self)->run_async (self, verb, cancellable, callback, data);
}

gboolean
pm_service_backend_run_finish (PmServiceBackend *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
pm_service_backend_set_enabled_async (PmServiceBackend *self,
                                      gboolean enabled,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer data)
{
  PM_SERVICE_BACKEND_GET_IFACE (self)->set_enabled_async (self, enabled, cancellable, callback,
                                                          data);
}

gboolean
pm_service_backend_set_enabled_finish (PmServiceBackend *self,
                                       GAsyncResult *result,
                                       GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
pm_service_backend_read_journal_async (PmServiceBackend *self,
                                       guint count,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer data)
{
  PM_SERVICE_BACKEND_GET_IFACE (self)->read_journal_async (self, count, cancellable, callback,
                                                           data);
}

/**
 * pm_service_backend_read_journal_finish:
 *
 * Returns: (transfer container) (element-type PmJournalLine): oldest first
 */
GPtrArray *
pm_service_backend_read_journal_finish (PmServiceBackend *self,
                                        GAsyncResult *result,
                                        GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
