// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-settings.h"

G_BEGIN_DECLS

/**
 * PmProtocolLog:
 * @session: a number that no other session of this process has
 * @inbound: whether the peer came to us
 * @peer: (nullable): who it is; borrowed
 *
 * What `<diagnostics>` asks to be said of one SMTP session, category `smtp-protocol`: at `minimum`
 * that it begins and ends, at `medium` each command and each reply too, at `maximum` also how large
 * messages are and where mail goes next. Never what is in a message, never a password. A plain
 * struct in its session's thread.
 */
typedef struct
{
  guint session;
  gboolean inbound;
  const char *peer;
} PmProtocolLog;

void pm_protocol_log_init (PmProtocolLog *log,
                           const PmRelaySettings *settings,
                           gboolean inbound,
                           const char *peer);
void pm_protocol_log_say (const PmProtocolLog *log,
                          PmDiagnosticsLevel level,
                          const char *what,
                          const char *text);

G_END_DECLS
