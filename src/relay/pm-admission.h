// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-settings.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmStanding:
 * @accepted: it may connect
 * @exempt: limits by client are not for it: this host itself, or a mail server of ours
 * @relay_server: what is asked of clients that submit is not asked of it
 * @xclient: it may speak for others by XCLIENT
 * @proxy: it may speak for others by the PROXY protocol
 *
 * What a client's address means.
 */
typedef struct
{
  gboolean accepted;
  gboolean exempt;
  gboolean relay_server;
  gboolean xclient;
  gboolean proxy;
} PmStanding;

/**
 * PmConnectionFacts:
 * @stopping: the service is closing down
 * @full: there are as many connections as there may be
 * @client_full: this client has as many as it may have
 * @client_hurried: this client begins too many
 *
 * What is known of a connection when it comes.
 */
typedef struct
{
  gboolean stopping;
  gboolean full;
  gboolean client_full;
  gboolean client_hurried;
} PmConnectionFacts;

/**
 * PmSenderFacts:
 * @role: of the listener
 * @account: (nullable): who the client has authenticated as
 * @may_relay: whether it may send to other hosts
 * @standing: of its address
 * @sender: (nullable): %NULL for the null sender
 *
 * What is known of a transaction that begins.
 */
typedef struct
{
  PmListenRole role;
  const char *account;
  gboolean may_relay;
  const PmStanding *standing;
  const PmMailAddress *sender;
} PmSenderFacts;

PmStanding pm_admission_get_standing (const PmMailService *service, GInetAddress *client);
PmSmtpReply *pm_admission_judge_connection (const PmMailService *service,
                                            const PmStanding *standing,
                                            const PmConnectionFacts *facts);
PmSmtpReply *pm_admission_judge_sender (const PmRelaySettings *settings,
                                        const PmSenderFacts *facts);
PmSmtpReply *pm_admission_over_rate (const char *what);

G_END_DECLS
