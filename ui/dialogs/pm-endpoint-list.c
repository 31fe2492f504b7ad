// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The lists of endpoints: how each kind looks in a row, and the dialog that edits it.

#include "config.h"

#include "ui/dialogs/pm-endpoint-dialog.h"

#include <glib/gi18n.h>

#include "site/pm-site.h"
#include "ui/dialogs/pm-dialog-run.h"

typedef struct {
  PmListEditor *editor;  /* (owned) */
  gconstpointer former;  /* only compared */
} Edit;

static void edit_endpoint (PmListEditor *editor, gconstpointer item, gconstpointer data);

static gpointer
copy_string (gconstpointer text, gpointer data)
{
  return g_strdup (text);
}

static gpointer
ref_value (gconstpointer value, gpointer data)
{
  return g_atomic_rc_box_acquire ((gpointer) value);
}

static char *
string_text (gconstpointer item, guint column)
{
  return g_strdup (item);
}

static const char *
tls_to_text (PmTls tls)
{
  static const char *const texts[] = { N_ ("never"), N_ ("when offered"), N_ ("required"),
                                       N_ ("required, valid certificate") };

  return _ (texts[tls]);
}

static char *
host_text (gconstpointer item, guint column)
{
  const PmHost *host = item;

  if (column == 0)
    return g_strdup (host->name);
  if (column == 1)
    return g_strdup_printf ("%u", host->port);
  return g_strdup (tls_to_text (host->tls));
}

static char *
listen_text (gconstpointer item, guint column)
{
  const PmListen *listen = item;

  if (column == 0)
    return g_strdup (listen->address);
  if (column == 1)
    return g_strdup_printf ("%u", listen->port);
  if (listen->role == PM_LISTEN_SUBMISSION)
    return g_strdup (listen->implicit_tls ? _ ("submission, implicit TLS") : _ ("submission"));
  return g_strdup (listen->implicit_tls ? _ ("other hosts, implicit TLS") : _ ("other hosts"));
}

static char *
rule_text (gconstpointer item, guint column)
{
  const PmAcceptRule *rule = item;

  if (column == 0)
    return pm_network_to_string (&rule->network);
  return g_strdup (rule->accept ? _ ("✔ accept") : _ ("✖ reject"));
}

static char *
restriction_text (gconstpointer item, guint column)
{
  const PmRestriction *restriction = item;

  return pm_network_to_string (&restriction->network);
}

#define VALUE(texts, unref_value) \
  .get_text = texts, .copy = ref_value, .free = (GDestroyNotify) unref_value, .edit = edit_endpoint

static const PmListKind kinds[PM_N_ENDPOINTS] = {
  [PM_ENDPOINT_ADDRESS] = {
    1, { N_ ("IP Address") },
    N_ ("No addresses: this server's own addresses are its public ones. Add them where it stands "
        "behind a firewall that translates addresses."),
    FALSE, string_text, copy_string, g_free, edit_endpoint },
  [PM_ENDPOINT_HOST] = {
    3, { N_ ("Host"), N_ ("Port"), N_ ("Encryption") },
    N_ ("No hosts yet. Add the one that takes the mail; a second one stands in when it is down."),
    TRUE, VALUE (host_text, pm_host_unref) },
  [PM_ENDPOINT_LISTEN] = {
    3, { N_ ("IP Address"), N_ ("Port"), N_ ("Used For") },
    N_ ("No addresses: no mail can come in. Add 0.0.0.0, port 25."),
    FALSE, VALUE (listen_text, pm_listen_unref) },
  [PM_ENDPOINT_ACCEPT_RULE] = {
    2, { N_ ("Hosts"), N_ ("Connection Is") },
    N_ ("No hosts: what stands below holds for everybody."),
    TRUE, VALUE (rule_text, pm_accept_rule_unref) },
  [PM_ENDPOINT_ALLOW_NETWORK] = {
    1, { N_ ("IP Address or Network") }, N_ ("No addresses: add those of your own clients."),
    FALSE, VALUE (restriction_text, pm_restriction_unref) },
  [PM_ENDPOINT_ALLOW_INTERFACE] = {
    1, { N_ ("IP Address") }, N_ ("No addresses: add those that only your own network can reach."),
    FALSE, VALUE (restriction_text, pm_restriction_unref) },
  [PM_ENDPOINT_NEVER_NETWORK] = {
    1, { N_ ("IP Address or Network") },
    N_ ("Nobody is refused beforehand."),
    FALSE, VALUE (restriction_text, pm_restriction_unref) },
};

static void
endpoint_ready_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmEndpointDialog *dialog = PM_ENDPOINT_DIALOG (source);
  Edit *edit = data;
  int response = pm_dialog_run_finish (GTK_DIALOG (dialog), result);

  if (response == GTK_RESPONSE_OK)
    {
      gpointer item = pm_endpoint_dialog_dup_item (dialog);

      if (item != NULL)
        pm_list_editor_put (edit->editor, edit->former, item);
    }
  if (response != GTK_RESPONSE_NONE)
    gtk_widget_destroy (GTK_WIDGET (dialog));
  g_object_unref (edit->editor);
  g_free (edit);
}

static void
edit_endpoint (PmListEditor *editor, gconstpointer item, gconstpointer data)
{
  PmEndpointKind kind = (PmEndpointKind) ((const PmListKind *) data - kinds);
  GtkWidget *window = gtk_widget_get_toplevel (GTK_WIDGET (editor));
  PmEndpointDialog *dialog = pm_endpoint_dialog_new (GTK_WINDOW (window), kind, item);
  Edit *edit = g_new0 (Edit, 1);

  edit->editor = g_object_ref (editor);
  edit->former = item;
  pm_dialog_run_async (GTK_DIALOG (dialog), endpoint_ready_cb, edit);
}

/**
 * pm_endpoint_list_setup:
 *
 * Makes @editor a list of such values, edited with a #PmEndpointDialog.
 */
void
pm_endpoint_list_setup (PmListEditor *editor, PmEndpointKind kind)
{
  pm_list_editor_set_kind (editor, &kinds[kind], &kinds[kind]);
}
