// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-reactor.h"

G_BEGIN_DECLS

/**
 * PmLimiter:
 *
 * How many connections go out at once, in all and to one destination; who comes too early waits its
 * turn. Any thread.
 */
typedef struct _PmLimiter PmLimiter;

PmLimiter *pm_limiter_new (void);
void pm_limiter_free (PmLimiter *limiter);
void pm_limiter_set_limits (PmLimiter *limiter, guint total, guint per_destination);
void pm_limiter_acquire (PmLimiter *limiter,
                         const char *destination,
                         PmReactor *reactor,
                         PmReactorFunc func,
                         gpointer data);
void pm_limiter_release (PmLimiter *limiter, const char *destination);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmLimiter, pm_limiter_free)

G_END_DECLS
