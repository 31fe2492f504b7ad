// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define PM_TYPE_CLOCK (pm_clock_get_type ())
G_DECLARE_FINAL_TYPE (PmClock, pm_clock, PM, CLOCK, GObject)

PmClock *pm_clock_new_system (void);
PmClock *pm_clock_new_manual (gint64 now);
gint64 pm_clock_now (PmClock *clock);
void pm_clock_advance (PmClock *clock, gint64 microseconds);

G_END_DECLS
