// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmDomainTable:
 *
 * Things found by domain: entries that match their domain only, and entries that match everything
 * below it as well. A plain struct: init, insert, clear; looking up changes nothing, so that any
 * thread may. Names are normalized and borrowed, as are the values.
 */
typedef struct
{
  GHashTable *exact;
  GHashTable *suffix;
} PmDomainTable;

void pm_domain_table_init (PmDomainTable *table);
void pm_domain_table_clear (PmDomainTable *table);
gboolean pm_domain_table_insert (PmDomainTable *table,
                                 const char *domain,
                                 gboolean subdomains,
                                 gpointer value);
gboolean pm_domain_table_has_entry (const PmDomainTable *table, const char *domain);
gpointer pm_domain_table_look_up (const PmDomainTable *table, const char *domain);
void pm_domain_table_collect (const PmDomainTable *table, const char *domain, GPtrArray *matches);

G_END_DECLS
