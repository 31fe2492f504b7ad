// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The time of day as something that is handed in, so that schedules are tested without waiting.

#include "base/pm-clock.h"

struct _PmClock
{
  GObject parent_instance;

  gboolean manual;
  gint64 now; /* of a manual clock; microseconds since 1970, accessed atomically */
};

G_DEFINE_FINAL_TYPE (PmClock, pm_clock, G_TYPE_OBJECT)

static void
pm_clock_class_init (PmClockClass *klass)
{
}

static void
pm_clock_init (PmClock *self)
{
}

/**
 * pm_clock_new_system:
 *
 * Returns: (transfer full): the machine's real time clock
 */
PmClock *
pm_clock_new_system (void)
{
  return g_object_new (PM_TYPE_CLOCK, NULL);
}

/**
 * pm_clock_new_manual:
 * @now: microseconds since 1970
 *
 * Returns: (transfer full): a clock that stands still until pm_clock_advance()
 */
PmClock *
pm_clock_new_manual (gint64 now)
{
  PmClock *self = g_object_new (PM_TYPE_CLOCK, NULL);

  self->manual = TRUE;
  self->now = now;
  return self;
}

/**
 * pm_clock_now:
 *
 * Returns: microseconds since 1970, UTC. Any thread.
 */
gint64
pm_clock_now (PmClock *clock)
{
  g_return_val_if_fail (PM_IS_CLOCK (clock), 0);

  if (!clock->manual)
    return g_get_real_time ();
  return __atomic_load_n (&clock->now, __ATOMIC_RELAXED);
}

/**
 * pm_clock_advance:
 * @clock: a manual clock
 * @microseconds: how far to move it
 *
 * Any thread.
 */
void
pm_clock_advance (PmClock *clock, gint64 microseconds)
{
  g_return_if_fail (PM_IS_CLOCK (clock) && clock->manual);

  __atomic_add_fetch (&clock->now, microseconds, __ATOMIC_RELAXED);
}
