// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "base/pm-network.h"

G_BEGIN_DECLS

/*
 * The site as values. Every type here is reference counted (any thread) and immutable once it is
 * shared: a shared value is passed as `const T *`, `pm_x_copy()` gives one's own to change (its
 * lists are new, the elements in them shared), and what was changed is then put back with
 * pm_site_with_service(). Strings are never %NULL unless marked (nullable); domain names are
 * normalized (pm_domain_name_normalize()); lists are never %NULL.
 */

/* Which way a host is reached, and how well it must be secured. */
typedef enum
{
  PM_TLS_NONE,
  PM_TLS_OPPORTUNISTIC,
  PM_TLS_REQUIRED,
  PM_TLS_VERIFY,
} PmTls;

/**
 * PmHost:
 * @name: host name, normalized, or IP address without brackets
 * @port: TCP port
 * @tls: whether the connection must be encrypted
 *
 * A host that mail is forwarded to (`<host name= port= tls=/>`).
 */
typedef struct
{
  char *name;
  guint16 port;
  PmTls tls;
} PmHost;

typedef enum
{
  PM_DELIVERY_DNS,
  PM_DELIVERY_HOST,
} PmDeliveryMethod;

/**
 * PmDelivery:
 * @method: by the MX records, or to @hosts
 * @hosts: (element-type PmHost): in the order in which they are tried
 * @order_rotate: order="rotate": the first to be tried is another one each time
 */
typedef struct
{
  PmDeliveryMethod method;
  GPtrArray *hosts;
  gboolean order_rotate;
} PmDelivery;

/**
 * PmServer:
 * @name: the server's name in the site, as MAIL1
 * @host: its public DNS name, used in EHLO, the banner and Received:
 * @addresses: (element-type utf8): its public IP addresses, where they are not this host's own
 */
typedef struct
{
  char *name;
  char *host;
  GPtrArray *addresses;
} PmServer;

typedef enum
{
  PM_LISTEN_RELAY,      /* the default: mail from other hosts */
  PM_LISTEN_SUBMISSION, /* role="submission": authenticated clients */
} PmListenRole;

/**
 * PmListen:
 * @address: IP address, `0.0.0.0` or `::` for all
 * @implicit_tls: TLS from the first byte (tls="implicit")
 * @proxy: every connection begins with a PROXY protocol v2 header
 */
typedef struct
{
  char *address;
  guint16 port;
  PmListenRole role;
  gboolean implicit_tls;
  gboolean proxy;
} PmListen;

/**
 * PmMailDomain:
 * @name: the domain whose mail travels this way
 * @subdomains: whether everything below it does as well
 * @delivery: (owned): how
 *
 * An `<e-mail-domain>`: how mail *for* a domain travels outward; recipients stay untouched.
 */
typedef struct
{
  char *name;
  gboolean subdomains;
  PmDelivery *delivery;
} PmMailDomain;

/**
 * PmAcceptRule:
 * @accept: whether connections from @network are accepted
 * @relay_server: the hosts there are mail servers of ours: what is asked of clients that submit
 *   (@submit_homed, @submit_matches, limits by client) is not asked of them
 * @xclient: they may say by XCLIENT whom they speak for
 * @proxy: they may begin with a PROXY protocol v2 header
 *
 * One `<host network= action=/>` of accept-connections; the first that matches decides.
 */
typedef struct
{
  PmNetwork network;
  gboolean accept;
  gboolean relay_server;
  gboolean xclient;
  gboolean proxy;
} PmAcceptRule;

/* What becomes of a message that a `<message-filtering>` entry names. */
typedef enum
{
  PM_FILTER_QUARANTINE, /* it is accepted and held in the queue */
  PM_FILTER_REJECT,     /* its sender is refused at MAIL */
  PM_FILTER_DELETE,     /* it is accepted and thrown away */
} PmFilterAction;

typedef enum
{
  PM_TRANSFER_BOTH,
  PM_TRANSFER_INBOUND,
  PM_TRANSFER_OUTBOUND,
  PM_TRANSFER_NONE,
} PmTransferMode;

typedef enum
{
  PM_ROUTE_INBOUND,
  PM_ROUTE_REWRITE,
  PM_ROUTE_FORWARD,
  PM_ROUTE_RELAY,
} PmRouteAction;

/**
 * PmRoute:
 * @domain: the entry's domain, without any `#`
 * @subdomains: whether it also matches everything below @domain; `#` entries do not
 * @action: what happens to the recipient
 * @rewrite_domain: (nullable): for %PM_ROUTE_REWRITE, the recipient's new domain
 * @hosts: (element-type PmHost): for %PM_ROUTE_FORWARD, at least one
 * @order_rotate: for %PM_ROUTE_FORWARD, the first to be tried is another one each time
 * @ask: for %PM_ROUTE_FORWARD, the hosts are asked at RCPT whether they know the recipient
 */
typedef struct
{
  char *domain;
  gboolean subdomains;
  PmRouteAction action;
  char *rewrite_domain;
  GPtrArray *hosts;
  gboolean order_rotate;
  gboolean ask;
} PmRoute;

typedef enum
{
  PM_RESTRICTION_NETWORK,       /* clients in @network */
  PM_RESTRICTION_INTERFACE,     /* clients that connect to the local address @network */
  PM_RESTRICTION_AUTHENTICATED, /* clients that have authenticated */
} PmRestrictionKind;

/**
 * PmRestriction:
 * @never: a `<never>` (always %PM_RESTRICTION_NETWORK), else an `<allow>`
 */
typedef struct
{
  gboolean never;
  PmRestrictionKind kind;
  PmNetwork network;
} PmRestriction;

/* Which addresses of an inbound domain are mailboxes. */
typedef enum
{
  PM_MAILBOXES_LISTED, /* those that the site lists */
  PM_MAILBOXES_ANY,    /* every address */
  PM_MAILBOXES_ASK,    /* those listed, and those that the LMTP next hop accepts at RCPT */
} PmMailboxAccept;

/* A mailbox's quota where the mailbox says nothing: that of `<deliver-to>`. */
#define PM_QUOTA_DEFAULT G_MAXUINT64

/**
 * PmMailbox:
 * @address: primary address, as written in the file
 * @aliases: (element-type utf8): further addresses of it
 * @quota: bytes that its messages may take; 0 for no limit, %PM_QUOTA_DEFAULT for @mailbox_quota
 */
typedef struct
{
  char *address;
  GPtrArray *aliases;
  guint64 quota;
} PmMailbox;

/* `<domain-alias>`: the mailboxes of `of` have the same names in `domain`. */
typedef struct
{
  char *domain;
  char *of;
} PmDomainAlias;

/* `<catch-all>`: mail for a name of `domain` that no mailbox has reaches the mailbox `address`. */
typedef struct
{
  char *domain;
  char *address;
} PmCatchAll;

/* `<security><domain …>`: how connections to a domain's hosts are secured and authenticated. */
typedef struct
{
  char *name;
  PmTls tls;
  char *user;   /* (nullable) */
  char *secret; /* (nullable): name of a file in the secrets directory */
} PmDomainSecurity;

/**
 * PmCertificate:
 * @chain: path of the file with the certificate and those that vouch for it (PEM)
 * @key: path of the file with its private key (PEM)
 * @host: (nullable): the name it is shown for, where the names in it are not to decide
 */
typedef struct
{
  char *chain;
  char *key;
  char *host;
} PmCertificate;

/* Who knows the passwords of those who authenticate. */
typedef enum
{
  PM_ACCOUNTS_FILE, /* the accounts file */
  PM_ACCOUNTS_PAM,  /* the host's PAM service `pointsman` */
} PmAccountsSource;

typedef enum
{
  PM_DIAGNOSTICS_NONE,
  PM_DIAGNOSTICS_MINIMUM,
  PM_DIAGNOSTICS_MEDIUM,
  PM_DIAGNOSTICS_MAXIMUM,
} PmDiagnosticsLevel;

typedef struct
{
  char *name;
  PmDiagnosticsLevel level;
} PmDiagnosticsCategory;

/**
 * PmMailService:
 * @server: name of the #PmServer it runs on
 * @inbound_limit: largest message accepted, in bytes; 0 for no limit
 * @outbound_limit: largest message sent outward, in bytes; 0 for no limit
 * @administrator: (nullable): address that gets postmaster mail and notifications
 * @double_bounces: whether @administrator gets reports that cannot be delivered to their sender
 * @listeners: (element-type PmListen)
 * @deliver: (owned): how mail goes out where no @mail_domains entry says otherwise
 * @mail_domains: (element-type PmMailDomain)
 * @retry_intervals: (element-type guint): seconds; the last one repeats
 * @retry_notify: seconds after which the sender hears that a message is late
 * @retry_timeout: seconds after which a message is given up
 * @retry_urgent_notify, @retry_urgent_timeout: the same for urgent messages
 * @retry_nonurgent_notify, @retry_nonurgent_timeout: the same for messages that are not urgent
 * @max_per_client: connections that one client may have at once
 * @client_connections_per_minute: that one client may begin; 0 for no limit
 * @client_messages_per_minute: that one client may send; 0 for no limit
 * @client_recipients_per_minute: that one client may name; 0 for no limit
 * @greeting_pause: seconds before the greeting, in which a client must be silent; 0 for none
 * @accept_default: what happens to connections that no @accept_rules entry names
 * @accept_rules: (element-type PmAcceptRule): the first that matches decides
 * @submit_homed: “Clients can only submit if homed on this server”: who authenticates must have a
 *   mailbox here
 * @submit_matches: “Clients can only submit if authentication account matches the SMTP submission
 *   address”
 * @filter_action: what becomes of messages whose sender @filter_senders names
 * @filter_senders: (element-type utf8): `user@domain`, `@domain`, or empty for the null sender
 * @reroute: “Reroute incoming SMTP mail”; otherwise only inbound domains are accepted
 * @routes: (element-type PmRoute): order without meaning
 * @restrictions: (element-type PmRestriction)
 * @mailbox_accept: which addresses of an inbound domain are mailboxes
 * @maildir: (nullable): where mailboxes are; relative: below the state directory
 * @lmtp: (nullable): `unix:PATH` or `HOST:PORT` instead of @maildir
 * @mailbox_quota: bytes that a mailbox's messages may take where it has no quota of its own; 0 for
 *   no limit
 * @mailboxes: (element-type PmMailbox)
 * @domain_aliases: (element-type PmDomainAlias)
 * @catch_alls: (element-type PmCatchAll)
 * @mta_sts: whether other domains' MTA-STS policies are followed (RFC 8461)
 * @dane: whether other hosts' TLSA records are followed (RFC 7672)
 * @certificates: (element-type PmCertificate): what this server shows; the first where none fits
 * @accounts_source: who knows the passwords of those who authenticate
 * @accounts_path: (nullable): the accounts file, where it is not beside the site file
 * @domain_security: (element-type PmDomainSecurity)
 * @tracking_keep: seconds for which it is known what became of a message; 0 for not at all
 * @statistics_port: port on loopback that gives statistics for Prometheus; 0 for none
 * @diagnostics: (element-type PmDiagnosticsCategory)
 *
 * One `<internet-mail-service>`.
 */
typedef struct
{
  char *server;

  guint64 inbound_limit;
  guint64 outbound_limit;
  char *administrator;
  gboolean double_bounces;

  PmTransferMode transfer;
  GPtrArray *listeners;
  PmDelivery *deliver;
  GPtrArray *mail_domains;
  GArray *retry_intervals;
  guint retry_notify;
  guint retry_timeout;
  guint retry_urgent_notify;
  guint retry_urgent_timeout;
  guint retry_nonurgent_notify;
  guint retry_nonurgent_timeout;
  guint max_inbound;
  guint max_outbound;
  guint max_per_host;
  guint max_messages_per_connection;
  guint max_recipients;
  guint max_per_client;
  guint client_connections_per_minute;
  guint client_messages_per_minute;
  guint client_recipients_per_minute;
  guint greeting_pause;
  gboolean accept_default;
  GPtrArray *accept_rules;
  gboolean submit_homed;
  gboolean submit_matches;
  PmFilterAction filter_action;
  GPtrArray *filter_senders;

  gboolean reroute;
  GPtrArray *routes;
  GPtrArray *restrictions;

  PmMailboxAccept mailbox_accept;
  char *maildir;
  char *lmtp;
  guint64 mailbox_quota;
  GPtrArray *mailboxes;
  GPtrArray *domain_aliases;
  GPtrArray *catch_alls;

  gboolean mta_sts;
  gboolean dane;
  GPtrArray *certificates;
  PmAccountsSource accounts_source;
  char *accounts_path;
  GPtrArray *domain_security;
  guint tracking_keep;
  guint16 statistics_port;
  GPtrArray *diagnostics;
} PmMailService;

/**
 * PmSite:
 * @name: the site's name, as Headquarters
 * @organization: the organization's name
 * @servers: (element-type PmServer)
 * @addressing_domain: (nullable): the site's SMTP domain (`<site-addressing domain=/>`)
 * @services: (element-type PmMailService)
 */
typedef struct
{
  char *name;
  char *organization;
  GPtrArray *servers;
  char *addressing_domain;
  GPtrArray *services;
} PmSite;

#define PM_SITE_DECLARE_VALUE(Type, prefix) \
  Type *prefix##_new (void);                \
  Type *prefix##_copy (const Type *self);   \
  Type *prefix##_ref (const Type *self);    \
  void prefix##_unref (Type *self);         \
  G_DEFINE_AUTOPTR_CLEANUP_FUNC (Type, prefix##_unref)

PM_SITE_DECLARE_VALUE (PmHost, pm_host)
PM_SITE_DECLARE_VALUE (PmDelivery, pm_delivery)
PM_SITE_DECLARE_VALUE (PmServer, pm_server)
PM_SITE_DECLARE_VALUE (PmListen, pm_listen)
PM_SITE_DECLARE_VALUE (PmMailDomain, pm_mail_domain)
PM_SITE_DECLARE_VALUE (PmAcceptRule, pm_accept_rule)
PM_SITE_DECLARE_VALUE (PmRoute, pm_route)
PM_SITE_DECLARE_VALUE (PmRestriction, pm_restriction)
PM_SITE_DECLARE_VALUE (PmMailbox, pm_mailbox)
PM_SITE_DECLARE_VALUE (PmDomainAlias, pm_domain_alias)
PM_SITE_DECLARE_VALUE (PmCatchAll, pm_catch_all)
PM_SITE_DECLARE_VALUE (PmCertificate, pm_certificate)
PM_SITE_DECLARE_VALUE (PmDomainSecurity, pm_domain_security)
PM_SITE_DECLARE_VALUE (PmDiagnosticsCategory, pm_diagnostics_category)
PM_SITE_DECLARE_VALUE (PmMailService, pm_mail_service)
PM_SITE_DECLARE_VALUE (PmSite, pm_site)

const PmServer *pm_site_find_server (const PmSite *site, const char *name);
const PmMailService *pm_site_find_service (const PmSite *site, const char *server);
PmSite *pm_site_with_service (const PmSite *site, const PmMailService *service);

gboolean pm_host_equal (const PmHost *a, const PmHost *b);
gboolean pm_delivery_equal (const PmDelivery *a, const PmDelivery *b);
gboolean pm_listen_equal (const PmListen *a, const PmListen *b);
gboolean pm_accept_rule_equal (const PmAcceptRule *a, const PmAcceptRule *b);
gboolean pm_route_equal (const PmRoute *a, const PmRoute *b);
char *pm_route_to_sent_to (const PmRoute *route);

G_END_DECLS
