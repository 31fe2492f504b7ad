// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The queue's values in words.

#include "config.h"

#include "ui/pages/pm-queue-text.h"

#include <glib/gi18n.h>

/**
 * pm_queue_text_time:
 * @microseconds: since 1970, 0 for never
 *
 * Returns: (transfer full): local time to the minute; without the date when it is today
 */
char *
pm_queue_text_time (gint64 microseconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (microseconds / G_USEC_PER_SEC);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();

  if (microseconds <= 0 || time == NULL)
    return g_strdup ("–");
  if (g_date_time_get_year (time) == g_date_time_get_year (now) &&
      g_date_time_get_day_of_year (time) == g_date_time_get_day_of_year (now))
    return g_date_time_format (time, "%H:%M:%S");
  return g_date_time_format (time, "%Y-%m-%d %H:%M");
}

const char *
pm_queue_text_state (const char *state)
{
  if (g_str_equal (state, "active"))
    return _ ("being sent");
  if (g_str_equal (state, "deferred"))
    return _ ("waiting");
  if (g_str_equal (state, "held"))
    return _ ("held");
  return state;
}
