// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  PM_MTA_STS_NONE,
  PM_MTA_STS_TESTING,
  PM_MTA_STS_ENFORCE,
} PmMtaStsMode;

/**
 * PmMtaStsPolicy:
 * @mode: whether it is to be enforced
 * @max_age: seconds it is valid after it was fetched
 * @patterns: (element-type utf8): host names in lower case, or `*.` and a name
 *
 * What a domain says of the hosts that take its mail (RFC 8461 3.2). Immutable, reference counted.
 */
typedef struct
{
  PmMtaStsMode mode;
  guint max_age;
  GPtrArray *patterns;
} PmMtaStsPolicy;

PmMtaStsPolicy *pm_mta_sts_policy_parse (const char *text,
                                         gsize size,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
PmMtaStsPolicy *pm_mta_sts_policy_ref (PmMtaStsPolicy *policy);
void pm_mta_sts_policy_unref (PmMtaStsPolicy *policy);
gboolean pm_mta_sts_policy_matches (const PmMtaStsPolicy *policy, const char *host);

char *pm_mta_sts_read_txt (const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmMtaStsPolicy, pm_mta_sts_policy_unref)

G_END_DECLS
