// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "site/pm-site-schema.h"

G_BEGIN_DECLS

/* A site's values walked along the table, private to src/site. */

GPtrArray *pm_site_tree_values (const PmSiteChild *child, gconstpointer parent);
gboolean pm_site_tree_says_something (const PmSiteElement *element, gconstpointer value);
gboolean pm_site_tree_is_present (const PmSiteChild *child, gconstpointer parent);

GArray *pm_site_tree_match (const PmSiteElement *element, GPtrArray *from, GPtrArray *to);

/* How new text looks: `unit` is one step of indentation, `newline` the file's line end. */
typedef struct
{
  const char *prefix; /* of element names, with its colon; may be empty */
  const char *unit;
  const char *newline;
} PmSiteStyle;

void pm_site_tree_append (GString *out,
                          const PmSiteStyle *style,
                          const PmSiteElement *element,
                          gconstpointer value,
                          const char *indent,
                          gboolean inline_only);
void pm_site_tree_append_value (GString *out, const char *text, char quote);

G_END_DECLS
