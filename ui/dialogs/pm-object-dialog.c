// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// OK, Cancel and Apply for the small Properties dialogs.

#include "config.h"

#include "ui/dialogs/pm-object-dialog.h"

#include <glib/gi18n.h>

#include "ui/pm-error-text.h"

typedef struct
{
  GtkInfoBar *problem_bar;
  GtkLabel *problem;
  GtkWidget *theirs_button;
  GtkLabel *reason;
  GtkSpinner *spinner;
  GtkWidget *ok_button;
  GtkWidget *apply_button;

  PmServerConnection *connection; /* (owned) */
  GCancellable *cancellable;      /* (owned) */
  char *comment;                  /* (owned) */
  PmSite *base;                   /* (owned) (nullable): that the fields were filled from */
  char *revision;                 /* (owned): of @base */
  GtkWidget *marked;              /* (nullable): the field with the first problem */
  guint check_id;
  gboolean loading;
  gboolean changed;
  gboolean valid;
  gboolean busy;
  gboolean close_when_done;
} PmObjectDialogPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (PmObjectDialog, pm_object_dialog, GTK_TYPE_DIALOG)

#define PRIVATE(self) \
  ((PmObjectDialogPrivate *) pm_object_dialog_get_instance_private (PM_OBJECT_DIALOG (self)))

static void
mark_field (PmObjectDialog *self, GtkWidget *field, const char *problem)
{
  PmObjectDialogPrivate *priv = PRIVATE (self);

  if (priv->marked != NULL)
    {
      gtk_style_context_remove_class (gtk_widget_get_style_context (priv->marked),
                                      GTK_STYLE_CLASS_ERROR);
      gtk_widget_set_tooltip_text (priv->marked, NULL);
    }
  g_set_weak_pointer (&priv->marked, field);
  if (field == NULL)
    return;
  gtk_style_context_add_class (gtk_widget_get_style_context (field), GTK_STYLE_CLASS_ERROR);
  gtk_widget_set_tooltip_text (field, problem);
}

static void
update_buttons (PmObjectDialog *self)
{
  PmObjectDialogPrivate *priv = PRIVATE (self);
  gboolean possible = priv->valid && !priv->busy;

  gtk_widget_set_sensitive (priv->ok_button, possible);
  gtk_widget_set_sensitive (priv->apply_button, possible && priv->changed);
  g_object_set (priv->spinner, "active", priv->busy, NULL);
  gtk_widget_set_visible (GTK_WIDGET (priv->spinner), priv->busy);
}

static PmSite *
collect (PmObjectDialog *self, GtkWidget **field, GError **error)
{
  const PmSite *site = pm_server_connection_get_site (PRIVATE (self)->connection);

  if (site == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED,
                           _ ("The server is not there just now."));
      return NULL;
    }
  return PM_OBJECT_DIALOG_GET_CLASS (self)->collect (self, site, field, error);
}

static void
check (gpointer data)
{
  PmObjectDialog *self = PM_OBJECT_DIALOG (data);
  PmObjectDialogPrivate *priv = PRIVATE (self);
  GtkWidget *field = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = collect (self, &field, &error);

  priv->check_id = 0;
  priv->valid = site != NULL;
  /* Nobody has done anything wrong in a dialog that was only just opened. */
  mark_field (self, priv->changed ? field : NULL, error != NULL ? error->message : NULL);
  gtk_label_set_label (priv->reason, error != NULL ? error->message : "");
  update_buttons (self);
}

static void
show_problem (PmObjectDialog *self, const GError *error)
{
  PmObjectDialogPrivate *priv = PRIVATE (self);
  g_autofree char *text = pm_error_text (error);
  const char *detail = pm_error_text_detail (error);
  g_autofree char *both = g_str_equal (text, detail) ? g_strdup (text)
                                                     : g_strdup_printf ("%s\n%s", text, detail);

  gtk_label_set_label (priv->problem, both);
  gtk_widget_hide (priv->theirs_button);
  gtk_widget_show (GTK_WIDGET (priv->problem_bar));
}

static void
rebase (PmObjectDialog *self)
{
  PmObjectDialogPrivate *priv = PRIVATE (self);
  const PmSite *site = pm_server_connection_get_site (priv->connection);

  g_clear_pointer (&priv->base, pm_site_unref);
  priv->base = site != NULL ? pm_site_ref (site) : NULL;
  g_free (priv->revision);
  priv->revision = g_strdup (pm_server_connection_get_revision (priv->connection));
}

static void
load_theirs (PmObjectDialog *self)
{
  PmObjectDialogPrivate *priv = PRIVATE (self);

  priv->loading = TRUE;
  PM_OBJECT_DIALOG_GET_CLASS (self)->load (self, priv->base);
  priv->loading = FALSE;
  priv->changed = FALSE;
  gtk_widget_hide (GTK_WIDGET (priv->problem_bar));
}

/* The site under the dialog is a new one. What it says of other objects is none of our business:
   only this object's own values will be put into it. */
static void
site_changed_cb (PmObjectDialog *self)
{
  PmObjectDialogPrivate *priv = PRIVATE (self);
  PmObjectDialogClass *klass = PM_OBJECT_DIALOG_GET_CLASS (self);
  const PmSite *site = pm_server_connection_get_site (priv->connection);
  gboolean same;

  if (priv->busy || site == NULL || priv->base == NULL)
    return;
  same = klass->same (self, priv->base, site);
  rebase (self);
  if (!same && !priv->changed)
    load_theirs (self);
  else if (!same)
    {
      gtk_label_set_label (priv->problem,
                           _ ("Somebody else has changed this meanwhile. What you typed is kept: "
                              "OK saves it in place of theirs."));
      gtk_widget_show (priv->theirs_button);
      gtk_widget_show (GTK_WIDGET (priv->problem_bar));
    }
  if (priv->check_id == 0)
    priv->check_id = g_idle_add_once (check, self);
}

static void
theirs_clicked_cb (GtkButton *button, PmObjectDialog *self)
{
  load_theirs (self);
  check (self);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmObjectDialog) self = data;
  PmObjectDialogPrivate *priv = PRIVATE (self);
  PmObjectDialogClass *klass = PM_OBJECT_DIALOG_GET_CLASS (self);
  g_autoptr (GError) error = NULL;
  gboolean written = pm_server_connection_write_finish (PM_SERVER_CONNECTION (source), result,
                                                        &error);

  if (priv->cancellable == NULL) /* disposed of meanwhile */
    return;
  priv->busy = FALSE;
  if (!written)
    {
      show_problem (self, error);
      site_changed_cb (self);
      update_buttons (self);
      return;
    }
  rebase (self);
  priv->changed = FALSE;
  gtk_widget_hide (GTK_WIDGET (priv->problem_bar));
  if (klass->saved != NULL)
    klass->saved (self);
  update_buttons (self);
  if (priv->close_when_done)
    gtk_widget_destroy (GTK_WIDGET (self));
}

static void
save (PmObjectDialog *self, gboolean close_when_done)
{
  PmObjectDialogPrivate *priv = PRIVATE (self);
  GtkWidget *field = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = collect (self, &field, &error);

  if (site == NULL)
    {
      check (self);
      if (field != NULL)
        gtk_widget_grab_focus (field);
      return;
    }
  priv->close_when_done = close_when_done;
  priv->busy = TRUE;
  update_buttons (self);
  pm_server_connection_write_from_async (priv->connection, site, priv->revision, priv->comment,
                                         priv->cancellable, written_cb, g_object_ref (self));
}

static void
pm_object_dialog_response (GtkDialog *dialog, int response)
{
  PmObjectDialog *self = PM_OBJECT_DIALOG (dialog);
  PmObjectDialogPrivate *priv = PRIVATE (self);

  if (response == GTK_RESPONSE_APPLY && priv->valid && !priv->busy)
    save (self, FALSE);
  else if (response == GTK_RESPONSE_OK && priv->valid && !priv->busy && priv->changed)
    save (self, TRUE);
  else if (response == GTK_RESPONSE_OK && (!priv->valid || priv->busy))
    return;
  else if (response != GTK_RESPONSE_APPLY)
    gtk_widget_destroy (GTK_WIDGET (self));
}

static void
pm_object_dialog_dispose (GObject *object)
{
  PmObjectDialogPrivate *priv = PRIVATE (object);

  g_cancellable_cancel (priv->cancellable);
  g_clear_object (&priv->cancellable);
  g_clear_handle_id (&priv->check_id, g_source_remove);
  g_clear_weak_pointer (&priv->marked);
  g_clear_object (&priv->connection);
  G_OBJECT_CLASS (pm_object_dialog_parent_class)->dispose (object);
}

static void
pm_object_dialog_finalize (GObject *object)
{
  PmObjectDialogPrivate *priv = PRIVATE (object);

  g_free (priv->comment);
  g_clear_pointer (&priv->base, pm_site_unref);
  g_free (priv->revision);
  G_OBJECT_CLASS (pm_object_dialog_parent_class)->finalize (object);
}

static void
pm_object_dialog_class_init (PmObjectDialogClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = pm_object_dialog_dispose;
  object_class->finalize = pm_object_dialog_finalize;
  GTK_DIALOG_CLASS (klass)->response = pm_object_dialog_response;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-object-dialog.ui");
  gtk_widget_class_bind_template_child_private (widget_class, PmObjectDialog, problem_bar);
  gtk_widget_class_bind_template_child_private (widget_class, PmObjectDialog, problem);
  gtk_widget_class_bind_template_child_private (widget_class, PmObjectDialog, theirs_button);
  gtk_widget_class_bind_template_callback (widget_class, theirs_clicked_cb);
  gtk_widget_class_bind_template_child_private (widget_class, PmObjectDialog, reason);
  gtk_widget_class_bind_template_child_private (widget_class, PmObjectDialog, spinner);
  gtk_widget_class_bind_template_child_private (widget_class, PmObjectDialog, ok_button);
  gtk_widget_class_bind_template_child_private (widget_class, PmObjectDialog, apply_button);
}

static void
pm_object_dialog_init (PmObjectDialog *self)
{
  PRIVATE (self)->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_dialog_set_default_response (GTK_DIALOG (self), GTK_RESPONSE_OK);
}

/**
 * pm_object_dialog_set_up:
 * @parent: (nullable)
 * @comment: what the site's history says of the change
 *
 * Once, by the subclass, before it fills its fields.
 */
void
pm_object_dialog_set_up (PmObjectDialog *self, GtkWindow *parent, PmServerConnection *connection,
                         const char *comment)
{
  PmObjectDialogPrivate *priv = PRIVATE (self);

  g_return_if_fail (priv->connection == NULL);

  gtk_window_set_transient_for (GTK_WINDOW (self), parent);
  priv->connection = g_object_ref (connection);
  priv->comment = g_strdup (comment);
  rebase (self);
  g_signal_connect_object (connection, "notify::site", G_CALLBACK (site_changed_cb), self,
                           G_CONNECT_SWAPPED);
  priv->check_id = g_idle_add_once (check, self);
}

/* By the subclass, whenever a field says something else. */
void
pm_object_dialog_changed (PmObjectDialog *self)
{
  PmObjectDialogPrivate *priv = PRIVATE (self);

  if (priv->connection == NULL || priv->loading)
    return;
  priv->changed = TRUE;
  if (priv->check_id == 0)
    priv->check_id = g_idle_add_once (check, self);
}
