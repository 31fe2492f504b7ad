// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Manager1 on a private bus, with a service in memory: every method, every refusal, and every way in
// which Apply can end.

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/pm-error.h"
#include "manager/pm-manager.h"
#include "pm-fake-backend.h"
#include "pm-manager-generated.h"

#define DEADLINE_SECONDS 30

/* --- An authority that says no to one action --------------------------------------------------- */

#define TEST_TYPE_AUTHORITY (test_authority_get_type ())
G_DECLARE_FINAL_TYPE (TestAuthority, test_authority, TEST, AUTHORITY, PmAuthority)

struct _TestAuthority
{
  PmAuthority parent;
  const char *denied;
};

G_DEFINE_FINAL_TYPE (TestAuthority, test_authority, PM_TYPE_AUTHORITY)

static void
test_authority_check_async (PmAuthority *authority,
                            GDBusMethodInvocation *invocation,
                            const char *action,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  g_autoptr (GTask) task = g_task_new (authority, NULL, callback, data);

  if (g_strcmp0 (action, TEST_AUTHORITY (authority)->denied) == 0)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_DENIED, "Not this one.");
  else
    g_task_return_boolean (task, TRUE);
}

static void
test_authority_class_init (TestAuthorityClass *klass)
{
  PM_AUTHORITY_CLASS (klass)->check_async = test_authority_check_async;
}

static void
test_authority_init (TestAuthority *self)
{
}

/* --- The fixture ------------------------------------------------------------------------------- */

typedef struct
{
  char *folder;
  char *path;
  char *history;
  char *sample;
  GDBusConnection *server;
  GDBusConnection *client;
  PmFakeBackend *backend;
  TestAuthority *authority;
  PmSiteKeeper *keeper;
  PmManager *manager;
  guint name;
  GPtrArray *changes; /* revisions that SiteChanged told */
} Fixture;

static const char *bus_address;

static GDBusConnection *
connect_to_bus (void)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus;

  bus = g_dbus_connection_new_for_address_sync (bus_address,
                                                G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                    G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                                NULL, NULL, &error);
  g_assert_no_error (error);
  return bus;
}

static gboolean
too_late_cb (gpointer data)
{
  g_error ("waited too long");
  return G_SOURCE_REMOVE;
}

#define wait_until(condition)                                                 \
  G_STMT_START                                                                \
  {                                                                           \
    guint late = g_timeout_add_seconds (DEADLINE_SECONDS, too_late_cb, NULL); \
    while (!(condition))                                                      \
      g_main_context_iteration (NULL, TRUE);                                  \
    g_source_remove (late);                                                   \
  }                                                                           \
  G_STMT_END

static void
keep_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GVariant *
call (Fixture *f, const char *method, GVariant *parameters, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_dbus_connection_call (f->client, "org.pointsman.Manager1", "/org/pointsman/Manager1",
                          "org.pointsman.Manager1", method, parameters, NULL,
                          G_DBUS_CALL_FLAGS_NONE, DEADLINE_SECONDS * 1000, NULL, keep_cb, &result);
  wait_until (result != NULL);
  return g_dbus_connection_call_finish (f->client, result, error);
}

static GVariant *
call_ok (Fixture *f, const char *method, GVariant *parameters)
{
  g_autoptr (GError) error = NULL;
  GVariant *reply = call (f, method, parameters, &error);

  g_assert_no_error (error);
  return reply;
}

static char *
call_fails (Fixture *f, const char *method, GVariant *parameters, PmError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (f, method, parameters, &error);

  g_assert_null (reply);
  g_assert_error (error, PM_ERROR, (int) code);
  g_dbus_error_strip_remote_error (error);
  return g_strdup (error->message);
}

static GVariant *
get_property (Fixture *f, const char *name)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *value;

  g_dbus_connection_call (f->client, "org.pointsman.Manager1", "/org/pointsman/Manager1",
                          "org.freedesktop.DBus.Properties", "Get",
                          g_variant_new ("(ss)", "org.pointsman.Manager1", name), NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, keep_cb, &result);
  wait_until (result != NULL);
  reply = g_dbus_connection_call_finish (f->client, result, &error);
  g_assert_no_error (error);
  g_variant_get (reply, "(v)", &value);
  return value;
}

static void
assert_property (Fixture *f, const char *name, const char *expected)
{
  g_autoptr (GVariant) value = get_property (f, name);

  g_assert_cmpstr (g_variant_get_string (value, NULL), ==, expected);
}

static void
wait_property (Fixture *f, const char *name, const char *expected)
{
  gboolean equal = FALSE;

  while (!equal)
    {
      g_autoptr (GVariant) value = get_property (f, name);

      equal = g_str_equal (g_variant_get_string (value, NULL), expected);
    }
}

static void
site_changed_cb (GDBusConnection *bus,
                 const char *sender,
                 const char *path,
                 const char *interface,
                 const char *signal,
                 GVariant *parameters,
                 gpointer data)
{
  Fixture *f = data;
  char *revision;

  g_variant_get (parameters, "(s)", &revision);
  g_ptr_array_add (f->changes, revision);
}

static void
acquired_cb (GDBusConnection *bus, const char *name, gpointer data)
{
  *(gboolean *) data = TRUE;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmRelayLink) link = NULL;
  g_autofree char *sample = g_test_build_filename (G_TEST_DIST, "..", "data", "sample", "site.xml",
                                                   NULL);
  gboolean acquired = FALSE;

  f->folder = g_dir_make_tmp ("pm-manager-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->folder, "site.xml", NULL);
  f->history = g_build_filename (f->folder, "history", NULL);
  g_assert_cmpint (g_mkdir (f->history, 0700), ==, 0);
  g_file_get_contents (sample, &f->sample, NULL, &error);
  g_assert_no_error (error);

  f->changes = g_ptr_array_new_with_free_func (g_free);
  f->server = connect_to_bus ();
  f->client = connect_to_bus ();
  f->backend = pm_fake_backend_new (f->server, f->path);
  f->authority = g_object_new (TEST_TYPE_AUTHORITY, NULL);
  f->keeper = pm_site_keeper_new (f->path, f->history);
  link = pm_relay_link_new (f->server);
  f->manager = pm_manager_new (f->keeper, PM_SERVICE_BACKEND (f->backend), link,
                               PM_AUTHORITY (f->authority), "MAIL1", FALSE);
  g_assert_true (pm_manager_export (f->manager, f->server, &error));
  f->name = g_bus_own_name_on_connection (f->server, "org.pointsman.Manager1", 0, acquired_cb, NULL,
                                          &acquired, NULL);
  wait_until (acquired);
  g_dbus_connection_signal_subscribe (f->client, NULL, "org.pointsman.Manager1", "SiteChanged",
                                      NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, site_changed_cb, f,
                                      NULL);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_folder (child);
    }
  g_remove (path);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_bus_unown_name (f->name);
  g_clear_object (&f->manager);
  g_clear_object (&f->keeper);
  g_clear_object (&f->authority);
  g_clear_object (&f->backend);
  g_dbus_connection_close_sync (f->client, NULL, NULL);
  g_dbus_connection_close_sync (f->server, NULL, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&f->client);
  g_clear_object (&f->server);
  g_ptr_array_unref (f->changes);
  remove_folder (f->folder);
  g_free (f->folder);
  g_free (f->path);
  g_free (f->history);
  g_free (f->sample);
}

/* The sample with a mark that the fake service acts on, or that only makes it another revision. */
static char *
mark (Fixture *f, const char *word)
{
  return g_strdup_printf ("%s<!-- %s -->\n", f->sample, word);
}

static char *
write_sample (Fixture *f)
{
  g_autoptr (GVariant) reply = call_ok (f, "WriteSite", g_variant_new ("(sss)", f->sample, "", "first"));
  char *revision;

  g_variant_get (reply, "(s)", &revision);
  return revision;
}

static char *
read_file (Fixture *f)
{
  char *text = NULL;

  g_file_get_contents (f->path, &text, NULL, NULL);
  return text;
}

/* --- The site ---------------------------------------------------------------------------------- */

static void
test_properties (Fixture *f, gconstpointer data)
{
  g_autoptr (GVariant) session = get_property (f, "SessionMode");

  assert_property (f, "SitePath", f->path);
  assert_property (f, "ServerName", "MAIL1");
  assert_property (f, "Revision", "");
  assert_property (f, "LoadedRevision", "");
  assert_property (f, "ServiceBackend", "systemd");
  assert_property (f, "ServiceState", "stopped");
  g_assert_false (g_variant_get_boolean (session));
}

static void
test_write_and_read (Fixture *f, gconstpointer data)
{
  g_autofree char *revision = NULL;
  g_autofree char *message = call_fails (f, "ReadSite", NULL, PM_ERROR_NOT_FOUND);
  g_autoptr (GVariant) reply = NULL;
  const char *xml;
  const char *read_revision;

  g_assert_cmpstr (message, !=, "");
  revision = write_sample (f);
  g_assert_cmpuint (strlen (revision), ==, 64);
  reply = call_ok (f, "ReadSite", NULL);
  g_variant_get (reply, "(&s&s)", &xml, &read_revision);
  g_assert_cmpstr (xml, ==, f->sample);
  g_assert_cmpstr (read_revision, ==, revision);
  assert_property (f, "Revision", revision);
  g_assert_cmpuint (f->changes->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (f->changes, 0), ==, revision);
}

static void
test_history (Fixture *f, gconstpointer data)
{
  g_autofree char *first = write_sample (f);
  g_autofree char *other = mark (f, "other");
  g_autofree char *message = NULL;
  g_autoptr (GVariant) written = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) entries = NULL;
  g_autoptr (GVariant) text = NULL;
  const char *revision;
  const char *who;
  const char *comment;
  const char *xml;
  guint64 time;

  written = call_ok (f, "WriteSite", g_variant_new ("(sss)", other, first, "second"));
  reply = call_ok (f, "History", g_variant_new ("(u)", 0));
  entries = g_variant_get_child_value (reply, 0);
  g_assert_cmpuint (g_variant_n_children (entries), ==, 2);
  g_variant_get_child (entries, 1, "(&st&s&s)", &revision, &time, &who, &comment);
  g_assert_cmpstr (revision, ==, first);
  g_assert_cmpstr (who, ==, g_get_user_name ());
  g_assert_cmpstr (comment, ==, "first");
  g_assert_cmpuint (time, >, 0);

  text = call_ok (f, "ReadRevision", g_variant_new ("(s)", first));
  g_variant_get (text, "(&s)", &xml);
  g_assert_cmpstr (xml, ==, f->sample);
  message = call_fails (f, "ReadRevision", g_variant_new ("(s)", "../site.xml"),
                        PM_ERROR_NOT_FOUND);
}

static void
test_conflict (Fixture *f, gconstpointer data)
{
  g_autofree char *revision = write_sample (f);
  g_autofree char *other = mark (f, "other");
  g_autofree char *text = NULL;
  g_autofree char *from_none =
      call_fails (f, "WriteSite", g_variant_new ("(sss)", other, "", ""), PM_ERROR_CONFLICT);
  g_autofree char *zeros = g_strnfill (64, '0');
  g_autofree char *from_old =
      call_fails (f, "WriteSite", g_variant_new ("(sss)", other, zeros, ""), PM_ERROR_CONFLICT);
  g_autofree char *apply =
      call_fails (f, "Apply", g_variant_new ("(ssssu)", other, "", "", "restart", 5),
                  PM_ERROR_CONFLICT);

  text = read_file (f);
  g_assert_cmpstr (text, ==, f->sample);
  g_assert_cmpuint (pm_fake_backend_get_runs (f->backend), ==, 0);
}

static void
test_invalid (Fixture *f, gconstpointer data)
{
  const char *bad = "<site xmlns=\"urn:pointsman:site:1\" name=\"A\" organization=\"B\">\n"
                    "  <configuration>\n"
                    "    <nonsense/>\n"
                    "    <connections>\n"
                    "      <more-nonsense/>\n"
                    "    </connections>\n"
                    "  </configuration>\n"
                    "</site>\n";
  g_autofree char *message =
      call_fails (f, "WriteSite", g_variant_new ("(sss)", bad, "", ""), PM_ERROR_INVALID);
  g_autoptr (GVariant) reply = call_ok (f, "CheckSite", g_variant_new ("(s)", bad));
  g_autoptr (GVariant) problems = g_variant_get_child_value (reply, 0);
  const char *severity;
  guint line;

  g_assert_nonnull (strstr (message, ":3:"));
  g_assert_nonnull (strstr (message, ":5:"));
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (g_variant_n_children (problems), >=, 2);
  g_variant_get_child (problems, 0, "(&suuss)", &severity, &line, NULL, NULL, NULL);
  g_assert_cmpstr (severity, ==, "error");
  g_assert_cmpuint (line, ==, 3);
}

static void
test_check_good (Fixture *f, gconstpointer data)
{
  g_autoptr (GVariant) reply = call_ok (f, "CheckSite", g_variant_new ("(s)", f->sample));
  g_autoptr (GVariant) problems = g_variant_get_child_value (reply, 0);

  for (gsize i = 0; i < g_variant_n_children (problems); i++)
    {
      const char *severity;

      g_variant_get_child (problems, i, "(&suuss)", &severity, NULL, NULL, NULL, NULL);
      g_assert_cmpstr (severity, ==, "warning");
    }
}

static void
test_long_comment (Fixture *f, gconstpointer data)
{
  g_autofree char *comment = g_strnfill (5000, 'x');
  g_autofree char *message =
      call_fails (f, "WriteSite", g_variant_new ("(sss)", f->sample, "", comment),
                  PM_ERROR_TOO_LARGE);

  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

static void
test_outside_edit (Fixture *f, gconstpointer data)
{
  g_autofree char *revision = write_sample (f);
  g_autofree char *other = mark (f, "by hand");
  g_autoptr (GError) error = NULL;

  g_file_set_contents (f->path, other, -1, &error);
  g_assert_no_error (error);
  wait_until (f->changes->len == 2);
  g_assert_cmpstr (g_ptr_array_index (f->changes, 1), !=, revision);
  assert_property (f, "Revision", g_ptr_array_index (f->changes, 1));
  g_remove (f->path);
  wait_until (f->changes->len == 3);
  assert_property (f, "Revision", "");
}

/* A private bus closes the connection of whoever sends 32 MiB, as the system's does. */
static void
test_large (Fixture *f, gconstpointer data)
{
  g_autofree char *revision = write_sample (f);
  g_autofree char *fits = g_strnfill (32 * 1024 * 1024 - 64 * 1024 + 1, ' ');
  g_autofree char *fits_not = g_strnfill (33 * 1024 * 1024, ' ');
  g_autofree char *check =
      call_fails (f, "CheckSite", g_variant_new ("(s)", fits), PM_ERROR_TOO_LARGE);
  g_autofree char *write = call_fails (f, "WriteSite", g_variant_new ("(sss)", fits, revision, ""),
                                       PM_ERROR_TOO_LARGE);
  g_autofree char *apply =
      call_fails (f, "Apply", g_variant_new ("(ssssu)", fits, revision, "", "restart", 1),
                  PM_ERROR_TOO_LARGE);
  g_autofree char *read = NULL;
  g_autofree char *read_revision = NULL;
  const char *now;

  assert_property (f, "Revision", revision);
  g_assert_true (g_file_set_contents (f->path, fits_not, -1, NULL));
  read = call_fails (f, "ReadSite", NULL, PM_ERROR_TOO_LARGE);
  wait_until (f->changes->len == 2);
  now = g_ptr_array_index (f->changes, 1);
  read_revision = call_fails (f, "ReadRevision", g_variant_new ("(s)", now), PM_ERROR_TOO_LARGE);
  assert_property (f, "Revision", now);
}

/* A client that asks and asks cannot fill the manager; another one is served. */
static void
test_many_calls (Fixture *f, gconstpointer data)
{
  GAsyncResult *results[100] = { NULL };
  guint n_done = 0;
  guint n_busy = 0;

  g_variant_unref (call_ok (f, "Journal", g_variant_new ("(u)", 1)));
  for (gsize i = 0; i < G_N_ELEMENTS (results); i++)
    g_dbus_connection_call (f->client, "org.pointsman.Manager1", "/org/pointsman/Manager1",
                            "org.pointsman.Manager1", "CheckSite",
                            g_variant_new ("(s)", f->sample), NULL, G_DBUS_CALL_FLAGS_NONE,
                            DEADLINE_SECONDS * 1000, NULL, keep_cb, &results[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = NULL;

      wait_until (results[i] != NULL);
      reply = g_dbus_connection_call_finish (f->client, results[i], &error);
      if (reply != NULL)
        n_done++;
      else if (g_error_matches (error, PM_ERROR, PM_ERROR_BUSY))
        n_busy++;
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (n_done + n_busy, ==, G_N_ELEMENTS (results));
  g_assert_cmpuint (n_done, >=, 16);
  g_test_message ("%u done, %u busy", n_done, n_busy);
  g_variant_unref (call_ok (f, "CheckSite", g_variant_new ("(s)", f->sample)));
}

/* A load from before a save, heard of after it: what is told of the file does not go back. */
static void
test_late_load (Fixture *f, gconstpointer data)
{
  g_autofree char *base = write_sample (f);
  g_autofree char *text = mark (f, "next");
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GAsyncResult) written = NULL;
  g_autoptr (GBytes) xml = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *revision = NULL;
  g_autofree char *former = NULL;

  pm_site_keeper_load_async (f->keeper, keep_cb, &read);
  wait_until (read != NULL);
  pm_site_keeper_save_async (f->keeper, bytes, base, getuid (), "", TRUE, keep_cb, &written);
  wait_until (written != NULL);
  revision = pm_site_keeper_save_finish (f->keeper, written, &error);
  g_assert_no_error (error);
  xml = pm_site_keeper_load_finish (f->keeper, read, &former, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (former, ==, base);
  g_assert_cmpstr (pm_site_keeper_get_revision (f->keeper), ==, revision);
}

static void
begin_apply (Fixture *f,
             GDBusConnection *client,
             const char *text,
             const char *base,
             guint timeout,
             GAsyncResult **result)
{
  g_dbus_connection_call (client, "org.pointsman.Manager1", "/org/pointsman/Manager1",
                          "org.pointsman.Manager1", "Apply",
                          g_variant_new ("(ssssu)", text, base, "", "restart", timeout), NULL,
                          G_DBUS_CALL_FLAGS_NONE, DEADLINE_SECONDS * 1000, NULL, keep_cb, result);
}

/* Two clients at once: one does it all, the other is told and has changed nothing. */
static void
test_two_apply (Fixture *f, gconstpointer data)
{
  g_autofree char *base = write_sample (f);
  g_autofree char *one = mark (f, "one");
  g_autofree char *two = mark (f, "two");
  g_autoptr (GDBusConnection) other = connect_to_bus ();
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) first_error = NULL;
  g_autoptr (GError) second_error = NULL;
  g_autoptr (GVariant) first_reply = NULL;
  g_autoptr (GVariant) second_reply = NULL;
  g_autofree char *on_disk = NULL;

  begin_apply (f, f->client, one, base, 5, &first);
  begin_apply (f, other, two, base, 5, &second);
  wait_until (first != NULL && second != NULL);
  first_reply = g_dbus_connection_call_finish (f->client, first, &first_error);
  second_reply = g_dbus_connection_call_finish (other, second, &second_error);
  g_assert_true ((first_reply != NULL) != (second_reply != NULL));
  if (first_reply == NULL)
    g_assert_error (first_error, PM_ERROR, PM_ERROR_BUSY);
  else
    g_assert_error (second_error, PM_ERROR, PM_ERROR_BUSY);
  on_disk = read_file (f);
  g_assert_cmpstr (on_disk, ==, first_reply != NULL ? one : two);
  g_assert_cmpuint (pm_fake_backend_get_runs (f->backend), ==, 1);
  g_dbus_connection_close_sync (other, NULL, NULL);
}

/* Whoever ordered it may leave: it comes to its end all the same, here the way back. */
static void
test_client_leaves (Fixture *f, gconstpointer data)
{
  g_autofree char *base = write_sample (f);
  g_autofree char *text = mark (f, "hangs");
  g_autofree char *on_disk = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GDBusConnection) other = connect_to_bus ();

  g_variant_unref (call_ok (f, "StartService", NULL));
  begin_apply (f, other, text, base, 1, &result);
  wait_until (pm_fake_backend_get_runs (f->backend) == 2);
  on_disk = read_file (f);
  g_assert_cmpstr (on_disk, ==, text);
  g_dbus_connection_close_sync (other, NULL, NULL);
  wait_property (f, "ServiceState", "running");
  assert_property (f, "Revision", base);
  wait_property (f, "LoadedRevision", base);
  g_free (on_disk);
  on_disk = read_file (f);
  g_assert_cmpstr (on_disk, ==, f->sample);
}

/* Whatever is taken for a revision, an answer comes, in whole letters. */
static void
test_odd_revisions (Fixture *f, gconstpointer data)
{
  g_autofree char *digits = g_strnfill (63, 'a');
  g_autofree char *cut_at_64 = g_strconcat (digits, "\xc3\xa9", NULL);
  g_autofree char *large = g_strnfill (1024 * 1024, 'x');
  g_autofree char *revision = write_sample (f);
  const char *const odd[] = { "", "/", "../site.xml", "aaaaaaa\xc3\xa9", "\xe2\x80\x9c",
                              cut_at_64, large };

  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      g_autofree char *read =
          call_fails (f, "ReadRevision", g_variant_new ("(s)", odd[i]), PM_ERROR_NOT_FOUND);
      g_autofree char *write =
          call_fails (f, "WriteSite", g_variant_new ("(sss)", f->sample, odd[i], ""),
                      PM_ERROR_CONFLICT);
      g_autofree char *apply =
          call_fails (f, "Apply", g_variant_new ("(ssssu)", f->sample, odd[i], "", "restart", 1),
                      PM_ERROR_CONFLICT);
      g_autofree char *how =
          call_fails (f, "Apply", g_variant_new ("(ssssu)", f->sample, "", "", odd[i], 1),
                      PM_ERROR_INVALID);

      g_assert_cmpuint (strlen (read), <, 200);
      g_assert_cmpuint (strlen (write), <, 300);
      g_assert_cmpuint (strlen (apply), <, 300);
      g_assert_cmpuint (strlen (how), <, 200);
    }
  assert_property (f, "Revision", revision);
}

/* --- Who may, and one at a time ---------------------------------------------------------------- */

static void
test_denied (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *method;
    const char *action;
    const char *parameters;
  } cases[] = {
    { "ReadSite", "org.pointsman.manager.read", NULL },
    { "CheckSite", "org.pointsman.manager.read", "('',)" },
    { "WriteSite", "org.pointsman.manager.edit", "('', '', '')" },
    { "Apply", "org.pointsman.manager.edit", "('', '', '', 'restart', uint32 1)" },
    { "Apply", "org.pointsman.manager.service", "('', '', '', 'restart', uint32 1)" },
    { "History", "org.pointsman.manager.read", "(uint32 0,)" },
    { "ReadRevision", "org.pointsman.manager.read", "('',)" },
    { "StartService", "org.pointsman.manager.service", NULL },
    { "StopService", "org.pointsman.manager.service", NULL },
    { "RestartService", "org.pointsman.manager.service", NULL },
    { "ReloadService", "org.pointsman.manager.service", NULL },
    { "SetServiceEnabled", "org.pointsman.manager.service", "(true,)" },
    { "Journal", "org.pointsman.manager.read", "(uint32 5,)" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GVariant *parameters = NULL;
      g_autofree char *message = NULL;

      if (cases[i].parameters != NULL)
        parameters = g_variant_new_parsed (cases[i].parameters);
      f->authority->denied = cases[i].action;
      message = call_fails (f, cases[i].method, parameters, PM_ERROR_DENIED);
      g_assert_cmpstr (message, ==, "Not this one.");
    }
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (pm_fake_backend_get_runs (f->backend), ==, 0);
}

static void
test_busy (Fixture *f, gconstpointer data)
{
  g_autofree char *hangs = mark (f, "hangs");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *start = NULL;
  g_autofree char *write = NULL;

  g_dbus_connection_call (f->client, "org.pointsman.Manager1", "/org/pointsman/Manager1",
                          "org.pointsman.Manager1", "Apply",
                          g_variant_new ("(ssssu)", hangs, "", "", "restart", 2), NULL,
                          G_DBUS_CALL_FLAGS_NONE, DEADLINE_SECONDS * 1000, NULL, keep_cb, &result);
  wait_until (pm_fake_backend_get_runs (f->backend) == 1);
  start = call_fails (f, "StartService", NULL, PM_ERROR_BUSY);
  write = call_fails (f, "WriteSite", g_variant_new ("(sss)", f->sample, "", ""), PM_ERROR_BUSY);
  g_assert_null (result);
  reply = call_ok (f, "Journal", g_variant_new ("(u)", 1));
  wait_until (result != NULL);
  g_clear_pointer (&reply, g_variant_unref);
  reply = g_dbus_connection_call_finish (f->client, result, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_is_of_type (reply, G_VARIANT_TYPE ("(bssas)")));
}

/* --- The service ------------------------------------------------------------------------------- */

static void
test_start_and_stop (Fixture *f, gconstpointer data)
{
  g_autofree char *revision = write_sample (f);

  g_variant_unref (call_ok (f, "StartService", NULL));
  assert_property (f, "ServiceState", "running");
  assert_property (f, "LoadedRevision", revision);
  g_variant_unref (call_ok (f, "ReloadService", NULL));
  assert_property (f, "LoadedRevision", revision);
  g_variant_unref (call_ok (f, "RestartService", NULL));
  assert_property (f, "LoadedRevision", revision);
  g_variant_unref (call_ok (f, "StopService", NULL));
  assert_property (f, "ServiceState", "stopped");
  assert_property (f, "LoadedRevision", "");
}

static void
test_start_fails (Fixture *f, gconstpointer data)
{
  g_autofree char *fails = mark (f, "fails");
  g_autofree char *message = NULL;

  g_variant_unref (call_ok (f, "WriteSite", g_variant_new ("(sss)", fails, "", "")));
  message = call_fails (f, "StartService", NULL, PM_ERROR_FAILED);
  g_assert_cmpstr (message, ==,
                   "The mail service exited with status 1.\nIts last lines:\nfirst line\n"
                   "last \xef\xbf\xbd");
  assert_property (f, "ServiceState", "failed");
  assert_property (f, "ServiceDetail", "exited with status 1");
}

static void
test_enable (Fixture *f, gconstpointer data)
{
  g_autoptr (GVariant) before = get_property (f, "ServiceEnabled");
  g_autoptr (GVariant) after = NULL;

  g_assert_false (g_variant_get_boolean (before));
  g_variant_unref (call_ok (f, "SetServiceEnabled", g_variant_new ("(b)", TRUE)));
  after = get_property (f, "ServiceEnabled");
  g_assert_true (g_variant_get_boolean (after));
}

static void
test_journal (Fixture *f, gconstpointer data)
{
  g_autoptr (GVariant) reply = call_ok (f, "Journal", g_variant_new ("(u)", 5));
  g_autofree char *text = g_variant_print (reply, FALSE);

  g_assert_cmpstr (text, ==, "([(1000, 3, 'first line'), (1001, 3, 'last \xef\xbf\xbd')],)");
}

/* --- Apply ------------------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  const char *word; /* that the new site is marked with */
  gboolean ran;     /* before */
  const char *how;
  gboolean breaks; /* it comes up with no site any more */
  gboolean in_force;
  const char *state;  /* afterwards */
  const char *report; /* that the report contains */
} ApplyCase;

static const ApplyCase apply_cases[] = {
  { "restart", "fine", TRUE, "restart", FALSE, TRUE, "running", "its ports answer." },
  { "reload", "fine", TRUE, "reload", FALSE, TRUE, "running", "its ports answer." },
  { "start-by-restart", "fine", FALSE, "restart", FALSE, TRUE, "running", "was started." },
  { "start-by-reload", "fine", FALSE, "reload", FALSE, TRUE, "running", "was started." },
  { "fails", "fails", TRUE, "restart", FALSE, FALSE, "running",
    "exited with status 1. The former site was put back. The mail service runs with it again." },
  { "reload-refused", "fails", TRUE, "reload", FALSE, FALSE, "running",
    "The former site was put back. The mail service runs with it again." },
  { "hangs", "hangs", TRUE, "restart", FALSE, FALSE, "running",
    "was not ready again within 1 s. The former site was put back." },
  { "silent-port", "silent", TRUE, "restart", FALSE, FALSE, "running",
    "do not answer as they should: 127.0.0.1:2525 (no greeting)." },
  { "does-not-load", "deaf", TRUE, "restart", FALSE, FALSE, "running",
    "did not tell that it has loaded the site" },
  { "fails-from-stopped", "fails", FALSE, "restart", FALSE, FALSE, "stopped",
    "The mail service is stopped, as it was before." },
  { "former-fails-too", "fine", TRUE, "restart", TRUE, FALSE, "failed",
    "did not come back with it either: The mail service exited with status 1. It is failed now." },
};

static void
test_apply (Fixture *f, gconstpointer data)
{
  const ApplyCase *c = data;
  g_autofree char *former = write_sample (f);
  g_autofree char *text = mark (f, c->word);
  g_autofree char *on_disk = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autofree const char **log = NULL;
  const char *revision;
  const char *report;
  gboolean in_force;

  if (c->ran)
    g_variant_unref (call_ok (f, "StartService", NULL));
  if (c->breaks)
    pm_fake_backend_break (f->backend);
  reply = call_ok (f, "Apply", g_variant_new ("(ssssu)", text, former, "change", c->how, 1));
  g_variant_get (reply, "(b&s&s^a&s)", &in_force, &revision, &report, &log);
  g_test_message ("%s", report);
  g_assert_cmpint (in_force, ==, c->in_force);
  g_assert_nonnull (strstr (report, c->report));
  assert_property (f, "ServiceState", c->state);
  assert_property (f, "Revision", revision);
  on_disk = read_file (f);
  if (c->in_force)
    {
      g_assert_cmpstr (on_disk, ==, text);
      g_assert_cmpstr (revision, !=, former);
      assert_property (f, "LoadedRevision", revision);
      g_assert_null (log[0]);
    }
  else
    {
      g_assert_cmpstr (on_disk, ==, f->sample);
      g_assert_cmpstr (revision, ==, former);
      g_assert_cmpstr (log[0], ==, "first line");
    }
}

static void
test_apply_first (Fixture *f, gconstpointer data)
{
  g_autofree char *text = mark (f, "fails");
  g_autofree char *on_disk = NULL;
  g_autoptr (GVariant) reply = NULL;
  const char *report;
  gboolean in_force;

  reply = call_ok (f, "Apply", g_variant_new ("(ssssu)", text, "", "", "restart", 1));
  g_variant_get_child (reply, 0, "b", &in_force);
  g_variant_get_child (reply, 2, "&s", &report);
  g_assert_false (in_force);
  g_assert_nonnull (strstr (report, "There was no site before"));
  on_disk = read_file (f);
  g_assert_cmpstr (on_disk, ==, text);
}

static void
test_apply_wrong (Fixture *f, gconstpointer data)
{
  g_autofree char *how =
      call_fails (f, "Apply", g_variant_new ("(ssssu)", f->sample, "", "", "by magic", 1),
                  PM_ERROR_INVALID);
  g_autofree char *site =
      call_fails (f, "Apply", g_variant_new ("(ssssu)", "<site/>", "", "", "restart", 1),
                  PM_ERROR_INVALID);

  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (pm_fake_backend_get_runs (f->backend), ==, 0);
}

/* --- Taking up what a killed manager had begun ------------------------------------------------- */

typedef struct
{
  const char *name;
  const char *word;   /* that the new site is marked with */
  const char *record; /* after base and new revision; NULL: a damaged one */
  gboolean is_back;   /* the former site is on disk again */
  gboolean is_other;  /* a third one is */
  gboolean ran;       /* before the manager was killed */
  const char *ends_with;
  const char *state;
} ResumeCase;

static const ResumeCase resume_cases[] = {
  { "forward", "fine", "RanBefore=true\nGoingBack=false\n", FALSE, FALSE, TRUE, "new",
    "running" },
  { "forward-from-stopped", "fine", "RanBefore=false\nGoingBack=false\n", FALSE, FALSE,
    FALSE, "new", "running" },
  { "forward-fails", "fails", "RanBefore=true\nGoingBack=false\n", FALSE, FALSE, TRUE,
    "former", "running" },
  { "back", "fine", "RanBefore=true\nGoingBack=true\n", FALSE, FALSE, TRUE, "former",
    "running" },
  { "back-written", "fine", "RanBefore=true\nGoingBack=true\n", TRUE, FALSE, FALSE,
    "former", "running" },
  { "back-to-stopped", "fine", "RanBefore=false\nGoingBack=true\n", TRUE, FALSE, TRUE,
    "former", "stopped" },
  { "not-written", "fine", "RanBefore=true\nGoingBack=false\n", TRUE, FALSE, FALSE,
    "former", "stopped" },
  { "another", "fine", "RanBefore=true\nGoingBack=false\n", FALSE, TRUE, FALSE, "other",
    "stopped" },
  { "damaged", "fine", NULL, FALSE, FALSE, FALSE, "new", "stopped" },
};

static char *
write_next (Fixture *f, const char *text, const char *base)
{
  g_autoptr (GVariant) reply = call_ok (f, "WriteSite", g_variant_new ("(sss)", text, base, ""));
  char *revision;

  g_variant_get (reply, "(s)", &revision);
  return revision;
}

static void
test_resume (Fixture *f, gconstpointer data)
{
  const ResumeCase *c = data;
  g_autofree char *former = write_sample (f);
  g_autofree char *text = mark (f, c->word);
  g_autofree char *other = mark (f, "other");
  g_autofree char *record = g_build_filename (f->history, "apply", NULL);
  g_autofree char *revision = NULL;
  g_autofree char *last = NULL;
  g_autofree char *words = NULL;
  g_autofree char *on_disk = NULL;
  const char *expected = f->sample;
  guint runs;

  if (c->ran)
    g_variant_unref (call_ok (f, "StartService", NULL));
  runs = pm_fake_backend_get_runs (f->backend);
  revision = write_next (f, text, former);
  if (c->is_back || c->is_other)
    last = write_next (f, c->is_back ? f->sample : other, revision);
  words = c->record == NULL
              ? g_strdup_printf ("[Apply]\nBase=%s\n", former)
              : g_strdup_printf ("[Apply]\nBase=%s\nRevision=%s\nWho=0\nRestart=true\n%s", former,
                                 revision, c->record);
  g_assert_true (g_file_set_contents (record, words, -1, NULL));

  g_assert_true (pm_manager_resume (f->manager));
  g_assert_true (pm_manager_is_busy (f->manager));
  wait_until (!pm_manager_is_busy (f->manager));
  if (g_str_equal (c->ends_with, "new"))
    expected = text;
  else if (g_str_equal (c->ends_with, "other"))
    expected = other;
  on_disk = read_file (f);
  g_assert_cmpstr (on_disk, ==, expected);
  assert_property (f, "ServiceState", c->state);
  g_assert_false (g_file_test (record, G_FILE_TEST_EXISTS));
  if (g_str_equal (c->state, "running"))
    wait_property (f, "LoadedRevision", expected == text ? revision : former);
  else if (!c->ran)
    g_assert_cmpuint (pm_fake_backend_get_runs (f->backend), ==, runs);
  g_assert_false (pm_manager_resume (f->manager));
}

/* Every Apply leaves no record, whatever came of it. */
static void
test_record (Fixture *f, gconstpointer data)
{
  g_autofree char *record = g_build_filename (f->history, "apply", NULL);
  g_autofree char *former = write_sample (f);
  g_autofree char *hangs = mark (f, "hangs");
  g_autofree char *conflict = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  g_variant_unref (call_ok (f, "StartService", NULL));
  begin_apply (f, f->client, hangs, former, 1, &result);
  wait_until (pm_fake_backend_get_runs (f->backend) == 2);
  g_assert_true (g_file_test (record, G_FILE_TEST_EXISTS));
  wait_until (result != NULL);
  g_assert_false (g_file_test (record, G_FILE_TEST_EXISTS));
  conflict = call_fails (f, "Apply", g_variant_new ("(ssssu)", hangs, "", "", "restart", 1),
                         PM_ERROR_CONFLICT);
  g_assert_false (g_file_test (record, G_FILE_TEST_EXISTS));
}

/* --- Idle -------------------------------------------------------------------------------------- */

static void
test_idle (Fixture *f, gconstpointer data)
{
  g_assert_true (pm_manager_is_idle (f->manager));
  g_variant_unref (call_ok (f, "Journal", g_variant_new ("(u)", 1)));
  g_assert_false (pm_manager_is_idle (f->manager));
  g_dbus_connection_close_sync (f->client, NULL, NULL);
  wait_until (pm_manager_is_idle (f->manager));
}

static void
add (const char *name, void (*test) (Fixture *, gconstpointer), gconstpointer data)
{
  g_autofree char *path = g_strconcat ("/manager/", name, NULL);

  g_test_add (path, Fixture, data, set_up, test, tear_down);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GTestDBus) bus = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  /* That a site was put back is logged as a warning, and here it is what should happen. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (bus);
  bus_address = g_test_dbus_get_bus_address (bus);
  (void) pm_error_quark ();

  add ("properties", test_properties, NULL);
  add ("write-and-read", test_write_and_read, NULL);
  add ("history", test_history, NULL);
  add ("conflict", test_conflict, NULL);
  add ("invalid", test_invalid, NULL);
  add ("check-good", test_check_good, NULL);
  add ("long-comment", test_long_comment, NULL);
  add ("outside-edit", test_outside_edit, NULL);
  add ("large", test_large, NULL);
  add ("many-calls", test_many_calls, NULL);
  add ("late-load", test_late_load, NULL);
  add ("two-apply", test_two_apply, NULL);
  add ("client-leaves", test_client_leaves, NULL);
  add ("odd-revisions", test_odd_revisions, NULL);
  add ("denied", test_denied, NULL);
  add ("busy", test_busy, NULL);
  add ("start-and-stop", test_start_and_stop, NULL);
  add ("start-fails", test_start_fails, NULL);
  add ("enable", test_enable, NULL);
  add ("journal", test_journal, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (apply_cases); i++)
    {
      g_autofree char *name = g_strconcat ("apply/", apply_cases[i].name, NULL);

      add (name, test_apply, &apply_cases[i]);
    }
  add ("apply/first", test_apply_first, NULL);
  add ("apply/wrong", test_apply_wrong, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (resume_cases); i++)
    {
      g_autofree char *name = g_strconcat ("resume/", resume_cases[i].name, NULL);

      add (name, test_resume, &resume_cases[i]);
    }
  add ("apply/record", test_record, NULL);
  add ("idle", test_idle, NULL);

  status = g_test_run ();
  g_test_dbus_down (bus);
  return status;
}
