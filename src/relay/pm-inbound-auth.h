// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-inbound-private.h"

G_BEGIN_DECLS

/* The log-in of a session (RFC 4954); the passwords are checked elsewhere. */
void pm_inbound_auth (PmSmtpServer *server,
                      const char *mechanism,
                      const guint8 *bytes,
                      gsize size,
                      gpointer data);
void pm_inbound_auth_again (PmSmtpServer *server,
                            const guint8 *bytes,
                            gsize size,
                            gpointer data);
void pm_inbound_auth_clear (PmInbound *self);

G_END_DECLS
