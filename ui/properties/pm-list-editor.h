// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define PM_TYPE_LIST_EDITOR (pm_list_editor_get_type ())
G_DECLARE_FINAL_TYPE (PmListEditor, pm_list_editor, PM, LIST_EDITOR, GtkBox)

#define PM_LIST_EDITOR_MAX_COLUMNS 3

/**
 * PmListKind:
 * @n_columns: how many of @titles and columns of get_text() there are
 * @titles: column titles, untranslated; a single column shows none
 * @empty: what belongs here and what an empty list means, untranslated
 * @ordered: whether the order matters, so that elements can be moved
 * @get_text: (returns transfer full): what a column says of an element
 * @copy: takes or makes another reference to an element
 * @free: gives it back
 * @edit: lets a person change @item, or make one when it is %NULL, and then calls
 *   pm_list_editor_put()
 */
typedef struct
{
  guint n_columns;
  const char *titles[PM_LIST_EDITOR_MAX_COLUMNS];
  const char *empty;
  gboolean ordered;
  char *(*get_text) (gconstpointer item, guint column);
  GCopyFunc copy;
  GDestroyNotify free;
  void (*edit) (PmListEditor *editor, gconstpointer item, gconstpointer data);
} PmListKind;

void pm_list_editor_set_kind (PmListEditor *self, const PmListKind *kind, gconstpointer data);
void pm_list_editor_set_label (PmListEditor *self, GtkLabel *label);
void pm_list_editor_set_name (PmListEditor *self, const char *name);
void pm_list_editor_set_items (PmListEditor *self, GPtrArray *items);
GPtrArray *pm_list_editor_dup_items (PmListEditor *self);
guint pm_list_editor_get_size (PmListEditor *self);
void pm_list_editor_put (PmListEditor *self, gconstpointer former, gpointer item);

G_END_DECLS
