// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "ui/mx/pm-mx-panel.h"

#include <string.h>

#include "dns/pm-fake-resolver.h"
#include "ui/mx/pm-mx-finding-row.h"
#include "ui/mx/pm-mx-subject.h"

static const char zone[] = "mail1.example.com 3600 A 192.0.2.10\n"
                           "other.example.net 3600 A 198.51.100.1\n"
                           "example.com 3600 MX 10 mail1.example.com.\n"
                           "example.com 3600 MX 20 mail1.example.com.\n"
                           "example.net 3600 MX 10 other.example.net.\n"
                           "quiet.example ! timeout\n"
                           "half.example 60 MX 10 mx.half.example.\n"
                           "mx.half.example ! silent\n";

typedef struct
{
  GtkWidget *window;
  PmMxPanel *panel;
  guint closed;
} Fixture;

static void
set_string (char **string, const char *value)
{
  g_free (*string);
  *string = g_strdup (value);
}

static PmSite *
make_site (void)
{
  PmSite *site = pm_site_new ();
  PmServer *server = pm_server_new ();
  PmMailService *service = pm_mail_service_new ();
  static const char *const domains[] = { "example.net", "example.com", "xn--bcher-kva.example" };

  set_string (&server->name, "MAIL1");
  set_string (&server->host, "mail1.example.com");
  g_ptr_array_add (server->addresses, g_strdup ("192.0.2.10"));
  g_ptr_array_add (site->servers, server);
  set_string (&service->server, "MAIL1");
  service->reroute = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    {
      PmRoute *route = pm_route_new ();

      set_string (&route->domain, domains[i]);
      route->action = PM_ROUTE_INBOUND;
      g_ptr_array_add (service->routes, route);
    }
  g_ptr_array_add (site->services, service);
  return site;
}

static void
closed_cb (PmMxPanel *panel, gpointer data)
{
  ((Fixture *) data)->closed++;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (PmResolver) resolver = pm_fake_resolver_new (zone);
  g_autoptr (PmSite) site = make_site ();

  fixture->window = gtk_window_new (GTK_WINDOW_TOPLEVEL);
  fixture->panel = PM_MX_PANEL (pm_mx_panel_new ());
  g_signal_connect (fixture->panel, "close", G_CALLBACK (closed_cb), fixture);
  pm_mx_panel_set_resolver (fixture->panel, resolver);
  pm_mx_panel_set_site (fixture->panel, site, "MAIL1");
  gtk_container_add (GTK_CONTAINER (fixture->window), GTK_WIDGET (fixture->panel));
  gtk_window_present (GTK_WINDOW (fixture->window));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gpointer panel = fixture->panel;

  g_object_add_weak_pointer (G_OBJECT (fixture->panel), &panel);
  gtk_widget_destroy (fixture->window);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_null (panel);
}

typedef gboolean (*WidgetTest) (GtkWidget *widget, gconstpointer data);

typedef struct
{
  WidgetTest test;
  gconstpointer data;
  GtkWidget *found;
} Search;

static void
search_cb (GtkWidget *widget, gpointer data)
{
  Search *search = data;

  if (search->found != NULL || !gtk_widget_get_visible (widget))
    return;
  if (search->test (widget, search->data))
    search->found = widget;
  else if (GTK_IS_CONTAINER (widget))
    gtk_container_forall (GTK_CONTAINER (widget), search_cb, search);
}

static GtkWidget *
find_widget (Fixture *fixture, WidgetTest test, gconstpointer data)
{
  Search search = { test, data, NULL };

  search_cb (GTK_WIDGET (fixture->panel), &search);
  return search.found;
}

static gboolean
is_label_with (GtkWidget *widget, gconstpointer data)
{
  return GTK_IS_LABEL (widget) && gtk_widget_is_visible (widget) &&
         strstr (gtk_label_get_text (GTK_LABEL (widget)), data) != NULL;
}

static gboolean
is_button_called (GtkWidget *widget, gconstpointer data)
{
  return GTK_IS_BUTTON (widget) &&
         g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), data) == 0;
}

static gboolean
is_type (GtkWidget *widget, gconstpointer data)
{
  return g_type_is_a (G_OBJECT_TYPE (widget), *(const GType *) data);
}

static GtkWidget *
find_type (Fixture *fixture, GType type)
{
  return find_widget (fixture, is_type, &type);
}

static void
wait_until_finished (Fixture *fixture)
{
  while (pm_mx_report_is_running (pm_mx_panel_get_report (fixture->panel)))
    g_main_context_iteration (NULL, TRUE);
}

static guint
count_records (Fixture *fixture)
{
  GtkWidget *view = find_type (fixture, GTK_TYPE_TREE_VIEW);
  GtkTreeModel *model = view != NULL ? gtk_tree_view_get_model (GTK_TREE_VIEW (view)) : NULL;

  // A table without records is hidden.
  return model != NULL ? (guint) gtk_tree_model_iter_n_children (model, NULL) : 0;
}

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  GtkWidget *check = find_widget (fixture, is_button_called, "Chec_k");
  GtkComboBox *combo = GTK_COMBO_BOX (find_type (fixture, GTK_TYPE_COMBO_BOX));

  g_assert_nonnull (find_widget (fixture, is_label_with, "Where does a domain"));
  g_assert_false (gtk_widget_get_sensitive (check));
  g_assert_null (pm_mx_panel_get_report (fixture->panel));
  // The site's domains, sorted, as a person reads them.
  g_assert_cmpint (gtk_tree_model_iter_n_children (gtk_combo_box_get_model (combo), NULL), ==, 3);
  gtk_combo_box_set_active (combo, 0);
  {
    g_autofree char *text = gtk_combo_box_text_get_active_text (GTK_COMBO_BOX_TEXT (combo));

    g_assert_cmpstr (text, ==, "bücher.example");
  }
  g_assert_true (gtk_widget_get_sensitive (check));
}

static void
test_good (Fixture *fixture, gconstpointer data)
{
  pm_mx_panel_check (fixture->panel, "example.com");
  wait_until_finished (fixture);
  g_assert_nonnull (find_widget (fixture, is_label_with,
                                 "Mail for example.com reaches this server."));
  g_assert_cmpuint (count_records (fixture), ==, 2);
  g_assert_nonnull (find_widget (fixture, is_label_with, "same host record, mail1.example.com"));
  g_assert_nonnull (find_type (fixture, PM_TYPE_MX_FINDING_ROW));
}

// By the keyboard: Enter in the field checks.
static void
test_typed (Fixture *fixture, gconstpointer data)
{
  GtkWidget *entry = find_type (fixture, GTK_TYPE_ENTRY);

  gtk_entry_set_text (GTK_ENTRY (entry), " anna@Example.COM. ");
  g_signal_emit_by_name (entry, "activate");
  g_assert_nonnull (pm_mx_panel_get_report (fixture->panel));
  wait_until_finished (fixture);
  g_assert_nonnull (find_widget (fixture, is_label_with, "example.com reaches this server"));
}

static void
test_copy (Fixture *fixture, gconstpointer data)
{
  GtkWidget *button;
  g_autofree char *copied = NULL;

  pm_mx_panel_check (fixture->panel, "example.net");
  wait_until_finished (fixture);
  g_assert_nonnull (find_widget (fixture, is_label_with, "not to this server"));
  button = find_widget (fixture, is_button_called, "Copy DNS Lines");
  g_assert_nonnull (button);
  gtk_button_clicked (GTK_BUTTON (button));
  copied = gtk_clipboard_wait_for_text (gtk_widget_get_clipboard (button,
                                                                  GDK_SELECTION_CLIPBOARD));
  g_assert_cmpstr (copied, ==,
                   "example.net. 3600 IN MX 10 mail1.example.com.\n"
                   "mail1.example.com. 3600 IN A 192.0.2.10\n");
  g_assert_nonnull (find_widget (fixture, is_button_called, "Copied"));
}

// No answer is shown as unknown, in words, and never as wrong.
static void
test_unknown (Fixture *fixture, gconstpointer data)
{
  pm_mx_panel_check (fixture->panel, "quiet.example");
  wait_until_finished (fixture);
  g_assert_nonnull (find_widget (fixture, is_label_with, "Unknown"));
  g_assert_nonnull (find_widget (fixture, is_label_with, "DNS did not answer"));
  g_assert_null (find_widget (fixture, is_label_with, "Error"));
  g_assert_cmpuint (count_records (fixture), ==, 0);
}

static gboolean
give_up_cb (gpointer data)
{
  g_error ("Nothing happened");
  return G_SOURCE_REMOVE;
}

static void
press_escape (Fixture *fixture)
{
  GdkEvent *event = gdk_event_new (GDK_KEY_PRESS);
  gboolean handled;

  event->key.keyval = GDK_KEY_Escape;
  event->key.window = g_object_ref (gtk_widget_get_window (GTK_WIDGET (fixture->panel)));
  g_signal_emit_by_name (fixture->panel, "key-press-event", event, &handled);
  g_assert_true (handled);
  gdk_event_free (event);
}

// Escape ends a check that runs, and then closes.
static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  guint deadline = g_timeout_add_seconds (10, give_up_cb, NULL);

  pm_mx_panel_check (fixture->panel, "half.example");
  while (count_records (fixture) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (pm_mx_report_is_running (pm_mx_panel_get_report (fixture->panel)));
  press_escape (fixture);
  wait_until_finished (fixture);
  g_assert_cmpuint (fixture->closed, ==, 0);
  g_assert_nonnull (find_widget (fixture, is_label_with, "was cancelled"));
  g_assert_cmpuint (count_records (fixture), ==, 1);
  press_escape (fixture);
  g_assert_cmpuint (fixture->closed, ==, 1);
  g_source_remove (deadline);
}

// A check that is given up for another does not come back; destroying under way is safe (tear_down).
static void
test_again (Fixture *fixture, gconstpointer data)
{
  pm_mx_panel_check (fixture->panel, "half.example");
  pm_mx_panel_check (fixture->panel, "example.com");
  wait_until_finished (fixture);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_nonnull (find_widget (fixture, is_label_with, "reaches this server"));
  pm_mx_panel_check (fixture->panel, "half.example");
}

static gboolean
is_nameless (GtkWidget *widget, gconstpointer data)
{
  AtkObject *object = gtk_widget_get_accessible (widget);
  const char *name;

  if (!gtk_widget_is_visible (widget) || !gtk_widget_get_can_focus (widget) ||
      GTK_IS_LABEL (widget) || GTK_IS_SCROLLED_WINDOW (widget))
    return FALSE;
  // Parts that GTK makes itself: the arrow of the drop-down.
  if (gtk_widget_get_ancestor (widget, GTK_TYPE_COMBO_BOX) != NULL && !GTK_IS_ENTRY (widget))
    return FALSE;
  name = atk_object_get_name (object);
  if (name != NULL && *name != '\0')
    return FALSE;
  g_test_message ("%s has no name", G_OBJECT_TYPE_NAME (widget));
  return TRUE;
}

static void
test_accessible (Fixture *fixture, gconstpointer data)
{
  pm_mx_panel_check (fixture->panel, "example.net");
  wait_until_finished (fixture);
  g_assert_null (find_widget (fixture, is_nameless, NULL));
}

static void
test_subject (void)
{
  g_autoptr (PmSite) site = make_site ();
  static const struct
  {
    const char *text;
    const char *domain;
    PmCheckRoute route;
  } cases[] = {
    { "example.com", "example.com", PM_CHECK_ROUTE_INBOUND },
    { " #example.com", "example.com", PM_CHECK_ROUTE_INBOUND },
    { "anna@example.com", "example.com", PM_CHECK_ROUTE_INBOUND },
    { "elsewhere.org", "elsewhere.org", PM_CHECK_ROUTE_NONE },
    { "no domain", NULL, PM_CHECK_ROUTE_UNKNOWN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PmCheckSubject) subject = pm_mx_subject_new (cases[i].text, site, "MAIL1", TRUE);

      g_assert_cmpstr (subject->domain, ==, cases[i].domain);
      g_assert_cmpint (subject->route, ==, cases[i].route);
      g_assert_true (subject->declared);
      g_assert_cmpuint (subject->own_addresses->len, ==, 1);
    }
  {
    g_autoptr (PmCheckSubject) subject = pm_mx_subject_new ("example.com", NULL, NULL, TRUE);

    g_assert_cmpint (subject->route, ==, PM_CHECK_ROUTE_UNKNOWN);
    g_assert_cmpuint (subject->own_addresses->len, ==, 0);
  }
}

int
main (int argc, char *argv[])
{
  gtk_test_init (&argc, &argv, NULL);
#define ADD(name, function) \
  g_test_add ("/ui/mx-panel/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("empty", test_empty);
  ADD ("good", test_good);
  ADD ("typed", test_typed);
  ADD ("copy", test_copy);
  ADD ("unknown", test_unknown);
  ADD ("cancel", test_cancel);
  ADD ("again", test_again);
  ADD ("accessible", test_accessible);
  g_test_add_func ("/ui/mx-panel/subject", test_subject);
  return g_test_run ();
}
