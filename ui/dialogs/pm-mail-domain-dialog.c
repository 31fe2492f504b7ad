// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One e-mail domain: which it is, and how mail for it leaves this server.

#include "config.h"

#include "ui/dialogs/pm-mail-domain-dialog.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"
#include "ui/dialogs/pm-endpoint-dialog.h"
#include "ui/properties/pm-field.h"

struct _PmMailDomainDialog
{
  GtkDialog parent_instance;

  GtkEntry *name_entry;
  GtkToggleButton *subdomains_check;
  GtkLabel *match_label;
  GtkToggleButton *dns_radio;
  GtkToggleButton *forward_radio;
  PmListEditor *hosts_editor;
  GtkLabel *reason_label;
  GtkWidget *ok_button;

  gboolean order_rotate; /* as it was: it is not shown */
  GPtrArray *taken; /* (owned) (element-type PmMailDomain) */
};

G_DEFINE_FINAL_TYPE (PmMailDomainDialog, pm_mail_domain_dialog, GTK_TYPE_DIALOG)

static gboolean
check_taken (PmMailDomainDialog *self, const char *name, GError **error)
{
  gboolean subdomains = gtk_toggle_button_get_active (self->subdomains_check);

  for (guint i = 0; i < self->taken->len; i++)
    {
      const PmMailDomain *other = self->taken->pdata[i];

      if (other->subdomains == subdomains && strcmp (other->name, name) == 0)
        {
          g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                       _ ("“%s” is in the list already: edit that entry"), name);
          return FALSE;
        }
    }
  return TRUE;
}

static void
describe (PmMailDomainDialog *self, const char *name)
{
  g_autofree char *shown = name != NULL ? pm_domain_name_to_display (name) : NULL;
  g_autofree char *text = NULL;

  if (name == NULL)
    text = g_strdup ("");
  else if (gtk_toggle_button_get_active (self->subdomains_check))
    text = g_strdup_printf (_ ("For %s and everything below it, as sales.%s."), shown, shown);
  else
    text = g_strdup_printf (_ ("For %s alone, not for anything below it."), shown);
  gtk_label_set_text (self->match_label, text);
}

static void
update (PmMailDomainDialog *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *typed = pm_field_get_text (self->name_entry);
  g_autofree char *name = pm_domain_name_normalize (typed, &error);
  gboolean name_valid = name != NULL && check_taken (self, name, &error);
  gboolean forward = gtk_toggle_button_get_active (self->forward_radio);

  describe (self, name);
  if (*typed == '\0')
    {
      g_clear_error (&error);
      g_set_error_literal (&error, PM_ERROR, PM_ERROR_INVALID,
                           _ ("Type the domain, as partner.example"));
    }
  pm_field_set_problem (GTK_WIDGET (self->name_entry),
                        !name_valid && *typed != '\0' ? error->message : NULL);
  if (name_valid && forward && pm_list_editor_get_size (self->hosts_editor) == 0)
    g_set_error_literal (&error, PM_ERROR, PM_ERROR_INVALID,
                         _ ("Add the host that mail for this domain is forwarded to"));

  gtk_widget_set_sensitive (GTK_WIDGET (self->hosts_editor), forward);
  gtk_label_set_text (self->reason_label, error != NULL ? error->message : "");
  gtk_widget_set_sensitive (self->ok_button, error == NULL);
  gtk_widget_set_tooltip_text (self->ok_button, error != NULL ? error->message : NULL);
}

static void
changed_cb (PmMailDomainDialog *self)
{
  g_assert (PM_IS_MAIL_DOMAIN_DIALOG (self));

  // Template signals come before the template is whole.
  if (self->taken != NULL)
    update (self);
}

static void
pm_mail_domain_dialog_finalize (GObject *object)
{
  PmMailDomainDialog *self = PM_MAIL_DOMAIN_DIALOG (object);

  g_clear_pointer (&self->taken, g_ptr_array_unref);
  G_OBJECT_CLASS (pm_mail_domain_dialog_parent_class)->finalize (object);
}

static void
pm_mail_domain_dialog_class_init (PmMailDomainDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_mail_domain_dialog_finalize;

  g_type_ensure (PM_TYPE_LIST_EDITOR);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-mail-domain-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainDialog, name_entry);
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainDialog, subdomains_check);
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainDialog, match_label);
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainDialog, dns_radio);
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainDialog, forward_radio);
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainDialog, hosts_editor);
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainDialog, reason_label);
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainDialog, ok_button);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
}

static void
pm_mail_domain_dialog_init (PmMailDomainDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  pm_endpoint_list_setup (self->hosts_editor, PM_ENDPOINT_HOST);
  pm_list_editor_set_name (self->hosts_editor,
                           _ ("Forward all messages for this domain to host"));
}

PmMailDomainDialog *
pm_mail_domain_dialog_new (GtkWindow *parent, const PmMailDomain *domain, GPtrArray *taken)
{
  PmMailDomainDialog *self = g_object_new (PM_TYPE_MAIL_DOMAIN_DIALOG, "transient-for", parent,
                                           "use-header-bar", FALSE, NULL);

  gtk_window_set_title (GTK_WINDOW (self),
                        domain == NULL ? _ ("Add E-Mail Domain") : _ ("Edit E-Mail Domain"));
  if (domain != NULL)
    {
      g_autofree char *shown = pm_domain_name_to_display (domain->name);

      gtk_entry_set_text (self->name_entry, shown);
      gtk_toggle_button_set_active (self->subdomains_check, domain->subdomains);
      gtk_toggle_button_set_active (
          domain->delivery->method == PM_DELIVERY_HOST ? self->forward_radio : self->dns_radio,
          TRUE);
      pm_list_editor_set_items (self->hosts_editor, domain->delivery->hosts);
      self->order_rotate = domain->delivery->order_rotate;
    }
  self->taken = g_ptr_array_ref (taken);
  update (self);
  return self;
}

/**
 * pm_mail_domain_dialog_dup_item:
 *
 * Returns: (transfer full) (nullable): what was entered; %NULL when it cannot be used
 */
PmMailDomain *
pm_mail_domain_dialog_dup_item (PmMailDomainDialog *self)
{
  g_autofree char *name = pm_domain_name_normalize (gtk_entry_get_text (self->name_entry), NULL);
  PmMailDomain *domain;

  if (name == NULL || !gtk_widget_get_sensitive (self->ok_button))
    return NULL;

  domain = pm_mail_domain_new ();
  g_free (domain->name);
  domain->name = g_steal_pointer (&name);
  domain->subdomains = gtk_toggle_button_get_active (self->subdomains_check);
  if (gtk_toggle_button_get_active (self->forward_radio))
    {
      domain->delivery->method = PM_DELIVERY_HOST;
      domain->delivery->order_rotate = self->order_rotate;
      g_ptr_array_unref (domain->delivery->hosts);
      domain->delivery->hosts = pm_list_editor_dup_items (self->hosts_editor);
    }
  return domain;
}
