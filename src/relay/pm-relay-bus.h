// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay.h"

G_BEGIN_DECLS

/**
 * PmRelayBus:
 *
 * org.pointsman.Relay1 on the system bus, or the session bus in session mode. It owns the name as
 * soon as the bus lets it, and the engine runs on where there is no bus. In the engine's thread.
 */
typedef struct _PmRelayBus PmRelayBus;

PmRelayBus *pm_relay_bus_new (PmRelay *relay, gboolean session);
/* The settings have changed: properties follow. */
void pm_relay_bus_update (PmRelayBus *bus);
void pm_relay_bus_free (PmRelayBus *bus);

G_END_DECLS
