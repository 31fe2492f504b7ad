// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// IP networks as people write them (address, address/prefix, address/mask) and as values that
// cannot fail to match what they look like: the host bits are cleared on reading.

#include "base/pm-network.h"

#include <string.h>

#include "base/pm-error.h"

static guint
family_bits (GSocketFamily family)
{
  return family == G_SOCKET_FAMILY_IPV4 ? 32 : 128;
}

static void
mask_bytes (guint8 *bytes, guint prefix, guint bits)
{
  for (guint i = prefix; i < bits; i++)
    bytes[i / 8] &= (guint8) ~(0x80u >> (i % 8));
}

// An IPv4-mapped IPv6 address is the IPv4 address: a dual-stack socket must not change who a
// client is.
static void
address_value (GInetAddress *address, GSocketFamily *family, guint8 bytes[16])
{
  static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *raw = g_inet_address_to_bytes (address);
  gsize size = g_inet_address_get_native_size (address);

  memset (bytes, 0, 16);
  if (size == 16 && memcmp (raw, mapped, sizeof mapped) == 0)
    {
      *family = G_SOCKET_FAMILY_IPV4;
      memcpy (bytes, raw + 12, 4);
      return;
    }
  *family = g_inet_address_get_family (address);
  memcpy (bytes, raw, size);
}

static gboolean
mask_to_prefix (const char *text, guint *prefix)
{
  g_autoptr (GInetAddress) mask = g_inet_address_new_from_string (text);
  guint32 bits;

  if (mask == NULL || g_inet_address_get_family (mask) != G_SOCKET_FAMILY_IPV4)
    return FALSE;

  memcpy (&bits, g_inet_address_to_bytes (mask), sizeof bits);
  bits = GUINT32_FROM_BE (bits);
  // A mask is ones and then zeros; anything else has a zero before a one.
  if ((~bits & (~bits + 1)) != 0)
    return FALSE;
  *prefix = bits == 0 ? 0 : (guint) (32 - __builtin_ctz (bits));
  return TRUE;
}

// `skip`: bits in front that are no part of the value, of an IPv4-mapped IPv6 address.
static gboolean
parse_prefix (const char *text, GSocketFamily family, guint skip, guint *prefix)
{
  guint64 number;

  if (g_ascii_string_to_unsigned (text, 10, skip, skip + family_bits (family), &number, NULL))
    {
      *prefix = (guint) number - skip;
      return TRUE;
    }
  if (skip > 0)
    return FALSE;
  return family == G_SOCKET_FAMILY_IPV4 && mask_to_prefix (text, prefix);
}

/**
 * pm_network_parse:
 * @text: `192.0.2.66`, `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `2001:db8::/32`; blanks around
 *   it are ignored
 * @network: (out caller-allocates): the network, masked; untouched on failure
 * @error: %PM_ERROR_INVALID
 *
 * Returns: %TRUE when @text is an address or a network. Any thread.
 */
gboolean
pm_network_parse (const char *text, PmNetwork *network, GError **error)
{
  g_autofree char *copy = NULL;
  g_autoptr (GInetAddress) address = NULL;
  PmNetwork result = { 0 };
  guint skip;
  char *slash;

  g_return_val_if_fail (text != NULL, FALSE);

  copy = g_strstrip (g_strdup (text));
  slash = strchr (copy, '/');
  if (slash != NULL)
    *slash++ = '\0';

  address = g_inet_address_new_from_string (copy);
  if (address == NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   "“%s” is not an IP address or network; write for example 192.0.2.0/24 or "
                   "2001:db8::/32",
                   text);
      return FALSE;
    }

  address_value (address, &result.family, result.bytes);
  result.prefix = family_bits (result.family);
  skip = family_bits (g_inet_address_get_family (address)) - result.prefix;
  if (slash != NULL && !parse_prefix (slash, result.family, skip, &result.prefix))
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   "“%s” in “%s” is not a prefix length from %u to %u%s",
                   slash, text, skip, skip + family_bits (result.family),
                   result.family == G_SOCKET_FAMILY_IPV4 && skip == 0
                       ? " or a mask like 255.255.255.0"
                       : "");
      return FALSE;
    }

  mask_bytes (result.bytes, result.prefix, family_bits (result.family));
  *network = result;
  return TRUE;
}

/**
 * pm_network_from_address:
 * @address: an IP address
 * @network: (out caller-allocates): the network that holds just @address
 *
 * Any thread.
 */
void
pm_network_from_address (GInetAddress *address, PmNetwork *network)
{
  g_return_if_fail (G_IS_INET_ADDRESS (address));

  address_value (address, &network->family, network->bytes);
  network->prefix = family_bits (network->family);
}

/**
 * pm_network_contains:
 * @network: a network
 * @address: an IP address
 *
 * Returns: whether @address lies in @network. Any thread.
 */
gboolean
pm_network_contains (const PmNetwork *network, GInetAddress *address)
{
  GSocketFamily family;
  guint8 bytes[16];

  g_return_val_if_fail (network != NULL, FALSE);
  g_return_val_if_fail (G_IS_INET_ADDRESS (address), FALSE);

  address_value (address, &family, bytes);
  if (family != network->family)
    return FALSE;
  mask_bytes (bytes, network->prefix, family_bits (family));
  return memcmp (bytes, network->bytes, family_bits (family) / 8) == 0;
}

/**
 * pm_network_equal:
 *
 * Returns: whether the two hold the same addresses. Any thread.
 */
gboolean
pm_network_equal (const PmNetwork *a, const PmNetwork *b)
{
  return a->family == b->family && a->prefix == b->prefix &&
         memcmp (a->bytes, b->bytes, family_bits (a->family) / 8) == 0;
}

/**
 * pm_network_to_string:
 *
 * Returns: (transfer full): the network as text; the prefix is left out where it is a single
 *   address. pm_network_parse() reads it back to an equal value. Any thread.
 */
char *
pm_network_to_string (const PmNetwork *network)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_bytes (network->bytes,
                                                                    network->family);
  g_autofree char *text = g_inet_address_to_string (address);

  if (network->prefix == family_bits (network->family))
    return g_steal_pointer (&text);
  return g_strdup_printf ("%s/%u", text, network->prefix);
}
