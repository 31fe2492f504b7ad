// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The parameters of delivery status notifications (RFC 3461): what a sender asks for, checked and
// decoded. Each function returns NULL, or in a sentence what the value must be.

#include <string.h>

#include "smtp/pm-smtp-server-private.h"
#include "smtp/pm-xtext.h"

#define MAX_ENVID 100 // RFC 3461 4.4
#define MAX_ORCPT 500 // RFC 3461 4.2

/**
 * pm_smtp_server_read_ret:
 *
 * Returns: (nullable): what is wrong with RET=.
 */
const char *
pm_smtp_server_read_ret (const char *value, PmSmtpMail *mail)
{
  if (value != NULL && g_ascii_strcasecmp (value, "FULL") == 0)
    mail->ret = PM_DSN_RET_FULL;
  else if (value != NULL && g_ascii_strcasecmp (value, "HDRS") == 0)
    mail->ret = PM_DSN_RET_HEADERS;
  else
    return "RET must be FULL or HDRS";
  return NULL;
}

// The parameter keeps the decoded value, so that it lives as long as the path it belongs to.
static void
keep (PmSmtpParameter *parameter, char *decoded)
{
  g_free (parameter->value);
  parameter->value = decoded;
}

/**
 * pm_smtp_server_read_envid:
 *
 * Returns: (nullable): what is wrong with ENVID=.
 */
const char *
pm_smtp_server_read_envid (PmSmtpParameter *parameter, PmSmtpMail *mail)
{
  g_autofree char *decoded =
      parameter->value == NULL ? NULL : pm_xtext_decode (parameter->value);

  if (decoded == NULL || strlen (decoded) > MAX_ENVID)
    return "ENVID must be at most 100 printable characters in xtext";
  keep (parameter, g_steal_pointer (&decoded));
  mail->envid = parameter->value;
  return NULL;
}

static PmDsnNotify
find_condition (const char *word)
{
  static const struct
  {
    const char *word;
    PmDsnNotify flag;
  } conditions[] = {
    { "SUCCESS", PM_DSN_NOTIFY_SUCCESS },
    { "FAILURE", PM_DSN_NOTIFY_FAILURE },
    { "DELAY", PM_DSN_NOTIFY_DELAY },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (conditions); i++)
    if (g_ascii_strcasecmp (word, conditions[i].word) == 0)
      return conditions[i].flag;
  return PM_DSN_NOTIFY_DEFAULT;
}

/**
 * pm_smtp_server_read_notify:
 *
 * Returns: (nullable): what is wrong with NOTIFY=.
 */
const char *
pm_smtp_server_read_notify (const char *value, PmSmtpRcpt *rcpt)
{
  g_auto (GStrv) words = g_strsplit (value == NULL ? "" : value, ",", 8);
  PmDsnNotify notify = PM_DSN_NOTIFY_DEFAULT;

  if (value != NULL && g_ascii_strcasecmp (value, "NEVER") == 0)
    {
      rcpt->notify = PM_DSN_NOTIFY_NEVER;
      return NULL;
    }
  for (gsize i = 0; words[i] != NULL; i++)
    {
      PmDsnNotify flag = find_condition (words[i]);

      if (flag == PM_DSN_NOTIFY_DEFAULT || (notify & flag) != 0)
        {
          notify = PM_DSN_NOTIFY_DEFAULT;
          break;
        }
      notify |= flag;
    }
  if (notify == PM_DSN_NOTIFY_DEFAULT)
    return "NOTIFY must be NEVER, or some of SUCCESS, FAILURE and DELAY with commas between them";
  rcpt->notify = notify;
  return NULL;
}

// RFC 3461 4.2: addr-type = atom.
static gboolean
is_address_type (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (text[i]) && strchr ("!#$%&'*-/?^_`{|}~", text[i]) == NULL)
      return FALSE;
  return length > 0 && length <= 64;
}

/*
 * Postfix writes the bytes of a UTF-8 address as xtext, with the type rfc822. What is not UTF-8, or
 * has control characters, stays wrong.
 */
static char *
decode_utf8_bytes (const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);

  for (; *text != '\0'; text++)
    {
      gboolean quoted = *text == '+';

      if (quoted && (!g_ascii_isxdigit (text[1]) || !g_ascii_isxdigit (text[2])))
        return NULL;
      if (!quoted && (!g_ascii_isgraph (*text) || *text == '='))
        return NULL;
      g_string_append_c (out, (char) (quoted ? g_ascii_xdigit_value (text[1]) * 16 +
                                                   g_ascii_xdigit_value (text[2])
                                             : *text));
      text += quoted ? 2 : 0;
    }
  if (!g_utf8_validate (out->str, (gssize) out->len, NULL))
    return NULL;
  for (const char *at = out->str; *at != '\0'; at = g_utf8_next_char (at))
    if (g_unichar_iscntrl (g_utf8_get_char (at)))
      return NULL;
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/**
 * pm_smtp_server_read_orcpt:
 *
 * Returns: (nullable): what is wrong with ORCPT=.
 */
const char *
pm_smtp_server_read_orcpt (PmSmtpParameter *parameter, PmSmtpRcpt *rcpt)
{
  static const char *const wrong =
      "ORCPT must be an address type, a semicolon and an address in xtext";
  const char *value = parameter->value == NULL ? "" : parameter->value;
  const char *semicolon = strchr (value, ';');
  g_autofree char *type = NULL;
  g_autofree char *address = NULL;

  if (semicolon == NULL || !is_address_type (value, (gsize) (semicolon - value)) ||
      strlen (value) > MAX_ORCPT)
    return wrong;
  type = g_ascii_strdown (value, semicolon - value);
  // RFC 6533 3: the one type with an encoding of its own.
  address = strcmp (type, "utf-8") == 0 ? pm_xtext_decode_utf8 (semicolon + 1)
                                        : pm_xtext_decode (semicolon + 1);
  if (address == NULL && strcmp (type, "rfc822") == 0)
    {
      address = decode_utf8_bytes (semicolon + 1);
      g_free (type);
      type = g_strdup ("utf-8"); // what it is by RFC 6533 3, and goes on as
    }
  if (address == NULL || *address == '\0')
    return wrong;
  keep (parameter, g_strconcat (type, ";", address, NULL));
  rcpt->orcpt = parameter->value;
  return NULL;
}
