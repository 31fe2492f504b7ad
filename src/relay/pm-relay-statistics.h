// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay.h"

G_BEGIN_DECLS

/**
 * PmRelayStatistics:
 * @counters: by #PmCounter
 * @states: messages in the queue, by #PmQueueState
 * @durability: what "accepted" rests on
 * @folder: (owned): where the queue is
 * @transfer: (owned): the transfer mode
 * @held: messages that the transfer mode holds
 * @held_oldest: when the oldest of them was accepted, microseconds since 1970; 0 for none
 * @secured: connections to other hosts that were secured as wanted, today (UTC)
 * @failed: those that were not
 * @tracking_dropped: events that message tracking found no room for
 *
 * How the engine does, at one moment.
 */
typedef struct
{
  guint64 counters[PM_N_COUNTERS];
  guint64 states[PM_QUEUE_N_STATES];
  PmQueueDurability durability;
  char *folder;
  const char *transfer;
  guint64 held;
  gint64 held_oldest;
  guint64 secured;
  guint64 failed;
  guint64 tracking_dropped;
} PmRelayStatistics;

/* Reads the disk: in a thread. */
PmRelayStatistics *pm_relay_statistics_new (PmRelay *relay,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_relay_statistics_free (PmRelayStatistics *statistics);

void pm_relay_statistics_read_async (PmRelay *relay, GAsyncReadyCallback callback, gpointer data);
PmRelayStatistics *pm_relay_statistics_read_finish (PmRelay *relay,
                                                    GAsyncResult *result,
                                                    GError **error);
char *pm_relay_statistics_to_prometheus (const PmRelayStatistics *statistics);

const char *pm_transfer_mode_to_string (PmTransferMode transfer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmRelayStatistics, pm_relay_statistics_free)

G_END_DECLS
