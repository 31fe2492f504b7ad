// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The decision about one recipient. The same code decides and explains: the engine runs it without
// reasons, which then cost nothing; pm_decision_explain() runs it again and writes them down.

#include <stdarg.h>
#include <string.h>

#include "base/pm-domain-name.h"
#include "routing/pm-router-private.h"

#define MAX_REWRITES 10

typedef struct
{
  PmDecision decision; /* first: what callers see */
  PmRouter *router;
  PmMailAddress *asked;
  PmRoutingClient client; /* addresses owned */
  gboolean has_client;
} Decision;

/* One run of deciding. */
typedef struct
{
  PmRouter *router;
  const PmRoutingClient *client; /* (nullable) */
  PmDecision *decision;
  GPtrArray *reasons; /* (nullable) */
} Work;

/**
 * pm_reasons_add:
 * @reasons: (nullable): a list of sentences
 *
 * Adds a sentence where sentences are wanted.
 */
void
pm_reasons_add (GPtrArray *reasons, const char *format, ...)
{
  va_list args;

  if (reasons == NULL)
    return;
  va_start (args, format);
  g_ptr_array_add (reasons, g_strdup_vprintf (format, args));
  va_end (args);
}

static void
decision_clear (Decision *self)
{
  PmDecision *decision = &self->decision;

  pm_mail_address_unref (decision->recipient);
  pm_route_unref (decision->rule);
  g_ptr_array_unref (decision->losers);
  g_ptr_array_unref (decision->next_hops);
  g_free (decision->mailbox);
  g_free (decision->catch_all);
  g_free (decision->reply);
  pm_mail_address_unref (self->asked);
  g_clear_object (&self->client.address);
  g_clear_object (&self->client.local_address);
  pm_router_unref (self->router);
}

static void G_GNUC_PRINTF (2, 3)
    reject (Work *work, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_free (work->decision->reply);
  work->decision->reply = g_strdup_vprintf (format, args);
  va_end (args);
  work->decision->action = PM_ACTION_REJECT;
  work->decision->ask = FALSE;
  pm_reasons_add (work->reasons, "It is refused with “%s”.", work->decision->reply);
}

static void
set_hops (PmDecision *decision, GPtrArray *hops)
{
  g_ptr_array_unref (decision->next_hops);
  decision->next_hops = hops;
}

static void
set_recipient (PmDecision *decision, PmMailAddress *recipient)
{
  pm_mail_address_unref (decision->recipient);
  decision->recipient = recipient;
  decision->rewritten = TRUE;
}

static gboolean
is_postmaster (const PmMailAddress *address)
{
  // RFC 5321 4.5.1: in any case, and the whole word: postmaster-list is somebody else.
  return g_ascii_strcasecmp (address->local, "postmaster") == 0;
}

static gboolean
made_here (const Work *work)
{
  return work->client == NULL || (work->client->address == NULL && !work->client->stranger);
}

/* Explaining which entry wins. */

static void
explain_match (Work *work, const char *domain, const PmRoute *route)
{
  g_autofree char *shown = NULL;
  g_autofree char *entry = NULL;

  if (work->reasons == NULL)
    return;
  shown = pm_domain_name_to_display (domain);
  if (route == NULL)
    {
      pm_reasons_add (work->reasons, "%s matches no entry: it is not one of our domains.", shown);
      return;
    }

  entry = pm_domain_name_to_display (route->domain);
  if (route == work->router->site_entry)
    pm_reasons_add (work->reasons, "%s is the site addressing domain, which is inbound where no "
                                   "entry says otherwise.",
                    shown);
  else if (!route->subdomains)
    pm_reasons_add (work->reasons, "%s matches the entry #%s, which is for exactly this domain.",
                    shown, entry);
  else if (strcmp (domain, route->domain) == 0)
    pm_reasons_add (work->reasons, "%s matches the entry %s.", shown, entry);
  else
    pm_reasons_add (work->reasons, "%s matches the entry %s, which includes subdomains.",
                    shown, entry);
}

static void
explain_losers (Work *work, const PmRoute *winner)
{
  if (work->reasons == NULL)
    return;
  for (guint i = 0; i < work->decision->losers->len; i++)
    {
      const PmRoute *loser = work->decision->losers->pdata[i];
      g_autofree char *entry = pm_domain_name_to_display (loser->domain);

      if (strcmp (loser->domain, winner->domain) == 0)
        pm_reasons_add (work->reasons, "The entry %s matches too, but an exact entry goes before "
                                       "one with subdomains.",
                        entry);
      else
        pm_reasons_add (work->reasons, "The entry %s matches too, but is less specific.", entry);
    }
}

static const PmRoute *
match_first (Work *work)
{
  const char *domain = work->decision->recipient->domain;
  GPtrArray *losers = work->decision->losers;
  const PmRoute *route;

  pm_domain_table_collect (&work->router->routes, domain, losers);
  route = losers->len == 0 ? NULL : g_ptr_array_steal_index (losers, 0);
  for (guint i = 0; i < losers->len; i++)
    pm_route_ref (losers->pdata[i]);
  // What is implied is no entry of the table, and no rule that anybody could look up there.
  if (route != NULL && route != work->router->site_entry)
    work->decision->rule = pm_route_ref (route);

  explain_match (work, domain, route);
  explain_losers (work, route);
  return route;
}

/* Inbound. */

static void decide_postmaster (Work *work, const char *domain);

static char *
any_mailbox (const PmMailAddress *address)
{
  g_autofree char *local = g_utf8_casefold (address->local, -1);
  PmMailAddress folded = { .local = local, .domain = address->domain };

  return pm_mail_address_to_string (&folded);
}

static const char *
find_mailbox (const Work *work, const PmMailAddress *address)
{
  g_autofree char *key = pm_mail_address_key (address);

  return g_hash_table_lookup (work->router->mailboxes, key);
}

/*
 * Who gets what no mailbox of the domain does: the catch-all of the recipient's own domain, or of
 * the one that it is an alias of. (nullable) (transfer full)
 */
static char *
find_catch_all (const Work *work, const PmMailAddress *address, const PmMailAddress *home)
{
  const char *text = g_hash_table_lookup (work->router->catch_alls, address->domain);
  g_autoptr (PmMailAddress) target = NULL;
  const char *primary;

  if (text == NULL)
    text = g_hash_table_lookup (work->router->catch_alls, home->domain);
  target = text == NULL ? NULL : pm_mail_address_parse (text, NULL);
  if (target == NULL)
    return NULL;
  primary = find_mailbox (work, target);
  return primary != NULL ? g_strdup (primary) : any_mailbox (target);
}

static void
accept_inbound (Work *work, char *mailbox)
{
  work->decision->action = PM_ACTION_INBOUND;
  work->decision->mailbox = mailbox;
}

/* An address that the site does not list; `home` is where its mailbox would be. */
static void
decide_unlisted (Work *work, const PmMailAddress *address, const PmMailAddress *home)
{
  PmMailboxAccept accept = work->router->service->mailbox_accept;
  g_autofree char *catch_all = find_catch_all (work, address, home);

  if (accept == PM_MAILBOXES_ANY)
    {
      accept_inbound (work, any_mailbox (home));
      pm_reasons_add (work->reasons, "It is accepted as inbound: every address of an inbound "
                                     "domain is a mailbox here, this one %s.",
                      work->decision->mailbox);
    }
  else if (accept == PM_MAILBOXES_ASK && work->router->service->lmtp != NULL)
    {
      accept_inbound (work, any_mailbox (home));
      work->decision->ask = TRUE;
      work->decision->catch_all = g_steal_pointer (&catch_all);
      pm_reasons_add (work->reasons, "It is accepted as inbound if the LMTP server %s, which is "
                                     "asked for %s, knows the mailbox.",
                      work->router->service->lmtp, work->decision->mailbox);
      if (work->decision->catch_all != NULL)
        pm_reasons_add (work->reasons, "If not, the catch-all of the domain has it reach the "
                                       "mailbox %s.",
                        work->decision->catch_all);
    }
  else if (catch_all != NULL)
    {
      accept_inbound (work, g_steal_pointer (&catch_all));
      pm_reasons_add (work->reasons, "No mailbox or alias has this address, so that the catch-all "
                                     "of the domain has it reach the mailbox %s.",
                      work->decision->mailbox);
    }
  else
    {
      pm_reasons_add (work->reasons, "The domain is inbound, but no mailbox or alias has this "
                                     "address: add one, or the mail is refused.");
      // RFC 3463 X.1.1, at RCPT: never accepted and bounced.
      reject (work, "550 5.1.1 There is no mailbox with this name at %s", address->domain);
    }
}

/*
 * `address` as it is looked up: that of a literal in the site's domain. `entry` (nullable): the
 * domain of the entry that made it inbound. In a domain that is an alias of another the mailbox is
 * looked up in that one as well; the recipient stays what it is.
 */
static void
decide_inbound (Work *work, const PmMailAddress *address, const char *entry)
{
  const char *of = g_hash_table_lookup (work->router->domain_aliases, address->domain);
  const char *primary = find_mailbox (work, address);
  g_autoptr (PmMailAddress) home = of != NULL ? pm_mail_address_with_domain (address, of)
                                              : pm_mail_address_ref (address);

  if (primary == NULL && of != NULL)
    {
      pm_reasons_add (work->reasons, "%s has the mailboxes of %s.", address->domain, of);
      primary = find_mailbox (work, home);
    }

  if (primary != NULL)
    {
      accept_inbound (work, g_strdup (primary));
      pm_reasons_add (work->reasons, "It is accepted as inbound, for the mailbox %s.", primary);
    }
  else if (is_postmaster (address))
    {
      decide_postmaster (work, entry != NULL ? entry : address->domain);
    }
  else
    {
      decide_unlisted (work, address, home);
    }
}

/* Outward. */

static void
decide_outward (Work *work, PmRoutingAction action)
{
  PmDecision *decision = work->decision;

  decision->action = action;
  set_hops (decision, pm_router_explain_outbound (work->router, decision->recipient->domain,
                                                  &decision->rotate, work->reasons));
  if (decision->next_hops->len == 0)
    reject (work, "451 4.3.5 Mail for %s cannot be sent on: no host is named for it",
            decision->recipient->domain);
}

static void
refuse_relay (Work *work)
{
  if (!work->router->service->reroute && !made_here (work))
    {
      pm_reasons_add (work->reasons, "Incoming mail is not rerouted here: only inbound domains are "
                                     "accepted.");
      reject (work, "550 5.7.1 This server accepts mail for its own domains only, and %s is not "
                    "one of them",
              work->decision->recipient->domain);
      return;
    }
  reject (work, "550 5.7.1 Relaying is prohibited: %s is not one of our domains, and you may not "
                "send elsewhere through this server",
          work->decision->recipient->domain);
}

static gboolean
may_send (Work *work)
{
  if (!work->router->service->reroute && !made_here (work))
    return FALSE;
  return pm_router_check_relay (work->router, work->client, work->reasons);
}

static void
decide_forward (Work *work, const PmRoute *route)
{
  PmDecision *decision = work->decision;
  const PmNextHop *first;

  decision->action = PM_ACTION_FORWARD;
  set_hops (decision, pm_router_host_hops (work->router, route->hosts,
                                           decision->recipient->domain));
  if (decision->next_hops->len == 0)
    {
      reject (work, "451 4.3.5 Mail for %s cannot be sent on: no host is named for it",
              decision->recipient->domain);
      return;
    }
  first = decision->next_hops->pdata[0];
  decision->rotate = route->order_rotate;
  decision->ask = route->ask;
  pm_reasons_add (work->reasons, "It is forwarded unchanged to the host %s, port %u%s.",
                  first->host, first->port,
                  pm_router_order_text (decision->next_hops, route->order_rotate));
  if (route->ask)
    pm_reasons_add (work->reasons, "The host is asked whether it takes the recipient before the "
                                   "recipient is accepted.");
}

/* Address literals (RFC 5321 4.1.3). */
static void
decide_literal (Work *work)
{
  PmDecision *decision = work->decision;
  const PmMailAddress *recipient = decision->recipient;
  const char *site_domain = work->router->site_domain;

  if (pm_router_is_own_address (work->router, recipient->literal))
    {
      g_autoptr (PmMailAddress) local = NULL;

      local = pm_mail_address_with_domain (recipient, site_domain != NULL ? site_domain
                                                                          : recipient->domain);
      pm_reasons_add (work->reasons, "%s is an address of this server, and stands for %s.",
                      recipient->domain, local->domain);
      decide_inbound (work, local, NULL);
      return;
    }

  pm_reasons_add (work->reasons, "%s is not an address of this server.", recipient->domain);
  if (!may_send (work))
    {
      refuse_relay (work);
      return;
    }
  decision->action = PM_ACTION_OUTBOUND;
  g_ptr_array_add (decision->next_hops,
                   pm_next_hop_new (recipient->domain, 25, FALSE, PM_TLS_OPPORTUNISTIC));
  pm_reasons_add (work->reasons, "It goes to that address.");
}

/* Rewriting. */

static void
refuse_loop (Work *work, GPtrArray *seen, const char *next)
{
  g_autofree char *chain = NULL;

  if (work->reasons != NULL)
    {
      g_ptr_array_add (seen, (gpointer) next);
      g_ptr_array_add (seen, NULL);
      chain = g_strjoinv (" → ", (char **) seen->pdata);
      pm_reasons_add (work->reasons, "The entries rewrite in a circle, or too often: %s.", chain);
    }
  // RFC 3463 X.4.6, routing loop detected.
  reject (work, "550 5.4.6 Routing loop: the domain is rewritten to %s again and again", next);
}

static gboolean
saw (GPtrArray *seen, const char *domain)
{
  return g_ptr_array_find_with_equal_func (seen, domain, g_str_equal, NULL);
}

static gboolean
fits (const PmMailAddress *address)
{
  g_autofree char *text = pm_mail_address_to_string (address);

  return strlen (text) <= PM_MAIL_ADDRESS_MAX;
}

/*
 * Follows rewriting entries from `*route` on. Returns FALSE when the recipient was refused; else
 * `*route` is the entry, if any, that the rewritten recipient comes to.
 */
static gboolean
follow_rewrites (Work *work, const PmRoute **route)
{
  PmDecision *decision = work->decision;
  g_autoptr (PmMailAddress) first = pm_mail_address_ref (decision->recipient);
  g_autoptr (GPtrArray) seen = g_ptr_array_new ();

  g_ptr_array_add (seen, first->domain);
  for (; *route != NULL && (*route)->action == PM_ROUTE_REWRITE;
       *route = pm_domain_table_look_up (&work->router->routes, decision->recipient->domain))
    {
      const char *next = (*route)->rewrite_domain;

      if (saw (seen, next) || seen->len > MAX_REWRITES)
        {
          refuse_loop (work, seen, next);
          return FALSE;
        }
      g_ptr_array_add (seen, (gpointer) next);
      set_recipient (decision, pm_mail_address_with_domain (decision->recipient, next));
      if (!fits (decision->recipient))
        {
          reject (work, "550 5.1.3 The address is longer than 254 characters when rewritten to %s",
                  next);
          return FALSE;
        }
      if (work->reasons != NULL)
        {
          g_autofree char *shown = pm_mail_address_to_string (decision->recipient);

          pm_reasons_add (work->reasons, "The entry rewrites the recipient to %s.", shown);
          explain_match (work, next, pm_router_match (work->router, next));
        }
    }
  return TRUE;
}

/*
 * `user%far.example@ours`, `far.example!user@ours`: nothing to us, but the host that we pass it on
 * to may trust us, and route by it. A stranger does not get that through us.
 */
static gboolean
refuse_trick (Work *work, const PmRoute *route)
{
  const PmMailAddress *recipient = work->decision->recipient;

  if ((route != NULL && route->action == PM_ROUTE_INBOUND) ||
      strpbrk (recipient->local, "%!@") == NULL ||
      pm_router_check_relay (work->router, work->client, NULL))
    return FALSE;
  pm_reasons_add (work->reasons, "There is a %%, ! or @ before the last @, by which the next host "
                                 "might send it on elsewhere: only who may relay may do that.");
  reject (work, "550 5.7.1 Relaying is prohibited: an address with %%, ! or @ before the last @ is "
                "not passed on for you");
  return TRUE;
}

/* What the entry, or none, does with a recipient whose sender need not be asked about. */
static void
decide_granted (Work *work, const PmRoute *route)
{
  if (refuse_trick (work, route))
    return;
  if (route == NULL)
    {
      decide_outward (work, PM_ACTION_REWRITE);
      return;
    }
  switch (route->action)
    {
    case PM_ROUTE_INBOUND:
      decide_inbound (work, work->decision->recipient, route->domain);
      break;
    case PM_ROUTE_FORWARD:
      decide_forward (work, route);
      break;
    case PM_ROUTE_RELAY:
      pm_reasons_add (work->reasons, "Mail for it is always relayed, whoever sends it.");
      decide_outward (work, PM_ACTION_RELAY);
      break;
    case PM_ROUTE_REWRITE: // follow_rewrites() ends at another
    default:
      g_return_if_reached ();
    }
}

/*
 * postmaster@ an inbound domain that has no mailbox of that name: the administrator gets it, here
 * or elsewhere; where nobody is named it lies in a mailbox of its own.
 */
static void
decide_postmaster (Work *work, const char *domain)
{
  const PmMailAddress *administrator = work->router->administrator;
  const PmRoute *route;

  if (administrator == NULL)
    {
      work->decision->action = PM_ACTION_INBOUND;
      work->decision->mailbox = g_strconcat ("postmaster@", domain, NULL);
      pm_reasons_add (work->reasons, "Mail to postmaster is always accepted; no administrator is "
                                     "named, so that it lies in the mailbox %s.",
                      work->decision->mailbox);
      return;
    }

  route = pm_router_match (work->router, administrator->domain);
  pm_reasons_add (work->reasons, "Mail to postmaster reaches the administrator, %s.",
                  work->router->service->administrator);
  if (route != NULL && route->action == PM_ROUTE_INBOUND)
    {
      g_autofree char *key = pm_mail_address_key (administrator);

      work->decision->action = PM_ACTION_INBOUND;
      work->decision->mailbox = g_strdup (g_hash_table_lookup (work->router->mailboxes, key));
      return;
    }
  set_recipient (work->decision, pm_mail_address_ref (administrator));
  if (!follow_rewrites (work, &route))
    return;
  // Were the administrator a postmaster once more, this would not end.
  if (route != NULL && route->action == PM_ROUTE_INBOUND &&
      is_postmaster (work->decision->recipient))
    {
      work->decision->action = PM_ACTION_INBOUND;
      work->decision->mailbox = any_mailbox (work->decision->recipient);
      return;
    }
  decide_granted (work, route);
}

static void
decide_domain (Work *work)
{
  PmDecision *decision = work->decision;
  const PmRoute *route = match_first (work);
  const char *host = work->router->server_host;

  // RFC 5321 4.5.1: also a server without any domain of its own has a postmaster.
  if (route == NULL && host != NULL && is_postmaster (decision->recipient) &&
      strcmp (decision->recipient->domain, host) == 0)
    {
      pm_reasons_add (work->reasons, "It is this server's own name.");
      decide_inbound (work, decision->recipient, NULL);
      return;
    }
  if (route != NULL && route->action != PM_ROUTE_INBOUND && !work->router->service->reroute &&
      !made_here (work))
    {
      refuse_relay (work);
      return;
    }
  if (!follow_rewrites (work, &route))
    return;

  if (route != NULL || decision->rewritten)
    decide_granted (work, route);
  else if (may_send (work))
    decide_outward (work, PM_ACTION_OUTBOUND);
  else
    refuse_relay (work);
}

static Decision *
decide (PmRouter *router,
        const PmMailAddress *recipient,
        const PmRoutingClient *client,
        GPtrArray *reasons)
{
  Decision *self = g_atomic_rc_box_new0 (Decision);
  Work work = { router, client, &self->decision, reasons };

  self->router = pm_router_ref (router);
  self->asked = pm_mail_address_ref (recipient);
  self->has_client = client != NULL;
  if (client != NULL)
    {
      self->client = *client;
      if (client->address != NULL)
        g_object_ref (client->address);
      if (client->local_address != NULL)
        g_object_ref (client->local_address);
    }
  self->decision.recipient = pm_mail_address_ref (recipient);
  self->decision.losers = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_route_unref);
  self->decision.next_hops = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_next_hop_free);

  if (recipient->literal != NULL)
    decide_literal (&work);
  else
    decide_domain (&work);
  if (self->decision.action == PM_ACTION_INBOUND)
    self->decision.lmtp = router->service->lmtp;
  return self;
}

/**
 * pm_router_decide:
 * @recipient: the address as the client gave it
 * @client: (nullable): who sends, %NULL for mail made on this host
 *
 * Returns: (transfer full): what becomes of @recipient. Any thread.
 */
PmDecision *
pm_router_decide (PmRouter *router, const PmMailAddress *recipient, const PmRoutingClient *client)
{
  g_return_val_if_fail (router != NULL && recipient != NULL, NULL);

  return &decide (router, recipient, client, NULL)->decision;
}

/**
 * pm_decision_explain:
 *
 * Returns: (array zero-terminated=1) (transfer full): the reasons for @decision in order, a plain
 *   English sentence each. Any thread.
 */
GStrv
pm_decision_explain (const PmDecision *decision)
{
  const Decision *self = (const Decision *) decision;
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (PmDecision) again = NULL;

  g_return_val_if_fail (decision != NULL, NULL);

  again = &decide (self->router, self->asked, self->has_client ? &self->client : NULL,
                   reasons)
               ->decision;
  g_ptr_array_add (reasons, NULL);
  return (GStrv) g_ptr_array_steal (reasons, NULL);
}

/**
 * pm_decision_ref:
 *
 * Returns: (transfer full): @decision, with one more reference. Any thread.
 */
PmDecision *
pm_decision_ref (const PmDecision *decision)
{
  return g_atomic_rc_box_acquire ((PmDecision *) decision);
}

/**
 * pm_decision_unref:
 * @decision: (transfer full) (nullable): a decision
 *
 * Any thread.
 */
void
pm_decision_unref (PmDecision *decision)
{
  if (decision != NULL)
    g_atomic_rc_box_release_full (decision, (GDestroyNotify) decision_clear);
}

/**
 * pm_routing_action_to_string:
 *
 * Returns: the action's name in the contract of `pointsmanctl route test`
 */
const char *
pm_routing_action_to_string (PmRoutingAction action)
{
  static const char *const names[] = {
    "inbound",
    "forward",
    "rewrite",
    "relay",
    "outbound",
    "reject",
  };

  g_return_val_if_fail ((guint) action < G_N_ELEMENTS (names), NULL);
  return names[action];
}
