// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-reactor.h"

G_BEGIN_DECLS

/* How many may wait in all, and how many for one destination, for each connection it may have. */
#define PM_LIMITER_MAX_WAITING 400
#define PM_LIMITER_WAITING_PER_PLACE 2

/**
 * PmLimiter:
 *
 * How many connections go out at once, in all and to one destination; who comes too early waits its
 * turn. The lines are short, so that those who wait for a dead host leave room for everybody else.
 * Any thread.
 */
typedef struct _PmLimiter PmLimiter;

PmLimiter *pm_limiter_new (void);
void pm_limiter_free (PmLimiter *limiter);
void pm_limiter_set_limits (PmLimiter *limiter, guint total, guint per_destination);
gboolean pm_limiter_acquire (PmLimiter *limiter,
                             const char *destination,
                             PmReactor *reactor,
                             PmReactorFunc func,
                             gpointer data) G_GNUC_WARN_UNUSED_RESULT;
void pm_limiter_release (PmLimiter *limiter, const char *destination);
guint pm_limiter_get_room (PmLimiter *limiter, const char *destination);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmLimiter, pm_limiter_free)

G_END_DECLS
