// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "check/pm-check.h"

G_BEGIN_DECLS

/*
 * How a finding's status looks everywhere: a symbol, a word, and a colour of the theme's own that
 * never says more than the two.
 */
const char *pm_mx_status_get_icon (PmFindingStatus status);
const char *pm_mx_status_get_word (PmFindingStatus status);
void pm_mx_status_apply (PmFindingStatus status, GtkImage *icon);

char *pm_mx_text_format (const PmCheckText *text);
char *pm_mx_ttl_format (guint32 seconds);

G_END_DECLS
