// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What DNS said about a domain, brought into the shape in which it is judged. Every question here
// can be answered without asking anybody, and “no answer” never turns into “no”.

#include "check/pm-check-facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/pm-domain-name.h"

// What is asked for is bounded: a zone can list thousands of hosts, a sender tries a handful.
#define MAX_HOSTS 32
#define MAX_NAMES 6
#define WANTED_TTL 3600

gboolean
pm_dns_answer_is_known (const PmDnsAnswer *answer)
{
  return answer != NULL && answer->status <= PM_DNS_NXDOMAIN;
}

static void
clear_host (PmHostFacts *host)
{
  g_clear_pointer (&host->name, g_free);
  g_clear_pointer (&host->a, pm_dns_answer_unref);
  g_clear_pointer (&host->aaaa, pm_dns_answer_unref);
}

static void
free_host (gpointer data)
{
  clear_host (data);
  g_free (data);
}

/* Whether every question about the host has been answered, or will never be asked. */
gboolean
pm_host_facts_is_complete (const PmHostFacts *host)
{
  return host->literal || host->skipped || (host->a != NULL && host->aaaa != NULL);
}

gboolean
pm_host_facts_has_address (const PmHostFacts *host)
{
  return (host->a != NULL && host->a->records->len > 0) ||
         (host->aaaa != NULL && host->aaaa->records->len > 0);
}

/* Whether it cannot be said that the host has or has not an address. */
gboolean
pm_host_facts_is_unknown (const PmHostFacts *host)
{
  if (host->literal || pm_host_facts_has_address (host))
    return FALSE;
  return !pm_dns_answer_is_known (host->a) || !pm_dns_answer_is_known (host->aaaa);
}

/* (nullable): what the host is an alias of. */
const char *
pm_host_facts_alias (const PmHostFacts *host)
{
  if (host->a != NULL && host->a->canonical_name != NULL)
    return host->a->canonical_name;
  return host->aaaa != NULL ? host->aaaa->canonical_name : NULL;
}

static void
add_addresses (GPtrArray *addresses, const PmDnsAnswer *answer)
{
  for (guint i = 0; answer != NULL && i < answer->records->len; i++)
    {
      const PmDnsRecord *record = g_ptr_array_index (answer->records, i);

      if (record->address != NULL)
        g_ptr_array_add (addresses, g_object_ref (record->address));
    }
}

/* (transfer container) (element-type GInetAddress): IPv4 first. */
GPtrArray *
pm_host_facts_addresses (const PmHostFacts *host)
{
  GPtrArray *addresses = g_ptr_array_new_with_free_func (g_object_unref);

  add_addresses (addresses, host->a);
  add_addresses (addresses, host->aaaa);
  return addresses;
}

gboolean
pm_host_facts_has_scope (const PmHostFacts *host, PmAddressScope scope)
{
  g_autoptr (GPtrArray) addresses = pm_host_facts_addresses (host);

  for (guint i = 0; i < addresses->len; i++)
    if (pm_address_scope (g_ptr_array_index (addresses, i)) == scope)
      return TRUE;
  return FALSE;
}

static gboolean
contains_address (GPtrArray *addresses, GInetAddress *address)
{
  for (guint i = 0; i < addresses->len; i++)
    if (g_inet_address_equal (g_ptr_array_index (addresses, i), address))
      return TRUE;
  return FALSE;
}

gboolean
pm_host_facts_share_address (const PmHostFacts *a, const PmHostFacts *b)
{
  g_autoptr (GPtrArray) first = pm_host_facts_addresses (a);
  g_autoptr (GPtrArray) second = pm_host_facts_addresses (b);

  for (guint i = 0; i < first->len; i++)
    if (contains_address (second, g_ptr_array_index (first, i)))
      return TRUE;
  return FALSE;
}

static gboolean
has_global (GPtrArray *addresses)
{
  for (guint i = 0; i < addresses->len; i++)
    if (pm_address_scope (g_ptr_array_index (addresses, i)) == PM_SCOPE_GLOBAL)
      return TRUE;
  return FALSE;
}

/*
 * Whether the host is this server: one of its addresses is one of ours. Behind an address
 * translator we see only private addresses of our own; then a public one may still be ours, and we
 * do not know.
 */
PmLeads
pm_check_facts_leads (const PmCheckFacts *facts, const PmHostFacts *host)
{
  const PmCheckSubject *subject = facts->subject;
  g_autoptr (GPtrArray) addresses = pm_host_facts_addresses (host);

  if (subject->own_addresses->len == 0 || pm_host_facts_is_unknown (host))
    return PM_LEADS_UNKNOWN;
  for (guint i = 0; i < addresses->len; i++)
    if (contains_address (subject->own_addresses, g_ptr_array_index (addresses, i)))
      return PM_LEADS_YES;
  if (!pm_dns_answer_is_known (host->a) && !host->literal)
    return PM_LEADS_UNKNOWN;
  if (!pm_dns_answer_is_known (host->aaaa) && !host->literal)
    return PM_LEADS_UNKNOWN;
  if (!subject->declared && !has_global (subject->own_addresses) && has_global (addresses))
    return PM_LEADS_UNKNOWN;
  return PM_LEADS_NO;
}

/*
 * Whether senders try this server first: records of equal preference are tried in random order (RFC
 * 5321 5.1), so that it takes one of the lowest. @shared: others have the same preference.
 */
PmLeads
pm_check_facts_first_leads (const PmCheckFacts *facts, gboolean *shared)
{
  const PmMxFact *first = g_ptr_array_index (facts->records, 0);
  gboolean seen[PM_LEADS_YES + 1] = { FALSE };

  for (guint i = 0; i < facts->records->len; i++)
    {
      const PmMxFact *record = g_ptr_array_index (facts->records, i);

      if (record->preference == first->preference)
        seen[pm_check_facts_leads (facts, record->host)] = TRUE;
    }
  *shared = seen[PM_LEADS_YES] && (seen[PM_LEADS_NO] || seen[PM_LEADS_UNKNOWN]);
  if (seen[PM_LEADS_YES])
    return PM_LEADS_YES;
  return seen[PM_LEADS_UNKNOWN] ? PM_LEADS_UNKNOWN : PM_LEADS_NO;
}

/* A name that the public DNS does not have, where private addresses are as they should be. */
gboolean
pm_check_facts_is_internal (const PmCheckFacts *facts)
{
  // RFC 6762 appendix G and RFC 8375, and what ICANN keeps free for this.
  static const char *const internal[] = { "local", "lan", "internal", "intranet", "private",
                                          "corp", "home", "test", "home.arpa", "localhost" };

  for (guint i = 0; i < G_N_ELEMENTS (internal); i++)
    if (pm_domain_name_is_below (facts->subject->domain, internal[i]))
      return TRUE;
  return strchr (facts->subject->domain, '.') == NULL;
}

/* Whether there are records to judge: not for a name that is none, has no MX, or is not known. */
gboolean
pm_check_facts_has_target (const PmCheckFacts *facts)
{
  return facts->records->len > 0;
}

guint
pm_check_facts_count (const PmCheckFacts *facts, PmLeads leads)
{
  guint count = 0;

  for (guint i = 0; i < facts->hosts->len; i++)
    if (pm_check_facts_leads (facts, g_ptr_array_index (facts->hosts, i)) == leads)
      count++;
  return count;
}

static void
add_name (GString *names, const char *name, guint count)
{
  if (count < MAX_NAMES)
    g_string_append_printf (names, "%s%s", count == 0 ? "" : ", ", name);
  else if (count == MAX_NAMES)
    g_string_append (names, ", …");
}

/* (nullable): the hosts for which the test holds; %NULL where there is none. */
char *
pm_check_facts_hosts_that (const PmCheckFacts *facts, PmHostTest test)
{
  g_autoptr (GString) names = g_string_new (NULL);
  guint count = 0;

  for (guint i = 0; i < facts->hosts->len; i++)
    {
      const PmHostFacts *host = g_ptr_array_index (facts->hosts, i);

      if (test (facts, host))
        add_name (names, host->name, count++);
    }
  return count > 0 ? g_string_free (g_steal_pointer (&names), FALSE) : NULL;
}

/* (nullable): the names of the hosts that lead here, do not, or might. */
char *
pm_check_facts_names (const PmCheckFacts *facts, PmLeads leads)
{
  g_autoptr (GString) names = g_string_new (NULL);
  guint count = 0;

  for (guint i = 0; i < facts->hosts->len; i++)
    {
      const PmHostFacts *host = g_ptr_array_index (facts->hosts, i);

      if (pm_check_facts_leads (facts, host) == leads)
        add_name (names, host->name, count++);
    }
  return count > 0 ? g_string_free (g_steal_pointer (&names), FALSE) : NULL;
}

/*
 * (nullable): the zone lines by which the domain's mail comes to this server. Addresses only where
 * they are known to be the public ones.
 */
char *
pm_check_facts_wanted_lines (const PmCheckFacts *facts)
{
  const PmCheckSubject *subject = facts->subject;
  g_autoptr (GString) lines = NULL;
  const char *host;

  if (subject->own_names->len == 0 || subject->domain == NULL)
    return NULL;

  host = g_ptr_array_index (subject->own_names, 0);
  lines = g_string_new (NULL);
  g_string_append_printf (lines, "%s. %d IN MX 10 %s.\n", subject->domain, WANTED_TTL, host);
  for (guint i = 0; i < subject->own_addresses->len; i++)
    {
      GInetAddress *address = g_ptr_array_index (subject->own_addresses, i);
      g_autofree char *text = g_inet_address_to_string (address);
      gboolean v4 = g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4;

      if (subject->declared || pm_address_scope (address) == PM_SCOPE_GLOBAL)
        g_string_append_printf (lines, "%s. %d IN %s %s\n", host, WANTED_TTL, v4 ? "A" : "AAAA",
                                text);
    }
  return g_string_free (g_steal_pointer (&lines), FALSE);
}

void
pm_check_facts_init (PmCheckFacts *facts, const PmCheckSubject *subject)
{
  memset (facts, 0, sizeof *facts);
  facts->subject = subject;
  facts->records = g_ptr_array_new_with_free_func (g_free);
  facts->hosts = g_ptr_array_new_with_free_func (free_host);
  facts->apex.name = g_strdup (subject->domain);
}

void
pm_check_facts_clear (PmCheckFacts *facts)
{
  g_clear_pointer (&facts->mx, pm_dns_answer_unref);
  g_clear_pointer (&facts->records, g_ptr_array_unref);
  g_clear_pointer (&facts->hosts, g_ptr_array_unref);
  g_clear_pointer (&facts->text, pm_dns_answer_unref);
  g_clear_pointer (&facts->wildcard, pm_dns_answer_unref);
  clear_host (&facts->apex);
}

static gboolean
is_address (const char *name)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (name);

  return address != NULL;
}

static PmHostFacts *
ensure_host (PmCheckFacts *facts, GHashTable *known, const char *name)
{
  PmHostFacts *host = g_hash_table_lookup (known, name);

  if (host != NULL)
    return host;
  host = g_new0 (PmHostFacts, 1);
  host->name = g_strdup (name);
  host->literal = is_address (name);
  host->skipped = facts->hosts->len >= MAX_HOSTS;
  g_ptr_array_add (facts->hosts, host);
  g_hash_table_insert (known, host->name, host);
  return host;
}

static void
add_record (PmCheckFacts *facts, guint16 preference, guint32 ttl, PmHostFacts *host)
{
  PmMxFact *record = g_new0 (PmMxFact, 1);

  record->preference = preference;
  record->ttl = ttl;
  record->host = host;
  g_ptr_array_add (facts->records, record);
}

static int
compare_records (gconstpointer a, gconstpointer b)
{
  const PmDnsRecord *first = *(PmDnsRecord *const *) a;
  const PmDnsRecord *second = *(PmDnsRecord *const *) b;

  if (first->preference != second->preference)
    return first->preference < second->preference ? -1 : 1;
  return strcmp (first->name, second->name);
}

/* Takes the answer to the question for MX records, and sees which hosts are to be asked for. */
void
pm_check_facts_take_mx (PmCheckFacts *facts, PmDnsAnswer *answer)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) sorted = g_ptr_array_copy (answer->records, NULL, NULL);

  facts->mx = answer;
  g_ptr_array_set_free_func (sorted, NULL);
  g_ptr_array_sort (sorted, compare_records);
  for (guint i = 0; i < sorted->len; i++)
    {
      const PmDnsRecord *record = g_ptr_array_index (sorted, i);

      if (strcmp (record->name, ".") != 0)
        {
          add_record (facts, record->preference, record->ttl,
                      ensure_host (facts, known, record->name));
          continue;
        }
      facts->null_mx = TRUE;
      facts->null_preference = record->preference;
    }
}

/*
 * Once the domain's own addresses are known too: without MX records they are where mail goes (RFC
 * 5321 5.1). That somebody did not answer is no absence of MX records.
 */
void
pm_check_facts_take_apex (PmCheckFacts *facts)
{
  PmHostFacts *host;

  if (facts->mx->status != PM_DNS_NODATA || !pm_host_facts_is_complete (&facts->apex) ||
      !pm_host_facts_has_address (&facts->apex))
    return;
  host = g_new0 (PmHostFacts, 1);
  host->name = g_strdup (facts->apex.name);
  if (facts->apex.a != NULL)
    host->a = pm_dns_answer_ref (facts->apex.a);
  if (facts->apex.aaaa != NULL)
    host->aaaa = pm_dns_answer_ref (facts->apex.aaaa);
  g_ptr_array_add (facts->hosts, host);
  facts->implicit = TRUE;
  add_record (facts, 0, 0, host);
}
