// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/**
 * PmMessageBar:
 *
 * The result of something that a person started, in the window and not in their way: a sentence
 * and, to be opened, the details with the service's last lines. Stays until it is closed or
 * replaced.
 */
#define PM_TYPE_MESSAGE_BAR (pm_message_bar_get_type ())
G_DECLARE_FINAL_TYPE (PmMessageBar, pm_message_bar, PM, MESSAGE_BAR, GtkRevealer)

void pm_message_bar_show (PmMessageBar *self,
                          GtkMessageType type,
                          const char *title,
                          const char *text,
                          const char *details);
void pm_message_bar_show_error (PmMessageBar *self, const char *title, const GError *error);
void pm_message_bar_show_apply_result (PmMessageBar *self, const PmApplyResult *result);
void pm_message_bar_hide (PmMessageBar *self);
void pm_message_bar_hide_good_news (PmMessageBar *self);

G_END_DECLS
