// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Windows that ask for much room get no more than the screen has, so that the buttons at their
// foot can be reached on a small one, also where no window manager looks after it.

#include "config.h"

#include "ui/widgets/pm-fit-screen.h"

/* What a window manager's title bar may take. */
#define TITLE_BAR 40

static GdkMonitor *
find_monitor (GtkWindow *window)
{
  GdkDisplay *display = gtk_widget_get_display (GTK_WIDGET (window));
  GtkWindow *parent = gtk_window_get_transient_for (window);
  GdkWindow *beside = parent != NULL ? gtk_widget_get_window (GTK_WIDGET (parent)) : NULL;
  GdkMonitor *monitor = beside != NULL ? gdk_display_get_monitor_at_window (display, beside)
                                       : gdk_display_get_primary_monitor (display);

  return monitor != NULL ? monitor : gdk_display_get_monitor (display, 0);
}

/**
 * pm_fit_screen:
 * @window: not shown yet, with its default size and its parent set
 */
void
pm_fit_screen (GtkWindow *window)
{
  GdkMonitor *monitor = find_monitor (window);
  GdkRectangle area;
  int width, height;

  if (monitor == NULL)
    return;
  gdk_monitor_get_workarea (monitor, &area);
  gtk_window_get_default_size (window, &width, &height);
  gtk_window_set_default_size (window, MIN (width, area.width),
                               MIN (height, area.height - TITLE_BAR));
}
