// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmDue:
 * @time: when it is due, microseconds since 1970
 * @message: which message
 * @lane: what it waits for, see pm_queue_lane_of()
 * @rank: its #PmQueueRank: 0 goes first
 *
 * A message and when it is due. Ordered by time, then message.
 */
typedef struct
{
  gint64 time;
  guint64 message;
  guint32 lane;
  guint8 rank;
} PmDue;

/**
 * PmScheduler:
 *
 * What is due when: by rank, destinations in turn, in order of time; never more than a ceiling in
 * memory. What lies beyond the horizon stays on disk until its turn comes:
 * pm_scheduler_wants_load() says so, and pm_scheduler_load() takes the next page. One thread.
 */
typedef struct _PmScheduler PmScheduler;

PmScheduler *pm_scheduler_new (guint limit);
void pm_scheduler_free (PmScheduler *scheduler);
void pm_scheduler_add (PmScheduler *scheduler, guint64 message, gint64 time);
void pm_scheduler_add_due (PmScheduler *scheduler, const PmDue *due);
void pm_scheduler_remove (PmScheduler *scheduler, guint64 message);
gboolean pm_scheduler_pop (PmScheduler *scheduler, gint64 now, guint64 *message);
gboolean pm_scheduler_pop_due (PmScheduler *scheduler, gint64 now, PmDue *due);
gint64 pm_scheduler_next (PmScheduler *scheduler);
guint pm_scheduler_count (PmScheduler *scheduler);

void pm_scheduler_restart (PmScheduler *scheduler);
gboolean pm_scheduler_wants_load (PmScheduler *scheduler, gint64 now, PmDue *after);
void pm_scheduler_load (PmScheduler *scheduler, const PmDue *due, guint n, guint asked);

gint64 pm_scheduler_retry_time (const guint *intervals,
                                guint n_intervals,
                                guint attempts,
                                gint64 now,
                                gint64 expires);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmScheduler, pm_scheduler_free)

G_END_DECLS
