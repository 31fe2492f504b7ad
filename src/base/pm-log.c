// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the daemons say: one line per event, `event key=value key="a value"`, and the same keys as
// fields where standard error is the journal. Values are quoted and control characters escaped, so
// that what a peer sent can neither break a line nor forge one.

#include "base/pm-log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_FIELDS 32

static const char *program_name = "pointsman";
static gboolean debug_wanted = FALSE;
static gboolean priorities_wanted = FALSE;

static int
to_priority (GLogLevelFlags level)
{
  if (level & G_LOG_LEVEL_ERROR)
    return 3;
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    return 4;
  if (level & G_LOG_LEVEL_MESSAGE)
    return 5;
  return level & G_LOG_LEVEL_DEBUG ? 7 : 6;
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (level == G_LOG_LEVEL_DEBUG && !debug_wanted)
    return G_LOG_WRITER_HANDLED;

  if (g_log_writer_is_journald (STDERR_FILENO) &&
      g_log_writer_journald (level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;

  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      {
        if (priorities_wanted)
          fprintf (stderr, "<%d>", to_priority (level));
        fprintf (stderr, "%s: %s\n", program_name, (const char *) fields[i].value);
        break;
      }
  fflush (stderr);
  return G_LOG_WRITER_HANDLED;
}

/**
 * pm_log_init:
 * @program: (transfer none): the program's name, static
 * @debug: whether debug messages are written
 *
 * Installs the process's log writer: the journal where standard error leads there, else plain lines
 * on standard error. Call once, before threads. With `PM_LOG_PRIORITIES` in the environment the
 * plain lines start with their priority as sd-daemon(3) has it, for a manager that keeps them.
 */
void
pm_log_init (const char *program, gboolean debug)
{
  program_name = program;
  debug_wanted = debug;
  priorities_wanted = g_getenv ("PM_LOG_PRIORITIES") != NULL;
  g_log_set_writer_func (write_log, NULL, NULL);
}

/**
 * pm_log_failure:
 * @text: why the program cannot go on; each of its lines is one
 *
 * Writes what somebody who started the program must know, as errors (priority 3) where the reader
 * of standard error knows priorities. Unlike GLib's own errors it does not end the program.
 */
void
pm_log_failure (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  const char *priority =
      priorities_wanted || g_log_writer_is_journald (STDERR_FILENO) ? "<3>" : "";

  for (guint i = 0; lines[i] != NULL; i++)
    fprintf (stderr, "%s%s: %s\n", priority, program_name, lines[i]);
  fflush (stderr);
}

// How many bytes at `c` are a character that may be shown as it is: not a control character (C0,
// DEL or C1) and not a byte that is no UTF-8. 0 when it may not.
static gsize
printable (const char *c)
{
  gunichar character = g_utf8_get_char_validated (c, -1);

  if (character == (gunichar) -1 || character == (gunichar) -2 || character < 0x20 ||
      (character >= 0x7f && character < 0xa0))
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

      if (size == 0 || strchr (" \"\\=", *c) != NULL)
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
 * pm_log_event:
 * @level: %G_LOG_LEVEL_WARNING, %G_LOG_LEVEL_MESSAGE, %G_LOG_LEVEL_INFO or %G_LOG_LEVEL_DEBUG
 * @event: what happened, one word as `message-accepted`
 * @...: pairs of key (lower case, static) and value (UTF-8, or %NULL to leave the pair out), then
 *   %NULL
 *
 * Writes one event. Secrets are never passed to it. Any thread.
 */
void
pm_log_event (GLogLevelFlags level, const char *event, ...)
{
  g_autoptr (GString) line = g_string_new (event);
  char names[MAX_FIELDS][40];
  GLogField fields[MAX_FIELDS + 4];
  gsize n = 0;
  gsize n_names = 0;
  const char *key;
  va_list args;

  fields[n++] = (GLogField){ "SYSLOG_IDENTIFIER", program_name, -1 };
  fields[n++] = (GLogField){ "PM_EVENT", event, -1 };

  va_start (args, event);
  while ((key = va_arg (args, const char *)) != NULL)
    {
      const char *value = va_arg (args, const char *);

      if (value == NULL || n_names == MAX_FIELDS)
        continue;
      g_string_append_printf (line, " %s=", key);
      append_value (line, value);

      g_snprintf (names[n_names], sizeof names[n_names], "PM_%s", key);
      for (char *c = names[n_names]; *c != '\0'; c++)
        *c = *c == '-' ? '_' : g_ascii_toupper (*c);
      fields[n++] = (GLogField){ names[n_names++], value, -1 };
    }
  va_end (args);

  fields[n++] = (GLogField){ "MESSAGE", line->str, -1 };
  g_log_structured_array (level, fields, n);
}
