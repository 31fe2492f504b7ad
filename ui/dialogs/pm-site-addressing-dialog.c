// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Properties of Site Addressing.

#include "config.h"

#include "ui/dialogs/pm-site-addressing-dialog.h"

#include <glib/gi18n.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"

struct _PmSiteAddressingDialog
{
  PmObjectDialog parent_instance;

  GtkEntry *domain_entry;
};

G_DEFINE_FINAL_TYPE (PmSiteAddressingDialog, pm_site_addressing_dialog, PM_TYPE_OBJECT_DIALOG)

static void
changed_cb (gpointer object, PmSiteAddressingDialog *self)
{
  pm_object_dialog_changed (PM_OBJECT_DIALOG (self));
}

static PmSite *
pm_site_addressing_dialog_collect (PmObjectDialog *dialog, const PmSite *site, GtkWidget **field,
                                   GError **error)
{
  PmSiteAddressingDialog *self = PM_SITE_ADDRESSING_DIALOG (dialog);
  g_autofree char *text = g_strstrip (g_strdup (gtk_entry_get_text (self->domain_entry)));
  g_autofree char *domain = NULL;
  PmSite *result;

  /* The original wrote it with the @ in front. */
  domain = pm_domain_name_normalize (*text == '@' ? text + 1 : text, NULL);
  if (*text != '\0' && domain == NULL)
    {
      *field = GTK_WIDGET (self->domain_entry);
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("“%s” is not a domain name. Write it as in example.com, or leave it empty."),
                   text);
      return NULL;
    }
  result = pm_site_copy (site);
  g_free (result->addressing_domain);
  result->addressing_domain = g_steal_pointer (&domain);
  return result;
}

static void
pm_site_addressing_dialog_load (PmObjectDialog *dialog, const PmSite *site)
{
  g_autofree char *domain = NULL;

  if (site->addressing_domain != NULL)
    domain = pm_domain_name_to_display (site->addressing_domain);
  gtk_entry_set_text (PM_SITE_ADDRESSING_DIALOG (dialog)->domain_entry,
                      domain != NULL ? domain : "");
}

static gboolean
pm_site_addressing_dialog_same (PmObjectDialog *dialog, const PmSite *before, const PmSite *after)
{
  return g_strcmp0 (before->addressing_domain, after->addressing_domain) == 0;
}

static void
pm_site_addressing_dialog_class_init (PmSiteAddressingDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  PM_OBJECT_DIALOG_CLASS (klass)->collect = pm_site_addressing_dialog_collect;
  PM_OBJECT_DIALOG_CLASS (klass)->load = pm_site_addressing_dialog_load;
  PM_OBJECT_DIALOG_CLASS (klass)->same = pm_site_addressing_dialog_same;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-site-addressing-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmSiteAddressingDialog, domain_entry);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
}

static void
pm_site_addressing_dialog_init (PmSiteAddressingDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

PmSiteAddressingDialog *
pm_site_addressing_dialog_new (GtkWindow *parent, PmServerConnection *connection)
{
  PmSiteAddressingDialog *self = g_object_new (PM_TYPE_SITE_ADDRESSING_DIALOG,
                                               "use-header-bar", FALSE, NULL);
  const PmSite *site = pm_server_connection_get_site (connection);

  if (site != NULL)
    pm_site_addressing_dialog_load (PM_OBJECT_DIALOG (self), site);
  pm_object_dialog_set_up (PM_OBJECT_DIALOG (self), parent, connection,
                           _ ("Change the site's mail domain"));
  return self;
}
