// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The recipients of a message as ListQueue has them: the first ones by name, and in the place of
// the others a text that says how many they are. Both ends of the bus have it from here.

#include "bus/pm-queue-recipients.h"

#include <string.h>

#define LEAD "… and "
#define TAIL " more"

/**
 * pm_bus_more_recipients:
 *
 * Returns: (transfer full): what stands after the last recipient that is named
 */
char *
pm_bus_more_recipients (guint more)
{
  return g_strdup_printf (LEAD "%u" TAIL, more);
}

/* No address begins as such a text does: it has a space outside of quotes. */
static gboolean
read_more (const char *text, guint *more)
{
  g_autofree char *number = NULL;
  guint64 value;

  if (!g_str_has_prefix (text, LEAD) || !g_str_has_suffix (text, TAIL) ||
      strlen (text) <= strlen (LEAD) + strlen (TAIL))
    return FALSE;
  number = g_strndup (text + strlen (LEAD), strlen (text) - strlen (LEAD) - strlen (TAIL));
  if (!g_ascii_string_to_unsigned (number, 10, 1, G_MAXUINT16, &value, NULL))
    return FALSE;
  *more = (guint) value;
  return TRUE;
}

/**
 * pm_bus_count_recipients:
 * @listed: (array zero-terminated=1): the recipients of a row of ListQueue
 * @more: (out): how many there are that are not named
 *
 * Returns: how many of @listed, from the first, are addresses
 */
guint
pm_bus_count_recipients (const char *const *listed, guint *more)
{
  guint n = g_strv_length ((char **) listed);

  *more = 0;
  return n > 0 && read_more (listed[n - 1], more) ? n - 1 : n;
}
