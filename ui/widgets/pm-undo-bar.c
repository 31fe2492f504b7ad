// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The passing notice after a removal.

#include "config.h"

#include "ui/widgets/pm-undo-bar.h"

/* Long enough to read it, find the button and think; Ctrl+Z works for longer. */
#define SHOWN_SECONDS 20

struct _PmUndoBar
{
  GtkRevealer parent_instance;

  GtkLabel *label;
  guint timeout;
};

G_DEFINE_FINAL_TYPE (PmUndoBar, pm_undo_bar, GTK_TYPE_REVEALER)

static gboolean
timeout_cb (gpointer data)
{
  PmUndoBar *self = PM_UNDO_BAR (data);

  self->timeout = 0;
  pm_undo_bar_hide (self);
  return G_SOURCE_REMOVE;
}

static void
close_clicked_cb (GtkButton *button, PmUndoBar *self)
{
  pm_undo_bar_hide (self);
}

static void
pm_undo_bar_dispose (GObject *object)
{
  g_clear_handle_id (&PM_UNDO_BAR (object)->timeout, g_source_remove);
  G_OBJECT_CLASS (pm_undo_bar_parent_class)->dispose (object);
}

static void
pm_undo_bar_class_init (PmUndoBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_undo_bar_dispose;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/widgets/pm-undo-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, PmUndoBar, label);
  gtk_widget_class_bind_template_callback (widget_class, close_clicked_cb);
}

static void
pm_undo_bar_init (PmUndoBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

void
pm_undo_bar_show (PmUndoBar *self, const char *text)
{
  g_clear_handle_id (&self->timeout, g_source_remove);
  gtk_label_set_label (self->label, text);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self), TRUE);
  self->timeout = g_timeout_add_seconds (SHOWN_SECONDS, timeout_cb, self);
}

void
pm_undo_bar_hide (PmUndoBar *self)
{
  g_clear_handle_id (&self->timeout, g_source_remove);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self), FALSE);
}
