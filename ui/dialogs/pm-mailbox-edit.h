// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "site/pm-site.h"

G_BEGIN_DECLS

/* Which field an error is about. */
typedef enum
{
  PM_MAILBOX_FIELD_NONE,
  PM_MAILBOX_FIELD_ADDRESS,
  PM_MAILBOX_FIELD_ALIASES,
} PmMailboxField;

const PmMailbox *pm_mailbox_edit_find (const PmMailService *service, const char *address);
PmSite *pm_mailbox_edit_apply (const PmSite *site,
                               const char *server_name,
                               const char *former,
                               const char *address,
                               const char *aliases,
                               PmMailboxField *field,
                               GError **error);
PmSite *pm_mailbox_edit_remove (const PmSite *site, const char *server_name, GPtrArray *addresses);

G_END_DECLS
