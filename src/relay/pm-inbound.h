// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-private.h"

G_BEGIN_DECLS

/**
 * PmInbound:
 *
 * One client's connection: the stream, the protocol, and what we say to it. Lives in its worker's
 * thread and frees itself when it is over.
 */
typedef struct _PmInbound PmInbound;

void pm_inbound_start (PmRelayWorker *worker,
                       int fd,
                       GInetSocketAddress *peer,
                       GInetSocketAddress *local,
                       const PmListen *listen);
void pm_inbound_end (PmInbound *inbound, gboolean finish);

/*
 * Lets go of one session of this worker that does nothing, where the service is near its limit.
 * Returns whether there was one.
 */
gboolean pm_inbound_relieve (PmRelayWorker *worker);

G_END_DECLS
