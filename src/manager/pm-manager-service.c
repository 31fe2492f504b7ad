// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The methods of Manager1 that switch the mail service, and its journal.

#include "base/pm-error.h"
#include "manager/pm-manager-private.h"
#include "manager/pm-service-switch.h"

#define MAX_JOURNAL 1000
/* Seconds: systemd's own bound is 90 by default, and its answer says more than ours. */
#define SWITCH_TIMEOUT 120
#define RELOAD_TIMEOUT 30
/* Milliseconds: what a service that is ready may take to say on the bus what it has loaded. */
#define WORD_TIMEOUT 3000

static void
failure_log_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  g_autoptr (GPtrArray) lines = NULL;
  g_autoptr (GString) message = g_string_new (call->failure->message);
  GError *error = NULL;

  lines = pm_service_backend_read_journal_finish (PM_SERVICE_BACKEND (source), result, NULL);
  if (lines != NULL && lines->len > 0)
    g_string_append (message, "\nIts last lines:");
  for (guint i = 0; lines != NULL && i < lines->len; i++)
    g_string_append_printf (message, "\n%s",
                            ((PmJournalLine *) g_ptr_array_index (lines, i))->text);
  g_set_error_literal (&error, call->failure->domain, call->failure->code, message->str);
  pm_call_fail (call, error);
}

static void
end_waiting (PmCall *call)
{
  g_signal_handler_disconnect (call->manager->link, call->link_id);
  g_signal_handler_disconnect (call->manager->keeper, call->keeper_id);
  g_clear_handle_id (&call->word_source, g_source_remove);
  pm_call_reply (call, NULL);
}

static gboolean
word_late_cb (gpointer data)
{
  PmCall *call = data;

  call->word_source = 0;
  end_waiting (call);
  return G_SOURCE_REMOVE;
}

/* What was started says something; what was told to read the site says that it has that one. */
static gboolean
has_word (const PmCall *call)
{
  const char *loaded = pm_relay_link_get_loaded_revision (call->manager->link);

  return *loaded != '\0' &&
         (call->verb == PM_SERVICE_START ||
          g_str_equal (loaded, pm_site_keeper_get_revision (call->manager->keeper)));
}

static void
heard_cb (PmCall *call)
{
  if (has_word (call))
    end_waiting (call);
}

/*
 * The service is ready, and tells on the bus what it has loaded a moment later. Whoever asks after
 * the reply whether the site is in force should not be told that it is not; a service that is not
 * on the bus is not waited for long.
 */
static void
await_word (PmCall *call)
{
  PmManager *self = call->manager;

  call->link_id = g_signal_connect_swapped (self->link, "changed", G_CALLBACK (heard_cb), call);
  call->keeper_id = g_signal_connect_swapped (self->keeper, "changed", G_CALLBACK (heard_cb), call);
  call->word_source = g_timeout_add (WORD_TIMEOUT, word_late_cb, call);
}

static void
switched_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  PmServiceBackend *backend = PM_SERVICE_BACKEND (source);

  if (!pm_service_switch_finish (backend, result, &call->failure))
    pm_service_backend_read_journal_async (backend, PM_APPLY_LOG_LINES, NULL, failure_log_cb, call);
  else if (call->verb == PM_SERVICE_STOP || has_word (call))
    pm_call_reply (call, NULL);
  else
    await_word (call);
}

static void
turn_switch (PmCall *call, PmServiceVerb verb, guint timeout)
{
  PmManager *self = call->manager;

  call->verb = verb;
  pm_service_switch_async (self->backend, self->link, verb, NULL, timeout, switched_cb, call);
}

void
pm_call_start_service (PmCall *call)
{
  turn_switch (call, PM_SERVICE_START, SWITCH_TIMEOUT);
}

void
pm_call_stop_service (PmCall *call)
{
  turn_switch (call, PM_SERVICE_STOP, SWITCH_TIMEOUT);
}

void
pm_call_restart_service (PmCall *call)
{
  turn_switch (call, PM_SERVICE_RESTART, SWITCH_TIMEOUT);
}

void
pm_call_reload_service (PmCall *call)
{
  turn_switch (call, PM_SERVICE_RELOAD, RELOAD_TIMEOUT);
}

static void
enabled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  GError *error = NULL;

  if (pm_service_backend_set_enabled_finish (PM_SERVICE_BACKEND (source), result, &error))
    pm_call_reply (call, NULL);
  else
    pm_call_fail (call, error);
}

void
pm_call_set_service_enabled (PmCall *call)
{
  gboolean enabled;

  pm_call_get_arguments (call, "(b)", &enabled);
  pm_service_backend_set_enabled_async (call->manager->backend, enabled, NULL, enabled_cb, call);
}

static void
journal_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  PmCall *call = data;
  g_autoptr (GPtrArray) lines = NULL;
  GVariantBuilder builder;
  GError *error = NULL;

  lines = pm_service_backend_read_journal_finish (PM_SERVICE_BACKEND (source), result, &error);
  if (lines == NULL)
    {
      pm_call_fail (call, error);
      return;
    }
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(tus)"));
  for (guint i = 0; i < lines->len; i++)
    {
      const PmJournalLine *line = g_ptr_array_index (lines, i);

      g_variant_builder_add (&builder, "(tus)", (guint64) line->time, line->priority, line->text);
    }
  pm_call_reply (call, g_variant_new ("(a(tus))", &builder));
}

void
pm_call_journal (PmCall *call)
{
  guint count;

  pm_call_get_arguments (call, "(u)", &count);
  pm_service_backend_read_journal_async (call->manager->backend, MIN (count, MAX_JOURNAL), NULL,
                                         journal_cb, call);
}
