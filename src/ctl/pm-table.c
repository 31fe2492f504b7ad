// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Text in columns. Control characters, which a peer may have put into what is shown, come out as a
// question mark: no terminal obeys them.

#include "ctl/pm-table.h"

#include <stdarg.h>

struct _PmTable
{
  guint n_columns;
  GPtrArray *rows; /* (element-type GStrv): the headings first */
};

static char *
clean (const char *text)
{
  GString *out = g_string_new (NULL);
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    g_string_append_unichar (out, g_unichar_iscntrl (g_utf8_get_char (c)) ? '?'
                                                                          : g_utf8_get_char (c));
  return g_string_free (out, FALSE);
}

static GStrv
collect (const char *first, va_list args)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (const char *cell = first; cell != NULL; cell = va_arg (args, const char *))
    {
      g_autofree char *text = clean (cell);

      g_strv_builder_add (builder, text);
    }
  return g_strv_builder_end (builder);
}

/**
 * pm_table_new:
 * @heading: the first column's heading, and the others after it
 *
 * Returns: (transfer full): a table without rows
 */
PmTable *
pm_table_new (const char *heading, ...)
{
  PmTable *table = g_new0 (PmTable, 1);
  va_list args;

  table->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  va_start (args, heading);
  g_ptr_array_add (table->rows, collect (heading, args));
  va_end (args);
  table->n_columns = g_strv_length (table->rows->pdata[0]);
  return table;
}

/**
 * pm_table_add:
 * @first: the first cell, and as many after it as there are columns
 *
 * Adds a row.
 */
void
pm_table_add (PmTable *table, const char *first, ...)
{
  GStrv cells;
  va_list args;

  va_start (args, first);
  cells = collect (first, args);
  va_end (args);
  g_ptr_array_add (table->rows, cells);
  g_return_if_fail (g_strv_length (cells) == table->n_columns);
}

static guint
column_width (PmTable *table, guint column)
{
  glong width = 0;

  for (guint i = 0; i < table->rows->len; i++)
    width = MAX (width, g_utf8_strlen (((GStrv) table->rows->pdata[i])[column], -1));
  return (guint) width;
}

/**
 * pm_table_print:
 *
 * Prints the table to standard output.
 */
void
pm_table_print (PmTable *table)
{
  g_autofree guint *widths = g_new0 (guint, table->n_columns);

  for (guint i = 0; i < table->n_columns; i++)
    widths[i] = column_width (table, i);
  for (guint i = 0; i < table->rows->len; i++)
    {
      GStrv cells = table->rows->pdata[i];

      for (guint j = 0; j + 1 < table->n_columns; j++)
        {
          g_autofree char *space = NULL;

          space = g_strnfill (widths[j] - (guint) g_utf8_strlen (cells[j], -1) + 2, ' ');
          g_print ("%s%s", cells[j], space);
        }
      g_print ("%s\n", cells[table->n_columns - 1]);
    }
}

/**
 * pm_table_free:
 * @table: (transfer full) (nullable): a table
 */
void
pm_table_free (PmTable *table)
{
  if (table == NULL)
    return;
  g_ptr_array_unref (table->rows);
  g_free (table);
}
