// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Message tracking beside the mail, and never in its way: who adds an event waits for nobody, the
// writer thread yields to everything else, and when there is no room it is tracking that goes
// without.

#include "queue/pm-tracking.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "queue/pm-tracking-store.h"

#define QUEUE_EVENTS 50000
#define GATHER (100 * G_TIME_SPAN_MILLISECOND)
#define GATHER_ENOUGH 2000
#define FLUSH_PATIENCE (2 * G_TIME_SPAN_SECOND)
#define PRUNE_INTERVAL (G_TIME_SPAN_MINUTE)
#define PRUNE_STEP 500
#define PRUNE_PAUSE (20 * G_TIME_SPAN_MILLISECOND)
#define SAY_INTERVAL (G_TIME_SPAN_MINUTE)
#define MIN_FREE (64 * 1024 * 1024) /* what is left on the disk belongs to the mail */
#define NICE 10

struct _PmTracking
{
  char *folder;
  char *path;
  GThread *thread;
  PmTrackingStore *store; /* (nullable): the writer's */

  GMutex lock;
  GCond wake;
  GCond written;
  GPtrArray *events; /* (element-type PmTrackingEvent) */
  guint64 added;     /* events that were ever taken */
  guint64 done;      /* of those, added to the file or dropped */
  guint64 dropped;
  gboolean hurry;
  gboolean stopping;
  gboolean prune_now;
  gint64 keep; /* microseconds; 0 is to keep nothing */

  gint64 next_prune; /* monotonic; the writer's, as are those below */
  guint64 said;      /* how many dropped events the log tells of */
  gint64 said_at;
};

/* A file that cannot be read is kept for whoever wants to look into it; tracking begins anew. */
static gboolean
set_aside (PmTracking *self, const char *reason)
{
  g_autofree char *time = g_strdup_printf ("%" G_GINT64_FORMAT, g_get_real_time ());
  g_autofree char *aside = g_strconcat (self->path, ".damaged-", time, NULL);
  g_autofree char *wal = g_strconcat (self->path, "-wal", NULL);
  g_autofree char *wal_aside = g_strconcat (aside, "-wal", NULL);
  g_autofree char *shm = g_strconcat (self->path, "-shm", NULL);

  pm_log_event (G_LOG_LEVEL_WARNING, "tracking-set-aside", "reason", reason, "file", aside, NULL);
  // What is only in its log yet belongs to it; with a new file it would be another one's.
  if (g_rename (wal, wal_aside) != 0)
    g_unlink (wal);
  g_unlink (shm);
  return g_rename (self->path, aside) == 0;
}

static PmTrackingStore *
open_store (PmTracking *self, GError **error)
{
  g_autoptr (GError) first = NULL;
  PmTrackingStore *store = pm_tracking_store_open (self->path, &first);

  if (store != NULL)
    return store;
  if (g_error_matches (first, PM_ERROR, PM_ERROR_INVALID) && set_aside (self, first->message))
    return pm_tracking_store_open (self->path, error);
  g_propagate_error (error, g_steal_pointer (&first));
  return NULL;
}

static gboolean
has_room (const PmTracking *self)
{
  struct statvfs fs;

  return statvfs (self->folder, &fs) != 0 || fs.f_blocks == 0 ||
         (guint64) fs.f_bavail * fs.f_frsize >= MIN_FREE;
}

static void
drop (PmTracking *self, guint n, const char *reason)
{
  gint64 now = g_get_monotonic_time ();
  guint64 dropped;

  g_mutex_lock (&self->lock);
  self->dropped += n;
  dropped = self->dropped;
  g_mutex_unlock (&self->lock);
  if (dropped > self->said && (self->said_at == 0 || now >= self->said_at + SAY_INTERVAL))
    {
      g_autofree char *events = g_strdup_printf ("%" G_GUINT64_FORMAT, dropped - self->said);

      pm_log_event (G_LOG_LEVEL_WARNING, "tracking-dropped", "events", events, "reason", reason,
                    NULL);
      self->said = dropped;
      self->said_at = now;
    }
}

static void
write_events (PmTracking *self, GPtrArray *events)
{
  g_autoptr (GError) error = NULL;

  if (!has_room (self))
    {
      drop (self, events->len, "the disk is nearly full");
      return;
    }
  if (self->store == NULL)
    self->store = open_store (self, &error);
  if (self->store != NULL && pm_tracking_store_add (self->store, events, &error))
    {
      drop (self, 0, "events came faster than they could be written");
      return;
    }
  // Opened again for the next ones; a damaged file is set aside then.
  g_clear_pointer (&self->store, pm_tracking_store_close);
  if (g_error_matches (error, PM_ERROR, PM_ERROR_INVALID))
    set_aside (self, error->message);
  drop (self, events->len, error->message);
}

static void
prune (PmTracking *self, gint64 keep)
{
  g_autoptr (GError) error = NULL;
  int n = 0;

  if (self->store != NULL)
    n = pm_tracking_store_prune (self->store, g_get_real_time () - keep, PRUNE_STEP, &error);
  if (n < 0)
    pm_log_event (G_LOG_LEVEL_WARNING, "tracking-not-pruned", "reason", error->message, NULL);
  self->next_prune =
      g_get_monotonic_time () + (n >= PRUNE_STEP ? PRUNE_PAUSE : PRUNE_INTERVAL);
}

/* Waits for events, and a little for those that come with them; or for the time to prune. */
static void
gather (PmTracking *self)
{
  gint64 until;

  while (self->events->len == 0 && !self->stopping && !self->hurry && !self->prune_now)
    if (!g_cond_wait_until (&self->wake, &self->lock, self->next_prune))
      return;
  until = g_get_monotonic_time () + GATHER;
  while (self->events->len < GATHER_ENOUGH && !self->stopping && !self->hurry)
    if (!g_cond_wait_until (&self->wake, &self->lock, until))
      return;
}

static gpointer
run_writer (gpointer data)
{
  PmTracking *self = data;
  gboolean more = TRUE;

  // Linux has it by thread.
  setpriority (PRIO_PROCESS, (id_t) gettid (), NICE);
  while (more)
    {
      g_autoptr (GPtrArray) events = NULL;
      gint64 keep;
      gboolean prune_now;

      g_mutex_lock (&self->lock);
      gather (self);
      events = g_steal_pointer (&self->events);
      self->events = g_ptr_array_new_with_free_func (g_free);
      self->hurry = FALSE;
      prune_now = self->prune_now;
      self->prune_now = FALSE;
      keep = self->keep;
      more = !self->stopping;
      g_mutex_unlock (&self->lock);

      if (events->len > 0)
        write_events (self, events);
      g_mutex_lock (&self->lock);
      self->done += events->len;
      g_cond_broadcast (&self->written);
      g_mutex_unlock (&self->lock);
      // One step, then whatever came meanwhile.
      if (more && (prune_now || g_get_monotonic_time () >= self->next_prune))
        prune (self, keep);
    }
  return NULL;
}

/**
 * pm_tracking_new:
 * @folder: where `tracking.db` is or will be
 * @error: when it cannot be opened
 *
 * Returns: (transfer full) (nullable): tracking that keeps events for 30 days
 */
PmTracking *
pm_tracking_new (const char *folder, GError **error)
{
  PmTracking *self = g_new0 (PmTracking, 1);

  self->folder = g_strdup (folder);
  self->path = g_build_filename (folder, "tracking.db", NULL);
  self->keep = 30 * G_TIME_SPAN_DAY;
  self->events = g_ptr_array_new_with_free_func (g_free);
  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  g_cond_init (&self->written);
  self->store = open_store (self, error);
  if (self->store != NULL)
    self->thread = g_thread_new ("tracking", run_writer, self);
  if (self->thread != NULL)
    return self;
  pm_tracking_free (self);
  return NULL;
}

/* Writes what still waits. */
void
pm_tracking_free (PmTracking *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  pm_tracking_store_close (self->store);
  g_ptr_array_unref (self->events);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->wake);
  g_cond_clear (&self->written);
  g_free (self->folder);
  g_free (self->path);
  g_free (self);
}

/**
 * pm_tracking_set_keep:
 * @keep: microseconds; 0 for no tracking: what there is goes, and nothing is added
 *
 * How long events are kept. Older ones go in small steps.
 */
void
pm_tracking_set_keep (PmTracking *self, gint64 keep)
{
  g_mutex_lock (&self->lock);
  self->keep = keep;
  self->prune_now = TRUE;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

/**
 * pm_tracking_add:
 * @event: copied
 *
 * Adds an event soon, or counts it as dropped. Never waits for the disk.
 */
void
pm_tracking_add (PmTracking *self, const PmTrackingEvent *event)
{
  gpointer copy = pm_tracking_event_copy (event);

  g_mutex_lock (&self->lock);
  if (self->keep == 0)
    g_clear_pointer (&copy, g_free);
  else if (self->events->len >= QUEUE_EVENTS)
    {
      self->dropped++;
      g_clear_pointer (&copy, g_free);
    }
  else
    {
      g_ptr_array_add (self->events, copy);
      self->added++;
      if (self->events->len == 1 || self->events->len == GATHER_ENOUGH)
        g_cond_signal (&self->wake);
    }
  g_mutex_unlock (&self->lock);
}

/**
 * pm_tracking_flush:
 *
 * Waits until what was added so far is in the file, for two seconds at most.
 */
void
pm_tracking_flush (PmTracking *self)
{
  gint64 until = g_get_monotonic_time () + FLUSH_PATIENCE;
  guint64 added;

  g_mutex_lock (&self->lock);
  added = self->added;
  self->hurry = self->done < added;
  g_cond_signal (&self->wake);
  while (self->done < added && g_cond_wait_until (&self->written, &self->lock, until))
    ;
  g_mutex_unlock (&self->lock);
}

/**
 * pm_tracking_get_dropped:
 *
 * Returns: how many events were not kept, since the start
 */
guint64
pm_tracking_get_dropped (PmTracking *self)
{
  guint64 dropped;

  g_mutex_lock (&self->lock);
  dropped = self->dropped;
  g_mutex_unlock (&self->lock);
  return dropped;
}

/**
 * pm_tracking_query:
 * @before: the @id of the last event of the page before, 0 for the first page
 * @limit: how many at most, up to %PM_TRACKING_MAX_PAGE
 *
 * Blocks on the disk for a moment.
 *
 * Returns: (transfer full) (nullable) (element-type PmTrackingEvent): the latest events first
 */
GPtrArray *
pm_tracking_query (PmTracking *self,
                   const PmTrackingFilter *filter,
                   gint64 before,
                   guint limit,
                   GError **error)
{
  g_autoptr (PmTrackingStore) store = NULL;

  pm_tracking_flush (self);
  store = pm_tracking_store_open (self->path, error);
  if (store == NULL)
    return NULL;
  return pm_tracking_store_query (store, filter, before, MIN (limit, PM_TRACKING_MAX_PAGE), error);
}

/**
 * pm_tracking_history:
 *
 * Blocks on the disk for a moment.
 *
 * Returns: (transfer full) (nullable) (element-type PmTrackingEvent): what happened to @message,
 *   from its acceptance on; the last %PM_TRACKING_MAX_PAGE events where there are more
 */
GPtrArray *
pm_tracking_history (PmTracking *self, guint64 message, GError **error)
{
  const PmTrackingFilter filter = { .message = message };
  GPtrArray *events = pm_tracking_query (self, &filter, 0, PM_TRACKING_MAX_PAGE, error);

  for (guint i = 0; events != NULL && i < events->len / 2; i++)
    {
      gpointer *first = &g_ptr_array_index (events, i);
      gpointer *last = &g_ptr_array_index (events, events->len - 1 - i);
      gpointer saved = *first;

      *first = *last;
      *last = saved;
    }
  return events;
}
