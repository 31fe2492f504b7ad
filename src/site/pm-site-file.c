// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The site file as others see it: bytes in, a site or every problem out.

#include "site/pm-site-file.h"

#include "base/pm-error.h"
#include "site/pm-site-reading.h"
#include "site/pm-site-resources.h"

#define MAX_PROBLEMS 200

/**
 * pm_site_parse:
 * @xml: a site file's bytes
 * @file_name: (nullable): how it is called in messages
 * @problems: (out) (optional) (transfer container) (element-type PmSiteProblem): all that is wrong
 *   or doubtful, in the order of the file; also on success
 * @error: %PM_ERROR_INVALID; the message has the errors, one a line
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): the site
 */
PmSite *
pm_site_parse (GBytes *xml, const char *file_name, GPtrArray **problems, GError **error)
{
  g_autoptr (PmSiteReading) reading = NULL;

  g_return_val_if_fail (xml != NULL, NULL);

  reading = pm_site_reading_new (xml);
  if (problems != NULL)
    *problems = g_ptr_array_ref (reading->problems);
  if (reading->n_errors > 0)
    {
      g_autofree char *text = pm_site_reading_error_text (reading, file_name);

      g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, text);
      return NULL;
    }
  return g_steal_pointer (&reading->site);
}

static void
collect_cb (gpointer data,
            PmProblemSeverity severity,
            gconstpointer value,
            const char *element,
            const char *attribute,
            const char *where,
            const char *message)
{
  GPtrArray *problems = data;

  if (problems->len < MAX_PROBLEMS)
    g_ptr_array_add (problems, pm_site_problem_new (severity, 0, 0, where, "%s", message));
}

/**
 * pm_site_validate:
 * @site: a site
 *
 * Any thread.
 *
 * Returns: (transfer container) (element-type PmSiteProblem): what is wrong or doubtful in it, at
 *   most 200; empty when nothing is
 */
GPtrArray *
pm_site_validate (const PmSite *site)
{
  GPtrArray *problems = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_site_problem_free);

  g_return_val_if_fail (site != NULL, problems);

  pm_site_check (site, FALSE, collect_cb, problems);
  return problems;
}

/**
 * pm_site_revision:
 * @xml: a site file's bytes
 *
 * Returns: (transfer full): their SHA-256 in hexadecimal. Any thread.
 */
char *
pm_site_revision (GBytes *xml)
{
  g_return_val_if_fail (xml != NULL, NULL);

  return g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, xml);
}

/**
 * pm_site_grammar:
 *
 * Returns: (transfer full): the RELAX NG grammar of the site file (data/site.rng), which is part of
 *   the library. Any thread.
 */
GBytes *
pm_site_grammar (void)
{
  return g_resource_lookup_data (pm_site_get_resource (), "/org/pointsman/site/site.rng",
                                 G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
}
