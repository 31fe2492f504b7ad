// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A routing decision in one sentence for a person. The reasons are the router's own.

#include "config.h"

#include "ui/pm-decision-text.h"

#include <glib/gi18n.h>

#include "base/pm-domain-name.h"

static char *
describe_hop (const PmNextHop *hop)
{
  g_autofree char *domain = NULL;

  if (!hop->mx)
    return strchr (hop->host, ':') != NULL ? g_strdup_printf ("[%s]:%u", hop->host, hop->port)
                                           : g_strdup_printf ("%s:%u", hop->host, hop->port);
  domain = pm_domain_name_to_display (hop->host);
  /* Translators: mail goes “by the MX records of example.net” */
  return g_strdup_printf (_ ("the MX records of %s"), domain);
}

/**
 * pm_decision_text_hops:
 *
 * Returns: (transfer full) (nullable): the next hops in the order in which they are tried
 */
char *
pm_decision_text_hops (const PmDecision *decision)
{
  GString *text = NULL;

  for (guint i = 0; i < decision->next_hops->len; i++)
    {
      g_autofree char *hop = describe_hop (decision->next_hops->pdata[i]);

      if (text == NULL)
        text = g_string_new (hop);
      else
        g_string_append_printf (text, _ (", then %s"), hop);
    }
  return text != NULL ? g_string_free (text, FALSE) : NULL;
}

static char *
describe_inbound (const PmDecision *decision, const char *recipient)
{
  if (decision->mailbox == NULL)
    return g_strdup_printf (_ ("Accepted here and delivered to %s."), recipient);
  return g_strdup_printf (_ ("Accepted here, into the mailbox %s."), decision->mailbox);
}

/**
 * pm_decision_text_headline:
 *
 * Returns: (transfer full): what becomes of the recipient, in a sentence
 */
char *
pm_decision_text_headline (const PmDecision *decision)
{
  g_autofree char *recipient = pm_mail_address_to_string (decision->recipient);
  g_autofree char *hops = pm_decision_text_hops (decision);

  switch (decision->action)
    {
    case PM_ACTION_INBOUND:
      return describe_inbound (decision, recipient);
    case PM_ACTION_FORWARD:
      return g_strdup_printf (_ ("Accepted and forwarded unchanged to %s."), hops);
    case PM_ACTION_REWRITE:
      return g_strdup_printf (_ ("Accepted, rewritten to %s and sent on to %s."), recipient, hops);
    case PM_ACTION_RELAY:
      return g_strdup_printf (_ ("Accepted from anyone and sent on to %s."), hops);
    case PM_ACTION_OUTBOUND:
      return g_strdup_printf (_ ("Not one of our domains; this client may relay, so it is sent on "
                                 "to %s."),
                              hops);
    case PM_ACTION_REJECT:
    default:
      return g_strdup_printf (_ ("Refused: %s"), decision->reply);
    }
}

const char *
pm_decision_text_icon (const PmDecision *decision)
{
  return decision->action == PM_ACTION_REJECT ? "action-unavailable-symbolic"
                                              : "emblem-ok-symbolic";
}

/**
 * pm_decision_text_rule:
 *
 * Returns: (transfer full): an entry as the routing table shows it: “example.net → <inbound>”
 */
char *
pm_decision_text_rule (const PmRoute *rule)
{
  g_autofree char *domain = pm_domain_name_to_display (rule->domain);
  const PmHost *host;

  switch (rule->action)
    {
    case PM_ROUTE_REWRITE:
      return g_strdup_printf (rule->subdomains ? _ ("%s and its subdomains → %s")
                                               : _ ("%s exactly → %s"),
                              domain, rule->rewrite_domain);
    case PM_ROUTE_FORWARD:
      host = rule->hosts->pdata[0];
      return g_strdup_printf (rule->subdomains ? _ ("%s and its subdomains → %s")
                                               : _ ("%s exactly → %s"),
                              domain, host->name);
    case PM_ROUTE_RELAY:
      return g_strdup_printf (rule->subdomains ? _ ("%s and its subdomains → <relay>")
                                               : _ ("%s exactly → <relay>"),
                              domain);
    case PM_ROUTE_INBOUND:
    default:
      return g_strdup_printf (rule->subdomains ? _ ("%s and its subdomains → <inbound>")
                                               : _ ("%s exactly → <inbound>"),
                              domain);
    }
}
