// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "auth/pm-accounts.h"
#include "net/pm-tls.h"
#include "queue/pm-queue-message.h"
#include "relay/pm-message-filter.h"
#include "routing/pm-router.h"
#include "site/pm-site-file.h"

G_BEGIN_DECLS

/**
 * PmRelaySettings:
 * @site: the site
 * @service: (transfer none): the mail service of the site that this engine is
 * @host: our public host name
 * @router: the routing
 * @revision: of the site file
 * @maildir: (nullable): absolute path of the folder of mailboxes
 * @quotas: (element-type utf8 guint64): of mailboxes that have their own, by their key
 * @administrator: (nullable): who hears of what cannot be reported to a sender
 * @self: (element-type GInetAddress): our addresses, declared and of this host's interfaces
 * @max_inbound: connections that clients may have: the site's limit, or what descriptors allow
 * @filter: the senders that message filtering names
 * @tls: (nullable): the certificates; %NULL where there is none
 * @secrets: (nullable): the folder with what we log in to other hosts with
 * @accounts: (nullable): who may authenticate; %NULL where nobody may
 *
 * What a site file means to the engine: an immutable, reference-counted snapshot. A session keeps
 * the one it began with. Any thread.
 */
typedef struct
{
  PmSite *site;
  const PmMailService *service;
  char *host;
  PmRouter *router;
  char *revision;
  char *maildir;
  GHashTable *quotas;
  PmMailAddress *administrator;
  GPtrArray *self;
  guint max_inbound;
  PmMessageFilter *filter;
  PmTlsServer *tls;
  PmAccounts *accounts;
  char *secrets;
} PmRelaySettings;

PmRelaySettings *pm_relay_settings_load (const char *path,
                                         const char *server,
                                         const char *state_dir,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
PmRelaySettings *pm_relay_settings_new (PmSite *site,
                                        const char *server,
                                        const char *revision,
                                        const char *state_dir,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
PmRelaySettings *pm_relay_settings_ref (const PmRelaySettings *settings);
void pm_relay_settings_unref (PmRelaySettings *settings);

PmDecision *pm_relay_settings_route (const PmRelaySettings *settings,
                                     const PmMailAddress *recipient,
                                     const PmRoutingClient *client);
void pm_relay_settings_describe (const PmDecision *decision, PmQueueRecipient *recipient);
guint64 pm_relay_settings_get_quota (const PmRelaySettings *settings,
                                     const PmMailAddress *mailbox);
const PmDomainSecurity *pm_relay_settings_get_login (const PmRelaySettings *settings,
                                                     const char *domain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmRelaySettings, pm_relay_settings_unref)

G_END_DECLS
