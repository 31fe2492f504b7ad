// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The bar for results and errors.

#include "config.h"

#include "ui/widgets/pm-message-bar.h"

#include <glib/gi18n.h>

#include "ui/pm-error-text.h"

struct _PmMessageBar
{
  GtkRevealer parent_instance;

  GtkInfoBar *bar;
  GtkImage *icon;
  GtkLabel *title;
  GtkLabel *text;
  GtkExpander *expander;
  GtkLabel *details;
};

G_DEFINE_FINAL_TYPE (PmMessageBar, pm_message_bar, GTK_TYPE_REVEALER)

static const char *
icon_for (GtkMessageType type)
{
  switch (type)
    {
    case GTK_MESSAGE_ERROR:
      return "dialog-error-symbolic";
    case GTK_MESSAGE_WARNING:
      return "dialog-warning-symbolic";
    case GTK_MESSAGE_INFO:
    case GTK_MESSAGE_QUESTION:
    case GTK_MESSAGE_OTHER:
    default:
      return "dialog-information-symbolic";
    }
}

static void
response_cb (GtkInfoBar *bar, int response, PmMessageBar *self)
{
  pm_message_bar_hide (self);
}

static void
pm_message_bar_class_init (PmMessageBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/widgets/pm-message-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, PmMessageBar, bar);
  gtk_widget_class_bind_template_child (widget_class, PmMessageBar, icon);
  gtk_widget_class_bind_template_child (widget_class, PmMessageBar, title);
  gtk_widget_class_bind_template_child (widget_class, PmMessageBar, text);
  gtk_widget_class_bind_template_child (widget_class, PmMessageBar, expander);
  gtk_widget_class_bind_template_child (widget_class, PmMessageBar, details);
  gtk_widget_class_bind_template_callback (widget_class, response_cb);
}

static void
pm_message_bar_init (PmMessageBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/**
 * pm_message_bar_show:
 * @type: how grave it is
 * @title: what happened, in a few words
 * @text: (nullable): a sentence more
 * @details: (nullable): what only some want to see, several lines
 */
void
pm_message_bar_show (PmMessageBar *self, GtkMessageType type, const char *title, const char *text,
                     const char *details)
{
  gtk_info_bar_set_message_type (self->bar, type);
  gtk_image_set_from_icon_name (self->icon, icon_for (type), GTK_ICON_SIZE_MENU);
  gtk_label_set_label (self->title, title);
  gtk_label_set_label (self->text, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (self->text), text != NULL && *text != '\0');
  gtk_label_set_label (self->details, details != NULL ? details : "");
  gtk_expander_set_expanded (self->expander, FALSE);
  gtk_widget_set_visible (GTK_WIDGET (self->expander), details != NULL && *details != '\0');
  gtk_revealer_set_reveal_child (GTK_REVEALER (self), TRUE);
}

void
pm_message_bar_show_error (PmMessageBar *self, const char *title, const GError *error)
{
  g_autofree char *text = pm_error_text (error);
  const char *detail = pm_error_text_detail (error);

  pm_message_bar_show (self, GTK_MESSAGE_ERROR, title, text,
                       g_str_equal (text, detail) ? NULL : detail);
}

void
pm_message_bar_show_apply_result (PmMessageBar *self, const PmApplyResult *result)
{
  g_autofree char *log = g_strjoinv ("\n", result->log);

  if (result->in_force)
    pm_message_bar_show (self, GTK_MESSAGE_INFO, _ ("The change is in force"), result->report,
                         NULL);
  else
    pm_message_bar_show (self, GTK_MESSAGE_ERROR,
                         _ ("The change was not put in force; the former site is back"),
                         result->report, log);
}

void
pm_message_bar_hide (PmMessageBar *self)
{
  gtk_revealer_set_reveal_child (GTK_REVEALER (self), FALSE);
}

/* What went well is old news when the next thing has happened; what went wrong stays to be read. */
void
pm_message_bar_hide_good_news (PmMessageBar *self)
{
  if (gtk_info_bar_get_message_type (self->bar) == GTK_MESSAGE_INFO)
    pm_message_bar_hide (self);
}
