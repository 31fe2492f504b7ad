// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the relay reads and writes of a message's header section: trace fields, and no more. Nothing
// that came from a client gets into a field except characters that cannot end it.

#include "relay/pm-header.h"

#include <string.h>

#define RECEIVED "received:"
#define DELIVERED_TO "delivered-to:"

/* A longer line is no field of ours: its end is not kept, and without it no address fits. */
static void
keep (PmHeaderScan *scan, char byte)
{
  if (scan->delivered->len < 2 * PM_HEADER_MAX_DELIVERED || byte == '\n')
    g_string_append_c (scan->delivered, byte);
}

static void
begin_delivered (PmHeaderScan *scan)
{
  if (scan->delivered == NULL)
    scan->delivered = g_string_new (NULL);
  scan->keeps = scan->delivered->len < PM_HEADER_MAX_DELIVERED;
  if (scan->keeps)
    g_string_append (scan->delivered, DELIVERED_TO);
}

static void
end_line (PmHeaderScan *scan)
{
  // An empty line is its CR alone.
  scan->in_body = scan->column <= 1;
  scan->column = 0;
  if (scan->keeps)
    keep (scan, '\n');
  scan->keeps = FALSE;
}

static void
scan_byte (PmHeaderScan *scan, char byte)
{
  if (scan->keeps)
    keep (scan, byte);
  if (scan->column < sizeof scan->name)
    scan->name[scan->column] = g_ascii_tolower (byte);
  scan->column++;
  if (scan->column == strlen (RECEIVED) && memcmp (scan->name, RECEIVED, scan->column) == 0)
    scan->received++;
  if (scan->column == strlen (DELIVERED_TO) &&
      memcmp (scan->name, DELIVERED_TO, scan->column) == 0)
    begin_delivered (scan);
}

/**
 * pm_header_scan:
 * @bytes: (array length=size): the next piece of the message, lines ending in CRLF
 */
void
pm_header_scan (PmHeaderScan *scan, const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size && !scan->in_body; i++)
    {
      if (bytes[i] == '\n')
        end_line (scan);
      else
        scan_byte (scan, (char) bytes[i]);
    }
}

void
pm_header_scan_clear (PmHeaderScan *scan)
{
  if (scan->delivered != NULL)
    g_string_free (scan->delivered, TRUE);
  *scan = (PmHeaderScan){ 0 };
}

/**
 * pm_header_scan_was_delivered_to:
 *
 * Returns: whether the message has been in the mailbox @address before, as delivery notes it
 */
gboolean
pm_header_scan_was_delivered_to (const PmHeaderScan *scan, const char *address)
{
  return scan->delivered != NULL &&
         pm_header_has ((const guint8 *) scan->delivered->str, scan->delivered->len,
                        "Delivered-To", address);
}

/**
 * pm_header_date:
 * @time: microseconds since 1970
 *
 * Returns: (transfer full): it as an RFC 5322 3.3 date-time, in UTC
 */
char *
pm_header_date (gint64 time)
{
  static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
  static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);

  return g_strdup_printf ("%s, %d %s %d %02d:%02d:%02d +0000",
                          days[g_date_time_get_day_of_week (utc) - 1],
                          g_date_time_get_day_of_month (utc),
                          months[g_date_time_get_month (utc) - 1], g_date_time_get_year (utc),
                          g_date_time_get_hour (utc), g_date_time_get_minute (utc),
                          g_date_time_get_second (utc));
}

static char *
clean_hello (const char *hello)
{
  char *clean = g_strndup (hello == NULL || *hello == '\0' ? "unknown" : hello, 255);

  for (char *c = clean; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr (".-_:[]", *c) == NULL)
      *c = '?';
  return clean;
}

/**
 * pm_header_received:
 * @hello: (nullable): the name in the client's EHLO or HELO
 * @extended: whether it was EHLO
 * @client: where it connected from
 * @host: our name
 * @id: the queue's number of the message
 * @recipient: (nullable): the only recipient; %NULL where there are several, who must not learn of
 *   each other (RFC 5321 7.2)
 * @time: microseconds since 1970
 *
 * Returns: (transfer full): the Received: field (RFC 5321 4.4), with its CRLF
 */
char *
pm_header_received (const char *hello,
                    gboolean extended,
                    GInetAddress *client,
                    const char *host,
                    guint64 id,
                    const char *recipient,
                    gint64 time)
{
  g_autofree char *name = clean_hello (hello);
  g_autofree char *address = g_inet_address_to_string (client);
  g_autofree char *date = pm_header_date (time);
  gboolean ipv6 = g_inet_address_get_family (client) == G_SOCKET_FAMILY_IPV6;
  GString *field = g_string_new (NULL);

  g_string_append_printf (field, "Received: from %s ([%s%s])\r\n", name, ipv6 ? "IPv6:" : "",
                          address);
  g_string_append_printf (field, "\tby %s (Pointsman) with %s id %" G_GUINT64_FORMAT, host,
                          extended ? "ESMTP" : "SMTP", id);
  if (recipient != NULL)
    g_string_append_printf (field, "\r\n\tfor <%s>", recipient);
  g_string_append_printf (field, ";\r\n\t%s\r\n", date);
  return g_string_free (field, FALSE);
}

/**
 * pm_header_size:
 *
 * Returns: how many of @bytes are the header section, without the empty line after it
 */
gsize
pm_header_size (const guint8 *bytes, gsize size)
{
  gsize start = 0;

  while (start < size)
    {
      const guint8 *end = memchr (bytes + start, '\n', size - start);
      gsize next = end == NULL ? size : (gsize) (end - bytes) + 1;
      gsize length = next - start;

      if (bytes[start] == '\n' || (length == 2 && bytes[start] == '\r'))
        return start;
      start = next;
    }
  return size;
}

/**
 * pm_header_has:
 * @bytes: (array length=size): a message, or its header section
 * @name: a field's name
 * @value: the field's whole value
 *
 * Returns: whether such a field stands in the header section, whatever the case of both
 */
gboolean
pm_header_has (const guint8 *bytes, gsize size, const char *name, const char *value)
{
  g_autofree char *field = g_strdup_printf ("%s: %s", name, value);
  gsize length = strlen (field);
  gsize end = pm_header_size (bytes, size);
  gsize start = 0;

  while (start < end)
    {
      const guint8 *newline = memchr (bytes + start, '\n', end - start);
      gsize next = newline == NULL ? end : (gsize) (newline - bytes) + 1;
      gsize line = next - start;

      while (line > 0 && (bytes[start + line - 1] == '\n' || bytes[start + line - 1] == '\r'))
        line--;
      if (line == length && g_ascii_strncasecmp ((const char *) bytes + start, field, length) == 0)
        return TRUE;
      start = next;
    }
  return FALSE;
}
