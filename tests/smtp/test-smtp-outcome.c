// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The one module that turns replies into decisions, case by case.

#include "smtp/pm-smtp-outcome.h"

typedef struct
{
  PmSmtpPhase phase;
  const char *reply;
  PmSmtpSource source;
  PmSmtpOutcome outcome;
} Case;

#define PEER PM_SMTP_SOURCE_PEER
#define LOCAL PM_SMTP_SOURCE_LOCAL
#define POLICY PM_SMTP_SOURCE_POLICY

static const Case cases[] = {
  { PM_SMTP_PHASE_CONNECT, "421 4.4.1 refused", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_CONNECT, "550 5.4.4 odd", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_GREETING, "421 busy", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_GREETING, "554 no service", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_GREETING, "451 4.5.0 rubbish", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_HELLO, "550 who are you", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_HELLO, "450 later", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_TLS, "454 4.7.0 not now", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_TLS, "554 5.7.3 never", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_TLS, "451 4.7.10 not offered", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_TLS, "451 4.7.5 certificate", POLICY, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_AUTH, "454 4.7.8 refused", LOCAL, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_AUTH, "535 5.7.8 wrong password", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_AUTH, "421 4.4.2 lost", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_MAIL, "553 5.6.7 needs SMTPUTF8", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE },
  { PM_SMTP_PHASE_MAIL, "550 5.7.30 needs REQUIRETLS", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE },
  { PM_SMTP_PHASE_RCPT, "452 4.5.3 next round", LOCAL, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_MAIL, "450 later", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_MAIL, "421 bye", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_MAIL, "550 no", PEER, PM_SMTP_OUTCOME_BOUNCE },
  { PM_SMTP_PHASE_MAIL, "552 5.3.4 too large", PEER, PM_SMTP_OUTCOME_BOUNCE },
  { PM_SMTP_PHASE_MAIL, "554 5.6.3 8-bit", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST_OR_BOUNCE },
  { PM_SMTP_PHASE_MAIL, "250 ok", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_RCPT, "550 5.1.1 unknown", PEER, PM_SMTP_OUTCOME_BOUNCE },
  { PM_SMTP_PHASE_RCPT, "551 moved", PEER, PM_SMTP_OUTCOME_BOUNCE },
  { PM_SMTP_PHASE_RCPT, "556 5.1.10 null MX", PEER, PM_SMTP_OUTCOME_BOUNCE },
  { PM_SMTP_PHASE_RCPT, "450 4.2.0 greylisted", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_RCPT, "452 4.5.3 too many", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_RCPT, "552 too many", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_RCPT, "552 5.5.3 too many", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_RCPT, "552 5.2.2 mailbox full", PEER, PM_SMTP_OUTCOME_BOUNCE },
  { PM_SMTP_PHASE_RCPT, "421 bye", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_RCPT, "421 4.4.2 lost", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_RCPT, "451 4.5.0 rubbish", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_RCPT, "250 ok", PEER, PM_SMTP_OUTCOME_DEFER }, // not delivered yet
  { PM_SMTP_PHASE_DATA, "451 later", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_DATA, "421 4.4.2 lost", LOCAL, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_DATA, "554 no", PEER, PM_SMTP_OUTCOME_BOUNCE },
  { PM_SMTP_PHASE_DATA, "250 early", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_DATA, "354 go", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_DOT, "250 taken", PEER, PM_SMTP_OUTCOME_DELIVERED },
  { PM_SMTP_PHASE_DOT, "250 taken", LOCAL, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_DOT, "250 taken", POLICY, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_DOT, "354 go", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_DOT, "452 full", PEER, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_DOT, "421 bye", PEER, PM_SMTP_OUTCOME_NEXT_HOST },
  { PM_SMTP_PHASE_DOT, "421 4.4.2 lost", LOCAL, PM_SMTP_OUTCOME_DEFER },
  { PM_SMTP_PHASE_DOT, "554 spam", PEER, PM_SMTP_OUTCOME_BOUNCE },
};

static void
test_table (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (PmSmtpReply) reply = pm_smtp_reply_parse (cases[i].reply, cases[i].source, &error);

      g_assert_no_error (error);
      g_test_message ("%s: %s", pm_smtp_phase_to_string (cases[i].phase), cases[i].reply);
      g_assert_cmpstr (pm_smtp_outcome_to_string (pm_smtp_outcome (cases[i].phase, reply)), ==,
                       pm_smtp_outcome_to_string (cases[i].outcome));
    }
}

// Whatever is said: only the peer's own 2yz after the dot delivers, only a 5yz bounces.
static void
test_promises (void)
{
  for (int phase = PM_SMTP_PHASE_CONNECT; phase <= PM_SMTP_PHASE_DOT; phase++)
    for (int source = PEER; source <= POLICY; source++)
      for (guint code = 200; code < 600; code++)
        {
          g_autoptr (PmSmtpReply) reply =
              pm_smtp_reply_new ((PmSmtpSource) source, code, NULL, "x");
          PmSmtpOutcome outcome = pm_smtp_outcome ((PmSmtpPhase) phase, reply);

          g_assert_cmpint (outcome == PM_SMTP_OUTCOME_DELIVERED, ==,
                           phase == PM_SMTP_PHASE_DOT && source == PEER && code < 300);
          if (outcome == PM_SMTP_OUTCOME_BOUNCE)
            g_assert_cmpuint (code, >=, 500);
        }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/smtp/outcome/table", test_table);
  g_test_add_func ("/smtp/outcome/promises", test_promises);
  return g_test_run ();
}
