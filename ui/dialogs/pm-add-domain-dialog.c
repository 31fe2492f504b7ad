// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Add Domain: fields in, a draft out, and the router's word on it beside them.

#include "config.h"

#include "ui/dialogs/pm-add-domain-dialog.h"

#include <glib/gi18n.h>

#include "base/pm-domain-name.h"
#include "routing/pm-router.h"
#include "ui/dialogs/pm-domain-draft.h"
#include "ui/pm-decision-text.h"
#include "ui/pm-error-text.h"

/* Pauses shorter than this, in milliseconds, are somebody typing. */
#define CHECK_DELAY 120

struct _PmAddDomainDialog
{
  GtkDialog parent_instance;

  /* Template */
  GtkInfoBar *problem_bar;
  GtkLabel *problem;
  GtkEntry *domain_entry;
  GtkToggleButton *subdomains_check;
  GtkToggleButton *inbound_radio;
  GtkToggleButton *rewrite_radio;
  GtkEntry *rewrite_entry;
  GtkToggleButton *forward_radio;
  GtkEntry *host_entry;
  GtkSpinButton *port_spin;
  GtkToggleButton *relay_radio;
  GtkWidget *mailbox_box;
  GtkComboBoxText *mailbox_combo;
  GtkLabel *mailbox_note;
  GtkImage *preview_icon;
  GtkLabel *preview;
  GtkSpinner *spinner;
  GtkWidget *add_button;
  GtkWidget *restart_button;

  /* Owned */
  PmServerConnection *connection;
  GCancellable *cancellable;
  char *server_name;
  char *revision; /* that the preview was made from */
  char *added;    /* (nullable): the domain that is being written */
  guint check_id;
  gboolean valid;
  gboolean busy;
  gboolean restart;
};

G_DEFINE_FINAL_TYPE (PmAddDomainDialog, pm_add_domain_dialog, GTK_TYPE_DIALOG)

enum
{
  ADDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static PmRouteAction
get_action (PmAddDomainDialog *self)
{
  if (gtk_toggle_button_get_active (self->rewrite_radio))
    return PM_ROUTE_REWRITE;
  if (gtk_toggle_button_get_active (self->forward_radio))
    return PM_ROUTE_FORWARD;
  if (gtk_toggle_button_get_active (self->relay_radio))
    return PM_ROUTE_RELAY;
  return PM_ROUTE_INBOUND;
}

static PmDomainDraft
get_draft (PmAddDomainDialog *self)
{
  const char *mailbox = gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->mailbox_combo));
  PmDomainDraft draft = {
    .domain = gtk_entry_get_text (self->domain_entry),
    .subdomains = gtk_toggle_button_get_active (self->subdomains_check),
    .action = get_action (self),
    .rewrite_domain = gtk_entry_get_text (self->rewrite_entry),
    .host = gtk_entry_get_text (self->host_entry),
    .port = (guint16) gtk_spin_button_get_value_as_int (self->port_spin),
    .mailbox = PM_DOMAIN_MAILBOX_ALIAS,
    .mailbox_address = mailbox,
  };

  if (mailbox == NULL || g_str_equal (mailbox, "none"))
    draft.mailbox = PM_DOMAIN_MAILBOX_NONE;
  else if (g_str_equal (mailbox, "postmaster"))
    draft.mailbox = PM_DOMAIN_MAILBOX_POSTMASTER;
  return draft;
}

static void
mark (gpointer field, gboolean wrong)
{
  GtkStyleContext *context = gtk_widget_get_style_context (field);

  if (wrong)
    gtk_style_context_add_class (context, GTK_STYLE_CLASS_ERROR);
  else
    gtk_style_context_remove_class (context, GTK_STYLE_CLASS_ERROR);
}

static gboolean
is_empty (GtkEntry *entry)
{
  return *gtk_entry_get_text (entry) == '\0';
}

/* An empty field is not wrong, only not filled in yet. */
static void
mark_fields (PmAddDomainDialog *self, PmDomainField field)
{
  mark (self->domain_entry, field == PM_DOMAIN_FIELD_DOMAIN && !is_empty (self->domain_entry));
  mark (self->rewrite_entry, field == PM_DOMAIN_FIELD_REWRITE && !is_empty (self->rewrite_entry));
  mark (self->host_entry, field == PM_DOMAIN_FIELD_HOST && !is_empty (self->host_entry));
}

static void
update_buttons (PmAddDomainDialog *self)
{
  gtk_widget_set_sensitive (self->add_button, self->valid && !self->busy);
  gtk_widget_set_sensitive (self->restart_button, self->valid && !self->busy);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), self->busy);
  g_object_set (self->spinner, "active", self->busy, NULL);
}

/* One line of the preview: what would become of mail from a stranger for @local at @domain. */
static void
append_decision (GString *text, PmRouter *router, const char *local, const char *domain)
{
  g_autofree char *address = g_strdup_printf ("%s@%s", local, domain);
  g_autoptr (PmMailAddress) recipient = pm_mail_address_parse (address, NULL);
  g_autoptr (GInetAddress) stranger = g_inet_address_new_from_string ("192.0.2.1");
  PmRoutingClient client = { .address = stranger };
  g_autoptr (PmDecision) decision = NULL;
  g_autofree char *headline = NULL;

  if (recipient == NULL)
    return;
  decision = pm_router_decide (router, recipient, &client);
  headline = pm_decision_text_headline (decision);
  /* Translators: a mail address, and what becomes of mail for it */
  g_string_append_printf (text, text->len > 0 ? "\n%s: %s" : "%s: %s", address, headline);
}

static char *
preview_site (PmAddDomainDialog *self, const PmDomainDraft *draft, const PmSite *site)
{
  const PmMailService *service = pm_site_find_service (site, self->server_name);
  g_autoptr (PmRouter) router = pm_router_new (site, service, NULL);
  gboolean subdomains;
  g_autofree char *domain = pm_domain_draft_normalize (draft, &subdomains, NULL);
  g_autofree char *shown = pm_domain_name_to_display (domain);
  g_autofree char *below = g_strconcat ("sales.", shown, NULL);
  GString *text = g_string_new (NULL);

  append_decision (text, router, "postmaster", shown);
  append_decision (text, router, "anna", shown);
  if (subdomains)
    append_decision (text, router, "anna", below);
  return g_string_free (text, FALSE);
}

static PmSite *
apply_draft (PmAddDomainDialog *self, PmDomainField *field, GError **error)
{
  PmDomainDraft draft = get_draft (self);
  const PmSite *site = pm_server_connection_get_site (self->connection);

  *field = PM_DOMAIN_FIELD_NONE;
  if (site != NULL)
    return pm_domain_draft_apply (&draft, site, self->server_name, field, error);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED,
                       _ ("The server is not there just now."));
  return NULL;
}

static gboolean
check_cb (gpointer data)
{
  PmAddDomainDialog *self = PM_ADD_DOMAIN_DIALOG (data);
  PmDomainDraft draft = get_draft (self);
  PmDomainField field;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = apply_draft (self, &field, &error);
  g_autofree char *text = site != NULL ? preview_site (self, &draft, site)
                                       : g_strdup (error->message);

  self->check_id = 0;
  self->valid = site != NULL;
  g_free (self->revision);
  self->revision = g_strdup (pm_server_connection_get_revision (self->connection));
  mark_fields (self, field);
  gtk_label_set_label (self->preview, text);
  gtk_image_set_from_icon_name (self->preview_icon,
                                site != NULL ? "pm-route-symbolic" : "dialog-information-symbolic",
                                GTK_ICON_SIZE_MENU);
  update_buttons (self);
  return G_SOURCE_REMOVE;
}

static void
changed_cb (gpointer object, PmAddDomainDialog *self)
{
  if (self->connection == NULL)
    return;
  self->valid = FALSE;
  gtk_widget_set_sensitive (GTK_WIDGET (self->mailbox_box), get_action (self) == PM_ROUTE_INBOUND);
  g_clear_handle_id (&self->check_id, g_source_remove);
  self->check_id = g_timeout_add (CHECK_DELAY, check_cb, self);
}

/* The draft goes into the site as it is now: when that is a new one, it is judged anew. */
static void
site_changed_cb (PmAddDomainDialog *self)
{
  if (!self->busy)
    changed_cb (NULL, self);
}

/* Choosing what happens leads to the field that it needs. */
static void
action_toggled_cb (GtkToggleButton *radio, PmAddDomainDialog *self)
{
  if (gtk_toggle_button_get_active (radio))
    changed_cb (radio, self);
}

static void
show_problem (PmAddDomainDialog *self, const GError *error)
{
  g_autofree char *text = pm_error_text (error);
  const char *detail = pm_error_text_detail (error);
  g_autofree char *both = g_str_equal (text, detail) ? g_strdup (text)
                                                     : g_strdup_printf ("%s\n%s", text, detail);

  self->busy = FALSE;
  gtk_label_set_label (self->problem, both);
  gtk_widget_show (GTK_WIDGET (self->problem_bar));
  update_buttons (self);
}

static void
finish (PmAddDomainDialog *self, const PmApplyResult *result)
{
  g_signal_emit (self, signals[ADDED], 0, self->added, result);
  gtk_widget_destroy (GTK_WIDGET (self));
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmAddDomainDialog) self = data;
  g_autoptr (GError) error = NULL;
  gboolean written = pm_server_connection_write_finish (PM_SERVER_CONNECTION (source), result,
                                                        &error);

  if (self->connection == NULL) /* closed meanwhile */
    return;
  if (written)
    finish (self, NULL);
  else
    show_problem (self, error);
}

static void
applied_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmAddDomainDialog) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmApplyResult) outcome = NULL;

  outcome = pm_server_connection_apply_finish (PM_SERVER_CONNECTION (source), result, &error);
  if (self->connection == NULL)
    return;
  if (outcome != NULL)
    finish (self, outcome);
  else
    show_problem (self, error);
}

static void
save (PmAddDomainDialog *self, gboolean restart)
{
  PmDomainDraft draft = get_draft (self);
  PmDomainField field;
  gboolean subdomains;
  g_autofree char *comment = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = apply_draft (self, &field, &error);

  if (site == NULL)
    {
      check_cb (self);
      return;
    }
  g_free (self->added);
  self->added = pm_domain_draft_normalize (&draft, &subdomains, NULL);
  comment = g_strdup_printf (_ ("Add the domain %s"), self->added);
  self->busy = TRUE;
  gtk_widget_hide (GTK_WIDGET (self->problem_bar));
  update_buttons (self);
  if (restart)
    pm_server_connection_apply_from_async (self->connection, site, self->revision, comment, TRUE,
                                           self->cancellable, applied_cb, g_object_ref (self));
  else
    pm_server_connection_write_from_async (self->connection, site, self->revision, comment,
                                           self->cancellable, written_cb, g_object_ref (self));
}

static void
pm_add_domain_dialog_response (GtkDialog *dialog, int response)
{
  PmAddDomainDialog *self = PM_ADD_DOMAIN_DIALOG (dialog);

  if (response != GTK_RESPONSE_OK && response != PM_ADD_DOMAIN_RESPONSE_RESTART)
    {
      gtk_widget_destroy (GTK_WIDGET (self));
      return;
    }
  if (self->check_id != 0)
    {
      g_clear_handle_id (&self->check_id, g_source_remove);
      check_cb (self);
    }
  if (self->valid && !self->busy)
    save (self, response == PM_ADD_DOMAIN_RESPONSE_RESTART);
}

static void
pm_add_domain_dialog_dispose (GObject *object)
{
  PmAddDomainDialog *self = PM_ADD_DOMAIN_DIALOG (object);

  g_clear_handle_id (&self->check_id, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->connection);
  G_OBJECT_CLASS (pm_add_domain_dialog_parent_class)->dispose (object);
}

static void
pm_add_domain_dialog_finalize (GObject *object)
{
  PmAddDomainDialog *self = PM_ADD_DOMAIN_DIALOG (object);

  g_clear_object (&self->cancellable);
  g_free (self->server_name);
  g_free (self->revision);
  g_free (self->added);
  G_OBJECT_CLASS (pm_add_domain_dialog_parent_class)->finalize (object);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, problem_bar);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, problem);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, domain_entry);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, subdomains_check);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, inbound_radio);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, rewrite_radio);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, rewrite_entry);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, forward_radio);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, host_entry);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, port_spin);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, relay_radio);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, mailbox_box);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, mailbox_combo);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, mailbox_note);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, preview_icon);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, preview);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, spinner);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, add_button);
  gtk_widget_class_bind_template_child (widget_class, PmAddDomainDialog, restart_button);
  gtk_widget_class_bind_template_callback (widget_class, action_toggled_cb);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
}

static void
pm_add_domain_dialog_class_init (PmAddDomainDialogClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = pm_add_domain_dialog_dispose;
  object_class->finalize = pm_add_domain_dialog_finalize;
  GTK_DIALOG_CLASS (klass)->response = pm_add_domain_dialog_response;
  signals[ADDED] = g_signal_new ("added", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_POINTER);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-add-domain-dialog.ui");
  bind_template (widget_class);
}

static void
pm_add_domain_dialog_init (PmAddDomainDialog *self)
{
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_dialog_set_default_response (GTK_DIALOG (self), GTK_RESPONSE_OK);
  g_object_bind_property (self->rewrite_radio, "active", self->rewrite_entry, "sensitive",
                          G_BINDING_SYNC_CREATE);
  g_object_bind_property (self->forward_radio, "active", self->host_entry, "sensitive",
                          G_BINDING_SYNC_CREATE);
  g_object_bind_property (self->forward_radio, "active", self->port_spin, "sensitive",
                          G_BINDING_SYNC_CREATE);
}

/* More than somebody can choose from in a menu; the others are in Recipients. */
#define MAX_CHOICES 50

static void
fill_mailboxes (PmAddDomainDialog *self, const PmMailService *service)
{
  guint n = MIN (service->mailboxes->len, MAX_CHOICES);

  gtk_combo_box_text_append (self->mailbox_combo, "postmaster",
                             _ ("Make a mailbox of its own for the postmaster"));
  for (guint i = 0; i < n; i++)
    {
      const PmMailbox *mailbox = service->mailboxes->pdata[i];
      g_autofree char *text = g_strdup_printf (_ ("Postmaster's mail goes to %s"),
                                               mailbox->address);

      gtk_combo_box_text_append (self->mailbox_combo, mailbox->address, text);
    }
  gtk_combo_box_text_append (self->mailbox_combo, "none", _ ("No mailbox for now"));
  gtk_combo_box_set_active (GTK_COMBO_BOX (self->mailbox_combo), n > 0 ? 1 : 0);
  gtk_label_set_label (self->mailbox_note,
                       service->mailbox_accept == PM_MAILBOXES_ANY
                           ? _ ("This service takes every address of an inbound domain "
                                "as a mailbox.")
                           : _ ("Mail for addresses that have no mailbox is refused. "
                                "Add mailboxes in Recipients."));
}

/**
 * pm_add_domain_dialog_new:
 * @server_name: whose mail service gets the domain
 */
PmAddDomainDialog *
pm_add_domain_dialog_new (GtkWindow *parent, PmServerConnection *connection,
                          const char *server_name)
{
  PmAddDomainDialog *self = g_object_new (PM_TYPE_ADD_DOMAIN_DIALOG, "use-header-bar", FALSE,
                                          "transient-for", parent, NULL);
  const PmSite *site = pm_server_connection_get_site (connection);
  const PmMailService *service = site != NULL ? pm_site_find_service (site, server_name) : NULL;

  self->server_name = g_strdup (server_name);
  if (service != NULL)
    fill_mailboxes (self, service);
  self->connection = g_object_ref (connection);
  g_signal_connect_object (connection, "notify::site", G_CALLBACK (site_changed_cb), self,
                           G_CONNECT_SWAPPED);
  check_cb (self);
  return self;
}
