// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who may connect, and who may send as whom. Pure: settings and facts in, the reply that refuses
// out, %NULL for yes.

#include "relay/pm-admission.h"

#include <string.h>

/**
 * pm_admission_get_standing:
 *
 * Returns: what the first rule that names @client says of it
 */
PmStanding
pm_admission_get_standing (const PmMailService *service, GInetAddress *client)
{
  PmStanding standing = { .accepted = service->accept_default };

  for (guint i = 0; i < service->accept_rules->len; i++)
    {
      const PmAcceptRule *rule = g_ptr_array_index (service->accept_rules, i);

      if (!pm_network_contains (&rule->network, client))
        continue;
      standing = (PmStanding){
        .accepted = rule->accept,
        .relay_server = rule->accept && rule->relay_server,
        .xclient = rule->accept && rule->xclient,
        .proxy = rule->accept && rule->proxy,
      };
      break;
    }
  standing.exempt = standing.relay_server || g_inet_address_get_is_loopback (client);
  return standing;
}

static PmSmtpReply *
refuse (guint code, const char *status, const char *text)
{
  return pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, code, status, text);
}

/**
 * pm_admission_judge_connection:
 *
 * Returns: (transfer full) (nullable): why the client may not connect
 */
PmSmtpReply *
pm_admission_judge_connection (const PmMailService *service,
                               const PmStanding *standing,
                               const PmConnectionFacts *facts)
{
  if (facts->stopping)
    return refuse (421, "4.3.2", "This service is closing down");
  if (!standing->accepted)
    return refuse (554, "5.7.1", "This host does not accept connections from you");
  if (service->transfer == PM_TRANSFER_OUTBOUND || service->transfer == PM_TRANSFER_NONE)
    return refuse (421, "4.3.2", "This host does not accept mail at present");
  if (facts->full)
    return refuse (421, "4.3.2", "Too many connections, try again later");
  if (facts->client_full)
    return refuse (421, "4.7.0", "Too many connections from your address, close one first");
  if (facts->client_hurried)
    return refuse (421, "4.7.0", "Your address connects too often, try again in a minute");
  return NULL;
}

/* Whether mail to @address reaches a mailbox here. */
static gboolean
is_homed (const PmRelaySettings *settings, const PmMailAddress *address)
{
  static const PmRoutingClient nobody = { .stranger = TRUE };
  g_autoptr (PmDecision) decision = pm_router_decide (settings->router, address, &nobody);

  return decision->action == PM_ACTION_INBOUND;
}

/* An account is an address, or a name for one in the site's own domain. */
static gboolean
account_matches (const PmRelaySettings *settings,
                 const char *account,
                 const PmMailAddress *sender)
{
  const char *domain = settings->site->addressing_domain;
  g_autoptr (PmMailAddress) own = NULL;
  g_autofree char *key = pm_mail_address_key (sender);
  g_autofree char *own_key = NULL;

  if (strchr (account, '@') != NULL)
    own = pm_mail_address_parse (account, NULL);
  else if (domain != NULL)
    {
      g_autofree char *address = g_strdup_printf ("%s@%s", account, domain);

      own = pm_mail_address_parse (address, NULL);
    }
  if (own == NULL)
    return FALSE;
  own_key = pm_mail_address_key (own);
  return strcmp (own_key, key) == 0;
}

/**
 * pm_admission_judge_sender:
 *
 * The checks of clients that submit are for those who come to have their mail carried on: by a
 * listener for submission, with an account, or from where relaying is allowed. Another host's mail
 * for our mailboxes is none of them.
 *
 * Returns: (transfer full) (nullable): why this transaction may not begin
 */
PmSmtpReply *
pm_admission_judge_sender (const PmRelaySettings *settings, const PmSenderFacts *facts)
{
  const PmMailService *service = settings->service;
  g_autofree char *sender = NULL;

  // RFC 6409 4.3
  if (facts->role == PM_LISTEN_SUBMISSION && facts->account == NULL)
    return refuse (530, "5.7.0", "Authentication required");
  if (facts->standing->relay_server || facts->sender == NULL)
    return NULL;
  if (facts->account == NULL && !facts->may_relay)
    return NULL;

  if (service->submit_homed && !is_homed (settings, facts->sender))
    {
      sender = pm_mail_address_to_string (facts->sender);
      return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 554, "5.7.1",
                                       "Mailbox is not local: <%s>", sender);
    }
  if (service->submit_matches &&
      (facts->account == NULL || !account_matches (settings, facts->account, facts->sender)))
    return refuse (554, "5.7.1", "Originator address does not match authentication credentials");
  return NULL;
}

/**
 * pm_admission_over_rate:
 * @what: `messages` or `recipients`
 */
PmSmtpReply *
pm_admission_over_rate (const char *what)
{
  gboolean recipients = strcmp (what, "recipients") == 0;

  return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, recipients ? 452 : 451,
                                   recipients ? "4.5.3" : "4.7.1",
                                   "Too many %s from your address, try again in a minute", what);
}
