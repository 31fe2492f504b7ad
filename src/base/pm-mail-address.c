// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Mailbox addresses, read strictly by RFC 5321 4.1.2 (Dot-string, Quoted-string, address literals)
// and kept unquoted, so that "a"@example.com and a@example.com are one address. A percent sign or
// an @ inside a quoted local part is an ordinary character here: it never routes.

#include "base/pm-mail-address.h"

#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"

static void
address_clear (PmMailAddress *address)
{
  g_free (address->local);
  g_free (address->domain);
  g_clear_object (&address->literal);
}

static gboolean
fail (GError **error, const char *text, const char *why)
{
  g_autofree char *shown = g_utf8_make_valid (text, -1);

  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "“%s” is not a mail address: %s", shown, why);
  return FALSE;
}

// atext of RFC 5322 3.2.3, with UTF8-non-ascii of RFC 6531.
static gboolean
is_atext (char c)
{
  return g_ascii_isalnum (c) || (guchar) c >= 0x80 ||
         (c != '\0' && strchr ("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static gboolean
read_quoted (const char **cursor, GString *local)
{
  const char *c = *cursor + 1;

  for (; *c != '"'; c++)
    {
      if (*c == '\\')
        c++;
      if ((guchar) *c < 0x20 || *c == 0x7f)
        return FALSE;
      g_string_append_c (local, *c);
    }
  *cursor = c + 1;
  return TRUE;
}

static gboolean
read_dot_string (const char **cursor, GString *local)
{
  const char *c = *cursor;

  for (;; c++)
    {
      gsize before = local->len;

      for (; is_atext (*c); c++)
        g_string_append_c (local, *c);
      if (local->len == before)
        return FALSE;
      if (*c != '.')
        break;
      g_string_append_c (local, '.');
    }
  *cursor = c;
  return TRUE;
}

static GInetAddress *
parse_literal (const char *text, gsize length)
{
  g_autofree char *inner = g_strndup (text, length);
  g_autoptr (GInetAddress) address = NULL;
  gboolean tagged = g_ascii_strncasecmp (inner, "IPv6:", 5) == 0;

  address = g_inet_address_new_from_string (tagged ? inner + 5 : inner);
  if (address == NULL ||
      tagged != (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6))
    return NULL;
  return g_steal_pointer (&address);
}

static gboolean
read_domain (const char *text, const char *domain, PmMailAddress *address, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gsize length = strlen (domain);

  if (domain[0] == '[')
    {
      if (domain[length - 1] == ']')
        address->literal = parse_literal (domain + 1, length - 2);
      if (address->literal == NULL)
        return fail (error, text,
                     "what stands in brackets must be an IP address, as [192.0.2.1] or "
                     "[IPv6:2001:db8::1]");
      address->domain = g_inet_address_to_string (address->literal);
      return TRUE;
    }

  address->domain = pm_domain_name_normalize (domain, &local_error);
  if (address->domain == NULL)
    return fail (error, text, local_error->message);
  return TRUE;
}

// The C1 control characters are UTF8-non-ascii to RFC 6531 and nothing that a name has in it.
static gboolean
has_c1_control (const char *text)
{
  for (; *text != '\0'; text = g_utf8_next_char (text))
    if (g_utf8_get_char (text) >= 0x80 && g_utf8_get_char (text) < 0xa0)
      return TRUE;
  return FALSE;
}

/**
 * pm_mail_address_parse:
 * @text: an address without angle brackets, UTF-8
 * @error: %PM_ERROR_INVALID
 *
 * A source route (`@a,@b:user@c`) is not an address here; the SMTP syntax strips it first.
 *
 * Returns: (transfer full) (nullable): the address. Any thread.
 */
PmMailAddress *
pm_mail_address_parse (const char *text, GError **error)
{
  g_autoptr (PmMailAddress) address = NULL;
  g_autoptr (GString) local = g_string_new (NULL);
  const char *cursor = text;
  gboolean ok;

  g_return_val_if_fail (text != NULL, NULL);

  if (!g_utf8_validate (text, -1, NULL))
    {
      fail (error, text, "it is not valid UTF-8");
      return NULL;
    }
  if (has_c1_control (text))
    {
      fail (error, text, "there is a control character in it");
      return NULL;
    }
  if (strlen (text) > PM_MAIL_ADDRESS_MAX)
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID,
                           "A mail address may have 254 characters at most");
      return NULL;
    }

  ok = *cursor == '"' ? read_quoted (&cursor, local) : read_dot_string (&cursor, local);
  if (!ok)
    {
      fail (error, text, "the part before the @ is empty or has a character that must be quoted");
      return NULL;
    }
  if (local->len > PM_MAIL_ADDRESS_MAX_LOCAL)
    {
      fail (error, text, "the part before the @ is longer than 64 characters");
      return NULL;
    }
  if (*cursor != '@' || cursor[1] == '\0')
    {
      fail (error, text, "write it as name@domain");
      return NULL;
    }

  address = g_atomic_rc_box_new0 (PmMailAddress);
  if (!read_domain (text, cursor + 1, address, error))
    return NULL;
  address->local = g_string_free (g_steal_pointer (&local), FALSE);
  return g_steal_pointer (&address);
}

/**
 * pm_mail_address_ref:
 *
 * Returns: (transfer full): @address, with one more reference. Any thread.
 */
PmMailAddress *
pm_mail_address_ref (const PmMailAddress *address)
{
  return g_atomic_rc_box_acquire ((PmMailAddress *) address);
}

/**
 * pm_mail_address_unref:
 * @address: (transfer full) (nullable): an address
 *
 * Any thread.
 */
void
pm_mail_address_unref (PmMailAddress *address)
{
  if (address != NULL)
    g_atomic_rc_box_release_full (address, (GDestroyNotify) address_clear);
}

static gboolean
is_dot_string (const char *local)
{
  gboolean atom = FALSE;

  for (; *local != '\0'; local++)
    {
      if (*local != '.' && !is_atext (*local))
        return FALSE;
      if (*local == '.' && !atom)
        return FALSE;
      atom = *local != '.';
    }
  return atom;
}

/**
 * pm_mail_address_to_string:
 *
 * Returns: (transfer full): the address in its wire form, the local part quoted only where RFC
 *   5321 asks for it; pm_mail_address_parse() reads it back. Any thread.
 */
char *
pm_mail_address_to_string (const PmMailAddress *address)
{
  GString *out = g_string_new (NULL);

  g_return_val_if_fail (address != NULL, NULL);

  if (is_dot_string (address->local))
    {
      g_string_append (out, address->local);
    }
  else
    {
      g_string_append_c (out, '"');
      for (const char *c = address->local; *c != '\0'; c++)
        {
          if (*c == '"' || *c == '\\')
            g_string_append_c (out, '\\');
          g_string_append_c (out, *c);
        }
      g_string_append_c (out, '"');
    }

  g_string_append_c (out, '@');
  if (address->literal == NULL)
    g_string_append (out, address->domain);
  else if (g_inet_address_get_family (address->literal) == G_SOCKET_FAMILY_IPV6)
    g_string_append_printf (out, "[IPv6:%s]", address->domain);
  else
    g_string_append_printf (out, "[%s]", address->domain);
  return g_string_free (out, FALSE);
}

/**
 * pm_mail_address_key:
 *
 * Returns: (transfer full): the text by which a mailbox is looked up: the local part in folded
 *   case, `@`, the domain. (RFC 5321 2.4 leaves the case of a local part to its host, and this
 *   host does not tell them apart.) Any thread.
 */
char *
pm_mail_address_key (const PmMailAddress *address)
{
  g_autofree char *local = g_utf8_casefold (address->local, -1);

  return g_strconcat (local, "@", address->domain, NULL);
}

/**
 * pm_mail_address_with_domain:
 * @domain: a normalized domain name
 *
 * Returns: (transfer full): @address in another domain. Any thread.
 */
PmMailAddress *
pm_mail_address_with_domain (const PmMailAddress *address, const char *domain)
{
  PmMailAddress *result = g_atomic_rc_box_new0 (PmMailAddress);

  result->local = g_strdup (address->local);
  result->domain = g_strdup (domain);
  return result;
}
