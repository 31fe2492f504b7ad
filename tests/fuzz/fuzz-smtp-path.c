// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: the arguments of MAIL and RCPT, addresses and the encodings in parameters. The first
// byte says which. What is taken is written and read again the same, and has no controls in it.

#include <string.h>

#include "fuzz.h"

#include "smtp/pm-smtp-path.h"
#include "smtp/pm-xtext.h"

static void
check_clean (const char *text)
{
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (; *text != '\0'; text++)
    g_assert_true ((guchar) *text >= 0x20 && *text != 0x7f);
}

static void
check_address (const PmMailAddress *address)
{
  g_autofree char *text = pm_mail_address_to_string (address);
  g_autofree char *key = pm_mail_address_key (address);
  g_autoptr (PmMailAddress) again = pm_mail_address_parse (text, NULL);

  check_clean (text);
  check_clean (key);
  g_assert_cmpuint (strlen (address->local), <=, PM_MAIL_ADDRESS_MAX_LOCAL);
  if (again == NULL) // quoting has made it longer than an address may be
    {
      g_assert_cmpuint (strlen (text), >, PM_MAIL_ADDRESS_MAX);
      return;
    }
  g_assert_cmpstr (again->local, ==, address->local);
  g_assert_cmpstr (again->domain, ==, address->domain);
}

static void
try_path (const char *text, PmSmtpPathKind kind)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSmtpPath) path = pm_smtp_path_parse (text, kind, &error);

  g_assert_cmpint (path == NULL, ==, error != NULL);
  if (path == NULL)
    return;
  if (path->address != NULL)
    check_address (path->address);
  else
    g_assert_true (path->postmaster || kind == PM_SMTP_PATH_REVERSE);
  for (guint i = 0; i < path->parameters->len; i++)
    {
      const PmSmtpParameter *parameter = path->parameters->pdata[i];

      check_clean (parameter->keyword);
      g_assert_true (parameter->value == NULL || strpbrk (parameter->value, "= \r\n") == NULL);
    }
}

static void
try_xtext (const char *text)
{
  g_autofree char *plain = pm_xtext_decode (text);
  g_autofree char *unicode = pm_xtext_decode_utf8 (text);

  if (plain != NULL)
    {
      check_clean (plain);
      g_assert_true (g_str_is_ascii (plain));
    }
  if (unicode != NULL)
    check_clean (unicode);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) bytes, size);
  const char *rest = *text == '\0' ? text : text + 1;

  if (!g_utf8_validate (rest, -1, NULL))
    return 0;
  if (*text == 'x')
    try_xtext (rest);
  else if (*text == 'r')
    try_path (rest, PM_SMTP_PATH_REVERSE);
  else
    try_path (rest, PM_SMTP_PATH_FORWARD);
  return 0;
}
