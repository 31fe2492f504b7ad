// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The trace field that we put before every message (RFC 5321 4.4). Nothing that came from a client
// gets into it except characters that cannot end it.

#include "relay/pm-received.h"

#include <string.h>

#include "relay/pm-header.h"

static char *
clean_hello (const char *hello)
{
  char *clean = g_strndup (hello == NULL || *hello == '\0' ? "unknown" : hello, 255);

  for (char *c = clean; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr (".-_:[]", *c) == NULL)
      *c = '?';
  return clean;
}

/* The registered names: RFC 3848, and RFC 6531 4.3 for those with UTF8. */
static char *
name_protocol (const PmReceived *received)
{
  if (!received->extended)
    return g_strdup ("SMTP");
  return g_strconcat (received->utf8 ? "UTF8SMTP" : "ESMTP", received->tls != NULL ? "S" : "",
                      received->authenticated ? "A" : "", NULL);
}

/**
 * pm_received_to_string:
 *
 * Returns: (transfer full): the field, with its CRLF; shorter than 2 KiB
 */
char *
pm_received_to_string (const PmReceived *received)
{
  g_autofree char *name = clean_hello (received->hello);
  g_autofree char *address = g_inet_address_to_string (received->client);
  g_autofree char *date = pm_header_date (received->time);
  g_autofree char *protocol = name_protocol (received);
  gboolean ipv6 = g_inet_address_get_family (received->client) == G_SOCKET_FAMILY_IPV6;
  GString *field = g_string_new (NULL);

  g_string_append_printf (field, "Received: from %s ([%s%s])\r\n", name, ipv6 ? "IPv6:" : "",
                          address);
  if (received->tls != NULL)
    g_string_append_printf (field, "\t(%s with cipher %s (%d bits))\r\n", received->tls->protocol,
                            received->tls->cipher, received->tls->bits);
  g_string_append_printf (field, "\tby %s (Pointsman) with %s id %" G_GUINT64_FORMAT,
                          received->host, protocol, received->id);
  if (received->recipient != NULL)
    g_string_append_printf (field, "\r\n\tfor <%s>", received->recipient);
  g_string_append_printf (field, ";\r\n\t%s\r\n", date);
  return g_string_free (field, FALSE);
}
