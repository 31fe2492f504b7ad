// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The queue as the bus lists it: pages that take a bounded time.

#include "relay/pm-relay-bus-call.h"

#include <string.h>

#include "base/pm-error.h"
#include "bus/pm-queue-recipients.h"
#include "relay/pm-relay-bus-which.h"

#define ROWS "a(tsasttxusss)"

/* What a method needs while it is under way. */
typedef struct
{
  PmQueue *queue;            /* (owned) */
  PmRelaySettings *settings; /* (owned) */
  int agent;
  PmRelayBusWhich *which; /* (owned) (nullable) */
  guint64 after;
  guint limit;
  GPtrArray *messages; /* (owned) (nullable) (element-type PmQueueMessage) */
  guint64 total;
} List;

static void
free_list (List *list)
{
  g_object_unref (list->queue);
  pm_relay_settings_unref (list->settings);
  pm_relay_bus_which_free (list->which);
  g_clear_pointer (&list->messages, g_ptr_array_unref);
  g_free (list);
}

static List *
new_list (PmRelayBusCall *call, GTask *task)
{
  List *list = g_new0 (List, 1);

  list->queue = g_object_ref (pm_relay_get_queue (call->relay));
  list->settings = pm_relay_dup_settings (call->relay);
  g_task_set_task_data (task, list, (GDestroyNotify) free_list);
  return list;
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
add_message (PmRelay *relay,
             const List *list,
             const PmQueueMessage *message,
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
                         first->attempts,
                         pm_relay_bus_get_state (relay, list->settings, message, first),
                         first->destination, first->reply);
}

static gboolean
add_messages (GObject *source, GAsyncResult *result, GTask *task, GVariantBuilder *rows)
{
  List *list = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return FALSE;
    }
  g_variant_builder_init (rows, G_VARIANT_TYPE (ROWS));
  for (guint i = 0; i < list->messages->len; i++)
    add_message (PM_RELAY (source), list, g_ptr_array_index (list->messages, i), rows);
  return TRUE;
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  List *list = g_task_get_task_data (task);
  GVariantBuilder rows;

  if (add_messages (source, result, task, &rows))
    pm_relay_bus_return (task, g_variant_new ("(" ROWS "u)", &rows, (guint) list->total));
}

static void
list_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  List *list = data;
  GError *error = NULL;

  list->messages = pm_queue_list (list->queue, list->agent, list->after, list->limit, &error);
  if (list->messages != NULL && pm_queue_count (list->queue, list->agent, &list->total, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
pm_relay_bus_list_queue (PmRelayBusCall *call, GTask *task)
{
  List *list = new_list (call, task);
  GError *error = NULL;
  const char *queue;

  g_variant_get (call->parameters, "(&stu)", &queue, &list->after, &list->limit);
  list->agent = *queue == '\0'                    ? -1
                : strcmp (queue, "inbound") == 0  ? (int) PM_QUEUE_MAILBOX
                : strcmp (queue, "outbound") == 0 ? (int) PM_QUEUE_REMOTE
                                                  : -2;
  if (list->agent == -2 || list->after > G_MAXINT64)
    g_task_return_new_error (task, PM_ERROR, PM_ERROR_INVALID,
                             "ListQueue wants the queue \"\", \"inbound\" or \"outbound\", and "
                             "after which message");
  else if (!pm_relay_bus_check_page (list->limit, &error))
    g_task_return_error (task, error);
  else
    pm_relay_bus_run_in_thread (task, list_in_thread, listed_cb);
}

static void
queried_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  List *list = g_task_get_task_data (task);
  GVariantBuilder rows;

  if (add_messages (source, result, task, &rows))
    pm_relay_bus_return (task, g_variant_new ("(" ROWS "t)", &rows, list->after));
}

static GArray *
take_named (List *list)
{
  GArray *page = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 next = 0;

  for (guint i = 0; i < list->which->ids->len; i++)
    {
      guint64 id = g_array_index (list->which->ids, guint64, i);

      if (id <= list->after)
        continue;
      if (page->len == list->limit)
        {
          next = g_array_index (page, guint64, page->len - 1);
          break;
        }
      g_array_append_val (page, id);
    }
  list->after = next;
  return page;
}

static void
query_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  List *list = data;
  GError *error = NULL;
  g_autoptr (GArray) ids =
      list->which->ids != NULL
          ? take_named (list)
          : pm_queue_select (list->queue, list->which->filter, list->after, list->limit,
                             &list->after, &error);

  if (ids != NULL)
    list->messages = pm_queue_load_each (list->queue, ids, &error);
  if (list->messages != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
pm_relay_bus_query_queue (PmRelayBusCall *call, GTask *task)
{
  List *list = new_list (call, task);
  g_autoptr (GVariant) filter = NULL;
  GError *error = NULL;

  g_variant_get (call->parameters, "(@a{sv}tu)", &filter, &list->after, &list->limit);
  list->after = MIN (list->after, G_MAXINT64);
  list->which = pm_relay_bus_which_read (filter, FALSE, g_get_real_time (), &error);
  if (list->which == NULL || !pm_relay_bus_check_page (list->limit, &error))
    g_task_return_error (task, error);
  else
    pm_relay_bus_run_in_thread (task, query_in_thread, queried_cb);
}

static void
summarized_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  List *list = g_task_get_task_data (task);
  GError *error = NULL;
  GVariantBuilder rows;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("a(sstt(tttt))"));
  for (guint i = 0; i < list->messages->len; i++)
    {
      const PmQueueSummary *row = g_ptr_array_index (list->messages, i);

      g_variant_builder_add (&rows, "(sstt(tttt))", row->destination,
                             row->agent == PM_QUEUE_MAILBOX ? "inbound" : "outbound",
                             row->recipients, (guint64) row->oldest, row->ages[0], row->ages[1],
                             row->ages[2], row->ages[3]);
    }
  pm_relay_bus_return (task, g_variant_new ("(a(sstt(tttt)))", &rows));
}

static void
summarize_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  List *list = data;
  GError *error = NULL;

  list->messages = pm_queue_summarize (list->queue, list->limit, &error);
  if (list->messages != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
pm_relay_bus_summarize_queue (PmRelayBusCall *call, GTask *task)
{
  List *list = new_list (call, task);
  GError *error = NULL;

  g_variant_get (call->parameters, "(u)", &list->limit);
  if (!pm_relay_bus_check_page (list->limit, &error))
    g_task_return_error (task, error);
  else
    pm_relay_bus_run_in_thread (task, summarize_in_thread, summarized_cb);
}
