// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The list editor by its keys: what each does to the list, and that nothing happens where nothing
// can.

#include "ui-fixture.h"
#include "ui/properties/pm-list-editor.h"

typedef struct
{
  GtkWidget *window;
  PmListEditor *editor;
  GtkWidget *view;
  guint n_changes;
} Fixture;

// What the kind was last asked to edit: an element, or "(new)".
static char *edited;

static char *
get_text (gconstpointer item, guint column)
{
  return g_strdup (item);
}

static gpointer
copy_text (gconstpointer item, gpointer data)
{
  return g_strdup (item);
}

static void
edit (PmListEditor *editor, gconstpointer item, gconstpointer data)
{
  g_free (edited);
  edited = g_strdup (item != NULL ? item : "(new)");
}

static const PmListKind ordered = { 1, { "Word" }, "No words", TRUE, get_text, copy_text, g_free,
                                    edit };
static const PmListKind unordered = { 1, { "Word" }, "No words", FALSE, get_text, copy_text,
                                      g_free, edit };

static void
count_cb (PmListEditor *editor, guint *count)
{
  (*count)++;
}

static void
set_up (Fixture *self, gconstpointer kind)
{
  static const char *const words[] = { "alpha", "beta", "gamma" };
  g_autoptr (GPtrArray) items = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    g_ptr_array_add (items, (gpointer) words[i]);
  g_clear_pointer (&edited, g_free);
  self->n_changes = 0;
  self->window = gtk_window_new (GTK_WINDOW_TOPLEVEL);
  self->editor = g_object_new (PM_TYPE_LIST_EDITOR, NULL);
  gtk_container_add (GTK_CONTAINER (self->window), GTK_WIDGET (self->editor));
  pm_list_editor_set_kind (self->editor, kind, NULL);
  pm_list_editor_set_items (self->editor, items);
  self->view = ui_fixture_child (self->editor, "view");
  g_signal_connect (self->editor, "changed", G_CALLBACK (count_cb), &self->n_changes);
  gtk_widget_show (self->window);
  gtk_widget_grab_focus (self->view);
  ui_fixture_settle ();
}

static void
tear_down (Fixture *self, gconstpointer kind)
{
  gboolean finalized;

  ui_fixture_watch (self->editor, &finalized);
  gtk_widget_destroy (self->window);
  g_assert_true (finalized);
  g_clear_pointer (&edited, g_free);
}

// As if the window had the keyboard, which it need not have where no window manager gives it.
static void
focus (Fixture *self)
{
  g_autoptr (GdkEvent) event = gdk_event_new (GDK_FOCUS_CHANGE);

  event->focus_change.window = g_object_ref (gtk_widget_get_window (self->view));
  event->focus_change.in = TRUE;
  gtk_widget_send_focus_change (self->view, event);
}

static gboolean
press (Fixture *self, guint keyval, GdkModifierType state)
{
  g_autoptr (GdkEvent) event = gdk_event_new (GDK_KEY_PRESS);
  GdkDisplay *display = gtk_widget_get_display (self->view);
  g_autofree GdkKeymapKey *keys = NULL;
  int n_keys;

  g_assert_true (gdk_keymap_get_entries_for_keyval (gdk_keymap_get_for_display (display), keyval,
                                                    &keys, &n_keys));
  focus (self);
  event->key.window = g_object_ref (gtk_widget_get_window (self->view));
  event->key.keyval = keyval;
  event->key.hardware_keycode = (guint16) keys[0].keycode;
  event->key.group = (guint8) keys[0].group;
  event->key.state = state;
  gdk_event_set_device (event, gdk_seat_get_keyboard (gdk_display_get_default_seat (display)));
  return gtk_widget_event (self->view, event);
}

static void
select_row (Fixture *self, int index)
{
  g_autoptr (GtkTreePath) path = gtk_tree_path_new_from_indices (index, -1);

  gtk_tree_view_set_cursor (GTK_TREE_VIEW (self->view), path, NULL, FALSE);
}

static int
selected_row (Fixture *self)
{
  GtkTreeSelection *selection = gtk_tree_view_get_selection (GTK_TREE_VIEW (self->view));
  GList *rows = gtk_tree_selection_get_selected_rows (selection, NULL);
  int index = rows != NULL ? gtk_tree_path_get_indices (rows->data)[0] : -1;

  g_assert_cmpuint (g_list_length (rows), <=, 1);
  g_list_free_full (rows, (GDestroyNotify) gtk_tree_path_free);
  return index;
}

// What the editor gives back, and that the rows on the screen say the same.
static void
assert_items (Fixture *self, const char *expected)
{
  g_autoptr (GPtrArray) items = pm_list_editor_dup_items (self->editor);
  GtkTreeModel *model = gtk_tree_view_get_model (GTK_TREE_VIEW (self->view));
  g_autoptr (GString) given = g_string_new (NULL);
  g_autoptr (GString) shown = g_string_new (NULL);
  GtkTreeIter iter;

  for (guint i = 0; i < items->len; i++)
    g_string_append_printf (given, "%s ", (const char *) items->pdata[i]);
  for (gboolean more = gtk_tree_model_get_iter_first (model, &iter); more;
       more = gtk_tree_model_iter_next (model, &iter))
    {
      g_autofree char *text = NULL;

      gtk_tree_model_get (model, &iter, 0, &text, -1);
      g_string_append_printf (shown, "%s ", text);
    }
  g_assert_cmpstr (given->str, ==, expected);
  g_assert_cmpstr (shown->str, ==, expected);
}

static void
test_insert (Fixture *self, gconstpointer kind)
{
  g_assert_true (press (self, GDK_KEY_Insert, 0));
  g_assert_cmpstr (edited, ==, "(new)");
  pm_list_editor_put (self->editor, NULL, g_strdup ("delta"));
  assert_items (self, "alpha beta gamma delta ");
  g_assert_cmpint (selected_row (self), ==, 3);
  g_assert_cmpuint (self->n_changes, ==, 1);
}

static void
test_enter (Fixture *self, gconstpointer kind)
{
  select_row (self, 1);
  g_assert_true (press (self, GDK_KEY_Return, 0));
  g_assert_cmpstr (edited, ==, "beta");
  g_assert_cmpuint (self->n_changes, ==, 0);
  assert_items (self, "alpha beta gamma ");
}

static void
test_delete (Fixture *self, gconstpointer kind)
{
  select_row (self, 1);
  g_assert_true (press (self, GDK_KEY_Delete, 0));
  assert_items (self, "alpha gamma ");
  // The next one is selected, and after the last one the one before it.
  g_assert_cmpint (selected_row (self), ==, 1);
  press (self, GDK_KEY_KP_Delete, 0);
  assert_items (self, "alpha ");
  g_assert_cmpint (selected_row (self), ==, 0);
  press (self, GDK_KEY_Delete, 0);
  assert_items (self, "");
  g_assert_cmpuint (self->n_changes, ==, 3);
  press (self, GDK_KEY_Delete, 0);
  g_assert_cmpuint (self->n_changes, ==, 3);
}

static void
test_move (Fixture *self, gconstpointer kind)
{
  select_row (self, 2);
  g_assert_true (press (self, GDK_KEY_Up, GDK_CONTROL_MASK));
  assert_items (self, "alpha gamma beta ");
  g_assert_cmpint (selected_row (self), ==, 1);
  press (self, GDK_KEY_Up, GDK_CONTROL_MASK);
  assert_items (self, "gamma alpha beta ");
  press (self, GDK_KEY_Up, GDK_CONTROL_MASK);
  assert_items (self, "gamma alpha beta ");
  g_assert_cmpuint (self->n_changes, ==, 2);
  press (self, GDK_KEY_Down, GDK_CONTROL_MASK);
  assert_items (self, "alpha gamma beta ");
  g_assert_cmpint (selected_row (self), ==, 1);
  press (self, GDK_KEY_Down, GDK_CONTROL_MASK);
  press (self, GDK_KEY_Down, GDK_CONTROL_MASK);
  assert_items (self, "alpha beta gamma ");
  g_assert_cmpuint (self->n_changes, ==, 4);
}

static void
test_move_without_order (Fixture *self, gconstpointer kind)
{
  select_row (self, 1);
  press (self, GDK_KEY_Up, GDK_CONTROL_MASK);
  press (self, GDK_KEY_Down, GDK_CONTROL_MASK);
  assert_items (self, "alpha beta gamma ");
  g_assert_cmpuint (self->n_changes, ==, 0);
}

static void
test_type_ahead (Fixture *self, gconstpointer kind)
{
  GtkWidget *entry = g_object_ref_sink (gtk_entry_new ());

  g_assert_true (gtk_tree_view_get_enable_search (GTK_TREE_VIEW (self->view)));
  g_assert_cmpint (gtk_tree_view_get_search_column (GTK_TREE_VIEW (self->view)), ==, 0);
  gtk_tree_view_set_search_entry (GTK_TREE_VIEW (self->view), GTK_ENTRY (entry));
  gtk_entry_set_text (GTK_ENTRY (entry), "ga");
  g_assert_cmpint (selected_row (self), ==, 2);
  gtk_tree_view_set_search_entry (GTK_TREE_VIEW (self->view), NULL);
  g_object_unref (entry);
}

#define ADD(path, kind, function) \
  g_test_add ("/list-editor/" path, Fixture, &kind, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  ADD ("insert", unordered, test_insert);
  ADD ("enter", unordered, test_enter);
  ADD ("delete", ordered, test_delete);
  ADD ("move", ordered, test_move);
  ADD ("move-without-order", unordered, test_move_without_order);
  ADD ("type-ahead", unordered, test_type_ahead);
  return g_test_run ();
}
