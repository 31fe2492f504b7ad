// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The MX record checker's panel: it starts reports and shows them as they grow; what is right or
// wrong is judged in src/check and nowhere here.

#include "config.h"

#include "ui/mx/pm-mx-panel.h"

#include <gdk/gdkkeysyms.h>
#include <glib/gi18n.h>

#include "dns/pm-unbound-resolver.h"
#include "ui/mx/pm-mx-finding-row.h"
#include "ui/mx/pm-mx-status.h"
#include "ui/mx/pm-mx-subject.h"

// A longer list is no help to choose from; any domain can be typed.
#define MAX_DOMAINS 500
#define TIMEOUT 8000

struct _PmMxPanel
{
  GtkBox parent_instance;

  // template
  GtkComboBoxText *domain_combo;
  GtkStack *button_stack;
  GtkButton *check_button;
  GtkButton *cancel_button;
  GtkSpinner *spinner;
  GtkLabel *asked_label;
  GtkStack *stack;
  GtkScrolledWindow *report_window;
  GtkContainer *report_box;
  GtkImage *verdict_icon;
  GtkLabel *verdict_word;
  GtkLabel *verdict_label;
  GtkWidget *record_frame;
  GtkListStore *record_store;
  GtkWidget *finding_frame;
  GtkListBox *finding_list;

  PmResolver *resolver; /* (nullable) (owned): made when it is first needed */
  PmSite *site;         /* (nullable) (owned) */
  char *server;         /* (nullable) (owned) */
  gboolean local;
  PmMxReport *report;        /* (nullable) (owned) */
  GCancellable *cancellable; /* (nullable) (owned): of @report */
};

enum
{
  COLUMN_PREFERENCE,
  COLUMN_HOST,
  COLUMN_ADDRESSES,
  COLUMN_LEADS_ICON,
  COLUMN_LEADS,
  COLUMN_TTL,
  COLUMN_REMARK_ICON,
  COLUMN_REMARK,
  COLUMN_LEADS_KNOWN, /* else it is shown grey */
  COLUMN_TOOLTIP,     /* markup: what may be cut off */
};

enum
{
  CLOSE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmMxPanel, pm_mx_panel, GTK_TYPE_BOX)

static GtkWidget *
get_entry (PmMxPanel *self)
{
  return gtk_bin_get_child (GTK_BIN (self->domain_combo));
}

static gboolean
is_running (PmMxPanel *self)
{
  return self->report != NULL && pm_mx_report_is_running (self->report);
}

static void
show_verdict (PmMxPanel *self, PmFindingStatus status, const char *sentence)
{
  gboolean running = is_running (self);

  pm_mx_status_apply (status, self->verdict_icon);
  gtk_widget_set_visible (GTK_WIDGET (self->verdict_icon), !running);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), running);
  gtk_widget_set_visible (GTK_WIDGET (self->verdict_word), !running);
  gtk_label_set_text (self->verdict_word, pm_mx_status_get_word (status));
  gtk_label_set_text (self->verdict_label, sentence != NULL ? sentence : "");
}

static const char *
describe_server (const char *server)
{
  return g_strcmp0 (server, "system resolver") == 0 ? _ ("system resolver") : server;
}

static void
show_asked (PmMxPanel *self)
{
  const char *server = pm_mx_report_get_server (self->report);
  g_autofree char *text = NULL;

  if (is_running (self))
    text = g_strdup_printf (_ ("%u of %u answers"), pm_mx_report_get_answered (self->report),
                            pm_mx_report_get_asked (self->report));
  else if (server != NULL)
    // Translators: who was asked (system resolver), and how long the check took.
    text = g_strdup_printf (_ ("Asked: %s, %u ms"), describe_server (server),
                            (guint) (pm_mx_report_get_elapsed (self->report) / 1000));
  gtk_label_set_text (self->asked_label, text != NULL ? text : "");
}

static void
describe_leads (const PmMxRow *row, const char **icon, const char **word)
{
  if (row->pending)
    {
      *icon = "content-loading-symbolic";
      *word = _ ("asking…");
      return;
    }
  switch (row->leads)
    {
    case PM_LEADS_YES:
      *icon = "emblem-ok-symbolic";
      *word = _ ("this server");
      return;
    case PM_LEADS_NO:
      *icon = row->addresses[0] != NULL ? "network-server-symbolic" : "action-unavailable-symbolic";
      *word = row->addresses[0] != NULL ? _ ("another host") : _ ("nowhere");
      return;
    default:
      *icon = "dialog-question-symbolic";
      *word = _ ("not known");
    }
}

static char *
make_tooltip (const PmMxRow *row, const char *remark)
{
  g_autofree char *addresses = g_strjoinv (", ", row->addresses);
  g_autofree char *text = g_strdup_printf ("%s%s%s%s%s", row->host, *addresses != '\0' ? "\n" : "",
                                           addresses, remark != NULL ? "\n" : "",
                                           remark != NULL ? remark : "");

  return g_markup_escape_text (text, -1);
}

static void
fill_record (PmMxPanel *self, GtkTreeIter *iter, const PmMxRow *row)
{
  g_autofree char *preference = row->implicit ? g_strdup ("–")
                                              : g_strdup_printf ("%u", row->preference);
  g_autofree char *addresses = g_strjoinv ("\n", row->addresses);
  g_autofree char *ttl = row->implicit ? g_strdup ("–") : pm_mx_ttl_format (row->ttl);
  g_autofree char *remark = pm_mx_text_format (&row->remark);
  g_autofree char *tooltip = make_tooltip (row, remark);
  const char *remark_icon = remark != NULL ? pm_mx_status_get_icon (row->status) : NULL;
  const char *leads_icon;
  const char *leads;

  describe_leads (row, &leads_icon, &leads);
  gtk_list_store_set (self->record_store, iter,
                      COLUMN_PREFERENCE, preference,
                      COLUMN_HOST, row->host,
                      COLUMN_ADDRESSES, *addresses != '\0' ? addresses : "–",
                      COLUMN_LEADS_ICON, leads_icon,
                      COLUMN_LEADS, leads,
                      COLUMN_LEADS_KNOWN, !row->pending && row->leads != PM_LEADS_UNKNOWN,
                      COLUMN_TTL, ttl,
                      COLUMN_REMARK_ICON, remark_icon,
                      COLUMN_REMARK, remark,
                      COLUMN_TOOLTIP, tooltip,
                      -1);
}

/* In place, so that what a person has selected stays selected while answers come in. */
static void
show_records (PmMxPanel *self)
{
  const GPtrArray *rows = pm_mx_report_get_rows (self->report);
  GtkTreeModel *model = GTK_TREE_MODEL (self->record_store);
  GtkTreeIter iter;

  for (guint i = 0; i < rows->len; i++)
    {
      if (!gtk_tree_model_iter_nth_child (model, &iter, NULL, (int) i))
        gtk_list_store_append (self->record_store, &iter);
      fill_record (self, &iter, g_ptr_array_index (rows, i));
    }
  if (gtk_tree_model_iter_nth_child (model, &iter, NULL, (int) rows->len))
    while (gtk_list_store_remove (self->record_store, &iter))
      continue;
  gtk_widget_set_visible (self->record_frame, rows->len > 0);
}

static void
add_separator_cb (GtkListBoxRow *row, GtkListBoxRow *before, gpointer data)
{
  if (before != NULL && gtk_list_box_row_get_header (row) == NULL)
    gtk_list_box_row_set_header (row, gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
}

static void
clear_findings (PmMxPanel *self)
{
  g_autoptr (GList) children = gtk_container_get_children (GTK_CONTAINER (self->finding_list));

  for (GList *i = children; i != NULL; i = i->next)
    gtk_widget_destroy (i->data);
}

/* What matters most comes first; among equals the registry's order stays. */
static void
show_findings (PmMxPanel *self)
{
  const GPtrArray *findings = pm_mx_report_get_findings (self->report);

  clear_findings (self);
  for (int status = PM_FINDING_ERROR; status >= PM_FINDING_OK; status--)
    for (guint i = 0; i < findings->len; i++)
      {
        const PmFinding *finding = g_ptr_array_index (findings, i);

        if ((int) finding->status == status)
          gtk_container_add (GTK_CONTAINER (self->finding_list), pm_mx_finding_row_new (finding));
      }
  gtk_widget_set_visible (self->finding_frame, findings->len > 0);
}

static void
show_buttons (PmMxPanel *self)
{
  gboolean running = is_running (self);
  GtkWidget *shown = GTK_WIDGET (running ? self->cancel_button : self->check_button);
  GtkWidget *hidden = GTK_WIDGET (running ? self->check_button : self->cancel_button);
  gboolean had_focus = gtk_widget_has_focus (hidden);

  gtk_stack_set_visible_child (self->button_stack, shown);
  g_object_set (self->spinner, "active", running, NULL);
  // Whoever pressed the one finds the other in its place.
  if (had_focus)
    gtk_widget_grab_focus (shown);
}

static void
show_report (PmMxPanel *self)
{
  g_autofree char *verdict = pm_mx_text_format (pm_mx_report_get_verdict (self->report));

  show_verdict (self, pm_mx_report_get_verdict_status (self->report), verdict);
  show_asked (self);
  show_records (self);
  show_buttons (self);
  gtk_stack_set_visible_child_name (self->stack, "report");
}

static void
changed_cb (PmMxReport *report, PmMxPanel *self)
{
  if (report == self->report)
    show_report (self);
}

static void
finished_cb (PmMxReport *report, PmMxPanel *self)
{
  if (report != self->report)
    return;
  show_report (self);
  show_findings (self);
}

static gboolean
ensure_resolver (PmMxPanel *self)
{
  g_autoptr (GError) error = NULL;

  if (self->resolver == NULL)
    self->resolver = pm_unbound_resolver_new (NULL, TIMEOUT, &error);
  if (self->resolver != NULL)
    return TRUE;

  gtk_stack_set_visible_child_name (self->stack, "report");
  show_verdict (self, PM_FINDING_ERROR, error->message);
  return FALSE;
}

static void
drop_report (PmMxPanel *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->report);
}

static void
start (PmMxPanel *self, const char *text)
{
  g_autoptr (PmCheckSubject) subject = NULL;

  drop_report (self);
  if (!ensure_resolver (self))
    return;

  // Who checks again has perhaps just corrected a record.
  pm_resolver_forget (self->resolver);
  subject = pm_mx_subject_new (text, self->site, self->server, self->local);
  self->cancellable = g_cancellable_new ();
  self->report = pm_mx_report_new (self->resolver, subject);
  g_signal_connect_object (self->report, "changed", G_CALLBACK (changed_cb), self, 0);
  g_signal_connect_object (self->report, "finished", G_CALLBACK (finished_cb), self, 0);
  clear_findings (self);
  gtk_widget_hide (self->finding_frame);
  pm_mx_report_run_async (self->report, self->cancellable, NULL, NULL);
  show_report (self);
}

static void
check_cb (GtkWidget *widget, PmMxPanel *self)
{
  g_autofree char *text = g_strstrip (gtk_combo_box_text_get_active_text (self->domain_combo));

  if (*text != '\0')
    start (self, text);
  else
    gtk_widget_grab_focus (get_entry (self));
}

static void
text_changed_cb (GtkComboBox *combo, PmMxPanel *self)
{
  g_autofree char *text = g_strstrip (gtk_combo_box_text_get_active_text (self->domain_combo));

  gtk_widget_set_sensitive (GTK_WIDGET (self->check_button), *text != '\0');
}

static void
cancel_cb (GtkButton *button, PmMxPanel *self)
{
  pm_mx_panel_cancel (self);
}

static void
close_cb (GtkButton *button, PmMxPanel *self)
{
  g_signal_emit (self, signals[CLOSE], 0);
}

static gboolean
pm_mx_panel_key_press_event (GtkWidget *widget, GdkEventKey *event)
{
  PmMxPanel *self = PM_MX_PANEL (widget);

  if (event->keyval != GDK_KEY_Escape)
    return GTK_WIDGET_CLASS (pm_mx_panel_parent_class)->key_press_event (widget, event);
  if (is_running (self))
    pm_mx_panel_cancel (self);
  else
    g_signal_emit (self, signals[CLOSE], 0);
  return GDK_EVENT_STOP;
}

static void
pm_mx_panel_grab_focus (GtkWidget *widget)
{
  gtk_widget_grab_focus (get_entry (PM_MX_PANEL (widget)));
}

static void
pm_mx_panel_dispose (GObject *object)
{
  PmMxPanel *self = PM_MX_PANEL (object);

  drop_report (self);
  g_clear_object (&self->resolver);
  g_clear_pointer (&self->site, pm_site_unref);
  g_clear_pointer (&self->server, g_free);
  G_OBJECT_CLASS (pm_mx_panel_parent_class)->dispose (object);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/mx/pm-mx-panel.ui");
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, domain_combo);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, button_stack);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, check_button);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, spinner);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, asked_label);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, stack);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, report_window);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, report_box);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, verdict_icon);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, verdict_word);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, verdict_label);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, record_frame);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, record_store);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, finding_frame);
  gtk_widget_class_bind_template_child (widget_class, PmMxPanel, finding_list);
  gtk_widget_class_bind_template_callback (widget_class, check_cb);
  gtk_widget_class_bind_template_callback (widget_class, text_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, cancel_cb);
  gtk_widget_class_bind_template_callback (widget_class, close_cb);
}

static void
pm_mx_panel_class_init (PmMxPanelClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_mx_panel_dispose;
  widget_class->key_press_event = pm_mx_panel_key_press_event;
  widget_class->grab_focus = pm_mx_panel_grab_focus;

  /**
   * PmMxPanel::close:
   *
   * The person wants the panel out of the way.
   */
  signals[CLOSE] = g_signal_new ("close", PM_TYPE_MX_PANEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
  bind_template (widget_class);
}

static void
pm_mx_panel_init (PmMxPanel *self)
{
  self->local = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (get_entry (self), "activate", G_CALLBACK (check_cb), self, 0);
  atk_object_set_name (gtk_widget_get_accessible (get_entry (self)), _ ("Domain to check"));
  // What gets the focus comes into view.
  gtk_container_set_focus_vadjustment (self->report_box,
                                       gtk_scrolled_window_get_vadjustment (self->report_window));
  gtk_list_box_set_header_func (self->finding_list, add_separator_cb, NULL, NULL);
  gtk_entry_set_placeholder_text (GTK_ENTRY (get_entry (self)), "example.com");
  gtk_entry_set_input_purpose (GTK_ENTRY (get_entry (self)), GTK_INPUT_PURPOSE_URL);
  text_changed_cb (GTK_COMBO_BOX (self->domain_combo), self);
}

GtkWidget *
pm_mx_panel_new (void)
{
  return g_object_new (PM_TYPE_MX_PANEL, NULL);
}

/**
 * pm_mx_panel_set_site:
 * @panel: the panel
 * @site: (nullable): the site whose domains can be chosen; kept
 * @server: (nullable): the server that mail should reach
 *
 * What was typed, and a report that is shown, stay.
 */
void
pm_mx_panel_set_site (PmMxPanel *panel, const PmSite *site, const char *server)
{
  g_autoptr (GPtrArray) domains = NULL;
  g_autoptr (PmSite) old = NULL;
  g_autofree char *name = g_strdup (server);
  g_autofree char *text = NULL;

  g_return_if_fail (PM_IS_MX_PANEL (panel));

  old = g_steal_pointer (&panel->site);
  panel->site = site != NULL ? pm_site_ref (site) : NULL;
  g_free (panel->server);
  panel->server = g_steal_pointer (&name);

  text = gtk_combo_box_text_get_active_text (panel->domain_combo);
  gtk_combo_box_text_remove_all (panel->domain_combo);
  if (site != NULL)
    domains = pm_mx_subject_list_domains (site, panel->server, MAX_DOMAINS);
  for (guint i = 0; domains != NULL && i < domains->len; i++)
    gtk_combo_box_text_append_text (panel->domain_combo, g_ptr_array_index (domains, i));
  gtk_entry_set_text (GTK_ENTRY (get_entry (panel)), text);
}

/**
 * pm_mx_panel_set_local:
 * @panel: the panel
 * @local: whether the server is the computer that the panel runs on, which is what it takes it for
 *
 * Only then do this computer's addresses say which hosts are the server.
 */
void
pm_mx_panel_set_local (PmMxPanel *panel, gboolean local)
{
  g_return_if_fail (PM_IS_MX_PANEL (panel));

  panel->local = local;
}

/**
 * pm_mx_panel_set_resolver:
 * @panel: the panel
 * @resolver: (nullable): where answers come from; %NULL for the system's resolver
 */
void
pm_mx_panel_set_resolver (PmMxPanel *panel, PmResolver *resolver)
{
  g_return_if_fail (PM_IS_MX_PANEL (panel));

  g_set_object (&panel->resolver, resolver);
}

/**
 * pm_mx_panel_check:
 * @panel: the panel
 * @domain: a domain
 *
 * Checks @domain as if it had been typed. A check under way is given up.
 */
void
pm_mx_panel_check (PmMxPanel *panel, const char *domain)
{
  g_return_if_fail (PM_IS_MX_PANEL (panel));
  g_return_if_fail (domain != NULL);

  gtk_entry_set_text (GTK_ENTRY (get_entry (panel)), domain);
  start (panel, domain);
}

/**
 * pm_mx_panel_cancel:
 * @panel: the panel
 *
 * Ends the check under way, if there is one; what has been found stays.
 */
void
pm_mx_panel_cancel (PmMxPanel *panel)
{
  g_return_if_fail (PM_IS_MX_PANEL (panel));

  g_cancellable_cancel (panel->cancellable);
}

/**
 * pm_mx_panel_get_report:
 * @panel: the panel
 *
 * Returns: (transfer none) (nullable): what is shown.
 */
PmMxReport *
pm_mx_panel_get_report (PmMxPanel *panel)
{
  g_return_val_if_fail (PM_IS_MX_PANEL (panel), NULL);

  return panel->report;
}
