// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The site file as a table. data/site.rng is the same for the rest of the world; a test holds the
// two to the same judgement, and the defaults here to those of pm_site_new() and its kin.

#include "site/pm-site-schema.h"

#include <string.h>

/* Words */

static const PmSiteWord yes_no[] = { { "yes", TRUE }, { "no", FALSE }, { NULL } };
static const PmSiteWord accept_reject[] = { { "accept", TRUE }, { "reject", FALSE }, { NULL } };
static const PmSiteWord mailbox_accepts[] = { { "listed", PM_MAILBOXES_LISTED },
                                              { "any", PM_MAILBOXES_ANY },
                                              { "ask", PM_MAILBOXES_ASK },
                                              { NULL } };
static const PmSiteWord orders[] = { { "listed", FALSE }, { "rotate", TRUE }, { NULL } };
static const PmSiteWord priorities[] = { { "urgent", 0 }, { "non-urgent", 1 }, { NULL } };
static const PmSiteWord filter_actions[] = { { "quarantine", PM_FILTER_QUARANTINE },
                                             { "reject", PM_FILTER_REJECT },
                                             { "delete", PM_FILTER_DELETE },
                                             { NULL } };
static const PmSiteWord accounts_sources[] = { { "file", PM_ACCOUNTS_FILE },
                                               { "pam", PM_ACCOUNTS_PAM },
                                               { NULL } };
static const PmSiteWord categories[] = { { "smtp-protocol", 0 },
                                         { "inbound", 1 },
                                         { "outbound", 2 },
                                         { "queue", 3 },
                                         { "dns", 4 },
                                         { "tls", 5 },
                                         { "authentication", 6 },
                                         { "routing", 7 },
                                         { NULL } };
static const PmSiteWord starttls_implicit[] = { { "starttls", FALSE },
                                                { "implicit", TRUE },
                                                { NULL } };
static const PmSiteWord roles[] = { { "relay", PM_LISTEN_RELAY },
                                    { "submission", PM_LISTEN_SUBMISSION },
                                    { NULL } };
static const PmSiteWord methods[] = { { "dns", PM_DELIVERY_DNS },
                                      { "host", PM_DELIVERY_HOST },
                                      { NULL } };
static const PmSiteWord tls_words[] = { { "none", PM_TLS_NONE },
                                        { "opportunistic", PM_TLS_OPPORTUNISTIC },
                                        { "required", PM_TLS_REQUIRED },
                                        { "verify", PM_TLS_VERIFY },
                                        { NULL } };
static const PmSiteWord transfers[] = { { "both", PM_TRANSFER_BOTH },
                                        { "inbound", PM_TRANSFER_INBOUND },
                                        { "outbound", PM_TRANSFER_OUTBOUND },
                                        { "none", PM_TRANSFER_NONE },
                                        { NULL } };
static const PmSiteWord levels[] = { { "none", PM_DIAGNOSTICS_NONE },
                                     { "minimum", PM_DIAGNOSTICS_MINIMUM },
                                     { "medium", PM_DIAGNOSTICS_MEDIUM },
                                     { "maximum", PM_DIAGNOSTICS_MAXIMUM },
                                     { NULL } };

#define AT(Type, member) G_STRUCT_OFFSET (Type, member)
#define NEW(prefix) ((gpointer (*) (void)) (void (*) (void)) prefix##_new)
#define UNREF(prefix) ((void (*) (gpointer)) (void (*) (void)) prefix##_unref)
#define KEY (PM_SITE_REQUIRED | PM_SITE_KEY)

/* <host name= port= tls=> */

static const PmSiteAttribute host_attributes[] = {
  { "name", &pm_site_type_host, AT (PmHost, name), NULL, KEY },
  { "port", &pm_site_type_port, AT (PmHost, port), "25", PM_SITE_KEY },
  { "tls", &pm_site_type_words, AT (PmHost, tls), "opportunistic", 0, tls_words },
  { NULL },
};
static const PmSiteElement host = { "host", host_attributes };

/* <deliver> */

static const PmSiteAttribute deliver_attributes[] = {
  { "method", &pm_site_type_words, AT (PmDelivery, method), "dns", 0, methods },
  { "order", &pm_site_type_words, AT (PmDelivery, order_rotate), "listed", 0, orders },
  { NULL },
};
static const PmSiteChild deliver_children[] = {
  { &host, PM_SITE_LIST, AT (PmDelivery, hosts), PM_SITE_ORDERED, NEW (pm_host), UNREF (pm_host) },
  { NULL },
};
static const PmSiteElement deliver = { "deliver", deliver_attributes, deliver_children,
                                       .compact = TRUE };

/* <servers> */

static const PmSiteAttribute address_attributes[] = {
  { "ip", &pm_site_type_address, 0, NULL, KEY },
  { NULL },
};
static const PmSiteElement address = { "address", address_attributes };

static const PmSiteAttribute server_attributes[] = {
  { "name", &pm_site_type_name, AT (PmServer, name), NULL, KEY },
  { "host", &pm_site_type_domain, AT (PmServer, host), NULL, PM_SITE_REQUIRED },
  { NULL },
};
static const PmSiteChild server_children[] = {
  { &address, PM_SITE_STRINGS, AT (PmServer, addresses) },
  { NULL },
};
static const PmSiteElement server = { "server", server_attributes, server_children };

static const PmSiteChild servers_children[] = {
  { &server, PM_SITE_LIST, AT (PmSite, servers), 0, NEW (pm_server), UNREF (pm_server) },
  { NULL },
};
static const PmSiteElement servers = { "servers", NULL, servers_children };

/* <site-addressing> */

static gboolean
has_addressing (gconstpointer value)
{
  return ((const PmSite *) value)->addressing_domain != NULL;
}

static const PmSiteAttribute addressing_attributes[] = {
  { "domain", &pm_site_type_domain, AT (PmSite, addressing_domain), NULL, PM_SITE_REQUIRED },
  { NULL },
};
static const PmSiteElement addressing = { "site-addressing", addressing_attributes };

/* <general>, <internet-mail> */

static const PmSiteAttribute general_attributes[] = {
  { "inbound-limit", &pm_site_type_size, AT (PmMailService, inbound_limit), "50 MiB" },
  { "outbound-limit", &pm_site_type_size, AT (PmMailService, outbound_limit), "50 MiB" },
  { NULL },
};
static const PmSiteElement general = { "general", general_attributes };

static const PmSiteAttribute internet_mail_attributes[] = {
  { "administrator", &pm_site_type_mail, AT (PmMailService, administrator) },
  { "double-bounces", &pm_site_type_words, AT (PmMailService, double_bounces), "yes", 0, yes_no },
  { NULL },
};
static const PmSiteElement internet_mail = { "internet-mail", internet_mail_attributes };

/* <connections> of a service */

static const PmSiteAttribute listen_attributes[] = {
  { "address", &pm_site_type_address, AT (PmListen, address), "0.0.0.0", PM_SITE_KEY },
  { "port", &pm_site_type_port, AT (PmListen, port), "25", PM_SITE_KEY },
  { "role", &pm_site_type_words, AT (PmListen, role), "relay", 0, roles },
  { "tls", &pm_site_type_words, AT (PmListen, implicit_tls), "starttls", 0, starttls_implicit },
  { "proxy", &pm_site_type_words, AT (PmListen, proxy), "no", 0, yes_no },
  { NULL },
};
static const PmSiteElement listen_on = { "listen", listen_attributes };

static const PmSiteAttribute mail_domain_attributes[] = {
  { "name", &pm_site_type_domain, AT (PmMailDomain, name), NULL, KEY },
  { "subdomains", &pm_site_type_words, AT (PmMailDomain, subdomains), "yes", PM_SITE_KEY, yes_no },
  { NULL },
};
static const PmSiteChild mail_domain_children[] = {
  { &deliver, PM_SITE_MEMBER, AT (PmMailDomain, delivery), 0, NEW (pm_delivery),
    UNREF (pm_delivery) },
  { NULL },
};
static const PmSiteElement mail_domain = { "e-mail-domain", mail_domain_attributes,
                                           mail_domain_children };

static const PmSiteAttribute retry_attributes[] = {
  { "intervals", &pm_site_type_durations, AT (PmMailService, retry_intervals), "15m 30m 1h 4h" },
  { "notify", &pm_site_type_duration, AT (PmMailService, retry_notify), "4h" },
  { "timeout", &pm_site_type_duration, AT (PmMailService, retry_timeout), "2d" },
  { NULL },
};

#define DEFINE_RETRY_CLASS(id, number, notify_after, give_up_after)                   \
  static const PmSiteAttribute id##_attributes[] = {                                  \
    { "priority", &pm_site_type_fixed, number, NULL, KEY | PM_SITE_FIXED, priorities }, \
    { "notify", &pm_site_type_duration, AT (PmMailService, retry_##id##_notify),      \
      notify_after },                                                                 \
    { "timeout", &pm_site_type_duration, AT (PmMailService, retry_##id##_timeout),    \
      give_up_after },                                                                \
    { NULL },                                                                         \
  };                                                                                  \
  static const PmSiteElement id = { "class", id##_attributes };

DEFINE_RETRY_CLASS (urgent, 0, "4h", "1d")
DEFINE_RETRY_CLASS (nonurgent, 1, "12h", "3d")

static const PmSiteChild retry_children[] = {
  { &urgent, PM_SITE_SAME },
  { &nonurgent, PM_SITE_SAME },
  { NULL },
};
static const PmSiteElement retry = { "retry", retry_attributes, retry_children };

static const PmSiteAttribute limits_attributes[] = {
  { "inbound", &pm_site_type_count, AT (PmMailService, max_inbound), "1000" },
  { "outbound", &pm_site_type_count, AT (PmMailService, max_outbound), "200" },
  { "per-host", &pm_site_type_count, AT (PmMailService, max_per_host), "20" },
  { "messages-per-connection", &pm_site_type_count,
    AT (PmMailService, max_messages_per_connection), "100" },
  { "recipients", &pm_site_type_count, AT (PmMailService, max_recipients), "1000" },
  { "per-client", &pm_site_type_count, AT (PmMailService, max_per_client), "50" },
  { "client-connections-per-minute", &pm_site_type_rate,
    AT (PmMailService, client_connections_per_minute), "0" },
  { "client-messages-per-minute", &pm_site_type_rate,
    AT (PmMailService, client_messages_per_minute), "0" },
  { "client-recipients-per-minute", &pm_site_type_rate,
    AT (PmMailService, client_recipients_per_minute), "0" },
  { "greeting-pause", &pm_site_type_pause, AT (PmMailService, greeting_pause), "0s" },
  { NULL },
};
static const PmSiteElement limits = { "limits", limits_attributes };

static const PmSiteAttribute accept_host_attributes[] = {
  { "network", &pm_site_type_network, AT (PmAcceptRule, network), NULL, KEY },
  { "action", &pm_site_type_words, AT (PmAcceptRule, accept), "reject", 0, accept_reject },
  { "relay-server", &pm_site_type_words, AT (PmAcceptRule, relay_server), "no", 0, yes_no },
  { "xclient", &pm_site_type_words, AT (PmAcceptRule, xclient), "no", 0, yes_no },
  { "proxy", &pm_site_type_words, AT (PmAcceptRule, proxy), "no", 0, yes_no },
  { NULL },
};
static const PmSiteElement accept_host = { "host", accept_host_attributes };

static const PmSiteAttribute accept_attributes[] = {
  { "default", &pm_site_type_words, AT (PmMailService, accept_default), "accept", 0,
    accept_reject },
  { "submit-homed", &pm_site_type_words, AT (PmMailService, submit_homed), "no", 0, yes_no },
  { "submit-matches", &pm_site_type_words, AT (PmMailService, submit_matches), "no", 0, yes_no },
  { NULL },
};
static const PmSiteChild accept_children[] = {
  { &accept_host, PM_SITE_LIST, AT (PmMailService, accept_rules), PM_SITE_ORDERED,
    NEW (pm_accept_rule), UNREF (pm_accept_rule) },
  { NULL },
};
static const PmSiteElement accept_connections = { "accept-connections", accept_attributes,
                                                  accept_children };

static const PmSiteAttribute sender_attributes[] = {
  { "address", &pm_site_type_sender, 0, NULL, KEY },
  { NULL },
};
static const PmSiteElement sender = { "sender", sender_attributes };

static const PmSiteAttribute filtering_attributes[] = {
  { "action", &pm_site_type_words, AT (PmMailService, filter_action), "quarantine", 0,
    filter_actions },
  { NULL },
};
static const PmSiteChild filtering_children[] = {
  { &sender, PM_SITE_STRINGS, AT (PmMailService, filter_senders) },
  { NULL },
};
static const PmSiteElement message_filtering = { "message-filtering", filtering_attributes,
                                                 filtering_children };

static const PmSiteAttribute connections_attributes[] = {
  { "transfer", &pm_site_type_words, AT (PmMailService, transfer), "both", 0, transfers },
  { NULL },
};
static const PmSiteChild connections_children[] = {
  { &listen_on, PM_SITE_LIST, AT (PmMailService, listeners), PM_SITE_ORDERED, NEW (pm_listen),
    UNREF (pm_listen) },
  { &deliver, PM_SITE_MEMBER, AT (PmMailService, deliver), 0, NEW (pm_delivery),
    UNREF (pm_delivery) },
  { &mail_domain, PM_SITE_LIST, AT (PmMailService, mail_domains), 0, NEW (pm_mail_domain),
    UNREF (pm_mail_domain) },
  { &retry, PM_SITE_SAME },
  { &limits, PM_SITE_SAME },
  { &accept_connections, PM_SITE_SAME },
  { &message_filtering, PM_SITE_SAME },
  { NULL },
};
static const PmSiteElement service_connections = { "connections", connections_attributes,
                                                   connections_children };

/* <routing> */

#define DEFINE_ROUTE_ACTION(name, ACTION)               \
  static void                                           \
      enter_##name (gpointer value)                     \
  {                                                     \
    ((PmRoute *) value)->action = ACTION;               \
  }                                                     \
  static gboolean                                       \
      is_##name (gconstpointer value)                   \
  {                                                     \
    return ((const PmRoute *) value)->action == ACTION; \
  }

DEFINE_ROUTE_ACTION (inbound, PM_ROUTE_INBOUND)
DEFINE_ROUTE_ACTION (rewrite, PM_ROUTE_REWRITE)
DEFINE_ROUTE_ACTION (forward, PM_ROUTE_FORWARD)
DEFINE_ROUTE_ACTION (relay, PM_ROUTE_RELAY)

static const PmSiteElement inbound = { "inbound", .enter = enter_inbound };
static const PmSiteElement relay = { "relay", .enter = enter_relay };

static const PmSiteAttribute rewrite_attributes[] = {
  { "domain", &pm_site_type_domain, AT (PmRoute, rewrite_domain), NULL, PM_SITE_REQUIRED },
  { NULL },
};
static const PmSiteElement rewrite = { "rewrite", rewrite_attributes, .enter = enter_rewrite };

static const PmSiteAttribute forward_attributes[] = {
  { "order", &pm_site_type_words, AT (PmRoute, order_rotate), "listed", 0, orders },
  { "ask", &pm_site_type_words, AT (PmRoute, ask), "no", 0, yes_no },
  { NULL },
};
static const PmSiteChild forward_children[] = {
  { &host, PM_SITE_LIST, AT (PmRoute, hosts), PM_SITE_ORDERED | PM_SITE_REQUIRED, NEW (pm_host),
    UNREF (pm_host) },
  { NULL },
};
static const PmSiteElement forward = { "forward", forward_attributes, forward_children,
                                       .enter = enter_forward, .compact = TRUE };

static const PmSiteAttribute route_attributes[] = {
  { "domain", &pm_site_type_route, AT (PmRoute, domain), NULL, KEY },
  { "subdomains", &pm_site_type_words, AT (PmRoute, subdomains), "yes", PM_SITE_KEY, yes_no },
  { NULL },
};
static const PmSiteChild route_children[] = {
  { &inbound, PM_SITE_SAME, 0, PM_SITE_CHOICE, .present = is_inbound },
  { &rewrite, PM_SITE_SAME, 0, PM_SITE_CHOICE, .present = is_rewrite },
  { &forward, PM_SITE_SAME, 0, PM_SITE_CHOICE, .present = is_forward },
  { &relay, PM_SITE_SAME, 0, PM_SITE_CHOICE, .present = is_relay },
  { NULL },
};
static const PmSiteElement route = { "route", route_attributes, route_children, .compact = TRUE };

static const char *
check_allow (gconstpointer value, guint n_attributes)
{
  return n_attributes == 1 ? NULL
                           : "<allow> says one thing: give it either network, interface or "
                             "authenticated=\"yes\"";
}

static void
enter_never (gpointer value)
{
  ((PmRestriction *) value)->never = TRUE;
}

static gboolean
is_allow (gconstpointer value)
{
  return !((const PmRestriction *) value)->never;
}

static gboolean
is_never (gconstpointer value)
{
  return ((const PmRestriction *) value)->never;
}

static const PmSiteAttribute allow_attributes[] = {
  { "network", &pm_site_type_allow_network, 0, NULL, PM_SITE_KEY },
  { "interface", &pm_site_type_allow_interface, 0, NULL, PM_SITE_KEY },
  { "authenticated", &pm_site_type_allow_authenticated, 0, NULL, PM_SITE_KEY },
  { NULL },
};
static const PmSiteElement allow = { "allow", allow_attributes, .check = check_allow };

static const PmSiteAttribute never_attributes[] = {
  { "network", &pm_site_type_network, AT (PmRestriction, network), NULL, KEY },
  { NULL },
};
static const PmSiteElement never = { "never", never_attributes, .enter = enter_never };

static const PmSiteChild restrictions_children[] = {
  { &allow, PM_SITE_LIST, AT (PmMailService, restrictions), 0, NEW (pm_restriction),
    UNREF (pm_restriction), is_allow },
  { &never, PM_SITE_LIST, AT (PmMailService, restrictions), 0, NEW (pm_restriction),
    UNREF (pm_restriction), is_never },
  { NULL },
};
static const PmSiteElement restrictions = { "restrictions", NULL, restrictions_children };

static const PmSiteAttribute routing_attributes[] = {
  { "reroute", &pm_site_type_words, AT (PmMailService, reroute), "yes", 0, yes_no },
  { NULL },
};
static const PmSiteChild routing_children[] = {
  { &route, PM_SITE_LIST, AT (PmMailService, routes), 0, NEW (pm_route), UNREF (pm_route) },
  { &restrictions, PM_SITE_SAME },
  { NULL },
};
static const PmSiteElement routing = { "routing", routing_attributes, routing_children };

/* <mailboxes> */

static const char *
check_deliver_to (gconstpointer value, guint n_attributes)
{
  return n_attributes <= 1 ? NULL
                           : "<deliver-to> names one place: give it either maildir or lmtp";
}

static const PmSiteAttribute deliver_to_attributes[] = {
  { "maildir", &pm_site_type_path, AT (PmMailService, maildir), "mail" },
  { "lmtp", &pm_site_type_lmtp, AT (PmMailService, lmtp) },
  { "quota", &pm_site_type_size, AT (PmMailService, mailbox_quota), "0", PM_SITE_BESIDE },
  { NULL },
};
static const PmSiteElement deliver_to = { "deliver-to", deliver_to_attributes,
                                          .check = check_deliver_to };

static const PmSiteAttribute alias_attributes[] = {
  { "address", &pm_site_type_mail, 0, NULL, KEY },
  { NULL },
};
static const PmSiteElement alias = { "alias", alias_attributes };

static const PmSiteAttribute mailbox_attributes[] = {
  { "address", &pm_site_type_mail, AT (PmMailbox, address), NULL, KEY },
  { "quota", &pm_site_type_quota, AT (PmMailbox, quota) },
  { NULL },
};
static const PmSiteChild mailbox_children[] = {
  { &alias, PM_SITE_STRINGS, AT (PmMailbox, aliases) },
  { NULL },
};
static const PmSiteElement mailbox = { "mailbox", mailbox_attributes, mailbox_children,
                                       .compact = TRUE };

static const PmSiteAttribute domain_alias_attributes[] = {
  { "domain", &pm_site_type_domain, AT (PmDomainAlias, domain), NULL, KEY },
  { "of", &pm_site_type_domain, AT (PmDomainAlias, of), NULL, PM_SITE_REQUIRED },
  { NULL },
};
static const PmSiteElement domain_alias = { "domain-alias", domain_alias_attributes };

static const PmSiteAttribute catch_all_attributes[] = {
  { "domain", &pm_site_type_domain, AT (PmCatchAll, domain), NULL, KEY },
  { "address", &pm_site_type_mail, AT (PmCatchAll, address), NULL, PM_SITE_REQUIRED },
  { NULL },
};
static const PmSiteElement catch_all = { "catch-all", catch_all_attributes };

static const PmSiteAttribute mailboxes_attributes[] = {
  { "accept", &pm_site_type_words, AT (PmMailService, mailbox_accept), "listed", 0,
    mailbox_accepts },
  { NULL },
};
static const PmSiteChild mailboxes_children[] = {
  { &deliver_to, PM_SITE_SAME },
  { &mailbox, PM_SITE_LIST, AT (PmMailService, mailboxes), 0, NEW (pm_mailbox),
    UNREF (pm_mailbox) },
  { &domain_alias, PM_SITE_LIST, AT (PmMailService, domain_aliases), 0, NEW (pm_domain_alias),
    UNREF (pm_domain_alias) },
  { &catch_all, PM_SITE_LIST, AT (PmMailService, catch_alls), 0, NEW (pm_catch_all),
    UNREF (pm_catch_all) },
  { NULL },
};
static const PmSiteElement mailboxes = { "mailboxes", mailboxes_attributes, mailboxes_children };

/* <security> */

static gboolean
has_login (gconstpointer value)
{
  const PmDomainSecurity *security = value;

  return security->user != NULL || security->secret != NULL;
}

static const PmSiteAttribute login_attributes[] = {
  { "user", &pm_site_type_name, AT (PmDomainSecurity, user), NULL, PM_SITE_REQUIRED },
  { "secret", &pm_site_type_secret, AT (PmDomainSecurity, secret), NULL, PM_SITE_REQUIRED },
  { NULL },
};
static const PmSiteElement login = { "login", login_attributes };

static const PmSiteAttribute security_domain_attributes[] = {
  { "name", &pm_site_type_domain, AT (PmDomainSecurity, name), NULL, KEY },
  { "tls", &pm_site_type_words, AT (PmDomainSecurity, tls), "verify", 0, tls_words },
  { NULL },
};
static const PmSiteChild security_domain_children[] = {
  { &login, PM_SITE_SAME, .present = has_login },
  { NULL },
};
static const PmSiteElement security_domain = { "domain", security_domain_attributes,
                                               security_domain_children, .compact = TRUE };

static const PmSiteAttribute certificate_attributes[] = {
  { "chain", &pm_site_type_file, AT (PmCertificate, chain), NULL, KEY },
  { "key", &pm_site_type_file, AT (PmCertificate, key), NULL, PM_SITE_REQUIRED },
  { "host", &pm_site_type_domain, AT (PmCertificate, host) },
  { NULL },
};
static const PmSiteElement certificate = { "certificate", certificate_attributes };

static const PmSiteAttribute accounts_attributes[] = {
  { "source", &pm_site_type_words, AT (PmMailService, accounts_source), "file", 0,
    accounts_sources },
  { "path", &pm_site_type_file, AT (PmMailService, accounts_path) },
  { NULL },
};
static const PmSiteElement accounts = { "accounts", accounts_attributes };

static const PmSiteAttribute security_attributes[] = {
  { "mta-sts", &pm_site_type_words, AT (PmMailService, mta_sts), "yes", 0, yes_no },
  { "dane", &pm_site_type_words, AT (PmMailService, dane), "yes", 0, yes_no },
  { NULL },
};
static const PmSiteChild security_children[] = {
  { &certificate, PM_SITE_LIST, AT (PmMailService, certificates), PM_SITE_ORDERED,
    NEW (pm_certificate), UNREF (pm_certificate) },
  { &accounts, PM_SITE_SAME },
  { &security_domain, PM_SITE_LIST, AT (PmMailService, domain_security), 0,
    NEW (pm_domain_security), UNREF (pm_domain_security) },
  { NULL },
};
static const PmSiteElement security = { "security", security_attributes, security_children };

/* <tracking>, <statistics> */

static const PmSiteAttribute tracking_attributes[] = {
  { "keep", &pm_site_type_period, AT (PmMailService, tracking_keep), "30d" },
  { NULL },
};
static const PmSiteElement tracking = { "tracking", tracking_attributes };

static const PmSiteAttribute statistics_attributes[] = {
  { "port", &pm_site_type_any_port, AT (PmMailService, statistics_port), "0" },
  { NULL },
};
static const PmSiteElement statistics = { "statistics", statistics_attributes };

/* <diagnostics> */

static const PmSiteAttribute category_attributes[] = {
  { "name", &pm_site_type_one_of, AT (PmDiagnosticsCategory, name), NULL, KEY, categories },
  { "level", &pm_site_type_words, AT (PmDiagnosticsCategory, level), "minimum", 0, levels },
  { NULL },
};
static const PmSiteElement category = { "category", category_attributes };

static const PmSiteChild diagnostics_children[] = {
  { &category, PM_SITE_LIST, AT (PmMailService, diagnostics), 0, NEW (pm_diagnostics_category),
    UNREF (pm_diagnostics_category) },
  { NULL },
};
static const PmSiteElement diagnostics = { "diagnostics", NULL, diagnostics_children };

/* <internet-mail-service>, <connections>, <configuration>, <site> */

static const PmSiteAttribute service_attributes[] = {
  { "server", &pm_site_type_name, AT (PmMailService, server), NULL, KEY },
  { NULL },
};
static const PmSiteChild service_children[] = {
  { &general, PM_SITE_SAME },
  { &internet_mail, PM_SITE_SAME },
  { &service_connections, PM_SITE_SAME },
  { &routing, PM_SITE_SAME },
  { &mailboxes, PM_SITE_SAME },
  { &security, PM_SITE_SAME },
  { &tracking, PM_SITE_SAME },
  { &statistics, PM_SITE_SAME },
  { &diagnostics, PM_SITE_SAME },
  { NULL },
};
static const PmSiteElement service = { "internet-mail-service", service_attributes,
                                       service_children };

static const PmSiteChild site_connections_children[] = {
  { &service, PM_SITE_LIST, AT (PmSite, services), 0, NEW (pm_mail_service),
    UNREF (pm_mail_service) },
  { NULL },
};
static const PmSiteElement site_connections = { "connections", NULL, site_connections_children };

static const PmSiteChild configuration_children[] = {
  { &servers, PM_SITE_SAME },
  { &addressing, PM_SITE_SAME, .present = has_addressing },
  { &site_connections, PM_SITE_SAME },
  { NULL },
};
static const PmSiteElement configuration = { "configuration", NULL, configuration_children };

static const PmSiteAttribute site_attributes[] = {
  { "name", &pm_site_type_name, AT (PmSite, name), NULL, PM_SITE_REQUIRED },
  { "organization", &pm_site_type_text, AT (PmSite, organization), "" },
  { NULL },
};
static const PmSiteChild site_children[] = {
  { &configuration, PM_SITE_SAME, 0, PM_SITE_REQUIRED },
  { NULL },
};
const PmSiteElement pm_site_schema = { "site", site_attributes, site_children };

static gboolean
names_equal (const char *name, const char *text, gsize length)
{
  return strncmp (name, text, length) == 0 && name[length] == '\0';
}

/**
 * pm_site_element_find_attribute:
 *
 * Returns: (nullable) (transfer none): the attribute of that name
 */
const PmSiteAttribute *
pm_site_element_find_attribute (const PmSiteElement *element, const char *name, gsize length)
{
  if (element->attributes != NULL)
    for (const PmSiteAttribute *a = element->attributes; a->name != NULL; a++)
      if (names_equal (a->name, name, length))
        return a;
  return NULL;
}

/**
 * pm_site_element_find_child:
 *
 * Returns: (nullable) (transfer none): the child element of that name
 */
const PmSiteChild *
pm_site_element_find_child (const PmSiteElement *element, const char *name, gsize length)
{
  if (element->children != NULL)
    for (const PmSiteChild *c = element->children; c->element != NULL; c++)
      if (names_equal (c->element->name, name, length))
        return c;
  return NULL;
}

/**
 * pm_site_element_find_variant:
 * @child: a child whose first attribute is %PM_SITE_FIXED
 * @word: what that attribute says
 *
 * Returns: (transfer none): the child of the same name for which it is the right word, else @child
 */
const PmSiteChild *
pm_site_element_find_variant (const PmSiteElement *element,
                              const PmSiteChild *child,
                              const char *word)
{
  for (const PmSiteChild *c = element->children; c->element != NULL; c++)
    {
      const PmSiteAttribute *first = c->element->attributes;

      if (strcmp (c->element->name, child->element->name) == 0 &&
          strcmp (first->words[first->offset].word, word) == 0)
        return c;
    }
  return child;
}

/**
 * pm_site_element_path_step:
 * @value: (nullable): what the element was read into
 *
 * Returns: (transfer full): the element as a step of a path, with the first of its keys that says
 *   something, as `route[@domain="example.net"]`
 */
char *
pm_site_element_path_step (const PmSiteElement *element, gconstpointer value)
{
  if (element->attributes != NULL &&
      (value != NULL || (element->attributes[0].flags & PM_SITE_FIXED)))
    for (const PmSiteAttribute *a = element->attributes; a->name != NULL; a++)
      {
        g_autofree char *text = a->flags & PM_SITE_KEY ? a->type->write (a, value) : NULL;

        if (text != NULL && *text != '\0')
          return g_strdup_printf ("%s[@%s=\"%s\"]", element->name, a->name, text);
      }
  return g_strdup (element->name);
}
