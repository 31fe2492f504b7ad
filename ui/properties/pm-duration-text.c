// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Lengths of time as a person types them: "15m 30m 1h 4h", and the original's ".25,.5,1,4", in
// which a bare number is hours.

#include "config.h"

#include "ui/properties/pm-duration-text.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/pm-error.h"

#define MAX_INTERVALS 32
#define MAX_SECONDS (365u * 86400)

static const struct
{
  char unit;
  guint seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

/**
 * pm_duration_text_format:
 *
 * Returns: (transfer full): @seconds in the largest unit that says it as a whole number, "90m"
 */
char *
pm_duration_text_format (guint seconds)
{
  // Hours up to two days, as the site file and the original say it: 48h, not 2d.
  if (seconds % 3600 == 0 && seconds > 0 && seconds / 3600 <= 72)
    return g_strdup_printf ("%uh", seconds / 3600);
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (seconds > 0 && seconds % units[i].seconds == 0)
      return g_strdup_printf ("%u%c", seconds / units[i].seconds, units[i].unit);
  return g_strdup ("0s");
}

static guint
find_unit (const char *text)
{
  if (*text == '\0')
    return 3600;
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_ascii_tolower (text[0]) == units[i].unit && text[1] == '\0')
      return units[i].seconds;
  return 0;
}

/**
 * pm_duration_text_parse:
 * @text: "15m", "1h", "2d", "30s"; a number without a unit is hours and may have a fraction
 *
 * Returns: whether it is a length of time of a second to a year
 */
gboolean
pm_duration_text_parse (const char *text, guint *seconds, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  char *end = NULL;
  double number = g_ascii_strtod (trimmed, &end);
  guint unit = find_unit (end);
  double result = number * unit;

  // Hexadecimal, "inf" and "nan" are numbers to strtod only.
  if (end == trimmed || strspn (trimmed, "0123456789.") != (gsize) (end - trimmed) || unit == 0)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("“%s” is not a length of time: write 15m, 1h or 2d"), trimmed);
      return FALSE;
    }
  if (result < 1 || result > MAX_SECONDS)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("“%s” must be at least one second and at most a year"), trimmed);
      return FALSE;
    }
  *seconds = (guint) (result + 0.5);
  return TRUE;
}

char *
pm_duration_text_format_list (GArray *list)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    {
      g_autofree char *one = pm_duration_text_format (g_array_index (list, guint, i));

      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", one);
    }
  return g_strdup (text->str);
}

/**
 * pm_duration_text_parse_list:
 * @text: lengths of time with blanks, commas or semicolons between them
 *
 * Returns: (transfer full) (nullable) (element-type guint): at least one and at most 32 of them
 */
GArray *
pm_duration_text_parse_list (const char *text, GError **error)
{
  g_auto (GStrv) words = g_strsplit_set (text, " ,;\t", -1);
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; words[i] != NULL; i++)
    {
      guint seconds;

      if (*words[i] == '\0')
        continue;
      if (!pm_duration_text_parse (words[i], &seconds, error))
        return NULL;
      g_array_append_val (list, seconds);
    }
  if (list->len == 0 || list->len > MAX_INTERVALS)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("Give one to %d retry intervals, as 15m 30m 1h 4h"), MAX_INTERVALS);
      return NULL;
    }
  return g_steal_pointer (&list);
}
