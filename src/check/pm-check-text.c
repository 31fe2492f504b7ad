// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Sentences with places for names and numbers, filled only when the reader's language is known.

#include "check/pm-check-text.h"

#include <stdarg.h>
#include <string.h>

/**
 * pm_check_text_set:
 * @text: a text, cleared or set before
 * @template: (nullable): what it says from now on, a static string
 * @...: its arguments, ended by %NULL
 */
void
pm_check_text_set (PmCheckText *text, const char *template, ...)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  va_list list;
  const char *argument;

  va_start (list, template);
  while ((argument = va_arg (list, const char *)) != NULL)
    g_strv_builder_add (builder, argument);
  va_end (list);

  pm_check_text_clear (text);
  text->template = template;
  text->arguments = g_strv_builder_end (builder);
}

void
pm_check_text_copy (PmCheckText *text, const PmCheckText *other)
{
  char **arguments = g_strdupv (other->arguments);

  pm_check_text_clear (text);
  text->template = other->template;
  text->arguments = arguments;
}

void
pm_check_text_clear (PmCheckText *text)
{
  text->template = NULL;
  g_clear_pointer (&text->arguments, g_strfreev);
}

/**
 * pm_check_text_format:
 * @text: a text
 * @translate: (nullable): turns the template into the reader's language; %NULL for English
 *
 * Returns: (transfer full) (nullable): the sentence; %NULL where @text says nothing. What a
 *   translator leaves out or misnumbers stays out, and is no mistake that crashes.
 */
char *
pm_check_text_format (const PmCheckText *text, PmCheckTranslate translate)
{
  g_autoptr (GString) result = NULL;
  const char *at;
  guint n_arguments;

  if (text->template == NULL)
    return NULL;

  result = g_string_new (NULL);
  n_arguments = text->arguments != NULL ? g_strv_length (text->arguments) : 0;
  for (at = translate != NULL ? translate (text->template) : text->template; *at != '\0'; at++)
    {
      // One digit is enough for a sentence that a person is to understand.
      if (at[0] == '{' && g_ascii_isdigit (at[1]) && at[2] == '}')
        {
          guint number = (guint) (at[1] - '0');

          if (number >= 1 && number <= n_arguments)
            g_string_append (result, text->arguments[number - 1]);
          at += 2;
        }
      else
        g_string_append_c (result, *at);
    }
  return g_string_free (g_steal_pointer (&result), FALSE);
}
