// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-queue-store.h"

G_BEGIN_DECLS

PmQueueStore *pm_queue_salvage_open (const char *path, const char *copy, GError **error);
GArray *pm_queue_salvage_list_ids (PmQueueStore *store);

G_END_DECLS
