// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Where the window's own state is kept: sizes and what is shown, never anything of a server.

#include "config.h"

#include "ui/pm-settings.h"

#define SCHEMA_ID "org.pointsman.Administrator"

/**
 * pm_settings_new:
 *
 * Returns: (transfer full) (nullable): the settings, or %NULL where their schema is not installed,
 *   as when the program runs from the folder it was built in: then nothing is remembered
 */
GSettings *
pm_settings_new (void)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = NULL;

  if (source != NULL)
    schema = g_settings_schema_source_lookup (source, SCHEMA_ID, TRUE);
  if (schema == NULL)
    {
      g_info ("The settings schema %s is not installed: window sizes are not kept", SCHEMA_ID);
      return NULL;
    }
  return g_settings_new_full (schema, NULL, NULL);
}
