// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The durable queue, as others see it: changes go to the writer (pm-queue-writer.c), questions to
// connections that only read, as many as there are threads that ask.

#include "queue/pm-queue.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/pm-atomic-file.h"
#include "base/pm-error.h"
#include "queue/pm-queue-log.h"
#include "queue/pm-queue-private.h"

#define MAX_IDLE_READERS 4
#define CACHE_BYTES (32 * 1024 * 1024)
#define MAX_LOG_PAGES 4000 /* 32 MB */
#define MIN_RESERVE (512 * 1024)
#define MAX_RESERVE (16 * 1024 * 1024)

G_DEFINE_FINAL_TYPE (PmQueue, pm_queue, G_TYPE_OBJECT)

/* (nullable): a connection that reads; @epoch is to be handed back with it */
PmQueueStore *
pm_queue_take_reader (PmQueue *self, guint *epoch, GError **error)
{
  PmQueueStore *reader = NULL;

  g_rw_lock_reader_lock (&self->file_lock);
  g_mutex_lock (&self->readers_lock);
  *epoch = self->readers_epoch;
  if (self->readers->len > 0)
    reader = g_ptr_array_steal_index (self->readers, self->readers->len - 1);
  g_mutex_unlock (&self->readers_lock);

  if (reader == NULL)
    reader = pm_queue_store_open (self->path, FALSE, error);
  if (reader == NULL)
    g_rw_lock_reader_unlock (&self->file_lock);
  return reader;
}

void
pm_queue_give_reader (PmQueue *self, PmQueueStore *reader, guint epoch)
{
  g_mutex_lock (&self->readers_lock);
  if (self->readers->len < MAX_IDLE_READERS && epoch == self->readers_epoch)
    g_ptr_array_add (self->readers, g_steal_pointer (&reader));
  g_mutex_unlock (&self->readers_lock);
  pm_queue_store_close (reader);
  g_rw_lock_reader_unlock (&self->file_lock);
}

/* The file has become another one: idle readers go, those at work when they are done. */
void
pm_queue_drop_readers (PmQueue *self)
{
  g_mutex_lock (&self->readers_lock);
  self->readers_epoch++;
  g_ptr_array_set_size (self->readers, 0);
  g_mutex_unlock (&self->readers_lock);
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
  pm_queue_cache_free (self->cache);
  pm_sync_crew_free (self->crew);
  pm_disk_watch_free (self->watch);
  pm_disk_reserve_clear (&self->reserve);
  g_free (self->folder);
  g_free (self->path);
  g_free (self->body_folder);
  g_mutex_clear (&self->readers_lock);
  g_mutex_clear (&self->keeper_lock);
  g_rw_lock_clear (&self->file_lock);
  g_cond_clear (&self->keeper_wakes);
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
  self->cache = pm_queue_cache_new (CACHE_BYTES);
  self->crew = pm_sync_crew_new ();
  self->readers = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_store_close);
  g_mutex_init (&self->readers_lock);
  g_mutex_init (&self->keeper_lock);
  g_rw_lock_init (&self->file_lock);
  g_cond_init (&self->keeper_wakes);
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

/* A log beside the file: whoever wrote it last did not close it. */
static gboolean
was_cut_off (PmQueue *self)
{
  g_autofree char *log = g_strconcat (self->path, "-wal", NULL);

  return g_file_test (log, G_FILE_TEST_EXISTS);
}

/* A small disk gets a small log and a small reserve: neither may be what fills it. */
static void
set_up_reserve (PmQueue *self)
{
  g_autofree char *path = g_build_filename (self->folder, "reserve", NULL);
  guint64 size = pm_disk_watch_get_size (self->watch);

  self->log_limit = (guint) CLAMP (size / 64 / PM_QUEUE_PAGE_SIZE, 32, MAX_LOG_PAGES);
  pm_disk_reserve_init (&self->reserve, path, CLAMP (size / 32, MIN_RESERVE, MAX_RESERVE));
  pm_disk_reserve_take (&self->reserve);
}

/**
 * pm_queue_new:
 * @folder: where the queue lies; made when missing
 * @clock: (transfer none): the time
 * @error: when the file cannot be opened, or has the format of a later version
 *
 * Opens the queue and starts its writer. However long the queue is, this takes a moment: what reads
 * all of it goes on in the background. A damaged file is repaired, see pm_queue_repair(); a damaged
 * log is set aside, see pm_queue_log_set_aside_damaged(). Blocks on the disk.
 *
 * Returns: (transfer full) (nullable): the queue
 */
PmQueue *
pm_queue_new (const char *folder, PmClock *clock, GError **error)
{
  g_autoptr (PmQueue) self = g_object_new (PM_TYPE_QUEUE, NULL);
  gboolean cut_off;

  self->clock = g_object_ref (clock);
  self->folder = g_strdup (folder);
  self->path = g_build_filename (folder, "queue.db", NULL);
  self->body_folder = g_build_filename (folder, "bodies", NULL);
  self->watch = pm_disk_watch_new (folder);
  cut_off = was_cut_off (self);
  if (!make_folder (folder, error) || !make_folder (self->body_folder, error) ||
      !pm_queue_log_set_aside_damaged (folder, error) || !pm_queue_writer_open (self, error) ||
      !pm_queue_store_last_id (self->writer, &self->last_id, error) ||
      !pm_atomic_file_sync_directory (folder, error))
    return NULL;

  set_up_reserve (self);
  self->chores = PM_QUEUE_CHORE_SWEEP | (cut_off ? PM_QUEUE_CHORE_CHECK : 0);
  pm_queue_keeper_start (self);

  pm_queue_writer_start (self);
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
  pm_queue_writer_stop (self);
  pm_queue_keeper_stop (self);
}

/**
 * pm_queue_check:
 *
 * Checks the whole file in the background, and repairs it if need be.
 */
void
pm_queue_check (PmQueue *self)
{
  pm_queue_keeper_ask (self, PM_QUEUE_CHORE_CHECK);
}

/**
 * pm_queue_get_disk_watch:
 *
 * Returns: (transfer none): what is to be asked before a message is taken in
 */
PmDiskWatch *
pm_queue_get_disk_watch (PmQueue *self)
{
  return self->watch;
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
  PmQueueOperation *operation = g_new0 (PmQueueOperation, 1);

  operation->kind = PM_QUEUE_OPERATION_ENQUEUE;
  operation->message = message;
  pm_queue_writer_submit (self, operation, NULL, pm_queue_enqueue_async, callback, data);
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
  PmQueueOperation *operation = g_new0 (PmQueueOperation, 1);

  operation->kind = PM_QUEUE_OPERATION_UPDATE;
  operation->update = update;
  pm_queue_writer_submit (self, operation, NULL, pm_queue_update_async, callback, data);
}

/**
 * pm_queue_update_finish:
 * @next_try: (out): when the message is due next; %G_MAXINT64 when it has left the queue
 */
gboolean
pm_queue_update_finish (PmQueue *self, GAsyncResult *result, gint64 *next_try, GError **error)
{
  PmQueueOperation *operation = g_task_get_task_data (G_TASK (result));

  *next_try = operation->next_try;
  return g_task_propagate_boolean (G_TASK (result), error);
}

static PmQueueOperation *
new_change (const PmQueueChange *change)
{
  PmQueueOperation *operation = g_new0 (PmQueueOperation, 1);

  operation->kind = PM_QUEUE_OPERATION_CHANGE;
  operation->change = *change;
  operation->redirect = g_strdup (change->redirect);
  operation->change.redirect = operation->redirect;
  return operation;
}

/**
 * pm_queue_change_async:
 * @change: what is done to each
 * @messages: (array length=n_messages): which messages
 * @cancellable: (nullable): stops it between two pages; what is changed by then stays so
 * @progress: (nullable): called in the caller's context after each page, with how many it were
 *
 * Changes messages. Those that are not there (any more) are passed over. Of many, a page at a time
 * is committed.
 */
void
pm_queue_change_async (PmQueue *self,
                       const PmQueueChange *change,
                       const guint64 *messages,
                       guint n_messages,
                       GCancellable *cancellable,
                       PmQueueProgressFunc progress,
                       gpointer progress_data,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  PmQueueOperation *operation = new_change (change);

  operation->ids = g_array_sized_new (FALSE, FALSE, sizeof (guint64), n_messages);
  if (n_messages > 0)
    g_array_append_vals (operation->ids, messages, n_messages);
  operation->progress = progress;
  operation->progress_data = progress_data;
  pm_queue_writer_submit (self, operation, cancellable, pm_queue_change_async, callback, data);
}

/**
 * pm_queue_change_all_async:
 * @filter: which messages; of those that are in the queue now
 *
 * The same for all that fit.
 */
void
pm_queue_change_all_async (PmQueue *self,
                           const PmQueueChange *change,
                           const PmQueueFilter *filter,
                           GCancellable *cancellable,
                           PmQueueProgressFunc progress,
                           gpointer progress_data,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  PmQueueOperation *operation = new_change (change);

  operation->filter = pm_queue_filter_copy (filter);
  operation->range.until = __atomic_load_n (&self->last_id, __ATOMIC_RELAXED);
  operation->progress = progress;
  operation->progress_data = progress_data;
  pm_queue_writer_submit (self, operation, cancellable, pm_queue_change_async, callback, data);
}

void
pm_queue_delete_async (PmQueue *self,
                       const guint64 *messages,
                       guint n_messages,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  PmQueueChange change = { .verb = PM_QUEUE_DELETE };

  pm_queue_change_async (self, &change, messages, n_messages, NULL, NULL, NULL, callback, data);
}

void
pm_queue_retry_async (PmQueue *self,
                      const guint64 *messages,
                      guint n_messages,
                      GAsyncReadyCallback callback,
                      gpointer data)
{
  PmQueueChange change = { .verb = PM_QUEUE_RETRY };

  pm_queue_change_async (self, &change, messages, n_messages, NULL, NULL, NULL, callback, data);
}

/**
 * pm_queue_change_finish:
 * @count: (out): how many messages were changed, also where it was cancelled or failed on the way
 */
gboolean
pm_queue_change_finish (PmQueue *self, GAsyncResult *result, guint *count, GError **error)
{
  PmQueueOperation *operation = g_task_get_task_data (G_TASK (result));

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
  PmQueueMessage *message = pm_queue_cache_take (self->cache, id);
  PmQueueStore *reader;
  guint epoch;

  if (message != NULL)
    return message;
  reader = pm_queue_take_reader (self, &epoch, error);
  if (reader == NULL)
    return NULL;
  message = pm_queue_store_load (reader, id, error);
  pm_queue_give_reader (self, reader, epoch);
  return message;
}

/**
 * pm_queue_find_body:
 * @path: (out): where its file is, where it has one; nothing is returned then
 *
 * Returns: (transfer full) (nullable): the message's bytes
 */
GBytes *
pm_queue_find_body (PmQueue *self, guint64 id, char **path, GError **error)
{
  GBytes *bytes = pm_queue_cache_get_body (self->cache, id);
  g_autofree char *file_name = NULL;
  PmQueueStore *reader;
  guint epoch;

  if (bytes != NULL)
    return bytes;
  reader = pm_queue_take_reader (self, &epoch, error);
  if (reader == NULL)
    return NULL;
  bytes = pm_queue_store_read_body (reader, id, &file_name, error);
  pm_queue_give_reader (self, reader, epoch);
  if (file_name != NULL)
    *path = g_build_filename (self->body_folder, file_name, NULL);
  return bytes;
}

/**
 * pm_queue_open_body:
 *
 * Returns: (transfer full) (nullable): the message's bytes; of a large one the mapped file
 */
GBytes *
pm_queue_open_body (PmQueue *self, guint64 id, GError **error)
{
  g_autofree char *path = NULL;
  GBytes *bytes = pm_queue_find_body (self, id, &path, error);
  g_autoptr (GMappedFile) file = NULL;

  if (path == NULL)
    return bytes;
  file = g_mapped_file_new (path, FALSE, error);
  return file == NULL ? NULL : g_mapped_file_get_bytes (file);
}

/**
 * pm_queue_due_of:
 * @id: a message that was just queued
 * @time: when it is due
 *
 * Returns: the same for the scheduler, with its lane and rank as far as that is known without the
 *   disk
 */
PmDue
pm_queue_due_of (PmQueue *self, guint64 id, gint64 time)
{
  PmDue due = { .time = time, .message = id, .rank = PM_QUEUE_NORMAL };

  pm_queue_cache_find (self->cache, &due);
  return due;
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
  guint epoch;
  PmQueueStore *reader = pm_queue_take_reader (self, &epoch, error);
  GArray *due;

  if (reader == NULL)
    return NULL;
  due = pm_queue_store_due (reader, after->time, after->message, limit, error);
  pm_queue_give_reader (self, reader, epoch);
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
