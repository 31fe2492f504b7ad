// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// SMTP sessions as the administrator asked to see them.

#include "relay/pm-protocol-log.h"

#include <string.h>

#include "relay/pm-diagnostics.h"

static guint sessions; /* atomic */

/*
 * A client that says its password before anybody has asked for it is not quoted: of AUTH stays the
 * mechanism. What answers a challenge, the protocol itself does not show.
 */
static char *
hide_secrets (const char *text)
{
  const char *mechanism;
  gsize size;

  if (g_ascii_strncasecmp (text, "AUTH ", 5) != 0)
    return g_strdup (text);
  mechanism = text + 5 + strspn (text + 5, " ");
  size = strcspn (mechanism, " ");
  return g_strdup_printf ("AUTH %.*s%s", (int) MIN (size, 40), mechanism,
                          mechanism[size] != '\0' ? " ***" : "");
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
  g_autofree char *shown = NULL;

  if (!pm_diagnostics_wants (PM_TOPIC_SMTP_PROTOCOL, level))
    return;
  shown = text != NULL ? hide_secrets (text) : NULL;
  session = g_strdup_printf ("%u", log->session);
  pm_log_event (G_LOG_LEVEL_MESSAGE, pm_topic_to_string (PM_TOPIC_SMTP_PROTOCOL), "session",
                session, "direction", log->inbound ? "in" : "out", "peer", log->peer, "what", what,
                "text", shown, NULL);
}
