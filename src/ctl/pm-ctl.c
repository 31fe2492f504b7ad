// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What all commands share: options, the way to say things and to fail, JSON, and the bus.

#include "ctl/pm-ctl.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/pm-error.h"
#include "bus/pm-bus-error.h"

#define MANAGER_NAME "org.pointsman.Manager1"
#define MANAGER_PATH "/org/pointsman/Manager1"
#define RELAY_NAME "org.pointsman.Relay1"
#define RELAY_PATH "/org/pointsman/Relay1"

/* Seconds. A service that is well tells its properties at once, and answers a question soon after
   the password that it may take; a start or a change of many messages takes as long as it takes. */
#define PROPERTIES_LIMIT 15
#define QUESTION_LIMIT 120
#define CHANGE_LIMIT (15 * 60)

static void
print_lines (const char *prefix, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '\0')
      g_printerr ("%s%s\n", prefix, lines[i]);
}

/**
 * pm_ctl_usage:
 * @format: what is wrong with the command, as a sentence
 *
 * Returns: %PM_EXIT_USAGE
 */
PmExit
pm_ctl_usage (PmCtl *ctl, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  print_lines ("pointsmanctl: ", text);
  if (ctl->command != NULL)
    g_printerr ("Usage: pointsmanctl [OPTION…] %s%s%s%s%s\n", ctl->command->group,
                ctl->command->verb != NULL ? " " : "",
                ctl->command->verb != NULL ? ctl->command->verb : "",
                *ctl->command->arguments != '\0' ? " " : "", ctl->command->arguments);
  else
    g_printerr ("Try “pointsmanctl --help”.\n");
  return PM_EXIT_USAGE;
}

/**
 * pm_ctl_fail:
 * @error: what went wrong
 *
 * Says so on standard error.
 *
 * Returns: what the program is to end with
 */
PmExit
pm_ctl_fail (const GError *error)
{
  print_lines ("pointsmanctl: ", error->message);
  return g_error_matches (error, PM_ERROR, PM_ERROR_UNREACHABLE) ? PM_EXIT_UNREACHABLE
                                                                 : PM_EXIT_FAILED;
}

/**
 * pm_ctl_say:
 *
 * A line on standard output.
 */
void
pm_ctl_say (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_print ("%s\n", text);
}

/**
 * pm_ctl_warn:
 *
 * A line on standard error that does not make the command fail.
 */
void
pm_ctl_warn (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  print_lines ("", text);
}

/**
 * pm_ctl_parse:
 * @entries: (array zero-terminated=1) (nullable): the command's own options
 * @argc: (inout): the arguments, without options afterwards
 * @argv: (inout): as @argc
 *
 * Reads a command's options, together with those of all commands, and counts its arguments.
 *
 * Returns: %FALSE when the command is to end with %PM_EXIT_USAGE; the reason is said
 */
gboolean
pm_ctl_parse (PmCtl *ctl, const GOptionEntry *entries, int *argc, char ***argv)
{
  const GOptionEntry shared[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &ctl->session, "Speak to the session's services", NULL },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &ctl->config, "Work on a site file alone", "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &ctl->json, "Print JSON", NULL },
    { "server", 0, 0, G_OPTION_ARG_STRING, &ctl->server, "The server whose service is meant",
      "NAME" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (ctl->command->arguments);
  g_autofree char *program = g_strjoin (" ", "pointsmanctl", ctl->command->group,
                                        ctl->command->verb, NULL);
  g_autoptr (GError) error = NULL;
  int given;

  g_set_prgname (program);
  g_option_context_set_summary (context, ctl->command->summary);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, shared, NULL);
  if (!g_option_context_parse (context, argc, argv, &error))
    {
      pm_ctl_usage (ctl, "%s", error->message);
      return FALSE;
    }

  // “--” is left in place by the parser; what follows it are arguments.
  if (*argc > 1 && g_strcmp0 ((*argv)[1], "--") == 0)
    {
      (*argv)++;
      (*argc)--;
    }
  given = *argc - 1;
  if (given < ctl->command->min_arguments)
    {
      pm_ctl_usage (ctl, "Something is missing: it needs %s.", ctl->command->arguments);
      return FALSE;
    }
  if (ctl->command->max_arguments >= 0 && given > ctl->command->max_arguments)
    {
      pm_ctl_usage (ctl, "That is one argument too many: %s", (*argv)[*argc - 1]);
      return FALSE;
    }
  if (ctl->config != NULL && ctl->session)
    {
      pm_ctl_usage (ctl, "With --config no service is spoken to: leave out --session.");
      return FALSE;
    }
  if (ctl->config != NULL && !ctl->command->on_file)
    {
      pm_ctl_usage (ctl, "This needs the running services, and does not go with --config.");
      return FALSE;
    }
  return TRUE;
}

/**
 * pm_ctl_print_json:
 * @builder: a finished value
 */
void
pm_ctl_print_json (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, TRUE);

  g_print ("%s\n", text);
}

/**
 * pm_ctl_set_string:
 * @text: (nullable): the member's value
 */
void
pm_ctl_set_string (JsonBuilder *builder, const char *member, const char *text)
{
  json_builder_set_member_name (builder, member);
  if (text == NULL)
    json_builder_add_null_value (builder);
  else
    json_builder_add_string_value (builder, text);
}

/**
 * pm_ctl_set_time:
 * @microseconds: since 1970; 0 for not known
 *
 * Sets a member to the time in ISO 8601, UTC, or null.
 */
void
pm_ctl_set_time (JsonBuilder *builder, const char *member, gint64 microseconds)
{
  g_autoptr (GDateTime) time = NULL;
  g_autofree char *text = NULL;

  if (microseconds > 0)
    time = g_date_time_new_from_unix_utc (microseconds / G_USEC_PER_SEC);
  if (time != NULL)
    text = g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ");
  pm_ctl_set_string (builder, member, text);
}

/**
 * pm_ctl_format_time:
 * @microseconds: since 1970; 0 for not known
 *
 * Returns: (transfer full): the local time for a person
 */
char *
pm_ctl_format_time (gint64 microseconds)
{
  g_autoptr (GDateTime) time = NULL;

  if (microseconds > 0)
    time = g_date_time_new_from_unix_local (microseconds / G_USEC_PER_SEC);
  return time == NULL ? g_strdup ("–") : g_date_time_format (time, "%Y-%m-%d %H:%M:%S");
}

static GBusType
bus_type (PmCtl *ctl)
{
  return ctl->session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM;
}

static void
translate (GError **error, GError *found)
{
  g_propagate_error (error, pm_bus_error_translate (found));
  g_error_free (found);
}

/* Like translate(), but says who has not answered, and what to do. */
static void
translate_call (GError **error, GError *found, gboolean relay, int limit)
{
  if (!g_error_matches (found, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) &&
      !g_error_matches (found, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT) &&
      !g_error_matches (found, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY))
    {
      translate (error, found);
      return;
    }
  if (relay)
    g_set_error (error, PM_ERROR, PM_ERROR_UNREACHABLE,
                 "The mail service runs, but has not answered within %d seconds. Look at what it "
                 "logged last; “pointsmanctl service restart” starts it anew.",
                 limit);
  else
    g_set_error (error, PM_ERROR, PM_ERROR_UNREACHABLE,
                 "The service that manages this server (" MANAGER_NAME ") has not answered within "
                 "%d seconds. Look at what it logged last, and start it anew.",
                 limit);
  g_error_free (found);
}

/* Loads what the proxy itself would wait long for, and not say when it did not come. */
static gboolean
load_properties (gpointer proxy, gboolean relay, GError **error)
{
  GError *found = NULL;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (GVariantIter) properties = NULL;
  const char *name;
  GVariant *value;

  results = g_dbus_proxy_call_sync (
      proxy, "org.freedesktop.DBus.Properties.GetAll",
      g_variant_new ("(s)", g_dbus_proxy_get_interface_name (proxy)), G_DBUS_CALL_FLAGS_NONE,
      PROPERTIES_LIMIT * 1000, NULL, &found);
  if (results == NULL)
    {
      translate_call (error, found, relay, PROPERTIES_LIMIT);
      return FALSE;
    }
  if (!g_variant_is_of_type (results, G_VARIANT_TYPE ("(a{sv})")))
    {
      g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "%s does not tell its properties",
                   g_dbus_proxy_get_name (proxy));
      return FALSE;
    }
  g_variant_get (results, "(a{sv})", &properties);
  while (g_variant_iter_next (properties, "{&sv}", &name, &value))
    {
      g_dbus_proxy_set_cached_property (proxy, name, value);
      g_variant_unref (value);
    }
  return TRUE;
}

/**
 * pm_ctl_get_manager:
 * @error: a #PmError; %PM_ERROR_UNREACHABLE when it does not run and cannot be started
 *
 * Returns: (transfer none) (nullable): the manager service
 */
PmBusManager *
pm_ctl_get_manager (PmCtl *ctl, GError **error)
{
  GError *found = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (PmBusManager) manager = NULL;

  if (ctl->manager != NULL)
    return ctl->manager;

  connection = g_bus_get_sync (bus_type (ctl), NULL, &found);
  if (connection == NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_UNREACHABLE, "There is no %s bus to connect to: %s",
                   ctl->session ? "session" : "system", found->message);
      g_error_free (found);
      return NULL;
    }
  // The shared connection would end this program, without a word, when the bus closes it.
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  // The proxy alone would not say why there is no service; a call does, and starts it.
  answer = g_dbus_connection_call_sync (connection, MANAGER_NAME, MANAGER_PATH,
                                        "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
                                        G_DBUS_CALL_FLAGS_NONE, -1, NULL, &found);
  if (answer != NULL)
    manager = pm_bus_manager_proxy_new_sync (connection,
                                             G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES,
                                             MANAGER_NAME, MANAGER_PATH, NULL, &found);
  if (manager == NULL)
    translate (error, found);
  else if (load_properties (manager, FALSE, error))
    ctl->manager = g_steal_pointer (&manager);
  return ctl->manager;
}

/**
 * pm_ctl_get_relay:
 * @error: a #PmError; %PM_ERROR_UNREACHABLE when the mail service does not run
 *
 * Returns: (transfer none) (nullable): the mail service
 */
PmBusRelay *
pm_ctl_get_relay (PmCtl *ctl, GError **error)
{
  GError *found = NULL;
  g_autofree char *owner = NULL;
  g_autoptr (PmBusRelay) relay = NULL;

  if (ctl->relay != NULL)
    return ctl->relay;

  // Asking must not start it: whether it runs is the manager's business.
  relay = pm_bus_relay_proxy_new_for_bus_sync (bus_type (ctl),
                                               G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START |
                                                   G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES,
                                               RELAY_NAME, RELAY_PATH, NULL, &found);
  if (relay == NULL)
    {
      translate (error, found);
      return NULL;
    }
  owner = g_dbus_proxy_get_name_owner (G_DBUS_PROXY (relay));
  if (owner == NULL)
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_UNREACHABLE,
                           "The mail service does not run. Start it with “pointsmanctl service "
                           "start”.");
      return NULL;
    }
  if (!load_properties (relay, TRUE, error))
    {
      ctl->relay_silent = TRUE;
      return NULL;
    }
  ctl->relay = g_steal_pointer (&relay);
  return ctl->relay;
}

/**
 * pm_ctl_call_with_files:
 * @files: (out) (transfer full) (nullable): what handles in the results stand for
 *
 * Returns: (transfer full) (nullable): as pm_ctl_call()
 */
GVariant *
pm_ctl_call_with_files (PmBusRelay *relay,
                        const char *method,
                        GVariant *arguments,
                        GUnixFDList **files,
                        GError **error)
{
  GError *found = NULL;
  GVariant *results = g_dbus_proxy_call_with_unix_fd_list_sync (
      G_DBUS_PROXY (relay), method, arguments, G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
      QUESTION_LIMIT * 1000, NULL, files, NULL, &found);

  if (results == NULL)
    translate_call (error, found, TRUE, QUESTION_LIMIT);
  return results;
}

static int
get_limit (const char *method)
{
  static const char *const questions[] = {
    "ReadSite",
    "History",
    "ReadRevision",
    "ListQueue",
    "QueryQueue",
    "SummarizeQueue",
    "ShowMessage",
    "TrackMessages",
    "ShowHistory",
    "Statistics",
    "EffectivePolicy",
    "TestRoute",
    NULL,
  };

  return g_strv_contains (questions, method) ? QUESTION_LIMIT : CHANGE_LIMIT;
}

/**
 * pm_ctl_call:
 * @proxy: a #GDBusProxy
 * @arguments: (nullable) (transfer floating): a tuple
 * @error: a #PmError
 *
 * Calls a method and waits for it as long as typing a password takes, for one that changes
 * something a quarter of an hour. A password may be asked for.
 *
 * Returns: (transfer full) (nullable): the results, a tuple
 */
GVariant *
pm_ctl_call (gpointer proxy, const char *method, GVariant *arguments, GError **error)
{
  int limit = get_limit (method);
  GError *found = NULL;
  GVariant *results;

  results = g_dbus_proxy_call_sync (proxy, method, arguments,
                                    G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
                                    limit * 1000, NULL, &found);
  if (results == NULL)
    translate_call (error, found, PM_BUS_IS_RELAY (proxy), limit);
  return results;
}
