// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// queue retry, hold, release, delete, redirect, priority: changes of the queue by hand, by numbers
// or by what messages have in common.

#include <string.h>

#include "base/pm-error.h"
#include "ctl/pm-ctl-variant.h"

/* Calls a method that answers with a count, and says it. `arguments` is floating. */
static PmExit
change_queue (PmCtl *ctl, const char *method, GVariant *arguments, const char *done)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (arguments);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  PmBusRelay *relay = pm_ctl_get_relay (ctl, &error);
  guint count;

  if (relay != NULL)
    results = pm_ctl_call (relay, method, sunk, &error);
  if (results == NULL)
    return pm_ctl_fail (error);
  g_variant_get (results, "(u)", &count);
  if (!ctl->json)
    {
      pm_ctl_say ("%u %s %s.", count, count == 1 ? "message is" : "messages are", done);
      return PM_EXIT_DONE;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "count");
  json_builder_add_int_value (builder, count);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
  return PM_EXIT_DONE;
}

/* The numbers alone, where the filter has nothing else; all is none of them. */
static GVariant *
get_ids (GVariant *filter)
{
  GVariant *ids = g_variant_lookup_value (filter, "ids", G_VARIANT_TYPE ("at"));
  gboolean all;

  if (ids == NULL && g_variant_lookup (filter, "all", "b", &all))
    ids = g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE_UINT64, NULL, 0));
  return ids;
}

/**
 * pm_ctl_queue_retry:
 *
 * `queue retry`
 */
PmExit
pm_ctl_queue_retry (PmCtl *ctl, int argc, char **argv)
{
  g_auto (PmCtlFilter) filter = { 0 };
  g_autoptr (GVariant) wanted = NULL;
  g_autoptr (GVariant) ids = NULL;
  const GOptionEntry options[] = {
    { "all", 0, 0, G_OPTION_ARG_NONE, &filter.all, "All messages that wait", NULL },
    PM_CTL_FILTER_ENTRIES (filter),
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv) ||
      (wanted = pm_ctl_filter_read (ctl, &filter, TRUE, argc, argv)) == NULL)
    return PM_EXIT_USAGE;
  ids = get_ids (wanted);
  if (ids != NULL)
    return change_queue (ctl, "RetryMessages", g_variant_new ("(@at)", ids), "tried again");
  return change_queue (ctl, "RetryMatching", g_variant_new ("(@a{sv})", wanted), "tried again");
}

/**
 * pm_ctl_queue_hold:
 *
 * `queue hold` and `queue release`
 */
PmExit
pm_ctl_queue_hold (PmCtl *ctl, int argc, char **argv)
{
  g_auto (PmCtlFilter) filter = { 0 };
  g_autoptr (GVariant) wanted = NULL;
  gboolean hold = strcmp (ctl->command->verb, "hold") == 0;
  const GOptionEntry options[] = {
    { "all", 0, 0, G_OPTION_ARG_NONE, &filter.all, "All messages that wait", NULL },
    PM_CTL_FILTER_ENTRIES (filter),
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv) ||
      (wanted = pm_ctl_filter_read (ctl, &filter, TRUE, argc, argv)) == NULL)
    return PM_EXIT_USAGE;
  return change_queue (ctl, hold ? "HoldMessages" : "ReleaseMessages",
                       g_variant_new ("(@a{sv})", wanted), hold ? "held" : "released");
}

/**
 * pm_ctl_queue_delete:
 *
 * `queue delete`
 */
PmExit
pm_ctl_queue_delete (PmCtl *ctl, int argc, char **argv)
{
  g_auto (PmCtlFilter) filter = { 0 };
  g_autoptr (GVariant) wanted = NULL;
  g_autoptr (GVariant) ids = NULL;
  gboolean silent = FALSE;
  const GOptionEntry options[] = {
    { "no-report", 0, 0, G_OPTION_ARG_NONE, &silent,
      "Send the sender no report that the message was not delivered", NULL },
    { "all", 0, 0, G_OPTION_ARG_NONE, &filter.all, "All messages that wait", NULL },
    PM_CTL_FILTER_ENTRIES (filter),
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv) ||
      (wanted = pm_ctl_filter_read (ctl, &filter, TRUE, argc, argv)) == NULL)
    return PM_EXIT_USAGE;
  ids = g_variant_lookup_value (wanted, "ids", G_VARIANT_TYPE ("at"));
  if (ids != NULL)
    return change_queue (ctl, "DeleteMessages", g_variant_new ("(@atb)", ids, !silent), "deleted");
  return change_queue (ctl, "DeleteMatching", g_variant_new ("(@a{sv}b)", wanted, !silent),
                       "deleted");
}

/**
 * pm_ctl_queue_redirect:
 *
 * `queue redirect`
 */
PmExit
pm_ctl_queue_redirect (PmCtl *ctl, int argc, char **argv)
{
  g_auto (PmCtlFilter) filter = { 0 };
  g_autoptr (GVariant) wanted = NULL;
  g_autofree char *to = NULL;
  gboolean undo = FALSE;
  const GOptionEntry options[] = {
    { "to", 0, 0, G_OPTION_ARG_STRING, &to, "Where they go, whatever the routing says",
      "HOST[:PORT]" },
    { "undo", 0, 0, G_OPTION_ARG_NONE, &undo, "They go as the routing says again", NULL },
    { "all", 0, 0, G_OPTION_ARG_NONE, &filter.all, "All messages that wait", NULL },
    PM_CTL_FILTER_ENTRIES (filter),
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  if ((to != NULL) == undo || (to != NULL && *to == '\0'))
    return pm_ctl_usage (ctl, "Say where they go by --to, or --undo.");
  wanted = pm_ctl_filter_read (ctl, &filter, TRUE, argc, argv);
  if (wanted == NULL)
    return PM_EXIT_USAGE;
  return change_queue (ctl, "RedirectMessages",
                       g_variant_new ("(@a{sv}s)", wanted, undo ? "" : to),
                       undo ? "routed as usual" : "redirected");
}

/**
 * pm_ctl_queue_priority:
 *
 * `queue priority`
 */
PmExit
pm_ctl_queue_priority (PmCtl *ctl, int argc, char **argv)
{
  g_auto (PmCtlFilter) filter = { 0 };
  g_autoptr (GVariant) wanted = NULL;
  int priority = G_MAXINT;
  const GOptionEntry options[] = {
    { "set", 0, 0, G_OPTION_ARG_INT, &priority, "From -9 (after others) to 9 (before them)",
      "NUMBER" },
    { "all", 0, 0, G_OPTION_ARG_NONE, &filter.all, "All messages that wait", NULL },
    PM_CTL_FILTER_ENTRIES (filter),
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  if (priority < -9 || priority > 9)
    return pm_ctl_usage (ctl, "Say the priority by --set, from -9 to 9.");
  wanted = pm_ctl_filter_read (ctl, &filter, TRUE, argc, argv);
  if (wanted == NULL)
    return PM_EXIT_USAGE;
  return change_queue (ctl, "SetPriority", g_variant_new ("(@a{sv}i)", wanted, priority),
                       "given that priority");
}
