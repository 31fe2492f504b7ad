// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Properties of a server.

#include "config.h"

#include "ui/dialogs/pm-server-dialog.h"

#include <glib/gi18n.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"

struct _PmServerDialog
{
  PmObjectDialog parent_instance;

  GtkEntry *name_entry;
  GtkEntry *host_entry;
  GtkTextView *addresses_view;
  GtkTextBuffer *addresses;

  char *server_name; /* (owned) */
};

G_DEFINE_FINAL_TYPE (PmServerDialog, pm_server_dialog, PM_TYPE_OBJECT_DIALOG)

static void
changed_cb (gpointer object, PmServerDialog *self)
{
  pm_object_dialog_changed (PM_OBJECT_DIALOG (self));
}

static gboolean
collect_addresses (PmServerDialog *self, PmServer *server, GtkWidget **field, GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;

  g_object_get (self->addresses, "text", &text, NULL);
  words = g_strsplit_set (text, " \t\r\n,;", -1);
  g_ptr_array_set_size (server->addresses, 0);
  for (guint i = 0; words[i] != NULL; i++)
    {
      g_autoptr (GInetAddress) address = NULL;

      if (*words[i] == '\0')
        continue;
      address = g_inet_address_new_from_string (words[i]);
      if (address == NULL)
        {
          *field = GTK_WIDGET (self->addresses_view);
          g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                       _ ("“%s” is not an IP address. Write addresses such as 192.0.2.10 or "
                          "2001:db8::10, one a line."),
                       words[i]);
          return FALSE;
        }
      g_ptr_array_add (server->addresses, g_inet_address_to_string (address));
    }
  return TRUE;
}

static gboolean
collect_host (PmServerDialog *self, PmServer *server, GtkWidget **field, GError **error)
{
  g_autofree char *host = pm_domain_name_normalize (gtk_entry_get_text (self->host_entry), NULL);

  if (host == NULL || strchr (host, '.') == NULL)
    {
      *field = GTK_WIDGET (self->host_entry);
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("The public host name must be a full DNS name such as mail1.example.com."));
      return FALSE;
    }
  g_free (server->host);
  server->host = g_steal_pointer (&host);
  return TRUE;
}

static PmSite *
pm_server_dialog_collect (PmObjectDialog *dialog, const PmSite *site, GtkWidget **field,
                          GError **error)
{
  PmServerDialog *self = PM_SERVER_DIALOG (dialog);
  const PmServer *former = pm_site_find_server (site, self->server_name);
  g_autoptr (PmServer) server = NULL;
  PmSite *result;

  if (former == NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND, _ ("The site has no server %s any more."),
                   self->server_name);
      return NULL;
    }
  server = pm_server_copy (former);
  if (!collect_host (self, server, field, error) || !collect_addresses (self, server, field, error))
    return NULL;
  result = pm_site_copy (site);
  for (guint i = 0; i < result->servers->len; i++)
    if (result->servers->pdata[i] == former)
      {
        pm_server_unref (result->servers->pdata[i]);
        result->servers->pdata[i] = g_steal_pointer (&server);
        break;
      }
  return result;
}

static void
pm_server_dialog_load (PmObjectDialog *dialog, const PmSite *site)
{
  PmServerDialog *self = PM_SERVER_DIALOG (dialog);
  const PmServer *server = pm_site_find_server (site, self->server_name);
  GString *addresses = g_string_new (NULL);
  g_autofree char *text = NULL;

  for (guint i = 0; server != NULL && i < server->addresses->len; i++)
    g_string_append_printf (addresses, "%s\n", (const char *) server->addresses->pdata[i]);
  text = g_string_free (addresses, FALSE);
  if (server == NULL)
    return;
  gtk_entry_set_text (self->name_entry, server->name);
  gtk_entry_set_text (self->host_entry, server->host);
  gtk_text_buffer_set_text (self->addresses, text, -1);
}

static gboolean
pm_server_dialog_same (PmObjectDialog *dialog, const PmSite *before, const PmSite *after)
{
  const char *name = PM_SERVER_DIALOG (dialog)->server_name;
  const PmServer *a = pm_site_find_server (before, name);
  const PmServer *b = pm_site_find_server (after, name);

  if (a == b)
    return TRUE;
  if (a == NULL || b == NULL || !g_str_equal (a->host, b->host) ||
      a->addresses->len != b->addresses->len)
    return FALSE;
  for (guint i = 0; i < a->addresses->len; i++)
    if (!g_str_equal (a->addresses->pdata[i], b->addresses->pdata[i]))
      return FALSE;
  return TRUE;
}

static void
pm_server_dialog_finalize (GObject *object)
{
  g_free (PM_SERVER_DIALOG (object)->server_name);
  G_OBJECT_CLASS (pm_server_dialog_parent_class)->finalize (object);
}

static void
pm_server_dialog_class_init (PmServerDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_server_dialog_finalize;
  PM_OBJECT_DIALOG_CLASS (klass)->collect = pm_server_dialog_collect;
  PM_OBJECT_DIALOG_CLASS (klass)->load = pm_server_dialog_load;
  PM_OBJECT_DIALOG_CLASS (klass)->same = pm_server_dialog_same;
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-server-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmServerDialog, name_entry);
  gtk_widget_class_bind_template_child (widget_class, PmServerDialog, host_entry);
  gtk_widget_class_bind_template_child (widget_class, PmServerDialog, addresses_view);
  gtk_widget_class_bind_template_child (widget_class, PmServerDialog, addresses);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
}

static void
pm_server_dialog_init (PmServerDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * pm_server_dialog_new:
 * @server_name: one of the site's servers
 */
PmServerDialog *
pm_server_dialog_new (GtkWindow *parent, PmServerConnection *connection, const char *server_name)
{
  PmServerDialog *self = g_object_new (PM_TYPE_SERVER_DIALOG, "use-header-bar", FALSE, NULL);
  const PmSite *site = pm_server_connection_get_site (connection);
  g_autofree char *title = g_strdup_printf (_ ("%s Properties"), server_name);
  g_autofree char *comment = g_strdup_printf (_ ("Change the server %s"), server_name);

  self->server_name = g_strdup (server_name);
  gtk_window_set_title (GTK_WINDOW (self), title);
  if (site != NULL)
    pm_server_dialog_load (PM_OBJECT_DIALOG (self), site);
  pm_object_dialog_set_up (PM_OBJECT_DIALOG (self), parent, connection, comment);
  return self;
}
