// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean pm_dsn_is_ascii (gconstpointer bytes, gsize size);
char *pm_dsn_clean (const char *text, gsize max, gboolean utf8);
void pm_dsn_append_folded (GString *out, const char *first, const char *next, const char *text);
char *pm_dsn_address (const char *address, gboolean utf8);
char *pm_dsn_original (const char *orcpt, gboolean utf8);
char *pm_dsn_host_name (const char *host);
char *pm_dsn_message_id (const guint8 *header, gsize size);
const char *pm_dsn_advice (const char *status, gboolean expired);

G_END_DECLS
