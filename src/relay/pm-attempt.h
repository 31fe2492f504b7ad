// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-private.h"

G_BEGIN_DECLS

/**
 * PmAttempt:
 *
 * One attempt at one queued message: every recipient that is due is routed anew, goes to its
 * mailbox or host, and what came of it goes back into the queue. Lives in its worker's thread, and
 * frees itself after pm_relay_attempt_over().
 */
typedef struct _PmAttempt PmAttempt;

void pm_attempt_start (PmRelayWorker *worker, guint64 message);
void pm_attempt_abandon (PmAttempt *attempt);

G_END_DECLS
