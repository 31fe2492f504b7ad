// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Manager1's methods, each a line in one table: which polkit actions it needs, whether it changes
// something, and what does it. Between a call and its reply the main loop is always free.

#include "manager/pm-manager.h"

#include <string.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "bus/pm-bus-error.h"
#include "config.h"
#include "manager/pm-apply.h"
#include "manager/pm-service-switch.h"
#include "pm-manager-generated.h"

#define OBJECT_PATH "/org/pointsman/Manager1"
#define ACTION_READ "org.pointsman.manager.read"
#define ACTION_EDIT "org.pointsman.manager.edit"
#define ACTION_SERVICE "org.pointsman.manager.service"

#define MAX_COMMENT 4096
#define MAX_JOURNAL 1000
/* Bytes: what a reply may hold of the history, and what an entry takes beside its words. */
#define MAX_HISTORY (16 * 1024 * 1024)
#define HISTORY_OVERHEAD 128
/* How much one client may have under way: each call keeps its arguments until it is answered. */
#define MAX_CALLS 16
/* Seconds: systemd's own bound is 90 by default, and its answer says more than ours. */
#define SWITCH_TIMEOUT 120
#define RELOAD_TIMEOUT 30
/* Milliseconds: what a service that is ready may take to say on the bus what it has loaded. */
#define WORD_TIMEOUT 3000
#define MAX_APPLY_TIMEOUT 600

struct _PmManager
{
  GObject parent;

  PmBusManager *skeleton;    /* (owned) */
  PmSiteKeeper *keeper;      /* (owned) */
  PmServiceBackend *backend; /* (owned) */
  PmRelayLink *link;         /* (owned) */
  PmAuthority *authority;    /* (owned) */
  GDBusConnection *bus;      /* (owned) (nullable) */

  GHashTable *clients; /* (owned) (element-type utf8 Client): by unique name */
  guint calls;
  gboolean changing;
};

enum
{
  IDLE_CHANGED,
  SETTLED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmManager, pm_manager, G_TYPE_OBJECT)

typedef struct _Call Call;

typedef struct
{
  const char *name;
  const char *actions[3];
  gboolean changes;
  void (*run) (Call *call);
} Method;

/* From a method's call to its reply. */
struct _Call
{
  PmManager *manager;                /* (owned) */
  GDBusMethodInvocation *invocation; /* (owned): beside the reference that the reply consumes */
  const Method *method;
  guint n_authorized;
  guint who;
  gboolean holds_change;
  GError *failure; /* (owned) (nullable): while the log is read */

  /* while the service's word is waited for */
  PmServiceVerb verb;
  gulong link_id;
  gulong keeper_id;
  guint word_source;
};

/* --- What is going on ------------------------------------------------------------------------- */

gboolean
pm_manager_is_idle (PmManager *self)
{
  g_return_val_if_fail (PM_IS_MANAGER (self), TRUE);
  return self->calls == 0 && g_hash_table_size (self->clients) == 0;
}

static void
note_activity (PmManager *self, gboolean was_idle)
{
  gboolean is_idle = pm_manager_is_idle (self);

  if (is_idle != was_idle)
    g_signal_emit (self, signals[IDLE_CHANGED], 0, is_idle);
}

/* Whoever has called and is still on the bus. */
typedef struct
{
  guint watch;
  guint calls;
} Client;

static void
client_vanished_cb (GDBusConnection *bus, const char *name, gpointer data)
{
  PmManager *self = PM_MANAGER (data);
  gboolean was_idle = pm_manager_is_idle (self);

  g_hash_table_remove (self->clients, name);
  note_activity (self, was_idle);
}

static void
free_client (Client *client)
{
  g_bus_unwatch_name (client->watch);
  g_free (client);
}

static Client *
watch_client (PmManager *self, const char *name)
{
  Client *client = g_hash_table_lookup (self->clients, name);

  if (client != NULL)
    return client;
  client = g_new0 (Client, 1);
  client->watch = g_bus_watch_name_on_connection (self->bus, name, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                  NULL, client_vanished_cb, self, NULL);
  g_hash_table_insert (self->clients, g_strdup (name), client);
  return client;
}

static void
publish (PmManager *self)
{
  PmServiceStatus status;
  gboolean runs;

  pm_service_backend_get_status (self->backend, &status);
  runs = status.state == PM_SERVICE_RUNNING;
  pm_bus_manager_set_revision (self->skeleton, pm_site_keeper_get_revision (self->keeper));
  pm_bus_manager_set_loaded_revision (self->skeleton,
                                      runs ? pm_relay_link_get_loaded_revision (self->link) : "");
  pm_bus_manager_set_service_state (self->skeleton, pm_service_state_to_string (status.state));
  pm_bus_manager_set_service_detail (self->skeleton, status.detail != NULL ? status.detail : "");
  pm_bus_manager_set_service_since (self->skeleton, (guint64) status.since);
  pm_bus_manager_set_service_enabled (self->skeleton, status.enabled);
  pm_bus_manager_set_service_can_enable (self->skeleton, status.can_enable);
}

static void
site_changed_cb (PmSiteKeeper *keeper, const char *revision, gpointer data)
{
  PmManager *self = PM_MANAGER (data);

  publish (self);
  if (self->bus != NULL)
    {
      g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
      pm_bus_manager_emit_site_changed (self->skeleton, revision);
    }
}

static void
end_work (PmManager *self)
{
  self->calls--;
  note_activity (self, FALSE);
  if (self->calls == 0)
    g_signal_emit (self, signals[SETTLED], 0);
}

/* --- A call's life ---------------------------------------------------------------------------- */

static void
end_call (Call *call)
{
  PmManager *self = call->manager;
  Client *client = g_hash_table_lookup (self->clients,
                                        g_dbus_method_invocation_get_sender (call->invocation));

  if (client != NULL)
    client->calls--;
  if (call->holds_change)
    self->changing = FALSE;
  end_work (self);
  g_clear_error (&call->failure);
  g_object_unref (call->invocation);
  g_object_unref (call->manager);
  g_free (call);
}

static void
reply (Call *call, GVariant *value)
{
  PmManager *self = call->manager;

  /* Whoever gets the reply finds the properties already as it says. */
  publish (self);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  if (call->method->changes)
    pm_log_event (G_LOG_LEVEL_MESSAGE, "done", "method", call->method->name, NULL);
  g_dbus_method_invocation_return_value (call->invocation, value);
  end_call (call);
}

static void
fail (Call *call, GError *error)
{
  g_autoptr (GError) own = error;

  publish (call->manager);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (call->manager->skeleton));
  pm_log_event (G_LOG_LEVEL_MESSAGE, "refused-or-failed", "method", call->method->name, "reason",
                own->message, NULL);
  if (own->domain == PM_ERROR)
    g_dbus_method_invocation_return_gerror (call->invocation, own);
  else
    g_dbus_method_invocation_return_error_literal (call->invocation, PM_ERROR, PM_ERROR_FAILED,
                                                   own->message);
  end_call (call);
}

static void
get_arguments (Call *call, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_variant_get_va (g_dbus_method_invocation_get_parameters (call->invocation), format, NULL,
                    &args);
  va_end (args);
}

static void
run (Call *call)
{
  PmManager *self = call->manager;

  if (call->method->changes)
    {
      if (self->changing)
        {
          fail (call, g_error_new_literal (PM_ERROR, PM_ERROR_BUSY,
                                           "Another change is under way; try again when it is "
                                           "done."));
          return;
        }
      self->changing = TRUE;
      call->holds_change = TRUE;
    }
  call->method->run (call);
}

static void
who_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  g_autoptr (GVariant) answer = NULL;
  GError *error = NULL;

  answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (answer == NULL)
    {
      fail (call, error);
      return;
    }
  g_variant_get (answer, "(u)", &call->who);
  run (call);
}

static void
find_who (Call *call)
{
  const char *sender = g_dbus_method_invocation_get_sender (call->invocation);

  g_dbus_connection_call (call->manager->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "GetConnectionUnixUser",
                          g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(u)"),
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, who_cb, call);
}

static void authorize (Call *call);

static void
authorized_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  GError *error = NULL;

  if (pm_authority_check_finish (PM_AUTHORITY (source), result, &error))
    {
      call->n_authorized++;
      authorize (call);
    }
  else
    {
      fail (call, error);
    }
}

static void
authorize (Call *call)
{
  const char *action = call->method->actions[call->n_authorized];

  if (action != NULL)
    pm_authority_check_async (call->manager->authority, call->invocation, action, authorized_cb,
                              call);
  else if (call->method->changes)
    find_who (call);
  else
    run (call);
}

/* --- The site --------------------------------------------------------------------------------- */

static void
site_loaded_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  g_autofree char *revision = NULL;
  g_autoptr (GBytes) xml = NULL;
  GError *error = NULL;

  xml = pm_site_keeper_load_finish (PM_SITE_KEEPER (source), result, &revision, &error);
  if (xml == NULL)
    {
      fail (call, error);
      return;
    }
  if (!pm_bus_check_size (g_bytes_get_size (xml), &error))
    {
      fail (call, error);
      return;
    }
  if (!g_utf8_validate (g_bytes_get_data (xml, NULL), (gssize) g_bytes_get_size (xml), NULL))
    {
      fail (call, g_error_new (PM_ERROR, PM_ERROR_INVALID, "%s is not UTF-8 text.",
                               pm_site_keeper_get_path (call->manager->keeper)));
      return;
    }
  reply (call, g_variant_new ("(@ss)",
                              g_variant_new_take_string (g_strndup (g_bytes_get_data (xml, NULL),
                                                                    g_bytes_get_size (xml))),
                              revision));
}

static void
read_site (Call *call)
{
  pm_site_keeper_load_async (call->manager->keeper, site_loaded_cb, call);
}

/* The bytes of a string argument, or NULL after having failed the call. */
static GBytes *
take_xml (Call *call, const char *xml, const char *comment)
{
  gsize size = strlen (xml);
  GError *error = NULL;

  if (!pm_bus_check_size (size, &error))
    fail (call, error);
  else if (strlen (comment) > MAX_COMMENT)
    fail (call, g_error_new (PM_ERROR, PM_ERROR_TOO_LARGE,
                             "The comment is longer than %d bytes.", MAX_COMMENT));
  else
    return g_bytes_new (xml, size);
  return NULL;
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  g_autoptr (GPtrArray) problems = NULL;
  GVariantBuilder builder;
  GError *error = NULL;

  problems = pm_site_keeper_check_finish (PM_SITE_KEEPER (source), result, &error);
  if (problems == NULL)
    {
      fail (call, error);
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
  reply (call, g_variant_new ("(a(suuss))", &builder));
}

static void
check_site (Call *call)
{
  g_autoptr (GBytes) bytes = NULL;
  const char *xml;

  get_arguments (call, "(&s)", &xml);
  bytes = take_xml (call, xml, "");
  if (bytes != NULL)
    pm_site_keeper_check_async (call->manager->keeper, bytes, checked_cb, call);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  g_autofree char *revision = NULL;
  GError *error = NULL;

  revision = pm_site_keeper_save_finish (PM_SITE_KEEPER (source), result, &error);
  if (revision != NULL)
    reply (call, g_variant_new ("(s)", revision));
  else
    fail (call, error);
}

static void
write_site (Call *call)
{
  g_autoptr (GBytes) bytes = NULL;
  const char *xml;
  const char *base;
  const char *comment;

  get_arguments (call, "(&s&s&s)", &xml, &base, &comment);
  bytes = take_xml (call, xml, comment);
  if (bytes != NULL)
    pm_site_keeper_save_async (call->manager->keeper, bytes, base, call->who, comment, TRUE,
                               saved_cb, call);
}

static void
log_outcome (const PmApplyResult *outcome)
{
  pm_log_event (outcome->in_force ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_WARNING, "applied",
                "in-force", outcome->in_force ? "yes" : "no", "revision", outcome->revision,
                "report", outcome->report, NULL);
}

static void
applied_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  g_autoptr (PmApplyResult) outcome = NULL;
  GError *error = NULL;

  outcome = pm_apply_finish (result, &error);
  if (outcome == NULL)
    {
      fail (call, error);
      return;
    }
  log_outcome (outcome);
  reply (call, g_variant_new ("(bss^as)", outcome->in_force, outcome->revision, outcome->report,
                              outcome->log));
}

static void
apply (Call *call)
{
  PmManager *self = call->manager;
  g_autoptr (GBytes) bytes = NULL;
  const char *xml;
  const char *base;
  const char *comment;
  const char *how;
  guint timeout;
  PmApplyOrder order;

  get_arguments (call, "(&s&s&s&su)", &xml, &base, &comment, &how, &timeout);
  if (!g_str_equal (how, "restart") && !g_str_equal (how, "reload"))
    {
      fail (call, g_error_new_literal (PM_ERROR, PM_ERROR_INVALID,
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
  Call *call = data;
  g_autoptr (GPtrArray) entries = NULL;
  GVariantBuilder builder;
  gsize size = 0;
  GError *error = NULL;

  entries = pm_site_keeper_history_finish (PM_SITE_KEEPER (source), result, &error);
  if (entries == NULL)
    {
      fail (call, error);
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
  reply (call, g_variant_new ("(a(stss))", &builder));
}

static void
history (Call *call)
{
  guint limit;

  get_arguments (call, "(u)", &limit);
  pm_site_keeper_history_async (call->manager->keeper, limit, history_cb, call);
}

static void
revision_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  g_autoptr (GBytes) xml = NULL;
  g_autofree char *text = NULL;
  GError *error = NULL;

  xml = pm_site_keeper_read_revision_finish (PM_SITE_KEEPER (source), result, &error);
  if (xml == NULL || !pm_bus_check_size (g_bytes_get_size (xml), &error))
    {
      fail (call, error);
      return;
    }
  text = g_utf8_make_valid (g_bytes_get_data (xml, NULL), (gssize) g_bytes_get_size (xml));
  reply (call, g_variant_new ("(s)", text));
}

static void
read_revision (Call *call)
{
  const char *revision;

  get_arguments (call, "(&s)", &revision);
  pm_site_keeper_read_revision_async (call->manager->keeper, revision, revision_read_cb, call);
}

/* --- The service ------------------------------------------------------------------------------ */

static void
failure_log_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
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
  fail (call, error);
}

static void
end_waiting (Call *call)
{
  g_signal_handler_disconnect (call->manager->link, call->link_id);
  g_signal_handler_disconnect (call->manager->keeper, call->keeper_id);
  g_clear_handle_id (&call->word_source, g_source_remove);
  reply (call, NULL);
}

static gboolean
word_late_cb (gpointer data)
{
  Call *call = data;

  call->word_source = 0;
  end_waiting (call);
  return G_SOURCE_REMOVE;
}

/* What was started says something; what was told to read the site says that it has that one. */
static gboolean
has_word (const Call *call)
{
  const char *loaded = pm_relay_link_get_loaded_revision (call->manager->link);

  return *loaded != '\0' &&
         (call->verb == PM_SERVICE_START ||
          g_str_equal (loaded, pm_site_keeper_get_revision (call->manager->keeper)));
}

static void
heard_cb (Call *call)
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
await_word (Call *call)
{
  PmManager *self = call->manager;

  call->link_id = g_signal_connect_swapped (self->link, "changed", G_CALLBACK (heard_cb), call);
  call->keeper_id = g_signal_connect_swapped (self->keeper, "changed", G_CALLBACK (heard_cb), call);
  call->word_source = g_timeout_add (WORD_TIMEOUT, word_late_cb, call);
}

static void
switched_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  PmServiceBackend *backend = PM_SERVICE_BACKEND (source);

  if (!pm_service_switch_finish (backend, result, &call->failure))
    pm_service_backend_read_journal_async (backend, PM_APPLY_LOG_LINES, NULL, failure_log_cb, call);
  else if (call->verb == PM_SERVICE_STOP || has_word (call))
    reply (call, NULL);
  else
    await_word (call);
}

static void
turn_switch (Call *call, PmServiceVerb verb, guint timeout)
{
  PmManager *self = call->manager;

  call->verb = verb;
  pm_service_switch_async (self->backend, self->link, verb, NULL, timeout, switched_cb, call);
}

static void
start_service (Call *call)
{
  turn_switch (call, PM_SERVICE_START, SWITCH_TIMEOUT);
}

static void
stop_service (Call *call)
{
  turn_switch (call, PM_SERVICE_STOP, SWITCH_TIMEOUT);
}

static void
restart_service (Call *call)
{
  turn_switch (call, PM_SERVICE_RESTART, SWITCH_TIMEOUT);
}

static void
reload_service (Call *call)
{
  turn_switch (call, PM_SERVICE_RELOAD, RELOAD_TIMEOUT);
}

static void
enabled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  GError *error = NULL;

  if (pm_service_backend_set_enabled_finish (PM_SERVICE_BACKEND (source), result, &error))
    reply (call, NULL);
  else
    fail (call, error);
}

static void
set_service_enabled (Call *call)
{
  gboolean enabled;

  get_arguments (call, "(b)", &enabled);
  pm_service_backend_set_enabled_async (call->manager->backend, enabled, NULL, enabled_cb, call);
}

static void
journal_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  g_autoptr (GPtrArray) lines = NULL;
  GVariantBuilder builder;
  GError *error = NULL;

  lines = pm_service_backend_read_journal_finish (PM_SERVICE_BACKEND (source), result, &error);
  if (lines == NULL)
    {
      fail (call, error);
      return;
    }
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(tus)"));
  for (guint i = 0; i < lines->len; i++)
    {
      const PmJournalLine *line = g_ptr_array_index (lines, i);

      g_variant_builder_add (&builder, "(tus)", (guint64) line->time, line->priority, line->text);
    }
  reply (call, g_variant_new ("(a(tus))", &builder));
}

static void
journal (Call *call)
{
  guint count;

  get_arguments (call, "(u)", &count);
  pm_service_backend_read_journal_async (call->manager->backend, MIN (count, MAX_JOURNAL), NULL,
                                         journal_cb, call);
}

/* --- The object ------------------------------------------------------------------------------- */

static const Method methods[] = {
  { "ReadSite", { ACTION_READ }, FALSE, read_site },
  { "CheckSite", { ACTION_READ }, FALSE, check_site },
  { "WriteSite", { ACTION_EDIT }, TRUE, write_site },
  { "Apply", { ACTION_EDIT, ACTION_SERVICE }, TRUE, apply },
  { "History", { ACTION_READ }, FALSE, history },
  { "ReadRevision", { ACTION_READ }, FALSE, read_revision },
  { "StartService", { ACTION_SERVICE }, TRUE, start_service },
  { "StopService", { ACTION_SERVICE }, TRUE, stop_service },
  { "RestartService", { ACTION_SERVICE }, TRUE, restart_service },
  { "ReloadService", { ACTION_SERVICE }, TRUE, reload_service },
  { "SetServiceEnabled", { ACTION_SERVICE }, TRUE, set_service_enabled },
  { "Journal", { ACTION_READ }, FALSE, journal },
};

static const char *const handler_signals[] = {
  "handle-read-site", "handle-check-site", "handle-write-site", "handle-apply", "handle-history",
  "handle-read-revision", "handle-start-service", "handle-stop-service", "handle-restart-service",
  "handle-reload-service", "handle-set-service-enabled", "handle-journal"
};

static void
receive (PmManager *self, GDBusMethodInvocation *invocation, const Method *method)
{
  gboolean was_idle = pm_manager_is_idle (self);
  Client *client = watch_client (self, g_dbus_method_invocation_get_sender (invocation));
  Call *call = g_new0 (Call, 1);

  call->manager = g_object_ref (self);
  call->invocation = g_object_ref (invocation);
  call->method = method;
  self->calls++;
  note_activity (self, was_idle);
  if (++client->calls > MAX_CALLS)
    fail (call, g_error_new (PM_ERROR, PM_ERROR_BUSY,
                             "This program has %d calls under way already; wait for one to be "
                             "answered.",
                             MAX_CALLS));
  else
    authorize (call);
}

/* One closure for every handle- signal: the invocation itself holds the arguments. */
static void
marshal_call (GClosure *closure,
              GValue *result,
              guint n_params,
              const GValue *params,
              gpointer hint,
              gpointer marshal_data)
{
  receive (closure->data, g_value_get_object (&params[1]), marshal_data);
  g_value_set_boolean (result, TRUE);
}

static void
connect_methods (PmManager *self)
{
  G_STATIC_ASSERT (G_N_ELEMENTS (methods) == G_N_ELEMENTS (handler_signals));

  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      GClosure *closure = g_closure_new_object (sizeof (GClosure), G_OBJECT (self));

      g_closure_set_meta_marshal (closure, (gpointer) &methods[i], marshal_call);
      g_signal_connect_closure (self->skeleton, handler_signals[i], closure, FALSE);
    }
}

static void
pm_manager_dispose (GObject *object)
{
  PmManager *self = PM_MANAGER (object);

  if (self->bus != NULL)
    g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_clear_object (&self->bus);
  g_hash_table_remove_all (self->clients);
  g_clear_object (&self->keeper);
  g_clear_object (&self->backend);
  g_clear_object (&self->link);
  g_clear_object (&self->authority);
  G_OBJECT_CLASS (pm_manager_parent_class)->dispose (object);
}

static void
pm_manager_finalize (GObject *object)
{
  PmManager *self = PM_MANAGER (object);

  g_object_unref (self->skeleton);
  g_hash_table_unref (self->clients);
  G_OBJECT_CLASS (pm_manager_parent_class)->finalize (object);
}

static void
pm_manager_class_init (PmManagerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = pm_manager_dispose;
  object_class->finalize = pm_manager_finalize;
  signals[IDLE_CHANGED] = g_signal_new ("idle-changed", PM_TYPE_MANAGER, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
  signals[SETTLED] = g_signal_new ("settled", PM_TYPE_MANAGER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
pm_manager_init (PmManager *self)
{
  self->skeleton = pm_bus_manager_skeleton_new ();
  self->clients = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify) free_client);
  connect_methods (self);
}

/**
 * pm_manager_new:
 * @keeper: the site
 * @backend: the service's switch
 * @link: the service on the bus
 * @authority: who may do what
 * @server_name: (nullable): this machine's server in the site
 * @session_mode: what the property says
 */
PmManager *
pm_manager_new (PmSiteKeeper *keeper,
                PmServiceBackend *backend,
                PmRelayLink *link,
                PmAuthority *authority,
                const char *server_name,
                gboolean session_mode)
{
  PmManager *self = g_object_new (PM_TYPE_MANAGER, NULL);

  self->keeper = g_object_ref (keeper);
  self->backend = g_object_ref (backend);
  self->link = g_object_ref (link);
  self->authority = g_object_ref (authority);
  pm_bus_manager_set_version (self->skeleton, PM_VERSION);
  pm_bus_manager_set_session_mode (self->skeleton, session_mode);
  pm_bus_manager_set_site_path (self->skeleton, pm_site_keeper_get_path (keeper));
  pm_bus_manager_set_server_name (self->skeleton, server_name != NULL ? server_name : "");
  pm_bus_manager_set_service_backend (self->skeleton, pm_service_backend_get_kind (backend));
  g_signal_connect_object (keeper, "changed", G_CALLBACK (site_changed_cb), self, 0);
  g_signal_connect_object (backend, "changed", G_CALLBACK (publish), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (link, "changed", G_CALLBACK (publish), self, G_CONNECT_SWAPPED);
  publish (self);
  return self;
}

static void
resumed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (PmManager) self = data;
  g_autoptr (PmApplyResult) outcome = NULL;
  g_autoptr (GError) error = NULL;

  outcome = pm_apply_finish (result, &error);
  if (outcome != NULL)
    log_outcome (outcome);
  else
    pm_log_event (G_LOG_LEVEL_WARNING, "not-taken-up", "reason", error->message, NULL);
  self->changing = FALSE;
  publish (self);
  end_work (self);
}

/**
 * pm_manager_resume:
 *
 * Takes up what a former manager was interrupted in; until it is done other changes are refused as
 * busy.
 *
 * Returns: whether there was something
 */
gboolean
pm_manager_resume (PmManager *self)
{
  gboolean was_idle = pm_manager_is_idle (self);

  if (!pm_apply_is_pending (self->keeper))
    return FALSE;
  self->changing = TRUE;
  self->calls++;
  note_activity (self, was_idle);
  pm_apply_resume_async (self->keeper, self->backend, self->link, resumed_cb, g_object_ref (self));
  return TRUE;
}

/* Whether a call is not answered yet, or an Apply taken up; `settled` tells when that is over. */
gboolean
pm_manager_is_busy (PmManager *self)
{
  g_return_val_if_fail (PM_IS_MANAGER (self), FALSE);
  return self->calls > 0;
}

gboolean
pm_manager_export (PmManager *self, GDBusConnection *bus, GError **error)
{
  g_return_val_if_fail (PM_IS_MANAGER (self), FALSE);

  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), bus,
                                         OBJECT_PATH, error))
    return FALSE;
  self->bus = g_object_ref (bus);
  return TRUE;
}
