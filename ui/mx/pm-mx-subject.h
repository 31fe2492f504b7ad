// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "check/pm-check-subject.h"
#include "site/pm-site.h"

G_BEGIN_DECLS

PmCheckSubject *pm_mx_subject_new (const char *text,
                                   const PmSite *site,
                                   const char *server,
                                   gboolean local);
GPtrArray *pm_mx_subject_list_domains (const PmSite *site, const char *server, guint limit);

G_END_DECLS
