// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The one sentence at the top of a report, and the few words beside each host. Both follow the same
// rule as the checks: what is not known is said to be not known.

#include <glib/gi18n.h>

#include "check/pm-check-facts.h"

static gboolean
is_accepted (const PmCheckFacts *facts)
{
  return facts->subject->route == PM_CHECK_ROUTE_INBOUND ||
         facts->subject->route == PM_CHECK_ROUTE_ONWARD;
}

static PmFindingStatus
say (PmCheckText *text, PmFindingStatus status, const char *template, const char *a, const char *b)
{
  pm_check_text_set (text, template, a, b, NULL);
  return status;
}

static PmFindingStatus
judge_here (const PmCheckFacts *facts, PmCheckText *text)
{
  const char *domain = facts->subject->domain;
  const PmMxFact *first = g_ptr_array_index (facts->records, 0);
  gboolean shared;
  PmLeads first_leads = pm_check_facts_first_leads (facts, &shared);

  if (facts->subject->route == PM_CHECK_ROUTE_NONE)
    return say (text, PM_FINDING_ERROR,
                N_ ("Mail for {1} is sent to this server, which does not accept it."), domain,
                NULL);
  if (pm_check_facts_count (facts, PM_LEADS_YES) == facts->hosts->len)
    return say (text, PM_FINDING_OK, N_ ("Mail for {1} reaches this server."), domain, NULL);
  if (shared)
    return say (text, PM_FINDING_OK,
                N_ ("Mail for {1} reaches this server and, in equal shares, other hosts."), domain,
                NULL);
  if (first_leads == PM_LEADS_UNKNOWN)
    return say (text, PM_FINDING_UNKNOWN,
                N_ ("This server is a mail host of {1}; whether {2}, which comes first, is this "
                    "server too is not known."),
                domain, first->host->name);
  if (first_leads == PM_LEADS_YES)
    return say (text, PM_FINDING_OK,
                N_ ("Mail for {1} reaches this server, and other hosts stand in for it."), domain,
                NULL);
  return say (text, PM_FINDING_NOTE,
              N_ ("Mail for {1} goes to {2} first; this server stands in for it."), domain,
              first->host->name);
}

static PmFindingStatus
judge_elsewhere (const PmCheckFacts *facts, PmCheckText *text)
{
  const char *domain = facts->subject->domain;
  g_autofree char *hosts = pm_check_facts_names (facts, PM_LEADS_NO);

  return say (text, is_accepted (facts) ? PM_FINDING_WARNING : PM_FINDING_NOTE,
              N_ ("Mail for {1} goes to {2}, not to this server."), domain, hosts);
}

static gboolean
has_any_address (const PmCheckFacts *facts)
{
  for (guint i = 0; i < facts->hosts->len; i++)
    if (pm_host_facts_has_address (g_ptr_array_index (facts->hosts, i)))
      return TRUE;
  return FALSE;
}

static gboolean
any_unknown (const PmCheckFacts *facts)
{
  for (guint i = 0; i < facts->hosts->len; i++)
    if (pm_host_facts_is_unknown (g_ptr_array_index (facts->hosts, i)))
      return TRUE;
  return FALSE;
}

static PmFindingStatus
judge_hosts (const PmCheckFacts *facts, PmCheckText *text)
{
  const char *domain = facts->subject->domain;

  if (!has_any_address (facts) && any_unknown (facts))
    return say (text, PM_FINDING_UNKNOWN,
                N_ ("Where mail for {1} goes is not known: DNS did not answer for its mail hosts."),
                domain, NULL);
  if (!has_any_address (facts))
    return say (text, PM_FINDING_ERROR,
                N_ ("Mail for {1} cannot be delivered: no mail host of it has an address."), domain,
                NULL);
  if (pm_check_facts_count (facts, PM_LEADS_YES) > 0)
    return judge_here (facts, text);
  if (facts->subject->own_addresses->len == 0)
    {
      g_autofree char *hosts = pm_check_facts_names (facts, PM_LEADS_UNKNOWN);

      return say (text, PM_FINDING_NOTE, N_ ("Mail for {1} goes to {2}."), domain, hosts);
    }
  if (pm_check_facts_count (facts, PM_LEADS_UNKNOWN) > 0)
    {
      g_autofree char *hosts = pm_check_facts_names (facts, PM_LEADS_UNKNOWN);

      return say (text, PM_FINDING_UNKNOWN,
                  N_ ("Whether mail for {1} reaches this server is not known: {2} may or may not "
                      "be it."),
                  domain, hosts);
    }
  return judge_elsewhere (facts, text);
}

static PmFindingStatus
judge_no_hosts (const PmCheckFacts *facts, PmCheckText *text)
{
  const char *domain = facts->subject->domain;

  if (facts->null_mx)
    return say (text, is_accepted (facts) ? PM_FINDING_ERROR : PM_FINDING_OK,
                N_ ("{1} takes no mail, and says so in DNS."), domain, NULL);
  if (pm_host_facts_is_unknown (&facts->apex))
    return say (text, PM_FINDING_UNKNOWN,
                N_ ("Where mail for {1} goes is not known: DNS did not answer for its address."),
                domain, NULL);
  return say (text, PM_FINDING_ERROR,
              N_ ("Mail for {1} cannot be delivered: it has neither an MX record nor an address."),
              domain, NULL);
}

/* Where the domain's mail goes. */
PmFindingStatus
pm_check_facts_verdict (const PmCheckFacts *facts, PmCheckText *text)
{
  const char *domain = facts->subject->domain;

  if (domain == NULL)
    return say (text, PM_FINDING_ERROR, N_ ("“{1}” is not a domain name."), facts->subject->text,
                NULL);
  if (facts->mx != NULL && facts->mx->status == PM_DNS_BOGUS)
    return say (text, PM_FINDING_ERROR,
                N_ ("What DNS says about {1} is forged or wrongly signed; nobody should trust it."),
                domain, NULL);
  if (!pm_dns_answer_is_known (facts->mx))
    return say (text, PM_FINDING_UNKNOWN,
                N_ ("Where mail for {1} goes is not known: DNS did not answer."), domain, NULL);
  if (facts->mx->status == PM_DNS_NXDOMAIN)
    return say (text, PM_FINDING_ERROR,
                N_ ("The domain {1} does not exist, so no mail can be sent to it."), domain, NULL);
  return facts->records->len > 0 ? judge_hosts (facts, text) : judge_no_hosts (facts, text);
}

static PmFindingStatus
remark_address (const PmCheckFacts *facts, const PmHostFacts *host, PmCheckText *text)
{
  if (host->literal)
    return say (text, PM_FINDING_ERROR, N_ ("an IP address, not a name"), NULL, NULL);
  if (host->skipped)
    return say (text, PM_FINDING_UNKNOWN, N_ ("not looked up: too many hosts"), NULL, NULL);
  if (pm_host_facts_is_unknown (host))
    return say (text, PM_FINDING_UNKNOWN, N_ ("DNS did not answer"), NULL, NULL);
  if (host->a != NULL && host->a->status == PM_DNS_NXDOMAIN)
    return say (text, PM_FINDING_ERROR, N_ ("does not exist"), NULL, NULL);
  if (!pm_host_facts_has_address (host))
    return say (text, PM_FINDING_ERROR, N_ ("has no address"), NULL, NULL);
  if (pm_host_facts_has_scope (host, PM_SCOPE_LOOPBACK))
    return say (text, PM_FINDING_ERROR, N_ ("the address of whoever asks"), NULL, NULL);
  return PM_FINDING_OK;
}

static gboolean
is_out_of_reach (const PmCheckFacts *facts, const PmHostFacts *host)
{
  if (facts->subject->declared && pm_check_facts_leads (facts, host) == PM_LEADS_YES)
    return FALSE;
  return pm_host_facts_has_scope (host, PM_SCOPE_PRIVATE) ||
         pm_host_facts_has_scope (host, PM_SCOPE_RESERVED);
}

static PmFindingStatus
remark_host (const PmCheckFacts *facts, const PmHostFacts *host, PmCheckText *text)
{
  PmFindingStatus status = remark_address (facts, host, text);

  if (text->template != NULL)
    return status;
  if (is_out_of_reach (facts, host))
    return say (text, pm_check_facts_is_internal (facts) ? PM_FINDING_NOTE : PM_FINDING_ERROR,
                N_ ("not reached from the Internet"), NULL, NULL);
  if (facts->implicit)
    return say (text, PM_FINDING_WARNING, N_ ("no MX record: the domain's own address"), NULL,
                NULL);
  if (pm_host_facts_alias (host) != NULL)
    return say (text, PM_FINDING_WARNING, N_ ("an alias of {1}"), pm_host_facts_alias (host), NULL);
  return PM_FINDING_OK;
}

/* What is to be said about a record in a few words; @text stays empty where that is nothing. */
PmFindingStatus
pm_check_facts_remark (const PmCheckFacts *facts, guint index, PmCheckText *text)
{
  const PmMxFact *record = g_ptr_array_index (facts->records, index);
  PmFindingStatus status;

  pm_check_text_clear (text);
  if (!pm_host_facts_is_complete (record->host))
    return PM_FINDING_OK;
  status = remark_host (facts, record->host, text);
  if (text->template != NULL)
    return status;

  for (guint i = 0; i < index; i++)
    {
      const PmMxFact *earlier = g_ptr_array_index (facts->records, i);

      if (earlier->host == record->host)
        return say (text, PM_FINDING_NOTE, N_ ("same host record as above"), NULL, NULL);
      if (pm_host_facts_share_address (earlier->host, record->host))
        return say (text, PM_FINDING_NOTE, N_ ("same address as {1}"), earlier->host->name, NULL);
    }
  return PM_FINDING_OK;
}
