// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// route add, edit, remove and domain add: changes of the routing table, saved as the smallest edit
// of the site file. What an entry may be is the site's rules' to say, when the result is checked.

#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"
#include "base/pm-mail-address.h"
#include "ctl/pm-ctl-route.h"
#include "routing/pm-route-entry.h"
#include "routing/pm-routing-loop.h"

/* The options that describe an entry. */
typedef struct
{
  gboolean inbound;
  gboolean relay;
  char *rewrite;
  char **forward;
  char *tls;
  gboolean exact;
  gboolean subdomains;
  char *domain;
  char *comment;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->rewrite);
  g_strfreev (options->forward);
  g_free (options->tls);
  g_free (options->domain);
  g_free (options->comment);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* `edit`: also the options that only a change has. */
static gboolean
parse_options (PmCtl *ctl, Options *options, gboolean edit, int *argc, char ***argv)
{
  const GOptionEntry entries[] = {
    { "inbound", 0, 0, G_OPTION_ARG_NONE, &options->inbound, "Accept the mail into mailboxes here",
      NULL },
    { "rewrite", 0, 0, G_OPTION_ARG_STRING, &options->rewrite,
      "Rewrite the recipient's domain, and route again", "DOMAIN" },
    { "forward", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->forward,
      "Forward unchanged to a host; several are tried in order", "HOST[:PORT]" },
    { "relay", 0, 0, G_OPTION_ARG_NONE, &options->relay, "Always relay, whoever sends", NULL },
    { "tls", 0, 0, G_OPTION_ARG_STRING, &options->tls,
      "With --forward: none, opportunistic, required or verify", "LEVEL" },
    { "exact", 0, 0, G_OPTION_ARG_NONE, &options->exact, "Without the domain's subdomains", NULL },
    { "comment", 0, 0, G_OPTION_ARG_STRING, &options->comment, "For the history", "TEXT" },
    { edit ? "subdomains" : NULL, 0, 0, G_OPTION_ARG_NONE, &options->subdomains,
      "With the domain's subdomains", NULL },
    { "domain", 0, 0, G_OPTION_ARG_STRING, &options->domain, "Another domain for the entry",
      "DOMAIN" },
    { NULL },
  };
  int actions;

  if (!pm_ctl_parse (ctl, entries, argc, argv))
    return FALSE;
  actions = options->inbound + options->relay + (options->rewrite != NULL) +
            (options->forward != NULL);
  if (actions > 1)
    {
      pm_ctl_usage (ctl, "Only one of --inbound, --rewrite, --forward and --relay can be.");
      return FALSE;
    }
  if (options->tls != NULL && options->forward == NULL)
    {
      pm_ctl_usage (ctl, "--tls goes with --forward.");
      return FALSE;
    }
  if (options->exact && options->subdomains)
    {
      pm_ctl_usage (ctl, "Only one of --exact and --subdomains can be.");
      return FALSE;
    }
  return TRUE;
}

static PmRouteEntry *
read_entry (PmCtl *ctl, const char *text, gboolean subdomains)
{
  g_autoptr (PmRouteEntry) entry = pm_route_entry_parse (text, subdomains);
  g_autofree char *sentence = pm_route_entry_explain (entry);

  if (entry->status != PM_ROUTE_ENTRY_VALID)
    {
      pm_ctl_usage (ctl, "%s", sentence);
      return NULL;
    }
  if (sentence != NULL && entry->hint != PM_ROUTE_ENTRY_EXACT_MARK)
    pm_ctl_warn ("%s", sentence);
  return g_steal_pointer (&entry);
}

static gboolean
read_tls (PmCtl *ctl, const char *text, PmTls *tls)
{
  static const char *const names[] = { "none", "opportunistic", "required", "verify" };

  for (guint i = 0; text != NULL && i < G_N_ELEMENTS (names); i++)
    {
      if (strcmp (text, names[i]) == 0)
        {
          *tls = (PmTls) i;
          return TRUE;
        }
    }
  if (text == NULL)
    return TRUE;
  pm_ctl_usage (ctl, "“%s” after --tls is none of: none, opportunistic, required, verify.", text);
  return FALSE;
}

static PmHost *
read_host (PmCtl *ctl, const char *text, PmTls tls)
{
  g_autoptr (PmHost) host = pm_host_new ();
  g_autoptr (GSocketConnectable) parsed = NULL;
  g_autoptr (GError) error = NULL;
  const char *name;

  parsed = g_network_address_parse (text, 25, &error);
  if (parsed == NULL)
    {
      pm_ctl_usage (ctl, "“%s” after --forward is not a host, as mail.example.com or 10.1.2.3:25.",
                    text);
      return NULL;
    }
  name = g_network_address_get_hostname (G_NETWORK_ADDRESS (parsed));
  g_free (host->name);
  host->name = g_hostname_is_ip_address (name) ? g_strdup (name)
                                               : pm_domain_name_normalize (name, &error);
  host->port = g_network_address_get_port (G_NETWORK_ADDRESS (parsed));
  host->tls = tls;
  if (host->name != NULL && host->port != 0)
    return g_steal_pointer (&host);
  pm_ctl_usage (ctl, "%s", error != NULL ? error->message : "The port 0 is none to forward to.");
  return NULL;
}

static gboolean
apply_forward (PmCtl *ctl, const Options *options, PmRoute *route)
{
  PmTls tls = PM_TLS_OPPORTUNISTIC;

  if (!read_tls (ctl, options->tls, &tls))
    return FALSE;
  route->action = PM_ROUTE_FORWARD;
  for (guint i = 0; options->forward[i] != NULL; i++)
    {
      PmHost *host = read_host (ctl, options->forward[i], tls);

      if (host == NULL)
        return FALSE;
      g_ptr_array_add (route->hosts, host);
    }
  return TRUE;
}

/* Gives `route` the action that the options name, if they name one. */
static gboolean
apply_action (PmCtl *ctl, const Options *options, PmRoute *route)
{
  g_autoptr (GError) error = NULL;

  if (!options->inbound && !options->relay && options->rewrite == NULL && options->forward == NULL)
    return TRUE;
  g_clear_pointer (&route->rewrite_domain, g_free);
  g_ptr_array_set_size (route->hosts, 0);
  if (options->forward != NULL)
    return apply_forward (ctl, options, route);
  if (options->rewrite == NULL)
    {
      route->action = options->relay ? PM_ROUTE_RELAY : PM_ROUTE_INBOUND;
      return TRUE;
    }

  route->action = PM_ROUTE_REWRITE;
  route->rewrite_domain = pm_domain_name_normalize (options->rewrite, &error);
  if (route->rewrite_domain != NULL)
    return TRUE;
  pm_ctl_usage (ctl, "%s", error->message);
  return FALSE;
}

static void
set_key (PmRoute *route, const PmRouteEntry *entry)
{
  g_free (route->domain);
  route->domain = g_strdup (entry->domain);
  route->subdomains = entry->subdomains;
}

/* -1 where there is none. */
static int
find_route (const PmMailService *service, const char *domain, gboolean subdomains)
{
  for (guint i = 0; i < service->routes->len; i++)
    {
      const PmRoute *route = service->routes->pdata[i];

      if (route->subdomains == subdomains && strcmp (route->domain, domain) == 0)
        return (int) i;
    }
  return -1;
}

static int
find_entry (const PmMailService *service, const PmRouteEntry *entry, GError **error)
{
  int i = find_route (service, entry->domain, entry->subdomains);

  if (i >= 0)
    return i;
  if (find_route (service, entry->domain, !entry->subdomains) >= 0)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                 entry->subdomains ? "There is no entry %s; there is one for exactly this domain: "
                                     "name it as #%s."
                                   : "There is no entry #%s; there is one with subdomains: name it "
                                     "as %s.",
                 entry->domain, entry->domain);
  else
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND, "There is no entry %s%s.",
                 entry->subdomains ? "" : "#", entry->domain);
  return -1;
}

static void
report (PmCtl *ctl, const char *done, const PmRoute *route, const char *revision)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree char *sent_to = pm_route_to_sent_to (route);
  g_autofree char *to = pm_ctl_route_describe (route);

  if (!ctl->json)
    {
      pm_ctl_say ("%s: %s → %s.", done, sent_to, to);
      pm_ctl_site_report_saved (ctl, revision);
      return;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "route");
  pm_ctl_route_add_json (builder, route);
  pm_ctl_set_string (builder, "revision", revision);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
}

/* Saves `changed` unless its entry `route` would send mail round. Returns the new revision. */
static char *
save_route (PmCtl *ctl,
            PmCtlSite *site,
            const PmMailService *changed,
            const PmRoute *route,
            const char *comment,
            GError **error)
{
  g_autoptr (PmSite) result = pm_site_with_service (site->site, changed);
  g_autoptr (GPtrArray) loops = pm_routing_find_loops (result, changed->server, NULL);

  for (guint i = 0; i < loops->len; i++)
    {
      const PmRoutingLoop *loop = loops->pdata[i];

      if (loop->route == route && loop->kind != PM_ROUTING_LOOP_OWN_DOMAIN)
        {
          g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, loop->message);
          return NULL;
        }
    }
  return pm_ctl_site_save_service (ctl, site, changed, comment, error);
}

/* Adds `route` to the service that is meant and saves. Returns the new revision. */
static char *
add_route (PmCtl *ctl, PmCtlSite *site, PmRoute *route, const char *comment, GError **error)
{
  const PmMailService *service = pm_ctl_site_get_service (ctl, site, error);
  g_autoptr (PmMailService) changed = NULL;
  g_autofree char *sent_to = pm_route_to_sent_to (route);
  g_autofree char *text = NULL;

  if (service == NULL)
    return NULL;
  if (find_route (service, route->domain, route->subdomains) >= 0)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_CONFLICT,
                   "There is an entry %s already. Change it with “pointsmanctl route edit %s”.",
                   sent_to, sent_to);
      return NULL;
    }
  changed = pm_mail_service_copy (service);
  g_ptr_array_add (changed->routes, pm_route_ref (route));
  text = comment != NULL ? g_strdup (comment) : g_strdup_printf ("Add the route %s", sent_to);
  return save_route (ctl, site, changed, route, text, error);
}

/**
 * pm_ctl_route_add:
 *
 * `route add`
 */
PmExit
pm_ctl_route_add (PmCtl *ctl, int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (PmRouteEntry) entry = NULL;
  g_autoptr (PmRoute) route = pm_route_new ();
  g_autoptr (PmCtlSite) site = NULL;
  g_autofree char *revision = NULL;
  g_autoptr (GError) error = NULL;

  if (!parse_options (ctl, &options, FALSE, &argc, &argv))
    return PM_EXIT_USAGE;
  entry = read_entry (ctl, argv[1], !options.exact);
  if (entry == NULL || !apply_action (ctl, &options, route))
    return PM_EXIT_USAGE;
  set_key (route, entry);

  site = pm_ctl_site_load (ctl, &error);
  if (site != NULL)
    revision = add_route (ctl, site, route, options.comment, &error);
  if (revision == NULL)
    return pm_ctl_fail (error);
  report (ctl, "Added", route, revision);
  return PM_EXIT_DONE;
}

/* The entry as it is to be, from what it is and the options; NULL with the reason said. */
static PmRoute *
change_route (PmCtl *ctl, const Options *options, const PmRoute *former)
{
  g_autoptr (PmRoute) route = pm_route_copy (former);

  if (!apply_action (ctl, options, route))
    return NULL;
  if (options->domain != NULL)
    {
      g_autoptr (PmRouteEntry) entry = read_entry (ctl, options->domain, route->subdomains);

      if (entry == NULL)
        return NULL;
      set_key (route, entry);
    }
  if (options->exact)
    route->subdomains = FALSE;
  if (options->subdomains)
    route->subdomains = TRUE;
  return g_steal_pointer (&route);
}

/* Puts the changed entry in the place of the one that `entry` names, and saves. */
static PmExit
edit_route (PmCtl *ctl, const Options *options, PmCtlSite *site, const PmRouteEntry *entry)
{
  g_autoptr (GError) error = NULL;
  const PmMailService *service = pm_ctl_site_get_service (ctl, site, &error);
  int found = service == NULL ? -1 : find_entry (service, entry, &error);
  g_autoptr (PmMailService) changed = NULL;
  g_autofree char *comment = NULL;
  g_autofree char *revision = NULL;
  PmRoute *route;

  if (found < 0)
    return pm_ctl_fail (error);
  route = change_route (ctl, options, service->routes->pdata[found]);
  if (route == NULL)
    return PM_EXIT_USAGE;

  changed = pm_mail_service_copy (service);
  pm_route_unref (changed->routes->pdata[found]);
  changed->routes->pdata[found] = route;
  comment = options->comment != NULL ? g_strdup (options->comment)
                                     : g_strdup_printf ("Change the route %s", entry->domain);
  revision = save_route (ctl, site, changed, route, comment, &error);
  if (revision == NULL)
    return pm_ctl_fail (error);
  report (ctl, "Changed", route, revision);
  return PM_EXIT_DONE;
}

/**
 * pm_ctl_route_edit:
 *
 * `route edit`
 */
PmExit
pm_ctl_route_edit (PmCtl *ctl, int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (PmRouteEntry) entry = NULL;
  g_autoptr (PmCtlSite) site = NULL;
  g_autoptr (GError) error = NULL;

  if (!parse_options (ctl, &options, TRUE, &argc, &argv))
    return PM_EXIT_USAGE;
  entry = read_entry (ctl, argv[1], TRUE);
  if (entry == NULL)
    return PM_EXIT_USAGE;
  site = pm_ctl_site_load (ctl, &error);
  return site == NULL ? pm_ctl_fail (error) : edit_route (ctl, &options, site, entry);
}

static gboolean
remove_routes (PmCtl *ctl, PmMailService *changed, GPtrArray *entries, GError **error)
{
  for (guint i = 0; i < entries->len; i++)
    {
      int found = find_entry (changed, entries->pdata[i], error);

      if (found < 0)
        return FALSE;
      g_ptr_array_remove_index (changed->routes, (guint) found);
    }
  return TRUE;
}

static PmExit
remove_and_save (PmCtl *ctl, GPtrArray *entries, const char *comment)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmCtlSite) site = pm_ctl_site_load (ctl, &error);
  const PmMailService *service = NULL;
  g_autoptr (PmMailService) changed = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree char *revision = NULL;

  if (site != NULL)
    service = pm_ctl_site_get_service (ctl, site, &error);
  if (service != NULL)
    changed = pm_mail_service_copy (service);
  if (changed != NULL && remove_routes (ctl, changed, entries, &error))
    revision = pm_ctl_site_save_service (ctl, site, changed, comment, &error);
  if (revision == NULL)
    return pm_ctl_fail (error);

  if (!ctl->json)
    {
      pm_ctl_say ("Removed %u %s.", entries->len, entries->len == 1 ? "entry" : "entries");
      pm_ctl_site_report_saved (ctl, revision);
      return PM_EXIT_DONE;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "removed");
  json_builder_add_int_value (builder, entries->len);
  pm_ctl_set_string (builder, "revision", revision);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
  return PM_EXIT_DONE;
}

/**
 * pm_ctl_route_remove:
 *
 * `route remove`: all of the named entries, or none of them
 */
PmExit
pm_ctl_route_remove (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (GPtrArray) entries = NULL;
  g_autofree char *comment = NULL;
  const GOptionEntry options[] = {
    { "comment", 0, 0, G_OPTION_ARG_STRING, &comment, "For the history", "TEXT" },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  entries = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_route_entry_free);
  for (int i = 1; i < argc; i++)
    {
      PmRouteEntry *entry = read_entry (ctl, argv[i], TRUE);

      if (entry == NULL)
        return PM_EXIT_USAGE;
      g_ptr_array_add (entries, entry);
    }
  if (comment == NULL)
    comment = argc == 2 ? g_strdup_printf ("Remove the route %s", argv[1])
                        : g_strdup_printf ("Remove %d routes", argc - 1);
  return remove_and_save (ctl, entries, comment);
}

/* domain add */

static gboolean
has_mailbox (const PmMailService *service, const char *domain)
{
  for (guint i = 0; i < service->mailboxes->len; i++)
    {
      const PmMailbox *mailbox = service->mailboxes->pdata[i];

      for (guint j = 0; j <= mailbox->aliases->len; j++)
        {
          const char *text = j == 0 ? mailbox->address : mailbox->aliases->pdata[j - 1];
          g_autoptr (PmMailAddress) address = pm_mail_address_parse (text, NULL);

          if (address != NULL && strcmp (address->domain, domain) == 0)
            return TRUE;
        }
    }
  return FALSE;
}

/* What is still to be done for the domain, a sentence each. */
static GPtrArray *
list_remaining (PmCtl *ctl, const PmSite *site, const PmMailService *service, const char *domain)
{
  GPtrArray *remaining = g_ptr_array_new_with_free_func (g_free);
  const PmServer *server = pm_site_find_server (site, service->server);

  if (service->mailbox_accept == PM_MAILBOXES_LISTED && !has_mailbox (service, domain))
    g_ptr_array_add (remaining, g_strdup_printf ("Give a mailbox an address in %s: until then only "
                                                 "postmaster@%s gets mail.",
                                                 domain, domain));
  g_ptr_array_add (remaining, g_strdup_printf ("Let the MX records of %s name %s, and check them "
                                               "with “pointsmanctl check %s”.",
                                               domain,
                                               server != NULL ? server->host : "this server",
                                               domain));
  if (ctl->config == NULL)
    g_ptr_array_add (remaining, g_strdup_printf ("Put it in force with “pointsmanctl%s service "
                                                 "restart”.",
                                                 ctl->session ? " --session" : ""));
  return remaining;
}

static void
report_domain (PmCtl *ctl, const PmRoute *route, const char *revision, GPtrArray *remaining)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autoptr (PmRoutePreview) preview = pm_route_preview_new (route->domain, route->subdomains);
  g_autofree char *examples = pm_route_preview_to_string (preview);

  if (!ctl->json)
    {
      pm_ctl_say ("Mail for %s is now inbound: the entry %s.", route->domain, examples);
      pm_ctl_say ("Saved as revision %.12s.", revision);
      pm_ctl_say ("What remains:");
      for (guint i = 0; i < remaining->len; i++)
        pm_ctl_say ("  %u. %s", i + 1, (const char *) remaining->pdata[i]);
      return;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "route");
  pm_ctl_route_add_json (builder, route);
  pm_ctl_set_string (builder, "revision", revision);
  json_builder_set_member_name (builder, "remaining");
  json_builder_begin_array (builder);
  for (guint i = 0; i < remaining->len; i++)
    json_builder_add_string_value (builder, remaining->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
}

/**
 * pm_ctl_domain_add:
 *
 * `domain add`: an inbound entry, and the list of what only the administrator can do
 */
PmExit
pm_ctl_domain_add (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (PmRouteEntry) entry = NULL;
  g_autoptr (PmRoute) route = pm_route_new ();
  g_autoptr (PmCtlSite) site = NULL;
  g_autoptr (GPtrArray) remaining = NULL;
  g_autofree char *comment = NULL;
  g_autofree char *revision = NULL;
  g_autoptr (GError) error = NULL;
  gboolean exact = FALSE;
  const GOptionEntry options[] = {
    { "exact", 0, 0, G_OPTION_ARG_NONE, &exact, "Without the domain's subdomains", NULL },
    { "comment", 0, 0, G_OPTION_ARG_STRING, &comment, "For the history", "TEXT" },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  entry = read_entry (ctl, argv[1], !exact);
  if (entry == NULL)
    return PM_EXIT_USAGE;
  set_key (route, entry);

  site = pm_ctl_site_load (ctl, &error);
  if (site != NULL)
    revision = add_route (ctl, site, route, comment, &error);
  if (revision == NULL)
    return pm_ctl_fail (error);
  remaining = list_remaining (ctl, site->site, pm_ctl_site_get_service (ctl, site, NULL),
                              route->domain);
  report_domain (ctl, route, revision, remaining);
  return PM_EXIT_DONE;
}
