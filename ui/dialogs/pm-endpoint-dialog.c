// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One small dialog for all the values that are an address with something beside it: hosts,
// listening addresses, networks. What is typed is judged while it is typed, and what it means is
// said.

#include "config.h"

#include "ui/dialogs/pm-endpoint-dialog.h"

#include <glib/gi18n.h>

#include "base/pm-error.h"
#include "site/pm-site.h"
#include "ui/dialogs/pm-dialog-run.h"
#include "ui/properties/pm-field.h"

struct _PmEndpointDialog
{
  GtkDialog parent_instance;

  GtkLabel *name_label;
  GtkEntry *name_entry;
  GtkLabel *hint_label;
  GtkWidget *port_label;
  GtkSpinButton *port_spin;
  GtkWidget *tls_label;
  GtkComboBox *tls_combo;
  GtkWidget *role_label;
  GtkComboBox *role_combo;
  GtkToggleButton *implicit_tls_check;
  GtkWidget *action_box;
  GtkToggleButton *accept_radio;
  GtkToggleButton *reject_radio;
  GtkWidget *ok_button;

  PmEndpointKind kind;
  PmListen *listen;   /* (owned) (nullable): the one that is edited */
  PmAcceptRule *rule; /* (owned) (nullable): the one that is edited */
};

G_DEFINE_FINAL_TYPE (PmEndpointDialog, pm_endpoint_dialog, GTK_TYPE_DIALOG)

static const struct
{
  const char *add_title;
  const char *edit_title;
  const char *name;
  const char *hint; /* shown while nothing is typed */
} words[PM_N_ENDPOINTS] = {
  { N_ ("Add Public Address"), N_ ("Edit Public Address"), N_ ("_IP address:"),
    N_ ("An IPv4 or IPv6 address, as 192.0.2.10 or 2001:db8::10.") },
  { N_ ("Add Host"), N_ ("Edit Host"), N_ ("_Host:"), N_ ("A host name or an IP address.") },
  { N_ ("Add Listening Address"), N_ ("Edit Listening Address"), N_ ("_IP address:"),
    N_ ("0.0.0.0 stands for every IPv4 address of this server, :: for every address.") },
  { N_ ("Add Host"), N_ ("Edit Host"), N_ ("IP address or _network:"),
    N_ ("As 192.0.2.1, 192.0.2.0/24 or 192.0.2.0/255.255.255.0.") },
  { N_ ("Add IP Address or Network"), N_ ("Edit IP Address or Network"),
    N_ ("IP address or _network:"),
    N_ ("As 192.0.2.1, 192.0.2.0/24 or 192.0.2.0/255.255.255.0.") },
  { N_ ("Add Internal Address"), N_ ("Edit Internal Address"), N_ ("_Address of this server:"),
    N_ ("The address of this server that the clients connect to.") },
  { N_ ("Add IP Address or Network"), N_ ("Edit IP Address or Network"),
    N_ ("IP address or _network:"),
    N_ ("As 192.0.2.1, 192.0.2.0/24 or 192.0.2.0/255.255.255.0.") },
};

static gboolean
is_network (PmEndpointKind kind)
{
  return kind == PM_ENDPOINT_ACCEPT_RULE || kind == PM_ENDPOINT_ALLOW_NETWORK ||
         kind == PM_ENDPOINT_NEVER_NETWORK;
}

static char *
parse_address (const char *text, GError **error)
{
  g_autofree char *name = g_strstrip (g_strdup (text));
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (name);

  if (address != NULL)
    return g_inet_address_to_string (address);
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
               _ ("“%s” is not an IP address: write it as 192.0.2.10 or 2001:db8::10"), name);
  return NULL;
}

// What the site will hold for what was typed.
static char *
parse_name (PmEndpointDialog *self, PmNetwork *network, GError **error)
{
  const char *text = gtk_entry_get_text (self->name_entry);

  if (self->kind == PM_ENDPOINT_HOST)
    return pm_host_name_parse (text, error);
  if (is_network (self->kind))
    return pm_network_parse (text, network, error) ? pm_network_to_string (network) : NULL;
  if (self->kind == PM_ENDPOINT_ALLOW_INTERFACE)
    {
      g_autofree char *address = parse_address (text, error);

      if (address == NULL || !pm_network_parse (address, network, error))
        return NULL;
      return g_steal_pointer (&address);
    }
  return parse_address (text, error);
}

// A network that covers everything is said in words: nobody should open a relay by a slip.
static char *
describe_network (PmEndpointDialog *self, const PmNetwork *network, const char *name)
{
  if (network->prefix == 0 && self->kind == PM_ENDPOINT_ALLOW_NETWORK)
    return g_strdup (_ ("⚠ Warning: this is everybody on the Internet. It makes an open relay."));
  if (network->prefix == 0)
    return g_strdup (_ ("This is every address there is."));
  if (network->prefix == (network->family == G_SOCKET_FAMILY_IPV4 ? 32 : 128))
    return g_strdup_printf (_ ("The single address %s."), name);
  return g_strdup_printf (_ ("Every address in %s."), name);
}

static void
update (PmEndpointDialog *self)
{
  g_autofree char *typed = pm_field_get_text (self->name_entry);
  g_autofree char *name = NULL;
  g_autofree char *hint = NULL;
  g_autoptr (GError) error = NULL;
  PmNetwork network = { 0 };

  name = parse_name (self, &network, &error);
  if (*typed == '\0')
    hint = g_strdup (_ (words[self->kind].hint));
  else if (error != NULL)
    hint = g_strdup (error->message);
  else if (is_network (self->kind))
    hint = describe_network (self, &network, name);
  else
    hint = g_strdup (_ (words[self->kind].hint));

  pm_field_set_problem (GTK_WIDGET (self->name_entry),
                        *typed != '\0' && error != NULL ? error->message : NULL);
  gtk_label_set_text (self->hint_label, hint);
  gtk_widget_set_sensitive (self->ok_button, name != NULL);
  gtk_widget_set_tooltip_text (self->ok_button, name != NULL ? NULL : hint);
}

static void
changed_cb (PmEndpointDialog *self)
{
  g_assert (PM_IS_ENDPOINT_DIALOG (self));
  update (self);
}

static void
pm_endpoint_dialog_finalize (GObject *object)
{
  PmEndpointDialog *self = PM_ENDPOINT_DIALOG (object);

  g_clear_pointer (&self->listen, pm_listen_unref);
  g_clear_pointer (&self->rule, pm_accept_rule_unref);
  G_OBJECT_CLASS (pm_endpoint_dialog_parent_class)->finalize (object);
}

static void
pm_endpoint_dialog_class_init (PmEndpointDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_endpoint_dialog_finalize;

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-endpoint-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, name_label);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, name_entry);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, hint_label);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, port_label);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, port_spin);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, tls_label);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, tls_combo);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, role_label);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, role_combo);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, implicit_tls_check);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, action_box);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, accept_radio);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, reject_radio);
  gtk_widget_class_bind_template_child (widget_class, PmEndpointDialog, ok_button);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
}

static void
pm_endpoint_dialog_init (PmEndpointDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_combo_box_set_active (self->tls_combo, PM_TLS_OPPORTUNISTIC);
  gtk_combo_box_set_active (self->role_combo, PM_LISTEN_RELAY);
}

static void
show_fields (PmEndpointDialog *self)
{
  gboolean host = self->kind == PM_ENDPOINT_HOST;
  gboolean listen = self->kind == PM_ENDPOINT_LISTEN;

  gtk_widget_set_visible (self->port_label, host || listen);
  gtk_widget_set_visible (GTK_WIDGET (self->port_spin), host || listen);
  gtk_widget_set_visible (self->tls_label, host);
  gtk_widget_set_visible (GTK_WIDGET (self->tls_combo), host);
  gtk_widget_set_visible (self->role_label, listen);
  gtk_widget_set_visible (GTK_WIDGET (self->role_combo), listen);
  gtk_widget_set_visible (GTK_WIDGET (self->implicit_tls_check), listen);
  gtk_widget_set_visible (self->action_box, self->kind == PM_ENDPOINT_ACCEPT_RULE);
}

static void
load_network (PmEndpointDialog *self, const PmNetwork *network)
{
  g_autofree char *text = pm_network_to_string (network);

  gtk_entry_set_text (self->name_entry, text);
}

static void
load_listen (PmEndpointDialog *self, const PmListen *listen)
{
  gtk_entry_set_text (self->name_entry, listen->address);
  gtk_spin_button_set_value (self->port_spin, listen->port);
  gtk_combo_box_set_active (self->role_combo, (int) listen->role);
  gtk_toggle_button_set_active (self->implicit_tls_check, listen->implicit_tls);
}

static void
load_host (PmEndpointDialog *self, const PmHost *host)
{
  gtk_entry_set_text (self->name_entry, host->name);
  gtk_spin_button_set_value (self->port_spin, host->port);
  gtk_combo_box_set_active (self->tls_combo, (int) host->tls);
}

static void
load (PmEndpointDialog *self, gconstpointer item)
{
  switch (self->kind)
    {
    case PM_ENDPOINT_ADDRESS:
      gtk_entry_set_text (self->name_entry, item);
      break;
    case PM_ENDPOINT_HOST:
      load_host (self, item);
      break;
    case PM_ENDPOINT_LISTEN:
      self->listen = pm_listen_ref (item);
      load_listen (self, item);
      break;
    case PM_ENDPOINT_ACCEPT_RULE:
      self->rule = pm_accept_rule_ref (item);
      load_network (self, &((const PmAcceptRule *) item)->network);
      gtk_toggle_button_set_active (((const PmAcceptRule *) item)->accept ? self->accept_radio
                                                                          : self->reject_radio,
                                    TRUE);
      break;
    case PM_ENDPOINT_ALLOW_NETWORK:
    case PM_ENDPOINT_ALLOW_INTERFACE:
    case PM_ENDPOINT_NEVER_NETWORK:
      load_network (self, &((const PmRestriction *) item)->network);
      break;
    case PM_N_ENDPOINTS:
    default:
      g_assert_not_reached ();
    }
}

/**
 * pm_endpoint_dialog_new:
 * @item: (nullable): what is edited; %NULL to make one
 */
PmEndpointDialog *
pm_endpoint_dialog_new (GtkWindow *parent, PmEndpointKind kind, gconstpointer item)
{
  PmEndpointDialog *self = g_object_new (PM_TYPE_ENDPOINT_DIALOG, "transient-for", parent,
                                         "use-header-bar", FALSE, NULL);

  self->kind = kind;
  gtk_window_set_title (GTK_WINDOW (self),
                        item == NULL ? _ (words[kind].add_title) : _ (words[kind].edit_title));
  gtk_label_set_text_with_mnemonic (self->name_label, _ (words[kind].name));
  show_fields (self);
  if (item != NULL)
    load (self, item);
  update (self);
  return self;
}

static PmHost *
make_host (PmEndpointDialog *self, char *name)
{
  PmHost *host = pm_host_new ();

  g_free (host->name);
  host->name = name;
  host->port = (guint16) gtk_spin_button_get_value_as_int (self->port_spin);
  host->tls = (PmTls) gtk_combo_box_get_active (self->tls_combo);
  return host;
}

// What the dialog does not show stays as it was.
static PmListen *
make_listen (PmEndpointDialog *self, char *address)
{
  PmListen *listen = self->listen != NULL ? pm_listen_copy (self->listen) : pm_listen_new ();

  g_free (listen->address);
  listen->address = address;
  listen->port = (guint16) gtk_spin_button_get_value_as_int (self->port_spin);
  listen->role = (PmListenRole) gtk_combo_box_get_active (self->role_combo);
  listen->implicit_tls = gtk_toggle_button_get_active (self->implicit_tls_check);
  return listen;
}

static PmAcceptRule *
make_rule (PmEndpointDialog *self, const PmNetwork *network)
{
  PmAcceptRule *rule = self->rule != NULL ? pm_accept_rule_copy (self->rule)
                                          : pm_accept_rule_new ();

  rule->network = *network;
  rule->accept = gtk_toggle_button_get_active (self->accept_radio);
  return rule;
}

static PmRestriction *
make_restriction (PmEndpointDialog *self, const PmNetwork *network)
{
  PmRestriction *restriction = pm_restriction_new ();

  restriction->network = *network;
  restriction->never = self->kind == PM_ENDPOINT_NEVER_NETWORK;
  restriction->kind = self->kind == PM_ENDPOINT_ALLOW_INTERFACE ? PM_RESTRICTION_INTERFACE
                                                                : PM_RESTRICTION_NETWORK;
  return restriction;
}

/**
 * pm_endpoint_dialog_dup_item:
 *
 * Returns: (transfer full) (nullable): what was entered, as the dialog's kind says; %NULL when it
 *   cannot be used
 */
gpointer
pm_endpoint_dialog_dup_item (PmEndpointDialog *self)
{
  PmNetwork network = { 0 };
  g_autofree char *name = parse_name (self, &network, NULL);

  if (name == NULL)
    return NULL;
  switch (self->kind)
    {
    case PM_ENDPOINT_ADDRESS:
      return g_steal_pointer (&name);
    case PM_ENDPOINT_HOST:
      return make_host (self, g_steal_pointer (&name));
    case PM_ENDPOINT_LISTEN:
      return make_listen (self, g_steal_pointer (&name));
    case PM_ENDPOINT_ACCEPT_RULE:
      return make_rule (self, &network);
    case PM_ENDPOINT_ALLOW_NETWORK:
    case PM_ENDPOINT_ALLOW_INTERFACE:
    case PM_ENDPOINT_NEVER_NETWORK:
    case PM_N_ENDPOINTS:
    default:
      return make_restriction (self, &network);
    }
}
