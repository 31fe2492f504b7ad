// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "check/pm-check-subject.h"
#include "check/pm-check-text.h"
#include "dns/pm-resolver.h"

G_BEGIN_DECLS

/* Ordered by how much it matters; unknown is neither right nor wrong. */
typedef enum
{
  PM_FINDING_OK,
  PM_FINDING_NOTE,
  PM_FINDING_UNKNOWN,
  PM_FINDING_WARNING,
  PM_FINDING_ERROR,
} PmFindingStatus;

/* Whether a host is this server. */
typedef enum
{
  PM_LEADS_UNKNOWN,
  PM_LEADS_NO,
  PM_LEADS_YES,
} PmLeads;

/**
 * PmHostFacts:
 * @name: the host, as DNS gave it
 * @literal: @name is an IP address, and was not asked for
 * @skipped: it was not asked for, because there were too many
 * @a: (nullable): what DNS said, %NULL as long as it has not
 * @aaaa: (nullable): as @a
 *
 * One distinct host that mail is sent to.
 */
typedef struct
{
  char *name;
  gboolean literal;
  gboolean skipped;
  PmDnsAnswer *a;
  PmDnsAnswer *aaaa;
} PmHostFacts;

/**
 * PmMxFact:
 * @preference: lower is tried first
 * @host: the host, one of the facts' hosts
 *
 * One MX record.
 */
typedef struct
{
  guint16 preference;
  guint32 ttl;
  PmHostFacts *host;
} PmMxFact;

/**
 * PmCheckFacts:
 * @subject: what is checked
 * @mx: (nullable): the answer for the domain's MX records
 * @records: (element-type PmMxFact): by preference; where there is no MX record and the domain has
 *   an address, the implicit one (RFC 5321 5.1)
 * @implicit: @records is the implicit MX
 * @null_mx: one of the MX records is the null MX, which is not among @records (RFC 7505)
 * @null_preference: its preference
 * @hosts: (element-type PmHostFacts): the distinct hosts of @records
 * @apex: addresses of the domain itself
 * @text: (nullable): the domain's TXT records, where it has no MX
 * @wildcard: (nullable): MX records of a name below the domain that nobody has made
 *
 * What DNS said, and nothing else: checks judge it without asking anybody.
 */
typedef struct
{
  const PmCheckSubject *subject;
  PmDnsAnswer *mx;
  GPtrArray *records;
  gboolean implicit;
  gboolean null_mx;
  guint16 null_preference;
  GPtrArray *hosts;
  PmHostFacts apex;
  PmDnsAnswer *text;
  PmDnsAnswer *wildcard;
} PmCheckFacts;

typedef struct _PmCheck PmCheck;

/**
 * PmFinding:
 * @check: what was checked
 * @status: how it is
 * @meaning: one sentence: what it means
 * @action: one sentence: what to do; without template where there is nothing to do
 * @dns_lines: (nullable): lines for a zone file, to copy
 */
typedef struct
{
  const PmCheck *check;
  PmFindingStatus status;
  PmCheckText meaning;
  PmCheckText action;
  char *dns_lines;
} PmFinding;

/**
 * PmCheck:
 * @id: its name for programs, as `mx-target-alias`; does not change
 * @title: its name for people, to be translated
 * @basis: where it comes from, as `RFC 2181 10.3`
 * @judge: fills the finding from the facts; %FALSE: the check does not apply to them
 *
 * An entry of the registry. To add a check is to write a judge and its entry.
 */
struct _PmCheck
{
  const char *id;
  const char *title;
  const char *basis;
  gboolean (*judge) (const PmCheckFacts *facts, PmFinding *finding);
};

/* (element-type PmCheck) (transfer none): all checks, in the order in which they are shown. */
const GPtrArray *pm_check_get_all (void);
const PmCheck *pm_check_find (const char *id);

/* (element-type PmFinding) (transfer container): of all checks that apply. */
GPtrArray *pm_check_judge_all (const PmCheckFacts *facts);

const char *pm_finding_status_to_string (PmFindingStatus status);
const char *pm_leads_to_string (PmLeads leads);

G_END_DECLS
