// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The queue as the bus shows and changes it.

#include "relay/pm-relay-bus-queue.h"

#include <string.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "bus/pm-queue-recipients.h"
#include "relay/pm-bounce.h"
#include "relay/pm-header.h"

#define MAX_PAGE 1000
#define MAX_HEADER (64 * 1024)

/* What a method needs while it is under way. */
typedef struct
{
  PmQueue *queue;
  PmRelaySettings *settings;
  gint64 now;
  int agent;
  guint64 after;
  guint limit;
  GArray *ids;         /* (element-type guint64) */
  GPtrArray *messages; /* (nullable) (element-type PmQueueMessage) */
  GPtrArray *updates;  /* (nullable) (element-type PmQueueUpdate) */
  char *header;
  guint64 total;
  guint count;
  guint outstanding;
  GError *error;
} Call;

static void
free_call (Call *call)
{
  g_object_unref (call->queue);
  pm_relay_settings_unref (call->settings);
  g_array_unref (call->ids);
  g_clear_pointer (&call->messages, g_ptr_array_unref);
  g_clear_pointer (&call->updates, g_ptr_array_unref);
  g_clear_error (&call->error);
  g_free (call->header);
  g_free (call);
}

static GTask *
new_task (PmRelay *relay, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (relay, NULL, callback, data);
  Call *call = g_new0 (Call, 1);

  call->queue = g_object_ref (pm_relay_get_queue (relay));
  call->settings = pm_relay_dup_settings (relay);
  call->now = g_get_real_time ();
  call->ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_task_set_task_data (task, call, (GDestroyNotify) free_call);
  return task;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  guint64 x = *(const guint64 *) a;
  guint64 y = *(const guint64 *) b;

  return x < y ? -1 : x > y;
}

/* Each once, whatever the caller wrote: a message that stands there twice is one message. */
static void
read_ids (Call *call, GVariant *list)
{
  gsize n;
  const guint64 *ids = g_variant_get_fixed_array (list, &n, sizeof (guint64));
  guint kept = 0;

  if (n == 0)
    return;
  g_array_append_vals (call->ids, ids, (guint) n);
  g_array_sort (call->ids, compare_ids);
  for (guint i = 0; i < call->ids->len; i++)
    {
      guint64 id = g_array_index (call->ids, guint64, i);

      if (kept == 0 || g_array_index (call->ids, guint64, kept - 1) != id)
        g_array_index (call->ids, guint64, kept++) = id;
    }
  g_array_set_size (call->ids, kept);
}

/* Does the blocking part of @task in a thread, then goes on with @next in this one. */
static void
run_in_thread (GTask *task, GTaskThreadFunc func, GAsyncReadyCallback next)
{
  g_autoptr (GTask) part = g_task_new (g_task_get_source_object (task), NULL, next,
                                       g_object_ref (task));

  g_task_set_task_data (part, g_task_get_task_data (task), NULL);
  g_task_run_in_thread (part, func);
}

static gboolean
is_held (const Call *call, const PmQueueRecipient *recipient)
{
  return recipient->agent == PM_QUEUE_REMOTE &&
         call->settings->service->transfer == PM_TRANSFER_INBOUND;
}

static const char *
get_state (PmRelay *relay, const Call *call, guint64 message, const PmQueueRecipient *recipient)
{
  if (is_held (call, recipient))
    return "held";
  // One that waits for a host that is known to be dead was never tried, and is deferred too.
  return pm_relay_is_active (relay, message) ? "active" : "deferred";
}

/* The recipient that is tried next speaks for the message. */
static const PmQueueRecipient *
choose_first (const PmQueueMessage *message)
{
  const PmQueueRecipient *first = NULL;

  for (guint i = 0; i < message->recipients->len; i++)
    {
      const PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, i);

      if (first == NULL || recipient->next_try < first->next_try)
        first = recipient;
    }
  return first;
}

/* A page of large mailings must fit into one message of the bus. */
static void
add_recipients (const PmQueueMessage *message, GVariantBuilder *builder)
{
  guint n = MIN (message->recipients->len, PM_BUS_MAX_LISTED);

  for (guint i = 0; i < n; i++)
    g_variant_builder_add (
        builder, "s",
        ((const PmQueueRecipient *) g_ptr_array_index (message->recipients, i))->address);
  if (message->recipients->len > n)
    {
      g_autofree char *more = pm_bus_more_recipients (message->recipients->len - n);

      g_variant_builder_add (builder, "s", more);
    }
}

static void
add_message (PmRelay *relay, const Call *call, const PmQueueMessage *message,
             GVariantBuilder *builder)
{
  const PmQueueRecipient *first = choose_first (message);
  GVariantBuilder recipients;

  if (first == NULL)
    return;
  g_variant_builder_init (&recipients, G_VARIANT_TYPE ("as"));
  add_recipients (message, &recipients);
  g_variant_builder_add (builder, "(tsasttxusss)", message->id, message->sender, &recipients,
                         message->size, (guint64) message->received, first->next_try,
                         first->attempts, get_state (relay, call, message->id, first),
                         first->destination, first->reply);
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;
  GVariantBuilder builder;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(tsasttxusss)"));
  for (guint i = 0; i < call->messages->len; i++)
    add_message (PM_RELAY (source), call, g_ptr_array_index (call->messages, i), &builder);
  g_task_return_pointer (task,
                         g_variant_ref_sink (g_variant_new ("(a(tsasttxusss)u)", &builder,
                                                            (guint) call->total)),
                         (GDestroyNotify) g_variant_unref);
}

static void
list_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Call *call = data;
  GError *error = NULL;

  call->messages = pm_queue_list (call->queue, call->agent, call->after, call->limit, &error);
  if (call->messages != NULL && pm_queue_count (call->queue, call->agent, &call->total, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
pm_relay_bus_list_queue (PmRelay *relay,
                         GVariant *parameters,
                         GAsyncReadyCallback callback,
                         gpointer data)
{
  g_autoptr (GTask) task = new_task (relay, callback, data);
  Call *call = g_task_get_task_data (task);
  const char *queue;

  g_variant_get (parameters, "(&stu)", &queue, &call->after, &call->limit);
  call->agent = *queue == '\0'                    ? -1
                : strcmp (queue, "inbound") == 0  ? (int) PM_QUEUE_MAILBOX
                : strcmp (queue, "outbound") == 0 ? (int) PM_QUEUE_REMOTE
                                                  : -2;
  if (call->agent == -2 || call->limit < 1 || call->limit > MAX_PAGE || call->after > G_MAXINT64)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_INVALID,
                             "ListQueue wants the queue \"\", \"inbound\" or \"outbound\", and a "
                             "limit from 1 to %d",
                             MAX_PAGE);
  else
    run_in_thread (task, list_in_thread, listed_cb);
}

static void
shown_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;
  const PmQueueMessage *message;
  GVariantBuilder builder;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  message = g_ptr_array_index (call->messages, 0);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ssuxs)"));
  for (guint i = 0; i < message->recipients->len; i++)
    {
      const PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, i);

      g_variant_builder_add (&builder, "(ssuxs)", recipient->address,
                             get_state (PM_RELAY (source), call, message->id, recipient),
                             recipient->attempts, recipient->next_try, recipient->reply);
    }
  g_task_return_pointer (task,
                         g_variant_ref_sink (
                             g_variant_new ("(sa(ssuxs))", call->header, &builder)),
                         (GDestroyNotify) g_variant_unref);
}

static void
show_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Call *call = data;
  guint64 id = g_array_index (call->ids, guint64, 0);
  GError *error = NULL;
  PmQueueMessage *message = pm_queue_load (call->queue, id, &error);
  g_autoptr (GBytes) body = NULL;
  const char *bytes;
  gsize size;

  call->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_message_free);
  if (message != NULL)
    {
      g_ptr_array_add (call->messages, message);
      body = pm_queue_open_body (call->queue, id, &error);
    }
  if (body == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  bytes = g_bytes_get_data (body, &size);
  size = pm_header_size ((const guint8 *) bytes, MIN (size, MAX_HEADER));
  call->header = g_utf8_make_valid (bytes, (gssize) size);
  g_task_return_boolean (task, TRUE);
}

void
pm_relay_bus_show_message (PmRelay *relay,
                           GVariant *parameters,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  g_autoptr (GTask) task = new_task (relay, callback, data);
  Call *call = g_task_get_task_data (task);
  guint64 id;

  g_variant_get (parameters, "(t)", &id);
  g_array_append_val (call->ids, id);
  run_in_thread (task, show_in_thread, shown_cb);
}

static void
return_count (GTask *task)
{
  Call *call = g_task_get_task_data (task);

  pm_relay_queue_edited (g_task_get_source_object (task));
  if (call->error != NULL)
    g_task_return_error (task, g_steal_pointer (&call->error));
  else
    g_task_return_pointer (task, g_variant_ref_sink (g_variant_new ("(u)", call->count)),
                           (GDestroyNotify) g_variant_unref);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Call *call = g_task_get_task_data (task);

  pm_queue_change_finish (PM_QUEUE (source), result, &call->count, &call->error);
  return_count (task);
}

static void
retry_listed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  pm_queue_retry_async (call->queue, (const guint64 *) (gpointer) call->ids->data, call->ids->len,
                        changed_cb, g_object_ref (task));
}

static void
list_all_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Call *call = data;
  GError *error = NULL;
  guint64 last = 0;

  for (;;)
    {
      g_autoptr (GArray) page = pm_queue_list_ids (call->queue, last, MAX_PAGE, &error);

      if (page == NULL)
        {
          g_task_return_error (task, error);
          return;
        }
      if (page->len == 0)
        break;
      g_array_append_vals (call->ids, page->data, page->len);
      last = g_array_index (page, guint64, page->len - 1);
    }
  g_task_return_boolean (task, TRUE);
}

void
pm_relay_bus_retry_messages (PmRelay *relay,
                             GVariant *parameters,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  g_autoptr (GTask) task = new_task (relay, callback, data);
  g_autoptr (GVariant) list = g_variant_get_child_value (parameters, 0);
  Call *call = g_task_get_task_data (task);

  read_ids (call, list);
  if (call->ids->len == 0)
    run_in_thread (task, list_all_in_thread, retry_listed_cb);
  else
    pm_queue_retry_async (call->queue, (const guint64 *) (gpointer) call->ids->data,
                          call->ids->len, changed_cb, g_object_ref (task));
}

/* The message's end with its report. A report gets none of its own. (transfer full) (nullable) */
static PmQueueUpdate *
make_removal (Call *call, const PmQueueMessage *message, GError **error)
{
  g_autoptr (PmQueueUpdate) update = pm_queue_update_new (message->id);
  g_autoptr (GPtrArray) recipients =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_bounce_recipient_free);
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_POLICY, 550, "5.7.0",
                         "The administrator has removed the message from the queue");
  g_autoptr (GBytes) body = pm_queue_open_body (call->queue, message->id, error);
  const PmBounceReport report = {
    .kind = PM_REPORT_FAILED,
    .message = message,
    .recipients = recipients,
    .now = call->now,
    .expires = call->now,
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
      pm_bounce_judge (call->settings, NULL, &report) != PM_BOUNCE_DUE)
    return g_steal_pointer (&update);

  bounce = pm_bounce_new (call->settings, call->queue, &report, body, error);
  if (bounce == NULL)
    return NULL;
  g_ptr_array_add (update->follow_ups, bounce);
  return g_steal_pointer (&update);
}

static void
make_removals_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Call *call = data;

  call->updates = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_update_free);
  for (guint i = 0; i < call->ids->len; i++)
    {
      guint64 id = g_array_index (call->ids, guint64, i);
      g_autoptr (GError) error = NULL;
      g_autoptr (PmQueueMessage) message = pm_queue_load (call->queue, id, &error);
      PmQueueUpdate *update =
          message != NULL ? make_removal (call, message, &error) : NULL;

      if (update != NULL)
        g_ptr_array_add (call->updates, update);
      else if (!g_error_matches (error, PM_ERROR, PM_ERROR_NOT_FOUND))
        {
          g_task_return_error (task, g_steal_pointer (&error));
          return;
        }
    }
  g_task_return_boolean (task, TRUE);
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  gint64 next_try;

  if (pm_queue_update_finish (PM_QUEUE (source), result, &next_try, &error))
    call->count++;
  else if (call->error == NULL)
    call->error = g_steal_pointer (&error);
  if (--call->outstanding == 0)
    return_count (task);
}

static void
removals_made_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Call *call = g_task_get_task_data (task);

  if (!g_task_propagate_boolean (G_TASK (result), &call->error) || call->updates->len == 0)
    {
      return_count (task);
      return;
    }
  call->outstanding = call->updates->len;
  while (call->updates->len > 0)
    pm_queue_update_async (call->queue, g_ptr_array_steal_index (call->updates, 0), removed_cb,
                           g_object_ref (task));
}

void
pm_relay_bus_delete_messages (PmRelay *relay,
                              GVariant *parameters,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_autoptr (GTask) task = new_task (relay, callback, data);
  g_autoptr (GVariant) list = g_variant_get_child_value (parameters, 0);
  Call *call = g_task_get_task_data (task);
  gboolean report;
  g_autofree char *n = NULL;

  g_variant_get_child (parameters, 1, "b", &report);
  read_ids (call, list);
  n = g_strdup_printf ("%u", call->ids->len);
  pm_log_event (G_LOG_LEVEL_MESSAGE, "delete-asked", "messages", n, "report",
                report ? "yes" : "no", NULL);
  if (report)
    run_in_thread (task, make_removals_in_thread, removals_made_cb);
  else
    pm_queue_delete_async (call->queue, (const guint64 *) (gpointer) call->ids->data,
                           call->ids->len, changed_cb, g_object_ref (task));
}

/**
 * pm_relay_bus_method_finish:
 *
 * Returns: (transfer full) (nullable): the method's results, a tuple
 */
GVariant *
pm_relay_bus_method_finish (PmRelay *relay, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
