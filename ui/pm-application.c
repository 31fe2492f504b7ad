// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The Administrator as a whole: its options, and a window for the server that they name.

#include "config.h"

#include "ui/pm-application.h"

#include <glib/gi18n.h>

#include "ui/pm-window.h"

struct _PmApplication
{
  GtkApplication parent_instance;

  GBusType bus;
};

G_DEFINE_FINAL_TYPE (PmApplication, pm_application, GTK_TYPE_APPLICATION)

static const GOptionEntry options[] = {
  { "session", 0, 0, G_OPTION_ARG_NONE, NULL,
    N_ ("Manage the trial server on the session bus instead of this computer's"), NULL },
  { NULL },
};

static void
pm_application_activate (GApplication *application)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));

  if (window == NULL)
    window = GTK_WINDOW (pm_window_new (PM_APPLICATION (application)));
  gtk_window_present (window);
}

static int
pm_application_handle_local_options (GApplication *application, GVariantDict *given)
{
  PmApplication *self = PM_APPLICATION (application);

  if (g_variant_dict_contains (given, "session"))
    self->bus = G_BUS_TYPE_SESSION;
  return -1;
}

static void
pm_application_class_init (PmApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  application_class->activate = pm_application_activate;
  application_class->handle_local_options = pm_application_handle_local_options;
}

static void
pm_application_init (PmApplication *self)
{
  self->bus = G_BUS_TYPE_SYSTEM;
  g_application_add_main_option_entries (G_APPLICATION (self), options);
}

PmApplication *
pm_application_new (void)
{
  return g_object_new (PM_TYPE_APPLICATION, "application-id", PM_APPLICATION_ID, NULL);
}
