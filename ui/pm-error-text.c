// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What went wrong, said to a person: a translated sentence for each kind of error, and the core's
// own exact words as the detail.

#include "config.h"

#include "ui/pm-error-text.h"

#include <gio/gio.h>
#include <glib/gi18n.h>

#include "base/pm-error.h"

static gboolean
is_denied (const GError *error)
{
  return g_error_matches (error, PM_ERROR, PM_ERROR_DENIED) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED);
}

static gboolean
is_unreachable (const GError *error)
{
  return g_error_matches (error, PM_ERROR, PM_ERROR_UNREACHABLE) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static const char *
sentence_for (const GError *error)
{
  if (g_error_matches (error, PM_ERROR, PM_ERROR_CONFLICT))
    return _ ("Somebody else has changed the site since it was read, so nothing was written. "
              "Look at what is there now and try again.");
  if (is_denied (error))
    return _ ("You are not allowed to do this on this server.");
  if (g_error_matches (error, PM_ERROR, PM_ERROR_BUSY))
    return _ ("Another change of the service is under way. Wait until it is done and try again.");
  if (is_unreachable (error))
    return _ ("The server's manager cannot be reached.");
  if (g_error_matches (error, PM_ERROR, PM_ERROR_INVALID))
    return _ ("The site would not be valid this way, so nothing was written.");
  return NULL;
}

/**
 * pm_error_text:
 *
 * Returns: (transfer full): a sentence for a person
 */
char *
pm_error_text (const GError *error)
{
  const char *sentence = sentence_for (error);

  return g_strdup (sentence != NULL ? sentence : pm_error_text_detail (error));
}

/**
 * pm_error_text_detail:
 *
 * Returns: the core's own words, without the name of a D-Bus error in front
 */
const char *
pm_error_text_detail (const GError *error)
{
  const char *colon;

  if (!g_str_has_prefix (error->message, "GDBus.Error:"))
    return error->message;
  colon = strstr (error->message, ": ");
  return colon != NULL ? colon + 2 : error->message;
}
