// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What two people made of the same site, side by side, and the choice between them.

#include "config.h"

#include "ui/dialogs/pm-conflict-dialog.h"

#include <glib/gi18n.h>

#include "site/pm-site-file.h"
#include "ui/pm-change-text.h"
#include "ui/widgets/pm-column-widths.h"

struct _PmConflictDialog
{
  GtkDialog parent_instance;

  GtkTreeView *changes_view;
  GtkListStore *changes_store;
};

G_DEFINE_FINAL_TYPE (PmConflictDialog, pm_conflict_dialog, GTK_TYPE_DIALOG)

/* More than this nobody reads. */
#define MAX_CHANGES 500

static void
pm_conflict_dialog_class_init (PmConflictDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-conflict-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmConflictDialog, changes_view);
  gtk_widget_class_bind_template_child (widget_class, PmConflictDialog, changes_store);
}

static void
pm_conflict_dialog_init (PmConflictDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  pm_column_widths_fit_font (self->changes_view);
}

// An element that its place has said everything of has no value that could stand here.
static char *
dup_value (const PmSiteChange *change, const char *value, const char *absent)
{
  g_autofree char *text = value != NULL ? pm_change_text_value (change, value) : g_strdup (absent);

  if (*text == '\0' && value != NULL && *value == '<')
    return g_strdup (_ ("(there)"));
  return g_steal_pointer (&text);
}

static void
add_changes (PmConflictDialog *self, const char *who, const PmSite *from, const PmSite *to)
{
  g_autoptr (GPtrArray) changes = pm_site_difference (from, to);

  for (guint i = 0; i < changes->len && i < MAX_CHANGES; i++)
    {
      const PmSiteChange *change = changes->pdata[i];

      g_autofree char *where = pm_change_text_place (change);
      g_autofree char *before = dup_value (change, change->from, _ ("(nothing)"));
      g_autofree char *after = dup_value (change, change->to, _ ("(removed)"));

      gtk_list_store_insert_with_values (self->changes_store, NULL, -1, 0, who, 1, where, 2,
                                         before, 3, after, -1);
    }
}

PmConflictDialog *
pm_conflict_dialog_new (GtkWindow *parent,
                        const PmSite *base,
                        const PmSite *mine,
                        const PmSite *theirs)
{
  PmConflictDialog *self = g_object_new (PM_TYPE_CONFLICT_DIALOG, "transient-for", parent,
                                         "modal", TRUE, "use-header-bar", FALSE, NULL);

  add_changes (self, _ ("them"), base, theirs);
  add_changes (self, _ ("you"), base, mine);
  return self;
}
