// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Queues: the messages that wait in the running service, a page at a time and live. What is done
// here acts at once on the service and is no part of the draft.

#include "config.h"

#include "ui/pages/pm-queues-page.h"

#include <glib/gi18n.h>

#include "bus/pm-queue-recipients.h"
#include "ui/dialogs/pm-dialog-run.h"
#include "ui/dialogs/pm-message-dialog.h"
#include "ui/pages/pm-queue-text.h"
#include "ui/widgets/pm-column-widths.h"

#define PAGE_SIZE 200
#define RESPONSE_WITH_REPORT 1
#define RESPONSE_WITHOUT_REPORT 2

enum
{
  COLUMN_ID,
  COLUMN_ORIGINATOR,
  COLUMN_RECIPIENTS,
  COLUMN_DESTINATION,
  COLUMN_SUBMITTED,
  COLUMN_SIZE,
  COLUMN_NEXT,
  COLUMN_ATTEMPTS,
  COLUMN_REPLY,
};

struct _PmQueuesPage
{
  GtkBox parent_instance;

  GtkComboBox *queue_combo;
  GtkLabel *count_label;
  GtkWidget *info_bar;
  GtkLabel *info_label;
  GtkStack *stack;
  GtkListStore *store;
  GtkTreeView *view;
  GtkTreeSelection *selection;
  GtkLabel *empty_label;
  GtkLabel *stopped_title;
  GtkLabel *stopped_label;
  GtkWidget *start_button;
  GtkWidget *details_button;
  GtkWidget *refresh_button;
  GtkWidget *delete_button;
  GtkWidget *retry_button;

  PmServerConnection *connection; /* (owned) (nullable) */
  GSignalGroup *signals;          /* (owned) */
  GCancellable *cancellable;      /* (owned): everything, until dispose */
  GCancellable *reading;          /* (owned) (nullable): the listing under way */
  GArray *doomed;                 /* (owned) (nullable): what a delete waits to be confirmed for */
  guint64 last_id;                /* of the last row */
  guint wanted;                   /* rows that a refresh reads again at least */
  guint total;
  gboolean has_more;
  gboolean again; /* changed while a listing was under way */
};

/* One listing: from the start (refresh) or after the last row (more). */
typedef struct
{
  PmQueuesPage *page;        /* (owned) */
  GCancellable *cancellable; /* (owned) */
  GPtrArray *rows;           /* (owned) (element-type GVariant) */
  guint64 after;
  gboolean refresh;
} Listing;

static void pm_queues_page_page_init (PmPropertiesPageInterface *iface);
static void ask_listing (Listing *listing);
static void refresh (PmQueuesPage *self);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmQueuesPage, pm_queues_page, GTK_TYPE_BOX,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_PROPERTIES_PAGE,
                                                      pm_queues_page_page_init))

static void
free_listing (Listing *listing)
{
  g_object_unref (listing->page);
  g_object_unref (listing->cancellable);
  g_ptr_array_unref (listing->rows);
  g_free (listing);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Listing, free_listing)

static PmBusRelay *
get_relay (PmQueuesPage *self)
{
  return self->connection != NULL ? pm_server_connection_get_relay (self->connection) : NULL;
}

static const char *
get_queue (PmQueuesPage *self)
{
  return gtk_combo_box_get_active (self->queue_combo) == 1 ? "outbound" : "inbound";
}

static GArray *
get_selected_ids (PmQueuesPage *self)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  GList *paths = gtk_tree_selection_get_selected_rows (self->selection, NULL);

  for (GList *item = paths; item != NULL; item = item->next)
    {
      GtkTreeIter iter;
      guint64 id;

      if (!gtk_tree_model_get_iter (GTK_TREE_MODEL (self->store), &iter, item->data))
        continue;
      gtk_tree_model_get (GTK_TREE_MODEL (self->store), &iter, COLUMN_ID, &id, -1);
      g_array_append_val (ids, id);
    }
  g_list_free_full (paths, (GDestroyNotify) gtk_tree_path_free);
  return ids;
}

static GVariant *
ids_to_variant (GArray *ids)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, ids->data, ids->len, sizeof (guint64));
}

static void
update_buttons (PmQueuesPage *self)
{
  int selected = gtk_tree_selection_count_selected_rows (self->selection);
  gboolean running = get_relay (self) != NULL;

  gtk_widget_set_sensitive (self->details_button, running && selected == 1);
  gtk_widget_set_sensitive (self->delete_button, running && selected > 0);
  gtk_widget_set_sensitive (self->retry_button, running && selected > 0);
  gtk_widget_set_sensitive (self->refresh_button, running);
}

static void
show_info (PmQueuesPage *self, GtkMessageType type, const char *text)
{
  gtk_info_bar_set_message_type (GTK_INFO_BAR (self->info_bar), type);
  gtk_label_set_text (self->info_label, text);
  gtk_widget_show (self->info_bar);
}

static void
show_error (PmQueuesPage *self, const char *what, GError *error)
{
  g_autofree char *text = NULL;

  g_dbus_error_strip_remote_error (error);
  text = g_strdup_printf ("%s %s", what, error->message);
  show_info (self, GTK_MESSAGE_ERROR, text);
}

static void
describe_stopped (PmQueuesPage *self)
{
  const char *state = self->connection != NULL
                          ? pm_server_connection_get_service_state (self->connection)
                          : "unknown";
  gboolean startable = g_strcmp0 (state, "stopped") == 0 || g_strcmp0 (state, "failed") == 0;
  const char *detail =
      self->connection != NULL ? pm_server_connection_get_service_detail (self->connection) : NULL;
  g_autofree char *text = NULL;

  if (g_strcmp0 (state, "failed") == 0)
    gtk_label_set_text (self->stopped_title, _ ("The Internet Mail Service has failed"));
  else if (startable)
    gtk_label_set_text (self->stopped_title, _ ("The Internet Mail Service is stopped"));
  else if (g_strcmp0 (state, "starting") == 0)
    gtk_label_set_text (self->stopped_title, _ ("The Internet Mail Service is starting…"));
  else
    gtk_label_set_text (self->stopped_title, _ ("The Internet Mail Service cannot be asked"));
  text = g_strconcat (detail != NULL && *detail != '\0' ? detail : "",
                      detail != NULL && *detail != '\0' ? "\n" : "",
                      _ ("Its queue is kept safely on disk, and can be seen when it runs."), NULL);
  gtk_label_set_text (self->stopped_label, text);
  gtk_widget_set_visible (self->start_button, startable);
}

static void
update_state (PmQueuesPage *self)
{
  int rows = gtk_tree_model_iter_n_children (GTK_TREE_MODEL (self->store), NULL);
  g_autofree char *count = NULL;

  if (get_relay (self) == NULL)
    {
      describe_stopped (self);
      gtk_stack_set_visible_child_name (self->stack, "stopped");
    }
  else if (rows > 0)
    {
      gtk_stack_set_visible_child_name (self->stack, "list");
      count = (guint) rows < self->total
                  ? g_strdup_printf (_ ("%'d of %'u messages"), rows, self->total)
                  : g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%'d message", "%'d messages",
                                                  (gulong) rows),
                                     rows);
    }
  else
    {
      gtk_label_set_text (self->empty_label,
                          g_str_equal (get_queue (self), "inbound")
                              ? _ ("Everything that came in has been put into its mailbox.")
                              : _ ("Everything that should go out has gone."));
      gtk_stack_set_visible_child_name (self->stack, self->reading != NULL ? "waiting" : "empty");
    }
  gtk_label_set_text (self->count_label, count != NULL ? count : "");
  update_buttons (self);
}

static char *
recipients_to_text (GVariant *recipients)
{
  g_autofree const char **addresses = g_variant_get_strv (recipients, NULL);
  guint more;
  gsize n = pm_bus_count_recipients (addresses, &more) + more;

  if (n <= 1)
    return g_strdup (n == 1 ? addresses[0] : "");
  return g_strdup_printf (_ ("%s and %zu more"), addresses[0], n - 1);
}

static void
set_row (PmQueuesPage *self, GtkTreeIter *iter, GVariant *row)
{
  guint64 id;
  const char *sender;
  g_autoptr (GVariant) recipients = NULL;
  guint64 size;
  guint64 submitted;
  gint64 next;
  guint attempts;
  const char *state;
  const char *destination;
  const char *reply;
  g_autofree char *recipients_text = NULL;
  g_autofree char *submitted_text = NULL;
  g_autofree char *size_text = NULL;
  g_autofree char *next_text = NULL;
  g_autofree char *attempts_text = NULL;

  g_variant_get (row, "(t&s@asttxu&s&s&s)", &id, &sender, &recipients, &size, &submitted, &next,
                 &attempts, &state, &destination, &reply);
  recipients_text = recipients_to_text (recipients);
  submitted_text = pm_queue_text_time ((gint64) submitted);
  size_text = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);
  next_text = g_str_equal (state, "deferred") ? pm_queue_text_time (next)
                                              : g_strdup (pm_queue_text_state (state));
  attempts_text = g_strdup_printf ("%u", attempts);
  gtk_list_store_set (self->store, iter, COLUMN_ID, id, COLUMN_ORIGINATOR,
                      *sender != '\0' ? sender : _ ("<> (a report)"), COLUMN_RECIPIENTS,
                      recipients_text, COLUMN_DESTINATION, destination, COLUMN_SUBMITTED,
                      submitted_text, COLUMN_SIZE, size_text, COLUMN_NEXT, next_text,
                      COLUMN_ATTEMPTS, attempts_text, COLUMN_REPLY, reply, -1);
}

static guint64
row_id (GVariant *row)
{
  guint64 id;

  g_variant_get_child (row, 0, "t", &id);
  return id;
}

// Both lists are in the order of the ids' arrival: a walk along both keeps the rows that stay, and
// with them the selection and the place one has scrolled to.
static void
merge_rows (PmQueuesPage *self, GPtrArray *rows)
{
  GtkTreeModel *model = GTK_TREE_MODEL (self->store);
  g_autoptr (GHashTable) fresh = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_autoptr (GArray) ids = g_array_sized_new (FALSE, FALSE, sizeof (gint64), rows->len);
  GtkTreeIter iter;
  gboolean valid;

  for (guint i = 0; i < rows->len; i++)
    {
      gint64 id = (gint64) row_id (rows->pdata[i]);

      g_array_append_val (ids, id);
    }
  for (guint i = 0; i < ids->len; i++)
    g_hash_table_add (fresh, &g_array_index (ids, gint64, i));

  valid = gtk_tree_model_get_iter_first (model, &iter);
  while (valid)
    {
      guint64 id;

      gtk_tree_model_get (model, &iter, COLUMN_ID, &id, -1);
      if (g_hash_table_contains (fresh, &id))
        valid = gtk_tree_model_iter_next (model, &iter);
      else
        valid = gtk_list_store_remove (self->store, &iter);
    }

  valid = gtk_tree_model_get_iter_first (model, &iter);
  for (guint i = 0; i < rows->len; i++)
    {
      guint64 id = 0;

      if (valid)
        gtk_tree_model_get (model, &iter, COLUMN_ID, &id, -1);
      if (valid && id == row_id (rows->pdata[i]))
        {
          set_row (self, &iter, rows->pdata[i]);
          valid = gtk_tree_model_iter_next (model, &iter);
        }
      else
        {
          GtkTreeIter added;

          gtk_list_store_insert_before (self->store, &added, valid ? &iter : NULL);
          set_row (self, &added, rows->pdata[i]);
        }
    }
}

static void
append_rows (PmQueuesPage *self, GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    {
      GtkTreeIter iter;

      gtk_list_store_append (self->store, &iter);
      set_row (self, &iter, rows->pdata[i]);
    }
}

static void
end_listing (Listing *listing)
{
  PmQueuesPage *self = listing->page;

  g_clear_object (&self->reading);
  if (listing->refresh)
    merge_rows (self, listing->rows);
  else
    append_rows (self, listing->rows);
  if (listing->rows->len > 0)
    self->last_id = row_id (listing->rows->pdata[listing->rows->len - 1]);
  update_state (self);
  if (self->again)
    refresh (self);
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Listing) listing = data;
  PmQueuesPage *self = listing->page;
  g_autoptr (GVariant) messages = NULL;
  g_autoptr (GError) error = NULL;
  gsize n;

  if (!pm_bus_relay_call_list_queue_finish (PM_BUS_RELAY (source), &messages, &self->total, result,
                                            &error))
    {
      // A cancelled listing belongs to nobody any more.
      if (g_cancellable_is_cancelled (listing->cancellable))
        return;
      g_clear_object (&self->reading);
      show_error (self, _ ("The queue cannot be read."), error);
      update_state (self);
      return;
    }
  if (g_cancellable_is_cancelled (listing->cancellable))
    return;
  n = g_variant_n_children (messages);
  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (listing->rows, g_variant_get_child_value (messages, i));
  self->has_more = n == PAGE_SIZE;

  if (self->has_more && listing->refresh && listing->rows->len < self->wanted)
    {
      listing->after = row_id (listing->rows->pdata[listing->rows->len - 1]);
      ask_listing (g_steal_pointer (&listing));
      return;
    }
  end_listing (listing);
}

static void
ask_listing (Listing *listing)
{
  pm_bus_relay_call_list_queue (get_relay (listing->page), get_queue (listing->page),
                                listing->after, PAGE_SIZE, listing->cancellable, listed_cb,
                                listing);
}

static void
start_listing (PmQueuesPage *self, gboolean whole)
{
  Listing *listing = g_new0 (Listing, 1);

  self->reading = g_cancellable_new ();
  listing->page = g_object_ref (self);
  listing->cancellable = g_object_ref (self->reading);
  listing->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  listing->refresh = whole;
  listing->after = whole ? 0 : self->last_id;
  ask_listing (listing);
}

static void
stop_listing (PmQueuesPage *self)
{
  if (self->reading != NULL)
    g_cancellable_cancel (self->reading);
  g_clear_object (&self->reading);
}

// Reads again as many rows as are shown; a listing under way is followed by another.
static void
refresh (PmQueuesPage *self)
{
  self->again = FALSE;
  if (get_relay (self) == NULL)
    {
      stop_listing (self);
      gtk_list_store_clear (self->store);
      update_state (self);
      return;
    }
  if (self->reading != NULL)
    {
      self->again = TRUE;
      return;
    }
  self->wanted = (guint) gtk_tree_model_iter_n_children (GTK_TREE_MODEL (self->store), NULL);
  start_listing (self, TRUE);
  update_state (self);
}

static void
queue_changed_cb (PmServerConnection *connection, guint total, PmQueuesPage *self)
{
  g_assert (PM_IS_QUEUES_PAGE (self));

  // What nobody sees is read when it is shown.
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    refresh (self);
}

static void
service_changed_cb (PmServerConnection *connection, GParamSpec *pspec, PmQueuesPage *self)
{
  g_assert (PM_IS_QUEUES_PAGE (self));

  stop_listing (self);
  refresh (self);
}

static void
queue_combo_changed (PmQueuesPage *self)
{
  stop_listing (self);
  gtk_list_store_clear (self->store);
  refresh (self);
}

static void
queue_changed_combo_cb (PmQueuesPage *self)
{
  g_assert (PM_IS_QUEUES_PAGE (self));

  if (self->signals != NULL)
    queue_combo_changed (self);
}

static void
edge_reached_cb (PmQueuesPage *self, GtkPositionType position)
{
  g_assert (PM_IS_QUEUES_PAGE (self));

  if (position == GTK_POS_BOTTOM && self->has_more && self->reading == NULL &&
      get_relay (self) != NULL)
    start_listing (self, FALSE);
}

static GtkWindow *
get_window (PmQueuesPage *self)
{
  GtkWidget *window = gtk_widget_get_toplevel (GTK_WIDGET (self));

  return GTK_IS_WINDOW (window) ? GTK_WINDOW (window) : NULL;
}

static void
close_details_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  if (pm_dialog_run_finish (GTK_DIALOG (source), result) != GTK_RESPONSE_NONE)
    gtk_widget_destroy (GTK_WIDGET (source));
}

static void
show_details (PmQueuesPage *self, GtkTreePath *path)
{
  PmMessageDialog *dialog;
  GtkTreeIter iter;
  guint64 id;
  g_autofree char *originator = NULL;
  g_autofree char *submitted = NULL;
  g_autofree char *size = NULL;

  if (get_relay (self) == NULL ||
      !gtk_tree_model_get_iter (GTK_TREE_MODEL (self->store), &iter, path))
    return;
  gtk_tree_model_get (GTK_TREE_MODEL (self->store), &iter, COLUMN_ID, &id, COLUMN_ORIGINATOR,
                      &originator, COLUMN_SUBMITTED, &submitted, COLUMN_SIZE, &size, -1);
  dialog = pm_message_dialog_new (get_window (self), get_relay (self), id, originator, submitted,
                                  size);
  pm_dialog_run_async (GTK_DIALOG (dialog), close_details_cb, NULL);
}

static void
row_activated_cb (GtkTreeView *view,
                  GtkTreePath *path,
                  GtkTreeViewColumn *column,
                  PmQueuesPage *self)
{
  g_assert (PM_IS_QUEUES_PAGE (self));
  show_details (self, path);
}

static void
details_clicked_cb (PmQueuesPage *self)
{
  GList *paths;

  g_assert (PM_IS_QUEUES_PAGE (self));

  paths = gtk_tree_selection_get_selected_rows (self->selection, NULL);
  if (paths != NULL)
    show_details (self, paths->data);
  g_list_free_full (paths, (GDestroyNotify) gtk_tree_path_free);
}

static void
refresh_clicked_cb (PmQueuesPage *self)
{
  g_assert (PM_IS_QUEUES_PAGE (self));

  gtk_widget_hide (self->info_bar);
  refresh (self);
}

static void
retried_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmQueuesPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  guint count;

  if (!pm_bus_relay_call_retry_messages_finish (PM_BUS_RELAY (source), &count, result, &error))
    {
      if (!g_cancellable_is_cancelled (self->cancellable))
        show_error (self, _ ("The messages were not tried again."), error);
      return;
    }
  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u message is tried again now.",
                                       "%u messages are tried again now.", count),
                          count);
  show_info (self, GTK_MESSAGE_INFO, text);
  refresh (self);
}

static void
retry_clicked_cb (PmQueuesPage *self)
{
  g_autoptr (GArray) ids = NULL;

  g_assert (PM_IS_QUEUES_PAGE (self));

  ids = get_selected_ids (self);
  if (ids->len > 0 && get_relay (self) != NULL)
    pm_bus_relay_call_retry_messages (get_relay (self), ids_to_variant (ids), self->cancellable,
                                      retried_cb, g_object_ref (self));
}

static void
deleted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmQueuesPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  guint count;

  if (!pm_bus_relay_call_delete_messages_finish (PM_BUS_RELAY (source), &count, result, &error))
    {
      if (!g_cancellable_is_cancelled (self->cancellable))
        show_error (self, _ ("The messages were not deleted."), error);
      return;
    }
  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u message was deleted.",
                                       "%u messages were deleted.", count),
                          count);
  show_info (self, GTK_MESSAGE_INFO, text);
  refresh (self);
}

static void
delete_answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmQueuesPage) self = data;
  int response = pm_dialog_run_finish (GTK_DIALOG (source), result);
  g_autoptr (GArray) ids = NULL;

  if (response == GTK_RESPONSE_NONE)
    return;
  gtk_widget_destroy (GTK_WIDGET (source));
  ids = g_steal_pointer (&self->doomed);
  if (response != RESPONSE_WITH_REPORT && response != RESPONSE_WITHOUT_REPORT)
    return;
  if (ids == NULL || get_relay (self) == NULL)
    return;
  pm_bus_relay_call_delete_messages (get_relay (self), ids_to_variant (ids),
                                     response == RESPONSE_WITH_REPORT, self->cancellable,
                                     deleted_cb, g_object_ref (self));
}

static void
delete_selected (PmQueuesPage *self)
{
  GArray *ids = get_selected_ids (self);
  GtkWidget *dialog;

  g_clear_pointer (&self->doomed, g_array_unref);
  self->doomed = ids;
  if (ids->len == 0 || get_relay (self) == NULL)
    return;

  dialog = gtk_message_dialog_new (
      get_window (self), GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT, GTK_MESSAGE_WARNING,
      GTK_BUTTONS_NONE,
      g_dngettext (GETTEXT_PACKAGE, "Delete the %u selected message?",
                   "Delete all %u selected messages?", ids->len),
      ids->len);
  gtk_message_dialog_format_secondary_text (
      GTK_MESSAGE_DIALOG (dialog), "%s",
      _ ("They will not be delivered, and this cannot be undone. With a report, each sender hears "
         "that the message did not arrive."));
  gtk_dialog_add_buttons (GTK_DIALOG (dialog), _ ("_Cancel"), GTK_RESPONSE_CANCEL,
                          _ ("Delete _Without Report"), RESPONSE_WITHOUT_REPORT,
                          _ ("Delete With _Report"), RESPONSE_WITH_REPORT, NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_CANCEL);
  pm_dialog_run_async (GTK_DIALOG (dialog), delete_answered_cb, g_object_ref (self));
}

static void
delete_clicked_cb (PmQueuesPage *self)
{
  g_assert (PM_IS_QUEUES_PAGE (self));
  delete_selected (self);
}

static gboolean
key_press_event_cb (GtkWidget *view, GdkEventKey *event, PmQueuesPage *self)
{
  g_assert (PM_IS_QUEUES_PAGE (self));

  if (event->keyval == GDK_KEY_Delete || event->keyval == GDK_KEY_KP_Delete)
    delete_selected (self);
  else if (event->keyval == GDK_KEY_F5)
    refresh (self);
  else
    return GDK_EVENT_PROPAGATE;
  return GDK_EVENT_STOP;
}

static void
selection_changed_cb (GtkTreeSelection *selection, PmQueuesPage *self)
{
  g_assert (PM_IS_QUEUES_PAGE (self));
  update_buttons (self);
}

static void
info_response_cb (PmQueuesPage *self, int response)
{
  g_assert (PM_IS_QUEUES_PAGE (self));
  gtk_widget_hide (self->info_bar);
}

static void
started_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmQueuesPage) self = data;
  g_autoptr (GError) error = NULL;

  if (!pm_server_connection_service_finish (PM_SERVER_CONNECTION (source), result, &error) &&
      !g_cancellable_is_cancelled (self->cancellable))
    show_error (self, _ ("The service did not start."), error);
  if (!g_cancellable_is_cancelled (self->cancellable))
    gtk_widget_set_sensitive (self->start_button, TRUE);
}

static void
start_clicked_cb (PmQueuesPage *self)
{
  g_assert (PM_IS_QUEUES_PAGE (self));

  gtk_widget_hide (self->info_bar);
  gtk_widget_set_sensitive (self->start_button, FALSE);
  pm_server_connection_service_async (self->connection, PM_SERVICE_START, self->cancellable,
                                      started_cb, g_object_ref (self));
}

static const char *
get_help_topic (PmPropertiesPage *page)
{
  return "properties-queues";
}

static void
load (PmPropertiesPage *page, const PmServiceDraft *draft)
{
}

static gboolean
validate (PmPropertiesPage *page, GtkWidget **field, GError **error)
{
  return TRUE;
}

static void
collect (PmPropertiesPage *page, PmServiceDraft *draft)
{
}

static void
pm_queues_page_page_init (PmPropertiesPageInterface *iface)
{
  iface->get_help_topic = get_help_topic;
  iface->load = load;
  iface->validate = validate;
  iface->collect = collect;
}

static void
pm_queues_page_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (pm_queues_page_parent_class)->map (widget);
  refresh (PM_QUEUES_PAGE (widget));
}

static void
pm_queues_page_dispose (GObject *object)
{
  PmQueuesPage *self = PM_QUEUES_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  stop_listing (self);
  g_clear_object (&self->signals);
  g_clear_object (&self->connection);
  G_OBJECT_CLASS (pm_queues_page_parent_class)->dispose (object);
}

static void
pm_queues_page_finalize (GObject *object)
{
  PmQueuesPage *self = PM_QUEUES_PAGE (object);

  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->doomed, g_array_unref);
  G_OBJECT_CLASS (pm_queues_page_parent_class)->finalize (object);
}

static void
bind_callbacks (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_callback_full (widget_class, "queue_changed_cb",
                                                G_CALLBACK (queue_changed_combo_cb));
  gtk_widget_class_bind_template_callback (widget_class, edge_reached_cb);
  gtk_widget_class_bind_template_callback (widget_class, row_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, key_press_event_cb);
  gtk_widget_class_bind_template_callback (widget_class, selection_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, info_response_cb);
  gtk_widget_class_bind_template_callback (widget_class, start_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, details_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, refresh_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, delete_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, retry_clicked_cb);
}

static void
pm_queues_page_class_init (PmQueuesPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_queues_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = pm_queues_page_finalize;
  widget_class->map = pm_queues_page_map;

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/pages/pm-queues-page.ui");
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, queue_combo);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, count_label);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, info_bar);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, info_label);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, stack);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, store);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, view);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, selection);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, empty_label);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, stopped_title);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, stopped_label);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, start_button);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, details_button);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, refresh_button);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, delete_button);
  gtk_widget_class_bind_template_child (widget_class, PmQueuesPage, retry_button);
  bind_callbacks (widget_class);
}

static void
pm_queues_page_init (PmQueuesPage *self)
{
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  pm_column_widths_fit_font (self->view);
  self->signals = g_signal_group_new (PM_TYPE_SERVER_CONNECTION);
  g_signal_group_connect (self->signals, "queue-changed", G_CALLBACK (queue_changed_cb), self);
  g_signal_group_connect (self->signals, "notify::relay", G_CALLBACK (service_changed_cb), self);
  g_signal_group_connect (self->signals, "notify::service-state", G_CALLBACK (service_changed_cb),
                          self);
  update_state (self);
}

/**
 * pm_queues_page_set_connection:
 * @connection: (nullable): the server whose queue is shown
 */
void
pm_queues_page_set_connection (PmQueuesPage *self, PmServerConnection *connection)
{
  g_set_object (&self->connection, connection);
  g_signal_group_set_target (self->signals, connection);
  stop_listing (self);
  gtk_list_store_clear (self->store);
  update_state (self);
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    refresh (self);
}
