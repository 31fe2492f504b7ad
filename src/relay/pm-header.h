// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* RFC 5321 6.3: a message that has been handed on so often is in a loop. */
#define PM_HEADER_MAX_RECEIVED 100

/* No Received: field of ours is longer. */
#define PM_HEADER_RECEIVED_MAX 2048

char *pm_header_date (gint64 time);
gsize pm_header_size (const guint8 *bytes, gsize size);
gboolean pm_header_has (const guint8 *bytes, gsize size, const char *name, const char *value);

G_END_DECLS
