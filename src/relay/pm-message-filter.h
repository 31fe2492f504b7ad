// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-mail-address.h"
#include "relay/pm-header-section.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmMessageFilter:
 *
 * The senders that `<message-filtering>` names: `user@domain`, `@domain` (that domain, not those
 * below it), or empty for the null sender. Immutable: any thread.
 */
typedef struct _PmMessageFilter PmMessageFilter;

PmMessageFilter *pm_message_filter_new (GPtrArray *senders);
void pm_message_filter_free (PmMessageFilter *filter);
gboolean pm_message_filter_names (const PmMessageFilter *filter, const PmMailAddress *sender);
gboolean pm_message_filter_names_author (const PmMessageFilter *filter,
                                         const PmHeaderSection *section);

PmSmtpReply *pm_message_filter_refuse (void);

/* (transfer full) (element-type PmMailAddress): the addresses in the value of a From: field. */
GPtrArray *pm_message_filter_read_authors (const char *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmMessageFilter, pm_message_filter_free)

G_END_DECLS
