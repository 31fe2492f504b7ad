// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-private.h"
#include "routing/pm-router.h"

G_BEGIN_DECLS

/**
 * PmRecipientCheck:
 *
 * Whether the next hop knows a recipient, asked at RCPT and remembered for a while. Questions about
 * the same recipient are asked once. Any worker's thread.
 */

/* `refusal` (nullable): %NULL when the recipient may be accepted. Never from inside the call. */
typedef void (*PmRecipientCheckFunc) (const PmSmtpReply *refusal, gpointer data);

PmRecipientCheck *pm_recipient_check_new (void);
void pm_recipient_check_free (PmRecipientCheck *check);
void pm_recipient_check_ask (PmRecipientCheck *check,
                             PmRelayWorker *worker,
                             const PmRelaySettings *settings,
                             const PmDecision *decision,
                             PmRecipientCheckFunc func,
                             gpointer data);
void pm_recipient_check_forget (PmRecipientCheck *check);
void pm_recipient_check_stop (PmRelayWorker *worker);

/* More answers are not remembered. */
#define PM_RECIPIENT_CHECK_MAX 10000

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmRecipientCheck, pm_recipient_check_free)

G_END_DECLS
