// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "manager/pm-relay-link.h"
#include "manager/pm-service-backend.h"

G_BEGIN_DECLS

void pm_service_switch_async (PmServiceBackend *backend,
                              PmRelayLink *link,
                              PmServiceVerb verb,
                              const char *revision,
                              guint timeout,
                              GAsyncReadyCallback callback,
                              gpointer data);
gboolean pm_service_switch_finish (PmServiceBackend *backend, GAsyncResult *result, GError **error);

G_END_DECLS
