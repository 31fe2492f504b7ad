// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Time-outs…: after how long a sender hears that a message is late, and that it is given up.

#include "config.h"

#include "ui/dialogs/pm-timeouts-dialog.h"

#include <glib/gi18n.h>

#include "ui/properties/pm-duration-text.h"
#include "ui/properties/pm-field.h"

struct _PmTimeoutsDialog
{
  GtkDialog parent_instance;

  GtkEntry *notify_entry;
  GtkEntry *timeout_entry;
  GtkLabel *reason_label;
  GtkWidget *ok_button;
};

G_DEFINE_FINAL_TYPE (PmTimeoutsDialog, pm_timeouts_dialog, GTK_TYPE_DIALOG)

static gboolean
check_entry (GtkEntry *entry, guint *seconds, GError **error)
{
  g_autoptr (GError) wrong = NULL;
  gboolean valid = pm_duration_text_parse (gtk_entry_get_text (entry), seconds, &wrong);

  return pm_field_check (GTK_WIDGET (entry), valid, error, "%s", valid ? "" : wrong->message);
}

static void
update (PmTimeoutsDialog *self)
{
  g_autoptr (GError) error = NULL;
  guint notify = 0;
  guint timeout = 0;
  gboolean valid = check_entry (self->notify_entry, &notify, &error);

  valid = check_entry (self->timeout_entry, &timeout, valid ? &error : NULL) && valid;
  if (valid)
    valid = pm_field_check (GTK_WIDGET (self->notify_entry), notify <= timeout, &error,
                            _ ("The notification must come before the time-out"));

  gtk_label_set_text (self->reason_label, valid ? "" : error->message);
  gtk_widget_set_sensitive (self->ok_button, valid);
  gtk_widget_set_tooltip_text (self->ok_button, valid ? NULL : error->message);
}

static void
changed_cb (PmTimeoutsDialog *self)
{
  g_assert (PM_IS_TIMEOUTS_DIALOG (self));
  update (self);
}

static void
pm_timeouts_dialog_class_init (PmTimeoutsDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-timeouts-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmTimeoutsDialog, notify_entry);
  gtk_widget_class_bind_template_child (widget_class, PmTimeoutsDialog, timeout_entry);
  gtk_widget_class_bind_template_child (widget_class, PmTimeoutsDialog, reason_label);
  gtk_widget_class_bind_template_child (widget_class, PmTimeoutsDialog, ok_button);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
}

static void
pm_timeouts_dialog_init (PmTimeoutsDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

PmTimeoutsDialog *
pm_timeouts_dialog_new (GtkWindow *parent, const PmMailService *service)
{
  PmTimeoutsDialog *self = g_object_new (PM_TYPE_TIMEOUTS_DIALOG, "transient-for", parent,
                                         "use-header-bar", FALSE, NULL);
  g_autofree char *notify = pm_duration_text_format (service->retry_notify);
  g_autofree char *timeout = pm_duration_text_format (service->retry_timeout);

  gtk_entry_set_text (self->notify_entry, notify);
  gtk_entry_set_text (self->timeout_entry, timeout);
  return self;
}

void
pm_timeouts_dialog_collect (PmTimeoutsDialog *self, PmMailService *service)
{
  guint seconds;

  if (pm_duration_text_parse (gtk_entry_get_text (self->notify_entry), &seconds, NULL))
    service->retry_notify = seconds;
  if (pm_duration_text_parse (gtk_entry_get_text (self->timeout_entry), &seconds, NULL))
    service->retry_timeout = seconds;
}
