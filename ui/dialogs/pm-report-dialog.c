// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A list of things to read.

#include "config.h"

#include "ui/dialogs/pm-report-dialog.h"

struct _PmReportDialog
{
  GtkDialog parent_instance;

  GtkLabel *heading;
  GtkWidget *frame;
  GtkListBox *list;
};

G_DEFINE_FINAL_TYPE (PmReportDialog, pm_report_dialog, GTK_TYPE_DIALOG)

static void
pm_report_dialog_response (GtkDialog *dialog, int response)
{
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
pm_report_dialog_class_init (PmReportDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  GTK_DIALOG_CLASS (klass)->response = pm_report_dialog_response;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-report-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmReportDialog, heading);
  gtk_widget_class_bind_template_child (widget_class, PmReportDialog, frame);
  gtk_widget_class_bind_template_child (widget_class, PmReportDialog, list);
}

static void
pm_report_dialog_init (PmReportDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * pm_report_dialog_new:
 * @heading: what the list says as a whole
 */
PmReportDialog *
pm_report_dialog_new (GtkWindow *parent, const char *title, const char *heading)
{
  PmReportDialog *self = g_object_new (PM_TYPE_REPORT_DIALOG, "use-header-bar", FALSE,
                                       "title", title, "transient-for", parent, NULL);

  gtk_label_set_label (self->heading, heading);
  return self;
}

static GtkWidget *
new_label (const char *text, gboolean dim)
{
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "visible", TRUE, "label", text, "xalign", 0.0,
                                   "wrap", TRUE, "wrap-mode", PANGO_WRAP_WORD_CHAR,
                                   "max-width-chars", 60, NULL);

  if (dim)
    gtk_style_context_add_class (gtk_widget_get_style_context (label), GTK_STYLE_CLASS_DIM_LABEL);
  return label;
}

/**
 * pm_report_dialog_add:
 * @kind: what the symbol means, in a word
 * @text: (nullable)
 * @where: (nullable)
 */
void
pm_report_dialog_add (PmReportDialog *self, const char *icon_name, const char *kind,
                      const char *text, const char *where)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *icon = gtk_image_new_from_icon_name (icon_name, GTK_ICON_SIZE_MENU);
  GtkWidget *grid = g_object_new (GTK_TYPE_GRID, "margin", 6, "column-spacing", 12,
                                  "row-spacing", 3, NULL);
  GtkWidget *label = new_label (kind, FALSE);
  int line = 0;

  gtk_style_context_add_class (gtk_widget_get_style_context (label), "heading");
  gtk_grid_attach (GTK_GRID (grid), icon, 0, 0, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), label, 1, line++, 1, 1);
  if (text != NULL && *text != '\0')
    gtk_grid_attach (GTK_GRID (grid), new_label (text, FALSE), 1, line++, 1, 1);
  if (where != NULL && *where != '\0')
    gtk_grid_attach (GTK_GRID (grid), new_label (where, TRUE), 1, line++, 1, 1);
  gtk_container_add (GTK_CONTAINER (row), grid);
  atk_object_set_name (gtk_widget_get_accessible (row), kind);
  gtk_widget_show_all (row);
  gtk_list_box_insert (self->list, row, -1);
  gtk_widget_show (self->frame);
}
