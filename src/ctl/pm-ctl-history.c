// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// site history, revert, diff: revisions, of a server or of a file alone. A revision may be named by
// its first digits, as long as only one begins so.

#include <string.h>

#include "base/pm-error.h"
#include "ctl/pm-ctl-site.h"
#include "ctl/pm-table.h"

#define SHORTEST_REVISION 4

static GPtrArray *
server_history (PmCtl *ctl, GError **error)
{
  PmBusManager *manager = pm_ctl_get_manager (ctl, error);
  g_autoptr (GVariant) results = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  PmSiteHistoryEntry item;
  GPtrArray *entries;

  if (manager == NULL)
    return NULL;
  results = pm_ctl_call (manager, "History", g_variant_new ("(u)", 0), error);
  if (results == NULL)
    return NULL;
  entries = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_site_history_entry_free);
  g_variant_get (results, "(a(stss))", &iter);
  while (g_variant_iter_next (iter, "(stss)", &item.revision, &item.time, &item.who,
                              &item.comment))
    g_ptr_array_add (entries, g_memdup2 (&item, sizeof item));
  return entries;
}

static GPtrArray *
get_history (PmCtl *ctl, PmCtlSite *site, GError **error)
{
  return site->store != NULL ? pm_site_store_history (site->store, 0, error)
                             : server_history (ctl, error);
}

static void
print_history_json (GPtrArray *entries)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_array (builder);
  for (guint i = 0; i < entries->len; i++)
    {
      const PmSiteHistoryEntry *entry = entries->pdata[i];

      json_builder_begin_object (builder);
      pm_ctl_set_string (builder, "revision", entry->revision);
      pm_ctl_set_time (builder, "time", entry->time);
      pm_ctl_set_string (builder, "who", entry->who);
      pm_ctl_set_string (builder, "comment", entry->comment);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  pm_ctl_print_json (builder);
}

static void
print_history (GPtrArray *entries)
{
  g_autoptr (PmTable) table = pm_table_new ("Revision", "When", "Who", "Comment", NULL);

  if (entries->len == 0)
    {
      pm_ctl_say ("No revision has been saved yet.");
      return;
    }
  for (guint i = 0; i < entries->len; i++)
    {
      const PmSiteHistoryEntry *entry = entries->pdata[i];
      g_autofree char *revision = g_strndup (entry->revision, 12);
      g_autofree char *when = pm_ctl_format_time (entry->time);

      pm_table_add (table, revision, when, entry->who, entry->comment, NULL);
    }
  pm_table_print (table);
}

/**
 * pm_ctl_site_history:
 *
 * `site history`
 */
PmExit
pm_ctl_site_history (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (PmCtlSite) site = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GError) error = NULL;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  site = pm_ctl_site_fetch (ctl, &error);
  if (site != NULL)
    entries = get_history (ctl, site, &error);
  if (entries == NULL)
    return pm_ctl_fail (error);
  if (ctl->json)
    print_history_json (entries);
  else
    print_history (entries);
  return PM_EXIT_DONE;
}

/* The whole name of the revision that begins with `text`. */
static char *
complete_revision (PmCtl *ctl, PmCtlSite *site, const char *text, GError **error)
{
  g_autoptr (GPtrArray) entries = get_history (ctl, site, error);
  const char *found = NULL;

  if (entries == NULL)
    return NULL;
  for (guint i = 0; i < entries->len && strlen (text) >= SHORTEST_REVISION; i++)
    {
      const PmSiteHistoryEntry *entry = entries->pdata[i];

      if (!g_str_has_prefix (entry->revision, text) || g_strcmp0 (entry->revision, found) == 0)
        continue;
      if (found != NULL)
        {
          g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                       "More than one revision begins with %s; give more of it.", text);
          return NULL;
        }
      found = entry->revision;
    }
  if (found == NULL)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                 "There is no revision %s in the history; “pointsmanctl site history” lists them.",
                 text);
  return g_strdup (found);
}

static GBytes *
read_revision (PmCtl *ctl, PmCtlSite *site, const char *text, GError **error)
{
  g_autofree char *revision = complete_revision (ctl, site, text, error);
  g_autoptr (GVariant) results = NULL;
  char *xml;

  if (revision == NULL)
    return NULL;
  if (site->store != NULL)
    return pm_site_store_read_revision (site->store, revision, error);
  results = pm_ctl_call (ctl->manager, "ReadRevision", g_variant_new ("(s)", revision), error);
  if (results == NULL)
    return NULL;
  g_variant_get (results, "(s)", &xml);
  return g_bytes_new_take (xml, strlen (xml));
}

/**
 * pm_ctl_site_revert:
 *
 * `site revert`: an old revision becomes the newest; nothing is lost
 */
PmExit
pm_ctl_site_revert (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (PmCtlSite) site = NULL;
  g_autoptr (GBytes) xml = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *comment = NULL;
  g_autofree char *revision = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  const GOptionEntry options[] = {
    { "comment", 0, 0, G_OPTION_ARG_STRING, &comment, "For the history", "TEXT" },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  site = pm_ctl_site_fetch (ctl, &error);
  if (site != NULL)
    xml = read_revision (ctl, site, argv[1], &error);
  if (comment == NULL)
    comment = g_strdup_printf ("Go back to revision %s", argv[1]);
  if (xml != NULL)
    revision = pm_ctl_site_save (ctl, site, xml, comment, &error);
  if (revision == NULL)
    return pm_ctl_fail (error);

  if (!ctl->json)
    {
      pm_ctl_site_report_saved (ctl, revision);
      return PM_EXIT_DONE;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  pm_ctl_set_string (builder, "revision", revision);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
  return PM_EXIT_DONE;
}

/* site diff */

/* What stands under `text`: a file, or a revision in the history. */
static PmSite *
read_side (PmCtl *ctl, PmCtlSite *site, const char *text, GError **error)
{
  g_autoptr (GBytes) xml = NULL;
  char *contents;
  gsize size;

  if (g_file_test (text, G_FILE_TEST_IS_REGULAR))
    {
      if (!g_file_get_contents (text, &contents, &size, error))
        return NULL;
      xml = g_bytes_new_take (contents, size);
    }
  else
    {
      xml = read_revision (ctl, site, text, error);
    }
  return xml == NULL ? NULL : pm_site_parse (xml, text, NULL, error);
}

/* What is in force on a server; of a file alone, the revision before the last. */
static char *
default_from (PmCtl *ctl, PmCtlSite *site, GError **error)
{
  g_autoptr (GPtrArray) entries = NULL;
  const char *loaded;

  if (site->store == NULL)
    {
      loaded = pm_bus_manager_get_loaded_revision (ctl->manager);
      if (loaded != NULL && *loaded != '\0')
        return g_strdup (loaded);
      g_set_error_literal (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                           "The mail service does not run, so that nothing is in force. Name the "
                           "revision to compare with.");
      return NULL;
    }
  entries = pm_site_store_history (site->store, 0, error);
  if (entries == NULL)
    return NULL;
  for (guint i = 0; i < entries->len; i++)
    {
      const PmSiteHistoryEntry *entry = entries->pdata[i];

      if (strcmp (entry->revision, site->revision) != 0)
        return g_strdup (entry->revision);
    }
  g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
               "There is no earlier revision of %s. Name the file to compare with.", site->name);
  return NULL;
}

static void
print_changes_json (GPtrArray *changes)
{
  static const char *const kinds[] = { "added", "removed", "modified" };
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_array (builder);
  for (guint i = 0; i < changes->len; i++)
    {
      const PmSiteChange *change = changes->pdata[i];

      json_builder_begin_object (builder);
      pm_ctl_set_string (builder, "kind", kinds[change->kind]);
      pm_ctl_set_string (builder, "where", change->where);
      pm_ctl_set_string (builder, "from", change->from);
      pm_ctl_set_string (builder, "to", change->to);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  pm_ctl_print_json (builder);
}

static void
print_changes (GPtrArray *changes)
{
  if (changes->len == 0)
    pm_ctl_say ("There is no difference.");
  for (guint i = 0; i < changes->len; i++)
    {
      const PmSiteChange *change = changes->pdata[i];

      pm_ctl_say ("%s", change->where);
      if (change->from != NULL)
        pm_ctl_say ("  - %s", change->from);
      if (change->to != NULL)
        pm_ctl_say ("  + %s", change->to);
    }
}

/**
 * pm_ctl_site_diff:
 *
 * `site diff`
 */
PmExit
pm_ctl_site_diff (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (PmCtlSite) site = NULL;
  g_autoptr (PmSite) from = NULL;
  g_autoptr (PmSite) to = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *from_name = NULL;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  site = pm_ctl_site_fetch (ctl, &error);
  if (site != NULL)
    from_name = argc > 1 ? g_strdup (argv[1]) : default_from (ctl, site, &error);
  if (from_name != NULL)
    from = read_side (ctl, site, from_name, &error);
  if (from != NULL)
    to = argc > 2 ? read_side (ctl, site, argv[2], &error)
                  : pm_site_parse (site->xml, site->name, NULL, &error);
  if (to == NULL)
    return pm_ctl_fail (error);

  changes = pm_site_difference (from, to);
  if (ctl->json)
    print_changes_json (changes);
  else
    print_changes (changes);
  return PM_EXIT_DONE;
}
