// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-private.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmReach:
 *
 * The way to a host of one destination: each hop, each of its hosts, each address, the best first,
 * until there is a connection. Addresses that are known to be dead are left out. In its worker's
 * thread.
 */
typedef struct _PmReach PmReach;

/**
 * PmReachJob:
 * @hops: (element-type PmNextHop): where to, in the order to try
 * @tls: how the connection must be secured besides what a hop says
 */
typedef struct
{
  PmRelayWorker *worker;
  PmRelaySettings *settings;
  GPtrArray *hops;
  PmTls tls;
} PmReachJob;

/**
 * PmReachHandler:
 * @refused: a host cannot be reached, or must not be; @peer (nullable) is which one; @final when
 *   DNS says for good that there is none
 * @connected: @fd is the callee's; @peer is who it is, for people; @host (nullable) its name, and
 *   @tls how it must be secured
 * @exhausted: there is nobody left; @until, where not 0, is when somebody may be tried who was not,
 *   since he did not answer before
 *
 * None is called from inside pm_reach_next(). The reach may be freed in @connected and @exhausted.
 */
typedef struct
{
  void (*refused) (const PmSmtpReply *reply, const char *peer, gboolean final, gpointer data);
  void (*connected) (int fd, const char *peer, const char *host, PmTls tls, gpointer data);
  void (*exhausted) (gint64 until, gpointer data);
} PmReachHandler;

PmReach *pm_reach_new (const PmReachJob *job, const PmReachHandler *handler, gpointer data);
void pm_reach_free (PmReach *reach);
/* Goes on with the next host; one of the handler's last two follows. */
void pm_reach_next (PmReach *reach);
/* Goes on with the host that was connected last, once more. */
void pm_reach_again (PmReach *reach);
/* What became of the host that was connected: whether it spoke. */
void pm_reach_note (PmReach *reach, gboolean answered);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmReach, pm_reach_free)

G_END_DECLS
