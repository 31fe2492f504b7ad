// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The engine: it holds together the listeners, the workers with their sessions, the queue and its
// schedule. What it promises: a setting that does not load changes nothing, a reload drops no
// connection, and whatever lies in the queue is tried when it is due.

#include "relay/pm-relay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "relay/pm-attempt.h"
#include "relay/pm-diagnostics.h"
#include "relay/pm-dns-diagnostics.h"
#include "relay/pm-inbound.h"
#include "relay/pm-listener-probe.h"
#include "relay/pm-recipient-check.h"
#include "relay/pm-relay-state.h"
#include "relay/pm-session-pool.h"

#define MAX_SESSION_IDLE (5 * G_USEC_PER_SEC)
#define GRACE_SECONDS 10  /* for transactions at hand, when closing down */
#define ABANDON_SECONDS 5 /* for cut connections to say so */
#define SIGNAL_INTERVAL (G_USEC_PER_SEC)

/* What a worker tells the main thread. */
typedef struct
{
  enum
  {
    EVENT_QUEUED,
    EVENT_ATTEMPT_OVER,
    EVENT_SESSION_OVER,
    EVENT_QUEUE_CHANGED,
    EVENT_CHANGED,
  } kind;
  guint64 message;
  gint64 next_try;
  char *parked_for; /* (owned) (nullable) */
  gboolean gone;
} Event;

enum
{
  QUEUE_CHANGED,
  STOPPED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (PmRelay, pm_relay, G_TYPE_OBJECT)

static GSource *
add_timeout (PmRelay *self, gint64 microseconds, GSourceFunc func)
{
  GSource *source = g_timeout_source_new ((guint) CLAMP (microseconds / 1000 + 1, 0, 3600 * 1000));

  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, self->context);
  return source;
}

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static gboolean
signal_cb (gpointer data)
{
  PmRelay *self = data;

  clear_source (&self->signal_timer);
  self->signalled_at = g_get_monotonic_time ();
  __atomic_store_n (&self->changed, 0, __ATOMIC_SEQ_CST);
  g_signal_emit (self, signals[QUEUE_CHANGED], 0);
  return G_SOURCE_REMOVE;
}

/* The signal goes out at most once a second, and after the last change there is always one. */
static void
note_queue_change (PmRelay *self)
{
  gint64 due = self->signalled_at + SIGNAL_INTERVAL - g_get_monotonic_time ();

  if (self->signal_timer == NULL)
    self->signal_timer = add_timeout (self, MAX (due, 0), signal_cb);
}

/* The end of what a worker does, in its thread. */
typedef struct
{
  PmRelayWorker *worker;
  gboolean finish;
} EndCall;

static void
end_sessions_cb (gpointer data)
{
  EndCall *call = data;
  g_autoptr (GList) sessions = g_hash_table_get_keys (call->worker->inbound);
  g_autoptr (GList) attempts = g_hash_table_get_keys (call->worker->attempts);

  pm_session_pool_clear (call->worker->pool);
  for (GList *l = sessions; l != NULL; l = l->next)
    pm_inbound_end (l->data, call->finish);
  pm_recipient_check_stop (call->worker);
  for (GList *l = attempts; l != NULL && !call->finish; l = l->next)
    pm_attempt_abandon (l->data);
}

static void
end_sessions (PmRelay *self, gboolean finish)
{
  for (guint i = 0; i < self->workers->len; i++)
    {
      PmRelayWorker *worker = g_ptr_array_index (self->workers, i);
      EndCall call = { worker, finish };

      pm_worker_call (worker->worker, end_sessions_cb, &call);
    }
}

static void
check_stopped (PmRelay *self)
{
  if (!pm_relay_is_stopping (self) || self->stopped ||
      pm_dispatcher_count_active (self->dispatcher) > 0 ||
      pm_relay_get_counter (self, PM_COUNTER_SESSIONS) > 0)
    return;
  self->stopped = TRUE;
  clear_source (&self->grace);
  g_signal_emit (self, signals[STOPPED], 0, TRUE);
}

static void
take_event (PmRelay *self, const Event *event)
{
  switch (event->kind)
    {
    case EVENT_QUEUED:
      pm_dispatcher_queued (self->dispatcher, event->message, event->next_try);
      break;
    case EVENT_ATTEMPT_OVER:
      pm_dispatcher_attempt_over (self->dispatcher, event->message, event->next_try,
                                  event->parked_for, event->gone);
      break;
    case EVENT_QUEUE_CHANGED:
      pm_dispatcher_restart (self->dispatcher);
      break;
    case EVENT_CHANGED:
      break;
    case EVENT_SESSION_OVER:
    default:
      return;
    }
  note_queue_change (self);
}

static void
clear_event (Event *event)
{
  g_free (event->parked_for);
}

static GArray *
new_events (void)
{
  GArray *events = g_array_new (FALSE, FALSE, sizeof (Event));

  g_array_set_clear_func (events, (GDestroyNotify) clear_event);
  return events;
}

static void
dispatch (PmRelay *self)
{
  if (pm_relay_is_running (self))
    pm_dispatcher_run (self->dispatcher);
}

static gboolean
events_cb (gpointer data)
{
  PmRelay *self = data;
  g_autoptr (GArray) events = NULL;

  g_mutex_lock (&self->events_lock);
  events = self->events;
  self->events = new_events ();
  g_mutex_unlock (&self->events_lock);

  for (guint i = 0; i < events->len; i++)
    take_event (self, &g_array_index (events, Event, i));
  dispatch (self);
  check_stopped (self);
  return G_SOURCE_REMOVE;
}

/* From any thread: the first of a batch wakes the main thread. */
static void
tell (PmRelay *self, const Event *event)
{
  gboolean first;

  g_mutex_lock (&self->events_lock);
  first = self->events->len == 0;
  g_array_append_val (self->events, *event);
  g_mutex_unlock (&self->events_lock);

  if (first)
    {
      g_autoptr (GSource) source = g_idle_source_new ();

      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, events_cb, g_object_ref (self), g_object_unref);
      g_source_attach (source, self->context);
    }
}

typedef struct
{
  PmRelayWorker *worker;
  guint64 message;
} AttemptStart;

static void
start_attempt_cb (gpointer data)
{
  g_autofree AttemptStart *start = data;

  pm_attempt_start (start->worker, start->message);
}

static void
start_attempt (guint64 message, gpointer data)
{
  PmRelay *self = data;
  AttemptStart *start = g_new0 (AttemptStart, 1);

  start->worker = g_ptr_array_index (self->workers, self->next_worker++ % self->workers->len);
  start->message = message;
  pm_worker_invoke (start->worker->worker, start_attempt_cb, start);
}

static void
free_pool_cb (gpointer data)
{
  PmRelayWorker *worker = data;

  g_clear_pointer (&worker->pool, pm_session_pool_free);
}

static void
free_worker (PmRelayWorker *worker)
{
  pm_worker_call (worker->worker, free_pool_cb, worker);
  pm_worker_free (worker->worker);
  g_ptr_array_unref (worker->acceptors);
  g_hash_table_unref (worker->inbound);
  g_hash_table_unref (worker->callouts);
  g_hash_table_unref (worker->attempts);
  g_free (worker);
}

static void
stop_checks_cb (gpointer data)
{
  pm_recipient_check_stop (data);
}

static void
pm_relay_dispose (GObject *object)
{
  PmRelay *self = PM_RELAY (object);

  if (self->dispatcher != NULL)
    pm_dispatcher_stop (self->dispatcher);
  clear_source (&self->signal_timer);
  clear_source (&self->reminder);
  clear_source (&self->grace);
  g_clear_pointer (&self->statistics, pm_statistics_server_free);
  pm_relay_listeners_close (self->listeners);
  // Its last replies go to the workers.
  g_clear_pointer (&self->maildir, pm_maildir_free);
  // What one worker asks, another may wait for: all are told while all are there.
  for (guint i = 0; i < self->workers->len; i++)
    {
      PmRelayWorker *worker = g_ptr_array_index (self->workers, i);

      pm_worker_call (worker->worker, stop_checks_cb, worker);
    }
  g_ptr_array_set_size (self->workers, 0);
  if (self->queue != NULL)
    pm_queue_close (self->queue);
  G_OBJECT_CLASS (pm_relay_parent_class)->dispose (object);
}

static void
pm_relay_finalize (GObject *object)
{
  PmRelay *self = PM_RELAY (object);

  g_ptr_array_unref (self->workers);
  pm_relay_listeners_free (self->listeners);
  g_clear_object (&self->queue);
  pm_dispatcher_free (self->dispatcher);
  pm_limiter_free (self->limiter);
  pm_dead_hosts_free (self->dead_hosts);
  pm_client_census_free (self->census);
  pm_tracking_free (self->tracking);
  pm_recipient_check_free (self->check);
  pm_report_limit_free (self->reports);
  g_array_unref (self->events);
  pm_relay_settings_unref (self->settings);
  if (self->dnssec != NULL)
    g_signal_handlers_disconnect_by_data (self->dnssec, self);
  g_clear_object (&self->dnssec);
  pm_outbound_tls_free (self->tls);
  g_clear_object (&self->resolver);
  g_clear_object (&self->clock);
  g_main_context_unref (self->context);
  g_free (self->config);
  g_free (self->server);
  g_free (self->state_dir);
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  g_mutex_clear (&self->settings_lock);
  g_mutex_clear (&self->events_lock);
  G_OBJECT_CLASS (pm_relay_parent_class)->finalize (object);
}

static void
pm_relay_class_init (PmRelayClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = pm_relay_dispose;
  G_OBJECT_CLASS (klass)->finalize = pm_relay_finalize;

  signals[QUEUE_CHANGED] = g_signal_new ("queue-changed", PM_TYPE_RELAY, G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[STOPPED] = g_signal_new ("stopped", PM_TYPE_RELAY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
}

static void
pm_relay_init (PmRelay *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->lock_fd = -1;
  self->limiter = pm_limiter_new ();
  self->dead_hosts = pm_dead_hosts_new ();
  self->census = pm_client_census_new ();
  self->check = pm_recipient_check_new ();
  self->reports = pm_report_limit_new ();
  self->maildir = pm_maildir_new ();
  self->workers = g_ptr_array_new_with_free_func ((GDestroyNotify) free_worker);
  self->listeners = pm_relay_listeners_new (self->workers);
  self->events = new_events ();
  g_mutex_init (&self->settings_lock);
  g_mutex_init (&self->events_lock);
}

static void
set_state_dir_error (PmRelay *self, const char *path, GError **error)
{
  int saved = errno;
  gboolean denied = saved == EACCES || saved == EPERM;
  g_autofree char *advice =
      denied ? g_strdup_printf (": the user that pointsman-relayd runs as (%u) must be allowed to "
                                "read and write all of %s",
                                (guint) geteuid (), self->state_dir)
             : NULL;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved),
               "Could not use the state directory: %s: %s%s", path, g_strerror (saved),
               denied ? advice : "");
}

/* Two engines on one queue would deliver everything twice. */
static gboolean
lock_state_dir (PmRelay *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->state_dir, "relayd.lock", NULL);

  if (g_mkdir_with_parents (self->state_dir, 0700) == 0)
    self->lock_fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (self->lock_fd < 0)
    {
      set_state_dir_error (self, path, error);
      return FALSE;
    }
  if (flock (self->lock_fd, LOCK_EX | LOCK_NB) != 0)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_BUSY,
                   "Another pointsman-relayd uses %s; stop it first, or give this one a "
                   "--state-dir of its own",
                   self->state_dir);
      return FALSE;
    }
  return TRUE;
}

static gboolean
start_workers (PmRelay *self, GError **error)
{
  for (guint i = 0; i < MAX (g_get_num_processors (), 1); i++)
    {
      g_autofree char *name = g_strdup_printf ("worker-%u", i);
      PmWorker *thread = pm_worker_new (name, error);
      PmRelayWorker *worker;

      if (thread == NULL)
        return FALSE;
      worker = g_new0 (PmRelayWorker, 1);
      worker->relay = self;
      worker->worker = thread;
      worker->acceptors = g_ptr_array_new_with_free_func (pm_relay_accepting_free);
      worker->inbound = g_hash_table_new (NULL, NULL);
      g_queue_init (&worker->sessions);
      worker->callouts = g_hash_table_new (NULL, NULL);
      worker->attempts = g_hash_table_new (NULL, NULL);
      worker->pool = pm_session_pool_new (self->limiter, pm_worker_get_reactor (thread),
                                          MAX_SESSION_IDLE);
      g_ptr_array_add (self->workers, worker);
    }
  return TRUE;
}

/* Without it the mail goes all the same. */
static void
open_tracking (PmRelay *self)
{
  g_autoptr (GError) error = NULL;

  self->tracking = pm_tracking_new (self->state_dir, &error);
  if (self->tracking == NULL)
    pm_log_event (G_LOG_LEVEL_WARNING, "no-tracking", "reason", error->message, NULL);
}

/**
 * pm_relay_new:
 * @error: %PM_ERROR_INVALID with all problems when the site file does not load; anything else is
 *   about the state directory
 *
 * Loads the site and opens the queue. Blocks on the disk.
 *
 * Returns: (transfer full) (nullable): an engine that does not run yet
 */
PmRelay *
pm_relay_new (const PmRelayOptions *options, GError **error)
{
  g_autoptr (PmRelay) self = g_object_new (PM_TYPE_RELAY, NULL);
  g_autofree char *queue = NULL;

  self->config = g_strdup (options->config);
  self->server = g_strdup (options->server);
  self->state_dir = g_canonicalize_filename (options->state_dir, NULL);
  self->mx_port = options->mx_port;
  self->resolver = pm_dns_diagnostics_new (options->resolver);
  self->clock = g_object_ref (options->clock);

  self->settings = pm_relay_settings_load (self->config, self->server, self->state_dir, error);
  if (self->settings == NULL || !lock_state_dir (self, error))
    return NULL;
  queue = g_build_filename (self->state_dir, "queue", NULL);
  self->queue = pm_queue_new (queue, self->clock, error);
  if (self->queue == NULL)
    {
      g_prefix_error (error, "Could not use the state directory: ");
      return NULL;
    }
  open_tracking (self);
  self->tls = pm_outbound_tls_new (self->state_dir, self->resolver, self->clock, &options->tls,
                                   error);
  if (self->tls == NULL)
    return NULL;
  if (PM_IS_DNSSEC_RESOLVER (options->resolver))
    self->dnssec = g_object_ref (PM_DNSSEC_RESOLVER (options->resolver));
  if (self->dnssec != NULL)
    g_signal_connect_swapped (self->dnssec, "changed", G_CALLBACK (pm_relay_log_dane), self);
  self->dispatcher =
      pm_dispatcher_new (self->queue, self->clock, self->limiter, start_attempt, self);
  return g_steal_pointer (&self);
}

/**
 * pm_relay_start:
 * @error: when a socket cannot be listened on
 *
 * Returns: whether it listens and delivers
 */
gboolean
pm_relay_start (PmRelay *self, GError **error)
{
  g_return_val_if_fail (PM_IS_RELAY (self) && !self->running, FALSE);

  if (!start_workers (self, error) ||
      !pm_relay_put_in_force (self, pm_relay_settings_ref (self->settings), error))
    return FALSE;
  self->running = TRUE;
  self->reminder = add_timeout (self, 3600 * (gint64) G_USEC_PER_SEC, pm_relay_remind_cb);
  self->started_at = g_get_real_time ();
  dispatch (self);
  return TRUE;
}

/**
 * pm_relay_reload:
 * @error: why the site file or one of its sockets cannot be used; what was in force stays
 *
 * Reads the site file again and puts it in force, without dropping a connection.
 */
gboolean
pm_relay_reload (PmRelay *self, GError **error)
{
  PmRelaySettings *settings;

  if (!self->running || pm_relay_is_stopping (self))
    {
      g_set_error (error, PM_ERROR, PM_ERROR_BUSY, "The service is closing down");
      return FALSE;
    }
  settings = pm_relay_settings_load (self->config, self->server, self->state_dir, error);
  if (settings == NULL || !pm_relay_put_in_force (self, settings, error))
    return FALSE;
  pm_log_event (G_LOG_LEVEL_MESSAGE, "reloaded", "revision", settings->revision, NULL);
  // What was held may go now, and what waits may go elsewhere when its time comes.
  pm_dead_hosts_clear (self->dead_hosts);
  pm_dispatcher_restart (self->dispatcher);
  return TRUE;
}

static gboolean
give_up_cb (gpointer data)
{
  PmRelay *self = data;

  clear_source (&self->grace);
  self->stopped = TRUE;
  g_signal_emit (self, signals[STOPPED], 0, FALSE);
  return G_SOURCE_REMOVE;
}

static gboolean
grace_over_cb (gpointer data)
{
  PmRelay *self = data;

  clear_source (&self->grace);
  self->grace = add_timeout (self, ABANDON_SECONDS * G_USEC_PER_SEC, give_up_cb);
  end_sessions (self, FALSE);
  return G_SOURCE_REMOVE;
}

/**
 * pm_relay_stop:
 *
 * Takes no more connections, lets transactions and deliveries at hand come to their end for a
 * while, then cuts them. `stopped` follows; its argument says whether everything was let go of.
 */
void
pm_relay_stop (PmRelay *self)
{
  if (pm_relay_is_stopping (self))
    return;
  __atomic_store_n (&self->stopping, 1, __ATOMIC_SEQ_CST);
  pm_dispatcher_stop (self->dispatcher);
  pm_relay_listeners_close (self->listeners);
  self->grace = add_timeout (self, GRACE_SECONDS * G_USEC_PER_SEC, grace_over_cb);
  end_sessions (self, TRUE);
  tell (self, &(Event){ .kind = EVENT_SESSION_OVER });
}

gboolean
pm_relay_is_running (PmRelay *self)
{
  return self->running && !pm_relay_is_stopping (self);
}

PmQueue *
pm_relay_get_queue (PmRelay *self)
{
  return self->queue;
}

/**
 * pm_relay_dup_settings:
 *
 * Returns: (transfer full): the snapshot in force. Any thread.
 */
PmRelaySettings *
pm_relay_dup_settings (PmRelay *self)
{
  PmRelaySettings *settings;

  g_mutex_lock (&self->settings_lock);
  settings = pm_relay_settings_ref (self->settings);
  g_mutex_unlock (&self->settings_lock);
  return settings;
}

gint64
pm_relay_get_started_at (PmRelay *self)
{
  return self->started_at;
}

/**
 * pm_relay_list_targets:
 *
 * Returns: (transfer full) (element-type PmListenerTarget): the sockets it listens on
 */
GPtrArray *
pm_relay_list_targets (PmRelay *self)
{
  return pm_relay_listeners_list_targets (self->listeners);
}

/**
 * pm_relay_list_listening:
 *
 * Returns: (transfer full): the same as text, `192.0.2.1:25` or `[::]:25`
 */
GStrv
pm_relay_list_listening (PmRelay *self)
{
  g_autoptr (GPtrArray) targets = pm_relay_list_targets (self);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < targets->len; i++)
    {
      const PmListenerTarget *target = g_ptr_array_index (targets, i);
      g_autofree char *text =
          g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (target->address));

      g_strv_builder_add (builder, text);
    }
  return g_strv_builder_end (builder);
}

/**
 * pm_relay_is_active:
 *
 * Returns: whether @message is being tried at this moment
 */
gboolean
pm_relay_is_active (PmRelay *self, guint64 message)
{
  return pm_dispatcher_is_active (self->dispatcher, message);
}

/**
 * pm_relay_queue_edited:
 *
 * The queue was changed by hand: what is due is read again from disk.
 */
void
pm_relay_queue_edited (PmRelay *self)
{
  // Whoever says "now" does not mean "when the host may have come back".
  pm_dead_hosts_clear (self->dead_hosts);
  pm_dispatcher_restart (self->dispatcher);
  note_queue_change (self);
}

/*
 * Category `queue`: at `minimum` what stays in it after a try, at `medium` all that moves. Told
 * where it happens, since most of it goes past the main thread.
 */
static void
tell_of_queue (PmRelay *self,
               PmDiagnosticsLevel level,
               const char *what,
               guint64 message,
               gint64 next_try,
               const char *parked_for)
{
  gboolean dated = next_try != 0 && next_try != G_MAXINT64;
  char id[24];
  char seconds[32];

  if (!pm_diagnostics_wants (PM_TOPIC_QUEUE, level))
    return;
  g_snprintf (id, sizeof id, "%" G_GUINT64_FORMAT, message);
  g_snprintf (seconds, sizeof seconds, "%" G_GINT64_FORMAT,
              (next_try - pm_clock_now (self->clock)) / G_USEC_PER_SEC);
  pm_log_event (G_LOG_LEVEL_MESSAGE, pm_topic_to_string (PM_TOPIC_QUEUE), "id", id, "what", what,
                "next-in", dated ? seconds : NULL, "parked-for", parked_for, NULL);
}

void
pm_relay_message_queued (PmRelay *self, guint64 message, gint64 next_try)
{
  tell_of_queue (self, PM_DIAGNOSTICS_MEDIUM, "queued", message, 0, NULL);
  tell (self, &(Event){ .kind = EVENT_QUEUED, .message = message, .next_try = next_try });
}

/* What went past the main thread: once a second it hears that there was something. */
static void
tell_changed (PmRelay *self)
{
  if (__atomic_exchange_n (&self->changed, 1, __ATOMIC_SEQ_CST) == 0)
    tell (self, &(Event){ .kind = EVENT_CHANGED });
}

void
pm_relay_message_fresh (PmRelayWorker *worker, guint64 message, gint64 next_try)
{
  PmRelay *self = worker->relay;

  if (!pm_dispatcher_claim (self->dispatcher, message))
    {
      pm_relay_message_queued (self, message, next_try);
      return;
    }
  tell_of_queue (self, PM_DIAGNOSTICS_MEDIUM, "queued", message, 0, NULL);
  tell_changed (self);
  pm_attempt_start (worker, message);
}

/**
 * pm_relay_attempt_over:
 * @parked_for: (nullable): a destination that had too many waiting for it
 *
 * See pm_dispatcher_attempt_over().
 */
void
pm_relay_attempt_over (PmRelay *self,
                       guint64 message,
                       gint64 next_try,
                       const char *parked_for,
                       gboolean gone)
{
  tell_of_queue (self, gone ? PM_DIAGNOSTICS_MEDIUM : PM_DIAGNOSTICS_MINIMUM,
                 gone ? "gone" : "waits", message, gone ? 0 : next_try, parked_for);
  if (gone && parked_for == NULL && pm_dispatcher_settle (self->dispatcher, message))
    {
      tell_changed (self);
      return;
    }
  tell (self, &(Event){ .kind = EVENT_ATTEMPT_OVER,
                        .message = message,
                        .next_try = next_try,
                        .parked_for = g_strdup (parked_for),
                        .gone = gone });
}

void
pm_relay_session_over (PmRelay *self)
{
  if (pm_relay_is_stopping (self))
    tell (self, &(Event){ .kind = EVENT_SESSION_OVER });
}

/**
 * pm_relay_queue_changed:
 *
 * pm_relay_queue_edited() for any thread.
 */
void
pm_relay_queue_changed (PmRelay *self)
{
  tell (self, &(Event){ .kind = EVENT_QUEUE_CHANGED });
}

static void
relieve_cb (gpointer data)
{
  pm_inbound_relieve (data);
}

/**
 * pm_relay_relieve:
 * @worker: whose thread this is
 *
 * There are nearly as many sessions as there may be: one that does nothing ends, here or, where
 * there is none, in each of the other workers.
 */
void
pm_relay_relieve (PmRelayWorker *worker)
{
  GPtrArray *workers = worker->relay->workers;

  if (pm_inbound_relieve (worker))
    return;
  for (guint i = 0; i < workers->len; i++)
    {
      PmRelayWorker *other = g_ptr_array_index (workers, i);

      if (other != worker)
        pm_worker_invoke (other->worker, relieve_cb, other);
    }
}
