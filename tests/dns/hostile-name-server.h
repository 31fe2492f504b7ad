// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * HostileNameServer: answers on a free loopback port, over UDP and TCP, in the way that the first
 * label of the question says: good, truncated (over TCP it is good), cut (truncated, and cut short
 * over TCP as well), silence, garbage, wrongid, wrongname, servfail, refused, shortdata (an address
 * of two bytes), circle (an alias of itself), referral (it does not recurse, and sends everybody to
 * the root), nothing (it does not recurse, and says no more than that).
 */
typedef struct _HostileNameServer HostileNameServer;

HostileNameServer *hostile_name_server_start (void);
void hostile_name_server_stop (HostileNameServer *server);
const char *hostile_name_server_get_address (HostileNameServer *server);
guint hostile_name_server_count (HostileNameServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostileNameServer, hostile_name_server_stop)

G_END_DECLS
