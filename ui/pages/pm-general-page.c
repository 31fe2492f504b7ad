// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// General: who the server is on the Internet, how large a message may be, who looks after it.

#include "config.h"

#include "ui/pages/pm-general-page.h"

#include <glib/gi18n.h>

#include "base/pm-mail-address.h"
#include "ui/dialogs/pm-endpoint-dialog.h"
#include "ui/properties/pm-field.h"

#define KIB 1024
#define MIB (1024 * 1024)

/* The fields of one of the two limits. */
typedef struct
{
  GtkToggleButton *no_limit_radio;
  GtkToggleButton *maximum_radio;
  GtkSpinButton *spin;
  GtkComboBox *unit_combo;
} LimitFields;

struct _PmGeneralPage
{
  GtkBox parent_instance;

  GtkLabel *server_label;
  GtkEntry *host_entry;
  GtkLabel *addresses_label;
  PmListEditor *addresses_editor;
  LimitFields inbound;
  LimitFields outbound;
  GtkEntry *administrator_entry;

  PmServiceDraft *base; /* (owned) (nullable) */
  gboolean loading;
};

static void pm_general_page_page_init (PmPropertiesPageInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmGeneralPage, pm_general_page, GTK_TYPE_BOX,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_PROPERTIES_PAGE,
                                                      pm_general_page_page_init))

static guint64
limit_unit (const LimitFields *limit)
{
  return gtk_combo_box_get_active (limit->unit_combo) == 0 ? MIB : KIB;
}

static void
load_limit (LimitFields *limit, guint64 bytes)
{
  gboolean whole = bytes % MIB == 0;
  guint64 shown = bytes == 0 ? 50 : whole ? bytes / MIB
                                          : (bytes + KIB - 1) / KIB;

  gtk_toggle_button_set_active (bytes == 0 ? limit->no_limit_radio : limit->maximum_radio, TRUE);
  gtk_combo_box_set_active (limit->unit_combo, whole ? 0 : 1);
  gtk_spin_button_set_value (limit->spin, (double) shown);
}

// A limit that is not a whole number of KiB is shown rounded up, and stays as it is until changed.
static guint64
collect_limit (const LimitFields *limit, guint64 former)
{
  guint64 unit = limit_unit (limit);
  guint64 shown = (guint64) gtk_spin_button_get_value_as_int (limit->spin);

  if (gtk_toggle_button_get_active (limit->no_limit_radio))
    return 0;
  if (former != 0 && unit == KIB && (former + KIB - 1) / KIB == shown)
    return former;
  return shown * unit;
}

static void
update (PmGeneralPage *self)
{
  LimitFields *limits[] = { &self->inbound, &self->outbound };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      gboolean limited = gtk_toggle_button_get_active (limits[i]->maximum_radio);

      gtk_widget_set_sensitive (GTK_WIDGET (limits[i]->spin), limited);
      gtk_widget_set_sensitive (GTK_WIDGET (limits[i]->unit_combo), limited);
    }
}

static void
changed_cb (PmGeneralPage *self)
{
  g_assert (PM_IS_GENERAL_PAGE (self));

  if (self->loading)
    return;
  update (self);
  pm_properties_page_changed (PM_PROPERTIES_PAGE (self));
}

static const char *
get_help_topic (PmPropertiesPage *page)
{
  return "properties-general";
}

static void
load (PmPropertiesPage *page, const PmServiceDraft *draft)
{
  PmGeneralPage *self = PM_GENERAL_PAGE (page);
  const PmMailService *service = draft->service;

  self->loading = TRUE;
  g_clear_pointer (&self->base, pm_service_draft_free);
  self->base = pm_service_draft_copy (draft);

  gtk_label_set_text (self->server_label, draft->server->name);
  gtk_entry_set_text (self->host_entry, draft->server->host);
  pm_list_editor_set_items (self->addresses_editor, draft->server->addresses);
  load_limit (&self->inbound, service->inbound_limit);
  load_limit (&self->outbound, service->outbound_limit);
  gtk_entry_set_text (self->administrator_entry,
                      service->administrator != NULL ? service->administrator : "");
  self->loading = FALSE;
  update (self);
}

static gboolean
validate_host (PmGeneralPage *self, GError **error)
{
  g_autoptr (GError) wrong = NULL;
  g_autofree char *host = pm_field_get_host (self->host_entry, &wrong);
  g_autoptr (GInetAddress) address = NULL;

  if (host == NULL)
    return pm_field_check (GTK_WIDGET (self->host_entry), FALSE, error, _ ("Host name: %s"),
                           wrong->message);
  address = g_inet_address_new_from_string (host);
  return pm_field_check (GTK_WIDGET (self->host_entry), address == NULL, error,
                         _ ("Host name: “%s” is an IP address; give the server’s name in the DNS"),
                         host);
}

static gboolean
validate_administrator (PmGeneralPage *self, GError **error)
{
  g_autofree char *text = pm_field_get_text (self->administrator_entry);
  g_autoptr (PmMailAddress) address = NULL;
  g_autoptr (GError) wrong = NULL;

  if (*text != '\0')
    address = pm_mail_address_parse (text, &wrong);
  return pm_field_check (GTK_WIDGET (self->administrator_entry), wrong == NULL, error,
                         _ ("Administrator’s e-mail address: %s"),
                         wrong != NULL ? wrong->message : "");
}

static gboolean
validate (PmPropertiesPage *page, GtkWidget **field, GError **error)
{
  PmGeneralPage *self = PM_GENERAL_PAGE (page);
  gboolean host = validate_host (self, error);
  gboolean administrator = validate_administrator (self, host ? error : NULL);

  if (!host)
    *field = GTK_WIDGET (self->host_entry);
  else if (!administrator)
    *field = GTK_WIDGET (self->administrator_entry);
  return host && administrator;
}

static void
collect (PmPropertiesPage *page, PmServiceDraft *draft)
{
  PmGeneralPage *self = PM_GENERAL_PAGE (page);
  g_autofree char *host = pm_field_get_host (self->host_entry, NULL);
  g_autofree char *administrator = pm_field_get_text (self->administrator_entry);

  // What cannot be saved is put in as it was typed: it is a change, and validate() holds it back.
  g_free (draft->server->host);
  draft->server->host = host != NULL ? g_steal_pointer (&host)
                                     : g_strdup (gtk_entry_get_text (self->host_entry));
  g_ptr_array_unref (draft->server->addresses);
  draft->server->addresses = pm_list_editor_dup_items (self->addresses_editor);

  draft->service->inbound_limit =
      collect_limit (&self->inbound, self->base->service->inbound_limit);
  draft->service->outbound_limit =
      collect_limit (&self->outbound, self->base->service->outbound_limit);
  g_free (draft->service->administrator);
  draft->service->administrator =
      *administrator != '\0' ? g_steal_pointer (&administrator) : NULL;
}

static void
pm_general_page_page_init (PmPropertiesPageInterface *iface)
{
  iface->get_help_topic = get_help_topic;
  iface->load = load;
  iface->validate = validate;
  iface->collect = collect;
}

static void
pm_general_page_finalize (GObject *object)
{
  PmGeneralPage *self = PM_GENERAL_PAGE (object);

  g_clear_pointer (&self->base, pm_service_draft_free);
  G_OBJECT_CLASS (pm_general_page_parent_class)->finalize (object);
}

static void
bind_limit (GtkWidgetClass *widget_class, const char *prefix, gssize offset)
{
  static const struct
  {
    const char *suffix;
    gssize offset;
  } fields[] = {
    { "no_limit_radio", G_STRUCT_OFFSET (LimitFields, no_limit_radio) },
    { "maximum_radio", G_STRUCT_OFFSET (LimitFields, maximum_radio) },
    { "spin", G_STRUCT_OFFSET (LimitFields, spin) },
    { "unit_combo", G_STRUCT_OFFSET (LimitFields, unit_combo) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      g_autofree char *name = g_strconcat (prefix, "_", fields[i].suffix, NULL);

      gtk_widget_class_bind_template_child_full (widget_class, name, FALSE,
                                                 offset + fields[i].offset);
    }
}

static void
pm_general_page_class_init (PmGeneralPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = pm_general_page_finalize;

  g_type_ensure (PM_TYPE_LIST_EDITOR);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/pages/pm-general-page.ui");
  gtk_widget_class_bind_template_child (widget_class, PmGeneralPage, server_label);
  gtk_widget_class_bind_template_child (widget_class, PmGeneralPage, host_entry);
  gtk_widget_class_bind_template_child (widget_class, PmGeneralPage, addresses_label);
  gtk_widget_class_bind_template_child (widget_class, PmGeneralPage, addresses_editor);
  gtk_widget_class_bind_template_child (widget_class, PmGeneralPage, administrator_entry);
  bind_limit (widget_class, "inbound", G_STRUCT_OFFSET (PmGeneralPage, inbound));
  bind_limit (widget_class, "outbound", G_STRUCT_OFFSET (PmGeneralPage, outbound));
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
}

static void
pm_general_page_init (PmGeneralPage *self)
{
  self->loading = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  pm_endpoint_list_setup (self->addresses_editor, PM_ENDPOINT_ADDRESS);
  pm_list_editor_set_label (self->addresses_editor, self->addresses_label);
  self->loading = FALSE;
}
