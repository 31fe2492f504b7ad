// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "manager/pm-relay-link.h"
#include "manager/pm-service-backend.h"
#include "manager/pm-site-keeper.h"

G_BEGIN_DECLS

#define PM_APPLY_LOG_LINES 20

/* What to apply, and where; everything borrowed for the call only. */
typedef struct
{
  PmSiteKeeper *keeper;
  PmServiceBackend *backend;
  PmRelayLink *link;
  GBytes *xml;
  const char *base_revision;
  const char *comment;
  guint who;
  gboolean restart;
  guint timeout;
} PmApplyOrder;

/* What an Apply may take where nothing is said, in seconds. */
#define PM_APPLY_TIMEOUT 30

void pm_apply_async (const PmApplyOrder *order, GAsyncReadyCallback callback, gpointer data);
PmApplyResult *pm_apply_finish (GAsyncResult *result, GError **error);

gboolean pm_apply_is_pending (PmSiteKeeper *keeper);
void pm_apply_resume_async (PmSiteKeeper *keeper,
                            PmServiceBackend *backend,
                            PmRelayLink *link,
                            GAsyncReadyCallback callback,
                            gpointer data);

char **pm_apply_log_to_texts (GPtrArray *lines);

G_END_DECLS
