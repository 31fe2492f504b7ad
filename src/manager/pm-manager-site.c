// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The methods of Manager1 that read and write the site, and Apply.

#include <string.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "bus/pm-bus-error.h"
#include "manager/pm-manager-private.h"

#define MAX_COMMENT 4096
/* Bytes: what a reply may hold of the history, and what an entry takes beside its words. */
#define MAX_HISTORY (16 * 1024 * 1024)
#define HISTORY_OVERHEAD 128
#define MAX_APPLY_TIMEOUT 600

static void
site_loaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  g_autofree char *revision = NULL;
  g_autoptr (GBytes) xml = NULL;
  char *text;
  GError *error = NULL;

  xml = pm_site_keeper_load_finish (PM_SITE_KEEPER (source), result, &revision, &error);
  if (xml == NULL)
    {
      pm_call_fail (call, error);
      return;
    }
  if (!pm_bus_check_size (g_bytes_get_size (xml), &error))
    {
      pm_call_fail (call, error);
      return;
    }
  if (!g_utf8_validate (g_bytes_get_data (xml, NULL), (gssize) g_bytes_get_size (xml), NULL))
    {
      pm_call_fail (call, g_error_new (PM_ERROR, PM_ERROR_INVALID, "%s is not UTF-8 text.",
                                       pm_site_keeper_get_path (call->manager->keeper)));
      return;
    }
  text = g_strndup (g_bytes_get_data (xml, NULL), g_bytes_get_size (xml));
  pm_call_reply (call, g_variant_new ("(@ss)", g_variant_new_take_string (text), revision));
}

void
pm_call_read_site (PmCall *call)
{
  pm_site_keeper_load_async (call->manager->keeper, site_loaded_cb, call);
}

/* The bytes of a string argument, or NULL after having failed the call. */
static GBytes *
take_xml (PmCall *call, const char *xml, const char *comment)
{
  gsize size = strlen (xml);
  GError *error = NULL;

  if (!pm_bus_check_size (size, &error))
    pm_call_fail (call, error);
  else if (strlen (comment) > MAX_COMMENT)
    pm_call_fail (call, g_error_new (PM_ERROR, PM_ERROR_TOO_LARGE,
                                     "The comment is longer than %d bytes.", MAX_COMMENT));
  else
    return g_bytes_new (xml, size);
  return NULL;
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  g_autoptr (GPtrArray) problems = NULL;
  GVariantBuilder builder;
  GError *error = NULL;

  problems = pm_site_keeper_check_finish (PM_SITE_KEEPER (source), result, &error);
  if (problems == NULL)
    {
      pm_call_fail (call, error);
      return;
    }
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(suuss)"));
  for (guint i = 0; i < problems->len; i++)
    {
      const PmSiteProblem *problem = g_ptr_array_index (problems, i);

      g_variant_builder_add (&builder, "(suuss)",
                             problem->severity == PM_PROBLEM_ERROR ? "error" : "warning",
                             problem->line, problem->column, problem->where, problem->message);
    }
  pm_call_reply (call, g_variant_new ("(a(suuss))", &builder));
}

void
pm_call_check_site (PmCall *call)
{
  g_autoptr (GBytes) bytes = NULL;
  const char *xml;

  pm_call_get_arguments (call, "(&s)", &xml);
  bytes = take_xml (call, xml, "");
  if (bytes != NULL)
    pm_site_keeper_check_async (call->manager->keeper, bytes, checked_cb, call);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  g_autofree char *revision = NULL;
  GError *error = NULL;

  revision = pm_site_keeper_save_finish (PM_SITE_KEEPER (source), result, &error);
  if (revision != NULL)
    pm_call_reply (call, g_variant_new ("(s)", revision));
  else
    pm_call_fail (call, error);
}

void
pm_call_write_site (PmCall *call)
{
  g_autoptr (GBytes) bytes = NULL;
  const char *xml;
  const char *base;
  const char *comment;

  pm_call_get_arguments (call, "(&s&s&s)", &xml, &base, &comment);
  bytes = take_xml (call, xml, comment);
  if (bytes != NULL)
    pm_site_keeper_save_async (call->manager->keeper, bytes, base, call->who, comment, TRUE,
                               saved_cb, call);
}

void
pm_manager_log_outcome (const PmApplyResult *outcome)
{
  pm_log_event (outcome->in_force ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_WARNING, "applied",
                "in-force", outcome->in_force ? "yes" : "no", "revision", outcome->revision,
                "report", outcome->report, NULL);
}

static void
applied_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  g_autoptr (PmApplyResult) outcome = NULL;
  GError *error = NULL;

  outcome = pm_apply_finish (result, &error);
  if (outcome == NULL)
    {
      pm_call_fail (call, error);
      return;
    }
  pm_manager_log_outcome (outcome);
  pm_call_reply (call, g_variant_new ("(bss^as)", outcome->in_force, outcome->revision,
                                      outcome->report, outcome->log));
}

void
pm_call_apply (PmCall *call)
{
  PmManager *self = call->manager;
  g_autoptr (GBytes) bytes = NULL;
  const char *xml;
  const char *base;
  const char *comment;
  const char *how;
  guint timeout;
  PmApplyOrder order;

  pm_call_get_arguments (call, "(&s&s&s&su)", &xml, &base, &comment, &how, &timeout);
  if (!g_str_equal (how, "restart") && !g_str_equal (how, "reload"))
    {
      pm_call_fail (call, g_error_new_literal (PM_ERROR, PM_ERROR_INVALID,
                                               "A site is applied by “restart” or “reload” and by "
                                               "nothing else."));
      return;
    }
  bytes = take_xml (call, xml, comment);
  if (bytes == NULL)
    return;
  order = (PmApplyOrder){
    .keeper = self->keeper,
    .backend = self->backend,
    .link = self->link,
    .xml = bytes,
    .base_revision = base,
    .comment = comment,
    .who = call->who,
    .restart = g_str_equal (how, "restart"),
    .timeout = timeout == 0 ? PM_APPLY_TIMEOUT : MIN (timeout, MAX_APPLY_TIMEOUT),
  };
  pm_apply_async (&order, applied_cb, call);
}

static void
history_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  g_autoptr (GPtrArray) entries = NULL;
  GVariantBuilder builder;
  gsize size = 0;
  GError *error = NULL;

  entries = pm_site_keeper_history_finish (PM_SITE_KEEPER (source), result, &error);
  if (entries == NULL)
    {
      pm_call_fail (call, error);
      return;
    }
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(stss)"));
  for (guint i = 0; i < entries->len && size < MAX_HISTORY; i++)
    {
      const PmSiteHistoryEntry *entry = g_ptr_array_index (entries, i);

      size += HISTORY_OVERHEAD + strlen (entry->who) + strlen (entry->comment);
      g_variant_builder_add (&builder, "(stss)", entry->revision, (guint64) entry->time, entry->who,
                             entry->comment);
    }
  pm_call_reply (call, g_variant_new ("(a(stss))", &builder));
}

void
pm_call_history (PmCall *call)
{
  guint limit;

  pm_call_get_arguments (call, "(u)", &limit);
  pm_site_keeper_history_async (call->manager->keeper, limit, history_cb, call);
}

static void
revision_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  g_autoptr (GBytes) xml = NULL;
  g_autofree char *text = NULL;
  GError *error = NULL;

  xml = pm_site_keeper_read_revision_finish (PM_SITE_KEEPER (source), result, &error);
  if (xml == NULL || !pm_bus_check_size (g_bytes_get_size (xml), &error))
    {
      pm_call_fail (call, error);
      return;
    }
  text = g_utf8_make_valid (g_bytes_get_data (xml, NULL), (gssize) g_bytes_get_size (xml));
  pm_call_reply (call, g_variant_new ("(s)", text));
}

void
pm_call_read_revision (PmCall *call)
{
  const char *revision;

  pm_call_get_arguments (call, "(&s)", &revision);
  pm_site_keeper_read_revision_async (call->manager->keeper, revision, revision_read_cb, call);
}
