// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A service's values while they are edited: copied from the site, compared, merged with what
// somebody else wrote meanwhile, and put back into a site. Pure; nothing here knows a widget.

#include "config.h"

#include "ui/properties/pm-service-draft.h"

typedef gboolean (*EqualFunc) (gconstpointer a, gconstpointer b);
typedef char *(*KeyFunc) (gconstpointer item);

G_DEFINE_BOXED_TYPE (PmServiceDraft, pm_service_draft, pm_service_draft_copy, pm_service_draft_free)

static gboolean
string_equal (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (a, b) == 0;
}

static gboolean
delivery_equal (gconstpointer first, gconstpointer second)
{
  return pm_delivery_equal (first, second);
}

static gboolean
listen_equal (gconstpointer first, gconstpointer second)
{
  return pm_listen_equal (first, second);
}

static gboolean
mail_domain_equal (gconstpointer first, gconstpointer second)
{
  const PmMailDomain *a = first;
  const PmMailDomain *b = second;

  return a->subdomains == b->subdomains && string_equal (a->name, b->name) &&
         delivery_equal (a->delivery, b->delivery);
}

static gboolean
accept_rule_equal (gconstpointer first, gconstpointer second)
{
  return pm_accept_rule_equal (first, second);
}

static gboolean
restriction_equal (gconstpointer first, gconstpointer second)
{
  const PmRestriction *a = first;
  const PmRestriction *b = second;

  return a->never == b->never && a->kind == b->kind &&
         (a->kind == PM_RESTRICTION_AUTHENTICATED || pm_network_equal (&a->network, &b->network));
}

static gboolean
route_equal (gconstpointer a, gconstpointer b)
{
  return pm_route_equal (a, b);
}

// Shared elements are the same pointer, so that an unchanged long list costs next to nothing.
static gboolean
lists_equal (GPtrArray *a, GPtrArray *b, EqualFunc equal)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (a->pdata[i] != b->pdata[i] && !equal (a->pdata[i], b->pdata[i]))
      return FALSE;
  return TRUE;
}

static gboolean
intervals_equal (GArray *a, GArray *b)
{
  return a->len == b->len &&
         (a->len == 0 || memcmp (a->data, b->data, a->len * sizeof (guint)) == 0);
}

static gboolean
server_equal (const PmServer *a, const PmServer *b)
{
  return string_equal (a->name, b->name) && string_equal (a->host, b->host) &&
         lists_equal (a->addresses, b->addresses, string_equal);
}

static gboolean
numbers_equal (const PmMailService *a, const PmMailService *b)
{
  return a->inbound_limit == b->inbound_limit && a->outbound_limit == b->outbound_limit &&
         a->transfer == b->transfer && a->retry_notify == b->retry_notify &&
         a->retry_timeout == b->retry_timeout && a->max_inbound == b->max_inbound &&
         a->max_outbound == b->max_outbound && a->max_per_host == b->max_per_host &&
         a->max_messages_per_connection == b->max_messages_per_connection &&
         a->max_recipients == b->max_recipients && a->accept_default == b->accept_default &&
         a->reroute == b->reroute;
}

static gboolean
service_equal (const PmMailService *a, const PmMailService *b)
{
  return numbers_equal (a, b) && string_equal (a->administrator, b->administrator) &&
         lists_equal (a->listeners, b->listeners, listen_equal) &&
         delivery_equal (a->deliver, b->deliver) &&
         lists_equal (a->mail_domains, b->mail_domains, mail_domain_equal) &&
         intervals_equal (a->retry_intervals, b->retry_intervals) &&
         lists_equal (a->accept_rules, b->accept_rules, accept_rule_equal) &&
         lists_equal (a->restrictions, b->restrictions, restriction_equal) &&
         lists_equal (a->routes, b->routes, route_equal);
}

/**
 * pm_service_draft_new:
 * @site: a site
 * @server_name: name of a server in it
 *
 * Returns: (transfer full) (nullable): a draft of the Internet Mail Service on that server; %NULL
 *   when the site has no such server or no service on it
 */
PmServiceDraft *
pm_service_draft_new (const PmSite *site, const char *server_name)
{
  const PmServer *server = pm_site_find_server (site, server_name);
  const PmMailService *service = pm_site_find_service (site, server_name);
  PmServiceDraft *self;

  if (server == NULL || service == NULL)
    return NULL;

  self = g_new0 (PmServiceDraft, 1);
  self->site = pm_site_ref (site);
  self->server = pm_server_copy (server);
  self->service = pm_mail_service_copy (service);
  return self;
}

PmServiceDraft *
pm_service_draft_copy (const PmServiceDraft *self)
{
  PmServiceDraft *copy = g_new0 (PmServiceDraft, 1);

  copy->site = pm_site_ref (self->site);
  copy->server = pm_server_copy (self->server);
  copy->service = pm_mail_service_copy (self->service);
  return copy;
}

void
pm_service_draft_free (PmServiceDraft *self)
{
  if (self == NULL)
    return;
  pm_site_unref (self->site);
  pm_server_unref (self->server);
  pm_mail_service_unref (self->service);
  g_free (self);
}

/**
 * pm_service_draft_equal:
 *
 * Returns: whether the two say the same in everything that the Properties dialog can change
 */
gboolean
pm_service_draft_equal (const PmServiceDraft *a, const PmServiceDraft *b)
{
  return server_equal (a->server, b->server) && service_equal (a->service, b->service);
}

/**
 * pm_service_draft_to_site:
 *
 * Returns: (transfer full): the site it was made from, with this server and this service
 */
PmSite *
pm_service_draft_to_site (const PmServiceDraft *self)
{
  g_autoptr (PmMailService) service = pm_mail_service_copy (self->service);
  PmSite *site = pm_site_with_service (self->site, service);

  for (guint i = 0; i < site->servers->len; i++)
    {
      PmServer *former = site->servers->pdata[i];

      if (!string_equal (former->name, self->server->name))
        continue;
      if (!server_equal (former, self->server))
        {
          site->servers->pdata[i] = pm_server_copy (self->server);
          pm_server_unref (former);
        }
      break;
    }
  return site;
}

static char *
route_key (gconstpointer route)
{
  return pm_route_to_sent_to (route);
}

static char *
mail_domain_key (gconstpointer item)
{
  const PmMailDomain *domain = item;

  return g_strconcat (domain->subdomains ? "" : "#", domain->name, NULL);
}

static GHashTable *
index_by_key (GPtrArray *list, KeyFunc key)
{
  GHashTable *index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < list->len; i++)
    g_hash_table_replace (index, key (list->pdata[i]), list->pdata[i]);
  return index;
}

// What a key of theirs becomes: mine where I changed it, nothing where I took it out, else theirs.
static gconstpointer
merge_item (gconstpointer base, gconstpointer mine, gconstpointer theirs, EqualFunc equal)
{
  if (base == NULL)
    return mine != NULL ? mine : theirs;
  if (mine == NULL)
    return NULL;
  return mine == base || equal (mine, base) ? theirs : mine;
}

// Lists whose elements have a key are merged element by element: their order, then what I added.
static GPtrArray *
merge_keyed (GPtrArray *base,
             GPtrArray *mine,
             GPtrArray *theirs,
             KeyFunc key,
             EqualFunc equal,
             GDestroyNotify unref)
{
  g_autoptr (GHashTable) of_base = index_by_key (base, key);
  g_autoptr (GHashTable) of_mine = index_by_key (mine, key);
  g_autoptr (GHashTable) of_theirs = index_by_key (theirs, key);
  GPtrArray *result = g_ptr_array_new_with_free_func (unref);

  for (guint i = 0; i < theirs->len; i++)
    {
      g_autofree char *name = key (theirs->pdata[i]);
      gconstpointer item = merge_item (g_hash_table_lookup (of_base, name),
                                       g_hash_table_lookup (of_mine, name),
                                       theirs->pdata[i], equal);

      if (item != NULL)
        g_ptr_array_add (result, g_atomic_rc_box_acquire ((gpointer) item));
    }
  for (guint i = 0; i < mine->len; i++)
    {
      g_autofree char *name = key (mine->pdata[i]);
      gconstpointer former = g_hash_table_lookup (of_base, name);

      // What they took out stays out unless I changed it.
      if (!g_hash_table_contains (of_theirs, name) &&
          (former == NULL || !equal (former, mine->pdata[i])))
        g_ptr_array_add (result, g_atomic_rc_box_acquire (mine->pdata[i]));
    }
  return result;
}

static void
take_list (GPtrArray **target, GPtrArray *list)
{
  g_ptr_array_unref (*target);
  *target = g_ptr_array_ref (list);
}

#define MERGE_NUMBER(field)                         \
  if (mine->service->field != base->service->field) \
  merged->field = mine->service->field

#define MERGE_LIST(field, equal)                                        \
  if (!lists_equal (mine->service->field, base->service->field, equal)) \
  take_list (&merged->field, mine->service->field)

static void
merge_numbers (PmMailService *merged, const PmServiceDraft *base, const PmServiceDraft *mine)
{
  MERGE_NUMBER (inbound_limit);
  MERGE_NUMBER (outbound_limit);
  MERGE_NUMBER (transfer);
  MERGE_NUMBER (retry_notify);
  MERGE_NUMBER (retry_timeout);
  MERGE_NUMBER (max_inbound);
  MERGE_NUMBER (max_outbound);
  MERGE_NUMBER (max_per_host);
  MERGE_NUMBER (max_messages_per_connection);
  MERGE_NUMBER (max_recipients);
  MERGE_NUMBER (accept_default);
  MERGE_NUMBER (reroute);
}

static void
merge_whole_values (PmMailService *merged, const PmServiceDraft *base, const PmServiceDraft *mine)
{
  MERGE_LIST (listeners, listen_equal);
  MERGE_LIST (accept_rules, accept_rule_equal);
  MERGE_LIST (restrictions, restriction_equal);

  if (!string_equal (mine->service->administrator, base->service->administrator))
    {
      g_free (merged->administrator);
      merged->administrator = g_strdup (mine->service->administrator);
    }
  if (!delivery_equal (mine->service->deliver, base->service->deliver))
    {
      pm_delivery_unref (merged->deliver);
      merged->deliver = pm_delivery_ref (mine->service->deliver);
    }
  if (!intervals_equal (mine->service->retry_intervals, base->service->retry_intervals))
    {
      g_array_unref (merged->retry_intervals);
      merged->retry_intervals = g_array_copy (mine->service->retry_intervals);
    }
}

static void
merge_server (PmServer *merged, const PmServer *base, const PmServer *mine)
{
  if (!string_equal (mine->host, base->host))
    {
      g_free (merged->host);
      merged->host = g_strdup (mine->host);
    }
  if (!lists_equal (mine->addresses, base->addresses, string_equal))
    take_list (&merged->addresses, mine->addresses);
}

/**
 * pm_service_draft_merge:
 * @base: what both started from
 * @mine: what I made of it
 * @theirs: what somebody else made of it and saved
 *
 * Returns: (transfer full): @theirs with what I changed on top: value by value, and in the routing
 *   table and the e-mail domains entry by entry
 */
PmServiceDraft *
pm_service_draft_merge (const PmServiceDraft *base,
                        const PmServiceDraft *mine,
                        const PmServiceDraft *theirs)
{
  PmServiceDraft *merged = pm_service_draft_copy (theirs);
  g_autoptr (GPtrArray) routes = NULL;
  g_autoptr (GPtrArray) domains = NULL;

  merge_server (merged->server, base->server, mine->server);
  merge_numbers (merged->service, base, mine);
  merge_whole_values (merged->service, base, mine);

  routes = merge_keyed (base->service->routes, mine->service->routes, theirs->service->routes,
                        route_key, route_equal, (GDestroyNotify) pm_route_unref);
  take_list (&merged->service->routes, routes);
  domains = merge_keyed (base->service->mail_domains, mine->service->mail_domains,
                         theirs->service->mail_domains, mail_domain_key, mail_domain_equal,
                         (GDestroyNotify) pm_mail_domain_unref);
  take_list (&merged->service->mail_domains, domains);
  return merged;
}
