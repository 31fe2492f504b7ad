// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmSmtpPhase:
 *
 * How far a delivery had come when a reply decided about it.
 */
typedef enum
{
  PM_SMTP_PHASE_CONNECT,
  PM_SMTP_PHASE_GREETING,
  PM_SMTP_PHASE_HELLO,
  PM_SMTP_PHASE_TLS,  /* STARTTLS and the handshake */
  PM_SMTP_PHASE_AUTH, /* our login */
  PM_SMTP_PHASE_MAIL,
  PM_SMTP_PHASE_RCPT,
  PM_SMTP_PHASE_DATA, /* the DATA command and the sending of the message */
  PM_SMTP_PHASE_DOT,  /* the whole message was sent; whether it was taken hangs on this reply */
} PmSmtpPhase;

/**
 * PmSmtpOutcome:
 * @PM_SMTP_OUTCOME_DELIVERED: the peer has taken responsibility
 * @PM_SMTP_OUTCOME_DEFER: try later, from the first host on
 * @PM_SMTP_OUTCOME_NEXT_HOST: try the next host now; where there is none left, defer
 * @PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE: this host cannot take it as it is: try the next one now;
 *   where all are so, it will never work
 * @PM_SMTP_OUTCOME_BOUNCE: it will never work
 */
typedef enum
{
  PM_SMTP_OUTCOME_DELIVERED,
  PM_SMTP_OUTCOME_DEFER,
  PM_SMTP_OUTCOME_NEXT_HOST,
  PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE,
  PM_SMTP_OUTCOME_BOUNCE,
} PmSmtpOutcome;

/* The one place where replies become decisions: a pure function. Any thread. */
PmSmtpOutcome pm_smtp_outcome (PmSmtpPhase phase, const PmSmtpReply *reply);
const char *pm_smtp_phase_to_string (PmSmtpPhase phase);
const char *pm_smtp_outcome_to_string (PmSmtpOutcome outcome);

G_END_DECLS
