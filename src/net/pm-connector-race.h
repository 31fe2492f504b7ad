// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-connector.h"

G_BEGIN_DECLS

/* RFC 8305 5: how long one address has before the next is tried beside it. */
#define PM_CONNECTOR_RACE_STAGGER (G_USEC_PER_SEC / 4)

/**
 * PmConnectorRace:
 *
 * Connects to the one of several addresses of a host that answers first: they are tried in order, a
 * quarter of a second apart, or at once when the one before has failed. In the reactor's thread.
 */
typedef struct _PmConnectorRace PmConnectorRace;

/**
 * PmConnectorRaceHandler:
 * @failed: address @index cannot be reached; others may still be
 * @over: @fd: connected to address @index, and now the callee's; or -1 when none is left. The race
 *   is over: free it, in here or later
 *
 * Neither is called from inside pm_connector_race_new().
 */
typedef struct
{
  void (*failed) (guint index, const GError *error, gpointer user_data);
  void (*over) (int fd, guint index, gpointer user_data);
} PmConnectorRaceHandler;

/* `addresses` (element-type GSocketAddress): at least one. */
PmConnectorRace *pm_connector_race_new (PmReactor *reactor,
                                        GPtrArray *addresses,
                                        gint64 timeout_microseconds,
                                        const PmConnectorRaceHandler *handler,
                                        gpointer user_data);
void pm_connector_race_free (PmConnectorRace *race);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmConnectorRace, pm_connector_race_free)

G_END_DECLS
