// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmReactor:
 *
 * One epoll set and one heap of timers as one source of a #GMainContext. Everything but
 * pm_reactor_invoke() belongs to the thread that runs that context.
 */
typedef struct _PmReactor PmReactor;

/**
 * PmWatch:
 *
 * A descriptor in a reactor. Level-triggered.
 */
typedef struct _PmWatch PmWatch;

typedef enum
{
  PM_READY_NONE = 0,
  PM_READY_READ = 1 << 0,
  PM_READY_WRITE = 1 << 1,
  PM_READY_HANGUP = 1 << 2, /* error or both sides shut down; told also when not asked for */
} PmReady;

typedef void (*PmReactorFunc) (gpointer user_data);
typedef void (*PmWatchFunc) (PmReady ready, gpointer user_data);

/* `context` (nullable): %NULL is the thread's default one. */
PmReactor *pm_reactor_new (GMainContext *context, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Watches and timers must be gone; invoked functions that did not run yet run now. */
void pm_reactor_free (PmReactor *reactor);

/* Runs `func` soon in the reactor's thread. Any thread; calls from one thread keep their order. */
void pm_reactor_invoke (PmReactor *reactor, PmReactorFunc func, gpointer user_data);

/*
 * `shared` marks a listening socket that several reactors watch: one of them is woken, not all
 * (EPOLLEXCLUSIVE); its interest cannot be changed. The descriptor stays the caller's; free the
 * watch before closing it. A watch may be freed anywhere in its reactor's thread, its own callback
 * included.
 */
PmWatch *pm_watch_new (PmReactor *reactor,
                       int fd,
                       PmReady interest,
                       gboolean shared,
                       PmWatchFunc func,
                       gpointer user_data);
void pm_watch_free (PmWatch *watch);
void pm_watch_set_interest (PmWatch *watch, PmReady interest);

/**
 * PmTimer:
 *
 * A deadline, part of whatever has it: init, set as often as you like, clear. Moving it to a later
 * time costs nothing. It fires once; set it again for another time, also from its own callback.
 * Times are those of g_get_monotonic_time().
 */
typedef struct
{
  PmReactor *reactor;
  PmReactorFunc func;
  gpointer user_data;
  gint64 when;  /* 0 when it is not set */
  gint64 filed; /* what the heap has it under, never later than when */
  gsize place;  /* in the heap, from 1; 0 when not in it */
} PmTimer;

void pm_timer_init (PmTimer *timer, PmReactor *reactor, PmReactorFunc func, gpointer user_data);
void pm_timer_set (PmTimer *timer, gint64 when);
void pm_timer_set_after (PmTimer *timer, gint64 microseconds);
void pm_timer_clear (PmTimer *timer);
gboolean pm_timer_is_set (const PmTimer *timer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmReactor, pm_reactor_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmWatch, pm_watch_free)

G_END_DECLS
