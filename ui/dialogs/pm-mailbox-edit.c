// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Adding, changing and removing a site's mailboxes, as pure functions from site to site. An address
// may lead to one mailbox only, and its domain must be one that the service accepts as inbound.

#include "config.h"

#include "ui/dialogs/pm-mailbox-edit.h"

#include <glib/gi18n.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"
#include "base/pm-mail-address.h"
#include "routing/pm-router.h"

/**
 * pm_mailbox_edit_find:
 * @service: (nullable)
 * @address: a primary address, as the site has it
 *
 * Returns: (nullable)
 */
const PmMailbox *
pm_mailbox_edit_find (const PmMailService *service, const char *address)
{
  if (service == NULL)
    return NULL;
  for (guint i = 0; i < service->mailboxes->len; i++)
    {
      const PmMailbox *mailbox = service->mailboxes->pdata[i];

      if (g_str_equal (mailbox->address, address))
        return mailbox;
    }
  return NULL;
}

/* What addresses are compared by; those that are none are compared as they are. */
static char *
key_of (const char *text)
{
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (text, NULL);

  return address != NULL ? pm_mail_address_key (address) : g_strdup (text);
}

static void
add_keys (GHashTable *keys, const PmMailbox *mailbox)
{
  g_hash_table_insert (keys, key_of (mailbox->address), (gpointer) mailbox->address);
  for (guint i = 0; i < mailbox->aliases->len; i++)
    g_hash_table_insert (keys, key_of (mailbox->aliases->pdata[i]), (gpointer) mailbox->address);
}

static gboolean
is_inbound (PmRouter *router, const char *domain)
{
  const PmRoute *route = pm_router_match (router, domain);

  return route != NULL && route->action == PM_ROUTE_INBOUND;
}

/* Parses @text, and refuses an address that another mailbox has or that no mail can come for. */
static char *
check_address (const char *text, PmRouter *router, GHashTable *taken, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (text, &why);
  g_autofree char *key = NULL;
  const char *holder;

  if (address == NULL)
    {
      if (g_str_has_prefix (text, "@"))
        g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                     _ ("Type the name before “%s”, as in anna%s."), text, text);
      else
        g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                     _ ("“%s” is not a mail address. Write it as in anna@example.com."), text);
      return NULL;
    }
  key = pm_mail_address_key (address);
  holder = g_hash_table_lookup (taken, key);
  if (holder != NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("%s already belongs to the mailbox %s."), text, holder);
      return NULL;
    }
  if (!is_inbound (router, address->domain))
    {
      g_autofree char *domain = pm_domain_name_to_display (address->domain);

      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   _ ("%s is not accepted as inbound here, so no mail would come for %s. "
                      "Add the domain first."),
                   domain, text);
      return NULL;
    }
  return pm_mail_address_to_string (address);
}

static gboolean
collect_aliases (PmMailbox *mailbox, const char *aliases, PmRouter *router,
                 GHashTable *taken, GError **error)
{
  g_auto (GStrv) words = g_strsplit_set (aliases, " \t\r\n,;", -1);

  g_ptr_array_set_size (mailbox->aliases, 0);
  for (guint i = 0; words[i] != NULL; i++)
    {
      char *alias;

      if (*words[i] == '\0')
        continue;
      alias = check_address (words[i], router, taken, error);
      if (alias == NULL)
        return FALSE;
      g_ptr_array_add (mailbox->aliases, alias);
      g_hash_table_insert (taken, key_of (alias), mailbox->address);
    }
  return TRUE;
}

static PmMailbox *
collect_mailbox (const PmSite *site, const PmMailService *service, const PmMailbox *former,
                 const char *address, const char *aliases, PmMailboxField *field, GError **error)
{
  g_autoptr (PmRouter) router = pm_router_new (site, service, NULL);
  g_autoptr (GHashTable) taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (PmMailbox) mailbox = former != NULL ? pm_mailbox_copy (former) : pm_mailbox_new ();
  g_autofree char *text = g_strstrip (g_strdup (address));
  char *checked;

  for (guint i = 0; i < service->mailboxes->len; i++)
    if (service->mailboxes->pdata[i] != former)
      add_keys (taken, service->mailboxes->pdata[i]);
  *field = PM_MAILBOX_FIELD_ADDRESS;
  checked = check_address (text, router, taken, error);
  if (checked == NULL)
    return NULL;
  g_free (mailbox->address);
  mailbox->address = checked;
  g_hash_table_insert (taken, key_of (checked), checked);
  *field = PM_MAILBOX_FIELD_ALIASES;
  if (!collect_aliases (mailbox, aliases, router, taken, error))
    return NULL;
  *field = PM_MAILBOX_FIELD_NONE;
  return g_steal_pointer (&mailbox);
}

static void
put_mailbox (PmMailService *service, const PmMailbox *former, PmMailbox *mailbox)
{
  guint index;

  if (former == NULL || !g_ptr_array_find (service->mailboxes, former, &index))
    {
      g_ptr_array_add (service->mailboxes, mailbox);
      return;
    }
  pm_mailbox_unref (service->mailboxes->pdata[index]);
  service->mailboxes->pdata[index] = mailbox;
}

/**
 * pm_mailbox_edit_apply:
 * @former: (nullable): the address of the mailbox that is changed; a new one is made when %NULL
 * @aliases: addresses, separated by white space or commas
 * @field: (out): what an error is about
 *
 * Returns: (nullable): the site with the mailbox in it, or %NULL with an error for a person
 */
PmSite *
pm_mailbox_edit_apply (const PmSite *site, const char *server_name, const char *former,
                       const char *address, const char *aliases, PmMailboxField *field,
                       GError **error)
{
  const PmMailService *service = pm_site_find_service (site, server_name);
  const PmMailbox *old = former != NULL ? pm_mailbox_edit_find (service, former) : NULL;
  g_autoptr (PmMailService) changed = NULL;
  PmMailbox *mailbox;

  *field = PM_MAILBOX_FIELD_NONE;
  if (service == NULL || (former != NULL && old == NULL))
    {
      g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                   _ ("The mailbox was removed meanwhile by somebody else."));
      return NULL;
    }
  mailbox = collect_mailbox (site, service, old, address, aliases, field, error);
  if (mailbox == NULL)
    return NULL;
  changed = pm_mail_service_copy (service);
  put_mailbox (changed, old, mailbox);
  return pm_site_with_service (site, changed);
}

/**
 * pm_mailbox_edit_remove:
 * @addresses: (element-type utf8): primary addresses
 *
 * Returns: (transfer full): the site without these mailboxes
 */
PmSite *
pm_mailbox_edit_remove (const PmSite *site, const char *server_name, GPtrArray *addresses)
{
  const PmMailService *service = pm_site_find_service (site, server_name);
  g_autoptr (PmMailService) changed = NULL;

  if (service == NULL)
    return pm_site_ref (site);
  changed = pm_mail_service_copy (service);
  for (guint i = 0; i < addresses->len; i++)
    {
      const PmMailbox *mailbox = pm_mailbox_edit_find (changed, addresses->pdata[i]);

      if (mailbox != NULL)
        g_ptr_array_remove (changed->mailboxes, (gpointer) mailbox);
    }
  return pm_site_with_service (site, changed);
}
