// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *pm_domain_name_normalize (const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *pm_domain_name_to_display (const char *domain);
gboolean pm_domain_name_is_below (const char *domain, const char *ancestor);

G_END_DECLS
