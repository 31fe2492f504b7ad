// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// “Where would this go?”

#include "config.h"

#include "ui/dialogs/pm-route-tester.h"

#include <glib/gi18n.h>

#include "routing/pm-router.h"
#include "ui/pm-decision-text.h"

struct _PmRouteTester
{
  GtkDialog parent_instance;

  GtkEntry *address_entry;
  GtkEntry *client_entry;
  GtkToggleButton *authenticated_check;
  GtkImage *icon;
  GtkLabel *headline;
  GtkLabel *reasons;
  GtkLabel *note;

  PmServerConnection *connection; /* (owned) */
  PmRouter *router;               /* (owned) (nullable) */
  char *server_name;              /* (owned) */
};

G_DEFINE_FINAL_TYPE (PmRouteTester, pm_route_tester, GTK_TYPE_DIALOG)

static void
show (PmRouteTester *self, const char *icon_name, const char *headline, const char *reasons)
{
  gtk_image_set_from_icon_name (self->icon, icon_name, GTK_ICON_SIZE_LARGE_TOOLBAR);
  gtk_label_set_label (self->headline, headline);
  gtk_label_set_label (self->reasons, reasons);
}

static char *
explain (const PmDecision *decision)
{
  g_auto (GStrv) reasons = pm_decision_explain (decision);
  GString *text = g_string_new (NULL);

  for (guint i = 0; reasons[i] != NULL; i++)
    g_string_append_printf (text, "%s• %s", i > 0 ? "\n" : "", reasons[i]);
  return g_string_free (text, FALSE);
}

static void
decide (PmRouteTester *self, const PmMailAddress *address, GInetAddress *client)
{
  PmRoutingClient who = {
    .address = client,
    .authenticated = gtk_toggle_button_get_active (self->authenticated_check),
  };
  g_autoptr (PmDecision) decision = pm_router_decide (self->router, address,
                                                      client != NULL ? &who : NULL);
  g_autofree char *headline = pm_decision_text_headline (decision);
  g_autofree char *reasons = explain (decision);

  show (self, pm_decision_text_icon (decision), headline, reasons);
}

static void
set_mark (GtkEntry *entry, gboolean wrong)
{
  GtkStyleContext *context = gtk_widget_get_style_context (GTK_WIDGET (entry));

  if (wrong)
    gtk_style_context_add_class (context, GTK_STYLE_CLASS_ERROR);
  else
    gtk_style_context_remove_class (context, GTK_STYLE_CLASS_ERROR);
}

static void
update (PmRouteTester *self)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_entry_get_text (self->address_entry)));
  g_autofree char *from = g_strstrip (g_strdup (gtk_entry_get_text (self->client_entry)));
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (text, NULL);
  g_autoptr (GInetAddress) client = NULL;

  if (*from != '\0')
    client = g_inet_address_new_from_string (from);
  set_mark (self->address_entry, *text != '\0' && address == NULL);
  set_mark (self->client_entry, *from != '\0' && client == NULL);
  if (self->router == NULL)
    show (self, "dialog-question-symbolic", _ ("The site has no mail service to ask."), "");
  else if (*text == '\0')
    show (self, "dialog-question-symbolic",
          _ ("Type an address to see which way its mail goes, and why."), "");
  else if (address == NULL)
    show (self, "dialog-question-symbolic",
          _ ("This is not a whole mail address yet. Write it as in anna@example.com."), "");
  else if (*from != '\0' && client == NULL)
    show (self, "dialog-question-symbolic",
          _ ("The client is not an IP address yet. Write it as in 192.0.2.1, or leave it empty."),
          "");
  else
    decide (self, address, client);
}

static void
site_changed_cb (PmRouteTester *self)
{
  const PmSite *site = pm_server_connection_get_site (self->connection);
  const PmMailService *service = site != NULL ? pm_site_find_service (site, self->server_name)
                                              : NULL;

  g_clear_pointer (&self->router, pm_router_unref);
  if (service != NULL)
    self->router = pm_router_new (site, service, NULL);
  update (self);
}

static void
pending_changed_cb (PmRouteTester *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self->note),
                          pm_server_connection_has_pending_changes (self->connection));
}

static void
changed_cb (gpointer object, PmRouteTester *self)
{
  update (self);
}

static void
pm_route_tester_response (GtkDialog *dialog, int response)
{
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
pm_route_tester_dispose (GObject *object)
{
  PmRouteTester *self = PM_ROUTE_TESTER (object);

  g_clear_object (&self->connection);
  g_clear_pointer (&self->router, pm_router_unref);
  g_clear_pointer (&self->server_name, g_free);
  G_OBJECT_CLASS (pm_route_tester_parent_class)->dispose (object);
}

static void
pm_route_tester_class_init (PmRouteTesterClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_route_tester_dispose;
  GTK_DIALOG_CLASS (klass)->response = pm_route_tester_response;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-route-tester.ui");
  gtk_widget_class_bind_template_child (widget_class, PmRouteTester, address_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRouteTester, client_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRouteTester, authenticated_check);
  gtk_widget_class_bind_template_child (widget_class, PmRouteTester, icon);
  gtk_widget_class_bind_template_child (widget_class, PmRouteTester, headline);
  gtk_widget_class_bind_template_child (widget_class, PmRouteTester, reasons);
  gtk_widget_class_bind_template_child (widget_class, PmRouteTester, note);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
}

static void
pm_route_tester_init (PmRouteTester *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * pm_route_tester_new:
 * @server_name: whose mail service is asked
 */
PmRouteTester *
pm_route_tester_new (GtkWindow *parent, PmServerConnection *connection, const char *server_name)
{
  PmRouteTester *self = g_object_new (PM_TYPE_ROUTE_TESTER, "use-header-bar", FALSE,
                                      "transient-for", parent, NULL);

  self->connection = g_object_ref (connection);
  self->server_name = g_strdup (server_name);
  g_signal_connect_object (connection, "notify::site", G_CALLBACK (site_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (connection, "notify::site", G_CALLBACK (pending_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (connection, "notify::loaded-revision", G_CALLBACK (pending_changed_cb),
                           self, G_CONNECT_SWAPPED);
  site_changed_cb (self);
  pending_changed_cb (self);
  return self;
}
