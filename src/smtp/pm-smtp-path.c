// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The argument of MAIL and RCPT, read strictly (RFC 5321 4.1.2): a path in angle brackets, then
// esmtp-keyword[=value] parameters. A source route is recognised so that it can be dropped; nothing
// in it is ever used, and neither % nor ! routes.

#include "smtp/pm-smtp-path.h"

#include <string.h>

#include "base/pm-error.h"

#define MAX_KEYWORD 64
#define MAX_VALUE 1024
#define MAX_PATH 1024 // with a source route; RFC 5321 4.5.3.1.3 asks for 256

static void
parameter_free (PmSmtpParameter *parameter)
{
  g_free (parameter->keyword);
  g_free (parameter->value);
  g_free (parameter);
}

/**
 * pm_smtp_path_free:
 * @path: (transfer full) (nullable): a path
 */
void
pm_smtp_path_free (PmSmtpPath *path)
{
  if (path == NULL)
    return;
  pm_mail_address_unref (path->address);
  g_ptr_array_unref (path->parameters);
  g_free (path);
}

static gboolean
fail (GError **error, const char *why)
{
  g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, why);
  return FALSE;
}

// The ">" that closes the path: not one in a quoted string.
static const char *
find_close (const char *text)
{
  gboolean quoted = FALSE;

  for (const char *c = text; *c != '\0'; c++)
    {
      if (quoted && *c == '\\' && c[1] != '\0')
        c++;
      else if (*c == '"')
        quoted = !quoted;
      else if (*c == '>' && !quoted)
        return c;
    }
  return NULL;
}

// RFC 5321 4.1.2: A-d-l = At-domain *( "," At-domain ), then ":". Returns what follows the colon.
static const char *
skip_source_route (const char *inner)
{
  const char *c = inner;

  while (*c == '@')
    {
      const char *domain = ++c;

      if (*c == '[')
        {
          c += strcspn (c, "]");
          if (*c++ != ']')
            return NULL;
        }
      else
        {
          while (g_ascii_isalnum (*c) || *c == '.' || *c == '-')
            c++;
        }
      if (c == domain)
        return NULL;
      if (*c == ':')
        return c + 1;
      if (*c++ != ',')
        return NULL;
    }
  return NULL;
}

static gboolean
read_mailbox (PmSmtpPath *path, const char *inner, PmSmtpPathKind kind, GError **error)
{
  if (*inner == '\0')
    return kind == PM_SMTP_PATH_REVERSE ? TRUE : fail (error, "A recipient may not be empty");

  if (kind == PM_SMTP_PATH_FORWARD && g_ascii_strcasecmp (inner, "postmaster") == 0)
    {
      path->postmaster = TRUE;
      return TRUE;
    }

  if (*inner == '@')
    {
      inner = skip_source_route (inner);
      if (inner == NULL)
        return fail (error, "The source route is malformed; leave it out");
    }
  path->address = pm_mail_address_parse (inner, error);
  return path->address != NULL;
}

// RFC 5321 4.1.2: esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
static gboolean
is_keyword (const char *text)
{
  if (!g_ascii_isalnum (*text) || strlen (text) > MAX_KEYWORD)
    return FALSE;
  for (; *text != '\0'; text++)
    if (!g_ascii_isalnum (*text) && *text != '-')
      return FALSE;
  return TRUE;
}

// esmtp-value: any character but "=", space and controls.
static gboolean
is_value (const char *text)
{
  gsize length = strlen (text);

  if (length == 0 || length > MAX_VALUE)
    return FALSE;
  for (; *text != '\0'; text++)
    if (*text == '=' || (guchar) *text <= 0x20 || *text == 0x7f)
      return FALSE;
  return TRUE;
}

static gboolean
has_keyword (PmSmtpPath *path, const char *keyword)
{
  for (guint i = 0; i < path->parameters->len; i++)
    if (strcmp (((PmSmtpParameter *) path->parameters->pdata[i])->keyword, keyword) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
read_parameter (PmSmtpPath *path, const char *text, GError **error)
{
  g_auto (GStrv) halves = g_strsplit (text, "=", 2);
  g_autofree char *keyword = g_ascii_strup (halves[0], -1);
  PmSmtpParameter *parameter;

  if (!is_keyword (keyword) || (halves[1] != NULL && !is_value (halves[1])))
    return fail (error, "A parameter must have the form KEYWORD or KEYWORD=value");
  if (has_keyword (path, keyword))
    return fail (error, "A parameter stands there twice");
  if (path->parameters->len >= PM_SMTP_MAX_PARAMETERS)
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_TOO_LARGE, "There are too many parameters");
      return FALSE;
    }

  parameter = g_new0 (PmSmtpParameter, 1);
  parameter->keyword = g_steal_pointer (&keyword);
  parameter->value = g_strdup (halves[1]);
  g_ptr_array_add (path->parameters, parameter);
  return TRUE;
}

static gboolean
read_parameters (PmSmtpPath *path, const char *text, GError **error)
{
  g_auto (GStrv) words = NULL;

  if (*text != '\0' && *text != ' ')
    return fail (error, "There must be a space after the >");

  words = g_strsplit (text, " ", -1);
  for (gsize i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0' && !read_parameter (path, words[i], error))
      return FALSE;
  return TRUE;
}

/**
 * pm_smtp_path_parse:
 * @text: what follows the colon; blanks before the < are let pass, as everybody does
 * @error: %PM_ERROR_INVALID, %PM_ERROR_TOO_LARGE
 *
 * Returns: (transfer full) (nullable): the path and its parameters. Any thread.
 */
PmSmtpPath *
pm_smtp_path_parse (const char *text, PmSmtpPathKind kind, GError **error)
{
  g_autoptr (PmSmtpPath) path = g_new0 (PmSmtpPath, 1);
  g_autofree char *inner = NULL;
  const char *close;

  g_return_val_if_fail (text != NULL, NULL);

  path->parameters = g_ptr_array_new_with_free_func ((GDestroyNotify) parameter_free);
  text += strspn (text, " ");
  close = *text == '<' ? find_close (text) : NULL;
  if (close == NULL)
    {
      fail (error, "The address must stand in angle brackets, as <name@example.com>");
      return NULL;
    }
  if (close - text > MAX_PATH)
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_TOO_LARGE, "The path is too long");
      return NULL;
    }

  inner = g_strndup (text + 1, (gsize) (close - text) - 1);
  if (!read_mailbox (path, inner, kind, error) || !read_parameters (path, close + 1, error))
    return NULL;
  return g_steal_pointer (&path);
}
