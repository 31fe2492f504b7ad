// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// statistics, policy: how the running service does, and what it acts by; and the part of status
// that says what "accepted" rests on.

#include <string.h>

#include "base/pm-error.h"
#include "ctl/pm-ctl-running.h"
#include "ctl/pm-ctl-variant.h"

/* Lines of `name  value`, nested ones further in. */
static void
print_members (GVariant *dictionary, int indent)
{
  for (gsize i = 0; i < g_variant_n_children (dictionary); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (dictionary, i);
      g_autoptr (GVariant) key = g_variant_get_child_value (entry, 0);
      g_autoptr (GVariant) boxed = g_variant_get_child_value (entry, 1);
      g_autoptr (GVariant) value = g_variant_is_of_type (boxed, G_VARIANT_TYPE_VARIANT)
                                       ? g_variant_get_variant (boxed)
                                       : g_variant_ref (boxed);
      const char *name = g_variant_get_string (key, NULL);

      if (g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY))
        {
          pm_ctl_say ("%*s%s", indent, "", name);
          print_members (value, indent + 2);
        }
      else if (g_variant_is_of_type (value, G_VARIANT_TYPE ("aa{sv}")))
        for (gsize j = 0; j < g_variant_n_children (value); j++)
          {
            g_autoptr (GVariant) member = g_variant_get_child_value (value, j);

            pm_ctl_say ("%*s%s", indent, "", name);
            print_members (member, indent + 2);
          }
      else
        {
          g_autofree char *text = pm_ctl_variant_to_text (value);

          pm_ctl_say ("%*s%-*s  %s", indent, "", 30 - indent, name, text);
        }
    }
}

/* Calls a method without arguments that answers with one a{sv}, and prints that. */
static PmExit
print_answer (PmCtl *ctl, const char *method, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (GVariant) answer = NULL;
  PmBusRelay *relay;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  relay = pm_ctl_get_relay (ctl, &error);
  if (relay != NULL)
    results = pm_ctl_call (relay, method, NULL, &error);
  if (results == NULL)
    return pm_ctl_fail (error);
  answer = g_variant_get_child_value (results, 0);
  if (ctl->json)
    pm_ctl_print_variant_json (answer);
  else
    print_members (answer, 0);
  return PM_EXIT_DONE;
}

/**
 * pm_ctl_statistics:
 *
 * `statistics`
 */
PmExit
pm_ctl_statistics (PmCtl *ctl, int argc, char **argv)
{
  return print_answer (ctl, "Statistics", argc, argv);
}

/**
 * pm_ctl_policy:
 *
 * `policy`
 */
PmExit
pm_ctl_policy (PmCtl *ctl, int argc, char **argv)
{
  return print_answer (ctl, "EffectivePolicy", argc, argv);
}

/**
 * pm_ctl_read_statistics:
 *
 * Returns: (transfer full) (nullable): the service's statistics
 */
GVariant *
pm_ctl_read_statistics (PmBusRelay *relay, GError **error)
{
  g_autoptr (GVariant) results = pm_ctl_call (relay, "Statistics", NULL, error);

  return results == NULL ? NULL : g_variant_get_child_value (results, 0);
}

/**
 * pm_ctl_print_durability:
 * @statistics: from pm_ctl_read_statistics()
 *
 * The durability line, and what the transfer mode holds.
 */
void
pm_ctl_print_durability (GVariant *statistics)
{
  g_autoptr (GVariant) durability =
      g_variant_lookup_value (statistics, "durability", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) held =
      g_variant_lookup_value (statistics, "held", G_VARIANT_TYPE_VARDICT);
  g_autofree char *transfer = pm_ctl_lookup_text (statistics, "transfer");
  guint64 commits = 0, syncs = 0, last = 0, messages = 0;
  gint64 oldest = 0;

  if (durability != NULL)
    {
      g_autofree char *file_system = pm_ctl_lookup_text (durability, "file-system");
      g_autofree char *options = pm_ctl_lookup_text (durability, "options");

      g_variant_lookup (durability, "commits", "t", &commits);
      g_variant_lookup (durability, "syncs", "t", &syncs);
      g_variant_lookup (durability, "last-commit", "t", &last);
      pm_ctl_say ("Durability %" G_GUINT64_FORMAT " commits, %" G_GUINT64_FORMAT
                  " syncs, the last commit took %.1f ms, on %s (%s)",
                  commits, syncs, (double) last / 1000, file_system, options);
    }
  if (held == NULL)
    return;
  g_variant_lookup (held, "messages", "t", &messages);
  g_variant_lookup (held, "oldest", "x", &oldest);
  if (strcmp (transfer, "both") != 0)
    {
      g_autofree char *since = pm_ctl_format_time (oldest);

      pm_ctl_say ("Transfer   %s: %" G_GUINT64_FORMAT " messages are held, the oldest since %s",
                  transfer, messages, since);
    }
}

/* route test --running */

static void
add_word (JsonBuilder *builder, GVariant *decision, const char *key)
{
  const char *text = "";

  g_variant_lookup (decision, key, "&s", &text);
  pm_ctl_set_string (builder, key, *text != '\0' ? text : NULL);
}

static void
print_decision_json (GVariant *decision)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GVariant) hops = g_variant_lookup_value (decision, "next-hops", NULL);
  g_autoptr (GVariant) reasons = g_variant_lookup_value (decision, "explanation", NULL);

  json_builder_begin_object (builder);
  add_word (builder, decision, "address");
  add_word (builder, decision, "action");
  add_word (builder, decision, "rule");
  json_builder_set_member_name (builder, "nextHops");
  json_builder_begin_array (builder);
  for (gsize i = 0; hops != NULL && i < g_variant_n_children (hops); i++)
    {
      const char *host, *tls;
      guint16 port;
      gboolean mx;

      g_variant_get_child (hops, i, "(&sqb&s)", &host, &port, &mx, &tls);
      json_builder_begin_object (builder);
      pm_ctl_set_string (builder, "host", host);
      json_builder_set_member_name (builder, "port");
      json_builder_add_int_value (builder, port);
      json_builder_set_member_name (builder, "mx");
      json_builder_add_boolean_value (builder, mx);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  add_word (builder, decision, "rewritten");
  add_word (builder, decision, "reply");
  json_builder_set_member_name (builder, "explanation");
  if (reasons != NULL)
    pm_ctl_add_variant (builder, reasons);
  else
    json_builder_add_null_value (builder);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
}

/**
 * pm_ctl_test_running:
 * @address: a recipient
 * @client: (nullable): IP address
 * @local: (nullable): IP address
 *
 * `route test --running`: by the routing that the service has in force.
 */
PmExit
pm_ctl_test_running (PmCtl *ctl,
                     const char *address,
                     const char *client,
                     const char *local,
                     gboolean authenticated)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (GVariant) decision = NULL;
  PmBusRelay *relay = pm_ctl_get_relay (ctl, &error);
  GVariantBuilder who;

  if (relay == NULL)
    return pm_ctl_fail (error);
  g_variant_builder_init (&who, G_VARIANT_TYPE_VARDICT);
  if (client != NULL)
    g_variant_builder_add (&who, "{sv}", "client", g_variant_new_string (client));
  if (local != NULL)
    g_variant_builder_add (&who, "{sv}", "local", g_variant_new_string (local));
  g_variant_builder_add (&who, "{sv}", "authenticated", g_variant_new_boolean (authenticated));
  results = pm_ctl_call (relay, "TestRoute", g_variant_new ("(sa{sv})", address, &who), &error);
  if (results == NULL)
    return pm_ctl_fail (error);
  decision = g_variant_get_child_value (results, 0);
  if (ctl->json)
    print_decision_json (decision);
  else
    print_members (decision, 0);
  return PM_EXIT_DONE;
}
