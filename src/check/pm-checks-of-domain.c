// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Checks of the domain itself: is it a name, does it exist, does DNS answer for it.

#include <glib/gi18n.h>
#include <string.h>

#include "base/pm-domain-name.h"
#include "check/pm-check-tables.h"

static gboolean
judge_name (const PmCheckFacts *facts, PmFinding *finding)
{
  const PmCheckSubject *subject = facts->subject;
  g_autofree char *shown = NULL;

  if (subject->domain == NULL)
    {
      pm_finding_say (finding, PM_FINDING_ERROR, N_ ("“{1}” is not a domain name."),
                      subject->text);
      pm_finding_advise (finding, N_ ("Write a domain such as example.com: letters, digits and "
                                      "hyphens in parts of 1 to 63, with dots between them."));
      return TRUE;
    }

  shown = pm_domain_name_to_display (subject->domain);
  if (strcmp (shown, subject->domain) == 0)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_OK, N_ ("In DNS, {1} is written {2}."), shown,
                  subject->domain);
  return TRUE;
}

static gboolean
judge_exists (const PmCheckFacts *facts, PmFinding *finding)
{
  if (!pm_dns_answer_is_known (facts->mx))
    return FALSE;
  if (facts->mx->status != PM_DNS_NXDOMAIN)
    {
      pm_finding_say (finding, PM_FINDING_OK, N_ ("The domain {1} exists."),
                      facts->subject->domain);
      return TRUE;
    }

  pm_finding_say (finding, PM_FINDING_ERROR,
                  N_ ("The domain {1} does not exist in DNS, so nobody can send mail to it."),
                  facts->subject->domain);
  pm_finding_advise (finding, N_ ("Look for a typing mistake, or register the domain and let your "
                                  "name server answer for it."));
  finding->dns_lines = pm_check_facts_wanted_lines (facts);
  return TRUE;
}

static gboolean
judge_answer (const PmCheckFacts *facts, PmFinding *finding)
{
  if (facts->mx == NULL || pm_dns_answer_is_known (facts->mx))
    return FALSE;

  if (facts->mx->status == PM_DNS_BOGUS)
    pm_finding_say (finding, PM_FINDING_ERROR,
                    N_ ("The answer for {1} failed DNSSEC validation; validating senders keep its "
                        "mail back."),
                    facts->subject->domain);
  else if (facts->mx->status == PM_DNS_TIMEOUT)
    pm_finding_say (finding, PM_FINDING_UNKNOWN,
                    N_ ("Nobody answered in time for {1}; this says nothing about its records. "
                        "(Asked: {2}.)"),
                    facts->subject->domain, facts->mx->server);
  else
    pm_finding_say (finding, PM_FINDING_UNKNOWN,
                    N_ ("The name server failed to answer for {1}; this says nothing about its "
                        "records. (Asked: {2}.)"),
                    facts->subject->domain, facts->mx->server);
  pm_finding_advise (finding, N_ ("Check again later. If it stays, see whether the domain's name "
                                  "servers run, and whether this computer may ask them."));
  return TRUE;
}

/* RFC 6761 6, RFC 2606, RFC 6762 3. */
static gboolean
judge_special (const PmCheckFacts *facts, PmFinding *finding)
{
  static const char *const special[] = { "test", "invalid", "localhost", "local", "example",
                                         "onion", "internal", "home.arpa" };

  if (facts->subject->domain == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (special); i++)
    if (pm_domain_name_is_below (facts->subject->domain, special[i]))
      {
        g_autofree char *suffix = g_strconcat (".", special[i], NULL);

        pm_finding_say (finding, PM_FINDING_WARNING,
                        N_ ("Names that end in {1} are set aside for special use; the public DNS "
                            "does not have them."),
                        suffix);
        pm_finding_advise (finding, N_ ("Use this domain only inside your own network."));
        return TRUE;
      }
  return FALSE;
}

static gboolean
judge_dotless (const PmCheckFacts *facts, PmFinding *finding)
{
  if (facts->subject->domain == NULL || strchr (facts->subject->domain, '.') != NULL)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_WARNING,
                  N_ ("{1} has no dot in it; most senders take such an address for a mistake."),
                  facts->subject->domain);
  pm_finding_advise (finding, N_ ("Write the whole domain, such as example.com."));
  return TRUE;
}

/* RFC 1034 3.6.2: an alias has no other records; its mail goes where its target's goes. */
static gboolean
judge_alias (const PmCheckFacts *facts, PmFinding *finding)
{
  if (!pm_dns_answer_is_known (facts->mx) || facts->mx->canonical_name == NULL)
    return FALSE;
  pm_finding_say (finding, PM_FINDING_NOTE,
                  N_ ("{1} is an alias (CNAME) of {2}; the MX records shown are those of {2}, and "
                      "some senders rewrite the address to it."),
                  facts->subject->domain, facts->mx->canonical_name);
  pm_finding_advise (finding,
                     N_ ("Replace the alias by records of the domain's own, if mail is to be "
                         "addressed to it."));
  return TRUE;
}

static const PmCheck checks[] = {
  { "domain-name", N_ ("The domain is a valid name"), "RFC 1035 2.3.1, RFC 1123 2.1, RFC 5890",
    judge_name },
  { "domain-exists", N_ ("The domain exists"), "RFC 5321 5.1", judge_exists },
  { "domain-answer", N_ ("DNS answers for the domain"), "RFC 5321 5.1", judge_answer },
  { "domain-special-use", N_ ("The domain is not set aside for special use"),
    "RFC 6761, RFC 2606", judge_special },
  { "domain-dotless", N_ ("The domain has a dot"), "RFC 7085", judge_dotless },
  { "domain-alias", N_ ("The domain is not an alias"), "RFC 1034 3.6.2, RFC 5321 5.1",
    judge_alias },
};

const PmCheckTable pm_checks_of_domain = { checks, G_N_ELEMENTS (checks) };
