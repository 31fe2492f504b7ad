// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// xtext and utf-8-addr-xtext, read. What is decoded came from a peer and goes into headers,
// reports and logs: no control character gets through, whatever its disguise (engines have let
// "+0A" become a line end in an envelope).

#include "smtp/pm-xtext.h"

#include <string.h>

static gboolean
is_printable (guint c)
{
  return c >= 0x20 && c < 0x7f;
}

// The RFC wants capitals here (hexchar = "+" 2(%x30-39 / %x41-46)); small ones are read as well.
static int
read_hex_pair (const char *text)
{
  if (!g_ascii_isxdigit (text[0]) || !g_ascii_isxdigit (text[1]))
    return -1;
  return g_ascii_xdigit_value (text[0]) * 16 + g_ascii_xdigit_value (text[1]);
}

/**
 * pm_xtext_decode:
 *
 * Returns: (transfer full) (nullable): the text. Any thread.
 */
char *
pm_xtext_decode (const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (; *text != '\0'; text++)
    {
      int c = (guchar) *text;

      if (c == '+')
        {
          c = read_hex_pair (text + 1);
          text += c < 0 ? 0 : 2;
        }
      else if (c == ' ' || c == '=')
        return NULL;
      if (c < 0 || !is_printable ((guint) c))
        return NULL;
      g_string_append_c (out, (char) c);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

// EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}". Returns its length, 0 when it is none.
static gsize
read_embedded (const char *text, gunichar *c)
{
  gsize length;

  if (text[1] != 'x' || text[2] != '{')
    return 0;
  length = strspn (text + 3, "0123456789ABCDEFabcdef");
  if (length < 2 || length > 6 || text[3 + length] != '}')
    return 0;
  *c = (gunichar) g_ascii_strtoull (text + 3, NULL, 16);
  return length + 4;
}

static gboolean
is_allowed (gunichar c)
{
  return c < 0x80 ? is_printable (c) : c >= 0xa0 && g_unichar_validate (c);
}

/**
 * pm_xtext_decode_utf8:
 *
 * Returns: (transfer full) (nullable): the text, UTF-8. Any thread.
 */
char *
pm_xtext_decode_utf8 (const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);

  while (*text != '\0')
    {
      gunichar c = g_utf8_get_char (text);
      gsize length = (gsize) (g_utf8_next_char (text) - text);

      if (c == '\\')
        length = read_embedded (text, &c);
      else if (c == ' ' || c == '+' || c == '=')
        return NULL;
      if (length == 0 || !is_allowed (c))
        return NULL;
      g_string_append_unichar (out, c);
      text += length;
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}
