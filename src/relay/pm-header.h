// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* RFC 5321 6.3: a message that has been handed on so often is in a loop. */
#define PM_HEADER_MAX_RECEIVED 100

/* No Received: field of ours is longer. */
#define PM_HEADER_RECEIVED_MAX 2048

/* What is kept of a message's Delivered-To: lines; none begins after so many bytes. */
#define PM_HEADER_MAX_DELIVERED 8192

/**
 * PmHeaderScan:
 * @column: bytes of the line so far
 * @name: the line's first bytes, in lower case
 * @received: how many Received: fields there are
 * @delivered: (nullable): the Delivered-To: lines
 *
 * What tells of loops in a message whose bytes come in pieces. All zero at the start; cleared with
 * pm_header_scan_clear().
 */
typedef struct
{
  gsize column;
  char name[sizeof "delivered-to:" - 1];
  gboolean keeps; /* the line goes to @delivered */
  gboolean in_body;
  guint received;
  GString *delivered;
} PmHeaderScan;

void pm_header_scan (PmHeaderScan *scan, const guint8 *bytes, gsize size);
void pm_header_scan_clear (PmHeaderScan *scan);
gboolean pm_header_scan_was_delivered_to (const PmHeaderScan *scan, const char *address);

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
