// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmMailAddress:
 * @local: the local part, unquoted: `"a b"@example.com` has the local part `a b`; case kept
 * @domain: the domain, normalized (see pm_domain_name_normalize()), or the IP address of a literal
 *   without its brackets and tag
 * @literal: (nullable): the address of an address literal `[192.0.2.1]` or `[IPv6:…]`, else %NULL
 *
 * A mailbox address (RFC 5321 4.1.2 Mailbox, with the UTF-8 of RFC 6531 3.3) as an immutable,
 * reference-counted value. Share it as `const`.
 */
typedef struct {
  char *local;
  char *domain;
  GInetAddress *literal;
} PmMailAddress;

#define PM_MAIL_ADDRESS_MAX_LOCAL 64
#define PM_MAIL_ADDRESS_MAX 254

PmMailAddress *pm_mail_address_parse (const char *text,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
PmMailAddress *pm_mail_address_ref (const PmMailAddress *address);
void pm_mail_address_unref (PmMailAddress *address);
char *pm_mail_address_to_string (const PmMailAddress *address);
char *pm_mail_address_key (const PmMailAddress *address);
PmMailAddress *pm_mail_address_with_domain (const PmMailAddress *address, const char *domain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmMailAddress, pm_mail_address_unref)

G_END_DECLS
