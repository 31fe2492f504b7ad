// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-limiter.h"

G_BEGIN_DECLS

/**
 * PmParking:
 *
 * Messages that are due and whose destination has too many waiting for it: by destination, oldest
 * first. They hold no attempt, so that one dead host cannot stop the mail for everybody else. One
 * thread.
 */
typedef struct _PmParking PmParking;

PmParking *pm_parking_new (guint limit);
void pm_parking_free (PmParking *parking);
gboolean pm_parking_add (PmParking *parking, const char *destination, guint64 message);
gboolean pm_parking_take (PmParking *parking, PmLimiter *limiter, GArray *messages);
void pm_parking_clear (PmParking *parking);
gboolean pm_parking_is_empty (const PmParking *parking);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmParking, pm_parking_free)

G_END_DECLS
