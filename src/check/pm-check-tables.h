// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "check/pm-check-facts.h"

G_BEGIN_DECLS

/* The tables of checks that make up the registry, and what judges say things with. */
typedef struct
{
  const PmCheck *checks;
  guint n_checks;
} PmCheckTable;

extern const PmCheckTable pm_checks_of_domain;
extern const PmCheckTable pm_checks_of_set;
extern const PmCheckTable pm_checks_of_targets;
extern const PmCheckTable pm_checks_of_site;

#define pm_finding_say(finding, its_status, ...)                \
  G_STMT_START                                                  \
  {                                                             \
    (finding)->status = (its_status);                           \
    pm_check_text_set (&(finding)->meaning, __VA_ARGS__, NULL); \
  }                                                             \
  G_STMT_END

#define pm_finding_advise(finding, ...) \
  pm_check_text_set (&(finding)->action, __VA_ARGS__, NULL)

G_END_DECLS
