// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "queue/pm-queue-filter.h"

G_BEGIN_DECLS

/**
 * PmRelayBusWhich:
 * @ids: (nullable) (element-type guint64): these, each once, in their order; %NULL for @filter
 * @filter: those that fit
 * @operation: the caller's number for the change; 0 for none
 *
 * Which messages somebody on the bus means.
 */
typedef struct
{
  GArray *ids;
  PmQueueFilter *filter;
  guint operation;
} PmRelayBusWhich;

PmRelayBusWhich *pm_relay_bus_which_read (GVariant *dictionary,
                                          gboolean change,
                                          gint64 now,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
PmRelayBusWhich *pm_relay_bus_which_new (GVariant *ids);
void pm_relay_bus_which_free (PmRelayBusWhich *which);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmRelayBusWhich, pm_relay_bus_which_free)

G_END_DECLS
