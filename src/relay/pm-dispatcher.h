// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-clock.h"
#include "queue/pm-queue.h"
#include "relay/pm-limiter.h"

G_BEGIN_DECLS

/**
 * PmDispatcher:
 *
 * What is tried when: it has attempts at messages started that are due, never more at once than a
 * ceiling and never two at one message, and parks what waits for a destination that is overrun.
 * Lives in the thread-default main context of the thread that made it; _claim() and _settle() may
 * be called from any thread.
 */
typedef struct _PmDispatcher PmDispatcher;

/* An attempt at @message is to begin; pm_dispatcher_attempt_over() follows, from a later turn. */
typedef void (*PmDispatchFunc) (guint64 message, gpointer data);

PmDispatcher *pm_dispatcher_new (PmQueue *queue,
                                 PmClock *clock,
                                 PmLimiter *limiter,
                                 PmDispatchFunc func,
                                 gpointer data);
void pm_dispatcher_free (PmDispatcher *dispatcher);

/* Nothing is begun before the first call of _run() and after _stop(). */
void pm_dispatcher_run (PmDispatcher *dispatcher);
void pm_dispatcher_stop (PmDispatcher *dispatcher);
void pm_dispatcher_restart (PmDispatcher *dispatcher);
void pm_dispatcher_set_max_active (PmDispatcher *dispatcher, guint max_active);

void pm_dispatcher_queued (PmDispatcher *dispatcher, guint64 message, gint64 time);
void pm_dispatcher_attempt_over (PmDispatcher *dispatcher,
                                 guint64 message,
                                 gint64 next_try,
                                 const char *parked_for,
                                 gboolean gone);

gboolean pm_dispatcher_claim (PmDispatcher *dispatcher, guint64 message);
gboolean pm_dispatcher_settle (PmDispatcher *dispatcher, guint64 message);

gboolean pm_dispatcher_is_active (PmDispatcher *dispatcher, guint64 message);
guint pm_dispatcher_count_active (PmDispatcher *dispatcher);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmDispatcher, pm_dispatcher_free)

G_END_DECLS
