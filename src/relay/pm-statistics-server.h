// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay.h"

G_BEGIN_DECLS

/**
 * PmStatisticsServer:
 *
 * GET /metrics on loopback, as Prometheus wants it. In the main thread.
 */
typedef struct _PmStatisticsServer PmStatisticsServer;

/* `relay` outlives it. */
PmStatisticsServer *pm_statistics_server_new (PmRelay *relay,
                                              guint16 port,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
guint16 pm_statistics_server_get_port (PmStatisticsServer *server);
void pm_statistics_server_free (PmStatisticsServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmStatisticsServer, pm_statistics_server_free)

G_END_DECLS
