// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What went wrong on the bus, as one plain sentence and as a code that callers can branch on. No
// name of an interface or of an error reaches a person through here unless nothing better is known.

#include "bus/pm-bus-error.h"

#define MANAGER "The manager service of Pointsman"

typedef struct
{
  int code;
  PmError becomes;
  const char *sentence;
} BusFailure;

static const BusFailure bus_failures[] = {
  { G_DBUS_ERROR_SERVICE_UNKNOWN, PM_ERROR_UNREACHABLE,
    MANAGER " is not running there and is not installed so that it could be started." },
  { G_DBUS_ERROR_NAME_HAS_NO_OWNER, PM_ERROR_UNREACHABLE,
    MANAGER " is not running there." },
  { G_DBUS_ERROR_NO_REPLY, PM_ERROR_UNREACHABLE,
    MANAGER " left or did not answer before the call was done." },
  { G_DBUS_ERROR_TIMEOUT, PM_ERROR_UNREACHABLE, MANAGER " did not answer in time." },
  { G_DBUS_ERROR_TIMED_OUT, PM_ERROR_UNREACHABLE, MANAGER " did not answer in time." },
  { G_DBUS_ERROR_DISCONNECTED, PM_ERROR_UNREACHABLE, "The connection to the server was lost." },
  { G_DBUS_ERROR_NO_SERVER, PM_ERROR_UNREACHABLE, "There is no message bus to connect to." },
  { G_DBUS_ERROR_NO_NETWORK, PM_ERROR_UNREACHABLE, "The network does not reach the server." },
  { G_DBUS_ERROR_ACCESS_DENIED, PM_ERROR_DENIED,
    "The message bus does not let this user make that call." },
  { G_DBUS_ERROR_AUTH_FAILED, PM_ERROR_DENIED,
    "The message bus did not accept this user." },
  { G_DBUS_ERROR_LIMITS_EXCEEDED, PM_ERROR_TOO_LARGE,
    "The call is larger than the message bus lets through." },
  { G_DBUS_ERROR_NO_MEMORY, PM_ERROR_FAILED, "The server is out of memory." },
  { G_DBUS_ERROR_UNKNOWN_METHOD, PM_ERROR_FAILED,
    "The server's Pointsman is of another version and does not know this call." },
  { G_DBUS_ERROR_UNKNOWN_INTERFACE, PM_ERROR_FAILED,
    "The server's Pointsman is of another version and does not know this call." },
  { G_DBUS_ERROR_UNKNOWN_OBJECT, PM_ERROR_FAILED,
    "The server's Pointsman is of another version and does not know this call." },
  { G_DBUS_ERROR_INVALID_ARGS, PM_ERROR_FAILED,
    "The server's Pointsman is of another version and expects other arguments of this call." },
};

static const BusFailure io_failures[] = {
  { G_IO_ERROR_CLOSED, PM_ERROR_UNREACHABLE, "The connection to the server was lost." },
  { G_IO_ERROR_TIMED_OUT, PM_ERROR_UNREACHABLE, MANAGER " did not answer in time." },
  { G_IO_ERROR_NOT_FOUND, PM_ERROR_UNREACHABLE, "There is no message bus to connect to." },
  { G_IO_ERROR_CONNECTION_REFUSED, PM_ERROR_UNREACHABLE,
    "The message bus does not run: it refused the connection." },
};

static const BusFailure *
find (const GError *error)
{
  const BusFailure *failures = NULL;
  gsize n_failures = 0;

  if (error->domain == G_DBUS_ERROR)
    {
      failures = bus_failures;
      n_failures = G_N_ELEMENTS (bus_failures);
    }
  else if (error->domain == G_IO_ERROR)
    {
      failures = io_failures;
      n_failures = G_N_ELEMENTS (io_failures);
    }
  for (gsize i = 0; i < n_failures; i++)
    {
      if (failures[i].code == error->code)
        return &failures[i];
    }
  return NULL;
}

static gboolean
is_spawn_failure (const GError *error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (error);

  /* systemd speaks to clients of ours only where it is to start a service for them. */
  if (name != NULL && g_str_has_prefix (name, "org.freedesktop.systemd1."))
    return TRUE;
  return error->domain == G_DBUS_ERROR && error->code >= G_DBUS_ERROR_SPAWN_EXEC_FAILED &&
         error->code <= G_DBUS_ERROR_SPAWN_NO_MEMORY;
}

static char *
strip (const GError *error)
{
  g_autoptr (GError) copy = g_error_copy (error);

  g_dbus_error_strip_remote_error (copy);
  return g_strdup (copy->message);
}

/**
 * pm_bus_error_to_message:
 * @error: what a call on the bus, or the connecting to it, ended with
 *
 * Returns: (transfer full): one or more plain untranslated sentences for a person. Errors of
 *   Pointsman's own services are told in their own words.
 */
char *
pm_bus_error_to_message (const GError *error)
{
  const BusFailure *failure = find (error);
  g_autofree char *text = strip (error);

  /* The domain is registered on first use; a message of ours is the sentence already. */
  if (error->domain == PM_ERROR)
    return g_steal_pointer (&text);
  if (is_spawn_failure (error))
    return g_strdup_printf (MANAGER " could not be started: %s", text);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_strdup ("It was cancelled.");
  if (failure != NULL)
    return g_strdup (failure->sentence);
  return g_steal_pointer (&text);
}

/**
 * pm_bus_error_translate:
 * @error: what a call ended with
 *
 * Returns: (transfer full): the same as a #PmError whose message is pm_bus_error_to_message(); a
 *   cancellation stays %G_IO_ERROR_CANCELLED
 */
GError *
pm_bus_error_translate (const GError *error)
{
  const BusFailure *failure = find (error);
  g_autofree char *message = pm_bus_error_to_message (error);

  if (error->domain == PM_ERROR || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_new_literal (error->domain, error->code, message);
  if (is_spawn_failure (error))
    return g_error_new_literal (PM_ERROR, PM_ERROR_UNREACHABLE, message);
  return g_error_new_literal (PM_ERROR, failure != NULL ? (int) failure->becomes : PM_ERROR_FAILED,
                              message);
}

/**
 * pm_bus_check_size:
 * @size: of a site file in bytes
 * @error: %PM_ERROR_TOO_LARGE
 *
 * Returns: whether it can be sent over a message bus
 */
gboolean
pm_bus_check_size (gsize size, GError **error)
{
  if (size <= PM_BUS_MAX_SITE)
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_TOO_LARGE,
               "The site file has %" G_GSIZE_FORMAT " bytes, and at most %d can be sent over the "
               "message bus. Change it on the server itself, with “pointsmanctl --config FILE”.",
               size, PM_BUS_MAX_SITE);
  return FALSE;
}
