// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Opening a page of the help, and saying so where it cannot be opened.

#include "config.h"

#include "ui/properties/pm-help.h"

#include <glib/gi18n.h>

#include "ui/dialogs/pm-dialog-run.h"

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  if (pm_dialog_run_finish (GTK_DIALOG (source), result) != GTK_RESPONSE_NONE)
    gtk_widget_destroy (GTK_WIDGET (source));
}

/**
 * pm_help_show:
 * @window: from where it was asked for
 * @topic: a page of the help
 */
void
pm_help_show (GtkWindow *window, const char *topic)
{
  g_autofree char *uri = g_strconcat ("help:pointsman/", topic, NULL);
  g_autoptr (GError) error = NULL;
  GtkWidget *dialog;

  if (gtk_show_uri_on_window (window, uri, gtk_get_current_event_time (), &error))
    return;
  dialog = gtk_message_dialog_new (window, GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT,
                                   GTK_MESSAGE_WARNING, GTK_BUTTONS_CLOSE, "%s",
                                   _ ("The help cannot be opened"));
  gtk_message_dialog_format_secondary_text (
      GTK_MESSAGE_DIALOG (dialog), _ ("%s\nIs a help viewer, such as Yelp, installed?"),
      error->message);
  pm_dialog_run_async (GTK_DIALOG (dialog), closed_cb, NULL);
}
