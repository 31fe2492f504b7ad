// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What the site does with mail for the domain, as its router decided. */
typedef enum
{
  PM_CHECK_ROUTE_UNKNOWN, /* nobody has told; checks about it are left out */
  PM_CHECK_ROUTE_NONE,    /* not accepted from other hosts */
  PM_CHECK_ROUTE_INBOUND, /* accepted into mailboxes here */
  PM_CHECK_ROUTE_ONWARD,  /* accepted, and rewritten, forwarded or relayed */
} PmCheckRoute;

/**
 * PmCheckSubject:
 * @text: the domain as it was given
 * @domain: (nullable): the domain normalized; %NULL where @text is no domain name
 * @problem: (nullable): what is wrong with @text
 * @own_names: (element-type utf8): DNS names of this server, the public one first
 * @own_addresses: (element-type GInetAddress): addresses that are this server's
 * @declared: @own_addresses were declared as the public ones; else they are those of this machine's
 *   interfaces, and an address translator may stand in front of it
 * @route: what the site does with its mail
 * @route_subdomains: whether @route holds for everything below the domain as well
 *
 * What is to be checked, and what “this server” means. Filled by the caller, then given to a
 * #PmMxReport, which keeps a copy.
 */
typedef struct
{
  char *text;
  char *domain;
  char *problem;
  GPtrArray *own_names;
  GPtrArray *own_addresses;
  gboolean declared;
  PmCheckRoute route;
  gboolean route_subdomains;
} PmCheckSubject;

PmCheckSubject *pm_check_subject_new (const char *text);
PmCheckSubject *pm_check_subject_copy (const PmCheckSubject *subject);
void pm_check_subject_free (PmCheckSubject *subject);
void pm_check_subject_add_name (PmCheckSubject *subject, const char *name);
gboolean pm_check_subject_add_declared (PmCheckSubject *subject, const char *address);
void pm_check_subject_add_interfaces (PmCheckSubject *subject);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmCheckSubject, pm_check_subject_free)

G_END_DECLS
