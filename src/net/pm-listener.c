// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Listening sockets, and accepting from them in one or many reactors. No error of accept() stops an
// acceptor: what concerns one connection is passed over, what concerns the process makes it wait.

#include "net/pm-listener.h"

#include <glib-unix.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024
#define ACCEPTS_PER_ROUND 64 // others in the reactor want their turn
#define BACKOFF_FIRST (50 * G_TIME_SPAN_MILLISECOND)
#define BACKOFF_LAST G_TIME_SPAN_SECOND

struct _PmListener
{
  int fd;                      /* (owned) */
  GInetSocketAddress *address; /* (owned) */
};

struct _PmAcceptor
{
  PmListener *listener; /* (owned) */
  PmReactor *reactor;
  PmAcceptFunc func;
  gpointer user_data;
  PmWatch *watch; /* (owned) (nullable): %NULL while it waits or is paused */
  PmTimer timer;
  gint64 backoff; /* the next wait */
  guint64 n_backoffs;
  gboolean paused;
  gboolean *gone; /* set while func runs, to learn that it freed the acceptor */
};

static gboolean
fail (GError **error, const char *what)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved), "%s: %s", what,
               g_strerror (saved));
  return FALSE;
}

// From the kernel's form; IPv4-mapped IPv6 becomes IPv4, so that no network rule is slipped past.
static GInetSocketAddress *
address_from_native (struct sockaddr_storage *native, socklen_t size)
{
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GInetAddress) plain = NULL;
  const struct sockaddr_in6 *six = (const struct sockaddr_in6 *) (gconstpointer) native;

  if (native->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED (&six->sin6_addr))
    {
      plain = g_inet_address_new_from_bytes (six->sin6_addr.s6_addr + 12, G_SOCKET_FAMILY_IPV4);
      return G_INET_SOCKET_ADDRESS (g_inet_socket_address_new (plain, ntohs (six->sin6_port)));
    }
  address = g_socket_address_new_from_native (native, size);
  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return NULL;
  return G_INET_SOCKET_ADDRESS (g_steal_pointer (&address));
}

static GInetSocketAddress *
get_local_address (int fd)
{
  struct sockaddr_storage native = { 0 };
  socklen_t size = sizeof native;

  if (getsockname (fd, (struct sockaddr *) &native, &size) < 0)
    return NULL;
  return address_from_native (&native, size);
}

/* What the person who chose the address can do about it. */
static const char *
advise (int reason)
{
  switch (reason)
    {
    case EADDRINUSE:
      return "another program, perhaps another mail server, already listens there; stop it or "
             "choose another port";
    case EACCES:
    case EPERM:
      return "ports below 1024 need the right to take them (CAP_NET_BIND_SERVICE), which the "
             "system's own service has; choose a higher port without it";
    case EADDRNOTAVAIL:
      return "no network interface of this machine has that address now; choose one that it has, "
             "or 0.0.0.0 or :: for all of them";
    case EAFNOSUPPORT:
      return "this machine has no such network protocol; take the address out of the list";
    default:
      return NULL;
    }
}

static gboolean
fail_to_listen (GInetSocketAddress *address, GError **error)
{
  int saved = errno;
  const char *advice = advise (saved);
  g_autofree char *host =
      g_inet_address_to_string (g_inet_socket_address_get_address (address));

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved),
               "Could not listen on %s port %u: %s%s%s", host,
               g_inet_socket_address_get_port (address), g_strerror (saved),
               advice != NULL ? ": " : "", advice != NULL ? advice : "");
  return FALSE;
}

static gboolean
bind_and_listen (int fd, GSocketAddress *address, GError **error)
{
  struct sockaddr_storage native = { 0 };
  int one = 1;
  gssize size = g_socket_address_get_native_size (address);

  if (!g_socket_address_to_native (address, &native, sizeof native, error))
    return FALSE;
  if (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
    return fail (error, "SO_REUSEADDR");
  if (native.ss_family == AF_INET6 &&
      setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
    return fail (error, "IPV6_V6ONLY");
  if (bind (fd, (struct sockaddr *) &native, (socklen_t) size) < 0 || listen (fd, BACKLOG) < 0)
    return fail_to_listen (G_INET_SOCKET_ADDRESS (address), error);
  return TRUE;
}

static PmListener *
take_fd (int fd, GError **error)
{
  g_autoptr (GInetSocketAddress) address = get_local_address (fd);
  PmListener *listener;

  if (address == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "The descriptor is not a TCP socket");
      return NULL;
    }
  listener = g_atomic_rc_box_new0 (PmListener);
  listener->fd = fd;
  listener->address = g_steal_pointer (&address);
  return listener;
}

/**
 * pm_listener_new:
 *
 * Returns: (transfer full) (nullable): a listening socket.
 */
PmListener *
pm_listener_new (GInetSocketAddress *address, GError **error)
{
  GSocketFamily family = g_socket_address_get_family (G_SOCKET_ADDRESS (address));
  int fd = socket (family == G_SOCKET_FAMILY_IPV6 ? AF_INET6 : AF_INET,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  PmListener *listener = NULL;

  if (fd < 0)
    {
      fail_to_listen (address, error);
      return NULL;
    }
  if (bind_and_listen (fd, G_SOCKET_ADDRESS (address), error))
    listener = take_fd (fd, error);
  if (listener == NULL)
    close (fd);
  return listener;
}

/**
 * pm_listener_new_for_fd:
 * @fd: (transfer full): a listening socket; it stays the caller's when %NULL comes back
 *
 * Returns: (transfer full) (nullable): the listener.
 */
PmListener *
pm_listener_new_for_fd (int fd, GError **error)
{
  int listening = 0;
  socklen_t size = sizeof listening;

  if (getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
    {
      fail (error, "The descriptor is not a socket");
      return NULL;
    }
  if (!listening)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "The socket does not listen");
      return NULL;
    }
  if (!g_unix_set_fd_nonblocking (fd, TRUE, error))
    return NULL;
  return take_fd (fd, error);
}

/**
 * pm_listener_ref:
 *
 * Returns: (transfer full): @listener, with one more reference.
 */
PmListener *
pm_listener_ref (PmListener *listener)
{
  return g_atomic_rc_box_acquire (listener);
}

static void
listener_clear (PmListener *listener)
{
  close (listener->fd);
  g_object_unref (listener->address);
}

/**
 * pm_listener_unref:
 * @listener: (transfer full) (nullable): a listener
 */
void
pm_listener_unref (PmListener *listener)
{
  if (listener != NULL)
    g_atomic_rc_box_release_full (listener, (GDestroyNotify) listener_clear);
}

/**
 * pm_listener_get_address:
 *
 * Returns: (transfer none): where it listens, with the port it really has.
 */
GInetSocketAddress *
pm_listener_get_address (PmListener *listener)
{
  return listener->address;
}

static void accept_cb (PmReady ready, gpointer user_data);

static void
update_watch (PmAcceptor *acceptor)
{
  gboolean wanted = !acceptor->paused && !pm_timer_is_set (&acceptor->timer);

  if (wanted && acceptor->watch == NULL)
    acceptor->watch = pm_watch_new (acceptor->reactor, acceptor->listener->fd, PM_READY_READ, TRUE,
                                    accept_cb, acceptor);
  else if (!wanted)
    g_clear_pointer (&acceptor->watch, pm_watch_free);
}

static void
retry_cb (gpointer user_data)
{
  update_watch (user_data);
}

// Out of descriptors or memory. A level-triggered watch would spin: look away for a while.
static void
back_off (PmAcceptor *acceptor, int reason)
{
  g_debug ("accepting waits %" G_GINT64_FORMAT " ms: %s",
           acceptor->backoff / G_TIME_SPAN_MILLISECOND, g_strerror (reason));
  acceptor->n_backoffs++;
  pm_timer_set_after (&acceptor->timer, acceptor->backoff);
  acceptor->backoff = MIN (acceptor->backoff * 2, BACKOFF_LAST);
  update_watch (acceptor);
}

// Hands one connection over. FALSE when the acceptor is gone or paused now.
static gboolean
hand_over (PmAcceptor *acceptor, int fd, struct sockaddr_storage *native, socklen_t size)
{
  g_autoptr (GInetSocketAddress) peer = address_from_native (native, size);
  g_autoptr (GInetSocketAddress) local = get_local_address (fd);
  gboolean gone = FALSE;

  if (peer == NULL || local == NULL) // it has gone again already
    {
      close (fd);
      return TRUE;
    }
  acceptor->backoff = BACKOFF_FIRST;
  acceptor->gone = &gone;
  acceptor->func (fd, peer, local, acceptor->user_data);
  if (gone)
    return FALSE;
  acceptor->gone = NULL;
  return !acceptor->paused;
}

static void
accept_cb (PmReady ready, gpointer user_data)
{
  PmAcceptor *acceptor = user_data;

  for (int i = 0; i < ACCEPTS_PER_ROUND; i++)
    {
      struct sockaddr_storage native = { 0 };
      socklen_t size = sizeof native;
      int fd = accept4 (acceptor->listener->fd, (struct sockaddr *) &native, &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC);

      if (fd >= 0)
        {
          if (!hand_over (acceptor, fd, &native, size))
            return;
          continue;
        }
      if (errno == EAGAIN)
        return;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        {
          back_off (acceptor, errno);
          return;
        }
      // ECONNABORTED, EPERM and the network errors of accept(2) concern that one connection.
    }
}

/**
 * pm_acceptor_new:
 *
 * Returns: (transfer full): an acceptor that accepts from now on.
 */
PmAcceptor *
pm_acceptor_new (PmListener *listener, PmReactor *reactor, PmAcceptFunc func, gpointer user_data)
{
  PmAcceptor *acceptor = g_new0 (PmAcceptor, 1);

  acceptor->listener = pm_listener_ref (listener);
  acceptor->reactor = reactor;
  acceptor->func = func;
  acceptor->user_data = user_data;
  acceptor->backoff = BACKOFF_FIRST;
  pm_timer_init (&acceptor->timer, reactor, retry_cb, acceptor);
  update_watch (acceptor);
  return acceptor;
}

/**
 * pm_acceptor_free:
 * @acceptor: (transfer full) (nullable): an acceptor
 */
void
pm_acceptor_free (PmAcceptor *acceptor)
{
  if (acceptor == NULL)
    return;

  if (acceptor->gone != NULL)
    *acceptor->gone = TRUE;
  pm_timer_clear (&acceptor->timer);
  g_clear_pointer (&acceptor->watch, pm_watch_free);
  pm_listener_unref (acceptor->listener);
  g_free (acceptor);
}

/**
 * pm_acceptor_set_paused:
 *
 * For a limit on connections.
 */
void
pm_acceptor_set_paused (PmAcceptor *acceptor, gboolean paused)
{
  acceptor->paused = paused;
  update_watch (acceptor);
}

/**
 * pm_acceptor_get_backoffs:
 *
 * Returns: how often it had to wait for descriptors or memory.
 */
guint64
pm_acceptor_get_backoffs (PmAcceptor *acceptor)
{
  return acceptor->n_backoffs;
}
