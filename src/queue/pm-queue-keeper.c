// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the queue does beside its work, in a thread of its own so that neither the start nor a
// commit waits for it: files that a crash left are removed, a file that was not closed in order is
// checked, and the log is copied into the file, with the syncs that this takes.

#include "queue/pm-queue-private.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "base/pm-log.h"
#include "queue/pm-queue-log.h"

/* What the log led to before it was damaged is not an orphan of a session that was cut off. */
static gboolean
may_be_of_damaged_log (const char *path, gint64 damage_time)
{
  GStatBuf info;

  return damage_time != 0 && (g_stat (path, &info) != 0 || info.st_mtime <= damage_time);
}

/* Where it cannot be moved, it stays. */
static void
set_body_aside (PmQueue *self, const char *path, const char *name)
{
  g_autofree char *place = g_build_filename (self->folder, "lost+found", NULL);
  g_autofree char *target = g_build_filename (place, name, NULL);

  g_mkdir_with_parents (place, 0700);
  if (g_rename (path, target) == 0)
    pm_log_event (G_LOG_LEVEL_MESSAGE, "queue-body-set-aside", "path", target, NULL);
}

static void
sweep_with (PmQueue *self, PmQueueStore *store)
{
  g_autoptr (GDir) folder = g_dir_open (self->body_folder, 0, NULL);
  gint64 damage_time = pm_queue_log_get_damage_time (self->folder);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->body_folder, name, NULL);
      gboolean has;

      if (__atomic_load_n (&self->closing, __ATOMIC_RELAXED) ||
          __atomic_load_n (&self->damaged, __ATOMIC_RELAXED))
        return;
      if (!g_str_has_prefix (name, "body-") || pm_queue_body_is_of_this_run (name))
        continue;
      if (!pm_queue_store_has_body_file (store, name, &has, NULL))
        return;
      if (has)
        continue;
      if (may_be_of_damaged_log (path, damage_time))
        set_body_aside (self, path, name);
      else
        unlink (path);
    }
}

/* Files that no message refers to: of sessions that a crash cut off. */
static void
sweep (PmQueue *self)
{
  guint epoch;
  PmQueueStore *store = pm_queue_take_reader (self, &epoch, NULL);

  if (store == NULL)
    return;
  sweep_with (self, store);
  pm_queue_give_reader (self, store, epoch);
}

static void
set_checker (PmQueue *self, PmQueueStore *store)
{
  g_mutex_lock (&self->keeper_lock);
  self->checker = store;
  g_mutex_unlock (&self->keeper_lock);
}

/* (transfer full) (nullable): what is wrong with the file */
static GError *
find_damage (PmQueue *self)
{
  GError *error = NULL;
  guint epoch;
  PmQueueStore *store = pm_queue_take_reader (self, &epoch, &error);

  if (store == NULL)
    return error;
  set_checker (self, store);
  if (!__atomic_load_n (&self->closing, __ATOMIC_RELAXED) &&
      !__atomic_load_n (&self->damaged, __ATOMIC_RELAXED))
    pm_queue_store_check (store, &error);
  set_checker (self, NULL);
  pm_queue_give_reader (self, store, epoch);
  return error;
}

/*
 * What it finds is the writer's to act upon: it repairs the file before it goes on, and sets aside
 * what a sweep would have deleted.
 */
static void
check (PmQueue *self)
{
  g_autoptr (GError) error = find_damage (self);

  if (error == NULL)
    return;
  g_mutex_lock (&self->keeper_lock);
  self->chores &= ~(guint) PM_QUEUE_CHORE_SWEEP;
  g_mutex_unlock (&self->keeper_lock);
  if (__atomic_load_n (&self->closing, __ATOMIC_RELAXED) ||
      __atomic_load_n (&self->damaged, __ATOMIC_RELAXED))
    return;
  pm_log_event (G_LOG_LEVEL_MESSAGE, "queue-check-failed", "reason", error->message, NULL);
  if (g_error_matches (error, PM_QUEUE_TROUBLE, PM_QUEUE_TROUBLE_DAMAGED))
    pm_queue_writer_repair (self);
}

static void
checkpoint (PmQueue *self)
{
  g_autoptr (PmQueueStore) store = NULL;
  guint left = 0;

  g_rw_lock_reader_lock (&self->file_lock);
  store = pm_queue_store_open (self->path, TRUE, NULL);
  if (store != NULL)
    pm_queue_store_checkpoint (store, &left, NULL);
  g_clear_pointer (&store, pm_queue_store_close);
  g_rw_lock_reader_unlock (&self->file_lock);
}

/* What is to be done next; waits for it. */
static PmQueueChore
next_chore (PmQueue *self)
{
  PmQueueChore chore = 0;

  g_mutex_lock (&self->keeper_lock);
  while (self->chores == 0)
    g_cond_wait (&self->keeper_wakes, &self->keeper_lock);
  for (guint bit = 0; chore == 0; bit++)
    chore = self->chores & (1u << bit);
  self->chores &= ~(guint) chore;
  g_mutex_unlock (&self->keeper_lock);
  return chore;
}

static gpointer
keep_cb (gpointer data)
{
  PmQueue *self = data;

  for (;;)
    switch (next_chore (self))
      {
      case PM_QUEUE_CHORE_LEAVE:
        return NULL;
      case PM_QUEUE_CHORE_CHECKPOINT:
        checkpoint (self);
        __atomic_store_n (&self->checkpointing, FALSE, __ATOMIC_RELEASE);
        break;
      case PM_QUEUE_CHORE_SWEEP:
        sweep (self);
        break;
      case PM_QUEUE_CHORE_CHECK:
        check (self);
        break;
      default:
        g_assert_not_reached ();
      }
}

/* Ends a check that is under way. */
void
pm_queue_keeper_interrupt (PmQueue *self)
{
  g_mutex_lock (&self->keeper_lock);
  if (self->checker != NULL)
    pm_queue_store_interrupt (self->checker);
  g_mutex_unlock (&self->keeper_lock);
}

void
pm_queue_keeper_ask (PmQueue *self, PmQueueChore chore)
{
  if (chore == PM_QUEUE_CHORE_LEAVE)
    pm_queue_keeper_interrupt (self);
  g_mutex_lock (&self->keeper_lock);
  self->chores |= chore;
  g_cond_signal (&self->keeper_wakes);
  g_mutex_unlock (&self->keeper_lock);
}

void
pm_queue_keeper_start (PmQueue *self)
{
  self->keeper = g_thread_new ("queue-keeper", keep_cb, self);
}

void
pm_queue_keeper_stop (PmQueue *self)
{
  pm_queue_keeper_ask (self, PM_QUEUE_CHORE_LEAVE);
  g_thread_join (g_steal_pointer (&self->keeper));
}
