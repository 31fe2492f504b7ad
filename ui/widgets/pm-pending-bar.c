// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The bar that reminds of changes that the running service does not know yet.

#include "config.h"

#include "ui/widgets/pm-pending-bar.h"

#include <glib/gi18n.h>

struct _PmPendingBar
{
  GtkRevealer parent_instance;

  GtkLabel *label;
  GtkWidget *show_button;

  PmPendingChanges *changes; /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (PmPendingBar, pm_pending_bar, GTK_TYPE_REVEALER)

static void
update (PmPendingBar *self)
{
  GPtrArray *changes = pm_pending_changes_get_changes (self->changes);
  guint n = changes != NULL ? changes->len : 0;
  g_autofree char *text = NULL;

  if (changes == NULL)
    text = g_strdup (_ ("Changes are saved but not in force."));
  else if (n == 0)
    text = g_strdup (_ ("The site file was rewritten without a change that matters to the "
                        "service; it has not read the new one."));
  else
    text = g_strdup_printf (ngettext ("%u change is saved but not in force.",
                                      "%u changes are saved but not in force.", n),
                            n);
  gtk_label_set_label (self->label, text);
  gtk_widget_set_visible (self->show_button, n > 0);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self),
                                 pm_pending_changes_get_pending (self->changes));
}

static void
pm_pending_bar_dispose (GObject *object)
{
  g_clear_object (&PM_PENDING_BAR (object)->changes);
  G_OBJECT_CLASS (pm_pending_bar_parent_class)->dispose (object);
}

static void
pm_pending_bar_class_init (PmPendingBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_pending_bar_dispose;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/widgets/pm-pending-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, PmPendingBar, label);
  gtk_widget_class_bind_template_child (widget_class, PmPendingBar, show_button);
}

static void
pm_pending_bar_init (PmPendingBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* Once. */
void
pm_pending_bar_set_changes (PmPendingBar *self, PmPendingChanges *changes)
{
  g_return_if_fail (self->changes == NULL);

  self->changes = g_object_ref (changes);
  g_signal_connect_object (changes, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
}
