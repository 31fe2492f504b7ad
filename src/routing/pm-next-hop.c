// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Where mail goes when it leaves: the hosts of an entry, of an e-mail domain or of the default, or
// the domain's MX records; each with the security that the recipient's domain or the host asks for.

#include "base/pm-domain-name.h"
#include "routing/pm-router-private.h"

#define SMTP_PORT 25

/**
 * pm_next_hop_new:
 *
 * Returns: (transfer full): a next hop
 */
PmNextHop *
pm_next_hop_new (const char *host, guint16 port, gboolean mx, PmTls tls)
{
  PmNextHop *hop = g_new0 (PmNextHop, 1);

  hop->host = g_strdup (host);
  hop->port = port;
  hop->mx = mx;
  hop->tls = tls;
  return hop;
}

/**
 * pm_next_hop_free:
 * @hop: (transfer full) (nullable): a next hop
 */
void
pm_next_hop_free (PmNextHop *hop)
{
  if (hop == NULL)
    return;
  g_free (hop->host);
  g_free (hop);
}

// Where either side demands TLS the stricter demand holds; where neither does, either may turn it
// off.
static PmTls
combine_tls (PmTls host, PmTls domain)
{
  if (MAX (host, domain) >= PM_TLS_REQUIRED)
    return MAX (host, domain);
  return MIN (host, domain);
}

static PmTls
domain_tls (const PmRouter *router, const char *domain)
{
  const PmDomainSecurity *security = pm_domain_table_look_up (&router->security, domain);

  return security == NULL ? PM_TLS_OPPORTUNISTIC : security->tls;
}

/**
 * pm_router_host_hops:
 * @hosts: (element-type PmHost): hosts in the order to try
 * @domain: the recipient's domain
 *
 * Returns: (transfer container) (element-type PmNextHop): a hop for each host.
 */
GPtrArray *
pm_router_host_hops (const PmRouter *router, GPtrArray *hosts, const char *domain)
{
  GPtrArray *hops = g_ptr_array_new_full (hosts->len, (GDestroyNotify) pm_next_hop_free);
  PmTls wanted = domain_tls (router, domain);

  for (guint i = 0; i < hosts->len; i++)
    {
      const PmHost *host = hosts->pdata[i];

      g_ptr_array_add (hops, pm_next_hop_new (host->name, host->port, FALSE,
                                              combine_tls (host->tls, wanted)));
    }
  return hops;
}

/**
 * pm_router_order_text:
 *
 * Returns: what a sentence says of the hosts behind the first
 */
const char *
pm_router_order_text (const GPtrArray *hops, gboolean rotate)
{
  if (hops->len < 2)
    return "";
  return rotate ? ", or to another of its hosts, in turn"
                : ", and if that does not answer to the next";
}

static void
explain_delivery (const PmMailDomain *entry,
                  const PmDelivery *delivery,
                  const char *domain,
                  GPtrArray *hops,
                  GPtrArray *reasons)
{
  g_autofree char *shown = NULL;
  const PmNextHop *first;

  if (reasons == NULL)
    return;
  shown = pm_domain_name_to_display (domain);
  if (entry != NULL)
    pm_reasons_add (reasons, "Mail for %s travels as the e-mail domain %s of Connections says.",
                    shown, entry->name);
  if (delivery->method == PM_DELIVERY_DNS)
    {
      pm_reasons_add (reasons, "It goes to the hosts that the MX records of %s name.", shown);
      return;
    }
  if (hops->len == 0)
    {
      pm_reasons_add (reasons, "No host is named to send it to.");
      return;
    }
  first = hops->pdata[0];
  pm_reasons_add (reasons, "It goes to the host %s, port %u%s.", first->host, first->port,
                  pm_router_order_text (hops, delivery->order_rotate));
}

/**
 * pm_router_explain_outbound:
 * @domain: the recipient's domain
 * @rotate: (out): whether each time another of them is to be tried first
 * @reasons: (nullable): where to say why
 *
 * Returns: (transfer container) (element-type PmNextHop): where Connections sends mail for @domain.
 */
GPtrArray *
pm_router_explain_outbound (const PmRouter *router,
                            const char *domain,
                            gboolean *rotate,
                            GPtrArray *reasons)
{
  const PmMailDomain *entry = pm_domain_table_look_up (&router->mail_domains, domain);
  const PmDelivery *delivery = entry != NULL ? entry->delivery : router->service->deliver;
  GPtrArray *hops;

  *rotate = delivery->method == PM_DELIVERY_HOST && delivery->order_rotate;
  if (delivery->method == PM_DELIVERY_HOST)
    {
      hops = pm_router_host_hops (router, delivery->hosts, domain);
    }
  else
    {
      hops = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_next_hop_free);
      g_ptr_array_add (hops,
                       pm_next_hop_new (domain, SMTP_PORT, TRUE, domain_tls (router, domain)));
    }
  explain_delivery (entry, delivery, domain, hops, reasons);
  return hops;
}
