// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// E-Mail Domain…: the domains whose mail leaves this server in a way of its own.

#include "config.h"

#include "ui/dialogs/pm-mail-domains-dialog.h"

#include <glib/gi18n.h>

#include "base/pm-domain-name.h"
#include "ui/dialogs/pm-dialog-run.h"
#include "ui/dialogs/pm-mail-domain-dialog.h"
#include "ui/properties/pm-list-editor.h"

struct _PmMailDomainsDialog
{
  GtkDialog parent_instance;

  GtkLabel *domains_label;
  PmListEditor *domains_editor;
};

typedef struct {
  PmListEditor *editor; /* (owned) */
  gconstpointer former; /* only compared */
} Edit;

G_DEFINE_FINAL_TYPE (PmMailDomainsDialog, pm_mail_domains_dialog, GTK_TYPE_DIALOG)

static char *
delivery_text (const PmDelivery *delivery)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (delivery->method == PM_DELIVERY_DNS)
    return g_strdup (_("DNS"));
  for (guint i = 0; i < delivery->hosts->len; i++)
    {
      const PmHost *host = delivery->hosts->pdata[i];

      g_string_append_printf (text, "%s%s:%u", i > 0 ? ", " : "", host->name, host->port);
    }
  return g_strdup (text->str);
}

static char *
get_text (gconstpointer item, guint column)
{
  const PmMailDomain *domain = item;

  if (column == 0)
    return pm_domain_name_to_display (domain->name);
  if (column == 1)
    return g_strdup (domain->subdomains ? _("included") : _("exact"));
  return delivery_text (domain->delivery);
}

static gpointer
ref_domain (gconstpointer domain, gpointer data)
{
  return pm_mail_domain_ref (domain);
}

static void
domain_ready_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmMailDomainDialog *dialog = PM_MAIL_DOMAIN_DIALOG (source);
  Edit *edit = data;
  int response = pm_dialog_run_finish (GTK_DIALOG (dialog), result);

  if (response == GTK_RESPONSE_OK)
    {
      PmMailDomain *domain = pm_mail_domain_dialog_dup_item (dialog);

      if (domain != NULL)
        pm_list_editor_put (edit->editor, edit->former, domain);
    }
  if (response != GTK_RESPONSE_NONE)
    gtk_widget_destroy (GTK_WIDGET (dialog));
  g_object_unref (edit->editor);
  g_free (edit);
}

static void
edit_domain (PmListEditor *editor, gconstpointer item, gconstpointer data)
{
  GtkWidget *window = gtk_widget_get_toplevel (GTK_WIDGET (editor));
  g_autoptr (GPtrArray) taken = pm_list_editor_dup_items (editor);
  PmMailDomainDialog *dialog;
  Edit *edit = g_new0 (Edit, 1);

  if (item != NULL)
    g_ptr_array_remove (taken, (gpointer) item);
  dialog = pm_mail_domain_dialog_new (GTK_WINDOW (window), item, taken);
  edit->editor = g_object_ref (editor);
  edit->former = item;
  pm_dialog_run_async (GTK_DIALOG (dialog), domain_ready_cb, edit);
}

static const PmListKind domain_kind = {
  3, { N_ ("E-Mail Domain"), N_ ("Subdomains"), N_ ("Delivered By") },
  N_ ("No domains: all mail leaves as the Connections tab says."),
  FALSE, get_text, ref_domain, (GDestroyNotify) pm_mail_domain_unref, edit_domain
};

static void
pm_mail_domains_dialog_class_init (PmMailDomainsDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  g_type_ensure (PM_TYPE_LIST_EDITOR);
  gtk_widget_class_set_template_from_resource (
    widget_class, "/org/pointsman/Administrator/dialogs/pm-mail-domains-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainsDialog, domains_label);
  gtk_widget_class_bind_template_child (widget_class, PmMailDomainsDialog, domains_editor);
}

static void
pm_mail_domains_dialog_init (PmMailDomainsDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  pm_list_editor_set_kind (self->domains_editor, &domain_kind, NULL);
  pm_list_editor_set_label (self->domains_editor, self->domains_label);
}

/**
 * pm_mail_domains_dialog_new:
 * @mail_domains: (element-type PmMailDomain)
 */
PmMailDomainsDialog *
pm_mail_domains_dialog_new (GtkWindow *parent, GPtrArray *mail_domains)
{
  PmMailDomainsDialog *self = g_object_new (PM_TYPE_MAIL_DOMAINS_DIALOG, "transient-for", parent,
                                            "use-header-bar", FALSE, NULL);

  pm_list_editor_set_items (self->domains_editor, mail_domains);
  return self;
}

GPtrArray *
pm_mail_domains_dialog_dup_items (PmMailDomainsDialog *self)
{
  return pm_list_editor_dup_items (self->domains_editor);
}
