// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmNetwork:
 * @family: %G_SOCKET_FAMILY_IPV4 or %G_SOCKET_FAMILY_IPV6
 * @prefix: how many leading bits count (0 to 32 or 128)
 * @bytes: the network's address, host bits zero (4 or 16 bytes used)
 *
 * An IP network as a plain value. It is masked when read, so `192.0.2.9/24` means `192.0.2.0/24`.
 * An IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) counts as the IPv4 address in it.
 */
typedef struct {
  GSocketFamily family;
  guint prefix;
  guint8 bytes[16];
} PmNetwork;

gboolean pm_network_parse (const char *text,
                           PmNetwork *network,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_network_from_address (GInetAddress *address, PmNetwork *network);
gboolean pm_network_contains (const PmNetwork *network, GInetAddress *address);
gboolean pm_network_equal (const PmNetwork *a, const PmNetwork *b);
char *pm_network_to_string (const PmNetwork *network);

G_END_DECLS
