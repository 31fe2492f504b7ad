// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Several addresses of a host: one that says nothing does not hold up the next (RFC 8305), and who
// loses is closed.

#include "net/pm-connector-race.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FILLERS 8

/* A listener, which may be one that does not answer: its queue is full, and Linux drops the SYN. */
typedef struct
{
  int fd;
  int fillers[MAX_FILLERS];
  GSocketAddress *address;
} Place;

static void
open_place (Place *place, int family, gboolean silent)
{
  struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
  struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  struct sockaddr *name = family == AF_INET6 ? (struct sockaddr *) &v6 : (struct sockaddr *) &v4;
  socklen_t size = family == AF_INET6 ? sizeof v6 : sizeof v4;

  place->fd = socket (family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (place->fd, name, size), ==, 0);
  g_assert_cmpint (listen (place->fd, silent ? 0 : 10), ==, 0);
  g_assert_cmpint (getsockname (place->fd, name, &size), ==, 0);
  place->address = g_socket_address_new_from_native (name, size);
  for (int i = 0; i < MAX_FILLERS; i++)
    {
      place->fillers[i] = silent ? socket (family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
                                 : -1;
      if (silent && connect (place->fillers[i], name, size) != 0)
        g_assert_cmpint (errno, ==, EINPROGRESS);
    }
}

static void
close_place (Place *place)
{
  for (int i = 0; i < MAX_FILLERS; i++)
    if (place->fillers[i] >= 0)
      close (place->fillers[i]);
  close (place->fd);
  g_object_unref (place->address);
}

typedef struct
{
  gboolean over;
  int fd;
  guint index;
  guint failed; /* as bits */
} Outcome;

static void
failed_cb (guint index, const GError *error, gpointer data)
{
  ((Outcome *) data)->failed |= 1u << index;
}

static void
over_cb (int fd, guint index, gpointer data)
{
  Outcome *outcome = data;

  g_assert_false (outcome->over);
  outcome->over = TRUE;
  outcome->fd = fd;
  outcome->index = index;
}

static const PmConnectorRaceHandler handler = { .failed = failed_cb, .over = over_cb };

/* Runs to the places in order; microseconds that it took. */
static gint64
run (Outcome *outcome, gint64 timeout, Place *first, Place *second)
{
  g_autoptr (PmReactor) reactor = pm_reactor_new (NULL, NULL);
  g_autoptr (GPtrArray) addresses = g_ptr_array_new ();
  gint64 began = g_get_monotonic_time ();
  g_autoptr (PmConnectorRace) race = NULL;

  g_ptr_array_add (addresses, first->address);
  if (second != NULL)
    g_ptr_array_add (addresses, second->address);
  race = pm_connector_race_new (reactor, addresses, timeout, &handler, outcome);
  g_assert_false (outcome->over); // never from inside
  while (!outcome->over)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, began + 20 * G_TIME_SPAN_SECOND);
      g_main_context_iteration (NULL, FALSE);
    }
  return g_get_monotonic_time () - began;
}

static void
assert_connected_to (int fd, Place *place)
{
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;
  g_autoptr (GSocketAddress) address = NULL;

  g_assert_cmpint (getpeername (fd, (struct sockaddr *) &peer, &size), ==, 0);
  address = g_socket_address_new_from_native (&peer, size);
  g_assert_cmpint (g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)), ==,
                   g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (place->address)));
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
test_silent (gconstpointer family)
{
  Outcome outcome = { 0 };
  Place silent;
  Place good;
  gint64 took;
  guint before;

  open_place (&silent, GPOINTER_TO_INT (family), TRUE);
  open_place (&good, AF_INET, FALSE);
  g_main_context_iteration (NULL, FALSE); // it has a descriptor of its own
  before = count_descriptors ();
  took = run (&outcome, 10 * G_TIME_SPAN_SECOND, &silent, &good);
  g_test_message ("%d ms", (int) (took / 1000));
  g_assert_cmpuint (outcome.index, ==, 1);
  g_assert_cmpuint (outcome.failed, ==, 0);
  g_assert_cmpint (took, >=, PM_CONNECTOR_RACE_STAGGER);
  g_assert_cmpint (took, <, 5 * G_TIME_SPAN_SECOND);
  assert_connected_to (outcome.fd, &good);
  close (outcome.fd);
  g_assert_cmpuint (count_descriptors (), ==, before);
  close_place (&silent);
  close_place (&good);
}

/* The first one answers: the second is not even asked. */
static void
test_first (void)
{
  Outcome outcome = { 0 };
  Place first;
  Place second;
  int fd;

  open_place (&first, AF_INET6, FALSE);
  open_place (&second, AF_INET, FALSE);
  g_assert_cmpint (run (&outcome, 10 * G_TIME_SPAN_SECOND, &first, &second), <,
                   PM_CONNECTOR_RACE_STAGGER);
  g_assert_cmpuint (outcome.index, ==, 0);
  fd = accept4 (second.fd, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (fd, ==, -1);
  close (outcome.fd);
  close_place (&first);
  close_place (&second);
}

/* One that refuses costs no time at all. */
static void
test_refused (void)
{
  Outcome outcome = { 0 };
  Place refused;
  Place good;

  open_place (&refused, AF_INET, FALSE);
  open_place (&good, AF_INET, FALSE);
  shutdown (refused.fd, SHUT_RDWR);
  g_assert_cmpint (run (&outcome, 10 * G_TIME_SPAN_SECOND, &refused, &good), <,
                   PM_CONNECTOR_RACE_STAGGER);
  g_assert_cmpuint (outcome.index, ==, 1);
  g_assert_cmpuint (outcome.failed, ==, 1);
  close (outcome.fd);
  close_place (&refused);
  close_place (&good);
}

static void
test_nobody (void)
{
  Outcome outcome = { 0 };
  Place silent;
  Place other;

  open_place (&silent, AF_INET, TRUE);
  open_place (&other, AF_INET, TRUE);
  run (&outcome, 400 * G_TIME_SPAN_MILLISECOND, &silent, &other);
  g_assert_cmpint (outcome.fd, ==, -1);
  g_assert_cmpuint (outcome.failed, ==, 3);
  close_place (&silent);
  close_place (&other);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/connector-race/silent-ipv6", GINT_TO_POINTER (AF_INET6), test_silent);
  g_test_add_data_func ("/connector-race/silent-ipv4", GINT_TO_POINTER (AF_INET), test_silent);
  g_test_add_func ("/connector-race/first", test_first);
  g_test_add_func ("/connector-race/refused", test_refused);
  g_test_add_func ("/connector-race/nobody", test_nobody);
  return g_test_run ();
}
