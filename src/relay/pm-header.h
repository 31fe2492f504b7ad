// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* RFC 5321 6.3: a message that has been handed on so often is in a loop. */
#define PM_HEADER_MAX_RECEIVED 100

/* No Received: field of ours is longer. */
#define PM_HEADER_RECEIVED_MAX 2048

/**
 * PmHeaderScan:
 *
 * Counts the Received: fields of a message whose bytes come in pieces. A plain struct, all zero at
 * the start.
 */
typedef struct
{
  gsize column;     /* bytes of the line so far */
  gboolean differs; /* the line is not a Received: field */
  gboolean in_body;
  guint received;
} PmHeaderScan;

void pm_header_scan (PmHeaderScan *scan, const guint8 *bytes, gsize size);

char *pm_header_date (gint64 time);
char *pm_header_received (const char *hello,
                          gboolean extended,
                          GInetAddress *client,
                          const char *host,
                          guint64 id,
                          const char *recipient,
                          gint64 time);
gsize pm_header_size (const guint8 *bytes, gsize size);
gboolean pm_header_has (const guint8 *bytes, gsize size, const char *name, const char *value);

G_END_DECLS
