// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Routing Restrictions…: who may send mail through this server to elsewhere. The policy that the
// settings come to is said in a sentence, and any client can be tried on it, by the same code that
// the mail service acts on.

#include "config.h"

#include "ui/dialogs/pm-restrictions-dialog.h"

#include <glib/gi18n.h>

#include "routing/pm-router.h"
#include "ui/dialogs/pm-endpoint-dialog.h"
#include "ui/properties/pm-field.h"
#include "ui/properties/pm-help.h"
#include "ui/widgets/pm-fit-screen.h"

struct _PmRestrictionsDialog
{
  GtkDialog parent_instance;

  GtkToggleButton *authenticated_check;
  GtkToggleButton *networks_check;
  PmListEditor *networks_editor;
  GtkToggleButton *interfaces_check;
  PmListEditor *interfaces_editor;
  GtkLabel *never_label;
  PmListEditor *never_editor;
  GtkImage *policy_icon;
  GtkLabel *policy_label;
  GtkEntry *client_entry;
  GtkToggleButton *tester_authenticated_check;
  GtkEntry *local_entry;
  GtkLabel *tester_label;

  PmServiceDraft *draft; /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (PmRestrictionsDialog, pm_restrictions_dialog, GTK_TYPE_DIALOG)

static void
append (GPtrArray *list, PmListEditor *editor)
{
  g_autoptr (GPtrArray) items = pm_list_editor_dup_items (editor);

  for (guint i = 0; i < items->len; i++)
    g_ptr_array_add (list, pm_restriction_ref (items->pdata[i]));
}

static gboolean
is_everybody (PmRestrictionsDialog *self)
{
  g_autoptr (GPtrArray) items = pm_list_editor_dup_items (self->networks_editor);

  if (!gtk_toggle_button_get_active (self->networks_check))
    return FALSE;
  for (guint i = 0; i < items->len; i++)
    if (((const PmRestriction *) items->pdata[i])->network.prefix == 0)
      return TRUE;
  return FALSE;
}

static char *
list_to_text (PmListEditor *editor)
{
  g_autoptr (GPtrArray) items = pm_list_editor_dup_items (editor);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < items->len && i < 4; i++)
    {
      g_autofree char *one =
          pm_network_to_string (&((const PmRestriction *) items->pdata[i])->network);

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", one);
    }
  if (items->len > 4)
    g_string_append_printf (text, _ (" and %u more"), items->len - 4);
  return g_strdup (text->str);
}

static void
add_sentence (GString *text, const char *format, PmListEditor *editor)
{
  g_autofree char *list = list_to_text (editor);
  g_auto (GStrv) parts = g_strsplit (format, "%s", 2);

  if (text->len > 0)
    g_string_append_c (text, '\n');
  g_string_append (text, parts[0]);
  if (parts[0] != NULL && parts[1] != NULL)
    g_string_append_printf (text, "%s%s", list, parts[1]);
}

static char *
describe_policy (PmRestrictionsDialog *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (gtk_toggle_button_get_active (self->authenticated_check))
    add_sentence (text, _ ("Whoever has authenticated may relay."), self->never_editor);
  if (gtk_toggle_button_get_active (self->networks_check) &&
      pm_list_editor_get_size (self->networks_editor) > 0)
    add_sentence (text, _ ("Hosts and clients in %s may relay."), self->networks_editor);
  if (gtk_toggle_button_get_active (self->interfaces_check) &&
      pm_list_editor_get_size (self->interfaces_editor) > 0)
    add_sentence (text, _ ("Whoever connects to %s may relay."), self->interfaces_editor);

  if (text->len == 0)
    return g_strdup (_ ("Nobody may relay mail through this server. Mail for the domains in the "
                        "routing table comes in all the same."));
  if (pm_list_editor_get_size (self->never_editor) > 0)
    add_sentence (text, _ ("Never, even so: %s."), self->never_editor);
  g_string_append_printf (text, "\n%s", _ ("Everybody else may only send mail to the domains "
                                               "in the routing table."));
  return g_strdup (text->str);
}

static void
update_policy (PmRestrictionsDialog *self)
{
  gboolean open = is_everybody (self);
  g_autofree char *policy = describe_policy (self);
  const char *text = policy;

  if (open)
    text = _ ("Warning: this server is an OPEN RELAY. Everybody on the Internet may send mail "
              "through it to anywhere; it will be abused within hours and its mail refused "
              "everywhere. Remove the network whose prefix is 0 from the list.");
  gtk_label_set_text (self->policy_label, text);
  gtk_image_set_from_icon_name (self->policy_icon,
                                open ? "dialog-warning-symbolic" : "security-high-symbolic",
                                GTK_ICON_SIZE_BUTTON);
  if (open)
    gtk_style_context_add_class (
        gtk_widget_get_style_context (GTK_WIDGET (self->policy_label)), GTK_STYLE_CLASS_ERROR);
  else
    gtk_style_context_remove_class (
        gtk_widget_get_style_context (GTK_WIDGET (self->policy_label)), GTK_STYLE_CLASS_ERROR);
}

static GInetAddress *
parse_address (GtkEntry *entry, gboolean *wrong)
{
  g_autofree char *text = pm_field_get_text (entry);
  GInetAddress *address = *text != '\0' ? g_inet_address_new_from_string (text) : NULL;

  if (*text != '\0' && address == NULL)
    {
      pm_field_set_problem (GTK_WIDGET (entry), _ ("This is not an IP address"));
      *wrong = TRUE;
    }
  else
    {
      pm_field_set_problem (GTK_WIDGET (entry), NULL);
    }
  return address;
}

static void
update_tester (PmRestrictionsDialog *self)
{
  gboolean wrong = FALSE;
  g_autoptr (GInetAddress) address = parse_address (self->client_entry, &wrong);
  g_autoptr (GInetAddress) local = parse_address (self->local_entry, &wrong);
  g_autoptr (PmServiceDraft) draft = NULL;
  g_autoptr (PmSite) site = NULL;
  g_autoptr (PmRouter) router = NULL;
  g_autofree char *reason = NULL;
  g_autofree char *text = NULL;
  PmRoutingClient client = { address, local,
                             gtk_toggle_button_get_active (self->tester_authenticated_check) };
  gboolean may;

  if (wrong || address == NULL)
    {
      gtk_label_set_text (self->tester_label,
                          wrong ? _ ("Write an IP address, as 192.0.2.10 or 2001:db8::10.")
                                : _ ("Type a client’s IP address to see what becomes of it."));
      return;
    }
  draft = pm_service_draft_copy (self->draft);
  g_ptr_array_unref (draft->service->restrictions);
  draft->service->restrictions = pm_restrictions_dialog_dup_items (self);
  // The table plays no part in it and may be long.
  g_ptr_array_set_size (draft->service->routes, 0);
  site = pm_service_draft_to_site (draft);
  router = pm_router_new (site, draft->service, NULL);
  may = pm_router_may_relay (router, &client, &reason);

  text = g_strdup_printf ("%s %s", may ? _ ("✔ May relay.") : _ ("✖ May not relay."), reason);
  gtk_label_set_text (self->tester_label, text);
}

static void
update (PmRestrictionsDialog *self)
{
  gtk_widget_set_sensitive (GTK_WIDGET (self->networks_editor),
                            gtk_toggle_button_get_active (self->networks_check));
  gtk_widget_set_sensitive (GTK_WIDGET (self->interfaces_editor),
                            gtk_toggle_button_get_active (self->interfaces_check));
  update_policy (self);
  update_tester (self);
}

static void
changed_cb (PmRestrictionsDialog *self)
{
  g_assert (PM_IS_RESTRICTIONS_DIALOG (self));

  if (self->draft != NULL)
    update (self);
}

static void
tester_changed_cb (PmRestrictionsDialog *self)
{
  g_assert (PM_IS_RESTRICTIONS_DIALOG (self));

  if (self->draft != NULL)
    update_tester (self);
}

static void
response_cb (PmRestrictionsDialog *self, int response)
{
  g_assert (PM_IS_RESTRICTIONS_DIALOG (self));

  if (response == GTK_RESPONSE_HELP)
    pm_help_show (GTK_WINDOW (self), "properties-routing-restrictions");
}

static void
pm_restrictions_dialog_finalize (GObject *object)
{
  PmRestrictionsDialog *self = PM_RESTRICTIONS_DIALOG (object);

  g_clear_pointer (&self->draft, pm_service_draft_free);
  G_OBJECT_CLASS (pm_restrictions_dialog_parent_class)->finalize (object);
}

static void
pm_restrictions_dialog_class_init (PmRestrictionsDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_restrictions_dialog_finalize;

  g_type_ensure (PM_TYPE_LIST_EDITOR);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/dialogs/pm-restrictions-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, authenticated_check);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, networks_check);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, networks_editor);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, interfaces_check);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, interfaces_editor);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, never_label);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, never_editor);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, policy_icon);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, policy_label);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, client_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog,
                                        tester_authenticated_check);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, local_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRestrictionsDialog, tester_label);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, response_cb);
  gtk_widget_class_bind_template_callback (widget_class, tester_changed_cb);
}

// The two lists stand side by side, so what they are called may need a second line.
static void
wrap_label (gpointer button)
{
  GtkWidget *label = gtk_bin_get_child (GTK_BIN (button));

  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 34);
  gtk_widget_set_valign (GTK_WIDGET (button), GTK_ALIGN_END);
}

static void
pm_restrictions_dialog_init (PmRestrictionsDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  wrap_label (self->networks_check);
  wrap_label (self->interfaces_check);
  pm_endpoint_list_setup (self->networks_editor, PM_ENDPOINT_ALLOW_NETWORK);
  pm_endpoint_list_setup (self->interfaces_editor, PM_ENDPOINT_ALLOW_INTERFACE);
  pm_endpoint_list_setup (self->never_editor, PM_ENDPOINT_NEVER_NETWORK);
  pm_list_editor_set_name (self->networks_editor, _ ("Hosts and clients with these IP addresses"));
  pm_list_editor_set_name (self->interfaces_editor,
                           _ ("Hosts and clients connecting to these internal addresses"));
  pm_list_editor_set_label (self->never_editor, self->never_label);
}

static void
load (PmRestrictionsDialog *self, GPtrArray *restrictions)
{
  g_autoptr (GPtrArray) networks = g_ptr_array_new ();
  g_autoptr (GPtrArray) interfaces = g_ptr_array_new ();
  g_autoptr (GPtrArray) never = g_ptr_array_new ();
  gboolean authenticated = FALSE;

  for (guint i = 0; i < restrictions->len; i++)
    {
      PmRestriction *restriction = restrictions->pdata[i];

      if (restriction->never)
        g_ptr_array_add (never, restriction);
      else if (restriction->kind == PM_RESTRICTION_AUTHENTICATED)
        authenticated = TRUE;
      else if (restriction->kind == PM_RESTRICTION_INTERFACE)
        g_ptr_array_add (interfaces, restriction);
      else
        g_ptr_array_add (networks, restriction);
    }
  gtk_toggle_button_set_active (self->authenticated_check, authenticated);
  gtk_toggle_button_set_active (self->networks_check, networks->len > 0);
  gtk_toggle_button_set_active (self->interfaces_check, interfaces->len > 0);
  pm_list_editor_set_items (self->networks_editor, networks);
  pm_list_editor_set_items (self->interfaces_editor, interfaces);
  pm_list_editor_set_items (self->never_editor, never);
}

/**
 * pm_restrictions_dialog_new:
 * @draft: whose restrictions are shown
 */
PmRestrictionsDialog *
pm_restrictions_dialog_new (GtkWindow *parent, const PmServiceDraft *draft)
{
  PmRestrictionsDialog *self = g_object_new (PM_TYPE_RESTRICTIONS_DIALOG, "transient-for", parent,
                                             "use-header-bar", FALSE, NULL);

  pm_fit_screen (GTK_WINDOW (self));
  load (self, draft->service->restrictions);
  self->draft = pm_service_draft_copy (draft);
  update (self);
  return self;
}

/**
 * pm_restrictions_dialog_dup_items:
 *
 * What is listed below a check box that is off is not among them: off means that it allows nobody.
 *
 * Returns: (transfer full) (element-type PmRestriction)
 */
GPtrArray *
pm_restrictions_dialog_dup_items (PmRestrictionsDialog *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_restriction_unref);

  if (gtk_toggle_button_get_active (self->networks_check))
    append (list, self->networks_editor);
  if (gtk_toggle_button_get_active (self->interfaces_check))
    append (list, self->interfaces_editor);
  if (gtk_toggle_button_get_active (self->authenticated_check))
    {
      PmRestriction *restriction = pm_restriction_new ();

      restriction->kind = PM_RESTRICTION_AUTHENTICATED;
      g_ptr_array_add (list, restriction);
    }
  append (list, self->never_editor);
  return list;
}
