// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "dns/pm-resolver.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmMxTarget:
 * @host: the host's name, or the text of its address
 * @address: one address of it
 * @secure: whether DNSSEC vouches for the answer that named @host; %TRUE where DNS was not asked
 *
 * One place to connect to.
 */
typedef struct
{
  char *host;
  GInetAddress *address;
  gboolean secure;
} PmMxTarget;

/**
 * PmMxQuestion:
 * @name: a domain, a host name, or an IP address
 * @mx: whether @name's MX records are followed (RFC 5321 5.1), or @name is the host itself
 * @own_name: (nullable): our host name: an MX of that name is this host
 * @own_addresses: (nullable) (element-type GInetAddress): an MX with one of them is this host
 * @own_loopback: whether an MX on the loopback network is this host
 */
typedef struct
{
  const char *name;
  gboolean mx;
  const char *own_name;
  GPtrArray *own_addresses;
  gboolean own_loopback;
} PmMxQuestion;

/*
 * Where to connect to, best first. On success the result is a list of at least one; else NULL with
 * `refusal`, the reply that recipients there get: 4yz where DNS does not answer, 5yz where it says
 * that nobody takes this mail. Any thread; ends in the caller's thread-default main context.
 */
void pm_mx_walk_async (PmResolver *resolver,
                       const PmMxQuestion *question,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data);
GPtrArray *pm_mx_walk_finish (PmResolver *resolver,
                              GAsyncResult *result,
                              PmSmtpReply **refusal,
                              GError **error);

void pm_mx_target_free (PmMxTarget *target);

G_END_DECLS
