// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Advanced…: how many connections, messages and recipients the service takes on at once.

#include "config.h"

#include "ui/dialogs/pm-limits-dialog.h"

struct _PmLimitsDialog
{
  GtkDialog parent_instance;

  GtkSpinButton *inbound_spin;
  GtkSpinButton *outbound_spin;
  GtkSpinButton *per_host_spin;
  GtkSpinButton *messages_spin;
  GtkSpinButton *recipients_spin;
};

G_DEFINE_FINAL_TYPE (PmLimitsDialog, pm_limits_dialog, GTK_TYPE_DIALOG)

static void
pm_limits_dialog_class_init (PmLimitsDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-limits-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmLimitsDialog, inbound_spin);
  gtk_widget_class_bind_template_child (widget_class, PmLimitsDialog, outbound_spin);
  gtk_widget_class_bind_template_child (widget_class, PmLimitsDialog, per_host_spin);
  gtk_widget_class_bind_template_child (widget_class, PmLimitsDialog, messages_spin);
  gtk_widget_class_bind_template_child (widget_class, PmLimitsDialog, recipients_spin);
}

static void
pm_limits_dialog_init (PmLimitsDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

PmLimitsDialog *
pm_limits_dialog_new (GtkWindow *parent, const PmMailService *service)
{
  PmLimitsDialog *self = g_object_new (PM_TYPE_LIMITS_DIALOG, "transient-for", parent,
                                       "use-header-bar", FALSE, NULL);

  gtk_spin_button_set_value (self->inbound_spin, service->max_inbound);
  gtk_spin_button_set_value (self->outbound_spin, service->max_outbound);
  gtk_spin_button_set_value (self->per_host_spin, service->max_per_host);
  gtk_spin_button_set_value (self->messages_spin, service->max_messages_per_connection);
  gtk_spin_button_set_value (self->recipients_spin, service->max_recipients);
  return self;
}

void
pm_limits_dialog_collect (PmLimitsDialog *self, PmMailService *service)
{
  service->max_inbound = (guint) gtk_spin_button_get_value_as_int (self->inbound_spin);
  service->max_outbound = (guint) gtk_spin_button_get_value_as_int (self->outbound_spin);
  service->max_per_host = (guint) gtk_spin_button_get_value_as_int (self->per_host_spin);
  service->max_messages_per_connection =
      (guint) gtk_spin_button_get_value_as_int (self->messages_spin);
  service->max_recipients = (guint) gtk_spin_button_get_value_as_int (self->recipients_spin);
}
