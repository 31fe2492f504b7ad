// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The dialog against a server on a private bus: what is written, what is never lost.

#include "fake-server.h"
#include "ui-fixture.h"
#include "ui/dialogs/pm-conflict-dialog.h"
#include "ui/dialogs/pm-message-dialog.h"
#include "ui/properties/pm-properties-dialog.h"

typedef struct
{
  FakeServer *server;
  PmServerConnection *connection;
  GtkWidget *dialog;
  GtkWidget *general;
  gboolean finalized;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->server = fake_server_new (GPOINTER_TO_UINT (data));
  fixture->connection = fake_server_connect (fixture->server);
  fixture->dialog = pm_properties_dialog_new (NULL, fixture->connection, "MAIL1");
  g_assert_nonnull (fixture->dialog);
  ui_fixture_watch (fixture->dialog, &fixture->finalized);
  fixture->general = ui_fixture_child (fixture->dialog, "general_page");
  gtk_window_present (GTK_WINDOW (fixture->dialog));
  ui_fixture_settle ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (!fixture->finalized)
    gtk_widget_destroy (fixture->dialog);
  wait_until (fixture->finalized);
  g_object_unref (fixture->connection);
  fake_server_free (fixture->server);
}

static void
click (Fixture *fixture, const char *button)
{
  GtkWidget *widget = ui_fixture_child (fixture->dialog, button);

  ui_fixture_settle ();
  g_assert_true (gtk_widget_is_sensitive (widget));
  gtk_button_clicked (GTK_BUTTON (widget));
}

static gboolean
is_sensitive (Fixture *fixture, const char *button)
{
  ui_fixture_settle ();
  return gtk_widget_get_sensitive (ui_fixture_child (fixture->dialog, button));
}

static gboolean
is_shown (Fixture *fixture, const char *widget)
{
  return gtk_widget_get_visible (ui_fixture_child (fixture->dialog, widget));
}

static void
test_ok_unchanged (Fixture *fixture, gconstpointer data)
{
  g_assert_false (is_sensitive (fixture, "apply_button"));
  click (fixture, "ok_button");
  wait_until (fixture->finalized);
  g_assert_cmpuint (fixture->server->n_writes, ==, 0);
}

static void
test_no_such_service (Fixture *fixture, gconstpointer data)
{
  g_assert_null (pm_properties_dialog_new (NULL, fixture->connection, "MAIL9"));
}

static void
test_apply (Fixture *fixture, gconstpointer data)
{
  ui_fixture_type (fixture->general, "host_entry", "mail2.example.com");
  click (fixture, "apply_button");
  wait_until (fixture->server->n_writes == 1 && !is_shown (fixture, "spinner"));
  g_assert_nonnull (strstr (fixture->server->xml, "host=\"mail2.example.com\""));
  g_assert_false (fixture->finalized);
  g_assert_false (is_sensitive (fixture, "apply_button"));

  // And once more from there.
  ui_fixture_type (fixture->general, "host_entry", "mail3.example.com");
  click (fixture, "apply_button");
  wait_until (fixture->server->n_writes == 2 && !is_shown (fixture, "spinner"));
  g_assert_nonnull (strstr (fixture->server->xml, "host=\"mail3.example.com\""));
}

static void
test_ok (Fixture *fixture, gconstpointer data)
{
  ui_fixture_type (fixture->general, "host_entry", "mail2.example.com");
  click (fixture, "ok_button");
  wait_until (fixture->finalized);
  g_assert_cmpuint (fixture->server->n_writes, ==, 1);
}

static void
test_invalid (Fixture *fixture, gconstpointer data)
{
  GtkWidget *ok = ui_fixture_child (fixture->dialog, "ok_button");
  g_autofree char *tooltip = NULL;

  ui_fixture_type (fixture->general, "host_entry", "mail 2");
  g_assert_false (is_sensitive (fixture, "ok_button"));
  tooltip = gtk_widget_get_tooltip_text (ok);
  g_assert_cmpstr (tooltip, ==, ui_fixture_text (fixture->dialog, "reason_label"));
  g_assert_true (is_shown (fixture, "reason_box"));
  ui_fixture_type (fixture->general, "host_entry", "mail1.example.com");
  g_assert_true (is_sensitive (fixture, "ok_button"));
  g_assert_false (is_shown (fixture, "reason_box"));
}

static void
test_error_loses_nothing (Fixture *fixture, gconstpointer data)
{
  fixture->server->deny = TRUE;
  ui_fixture_type (fixture->general, "host_entry", "mail2.example.com");
  click (fixture, "ok_button");
  wait_until (is_shown (fixture, "message_bar"));
  g_assert_nonnull (strstr (ui_fixture_text (fixture->dialog, "message_label"), "may not change"));
  g_assert_cmpstr (gtk_entry_get_text (ui_fixture_child (fixture->general, "host_entry")), ==,
                   "mail2.example.com");

  fixture->server->deny = FALSE;
  click (fixture, "ok_button");
  wait_until (fixture->finalized);
}

static void
test_follow_without_edits (Fixture *fixture, gconstpointer data)
{
  fake_server_edit (fixture->server, "mail1.example.com", "theirs.example.com");
  wait_until (g_str_equal (
      gtk_entry_get_text (ui_fixture_child (fixture->general, "host_entry")),
      "theirs.example.com"));
  g_assert_false (is_shown (fixture, "conflict_bar"));
  g_assert_false (is_sensitive (fixture, "apply_button"));
}

static void
test_conflict_mine_on_top (Fixture *fixture, gconstpointer data)
{
  ui_fixture_type (fixture->general, "host_entry", "mine.example.com");
  ui_fixture_settle ();
  fake_server_edit (fixture->server, "inbound=\"100\"", "inbound=\"77\"");
  wait_until (is_shown (fixture, "conflict_bar"));
  g_assert_false (is_sensitive (fixture, "ok_button"));
  g_assert_cmpstr (gtk_entry_get_text (ui_fixture_child (fixture->general, "host_entry")), ==,
                   "mine.example.com");

  click (fixture, "conflict_mine_button");
  g_assert_false (is_shown (fixture, "conflict_bar"));
  g_assert_cmpuint (fixture->server->n_writes, ==, 0);
  click (fixture, "ok_button");
  wait_until (fixture->finalized);
  g_assert_nonnull (strstr (fixture->server->xml, "mine.example.com"));
  g_assert_nonnull (strstr (fixture->server->xml, "inbound=\"77\""));
}

static void
test_conflict_load_theirs (Fixture *fixture, gconstpointer data)
{
  ui_fixture_type (fixture->general, "host_entry", "mine.example.com");
  ui_fixture_settle ();
  fake_server_edit (fixture->server, "mail1.example.com", "theirs.example.com");
  wait_until (is_shown (fixture, "conflict_bar"));
  click (fixture, "conflict_theirs_button");
  g_assert_cmpstr (gtk_entry_get_text (ui_fixture_child (fixture->general, "host_entry")), ==,
                   "theirs.example.com");
  g_assert_false (is_sensitive (fixture, "apply_button"));
}

static GtkWidget *
find_dialog (Fixture *fixture, GType type)
{
  GList *windows = gtk_window_list_toplevels ();
  GtkWidget *found = NULL;

  for (GList *item = windows; item != NULL; item = item->next)
    if (G_TYPE_CHECK_INSTANCE_TYPE (item->data, type) && item->data != (gpointer) fixture->dialog)
      found = item->data;
  g_list_free (windows);
  return found;
}

// The other change is first heard of when the manager refuses the write.
static void
test_conflict_on_write (Fixture *fixture, gconstpointer data)
{
  ui_fixture_type (fixture->general, "host_entry", "mine.example.com");
  fake_server_edit_silently (fixture->server, "inbound=\"100\"", "inbound=\"77\"");
  click (fixture, "ok_button");
  wait_until (is_shown (fixture, "conflict_bar"));
  g_assert_cmpuint (fixture->server->n_writes, ==, 0);
  g_assert_cmpstr (gtk_entry_get_text (ui_fixture_child (fixture->general, "host_entry")), ==,
                   "mine.example.com");
}

static void
test_conflict_show (Fixture *fixture, gconstpointer data)
{
  GtkInfoBar *bar = ui_fixture_child (fixture->dialog, "conflict_bar");
  GtkWidget *dialog;
  GList *buttons;

  ui_fixture_type (fixture->general, "host_entry", "mine.example.com");
  ui_fixture_settle ();
  fake_server_edit (fixture->server, "inbound=\"100\"", "inbound=\"77\"");
  wait_until (is_shown (fixture, "conflict_bar"));
  buttons = gtk_container_get_children (GTK_CONTAINER (gtk_info_bar_get_action_area (bar)));
  gtk_button_clicked (buttons->data);
  g_list_free (buttons);

  dialog = find_dialog (fixture, PM_TYPE_CONFLICT_DIALOG);
  g_assert_nonnull (dialog);
  g_assert_cmpint (gtk_tree_model_iter_n_children (ui_fixture_child (dialog, "changes_store"),
                                                   NULL),
                   ==, 2);
  gtk_dialog_response (GTK_DIALOG (dialog), PM_CONFLICT_MINE_ON_TOP);
  wait_until (!is_shown (fixture, "conflict_bar"));
  g_assert_true (is_sensitive (fixture, "apply_button"));
}

static void
test_restart (Fixture *fixture, gconstpointer data)
{
  ui_fixture_type (fixture->general, "host_entry", "mail2.example.com");
  click (fixture, "restart_button");
  wait_until (fixture->server->n_writes == 1 && is_shown (fixture, "message_bar"));
  g_assert_cmpstr (fixture->server->how, ==, "restart");
  g_assert_nonnull (strstr (ui_fixture_text (fixture->dialog, "message_label"), "in force"));
  g_assert_false (is_sensitive (fixture, "apply_button"));
}

static void
test_restart_put_back (Fixture *fixture, gconstpointer data)
{
  fixture->server->fail_apply = TRUE;
  ui_fixture_type (fixture->general, "host_entry", "mail2.example.com");
  click (fixture, "restart_button");
  wait_until (is_shown (fixture, "message_bar"));
  g_assert_nonnull (strstr (ui_fixture_text (fixture->dialog, "message_label"), "put back"));
  g_assert_true (is_shown (fixture, "message_details_button"));
  g_assert_cmpstr (gtk_entry_get_text (ui_fixture_child (fixture->general, "host_entry")), ==,
                   "mail2.example.com");
  g_assert_true (is_sensitive (fixture, "apply_button"));
}

static void
answer (Fixture *fixture, int response)
{
  GtkWidget *dialog;

  wait_until ((dialog = find_dialog (fixture, GTK_TYPE_MESSAGE_DIALOG)) != NULL);
  ui_fixture_settle ();
  gtk_dialog_response (GTK_DIALOG (dialog), response);
  ui_fixture_settle ();
}

static void
test_close_asks (Fixture *fixture, gconstpointer data)
{
  ui_fixture_type (fixture->general, "host_entry", "mail2.example.com");
  click (fixture, "cancel_button");
  answer (fixture, GTK_RESPONSE_CANCEL);
  g_assert_false (fixture->finalized);
  // The window's own button and Esc do the same.
  gtk_window_close (GTK_WINDOW (fixture->dialog));
  answer (fixture, GTK_RESPONSE_NO);
  wait_until (fixture->finalized);
  g_assert_cmpuint (fixture->server->n_writes, ==, 0);
}

static void
test_close_saves (Fixture *fixture, gconstpointer data)
{
  ui_fixture_type (fixture->general, "host_entry", "mail2.example.com");
  click (fixture, "cancel_button");
  answer (fixture, GTK_RESPONSE_YES);
  wait_until (fixture->finalized);
  g_assert_cmpuint (fixture->server->n_writes, ==, 1);
}

static int
count_rows (GtkWidget *queues)
{
  return gtk_tree_model_iter_n_children (ui_fixture_child (queues, "store"), NULL);
}

static const char *
queue_state (GtkWidget *queues)
{
  return gtk_stack_get_visible_child_name (ui_fixture_child (queues, "stack"));
}

static void
test_queues_stopped (Fixture *fixture, gconstpointer data)
{
  GtkWidget *queues = ui_fixture_child (fixture->dialog, "queues_page");

  pm_properties_dialog_show_tab (PM_PROPERTIES_DIALOG (fixture->dialog), "queues");
  ui_fixture_settle ();
  g_assert_cmpstr (queue_state (queues), ==, "stopped");
  g_assert_true (gtk_widget_get_visible (ui_fixture_child (queues, "start_button")));
}

static void
test_queues (Fixture *fixture, gconstpointer data)
{
  GtkWidget *queues = ui_fixture_child (fixture->dialog, "queues_page");
  GtkTreeSelection *selection = ui_fixture_child (queues, "selection");
  GtkWidget *scroller = gtk_widget_get_parent (ui_fixture_child (queues, "view"));

  pm_properties_dialog_show_tab (PM_PROPERTIES_DIALOG (fixture->dialog), "queues");
  wait_until (g_str_equal (queue_state (queues), "empty"));
  gtk_combo_box_set_active (ui_fixture_child (queues, "queue_combo"), 1);
  wait_until (count_rows (queues) == 200);
  g_assert_nonnull (strstr (ui_fixture_text (queues, "count_label"), "200 of 450"));

  // The next pages come as one gets to the end.
  g_signal_emit_by_name (scroller, "edge-reached", GTK_POS_BOTTOM);
  wait_until (count_rows (queues) == 400);
  g_signal_emit_by_name (scroller, "edge-reached", GTK_POS_BOTTOM);
  wait_until (count_rows (queues) == 450);

  gtk_tree_selection_select_all (selection);
  gtk_button_clicked (ui_fixture_child (queues, "retry_button"));
  wait_until (fixture->server->n_retried == 450);

  gtk_button_clicked (ui_fixture_child (queues, "delete_button"));
  answer (fixture, 1);
  wait_until (count_rows (queues) == 0);
  g_assert_true (fixture->server->reported);
  wait_until (g_str_equal (queue_state (queues), "empty"));
}

static void
test_queues_keeps_selection (Fixture *fixture, gconstpointer data)
{
  GtkWidget *queues = ui_fixture_child (fixture->dialog, "queues_page");
  GtkTreeSelection *selection = ui_fixture_child (queues, "selection");
  g_autoptr (GtkTreePath) path = gtk_tree_path_new_from_indices (5, -1);

  gtk_combo_box_set_active (ui_fixture_child (queues, "queue_combo"), 1);
  pm_properties_dialog_show_tab (PM_PROPERTIES_DIALOG (fixture->dialog), "queues");
  wait_until (count_rows (queues) == 200);
  gtk_tree_selection_select_path (selection, path);
  g_array_remove_range (fixture->server->queue, 0, 3);
  pm_bus_relay_emit_queue_changed (fixture->server->relay, fixture->server->queue->len);
  wait_until (strstr (ui_fixture_text (queues, "count_label"), "447") != NULL);
  g_assert_cmpint (gtk_tree_selection_count_selected_rows (selection), ==, 1);
  g_assert_false (gtk_tree_selection_path_is_selected (selection, path));
  gtk_button_clicked (ui_fixture_child (queues, "details_button"));
  wait_until (find_dialog (fixture, PM_TYPE_MESSAGE_DIALOG) != NULL);
  wait_until (gtk_tree_model_iter_n_children (
                  ui_fixture_child (find_dialog (fixture, PM_TYPE_MESSAGE_DIALOG),
                                    "recipients_store"),
                  NULL) == 1);
  g_assert_true (fixture->server->asked_interactively);
  gtk_dialog_response (GTK_DIALOG (find_dialog (fixture, PM_TYPE_MESSAGE_DIALOG)),
                       GTK_RESPONSE_CLOSE);
}

#define ADD(path, messages, function) \
  g_test_add (path, Fixture, GUINT_TO_POINTER (messages), set_up, function, tear_down)

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  ADD ("/properties-dialog/ok-unchanged", 0, test_ok_unchanged);
  ADD ("/properties-dialog/no-such-service", 0, test_no_such_service);
  ADD ("/properties-dialog/apply", 0, test_apply);
  ADD ("/properties-dialog/ok", 0, test_ok);
  ADD ("/properties-dialog/invalid", 0, test_invalid);
  ADD ("/properties-dialog/error-loses-nothing", 0, test_error_loses_nothing);
  ADD ("/properties-dialog/follow-without-edits", 0, test_follow_without_edits);
  ADD ("/properties-dialog/conflict/mine-on-top", 0, test_conflict_mine_on_top);
  ADD ("/properties-dialog/conflict/load-theirs", 0, test_conflict_load_theirs);
  ADD ("/properties-dialog/conflict/on-write", 0, test_conflict_on_write);
  ADD ("/properties-dialog/conflict/show", 0, test_conflict_show);
  ADD ("/properties-dialog/restart", 0, test_restart);
  ADD ("/properties-dialog/restart-put-back", 0, test_restart_put_back);
  ADD ("/properties-dialog/close/asks", 0, test_close_asks);
  ADD ("/properties-dialog/close/saves", 0, test_close_saves);
  ADD ("/properties-dialog/queues/stopped", 0, test_queues_stopped);
  ADD ("/properties-dialog/queues/paged", 450, test_queues);
  ADD ("/properties-dialog/queues/keeps-selection", 450, test_queues_keeps_selection);
  return g_test_run ();
}
