// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The Administrator as a whole: its options, its keys, and a window for each server.

#include "config.h"

#include "ui/pm-application.h"

#include <glib/gi18n.h>

#include "dns/pm-unbound-resolver.h"
#include "ui/pm-window.h"
#include "ui/properties/pm-help.h"

/* What a look-up may take, in milliseconds. */
#define DNS_TIMEOUT 8000

struct _PmApplication
{
  GtkApplication parent_instance;

  PmResolver *resolver; /* (owned) (nullable): NULL for the system's */
};

G_DEFINE_FINAL_TYPE (PmApplication, pm_application, GTK_TYPE_APPLICATION)

static const GOptionEntry options[] = {
  { "session", 0, 0, G_OPTION_ARG_NONE, NULL,
    N_ ("Manage the trial server on the session bus instead of this computer's"), NULL },
  { "dns-server", 0, 0, G_OPTION_ARG_STRING, NULL,
    N_ ("Check MX records at this DNS server instead of the system's"), N_ ("ADDRESS[@PORT]") },
  { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Show the version and exit"), NULL },
  { NULL },
};

static const struct
{
  const char *action;
  const char *accelerators[3];
} keys[] = {
  { "app.help", { "F1" } },
  { "app.quit", { "<Primary>q" } },
  { "win.add-domain", { "<Primary>n" } },
  { "win.add-mailbox", { "<Primary>m" } },
  { "win.check-mx", { "<Primary>k" } },
  { "win.close", { "<Primary>w" } },
  { "win.delete", { "Delete" } },
  { "win.go-up", { "<Alt>Up" } },
  { "win.properties", { "<Alt>Return", "<Alt>KP_Enter" } },
  { "win.refresh", { "F5", "<Primary>r" } },
  { "win.save-contents", { "<Primary>s" } },
  { "win.select-all", { "<Primary>a" } },
  { "win.show-mx-records", { "F9" } },
  { "win.test-route", { "<Primary>t" } },
  { "win.undo", { "<Primary>z" } },
};

static void
open_window (PmApplication *self, GBusType bus)
{
  g_autoptr (PmServerConnection) connection = pm_server_connection_new (bus);
  PmWindow *window = pm_window_new (GTK_APPLICATION (self), connection);

  pm_window_set_resolver (window, self->resolver);
  pm_server_connection_open (connection);
  gtk_window_present (GTK_WINDOW (window));
}

static void
connect_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  const char *where = g_variant_get_string (parameter, NULL);

  open_window (data, g_str_equal (where, "session") ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM);
}

static void
help_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  pm_help_show (gtk_application_get_active_window (data), "index");
}

/* By way of each window's own closing, so that it can keep its size. */
static void
quit_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autoptr (GList) windows = g_list_copy (gtk_application_get_windows (data));

  for (GList *l = windows; l != NULL; l = l->next)
    if (PM_IS_WINDOW (l->data))
      gtk_window_close (l->data);
}

static void
about_cb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  gtk_show_about_dialog (gtk_application_get_active_window (data),
                         "program-name", "Pointsman",
                         "version", PM_VERSION,
                         "comments", _ ("Administers the Internet Mail Service: "
                                        "which way mail goes, and why"),
                         "copyright", _ ("© The Pointsman authors"),
                         "license-type", GTK_LICENSE_GPL_3_0,
                         "logo-icon-name", PM_APPLICATION_ID,
                         "translator-credits", _ ("translator-credits"),
                         NULL);
}

static const GActionEntry actions[] = {
  { .name = "about", .activate = about_cb },
  { .name = "connect", .activate = connect_cb, .parameter_type = "s" },
  { .name = "help", .activate = help_cb },
  { .name = "quit", .activate = quit_cb },
};

static void
pm_application_startup (GApplication *application)
{
  G_APPLICATION_CLASS (pm_application_parent_class)->startup (application);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions),
                                   application);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (application), keys[i].action,
                                           (const char *const *) keys[i].accelerators);
  gtk_window_set_default_icon_name (PM_APPLICATION_ID);
}

static void
pm_application_activate (GApplication *application)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));

  if (window != NULL)
    gtk_window_present (window);
  else
    open_window (PM_APPLICATION (application), G_BUS_TYPE_SYSTEM);
}

/* For the windows that are opened from now on. */
static gboolean
set_dns_server (PmApplication *self, const char *server, GError **error)
{
  PmResolver *resolver = pm_unbound_resolver_new (server, DNS_TIMEOUT, error);

  if (resolver == NULL)
    return FALSE;
  g_clear_object (&self->resolver);
  self->resolver = resolver;
  return TRUE;
}

static int
pm_application_command_line (GApplication *application, GApplicationCommandLine *line)
{
  GVariantDict *given = g_application_command_line_get_options_dict (line);
  g_autoptr (GError) error = NULL;
  const char *server;

  if (g_variant_dict_lookup (given, "dns-server", "&s", &server) &&
      !set_dns_server (PM_APPLICATION (application), server, &error))
    {
      g_application_command_line_printerr (line, "pointsman: %s\n", error->message);
      return 2;
    }
  if (g_variant_dict_contains (given, "session"))
    open_window (PM_APPLICATION (application), G_BUS_TYPE_SESSION);
  else
    g_application_activate (application);
  return 0;
}

static int
pm_application_handle_local_options (GApplication *application, GVariantDict *given)
{
  if (!g_variant_dict_contains (given, "version"))
    return -1;
  g_print ("pointsman %s\n", PM_VERSION);
  return 0;
}

static void
pm_application_dispose (GObject *object)
{
  g_clear_object (&PM_APPLICATION (object)->resolver);
  G_OBJECT_CLASS (pm_application_parent_class)->dispose (object);
}

static void
pm_application_class_init (PmApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_application_dispose;

  application_class->startup = pm_application_startup;
  application_class->activate = pm_application_activate;
  application_class->command_line = pm_application_command_line;
  application_class->handle_local_options = pm_application_handle_local_options;
}

static void
pm_application_init (PmApplication *self)
{
  g_application_add_main_option_entries (G_APPLICATION (self), options);
}

PmApplication *
pm_application_new (void)
{
  return g_object_new (PM_TYPE_APPLICATION,
                       "application-id", PM_APPLICATION_ID,
                       "flags", G_APPLICATION_HANDLES_COMMAND_LINE,
                       NULL);
}
