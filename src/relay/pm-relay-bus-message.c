// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// One message of the queue as the bus shows it: its envelope, its header, and all of it as a file.
// What it promises: nobody who reads slowly, or not at all, keeps anything for long.

#include "relay/pm-relay-bus-call.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <unistd.h>

#include "base/pm-error.h"
#include "relay/pm-header.h"

#define MAX_HEADER (64 * 1024)
#define MAX_EXPORTS 8
#define EXPORT_PATIENCE 60000 /* milliseconds in which something must be read */
#define EXPORT_PIECE 65536

typedef struct
{
  PmQueue *queue;            /* (owned) */
  PmRelaySettings *settings; /* (owned) */
  guint64 id;
  PmQueueMessage *message; /* (owned) (nullable) */
  char *header;            /* (owned) (nullable) */
  GInputStream *stream;    /* (owned) (nullable) */
  PmRelayBusCall *call;
} Show;

static int exports; /* atomic: under way */

static void
free_show (Show *show)
{
  g_object_unref (show->queue);
  pm_relay_settings_unref (show->settings);
  g_clear_pointer (&show->message, pm_queue_message_free);
  g_clear_object (&show->stream);
  g_free (show->header);
  g_free (show);
}

static Show *
new_show (PmRelayBusCall *call, GTask *task)
{
  Show *show = g_new0 (Show, 1);

  show->queue = g_object_ref (pm_relay_get_queue (call->relay));
  show->settings = pm_relay_dup_settings (call->relay);
  show->call = call;
  g_variant_get (call->parameters, "(t)", &show->id);
  g_task_set_task_data (task, show, (GDestroyNotify) free_show);
  return show;
}

static void
shown_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Show *show = g_task_get_task_data (task);
  GError *error = NULL;
  GVariantBuilder rows;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("a(ssuxs)"));
  for (guint i = 0; i < show->message->recipients->len; i++)
    {
      const PmQueueRecipient *recipient = g_ptr_array_index (show->message->recipients, i);

      g_variant_builder_add (&rows, "(ssuxs)", recipient->address,
                             pm_relay_bus_get_state (PM_RELAY (source), show->settings,
                                                     show->message, recipient),
                             recipient->attempts, recipient->next_try, recipient->reply);
    }
  pm_relay_bus_return (task, g_variant_new ("(sa(ssuxs))", show->header, &rows));
}

static void
show_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Show *show = data;
  GError *error = NULL;
  g_autoptr (GBytes) body = NULL;
  const char *bytes;
  gsize size;

  show->message = pm_queue_load (show->queue, show->id, &error);
  if (show->message != NULL)
    body = pm_queue_open_body (show->queue, show->id, &error);
  if (body == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  bytes = g_bytes_get_data (body, &size);
  size = pm_header_size ((const guint8 *) bytes, MIN (size, MAX_HEADER));
  show->header = g_utf8_make_valid (bytes, (gssize) size);
  g_task_return_boolean (task, TRUE);
}

void
pm_relay_bus_show_message (PmRelayBusCall *call, GTask *task)
{
  new_show (call, task);
  pm_relay_bus_run_in_thread (task, show_in_thread, shown_cb);
}

static GVariant *
list_notify (PmDsnNotify notify)
{
  GVariantBuilder words;

  g_variant_builder_init (&words, G_VARIANT_TYPE ("as"));
  if (notify & PM_DSN_NOTIFY_NEVER)
    g_variant_builder_add (&words, "s", "never");
  if (notify & PM_DSN_NOTIFY_SUCCESS)
    g_variant_builder_add (&words, "s", "success");
  if (notify & PM_DSN_NOTIFY_FAILURE)
    g_variant_builder_add (&words, "s", "failure");
  if (notify & PM_DSN_NOTIFY_DELAY)
    g_variant_builder_add (&words, "s", "delay");
  return g_variant_builder_end (&words);
}

static GVariant *
describe_recipient (PmRelay *relay, const Show *show, const PmQueueRecipient *recipient)
{
  GVariantBuilder out;

  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  pm_relay_bus_add_string (&out, "address", recipient->address);
  pm_relay_bus_add_string (&out, "original", recipient->original);
  pm_relay_bus_add_string (&out, "queue",
                           recipient->agent == PM_QUEUE_MAILBOX ? "inbound" : "outbound");
  pm_relay_bus_add_string (&out, "destination", recipient->destination);
  pm_relay_bus_add_string (&out, "state",
                           pm_relay_bus_get_state (relay, show->settings, show->message,
                                                   recipient));
  pm_relay_bus_add_string (&out, "reply", recipient->reply);
  pm_relay_bus_add_string (&out, "orcpt", recipient->orcpt);
  pm_relay_bus_add_string (&out, "redirect", recipient->redirect);
  pm_relay_bus_add (&out, "attempts", g_variant_new_uint32 (recipient->attempts));
  pm_relay_bus_add (&out, "next-attempt", g_variant_new_int64 (recipient->next_try));
  pm_relay_bus_add (&out, "notify", list_notify (recipient->notify));
  return g_variant_builder_end (&out);
}

static const char *
get_message_state (const PmQueueMessage *message)
{
  if (message->held)
    return "held";
  for (guint i = 0; i < message->recipients->len; i++)
    if (((const PmQueueRecipient *) g_ptr_array_index (message->recipients, i))->attempts > 0)
      return "deferred";
  return "fresh";
}

static void
add_envelope (const PmQueueMessage *message, GVariantBuilder *out)
{
  pm_relay_bus_add (out, "id", g_variant_new_uint64 (message->id));
  pm_relay_bus_add_string (out, "sender", message->sender);
  pm_relay_bus_add_string (out, "client", message->client);
  pm_relay_bus_add_string (out, "user", message->user);
  pm_relay_bus_add_string (out, "envid", message->envid);
  pm_relay_bus_add_string (out, "state", get_message_state (message));
  pm_relay_bus_add (out, "received", g_variant_new_uint64 ((guint64) message->received));
  pm_relay_bus_add (out, "size", g_variant_new_uint64 (message->size));
  pm_relay_bus_add (out, "priority", g_variant_new_int32 (message->priority));
  pm_relay_bus_add (out, "eight-bit", g_variant_new_boolean (message->eight_bit));
  pm_relay_bus_add (out, "utf8", g_variant_new_boolean (message->utf8));
  pm_relay_bus_add (out, "require-tls", g_variant_new_boolean (message->require_tls));
  pm_relay_bus_add (out, "tls-optional", g_variant_new_boolean (message->tls_optional));
  pm_relay_bus_add (out, "notified", g_variant_new_boolean (message->notified));
}

static void
described_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Show *show = g_task_get_task_data (task);
  GError *error = NULL;
  GVariantBuilder out, recipients;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_variant_builder_init (&out, G_VARIANT_TYPE_VARDICT);
  add_envelope (show->message, &out);
  g_variant_builder_init (&recipients, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < show->message->recipients->len; i++)
    g_variant_builder_add_value (
        &recipients, describe_recipient (PM_RELAY (source), show,
                                         g_ptr_array_index (show->message->recipients, i)));
  pm_relay_bus_add (&out, "recipients", g_variant_builder_end (&recipients));
  pm_relay_bus_return (task, g_variant_new ("(a{sv})", &out));
}

static void
load_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Show *show = data;
  GError *error = NULL;

  show->message = pm_queue_load (show->queue, show->id, &error);
  if (show->message != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
pm_relay_bus_describe_message (PmRelayBusCall *call, GTask *task)
{
  new_show (call, task);
  pm_relay_bus_run_in_thread (task, load_in_thread, described_cb);
}

/* The writing end of an export, and what is written. */
typedef struct
{
  GInputStream *stream; /* (owned) */
  int fd;
} Export;

static gboolean
write_piece (int fd, const char *bytes, gsize size)
{
  while (size > 0)
    {
      struct pollfd wait = { .fd = fd, .events = POLLOUT };
      ssize_t n = write (fd, bytes, size);

      if (n > 0)
        {
          bytes += n;
          size -= (gsize) n;
        }
      else if (errno == EAGAIN)
        {
          int ready = poll (&wait, 1, EXPORT_PATIENCE);

          if (ready == 0 || (ready < 0 && errno != EINTR))
            return FALSE;
        }
      else if (errno != EINTR)
        return FALSE;
    }
  return TRUE;
}

static gpointer
export_thread (gpointer data)
{
  Export *export = data;
  g_autofree char *piece = g_malloc (EXPORT_PIECE);
  gssize n;

  do
    n = g_input_stream_read (export->stream, piece, EXPORT_PIECE, NULL, NULL);
  while (n > 0 && write_piece (export->fd, piece, (gsize) n));
  close (export->fd);
  g_object_unref (export->stream);
  g_free (export);
  __atomic_sub_fetch (&exports, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

/* Returns: whether the pipe is made, and its reading end among the answer's descriptors */
static gboolean
begin_export (Show *show, GError **error)
{
  Export *export;
  GThread *thread;
  int ends[2];

  if (!g_unix_open_pipe (ends, FD_CLOEXEC, error))
    return FALSE;
  g_unix_set_fd_nonblocking (ends[1], TRUE, NULL);
  export = g_new0 (Export, 1);
  export->stream = g_object_ref (show->stream);
  export->fd = ends[1];
  show->call->fds = g_unix_fd_list_new_from_array (ends, 1);
  thread = g_thread_try_new ("export", export_thread, export, error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return TRUE;
    }
  close (ends[1]);
  g_object_unref (export->stream);
  g_free (export);
  return FALSE;
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Show *show = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error) && begin_export (show, &error))
    {
      pm_relay_bus_return (task, g_variant_new ("(ht)", 0, show->message->size));
      return;
    }
  __atomic_sub_fetch (&exports, 1, __ATOMIC_SEQ_CST);
  g_task_return_error (task, error);
}

static void
open_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Show *show = data;
  GError *error = NULL;

  show->message = pm_queue_load (show->queue, show->id, &error);
  if (show->message != NULL)
    show->stream = pm_queue_export (show->queue, show->id, &error);
  if (show->stream != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
pm_relay_bus_export_message (PmRelayBusCall *call, GTask *task)
{
  new_show (call, task);
  if (__atomic_add_fetch (&exports, 1, __ATOMIC_SEQ_CST) <= MAX_EXPORTS)
    {
      pm_relay_bus_run_in_thread (task, open_in_thread, opened_cb);
      return;
    }
  __atomic_sub_fetch (&exports, 1, __ATOMIC_SEQ_CST);
  g_task_return_new_error (task, PM_ERROR, PM_ERROR_BUSY,
                           "%d messages are being exported; read those first", MAX_EXPORTS);
}
