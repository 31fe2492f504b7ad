// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A problem of a site: where, and one sentence.

#include <stdarg.h>

#include "site/pm-site-file.h"

/**
 * pm_site_problem_new:
 * @line: from 1; 0 when of no place
 * @column: from 1; 0 when not known
 * @where: the element, may be empty
 *
 * Returns: (transfer full): a problem
 */
PmSiteProblem *
pm_site_problem_new (PmProblemSeverity severity,
                     guint line,
                     guint column,
                     const char *where,
                     const char *message_format,
                     ...)
{
  PmSiteProblem *self = g_new0 (PmSiteProblem, 1);
  va_list args;

  self->severity = severity;
  self->line = line;
  self->column = column;
  self->where = g_strdup (where);
  va_start (args, message_format);
  self->message = g_strdup_vprintf (message_format, args);
  va_end (args);
  return self;
}

/**
 * pm_site_problem_free:
 * @problem: (nullable) (transfer full): a problem
 */
void
pm_site_problem_free (PmSiteProblem *problem)
{
  if (problem == NULL)
    return;
  g_free (problem->where);
  g_free (problem->message);
  g_free (problem);
}

/**
 * pm_site_problem_to_string:
 * @file_name: (nullable): how the file is called
 *
 * Returns: (transfer full): one line in the form that editors and terminals follow,
 *   `file:line:column: error: where: message`; parts that are not known are left out
 */
char *
pm_site_problem_to_string (const PmSiteProblem *problem, const char *file_name)
{
  GString *out = g_string_new (file_name);

  if (problem->line > 0)
    g_string_append_printf (out, "%s%u", out->len > 0 ? ":" : "", problem->line);
  if (problem->line > 0 && problem->column > 0)
    g_string_append_printf (out, ":%u", problem->column);
  if (out->len > 0)
    g_string_append (out, ": ");
  g_string_append (out, problem->severity == PM_PROBLEM_ERROR ? "error: " : "warning: ");
  if (*problem->where != '\0')
    g_string_append_printf (out, "%s: ", problem->where);
  g_string_append (out, problem->message);
  return g_string_free (out, FALSE);
}
