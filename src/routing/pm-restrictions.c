// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who may relay. A `never` network loses always; then any `allow` that matches wins; whom nobody
// allows may not, so that an empty list means nobody and never everybody.

#include "routing/pm-router-private.h"

static char *
describe (GInetAddress *address)
{
  return address == NULL ? g_strdup ("an unknown address") : g_inet_address_to_string (address);
}

static gboolean
matches (const PmRestriction *restriction, const PmRoutingClient *client, GInetAddress *address)
{
  switch (restriction->kind)
    {
    case PM_RESTRICTION_NETWORK:
      // A host whose address is not known is still in the network of all addresses.
      if (address == NULL)
        return restriction->network.prefix == 0;
      return pm_network_contains (&restriction->network, address);
    case PM_RESTRICTION_INTERFACE:
      return client->local_address != NULL &&
             pm_network_contains (&restriction->network, client->local_address);
    case PM_RESTRICTION_AUTHENTICATED:
      return client->authenticated;
    default:
      g_return_val_if_reached (FALSE);
    }
}

static const PmRestriction *
find (const PmRouter *router,
      gboolean never,
      const PmRoutingClient *client,
      GInetAddress *address)
{
  GPtrArray *restrictions = router->service->restrictions;

  for (guint i = 0; i < restrictions->len; i++)
    {
      const PmRestriction *restriction = restrictions->pdata[i];

      if (restriction->never == never && matches (restriction, client, address))
        return restriction;
    }
  return NULL;
}

static gboolean
has_allow (const PmRouter *router)
{
  GPtrArray *restrictions = router->service->restrictions;

  for (guint i = 0; i < restrictions->len; i++)
    if (!((const PmRestriction *) restrictions->pdata[i])->never)
      return TRUE;
  return FALSE;
}

static void
explain_allowed (const PmRestriction *restriction, GInetAddress *address, GPtrArray *reasons)
{
  g_autofree char *network = NULL;
  g_autofree char *who = NULL;

  if (reasons == NULL)
    return;
  network = pm_network_to_string (&restriction->network);
  who = describe (address);
  if (restriction->kind == PM_RESTRICTION_NETWORK)
    pm_reasons_add (reasons, "The client %s may relay: it is in the allowed network %s.",
                    who, network);
  else if (restriction->kind == PM_RESTRICTION_INTERFACE)
    pm_reasons_add (reasons, "The client may relay: it is connected to this server's address %s, "
                             "which is allowed.",
                    network);
  else
    pm_reasons_add (reasons, "The client may relay: it has authenticated.");
}

static void
explain_refused (const PmRouter *router,
                 const PmRestriction *never,
                 const PmRoutingClient *client,
                 GInetAddress *address,
                 GPtrArray *reasons)
{
  g_autofree char *network = NULL;
  g_autofree char *who = NULL;

  if (reasons == NULL)
    return;
  who = describe (address);
  if (never != NULL)
    {
      network = pm_network_to_string (&never->network);
      pm_reasons_add (reasons, "The client %s may not relay: it is in %s, which may never relay, "
                               "whatever else allows it.",
                      who, network);
      return;
    }
  if (!has_allow (router))
    pm_reasons_add (reasons, "No client may relay: the routing restrictions allow nobody.");
  else if (address == NULL)
    pm_reasons_add (reasons, "A client from elsewhere that has %sauthenticated may not relay: no "
                             "routing restriction allows it.",
                    client->authenticated ? "" : "not ");
  else
    pm_reasons_add (reasons, "The client %s may not relay: it is in no allowed network, not "
                             "connected to an allowed address of this server and not "
                             "authenticated in a way that is allowed.",
                    who);
}

/**
 * pm_router_check_relay:
 * @client: (nullable): the client, %NULL for mail made on this host
 * @reasons: (nullable): where to say why
 *
 * Returns: whether the client may send to domains that are not ours.
 */
gboolean
pm_router_check_relay (const PmRouter *router, const PmRoutingClient *client, GPtrArray *reasons)
{
  GInetAddress *address;
  const PmRestriction *never;
  const PmRestriction *allow;

  if (client == NULL || (client->address == NULL && !client->stranger))
    {
      pm_reasons_add (reasons, "Mail made on this server may go anywhere.");
      return TRUE;
    }

  address = client->stranger ? NULL : client->address;
  never = find (router, TRUE, client, address);
  allow = never == NULL ? find (router, FALSE, client, address) : NULL;
  if (allow == NULL)
    {
      explain_refused (router, never, client, address, reasons);
      return FALSE;
    }
  explain_allowed (allow, address, reasons);
  return TRUE;
}

/**
 * pm_router_may_relay:
 * @client: (nullable): the client, %NULL for mail made on this host
 * @reason: (out) (optional) (transfer full): why, as a sentence
 *
 * Returns: whether the client may send to domains that are not ours. Any thread.
 */
gboolean
pm_router_may_relay (PmRouter *router, const PmRoutingClient *client, char **reason)
{
  g_autoptr (GPtrArray) reasons = NULL;
  gboolean may;

  g_return_val_if_fail (router != NULL, FALSE);

  if (reason == NULL)
    return pm_router_check_relay (router, client, NULL);

  reasons = g_ptr_array_new_with_free_func (g_free);
  may = pm_router_check_relay (router, client, reasons);
  *reason = g_ptr_array_steal_index (reasons, 0);
  return may;
}
