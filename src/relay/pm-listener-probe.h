// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * Connects to each address as a client would and waits for the greeting, all at once, each for at
 * most a few seconds. An unspecified address is reached by the loopback of its family. `addresses`
 * (element-type GInetSocketAddress). The result is of type a(sbs): socket, whether it answered with
 * 220, what it said or why not.
 */
void pm_listener_probe_async (GPtrArray *addresses, GAsyncReadyCallback callback, gpointer data);
GVariant *pm_listener_probe_finish (GAsyncResult *result, GError **error);

G_END_DECLS
