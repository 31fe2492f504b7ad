// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  PM_ROUTE_ENTRY_VALID,
  PM_ROUTE_ENTRY_EMPTY,
  PM_ROUTE_ENTRY_INVALID,    /* no domain name: @problem says why */
  PM_ROUTE_ENTRY_ADDRESS,    /* `anna@example.net`: routing is by domain; @suggestion has it */
  PM_ROUTE_ENTRY_IP_ADDRESS, /* routing is by domain; own addresses are inbound by themselves */
  PM_ROUTE_ENTRY_EVERYTHING, /* `*`: mail for no entry goes by Connections anyway */
} PmRouteEntryStatus;

typedef enum
{
  PM_ROUTE_ENTRY_PLAIN,
  PM_ROUTE_ENTRY_EXACT_MARK, /* `#example.net`: read as without subdomains */
  PM_ROUTE_ENTRY_AT_SIGN,    /* `@example.net`: the @ was dropped */
  PM_ROUTE_ENTRY_WILDCARD,   /* `*.example.net`, `.example.net`: read as with subdomains, which
                                includes example.net itself */
} PmRouteEntryHint;

/**
 * PmRouteEntry:
 * @status: whether it can be an entry
 * @hint: what was understood that is not written as it is kept
 * @domain: (nullable): the normalized domain; for %PM_ROUTE_ENTRY_VALID only
 * @subdomains: whether it matches everything below @domain as well
 * @suggestion: (nullable): what was probably meant, to be typed instead
 * @problem: (nullable): for %PM_ROUTE_ENTRY_INVALID, why, in untranslated English
 *
 * What somebody typed into “E-Mail sent to this domain”, understood.
 */
typedef struct
{
  PmRouteEntryStatus status;
  PmRouteEntryHint hint;
  char *domain;
  gboolean subdomains;
  char *suggestion;
  char *problem;
} PmRouteEntry;

/**
 * PmRoutePreview:
 * @matches: (array zero-terminated=1): addresses that the entry is for
 * @misses: (array zero-terminated=1): addresses that one might think it is for
 *
 * Examples of what an entry means, with domains as a person reads them.
 */
typedef struct
{
  GStrv matches;
  GStrv misses;
} PmRoutePreview;

PmRouteEntry *pm_route_entry_parse (const char *text, gboolean subdomains);
void pm_route_entry_free (PmRouteEntry *entry);
char *pm_route_entry_explain (const PmRouteEntry *entry);

PmRoutePreview *pm_route_preview_new (const char *domain, gboolean subdomains);
void pm_route_preview_free (PmRoutePreview *preview);
char *pm_route_preview_to_string (const PmRoutePreview *preview);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmRouteEntry, pm_route_entry_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmRoutePreview, pm_route_preview_free)

G_END_DECLS
