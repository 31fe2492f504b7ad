// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "net/pm-reactor.h"

G_BEGIN_DECLS

/**
 * PmListener:
 *
 * A listening TCP socket, reference counted. Immutable: any thread.
 */
typedef struct _PmListener PmListener;

/* Port 0 takes a free one. IPv6 sockets take IPv6 alone (IPV6_V6ONLY). Errors: #G_IO_ERROR. */
PmListener *pm_listener_new (GInetSocketAddress *address,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A socket that already listens, from socket activation; on success it belongs to the listener. */
PmListener *pm_listener_new_for_fd (int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
PmListener *pm_listener_ref (PmListener *listener);
void pm_listener_unref (PmListener *listener);
GInetSocketAddress *pm_listener_get_address (PmListener *listener); /* (transfer none) */

/**
 * PmAcceptor:
 *
 * Accepts a listener's connections in one reactor; a listener may have one in each worker. When the
 * process or the system runs out of descriptors or memory it backs off and tries again.
 */
typedef struct _PmAcceptor PmAcceptor;

/*
 * A connection came. `fd` is non-blocking, close-on-exec, and now belongs to the callee.
 * IPv4-mapped addresses do not occur. The acceptor may be freed in here.
 */
typedef void (*PmAcceptFunc) (int fd,
                              GInetSocketAddress *peer,
                              GInetSocketAddress *local,
                              gpointer user_data);

/* In the reactor's thread, as everything of it. */
PmAcceptor *pm_acceptor_new (PmListener *listener,
                             PmReactor *reactor,
                             PmAcceptFunc func,
                             gpointer user_data);
void pm_acceptor_free (PmAcceptor *acceptor);
/* While paused connections wait in the kernel's queue. */
void pm_acceptor_set_paused (PmAcceptor *acceptor, gboolean paused);
guint64 pm_acceptor_get_backoffs (PmAcceptor *acceptor); /* how often it had to back off */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmListener, pm_listener_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmAcceptor, pm_acceptor_free)

G_END_DECLS
