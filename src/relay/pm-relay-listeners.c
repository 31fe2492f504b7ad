// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the engine listens on. It promises that a change of sockets is made whole or not at all, and
// that a socket which stays goes on without missing a connection, in another role too.

#include "relay/pm-relay-listeners.h"

#include <string.h>

#include "base/pm-error.h"
#include "base/pm-log.h"
#include "net/pm-listener.h"
#include "relay/pm-inbound.h"
#include "relay/pm-listener-probe.h"

/* A socket we listen on; reference counted. */
typedef struct
{
  PmListener *listener;
  PmListen *listen; /* (owned) */
} Listening;

/* One listener's acceptor in one worker; owned by the worker's list. */
typedef struct
{
  PmRelayWorker *worker;
  Listening *listening;
  PmAcceptor *acceptor;
} Accepting;

/* A change to make in a worker's thread. */
typedef struct
{
  PmRelayWorker *worker;
  Listening *listening;
} Change;

struct _PmRelayListeners
{
  GPtrArray *workers;   /* (owned) */
  GPtrArray *listening; /* (element-type Listening) */
};

static void
clear_listening (Listening *listening)
{
  pm_listener_unref (listening->listener);
  pm_listen_unref (listening->listen);
}

static void
unref_listening (gpointer listening)
{
  g_rc_box_release_full (listening, (GDestroyNotify) clear_listening);
}

void
pm_relay_accepting_free (gpointer data)
{
  Accepting *accepting = data;

  pm_acceptor_free (accepting->acceptor);
  g_free (accepting);
}

PmRelayListeners *
pm_relay_listeners_new (GPtrArray *workers)
{
  PmRelayListeners *self = g_new0 (PmRelayListeners, 1);

  self->workers = g_ptr_array_ref (workers);
  self->listening = g_ptr_array_new_with_free_func (unref_listening);
  return self;
}

/**
 * pm_relay_listeners_free:
 * @listeners: (nullable): closed already
 */
void
pm_relay_listeners_free (PmRelayListeners *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->listening);
  g_ptr_array_unref (self->workers);
  g_free (self);
}

static void
accepted_cb (int fd, GInetSocketAddress *peer, GInetSocketAddress *local, gpointer data)
{
  Accepting *accepting = data;

  pm_inbound_start (accepting->worker, fd, peer, local, accepting->listening->listen);
}

static void
start_accepting_cb (gpointer data)
{
  Change *change = data;
  Accepting *accepting = g_new0 (Accepting, 1);

  accepting->worker = change->worker;
  accepting->listening = change->listening;
  accepting->acceptor = pm_acceptor_new (change->listening->listener,
                                         pm_worker_get_reactor (change->worker->worker),
                                         accepted_cb, accepting);
  g_ptr_array_add (change->worker->acceptors, accepting);
}

static void
stop_accepting_cb (gpointer data)
{
  Change *change = data;
  GPtrArray *acceptors = change->worker->acceptors;

  for (guint i = acceptors->len; i > 0; i--)
    if (((Accepting *) g_ptr_array_index (acceptors, i - 1))->listening == change->listening)
      g_ptr_array_remove_index (acceptors, i - 1);
}

/* In all workers; after it, none of them knows of @listening, or all do. */
static void
change_workers (PmRelayListeners *self, PmReactorFunc func, Listening *listening)
{
  for (guint i = 0; i < self->workers->len; i++)
    {
      PmRelayWorker *worker = g_ptr_array_index (self->workers, i);
      Change change = { worker, listening };

      pm_worker_call (worker->worker, func, &change);
    }
}

static Listening *
new_listening (PmListener *listener, const PmListen *listen)
{
  Listening *listening = g_rc_box_new0 (Listening);

  listening->listener = listener;
  listening->listen = pm_listen_ref ((PmListen *) listen);
  return listening;
}

/* The socket that is open there; what else changed of it makes another one on the same socket. */
static Listening *
take_open (PmRelayListeners *self, const PmListen *listen)
{
  for (guint i = 0; i < self->listening->len; i++)
    {
      Listening *listening = g_ptr_array_index (self->listening, i);

      if (strcmp (listening->listen->address, listen->address) != 0 ||
          listening->listen->port != listen->port)
        continue;
      if (pm_listen_equal (listening->listen, listen))
        return g_rc_box_acquire (listening);
      return new_listening (pm_listener_ref (listening->listener), listen);
    }
  return NULL;
}

static Listening *
open_listening (const PmListen *listen, GError **error)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string (listen->address, listen->port);
  PmListener *listener;

  if (address == NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                   "“%s” is not an IP address to listen on", listen->address);
      return NULL;
    }
  listener = pm_listener_new (G_INET_SOCKET_ADDRESS (address), error);
  return listener != NULL ? new_listening (listener, listen) : NULL;
}

static void
log_skipped (const PmListen *listen)
{
  g_autofree char *port = g_strdup_printf ("%u", listen->port);

  pm_log_event (G_LOG_LEVEL_WARNING, "listener-skipped", "address", listen->address, "port", port,
                "reason", "tls=\"implicit\" needs a certificate that can be used", NULL);
}

/**
 * pm_relay_listeners_open:
 * @error: when a socket cannot be listened on; nothing has changed then
 *
 * Opens those sockets of @settings that are not open yet.
 *
 * Returns: (transfer full) (nullable): all that @settings want, for pm_relay_listeners_switch()
 */
GPtrArray *
pm_relay_listeners_open (PmRelayListeners *self, const PmRelaySettings *settings, GError **error)
{
  g_autoptr (GPtrArray) wanted = g_ptr_array_new_with_free_func (unref_listening);
  const PmMailService *service = settings->service;

  for (guint i = 0; i < service->listeners->len; i++)
    {
      const PmListen *listen = g_ptr_array_index (service->listeners, i);
      Listening *listening;

      if (listen->implicit_tls && settings->tls == NULL)
        {
          log_skipped (listen);
          continue;
        }
      listening = take_open (self, listen);
      if (listening == NULL)
        listening = open_listening (listen, error);
      if (listening == NULL)
        return NULL;
      g_ptr_array_add (wanted, listening);
    }
  return g_steal_pointer (&wanted);
}

/**
 * pm_relay_listeners_switch:
 * @wanted: (transfer full): from pm_relay_listeners_open()
 *
 * From now on connections come from these, and from no other.
 */
void
pm_relay_listeners_switch (PmRelayListeners *self, GPtrArray *wanted)
{
  for (guint i = 0; i < self->listening->len; i++)
    if (!g_ptr_array_find (wanted, g_ptr_array_index (self->listening, i), NULL))
      change_workers (self, stop_accepting_cb, g_ptr_array_index (self->listening, i));
  for (guint i = 0; i < wanted->len; i++)
    if (!g_ptr_array_find (self->listening, g_ptr_array_index (wanted, i), NULL))
      change_workers (self, start_accepting_cb, g_ptr_array_index (wanted, i));
  g_ptr_array_unref (self->listening);
  self->listening = wanted;
}

void
pm_relay_listeners_close (PmRelayListeners *self)
{
  pm_relay_listeners_switch (self, g_ptr_array_new_with_free_func (unref_listening));
}

/**
 * pm_relay_listeners_list_targets:
 *
 * Returns: (transfer full) (element-type PmListenerTarget): with the ports they really have
 */
GPtrArray *
pm_relay_listeners_list_targets (PmRelayListeners *self)
{
  GPtrArray *list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_listener_target_free);

  for (guint i = 0; i < self->listening->len; i++)
    {
      const Listening *listening = g_ptr_array_index (self->listening, i);

      g_ptr_array_add (list, pm_listener_target_new (pm_listener_get_address (listening->listener),
                                                     listening->listen));
    }
  return list;
}
