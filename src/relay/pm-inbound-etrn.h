// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-inbound-private.h"

G_BEGIN_DECLS

/* ETRN (RFC 1985): a client asks for the mail that waits for its domain. */
void pm_inbound_etrn (PmSmtpServer *server, const char *argument, gpointer data);

G_END_DECLS
