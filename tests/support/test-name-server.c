// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Starts the nsd that is installed here, waits for it to say that it runs, and leaves nothing
// behind.

#include "test-name-server.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct _TestNameServer
{
  char *directory;
  char *address; /* `127.0.0.1@PORT` */
  GSubprocess *process;
};

typedef struct
{
  PmDnsAnswer *answer;
  GError *error;
  gboolean done;
} Outcome;

static char *
find_nsd (void)
{
  char *path = g_find_program_in_path ("nsd");

  if (path == NULL && g_access ("/usr/sbin/nsd", X_OK) == 0)
    path = g_strdup ("/usr/sbin/nsd");
  return path;
}

gboolean
test_name_server_is_available (void)
{
  g_autofree char *path = find_nsd ();

  return path != NULL;
}

static guint16
find_free_port (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, &error);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;

  g_assert_no_error (error);
  g_assert_true (g_socket_bind (socket, any, FALSE, &error));
  bound = g_socket_get_local_address (socket, &error);
  g_assert_no_error (error);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

static void
write_file (const char *directory, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static void
write_files (const char *directory, guint16 port, const char *origin, const char *zone)
{
  g_autofree char *conf = g_strdup_printf (
      "server:\n"
      "  ip-address: 127.0.0.1@%u\n"
      "  username: \"\"\n"
      "  zonesdir: \"%s\"\n"
      "  database: \"\"\n"
      "  pidfile: \"%s/nsd.pid\"\n"
      "  zonelistfile: \"%s/zone.list\"\n"
      "  xfrdfile: \"%s/xfrd.state\"\n"
      "  xfrdir: \"%s\"\n"
      "  rrl-ratelimit: 0\n"
      "  server-count: 1\n"
      "remote-control:\n"
      "  control-enable: no\n"
      "zone:\n"
      "  name: \"%s\"\n"
      "  zonefile: \"zone\"\n",
      port, directory, directory, directory, directory, directory, origin);
  g_autofree char *text = strstr (zone, "\tSOA\t") != NULL ? g_strdup (zone) : g_strdup_printf ("$ORIGIN %s\n$TTL 3600\n@ SOA ns.%s hostmaster.%s 1 3600 600 86400 300\n@ NS ns.%s\n%s", origin, origin, origin, origin, zone);

  write_file (directory, "nsd.conf", conf);
  write_file (directory, "zone", text);
}

static gboolean
wait_until_started (GSubprocess *process)
{
  g_autoptr (GDataInputStream) lines =
      g_data_input_stream_new (g_subprocess_get_stderr_pipe (process));
  g_autoptr (GString) log = g_string_new (NULL);
  char *line;

  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (lines), FALSE);
  while ((line = g_data_input_stream_read_line (lines, NULL, NULL, NULL)) != NULL)
    {
      gboolean started = strstr (line, "nsd started") != NULL;

      g_string_append_printf (log, "%s\n", line);
      g_free (line);
      if (started)
        return TRUE;
    }
  g_test_message ("nsd did not start: %s", log->str);
  return FALSE;
}

/*
 * @origin with its final dot; @zone without SOA and NS, relative to @origin, or all of it with them,
 * as it is written by ldns.
 */
TestNameServer *
test_name_server_start (const char *origin, const char *zone)
{
  TestNameServer *server = g_new0 (TestNameServer, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *nsd = find_nsd ();
  g_autofree char *conf = NULL;

  server->directory = g_dir_make_tmp ("pointsman-nsd-XXXXXX", &error);
  g_assert_no_error (error);
  conf = g_build_filename (server->directory, "nsd.conf", NULL);

  // The port is free when it is looked for; somebody else may be quicker.
  for (guint i = 0; i < 5; i++)
    {
      guint16 port = find_free_port ();

      write_files (server->directory, port, origin, zone);
      server->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_PIPE, &error, nsd, "-d", "-c",
                                          conf, NULL);
      g_assert_no_error (error);
      if (wait_until_started (server->process))
        {
          server->address = g_strdup_printf ("127.0.0.1@%u", port);
          return server;
        }
      g_subprocess_wait (server->process, NULL, NULL);
      g_clear_object (&server->process);
    }
  g_error ("nsd does not start");
}

static void
remove_directory (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        remove_directory (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

void
test_name_server_stop (TestNameServer *server)
{
  g_subprocess_send_signal (server->process, SIGTERM);
  g_subprocess_wait (server->process, NULL, NULL);
  g_object_unref (server->process);
  remove_directory (server->directory);
  g_free (server->directory);
  g_free (server->address);
  g_free (server);
}

const char *
test_name_server_get_address (TestNameServer *server)
{
  return server->address;
}

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  outcome->answer = pm_resolver_lookup_finish (PM_RESOLVER (source), result, &outcome->error);
  outcome->done = TRUE;
}

static gboolean
too_late_cb (gpointer data)
{
  g_error ("A look-up did not end");
  return G_SOURCE_REMOVE;
}

PmDnsAnswer *
test_lookup (PmResolver *resolver, const char *name, PmDnsType type)
{
  Outcome outcome = { 0 };
  GMainContext *context = g_main_context_get_thread_default ();
  g_autoptr (GSource) deadline = g_timeout_source_new_seconds (20);

  g_source_set_callback (deadline, too_late_cb, NULL, NULL);
  g_source_attach (deadline, context);
  pm_resolver_lookup_async (resolver, name, type, NULL, looked_up_cb, &outcome);
  while (!outcome.done)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (deadline);
  g_assert_no_error (outcome.error);
  return outcome.answer;
}
