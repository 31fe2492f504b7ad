// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay.h"

G_BEGIN_DECLS

/*
 * Asks every worker and the queue's writer for a sign of life; the callback comes when all have
 * given one, and not while one of them is stuck. In the main thread, which thereby gives its own.
 */
void pm_relay_health_check_async (PmRelay *relay, GAsyncReadyCallback callback, gpointer data);
gboolean pm_relay_health_check_finish (GAsyncResult *result, GError **error);

G_END_DECLS
