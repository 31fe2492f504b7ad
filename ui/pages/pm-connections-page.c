// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Connections: which way mail may travel, how it leaves, who may connect, and how long a message is
// tried. Values of the sub-dialogs are kept here until the page is collected.

#include "config.h"

#include "ui/pages/pm-connections-page.h"

#include <glib/gi18n.h>

#include "ui/dialogs/pm-accept-dialog.h"
#include "ui/dialogs/pm-dialog-run.h"
#include "ui/dialogs/pm-endpoint-dialog.h"
#include "ui/dialogs/pm-limits-dialog.h"
#include "ui/dialogs/pm-mail-domains-dialog.h"
#include "ui/dialogs/pm-timeouts-dialog.h"
#include "ui/properties/pm-duration-text.h"
#include "ui/properties/pm-field.h"

struct _PmConnectionsPage
{
  GtkBox parent_instance;

  GtkToggleButton *both_radio;
  GtkToggleButton *inbound_radio;
  GtkToggleButton *outbound_radio;
  GtkToggleButton *none_radio;
  GtkLabel *transfer_note;
  GtkToggleButton *dns_radio;
  GtkToggleButton *forward_radio;
  PmListEditor *hosts_editor;
  GtkLabel *mail_domains_note;
  GtkLabel *listeners_label;
  PmListEditor *listeners_editor;
  GtkToggleButton *accept_radio;
  GtkToggleButton *reject_radio;
  GtkLabel *accept_note;
  GtkEntry *retry_entry;
  GtkLabel *timeouts_note;

  PmMailService *values; /* (owned) (nullable): what the sub-dialogs change */
  gboolean loading;
};

static void pm_connections_page_page_init (PmPropertiesPageInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmConnectionsPage, pm_connections_page, GTK_TYPE_BOX,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_PROPERTIES_PAGE,
                                                      pm_connections_page_page_init))

static const char *const transfer_notes[] = {
  [PM_TRANSFER_BOTH] = N_ ("Mail is accepted from other hosts and sent to them."),
  [PM_TRANSFER_INBOUND] = N_ ("⚠ Warning: mail that should leave this server waits in the queue "
                              "until it is too old, and then goes back to its sender."),
  [PM_TRANSFER_OUTBOUND] = N_ ("⚠ Warning: no mail comes in; other hosts that try are told to come "
                               "back later."),
  [PM_TRANSFER_NONE] = N_ ("⚠ Warning: no mail comes in. What is in the queue is still tried; use "
                           "this before moving or removing the server."),
};

static PmTransferMode
get_transfer (PmConnectionsPage *self)
{
  if (gtk_toggle_button_get_active (self->inbound_radio))
    return PM_TRANSFER_INBOUND;
  if (gtk_toggle_button_get_active (self->outbound_radio))
    return PM_TRANSFER_OUTBOUND;
  if (gtk_toggle_button_get_active (self->none_radio))
    return PM_TRANSFER_NONE;
  return PM_TRANSFER_BOTH;
}

static void
describe_mail_domains (PmConnectionsPage *self)
{
  guint n = self->values->mail_domains->len;
  g_autofree char *text =
      n == 0 ? g_strdup (_ ("None: all mail leaves as above."))
             : g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u domain has a way of its own.",
                                             "%u domains have a way of their own.", n),
                                n);

  gtk_label_set_text (self->mail_domains_note, text);
}

static void
describe_accept (PmConnectionsPage *self)
{
  guint n = self->values->accept_rules->len;
  g_autofree char *text = NULL;

  if (n > 0)
    text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u host or network is listed.",
                                         "%u hosts or networks are listed.", n),
                            n);
  else if (gtk_toggle_button_get_active (self->accept_radio))
    text = g_strdup (_ ("No hosts are listed: every host may connect."));
  else
    text = g_strdup (_ ("⚠ Warning: no hosts are listed, so nobody can connect and no mail "
                        "comes in."));
  gtk_label_set_text (self->accept_note, text);
}

static void
describe_timeouts (PmConnectionsPage *self)
{
  g_autofree char *notify = pm_duration_text_format (self->values->retry_notify);
  g_autofree char *timeout = pm_duration_text_format (self->values->retry_timeout);
  g_autofree char *text =
      g_strdup_printf (_ ("Senders are told after %s that a message is late; after %s it goes "
                          "back."),
                       notify, timeout);

  gtk_label_set_text (self->timeouts_note, text);
}

static void
update (PmConnectionsPage *self)
{
  gtk_label_set_text (self->transfer_note, _ (transfer_notes[get_transfer (self)]));
  gtk_widget_set_sensitive (GTK_WIDGET (self->hosts_editor),
                            gtk_toggle_button_get_active (self->forward_radio));
  describe_mail_domains (self);
  describe_accept (self);
  describe_timeouts (self);
}

static void
changed_cb (PmConnectionsPage *self)
{
  g_assert (PM_IS_CONNECTIONS_PAGE (self));

  if (self->loading)
    return;
  update (self);
  pm_properties_page_changed (PM_PROPERTIES_PAGE (self));
}

static GtkWindow *
get_window (PmConnectionsPage *self)
{
  GtkWidget *window = gtk_widget_get_toplevel (GTK_WIDGET (self));

  return GTK_IS_WINDOW (window) ? GTK_WINDOW (window) : NULL;
}

// Ends a sub-dialog; the page is touched only when it was answered, for then it is still there.
static void
end_dialog (GObject *source, GAsyncResult *result, PmConnectionsPage *self)
{
  GtkDialog *dialog = GTK_DIALOG (source);
  int response = pm_dialog_run_finish (dialog, result);

  if (response == GTK_RESPONSE_OK)
    {
      if (PM_IS_LIMITS_DIALOG (dialog))
        pm_limits_dialog_collect (PM_LIMITS_DIALOG (dialog), self->values);
      else if (PM_IS_TIMEOUTS_DIALOG (dialog))
        pm_timeouts_dialog_collect (PM_TIMEOUTS_DIALOG (dialog), self->values);
      else if (PM_IS_ACCEPT_DIALOG (dialog))
        pm_accept_dialog_collect (PM_ACCEPT_DIALOG (dialog), self->values);
      else if (PM_IS_MAIL_DOMAINS_DIALOG (dialog))
        {
          g_ptr_array_unref (self->values->mail_domains);
          self->values->mail_domains =
              pm_mail_domains_dialog_dup_items (PM_MAIL_DOMAINS_DIALOG (dialog));
        }
      changed_cb (self);
    }
  if (response != GTK_RESPONSE_NONE)
    gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
dialog_ready_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmConnectionsPage) self = data;

  g_assert (PM_IS_CONNECTIONS_PAGE (self));
  end_dialog (source, result, self);
}

static void
run_dialog (PmConnectionsPage *self, gpointer dialog)
{
  pm_dialog_run_async (GTK_DIALOG (dialog), dialog_ready_cb, g_object_ref (self));
}

static void
advanced_clicked_cb (PmConnectionsPage *self)
{
  g_assert (PM_IS_CONNECTIONS_PAGE (self));
  run_dialog (self, pm_limits_dialog_new (get_window (self), self->values));
}

static void
mail_domains_clicked_cb (PmConnectionsPage *self)
{
  g_assert (PM_IS_CONNECTIONS_PAGE (self));
  run_dialog (self, pm_mail_domains_dialog_new (get_window (self), self->values->mail_domains));
}

static void
hosts_clicked_cb (PmConnectionsPage *self)
{
  g_assert (PM_IS_CONNECTIONS_PAGE (self));

  self->values->accept_default = gtk_toggle_button_get_active (self->accept_radio);
  run_dialog (self, pm_accept_dialog_new (get_window (self), self->values));
}

static void
timeouts_clicked_cb (PmConnectionsPage *self)
{
  g_assert (PM_IS_CONNECTIONS_PAGE (self));
  run_dialog (self, pm_timeouts_dialog_new (get_window (self), self->values));
}

static const char *
get_help_topic (PmPropertiesPage *page)
{
  return "properties-connections";
}

static void
load_transfer (PmConnectionsPage *self, PmTransferMode transfer)
{
  GtkToggleButton *radios[] = { self->both_radio, self->inbound_radio, self->outbound_radio,
                                self->none_radio };

  gtk_toggle_button_set_active (radios[transfer], TRUE);
}

static void
load (PmPropertiesPage *page, const PmServiceDraft *draft)
{
  PmConnectionsPage *self = PM_CONNECTIONS_PAGE (page);
  const PmMailService *service = draft->service;
  g_autofree char *intervals = pm_duration_text_format_list (service->retry_intervals);

  self->loading = TRUE;
  g_clear_pointer (&self->values, pm_mail_service_unref);
  self->values = pm_mail_service_copy (service);

  load_transfer (self, service->transfer);
  gtk_toggle_button_set_active (
      service->deliver->method == PM_DELIVERY_HOST ? self->forward_radio : self->dns_radio, TRUE);
  pm_list_editor_set_items (self->hosts_editor, service->deliver->hosts);
  pm_list_editor_set_items (self->listeners_editor, service->listeners);
  gtk_toggle_button_set_active (service->accept_default ? self->accept_radio : self->reject_radio,
                                TRUE);
  gtk_entry_set_text (self->retry_entry, intervals);
  self->loading = FALSE;
  update (self);
}

static gboolean
validate_hosts (PmConnectionsPage *self, GError **error)
{
  gboolean forward = gtk_toggle_button_get_active (self->forward_radio);

  return pm_field_check (GTK_WIDGET (self->hosts_editor),
                         !forward || pm_list_editor_get_size (self->hosts_editor) > 0, error,
                         _ ("Connections: add the host that all messages are forwarded to"));
}

static gboolean
validate_listeners (PmConnectionsPage *self, GError **error)
{
  g_autoptr (GPtrArray) listeners = pm_list_editor_dup_items (self->listeners_editor);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < listeners->len; i++)
    {
      const PmListen *listen = listeners->pdata[i];
      char *key = g_strdup_printf ("%s/%u", listen->address, listen->port);

      if (!g_hash_table_add (seen, key))
        return pm_field_check (GTK_WIDGET (self->listeners_editor), FALSE, error,
                               _ ("Connections: %s port %u is among the listening addresses twice"),
                               listen->address, listen->port);
    }
  return pm_field_check (GTK_WIDGET (self->listeners_editor), listeners->len > 0, error,
                         _ ("Connections: add an address to listen on, as 0.0.0.0 port 25"));
}

static gboolean
validate_retry (PmConnectionsPage *self, GError **error)
{
  g_autoptr (GError) wrong = NULL;
  g_autoptr (GArray) list =
      pm_duration_text_parse_list (gtk_entry_get_text (self->retry_entry), &wrong);

  return pm_field_check (GTK_WIDGET (self->retry_entry), list != NULL, error,
                         _ ("Retry intervals: %s"), list == NULL ? wrong->message : "");
}

static gboolean
validate (PmPropertiesPage *page, GtkWidget **field, GError **error)
{
  PmConnectionsPage *self = PM_CONNECTIONS_PAGE (page);
  const struct
  {
    gboolean (*check) (PmConnectionsPage *self, GError **error);
    gpointer field;
  } checks[] = { { validate_hosts, self->hosts_editor },
                 { validate_listeners, self->listeners_editor },
                 { validate_retry, self->retry_entry } };
  gboolean valid = TRUE;

  // All of them, so that every field is marked; the first is the one that is told.
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    if (!checks[i].check (self, valid ? error : NULL) && valid)
      {
        valid = FALSE;
        *field = GTK_WIDGET (checks[i].field);
      }
  return valid;
}

static void
collect_values (PmConnectionsPage *self, PmMailService *service)
{
  service->max_inbound = self->values->max_inbound;
  service->max_outbound = self->values->max_outbound;
  service->max_per_host = self->values->max_per_host;
  service->max_messages_per_connection = self->values->max_messages_per_connection;
  service->max_recipients = self->values->max_recipients;
  service->retry_notify = self->values->retry_notify;
  service->retry_timeout = self->values->retry_timeout;
  g_ptr_array_unref (service->mail_domains);
  service->mail_domains = g_ptr_array_ref (self->values->mail_domains);
  g_ptr_array_unref (service->accept_rules);
  service->accept_rules = g_ptr_array_ref (self->values->accept_rules);
}

static void
collect (PmPropertiesPage *page, PmServiceDraft *draft)
{
  PmConnectionsPage *self = PM_CONNECTIONS_PAGE (page);
  PmMailService *service = draft->service;
  PmDelivery *deliver = pm_delivery_new ();
  GArray *intervals = pm_duration_text_parse_list (gtk_entry_get_text (self->retry_entry), NULL);

  collect_values (self, service);
  service->transfer = get_transfer (self);
  service->accept_default = gtk_toggle_button_get_active (self->accept_radio);
  g_ptr_array_unref (service->listeners);
  service->listeners = pm_list_editor_dup_items (self->listeners_editor);

  // What the page does not show stays as it was.
  deliver->order_rotate = service->deliver->order_rotate;
  if (gtk_toggle_button_get_active (self->forward_radio))
    {
      deliver->method = PM_DELIVERY_HOST;
      g_ptr_array_unref (deliver->hosts);
      deliver->hosts = pm_list_editor_dup_items (self->hosts_editor);
    }
  pm_delivery_unref (service->deliver);
  service->deliver = deliver;

  // What cannot be read counts as a change; validate() holds it back.
  g_array_unref (service->retry_intervals);
  service->retry_intervals =
      intervals != NULL ? intervals : g_array_new (FALSE, FALSE, sizeof (guint));
}

static void
pm_connections_page_page_init (PmPropertiesPageInterface *iface)
{
  iface->get_help_topic = get_help_topic;
  iface->load = load;
  iface->validate = validate;
  iface->collect = collect;
}

static void
pm_connections_page_finalize (GObject *object)
{
  PmConnectionsPage *self = PM_CONNECTIONS_PAGE (object);

  g_clear_pointer (&self->values, pm_mail_service_unref);
  G_OBJECT_CLASS (pm_connections_page_parent_class)->finalize (object);
}

static void
pm_connections_page_class_init (PmConnectionsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_connections_page_finalize;

  g_type_ensure (PM_TYPE_LIST_EDITOR);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/pages/pm-connections-page.ui");
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, both_radio);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, inbound_radio);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, outbound_radio);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, none_radio);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, transfer_note);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, dns_radio);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, forward_radio);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, hosts_editor);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, mail_domains_note);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, listeners_label);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, listeners_editor);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, accept_radio);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, reject_radio);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, accept_note);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, retry_entry);
  gtk_widget_class_bind_template_child (widget_class, PmConnectionsPage, timeouts_note);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, advanced_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, mail_domains_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, hosts_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, timeouts_clicked_cb);
}

static void
pm_connections_page_init (PmConnectionsPage *self)
{
  self->loading = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  pm_endpoint_list_setup (self->hosts_editor, PM_ENDPOINT_HOST);
  pm_endpoint_list_setup (self->listeners_editor, PM_ENDPOINT_LISTEN);
  pm_list_editor_set_name (self->hosts_editor, _ ("Forward all messages to host"));
  pm_list_editor_set_label (self->listeners_editor, self->listeners_label);
  self->loading = FALSE;
}
