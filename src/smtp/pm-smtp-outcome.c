// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What becomes of a recipient after a reply: one table, read from the top, first match wins. It is
// careful on two sides: a peer that did not clearly refuse never makes a bounce, and a message that
// the peer may have taken is never offered to another host at once.

#include "smtp/pm-smtp-outcome.h"

#define ANY_PHASE -1
#define ANY_SOURCE -1
#define CLASS(digit) ((digit) *100), ((digit) *100 + 99)
#define CODE(code) (code), (code)
#define ANY_CODE 200, 599

typedef struct
{
  int phase;
  int source;
  guint first;
  guint last;
  PmSmtpOutcome outcome;
} Rule;

static const Rule rules[] = {
  // RFC 7504 4: 556 says that the domain takes no mail at all, whichever host is asked.
  { PM_SMTP_PHASE_RCPT, ANY_SOURCE, CODE (556), PM_SMTP_OUTCOME_BOUNCE },

  // Before there is a message the answer is about this host, not about the mail (RFC 5321 5.1).
  { PM_SMTP_PHASE_CONNECT, ANY_SOURCE, ANY_CODE, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_GREETING, ANY_SOURCE, ANY_CODE, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_HELLO, ANY_SOURCE, ANY_CODE, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_TLS, ANY_SOURCE, ANY_CODE, PM_SMTP_OUTCOME_NEXT_HOST },

  { PM_SMTP_PHASE_DOT, PM_SMTP_SOURCE_PEER, CLASS (2), PM_SMTP_OUTCOME_DELIVERED },

  // No word from the peer after the dot: it may have the message. Wait, so that a duplicate is the
  // exception (RFC 5321 4.5.3.2.6).
  { PM_SMTP_PHASE_DOT, PM_SMTP_SOURCE_LOCAL, CLASS (4), PM_SMTP_OUTCOME_DEFER },

  // RFC 5321 3.8: 421 says that this host closes, in any phase.
  { ANY_PHASE, ANY_SOURCE, CODE (421), PM_SMTP_OUTCOME_NEXT_HOST },

  // A login that fails is our administrator's trouble and no fault of the mail. The next host would
  // not like it better, and some lock an account after a few.
  { PM_SMTP_PHASE_AUTH, ANY_SOURCE, ANY_CODE, PM_SMTP_OUTCOME_DEFER },

  // RFC 5321 4.5.3.1.10: the rest of the recipients go in another transaction. Old servers say 552.
  { PM_SMTP_PHASE_RCPT, ANY_SOURCE, CODE (452), PM_SMTP_OUTCOME_DEFER },

  { PM_SMTP_PHASE_MAIL, ANY_SOURCE, CLASS (4), PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_DATA, ANY_SOURCE, CLASS (4), PM_SMTP_OUTCOME_NEXT_HOST },
  // What we know ourselves before a word of the mail was said is about what this host lacks
  // (REQUIRETLS, SMTPUTF8, 8BITMIME, SIZE): another one may have it.
  { PM_SMTP_PHASE_MAIL, PM_SMTP_SOURCE_LOCAL, CLASS (5), PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE },
  // About one mailbox, or greylisting: another host of the domain says the same.
  { PM_SMTP_PHASE_RCPT, PM_SMTP_SOURCE_LOCAL, CLASS (4), PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_RCPT, ANY_SOURCE, CLASS (4), PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_DOT, ANY_SOURCE, CLASS (4), PM_SMTP_OUTCOME_DEFER },

  { ANY_PHASE, ANY_SOURCE, CLASS (5), PM_SMTP_OUTCOME_BOUNCE },
};

// RFC 5321 4.5.3.1.10: "552" to RCPT meant too many recipients once; with an enhanced code it says
// what it means.
static gboolean
is_old_too_many (PmSmtpPhase phase, const PmSmtpReply *reply)
{
  if (phase != PM_SMTP_PHASE_RCPT || reply->code != 552)
    return FALSE;
  return reply->status.klass == 0 || (reply->status.subject == 5 && reply->status.detail == 3);
}

/**
 * pm_smtp_outcome:
 * @phase: how far the delivery had come
 * @reply: what decided
 *
 * Returns: what to do now. A reply that fits nowhere defers.
 */
PmSmtpOutcome
pm_smtp_outcome (PmSmtpPhase phase, const PmSmtpReply *reply)
{
  g_return_val_if_fail (reply != NULL, PM_SMTP_OUTCOME_DEFER);

  if (is_old_too_many (phase, reply))
    return PM_SMTP_OUTCOME_DEFER;

  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      const Rule *rule = &rules[i];

      if (rule->phase != ANY_PHASE && rule->phase != (int) phase)
        continue;
      if (rule->source != ANY_SOURCE && rule->source != (int) reply->source)
        continue;
      if (reply->code >= rule->first && reply->code <= rule->last)
        return rule->outcome;
    }
  return PM_SMTP_OUTCOME_DEFER;
}

/**
 * pm_smtp_phase_to_string:
 *
 * Returns: the phase in a word, for logs.
 */
const char *
pm_smtp_phase_to_string (PmSmtpPhase phase)
{
  static const char *const names[] = {
    [PM_SMTP_PHASE_CONNECT] = "connect",
    [PM_SMTP_PHASE_GREETING] = "greeting",
    [PM_SMTP_PHASE_HELLO] = "hello",
    [PM_SMTP_PHASE_TLS] = "tls",
    [PM_SMTP_PHASE_AUTH] = "auth",
    [PM_SMTP_PHASE_MAIL] = "mail",
    [PM_SMTP_PHASE_RCPT] = "rcpt",
    [PM_SMTP_PHASE_DATA] = "data",
    [PM_SMTP_PHASE_DOT] = "dot",
  };

  g_return_val_if_fail ((gsize) phase < G_N_ELEMENTS (names), NULL);
  return names[phase];
}

/**
 * pm_smtp_outcome_to_string:
 *
 * Returns: the outcome in a word, for logs.
 */
const char *
pm_smtp_outcome_to_string (PmSmtpOutcome outcome)
{
  static const char *const names[] = {
    [PM_SMTP_OUTCOME_DELIVERED] = "delivered",
    [PM_SMTP_OUTCOME_DEFER] = "defer",
    [PM_SMTP_OUTCOME_NEXT_HOST] = "next-host",
    [PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE] = "next-host-or-bounce",
    [PM_SMTP_OUTCOME_BOUNCE] = "bounce",
  };

  g_return_val_if_fail ((gsize) outcome < G_N_ELEMENTS (names), NULL);
  return names[outcome];
}
