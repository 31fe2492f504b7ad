// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/* For pm-server-changes.c only: what a change does to the connection's state. */
void pm_server_connection_begin_change (PmServerConnection *self);
void pm_server_connection_end_change (PmServerConnection *self);
void pm_server_connection_adopt_site (PmServerConnection *self,
                                      const PmSite *site,
                                      GBytes *xml,
                                      const char *revision);
void pm_server_connection_tell_changed_here (PmServerConnection *self, const char *comment);
void pm_server_connection_read_again (PmServerConnection *self);

G_END_DECLS
