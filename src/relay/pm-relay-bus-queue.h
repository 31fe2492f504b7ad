// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay.h"

G_BEGIN_DECLS

/*
 * The queue's methods of org.pointsman.Relay1: each takes the method's parameters as they came, and
 * ends in its results as a tuple (transfer full), or in an error. What takes the disk is done in a
 * thread of its own. In the engine's thread.
 */
typedef void (*PmRelayBusMethod) (PmRelay *relay,
                                  GVariant *parameters,
                                  GAsyncReadyCallback callback,
                                  gpointer data);

void pm_relay_bus_list_queue (PmRelay *relay,
                              GVariant *parameters,
                              GAsyncReadyCallback callback,
                              gpointer data);
void pm_relay_bus_show_message (PmRelay *relay,
                                GVariant *parameters,
                                GAsyncReadyCallback callback,
                                gpointer data);
void pm_relay_bus_retry_messages (PmRelay *relay,
                                  GVariant *parameters,
                                  GAsyncReadyCallback callback,
                                  gpointer data);
void pm_relay_bus_delete_messages (PmRelay *relay,
                                   GVariant *parameters,
                                   GAsyncReadyCallback callback,
                                   gpointer data);
GVariant *pm_relay_bus_method_finish (PmRelay *relay, GAsyncResult *result, GError **error);

G_END_DECLS
