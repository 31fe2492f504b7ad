// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Checks that only this site can make: it knows which hosts are its own and which domains it means
// to accept.

#include <glib/gi18n.h>

#include "check/pm-check-tables.h"

static gboolean
is_accepted (const PmCheckFacts *facts)
{
  return facts->subject->route == PM_CHECK_ROUTE_INBOUND ||
         facts->subject->route == PM_CHECK_ROUTE_ONWARD;
}

static gboolean
knows_itself (const PmCheckFacts *facts)
{
  return facts->subject->own_addresses->len > 0;
}

static void
say_unknown_leads (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *names = pm_check_facts_names (facts, PM_LEADS_UNKNOWN);

  pm_finding_say (finding, PM_FINDING_UNKNOWN,
                  N_ ("Whether mail comes to this server is not known: {1} may or may not be it."),
                  names);
  if (!facts->subject->declared)
    pm_finding_advise (finding, N_ ("Enter this server's public addresses in its Properties, if an "
                                    "address translator stands in front of it."));
  else
    pm_finding_advise (finding, N_ ("Check again when DNS answers for the host."));
}

static gboolean
judge_leads_here (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *others = NULL;

  if (!pm_check_facts_has_target (facts) || !knows_itself (facts))
    return FALSE;
  if (pm_check_facts_count (facts, PM_LEADS_YES) > 0)
    {
      g_autofree char *names = pm_check_facts_names (facts, PM_LEADS_YES);

      pm_finding_say (finding, PM_FINDING_OK, N_ ("{1} is this server."), names);
      return TRUE;
    }
  if (pm_check_facts_count (facts, PM_LEADS_UNKNOWN) > 0)
    {
      say_unknown_leads (facts, finding);
      return TRUE;
    }

  others = pm_check_facts_names (facts, PM_LEADS_NO);
  if (!is_accepted (facts))
    {
      pm_finding_say (finding, PM_FINDING_NOTE,
                      N_ ("Mail for {1} goes to {2}, which is not this server."),
                      facts->subject->domain, others);
      return TRUE;
    }
  pm_finding_say (finding, PM_FINDING_WARNING,
                  N_ ("This site accepts mail for {1}, but senders take it to {2}, which is not "
                      "this server."),
                  facts->subject->domain, others);
  pm_finding_advise (finding, N_ ("Add an MX record that names this server, unless that host "
                                  "passes the mail on to it."));
  finding->dns_lines = pm_check_facts_wanted_lines (facts);
  return TRUE;
}

static gboolean
judge_accepted (const PmCheckFacts *facts, PmFinding *finding)
{
  if (facts->subject->route != PM_CHECK_ROUTE_NONE ||
      pm_check_facts_count (facts, PM_LEADS_YES) == 0)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_ERROR,
                  N_ ("Mail for {1} is sent to this server, which does not accept it: senders get "
                      "it back."),
                  facts->subject->domain);
  pm_finding_advise (finding, N_ ("Add the domain to the routing table, or remove this server from "
                                  "its MX records."));
  return TRUE;
}

static gboolean
judge_different_hosts (const PmCheckFacts *facts, PmFinding *finding)
{
  guint here = pm_check_facts_count (facts, PM_LEADS_YES);

  if (here == 0)
    return FALSE;
  if (here == facts->hosts->len)
    pm_finding_say (finding, PM_FINDING_OK,
                    N_ ("The MX records point to different host records, and all of them are this "
                        "server."));
  else if (pm_check_facts_count (facts, PM_LEADS_UNKNOWN) > 0)
    pm_finding_say (finding, PM_FINDING_UNKNOWN,
                    N_ ("The MX records point to different host records, and it is not known of "
                        "all whether they are this server."));
  else
    pm_finding_say (finding, PM_FINDING_NOTE,
                    N_ ("The MX records point to different host records, and not all of them are "
                        "this server."));
  return TRUE;
}

/*
 * What administrators were told to verify by hand when they hosted several domains: the domain's MX
 * records point to the same host name, and its address record holds this host's address.
 */
static gboolean
judge_same_host_here (const PmCheckFacts *facts, PmFinding *finding)
{
  const PmHostFacts *host;

  if (facts->records->len < 2 || !knows_itself (facts))
    return FALSE;
  if (facts->hosts->len > 1)
    return judge_different_hosts (facts, finding);

  host = g_ptr_array_index (facts->hosts, 0);
  switch (pm_check_facts_leads (facts, host))
    {
    case PM_LEADS_YES:
      pm_finding_say (finding, PM_FINDING_OK,
                      N_ ("The MX records point to the same host record, {1}, and its address is "
                          "that of this server."),
                      host->name);
      return TRUE;
    case PM_LEADS_NO:
      pm_finding_say (finding, PM_FINDING_NOTE,
                      N_ ("The MX records point to the same host record, {1}, but that is not this "
                          "server."),
                      host->name);
      return TRUE;
    default:
      pm_finding_say (finding, PM_FINDING_UNKNOWN,
                      N_ ("The MX records point to the same host record, {1}; whether it is this "
                          "server is not known."),
                      host->name);
      return TRUE;
    }
}

/* RFC 5321 5.1: a host that finds itself in the list drops itself and all that is no better. */
static gboolean
judge_backup (const PmCheckFacts *facts, PmFinding *finding)
{
  const PmMxFact *first;
  gboolean shared;

  if (facts->records->len < 2 || facts->subject->route != PM_CHECK_ROUTE_INBOUND ||
      pm_check_facts_count (facts, PM_LEADS_YES) == 0)
    return FALSE;
  first = g_ptr_array_index (facts->records, 0);
  if (pm_check_facts_first_leads (facts, &shared) != PM_LEADS_NO)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_NOTE,
                  N_ ("Senders try {1} first; this server gets mail only while that host does not "
                      "answer, although the domain's mailboxes are here."),
                  first->host->name);
  pm_finding_advise (finding, N_ ("Give this server's MX record the lowest preference, unless that "
                                  "host is a filter that passes the mail on."));
  return TRUE;
}

/* RFC 4592: names below the domain that nobody made have the wildcard's MX. */
static gboolean
judge_wildcard (const PmCheckFacts *facts, PmFinding *finding)
{
  if (facts->wildcard == NULL || facts->wildcard->status != PM_DNS_OK)
    return FALSE;
  if (is_accepted (facts) && !facts->subject->route_subdomains)
    {
      pm_finding_say (finding, PM_FINDING_NOTE,
                      N_ ("DNS has MX records for every name below {1} (a wildcard), but this site "
                          "accepts mail for {1} alone."),
                      facts->subject->domain);
      pm_finding_advise (finding, N_ ("Let the routing entry include subdomains, or remove the "
                                      "wildcard."));
      return TRUE;
    }
  pm_finding_say (finding, PM_FINDING_NOTE,
                  N_ ("DNS has MX records for every name below {1} (a wildcard)."),
                  facts->subject->domain);
  return TRUE;
}

static const PmCheck checks[] = {
  { "site-leads-here", N_ ("Mail comes to this server"), "RFC 5321 5.1", judge_leads_here },
  { "site-accepted", N_ ("This server accepts the mail that comes to it"), "RFC 5321 3.6.2",
    judge_accepted },
  { "site-same-host", N_ ("MX records point to the same host record, and it is this server"),
    "Q264557 step 7", judge_same_host_here },
  { "site-backup", N_ ("This server comes first"), "RFC 5321 5.1", judge_backup },
  { "site-wildcard", N_ ("Wildcard MX"), "RFC 4592", judge_wildcard },
};

const PmCheckTable pm_checks_of_site = { checks, G_N_ELEMENTS (checks) };
