// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-tracking.h"

G_BEGIN_DECLS

/**
 * PmTrackingStore:
 *
 * One connection to the file of message tracking, in one thread at a time. %PM_ERROR_INVALID is a
 * file that is damaged or of another version.
 */
typedef struct _PmTrackingStore PmTrackingStore;

PmTrackingStore *pm_tracking_store_open (const char *path, GError **error);
void pm_tracking_store_close (PmTrackingStore *store);
gboolean pm_tracking_store_add (PmTrackingStore *store, GPtrArray *events, GError **error);
int pm_tracking_store_prune (PmTrackingStore *store, gint64 before, guint limit, GError **error);
GPtrArray *pm_tracking_store_query (PmTrackingStore *store,
                                    const PmTrackingFilter *filter,
                                    gint64 before,
                                    guint limit,
                                    GError **error);
gpointer pm_tracking_event_copy (const PmTrackingEvent *event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTrackingStore, pm_tracking_store_close)

G_END_DECLS
