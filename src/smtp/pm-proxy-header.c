// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Version 2 of the PROXY protocol (haproxy's proxy-protocol.txt, section 2.2): a fixed part, two
// addresses, extensions that are skipped but must fit. Pure: it looks at bytes and says what they
// are. A wrong byte is seen as soon as it is there, so that nobody waits for the rest of what can
// never be a header.

#include "smtp/pm-proxy-header.h"

#include <string.h>

#include "base/pm-error.h"

#define FIXED_SIZE 16

typedef struct
{
  const char *name;
  guint8 family; // as the header has it: address family and transport
  GSocketFamily socket_family;
  gsize address_size;
} Family;

static const guint8 signature[] = { '\r', '\n', '\r', '\n', 0, '\r',
                                    '\n', 'Q', 'U', 'I', 'T', '\n' };

static const Family families[] = {
  { "TCP over IPv4", 0x11, G_SOCKET_FAMILY_IPV4, 4 },
  { "TCP over IPv6", 0x21, G_SOCKET_FAMILY_IPV6, 16 },
};

/**
 * pm_proxy_header_clear:
 *
 * Frees what @header holds.
 */
void
pm_proxy_header_clear (PmProxyHeader *header)
{
  g_clear_object (&header->client);
  g_clear_object (&header->server);
}

static PmProxyResult
fail (GError **error, const char *why)
{
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "The PROXY protocol's header is wrong: %s", why);
  return PM_PROXY_WRONG;
}

// 0x20 is LOCAL and 0x21 PROXY, both of version 2.
static PmProxyResult
check_start (const guint8 *bytes, gsize size, GError **error)
{
  if (size >= 5 && memcmp (bytes, "PROXY", 5) == 0)
    return fail (error, "it is of version 1; make the proxy send version 2");
  if (memcmp (bytes, "PROXY", MIN (size, 5)) == 0 && size > 0)
    return PM_PROXY_MORE;
  if (memcmp (bytes, signature, MIN (size, sizeof signature)) != 0)
    return fail (error, "it does not begin with the signature of version 2; does the peer speak "
                        "the protocol?");
  if (size > 12 && bytes[12] != 0x20 && bytes[12] != 0x21)
    return fail (error, "its version must be 2 and its command LOCAL or PROXY");
  return size < FIXED_SIZE ? PM_PROXY_MORE : PM_PROXY_WHOLE;
}

static guint16
read_number (const guint8 *bytes)
{
  return (guint16) (bytes[0] << 8 | bytes[1]);
}

// The extensions are nobody's business here, but ones that do not fit are no header.
static gboolean
are_extensions (const guint8 *bytes, gsize size)
{
  while (size >= 3)
    {
      gsize length = 3 + (gsize) read_number (bytes + 1);

      if (length > size)
        return FALSE;
      bytes += length;
      size -= length;
    }
  return size == 0;
}

static PmProxyResult
read_addresses (const guint8 *bytes, gsize size, const Family *family, PmProxyHeader *header,
                GError **error)
{
  gsize length = family->address_size;
  gsize block = 2 * length + 4;

  if (size < block)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   "The PROXY protocol's header is wrong: two addresses of %s take %" G_GSIZE_FORMAT
                   " bytes, there are %" G_GSIZE_FORMAT,
                   family->name, block, size);
      return PM_PROXY_WRONG;
    }
  if (!are_extensions (bytes + block, size - block))
    return fail (error, "an extension is longer than the header");
  header->client = g_inet_address_new_from_bytes (bytes, family->socket_family);
  header->server = g_inet_address_new_from_bytes (bytes + length, family->socket_family);
  header->client_port = read_number (bytes + 2 * length);
  header->server_port = read_number (bytes + 2 * length + 2);
  return PM_PROXY_WHOLE;
}

// The header is whole; `bytes` begin after its fixed part.
static PmProxyResult
read_body (guint8 command, guint8 kind, const guint8 *bytes, gsize size, PmProxyHeader *header,
           GError **error)
{
  // LOCAL, or a connection of which the proxy knows nothing: the proxy's own address holds.
  if (command == 0x20 || kind == 0x00)
    return PM_PROXY_WHOLE;
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (families[i].family == kind)
      return read_addresses (bytes, size, &families[i], header, error);
  return fail (error, "it must be about TCP over IPv4 or IPv6");
}

/**
 * pm_proxy_header_parse:
 * @used: (out): how many bytes were the header's
 * @header: (out caller-allocates): what it says
 * @error: %PM_ERROR_INVALID, %PM_ERROR_TOO_LARGE
 *
 * Returns: whether the header is whole. Any thread.
 */
PmProxyResult
pm_proxy_header_parse (const guint8 *bytes,
                       gsize size,
                       gsize *used,
                       PmProxyHeader *header,
                       GError **error)
{
  PmProxyHeader found = { 0 };
  PmProxyResult result = check_start (bytes, size, error);
  gsize length;

  if (result != PM_PROXY_WHOLE)
    return result;

  length = FIXED_SIZE + (gsize) read_number (bytes + 14);
  if (length > PM_PROXY_HEADER_MAX)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_TOO_LARGE,
                   "The PROXY protocol's header has %" G_GSIZE_FORMAT " bytes; %d are allowed",
                   length, PM_PROXY_HEADER_MAX);
      return PM_PROXY_WRONG;
    }
  if (size < length)
    return PM_PROXY_MORE;

  result = read_body (bytes[12], bytes[13], bytes + FIXED_SIZE, length - FIXED_SIZE, &found, error);
  if (result != PM_PROXY_WHOLE)
    return result;
  *header = found;
  *used = length;
  return PM_PROXY_WHOLE;
}
