// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Routing: which recipients are ours and which way the others go. The table holds a hundred
// thousand entries as well as ten; what was removed can be brought back; any address can be tried
// on it.

#include "config.h"

#include "ui/pages/pm-routing-page.h"

#include <glib/gi18n.h>

#include "base/pm-mail-address.h"
#include "routing/pm-router.h"
#include "ui/dialogs/pm-dialog-run.h"
#include "ui/dialogs/pm-restrictions-dialog.h"
#include "ui/dialogs/pm-route-dialog.h"
#include "ui/pages/pm-route-model.h"
#include "ui/properties/pm-field.h"

/* Above this many rows a change is made with the view detached. */
#define BULK 200
#define TEST_DELAY 150
/* Somebody on the Internet, as good as never anybody's client (RFC 1112 4). */
#define STRANGER "240.0.0.1"

struct _PmRoutingPage
{
  GtkBox parent_instance;

  GtkToggleButton *no_reroute_radio;
  GtkToggleButton *reroute_radio;
  GtkWidget *mode_note;
  GtkLabel *count_label;
  GtkEntry *search_entry;
  GtkTreeView *view;
  GtkTreeSelection *selection;
  GtkTreeViewColumn *sent_to_column;
  GtkTreeViewColumn *subdomains_column;
  GtkTreeViewColumn *route_to_column;
  GtkLabel *empty_label;
  GtkRevealer *undo_revealer;
  GtkLabel *undo_label;
  GtkWidget *undo_button;
  GtkWidget *add_button;
  GtkWidget *edit_button;
  GtkWidget *remove_button;
  GtkEntry *test_entry;
  GtkLabel *test_label;

  PmRouteModel *model;     /* (owned) */
  PmServiceDraft *base;    /* (owned) (nullable) */
  GPtrArray *restrictions; /* (owned) (nullable) */
  GPtrArray *removed;      /* (owned) (nullable): what Undo brings back */
  PmRoute *editing;        /* (owned) (nullable): NULL when one is added */
  guint test_source;
  gboolean loading;
};

static void pm_routing_page_page_init (PmPropertiesPageInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PmRoutingPage, pm_routing_page, GTK_TYPE_BOX,
                               G_IMPLEMENT_INTERFACE (PM_TYPE_PROPERTIES_PAGE,
                                                      pm_routing_page_page_init))

static const PmRoute *
route_at (PmRoutingPage *self, GtkTreePath *path)
{
  GtkTreeIter iter;

  return gtk_tree_model_get_iter (GTK_TREE_MODEL (self->model), &iter, path)
             ? pm_route_model_get_route (self->model, &iter)
             : NULL;
}

static GPtrArray *
dup_selected (PmRoutingPage *self)
{
  GPtrArray *routes = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_route_unref);
  GList *paths = gtk_tree_selection_get_selected_rows (self->selection, NULL);

  for (GList *item = paths; item != NULL; item = item->next)
    g_ptr_array_add (routes, pm_route_ref (route_at (self, item->data)));
  g_list_free_full (paths, (GDestroyNotify) gtk_tree_path_free);
  return routes;
}

static void
select_route (PmRoutingPage *self, const PmRoute *route)
{
  GtkTreeIter iter;

  if (self->model != NULL && pm_route_model_find (self->model, route, &iter))
    {
      g_autoptr (GtkTreePath) path =
          gtk_tree_model_get_path (GTK_TREE_MODEL (self->model), &iter);

      gtk_tree_view_set_cursor (self->view, path, NULL, FALSE);
      gtk_tree_view_scroll_to_cell (self->view, path, NULL, FALSE, 0, 0);
    }
}

static void
update_count (PmRoutingPage *self)
{
  guint n = pm_route_model_get_routes (self->model)->len;
  guint shown = pm_route_model_get_n_visible (self->model);
  g_autofree char *text = NULL;

  if (shown < n)
    text = g_strdup_printf (_ ("%'u of %'u entries"), shown, n);
  else if (n > 0)
    text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%'u entry", "%'u entries", n), n);
  gtk_label_set_text (self->count_label, text != NULL ? text : "");

  gtk_label_set_text (self->empty_label,
                      n > 0 ? _ ("No entry contains what you search for.")
                            : _ ("No domains yet: no mail is accepted.\nChoose Add… and type the "
                                 "first domain that this server receives mail for."));
  gtk_widget_set_visible (GTK_WIDGET (self->empty_label), shown == 0);
}

static void
update_buttons (PmRoutingPage *self)
{
  int selected = gtk_tree_selection_count_selected_rows (self->selection);

  gtk_widget_set_sensitive (self->edit_button, selected == 1);
  gtk_widget_set_sensitive (self->remove_button, selected > 0);
}

static void
update_mode (PmRoutingPage *self)
{
  gboolean reroute = gtk_toggle_button_get_active (self->reroute_radio);

  gtk_widget_set_visible (self->mode_note, !reroute);
  gtk_label_set_text (GTK_LABEL (self->mode_note),
                      _ ("⚠ Only mail for the entries that go to <inbound> is accepted. The other "
                         "entries do not act, nobody may relay, and mail for every other domain is "
                         "refused at once."));
}

static char *
action_to_text (const PmDecision *decision)
{
  g_autofree char *hops = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < decision->next_hops->len && i < 3; i++)
    {
      const PmNextHop *hop = decision->next_hops->pdata[i];

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", hop->host);
      if (hop->mx)
        g_string_append (text, _ (" (by its MX records)"));
      else
        g_string_append_printf (text, ":%u", hop->port);
    }
  hops = g_strdup (text->str);

  switch (decision->action)
    {
    case PM_ACTION_INBOUND:
      return g_strdup (_ ("accepted as inbound"));
    case PM_ACTION_FORWARD:
      return g_strdup_printf (_ ("forwarded unchanged to %s"), hops);
    case PM_ACTION_REWRITE:
      return g_strdup_printf (_ ("rewritten, and sent to %s"), hops);
    case PM_ACTION_RELAY:
      return g_strdup_printf (_ ("relayed to %s, from anybody"), hops);
    case PM_ACTION_OUTBOUND:
      return g_strdup_printf (_ ("sent to %s"), hops);
    case PM_ACTION_REJECT:
    default:
      return g_strdup_printf (_ ("refused: %s"), decision->reply);
    }
}

// `own` is the decision for a client that may relay, told where it differs.
static char *
decision_to_text (const PmMailAddress *address, const PmDecision *decision, const PmDecision *own)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *asked = pm_mail_address_to_string (address);
  g_autofree char *action = action_to_text (decision);

  g_string_append (text, asked);
  if (decision->rule != NULL)
    {
      g_autofree char *rule = pm_route_to_display (decision->rule, PM_ROUTE_COLUMN_SENT_TO);

      g_string_append_printf (text, decision->rule->subdomains ? _ (" → matches %s")
                                                               : _ (" → matches %s exactly"),
                              rule);
    }
  else
    {
      g_string_append (text, _ (" → matches no entry"));
    }
  if (decision->rewritten)
    {
      g_autofree char *rewritten = pm_mail_address_to_string (decision->recipient);

      g_string_append_printf (text, _ (" → becomes %s"), rewritten);
    }
  g_string_append_printf (text, " → %s", action);
  if (own->action == PM_ACTION_OUTBOUND && decision->action == PM_ACTION_REJECT)
    {
      g_autofree char *otherwise = action_to_text (own);

      g_string_append_printf (text, _ ("\nFrom clients that may relay: %s"), otherwise);
    }
  return g_strdup (text->str);
}

// A whole address, or a domain alone, for which somebody in it stands.
static PmMailAddress *
parse_test (const char *text, GError **error)
{
  g_autofree char *address = NULL;

  if (strchr (text, '@') != NULL)
    return pm_mail_address_parse (text, error);
  address = g_strconcat ("anna@", text, NULL);
  return pm_mail_address_parse (address, error);
}

static void
run_test (PmRoutingPage *self)
{
  g_autofree char *text = pm_field_get_text (self->test_entry);
  g_autoptr (PmMailAddress) address = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmServiceDraft) draft = NULL;
  g_autoptr (PmSite) site = NULL;
  g_autoptr (PmRouter) router = NULL;
  g_autoptr (PmDecision) decision = NULL;
  g_autoptr (PmDecision) own = NULL;
  g_autoptr (GInetAddress) stranger = g_inet_address_new_from_string (STRANGER);
  PmRoutingClient client = { stranger, NULL, FALSE };
  g_autofree char *answer = NULL;
  g_auto (GStrv) reasons = NULL;
  g_autofree char *why = NULL;

  if (*text == '\0' || self->base == NULL)
    {
      gtk_label_set_text (self->test_label,
                          _ ("Type an address to see which entry it matches and where it goes."));
      pm_field_set_problem (GTK_WIDGET (self->test_entry), NULL);
      return;
    }
  address = parse_test (text, &error);
  pm_field_set_problem (GTK_WIDGET (self->test_entry), error != NULL ? error->message : NULL);
  if (address == NULL)
    {
      gtk_label_set_text (self->test_label, error->message);
      return;
    }
  draft = pm_properties_page_get_draft (PM_PROPERTIES_PAGE (self), self->base);
  site = pm_service_draft_to_site (draft);
  router = pm_router_new (site, draft->service, NULL);
  decision = pm_router_decide (router, address, &client);
  own = pm_router_decide (router, address, NULL);
  answer = decision_to_text (address, decision, own);
  gtk_label_set_text (self->test_label, answer);
  reasons = pm_decision_explain (decision);
  why = g_strjoinv ("\n", reasons);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->test_label), why);
}

static gboolean
test_cb (gpointer data)
{
  PmRoutingPage *self = PM_ROUTING_PAGE (data);

  self->test_source = 0;
  run_test (self);
  return G_SOURCE_REMOVE;
}

static void
queue_test (PmRoutingPage *self)
{
  g_clear_handle_id (&self->test_source, g_source_remove);
  self->test_source = g_timeout_add (TEST_DELAY, test_cb, self);
}

static void
changed (PmRoutingPage *self)
{
  update_count (self);
  update_buttons (self);
  queue_test (self);
  pm_properties_page_changed (PM_PROPERTIES_PAGE (self));
}

static void
detach (PmRoutingPage *self)
{
  gtk_tree_view_set_model (self->view, NULL);
}

static void
attach (PmRoutingPage *self)
{
  gtk_tree_view_set_model (self->view, GTK_TREE_MODEL (self->model));
  update_count (self);
  update_buttons (self);
}

static void
forget_removed (PmRoutingPage *self)
{
  g_clear_pointer (&self->removed, g_ptr_array_unref);
  gtk_revealer_set_reveal_child (self->undo_revealer, FALSE);
}

static void
offer_undo (PmRoutingPage *self, GPtrArray *removed)
{
  g_autofree char *text = NULL;

  if (removed->len == 1)
    {
      g_autofree char *shown = pm_route_to_display (removed->pdata[0], PM_ROUTE_COLUMN_SENT_TO);

      text = g_strdup_printf (_ ("The entry for %s was removed."), shown);
    }
  else
    {
      text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%'u entry was removed.",
                                           "%'u entries were removed.", removed->len),
                              removed->len);
    }
  g_clear_pointer (&self->removed, g_ptr_array_unref);
  self->removed = g_ptr_array_ref (removed);
  gtk_label_set_text (self->undo_label, text);
  gtk_revealer_set_reveal_child (self->undo_revealer, TRUE);
}

static void
remove_routes (PmRoutingPage *self, GPtrArray *routes)
{
  if (routes->len <= BULK)
    {
      for (guint i = 0; i < routes->len; i++)
        pm_route_model_remove (self->model, routes->pdata[i]);
      return;
    }
  g_autoptr (GHashTable) set = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < routes->len; i++)
    g_hash_table_add (set, routes->pdata[i]);
  detach (self);
  pm_route_model_remove_all (self->model, set);
  attach (self);
}

static void
remove_selected (PmRoutingPage *self)
{
  g_autoptr (GPtrArray) routes = dup_selected (self);
  g_autoptr (GtkTreePath) cursor = NULL;
  guint left;

  if (routes->len == 0)
    return;
  gtk_tree_view_get_cursor (self->view, &cursor, NULL);
  remove_routes (self, routes);
  offer_undo (self, routes);
  left = pm_route_model_get_n_visible (self->model);

  // The cursor goes on to the next row, so that Delete can be pressed again.
  if (cursor != NULL && left > 0)
    {
      int index = MIN (gtk_tree_path_get_indices (cursor)[0], (int) left - 1);
      g_autoptr (GtkTreePath) path = gtk_tree_path_new_from_indices (index, -1);

      gtk_tree_view_set_cursor (self->view, path, NULL, FALSE);
    }
  changed (self);
}

static void
route_ready_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmRoutingPage) self = data;
  PmRouteDialog *dialog = PM_ROUTE_DIALOG (source);
  int response = pm_dialog_run_finish (GTK_DIALOG (dialog), result);
  g_autoptr (PmRoute) route = NULL;

  if (response == GTK_RESPONSE_OK)
    route = pm_route_dialog_dup_route (dialog);
  if (response != GTK_RESPONSE_NONE)
    gtk_widget_destroy (GTK_WIDGET (dialog));
  if (route == NULL)
    return;

  if (self->editing != NULL)
    pm_route_model_remove (self->model, self->editing);
  pm_route_model_add (self->model, route);
  select_route (self, route);
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
  changed (self);
}

static GtkWindow *
get_window (PmRoutingPage *self)
{
  GtkWidget *window = gtk_widget_get_toplevel (GTK_WIDGET (self));

  return GTK_IS_WINDOW (window) ? GTK_WINDOW (window) : NULL;
}

static void
edit_route (PmRoutingPage *self, const PmRoute *route)
{
  g_autoptr (PmServiceDraft) draft =
      pm_properties_page_get_draft (PM_PROPERTIES_PAGE (self), self->base);

  g_clear_pointer (&self->editing, pm_route_unref);
  self->editing = route != NULL ? pm_route_ref (route) : NULL;
  pm_dialog_run_async (GTK_DIALOG (pm_route_dialog_new (get_window (self), draft, route)),
                       route_ready_cb, g_object_ref (self));
}

static void
mode_toggled_cb (PmRoutingPage *self)
{
  g_assert (PM_IS_ROUTING_PAGE (self));

  if (self->loading)
    return;
  update_mode (self);
  changed (self);
}

static void
search_changed_cb (PmRoutingPage *self)
{
  g_autoptr (GPtrArray) selected = NULL;

  g_assert (PM_IS_ROUTING_PAGE (self));

  selected = dup_selected (self);
  detach (self);
  pm_route_model_set_search (self->model, gtk_entry_get_text (self->search_entry));
  attach (self);
  if (selected->len == 1)
    select_route (self, selected->pdata[0]);
}

static void
stop_search_cb (PmRoutingPage *self)
{
  g_assert (PM_IS_ROUTING_PAGE (self));
  gtk_entry_set_text (self->search_entry, "");
}

static void
row_activated_cb (GtkTreeView *view,
                  GtkTreePath *path,
                  GtkTreeViewColumn *column,
                  PmRoutingPage *self)
{
  const PmRoute *route;

  g_assert (PM_IS_ROUTING_PAGE (self));

  route = route_at (self, path);
  if (route != NULL)
    edit_route (self, route);
}

static gboolean
key_press_event_cb (GtkWidget *view, GdkEventKey *event, PmRoutingPage *self)
{
  gboolean control = (event->state & GDK_CONTROL_MASK) != 0;

  g_assert (PM_IS_ROUTING_PAGE (self));

  if (event->keyval == GDK_KEY_Delete || event->keyval == GDK_KEY_KP_Delete)
    remove_selected (self);
  else if (event->keyval == GDK_KEY_Insert)
    edit_route (self, NULL);
  else if (control && event->keyval == GDK_KEY_f)
    gtk_widget_grab_focus (GTK_WIDGET (self->search_entry));
  else
    return GDK_EVENT_PROPAGATE;
  return GDK_EVENT_STOP;
}

static void
selection_changed_cb (GtkTreeSelection *selection, PmRoutingPage *self)
{
  g_assert (PM_IS_ROUTING_PAGE (self));
  update_buttons (self);
}

static void
add_clicked_cb (PmRoutingPage *self)
{
  g_assert (PM_IS_ROUTING_PAGE (self));
  edit_route (self, NULL);
}

static void
edit_clicked_cb (PmRoutingPage *self)
{
  g_autoptr (GPtrArray) selected = NULL;

  g_assert (PM_IS_ROUTING_PAGE (self));

  selected = dup_selected (self);
  if (selected->len == 1)
    edit_route (self, selected->pdata[0]);
}

static void
remove_clicked_cb (PmRoutingPage *self)
{
  g_assert (PM_IS_ROUTING_PAGE (self));
  remove_selected (self);
}

// An entry that was made anew meanwhile stays as it is now.
static void
undo_clicked_cb (PmRoutingPage *self)
{
  g_autoptr (GPtrArray) removed = NULL;
  g_autoptr (GHashTable) taken = NULL;
  GPtrArray *routes;
  gboolean bulk;

  g_assert (PM_IS_ROUTING_PAGE (self));

  removed = g_steal_pointer (&self->removed);
  forget_removed (self);
  if (removed == NULL)
    return;

  taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  routes = pm_route_model_get_routes (self->model);
  for (guint i = 0; i < routes->len; i++)
    g_hash_table_add (taken, pm_route_to_sent_to (routes->pdata[i]));

  bulk = removed->len > BULK;
  if (bulk)
    detach (self);
  for (guint i = 0; i < removed->len; i++)
    if (g_hash_table_add (taken, pm_route_to_sent_to (removed->pdata[i])))
      pm_route_model_add (self->model, removed->pdata[i]);
  if (bulk)
    attach (self);
  select_route (self, removed->pdata[0]);
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
  changed (self);
}

static void
undo_response_cb (PmRoutingPage *self, int response)
{
  g_assert (PM_IS_ROUTING_PAGE (self));
  forget_removed (self);
}

static void
restrictions_ready_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmRoutingPage) self = data;
  PmRestrictionsDialog *dialog = PM_RESTRICTIONS_DIALOG (source);
  int response = pm_dialog_run_finish (GTK_DIALOG (dialog), result);

  if (response == GTK_RESPONSE_OK)
    {
      g_clear_pointer (&self->restrictions, g_ptr_array_unref);
      self->restrictions = pm_restrictions_dialog_dup_items (dialog);
      changed (self);
    }
  if (response != GTK_RESPONSE_NONE)
    gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
restrictions_clicked_cb (PmRoutingPage *self)
{
  g_autoptr (PmServiceDraft) draft = NULL;

  g_assert (PM_IS_ROUTING_PAGE (self));

  draft = pm_properties_page_get_draft (PM_PROPERTIES_PAGE (self), self->base);
  pm_dialog_run_async (GTK_DIALOG (pm_restrictions_dialog_new (get_window (self), draft)),
                       restrictions_ready_cb, g_object_ref (self));
}

static void
test_changed_cb (PmRoutingPage *self)
{
  g_assert (PM_IS_ROUTING_PAGE (self));
  queue_test (self);
}

static const char *
get_help_topic (PmPropertiesPage *page)
{
  return "properties-routing";
}

static void
load (PmPropertiesPage *page, const PmServiceDraft *draft)
{
  PmRoutingPage *self = PM_ROUTING_PAGE (page);

  self->loading = TRUE;
  g_clear_pointer (&self->base, pm_service_draft_free);
  self->base = pm_service_draft_copy (draft);
  g_clear_pointer (&self->restrictions, g_ptr_array_unref);
  self->restrictions = g_ptr_array_ref (self->base->service->restrictions);
  gtk_toggle_button_set_active (
      draft->service->reroute ? self->reroute_radio : self->no_reroute_radio, TRUE);

  forget_removed (self);
  detach (self);
  pm_route_model_set_routes (self->model, draft->service->routes);
  attach (self);
  self->loading = FALSE;
  update_mode (self);
  queue_test (self);
}

// Every way to change the table judges what it is given, so there is nothing left to refuse here.
static gboolean
validate (PmPropertiesPage *page, GtkWidget **field, GError **error)
{
  return TRUE;
}

static void
collect (PmPropertiesPage *page, PmServiceDraft *draft)
{
  PmRoutingPage *self = PM_ROUTING_PAGE (page);
  GPtrArray *routes = pm_route_model_get_routes (self->model);
  GPtrArray *copy = g_ptr_array_new_full (routes->len, (GDestroyNotify) pm_route_unref);

  for (guint i = 0; i < routes->len; i++)
    g_ptr_array_add (copy, pm_route_ref (routes->pdata[i]));
  g_ptr_array_unref (draft->service->routes);
  draft->service->routes = copy;
  draft->service->reroute = gtk_toggle_button_get_active (self->reroute_radio);
  g_ptr_array_unref (draft->service->restrictions);
  draft->service->restrictions = g_ptr_array_ref (self->restrictions);
}

static void
pm_routing_page_page_init (PmPropertiesPageInterface *iface)
{
  iface->get_help_topic = get_help_topic;
  iface->load = load;
  iface->validate = validate;
  iface->collect = collect;
}

static void
pm_routing_page_dispose (GObject *object)
{
  PmRoutingPage *self = PM_ROUTING_PAGE (object);

  g_clear_handle_id (&self->test_source, g_source_remove);
  // A view that is taken apart with its rows tells a screen reader of every single one.
  if (self->model != NULL)
    detach (self);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (pm_routing_page_parent_class)->dispose (object);
}

static void
pm_routing_page_finalize (GObject *object)
{
  PmRoutingPage *self = PM_ROUTING_PAGE (object);

  g_clear_pointer (&self->base, pm_service_draft_free);
  g_clear_pointer (&self->restrictions, g_ptr_array_unref);
  g_clear_pointer (&self->removed, g_ptr_array_unref);
  g_clear_pointer (&self->editing, pm_route_unref);
  G_OBJECT_CLASS (pm_routing_page_parent_class)->finalize (object);
}

static void
bind_callbacks (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_callback (widget_class, mode_toggled_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, stop_search_cb);
  gtk_widget_class_bind_template_callback (widget_class, row_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, key_press_event_cb);
  gtk_widget_class_bind_template_callback (widget_class, selection_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, add_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, edit_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, undo_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, undo_response_cb);
  gtk_widget_class_bind_template_callback (widget_class, restrictions_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, test_changed_cb);
}

static void
pm_routing_page_class_init (PmRoutingPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = pm_routing_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = pm_routing_page_finalize;

  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/pointsman/Administrator/pages/pm-routing-page.ui");
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, no_reroute_radio);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, reroute_radio);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, mode_note);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, count_label);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, search_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, view);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, selection);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, sent_to_column);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, subdomains_column);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, route_to_column);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, empty_label);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, undo_revealer);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, undo_label);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, undo_button);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, add_button);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, edit_button);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, remove_button);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, test_entry);
  gtk_widget_class_bind_template_child (widget_class, PmRoutingPage, test_label);
  bind_callbacks (widget_class);
}

// Rows of fixed height want columns of fixed width: wide enough for the title in the font there is.
static void
size_column (PmRoutingPage *self, GtkTreeViewColumn *column)
{
  g_autoptr (PangoLayout) layout =
      gtk_widget_create_pango_layout (GTK_WIDGET (self), gtk_tree_view_column_get_title (column));
  int width;

  pango_layout_get_pixel_size (layout, &width, NULL);
  gtk_tree_view_column_set_fixed_width (column, width * 8 / 5);
}

static void
add_cell (GtkTreeViewColumn *column, int index)
{
  GtkCellRenderer *cell = gtk_cell_renderer_text_new ();

  g_object_set (cell, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
  gtk_tree_view_column_pack_start (column, cell, TRUE);
  gtk_tree_view_column_add_attribute (column, cell, "text", index);
}

static void
pm_routing_page_init (PmRoutingPage *self)
{
  self->loading = TRUE;
  self->model = pm_route_model_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  add_cell (self->sent_to_column, PM_ROUTE_COLUMN_SENT_TO);
  add_cell (self->subdomains_column, PM_ROUTE_COLUMN_SUBDOMAINS);
  add_cell (self->route_to_column, PM_ROUTE_COLUMN_ROUTE_TO);
  size_column (self, self->subdomains_column);
  attach (self);
  self->loading = FALSE;
}
