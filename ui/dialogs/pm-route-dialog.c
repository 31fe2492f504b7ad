// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Edit Routing Table Entry: which recipients an entry is for and where they go. While it is typed
// it says what it will match, and why it cannot be used where it cannot.

#include "config.h"

#include "ui/dialogs/pm-route-dialog.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"
#include "routing/pm-route-entry.h"
#include "routing/pm-routing-loop.h"
#include "ui/properties/pm-field.h"
#include "ui/properties/pm-help.h"

#define MAX_ANALYSED 5000

struct _PmRouteDialog
{
  GtkDialog parent_instance;

  GtkEntry *domain_entry;
  GtkToggleButton *subdomains_check;
  GtkLabel *match_label;
  GtkWidget *idn_label;
  GtkToggleButton *inbound_radio;
  GtkToggleButton *rewrite_radio;
  GtkEntry *rewrite_entry;
  GtkToggleButton *forward_radio;
  GtkEntry *host_entry;
  GtkSpinButton *port_spin;
  GtkWidget *tls_label;
  GtkComboBox *tls_combo;
  GtkWidget *more_hosts_label;
  GtkEntry *more_hosts_entry;
  GtkToggleButton *relay_radio;
  GtkWidget *reason_box;
  GtkLabel *reason_label;
  GtkWidget *ok_button;

  PmServiceDraft *draft; /* (owned) (nullable) */
  PmRoute *former;       /* (owned) (nullable): the entry that is edited */
  GHashTable *taken;     /* (owned) (nullable): keys of the other entries */
};

G_DEFINE_FINAL_TYPE (PmRouteDialog, pm_route_dialog, GTK_TYPE_DIALOG)

static gboolean G_GNUC_PRINTF (2, 3)
    fail (GError **error, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, message);
  return FALSE;
}

// What the entry is understood as, or why it cannot be one, in the person's language.
static char *
read_domain (const PmRouteEntry *entry, GError **error)
{
  switch (entry->status)
    {
    case PM_ROUTE_ENTRY_VALID:
      return g_strdup (entry->domain);
    case PM_ROUTE_ENTRY_EMPTY:
      fail (error, _ ("Type the domain, as example.net"));
      return NULL;
    case PM_ROUTE_ENTRY_ADDRESS:
      fail (error, _ ("An entry is for a whole domain, not for one address: type %s"),
            entry->suggestion != NULL ? entry->suggestion : _ ("what stands after the @"));
      return NULL;
    case PM_ROUTE_ENTRY_IP_ADDRESS:
      fail (error, _ ("An entry is for a domain, not for an IP address; mail to this server’s own "
                      "addresses is inbound without an entry"));
      return NULL;
    case PM_ROUTE_ENTRY_EVERYTHING:
      fail (error, _ ("An entry is for one domain and what is below it; mail that matches no entry "
                      "goes out as Connections says"));
      return NULL;
    case PM_ROUTE_ENTRY_INVALID:
    default:
      fail (error, "%s", entry->problem);
      return NULL;
    }
}

static void
describe_match (PmRouteDialog *self, const char *domain)
{
  g_autoptr (PmRoutePreview) preview = NULL;
  g_autofree char *shown = NULL;
  g_autofree char *matches = NULL;
  g_autofree char *misses = NULL;
  g_autofree char *text = NULL;
  g_autofree char *both = NULL;

  if (domain == NULL)
    {
      gtk_label_set_text (self->match_label, "");
      gtk_widget_hide (self->idn_label);
      return;
    }
  preview = pm_route_preview_new (domain, gtk_toggle_button_get_active (self->subdomains_check));
  matches = g_strjoinv (_ (" and "), preview->matches);
  misses = g_strjoinv (_ (" or "), preview->misses);
  text = g_strdup_printf (_ ("matches %s, not %s"), matches, misses);
  gtk_label_set_text (self->match_label, text);

  shown = pm_domain_name_to_display (domain);
  both = g_strdup_printf (_ ("%s is %s in the DNS"), shown, domain);
  gtk_label_set_text (GTK_LABEL (self->idn_label), both);
  gtk_widget_set_visible (self->idn_label, strcmp (shown, domain) != 0);
}

static gboolean
check_domain (PmRouteDialog *self, char **domain, GError **error)
{
  gboolean subdomains = gtk_toggle_button_get_active (self->subdomains_check);
  g_autoptr (PmRouteEntry) entry = NULL;
  g_autofree char *key = NULL;
  g_autofree char *shown = NULL;

  entry = pm_route_entry_parse (gtk_entry_get_text (self->domain_entry), subdomains);
  *domain = read_domain (entry, error);
  if (*domain == NULL)
    return FALSE;
  key = g_strconcat (subdomains ? "" : "#", *domain, NULL);
  if (!g_hash_table_contains (self->taken, key))
    return TRUE;
  shown = pm_domain_name_to_display (*domain);
  if (subdomains)
    return fail (error, _ ("There is an entry for %s and its subdomains already: edit that one"),
                 shown);
  return fail (error, _ ("There is an entry for exactly %s already: edit that one"), shown);
}

// A rewritten recipient that this entry matches again would go round (section 2.4.6 of the
// original's loop rules); an entry that matches better may still catch it.
static gboolean
check_rewrite (PmRouteDialog *self, const char *domain, char **target, GError **error)
{
  g_autofree char *typed = pm_field_get_text (self->rewrite_entry);
  gboolean subdomains = gtk_toggle_button_get_active (self->subdomains_check);
  g_autofree char *exact = NULL;

  if (*typed == '\0')
    return fail (error, _ ("Type the domain that recipients are rerouted to"));
  *target = pm_domain_name_normalize (typed, error);
  if (*target == NULL)
    return FALSE;
  exact = g_strconcat ("#", *target, NULL);
  if (domain == NULL || g_hash_table_contains (self->taken, exact) ||
      g_hash_table_contains (self->taken, *target))
    return TRUE;
  if (strcmp (domain, *target) == 0 ||
      (subdomains && pm_domain_name_is_below (*target, domain)))
    return fail (error, _ ("Mail would go round in a circle: %s is matched by this same entry"),
                 *target);
  return TRUE;
}

static gboolean
is_any (const char *address)
{
  return strcmp (address, "0.0.0.0") == 0 || strcmp (address, "::") == 0;
}

static gboolean
is_own_host (PmRouteDialog *self, const char *host, guint port)
{
  const PmServiceDraft *draft = self->draft;
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);
  gboolean own = strcmp (host, draft->server->host) == 0 || strcmp (host, "localhost") == 0 ||
                 (address != NULL && g_inet_address_get_is_loopback (address));

  for (guint i = 0; !own && i < draft->server->addresses->len; i++)
    own = strcmp (host, draft->server->addresses->pdata[i]) == 0;
  for (guint i = 0; i < draft->service->listeners->len; i++)
    {
      const PmListen *listen = draft->service->listeners->pdata[i];

      if (listen->port != port)
        continue;
      if (own || (!is_any (listen->address) && strcmp (host, listen->address) == 0))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_host (PmRouteDialog *self, char **host, GError **error)
{
  g_autofree char *typed = pm_field_get_text (self->host_entry);
  guint port = (guint) gtk_spin_button_get_value_as_int (self->port_spin);

  if (*typed == '\0')
    return fail (error, _ ("Type the host that mail is forwarded to"));
  *host = pm_host_name_parse (typed, error);
  if (*host == NULL)
    return FALSE;
  if (is_own_host (self, *host, port))
    return fail (error, _ ("Mail would go round in a circle: %s is this server itself, at a port "
                           "it listens on. To receive it here, accept it as “inbound”"),
                 *host);
  return TRUE;
}

// “host”, “host:port” or “[2001:db8::1]:port”.
static gboolean
parse_host (const char *text, char **host, guint16 *port, GError **error)
{
  const char *colon = strrchr (text, ':');
  guint64 number;

  *port = 25;
  if (colon == NULL || (colon != strchr (text, ':') && colon[-1] != ']'))
    {
      *host = pm_host_name_parse (text, error);
      return *host != NULL;
    }
  if (!g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &number, NULL))
    return fail (error, _ ("“%s” is not a port: type a number from 1 to 65535 after the colon"),
                 colon + 1);
  g_autofree char *name = g_strndup (text, (gsize) (colon - text));
  *port = (guint16) number;
  *host = pm_host_name_parse (name, error);
  return *host != NULL;
}

// A host that was there before keeps its own encryption, unless another one was chosen for the
// first, which then goes for all of them.
static PmTls
get_tls (PmRouteDialog *self, const char *name, guint16 port)
{
  PmTls tls = (PmTls) gtk_combo_box_get_active (self->tls_combo);
  GPtrArray *former = self->former != NULL ? self->former->hosts : NULL;

  if (former == NULL || former->len == 0 || ((const PmHost *) former->pdata[0])->tls != tls)
    return tls;
  for (guint i = 1; i < former->len; i++)
    {
      const PmHost *host = former->pdata[i];

      if (host->port == port && strcmp (host->name, name) == 0)
        return host->tls;
    }
  return tls;
}

static gboolean
take_host (PmRouteDialog *self, GPtrArray *hosts, char *name, guint16 port, GError **error)
{
  PmHost *host;

  for (guint i = 0; i < hosts->len; i++)
    {
      const PmHost *other = hosts->pdata[i];

      if (other->port == port && strcmp (other->name, name) == 0)
        {
          fail (error, _ ("%s, port %u, is there twice"), name, port);
          g_free (name);
          return FALSE;
        }
    }
  host = pm_host_new ();
  g_free (host->name);
  host->name = name;
  host->port = port;
  host->tls = hosts->len > 0 ? get_tls (self, name, port)
                             : (PmTls) gtk_combo_box_get_active (self->tls_combo);
  g_ptr_array_add (hosts, host);
  return TRUE;
}

// The hosts after the first one.
static gboolean
check_more_hosts (PmRouteDialog *self, GPtrArray *hosts, GError **error)
{
  g_auto (GStrv) words = g_strsplit_set (gtk_entry_get_text (self->more_hosts_entry), " \t,;", -1);

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_autofree char *name = NULL;
      guint16 port;

      if (*words[i] == '\0')
        continue;
      if (!parse_host (words[i], &name, &port, error))
        return FALSE;
      if (is_own_host (self, name, port))
        return fail (error, _ ("Mail would go round in a circle: %s is this server itself"), name);
      if (!take_host (self, hosts, g_steal_pointer (&name), port, error))
        return FALSE;
    }
  return TRUE;
}

// Circles that lead over other entries are found by the same analysis that the service's are. A
// very long table is left to the check before saving: this runs on every key.
static void
check_circle (PmRouteDialog *self, PmRoute *candidate, GError **error)
{
  g_autoptr (PmServiceDraft) draft = pm_service_draft_copy (self->draft);
  g_autoptr (PmSite) site = NULL;
  g_autoptr (GPtrArray) loops = NULL;
  guint index;

  if (draft->service->routes->len > MAX_ANALYSED)
    return;
  if (self->former != NULL &&
      g_ptr_array_find (draft->service->routes, self->former, &index))
    g_ptr_array_remove_index (draft->service->routes, index);
  g_ptr_array_add (draft->service->routes, pm_route_ref (candidate));
  site = pm_service_draft_to_site (draft);
  loops = pm_routing_find_loops (site, draft->server->name, NULL);
  for (guint i = 0; i < loops->len; i++)
    {
      const PmRoutingLoop *loop = loops->pdata[i];

      if (loop->kind == PM_ROUTING_LOOP_OWN_DOMAIN || loop->route == NULL ||
          !pm_route_equal (loop->route, candidate))
        continue;
      fail (error, "%s", loop->message);
      return;
    }
}

static void
mark (gpointer field, const GError *error)
{
  // An empty field is told in words below the form; it is not yet a mistake.
  gboolean empty = *gtk_entry_get_text (GTK_ENTRY (field)) == '\0';

  pm_field_set_problem (GTK_WIDGET (field), error != NULL && !empty ? error->message : NULL);
}

static void
check_action (PmRouteDialog *self, const char *domain, GError **error)
{
  g_autoptr (GError) rewrite_error = NULL;
  g_autoptr (GError) host_error = NULL;
  g_autoptr (GError) more_error = NULL;
  g_autoptr (GPtrArray) hosts = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_host_unref);
  g_autofree char *target = NULL;
  char *host = NULL;

  if (gtk_toggle_button_get_active (self->rewrite_radio))
    check_rewrite (self, domain, &target, &rewrite_error);
  else if (gtk_toggle_button_get_active (self->forward_radio))
    {
      guint16 port = (guint16) gtk_spin_button_get_value_as_int (self->port_spin);

      if (check_host (self, &host, &host_error))
        take_host (self, hosts, g_steal_pointer (&host), port, NULL);
      check_more_hosts (self, hosts, &more_error);
    }
  g_free (host);
  mark (self->rewrite_entry, rewrite_error);
  mark (self->host_entry, host_error);
  mark (self->more_hosts_entry, more_error);
  if (rewrite_error != NULL)
    g_propagate_error (error, g_steal_pointer (&rewrite_error));
  else if (host_error != NULL)
    g_propagate_error (error, g_steal_pointer (&host_error));
  else if (more_error != NULL)
    g_propagate_error (error, g_steal_pointer (&more_error));
}

static void
update (PmRouteDialog *self)
{
  g_autoptr (GError) domain_error = NULL;
  g_autoptr (GError) action_error = NULL;
  g_autofree char *domain = NULL;
  gboolean forward = gtk_toggle_button_get_active (self->forward_radio);
  const GError *error;

  check_domain (self, &domain, &domain_error);
  describe_match (self, domain);
  mark (self->domain_entry, domain_error);
  check_action (self, domain, &action_error);
  if (domain_error == NULL && action_error == NULL)
    {
      g_autoptr (PmRoute) candidate = pm_route_dialog_dup_route (self);

      check_circle (self, candidate, &action_error);
    }
  error = domain_error != NULL ? domain_error : action_error;

  gtk_widget_set_sensitive (GTK_WIDGET (self->rewrite_entry),
                            gtk_toggle_button_get_active (self->rewrite_radio));
  gtk_widget_set_sensitive (GTK_WIDGET (self->host_entry), forward);
  gtk_widget_set_sensitive (GTK_WIDGET (self->port_spin), forward);
  gtk_widget_set_sensitive (GTK_WIDGET (self->tls_combo), forward);
  gtk_widget_set_sensitive (self->tls_label, forward);
  gtk_widget_set_sensitive (self->more_hosts_label, forward);
  gtk_widget_set_sensitive (GTK_WIDGET (self->more_hosts_entry), forward);
  gtk_label_set_text (self->reason_label, error != NULL ? error->message : "");
  gtk_widget_set_visible (self->reason_box, error != NULL);
  gtk_widget_set_sensitive (self->ok_button, error == NULL);
  gtk_widget_set_tooltip_text (self->ok_button, error != NULL ? error->message : NULL);
}

static void
changed_cb (PmRouteDialog *self)
{
  g_assert (PM_IS_ROUTE_DIALOG (self));

  // Template signals come before the template is whole.
  if (self->draft != NULL)
    update (self);
}

// "#domain" is the original's spelling of "exactly", "*.domain" everybody else's of the opposite;
// what is typed so becomes the check box.
static void
domain_changed_cb (PmRouteDialog *self)
{
  g_autoptr (PmRouteEntry) entry = NULL;

  g_assert (PM_IS_ROUTE_DIALOG (self));

  entry = pm_route_entry_parse (gtk_entry_get_text (self->domain_entry), TRUE);
  if (entry->hint == PM_ROUTE_ENTRY_EXACT_MARK || entry->hint == PM_ROUTE_ENTRY_WILDCARD)
    gtk_toggle_button_set_active (self->subdomains_check, entry->subdomains);
  changed_cb (self);
}

static void
response_cb (PmRouteDialog *self, int response)
{
  g_assert (PM_IS_ROUTE_DIALOG (self));

  if (response == GTK_RESPONSE_HELP)
    pm_help_show (GTK_WINDOW (self), "properties-routing-entry");
}

static void
pm_route_dialog_finalize (GObject *object)
{
  PmRouteDialog *self = PM_ROUTE_DIALOG (object);

  g_clear_pointer (&self->draft, pm_service_draft_free);
  g_clear_pointer (&self->former, pm_route_unref);
  g_clear_pointer (&self->taken, g_hash_table_unref);
  G_OBJECT_CLASS (pm_route_dialog_parent_class)->finalize (object);
}

static void
pm_route_dialog_class_init (PmRouteDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_route_dialog_finalize;

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-route-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, domain_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, subdomains_check);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, match_label);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, idn_label);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, inbound_radio);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, rewrite_radio);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, rewrite_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, forward_radio);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, host_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, port_spin);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, tls_label);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, tls_combo);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, more_hosts_label);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, more_hosts_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, relay_radio);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, reason_box);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, reason_label);
  gtk_widget_class_bind_template_child (widget_class, PmRouteDialog, ok_button);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, response_cb);
  gtk_widget_class_bind_template_callback (widget_class, domain_changed_cb);
}

static void
pm_route_dialog_init (PmRouteDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_combo_box_set_active (self->tls_combo, PM_TLS_OPPORTUNISTIC);
}

static void
load_hosts (PmRouteDialog *self, const PmRoute *route)
{
  const PmHost *host = route->hosts->pdata[0];
  g_autoptr (GString) more = g_string_new (NULL);

  gtk_entry_set_text (self->host_entry, host->name);
  gtk_spin_button_set_value (self->port_spin, host->port);
  gtk_combo_box_set_active (self->tls_combo, (int) host->tls);
  for (guint i = 1; i < route->hosts->len; i++)
    {
      const PmHost *other = route->hosts->pdata[i];

      g_string_append (more, i > 1 ? ", " : "");
      g_string_append_printf (more, strchr (other->name, ':') != NULL ? "[%s]:%u" : "%s:%u",
                              other->name, other->port);
    }
  gtk_entry_set_text (self->more_hosts_entry, more->str);
}

static void
load (PmRouteDialog *self, const PmRoute *route)
{
  GtkToggleButton *radios[] = { [PM_ROUTE_INBOUND] = self->inbound_radio,
                                [PM_ROUTE_REWRITE] = self->rewrite_radio,
                                [PM_ROUTE_FORWARD] = self->forward_radio,
                                [PM_ROUTE_RELAY] = self->relay_radio };
  g_autofree char *domain = pm_domain_name_to_display (route->domain);

  gtk_entry_set_text (self->domain_entry, domain);
  gtk_toggle_button_set_active (self->subdomains_check, route->subdomains);
  gtk_toggle_button_set_active (radios[route->action], TRUE);
  if (route->action == PM_ROUTE_REWRITE && route->rewrite_domain != NULL)
    {
      g_autofree char *target = pm_domain_name_to_display (route->rewrite_domain);

      gtk_entry_set_text (self->rewrite_entry, target);
    }
  if (route->action == PM_ROUTE_FORWARD && route->hosts->len > 0)
    load_hosts (self, route);
}

PmRouteDialog *
pm_route_dialog_new (GtkWindow *parent, const PmServiceDraft *draft, const PmRoute *route)
{
  PmRouteDialog *self = g_object_new (PM_TYPE_ROUTE_DIALOG, "transient-for", parent,
                                      "use-header-bar", FALSE, NULL);
  GPtrArray *routes = draft->service->routes;

  self->taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < routes->len; i++)
    if (route == NULL || !pm_route_equal (routes->pdata[i], route))
      g_hash_table_add (self->taken, pm_route_to_sent_to (routes->pdata[i]));
  if (route != NULL)
    {
      self->former = pm_route_ref (route);
      load (self, route);
    }
  self->draft = pm_service_draft_copy (draft);
  update (self);
  return self;
}

/**
 * pm_route_dialog_dup_route:
 *
 * Returns: (transfer full) (nullable): the entry; %NULL while it cannot be used
 */
PmRoute *
pm_route_dialog_dup_route (PmRouteDialog *self)
{
  g_autoptr (PmRoute) route = pm_route_new ();
  g_autofree char *domain = NULL;

  if (!check_domain (self, &domain, NULL))
    return NULL;
  g_free (route->domain);
  route->domain = g_strdup (domain);
  route->subdomains = gtk_toggle_button_get_active (self->subdomains_check);

  if (gtk_toggle_button_get_active (self->rewrite_radio))
    {
      route->action = PM_ROUTE_REWRITE;
      if (!check_rewrite (self, domain, &route->rewrite_domain, NULL))
        return NULL;
    }
  else if (gtk_toggle_button_get_active (self->forward_radio))
    {
      char *host = NULL;

      route->action = PM_ROUTE_FORWARD;
      // What the dialog does not show stays as it was.
      if (self->former != NULL)
        {
          route->order_rotate = self->former->order_rotate;
          route->ask = self->former->ask;
        }
      if (!check_host (self, &host, NULL))
        {
          g_free (host);
          return NULL;
        }
      take_host (self, route->hosts, host,
                 (guint16) gtk_spin_button_get_value_as_int (self->port_spin), NULL);
      if (!check_more_hosts (self, route->hosts, NULL))
        return NULL;
    }
  else if (gtk_toggle_button_get_active (self->relay_radio))
    {
      route->action = PM_ROUTE_RELAY;
    }
  return g_steal_pointer (&route);
}
