// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Look-up by domain, whole labels only: exact entries first, then suffixes from the longest to the
// shortest. One hash probe per label, however many entries there are.

#include "routing/pm-domain-table.h"

#include <string.h>

static const char *
parent_of (const char *domain)
{
  const char *dot = strchr (domain, '.');

  return dot == NULL ? NULL : dot + 1;
}

/**
 * pm_domain_table_init:
 * @table: (out caller-allocates): the table to set up
 */
void
pm_domain_table_init (PmDomainTable *table)
{
  table->exact = g_hash_table_new (g_str_hash, g_str_equal);
  table->suffix = g_hash_table_new (g_str_hash, g_str_equal);
}

/**
 * pm_domain_table_clear:
 *
 * Frees what @table holds; it is then no longer usable.
 */
void
pm_domain_table_clear (PmDomainTable *table)
{
  g_clear_pointer (&table->exact, g_hash_table_unref);
  g_clear_pointer (&table->suffix, g_hash_table_unref);
}

/**
 * pm_domain_table_insert:
 * @domain: (transfer none): a normalized name that outlives the table
 * @subdomains: whether everything below @domain is meant as well
 * @value: (not nullable): what to find; outlives the table
 *
 * Returns: %FALSE, with nothing changed, when there is such an entry already.
 */
gboolean
pm_domain_table_insert (PmDomainTable *table,
                        const char *domain,
                        gboolean subdomains,
                        gpointer value)
{
  GHashTable *entries = subdomains ? table->suffix : table->exact;

  g_return_val_if_fail (value != NULL, FALSE);

  if (g_hash_table_contains (entries, domain))
    return FALSE;
  return g_hash_table_insert (entries, (gpointer) domain, value);
}

/**
 * pm_domain_table_has_entry:
 *
 * Returns: whether an entry, of either kind, names just @domain.
 */
gboolean
pm_domain_table_has_entry (const PmDomainTable *table, const char *domain)
{
  return g_hash_table_contains (table->exact, domain) ||
         g_hash_table_contains (table->suffix, domain);
}

/**
 * pm_domain_table_look_up:
 * @domain: a normalized name
 *
 * Returns: (nullable) (transfer none): the value of the most specific entry that matches @domain.
 */
gpointer
pm_domain_table_look_up (const PmDomainTable *table, const char *domain)
{
  gpointer value = g_hash_table_lookup (table->exact, domain);

  for (; value == NULL && domain != NULL; domain = parent_of (domain))
    value = g_hash_table_lookup (table->suffix, domain);
  return value;
}

/**
 * pm_domain_table_collect:
 * @domain: a normalized name
 * @matches: where to add the values of all entries that match, most specific first
 */
void
pm_domain_table_collect (const PmDomainTable *table, const char *domain, GPtrArray *matches)
{
  gpointer value = g_hash_table_lookup (table->exact, domain);

  if (value != NULL)
    g_ptr_array_add (matches, value);
  for (; domain != NULL; domain = parent_of (domain))
    {
      value = g_hash_table_lookup (table->suffix, domain);
      if (value != NULL)
        g_ptr_array_add (matches, value);
    }
}
