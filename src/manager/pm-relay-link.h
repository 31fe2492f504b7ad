// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmRelayLink:
 *
 * What the manager sees of the running mail service on the bus: which revision it has loaded, and
 * whether its ports answer. Emits `changed` when the loaded revision has.
 */
#define PM_TYPE_RELAY_LINK (pm_relay_link_get_type ())
G_DECLARE_FINAL_TYPE (PmRelayLink, pm_relay_link, PM, RELAY_LINK, GObject)

PmRelayLink *pm_relay_link_new (GDBusConnection *bus);
const char *pm_relay_link_get_loaded_revision (PmRelayLink *self);

void pm_relay_link_reload_async (PmRelayLink *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer data);
gboolean pm_relay_link_reload_finish (PmRelayLink *self, GAsyncResult *result, GError **error);

void pm_relay_link_confirm_async (PmRelayLink *self,
                                  const char *revision,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data);
gboolean pm_relay_link_confirm_finish (PmRelayLink *self, GAsyncResult *result, GError **error);

G_END_DECLS
