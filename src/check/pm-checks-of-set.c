// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Checks of the MX records as a set: are there any, what do their preferences and times say.

#include <glib/gi18n.h>
#include <string.h>

#include "check/pm-check-tables.h"

#define SHORT_TTL 300
#define LONG_TTL 86400
#define MANY_RECORDS 10

static gboolean
is_accepted (const PmCheckFacts *facts)
{
  return facts->subject->route == PM_CHECK_ROUTE_INBOUND ||
         facts->subject->route == PM_CHECK_ROUTE_ONWARD;
}

/* RFC 7505 3. */
static gboolean
judge_null_mx (const PmCheckFacts *facts, PmFinding *finding)
{
  if (!facts->null_mx || facts->records->len > 0)
    return FALSE;
  if (is_accepted (facts))
    {
      pm_finding_say (finding, PM_FINDING_ERROR,
                      N_ ("{1} says in DNS that it takes no mail (null MX), and yet this site "
                          "accepts it: nobody will send any."),
                      facts->subject->domain);
      pm_finding_advise (finding, N_ ("Replace the null MX by records that lead here, or remove "
                                      "the domain from the routing table."));
      finding->dns_lines = pm_check_facts_wanted_lines (facts);
      return TRUE;
    }
  pm_finding_say (finding, PM_FINDING_OK,
                  N_ ("{1} says in DNS that it takes no mail (null MX), as a domain without mail "
                      "should."),
                  facts->subject->domain);
  return TRUE;
}

static gboolean
judge_null_mx_alone (const PmCheckFacts *facts, PmFinding *finding)
{
  if (!facts->null_mx || facts->records->len == 0)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_WARNING,
                  N_ ("A null MX, which says “no mail here”, stands beside MX records that name "
                      "hosts; senders may choose either."));
  pm_finding_advise (finding, N_ ("Remove the null MX if the domain takes mail, else all others."));
  return TRUE;
}

static gboolean
judge_null_mx_preference (const PmCheckFacts *facts, PmFinding *finding)
{
  if (!facts->null_mx || facts->null_preference == 0)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_NOTE, N_ ("The null MX has a preference other than 0."));
  pm_finding_advise (finding, N_ ("Give it the preference 0."));
  finding->dns_lines = g_strdup_printf ("%s. IN MX 0 .\n", facts->subject->domain);
  return TRUE;
}

static gboolean
judge_null_mx_needed (const PmCheckFacts *facts, PmFinding *finding)
{
  if (!facts->null_mx || facts->records->len > 0 || pm_host_facts_is_unknown (&facts->apex) ||
      pm_host_facts_has_address (&facts->apex))
    return FALSE;
  pm_finding_say (finding, PM_FINDING_NOTE,
                  N_ ("The null MX is not needed: {1} has no address that mail could go to."),
                  facts->subject->domain);
  return TRUE;
}

/* RFC 5321 5.1: without an MX record the domain's own address is the mail host. */
static gboolean
judge_implicit (const PmCheckFacts *facts, PmFinding *finding)
{
  if (!facts->implicit)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_WARNING,
                  N_ ("{1} has no MX record; mail goes to the domain's own address instead, which "
                      "may be that of a web site."),
                  facts->subject->domain);
  pm_finding_advise (finding, N_ ("Add an MX record that names the mail host."));
  finding->dns_lines = pm_check_facts_wanted_lines (facts);
  return TRUE;
}

static gboolean
judge_none (const PmCheckFacts *facts, PmFinding *finding)
{
  if (facts->mx == NULL || facts->mx->status != PM_DNS_NODATA || facts->implicit)
    return FALSE;
  if (pm_host_facts_is_unknown (&facts->apex))
    pm_finding_say (finding, PM_FINDING_UNKNOWN,
                    N_ ("{1} has no MX record, and whether it has an address of its own is not "
                        "known: nobody answered."),
                    facts->subject->domain);
  else
    pm_finding_say (finding, PM_FINDING_ERROR,
                    N_ ("{1} has neither an MX record nor an address: nobody can send mail to it."),
                    facts->subject->domain);
  pm_finding_advise (finding, N_ ("Add an MX record that names the mail host."));
  finding->dns_lines = pm_check_facts_wanted_lines (facts);
  return TRUE;
}

/* A domain that neither sends nor has a mail host had better say so. */
static gboolean
judge_parked (const PmCheckFacts *facts, PmFinding *finding)
{
  if (!facts->implicit || facts->text == NULL || is_accepted (facts))
    return FALSE;
  for (guint i = 0; i < facts->text->records->len; i++)
    {
      const PmDnsRecord *record = g_ptr_array_index (facts->text->records, i);

      if (g_ascii_strcasecmp (record->text, "v=spf1 -all") != 0)
        continue;
      pm_finding_say (finding, PM_FINDING_NOTE,
                      N_ ("{1} sends no mail (its SPF record says so) and has no MX record, but "
                          "senders will still try its address."),
                      facts->subject->domain);
      pm_finding_advise (finding, N_ ("If it takes no mail either, say so with a null MX."));
      finding->dns_lines = g_strdup_printf ("%s. IN MX 0 .\n", facts->subject->domain);
      return TRUE;
    }
  return FALSE;
}

/* One record for two names of the same host is no second chance. */
static gboolean
judge_repeated (const PmCheckFacts *facts, PmFinding *finding)
{
  if (facts->records->len <= facts->hosts->len)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_NOTE,
                  N_ ("Several MX records name the same host: senders have no second host to try "
                      "when it is down."));
  pm_finding_advise (finding, N_ ("Leave it if that is meant; else name another host in one of "
                                  "them."));
  return TRUE;
}

static gboolean
judge_single (const PmCheckFacts *facts, PmFinding *finding)
{
  if (facts->implicit || facts->records->len != 1)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_NOTE,
                  N_ ("There is one MX record. While its host is down, senders keep the mail and "
                      "try again, usually for days."));
  return TRUE;
}

/* RFC 5321 5.1: equal preferences are tried in random order. */
static gboolean
judge_equal (const PmCheckFacts *facts, PmFinding *finding)
{
  for (guint i = 1; i < facts->records->len; i++)
    {
      const PmMxFact *one = g_ptr_array_index (facts->records, i - 1);
      const PmMxFact *other = g_ptr_array_index (facts->records, i);
      g_autofree char *number = NULL;

      if (one->preference != other->preference || one->host == other->host)
        continue;
      number = g_strdup_printf ("%u", one->preference);
      pm_finding_say (finding, PM_FINDING_NOTE,
                      N_ ("MX records share the preference {1}: senders choose one of them at "
                          "random, so that they share the load."),
                      number);
      return TRUE;
    }
  return FALSE;
}

static gboolean
judge_ttl (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *number = NULL;
  guint32 ttl;

  if (facts->implicit || facts->records->len == 0)
    return FALSE;
  ttl = ((PmMxFact *) g_ptr_array_index (facts->records, 0))->ttl;
  number = g_strdup_printf ("%u", ttl);
  if (ttl < SHORT_TTL)
    pm_finding_say (finding, PM_FINDING_NOTE,
                    N_ ("The MX records may be kept for only {1} seconds (TTL), as before a change "
                        "or in an answer that is about to be renewed."),
                    number);
  else if (ttl > LONG_TTL)
    pm_finding_say (finding, PM_FINDING_NOTE,
                    N_ ("The MX records may be kept for {1} seconds (TTL): a change takes longer "
                        "than a day to reach everybody."),
                    number);
  else
    return FALSE;
  return TRUE;
}

static gboolean
judge_many (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *number = g_strdup_printf ("%u", facts->records->len);

  if (facts->records->len <= MANY_RECORDS)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_NOTE,
                  N_ ("There are {1} MX records; senders need not try all of them."), number);
  return TRUE;
}

static const PmCheck checks[] = {
  { "null-mx", N_ ("Null MX"), "RFC 7505 3", judge_null_mx },
  { "null-mx-alone", N_ ("A null MX stands alone"), "RFC 7505 3", judge_null_mx_alone },
  { "null-mx-preference", N_ ("A null MX has the preference 0"), "RFC 7505 3",
    judge_null_mx_preference },
  { "null-mx-needed", N_ ("A null MX is needed"), "RFC 7505 1", judge_null_mx_needed },
  { "mx-implicit", N_ ("There is an MX record"), "RFC 5321 5.1", judge_implicit },
  { "mx-none", N_ ("There is a way for mail to go"), "RFC 5321 5.1", judge_none },
  { "mx-parked", N_ ("A domain without mail says so"), "RFC 7505 1, RFC 7208", judge_parked },
  { "mx-repeated", N_ ("MX records name different hosts"), "RFC 5321 5.1", judge_repeated },
  { "mx-single", N_ ("There is more than one MX record"), "RFC 2182", judge_single },
  { "mx-equal", N_ ("MX records share a preference"), "RFC 5321 5.1", judge_equal },
  { "mx-ttl", N_ ("How long MX records are kept"), "RFC 1035 3.2.1", judge_ttl },
  { "mx-many", N_ ("Number of MX records"), "RFC 5321 5.1", judge_many },
};

const PmCheckTable pm_checks_of_set = { checks, G_N_ELEMENTS (checks) };
