// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmClientCensus:
 *
 * How many connections each client has and how fast it comes, so that one of them cannot take the
 * place of all others. The loopback is not counted; a /64 of IPv6 is one client, for it is what one
 * subscriber has. Any thread.
 */
typedef struct _PmClientCensus PmClientCensus;

/* What is counted by the minute. */
typedef enum
{
  PM_CLIENT_CONNECTS,
  PM_CLIENT_SENDS,    /* a message begins */
  PM_CLIENT_NAMES,    /* a recipient */
  PM_CLIENT_MISTAKES, /* a log-in that failed */
  PM_CLIENT_ASKS,     /* for the mail that waits for it */
  PM_CLIENT_N_EVENTS,
} PmClientEvent;

PmClientCensus *pm_client_census_new (void);
void pm_client_census_free (PmClientCensus *census);
gboolean pm_client_census_enter (PmClientCensus *census,
                                 GInetAddress *client,
                                 guint limit) G_GNUC_WARN_UNUSED_RESULT;
void pm_client_census_leave (PmClientCensus *census, GInetAddress *client);
gboolean pm_client_census_count (PmClientCensus *census,
                                 GInetAddress *client,
                                 PmClientEvent event,
                                 guint per_minute,
                                 gint64 now);
gboolean pm_client_census_may (PmClientCensus *census,
                               GInetAddress *client,
                               PmClientEvent event,
                               guint per_minute,
                               gint64 now);
guint pm_client_census_get_size (PmClientCensus *census);

/* More are not remembered: who is connected is, then those who came last. */
#define PM_CLIENT_CENSUS_MAX 65536

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmClientCensus, pm_client_census_free)

G_END_DECLS
