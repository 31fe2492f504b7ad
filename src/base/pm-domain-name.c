// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Domain names in the one form the core compares: ASCII lower case A-labels without the trailing
// dot, blanks around them gone, every label and the whole checked (RFC 1035 2.3.4, RFC 1123 2.1,
// RFC 5890).

#include "base/pm-domain-name.h"

#include <idn2.h>
#include <string.h>

#include "base/pm-error.h"

#define MAX_NAME 253
#define MAX_LABEL 63

static gboolean
fail (GError **error, const char *text, const char *why)
{
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "“%s” is not a domain name: %s", text, why);
  return FALSE;
}

static gboolean
check_label (const char *label, gsize length, const char *text, GError **error)
{
  if (length == 0)
    return fail (error, text, "there is nothing between two dots");
  if (length > MAX_LABEL)
    return fail (error, text, "a part of it is longer than 63 characters");
  if (label[0] == '-' || label[length - 1] == '-')
    return fail (error, text, "a part of it begins or ends with a hyphen");
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (label[i]) && label[i] != '-')
      return fail (error, text, "only letters, digits, hyphens and dots may stand in it");
  return TRUE;
}

static gboolean
check_ascii (const char *name, const char *text, GError **error)
{
  const char *label = name;
  const char *last = name;

  if (*name == '\0')
    return fail (error, text, "it is empty");
  if (strlen (name) > MAX_NAME)
    return fail (error, text, "it is longer than 253 characters");

  for (;;)
    {
      gsize length = strcspn (label, ".");

      if (!check_label (label, length, text, error))
        return FALSE;
      last = label;
      if (label[length] == '\0')
        break;
      label += length + 1;
    }

  // An all-numeric last label would be an IP address (RFC 3696 2).
  if (strspn (last, "0123456789") == strlen (last))
    return fail (error, text, "its last part is only digits, as in an IP address");
  return TRUE;
}

static char *
to_ascii (const char *name, const char *text, GError **error)
{
  char *ascii = NULL;
  g_autofree char *result = NULL;
  // Without IDN2_USE_STD3_ASCII_RULES, which drops what it does not allow (“ü b” would become
  // “üb”): check_ascii() refuses it instead.
  int status = idn2_to_ascii_8z (name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

  if (status != IDN2_OK)
    {
      fail (error, text, idn2_strerror (status));
      return NULL;
    }
  result = g_ascii_strdown (ascii, -1);
  idn2_free (ascii);
  return g_steal_pointer (&result);
}

static gboolean
is_ascii (const char *text)
{
  for (; *text != '\0'; text++)
    if ((guchar) *text >= 0x80)
      return FALSE;
  return TRUE;
}

/**
 * pm_domain_name_normalize:
 * @text: a domain as a person, a peer or a file writes it, UTF-8
 * @error: %PM_ERROR_INVALID, saying what is wrong with it
 *
 * Blanks around it and one trailing dot are dropped, letters folded, labels that are not ASCII
 * turned into A-labels (IDNA 2008, UTS 46 non-transitional). One label alone is a domain name.
 *
 * Returns: (transfer full) (nullable): the name in the form in which names are compared. Any
 *   thread.
 */
char *
pm_domain_name_normalize (const char *text, GError **error)
{
  g_autofree char *name = NULL;
  gsize length;

  g_return_val_if_fail (text != NULL, NULL);

  if (!g_utf8_validate (text, -1, NULL))
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, "A domain name is not valid UTF-8");
      return NULL;
    }

  name = g_strstrip (g_strdup (text));
  length = strlen (name);
  if (length > 1 && name[length - 1] == '.')
    name[length - 1] = '\0';

  if (is_ascii (name))
    {
      for (char *c = name; *c != '\0'; c++)
        *c = g_ascii_tolower (*c);
    }
  else
    {
      char *ascii = to_ascii (name, text, error);

      if (ascii == NULL)
        return NULL;
      g_free (name);
      name = ascii;
    }

  if (!check_ascii (name, text, error))
    return NULL;
  return g_steal_pointer (&name);
}

/**
 * pm_domain_name_to_display:
 * @domain: a name from pm_domain_name_normalize()
 *
 * Returns: (transfer full): @domain with its A-labels as a person reads them (U-labels); @domain
 *   itself where that cannot be done. Any thread.
 */
char *
pm_domain_name_to_display (const char *domain)
{
  char *unicode = NULL;
  char *result;

  g_return_val_if_fail (domain != NULL, NULL);

  if (strstr (domain, "xn--") == NULL ||
      idn2_to_unicode_8z8z (domain, &unicode, 0) != IDN2_OK)
    return g_strdup (domain);
  result = g_strdup (unicode);
  idn2_free (unicode);
  return result;
}

/**
 * pm_domain_name_is_below:
 * @domain: a normalized name
 * @ancestor: a normalized name
 *
 * Returns: whether @domain is @ancestor or lies below it, by whole labels: `x.sea.com` is below
 *   `sea.com`, `chelsea.com` is not. Any thread.
 */
gboolean
pm_domain_name_is_below (const char *domain, const char *ancestor)
{
  gsize domain_length = strlen (domain);
  gsize ancestor_length = strlen (ancestor);

  if (domain_length < ancestor_length ||
      strcmp (domain + domain_length - ancestor_length, ancestor) != 0)
    return FALSE;
  return domain_length == ancestor_length || domain[domain_length - ancestor_length - 1] == '.';
}
