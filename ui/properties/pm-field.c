// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How a field shows that what is in it cannot be saved: a symbol and the reason, for eyes and for
// screen readers alike; never by colour alone.

#include "config.h"

#include "ui/properties/pm-field.h"

#include <glib/gi18n.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"

/**
 * pm_field_set_problem:
 * @field: an entry, or any other widget
 * @problem: (nullable): why what is in it cannot be saved; %NULL when it can
 */
void
pm_field_set_problem (GtkWidget *field, const char *problem)
{
  GtkStyleContext *style = gtk_widget_get_style_context (field);
  AtkObject *accessible = gtk_widget_get_accessible (field);

  if (problem != NULL)
    gtk_style_context_add_class (style, GTK_STYLE_CLASS_ERROR);
  else
    gtk_style_context_remove_class (style, GTK_STYLE_CLASS_ERROR);

  if (GTK_IS_ENTRY (field))
    {
      gtk_entry_set_icon_from_icon_name (GTK_ENTRY (field), GTK_ENTRY_ICON_SECONDARY,
                                         problem != NULL ? "dialog-warning-symbolic" : NULL);
      if (problem != NULL)
        gtk_entry_set_icon_tooltip_text (GTK_ENTRY (field), GTK_ENTRY_ICON_SECONDARY, problem);
    }
  else
    {
      gtk_widget_set_tooltip_text (field, problem);
    }
  if (accessible != NULL)
    atk_object_set_description (accessible, problem != NULL ? problem : "");
}

/**
 * pm_field_check:
 * @valid: whether what is in @field can be saved
 * @error: set from @format when not @valid
 *
 * Returns: @valid
 */
gboolean
pm_field_check (GtkWidget *field, gboolean valid, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list arguments;

  if (!valid)
    {
      va_start (arguments, format);
      problem = g_strdup_vprintf (format, arguments);
      va_end (arguments);
      g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, problem);
    }
  pm_field_set_problem (field, problem);
  return valid;
}

/**
 * pm_field_get_text:
 *
 * Returns: (transfer full): what was typed, without the blanks around it
 */
char *
pm_field_get_text (GtkEntry *entry)
{
  return g_strstrip (g_strdup (gtk_entry_get_text (entry)));
}

/**
 * pm_host_name_parse:
 * @text: a host name or IP address as typed, an IPv6 address with or without brackets
 *
 * Returns: (transfer full) (nullable): the name as the site file holds it
 */
char *
pm_host_name_parse (const char *text, GError **error)
{
  g_autofree char *name = g_strstrip (g_strdup (text));
  g_autoptr (GInetAddress) address = NULL;
  gsize length = strlen (name);

  if (length > 2 && name[0] == '[' && name[length - 1] == ']')
    {
      name[length - 1] = '\0';
      memmove (name, name + 1, length - 1);
    }
  address = g_inet_address_new_from_string (name);
  if (address != NULL)
    return g_inet_address_to_string (address);
  return pm_domain_name_normalize (name, error);
}

char *
pm_field_get_host (GtkEntry *entry, GError **error)
{
  return pm_host_name_parse (gtk_entry_get_text (entry), error);
}
