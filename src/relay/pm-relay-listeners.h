// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-private.h"

G_BEGIN_DECLS

/**
 * PmRelayListeners:
 *
 * The sockets that the engine listens on, each accepted from in every worker. A change is made in
 * two steps, so that it can fail before it has begun. In the main thread.
 */
typedef struct _PmRelayListeners PmRelayListeners;

/* `workers` (element-type PmRelayWorker): borrowed; they must be there when something is opened. */
PmRelayListeners *pm_relay_listeners_new (GPtrArray *workers);
void pm_relay_listeners_free (PmRelayListeners *listeners);

GPtrArray *pm_relay_listeners_open (PmRelayListeners *listeners,
                                    const PmRelaySettings *settings,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_relay_listeners_switch (PmRelayListeners *listeners, GPtrArray *wanted);
void pm_relay_listeners_close (PmRelayListeners *listeners);
GPtrArray *pm_relay_listeners_list_targets (PmRelayListeners *listeners);

/* For a worker's list of acceptors. */
void pm_relay_accepting_free (gpointer accepting);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmRelayListeners, pm_relay_listeners_free)

G_END_DECLS
