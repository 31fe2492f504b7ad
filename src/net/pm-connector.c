// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Connecting without blocking: one attempt, one time-out, one answer, which never comes from inside
// pm_connector_new().

#include "net/pm-connector.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct _PmConnector
{
  PmReactor *reactor;
  PmConnectFunc func;
  gpointer user_data;
  char *shown;    /* (owned): whom we call */
  int fd;         /* (owned) or -1 */
  PmWatch *watch; /* (owned) (nullable) */
  PmTimer timer;
  GError *error; /* (owned) (nullable): what went wrong at once, told from the timer */
};

static void
set_error (PmConnector *connector, int reason)
{
  g_clear_error (&connector->error);
  g_set_error (&connector->error, G_IO_ERROR, (int) g_io_error_from_errno (reason),
               "Cannot connect to %s: %s", connector->shown, g_strerror (reason));
}

// The connector may be freed in the callback: nothing of it is touched after.
static void
answer (PmConnector *connector)
{
  g_autoptr (GError) error = g_steal_pointer (&connector->error);
  int fd = connector->fd;

  pm_timer_clear (&connector->timer);
  g_clear_pointer (&connector->watch, pm_watch_free);
  connector->fd = -1;
  if (error != NULL && fd >= 0)
    {
      close (fd);
      fd = -1;
    }
  connector->func (fd, error, connector->user_data);
}

static void
writable_cb (PmReady ready, gpointer user_data)
{
  PmConnector *connector = user_data;
  int reason = 0;
  socklen_t size = sizeof reason;

  if (getsockopt (connector->fd, SOL_SOCKET, SO_ERROR, &reason, &size) < 0)
    reason = errno;
  if (reason != 0)
    set_error (connector, reason);
  answer (connector);
}

static void
timer_cb (gpointer user_data)
{
  PmConnector *connector = user_data;

  if (connector->error == NULL)
    g_set_error (&connector->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                 "Cannot connect to %s: no answer in time", connector->shown);
  answer (connector);
}

static gboolean
bind_source (int fd, GInetAddress *source)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (source, 0);
  struct sockaddr_storage native = { 0 };
  int one = 1;

#ifdef IP_BIND_ADDRESS_NO_PORT
  // The port is chosen at connect(), so that one source can have as many peers as it likes.
  setsockopt (fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
#endif
  if (!g_socket_address_to_native (address, &native, sizeof native, NULL))
    return FALSE;
  return bind (fd, (struct sockaddr *) &native,
               (socklen_t) g_socket_address_get_native_size (address)) == 0;
}

// Returns 0 when it is under way or done, else the errno.
static int
begin (PmConnector *connector, GSocketAddress *address, GInetAddress *source)
{
  struct sockaddr_storage native = { 0 };
  gssize size = g_socket_address_get_native_size (address);

  if (size < 0 || !g_socket_address_to_native (address, &native, sizeof native, NULL))
    return EAFNOSUPPORT;
  connector->fd = socket (native.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connector->fd < 0)
    return errno;
  if (source != NULL && !bind_source (connector->fd, source))
    return errno;
  if (connect (connector->fd, (struct sockaddr *) &native, (socklen_t) size) < 0 &&
      errno != EINPROGRESS)
    return errno;
  return 0;
}

/**
 * pm_connector_new:
 *
 * Returns: (transfer full): an attempt under way.
 */
PmConnector *
pm_connector_new (PmReactor *reactor,
                  GSocketAddress *address,
                  GInetAddress *source,
                  gint64 timeout_microseconds,
                  PmConnectFunc func,
                  gpointer user_data)
{
  PmConnector *connector = g_new0 (PmConnector, 1);
  int reason;

  connector->reactor = reactor;
  connector->func = func;
  connector->user_data = user_data;
  connector->fd = -1;
  connector->shown = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
  pm_timer_init (&connector->timer, reactor, timer_cb, connector);

  reason = begin (connector, address, source);
  if (reason != 0)
    {
      set_error (connector, reason);
      pm_timer_set_after (&connector->timer, 0);
      return connector;
    }
  connector->watch = pm_watch_new (reactor, connector->fd, PM_READY_WRITE, FALSE, writable_cb,
                                   connector);
  pm_timer_set_after (&connector->timer, timeout_microseconds);
  return connector;
}

/**
 * pm_connector_free:
 * @connector: (transfer full) (nullable): an attempt
 */
void
pm_connector_free (PmConnector *connector)
{
  if (connector == NULL)
    return;

  pm_timer_clear (&connector->timer);
  g_clear_pointer (&connector->watch, pm_watch_free);
  if (connector->fd >= 0)
    close (connector->fd);
  g_clear_error (&connector->error);
  g_free (connector->shown);
  g_free (connector);
}
