// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Which addresses the world cannot send mail to.

#include "check/pm-address-scope.h"

#include "base/pm-network.h"

static const struct
{
  const char *network;
  PmAddressScope scope;
} ranges[] = {
  { "0.0.0.0/8", PM_SCOPE_LOOPBACK },       // RFC 1122 3.2.1.3: this host
  { "127.0.0.0/8", PM_SCOPE_LOOPBACK },     // RFC 1122
  { "10.0.0.0/8", PM_SCOPE_PRIVATE },       // RFC 1918
  { "172.16.0.0/12", PM_SCOPE_PRIVATE },    // RFC 1918
  { "192.168.0.0/16", PM_SCOPE_PRIVATE },   // RFC 1918
  { "100.64.0.0/10", PM_SCOPE_PRIVATE },    // RFC 6598: shared by a provider's customers
  { "169.254.0.0/16", PM_SCOPE_PRIVATE },   // RFC 3927: one link
  { "192.0.0.0/24", PM_SCOPE_RESERVED },    // RFC 6890
  { "192.0.2.0/24", PM_SCOPE_RESERVED },    // RFC 5737: documentation
  { "198.51.100.0/24", PM_SCOPE_RESERVED }, // RFC 5737
  { "203.0.113.0/24", PM_SCOPE_RESERVED },  // RFC 5737
  { "198.18.0.0/15", PM_SCOPE_RESERVED },   // RFC 2544: benchmarking
  { "224.0.0.0/4", PM_SCOPE_RESERVED },     // RFC 5771: multicast
  { "240.0.0.0/4", PM_SCOPE_RESERVED },     // RFC 1112, and the broadcast address
  { "::/127", PM_SCOPE_LOOPBACK },          // RFC 4291: unspecified and loopback
  { "fc00::/7", PM_SCOPE_PRIVATE },         // RFC 4193
  { "fe80::/10", PM_SCOPE_PRIVATE },        // RFC 4291: one link
  { "100::/64", PM_SCOPE_RESERVED },        // RFC 6666: discard
  { "2001:db8::/32", PM_SCOPE_RESERVED },   // RFC 3849: documentation
  { "3fff::/20", PM_SCOPE_RESERVED },       // RFC 9637: documentation
  { "ff00::/8", PM_SCOPE_RESERVED },        // RFC 4291: multicast
};

/**
 * pm_address_scope:
 * @address: an address
 *
 * Returns: who can reach it. Any thread.
 */
PmAddressScope
pm_address_scope (GInetAddress *address)
{
  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      PmNetwork network;

      if (pm_network_parse (ranges[i].network, &network, NULL) &&
          pm_network_contains (&network, address))
        return ranges[i].scope;
    }
  return PM_SCOPE_GLOBAL;
}
