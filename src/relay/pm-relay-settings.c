// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A site file made into what the engine acts on. A snapshot is whole or there is none: a file that
// does not load, or has no service for this server, changes nothing.

#include "relay/pm-relay-settings.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "auth/pm-pam-client.h"
#include "base/pm-domain-name.h"
#include "base/pm-error.h"
#include "base/pm-log.h"
#include "relay/pm-descriptors.h"
#include "relay/pm-diagnostics.h"

static GPtrArray *
list_own_addresses (const PmServer *server)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);
  struct ifaddrs *interfaces = NULL;

  if (getifaddrs (&interfaces) != 0)
    interfaces = NULL;
  for (struct ifaddrs *i = interfaces; i != NULL; i = i->ifa_next)
    {
      gsize size = i->ifa_addr == NULL                  ? 0
                   : i->ifa_addr->sa_family == AF_INET  ? sizeof (struct sockaddr_in)
                   : i->ifa_addr->sa_family == AF_INET6 ? sizeof (struct sockaddr_in6)
                                                        : 0;
      g_autoptr (GSocketAddress) address = NULL;

      if (size > 0)
        address = g_socket_address_new_from_native (i->ifa_addr, size);
      if (G_IS_INET_SOCKET_ADDRESS (address))
        g_ptr_array_add (list, g_object_ref (g_inet_socket_address_get_address (
                                   G_INET_SOCKET_ADDRESS (address))));
    }
  if (interfaces != NULL)
    freeifaddrs (interfaces);

  for (guint i = 0; server != NULL && i < server->addresses->len; i++)
    {
      GInetAddress *address =
          g_inet_address_new_from_string (g_ptr_array_index (server->addresses, i));

      if (address != NULL)
        g_ptr_array_add (list, address);
    }
  return list;
}

static const PmMailService *
choose_service (const PmSite *site, const char *server, GError **error)
{
  const PmMailService *service = NULL;

  if (server != NULL)
    service = pm_site_find_service (site, server);
  else if (site->services->len == 1)
    return g_ptr_array_index (site->services, 0);

  if (service == NULL && server != NULL)
    g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                 "The site has no internet-mail-service for the server %s", server);
  else if (service == NULL)
    g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                 "The site has %u internet-mail-service elements; say with --server which one",
                 site->services->len);
  return service;
}

/*
 * A certificate that cannot be used is a mistake to be told of when it is made: who leaves it out
 * sends and takes in clear what the site says is secured, and nobody notices.
 */
static gboolean
load_certificates (PmRelaySettings *settings, GError **error)
{
  const GPtrArray *certificates = settings->service->certificates;
  g_autoptr (GError) local = NULL;

  if (certificates->len == 0)
    return TRUE;
  settings->tls = pm_tls_server_new (&local);
  for (guint i = 0; local == NULL && i < certificates->len; i++)
    {
      const PmCertificate *certificate = g_ptr_array_index (certificates, i);

      (void) !pm_tls_server_add_for (settings->tls, certificate->host, certificate->chain,
                                     certificate->key, &local);
    }
  if (local == NULL)
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
               "A certificate of the site cannot be used: %s; put it right, or take it out of "
               "<security>",
               local->message);
  return FALSE;
}

/* In bytes, by the mailbox's key; of those that say it themselves. */
static GHashTable *
list_quotas (const PmMailService *service)
{
  GHashTable *quotas = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < service->mailboxes->len; i++)
    {
      const PmMailbox *mailbox = g_ptr_array_index (service->mailboxes, i);
      g_autoptr (PmMailAddress) address =
          mailbox->quota == PM_QUOTA_DEFAULT ? NULL
                                             : pm_mail_address_parse (mailbox->address, NULL);

      if (address != NULL)
        g_hash_table_insert (quotas, pm_mail_address_key (address),
                             g_memdup2 (&mailbox->quota, sizeof mailbox->quota));
    }
  return quotas;
}

/**
 * pm_relay_settings_new:
 * @site: (transfer none): the site
 * @server: (nullable): our server's name; %NULL where the site has just one service
 * @revision: of the site file
 * @state_dir: where a relative Maildir path begins
 * @error: %PM_ERROR_INVALID
 */
PmRelaySettings *
pm_relay_settings_new (PmSite *site,
                       const char *server,
                       const char *revision,
                       const char *state_dir,
                       GError **error)
{
  const PmMailService *service = choose_service (site, server, error);
  const PmServer *self;
  PmRelaySettings *settings;

  if (service == NULL)
    return NULL;

  self = pm_site_find_server (site, service->server);
  settings = g_atomic_rc_box_new0 (PmRelaySettings);
  settings->site = pm_site_ref (site);
  settings->service = service;
  settings->host = g_strdup (self != NULL && *self->host != '\0' ? self->host : g_get_host_name ());
  settings->revision = g_strdup (revision);
  settings->self = list_own_addresses (self);
  settings->quotas = list_quotas (service);
  settings->router = pm_router_new (site, service, settings->self);
  settings->max_inbound = pm_descriptors_share (service->max_inbound, service->max_outbound);
  settings->filter = pm_message_filter_new (service->filter_senders);
  if (service->maildir != NULL)
    settings->maildir = g_canonicalize_filename (service->maildir, state_dir);
  if (service->administrator != NULL)
    settings->administrator = pm_mail_address_parse (service->administrator, NULL);
  if (!load_certificates (settings, error))
    g_clear_pointer (&settings, pm_relay_settings_unref);
  return settings;
}

static gboolean
has_submission (const PmMailService *service)
{
  for (guint i = 0; i < service->listeners->len; i++)
    if (((const PmListen *) g_ptr_array_index (service->listeners, i))->role ==
        PM_LISTEN_SUBMISSION)
      return TRUE;
  return FALSE;
}

/* Without a file nobody has an account: AUTH is offered only where it is asked for, then. */
static PmAccounts *
open_accounts (const PmMailService *service, const char *site_path)
{
  g_autofree char *folder = g_path_get_dirname (site_path);
  g_autofree char *path = service->accounts_path != NULL
                              ? g_strdup (service->accounts_path)
                              : g_build_filename (folder, "accounts", NULL);

  if (service->accounts_source == PM_ACCOUNTS_PAM)
    return pm_accounts_new_pam (PM_PAM_SOCKET);
  return has_submission (service) || g_file_test (path, G_FILE_TEST_EXISTS)
             ? pm_accounts_new_file (path)
             : NULL;
}

/* Where systemd puts credentials, else beside the site file. */
static char *
find_secrets (const char *path)
{
  const char *credentials = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree char *folder = g_path_get_dirname (path);

  return credentials != NULL && *credentials != '\0' ? g_strdup (credentials)
                                                     : g_build_filename (folder, "secrets", NULL);
}

/**
 * pm_relay_settings_load:
 * @path: the site file
 * @error: %PM_ERROR_INVALID with all problems, one a line; or why it cannot be read
 *
 * Blocks on the disk.
 *
 * Returns: (transfer full) (nullable): the snapshot
 */
PmRelaySettings *
pm_relay_settings_load (const char *path, const char *server, const char *state_dir, GError **error)
{
  g_autoptr (GBytes) xml = NULL;
  g_autoptr (PmSite) site = NULL;
  g_autofree char *revision = NULL;
  g_autofree char *contents = NULL;
  PmRelaySettings *settings;
  gsize size;

  if (!g_file_get_contents (path, &contents, &size, error))
    return NULL;
  xml = g_bytes_new_take (g_steal_pointer (&contents), size);
  site = pm_site_parse (xml, path, NULL, error);
  if (site == NULL)
    return NULL;
  revision = pm_site_revision (xml);
  settings = pm_relay_settings_new (site, server, revision, state_dir, error);
  if (settings == NULL)
    return NULL;
  settings->accounts = open_accounts (settings->service, path);
  settings->secrets = find_secrets (path);
  return settings;
}

PmRelaySettings *
pm_relay_settings_ref (const PmRelaySettings *settings)
{
  return g_atomic_rc_box_acquire ((gpointer) settings);
}

static void
clear_settings (gpointer data)
{
  PmRelaySettings *settings = data;

  pm_router_unref (settings->router);
  pm_site_unref (settings->site);
  g_ptr_array_unref (settings->self);
  pm_message_filter_free (settings->filter);
  pm_tls_server_unref (settings->tls);
  g_clear_pointer (&settings->accounts, pm_accounts_unref);
  g_hash_table_unref (settings->quotas);
  g_clear_pointer (&settings->administrator, pm_mail_address_unref);
  g_free (settings->host);
  g_free (settings->revision);
  g_free (settings->maildir);
  g_free (settings->secrets);
}

void
pm_relay_settings_unref (PmRelaySettings *settings)
{
  if (settings != NULL)
    g_atomic_rc_box_release_full (settings, clear_settings);
}

/* RFC 5321 4.5.1: postmaster is always there, for our host and every domain that is ours. */
static gboolean
is_our_postmaster (const PmRelaySettings *settings,
                   const PmMailAddress *recipient,
                   const PmDecision *decision)
{
  if (settings->administrator == NULL || g_ascii_strcasecmp (recipient->local, "postmaster") != 0)
    return FALSE;
  return strcmp (recipient->domain, settings->host) == 0 ||
         (decision->rule != NULL && decision->rule->action == PM_ROUTE_INBOUND);
}

/* Category `routing`: at `minimum` what is refused, at `medium` each decision, then its reasons. */
static void
tell_of_decision (const PmMailAddress *recipient, const PmDecision *decision)
{
  PmDiagnosticsLevel level =
      decision->action == PM_ACTION_REJECT ? PM_DIAGNOSTICS_MINIMUM : PM_DIAGNOSTICS_MEDIUM;
  g_autofree char *to = NULL;
  g_autofree char *target = NULL;
  g_autofree char *reasons = NULL;
  const PmNextHop *hop =
      decision->next_hops->len > 0 ? g_ptr_array_index (decision->next_hops, 0) : NULL;

  if (!pm_diagnostics_wants (PM_TOPIC_ROUTING, level))
    return;
  to = pm_mail_address_to_string (recipient);
  target = decision->recipient != NULL ? pm_mail_address_to_string (decision->recipient) : NULL;
  if (pm_diagnostics_wants (PM_TOPIC_ROUTING, PM_DIAGNOSTICS_MAXIMUM))
    {
      g_auto (GStrv) list = pm_decision_explain (decision);

      reasons = g_strjoinv (" ", list);
    }
  pm_log_event (G_LOG_LEVEL_MESSAGE, pm_topic_to_string (PM_TOPIC_ROUTING), "to", to, "action",
                pm_routing_action_to_string (decision->action), "rule",
                decision->rule != NULL ? decision->rule->domain : NULL, "target", target,
                "mailbox", decision->mailbox, "next-hop", hop != NULL ? hop->host : NULL, "reply",
                decision->reply, "reasons", reasons, NULL);
}

/**
 * pm_relay_settings_route:
 * @client: who asks; one without an address is this host itself
 *
 * What becomes of @recipient: the router's decision, with the postmaster that RFC 5321 wants: where
 * nobody is set up for it, its mail goes to the administrator.
 *
 * Returns: (transfer full): the decision
 */
PmDecision *
pm_relay_settings_route (const PmRelaySettings *settings,
                         const PmMailAddress *recipient,
                         const PmRoutingClient *client)
{
  static const PmRoutingClient ourselves = { 0 };
  PmDecision *decision = pm_router_decide (settings->router, recipient, client);

  if (decision->action == PM_ACTION_REJECT && is_our_postmaster (settings, recipient, decision))
    {
      pm_decision_unref (decision);
      decision = pm_router_decide (settings->router, settings->administrator, &ourselves);
    }
  tell_of_decision (recipient, decision);
  return decision;
}

/**
 * pm_relay_settings_describe:
 * @decision: not a refusal
 * @recipient: gets the address, agent and destination that the decision says
 */
void
pm_relay_settings_describe (const PmDecision *decision, PmQueueRecipient *recipient)
{
  const PmNextHop *hop =
      decision->next_hops->len > 0 ? g_ptr_array_index (decision->next_hops, 0) : NULL;

  g_free (recipient->address);
  g_free (recipient->destination);
  recipient->address = pm_mail_address_to_string (decision->recipient);
  recipient->agent = decision->action == PM_ACTION_INBOUND ? PM_QUEUE_MAILBOX : PM_QUEUE_REMOTE;
  if (recipient->agent == PM_QUEUE_MAILBOX && decision->mailbox != NULL)
    recipient->destination = g_strdup (decision->mailbox);
  else
    recipient->destination = g_strdup (hop != NULL ? hop->host : decision->recipient->domain);
}

/**
 * pm_relay_settings_get_quota:
 *
 * Returns: bytes that @mailbox may hold; 0 for no limit
 */
guint64
pm_relay_settings_get_quota (const PmRelaySettings *settings, const PmMailAddress *mailbox)
{
  g_autofree char *key = NULL;
  const guint64 *quota;

  if (g_hash_table_size (settings->quotas) == 0)
    return settings->service->mailbox_quota;
  key = pm_mail_address_key (mailbox);
  quota = g_hash_table_lookup (settings->quotas, key);
  return quota != NULL ? *quota : settings->service->mailbox_quota;
}

/**
 * pm_relay_settings_get_login:
 * @domain: of the recipients, or the name of a host
 *
 * Returns: (nullable): as whom to log in at its hosts by `<security>`: by the entry of @domain or
 *   of the nearest one above it
 */
const PmDomainSecurity *
pm_relay_settings_get_login (const PmRelaySettings *settings, const char *domain)
{
  const PmDomainSecurity *best = NULL;

  for (guint i = 0; i < settings->service->domain_security->len; i++)
    {
      const PmDomainSecurity *entry = g_ptr_array_index (settings->service->domain_security, i);

      if (strcmp (entry->name, domain) != 0 && !pm_domain_name_is_below (domain, entry->name))
        continue;
      if (best == NULL || strlen (entry->name) > strlen (best->name))
        best = entry;
    }
  return best != NULL && best->user != NULL && best->secret != NULL ? best : NULL;
}
