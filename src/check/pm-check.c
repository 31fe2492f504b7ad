// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The registry: every check there is, in the order in which a person reads the findings.

#include "check/pm-check.h"

#include <string.h>

#include "check/pm-check-tables.h"

static const PmCheckTable *const tables[] = {
  &pm_checks_of_domain,
  &pm_checks_of_set,
  &pm_checks_of_targets,
  &pm_checks_of_site,
};

static gpointer
collect_checks (gpointer data)
{
  GPtrArray *all = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    for (guint j = 0; j < tables[i]->n_checks; j++)
      g_ptr_array_add (all, (gpointer) &tables[i]->checks[j]);
  return all;
}

/**
 * pm_check_get_all:
 *
 * Returns: (transfer none) (element-type PmCheck): all checks. Any thread.
 */
const GPtrArray *
pm_check_get_all (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, collect_checks, NULL);
}

/**
 * pm_check_find:
 * @id: a check's id
 *
 * Returns: (nullable): the check. Any thread.
 */
const PmCheck *
pm_check_find (const char *id)
{
  const GPtrArray *all = pm_check_get_all ();

  for (guint i = 0; i < all->len; i++)
    {
      const PmCheck *check = g_ptr_array_index (all, i);

      if (strcmp (check->id, id) == 0)
        return check;
    }
  return NULL;
}

static void
free_finding (gpointer data)
{
  PmFinding *finding = data;

  pm_check_text_clear (&finding->meaning);
  pm_check_text_clear (&finding->action);
  g_free (finding->dns_lines);
  g_free (finding);
}

/**
 * pm_check_judge_all:
 * @facts: what DNS said
 *
 * Returns: (transfer container) (element-type PmFinding): what the checks that apply say.
 */
GPtrArray *
pm_check_judge_all (const PmCheckFacts *facts)
{
  const GPtrArray *all = pm_check_get_all ();
  GPtrArray *findings = g_ptr_array_new_with_free_func (free_finding);

  for (guint i = 0; i < all->len; i++)
    {
      PmFinding *finding = g_new0 (PmFinding, 1);

      finding->check = g_ptr_array_index (all, i);
      if (finding->check->judge (facts, finding))
        g_ptr_array_add (findings, finding);
      else
        free_finding (finding);
    }
  return findings;
}

const char *
pm_finding_status_to_string (PmFindingStatus status)
{
  static const char *const words[] = {
    [PM_FINDING_OK] = "ok",
    [PM_FINDING_NOTE] = "note",
    [PM_FINDING_UNKNOWN] = "unknown",
    [PM_FINDING_WARNING] = "warning",
    [PM_FINDING_ERROR] = "error",
  };

  g_return_val_if_fail ((guint) status < G_N_ELEMENTS (words), "unknown");
  return words[status];
}

const char *
pm_leads_to_string (PmLeads leads)
{
  return leads == PM_LEADS_YES ? "yes" : leads == PM_LEADS_NO ? "no"
                                                              : "unknown";
}
