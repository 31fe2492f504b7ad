// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "site/pm-site-file.h"
#include "site/pm-site-schema.h"
#include "site/pm-xml-document.h"

G_BEGIN_DECLS

/**
 * PmSiteReading:
 * @document: the text; its elements carry what they were read as and into
 * @site: (nullable): the values, whole only when @n_errors is 0
 * @problems: (element-type PmSiteProblem)
 * @readable: whether @document's elements can be used
 *
 * A site file that is being read, or was: what pm_site_parse() and pm_site_write() begin with.
 */
typedef struct
{
  PmXmlDocument *document;
  PmSite *site;
  GPtrArray *problems;
  guint n_errors;
  guint n_warnings;
  gboolean readable;
} PmSiteReading;

PmSiteReading *pm_site_reading_new (GBytes *xml);
void pm_site_reading_free (PmSiteReading *reading);
char *pm_site_reading_error_text (const PmSiteReading *reading, const char *file_name);

/*
 * What pm_site_validate() finds, told about the value and the element (and attribute) that it is
 * about. `partial`: parts of the site could not be read, so nothing is said to be missing.
 */
typedef void (*PmSiteReport) (gpointer data,
                              PmProblemSeverity severity,
                              gconstpointer value,
                              const char *element,
                              const char *attribute,
                              const char *where,
                              const char *message);

void pm_site_check (const PmSite *site, gboolean partial, PmSiteReport report, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSiteReading, pm_site_reading_free)

G_END_DECLS
