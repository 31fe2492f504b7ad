// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The mail service as a child process: how it comes up, and every way in which it does not.

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "base/pm-error.h"
#include "manager/pm-child-backend.h"

#define DEADLINE_SECONDS 30

typedef struct
{
  char *folder;
  char *mark;
  PmChildBackend *child;
  PmServiceBackend *backend;
} Fixture;

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
set_up (Fixture *f, gconstpointer mode)
{
  g_autofree char *script = g_test_build_filename (G_TEST_DIST, "manager", "stand-in-service.py",
                                                   NULL);
  const char *argv[] = { "/usr/bin/python3", script, mode, NULL };
  const char *missing[] = { "/nonexistent/pointsman-relayd", NULL };

  f->folder = g_dir_make_tmp ("pm-child-XXXXXX", NULL);
  f->mark = g_build_filename (f->folder, "service-stopped", NULL);
  f->child = pm_child_backend_new (g_str_equal (mode, "missing") ? missing : argv, f->folder);
  f->backend = PM_SERVICE_BACKEND (f->child);
}

static PmServiceStatus
get_status (Fixture *f)
{
  PmServiceStatus status;

  pm_service_backend_get_status (f->backend, &status);
  return status;
}

static void
tear_down (Fixture *f, gconstpointer mode)
{
  pm_child_backend_set_stop_timeout (f->child, 100);
  if (pm_child_backend_kill (f->child))
    wait_until (get_status (f).state == PM_SERVICE_STOPPED);
  g_object_unref (f->child);
  g_remove (f->mark);
  g_rmdir (f->folder);
  g_free (f->mark);
  g_free (f->folder);
}

static void
keep_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static gboolean
run (Fixture *f, PmServiceVerb verb, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  pm_service_backend_run_async (f->backend, verb, cancellable, keep_cb, &result);
  wait_until (result != NULL);
  return pm_service_backend_run_finish (f->backend, result, error);
}

static void
run_ok (Fixture *f, PmServiceVerb verb, PmServiceState state)
{
  g_autoptr (GError) error = NULL;

  run (f, verb, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (get_status (f).state, ==, state);
}

static char *
get_log (Fixture *f, guint count)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) lines = NULL;
  GString *text = g_string_new (NULL);

  pm_service_backend_read_journal_async (f->backend, count, NULL, keep_cb, &result);
  wait_until (result != NULL);
  lines = pm_service_backend_read_journal_finish (f->backend, result, NULL);
  for (guint i = 0; i < lines->len; i++)
    {
      const PmJournalLine *line = g_ptr_array_index (lines, i);

      g_string_append_printf (text, "%u %s\n", line->priority, line->text);
    }
  return g_string_free (text, FALSE);
}

/* The most memory that this process has had, in KiB. */
static guint64
get_peak (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "VmHWM:");
  g_assert_nonnull (line);
  return g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10);
}

static void
test_babbles (Fixture *f, gconstpointer mode)
{
  guint64 before = get_peak ();
  g_autofree char *log = NULL;

  run_ok (f, PM_SERVICE_START, PM_SERVICE_RUNNING);
  log = get_log (f, 10);
  g_assert_cmpuint (strlen (log), <, 5000);
  g_assert_nonnull (strstr (log, "6 xxxxxx"));
  g_assert_nonnull (strstr (log, "\n6 a"));
  g_assert_cmpuint (get_peak () - before, <, 32 * 1024);
}

static void
test_life (Fixture *f, gconstpointer mode)
{
  g_autofree char *log = NULL;
  g_autofree char *last = NULL;

  g_assert_cmpint (get_status (f).state, ==, PM_SERVICE_STOPPED);
  run_ok (f, PM_SERVICE_START, PM_SERVICE_RUNNING);
  run_ok (f, PM_SERVICE_START, PM_SERVICE_RUNNING);
  run_ok (f, PM_SERVICE_RELOAD, PM_SERVICE_RUNNING);
  run_ok (f, PM_SERVICE_RESTART, PM_SERVICE_RUNNING);
  run_ok (f, PM_SERVICE_STOP, PM_SERVICE_STOPPED);
  run_ok (f, PM_SERVICE_STOP, PM_SERVICE_STOPPED);
  log = get_log (f, 1000);
  g_assert_true (g_str_has_prefix (log, "4 up with fine\n"));
  g_assert_null (strstr (log, "ready"));
  last = get_log (f, 1);
  g_assert_cmpstr (last, ==, "5 leaving\n");
}

static void
test_reload_stopped (Fixture *f, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (run (f, PM_SERVICE_RELOAD, NULL, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_FAILED);
}

static void
test_wanted (Fixture *f, gconstpointer mode)
{
  pm_child_backend_start_if_wanted (f->child);
  wait_until (get_status (f).state == PM_SERVICE_RUNNING);
  run_ok (f, PM_SERVICE_STOP, PM_SERVICE_STOPPED);
  g_assert_true (g_file_test (f->mark, G_FILE_TEST_EXISTS));
  pm_child_backend_start_if_wanted (f->child);
  g_assert_cmpint (get_status (f).state, ==, PM_SERVICE_STOPPED);
  run_ok (f, PM_SERVICE_START, PM_SERVICE_RUNNING);
  g_assert_false (g_file_test (f->mark, G_FILE_TEST_EXISTS));
}

static void
test_refuses (Fixture *f, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *log = NULL;

  g_assert_false (run (f, PM_SERVICE_START, NULL, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_FAILED);
  g_assert_cmpint (get_status (f).state, ==, PM_SERVICE_FAILED);
  g_assert_cmpstr (get_status (f).detail, ==, "exited with status 78: its site file does not load");
  log = get_log (f, 10);
  g_assert_cmpstr (log, ==, "4 up with refuses\n6 site.xml:3:5: no\n");
}

static void
test_fails (Fixture *f, gconstpointer mode)
{
  static const char sentence[] = "The mail service exited with status 71: Could not listen on "
                                 "127.0.0.1 port 25: taken; stop it.";

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (run (f, PM_SERVICE_START, NULL, &error));
      g_assert_error (error, PM_ERROR, PM_ERROR_FAILED);
      g_assert_cmpstr (error->message, ==, sentence);
      g_assert_nonnull (strstr (get_status (f).detail, "port 25: taken; stop it"));
    }
}

static void
test_missing (Fixture *f, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (run (f, PM_SERVICE_START, NULL, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "/nonexistent/pointsman-relayd"));
  g_assert_cmpint (get_status (f).state, ==, PM_SERVICE_FAILED);
}

static gboolean
cancel_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
test_slow (Fixture *f, gconstpointer mode)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_timeout_add (50, cancel_cb, cancellable);
  g_assert_false (run (f, PM_SERVICE_START, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (get_status (f).state, ==, PM_SERVICE_STARTING);
  run_ok (f, PM_SERVICE_STOP, PM_SERVICE_STOPPED);
}

static void
test_stubborn (Fixture *f, gconstpointer mode)
{
  g_autofree char *last = NULL;

  run_ok (f, PM_SERVICE_START, PM_SERVICE_RUNNING);
  pm_child_backend_set_stop_timeout (f->child, 50);
  run_ok (f, PM_SERVICE_STOP, PM_SERVICE_STOPPED);
  last = get_log (f, 1);
  g_assert_nonnull (strstr (last, "was killed"));
}

static void
test_dies (Fixture *f, gconstpointer mode)
{
  g_autofree char *log = NULL;

  run_ok (f, PM_SERVICE_START, PM_SERVICE_RUNNING);
  wait_until (get_status (f).state == PM_SERVICE_FAILED);
  g_assert_cmpstr (get_status (f).detail, ==, "was ended by signal 9 (Killed)");
  wait_until (get_status (f).state == PM_SERVICE_RUNNING);
  log = get_log (f, 10);
  g_assert_true (g_str_has_prefix (log, "4 up with dies\n4 up with dies\n"));
}

static void
test_one_at_a_time (Fixture *f, gconstpointer mode)
{
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GError) error = NULL;

  pm_service_backend_run_async (f->backend, PM_SERVICE_START, NULL, keep_cb, &first);
  g_assert_false (run (f, PM_SERVICE_STOP, NULL, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_BUSY);
  wait_until (first != NULL);
  g_assert_true (pm_service_backend_run_finish (f->backend, first, NULL));
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *name;
    const char *mode;
    void (*test) (Fixture *, gconstpointer);
  } tests[] = {
    { "/child-backend/life", "fine", test_life },
    { "/child-backend/reload-stopped", "fine", test_reload_stopped },
    { "/child-backend/wanted", "fine", test_wanted },
    { "/child-backend/one-at-a-time", "fine", test_one_at_a_time },
    { "/child-backend/refuses", "refuses", test_refuses },
    { "/child-backend/missing", "missing", test_missing },
    { "/child-backend/slow", "slow", test_slow },
    { "/child-backend/fails", "fails", test_fails },
    { "/child-backend/stubborn", "stubborn", test_stubborn },
    { "/child-backend/dies", "dies", test_dies },
    { "/child-backend/babbles", "babbles", test_babbles },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, tests[i].mode, set_up, tests[i].test, tear_down);
  return g_test_run ();
}
