// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmSmtpVerb:
 *
 * Every command that the server knows by name; what it does with each stands in the server's one
 * verb table.
 */
typedef enum
{
  PM_SMTP_VERB_UNKNOWN,
  PM_SMTP_VERB_AUTH,
  PM_SMTP_VERB_BDAT,
  PM_SMTP_VERB_DATA,
  PM_SMTP_VERB_EHLO,
  PM_SMTP_VERB_ETRN,
  PM_SMTP_VERB_EXPN,
  PM_SMTP_VERB_HELO,
  PM_SMTP_VERB_HELP,
  PM_SMTP_VERB_MAIL,
  PM_SMTP_VERB_NOOP,
  PM_SMTP_VERB_QUIT,
  PM_SMTP_VERB_RCPT,
  PM_SMTP_VERB_RSET,
  PM_SMTP_VERB_STARTTLS,
  PM_SMTP_VERB_VRFY,
  PM_SMTP_VERB_XCLIENT,
  PM_SMTP_N_VERBS,
} PmSmtpVerb;

/*
 * Splits a command line without its CRLF; the argument (out) points into it, blanks around it
 * skipped at the start, "" when there is none.
 */
PmSmtpVerb pm_smtp_verb_parse (const char *line, const char **argument);
const char *pm_smtp_verb_to_string (PmSmtpVerb verb);

G_END_DECLS
