// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// site validate, export, import: the site file as a whole.

#include <stdio.h>
#include <string.h>

#include "base/pm-atomic-file.h"
#include "base/pm-error.h"
#include "ctl/pm-ctl-site.h"

static GBytes *
read_stream (FILE *stream, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 block[4096];
  gsize size;

  while ((size = fread (block, 1, sizeof block, stream)) > 0)
    {
      g_byte_array_append (bytes, block, (guint) size);
      if (bytes->len > PM_SITE_FILE_MAX_SIZE)
        {
          g_set_error_literal (error, PM_ERROR, PM_ERROR_TOO_LARGE,
                               "A site file has 64 MiB at most.");
          return NULL;
        }
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

/* Reads a file, or standard input for “-”. */
static GBytes *
read_file (const char *path, GError **error)
{
  FILE *stream;
  GBytes *bytes;

  if (strcmp (path, "-") == 0)
    return read_stream (stdin, error);
  stream = fopen (path, "re");
  if (stream == NULL)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "Could not read %s: %s", path,
                   g_strerror (saved));
      return NULL;
    }
  bytes = read_stream (stream, error);
  fclose (stream);
  return bytes;
}

static void
print_problems_json (gboolean valid, const char *file, GPtrArray *problems)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  pm_ctl_set_string (builder, "file", file);
  json_builder_set_member_name (builder, "valid");
  json_builder_add_boolean_value (builder, valid);
  json_builder_set_member_name (builder, "problems");
  json_builder_begin_array (builder);
  for (guint i = 0; i < problems->len; i++)
    {
      const PmSiteProblem *problem = problems->pdata[i];

      json_builder_begin_object (builder);
      pm_ctl_set_string (builder, "severity",
                         problem->severity == PM_PROBLEM_ERROR ? "error" : "warning");
      json_builder_set_member_name (builder, "line");
      json_builder_add_int_value (builder, problem->line);
      json_builder_set_member_name (builder, "column");
      json_builder_add_int_value (builder, problem->column);
      pm_ctl_set_string (builder, "where", problem->where);
      pm_ctl_set_string (builder, "message", problem->message);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
}

static PmExit
validate (PmCtl *ctl, GBytes *xml, const char *name)
{
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (PmSite) site = pm_site_parse (xml, name, &problems, NULL);

  if (ctl->json)
    print_problems_json (site != NULL, name, problems);
  for (guint i = 0; i < problems->len; i++)
    {
      g_autofree char *text = pm_site_problem_to_string (problems->pdata[i], name);

      if (!ctl->json)
        pm_ctl_warn ("%s", text);
    }
  if (site == NULL)
    {
      pm_ctl_warn ("pointsmanctl: %s is not a site that can be used.", name);
      return PM_EXIT_FAILED;
    }
  if (!ctl->json)
    pm_ctl_say ("%s is a valid site.", name);
  return PM_EXIT_DONE;
}

/**
 * pm_ctl_site_validate:
 *
 * `site validate`: of the server's site, of --config, or of a file named
 */
PmExit
pm_ctl_site_validate (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (PmCtlSite) site = NULL;
  g_autoptr (GBytes) xml = NULL;
  g_autoptr (GError) error = NULL;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  if (argc > 1)
    {
      xml = read_file (argv[1], &error);
      return xml == NULL ? pm_ctl_fail (error) : validate (ctl, xml, argv[1]);
    }
  site = pm_ctl_site_fetch (ctl, &error);
  return site == NULL ? pm_ctl_fail (error) : validate (ctl, site->xml, site->name);
}

/**
 * pm_ctl_site_export:
 *
 * `site export`
 */
PmExit
pm_ctl_site_export (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (PmCtlSite) site = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;
  const char *bytes;

  if (!pm_ctl_parse (ctl, NULL, &argc, &argv))
    return PM_EXIT_USAGE;
  site = pm_ctl_site_fetch (ctl, &error);
  if (site == NULL)
    return pm_ctl_fail (error);

  if (argc > 1 && strcmp (argv[1], "-") != 0)
    {
      if (!pm_atomic_file_write (argv[1], site->xml, 0640, &error))
        return pm_ctl_fail (error);
      return PM_EXIT_DONE;
    }
  bytes = g_bytes_get_data (site->xml, &size);
  if (fwrite (bytes, 1, size, stdout) == size && fflush (stdout) == 0)
    return PM_EXIT_DONE;
  g_set_error (&error, PM_ERROR, PM_ERROR_FAILED, "Could not write to standard output: %s",
               g_strerror (errno));
  return pm_ctl_fail (error);
}

static void
report_imported (PmCtl *ctl, const char *revision)
{
  g_autoptr (JsonBuilder) builder = NULL;

  if (!ctl->json)
    {
      pm_ctl_site_report_saved (ctl, revision);
      return;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  pm_ctl_set_string (builder, "revision", revision);
  json_builder_end_object (builder);
  pm_ctl_print_json (builder);
}

/* The site to replace; where there is none yet, a file alone may still get one. */
static PmCtlSite *
fetch_to_replace (PmCtl *ctl, GError **error)
{
  g_autoptr (GError) found = NULL;
  PmCtlSite *site = pm_ctl_site_fetch (ctl, &found);
  g_autofree char *history = NULL;

  if (site != NULL)
    return site;
  if (!g_error_matches (found, PM_ERROR, PM_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&found));
      return NULL;
    }
  site = g_new0 (PmCtlSite, 1);
  site->revision = g_strdup ("");
  site->name = g_strdup (ctl->config != NULL ? ctl->config : "site.xml");
  if (ctl->config != NULL)
    {
      history = g_strconcat (ctl->config, ".history", NULL);
      site->store = pm_site_store_new (ctl->config, history);
    }
  return site;
}

/**
 * pm_ctl_site_import:
 *
 * `site import`
 */
PmExit
pm_ctl_site_import (PmCtl *ctl, int argc, char **argv)
{
  g_autoptr (PmCtlSite) site = NULL;
  g_autoptr (GBytes) xml = NULL;
  g_autoptr (PmSite) parsed = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *comment = NULL;
  g_autofree char *revision = NULL;
  const GOptionEntry options[] = {
    { "comment", 0, 0, G_OPTION_ARG_STRING, &comment, "For the history", "TEXT" },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, options, &argc, &argv))
    return PM_EXIT_USAGE;
  xml = read_file (argv[1], &error);
  // Problems are told with the name and lines of the file they are in.
  if (xml != NULL)
    parsed = pm_site_parse (xml, argv[1], NULL, &error);
  if (parsed != NULL)
    site = fetch_to_replace (ctl, &error);
  if (comment == NULL)
    comment = g_strdup_printf ("Import %s", argv[1]);
  if (site != NULL)
    revision = pm_ctl_site_save (ctl, site, xml, comment, &error);
  if (revision == NULL)
    return pm_ctl_fail (error);
  report_imported (ctl, revision);
  return PM_EXIT_DONE;
}
