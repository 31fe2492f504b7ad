// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmSyncCrew:
 *
 * A few threads that make many files durable at the same time.
 */
typedef struct _PmSyncCrew PmSyncCrew;

PmSyncCrew *pm_sync_crew_new (void);
void pm_sync_crew_free (PmSyncCrew *crew);

void pm_sync_crew_sync (PmSyncCrew *crew, const int *fds, int *errors, guint n_fds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSyncCrew, pm_sync_crew_free)

G_END_DECLS
