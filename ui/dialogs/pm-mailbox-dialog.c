// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Properties of a mailbox, and the dialog that makes one.

#include "config.h"

#include "ui/dialogs/pm-mailbox-dialog.h"

#include <glib/gi18n.h>

#include "base/pm-error.h"
#include "base/pm-mail-address.h"
#include "ui/dialogs/pm-mailbox-edit.h"

struct _PmMailboxDialog
{
  PmObjectDialog parent_instance;

  GtkEntry *address_entry;
  GtkTextView *aliases_view;
  GtkTextBuffer *aliases;

  char *server_name; /* (owned) */
  char *address;     /* (owned) (nullable): of the mailbox as it is saved */
};

G_DEFINE_FINAL_TYPE (PmMailboxDialog, pm_mailbox_dialog, PM_TYPE_OBJECT_DIALOG)

static void
changed_cb (gpointer object, PmMailboxDialog *self)
{
  pm_object_dialog_changed (PM_OBJECT_DIALOG (self));
}

static PmSite *
pm_mailbox_dialog_collect (PmObjectDialog *dialog, const PmSite *site, GtkWidget **field,
                           GError **error)
{
  PmMailboxDialog *self = PM_MAILBOX_DIALOG (dialog);
  g_autofree char *aliases = NULL;
  PmMailboxField where = PM_MAILBOX_FIELD_NONE;
  PmSite *result;

  g_object_get (self->aliases, "text", &aliases, NULL);
  result = pm_mailbox_edit_apply (site, self->server_name, self->address,
                                  gtk_entry_get_text (self->address_entry), aliases, &where,
                                  error);
  if (where == PM_MAILBOX_FIELD_ADDRESS)
    *field = GTK_WIDGET (self->address_entry);
  else if (where == PM_MAILBOX_FIELD_ALIASES)
    *field = GTK_WIDGET (self->aliases_view);
  return result;
}

/* The address may have been written anew, so that is where it is found next time. */
static void
pm_mailbox_dialog_saved (PmObjectDialog *dialog)
{
  PmMailboxDialog *self = PM_MAILBOX_DIALOG (dialog);

  g_free (self->address);
  self->address = g_strstrip (g_strdup (gtk_entry_get_text (self->address_entry)));
}

static const PmMailbox *
find (PmMailboxDialog *self, const PmSite *site)
{
  return self->address != NULL
             ? pm_mailbox_edit_find (pm_site_find_service (site, self->server_name), self->address)
             : NULL;
}

static void
pm_mailbox_dialog_load (PmObjectDialog *dialog, const PmSite *site)
{
  PmMailboxDialog *self = PM_MAILBOX_DIALOG (dialog);
  const PmMailbox *mailbox = find (self, site);
  GString *aliases = g_string_new (NULL);
  g_autofree char *text = NULL;

  for (guint i = 0; mailbox != NULL && i < mailbox->aliases->len; i++)
    g_string_append_printf (aliases, "%s\n", (const char *) mailbox->aliases->pdata[i]);
  text = g_string_free (aliases, FALSE);
  if (mailbox == NULL)
    return;
  gtk_entry_set_text (self->address_entry, mailbox->address);
  gtk_text_buffer_set_text (self->aliases, text, -1);
}

static gboolean
pm_mailbox_dialog_same (PmObjectDialog *dialog, const PmSite *before, const PmSite *after)
{
  const PmMailbox *a = find (PM_MAILBOX_DIALOG (dialog), before);
  const PmMailbox *b = find (PM_MAILBOX_DIALOG (dialog), after);

  if (a == b)
    return TRUE;
  if (a == NULL || b == NULL || a->aliases->len != b->aliases->len)
    return FALSE;
  for (guint i = 0; i < a->aliases->len; i++)
    if (!g_str_equal (a->aliases->pdata[i], b->aliases->pdata[i]))
      return FALSE;
  return TRUE;
}

static void
pm_mailbox_dialog_finalize (GObject *object)
{
  PmMailboxDialog *self = PM_MAILBOX_DIALOG (object);

  g_free (self->server_name);
  g_free (self->address);
  G_OBJECT_CLASS (pm_mailbox_dialog_parent_class)->finalize (object);
}

static void
pm_mailbox_dialog_class_init (PmMailboxDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_mailbox_dialog_finalize;
  PM_OBJECT_DIALOG_CLASS (klass)->collect = pm_mailbox_dialog_collect;
  PM_OBJECT_DIALOG_CLASS (klass)->load = pm_mailbox_dialog_load;
  PM_OBJECT_DIALOG_CLASS (klass)->same = pm_mailbox_dialog_same;
  PM_OBJECT_DIALOG_CLASS (klass)->saved = pm_mailbox_dialog_saved;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-mailbox-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmMailboxDialog, address_entry);
  gtk_widget_class_bind_template_child (widget_class, PmMailboxDialog, aliases_view);
  gtk_widget_class_bind_template_child (widget_class, PmMailboxDialog, aliases);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
}

static void
pm_mailbox_dialog_init (PmMailboxDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* A new mailbox is most often one of the site's own domain: only the name is left to type. */
static void
suggest (PmMailboxDialog *self, const PmSite *site)
{
  g_autofree char *text = NULL;

  if (site == NULL || site->addressing_domain == NULL)
    return;
  text = g_strconcat ("@", site->addressing_domain, NULL);
  gtk_entry_set_text (self->address_entry, text);
  gtk_editable_set_position (GTK_EDITABLE (self->address_entry), 0);
}

static void
entry_mapped_cb (GtkWidget *entry, gpointer data)
{
  gtk_entry_grab_focus_without_selecting (GTK_ENTRY (entry));
  gtk_editable_set_position (GTK_EDITABLE (entry), 0);
}

/**
 * pm_mailbox_dialog_new:
 * @server_name: whose mail service has the mailbox
 * @address: (nullable): which one; a new one when %NULL
 */
PmMailboxDialog *
pm_mailbox_dialog_new (GtkWindow *parent, PmServerConnection *connection, const char *server_name,
                       const char *address)
{
  PmMailboxDialog *self = g_object_new (PM_TYPE_MAILBOX_DIALOG, "use-header-bar", FALSE, NULL);
  const PmSite *site = pm_server_connection_get_site (connection);
  g_autofree char *title = NULL;
  g_autofree char *comment = NULL;

  self->server_name = g_strdup (server_name);
  self->address = g_strdup (address);
  if (site != NULL && find (self, site) != NULL)
    pm_mailbox_dialog_load (PM_OBJECT_DIALOG (self), site);
  else
    {
      suggest (self, site);
      g_signal_connect_after (self->address_entry, "map", G_CALLBACK (entry_mapped_cb), NULL);
    }
  title = address != NULL ? g_strdup_printf (_ ("%s Properties"), address)
                          : g_strdup (_ ("Add Mailbox"));
  comment = address != NULL ? g_strdup_printf (_ ("Change the mailbox %s"), address)
                            : g_strdup (_ ("Add a mailbox"));
  gtk_window_set_title (GTK_WINDOW (self), title);
  pm_object_dialog_set_up (PM_OBJECT_DIALOG (self), parent, connection, comment);
  return self;
}
