// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "check/pm-address-scope.h"
#include "check/pm-check.h"

G_BEGIN_DECLS

/* Questions that judges ask the facts. A list of names is comma-separated, for a sentence. */
gboolean pm_dns_answer_is_known (const PmDnsAnswer *answer);

gboolean pm_host_facts_is_complete (const PmHostFacts *host);
gboolean pm_host_facts_is_unknown (const PmHostFacts *host);
gboolean pm_host_facts_has_address (const PmHostFacts *host);
const char *pm_host_facts_alias (const PmHostFacts *host);
GPtrArray *pm_host_facts_addresses (const PmHostFacts *host);
gboolean pm_host_facts_has_scope (const PmHostFacts *host, PmAddressScope scope);
gboolean pm_host_facts_share_address (const PmHostFacts *a, const PmHostFacts *b);

PmLeads pm_check_facts_leads (const PmCheckFacts *facts, const PmHostFacts *host);
PmLeads pm_check_facts_first_leads (const PmCheckFacts *facts, gboolean *shared);
gboolean pm_check_facts_is_internal (const PmCheckFacts *facts);
gboolean pm_check_facts_has_target (const PmCheckFacts *facts);
guint pm_check_facts_count (const PmCheckFacts *facts, PmLeads leads);
char *pm_check_facts_names (const PmCheckFacts *facts, PmLeads leads);
char *pm_check_facts_wanted_lines (const PmCheckFacts *facts);

typedef gboolean (*PmHostTest) (const PmCheckFacts *facts, const PmHostFacts *host);
char *pm_check_facts_hosts_that (const PmCheckFacts *facts, PmHostTest test);

void pm_check_facts_init (PmCheckFacts *facts, const PmCheckSubject *subject);
void pm_check_facts_clear (PmCheckFacts *facts);
void pm_check_facts_take_mx (PmCheckFacts *facts, PmDnsAnswer *answer);
void pm_check_facts_take_apex (PmCheckFacts *facts);

PmFindingStatus pm_check_facts_verdict (const PmCheckFacts *facts, PmCheckText *text);
PmFindingStatus pm_check_facts_remark (const PmCheckFacts *facts, guint index, PmCheckText *text);

G_END_DECLS
