// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A finding as a row.

#include "config.h"

#include "ui/mx/pm-mx-finding-row.h"

#include <glib/gi18n.h>

#include "ui/mx/pm-mx-status.h"

struct _PmMxFindingRow
{
  GtkListBoxRow parent_instance;

  // template
  GtkImage *icon;
  GtkLabel *caption_label;
  GtkLabel *meaning_label;
  GtkLabel *action_label;
  GtkBox *lines_box;
  GtkLabel *lines_label;
  GtkButton *copy_button;

  char *lines; /* (nullable) (owned) */
};

G_DEFINE_FINAL_TYPE (PmMxFindingRow, pm_mx_finding_row, GTK_TYPE_LIST_BOX_ROW)

static void
copy_clicked_cb (GtkButton *button, PmMxFindingRow *self)
{
  GtkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self), GDK_SELECTION_CLIPBOARD);

  gtk_clipboard_set_text (clipboard, self->lines, -1);
  gtk_button_set_label (button, _ ("Copied"));
}

static void
show_text (GtkLabel *label, const char *text)
{
  gtk_label_set_text (label, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL);
}

static void
pm_mx_finding_row_finalize (GObject *object)
{
  g_free (PM_MX_FINDING_ROW (object)->lines);
  G_OBJECT_CLASS (pm_mx_finding_row_parent_class)->finalize (object);
}

static void
pm_mx_finding_row_class_init (PmMxFindingRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_mx_finding_row_finalize;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/mx/pm-mx-finding-row.ui");
  gtk_widget_class_bind_template_child (widget_class, PmMxFindingRow, icon);
  gtk_widget_class_bind_template_child (widget_class, PmMxFindingRow, caption_label);
  gtk_widget_class_bind_template_child (widget_class, PmMxFindingRow, meaning_label);
  gtk_widget_class_bind_template_child (widget_class, PmMxFindingRow, action_label);
  gtk_widget_class_bind_template_child (widget_class, PmMxFindingRow, lines_box);
  gtk_widget_class_bind_template_child (widget_class, PmMxFindingRow, lines_label);
  gtk_widget_class_bind_template_child (widget_class, PmMxFindingRow, copy_button);
  gtk_widget_class_bind_template_callback (widget_class, copy_clicked_cb);
}

static void
pm_mx_finding_row_init (PmMxFindingRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

static void
set_accessible_name (PmMxFindingRow *self, const PmFinding *finding, const char *meaning)
{
  // Translators: a kind of finding (Warning) and its sentence, as a screen reader says them.
  g_autofree char *name = g_strdup_printf (_ ("%s: %s"), pm_mx_status_get_word (finding->status),
                                           meaning);

  atk_object_set_name (gtk_widget_get_accessible (GTK_WIDGET (self)), name);
}

/**
 * pm_mx_finding_row_new:
 * @finding: what was found; not kept
 *
 * Returns: (transfer floating): a row.
 */
GtkWidget *
pm_mx_finding_row_new (const PmFinding *finding)
{
  PmMxFindingRow *self = g_object_new (PM_TYPE_MX_FINDING_ROW, NULL);
  g_autofree char *meaning = pm_mx_text_format (&finding->meaning);
  g_autofree char *action = pm_mx_text_format (&finding->action);
  // Translators: a kind of finding (Warning) and where its rule comes from (RFC 2181 10.3).
  g_autofree char *caption = g_strdup_printf (_ ("%s · %s"),
                                              pm_mx_status_get_word (finding->status),
                                              finding->check->basis);

  pm_mx_status_apply (finding->status, self->icon);
  gtk_label_set_text (self->caption_label, caption);
  show_text (self->meaning_label, meaning);
  show_text (self->action_label, action);
  self->lines = g_strdup (finding->dns_lines);
  if (self->lines != NULL)
    {
      g_autofree char *shown = g_strchomp (g_strdup (self->lines));

      gtk_label_set_text (self->lines_label, shown);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->lines_box), self->lines != NULL);
  set_accessible_name (self, finding, meaning);
  return GTK_WIDGET (self);
}
