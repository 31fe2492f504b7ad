// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The look of what the checker found, and its sentences in the person's language.

#include "config.h"

#include "ui/mx/pm-mx-status.h"

#include <glib/gi18n.h>

static const struct
{
  const char *icon;
  const char *word;
  const char *style_class;
} looks[] = {
  [PM_FINDING_OK] = { "emblem-ok-symbolic", N_ ("OK"), "pm-ok" },
  [PM_FINDING_NOTE] = { "dialog-information-symbolic", N_ ("Note"), "pm-note" },
  [PM_FINDING_UNKNOWN] = { "dialog-question-symbolic", N_ ("Unknown"), "dim-label" },
  [PM_FINDING_WARNING] = { "dialog-warning-symbolic", N_ ("Warning"), "pm-warning" },
  [PM_FINDING_ERROR] = { "dialog-error-symbolic", N_ ("Error"), "pm-error" },
};

// Colours that the theme names; a theme that does not keeps the colour of its text.
static const char css[] = "image.pm-ok { color: @success_color; }"
                          "image.pm-warning { color: @warning_color; }"
                          "image.pm-error { color: @error_color; }";

static gpointer
load_css (gpointer data)
{
  GtkCssProvider *provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_data (provider, css, -1, NULL);
  gtk_style_context_add_provider_for_screen (gdk_screen_get_default (),
                                             GTK_STYLE_PROVIDER (provider),
                                             GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  return provider;
}

const char *
pm_mx_status_get_icon (PmFindingStatus status)
{
  return looks[status].icon;
}

const char *
pm_mx_status_get_word (PmFindingStatus status)
{
  return _ (looks[status].word);
}

void
pm_mx_status_apply (PmFindingStatus status, GtkImage *icon)
{
  static GOnce once = G_ONCE_INIT;
  GtkStyleContext *context = gtk_widget_get_style_context (GTK_WIDGET (icon));

  g_once (&once, load_css, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    gtk_style_context_remove_class (context, looks[i].style_class);
  gtk_style_context_add_class (context, looks[status].style_class);
  gtk_image_set_from_icon_name (icon, looks[status].icon, GTK_ICON_SIZE_MENU);
  // The word stands beside it: read aloud, one of the two is enough.
  atk_object_set_role (gtk_widget_get_accessible (GTK_WIDGET (icon)), ATK_ROLE_REDUNDANT_OBJECT);
}

static const char *
translate (const char *template)
{
  return g_dgettext (GETTEXT_PACKAGE, template);
}

/* (nullable) (transfer full): the sentence in the person's language. */
char *
pm_mx_text_format (const PmCheckText *text)
{
  return pm_check_text_format (text, translate);
}

/* (transfer full): as `1 h`, in the largest unit that says it exactly. */
char *
pm_mx_ttl_format (guint32 seconds)
{
  if (seconds >= 86400 && seconds % 86400 == 0)
    return g_strdup_printf (_ ("%u d"), seconds / 86400);
  if (seconds >= 3600 && seconds % 3600 == 0)
    return g_strdup_printf (_ ("%u h"), seconds / 3600);
  if (seconds >= 60 && seconds % 60 == 0)
    return g_strdup_printf (_ ("%u min"), seconds / 60);
  return g_strdup_printf (_ ("%u s"), seconds);
}
