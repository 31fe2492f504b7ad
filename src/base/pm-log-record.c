// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One event of the log as a line and as fields. Values are quoted and control characters escaped,
// so that what a peer sent can neither break a line nor forge one.

#include "base/pm-log-record.h"

#include <string.h>

/**
 * pm_log_record_new:
 * @pairs: (array length=n_pairs): keys and values by turns, no value %NULL; @n_pairs counts both as
 *   one
 *
 * Returns: (transfer full): a copy of it all
 */
PmLogRecord *
pm_log_record_new (GLogLevelFlags level,
                   const char *event,
                   const char *const pairs[],
                   guint n_pairs)
{
  gsize sizes[2 * PM_LOG_MAX_PAIRS];
  gsize event_size = strlen (event) + 1;
  gsize size = event_size;
  PmLogRecord *record;
  char *end;

  g_return_val_if_fail (n_pairs <= PM_LOG_MAX_PAIRS, NULL);
  for (guint i = 0; i < 2 * n_pairs; i++)
    {
      sizes[i] = strlen (pairs[i]) + 1;
      size += sizes[i];
    }
  record = g_malloc (sizeof *record + size);
  record->level = level;
  record->n_pairs = n_pairs;
  record->size = size;
  end = (char *) memcpy (record->text, event, event_size) + event_size;
  for (guint i = 0; i < 2 * n_pairs; i++)
    end = (char *) memcpy (end, pairs[i], sizes[i]) + sizes[i];
  return record;
}

// How many bytes at `c` are a character that may be shown as it is: not a control character (C0,
// DEL or C1) and not a byte that is no UTF-8. 0 when it may not.
static gsize
printable (const char *c)
{
  gunichar character;

  if ((guchar) *c < 0x80)
    return (guchar) *c >= 0x20 && *c != 0x7f;
  character = g_utf8_get_char_validated (c, -1);
  if (character == (gunichar) -1 || character == (gunichar) -2 || character < 0xa0)
    return 0;
  return (gsize) (g_utf8_next_char (c) - c);
}

static gboolean
is_plain (const char *value)
{
  const char *c = value;

  while (*c != '\0')
    {
      gsize size = printable (c);

      if (size == 0 || *c == ' ' || *c == '"' || *c == '\\' || *c == '=')
        return FALSE;
      c += size;
    }
  return c > value;
}

static void
append_value (GString *line, const char *value)
{
  if (is_plain (value))
    {
      g_string_append (line, value);
      return;
    }
  g_string_append_c (line, '"');
  for (const char *c = value; *c != '\0';)
    {
      gsize size = printable (c);

      if (*c == '"' || *c == '\\')
        g_string_append_c (line, '\\');
      if (size == 0)
        g_string_append_printf (line, "\\x%02x", (guchar) *c);
      else
        g_string_append_len (line, c, (gssize) size);
      c += MAX (size, 1);
    }
  g_string_append_c (line, '"');
}

/**
 * pm_log_record_append_line:
 *
 * Appends the event as one line, without its end.
 */
void
pm_log_record_append_line (const PmLogRecord *record, GString *line)
{
  const char *text = record->text;

  g_string_append (line, text);
  for (guint i = 0; i < record->n_pairs; i++)
    {
      text += strlen (text) + 1;
      g_string_append_c (line, ' ');
      g_string_append (line, text);
      g_string_append_c (line, '=');
      text += strlen (text) + 1;
      append_value (line, text);
    }
}

static void
set_name (char name[PM_LOG_MAX_NAME], const char *key)
{
  g_snprintf (name, PM_LOG_MAX_NAME, "PM_%s", key);
  for (char *c = name; *c != '\0'; c++)
    *c = *c == '-' ? '_' : g_ascii_toupper (*c);
}

/**
 * pm_log_record_list_fields:
 * @line: the record as a line
 * @fields: (out caller-allocates): borrows from @record, @program and @line
 */
void
pm_log_record_list_fields (const PmLogRecord *record,
                           const char *program,
                           const char *line,
                           PmLogFields *fields)
{
  const char *text = record->text;
  gsize n = 0;

  fields->fields[n++] = (GLogField){ "SYSLOG_IDENTIFIER", program, -1 };
  fields->fields[n++] = (GLogField){ "PM_EVENT", text, -1 };
  fields->fields[n++] = (GLogField){ "MESSAGE", line, -1 };
  for (guint i = 0; i < record->n_pairs; i++)
    {
      text += strlen (text) + 1;
      set_name (fields->names[i], text);
      text += strlen (text) + 1;
      fields->fields[n++] = (GLogField){ fields->names[i], text, -1 };
    }
  fields->n_fields = n;
}
