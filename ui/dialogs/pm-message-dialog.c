// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Details of a queued message: its recipients with what their hosts said, and its header.

#include "config.h"

#include "ui/dialogs/pm-message-dialog.h"

#include <glib/gi18n.h>

#include "base/pm-error.h"
#include "bus/pm-bus-error.h"
#include "ui/pages/pm-queue-text.h"
#include "ui/widgets/pm-column-widths.h"

struct _PmMessageDialog
{
  GtkDialog parent_instance;

  GtkLabel *originator_label;
  GtkLabel *submitted_label;
  GtkLabel *size_label;
  GtkLabel *id_label;
  GtkTreeView *recipients_view;
  GtkListStore *recipients_store;
  GtkTextView *header_view;
  GtkLabel *status_label;

  GCancellable *cancellable; /* (owned) */
};

G_DEFINE_FINAL_TYPE (PmMessageDialog, pm_message_dialog, GTK_TYPE_DIALOG)

static void
add_recipient (PmMessageDialog *self, GVariant *recipient)
{
  const char *address;
  const char *state;
  const char *reply;
  guint attempts;
  gint64 next;
  g_autofree char *attempts_text = NULL;
  g_autofree char *next_text = NULL;

  g_variant_get (recipient, "(&s&sux&s)", &address, &state, &attempts, &next, &reply);
  attempts_text = g_strdup_printf ("%u", attempts);
  next_text = pm_queue_text_time (next);
  gtk_list_store_insert_with_values (self->recipients_store, NULL, -1, 0, address, 1,
                                     pm_queue_text_state (state), 2, attempts_text, 3, next_text,
                                     4, reply, -1);
}

static void
shown_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmMessageDialog) self = data;
  g_autofree char *header = NULL;
  g_autofree char *valid = NULL;
  g_autoptr (GVariant) recipients = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) found = NULL;
  GVariantIter iter;
  GVariant *recipient;

  if (!pm_bus_relay_call_show_message_finish (PM_BUS_RELAY (source), &header, &recipients, result,
                                              &error))
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
      found = pm_bus_error_translate (error);
      if (g_error_matches (found, PM_ERROR, PM_ERROR_NOT_FOUND))
        valid = g_strdup_printf (_ ("The message cannot be shown: %s. It may have been delivered "
                                    "meanwhile; choose Refresh."),
                                 found->message);
      else
        valid = g_strdup_printf (_ ("The message cannot be shown. %s"), found->message);
      gtk_label_set_text (self->status_label, valid);
      return;
    }
  gtk_label_set_text (self->status_label, "");
  valid = g_utf8_make_valid (header, -1);
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->header_view), valid, -1);
  g_variant_iter_init (&iter, recipients);
  while ((recipient = g_variant_iter_next_value (&iter)) != NULL)
    {
      add_recipient (self, recipient);
      g_variant_unref (recipient);
    }
}

static void
pm_message_dialog_dispose (GObject *object)
{
  PmMessageDialog *self = PM_MESSAGE_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  G_OBJECT_CLASS (pm_message_dialog_parent_class)->dispose (object);
}

static void
pm_message_dialog_finalize (GObject *object)
{
  PmMessageDialog *self = PM_MESSAGE_DIALOG (object);

  g_clear_object (&self->cancellable);
  G_OBJECT_CLASS (pm_message_dialog_parent_class)->finalize (object);
}

static void
pm_message_dialog_class_init (PmMessageDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_message_dialog_dispose;
  G_OBJECT_CLASS (klass)->finalize = pm_message_dialog_finalize;

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-message-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmMessageDialog, originator_label);
  gtk_widget_class_bind_template_child (widget_class, PmMessageDialog, submitted_label);
  gtk_widget_class_bind_template_child (widget_class, PmMessageDialog, size_label);
  gtk_widget_class_bind_template_child (widget_class, PmMessageDialog, id_label);
  gtk_widget_class_bind_template_child (widget_class, PmMessageDialog, recipients_view);
  gtk_widget_class_bind_template_child (widget_class, PmMessageDialog, recipients_store);
  gtk_widget_class_bind_template_child (widget_class, PmMessageDialog, header_view);
  gtk_widget_class_bind_template_child (widget_class, PmMessageDialog, status_label);
}

static void
pm_message_dialog_init (PmMessageDialog *self)
{
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  pm_column_widths_fit_font (self->recipients_view);
}

PmMessageDialog *
pm_message_dialog_new (GtkWindow *parent,
                       PmBusRelay *relay,
                       guint64 id,
                       const char *originator,
                       const char *submitted,
                       const char *size)
{
  PmMessageDialog *self = g_object_new (PM_TYPE_MESSAGE_DIALOG, "transient-for", parent,
                                        "use-header-bar", FALSE, NULL);
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, id);

  gtk_label_set_text (self->originator_label, originator);
  gtk_label_set_text (self->submitted_label, submitted);
  gtk_label_set_text (self->size_label, size);
  gtk_label_set_text (self->id_label, number);
  gtk_label_set_text (self->status_label, _ ("Reading the message…"));
  // A person asked to see it: a password may be asked for, and takes as long as it takes.
  g_dbus_proxy_call (G_DBUS_PROXY (relay), "ShowMessage", g_variant_new ("(t)", id),
                     G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT,
                     self->cancellable, shown_cb, g_object_ref (self));
  return self;
}
