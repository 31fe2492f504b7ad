// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Asks pointsman-pam whether a password is right. PAM runs there, as root and once a request; here
// is only one question and one answer. The protocol: the name, a byte 0, the password, a byte 0;
// the answer is a line: "ok", "denied" or "error".

#include "auth/pm-pam-client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/pm-error.h"

#define ANSWER_MAX 256
#define SECONDS 35 /* the other side gives up after 30 */

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, PM_ERROR, PM_ERROR_UNREACHABLE, "PAM cannot be asked: %s: %s", what,
               g_strerror (errno));
  return FALSE;
}

static int
open_socket (const char *path, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct timeval limit = { .tv_sec = SECONDS };
  int fd;

  if (strlen (path) >= sizeof address.sun_path)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "The socket's path is too long: %s", path);
      return -1;
    }
  memcpy (address.sun_path, path, strlen (path));
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
      setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
      connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  fail (error, path);
  if (fd >= 0)
    close (fd);
  return -1;
}

static gboolean
send_all (int fd, const char *bytes, gsize size)
{
  for (gsize done = 0; done < size;)
    {
      ssize_t n = send (fd, bytes + done, size - done, MSG_NOSIGNAL);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      done += (gsize) n;
    }
  return TRUE;
}

static gboolean
receive_line (int fd, char *line, gsize size)
{
  gsize got = 0;

  while (got + 1 < size)
    {
      ssize_t n = recv (fd, line + got, size - got - 1, 0);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      if (n == 0)
        break;
      got += (gsize) n;
      line[got] = '\0';
      if (line[got - 1] == '\n')
        {
          line[got - 1] = '\0';
          return TRUE;
        }
    }
  errno = EPROTO;
  return FALSE;
}

/**
 * pm_pam_client_check:
 * @error: %PM_ERROR_DENIED where PAM says no, %PM_ERROR_UNREACHABLE where it cannot be asked,
 *   %PM_ERROR_FAILED where it cannot tell
 *
 * Blocks for up to 35 seconds; any thread.
 *
 * Returns: whether the password is the user's and the account may be used
 */
gboolean
pm_pam_client_check (const char *socket_path,
                     const char *name,
                     const char *password,
                     GError **error)
{
  char answer[ANSWER_MAX];
  int fd = open_socket (socket_path, error);
  gboolean ok;

  if (fd < 0)
    return FALSE;
  ok = send_all (fd, name, strlen (name) + 1) && send_all (fd, password, strlen (password) + 1) &&
       receive_line (fd, answer, sizeof answer);
  if (!ok)
    fail (error, socket_path);
  close (fd);
  if (!ok || strcmp (answer, "ok") == 0)
    return ok;
  if (strcmp (answer, "denied") == 0)
    g_set_error_literal (error, PM_ERROR, PM_ERROR_DENIED, "PAM does not accept the password");
  else
    g_set_error_literal (error, PM_ERROR, PM_ERROR_FAILED,
                         "PAM could not check the password; see the journal of pointsman-pam");
  return FALSE;
}
