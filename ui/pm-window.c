// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One server's window, put together from its parts.

#include "config.h"

#include "ui/pm-window.h"

struct _PmWindow
{
  GtkApplicationWindow parent_instance;
};

G_DEFINE_FINAL_TYPE (PmWindow, pm_window, GTK_TYPE_APPLICATION_WINDOW)

static void
pm_window_class_init (PmWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/pointsman/Administrator/pm-window.ui");
}

static void
pm_window_init (PmWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

PmWindow *
pm_window_new (PmApplication *application)
{
  return g_object_new (PM_TYPE_WINDOW, "application", application, NULL);
}
