// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-reactor.h"

G_BEGIN_DECLS

/* How many may wait in all, and how many for one destination, for each connection it may have. */
#define PM_LIMITER_MAX_WAITING 4000
#define PM_LIMITER_WAITING_PER_PLACE 50
/* Connections to a destination of which nothing is known yet. */
#define PM_LIMITER_FIRST_WINDOW 5

/**
 * PmLimiter:
 *
 * How many connections go out at once, in all and to one destination; who comes too early waits its
 * turn. The lines are short, so that those who wait for a dead host leave room for everybody else.
 * A destination begins with a few connections; each success allows it one more, up to the ceiling,
 * and each failure half of them. Connections that are kept open without work count as well, and are
 * given up where somebody else could use their place. Any thread.
 */
typedef struct _PmLimiter PmLimiter;

/**
 * PmLimiterHolder:
 * @reactor: whose thread it lives in
 * @give_up: called there: a connection to @destination that is kept without work is to be closed,
 *   where there still is one; pm_limiter_forget_kept() follows
 *
 * Somebody who keeps open connections: one for each worker.
 */
typedef struct _PmLimiterHolder PmLimiterHolder;

struct _PmLimiterHolder
{
  PmReactor *reactor;
  void (*give_up) (PmLimiterHolder *holder, const char *destination);
};

typedef enum
{
  PM_LIMITER_GRANTED, /* the place is the caller's now, and nothing will be called */
  PM_LIMITER_WAITING, /* the function will be called */
  PM_LIMITER_FULL,    /* too many wait already; nothing will be called */
} PmLimiterAnswer;

typedef enum
{
  PM_LIMITER_SUCCESS, /* the destination has taken mail, or has judged it */
  PM_LIMITER_FAILURE, /* it could not be reached, or wanted none now */
  PM_LIMITER_UNKNOWN, /* it was not asked */
} PmLimiterFeedback;

PmLimiter *pm_limiter_new (void);
void pm_limiter_free (PmLimiter *limiter);
void pm_limiter_set_limits (PmLimiter *limiter, guint total, guint per_destination);
PmLimiterAnswer pm_limiter_acquire (PmLimiter *limiter,
                                    const char *destination,
                                    PmLimiterHolder *holder,
                                    PmReactorFunc func,
                                    gpointer data) G_GNUC_WARN_UNUSED_RESULT;
void pm_limiter_release (PmLimiter *limiter,
                         const char *destination,
                         PmLimiterFeedback feedback);
gboolean pm_limiter_keep (PmLimiter *limiter,
                          const char *destination,
                          PmLimiterHolder *holder) G_GNUC_WARN_UNUSED_RESULT;
void pm_limiter_forget_kept (PmLimiter *limiter,
                             const char *destination,
                             PmLimiterHolder *holder);
guint pm_limiter_get_room (PmLimiter *limiter, const char *destination);
guint pm_limiter_get_window (PmLimiter *limiter, const char *destination);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmLimiter, pm_limiter_free)

G_END_DECLS
