// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "net/pm-reactor.h"

G_BEGIN_DECLS

/**
 * PmConnector:
 *
 * One non-blocking attempt to connect. In the reactor's thread.
 */
typedef struct _PmConnector PmConnector;

/*
 * `fd`: connected, non-blocking, and now the callee's; or -1 with `error` (#G_IO_ERROR; a time-out
 * is %G_IO_ERROR_TIMED_OUT). The connector is over: free it, in here or later. Never called from
 * inside pm_connector_new().
 */
typedef void (*PmConnectFunc) (int fd, const GError *error, gpointer user_data);

/* `source` (nullable): the address of ours to connect from. `address`: TCP or a Unix socket. */
PmConnector *pm_connector_new (PmReactor *reactor,
                               GSocketAddress *address,
                               GInetAddress *source,
                               gint64 timeout_microseconds,
                               PmConnectFunc func,
                               gpointer user_data);
/* Cancels it where it is still under way. */
void pm_connector_free (PmConnector *connector);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmConnector, pm_connector_free)

G_END_DECLS
