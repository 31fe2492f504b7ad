// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The service's states in words and symbols: every state has both, colour is never needed.

#include "config.h"

#include "ui/pm-service-words.h"

#include <glib/gi18n.h>

static const struct
{
  const char *state;
  const char *words;
  const char *icon_name;
} states[] = {
  { "running", N_ ("running"), "pm-state-running-symbolic" },
  { "starting", N_ ("starting"), "pm-state-changing-symbolic" },
  { "stopping", N_ ("stopping"), "pm-state-changing-symbolic" },
  { "stopped", N_ ("stopped"), "pm-state-stopped-symbolic" },
  { "failed", N_ ("failed"), "pm-state-failed-symbolic" },
};

/**
 * pm_service_words_title:
 *
 * Returns: what the server is called; the bus knows no language, so its own words are translated
 */
const char *
pm_service_words_title (PmServerConnection *connection)
{
  const char *title = pm_server_connection_get_title (connection);

  return g_str_equal (title, "This computer") ? _ ("This computer") : title;
}

/**
 * pm_service_words_for_state:
 * @state: (nullable): as in org.pointsman.Manager1
 *
 * Returns: a word for a person
 */
const char *
pm_service_words_for_state (const char *state)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if (g_strcmp0 (state, states[i].state) == 0)
      return _ (states[i].words);
  return _ ("not known");
}

const char *
pm_service_words_icon (const char *state)
{
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if (g_strcmp0 (state, states[i].state) == 0)
      return states[i].icon_name;
  return "dialog-question-symbolic";
}

/**
 * pm_service_words_since:
 * @since: microseconds since 1970, 0 when not known
 * @now: the same
 *
 * Returns: (transfer full) (nullable): “09:12” for a time of today, else with the date
 */
char *
pm_service_words_since (gint64 since, gint64 now)
{
  g_autoptr (GDateTime) then = NULL;
  g_autoptr (GDateTime) today = NULL;

  if (since <= 0)
    return NULL;
  then = g_date_time_new_from_unix_local (since / G_USEC_PER_SEC);
  today = g_date_time_new_from_unix_local (now / G_USEC_PER_SEC);
  if (then == NULL || today == NULL)
    return NULL;
  if (g_date_time_get_year (then) == g_date_time_get_year (today) &&
      g_date_time_get_day_of_year (then) == g_date_time_get_day_of_year (today))
    return g_date_time_format (then, "%H:%M");
  /* Translators: a day and a time, as strftime() writes them */
  return g_date_time_format (then, _ ("%e %b %Y, %H:%M"));
}
