// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The full-page state for a server that is not, or not yet, there.

#include "config.h"

#include "ui/widgets/pm-connection-page.h"

#include <glib/gi18n.h>

#include "ui/pm-service-words.h"

struct _PmConnectionPage
{
  GtkBox parent_instance;

  GtkImage *icon;
  GtkSpinner *spinner;
  GtkLabel *title;
  GtkLabel *text;
  GtkButton *retry_button;

  PmServerConnection *connection; /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (PmConnectionPage, pm_connection_page, GTK_TYPE_BOX)

static void
show (PmConnectionPage *self, gboolean waiting, const char *title, const char *text)
{
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), waiting);
  g_object_set (self->spinner, "active", waiting, NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->icon), !waiting);
  gtk_widget_set_visible (GTK_WIDGET (self->retry_button), !waiting);
  gtk_label_set_label (self->title, title);
  gtk_label_set_label (self->text, text != NULL ? text : "");
  /* A list of problems is read line by line, a sentence as a whole. */
  gtk_label_set_justify (self->text, text != NULL && strchr (text, '\n') != NULL
                                         ? GTK_JUSTIFY_LEFT
                                         : GTK_JUSTIFY_CENTER);
}

static void
update (PmConnectionPage *self)
{
  PmConnectionState state = pm_server_connection_get_state (self->connection);
  const char *server = pm_service_words_title (self->connection);
  const char *site_problem = pm_server_connection_get_site_problem (self->connection);
  g_autofree char *title = NULL;

  if (state == PM_CONNECTION_LOST)
    {
      title = g_strdup_printf (_ ("%s cannot be managed just now"), server);
      show (self, FALSE, title, pm_server_connection_get_problem (self->connection));
    }
  else if (state == PM_CONNECTION_CONNECTED && site_problem != NULL)
    show (self, FALSE, _ ("The site cannot be shown"), site_problem);
  else
    {
      title = g_strdup_printf (_ ("Connecting to %s…"), server);
      show (self, TRUE, title, _ ("The server's manager is asked for the site."));
    }
}

static void
pm_connection_page_dispose (GObject *object)
{
  g_clear_object (&PM_CONNECTION_PAGE (object)->connection);
  G_OBJECT_CLASS (pm_connection_page_parent_class)->dispose (object);
}

static void
pm_connection_page_class_init (PmConnectionPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_connection_page_dispose;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/widgets/pm-connection-page.ui");
  gtk_widget_class_bind_template_child (widget_class, PmConnectionPage, icon);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionPage, spinner);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionPage, title);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionPage, text);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionPage, retry_button);
}

static void
pm_connection_page_init (PmConnectionPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* Once. */
void
pm_connection_page_set_connection (PmConnectionPage *self, PmServerConnection *connection)
{
  static const char *const watched[] = { "notify::state", "notify::problem", "notify::site-problem",
                                         "notify::title" };

  g_return_if_fail (self->connection == NULL);

  self->connection = g_object_ref (connection);
  for (guint i = 0; i < G_N_ELEMENTS (watched); i++)
    g_signal_connect_object (connection, watched[i], G_CALLBACK (update), self,
                             G_CONNECT_SWAPPED);
  update (self);
}
