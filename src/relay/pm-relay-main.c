// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// pointsman-relayd: options, signals, readiness, and nothing else.

#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "config.h"

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "dns/pm-dnssec-resolver.h"
#include "dns/pm-unbound-resolver.h"
#include "relay/pm-relay-bus.h"
#include "relay/pm-relay-health.h"
#include "relay/pm-relay.h"

#define DNS_TIMEOUT 10000 /* milliseconds */

typedef struct
{
  char *config;
  char *state_dir;
  char *server;
  char *dns_server;
  char *trust_anchor;
  char *root_keys;
  char *ca_file;
  char *mta_sts_address;
  int mta_sts_port;
  int mx_port;
  gboolean no_bus;
  gboolean session;
  gboolean debug;
  gboolean version;
} Options;

typedef struct
{
  PmRelay *relay;
  PmRelayBus *bus; /* (nullable) */
  GMainLoop *loop;
  gboolean clean;
  char *status;      /* (owned) (nullable): as last told */
  gboolean checking; /* asked for signs of life */
} Program;

static void
clear_options (Options *options)
{
  g_free (options->config);
  g_free (options->state_dir);
  g_free (options->server);
  g_free (options->dns_server);
  g_free (options->trust_anchor);
  g_free (options->root_keys);
  g_free (options->ca_file);
  g_free (options->mta_sts_address);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, clear_options)

static gboolean
parse_options (int *argc, char ***argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &options->config, "The site file", "FILE" },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir,
      "Where the queue and relative Maildirs are", "DIR" },
    { "server", 0, 0, G_OPTION_ARG_STRING, &options->server,
      "Which server of the site this is, where it has several", "NAME" },
    { "no-bus", 0, 0, G_OPTION_ARG_NONE, &options->no_bus, "Do without D-Bus", NULL },
    { "session", 0, 0, G_OPTION_ARG_NONE, &options->session,
      "Session mode: session bus, files below the XDG directories", NULL },
    { "dns-server", 0, 0, G_OPTION_ARG_STRING, &options->dns_server,
      "Ask this DNS server instead of the system's", "ADDRESS[@PORT]" },
    { "trust-anchor", 0, 0, G_OPTION_ARG_FILENAME, &options->trust_anchor,
      "Validate DNS (DNSSEC) from the keys in this file, come what may", "FILE" },
    { "root-keys", 0, 0, G_OPTION_ARG_FILENAME, &options->root_keys,
      "Keys of the DNS root, to validate from where the name servers let us "
      "(default " PM_DNS_ROOT_KEYS ")",
      "FILE" },
    { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &options->ca_file,
      "Believe the authorities in this file instead of the system's", "FILE" },
    { "mta-sts-address", 0, 0, G_OPTION_ARG_STRING, &options->mta_sts_address,
      "Fetch all MTA-STS policies from here, for tests", "ADDRESS" },
    { "mta-sts-port", 0, 0, G_OPTION_ARG_INT, &options->mta_sts_port,
      "Port to fetch MTA-STS policies from, for tests (default 443)", "PORT" },
    { "mx-port", 0, 0, G_OPTION_ARG_INT, &options->mx_port,
      "Port to reach MX hosts on, for tests (default 25)", "PORT" },
    { "debug", 0, 0, G_OPTION_ARG_NONE, &options->debug, "Log more", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Show the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "The mail service of Pointsman.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "“%s” is not expected; see --help", (*argv)[1]);
      return FALSE;
    }
  if (options->mta_sts_port < 0 || options->mta_sts_port > G_MAXUINT16)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%d is not a port",
                   options->mta_sts_port);
      return FALSE;
    }
  if (options->mx_port < 0 || options->mx_port > G_MAXUINT16)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%d is not a port",
                   options->mx_port);
      return FALSE;
    }
  return TRUE;
}

static void
set_defaults (Options *options)
{
  if (options->config == NULL)
    options->config =
        options->session
            ? g_build_filename (g_get_user_config_dir (), "pointsman", "site.xml", NULL)
            : g_strdup (PM_SYSCONFDIR "/pointsman/site.xml");
  if (options->state_dir == NULL)
    options->state_dir = options->session
                             ? g_build_filename (g_get_user_state_dir (), "pointsman", NULL)
                             : g_strdup (PM_LOCALSTATEDIR "/lib/pointsman");
  if (options->mx_port == 0)
    options->mx_port = 25;
  if (options->root_keys == NULL)
    options->root_keys = g_strdup (PM_DNS_ROOT_KEYS);
}

/* Told only when it changes; `queue-changed`, which leads here, comes once a second at most. */
static void
notify_status (Program *program)
{
  PmQueueDurability durability;
  g_auto (GStrv) listening = pm_relay_list_listening (program->relay);
  g_autofree char *text = g_strjoinv (", ", listening);
  g_autofree char *status = NULL;

  pm_queue_get_durability (pm_relay_get_queue (program->relay), &durability);
  status = g_strdup_printf ("Listening on %s; %" G_GUINT64_FORMAT " queued; last commit %.1f ms; "
                            "%" G_GUINT64_FORMAT " delivered",
                            *text == '\0' ? "nothing" : text,
                            pm_relay_get_counter (program->relay, PM_COUNTER_QUEUED),
                            (double) durability.commit_time / 1000,
                            pm_relay_get_counter (program->relay, PM_COUNTER_DELIVERED));
  pm_queue_durability_clear (&durability);
  if (g_strcmp0 (status, program->status) == 0)
    return;
  sd_notifyf (0, "STATUS=%s", status);
  g_free (program->status);
  program->status = g_steal_pointer (&status);
}

static gboolean
reload_cb (gpointer data)
{
  Program *program = data;
  g_autoptr (GError) error = NULL;

  // systemd wants to know when, to tell this reload from one before (sd_notify(3)).
  sd_notifyf (0, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\nSTATUS=Reloading the site file",
              g_get_monotonic_time ());
  g_clear_pointer (&program->status, g_free);
  if (pm_relay_reload (program->relay, &error))
    pm_relay_bus_update (program->bus);
  else
    {
      g_auto (GStrv) problems = g_strsplit (error->message, "\n", -1);

      pm_log_event (G_LOG_LEVEL_WARNING, "reload-refused", "meaning",
                    "the former site file stays in force", NULL);
      for (guint i = 0; problems[i] != NULL; i++)
        pm_log_event (G_LOG_LEVEL_WARNING, "problem", "text", problems[i], NULL);
    }
  sd_notify (0, "READY=1");
  notify_status (program);
  return G_SOURCE_CONTINUE;
}

static gboolean
stop_cb (gpointer data)
{
  Program *program = data;

  sd_notify (0, "STOPPING=1\nSTATUS=Finishing what is at hand");
  pm_relay_stop (program->relay);
  return G_SOURCE_CONTINUE;
}

static void
stopped_cb (PmRelay *relay, gboolean clean, gpointer data)
{
  Program *program = data;

  program->clean = clean;
  g_main_loop_quit (program->loop);
}

static void
queue_changed_cb (PmRelay *relay, gpointer data)
{
  Program *program = data;

  if (pm_relay_is_running (relay))
    notify_status (program);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Program *program = data;

  program->checking = FALSE;
  if (pm_relay_health_check_finish (result, NULL))
    sd_notify (0, "WATCHDOG=1");
}

/* No ping before all have answered: of a thread that is stuck, systemd hears by silence. */
static gboolean
watchdog_cb (gpointer data)
{
  Program *program = data;

  if (!program->checking && pm_relay_is_running (program->relay))
    {
      program->checking = TRUE;
      pm_relay_health_check_async (program->relay, checked_cb, program);
    }
  return G_SOURCE_CONTINUE;
}

static void
start_watchdog (Program *program)
{
  guint64 interval;

  if (sd_watchdog_enabled (0, &interval) > 0)
    g_timeout_add ((guint) MIN (interval / 3000, 60 * 1000), watchdog_cb, program);
}

static void
tell_ready (Program *program)
{
  PmRelay *relay = program->relay;
  g_auto (GStrv) listening = pm_relay_list_listening (relay);
  g_autofree char *text = g_strjoinv (" ", listening);
  g_autoptr (PmRelaySettings) settings = pm_relay_dup_settings (relay);

  pm_log_event (G_LOG_LEVEL_MESSAGE, "started", "server", settings->service->server, "listening",
                text, "revision", settings->revision, NULL);
  // A contract: whoever started us waits for this line.
  fputs ("ready\n", stderr);
  fflush (stderr);
  sd_notify (0, "READY=1");
  notify_status (program);
}

/* Runs until it is told to stop. */
static int
run (Program *program, const Options *options)
{
  g_autoptr (GError) error = NULL;

  program->loop = g_main_loop_new (NULL, FALSE);
  g_signal_connect (program->relay, "stopped", G_CALLBACK (stopped_cb), program);
  g_signal_connect (program->relay, "queue-changed", G_CALLBACK (queue_changed_cb), program);
  g_unix_signal_add (SIGHUP, reload_cb, program);
  g_unix_signal_add (SIGTERM, stop_cb, program);
  g_unix_signal_add (SIGINT, stop_cb, program);

  if (!pm_relay_start (program->relay, &error))
    {
      pm_log_stop ();
      pm_log_failure (error->message);
      return EX_OSERR;
    }
  if (!options->no_bus)
    program->bus = pm_relay_bus_new (program->relay, options->session);
  start_watchdog (program);
  tell_ready (program);
  g_main_loop_run (program->loop);

  pm_log_event (G_LOG_LEVEL_MESSAGE, "stopped", NULL);
  return 0;
}

/* As many descriptors as we may have: connections are limited by the site, and not by a default. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max)
    {
      limit.rlim_cur = limit.rlim_max;
      setrlimit (RLIMIT_NOFILE, &limit);
    }
}

/*
 * An anchor that somebody names is his word that the name servers can do it; the root's keys are
 * used where they turn out to. (transfer full) (nullable)
 */
static PmResolver *
make_resolver (const Options *options, GError **error)
{
  PmDnssecResolver *resolver;

  if (options->trust_anchor != NULL)
    return pm_unbound_resolver_new_validating (options->dns_server, DNS_TIMEOUT,
                                               options->trust_anchor, error);
  resolver =
      pm_dnssec_resolver_new (options->dns_server, DNS_TIMEOUT, options->root_keys, error);
  return resolver != NULL ? PM_RESOLVER (resolver) : NULL;
}

/*
 * A site file that does not load, or has nothing for this server, is 78; the rest is trouble here.
 */
static int
get_exit_status (const GError *error, const Options *options)
{
  if (g_error_matches (error, PM_ERROR, PM_ERROR_INVALID) ||
      g_error_matches (error, PM_ERROR, PM_ERROR_TOO_LARGE) ||
      access (options->config, R_OK) != 0)
    return EX_CONFIG;
  return EX_OSERR;
}

int
main (int argc, char *argv[])
{
  g_auto (Options) options = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (PmResolver) resolver = NULL;
  g_autoptr (PmClock) clock = pm_clock_new_system ();
  Program program = { 0 };
  PmRelayOptions relay_options;
  int status;

  setlocale (LC_ALL, "");
  if (!parse_options (&argc, &argv, &options, &error))
    {
      fprintf (stderr, "pointsman-relayd: %s\n", error->message);
      return 2;
    }
  if (options.version)
    {
      puts ("pointsman-relayd " PM_VERSION);
      return 0;
    }
  set_defaults (&options);
  pm_log_init ("pointsman-relayd", options.debug);
  pm_log_start ();
  signal (SIGPIPE, SIG_IGN);
  raise_descriptor_limit ();

  resolver = make_resolver (&options, &error);
  if (resolver == NULL)
    {
      pm_log_stop ();
      pm_log_failure (error->message);
      return EX_OSERR;
    }
  relay_options = (PmRelayOptions){
    .config = options.config,
    .server = options.server,
    .state_dir = options.state_dir,
    .mx_port = (guint16) options.mx_port,
    .resolver = resolver,
    .clock = clock,
    .tls = { options.ca_file, options.mta_sts_address, (guint16) options.mta_sts_port },
  };
  program.relay = pm_relay_new (&relay_options, &error);
  if (program.relay == NULL)
    {
      pm_log_stop ();
      pm_log_failure (error->message);
      return get_exit_status (error, &options);
    }

  status = run (&program, &options);
  pm_log_stop ();
  // What did not let go in time goes with the process: nothing of it is needed, the queue is safe.
  if (status == 0 && !program.clean)
    _exit (0);
  pm_relay_bus_free (program.bus);
  g_object_unref (program.relay);
  g_clear_pointer (&program.loop, g_main_loop_unref);
  g_free (program.status);
  return status;
}
