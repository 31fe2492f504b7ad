// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "site/pm-site.h"

G_BEGIN_DECLS

typedef enum
{
  PM_PROBLEM_WARNING,
  PM_PROBLEM_ERROR,
} PmProblemSeverity;

/**
 * PmSiteProblem:
 * @severity: whether the site can be used all the same
 * @line: from 1; 0 when of no place
 * @column: from 1; 0 when not known
 * @where: the element, as `routing/route[@domain="example.net"]`; may be empty
 * @message: one sentence: what was found, what was expected, what to do
 *
 * Something wrong with a site file, or doubtful in a site. Immutable once made.
 */
typedef struct
{
  PmProblemSeverity severity;
  guint line;
  guint column;
  char *where;
  char *message;
} PmSiteProblem;

PmSiteProblem *pm_site_problem_new (PmProblemSeverity severity,
                                    guint line,
                                    guint column,
                                    const char *where,
                                    const char *message_format,
                                    ...) G_GNUC_PRINTF (5, 6);
void pm_site_problem_free (PmSiteProblem *problem);
char *pm_site_problem_to_string (const PmSiteProblem *problem, const char *file_name);

#define PM_SITE_FILE_MAX_SIZE (64 * 1024 * 1024)

/*
 * Reads a site file: strictly (namespace urn:pointsman:site:1, grammar, values, then
 * pm_site_validate()), no entities, DTD or network, bounded depth, size and count. All problems at
 * once go to `problems` (out, transfer container, element-type PmSiteProblem; warnings also on
 * success). Returns NULL with PM_ERROR_INVALID whose message lists the errors one a line as
 * `file:line:column: …`. Any thread.
 */
PmSite *pm_site_parse (GBytes *xml,
                       const char *file_name,
                       GPtrArray **problems,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * What is wrong or doubtful in a site beyond its form: duplicate routes, services without a server,
 * a route that sends mail back to this host, … Pure. (transfer container)
 */
GPtrArray *pm_site_validate (const PmSite *site);

/*
 * The text of `site`, as the smallest edit of `base` (nullable: a new file): what did not change
 * keeps its bytes, comments, foreign elements and attributes, order and indentation stay. Writing
 * what was read gives the same bytes. `base` must load.
 */
GBytes *pm_site_write (const PmSite *site,
                       GBytes *base,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The revision of a site file's bytes: their SHA-256 in hexadecimal. */
char *pm_site_revision (GBytes *xml);

/* The RELAX NG grammar of the site file, data/site.rng, which is part of the library. */
GBytes *pm_site_grammar (void);

typedef enum
{
  PM_CHANGE_ADDED,
  PM_CHANGE_REMOVED,
  PM_CHANGE_MODIFIED,
} PmChangeKind;

/* One difference of two sites, in the words of the site file; `from`/`to` are nullable. */
typedef struct
{
  PmChangeKind kind;
  char *where;
  char *from;
  char *to;
} PmSiteChange;

void pm_site_change_free (PmSiteChange *change);

/* (transfer container) (element-type PmSiteChange): what differs, in document order. */
GPtrArray *pm_site_difference (const PmSite *from, const PmSite *to);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSiteProblem, pm_site_problem_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSiteChange, pm_site_change_free)

G_END_DECLS
