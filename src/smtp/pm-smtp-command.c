// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The names of the commands, in one table.

#include "smtp/pm-smtp-command.h"

#include <string.h>

static const char *const names[] = {
  [PM_SMTP_VERB_UNKNOWN] = "UNKNOWN",
  [PM_SMTP_VERB_AUTH] = "AUTH",
  [PM_SMTP_VERB_BDAT] = "BDAT",
  [PM_SMTP_VERB_DATA] = "DATA",
  [PM_SMTP_VERB_EHLO] = "EHLO",
  [PM_SMTP_VERB_ETRN] = "ETRN",
  [PM_SMTP_VERB_EXPN] = "EXPN",
  [PM_SMTP_VERB_HELO] = "HELO",
  [PM_SMTP_VERB_HELP] = "HELP",
  [PM_SMTP_VERB_MAIL] = "MAIL",
  [PM_SMTP_VERB_NOOP] = "NOOP",
  [PM_SMTP_VERB_QUIT] = "QUIT",
  [PM_SMTP_VERB_RCPT] = "RCPT",
  [PM_SMTP_VERB_RSET] = "RSET",
  [PM_SMTP_VERB_STARTTLS] = "STARTTLS",
  [PM_SMTP_VERB_VRFY] = "VRFY",
  [PM_SMTP_VERB_XCLIENT] = "XCLIENT",
};

G_STATIC_ASSERT (G_N_ELEMENTS (names) == PM_SMTP_N_VERBS);

/**
 * pm_smtp_verb_parse:
 * @line: a command line without its CRLF
 * @argument: (out) (transfer none): what follows the verb, in @line
 *
 * Returns: the verb, in any case (RFC 5321 2.4).
 */
PmSmtpVerb
pm_smtp_verb_parse (const char *line, const char **argument)
{
  gsize length = strcspn (line, " \t");
  const char *rest = line + length;

  *argument = rest + strspn (rest, " \t");
  for (int verb = PM_SMTP_VERB_UNKNOWN + 1; verb < PM_SMTP_N_VERBS; verb++)
    if (strlen (names[verb]) == length && g_ascii_strncasecmp (line, names[verb], length) == 0)
      return (PmSmtpVerb) verb;
  return PM_SMTP_VERB_UNKNOWN;
}

/**
 * pm_smtp_verb_to_string:
 *
 * Returns: the verb in upper case.
 */
const char *
pm_smtp_verb_to_string (PmSmtpVerb verb)
{
  g_return_val_if_fail ((gsize) verb < G_N_ELEMENTS (names), NULL);
  return names[verb];
}
