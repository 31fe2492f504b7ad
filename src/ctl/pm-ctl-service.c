// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// service status, start, stop, restart, reload; and status, the overview of a server.

#include <string.h>

#include "base/pm-error.h"
#include "ctl/pm-ctl-running.h"
#include "ctl/pm-ctl-variant.h"

static const char *
or_empty (const char *text)
{
  return text != NULL ? text : "";
}

/* Whether what is saved is what the service acts on; not, while it does not run. */
static gboolean
is_in_force (PmBusManager *manager)
{
  const char *loaded = or_empty (pm_bus_manager_get_loaded_revision (manager));

  return *loaded != '\0' && strcmp (loaded, or_empty (pm_bus_manager_get_revision (manager))) == 0;
}

static void
add_service (JsonBuilder *builder, PmBusManager *manager)
{
  pm_ctl_set_string (builder, "state", or_empty (pm_bus_manager_get_service_state (manager)));
  pm_ctl_set_string (builder, "detail", or_empty (pm_bus_manager_get_service_detail (manager)));
  pm_ctl_set_time (builder, "since", (gint64) pm_bus_manager_get_service_since (manager));
  json_builder_set_member_name (builder, "enabled");
  json_builder_add_boolean_value (builder, pm_bus_manager_get_service_enabled (manager));
  pm_ctl_set_string (builder, "backend", or_empty (pm_bus_manager_get_service_backend (manager)));
  pm_ctl_set_string (builder, "revision", or_empty (pm_bus_manager_get_revision (manager)));
  pm_ctl_set_string (builder, "loadedRevision",
                     or_empty (pm_bus_manager_get_loaded_revision (manager)));
  json_builder_set_member_name (builder, "inForce");
  json_builder_add_boolean_value (builder, is_in_force (manager));
}

static void
print_service (PmBusManager *manager)
{
  const char *detail = or_empty (pm_bus_manager_get_service_detail (manager));
  const char *loaded = or_empty (pm_bus_manager_get_loaded_revision (manager));
  g_autofree char *since = pm_ctl_format_time ((gint64) pm_bus_manager_get_service_since (manager));

  pm_ctl_say ("Service    %s since %s", or_empty (pm_bus_manager_get_service_state (manager)),
              since);
  if (*detail != '\0')
    pm_ctl_say ("           %s", detail);
  if (pm_bus_manager_get_service_can_enable (manager))
    pm_ctl_say ("At boot    %s", pm_bus_manager_get_service_enabled (manager) ? "starts"
                                                                              : "does not start");
  pm_ctl_say ("Site file  %s, revision %.12s", or_empty (pm_bus_manager_get_site_path (manager)),
              or_empty (pm_bus_manager_get_revision (manager)));
  if (is_in_force (manager))
    pm_ctl_say ("           in force");
  else if (*loaded != '\0')
    pm_ctl_say ("           saved but not in force; in force is %.12s", loaded);
}

static PmExit
report_service (PmCtl *ctl, PmBusManager *manager)
{
  g_autoptr (JsonBuilder) builder = NULL;

  if (!ctl->json)
    {
      print_service (manager);
      return PM_EXIT_DONE;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  add_service (builder, manager);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
  return PM_EXIT_DONE;
}

/**
 * pm_ctl_service_status:
 *
 * `service status`
 */
PmExit
pm_ctl_service_status (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  PmBusManager *manager;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  manager = pm_ctl_get_manager (ctl, &error);
  return manager == NULL ? pm_ctl_fail (error) : report_service (ctl, manager);
}

/**
 * pm_ctl_service_change:
 *
 * `service start`, `stop`, `restart` and `reload`: returns when it is done
 */
PmExit
pm_ctl_service_change (PmCtl *ctl, int argc, char **argv)
{
  static const struct
  {
    const char *verb;
    const char *method;
    const char *done;
  } verbs[] = {
    { "start", "StartService", "The mail service is started." },
    { "stop", "StopService", "The mail service is stopped." },
    { "restart", "RestartService", "The mail service is restarted." },
    { "reload", "ReloadService", "The mail service has loaded the saved site." },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) results = NULL;
  PmBusManager *manager;
  guint i = 0;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  while (strcmp (verbs[i].verb, ctl->command->verb) != 0)
    i++;
  manager = pm_ctl_get_manager (ctl, &error);
  if (manager != NULL)
    results = pm_ctl_call (manager, verbs[i].method, NULL, &error);
  if (results == NULL)
    return pm_ctl_fail (error);
  if (!ctl->json)
    {
      pm_ctl_say ("%s", verbs[i].done);
      return PM_EXIT_DONE;
    }
  // The properties that the proxy holds may be older than the answer.
  g_clear_object (&ctl->manager);
  manager = pm_ctl_get_manager (ctl, &error);
  return manager == NULL ? pm_ctl_fail (error) : report_service (ctl, manager);
}

/* status */

static void
add_relay (JsonBuilder *builder, PmBusRelay *relay, GVariant *statistics)
{
  const char *const *listening = pm_bus_relay_get_listening (relay);
  GVariant *counters = pm_bus_relay_get_counters (relay);
  GVariantIter iter;
  const char *name;
  guint64 value;

  json_builder_set_member_name (builder, "listening");
  json_builder_begin_array (builder);
  for (guint i = 0; listening != NULL && listening[i] != NULL; i++)
    json_builder_add_string_value (builder, listening[i]);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "counters");
  json_builder_begin_object (builder);
  if (counters != NULL)
    g_variant_iter_init (&iter, counters);
  while (counters != NULL && g_variant_iter_next (&iter, "{&st}", &name, &value))
    {
      json_builder_set_member_name (builder, name);
      json_builder_add_int_value (builder, (gint64) value);
    }
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "statistics");
  if (statistics != NULL)
    pm_ctl_add_variant (builder, statistics);
  else
    json_builder_add_null_value (builder);
}

static void
print_relay (PmBusRelay *relay, GVariant *statistics)
{
  const char *const *listening = pm_bus_relay_get_listening (relay);
  g_autofree char *sockets = NULL;
  GVariant *counters = pm_bus_relay_get_counters (relay);
  GVariantIter iter;
  const char *name;
  guint64 value;

  if (listening != NULL)
    sockets = g_strjoinv (", ", (char **) listening);
  pm_ctl_say ("Listens    %s", sockets != NULL && *sockets != '\0' ? sockets : "nowhere");
  if (statistics != NULL)
    pm_ctl_print_durability (statistics);
  if (counters == NULL)
    return;
  pm_ctl_say ("Counters");
  g_variant_iter_init (&iter, counters);
  while (g_variant_iter_next (&iter, "{&st}", &name, &value))
    pm_ctl_say ("  %-22s %" G_GUINT64_FORMAT, name, value);
}

static void
print_status_json (PmBusManager *manager, PmBusRelay *relay, GVariant *statistics)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  pm_ctl_set_string (builder, "version", or_empty (pm_bus_manager_get_version (manager)));
  pm_ctl_set_string (builder, "server", or_empty (pm_bus_manager_get_server_name (manager)));
  pm_ctl_set_string (builder, "site", or_empty (pm_bus_manager_get_site_path (manager)));
  json_builder_set_member_name (builder, "service");
  json_builder_begin_object (builder);
  add_service (builder, manager);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "relay");
  if (relay != NULL)
    {
      json_builder_begin_object (builder);
      add_relay (builder, relay, statistics);
      json_builder_end_object (builder);
    }
  else
    {
      json_builder_add_null_value (builder);
    }
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
}

/**
 * pm_ctl_status:
 *
 * `status`
 */
PmExit
pm_ctl_status (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) statistics = NULL;
  PmBusManager *manager;
  PmBusRelay *relay;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  manager = pm_ctl_get_manager (ctl, &error);
  if (manager == NULL)
    return pm_ctl_fail (error);
  relay = pm_ctl_get_relay (ctl, &error);
  if (relay != NULL)
    statistics = pm_ctl_read_statistics (relay, &error);
  if (ctl->json)
    print_status_json (manager, relay, statistics);
  else
    print_service (manager);
  if (!ctl->json && relay != NULL)
    print_relay (relay, statistics);
  // That the mail service does not run is part of how the server is; that it hangs is a failure.
  if (ctl->relay_silent ||
      (relay != NULL && g_error_matches (error, PM_ERROR, PM_ERROR_UNREACHABLE)))
    return pm_ctl_fail (error);
  return PM_EXIT_DONE;
}
