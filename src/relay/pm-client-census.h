// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmClientCensus:
 *
 * How many connections each client has, so that one of them cannot take the place of all others.
 * The loopback is not counted; a /64 of IPv6 is one client, for it is what one subscriber has. Any
 * thread.
 */
typedef struct _PmClientCensus PmClientCensus;

PmClientCensus *pm_client_census_new (void);
void pm_client_census_free (PmClientCensus *census);
gboolean pm_client_census_enter (PmClientCensus *census,
                                 GInetAddress *client,
                                 guint limit) G_GNUC_WARN_UNUSED_RESULT;
void pm_client_census_leave (PmClientCensus *census, GInetAddress *client);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmClientCensus, pm_client_census_free)

G_END_DECLS
