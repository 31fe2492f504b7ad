// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The site's values: made with the defaults of the site file's grammar, shared as const, copied to
// be changed. Copying a list shares its elements, so that an edit of one route among a hundred
// thousand costs an array of pointers.

#include "site/pm-site.h"

#define MIB (1024 * 1024)
#define HOUR 3600
#define DAY (24 * HOUR)

/*
 * PM_SITE_DEFINE_VALUE:
 *
 * The reference counting that all values share. Each type says how it is set up (`init`), how its
 * members are copied (`assign`) and freed (`clear`).
 */
#define PM_SITE_DEFINE_VALUE(Type, prefix)                                  \
  /**                                                                       \
   * Returns: (transfer full): a value with the defaults of the grammar     \
   */                                                                       \
  Type *prefix##_new (void)                                                 \
  {                                                                         \
    Type *self = g_atomic_rc_box_new0 (Type);                               \
    prefix##_init (self);                                                   \
    return self;                                                            \
  }                                                                         \
  Type *prefix##_copy (const Type *self)                                    \
  {                                                                         \
    Type *copy = g_atomic_rc_box_new0 (Type);                               \
    prefix##_assign (copy, self);                                           \
    return copy;                                                            \
  }                                                                         \
  Type *prefix##_ref (const Type *self)                                     \
  {                                                                         \
    return g_atomic_rc_box_acquire ((Type *) self);                         \
  }                                                                         \
  void prefix##_unref (Type *self)                                          \
  {                                                                         \
    if (self != NULL)                                                       \
      g_atomic_rc_box_release_full (self, (GDestroyNotify) prefix##_clear); \
  }

#define NEW_LIST(prefix) g_ptr_array_new_with_free_func ((GDestroyNotify) prefix##_unref)
#define COPY_LIST(prefix, list) copy_list (list, (GCopyFunc) ref_##prefix, \
                                           (GDestroyNotify) prefix##_unref)
#define DEFINE_REF(Type, prefix)                     \
  static gpointer                                    \
      ref_##prefix (const Type *item, gpointer data) \
  {                                                  \
    return prefix##_ref (item);                      \
  }

static GPtrArray *
copy_list (GPtrArray *list, GCopyFunc copy, GDestroyNotify destroy)
{
  GPtrArray *result = g_ptr_array_new_full (list->len, destroy);

  for (guint i = 0; i < list->len; i++)
    g_ptr_array_add (result, copy (list->pdata[i], NULL));
  return result;
}

static gpointer
copy_string (gconstpointer text, gpointer data)
{
  return g_strdup (text);
}

static GPtrArray *
copy_strings (GPtrArray *list)
{
  return copy_list (list, copy_string, g_free);
}

/* PmHost */

static void
pm_host_init (PmHost *self)
{
  self->name = g_strdup ("");
  self->port = 25;
  self->tls = PM_TLS_OPPORTUNISTIC;
}

static void
pm_host_assign (PmHost *copy, const PmHost *self)
{
  *copy = *self;
  copy->name = g_strdup (self->name);
}

static void
pm_host_clear (PmHost *self)
{
  g_free (self->name);
}

PM_SITE_DEFINE_VALUE (PmHost, pm_host)
DEFINE_REF (PmHost, pm_host)

/* PmDelivery */

static void
pm_delivery_init (PmDelivery *self)
{
  self->method = PM_DELIVERY_DNS;
  self->hosts = NEW_LIST (pm_host);
}

static void
pm_delivery_assign (PmDelivery *copy, const PmDelivery *self)
{
  *copy = *self;
  copy->hosts = COPY_LIST (pm_host, self->hosts);
}

static void
pm_delivery_clear (PmDelivery *self)
{
  g_ptr_array_unref (self->hosts);
}

PM_SITE_DEFINE_VALUE (PmDelivery, pm_delivery)

/* PmServer */

static void
pm_server_init (PmServer *self)
{
  self->name = g_strdup ("");
  self->host = g_strdup ("");
  self->addresses = g_ptr_array_new_with_free_func (g_free);
}

static void
pm_server_assign (PmServer *copy, const PmServer *self)
{
  copy->name = g_strdup (self->name);
  copy->host = g_strdup (self->host);
  copy->addresses = copy_strings (self->addresses);
}

static void
pm_server_clear (PmServer *self)
{
  g_free (self->name);
  g_free (self->host);
  g_ptr_array_unref (self->addresses);
}

PM_SITE_DEFINE_VALUE (PmServer, pm_server)
DEFINE_REF (PmServer, pm_server)

/* PmListen */

static void
pm_listen_init (PmListen *self)
{
  self->address = g_strdup ("0.0.0.0");
  self->port = 25;
}

static void
pm_listen_assign (PmListen *copy, const PmListen *self)
{
  *copy = *self;
  copy->address = g_strdup (self->address);
}

static void
pm_listen_clear (PmListen *self)
{
  g_free (self->address);
}

PM_SITE_DEFINE_VALUE (PmListen, pm_listen)
DEFINE_REF (PmListen, pm_listen)

/* PmMailDomain */

static void
pm_mail_domain_init (PmMailDomain *self)
{
  self->name = g_strdup ("");
  self->subdomains = TRUE;
  self->delivery = pm_delivery_new ();
}

static void
pm_mail_domain_assign (PmMailDomain *copy, const PmMailDomain *self)
{
  copy->name = g_strdup (self->name);
  copy->subdomains = self->subdomains;
  copy->delivery = pm_delivery_ref (self->delivery);
}

static void
pm_mail_domain_clear (PmMailDomain *self)
{
  g_free (self->name);
  pm_delivery_unref (self->delivery);
}

PM_SITE_DEFINE_VALUE (PmMailDomain, pm_mail_domain)
DEFINE_REF (PmMailDomain, pm_mail_domain)

/* PmAcceptRule */

static void
pm_accept_rule_init (PmAcceptRule *self)
{
  self->network.family = G_SOCKET_FAMILY_IPV4;
}

static void
pm_accept_rule_assign (PmAcceptRule *copy, const PmAcceptRule *self)
{
  *copy = *self;
}

static void
pm_accept_rule_clear (PmAcceptRule *self)
{
}

PM_SITE_DEFINE_VALUE (PmAcceptRule, pm_accept_rule)
DEFINE_REF (PmAcceptRule, pm_accept_rule)

/* PmRoute */

static void
pm_route_init (PmRoute *self)
{
  self->domain = g_strdup ("");
  self->subdomains = TRUE;
  self->action = PM_ROUTE_INBOUND;
  self->hosts = NEW_LIST (pm_host);
}

static void
pm_route_assign (PmRoute *copy, const PmRoute *self)
{
  *copy = *self;
  copy->domain = g_strdup (self->domain);
  copy->rewrite_domain = g_strdup (self->rewrite_domain);
  copy->hosts = COPY_LIST (pm_host, self->hosts);
}

static void
pm_route_clear (PmRoute *self)
{
  g_free (self->domain);
  g_free (self->rewrite_domain);
  g_ptr_array_unref (self->hosts);
}

PM_SITE_DEFINE_VALUE (PmRoute, pm_route)
DEFINE_REF (PmRoute, pm_route)

/* PmRestriction */

static void
pm_restriction_init (PmRestriction *self)
{
  self->network.family = G_SOCKET_FAMILY_IPV4;
}

static void
pm_restriction_assign (PmRestriction *copy, const PmRestriction *self)
{
  *copy = *self;
}

static void
pm_restriction_clear (PmRestriction *self)
{
}

PM_SITE_DEFINE_VALUE (PmRestriction, pm_restriction)
DEFINE_REF (PmRestriction, pm_restriction)

/* PmMailbox */

static void
pm_mailbox_init (PmMailbox *self)
{
  self->address = g_strdup ("");
  self->aliases = g_ptr_array_new_with_free_func (g_free);
  self->quota = PM_QUOTA_DEFAULT;
}

static void
pm_mailbox_assign (PmMailbox *copy, const PmMailbox *self)
{
  *copy = *self;
  copy->address = g_strdup (self->address);
  copy->aliases = copy_strings (self->aliases);
}

static void
pm_mailbox_clear (PmMailbox *self)
{
  g_free (self->address);
  g_ptr_array_unref (self->aliases);
}

PM_SITE_DEFINE_VALUE (PmMailbox, pm_mailbox)
DEFINE_REF (PmMailbox, pm_mailbox)

/* PmDomainAlias */

static void
pm_domain_alias_init (PmDomainAlias *self)
{
  self->domain = g_strdup ("");
  self->of = g_strdup ("");
}

static void
pm_domain_alias_assign (PmDomainAlias *copy, const PmDomainAlias *self)
{
  copy->domain = g_strdup (self->domain);
  copy->of = g_strdup (self->of);
}

static void
pm_domain_alias_clear (PmDomainAlias *self)
{
  g_free (self->domain);
  g_free (self->of);
}

PM_SITE_DEFINE_VALUE (PmDomainAlias, pm_domain_alias)
DEFINE_REF (PmDomainAlias, pm_domain_alias)

/* PmCatchAll */

static void
pm_catch_all_init (PmCatchAll *self)
{
  self->domain = g_strdup ("");
  self->address = g_strdup ("");
}

static void
pm_catch_all_assign (PmCatchAll *copy, const PmCatchAll *self)
{
  copy->domain = g_strdup (self->domain);
  copy->address = g_strdup (self->address);
}

static void
pm_catch_all_clear (PmCatchAll *self)
{
  g_free (self->domain);
  g_free (self->address);
}

PM_SITE_DEFINE_VALUE (PmCatchAll, pm_catch_all)
DEFINE_REF (PmCatchAll, pm_catch_all)

/* PmCertificate */

static void
pm_certificate_init (PmCertificate *self)
{
  self->chain = g_strdup ("");
  self->key = g_strdup ("");
}

static void
pm_certificate_assign (PmCertificate *copy, const PmCertificate *self)
{
  copy->chain = g_strdup (self->chain);
  copy->key = g_strdup (self->key);
  copy->host = g_strdup (self->host);
}

static void
pm_certificate_clear (PmCertificate *self)
{
  g_free (self->chain);
  g_free (self->key);
  g_free (self->host);
}

PM_SITE_DEFINE_VALUE (PmCertificate, pm_certificate)
DEFINE_REF (PmCertificate, pm_certificate)

/* PmDomainSecurity */

static void
pm_domain_security_init (PmDomainSecurity *self)
{
  self->name = g_strdup ("");
  self->tls = PM_TLS_VERIFY;
}

static void
pm_domain_security_assign (PmDomainSecurity *copy, const PmDomainSecurity *self)
{
  copy->name = g_strdup (self->name);
  copy->tls = self->tls;
  copy->user = g_strdup (self->user);
  copy->secret = g_strdup (self->secret);
}

static void
pm_domain_security_clear (PmDomainSecurity *self)
{
  g_free (self->name);
  g_free (self->user);
  g_free (self->secret);
}

PM_SITE_DEFINE_VALUE (PmDomainSecurity, pm_domain_security)
DEFINE_REF (PmDomainSecurity, pm_domain_security)

/* PmDiagnosticsCategory */

static void
pm_diagnostics_category_init (PmDiagnosticsCategory *self)
{
  self->name = g_strdup ("");
  self->level = PM_DIAGNOSTICS_MINIMUM;
}

static void
pm_diagnostics_category_assign (PmDiagnosticsCategory *copy, const PmDiagnosticsCategory *self)
{
  copy->name = g_strdup (self->name);
  copy->level = self->level;
}

static void
pm_diagnostics_category_clear (PmDiagnosticsCategory *self)
{
  g_free (self->name);
}

PM_SITE_DEFINE_VALUE (PmDiagnosticsCategory, pm_diagnostics_category)
DEFINE_REF (PmDiagnosticsCategory, pm_diagnostics_category)

/* PmMailService */

static void
pm_mail_service_init (PmMailService *self)
{
  static const guint intervals[] = { HOUR / 4, HOUR / 2, HOUR, 4 * HOUR };

  self->server = g_strdup ("");
  self->inbound_limit = 50 * MIB;
  self->outbound_limit = 50 * MIB;
  self->double_bounces = TRUE;
  self->transfer = PM_TRANSFER_BOTH;
  self->listeners = NEW_LIST (pm_listen);
  self->deliver = pm_delivery_new ();
  self->mail_domains = NEW_LIST (pm_mail_domain);
  self->retry_intervals = g_array_new (FALSE, FALSE, sizeof (guint));
  g_array_append_vals (self->retry_intervals, intervals, G_N_ELEMENTS (intervals));
  self->retry_notify = 4 * HOUR;
  self->retry_timeout = 2 * DAY;
  self->retry_urgent_notify = 4 * HOUR;
  self->retry_urgent_timeout = DAY;
  self->retry_nonurgent_notify = 12 * HOUR;
  self->retry_nonurgent_timeout = 3 * DAY;
  self->max_inbound = 1000;
  self->max_outbound = 200;
  self->max_per_host = 20;
  self->max_messages_per_connection = 100;
  self->max_recipients = 1000;
  self->max_per_client = 50;
  self->accept_default = TRUE;
  self->accept_rules = NEW_LIST (pm_accept_rule);
  self->filter_senders = g_ptr_array_new_with_free_func (g_free);
  self->reroute = TRUE;
  self->routes = NEW_LIST (pm_route);
  self->restrictions = NEW_LIST (pm_restriction);
  self->maildir = g_strdup ("mail");
  self->mailboxes = NEW_LIST (pm_mailbox);
  self->domain_aliases = NEW_LIST (pm_domain_alias);
  self->catch_alls = NEW_LIST (pm_catch_all);
  self->mta_sts = TRUE;
  self->dane = TRUE;
  self->certificates = NEW_LIST (pm_certificate);
  self->domain_security = NEW_LIST (pm_domain_security);
  self->tracking_keep = 30 * DAY;
  self->diagnostics = NEW_LIST (pm_diagnostics_category);
}

static void
pm_mail_service_assign (PmMailService *copy, const PmMailService *self)
{
  *copy = *self;
  copy->server = g_strdup (self->server);
  copy->administrator = g_strdup (self->administrator);
  copy->listeners = COPY_LIST (pm_listen, self->listeners);
  copy->deliver = pm_delivery_ref (self->deliver);
  copy->mail_domains = COPY_LIST (pm_mail_domain, self->mail_domains);
  copy->retry_intervals = g_array_copy (self->retry_intervals);
  copy->accept_rules = COPY_LIST (pm_accept_rule, self->accept_rules);
  copy->filter_senders = copy_strings (self->filter_senders);
  copy->routes = COPY_LIST (pm_route, self->routes);
  copy->restrictions = COPY_LIST (pm_restriction, self->restrictions);
  copy->maildir = g_strdup (self->maildir);
  copy->lmtp = g_strdup (self->lmtp);
  copy->mailboxes = COPY_LIST (pm_mailbox, self->mailboxes);
  copy->domain_aliases = COPY_LIST (pm_domain_alias, self->domain_aliases);
  copy->catch_alls = COPY_LIST (pm_catch_all, self->catch_alls);
  copy->certificates = COPY_LIST (pm_certificate, self->certificates);
  copy->accounts_path = g_strdup (self->accounts_path);
  copy->domain_security = COPY_LIST (pm_domain_security, self->domain_security);
  copy->diagnostics = COPY_LIST (pm_diagnostics_category, self->diagnostics);
}

static void
pm_mail_service_clear (PmMailService *self)
{
  g_free (self->server);
  g_free (self->administrator);
  g_ptr_array_unref (self->listeners);
  pm_delivery_unref (self->deliver);
  g_ptr_array_unref (self->mail_domains);
  g_array_unref (self->retry_intervals);
  g_ptr_array_unref (self->accept_rules);
  g_ptr_array_unref (self->filter_senders);
  g_ptr_array_unref (self->routes);
  g_ptr_array_unref (self->restrictions);
  g_free (self->maildir);
  g_free (self->lmtp);
  g_ptr_array_unref (self->mailboxes);
  g_ptr_array_unref (self->domain_aliases);
  g_ptr_array_unref (self->catch_alls);
  g_ptr_array_unref (self->certificates);
  g_free (self->accounts_path);
  g_ptr_array_unref (self->domain_security);
  g_ptr_array_unref (self->diagnostics);
}

PM_SITE_DEFINE_VALUE (PmMailService, pm_mail_service)
DEFINE_REF (PmMailService, pm_mail_service)

/* PmSite */

static void
pm_site_init (PmSite *self)
{
  self->name = g_strdup ("");
  self->organization = g_strdup ("");
  self->servers = NEW_LIST (pm_server);
  self->services = NEW_LIST (pm_mail_service);
}

static void
pm_site_assign (PmSite *copy, const PmSite *self)
{
  copy->name = g_strdup (self->name);
  copy->organization = g_strdup (self->organization);
  copy->servers = COPY_LIST (pm_server, self->servers);
  copy->addressing_domain = g_strdup (self->addressing_domain);
  copy->services = COPY_LIST (pm_mail_service, self->services);
}

static void
pm_site_clear (PmSite *self)
{
  g_free (self->name);
  g_free (self->organization);
  g_ptr_array_unref (self->servers);
  g_free (self->addressing_domain);
  g_ptr_array_unref (self->services);
}

PM_SITE_DEFINE_VALUE (PmSite, pm_site)

/**
 * pm_site_find_server:
 * @name: a server's name
 *
 * Returns: (nullable) (transfer none): the server of that name
 */
const PmServer *
pm_site_find_server (const PmSite *site, const char *name)
{
  for (guint i = 0; i < site->servers->len; i++)
    {
      const PmServer *server = site->servers->pdata[i];

      if (g_strcmp0 (server->name, name) == 0)
        return server;
    }
  return NULL;
}

/**
 * pm_site_find_service:
 * @server: (nullable): a server's name, or %NULL for the only service there is
 *
 * Returns: (nullable) (transfer none): the Internet Mail Service that runs on @server; %NULL where
 *   there is none, or where @server is %NULL and there is not exactly one
 */
const PmMailService *
pm_site_find_service (const PmSite *site, const char *server)
{
  if (server == NULL)
    return site->services->len == 1 ? site->services->pdata[0] : NULL;

  for (guint i = 0; i < site->services->len; i++)
    {
      const PmMailService *service = site->services->pdata[i];

      if (g_strcmp0 (service->server, server) == 0)
        return service;
    }
  return NULL;
}

/**
 * pm_site_with_service:
 * @service: a service; a reference is taken, so it must not be changed afterwards
 *
 * Returns: (transfer full): @site with @service in place of the one on the same server, or added
 */
PmSite *
pm_site_with_service (const PmSite *site, const PmMailService *service)
{
  PmSite *result = pm_site_copy (site);

  for (guint i = 0; i < result->services->len; i++)
    {
      PmMailService *former = result->services->pdata[i];

      if (g_strcmp0 (former->server, service->server) != 0)
        continue;
      result->services->pdata[i] = pm_mail_service_ref (service);
      pm_mail_service_unref (former);
      return result;
    }
  g_ptr_array_add (result->services, pm_mail_service_ref (service));
  return result;
}

/**
 * pm_host_equal:
 *
 * Returns: whether the two say the same
 */
gboolean
pm_host_equal (const PmHost *a, const PmHost *b)
{
  return a->port == b->port && a->tls == b->tls && g_strcmp0 (a->name, b->name) == 0;
}

static gboolean
hosts_equal (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (!pm_host_equal (a->pdata[i], b->pdata[i]))
      return FALSE;
  return TRUE;
}

/**
 * pm_delivery_equal:
 *
 * Returns: whether mail goes the same way by both
 */
gboolean
pm_delivery_equal (const PmDelivery *a, const PmDelivery *b)
{
  return a->method == b->method && a->order_rotate == b->order_rotate &&
         hosts_equal (a->hosts, b->hosts);
}

/**
 * pm_listen_equal:
 *
 * Returns: whether the two say the same
 */
gboolean
pm_listen_equal (const PmListen *a, const PmListen *b)
{
  return a->port == b->port && a->role == b->role && a->implicit_tls == b->implicit_tls &&
         a->proxy == b->proxy && g_strcmp0 (a->address, b->address) == 0;
}

/**
 * pm_accept_rule_equal:
 *
 * Returns: whether the two say the same
 */
gboolean
pm_accept_rule_equal (const PmAcceptRule *a, const PmAcceptRule *b)
{
  return a->accept == b->accept && a->relay_server == b->relay_server &&
         a->xclient == b->xclient && a->proxy == b->proxy &&
         pm_network_equal (&a->network, &b->network);
}

/**
 * pm_route_equal:
 *
 * Returns: whether the two match the same recipients and do the same with them
 */
gboolean
pm_route_equal (const PmRoute *a, const PmRoute *b)
{
  return a->action == b->action && a->subdomains == b->subdomains &&
         a->order_rotate == b->order_rotate && a->ask == b->ask &&
         g_strcmp0 (a->domain, b->domain) == 0 &&
         g_strcmp0 (a->rewrite_domain, b->rewrite_domain) == 0 && hosts_equal (a->hosts, b->hosts);
}

/**
 * pm_route_to_sent_to:
 *
 * Returns: (transfer full): the entry's key as the original writes it: the domain, with `#` before
 *   it when it matches exactly
 */
char *
pm_route_to_sent_to (const PmRoute *route)
{
  return g_strconcat (route->subdomains ? "" : "#", route->domain, NULL);
}
