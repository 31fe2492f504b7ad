// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// When attempts begin. What it promises: whatever lies in the queue is tried when it is due, one
// attempt at a message at a time, and what cannot go now keeps nothing else from going.

#include "relay/pm-dispatcher.h"

#include "base/pm-log.h"
#include "relay/pm-parking.h"

#define MAX_SCHEDULED 100000
#define MAX_PARKED 100000
#define LOAD_PAGE 10000
#define LOAD_RETRY (10 * G_USEC_PER_SEC)
#define PARKING_INTERVAL (G_USEC_PER_SEC / 4)    /* looks for room when nothing else happens */
#define PARKING_PAUSE (G_USEC_PER_SEC / 20)      /* and not more often when much happens */
#define SET_BACK (60 * G_USEC_PER_SEC)           /* more than that is no fine adjustment */
#define MAX_WAIT (60 * G_USEC_PER_SEC)           /* then the clock is looked at again */
#define PARKING_FULL_DELAY (60 * G_USEC_PER_SEC) /* for those that have no place there */

struct _PmDispatcher
{
  PmQueue *queue;        /* (owned) */
  PmClock *clock;        /* (owned) */
  PmLimiter *limiter;    /* (not owned) */
  GMainContext *context; /* (owned) */
  PmDispatchFunc func;
  gpointer data;

  PmScheduler *scheduler; /* (owned) */
  PmParking *parking;     /* (owned) */
  gint64 parking_looked;  /* when, monotonic */
  gint64 clock_ahead;     /* of the monotonic time, when last looked at */
  gboolean clock_looked;
  GCancellable *freed; /* (owned): of what comes back late */
  GMutex lock;         /* guards what follows, up to running */
  GHashTable *active;  /* (element-type guint64 PmDue): messages being tried */
  GHashTable *again;   /* (element-type guint64): of these, those that came due meanwhile */
  guint max_active;
  gboolean backlog; /* what is due waits for a place */
  gboolean parked;  /* somebody waits for a destination */
  gboolean running; /* the last that the lock guards; its own thread may read it */
  GSource *timer;   /* (owned) (nullable): until there is something to do */
};

PmDispatcher *
pm_dispatcher_new (PmQueue *queue,
                   PmClock *clock,
                   PmLimiter *limiter,
                   PmDispatchFunc func,
                   gpointer data)
{
  PmDispatcher *self = g_new0 (PmDispatcher, 1);

  self->queue = g_object_ref (queue);
  self->clock = g_object_ref (clock);
  self->limiter = limiter;
  self->context = g_main_context_ref_thread_default ();
  self->func = func;
  self->data = data;
  self->scheduler = pm_scheduler_new (MAX_SCHEDULED);
  self->parking = pm_parking_new (MAX_PARKED);
  self->active = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  self->again = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->max_active = 1;
  self->freed = g_cancellable_new ();
  g_mutex_init (&self->lock);
  return self;
}

static void
clear_timer (PmDispatcher *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

void
pm_dispatcher_free (PmDispatcher *self)
{
  if (self == NULL)
    return;
  clear_timer (self);
  g_cancellable_cancel (self->freed);
  g_object_unref (self->freed);
  pm_scheduler_free (self->scheduler);
  pm_parking_free (self->parking);
  g_hash_table_unref (self->active);
  g_hash_table_unref (self->again);
  g_mutex_clear (&self->lock);
  g_main_context_unref (self->context);
  g_object_unref (self->clock);
  g_object_unref (self->queue);
  g_free (self);
}

static gboolean
load_page (PmDispatcher *self, const PmDue *after)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) page = pm_queue_due (self->queue, after, LOAD_PAGE, &error);

  if (page == NULL)
    {
      pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "reason", error->message, NULL);
      return FALSE;
    }
  pm_scheduler_load (self->scheduler, (const PmDue *) (gpointer) page->data, page->len, LOAD_PAGE);
  return TRUE;
}

static void
begin (PmDispatcher *self, const PmDue *due)
{
  PmDue *own = g_memdup2 (due, sizeof *due);
  gboolean free;

  g_mutex_lock (&self->lock);
  free = !g_hash_table_contains (self->active, &due->message);
  if (free)
    g_hash_table_insert (self->active, &own->message, own);
  else
    {
      g_hash_table_add (self->again, g_memdup2 (&due->message, sizeof due->message));
      g_free (own);
    }
  g_mutex_unlock (&self->lock);
  if (free)
    self->func (due->message, self->data);
}

static gboolean
has_place (PmDispatcher *self)
{
  gboolean place;

  g_mutex_lock (&self->lock);
  place = g_hash_table_size (self->active) < self->max_active;
  g_mutex_unlock (&self->lock);
  return place;
}

static void
set_running (PmDispatcher *self, gboolean running)
{
  g_mutex_lock (&self->lock);
  self->running = running;
  g_mutex_unlock (&self->lock);
}

/* What keeps new messages from going at once, or the end of an attempt from passing unseen. */
static void
note_waiting (PmDispatcher *self, gint64 now)
{
  g_mutex_lock (&self->lock);
  self->backlog = pm_scheduler_next (self->scheduler) <= now;
  self->parked = !pm_parking_is_empty (self->parking);
  g_mutex_unlock (&self->lock);
}

/* Who was parked goes before what is due later: it was due first. */
static void
begin_parked (PmDispatcher *self, gint64 now)
{
  g_autoptr (GArray) messages = NULL;
  gint64 moment = g_get_monotonic_time ();

  if (pm_parking_is_empty (self->parking) || moment < self->parking_looked + PARKING_PAUSE)
    return;
  self->parking_looked = moment;
  messages = g_array_new (FALSE, FALSE, sizeof (guint64));
  pm_parking_take (self->parking, self->limiter, messages);
  for (guint i = 0; i < messages->len; i++)
    {
      PmDue due = pm_queue_due_of (self->queue, g_array_index (messages, guint64, i), now);

      if (has_place (self))
        begin (self, &due);
      else
        pm_scheduler_add_due (self->scheduler, &due);
    }
}

static gboolean
timer_cb (gpointer data)
{
  pm_dispatcher_run (data);
  return G_SOURCE_REMOVE;
}

static void
set_timer (PmDispatcher *self, gint64 wait)
{
  if (wait == G_MAXINT64)
    return;
  self->timer = g_timeout_source_new ((guint) (CLAMP (wait, 0, MAX_WAIT) / 1000 + 1));
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  g_source_attach (self->timer, self->context);
}

typedef struct
{
  PmDispatcher *dispatcher;
  GCancellable *freed; /* (owned) */
} Recall;

static void
recalled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Recall *recall = data;
  g_autoptr (GCancellable) freed = recall->freed;
  g_autoptr (GError) error = NULL;
  guint count;

  if (!pm_queue_change_finish (PM_QUEUE (source), result, &count, &error))
    pm_log_event (G_LOG_LEVEL_WARNING, "storage-failed", "reason", error->message, NULL);
  else if (!g_cancellable_is_cancelled (freed))
    pm_dispatcher_restart (recall->dispatcher);
}

/*
 * A clock that is set back leaves what waits due in a time that is long in coming. Nobody knows how
 * long it was to wait, so it is tried now, once. At the start, the newest message tells.
 */
static void
look_at_clock (PmDispatcher *self, gint64 now)
{
  static const PmQueueChange retry = { .verb = PM_QUEUE_RETRY };
  const PmQueueFilter all = PM_QUEUE_FILTER_ALL;
  gint64 ahead = now - g_get_monotonic_time ();
  gboolean back = self->clock_looked ? ahead < self->clock_ahead - SET_BACK
                                     : (gint64) pm_queue_new_id (self->queue) > now + SET_BACK;
  Recall *recall;

  self->clock_looked = TRUE;
  self->clock_ahead = ahead;
  if (!back)
    return;
  pm_log_event (G_LOG_LEVEL_WARNING, "clock-set-back", "meaning",
                "what waits in the queue is tried now", NULL);
  recall = g_new0 (Recall, 1);
  recall->dispatcher = self;
  recall->freed = g_object_ref (self->freed);
  pm_queue_change_all_async (self->queue, &retry, &all, NULL, NULL, NULL, recalled_cb, recall);
}

/**
 * pm_dispatcher_run:
 *
 * Begins what is due, as far as there is room, and sets the timer for what is due next.
 */
void
pm_dispatcher_run (PmDispatcher *self)
{
  gint64 now = pm_clock_now (self->clock);
  gint64 wait = G_MAXINT64;
  PmDue due;
  PmDue after;

  set_running (self, TRUE);
  clear_timer (self);
  look_at_clock (self, now);
  begin_parked (self, now);
  for (;;)
    {
      while (has_place (self) && pm_scheduler_pop_due (self->scheduler, now, &due))
        begin (self, &due);
      if (!pm_scheduler_wants_load (self->scheduler, now, &after))
        break;
      if (!load_page (self, &after))
        {
          wait = LOAD_RETRY;
          break;
        }
    }

  // Over the ceiling, the end of an attempt is what goes on from here.
  if (wait == G_MAXINT64 && has_place (self) && pm_scheduler_next (self->scheduler) != G_MAXINT64)
    wait = MAX (pm_scheduler_next (self->scheduler) - now, 0);
  if (!pm_parking_is_empty (self->parking))
    wait = MIN (wait, PARKING_INTERVAL);
  note_waiting (self, now);
  set_timer (self, wait);
}

/**
 * pm_dispatcher_stop:
 *
 * Begins nothing more.
 */
void
pm_dispatcher_stop (PmDispatcher *self)
{
  set_running (self, FALSE);
  clear_timer (self);
}

/**
 * pm_dispatcher_restart:
 *
 * The queue, or what it is routed by, was changed by hand: what is due is read again from disk.
 */
void
pm_dispatcher_restart (PmDispatcher *self)
{
  pm_scheduler_restart (self->scheduler);
  pm_parking_clear (self->parking);
  if (self->running)
    pm_dispatcher_run (self);
}

/**
 * pm_dispatcher_set_max_active:
 * @max_active: how many attempts may be under way at once
 */
void
pm_dispatcher_set_max_active (PmDispatcher *self, guint max_active)
{
  g_mutex_lock (&self->lock);
  self->max_active = MAX (max_active, 1);
  g_mutex_unlock (&self->lock);
}

/**
 * pm_dispatcher_queued:
 *
 * There is a new message in the queue. pm_dispatcher_run() is to follow, after the last of several.
 */
void
pm_dispatcher_queued (PmDispatcher *self, guint64 message, gint64 time)
{
  PmDue due = pm_queue_due_of (self->queue, message, time);

  pm_scheduler_add_due (self->scheduler, &due);
}

/**
 * pm_dispatcher_attempt_over:
 * @next_try: when it is due again; %G_MAXINT64 when it is not, or is held
 * @parked_for: (nullable): the destination that has too many waiting for it, for which recipients
 *   of this message are due now
 * @gone: it has left the queue
 *
 * An attempt has ended. What came due while it was being tried, by a reload or by hand, is tried
 * again: the attempt may have acted on what was true before. pm_dispatcher_run() is to follow.
 */
void
pm_dispatcher_attempt_over (PmDispatcher *self,
                            guint64 message,
                            gint64 next_try,
                            const char *parked_for,
                            gboolean gone)
{
  gint64 now = pm_clock_now (self->clock);
  PmDue due = pm_queue_due_of (self->queue, message, now);
  const PmDue *active;
  gboolean again;

  g_mutex_lock (&self->lock);
  again = g_hash_table_remove (self->again, &message);
  active = g_hash_table_lookup (self->active, &message);
  if (active != NULL)
    due = *active;
  g_hash_table_remove (self->active, &message);
  g_mutex_unlock (&self->lock);
  if (gone)
    return;
  if (parked_for != NULL && !pm_parking_add (self->parking, parked_for, message))
    next_try = MIN (next_try, now + PARKING_FULL_DELAY);
  if (again)
    next_try = now;
  due.time = next_try;
  if (next_try < PM_QUEUE_HELD_TIME)
    pm_scheduler_add_due (self->scheduler, &due);
}

/**
 * pm_dispatcher_claim:
 *
 * For a message that has just come into the queue: whether the caller may try it at once. Otherwise
 * it goes by pm_dispatcher_queued(), as it does when others are due before it.
 */
gboolean
pm_dispatcher_claim (PmDispatcher *self, guint64 message)
{
  PmDue due = pm_queue_due_of (self->queue, message, 0);
  PmDue *own = g_memdup2 (&due, sizeof due);
  gboolean claimed;

  g_mutex_lock (&self->lock);
  claimed = self->running && !self->backlog &&
            g_hash_table_size (self->active) < self->max_active &&
            !g_hash_table_contains (self->active, &message);
  if (claimed)
    g_hash_table_insert (self->active, &own->message, own);
  g_mutex_unlock (&self->lock);
  if (!claimed)
    g_free (own);
  return claimed;
}

/**
 * pm_dispatcher_settle:
 *
 * An attempt has ended and its message has left the queue: whether that is all there is to it.
 * Otherwise pm_dispatcher_attempt_over() is to be called, since somebody waits for its place.
 */
gboolean
pm_dispatcher_settle (PmDispatcher *self, guint64 message)
{
  gboolean settled;

  g_mutex_lock (&self->lock);
  settled = self->running && !self->backlog && !self->parked &&
            !g_hash_table_contains (self->again, &message);
  if (settled)
    g_hash_table_remove (self->active, &message);
  g_mutex_unlock (&self->lock);
  return settled;
}

gboolean
pm_dispatcher_is_active (PmDispatcher *self, guint64 message)
{
  gboolean active;

  g_mutex_lock (&self->lock);
  active = g_hash_table_contains (self->active, &message);
  g_mutex_unlock (&self->lock);
  return active;
}

guint
pm_dispatcher_count_active (PmDispatcher *self)
{
  guint count;

  g_mutex_lock (&self->lock);
  count = g_hash_table_size (self->active);
  g_mutex_unlock (&self->lock);
  return count;
}
