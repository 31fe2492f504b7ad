// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The PROXY protocol's header, whole and byte by byte.

#include "smtp/pm-proxy-header.h"

#include <string.h>

#include "base/pm-error.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\x00\x02\x01\xc6\x33\x64\x02\x9c\x40\x00\x19"
#define V6                                   \
  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" \
  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x9c\x40\x00\x19"

typedef struct
{
  const char *name;
  const char *bytes;
  gsize size;
  gsize used;        /* 0: it is refused */
  const char *story; /* who to whom, or a part of the error's message */
} Case;

#define CASE(name, bytes, used, story)           \
  {                                              \
    name, bytes, sizeof (bytes) - 1, used, story \
  }

static const Case cases[] = {
  CASE ("tcp4", SIGNATURE "\x21\x11\x00\x0c" V4 "EHLO", 28, "192.0.2.1:40000 198.51.100.2:25"),
  CASE ("tcp6", SIGNATURE "\x21\x21\x00\x24" V6, 52, "2001:db8::1:40000 2001:db8::2:25"),
  CASE ("tcp4-tlv", SIGNATURE "\x21\x11\x00\x14" V4 "\x04\x00\x05hello"
                              "x",
        36,
        "192.0.2.1:40000 198.51.100.2:25"),
  CASE ("tlv-empty", SIGNATURE "\x21\x11\x00\x0f" V4 "\x04\x00\x00", 31,
        "192.0.2.1:40000 198.51.100.2:25"),
  CASE ("local", SIGNATURE "\x20\x00\x00\x00"
                           "EHLO",
        16, "local"),
  CASE ("local-with-address", SIGNATURE "\x20\x11\x00\x0c" V4, 28, "local"),
  CASE ("unspecified", SIGNATURE "\x21\x00\x00\x03"
                                 "\x04\x00\x00",
        19, "local"),
  CASE ("udp4", SIGNATURE "\x21\x12\x00\x0c" V4, 0, "TCP over IPv4 or IPv6"),
  CASE ("unix", SIGNATURE "\x21\x31\x00\x01"
                          "x",
        0, "TCP over IPv4 or IPv6"),
  CASE ("version-1", "PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\n", 0, "version 1"),
  CASE ("version-3", SIGNATURE "\x31\x11\x00\x0c" V4, 0, "version must be 2"),
  CASE ("command-2", SIGNATURE "\x22\x11\x00\x0c" V4, 0, "version must be 2"),
  CASE ("smtp", "EHLO a.example\r\n", 0, "signature"),
  CASE ("signature-wrong", "\r\n\r\n\0\r\nQUIT\r\x21\x11\x00\x0c" V4, 0, "signature"),
  CASE ("address-short", SIGNATURE "\x21\x11\x00\x0b" V4, 0, "take 12 bytes"),
  CASE ("address-6-short", SIGNATURE "\x21\x21\x00\x0c" V4, 0, "take 36 bytes"),
  CASE ("tlv-too-long", SIGNATURE "\x21\x11\x00\x10" V4 "\x04\x00\x02x", 0, "extension"),
  CASE ("tlv-cut", SIGNATURE "\x21\x11\x00\x0e" V4 "\x04\x00", 0, "extension"),
  CASE ("too-long", SIGNATURE "\x21\x11\xff\xff" V4, 0, "4096 are allowed"),
};

static void
check_whole (const Case *c, const PmProxyHeader *header)
{
  g_autofree char *client = NULL;
  g_autofree char *server = NULL;
  g_autofree char *story = NULL;

  if (header->client == NULL)
    {
      g_assert_null (header->server);
      g_assert_cmpstr ("local", ==, c->story);
      return;
    }
  client = g_inet_address_to_string (header->client);
  server = g_inet_address_to_string (header->server);
  story = g_strdup_printf ("%s:%u %s:%u", client, header->client_port, server,
                           header->server_port);
  g_assert_cmpstr (story, ==, c->story);
}

/* With each byte more it is incomplete, until it is whole or wrong, and then it stays so. */
static void
test_case (gconstpointer user_data)
{
  const Case *c = user_data;
  gboolean decided = FALSE;

  for (gsize size = 0; size <= c->size; size++)
    {
      g_autofree guint8 *copy = g_memdup2 (c->bytes, size); // so that reading past it is seen
      g_auto (PmProxyHeader) header = { 0 };
      g_autoptr (GError) error = NULL;
      gsize used = 0;
      PmProxyResult result = pm_proxy_header_parse (copy, size, &used, &header, &error);

      if (result == PM_PROXY_MORE)
        {
          g_assert_false (decided);
          g_assert_no_error (error);
          g_assert_true (c->used == 0 || size < c->used);
          continue;
        }
      decided = TRUE;
      g_assert_cmpint (result, ==, c->used > 0 ? PM_PROXY_WHOLE : PM_PROXY_WRONG);
      g_assert_cmpuint (used, ==, c->used);
      if (result == PM_PROXY_WHOLE)
        check_whole (c, &header);
      else
        {
          g_assert_cmpuint (error->domain, ==, PM_ERROR);
          g_assert_null (header.client);
        }
      if (result == PM_PROXY_WRONG && size == c->size)
        g_assert_nonnull (strstr (error->message, c->story));
    }
  g_assert_true (decided);
}

static void
test_largest (void)
{
  g_autofree guint8 *bytes = g_malloc0 (PM_PROXY_HEADER_MAX);
  gsize length = PM_PROXY_HEADER_MAX - 16;
  gsize tlv = length - 12 - 3;
  g_auto (PmProxyHeader) header = { 0 };
  g_autoptr (GError) error = NULL;
  gsize used = 0;

  memcpy (bytes, SIGNATURE "\x21\x11\x00\x00" V4 "\x04", 29);
  bytes[14] = (guint8) (length >> 8);
  bytes[15] = (guint8) length;
  bytes[29] = (guint8) (tlv >> 8);
  bytes[30] = (guint8) tlv;
  g_assert_cmpint (pm_proxy_header_parse (bytes, PM_PROXY_HEADER_MAX, &used, &header, &error), ==,
                   PM_PROXY_WHOLE);
  g_assert_cmpuint (used, ==, PM_PROXY_HEADER_MAX);
  bytes[15]++;
  g_assert_cmpint (pm_proxy_header_parse (bytes, 16, &used, &header, &error), ==, PM_PROXY_WRONG);
  g_assert_error (error, PM_ERROR, PM_ERROR_TOO_LARGE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/smtp/proxy-header/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/smtp/proxy-header/largest", test_largest);
  return g_test_run ();
}
