// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Waiting for a dialog's answer without a loop of its own.

#include "config.h"

#include "ui/dialogs/pm-dialog-run.h"

typedef struct
{
  GTask *task; /* (owned) */
  gulong response_handler;
  gulong destroy_handler;
} Run;

static void
finish (Run *run, int response)
{
  GtkDialog *dialog = g_task_get_source_object (run->task);

  g_signal_handler_disconnect (dialog, run->response_handler);
  g_signal_handler_disconnect (dialog, run->destroy_handler);
  g_task_return_int (run->task, response);
  g_object_unref (run->task);
  g_free (run);
}

static void
response_cb (GtkDialog *dialog, int response, Run *run)
{
  g_assert (GTK_IS_DIALOG (dialog));

  if (response != GTK_RESPONSE_HELP)
    finish (run, response);
}

static void
destroy_cb (GtkWidget *dialog, Run *run)
{
  g_assert (GTK_IS_DIALOG (dialog));
  finish (run, GTK_RESPONSE_NONE);
}

/**
 * pm_dialog_run_async:
 *
 * Shows @dialog and waits for its answer. The callback reads what was entered and then destroys the
 * dialog.
 */
void
pm_dialog_run_async (GtkDialog *dialog, GAsyncReadyCallback callback, gpointer data)
{
  Run *run = g_new0 (Run, 1);

  run->task = g_task_new (dialog, NULL, callback, data);
  g_task_set_source_tag (run->task, pm_dialog_run_async);
  run->response_handler = g_signal_connect (dialog, "response", G_CALLBACK (response_cb), run);
  run->destroy_handler = g_signal_connect (dialog, "destroy", G_CALLBACK (destroy_cb), run);
  gtk_window_present (GTK_WINDOW (dialog));
}

/**
 * pm_dialog_run_finish:
 *
 * Returns: the response; %GTK_RESPONSE_NONE when the dialog was destroyed unanswered, and then
 *   nothing of it or of what it belonged to may be touched
 */
int
pm_dialog_run_finish (GtkDialog *dialog, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, dialog), GTK_RESPONSE_NONE);
  return (int) g_task_propagate_int (G_TASK (result), NULL);
}
