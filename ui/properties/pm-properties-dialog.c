// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The Properties dialog: loads a draft into its pages, judges it while it is edited, writes it,
// and keeps two people who edit the same site from undoing each other's work. An error leaves
// everything as it was typed.

#include "config.h"

#include "ui/properties/pm-properties-dialog.h"

#include <glib/gi18n.h>

#include "base/pm-error.h"
#include "base/pm-task-thread.h"
#include "routing/pm-routing-loop.h"
#include "ui/dialogs/pm-conflict-dialog.h"
#include "ui/dialogs/pm-dialog-run.h"
#include "ui/pages/pm-connections-page.h"
#include "ui/pages/pm-general-page.h"
#include "ui/pages/pm-queues-page.h"
#include "ui/pages/pm-routing-page.h"
#include "ui/properties/pm-help.h"
#include "ui/widgets/pm-fit-screen.h"

#define N_PAGES 4
/* Above this many routes the whole site is judged when it is saved, not on every key. */
#define MAX_ANALYSED 5000

typedef enum
{
  SAVE_AND_CLOSE,
  SAVE_AND_STAY,
  SAVE_AND_RESTART,
} SaveMode;

struct _PmPropertiesDialog
{
  GtkDialog parent_instance;

  GtkNotebook *notebook;
  GtkWidget *general_page;
  GtkWidget *connections_page;
  GtkWidget *routing_page;
  GtkWidget *queues_page;
  GtkWidget *conflict_bar;
  GtkLabel *conflict_label;
  GtkWidget *conflict_theirs_button;
  GtkWidget *conflict_mine_button;
  GtkWidget *message_bar;
  GtkLabel *message_label;
  GtkWidget *message_details_button;
  GtkWidget *reason_box;
  GtkLabel *reason_label;
  GtkSpinner *spinner;
  GtkWidget *cancel_button;
  GtkWidget *apply_button;
  GtkWidget *restart_button;
  GtkWidget *ok_button;

  PmServerConnection *connection; /* (owned) */
  GSignalGroup *signals;          /* (owned) */
  GCancellable *cancellable;      /* (owned) (nullable): the write under way */
  PmServiceDraft *base;           /* (owned): what the pages were filled from */
  char *base_revision;            /* (owned) */
  char *server_name;              /* (owned) */
  char *details;                  /* (owned) (nullable): behind the message bar */
  guint check_source;
  SaveMode mode; /* of the write under way */
  guint loading : 1;
  guint changed : 1;
  guint valid : 1;
  guint conflicted : 1; /* somebody else has saved, and it is not decided what becomes of it */
  guint asking : 1;     /* a question about closing is open */
};

G_DEFINE_FINAL_TYPE (PmPropertiesDialog, pm_properties_dialog, GTK_TYPE_DIALOG)

static void
get_pages (PmPropertiesDialog *self, PmPropertiesPage **pages)
{
  pages[0] = PM_PROPERTIES_PAGE (self->general_page);
  pages[1] = PM_PROPERTIES_PAGE (self->connections_page);
  pages[2] = PM_PROPERTIES_PAGE (self->routing_page);
  pages[3] = PM_PROPERTIES_PAGE (self->queues_page);
}

static PmServiceDraft *
collect_draft (PmPropertiesDialog *self)
{
  PmServiceDraft *draft = pm_service_draft_copy (self->base);
  PmPropertiesPage *pages[N_PAGES];

  get_pages (self, pages);
  for (guint i = 0; i < N_PAGES; i++)
    pm_properties_page_collect (pages[i], draft);
  return draft;
}

static gboolean
is_busy (PmPropertiesDialog *self)
{
  return self->cancellable != NULL;
}

static void
show_message (PmPropertiesDialog *self, GtkMessageType type, const char *text, const char *details)
{
  gtk_info_bar_set_message_type (GTK_INFO_BAR (self->message_bar), type);
  gtk_label_set_text (self->message_label, text);
  g_free (self->details);
  self->details = g_strdup (details);
  gtk_widget_set_visible (self->message_details_button, details != NULL && *details != '\0');
  gtk_widget_show (self->message_bar);
}

/* Judging what was entered */

static gboolean
validate_pages (PmPropertiesDialog *self, int *page, GtkWidget **field, GError **error)
{
  PmPropertiesPage *pages[N_PAGES];
  gboolean valid = TRUE;

  // Every page is asked, so that every field is marked; the first reason is the one that is told.
  get_pages (self, pages);
  for (int i = 0; i < N_PAGES; i++)
    if (!pm_properties_page_validate (pages[i], valid ? field : NULL, valid ? error : NULL) &&
        valid)
      {
        valid = FALSE;
        *page = i;
      }
  return valid;
}

static gboolean
validate_site (const PmSite *site, char **warning, GError **error)
{
  g_autoptr (GPtrArray) problems = pm_site_validate (site);

  for (guint i = 0; i < problems->len; i++)
    {
      const PmSiteProblem *problem = problems->pdata[i];

      if (problem->severity != PM_PROBLEM_ERROR)
        continue;
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "%s: %s", problem->where, problem->message);
      return FALSE;
    }
  if (warning != NULL)
    {
      g_autoptr (GPtrArray) loops = pm_routing_find_loops (site, NULL, NULL);

      if (loops->len > 0)
        {
          const PmRoutingLoop *loop = loops->pdata[0];

          *warning = g_strdup_printf (_ ("Warning: %s"), loop->message);
        }
    }
  return TRUE;
}

static void
show_reason (PmPropertiesDialog *self, const char *reason)
{
  gtk_label_set_text (self->reason_label, reason != NULL ? reason : "");
  gtk_widget_set_visible (self->reason_box, reason != NULL);
}

static void
update_buttons (PmPropertiesDialog *self, const char *reason)
{
  gboolean ready = self->valid && !self->conflicted && !is_busy (self);
  gboolean pending = pm_server_connection_has_pending_changes (self->connection);
  GtkWidget *buttons[] = { self->ok_button, self->apply_button, self->restart_button };
  gboolean sensitive[] = { ready, ready && self->changed, ready && (self->changed || pending) };

  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++)
    {
      gtk_widget_set_sensitive (buttons[i], sensitive[i]);
      gtk_widget_set_tooltip_text (buttons[i], sensitive[i] ? NULL : reason);
    }
}

static void
check (PmPropertiesDialog *self)
{
  g_autoptr (PmServiceDraft) draft = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *warning = NULL;
  const char *reason = NULL;
  GtkWidget *field = NULL;
  int page = 0;

  g_clear_handle_id (&self->check_source, g_source_remove);
  draft = collect_draft (self);
  self->changed = !pm_service_draft_equal (draft, self->base);
  self->valid = validate_pages (self, &page, &field, &error);
  if (self->valid && self->changed && draft->service->routes->len <= MAX_ANALYSED)
    {
      g_autoptr (PmSite) site = pm_service_draft_to_site (draft);

      self->valid = validate_site (site, &warning, &error);
    }
  if (self->valid && self->changed && !pm_server_connection_get_can_write (self->connection))
    {
      self->valid = FALSE;
      g_set_error_literal (&error, PM_ERROR, PM_ERROR_DENIED,
                           _ ("You may look at this site but not change it"));
    }

  if (self->conflicted)
    reason = _ ("Decide first what becomes of the changes that somebody else has saved");
  else if (error != NULL)
    reason = error->message;
  show_reason (self, reason != NULL ? reason : warning);
  update_buttons (self, reason != NULL ? reason : _ ("Nothing has been changed"));
}

static gboolean
check_cb (gpointer data)
{
  PmPropertiesDialog *self = PM_PROPERTIES_DIALOG (data);

  self->check_source = 0;
  check (self);
  return G_SOURCE_REMOVE;
}

static void
queue_check (PmPropertiesDialog *self)
{
  if (self->check_source == 0 && self->base != NULL)
    self->check_source = g_idle_add (check_cb, self);
}

/* What the pages show */

static void
load_draft (PmPropertiesDialog *self, const PmServiceDraft *draft)
{
  PmPropertiesPage *pages[N_PAGES];

  self->loading = TRUE;
  get_pages (self, pages);
  for (guint i = 0; i < N_PAGES; i++)
    pm_properties_page_load (pages[i], draft);
  self->loading = FALSE;
}

// Takes what the connection has as what edits start from; what the pages show stays.
static gboolean
rebase (PmPropertiesDialog *self)
{
  const PmSite *site = pm_server_connection_get_site (self->connection);
  PmServiceDraft *draft = site != NULL ? pm_service_draft_new (site, self->server_name) : NULL;

  if (draft == NULL)
    return FALSE;
  g_clear_pointer (&self->base, pm_service_draft_free);
  self->base = draft;
  g_free (self->base_revision);
  self->base_revision = g_strdup (pm_server_connection_get_revision (self->connection));
  return TRUE;
}

static void
end_conflict (PmPropertiesDialog *self)
{
  self->conflicted = FALSE;
  gtk_widget_hide (self->conflict_bar);
  gtk_widget_hide (self->message_bar);
  check (self);
}

static void
load_theirs (PmPropertiesDialog *self)
{
  if (rebase (self))
    load_draft (self, self->base);
  end_conflict (self);
}

static void
put_mine_on_top (PmPropertiesDialog *self)
{
  const PmSite *site = pm_server_connection_get_site (self->connection);
  g_autoptr (PmServiceDraft) theirs =
      site != NULL ? pm_service_draft_new (site, self->server_name) : NULL;
  g_autoptr (PmServiceDraft) mine = collect_draft (self);
  g_autoptr (PmServiceDraft) merged = NULL;

  if (theirs == NULL)
    return;
  merged = pm_service_draft_merge (self->base, mine, theirs);
  rebase (self);
  load_draft (self, merged);
  end_conflict (self);
  show_message (self, GTK_MESSAGE_INFO,
                _ ("Your changes now stand on top of theirs. They are not saved yet."), NULL);
}

// The site under the dialog has a new revision, or is gone.
static void
follow_site (PmPropertiesDialog *self)
{
  const PmSite *site = pm_server_connection_get_site (self->connection);
  const char *revision = pm_server_connection_get_revision (self->connection);

  if (site == NULL || is_busy (self) || g_strcmp0 (revision, self->base_revision) == 0)
    return;
  if (pm_site_find_server (site, self->server_name) == NULL ||
      pm_site_find_service (site, self->server_name) == NULL)
    {
      show_message (self, GTK_MESSAGE_WARNING,
                    _ ("Somebody else has removed this Internet Mail Service from the site. What "
                       "is shown here cannot be saved."),
                    NULL);
      return;
    }
  check (self);
  if (!self->changed)
    {
      load_theirs (self);
      return;
    }
  self->conflicted = TRUE;
  gtk_label_set_text (self->conflict_label,
                      _ ("Somebody else has changed this site while you were editing. Nothing of "
                         "yours is lost."));
  gtk_widget_hide (self->message_bar);
  gtk_widget_show (self->conflict_bar);
  check (self);
}

/* Writing */

static void
set_busy (PmPropertiesDialog *self, gboolean busy)
{
  if (busy)
    self->cancellable = g_cancellable_new ();
  else
    g_clear_object (&self->cancellable);
  gtk_widget_set_sensitive (GTK_WIDGET (self->notebook), !busy);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), busy);
  g_object_set (self->spinner, "active", busy, NULL);
  update_buttons (self, _ ("The changes are being saved"));
}

static void
show_failure (PmPropertiesDialog *self, const GError *error)
{
  g_auto (GStrv) lines = g_strsplit (error->message, "\n", 2);
  g_autofree char *text = NULL;

  if (g_error_matches (error, PM_ERROR, PM_ERROR_CONFLICT))
    text = g_strdup (_ ("Not saved: somebody else has changed this site. It is being read again; "
                        "nothing of yours is lost."));
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    text = g_strdup (_ ("Stopped waiting for the server. It may have saved the changes all "
                        "the same."));
  else
    text = g_strdup_printf (_ ("The changes were not saved. %s"), lines[0]);
  show_message (self, GTK_MESSAGE_ERROR, text, lines[1] != NULL ? error->message : NULL);
}

// After a write, whatever came of it: the dialog may be gone by then.
static gboolean
end_write (PmPropertiesDialog *self, gboolean written, const GError *error)
{
  if (gtk_widget_in_destruction (GTK_WIDGET (self)) || self->connection == NULL)
    return FALSE;
  set_busy (self, FALSE);
  if (error != NULL)
    show_failure (self, error);
  if (written)
    rebase (self);
  check (self);
  if (!written)
    follow_site (self);
  return TRUE;
}

static gpointer
validate_in_thread (gpointer site, GError **error)
{
  return validate_site (site, NULL, error) ? site : NULL;
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmPropertiesDialog) self = data;
  g_autoptr (GError) error = NULL;
  gboolean written =
      pm_server_connection_write_finish (PM_SERVER_CONNECTION (source), result, &error);

  if (end_write (self, written, error) && written && self->mode == SAVE_AND_CLOSE)
    gtk_widget_destroy (GTK_WIDGET (self));
}

static void
applied_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmPropertiesDialog) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmApplyResult) outcome =
      pm_server_connection_apply_finish (PM_SERVER_CONNECTION (source), result, &error);
  gboolean in_force = outcome != NULL && outcome->in_force;

  if (!end_write (self, in_force, error) || outcome == NULL)
    return;
  if (in_force)
    {
      g_autofree char *text = g_strdup_printf (_ ("Saved, restarted and in force. %s"),
                                               outcome->report);

      show_message (self, GTK_MESSAGE_INFO, text, NULL);
    }
  else
    {
      g_autofree char *log = outcome->log != NULL ? g_strjoinv ("\n", outcome->log) : NULL;
      g_autofree char *text =
          g_strdup_printf (_ ("The changes are not in force. %s"), outcome->report);

      show_message (self, GTK_MESSAGE_ERROR, text, log);
    }
}

static void
show_invalid (PmPropertiesDialog *self)
{
  g_autoptr (GError) error = NULL;
  GtkWidget *field = NULL;
  int page = 0;

  if (validate_pages (self, &page, &field, &error))
    return;
  gtk_notebook_set_current_page (self->notebook, page);
  if (field != NULL)
    gtk_widget_child_focus (field, GTK_DIR_TAB_FORWARD);
}

static void
write_site (PmPropertiesDialog *self, const PmSite *site)
{
  /* Translators: for the history and the Undo menu item */
  g_autofree char *comment =
      g_strdup_printf (_ ("Change the Internet Mail Service (%s)"), self->server_name);

  if (self->mode == SAVE_AND_RESTART)
    pm_server_connection_apply_from_async (self->connection, site, self->base_revision, comment,
                                           TRUE, self->cancellable, applied_cb,
                                           g_object_ref (self));
  else
    pm_server_connection_write_from_async (self->connection, site, self->base_revision, comment,
                                           self->cancellable, written_cb, g_object_ref (self));
}

static void
validated_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmPropertiesDialog *self = PM_PROPERTIES_DIALOG (source);
  g_autoptr (GError) error = NULL;

  if (self->connection == NULL) // disposed of meanwhile
    return;
  if (g_task_propagate_pointer (G_TASK (result), &error) != NULL)
    write_site (self, g_task_get_task_data (G_TASK (result)));
  else
    end_write (self, FALSE, error);
}

// The whole site is judged once more, in a thread: with a hundred thousand routes it takes a while.
static void
save (PmPropertiesDialog *self, SaveMode mode)
{
  g_autoptr (PmServiceDraft) draft = NULL;
  g_autoptr (GTask) task = NULL;

  check (self);
  if (is_busy (self) || self->conflicted)
    return;
  if (!self->valid)
    {
      show_invalid (self);
      return;
    }
  if (!self->changed && mode == SAVE_AND_CLOSE)
    {
      gtk_widget_destroy (GTK_WIDGET (self));
      return;
    }
  draft = collect_draft (self);
  self->mode = mode;
  gtk_widget_hide (self->message_bar);
  set_busy (self, TRUE);
  task = g_task_new (self, self->cancellable, validated_cb, NULL);
  g_task_set_source_tag (task, save);
  g_task_set_task_data (task, pm_service_draft_to_site (draft), (GDestroyNotify) pm_site_unref);
  pm_task_thread_run (task, validate_in_thread, NULL);
}

/* Closing */

static void
close_answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmPropertiesDialog) self = data;
  int response = pm_dialog_run_finish (GTK_DIALOG (source), result);

  if (response == GTK_RESPONSE_NONE)
    return;
  gtk_widget_destroy (GTK_WIDGET (source));
  self->asking = FALSE;
  if (response == GTK_RESPONSE_YES)
    save (self, SAVE_AND_CLOSE);
  else if (response == GTK_RESPONSE_NO)
    gtk_widget_destroy (GTK_WIDGET (self));
}

static void
ask_close (PmPropertiesDialog *self)
{
  GtkWidget *dialog = gtk_message_dialog_new (
      GTK_WINDOW (self), GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT, GTK_MESSAGE_QUESTION,
      GTK_BUTTONS_NONE, _ ("Save the changes to the Internet Mail Service (%s)?"),
      self->server_name);

  gtk_message_dialog_format_secondary_text (
      GTK_MESSAGE_DIALOG (dialog), "%s",
      _ ("If you discard them, what you have entered here is lost."));
  gtk_dialog_add_buttons (GTK_DIALOG (dialog), _ ("_Discard"), GTK_RESPONSE_NO,
                          _ ("_Keep Editing"), GTK_RESPONSE_CANCEL, _ ("_Save"), GTK_RESPONSE_YES,
                          NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_YES);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (dialog), GTK_RESPONSE_YES,
                                     self->valid && !self->conflicted);
  self->asking = TRUE;
  pm_dialog_run_async (GTK_DIALOG (dialog), close_answered_cb, g_object_ref (self));
}

// Cancel, Esc and the window's own button: while something is being saved they end the waiting.
static void
request_close (PmPropertiesDialog *self)
{
  if (is_busy (self))
    {
      g_cancellable_cancel (self->cancellable);
      return;
    }
  check (self);
  if (!self->changed)
    gtk_widget_destroy (GTK_WIDGET (self));
  else if (!self->asking)
    ask_close (self);
}

/* Callbacks */

static void
page_changed_cb (PmPropertiesPage *page, PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));

  if (!self->loading)
    queue_check (self);
}

static PmServiceDraft *
get_draft_cb (PmPropertiesPage *page, PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  return collect_draft (self);
}

static void
site_changed_cb (PmServerConnection *connection, GParamSpec *pspec, PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  follow_site (self);
}

static void
connection_changed_cb (PmServerConnection *connection, GParamSpec *pspec, PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  queue_check (self);
}

static void
help_clicked_cb (PmPropertiesDialog *self)
{
  GtkWidget *page;

  g_assert (PM_IS_PROPERTIES_DIALOG (self));

  page = gtk_notebook_get_nth_page (self->notebook,
                                    gtk_notebook_get_current_page (self->notebook));
  pm_help_show (GTK_WINDOW (self),
                pm_properties_page_get_help_topic (PM_PROPERTIES_PAGE (page)));
}

static void
cancel_clicked_cb (PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  request_close (self);
}

static void
apply_clicked_cb (PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  save (self, SAVE_AND_STAY);
}

static void
restart_clicked_cb (PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  save (self, SAVE_AND_RESTART);
}

static void
ok_clicked_cb (PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  save (self, SAVE_AND_CLOSE);
}

static gboolean
key_press_event_cb (PmPropertiesDialog *self, GdkEventKey *event)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));

  if (event->keyval != GDK_KEY_F1)
    return GDK_EVENT_PROPAGATE;
  help_clicked_cb (self);
  return GDK_EVENT_STOP;
}

static void
message_response_cb (PmPropertiesDialog *self, int response)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  gtk_widget_hide (self->message_bar);
}

static void
details_closed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  if (pm_dialog_run_finish (GTK_DIALOG (source), result) != GTK_RESPONSE_NONE)
    gtk_widget_destroy (GTK_WIDGET (source));
}

static void
message_details_clicked_cb (PmPropertiesDialog *self)
{
  GtkWidget *dialog;

  g_assert (PM_IS_PROPERTIES_DIALOG (self));

  dialog = gtk_message_dialog_new (GTK_WINDOW (self),
                                   GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT,
                                   GTK_MESSAGE_INFO, GTK_BUTTONS_CLOSE, "%s",
                                   gtk_label_get_text (self->message_label));
  gtk_message_dialog_format_secondary_text (GTK_MESSAGE_DIALOG (dialog), "%s", self->details);
  pm_dialog_run_async (GTK_DIALOG (dialog), details_closed_cb, NULL);
}

static void
conflict_answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmPropertiesDialog) self = data;
  int response = pm_dialog_run_finish (GTK_DIALOG (source), result);

  if (response == GTK_RESPONSE_NONE)
    return;
  gtk_widget_destroy (GTK_WIDGET (source));
  if (response == PM_CONFLICT_LOAD_THEIRS)
    load_theirs (self);
  else if (response == PM_CONFLICT_MINE_ON_TOP)
    put_mine_on_top (self);
}

static void
conflict_show_clicked_cb (PmPropertiesDialog *self)
{
  const PmSite *theirs;
  g_autoptr (PmServiceDraft) draft = NULL;
  g_autoptr (PmSite) mine = NULL;

  g_assert (PM_IS_PROPERTIES_DIALOG (self));

  theirs = pm_server_connection_get_site (self->connection);
  if (theirs == NULL)
    return;
  draft = collect_draft (self);
  mine = pm_service_draft_to_site (draft);
  pm_dialog_run_async (
      GTK_DIALOG (pm_conflict_dialog_new (GTK_WINDOW (self), self->base->site, mine, theirs)),
      conflict_answered_cb, g_object_ref (self));
}

static void
conflict_theirs_clicked_cb (PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  load_theirs (self);
}

static void
conflict_mine_clicked_cb (PmPropertiesDialog *self)
{
  g_assert (PM_IS_PROPERTIES_DIALOG (self));
  put_mine_on_top (self);
}

static gboolean
pm_properties_dialog_delete_event (GtkWidget *widget, GdkEventAny *event)
{
  request_close (PM_PROPERTIES_DIALOG (widget));
  return GDK_EVENT_STOP;
}

static void
pm_properties_dialog_dispose (GObject *object)
{
  PmPropertiesDialog *self = PM_PROPERTIES_DIALOG (object);

  g_clear_handle_id (&self->check_source, g_source_remove);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->signals);
  g_clear_object (&self->connection);
  G_OBJECT_CLASS (pm_properties_dialog_parent_class)->dispose (object);
}

static void
pm_properties_dialog_finalize (GObject *object)
{
  PmPropertiesDialog *self = PM_PROPERTIES_DIALOG (object);

  g_clear_pointer (&self->base, pm_service_draft_free);
  g_free (self->base_revision);
  g_free (self->server_name);
  g_free (self->details);
  G_OBJECT_CLASS (pm_properties_dialog_parent_class)->finalize (object);
}

static void
bind_callbacks (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_callback (widget_class, help_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, cancel_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, apply_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, restart_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, ok_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, key_press_event_cb);
  gtk_widget_class_bind_template_callback (widget_class, message_response_cb);
  gtk_widget_class_bind_template_callback (widget_class, message_details_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, conflict_show_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, conflict_theirs_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, conflict_mine_clicked_cb);
}

static void
pm_properties_dialog_class_init (PmPropertiesDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_properties_dialog_dispose;
  G_OBJECT_CLASS (klass)->finalize = pm_properties_dialog_finalize;
  widget_class->delete_event = pm_properties_dialog_delete_event;

  g_type_ensure (PM_TYPE_GENERAL_PAGE);
  g_type_ensure (PM_TYPE_CONNECTIONS_PAGE);
  g_type_ensure (PM_TYPE_ROUTING_PAGE);
  g_type_ensure (PM_TYPE_QUEUES_PAGE);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/properties/pm-properties-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, notebook);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, general_page);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, connections_page);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, routing_page);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, queues_page);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, conflict_bar);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, conflict_label);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, conflict_theirs_button);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, conflict_mine_button);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, message_bar);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, message_label);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, message_details_button);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, reason_box);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, reason_label);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, spinner);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, apply_button);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, restart_button);
  gtk_widget_class_bind_template_child (widget_class, PmPropertiesDialog, ok_button);
  bind_callbacks (widget_class);
}

static void
pm_properties_dialog_init (PmPropertiesDialog *self)
{
  PmPropertiesPage *pages[N_PAGES];

  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_window_set_default (GTK_WINDOW (self), self->ok_button);
  get_pages (self, pages);
  for (guint i = 0; i < N_PAGES; i++)
    {
      g_signal_connect_object (pages[i], "changed", G_CALLBACK (page_changed_cb), self, 0);
      g_signal_connect_object (pages[i], "get-draft", G_CALLBACK (get_draft_cb), self, 0);
    }
  self->signals = g_signal_group_new (PM_TYPE_SERVER_CONNECTION);
  g_signal_group_connect (self->signals, "notify::site", G_CALLBACK (site_changed_cb), self);
  g_signal_group_connect (self->signals, "notify::loaded-revision",
                          G_CALLBACK (connection_changed_cb), self);
  g_signal_group_connect (self->signals, "notify::can-write", G_CALLBACK (connection_changed_cb),
                          self);
}

/**
 * pm_properties_dialog_new:
 * @parent: (nullable): the window it stands in front of
 * @connection: a connection that has read a site
 * @server_name: name of a server with an Internet Mail Service
 *
 * Returns: (nullable): the dialog; %NULL when the site has no such service
 */
GtkWidget *
pm_properties_dialog_new (GtkWindow *parent,
                          PmServerConnection *connection,
                          const char *server_name)
{
  PmPropertiesDialog *self;
  g_autofree char *title = NULL;

  g_return_val_if_fail (PM_IS_SERVER_CONNECTION (connection), NULL);
  g_return_val_if_fail (server_name != NULL, NULL);

  self = g_object_new (PM_TYPE_PROPERTIES_DIALOG, "transient-for", parent, "use-header-bar", FALSE,
                       NULL);
  self->connection = g_object_ref (connection);
  self->server_name = g_strdup (server_name);
  if (!rebase (self))
    {
      gtk_widget_destroy (GTK_WIDGET (self));
      return NULL;
    }
  title = g_strdup_printf (_ ("Internet Mail Service (%s) Properties"), server_name);
  gtk_window_set_title (GTK_WINDOW (self), title);
  pm_fit_screen (GTK_WINDOW (self));
  load_draft (self, self->base);
  pm_queues_page_set_connection (PM_QUEUES_PAGE (self->queues_page), connection);
  g_signal_group_set_target (self->signals, connection);
  // Nothing is changed yet; a long table is compared when the dialog is on the screen.
  self->valid = TRUE;
  update_buttons (self, _ ("Nothing has been changed"));
  queue_check (self);
  return GTK_WIDGET (self);
}

void
pm_properties_dialog_show_tab (PmPropertiesDialog *self, const char *name)
{
  static const char *const names[N_PAGES] = { "general", "connections", "routing", "queues" };

  for (int i = 0; i < N_PAGES; i++)
    if (g_strcmp0 (names[i], name) == 0)
      gtk_notebook_set_current_page (self->notebook, i);
}
