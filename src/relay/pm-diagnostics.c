// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Diagnostics Logging: how much of what goes on inside is told, by category and level. Levels are
// of the process, so that a reload changes them for what is under way.

#include "relay/pm-diagnostics.h"

#include <string.h>

static const char *const names[PM_N_TOPICS] = {
  [PM_TOPIC_SMTP_PROTOCOL] = "smtp-protocol",
  [PM_TOPIC_INBOUND] = "inbound",
  [PM_TOPIC_OUTBOUND] = "outbound",
  [PM_TOPIC_QUEUE] = "queue",
  [PM_TOPIC_DNS] = "dns",
  [PM_TOPIC_TLS] = "tls",
  [PM_TOPIC_AUTHENTICATION] = "authentication",
  [PM_TOPIC_ROUTING] = "routing",
};

int pm_diagnostics_levels[PM_N_TOPICS] = { PM_DIAGNOSTICS_NONE };

static PmDiagnosticsLevel
find_level (const PmMailService *service, const char *name)
{
  for (guint i = 0; i < service->diagnostics->len; i++)
    {
      const PmDiagnosticsCategory *category = g_ptr_array_index (service->diagnostics, i);

      if (strcmp (category->name, name) == 0)
        return category->level;
    }
  return PM_DIAGNOSTICS_NONE;
}

void
pm_diagnostics_apply (const PmMailService *service)
{
  for (guint i = 0; i < PM_N_TOPICS; i++)
    __atomic_store_n (&pm_diagnostics_levels[i], (int) find_level (service, names[i]),
                      __ATOMIC_RELAXED);
}

/**
 * pm_topic_to_string:
 *
 * Returns: the word that lines on @topic begin with
 */
const char *
pm_topic_to_string (PmTopic topic)
{
  return names[topic];
}
