// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// tracking list, tracking show: what happened to messages.

#include <string.h>

#include "base/pm-error.h"
#include "ctl/pm-ctl-variant.h"
#include "ctl/pm-table.h"

#define PAGE 500

static void
add_event_json (JsonBuilder *builder, GVariant *event)
{
  json_builder_begin_object (builder);
  for (gsize i = 0; i < g_variant_n_children (event); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (event, i);
      g_autoptr (GVariant) value = NULL;
      const char *key;

      g_variant_get (entry, "{&sv}", &key, &value);
      if (strcmp (key, "time") == 0)
        {
          pm_ctl_set_time (builder, key, g_variant_get_int64 (value));
          continue;
        }
      json_builder_set_member_name (builder, key);
      pm_ctl_add_variant (builder, value);
    }
  json_builder_end_object (builder);
}

static void
add_event (PmTable *table, GVariant *event)
{
  g_autofree char *message = pm_ctl_lookup_text (event, "message");
  g_autofree char *name = pm_ctl_lookup_text (event, "event");
  g_autofree char *sender = pm_ctl_lookup_text (event, "sender");
  g_autofree char *recipient = pm_ctl_lookup_text (event, "recipient");
  g_autofree char *relay = pm_ctl_lookup_text (event, "relay");
  g_autofree char *reply = pm_ctl_lookup_text (event, "reply");
  g_autofree char *when = NULL;
  gint64 time = 0;

  g_variant_lookup (event, "time", "x", &time);
  when = pm_ctl_format_time (time);
  pm_table_add (table, when, name, message, sender, recipient, relay, reply, NULL);
}

/* Adds a page of events to what is printed in the end. */
static void
add_events (GVariant *events, JsonBuilder *builder, PmTable *table)
{
  for (gsize i = 0; i < g_variant_n_children (events); i++)
    {
      g_autoptr (GVariant) event = g_variant_get_child_value (events, i);

      add_event_json (builder, event);
      add_event (table, event);
    }
}

static PmTable *
new_table (void)
{
  return pm_table_new ("Time", "Event", "Message", "Sender", "Recipient", "Host", "Reply", NULL);
}

static PmExit
print (PmCtl *ctl, JsonBuilder *builder, PmTable *table)
{
  json_builder_end_array (builder);
  if (ctl->json)
    pm_ctl_print_json (builder);
  else
    pm_table_print (table);
  return PM_EXIT_DONE;
}

static gboolean
read_time (PmCtl *ctl, const char *option, const char *text, GVariantBuilder *filter)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_local ();
  g_autofree char *day = NULL;
  g_autoptr (GDateTime) time = NULL;

  if (text == NULL)
    return TRUE;
  day = strlen (text) == 10 ? g_strconcat (text, "T00:00:00", NULL) : g_strdup (text);
  time = g_date_time_new_from_iso8601 (day, zone);
  if (time == NULL)
    {
      pm_ctl_usage (ctl, "“%s” after --%s is not a time, as 2026-11-23 or 2026-11-23T08:30:00.",
                    text, option);
      return FALSE;
    }
  g_variant_builder_add (filter, "{sv}", option,
                         g_variant_new_int64 (g_date_time_to_unix (time) * G_USEC_PER_SEC));
  return TRUE;
}

static void
add_text (GVariantBuilder *filter, const char *key, const char *text)
{
  // The null sender has no address.
  if (text != NULL)
    g_variant_builder_add (filter, "{sv}", key,
                           g_variant_new_string (strcmp (text, "<>") == 0 ? "" : text));
}

/**
 * pm_ctl_tracking_list:
 *
 * `tracking list`
 */
PmExit
pm_ctl_tracking_list (PmCtl *ctl, int argc, char **argv)
{
  g_autofree char *sender = NULL;
  g_autofree char *recipient = NULL;
  g_autofree char *domain = NULL;
  g_autofree char *event = NULL;
  g_autofree char *since = NULL;
  g_autofree char *until = NULL;
  int limit = 1000;
  g_autoptr (GVariant) filter = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmTable) table = new_table ();
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  GVariantBuilder wanted;
  PmBusRelay *relay;
  gint64 before = 0;
  const GOptionEntry options[] = {
    { "sender", 0, 0, G_OPTION_ARG_STRING, &sender, "Only this sender; <> is the null sender",
      "ADDRESS" },
    { "recipient", 0, 0, G_OPTION_ARG_STRING, &recipient, "Only this recipient", "ADDRESS" },
    { "domain", 0, 0, G_OPTION_ARG_STRING, &domain, "Only this domain, of either", "DOMAIN" },
    { "event", 0, 0, G_OPTION_ARG_STRING, &event, "Only this event, as accepted", "EVENT" },
    { "since", 0, 0, G_OPTION_ARG_STRING, &since, "Not before", "TIME" },
    { "until", 0, 0, G_OPTION_ARG_STRING, &until, "Before", "TIME" },
    { "limit", 0, 0, G_OPTION_ARG_INT, &limit, "At most so many, the newest (1000)", "NUMBER" },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  if (limit < 1)
    return pm_ctl_usage (ctl, "%d after --limit is not a number of events.", limit);
  g_variant_builder_init (&wanted, G_VARIANT_TYPE_VARDICT);
  add_text (&wanted, "sender", sender);
  add_text (&wanted, "recipient", recipient);
  add_text (&wanted, "domain", domain);
  add_text (&wanted, "event", event);
  if (!read_time (ctl, "since", since, &wanted) || !read_time (ctl, "until", until, &wanted))
    {
      g_variant_builder_clear (&wanted);
      return PM_EXIT_USAGE;
    }
  filter = g_variant_ref_sink (g_variant_builder_end (&wanted));
  relay = pm_ctl_get_relay (ctl, &error);
  if (relay == NULL)
    return pm_ctl_fail (error);

  json_builder_begin_array (builder);
  do
    {
      g_autoptr (GVariant) events = NULL;
      g_autoptr (GVariant) results =
          pm_ctl_call (relay, "TrackMessages",
                       g_variant_new ("(@a{sv}xu)", filter, before, (guint) MIN (limit, PAGE)),
                       &error);

      if (results == NULL)
        return pm_ctl_fail (error);
      g_variant_get (results, "(@aa{sv}x)", &events, &before);
      add_events (events, builder, table);
      limit -= (int) g_variant_n_children (events);
    }
  while (before != 0 && limit > 0);
  return print (ctl, builder, table);
}

/**
 * pm_ctl_tracking_show:
 *
 * `tracking show`
 */
PmExit
pm_ctl_tracking_show (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (GVariant) events = NULL;
  g_autoptr (PmTable) table = new_table ();
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  PmBusRelay *relay;
  guint64 id;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  if (!g_ascii_string_to_unsigned (argv[1], 10, 1, G_MAXINT64, &id, NULL))
    return pm_ctl_usage (ctl, "“%s” is not the number of a message.", argv[1]);
  relay = pm_ctl_get_relay (ctl, &error);
  if (relay != NULL)
    results = pm_ctl_call (relay, "ShowHistory", g_variant_new ("(t)", id), &error);
  if (results == NULL)
    return pm_ctl_fail (error);
  json_builder_begin_array (builder);
  events = g_variant_get_child_value (results, 0);
  add_events (events, builder, table);
  return print (ctl, builder, table);
}
