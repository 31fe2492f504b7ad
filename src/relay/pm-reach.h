// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-private.h"
#include "relay/pm-tls-policy.h"
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
 * @domain: of the recipients, or of the first of them
 * @in_clear: TLS is out of the question: what the hops name is on this computer (LMTP)
 * @require_tls: the message came with REQUIRETLS
 * @tls_optional: the message says `TLS-Required: No`
 */
typedef struct
{
  PmRelayWorker *worker;
  PmRelaySettings *settings;
  GPtrArray *hops;
  const char *domain;
  gboolean in_clear;
  gboolean require_tls;
  gboolean tls_optional;
} PmReachJob;

/**
 * PmReached:
 * @fd: the connection; the callee's
 * @peer: who it is, for people
 * @host: (nullable): its name; %NULL for a socket of this computer
 * @domain: (nullable): the domain whose MX records named the host
 * @loopback: it is on this computer
 * @policy: (nullable): how it must be secured; %NULL for not at all
 * @login: (nullable): as whom to log in
 *
 * A connection to a host. All but @fd is the reach's.
 */
typedef struct
{
  int fd;
  const char *peer;
  const char *host;
  const char *domain;
  gboolean loopback;
  const PmTlsPolicy *policy;
  const PmDomainSecurity *login;
} PmReached;

/**
 * PmReachHandler:
 * @refused: a host cannot be reached, or must not be; @peer (nullable) is which one, %NULL where a
 *   hop leads to none. A permanent reply is about this one host or hop: another may take the mail
 * @connected: there it is
 * @exhausted: there is nobody left; @until, where not 0, is when somebody may be tried who was not,
 *   since he did not answer before
 *
 * None is called from inside pm_reach_next(). The reach may be freed in @connected and @exhausted.
 */
typedef struct
{
  void (*refused) (const PmSmtpReply *reply, const char *peer, gpointer data);
  void (*connected) (const PmReached *reached, gpointer data);
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
