// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The reactor: level-triggered epoll, a binary heap of timers and a queue of functions from other
// threads, behind one GSource. Watches may go away while their events are being handed out, and
// timers may be moved from their own callback.

#include "net/pm-reactor.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/pm-reactor-private.h"

#define EVENTS 128

typedef struct
{
  PmReactorFunc func;
  gpointer user_data;
} Call;

typedef struct
{
  gpointer orphan;
  GDestroyNotify destroy;
} Orphan;

struct _PmReactor
{
  GSource *source; /* (owned) */
  int epoll;
  int wake; /* eventfd: there are calls */
  PmWatch *wake_watch;
  GPtrArray *timers; /* (element-type PmTimer) borrowed; a heap by filed, place - 1 is the index */
  GPtrArray *dead;   /* (element-type PmWatch) (owned): freed while events are handed out */
  GArray *orphans;   /* (element-type Orphan) */
  gboolean dispatching;
  GMutex mutex;  /* for calls */
  GArray *calls; /* (element-type Call) */
};

struct _PmWatch
{
  PmReactor *reactor;
  int fd;
  gboolean shared;
  gboolean freed;
  PmReady interest;
  PmWatchFunc func;
  gpointer user_data;
};

typedef struct
{
  GSource source;
  PmReactor *reactor;
} ReactorSource;

static PmTimer *
timer_at (PmReactor *reactor, gsize place)
{
  return g_ptr_array_index (reactor->timers, place - 1);
}

static void
timer_put (PmReactor *reactor, gsize place, PmTimer *timer)
{
  g_ptr_array_index (reactor->timers, place - 1) = timer;
  timer->place = place;
}

static void
heap_up (PmReactor *reactor, PmTimer *timer)
{
  gsize place = timer->place;

  for (; place > 1 && timer_at (reactor, place / 2)->filed > timer->filed; place /= 2)
    timer_put (reactor, place, timer_at (reactor, place / 2));
  timer_put (reactor, place, timer);
}

static void
heap_down (PmReactor *reactor, PmTimer *timer)
{
  gsize place = timer->place;
  gsize count = reactor->timers->len;

  for (;;)
    {
      gsize child = place * 2;

      if (child < count && timer_at (reactor, child + 1)->filed < timer_at (reactor, child)->filed)
        child++;
      if (child > count || timer_at (reactor, child)->filed >= timer->filed)
        break;
      timer_put (reactor, place, timer_at (reactor, child));
      place = child;
    }
  timer_put (reactor, place, timer);
}

static void
heap_remove (PmReactor *reactor, PmTimer *timer)
{
  PmTimer *last = timer_at (reactor, reactor->timers->len);
  gsize place = timer->place;

  g_ptr_array_set_size (reactor->timers, (int) reactor->timers->len - 1);
  timer->place = 0;
  if (last == timer)
    return;
  timer_put (reactor, place, last);
  heap_up (reactor, last);
  heap_down (reactor, last);
}

// A timer that was moved on since it was filed is filed anew; the others fire.
static void
run_timers (PmReactor *reactor)
{
  gint64 now = g_get_monotonic_time ();

  while (reactor->timers->len > 0 && timer_at (reactor, 1)->filed <= now)
    {
      PmTimer *timer = timer_at (reactor, 1);

      if (timer->when > timer->filed)
        {
          timer->filed = timer->when;
          heap_down (reactor, timer);
          continue;
        }
      heap_remove (reactor, timer);
      timer->when = 0;
      timer->func (timer->user_data);
    }
}

static void
run_calls (PmReactor *reactor)
{
  g_autoptr (GArray) calls = NULL;

  g_mutex_lock (&reactor->mutex);
  calls = g_steal_pointer (&reactor->calls);
  reactor->calls = g_array_new (FALSE, FALSE, sizeof (Call));
  g_mutex_unlock (&reactor->mutex);

  for (guint i = 0; i < calls->len; i++)
    {
      Call *call = &g_array_index (calls, Call, i);

      call->func (call->user_data);
    }
}

static void
wake_cb (PmReady ready, gpointer user_data)
{
  PmReactor *reactor = user_data;
  guint64 count;

  if (read (reactor->wake, &count, sizeof count) == (gssize) sizeof count)
    run_calls (reactor);
}

static PmReady
ready_from_epoll (guint32 events)
{
  PmReady ready = PM_READY_NONE;

  if (events & EPOLLIN)
    ready |= PM_READY_READ;
  if (events & EPOLLOUT)
    ready |= PM_READY_WRITE;
  if (events & (EPOLLHUP | EPOLLERR))
    ready |= PM_READY_HANGUP;
  return ready;
}

static guint32
epoll_from_ready (PmReady interest)
{
  return (interest & PM_READY_READ ? (guint32) EPOLLIN : 0u) |
         (interest & PM_READY_WRITE ? (guint32) EPOLLOUT : 0u);
}

static void
run_watches (PmReactor *reactor)
{
  struct epoll_event events[EVENTS];
  int count = epoll_wait (reactor->epoll, events, EVENTS, 0);

  for (int i = 0; i < count; i++)
    {
      PmWatch *watch = events[i].data.ptr;

      // An earlier callback of this round may have freed it; it stays in "dead" until the round
      // ends.
      if (!watch->freed)
        watch->func (ready_from_epoll (events[i].events), watch->user_data);
    }
}

static gboolean
reactor_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  PmReactor *reactor = ((ReactorSource *) source)->reactor;

  reactor->dispatching = TRUE;
  run_watches (reactor);
  run_timers (reactor);
  reactor->dispatching = FALSE;
  g_ptr_array_set_size (reactor->dead, 0);
  return G_SOURCE_CONTINUE;
}

/*
 * The context asks for the next timer before it waits. Telling it by g_source_set_ready_time()
 * would wake it each time, though only its own thread sets timers.
 */
static gboolean
reactor_prepare (GSource *source, int *timeout)
{
  PmReactor *reactor = ((ReactorSource *) source)->reactor;
  gint64 left;

  *timeout = -1;
  if (reactor->timers->len == 0)
    return FALSE;
  left = timer_at (reactor, 1)->filed - g_source_get_time (source);
  if (left <= 0)
    return TRUE;
  *timeout = (int) MIN ((left + 999) / 1000, G_MAXINT);
  return FALSE;
}

/* That the epoll set is readable, the context sees by itself. */
static gboolean
reactor_check (GSource *source)
{
  PmReactor *reactor = ((ReactorSource *) source)->reactor;

  return reactor->timers->len > 0 && timer_at (reactor, 1)->filed <= g_source_get_time (source);
}

static GSourceFuncs reactor_funcs = {
  .prepare = reactor_prepare,
  .check = reactor_check,
  .dispatch = reactor_dispatch,
};

/**
 * pm_reactor_new:
 *
 * Returns: (transfer full) (nullable): a reactor in @context, or %NULL with a #G_IO_ERROR when the
 *   system has no descriptors left.
 */
PmReactor *
pm_reactor_new (GMainContext *context, GError **error)
{
  int epoll = epoll_create1 (EPOLL_CLOEXEC);
  int wake = epoll < 0 ? -1 : eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  PmReactor *reactor;

  if (wake < 0)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved),
                   "An epoll set cannot be made: %s", g_strerror (saved));
      if (epoll >= 0)
        close (epoll);
      return NULL;
    }

  reactor = g_new0 (PmReactor, 1);
  reactor->epoll = epoll;
  reactor->wake = wake;
  reactor->timers = g_ptr_array_new ();
  reactor->dead = g_ptr_array_new_with_free_func (g_free);
  reactor->orphans = g_array_new (FALSE, FALSE, sizeof (Orphan));
  reactor->calls = g_array_new (FALSE, FALSE, sizeof (Call));
  g_mutex_init (&reactor->mutex);

  reactor->source = g_source_new (&reactor_funcs, sizeof (ReactorSource));
  ((ReactorSource *) reactor->source)->reactor = reactor;
  g_source_set_name (reactor->source, "pm-reactor");
  // Nothing here runs the context again. Otherwise GLib takes the descriptor out before each
  // dispatch and puts it back after it, and wakes itself for both.
  g_source_set_can_recurse (reactor->source, TRUE);
  g_source_add_unix_fd (reactor->source, epoll, G_IO_IN);
  g_source_attach (reactor->source, context);

  reactor->wake_watch = pm_watch_new (reactor, wake, PM_READY_READ, FALSE, wake_cb, reactor);
  return reactor;
}

static gboolean
has_calls (PmReactor *reactor)
{
  gboolean some;

  g_mutex_lock (&reactor->mutex);
  some = reactor->calls->len > 0;
  g_mutex_unlock (&reactor->mutex);
  return some;
}

/**
 * pm_reactor_free:
 * @reactor: (transfer full) (nullable): a reactor
 *
 * In its thread, and not from a callback of its own.
 */
void
pm_reactor_free (PmReactor *reactor)
{
  if (reactor == NULL)
    return;

  while (has_calls (reactor))
    run_calls (reactor);
  while (reactor->orphans->len > 0)
    {
      Orphan last = g_array_index (reactor->orphans, Orphan, reactor->orphans->len - 1);

      g_array_set_size (reactor->orphans, reactor->orphans->len - 1);
      last.destroy (last.orphan);
    }
  g_warn_if_fail (reactor->timers->len == 0);

  pm_watch_free (reactor->wake_watch);
  g_source_destroy (reactor->source);
  g_source_unref (reactor->source);
  close (reactor->wake);
  close (reactor->epoll);
  g_ptr_array_unref (reactor->timers);
  g_ptr_array_unref (reactor->dead);
  g_array_unref (reactor->orphans);
  g_array_unref (reactor->calls);
  g_mutex_clear (&reactor->mutex);
  g_free (reactor);
}

/**
 * pm_reactor_invoke:
 * @func: (scope async): what to run
 *
 * Any thread.
 */
void
pm_reactor_invoke (PmReactor *reactor, PmReactorFunc func, gpointer user_data)
{
  Call call = { func, user_data };
  guint64 one = 1;

  g_return_if_fail (reactor != NULL && func != NULL);

  g_mutex_lock (&reactor->mutex);
  g_array_append_val (reactor->calls, call);
  // Only the first of several has to wake; a full counter (EAGAIN) wakes as well.
  if (reactor->calls->len == 1 && write (reactor->wake, &one, sizeof one) < 0 && errno != EAGAIN)
    g_critical ("A reactor cannot be woken: %s", g_strerror (errno));
  g_mutex_unlock (&reactor->mutex);
}

void
pm_reactor_adopt (PmReactor *reactor, gpointer orphan, GDestroyNotify destroy)
{
  Orphan entry = { orphan, destroy };

  g_array_append_val (reactor->orphans, entry);
}

void
pm_reactor_disown (PmReactor *reactor, gpointer orphan)
{
  for (guint i = 0; i < reactor->orphans->len; i++)
    if (g_array_index (reactor->orphans, Orphan, i).orphan == orphan)
      {
        g_array_remove_index_fast (reactor->orphans, i);
        return;
      }
}

/**
 * pm_watch_new:
 *
 * Returns: (transfer full): a watch on @fd, which must be one that can be polled.
 */
PmWatch *
pm_watch_new (PmReactor *reactor,
              int fd,
              PmReady interest,
              gboolean shared,
              PmWatchFunc func,
              gpointer user_data)
{
  PmWatch *watch = g_new0 (PmWatch, 1);
  struct epoll_event event = { .data.ptr = watch };

  *watch = (PmWatch){ .reactor = reactor,
                      .fd = fd,
                      .shared = shared,
                      .interest = interest,
                      .func = func,
                      .user_data = user_data };
  event.events = epoll_from_ready (interest) | (shared ? (guint32) EPOLLEXCLUSIVE : 0u);
  if (epoll_ctl (reactor->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
    g_critical ("Descriptor %d cannot be watched: %s", fd, g_strerror (errno));
  return watch;
}

/**
 * pm_watch_free:
 * @watch: (transfer full) (nullable): a watch
 */
void
pm_watch_free (PmWatch *watch)
{
  if (watch == NULL)
    return;

  epoll_ctl (watch->reactor->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->freed = TRUE;
  if (watch->reactor->dispatching)
    g_ptr_array_add (watch->reactor->dead, watch);
  else
    g_free (watch);
}

/**
 * pm_watch_set_interest:
 *
 * Costs nothing when it is the same as before.
 */
void
pm_watch_set_interest (PmWatch *watch, PmReady interest)
{
  struct epoll_event event = { .data.ptr = watch, .events = epoll_from_ready (interest) };

  g_return_if_fail (!watch->shared);

  if (watch->interest == interest)
    return;
  watch->interest = interest;
  if (epoll_ctl (watch->reactor->epoll, EPOLL_CTL_MOD, watch->fd, &event) < 0)
    g_critical ("The watch on descriptor %d cannot be changed: %s", watch->fd, g_strerror (errno));
}

/**
 * pm_timer_init:
 * @timer: (out caller-allocates): a timer, not set
 */
void
pm_timer_init (PmTimer *timer, PmReactor *reactor, PmReactorFunc func, gpointer user_data)
{
  *timer = (PmTimer){ .reactor = reactor, .func = func, .user_data = user_data };
}

/**
 * pm_timer_set:
 * @when: by g_get_monotonic_time(), over 0
 *
 * Sets the timer, or moves it.
 */
void
pm_timer_set (PmTimer *timer, gint64 when)
{
  PmReactor *reactor = timer->reactor;

  g_return_if_fail (when > 0);

  timer->when = when;
  if (timer->place != 0 && timer->filed <= when)
    return;

  timer->filed = when;
  if (timer->place == 0)
    {
      g_ptr_array_add (reactor->timers, timer);
      timer->place = reactor->timers->len;
    }
  heap_up (reactor, timer);
}

/**
 * pm_timer_set_after:
 *
 * Sets the timer to so long from now.
 */
void
pm_timer_set_after (PmTimer *timer, gint64 microseconds)
{
  pm_timer_set (timer, g_get_monotonic_time () + MAX (microseconds, 0));
}

/**
 * pm_timer_clear:
 *
 * The timer will not fire; it may be set again.
 */
void
pm_timer_clear (PmTimer *timer)
{
  timer->when = 0;
  if (timer->place == 0)
    return;
  heap_remove (timer->reactor, timer);
}

/**
 * pm_timer_is_set:
 *
 * Returns: whether it will fire.
 */
gboolean
pm_timer_is_set (const PmTimer *timer)
{
  return timer->place != 0;
}
