// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The queue's one writer. What it promises: a callback without an error means that the change is on
// stable storage (database page and body file, and the file's name), and a failure fails everything
// that was in the same commit, so that a client never hears 250 for a message that a power cut
// could take. A change of many messages goes in pages, each its own transaction together with
// whatever else waits, so that it keeps nobody waiting.

#include "queue/pm-queue-private.h"

#include <unistd.h>

#include "base/pm-atomic-file.h"
#include "base/pm-error.h"
#include "base/pm-log.h"
#include "queue/pm-queue-repair.h"
#include "queue/pm-queue-syncs.h"

#define MAX_BATCH 500
#define PAGE 500
#define LOG_CEILING 4       /* times the limit of the log, and the writer waits for it */
#define PAGE_PATIENCE 10000 /* microseconds that a page may look for what fits */

#define PATIENCE 10000 /* microseconds that an outcome alone waits at most */

/* Between two looks for room. */
#define RESERVE_INTERVAL (G_USEC_PER_SEC / 10)

static void
free_operation (PmQueueOperation *operation)
{
  pm_queue_message_free (operation->message);
  pm_queue_update_free (operation->update);
  g_clear_pointer (&operation->ids, g_array_unref);
  pm_queue_filter_free (operation->filter);
  g_free (operation->redirect);
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

/* Bodies in files first, all at once, then the folder that holds their names. */
static gboolean
sync_bodies (PmQueue *self, GPtrArray *messages, GError **error)
{
  g_autofree int *fds = g_new (int, messages->len);
  g_autofree int *errors = g_new0 (int, messages->len);
  guint n = 0;

  for (guint i = 0; i < messages->len; i++)
    {
      const PmQueueMessage *message = g_ptr_array_index (messages, i);

      if (pm_queue_body_get_fd (message->body) >= 0)
        fds[n++] = pm_queue_body_get_fd (message->body);
    }
  if (n == 0)
    return TRUE;
  pm_queue_syncs_add (n + 1);
  pm_sync_crew_sync (self->crew, fds, errors, n);
  for (guint i = 0; i < n; i++)
    if (errors[i] != 0)
      {
        g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errors[i]),
                     "Could not sync a message in %s: %s", self->body_folder,
                     g_strerror (errors[i]));
        return FALSE;
      }
  return pm_atomic_file_sync_directory (self->body_folder, error);
}

/* (transfer container): the messages that the batch's operations bring in */
static GPtrArray *
collect_messages (GPtrArray *batch)
{
  GPtrArray *messages = g_ptr_array_new ();

  for (guint i = 0; i < batch->len; i++)
    {
      PmQueueOperation *operation = g_task_get_task_data (g_ptr_array_index (batch, i));

      if (operation->message != NULL)
        g_ptr_array_add (messages, operation->message);
      if (operation->update != NULL)
        g_ptr_array_extend (messages, operation->update->follow_ups, NULL, NULL);
    }
  return messages;
}

/*
 * (transfer full) (nullable): the next messages that the operation is about. Where the commit fails
 * and is tried again, it is the same page once more.
 */
static GArray *
take_page (PmQueue *self, PmQueueOperation *operation, GError **error)
{
  GArray *ids;
  guint n;

  if (operation->filter != NULL)
    {
      operation->range_then = operation->range;
      ids = pm_queue_store_select (self->writer, operation->filter, &operation->range_then, PAGE,
                                   PAGE_PATIENCE, error);
      operation->more = operation->range_then.after != 0;
      return ids;
    }
  n = MIN (operation->ids->len - operation->next_id, PAGE);
  ids = g_array_sized_new (FALSE, FALSE, sizeof (guint64), n);
  if (n > 0)
    g_array_append_vals (ids, &g_array_index (operation->ids, guint64, operation->next_id), n);
  operation->next_id_then = operation->next_id + n;
  operation->more = operation->next_id_then < operation->ids->len;
  return ids;
}

static gboolean
apply_change (PmQueue *self, PmQueueOperation *operation, GPtrArray *gone_files, GError **error)
{
  g_autoptr (GArray) ids = take_page (self, operation, error);
  gint64 now = pm_clock_now (self->clock);

  if (ids == NULL)
    return FALSE;
  operation->page = 0;
  for (guint i = 0; i < ids->len; i++)
    {
      guint64 id = g_array_index (ids, guint64, i);
      gboolean existed = FALSE;

      pm_queue_cache_remove (self->cache, id);
      if (!pm_queue_store_change (self->writer, &operation->change, id, now, gone_files, &existed,
                                  error))
        return FALSE;
      operation->page += existed;
    }
  return TRUE;
}

static gboolean
apply (PmQueue *self, PmQueueOperation *operation, GPtrArray *gone_files, GError **error)
{
  switch (operation->kind)
    {
    case PM_QUEUE_OPERATION_ENQUEUE:
      return pm_queue_store_insert (self->writer, operation->message, error);
    case PM_QUEUE_OPERATION_UPDATE:
      pm_queue_cache_remove (self->cache, operation->update->message);
      return pm_queue_store_update (self->writer, operation->update, &operation->next_try,
                                    gone_files, &operation->existed, error);
    case PM_QUEUE_OPERATION_CHANGE:
      return apply_change (self, operation, gone_files, error);
    default:
      g_assert_not_reached ();
    }
}

static void
note_commit (PmQueue *self, gint64 began, guint operations)
{
  guint64 took = (guint64) (g_get_monotonic_time () - began);

  __atomic_add_fetch (&self->commits, 1, __ATOMIC_RELAXED);
  __atomic_add_fetch (&self->size, (guint64) pm_queue_store_get_growth (self->writer),
                      __ATOMIC_RELAXED);
  __atomic_store_n (&self->commit_time, took, __ATOMIC_RELAXED);
  if (operations > __atomic_load_n (&self->largest_batch, __ATOMIC_RELAXED))
    __atomic_store_n (&self->largest_batch, operations, __ATOMIC_RELAXED);
}

static gboolean
write_batch (PmQueue *self, GPtrArray *batch, GPtrArray *gone_files, GError **error)
{
  g_autoptr (GPtrArray) messages = collect_messages (batch);
  gint64 began = g_get_monotonic_time ();
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
  note_commit (self, began, batch->len);
  return TRUE;
}

/* What is committed is about to be delivered: whoever does that needs no disk for it. */
static void
keep_fresh (PmQueue *self, PmQueueOperation *operation)
{
  if (operation->message != NULL && !operation->message->held)
    pm_queue_cache_add (self->cache, g_steal_pointer (&operation->message));
  if (operation->update == NULL || !operation->existed)
    return;
  while (operation->update->follow_ups->len > 0)
    pm_queue_cache_add (self->cache,
                        g_ptr_array_steal_index_fast (operation->update->follow_ups, 0));
}

static gboolean
repair (PmQueue *self, GError **error)
{
  g_auto (PmQueueRepair) result = { 0 };
  gboolean ok;

  pm_queue_keeper_interrupt (self);
  g_rw_lock_writer_lock (&self->file_lock);
  pm_queue_drop_readers (self);
  ok = pm_queue_repair (self->folder, &result, error);
  g_rw_lock_writer_unlock (&self->file_lock);
  if (!ok)
    return FALSE;
  __atomic_store_n (&self->damaged, FALSE, __ATOMIC_RELAXED);
  pm_queue_cache_clear (self->cache);
  return TRUE;
}

static PmQueueStore *
open_store (PmQueue *self, PmQueueCounts counts, GError **error)
{
  g_autoptr (PmQueueStore) store = pm_queue_store_open (self->path, TRUE, error);

  if (store == NULL || !pm_queue_store_get_counts (store, counts, error))
    return NULL;
  return g_steal_pointer (&store);
}

/* (nullable): a damaged file is repaired first */
static PmQueueStore *
open_or_repair (PmQueue *self, PmQueueCounts counts, GError **error)
{
  g_autoptr (GError) local = NULL;
  PmQueueStore *store = NULL;

  if (!__atomic_load_n (&self->damaged, __ATOMIC_RELAXED) &&
      !pm_queue_repair_is_pending (self->folder))
    {
      store = open_store (self, counts, &local);
      if (!g_error_matches (local, PM_QUEUE_TROUBLE, PM_QUEUE_TROUBLE_DAMAGED))
        {
          if (local != NULL)
            g_propagate_error (error, g_steal_pointer (&local));
          return store;
        }
    }
  return repair (self, error) ? open_store (self, counts, error) : NULL;
}

/**
 * pm_queue_writer_repair:
 *
 * The file was found damaged: the writer closes it and repairs it before anything else.
 */
void
pm_queue_writer_repair (PmQueue *self)
{
  PmQueueOperation *operation = g_new0 (PmQueueOperation, 1);

  operation->kind = PM_QUEUE_OPERATION_CHANGE;
  operation->ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  __atomic_store_n (&self->damaged, TRUE, __ATOMIC_RELAXED);
  pm_queue_writer_submit (self, operation, NULL, pm_queue_writer_repair, NULL, NULL);
}

/**
 * pm_queue_writer_open:
 *
 * Opens the database, where it is not open. After a failed write or sync, nobody knows what the
 * kernel has thrown away (a second fsync would say all is well), so the connection went then, and
 * what counts is what a new one reads.
 */
gboolean
pm_queue_writer_open (PmQueue *self, GError **error)
{
  g_autoptr (PmQueueStore) store = NULL;
  PmQueueCounts counts;
  guint64 size = 0;

  if (self->writer != NULL)
    return TRUE;
  store = open_or_repair (self, counts, error);
  if (store == NULL)
    return FALSE;
  for (int i = 0; i < PM_QUEUE_N_STATES * PM_QUEUE_N_AGENT_SETS; i++)
    size += ((guint64 *) counts)[i];
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
  pm_queue_cache_clear (self->cache);
}

typedef struct
{
  PmQueueProgressFunc func;
  gpointer data;
  guint count;
} Progress;

static gboolean
progress_cb (gpointer data)
{
  Progress *progress = data;

  progress->func (progress->count, progress->data);
  return G_SOURCE_REMOVE;
}

static void
report_progress (GTask *task, PmQueueOperation *operation)
{
  Progress *progress;

  if (operation->progress == NULL)
    return;
  progress = g_new0 (Progress, 1);
  progress->func = operation->progress;
  progress->data = operation->progress_data;
  progress->count = operation->count;
  g_main_context_invoke_full (g_task_get_context (task), G_PRIORITY_DEFAULT, progress_cb, progress,
                              g_free);
}

/* A page is committed: another one follows, unless that was the last, or all is over. */
static void
end_page (PmQueue *self, GTask *task, PmQueueOperation *operation)
{
  operation->count += operation->page;
  operation->range = operation->range_then;
  operation->next_id = operation->next_id_then;
  if (!operation->more)
    g_task_return_boolean (task, TRUE);
  else if (__atomic_load_n (&self->closing, __ATOMIC_RELAXED))
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                             "The queue was closed when %u messages were changed",
                             operation->count);
  else if (!g_task_return_error_if_cancelled (task))
    {
      report_progress (task, operation);
      g_async_queue_push (self->waiting, g_object_ref (task));
    }
}

/*
 * The keeper copies the log into the file while commits go on; what came in meanwhile is copied
 * here, a few pages, so that the log can begin anew instead of growing for ever.
 */
static void
tend_log (PmQueue *self)
{
  guint pages = pm_queue_store_get_log_pages (self->writer);
  guint left;

  if (pages < self->log_limit || (pages < self->log_limit * LOG_CEILING &&
                                  __atomic_load_n (&self->checkpointing, __ATOMIC_ACQUIRE)))
    return;
  if (pages >= self->log_limit * LOG_CEILING || self->caught_up)
    {
      self->caught_up = FALSE;
      pm_queue_store_checkpoint (self->writer, &left, NULL);
      return;
    }
  self->caught_up = TRUE;
  __atomic_store_n (&self->checkpointing, TRUE, __ATOMIC_RELEASE);
  pm_queue_keeper_ask (self, PM_QUEUE_CHORE_CHECKPOINT);
}

/* Whether there is room for the outcome of what is accepted, so that more may be. */
static gboolean
has_room (PmQueue *self)
{
  gint64 now = g_get_monotonic_time ();
  guint64 inner = 0;

  if (self->reserve.held && now < self->reserve_tried + RESERVE_INTERVAL)
    return TRUE;
  if (now >= self->reserve_tried + RESERVE_INTERVAL)
    {
      self->reserve_tried = now;
      if (pm_queue_store_get_free_bytes (self->writer, &inner))
        pm_disk_watch_set_inner_room (self->watch, inner);
      self->roomy = pm_disk_reserve_take (&self->reserve) || inner >= 2 * self->reserve.size;
    }
  return self->reserve.held || self->roomy;
}

/* Takes out of the batch what would bring in more mail, while there is no room for it. */
static void
refuse_new (GPtrArray *batch, const GError *error)
{
  for (guint i = 0; i < batch->len;)
    {
      GTask *task = g_ptr_array_index (batch, i);
      PmQueueOperation *operation = g_task_get_task_data (task);

      if (operation->kind != PM_QUEUE_OPERATION_ENQUEUE)
        {
          i++;
          continue;
        }
      g_task_return_error (task, g_error_copy (error));
      g_ptr_array_remove_index (batch, i);
    }
}

static gboolean
try_batch (PmQueue *self, GPtrArray *batch, GError **error)
{
  g_autoptr (GPtrArray) gone_files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) local = NULL;

  if (__atomic_load_n (&self->damaged, __ATOMIC_RELAXED) && self->writer != NULL)
    give_up_writer (self);
  if (!pm_queue_writer_open (self, error))
    return FALSE;
  if (!has_room (self))
    {
      g_set_error (&local, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                   "The disk of %s is full: make room there", self->folder);
      refuse_new (batch, local);
      g_clear_error (&local);
    }
  if (batch->len == 0 || write_batch (self, batch, gone_files, &local))
    {
      remove_files (self, gone_files);
      return TRUE;
    }
  if (g_error_matches (local, PM_QUEUE_TROUBLE, PM_QUEUE_TROUBLE_DAMAGED))
    __atomic_store_n (&self->damaged, TRUE, __ATOMIC_RELAXED);
  else if (!g_error_matches (local, PM_QUEUE_TROUBLE, PM_QUEUE_TROUBLE_FULL))
    pm_queue_keeper_ask (self, PM_QUEUE_CHORE_CHECK);
  give_up_writer (self);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/*
 * What a full disk has refused was not written: SQLite has rolled it back, no sync has failed. The
 * reserve makes room for the outcome of what is accepted, which is then tried once more; new mail
 * is not.
 */
static gboolean
try_with_reserve (PmQueue *self, GPtrArray *batch, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (try_batch (self, batch, &local))
    return TRUE;
  if (g_error_matches (local, PM_QUEUE_TROUBLE, PM_QUEUE_TROUBLE_FULL) && self->reserve.held)
    {
      pm_disk_reserve_give_up (&self->reserve);
      self->reserve_tried = g_get_monotonic_time ();
      self->roomy = FALSE;
      refuse_new (batch, local);
      if (batch->len == 0)
        return TRUE;
      g_clear_error (&local);
      if (try_batch (self, batch, &local))
        return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Tasks of one context, and what is to be said of them. */
typedef struct
{
  GPtrArray *tasks; /* (element-type GTask) (owned) */
  GError *error;    /* (owned) (nullable) */
} Report;

static void
free_report (gpointer data)
{
  Report *report = data;

  g_ptr_array_unref (report->tasks);
  g_clear_error (&report->error);
  g_free (report);
}

static gboolean
report_cb (gpointer data)
{
  const Report *report = data;

  for (guint i = 0; i < report->tasks->len; i++)
    {
      GTask *task = g_ptr_array_index (report->tasks, i);

      if (report->error != NULL)
        g_task_return_error (task, g_error_copy (report->error));
      else
        g_task_return_boolean (task, TRUE);
    }
  return G_SOURCE_REMOVE;
}

/*
 * Returned from here, each task would wake its context for itself, and contend for it with the
 * ones before. So each context is woken once, and returns them itself.
 */
static void
report_batch (GPtrArray *tasks, const GError *error)
{
  while (tasks->len > 0)
    {
      Report *report = g_new0 (Report, 1);
      g_autoptr (GSource) source = g_idle_source_new ();
      GMainContext *context = g_task_get_context (g_ptr_array_index (tasks, 0));
      g_autoptr (GPtrArray) others = g_ptr_array_new_with_free_func (g_object_unref);

      report->tasks = g_ptr_array_new_with_free_func (g_object_unref);
      report->error = error != NULL ? g_error_copy (error) : NULL;
      for (guint i = 0; i < tasks->len; i++)
        {
          GTask *task = g_ptr_array_index (tasks, i);
          gboolean same = g_task_get_context (task) == context;

          g_ptr_array_add (same ? report->tasks : others, g_object_ref (task));
        }
      g_ptr_array_set_size (tasks, 0);
      g_ptr_array_extend_and_steal (tasks, g_steal_pointer (&others));
      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, report_cb, report, free_report);
      g_source_attach (source, context);
    }
}

static void
process_batch (PmQueue *self, GPtrArray *batch)
{
  g_autoptr (GPtrArray) settled = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;
  gboolean ok = try_with_reserve (self, batch, &error);

  for (guint i = 0; i < batch->len; i++)
    {
      GTask *task = g_ptr_array_index (batch, i);
      PmQueueOperation *operation = g_task_get_task_data (task);

      if (ok)
        keep_fresh (self, operation);
      if (ok && operation->kind == PM_QUEUE_OPERATION_CHANGE)
        end_page (self, task, operation);
      else
        g_ptr_array_add (settled, g_object_ref (task));
    }
  report_batch (settled, error);
  if (self->writer != NULL)
    tend_log (self);
}

/*
 * What comes next, if it comes at once. Nobody waits for the outcome of a delivery: one that is
 * alone waits as long as a commit takes for something that shares its sync, such as the next
 * message of the client that sent this one.
 */
static gpointer
take_next (PmQueue *self, GPtrArray *batch)
{
  gpointer item = batch->len < MAX_BATCH ? g_async_queue_try_pop (self->waiting) : NULL;
  const PmQueueOperation *first = g_task_get_task_data (g_ptr_array_index (batch, 0));
  guint64 commit_time = __atomic_load_n (&self->commit_time, __ATOMIC_RELAXED);

  if (item == NULL && batch->len == 1 && first->kind == PM_QUEUE_OPERATION_UPDATE)
    item = g_async_queue_timeout_pop (self->waiting, MIN (commit_time, PATIENCE));
  return item;
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
          item = take_next (self, batch);
        }
      leaving = item == self;
      if (batch->len > 0)
        process_batch (self, batch);
    }
  g_clear_pointer (&self->writer, pm_queue_store_close);
  return NULL;
}

void
pm_queue_writer_start (PmQueue *self)
{
  self->thread = g_thread_new ("queue-writer", write_cb, self);
}

/* Writes what waits; of a change in pages, the one at hand. */
void
pm_queue_writer_stop (PmQueue *self)
{
  __atomic_store_n (&self->closing, TRUE, __ATOMIC_RELAXED);
  g_async_queue_push (self->waiting, self);
  g_thread_join (g_steal_pointer (&self->thread));
}

/**
 * pm_queue_writer_submit:
 * @operation: (transfer full)
 */
void
pm_queue_writer_submit (PmQueue *self,
                        PmQueueOperation *operation,
                        GCancellable *cancellable,
                        gpointer tag,
                        GAsyncReadyCallback callback,
                        gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, operation, (GDestroyNotify) free_operation);
  if (self->thread == NULL)
    {
      g_task_return_new_error (task, PM_ERROR, PM_ERROR_FAILED, "The queue is closed");
      return;
    }
  g_async_queue_push (self->waiting, g_steal_pointer (&task));
}
