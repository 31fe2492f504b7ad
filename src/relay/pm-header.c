// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the relay reads and writes of a message's header section: trace fields, and no more. Nothing
// that came from a client gets into a field except characters that cannot end it.

#include "relay/pm-header.h"

#include <string.h>

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
