// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "routing/pm-router.h"

G_BEGIN_DECLS

char *pm_decision_text_headline (const PmDecision *decision);
const char *pm_decision_text_icon (const PmDecision *decision);
char *pm_decision_text_hops (const PmDecision *decision);
char *pm_decision_text_rule (const PmRoute *rule);

G_END_DECLS
