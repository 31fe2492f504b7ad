// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The durable queue. What it promises: a callback without an error means that the change is on
// stable storage (database page and body file, and the file's name), and a failure fails everything
// that was in the same commit, so that a client never hears 250 for a message that a power cut
// could take.

#include "queue/pm-queue.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/pm-atomic-file.h"
#include "base/pm-error.h"
#include "queue/pm-queue-store.h"

#define MAX_IDLE_READERS 4
#define MAX_BATCH 500

typedef enum
{
  OPERATION_ENQUEUE,
  OPERATION_UPDATE,
  OPERATION_DELETE,
  OPERATION_RETRY,
} OperationKind;

/* A change on its way through the writer: task data of the task that reports it. */
typedef struct
{
  OperationKind kind;
  PmQueueMessage *message; /* (owned) (nullable): enqueue */
  PmQueueUpdate *update;   /* (owned) (nullable): update */
  GArray *ids;             /* (owned) (nullable) (element-type guint64): delete and retry */
  gint64 next_try;
  guint count;
} Operation;

struct _PmQueue
{
  GObject parent_instance;

  PmClock *clock;    /* (owned) */
  char *path;        /* (owned) */
  char *body_folder; /* (owned) */
  GThread *thread;
  GAsyncQueue *waiting; /* (element-type GTask); the queue itself means: leave */
  PmQueueStore *writer; /* (owned) (nullable): of the writer thread; NULL while it is broken */
  guint64 last_id;      /* atomic */
  guint64 commits;      /* atomic */
  guint64 size;         /* atomic: messages, as last committed */

  GMutex readers_lock;
  GPtrArray *readers; /* (element-type PmQueueStore): idle ones */
};

G_DEFINE_FINAL_TYPE (PmQueue, pm_queue, G_TYPE_OBJECT)

static void
free_operation (Operation *operation)
{
  pm_queue_message_free (operation->message);
  pm_queue_update_free (operation->update);
  g_clear_pointer (&operation->ids, g_array_unref);
  g_free (operation);
}

static void
remove_files (PmQueue *self, GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (self->body_folder, g_ptr_array_index (names, i),
                                                NULL);

      unlink (path);
    }
}

/* Bodies in files first, then the folder that holds their names, once for the whole batch. */
static gboolean
sync_bodies (PmQueue *self, GPtrArray *messages, GError **error)
{
  gboolean any = FALSE;

  for (guint i = 0; i < messages->len; i++)
    {
      PmQueueMessage *message = g_ptr_array_index (messages, i);

      if (pm_queue_body_get_file_name (message->body) == NULL)
        continue;
      if (!pm_queue_body_sync (message->body, error))
        return FALSE;
      any = TRUE;
    }
  return !any || pm_atomic_file_sync_directory (self->body_folder, error);
}

/* (transfer container): the messages that the batch's operations bring in */
static GPtrArray *
collect_messages (GPtrArray *batch)
{
  GPtrArray *messages = g_ptr_array_new ();

  for (guint i = 0; i < batch->len; i++)
    {
      Operation *operation = g_task_get_task_data (g_ptr_array_index (batch, i));

      if (operation->message != NULL)
        g_ptr_array_add (messages, operation->message);
      if (operation->update != NULL)
        g_ptr_array_extend (messages, operation->update->follow_ups, NULL, NULL);
    }
  return messages;
}

static gboolean
apply_to_each (PmQueue *self, Operation *operation, GPtrArray *gone_files, GError **error)
{
  gint64 now = pm_clock_now (self->clock);

  for (guint i = 0; i < operation->ids->len; i++)
    {
      guint64 id = g_array_index (operation->ids, guint64, i);
      gboolean existed = FALSE;

      if (operation->kind == OPERATION_RETRY
              ? !pm_queue_store_retry (self->writer, id, now, &existed, error)
              : !pm_queue_store_delete (self->writer, id, gone_files, &existed, error))
        return FALSE;
      if (existed)
        operation->count++;
    }
  return TRUE;
}

static gboolean
apply (PmQueue *self, Operation *operation, GPtrArray *gone_files, GError **error)
{
  switch (operation->kind)
    {
    case OPERATION_ENQUEUE:
      return pm_queue_store_insert (self->writer, operation->message, error);
    case OPERATION_UPDATE:
      return pm_queue_store_update (self->writer, operation->update, &operation->next_try,
                                    gone_files, error);
    case OPERATION_DELETE:
    case OPERATION_RETRY:
      return apply_to_each (self, operation, gone_files, error);
    default:
      g_assert_not_reached ();
    }
}

static gboolean
write_batch (PmQueue *self, GPtrArray *batch, GPtrArray *gone_files, GError **error)
{
  g_autoptr (GPtrArray) messages = collect_messages (batch);
  gboolean committed;

  if (!sync_bodies (self, messages, error) || !pm_queue_store_begin (self->writer, error))
    return FALSE;
  for (guint i = 0; i < batch->len; i++)
    if (!apply (self, g_task_get_task_data (g_ptr_array_index (batch, i)), gone_files, error))
      return FALSE;
  committed = pm_queue_store_commit (self->writer, error);

  for (guint i = 0; i < messages->len; i++)
    pm_queue_body_keep (((PmQueueMessage *) g_ptr_array_index (messages, i))->body);
  if (!committed)
    return FALSE;
  __atomic_add_fetch (&self->commits, 1, __ATOMIC_RELAXED);
  __atomic_add_fetch (&self->size, (guint64) (gint64) pm_queue_store_get_growth (self->writer),
                      __ATOMIC_RELAXED);
  return TRUE;
}

/*
 * After a failed write or sync, nobody knows what the kernel has thrown away (a second fsync would
 * say all is well). So the connection goes, and a new one has to find the file sound first.
 */
static gboolean
reopen (PmQueue *self, GError **error)
{
  g_autoptr (PmQueueStore) store = NULL;
  guint64 size;

  if (self->writer != NULL)
    return TRUE;
  store = pm_queue_store_open (self->path, TRUE, error);
  if (store == NULL || !pm_queue_store_check (store, error) ||
      !pm_queue_store_count (store, -1, &size, error))
    return FALSE;
  __atomic_store_n (&self->size, size, __ATOMIC_RELAXED);
  self->writer = g_steal_pointer (&store);
  return TRUE;
}

/* Where nobody knows whether it was committed, body files stay: the next start removes orphans. */
static void
give_up_writer (PmQueue *self)
{
  pm_queue_store_rollback (self->writer);
  g_clear_pointer (&self->writer, pm_queue_store_close);
}

static void
process_batch (PmQueue *self, GPtrArray *batch)
{
  g_autoptr (GPtrArray) gone_files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  gboolean ok = reopen (self, &error);

  if (ok)
    {
      ok = write_batch (self, batch, gone_files, &error);
      if (!ok)
        give_up_writer (self);
    }
  if (ok)
    remove_files (self, gone_files);

  for (guint i = 0; i < batch->len; i++)
    {
      GTask *task = g_ptr_array_index (batch, i);

      if (ok)
        g_task_return_boolean (task, TRUE);
      else
        g_task_return_error (task, g_error_copy (error));
    }
}

static gpointer
write_cb (gpointer data)
{
  PmQueue *self = data;
  gboolean leaving = FALSE;

  while (!leaving)
    {
      g_autoptr (GPtrArray) batch = g_ptr_array_new_with_free_func (g_object_unref);
      gpointer item = g_async_queue_pop (self->waiting);

      while (item != NULL && item != self)
        {
          g_ptr_array_add (batch, item);
          item = batch->len < MAX_BATCH ? g_async_queue_try_pop (self->waiting) : NULL;
        }
      leaving = item == self;
      if (batch->len > 0)
        process_batch (self, batch);
    }
  g_clear_pointer (&self->writer, pm_queue_store_close);
  return NULL;
}

static void
submit (PmQueue *self, Operation *operation, gpointer tag, GAsyncReadyCallback callback,
        gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, data);

  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, operation, (GDestroyNotify) free_operation);
  if (self->thread == NULL)
    {
      g_task_return_new_error (task, PM_ERROR, PM_ERROR_FAILED, "The queue is closed");
      return;
    }
  g_async_queue_push (self->waiting, g_steal_pointer (&task));
}

static PmQueueStore *
take_reader (PmQueue *self, GError **error)
{
  PmQueueStore *reader = NULL;

  g_mutex_lock (&self->readers_lock);
  if (self->readers->len > 0)
    reader = g_ptr_array_steal_index (self->readers, self->readers->len - 1);
  g_mutex_unlock (&self->readers_lock);

  return reader != NULL ? reader : pm_queue_store_open (self->path, FALSE, error);
}

static void
give_reader (PmQueue *self, PmQueueStore *reader)
{
  g_mutex_lock (&self->readers_lock);
  if (self->readers->len < MAX_IDLE_READERS)
    g_ptr_array_add (self->readers, g_steal_pointer (&reader));
  g_mutex_unlock (&self->readers_lock);
  pm_queue_store_close (reader);
}

static void
pm_queue_dispose (GObject *object)
{
  pm_queue_close (PM_QUEUE (object));
  G_OBJECT_CLASS (pm_queue_parent_class)->dispose (object);
}

static void
pm_queue_finalize (GObject *object)
{
  PmQueue *self = PM_QUEUE (object);

  pm_queue_store_close (self->writer);
  g_ptr_array_unref (self->readers);
  g_async_queue_unref (self->waiting);
  g_clear_object (&self->clock);
  g_free (self->path);
  g_free (self->body_folder);
  g_mutex_clear (&self->readers_lock);
  G_OBJECT_CLASS (pm_queue_parent_class)->finalize (object);
}

static void
pm_queue_class_init (PmQueueClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = pm_queue_dispose;
  G_OBJECT_CLASS (klass)->finalize = pm_queue_finalize;
}

static void
pm_queue_init (PmQueue *self)
{
  self->waiting = g_async_queue_new ();
  self->readers = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_store_close);
  g_mutex_init (&self->readers_lock);
}

static gboolean
make_folder (const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);

  if (g_mkdir_with_parents (path, 0700) != 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                   "Could not make the folder %s: %s", path, g_strerror (errno));
      return FALSE;
    }
  return pm_atomic_file_sync_directory (parent, error);
}

/* Files that no message refers to: of sessions that a crash cut off. */
static gboolean
remove_orphans (PmQueue *self, GError **error)
{
  g_autoptr (GHashTable) known = pm_queue_store_body_files (self->writer, error);
  g_autoptr (GPtrArray) orphans = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = NULL;
  const char *name;

  if (known == NULL || (folder = g_dir_open (self->body_folder, 0, error)) == NULL)
    return FALSE;
  while ((name = g_dir_read_name (folder)) != NULL)
    if (g_str_has_prefix (name, "body-") && !g_hash_table_contains (known, name))
      g_ptr_array_add (orphans, g_strdup (name));
  remove_files (self, orphans);
  return TRUE;
}

/**
 * pm_queue_new:
 * @folder: where the queue lies; made when missing
 * @clock: (transfer none): the time
 * @error: when the file cannot be opened, is damaged, or has the format of a later version
 *
 * Opens the queue, checks it, removes orphaned files and starts its writer. Blocks on the disk.
 *
 * Returns: (transfer full) (nullable): the queue
 */
PmQueue *
pm_queue_new (const char *folder, PmClock *clock, GError **error)
{
  g_autoptr (PmQueue) self = g_object_new (PM_TYPE_QUEUE, NULL);

  self->clock = g_object_ref (clock);
  self->path = g_build_filename (folder, "queue.db", NULL);
  self->body_folder = g_build_filename (folder, "bodies", NULL);
  if (!make_folder (folder, error) || !make_folder (self->body_folder, error) ||
      !reopen (self, error) || !pm_queue_store_last_id (self->writer, &self->last_id, error) ||
      !remove_orphans (self, error) || !pm_atomic_file_sync_directory (folder, error))
    return NULL;

  self->thread = g_thread_new ("queue-writer", write_cb, self);
  return g_steal_pointer (&self);
}

/**
 * pm_queue_close:
 *
 * Writes what waits, and ends the writer; later changes fail. Blocks until that is done. Call it
 * when no other thread uses the queue any more.
 */
void
pm_queue_close (PmQueue *self)
{
  g_return_if_fail (PM_IS_QUEUE (self));

  if (self->thread == NULL)
    return;
  g_async_queue_push (self->waiting, self);
  g_thread_join (g_steal_pointer (&self->thread));
}

/**
 * pm_queue_get_body_folder:
 *
 * Returns: (transfer none): where pm_queue_body_new() puts large bodies of this queue
 */
const char *
pm_queue_get_body_folder (PmQueue *self)
{
  return self->body_folder;
}

/**
 * pm_queue_new_id:
 *
 * Returns: a number for a new message, larger than any before: the time in microseconds, so that
 * ids
 *   are in the order of arrival and none comes back after a restart
 */
guint64
pm_queue_new_id (PmQueue *self)
{
  guint64 last = __atomic_load_n (&self->last_id, __ATOMIC_RELAXED);
  guint64 next;

  do
    next = MAX (last + 1, (guint64) pm_clock_now (self->clock));
  while (!__atomic_compare_exchange_n (&self->last_id, &last, next, FALSE, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED));
  return next;
}

/**
 * pm_queue_enqueue_async:
 * @message: (transfer full): with its body
 * @callback: called when it is on stable storage, or is not in the queue
 */
void
pm_queue_enqueue_async (PmQueue *self,
                        PmQueueMessage *message,
                        GAsyncReadyCallback callback,
                        gpointer data)
{
  Operation *operation = g_new0 (Operation, 1);

  operation->kind = OPERATION_ENQUEUE;
  operation->message = message;
  submit (self, operation, pm_queue_enqueue_async, callback, data);
}

gboolean
pm_queue_enqueue_finish (PmQueue *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * pm_queue_update_async:
 * @update: (transfer full): what an attempt brought, with reports that go with it
 */
void
pm_queue_update_async (PmQueue *self,
                       PmQueueUpdate *update,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  Operation *operation = g_new0 (Operation, 1);

  operation->kind = OPERATION_UPDATE;
  operation->update = update;
  submit (self, operation, pm_queue_update_async, callback, data);
}

/**
 * pm_queue_update_finish:
 * @next_try: (out): when the message is due next; %G_MAXINT64 when it has left the queue
 */
gboolean
pm_queue_update_finish (PmQueue *self, GAsyncResult *result, gint64 *next_try, GError **error)
{
  Operation *operation = g_task_get_task_data (G_TASK (result));

  *next_try = operation->next_try;
  return g_task_propagate_boolean (G_TASK (result), error);
}

static Operation *
new_change (OperationKind kind, const guint64 *messages, guint n_messages)
{
  Operation *operation = g_new0 (Operation, 1);

  operation->kind = kind;
  operation->ids = g_array_sized_new (FALSE, FALSE, sizeof (guint64), n_messages);
  if (n_messages > 0)
    g_array_append_vals (operation->ids, messages, n_messages);
  return operation;
}

void
pm_queue_delete_async (PmQueue *self,
                       const guint64 *messages,
                       guint n_messages,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  submit (self, new_change (OPERATION_DELETE, messages, n_messages), pm_queue_delete_async,
          callback, data);
}

void
pm_queue_retry_async (PmQueue *self,
                      const guint64 *messages,
                      guint n_messages,
                      GAsyncReadyCallback callback,
                      gpointer data)
{
  submit (self, new_change (OPERATION_RETRY, messages, n_messages), pm_queue_retry_async,
          callback, data);
}

/**
 * pm_queue_change_finish:
 * @count: (out): how many messages were concerned
 *
 * For pm_queue_delete_async() and pm_queue_retry_async().
 */
gboolean
pm_queue_change_finish (PmQueue *self, GAsyncResult *result, guint *count, GError **error)
{
  Operation *operation = g_task_get_task_data (G_TASK (result));

  *count = operation->count;
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * pm_queue_load:
 *
 * Returns: (transfer full) (nullable): the message, without its body; %PM_ERROR_NOT_FOUND
 */
PmQueueMessage *
pm_queue_load (PmQueue *self, guint64 id, GError **error)
{
  PmQueueStore *reader = take_reader (self, error);
  PmQueueMessage *message;

  if (reader == NULL)
    return NULL;
  message = pm_queue_store_load (reader, id, error);
  give_reader (self, reader);
  return message;
}

static GBytes *
map_file (PmQueue *self, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (self->body_folder, name, NULL);
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);

  return file == NULL ? NULL : g_mapped_file_get_bytes (file);
}

/**
 * pm_queue_open_body:
 *
 * Returns: (transfer full) (nullable): the message's bytes; of a large one the mapped file
 */
GBytes *
pm_queue_open_body (PmQueue *self, guint64 id, GError **error)
{
  PmQueueStore *reader = take_reader (self, error);
  g_autofree char *file_name = NULL;
  GBytes *bytes;

  if (reader == NULL)
    return NULL;
  bytes = pm_queue_store_read_body (reader, id, &file_name, error);
  give_reader (self, reader);
  return file_name != NULL ? map_file (self, file_name, error) : bytes;
}

/**
 * pm_queue_count:
 * @agent: a #PmQueueAgent, or -1 for all
 */
gboolean
pm_queue_count (PmQueue *self, int agent, guint64 *count, GError **error)
{
  PmQueueStore *reader = take_reader (self, error);
  gboolean ok;

  if (reader == NULL)
    return FALSE;
  ok = pm_queue_store_count (reader, agent, count, error);
  give_reader (self, reader);
  return ok;
}

static GPtrArray *
load_each (PmQueueStore *reader, GArray *ids, GError **error)
{
  g_autoptr (GPtrArray) messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_message_free);

  for (guint i = 0; i < ids->len; i++)
    {
      g_autoptr (GError) local = NULL;
      PmQueueMessage *message = pm_queue_store_load (reader, g_array_index (ids, guint64, i),
                                                     &local);

      if (message != NULL)
        g_ptr_array_add (messages, message);
      else if (!g_error_matches (local, PM_ERROR, PM_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
    }
  return g_steal_pointer (&messages);
}

/**
 * pm_queue_list:
 * @agent: a #PmQueueAgent, or -1 for all
 * @after: messages with a larger id
 * @limit: at most so many
 *
 * Returns: (transfer full) (element-type PmQueueMessage) (nullable): oldest first, without bodies
 */
GPtrArray *
pm_queue_list (PmQueue *self, int agent, guint64 after, guint limit, GError **error)
{
  PmQueueStore *reader = take_reader (self, error);
  g_autoptr (GArray) ids = NULL;
  GPtrArray *messages = NULL;

  if (reader == NULL)
    return NULL;
  ids = pm_queue_store_list (reader, agent, after, limit, error);
  if (ids != NULL)
    messages = load_each (reader, ids, error);
  give_reader (self, reader);
  return messages;
}

/**
 * pm_queue_list_ids:
 *
 * Returns: (transfer full) (element-type guint64) (nullable): ids after @after, oldest first
 */
GArray *
pm_queue_list_ids (PmQueue *self, guint64 after, guint limit, GError **error)
{
  PmQueueStore *reader = take_reader (self, error);
  GArray *ids;

  if (reader == NULL)
    return NULL;
  ids = pm_queue_store_list (reader, -1, after, limit, error);
  give_reader (self, reader);
  return ids;
}

/**
 * pm_queue_due:
 * @after: what comes after this in the order of #PmDue
 *
 * Returns: (transfer full) (element-type PmDue) (nullable): the next page of what is due when
 */
GArray *
pm_queue_due (PmQueue *self, const PmDue *after, guint limit, GError **error)
{
  PmQueueStore *reader = take_reader (self, error);
  GArray *due;

  if (reader == NULL)
    return NULL;
  due = pm_queue_store_due (reader, after->time, after->message, limit, error);
  give_reader (self, reader);
  return due;
}

/**
 * pm_queue_get_commits:
 *
 * Returns: how many transactions it has committed since it was opened
 */
guint64
pm_queue_get_commits (PmQueue *self)
{
  return __atomic_load_n (&self->commits, __ATOMIC_RELAXED);
}

/**
 * pm_queue_get_size:
 *
 * Returns: how many messages are in the queue; costs nothing
 */
guint64
pm_queue_get_size (PmQueue *self)
{
  return __atomic_load_n (&self->size, __ATOMIC_RELAXED);
}
