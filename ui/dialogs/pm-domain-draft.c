// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One more domain, from what was typed to the site that has it: a pure function, so that the dialog
// can ask it at every key and a test can ask it everything.

#include "config.h"

#include "ui/dialogs/pm-domain-draft.h"

#include <glib/gi18n.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"
#include "base/pm-mail-address.h"
#include "routing/pm-route-entry.h"
#include "ui/pm-decision-text.h"

static void
set_entry_error (GError **error, const PmRouteEntry *entry, const char *text)
{
  switch (entry->status)
    {
    case PM_ROUTE_ENTRY_EMPTY:
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("Type the domain, the part of an address after the @."));
      return;
    case PM_ROUTE_ENTRY_ADDRESS:
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("Routing is by domain, not by address: did you mean %s?"),
                   entry->suggestion);
      return;
    case PM_ROUTE_ENTRY_IP_ADDRESS:
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("Routing is by domain: an IP address is not one. Mail for this server's own "
                      "addresses is inbound by itself."));
      return;
    case PM_ROUTE_ENTRY_EVERYTHING:
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("Mail for every other domain goes by Connections anyway. Type one domain."));
      return;
    case PM_ROUTE_ENTRY_VALID:
    case PM_ROUTE_ENTRY_INVALID:
    default:
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("“%s” is not a domain name. Write it as in example.net."), text);
    }
}

/**
 * pm_domain_draft_normalize:
 * @subdomains: (out): whether the domain's subdomains are meant as well; “#domain”, as the original
 *   wrote it, says they are not, whatever the check button says
 *
 * Returns: (transfer full) (nullable): the domain, or %NULL with an error for a person
 */
char *
pm_domain_draft_normalize (const PmDomainDraft *draft, gboolean *subdomains, GError **error)
{
  g_autoptr (PmRouteEntry) entry = pm_route_entry_parse (draft->domain, draft->subdomains);
  g_autofree char *text = g_strstrip (g_strdup (draft->domain));

  *subdomains = entry->subdomains;
  if (entry->status == PM_ROUTE_ENTRY_VALID)
    return g_strdup (entry->domain);
  set_entry_error (error, entry, text);
  return NULL;
}

static gboolean
is_host (const char *text, char **host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  *host = address != NULL ? g_inet_address_to_string (address)
                          : pm_domain_name_normalize (text, NULL);
  return *host != NULL;
}

static gboolean
set_action (PmRoute *route, const PmDomainDraft *draft, PmDomainField *field, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (PmHost) host = NULL;

  route->action = draft->action;
  if (draft->action == PM_ROUTE_REWRITE)
    {
      text = g_strstrip (g_strdup (draft->rewrite_domain));
      route->rewrite_domain = pm_domain_name_normalize (*text == '@' ? text + 1 : text, NULL);
      if (route->rewrite_domain != NULL && !g_str_equal (route->rewrite_domain, route->domain))
        return TRUE;
      *field = PM_DOMAIN_FIELD_REWRITE;
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("Type the other domain that its mail is rerouted to."));
      return FALSE;
    }
  if (draft->action == PM_ROUTE_FORWARD)
    {
      host = pm_host_new ();
      text = g_strstrip (g_strdup (draft->host));
      g_clear_pointer (&host->name, g_free);
      if (!is_host (text, &host->name))
        {
          *field = PM_DOMAIN_FIELD_HOST;
          g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                       _ ("Type the host that its mail is forwarded to, by name or IP address."));
          return FALSE;
        }
      host->port = draft->port;
      g_ptr_array_add (route->hosts, g_steal_pointer (&host));
    }
  return TRUE;
}

/* Refuses what is in the table already. */
static gboolean
check_is_new (const PmRoute *route, const PmMailService *service, GError **error)
{
  for (guint i = 0; i < service->routes->len; i++)
    {
      const PmRoute *other = service->routes->pdata[i];
      g_autofree char *text = NULL;

      if (!g_str_equal (other->domain, route->domain) || other->subdomains != route->subdomains)
        continue;
      text = pm_decision_text_rule (other);
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("The routing table has this already: %s. Change it in the properties of the "
                      "Internet Mail Service."),
                   text);
      return FALSE;
    }
  return TRUE;
}

static gboolean
has_address (const PmMailService *service, const char *address)
{
  for (guint i = 0; i < service->mailboxes->len; i++)
    {
      const PmMailbox *mailbox = service->mailboxes->pdata[i];

      if (g_ascii_strcasecmp (mailbox->address, address) == 0)
        return TRUE;
      for (guint k = 0; k < mailbox->aliases->len; k++)
        if (g_ascii_strcasecmp (mailbox->aliases->pdata[k], address) == 0)
          return TRUE;
    }
  return FALSE;
}

static void
add_alias (PmMailService *service, const char *address, const char *alias)
{
  for (guint i = 0; i < service->mailboxes->len; i++)
    {
      const PmMailbox *former = service->mailboxes->pdata[i];
      PmMailbox *mailbox;

      if (!g_str_equal (former->address, address))
        continue;
      mailbox = pm_mailbox_copy (former);
      g_ptr_array_add (mailbox->aliases, g_strdup (alias));
      pm_mailbox_unref (service->mailboxes->pdata[i]);
      service->mailboxes->pdata[i] = mailbox;
    }
}

/* RFC 5321 4.5.1: a domain that accepts mail has a postmaster. */
static void
add_postmaster (PmMailService *service, const PmDomainDraft *draft, const PmRoute *route)
{
  g_autofree char *postmaster = g_strconcat ("postmaster@", route->domain, NULL);

  if (route->action != PM_ROUTE_INBOUND || draft->mailbox == PM_DOMAIN_MAILBOX_NONE)
    return;
  if (has_address (service, postmaster))
    return;
  if (draft->mailbox == PM_DOMAIN_MAILBOX_ALIAS)
    add_alias (service, draft->mailbox_address, postmaster);
  else
    {
      PmMailbox *mailbox = pm_mailbox_new ();

      g_free (mailbox->address);
      mailbox->address = g_steal_pointer (&postmaster);
      g_ptr_array_add (service->mailboxes, mailbox);
    }
}

/**
 * pm_domain_draft_apply:
 * @field: (out): what an error is about
 *
 * Returns: (nullable): the site with the domain in it, or %NULL with an error for a person
 */
PmSite *
pm_domain_draft_apply (const PmDomainDraft *draft, const PmSite *site, const char *server_name,
                       PmDomainField *field, GError **error)
{
  const PmMailService *service = pm_site_find_service (site, server_name);
  g_autoptr (PmRoute) route = pm_route_new ();
  g_autoptr (PmMailService) changed = NULL;

  *field = PM_DOMAIN_FIELD_DOMAIN;
  if (service == NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                   _ ("The site has no mail service on this server."));
      return NULL;
    }
  g_free (route->domain);
  route->domain = pm_domain_draft_normalize (draft, &route->subdomains, error);
  if (route->domain == NULL || !check_is_new (route, service, error))
    return NULL;
  if (!set_action (route, draft, field, error))
    return NULL;
  *field = PM_DOMAIN_FIELD_NONE;
  changed = pm_mail_service_copy (service);
  add_postmaster (changed, draft, route);
  g_ptr_array_add (changed->routes, g_steal_pointer (&route));
  return pm_site_with_service (site, changed);
}
