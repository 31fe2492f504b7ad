// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// SMTP sessions as the administrator asked to see them.

#include "relay/pm-protocol-log.h"

#include <string.h>

#include "base/pm-log.h"

static guint sessions; /* atomic */

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

/**
 * pm_protocol_log_init:
 * @log: (out caller-allocates): for a session that begins
 */
void
pm_protocol_log_init (PmProtocolLog *log,
                      const PmRelaySettings *settings,
                      gboolean inbound,
                      const char *peer)
{
  log->level = find_level (settings->service, "smtp-protocol");
  log->session = __atomic_add_fetch (&sessions, 1, __ATOMIC_RELAXED);
  log->inbound = inbound;
  log->peer = peer;
}

/**
 * pm_protocol_log_say:
 * @level: from which level on this is said
 * @text: (nullable)
 */
void
pm_protocol_log_say (const PmProtocolLog *log,
                     PmDiagnosticsLevel level,
                     const char *what,
                     const char *text)
{
  g_autofree char *session = NULL;

  if (log->level < level)
    return;
  session = g_strdup_printf ("%u", log->session);
  pm_log_event (G_LOG_LEVEL_MESSAGE, "smtp-protocol", "session", session, "direction",
                log->inbound ? "in" : "out", "peer", log->peer, "what", what, "text", text, NULL);
}
