// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A short list of values with Add…, Edit…, Remove and, where the order matters, Move Up and Move
// Down. Several of them stand on one page, so their keys are those of the list that has the focus:
// Insert, Enter, Delete, Ctrl+Up and Ctrl+Down; the list's label leads there. It knows nothing of
// the values: a kind says what they look like and how one is edited.

#include "config.h"

#include "ui/properties/pm-list-editor.h"

#include <glib/gi18n.h>

struct _PmListEditor
{
  GtkBox parent_instance;

  GtkScrolledWindow *scroller;
  GtkTreeView *view;
  GtkTreeSelection *selection;
  GtkListStore *store;
  GtkLabel *empty_label;
  GtkWidget *add_button;
  GtkWidget *edit_button;
  GtkWidget *remove_button;
  GtkWidget *up_button;
  GtkWidget *down_button;

  const PmListKind *kind;
  gconstpointer kind_data;

  GPtrArray *items; /* (owned) in the order of the store's rows */
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmListEditor, pm_list_editor, GTK_TYPE_BOX)

// The selected rows' indices, first first.
static GArray *
get_selected (PmListEditor *self)
{
  GArray *indices = g_array_new (FALSE, FALSE, sizeof (guint));
  GList *paths = gtk_tree_selection_get_selected_rows (self->selection, NULL);

  for (GList *item = paths; item != NULL; item = item->next)
    {
      guint index = (guint) gtk_tree_path_get_indices (item->data)[0];

      g_array_append_val (indices, index);
    }
  g_list_free_full (paths, (GDestroyNotify) gtk_tree_path_free);
  return indices;
}

static void
update_buttons (PmListEditor *self)
{
  g_autoptr (GArray) selected = get_selected (self);
  gboolean one = selected->len == 1;
  guint index = one ? g_array_index (selected, guint, 0) : 0;

  gtk_widget_set_sensitive (self->edit_button, one);
  gtk_widget_set_sensitive (self->remove_button, selected->len > 0);
  gtk_widget_set_sensitive (self->up_button, one && index > 0);
  gtk_widget_set_sensitive (self->down_button, one && index + 1 < self->items->len);
  gtk_widget_set_visible (GTK_WIDGET (self->empty_label), self->items->len == 0);
}

static void
set_row (PmListEditor *self, GtkTreeIter *iter, gconstpointer item)
{
  for (guint i = 0; i < self->kind->n_columns; i++)
    {
      g_autofree char *text = self->kind->get_text (item, i);

      gtk_list_store_set (self->store, iter, (int) i, text, -1);
    }
}

static void
select_index (PmListEditor *self, guint index)
{
  g_autoptr (GtkTreePath) path = gtk_tree_path_new_from_indices ((int) index, -1);

  gtk_tree_view_set_cursor (self->view, path, NULL, FALSE);
}

static void
changed (PmListEditor *self)
{
  update_buttons (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
remove_selected (PmListEditor *self)
{
  g_autoptr (GArray) selected = get_selected (self);

  if (selected->len == 0)
    return;
  for (guint i = selected->len; i > 0; i--)
    {
      guint index = g_array_index (selected, guint, i - 1);
      GtkTreeIter iter;

      gtk_tree_model_iter_nth_child (GTK_TREE_MODEL (self->store), &iter, NULL, (int) index);
      gtk_list_store_remove (self->store, &iter);
      g_ptr_array_remove_index (self->items, index);
    }
  if (self->items->len > 0)
    select_index (self, MIN (g_array_index (selected, guint, 0), self->items->len - 1));
  else
    gtk_widget_grab_focus (self->add_button);
  changed (self);
}

static void
edit_selected (PmListEditor *self)
{
  g_autoptr (GArray) selected = get_selected (self);

  if (selected->len == 1)
    self->kind->edit (self, self->items->pdata[g_array_index (selected, guint, 0)],
                      self->kind_data);
}

static void
move_selected (PmListEditor *self, int by)
{
  g_autoptr (GArray) selected = get_selected (self);
  guint from;
  guint to;
  gpointer item;
  GtkTreeIter first;
  GtkTreeIter second;

  if (selected->len != 1)
    return;
  from = g_array_index (selected, guint, 0);
  if ((by < 0 && from == 0) || (by > 0 && from + 1 >= self->items->len))
    return;
  to = by < 0 ? from - 1 : from + 1;

  item = self->items->pdata[from];
  self->items->pdata[from] = self->items->pdata[to];
  self->items->pdata[to] = item;
  gtk_tree_model_iter_nth_child (GTK_TREE_MODEL (self->store), &first, NULL, (int) from);
  gtk_tree_model_iter_nth_child (GTK_TREE_MODEL (self->store), &second, NULL, (int) to);
  gtk_list_store_swap (self->store, &first, &second);
  changed (self);
}

static void
row_activated_cb (GtkTreeView *view,
                  GtkTreePath *path,
                  GtkTreeViewColumn *column,
                  PmListEditor *self)
{
  g_assert (PM_IS_LIST_EDITOR (self));
  edit_selected (self);
}

static gboolean
key_press_event_cb (GtkWidget *view, GdkEventKey *event, PmListEditor *self)
{
  gboolean control = (event->state & gtk_accelerator_get_default_mod_mask ()) == GDK_CONTROL_MASK;
  gboolean movable = control && self->kind->ordered;

  g_assert (PM_IS_LIST_EDITOR (self));

  if (event->keyval == GDK_KEY_Delete || event->keyval == GDK_KEY_KP_Delete)
    remove_selected (self);
  else if (event->keyval == GDK_KEY_Insert || event->keyval == GDK_KEY_KP_Insert)
    self->kind->edit (self, NULL, self->kind_data);
  else if (movable && event->keyval == GDK_KEY_Up)
    move_selected (self, -1);
  else if (movable && event->keyval == GDK_KEY_Down)
    move_selected (self, 1);
  else
    return GDK_EVENT_PROPAGATE;
  return GDK_EVENT_STOP;
}

static void
selection_changed_cb (GtkTreeSelection *selection, PmListEditor *self)
{
  g_assert (PM_IS_LIST_EDITOR (self));
  update_buttons (self);
}

static void
add_clicked_cb (GtkButton *button, PmListEditor *self)
{
  g_assert (PM_IS_LIST_EDITOR (self));
  self->kind->edit (self, NULL, self->kind_data);
}

static void
edit_clicked_cb (GtkButton *button, PmListEditor *self)
{
  g_assert (PM_IS_LIST_EDITOR (self));
  edit_selected (self);
}

static void
remove_clicked_cb (GtkButton *button, PmListEditor *self)
{
  g_assert (PM_IS_LIST_EDITOR (self));
  remove_selected (self);
}

static void
up_clicked_cb (GtkButton *button, PmListEditor *self)
{
  g_assert (PM_IS_LIST_EDITOR (self));
  move_selected (self, -1);
}

static void
down_clicked_cb (GtkButton *button, PmListEditor *self)
{
  g_assert (PM_IS_LIST_EDITOR (self));
  move_selected (self, 1);
}

// Room for three rows and the titles in the font there is, so that a large one cuts nothing off.
static void
pm_list_editor_style_updated (GtkWidget *widget)
{
  PmListEditor *self = PM_LIST_EDITOR (widget);
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, "X");
  gboolean titles = gtk_tree_view_get_headers_visible (self->view);
  int line;

  GTK_WIDGET_CLASS (pm_list_editor_parent_class)->style_updated (widget);
  pango_layout_get_pixel_size (layout, NULL, &line);
  gtk_scrolled_window_set_min_content_height (self->scroller, line * (titles ? 6 : 4));
  gtk_widget_set_margin_top (GTK_WIDGET (self->empty_label), titles ? line * 2 : 6);
}

static void
pm_list_editor_finalize (GObject *object)
{
  PmListEditor *self = PM_LIST_EDITOR (object);

  g_ptr_array_unref (self->items);
  G_OBJECT_CLASS (pm_list_editor_parent_class)->finalize (object);
}

static void
pm_list_editor_class_init (PmListEditorClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_list_editor_finalize;
  widget_class->style_updated = pm_list_editor_style_updated;

  signals[CHANGED] = g_signal_new ("changed", PM_TYPE_LIST_EDITOR, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/properties/pm-list-editor.ui");
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, scroller);
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, view);
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, selection);
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, store);
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, empty_label);
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, add_button);
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, edit_button);
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, remove_button);
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, up_button);
  gtk_widget_class_bind_template_child (widget_class, PmListEditor, down_button);
  gtk_widget_class_bind_template_callback (widget_class, row_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, key_press_event_cb);
  gtk_widget_class_bind_template_callback (widget_class, selection_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, add_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, edit_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, up_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, down_clicked_cb);
}

static void
pm_list_editor_init (PmListEditor *self)
{
  self->items = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * pm_list_editor_set_kind:
 * @kind: (transfer none): static
 * @data: (nullable): passed to its edit()
 *
 * To be called once, before anything else.
 */
void
pm_list_editor_set_kind (PmListEditor *self, const PmListKind *kind, gconstpointer data)
{
  self->kind = kind;
  self->kind_data = data;
  g_ptr_array_unref (self->items);
  self->items = g_ptr_array_new_with_free_func (kind->free);

  for (guint i = 0; i < kind->n_columns; i++)
    {
      GtkCellRenderer *cell = gtk_cell_renderer_text_new ();
      GtkTreeViewColumn *column =
          gtk_tree_view_column_new_with_attributes (_ (kind->titles[i]), cell, "text", i, NULL);

      gtk_tree_view_column_set_expand (column, i == 0);
      gtk_tree_view_column_set_resizable (column, TRUE);
      gtk_tree_view_append_column (self->view, column);
    }
  gtk_tree_view_set_headers_visible (self->view, kind->n_columns > 1);
  pm_list_editor_style_updated (GTK_WIDGET (self));
  gtk_label_set_text (self->empty_label, _ (kind->empty));
  gtk_widget_set_visible (self->up_button, kind->ordered);
  gtk_widget_set_visible (self->down_button, kind->ordered);
  update_buttons (self);
}

/**
 * pm_list_editor_set_label:
 * @label: the list's name on the screen; its mnemonic leads here
 */
void
pm_list_editor_set_label (PmListEditor *self, GtkLabel *label)
{
  gtk_label_set_mnemonic_widget (label, GTK_WIDGET (self->view));
  pm_list_editor_set_name (self, gtk_label_get_text (label));
}

/**
 * pm_list_editor_set_name:
 * @name: what the list is, for those who do not see what stands around it
 */
void
pm_list_editor_set_name (PmListEditor *self, const char *name)
{
  AtkObject *accessible = gtk_widget_get_accessible (GTK_WIDGET (self->view));

  if (accessible != NULL)
    atk_object_set_name (accessible, name);
}

/**
 * pm_list_editor_set_items:
 * @items: what the list shows from now on; its elements are copied
 */
void
pm_list_editor_set_items (PmListEditor *self, GPtrArray *items)
{
  gtk_list_store_clear (self->store);
  g_ptr_array_set_size (self->items, 0);
  for (guint i = 0; i < items->len; i++)
    {
      GtkTreeIter iter;

      g_ptr_array_add (self->items, self->kind->copy (items->pdata[i], NULL));
      gtk_list_store_append (self->store, &iter);
      set_row (self, &iter, items->pdata[i]);
    }
  update_buttons (self);
}

/**
 * pm_list_editor_dup_items:
 *
 * Returns: (transfer full): a list of its own with what the list shows
 */
GPtrArray *
pm_list_editor_dup_items (PmListEditor *self)
{
  GPtrArray *items = g_ptr_array_new_with_free_func (self->kind->free);

  for (guint i = 0; i < self->items->len; i++)
    g_ptr_array_add (items, self->kind->copy (self->items->pdata[i], NULL));
  return items;
}

guint
pm_list_editor_get_size (PmListEditor *self)
{
  return self->items->len;
}

/**
 * pm_list_editor_put:
 * @former: (nullable): the element that is replaced; %NULL to add one
 * @item: (transfer full): the new one
 */
void
pm_list_editor_put (PmListEditor *self, gconstpointer former, gpointer item)
{
  GtkTreeIter iter;
  guint index;

  if (former != NULL && g_ptr_array_find (self->items, former, &index))
    {
      self->kind->free (self->items->pdata[index]);
      self->items->pdata[index] = item;
      gtk_tree_model_iter_nth_child (GTK_TREE_MODEL (self->store), &iter, NULL, (int) index);
    }
  else
    {
      index = self->items->len;
      g_ptr_array_add (self->items, item);
      gtk_list_store_append (self->store, &iter);
    }
  set_row (self, &iter, item);
  select_index (self, index);
  changed (self);
}
