// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Checks of the hosts that MX records name: can mail be sent to them.

#include <glib/gi18n.h>
#include <string.h>

#include "base/pm-domain-name.h"
#include "check/pm-check-tables.h"

static gboolean
is_literal (const PmCheckFacts *facts, const PmHostFacts *host)
{
  return host->literal;
}

/* RFC 1035 3.3.9: the exchange is a domain name. */
static gboolean
judge_literal (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *names = pm_check_facts_hosts_that (facts, is_literal);

  if (names == NULL)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_ERROR,
                  N_ ("An MX record must name a host, not an IP address: {1} cannot be used."),
                  names);
  pm_finding_advise (finding, N_ ("Give the host a name with an address record, and put that name "
                                  "into the MX record."));
  finding->dns_lines = pm_check_facts_wanted_lines (facts);
  return TRUE;
}

static gboolean
is_no_host_name (const PmCheckFacts *facts, const PmHostFacts *host)
{
  g_autofree char *name = host->literal ? NULL : pm_domain_name_normalize (host->name, NULL);

  return !host->literal && name == NULL;
}

static gboolean
judge_host_name (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *names = facts->implicit ? NULL
                                           : pm_check_facts_hosts_that (facts, is_no_host_name);

  if (names == NULL)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_ERROR,
                  N_ ("This is not a name that a host may have: {1}. Many senders refuse it."),
                  names);
  pm_finding_advise (finding, N_ ("Use a name of letters, digits and hyphens, with dots between "
                                  "its parts."));
  return TRUE;
}

static gboolean
is_alias (const PmCheckFacts *facts, const PmHostFacts *host)
{
  return pm_host_facts_alias (host) != NULL;
}

/* RFC 2181 10.3: the exchange must not be an alias. Most senders follow it all the same. */
static gboolean
judge_alias (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *names = facts->implicit ? NULL : pm_check_facts_hosts_that (facts, is_alias);
  g_autoptr (GString) lines = g_string_new (NULL);

  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < facts->records->len; i++)
    {
      const PmMxFact *record = g_ptr_array_index (facts->records, i);

      if (is_alias (facts, record->host))
        g_string_append_printf (lines, "%s. %u IN MX %u %s.\n", facts->subject->domain, record->ttl,
                                record->preference, pm_host_facts_alias (record->host));
    }
  pm_finding_say (finding, PM_FINDING_WARNING,
                  N_ ("An MX record names an alias (CNAME): {1}. Most senders follow it, some do "
                      "not."),
                  names);
  pm_finding_advise (finding, N_ ("Name the host itself in the MX record."));
  finding->dns_lines = g_string_free (g_steal_pointer (&lines), FALSE);
  return TRUE;
}

static gboolean
does_not_exist (const PmCheckFacts *facts, const PmHostFacts *host)
{
  return host->a != NULL && host->a->status == PM_DNS_NXDOMAIN;
}

static gboolean
has_no_address (const PmCheckFacts *facts, const PmHostFacts *host)
{
  return !host->literal && !pm_host_facts_is_unknown (host) && !pm_host_facts_has_address (host);
}

static gboolean
has_no_answer (const PmCheckFacts *facts, const PmHostFacts *host)
{
  return !host->literal && !host->skipped && pm_host_facts_is_unknown (host);
}

static gboolean
judge_address (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *missing = pm_check_facts_hosts_that (facts, does_not_exist);
  g_autofree char *bare = pm_check_facts_hosts_that (facts, has_no_address);

  if (!pm_check_facts_has_target (facts) || facts->implicit)
    return FALSE;
  if (missing != NULL)
    {
      pm_finding_say (finding, PM_FINDING_ERROR,
                      N_ ("An MX record names a host that does not exist: {1}. If somebody else "
                          "can register that name, they can receive the mail."),
                      missing);
      pm_finding_advise (finding, N_ ("Correct the name in the MX record, or remove the record."));
    }
  else if (bare != NULL)
    {
      pm_finding_say (finding, PM_FINDING_ERROR,
                      N_ ("An MX record names a host that has no address: {1}. Mail cannot go "
                          "there."),
                      bare);
      pm_finding_advise (finding, N_ ("Add an address record (A or AAAA) for the host."));
    }
  else
    return FALSE;
  return TRUE;
}

static gboolean
judge_address_answer (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *names = pm_check_facts_hosts_that (facts, has_no_answer);

  if (names == NULL)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_UNKNOWN,
                  N_ ("The address of {1} is not known: DNS did not answer. This says nothing "
                      "about the host."),
                  names);
  pm_finding_advise (finding, N_ ("Check again later. If it stays, see whether the name servers of "
                                  "the host's domain run."));
  return TRUE;
}

static gboolean
is_loopback (const PmCheckFacts *facts, const PmHostFacts *host)
{
  return pm_host_facts_has_scope (host, PM_SCOPE_LOOPBACK);
}

/* RFC 5321 6.3: the sender would talk to itself. */
static gboolean
judge_loopback (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *names = pm_check_facts_hosts_that (facts, is_loopback);

  if (names == NULL)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_ERROR,
                  N_ ("{1} has the address of whoever asks (127.0.0.1 or the like): every sender "
                      "would deliver to itself, and mail goes round in circles."),
                  names);
  pm_finding_advise (finding, N_ ("Put the mail host's public address there."));
  return TRUE;
}

/* What was declared as this server's address is public because the administrator said so. */
static gboolean
is_unreachable (const PmCheckFacts *facts, const PmHostFacts *host)
{
  if (facts->subject->declared && pm_check_facts_leads (facts, host) == PM_LEADS_YES)
    return FALSE;
  return pm_host_facts_has_scope (host, PM_SCOPE_PRIVATE) ||
         pm_host_facts_has_scope (host, PM_SCOPE_RESERVED);
}

static gboolean
judge_public (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *names = pm_check_facts_hosts_that (facts, is_unreachable);

  if (names == NULL)
    return FALSE;
  if (pm_check_facts_is_internal (facts))
    {
      pm_finding_say (finding, PM_FINDING_NOTE,
                      N_ ("{1} has an address that only a private network reaches, as fits an "
                          "internal domain."),
                      names);
      return TRUE;
    }
  pm_finding_say (finding, PM_FINDING_ERROR,
                  N_ ("{1} has an address that cannot be reached from the Internet."), names);
  pm_finding_advise (finding, N_ ("Put the public address there. If your network shows other "
                                  "addresses inside than outside, ask a name server outside."));
  return TRUE;
}

static gboolean
judge_same_address (const PmCheckFacts *facts, PmFinding *finding)
{
  for (guint i = 0; i < facts->hosts->len; i++)
    for (guint j = i + 1; j < facts->hosts->len; j++)
      {
        const PmHostFacts *one = g_ptr_array_index (facts->hosts, i);
        const PmHostFacts *other = g_ptr_array_index (facts->hosts, j);

        if (!pm_host_facts_share_address (one, other))
          continue;
        pm_finding_say (finding, PM_FINDING_NOTE,
                        N_ ("{1} and {2} have the same address: they are one host, not two."),
                        one->name, other->name);
        pm_finding_advise (finding, N_ ("Leave it if that is meant; for a real second host, give "
                                        "it an address of its own."));
        return TRUE;
      }
  return FALSE;
}

static gboolean
has_no_v6 (const PmCheckFacts *facts, const PmHostFacts *host)
{
  return pm_dns_answer_is_known (host->aaaa) && host->aaaa->records->len == 0 &&
         pm_host_facts_has_address (host);
}

static gboolean
judge_v6 (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *names = pm_check_facts_hosts_that (facts, has_no_v6);

  if (names == NULL)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_NOTE,
                  N_ ("{1} has no IPv6 address; senders that have only IPv6 cannot reach it."),
                  names);
  return TRUE;
}

static gboolean
is_skipped (const PmCheckFacts *facts, const PmHostFacts *host)
{
  return host->skipped;
}

static gboolean
judge_skipped (const PmCheckFacts *facts, PmFinding *finding)
{
  g_autofree char *names = pm_check_facts_hosts_that (facts, is_skipped);

  if (names == NULL)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_UNKNOWN,
                  N_ ("There are so many hosts that some were not looked up: {1}."), names);
  return TRUE;
}

static const PmCheck checks[] = {
  { "mx-target-literal", N_ ("MX records name hosts, not IP addresses"),
    "RFC 1035 3.3.9, RFC 5321 5.1", judge_literal },
  { "mx-target-name", N_ ("MX records name valid host names"), "RFC 1123 2.1", judge_host_name },
  { "mx-target-alias", N_ ("MX records name no alias"), "RFC 2181 10.3, RFC 5321 5.1",
    judge_alias },
  { "mx-target-address", N_ ("The hosts have addresses"), "RFC 5321 5.1", judge_address },
  { "mx-target-answer", N_ ("DNS answers for the hosts"), "RFC 5321 5.1", judge_address_answer },
  { "mx-target-loopback", N_ ("No host is the sender itself"), "RFC 5321 6.3", judge_loopback },
  { "mx-target-public", N_ ("The addresses can be reached"), "RFC 6890, RFC 1918",
    judge_public },
  { "mx-target-same-address", N_ ("The hosts are different machines"), "RFC 5321 5.1",
    judge_same_address },
  { "mx-target-ipv6", N_ ("The hosts have IPv6 addresses"), "RFC 3974", judge_v6 },
  { "mx-target-skipped", N_ ("All hosts were looked up"), "RFC 5321 5.1", judge_skipped },
};

const PmCheckTable pm_checks_of_targets = { checks, G_N_ELEMENTS (checks) };
