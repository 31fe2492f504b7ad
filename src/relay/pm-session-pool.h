// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-session.h"

G_BEGIN_DECLS

/**
 * PmSessionPool:
 *
 * Sessions of one worker that have no message and wait for one to the same destination, for a few
 * seconds. Each of them holds a place of the limiter. In the worker's thread.
 */

/* `idle`: microseconds that a session may wait. */
PmSessionPool *pm_session_pool_new (PmLimiter *limiter, PmReactor *reactor, gint64 idle);
/* Closes everything that is in it. */
void pm_session_pool_free (PmSessionPool *pool);

/* For pm_limiter_acquire(): what it may take away again. */
PmLimiterHolder *pm_session_pool_get_holder (PmSessionPool *pool);

/* (transfer full) (nullable): a session to `destination`, the one that was used last */
PmSession *pm_session_pool_take (PmSessionPool *pool, const char *destination);
/* Instead of pm_limiter_release(). `session` (transfer full): the pool's, or it is told to quit. */
void pm_session_pool_give (PmSessionPool *pool, const char *destination, PmSession *session);
/* Closes all of them, politely. */
void pm_session_pool_clear (PmSessionPool *pool);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSessionPool, pm_session_pool_free)

G_END_DECLS
