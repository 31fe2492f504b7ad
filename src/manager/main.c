// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// pointsman-managerd: options, log, run.

#include <gio/gio.h>
#include <locale.h>
#include <stdlib.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "config.h"
#include "manager/pm-daemon.h"

#define EXIT_USAGE 2
#define IDLE_SECONDS 120

static gboolean
check_options (const PmDaemonOptions *options, int n_rest, GError **error)
{
  static const char *const backends[] = { "auto", "systemd", "child", NULL };

  if (n_rest > 1)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "too many arguments");
  else if (options->backend != NULL && !g_strv_contains (backends, options->backend))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "--backend is auto, systemd or child, not “%s”", options->backend);
  else if (!options->session && g_strcmp0 (options->backend, "child") == 0)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                         "--backend child is for --session: as root systemd runs the service");
  else if (options->idle_timeout < 0)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                         "--idle-timeout is a number of seconds, or 0");
  else
    return TRUE;
  return FALSE;
}

int
main (int argc, char *argv[])
{
  PmDaemonOptions options = { .idle_timeout = IDLE_SECONDS };
  gboolean debug = FALSE;
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &options.session,
      "Serve the session bus, with files of this user and without polkit", NULL },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &options.config, "The site file", "FILE" },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.state_dir,
      "Where the history is kept, and in session mode the mail", "DIR" },
    { "relayd", 0, 0, G_OPTION_ARG_FILENAME, &options.relayd,
      "The mail service's program, for the child backend", "PATH" },
    { "backend", 0, 0, G_OPTION_ARG_STRING, &options.backend,
      "What runs the mail service: auto, systemd or child", "KIND" },
    { "server", 0, 0, G_OPTION_ARG_STRING, &options.server,
      "This machine's server in the site, where it has several", "NAME" },
    { "idle-timeout", 0, 0, G_OPTION_ARG_INT, &options.idle_timeout,
      "On the system bus, after how long without callers it leaves (120; 0: never)", "SECONDS" },
    { "debug", 0, 0, G_OPTION_ARG_NONE, &debug, "Log more", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version and leave", NULL },
    { 0 },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (PmDaemon) daemon = NULL;
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_set_summary (context,
                                "Owns Pointsman's site file and switches its mail service.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) ||
      !check_options (&options, argc, &error))
    {
      g_printerr ("pointsman-managerd: %s\n", error->message);
      return EXIT_USAGE;
    }
  if (version)
    {
      g_print ("pointsman-managerd %s\n", PM_VERSION);
      return EXIT_SUCCESS;
    }
  pm_log_init ("pointsman-managerd", debug);
  (void) pm_error_quark ();
  daemon = pm_daemon_new (&options);
  return pm_daemon_run (daemon);
}
