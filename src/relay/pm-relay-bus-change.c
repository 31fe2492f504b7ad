// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Changes of the queue by hand. What it promises: however many messages are meant, they are changed
// a page at a time, so that nobody else waits; each page is committed as it is done; it can be
// followed and stopped; and message tracking knows of each message what was done to it.

#include "relay/pm-relay-bus-call.h"

#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"
#include "base/pm-log.h"
#include "relay/pm-bounce.h"
#include "relay/pm-relay-bus-which.h"
#include "relay/pm-relay-event.h"

#define PAGE 500
#define MAX_CHANGES 16
#define INTERFACE "org.pointsman.Relay1"
#define PATH "/org/pointsman/Relay1"

typedef struct
{
  PmRelayBusCall *call;
  PmQueue *queue;            /* (owned) */
  PmRelaySettings *settings; /* (owned) */
  PmRelayBusWhich *which;    /* (owned) */
  PmQueueChange change;
  char *redirect; /* (owned) (nullable): of change */
  gboolean report;
  char *name;                /* (owned) (nullable): in the call's changes */
  GCancellable *cancellable; /* (owned) */
  guint64 until;             /* what comes in later is not meant */
  guint64 after;
  guint next; /* of the named ones */
  gboolean last;
  GPtrArray *messages; /* (owned) (nullable): the page at hand */
  GPtrArray *updates;  /* (owned) (nullable) (element-type PmQueueUpdate) */
  guint outstanding;
  guint count;
  GError *error; /* (owned) (nullable) */
} Change;

static int changes; /* under way, in the engine's thread */

static void
free_change (Change *change)
{
  changes--;
  g_object_unref (change->queue);
  pm_relay_settings_unref (change->settings);
  pm_relay_bus_which_free (change->which);
  g_free (change->redirect);
  g_free (change->name);
  g_object_unref (change->cancellable);
  g_clear_pointer (&change->messages, g_ptr_array_unref);
  g_clear_pointer (&change->updates, g_ptr_array_unref);
  g_clear_error (&change->error);
  g_free (change);
}

static void next_page (GTask *task);

static void
finish (GTask *task)
{
  Change *change = g_task_get_task_data (task);

  if (change->name != NULL)
    g_hash_table_remove (change->call->changes, change->name);
  pm_relay_queue_edited (g_task_get_source_object (task));
  if (change->error != NULL)
    g_task_return_error (task, g_steal_pointer (&change->error));
  else
    pm_relay_bus_return (task, g_variant_new ("(u)", change->count));
}

static void
tell_progress (Change *change)
{
  if (change->which->operation == 0)
    return;
  g_dbus_connection_emit_signal (change->call->connection, change->call->sender, PATH, INTERFACE,
                                 "QueueProgress",
                                 g_variant_new ("(uu)", change->which->operation, change->count),
                                 NULL);
}

static void
add_event (PmRelay *relay, const Change *change, const PmQueueMessage *message)
{
  static const PmEvent events[] = {
    [PM_QUEUE_HOLD] = PM_EVENT_HELD,
    [PM_QUEUE_RELEASE] = PM_EVENT_RELEASED,
    [PM_QUEUE_DELETE] = PM_EVENT_DELETED,
    [PM_QUEUE_REDIRECT] = PM_EVENT_REDIRECTED,
  };
  PmQueueVerb verb = change->change.verb;

  if (verb == PM_QUEUE_RETRY || verb == PM_QUEUE_SET_PRIORITY ||
      (verb == PM_QUEUE_HOLD && message->held) || (verb == PM_QUEUE_RELEASE && !message->held))
    return;
  pm_relay_event (relay, &(PmRelayEvent){
                             .event = events[verb],
                             .message = message->id,
                             .from = message->sender,
                             .relay = verb == PM_QUEUE_REDIRECT ? change->redirect : NULL,
                             .received = message->received,
                             .what = "asked",
                         });
}

/* The page is on the disk. */
static void
end_page (GTask *task)
{
  Change *change = g_task_get_task_data (task);

  for (guint i = 0; i < change->messages->len && change->error == NULL; i++)
    add_event (g_task_get_source_object (task), change, g_ptr_array_index (change->messages, i));
  if (change->error != NULL || change->last)
    {
      finish (task);
      return;
    }
  tell_progress (change);
  next_page (task);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Change *change = g_task_get_task_data (task);
  guint count = 0;

  pm_queue_change_finish (PM_QUEUE (source), result, &count, &change->error);
  change->count += count;
  end_page (task);
}

static void
change_page (GTask *task)
{
  Change *change = g_task_get_task_data (task);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint64));

  for (guint i = 0; i < change->messages->len; i++)
    {
      const PmQueueMessage *message = g_ptr_array_index (change->messages, i);

      g_array_append_val (ids, message->id);
    }
  pm_queue_change_async (change->queue, &change->change, (const guint64 *) (gpointer) ids->data,
                         ids->len, NULL, NULL, NULL, changed_cb, g_object_ref (task));
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Change *change = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  gint64 next_try;

  if (pm_queue_update_finish (PM_QUEUE (source), result, &next_try, &error))
    change->count++;
  else if (change->error == NULL)
    change->error = g_steal_pointer (&error);
  if (--change->outstanding == 0)
    end_page (task);
}

static void
remove_page (GTask *task)
{
  Change *change = g_task_get_task_data (task);

  change->outstanding = change->updates->len;
  while (change->updates->len > 0)
    pm_queue_update_async (change->queue, g_ptr_array_steal_index (change->updates, 0), removed_cb,
                           g_object_ref (task));
}

/* The message's end with its report. A report gets none of its own. (transfer full) (nullable) */
static PmQueueUpdate *
make_removal (Change *change, const PmQueueMessage *message, GError **error)
{
  g_autoptr (PmQueueUpdate) update = pm_queue_update_new (message->id);
  g_autoptr (GPtrArray) recipients =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_bounce_recipient_free);
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 550, "5.7.0",
                         "The administrator has removed the message from the queue");
  g_autoptr (GBytes) body = pm_queue_open_body (change->queue, message->id, error);
  gint64 now = g_get_real_time ();
  const PmBounceReport report = {
    .kind = PM_REPORT_FAILED,
    .message = message,
    .recipients = recipients,
    .now = now,
    .expires = now,
  };
  PmQueueMessage *bounce;

  if (body == NULL)
    return NULL;
  for (guint i = 0; i < message->recipients->len; i++)
    {
      const PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, i);

      g_ptr_array_add (recipients, pm_bounce_recipient_new (recipient, reply, NULL));
      pm_queue_update_add (update, recipient, PM_OUTCOME_DONE, "");
    }
  if (*message->sender == '\0' ||
      pm_bounce_judge (change->settings, NULL, &report) != PM_BOUNCE_DUE)
    return g_steal_pointer (&update);

  bounce = pm_bounce_new (change->settings, change->queue, &report, body, error);
  if (bounce == NULL)
    return NULL;
  g_ptr_array_add (update->follow_ups, bounce);
  return g_steal_pointer (&update);
}

static gboolean
make_removals (Change *change, GError **error)
{
  g_clear_pointer (&change->updates, g_ptr_array_unref);
  change->updates = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_update_free);
  for (guint i = 0; i < change->messages->len; i++)
    {
      g_autoptr (GError) local = NULL;
      PmQueueUpdate *update =
          make_removal (change, g_ptr_array_index (change->messages, i), &local);

      if (update != NULL)
        g_ptr_array_add (change->updates, update);
      else if (!g_error_matches (local, PM_ERROR, PM_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  return TRUE;
}

/* (transfer full) (nullable): the next ids; .last when there are no more */
static GArray *
take_ids (Change *change, GError **error)
{
  GArray *all = change->which->ids;
  g_autoptr (GArray) ids = NULL;

  if (all != NULL)
    {
      guint n = MIN (all->len - change->next, PAGE);

      ids = g_array_new (FALSE, FALSE, sizeof (guint64));
      if (n > 0)
        g_array_append_vals (ids, &g_array_index (all, guint64, change->next), n);
      change->next += n;
      change->last = change->next == all->len;
      return g_steal_pointer (&ids);
    }
  ids = pm_queue_select (change->queue, change->which->filter, change->after, PAGE, &change->after,
                         error);
  if (ids == NULL)
    return NULL;
  while (ids->len > 0 && g_array_index (ids, guint64, ids->len - 1) > change->until)
    g_array_set_size (ids, ids->len - 1);
  change->last = change->after == 0 || change->after >= change->until;
  return g_steal_pointer (&ids);
}

static void
page_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Change *change = data;
  GError *error = NULL;
  g_autoptr (GArray) ids = take_ids (change, &error);

  g_clear_pointer (&change->messages, g_ptr_array_unref);
  if (ids != NULL)
    change->messages = pm_queue_load_each (change->queue, ids, &error);
  if (change->messages == NULL || (change->report && !make_removals (change, &error)))
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
page_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Change *change = g_task_get_task_data (task);

  if (!g_task_propagate_boolean (G_TASK (result), &change->error))
    finish (task);
  else if (g_cancellable_is_cancelled (change->cancellable))
    {
      g_set_error (&change->error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                   "Stopped when %u messages were changed, which stay so", change->count);
      finish (task);
    }
  else if (change->report && change->updates->len > 0)
    remove_page (task);
  else if (!change->report && change->messages->len > 0)
    change_page (task);
  else
    end_page (task);
}

static void
next_page (GTask *task)
{
  pm_relay_bus_run_in_thread (task, page_in_thread, page_cb);
}

static char *
get_name (const PmRelayBusCall *call, guint operation)
{
  return g_strdup_printf ("%s %u", call->sender != NULL ? call->sender : "", operation);
}

/* The caller may follow and stop it by its number. */
static gboolean
enter_name (Change *change, GError **error)
{
  g_autofree char *name = NULL;

  if (change->which->operation == 0)
    return TRUE;
  name = get_name (change->call, change->which->operation);
  if (g_hash_table_contains (change->call->changes, name))
    {
      g_set_error (error, PM_ERROR, PM_ERROR_BUSY, "Operation %u is under way already",
                   change->which->operation);
      return FALSE;
    }
  g_hash_table_insert (change->call->changes, g_strdup (name),
                       g_object_ref (change->cancellable));
  change->name = g_steal_pointer (&name);
  return TRUE;
}

static void
log_change (const Change *change)
{
  static const char *const verbs[] = {
    [PM_QUEUE_HOLD] = "hold",
    [PM_QUEUE_RELEASE] = "release",
    [PM_QUEUE_RETRY] = "retry",
    [PM_QUEUE_DELETE] = "delete",
    [PM_QUEUE_REDIRECT] = "redirect",
    [PM_QUEUE_SET_PRIORITY] = "set-priority",
  };
  g_autofree char *n = NULL;

  if (change->which->ids != NULL)
    n = g_strdup_printf ("%u", change->which->ids->len);
  pm_log_event (G_LOG_LEVEL_MESSAGE, "queue-change-asked", "verb", verbs[change->change.verb],
                "messages", n != NULL ? n : "by-filter", "report",
                change->change.verb != PM_QUEUE_DELETE ? NULL
                : change->report                       ? "yes"
                                                       : "no",
                "host", change->redirect, "by", change->call->sender, NULL);
}

/* @which: (transfer full) (nullable): with @error when it cannot be read */
static void
start (PmRelayBusCall *call,
       GTask *task,
       PmRelayBusWhich *which,
       const PmQueueChange *wanted,
       gboolean report,
       GError *error)
{
  g_autoptr (PmRelayBusWhich) owned = which;
  Change *change;

  if (which == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (changes >= MAX_CHANGES)
    {
      g_task_return_new_error (task, PM_ERROR, PM_ERROR_BUSY,
                               "%d changes are under way; wait for one of them", changes);
      return;
    }
  changes++;
  change = g_new0 (Change, 1);
  change->call = call;
  change->queue = g_object_ref (pm_relay_get_queue (call->relay));
  change->settings = pm_relay_dup_settings (call->relay);
  change->which = g_steal_pointer (&owned);
  change->redirect = g_strdup (wanted->redirect);
  change->change = *wanted;
  change->change.redirect = change->redirect;
  change->report = report;
  change->cancellable = g_cancellable_new ();
  change->until = pm_queue_new_id (change->queue);
  g_task_set_task_data (task, change, (GDestroyNotify) free_change);
  if (!enter_name (change, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  log_change (change);
  next_page (task);
}

static void
start_by_filter (PmRelayBusCall *call, GTask *task, const PmQueueChange *wanted, gboolean report)
{
  g_autoptr (GVariant) filter = g_variant_get_child_value (call->parameters, 0);
  GError *error = NULL;
  PmRelayBusWhich *which = pm_relay_bus_which_read (filter, TRUE, g_get_real_time (), &error);

  start (call, task, which, wanted, report, error);
}

void
pm_relay_bus_hold_messages (PmRelayBusCall *call, GTask *task)
{
  start_by_filter (call, task, &(PmQueueChange){ .verb = PM_QUEUE_HOLD }, FALSE);
}

void
pm_relay_bus_release_messages (PmRelayBusCall *call, GTask *task)
{
  start_by_filter (call, task, &(PmQueueChange){ .verb = PM_QUEUE_RELEASE }, FALSE);
}

void
pm_relay_bus_retry_matching (PmRelayBusCall *call, GTask *task)
{
  start_by_filter (call, task, &(PmQueueChange){ .verb = PM_QUEUE_RETRY }, FALSE);
}

void
pm_relay_bus_delete_matching (PmRelayBusCall *call, GTask *task)
{
  gboolean report;

  g_variant_get_child (call->parameters, 1, "b", &report);
  start_by_filter (call, task, &(PmQueueChange){ .verb = PM_QUEUE_DELETE }, report);
}

/* By ids alone; none of them means all. */
void
pm_relay_bus_retry_messages (PmRelayBusCall *call, GTask *task)
{
  g_autoptr (GVariant) ids = g_variant_get_child_value (call->parameters, 0);

  start (call, task, pm_relay_bus_which_new (g_variant_n_children (ids) > 0 ? ids : NULL),
         &(PmQueueChange){ .verb = PM_QUEUE_RETRY }, FALSE, NULL);
}

void
pm_relay_bus_delete_messages (PmRelayBusCall *call, GTask *task)
{
  g_autoptr (GVariant) ids = g_variant_get_child_value (call->parameters, 0);
  gboolean report;

  g_variant_get_child (call->parameters, 1, "b", &report);
  start (call, task, pm_relay_bus_which_new (ids), &(PmQueueChange){ .verb = PM_QUEUE_DELETE },
         report, NULL);
}

/* (transfer full) (nullable): `HOST:PORT`, addresses of IPv6 in brackets; "" stays "" */
static char *
read_host (const char *text, GError **error)
{
  g_autoptr (GSocketConnectable) found = NULL;
  g_autofree char *name = NULL;
  const char *host;

  if (*text == '\0')
    return g_strdup ("");
  if (strlen (text) < 300 && g_str_is_ascii (text))
    found = g_network_address_parse (text, 25, NULL);
  host = found == NULL ? NULL : g_network_address_get_hostname (G_NETWORK_ADDRESS (found));
  if (host != NULL && g_network_address_get_port (G_NETWORK_ADDRESS (found)) > 0)
    name = g_hostname_is_ip_address (host) ? g_strdup (host)
                                           : pm_domain_name_normalize (host, NULL);
  if (name == NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   "“%.100s” is not a host, as mail.example.com:25 or [2001:db8::1]:25", text);
      return NULL;
    }
  return g_strdup_printf (strchr (name, ':') != NULL ? "[%s]:%u" : "%s:%u", name,
                          (guint) g_network_address_get_port (G_NETWORK_ADDRESS (found)));
}

void
pm_relay_bus_redirect_messages (PmRelayBusCall *call, GTask *task)
{
  g_autofree char *host = NULL;
  GError *error = NULL;
  const char *text;

  g_variant_get_child (call->parameters, 1, "&s", &text);
  host = read_host (text, &error);
  if (host == NULL)
    g_task_return_error (task, error);
  else
    start_by_filter (call, task,
                     &(PmQueueChange){ .verb = PM_QUEUE_REDIRECT, .redirect = host }, FALSE);
}

void
pm_relay_bus_set_priority (PmRelayBusCall *call, GTask *task)
{
  int priority;

  g_variant_get_child (call->parameters, 1, "i", &priority);
  if (priority < -9 || priority > 9)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_INVALID,
                             "A priority is from -9 to 9 (RFC 6710), not %d", priority);
  else
    start_by_filter (call, task,
                     &(PmQueueChange){ .verb = PM_QUEUE_SET_PRIORITY, .priority = priority },
                     FALSE);
}

void
pm_relay_bus_cancel_operation (PmRelayBusCall *call, GTask *task)
{
  g_autofree char *name = NULL;
  GCancellable *cancellable;
  guint operation;

  g_variant_get (call->parameters, "(u)", &operation);
  name = get_name (call, operation);
  cancellable = g_hash_table_lookup (call->changes, name);
  if (cancellable == NULL)
    {
      g_task_return_new_error (task, PM_ERROR, PM_ERROR_NOT_FOUND,
                               "There is no operation %u of yours under way", operation);
      return;
    }
  g_cancellable_cancel (cancellable);
  pm_relay_bus_return (task, g_variant_new ("()"));
}
