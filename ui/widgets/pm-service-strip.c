// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The strip that says how the mail service is. It observes the connection and holds nothing itself.

#include "config.h"

#include "ui/widgets/pm-service-strip.h"

#include <glib/gi18n.h>

#include "ui/pm-service-words.h"
#include "ui/tree/pm-site-nodes.h"

struct _PmServiceStrip
{
  GtkBox parent_instance;

  GtkImage *icon;
  GtkLabel *label;
  GtkLabel *detail;
  GtkSpinner *spinner;

  PmServerConnection *connection; /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (PmServiceStrip, pm_service_strip, GTK_TYPE_BOX)

static char *
describe_running (const char *name, gint64 since)
{
  g_autofree char *time = pm_service_words_since (since, g_get_real_time ());

  if (time == NULL)
    return g_strdup_printf (_ ("%s is running"), name);
  /* Translators: “Internet Mail Service (MAIL1) has been running since 09:12” */
  return g_strdup_printf (_ ("%s has been running since %s"), name, time);
}

static char *
describe (PmServiceStrip *self)
{
  const char *state = pm_server_connection_get_service_state (self->connection);
  const char *server = pm_site_nodes_get_server_name (self->connection);
  g_autofree char *name = g_strdup (_ ("Internet Mail Service"));

  if (server != NULL)
    {
      g_free (name);
      name = g_strdup_printf (_ ("Internet Mail Service (%s)"), server);
    }
  if (g_strcmp0 (state, "running") == 0)
    return describe_running (name, pm_server_connection_get_service_since (self->connection));
  if (g_strcmp0 (state, "starting") == 0)
    return g_strdup_printf (_ ("%s is starting…"), name);
  if (g_strcmp0 (state, "stopping") == 0)
    return g_strdup_printf (_ ("%s is stopping…"), name);
  if (g_strcmp0 (state, "stopped") == 0)
    return g_strdup_printf (_ ("%s is stopped: no mail is accepted"), name);
  if (g_strcmp0 (state, "failed") == 0)
    return g_strdup_printf (_ ("%s has failed: no mail is accepted"), name);
  return g_strdup_printf (_ ("%s: it is not known whether it runs"), name);
}

static void
update (PmServiceStrip *self)
{
  const char *state = pm_server_connection_get_service_state (self->connection);
  const char *detail = pm_server_connection_get_service_detail (self->connection);
  gboolean busy = pm_server_connection_get_busy (self->connection);
  g_autofree char *sentence = describe (self);

  gtk_image_set_from_icon_name (self->icon, pm_service_words_icon (state), GTK_ICON_SIZE_MENU);
  gtk_label_set_label (self->label, sentence);
  gtk_label_set_label (self->detail, detail != NULL ? detail : "");
  gtk_widget_set_visible (GTK_WIDGET (self->detail), detail != NULL && *detail != '\0');
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->detail), detail);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), busy);
  g_object_set (self->spinner, "active", busy, NULL);
}

static void
pm_service_strip_dispose (GObject *object)
{
  g_clear_object (&PM_SERVICE_STRIP (object)->connection);
  G_OBJECT_CLASS (pm_service_strip_parent_class)->dispose (object);
}

static void
pm_service_strip_class_init (PmServiceStripClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_service_strip_dispose;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/widgets/pm-service-strip.ui");
  gtk_widget_class_bind_template_child (widget_class, PmServiceStrip, icon);
  gtk_widget_class_bind_template_child (widget_class, PmServiceStrip, label);
  gtk_widget_class_bind_template_child (widget_class, PmServiceStrip, detail);
  gtk_widget_class_bind_template_child (widget_class, PmServiceStrip, spinner);
}

static void
pm_service_strip_init (PmServiceStrip *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* Once; the strip shows this server from then on. */
void
pm_service_strip_set_connection (PmServiceStrip *self, PmServerConnection *connection)
{
  static const char *const watched[] = { "notify::service-state", "notify::service-detail",
                                         "notify::service-since", "notify::busy", "notify::site" };

  g_return_if_fail (self->connection == NULL);

  self->connection = g_object_ref (connection);
  for (guint i = 0; i < G_N_ELEMENTS (watched); i++)
    g_signal_connect_object (connection, watched[i], G_CALLBACK (update), self,
                             G_CONNECT_SWAPPED);
  update (self);
}
