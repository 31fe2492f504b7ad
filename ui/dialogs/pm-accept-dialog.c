// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Hosts…: from whom connections are accepted, the first entry that matches deciding.

#include "config.h"

#include "ui/dialogs/pm-accept-dialog.h"

#include <glib/gi18n.h>

#include "ui/dialogs/pm-endpoint-dialog.h"

struct _PmAcceptDialog
{
  GtkDialog parent_instance;

  GtkLabel *rules_label;
  PmListEditor *rules_editor;
  GtkLabel *default_note;
};

G_DEFINE_FINAL_TYPE (PmAcceptDialog, pm_accept_dialog, GTK_TYPE_DIALOG)

static void
pm_accept_dialog_class_init (PmAcceptDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  g_type_ensure (PM_TYPE_LIST_EDITOR);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-accept-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmAcceptDialog, rules_label);
  gtk_widget_class_bind_template_child (widget_class, PmAcceptDialog, rules_editor);
  gtk_widget_class_bind_template_child (widget_class, PmAcceptDialog, default_note);
}

static void
pm_accept_dialog_init (PmAcceptDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  pm_endpoint_list_setup (self->rules_editor, PM_ENDPOINT_ACCEPT_RULE);
  pm_list_editor_set_label (self->rules_editor, self->rules_label);
}

PmAcceptDialog *
pm_accept_dialog_new (GtkWindow *parent, const PmMailService *service)
{
  PmAcceptDialog *self = g_object_new (PM_TYPE_ACCEPT_DIALOG, "transient-for", parent,
                                       "use-header-bar", FALSE, NULL);

  pm_list_editor_set_items (self->rules_editor, service->accept_rules);
  gtk_label_set_text (self->default_note,
                      service->accept_default
                          ? _ ("Connections from all other hosts are accepted.")
                          : _ ("Connections from all other hosts are rejected."));
  return self;
}

void
pm_accept_dialog_collect (PmAcceptDialog *self, PmMailService *service)
{
  g_ptr_array_unref (service->accept_rules);
  service->accept_rules = pm_list_editor_dup_items (self->rules_editor);
}
