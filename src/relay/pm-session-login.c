// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The client's side of AUTH: the password comes out of a file, as late as it is needed, and what is
// remembered of it is overwritten when it is not needed any more.

#include "relay/pm-session-login.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "auth/pm-sasl-client.h"
#include "base/pm-error.h"

#define MAX_SECRET 1024

struct _PmSessionLogin
{
  char *user;
  char *password;
  PmSaslClient *sasl; /* (owned) (nullable): the log-in under way */
};

static char *
get_path (const PmRelaySettings *settings, const char *name, GError **error)
{
  if (settings->secrets != NULL && *name != '\0' && *name != '.' && strchr (name, '/') == NULL)
    return g_build_filename (settings->secrets, name, NULL);
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "“%s” cannot be the name of a secret", name);
  return NULL;
}

/* One line, with or without its end; @bytes has room for MAX_SECRET and one more. */
static char *
take_line (char *bytes, gssize size, const char *path, GError **error)
{
  while (size > 0 && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r'))
    size--;
  if (size > 0 && size <= MAX_SECRET && memchr (bytes, '\0', (gsize) size) == NULL &&
      memchr (bytes, '\n', (gsize) size) == NULL)
    return g_strndup (bytes, (gsize) size);
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
               "%s must be one line with the password, of up to %d bytes", path, MAX_SECRET);
  return NULL;
}

static char *
read_secret (const char *path, GError **error)
{
  char bytes[MAX_SECRET + 3];
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  gssize size = fd >= 0 ? read (fd, bytes, sizeof bytes) : -1;
  char *password;

  if (size < 0)
    g_set_error (error, G_FILE_ERROR, (int) g_file_error_from_errno (errno),
                 "The secret %s cannot be read: %s", path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  if (size < 0)
    return NULL;
  password = take_line (bytes, size, path, error);
  explicit_bzero (bytes, sizeof bytes);
  return password;
}

/**
 * pm_session_login_new:
 * @security: with a user and a secret
 * @error: why there is no password
 *
 * Returns: (transfer full) (nullable): a log-in. Reads a small file.
 */
PmSessionLogin *
pm_session_login_new (const PmRelaySettings *settings,
                      const PmDomainSecurity *security,
                      GError **error)
{
  g_autofree char *path = get_path (settings, security->secret, error);
  char *password = path != NULL ? read_secret (path, error) : NULL;
  PmSessionLogin *login;

  if (password == NULL)
    return NULL;
  login = g_new0 (PmSessionLogin, 1);
  login->user = g_strdup (security->user);
  login->password = password;
  return login;
}

void
pm_session_login_free (PmSessionLogin *login)
{
  if (login == NULL)
    return;
  pm_sasl_client_free (login->sasl);
  explicit_bzero (login->password, strlen (login->password));
  g_free (login->password);
  g_free (login->user);
  g_free (login);
}

const char *
pm_session_login_get_user (const PmSessionLogin *login)
{
  return login->user;
}

char *
pm_session_login_choose (PmSessionLogin *login, const char *mechanisms, GBytes **initial)
{
  g_clear_pointer (&login->sasl, pm_sasl_client_free);
  login->sasl = pm_sasl_client_new (mechanisms, login->user, login->password, NULL);
  if (login->sasl == NULL ||
      pm_sasl_client_step (login->sasl, NULL, 0, initial, NULL) == PM_SASL_FAILED)
    return NULL;
  return g_strdup (pm_sasl_client_get_mechanism (login->sasl));
}

GBytes *
pm_session_login_step (PmSessionLogin *login, const guint8 *challenge, gsize size)
{
  GBytes *out = NULL;

  // An empty challenge is bytes as well: %NULL would ask for the initial response.
  if (pm_sasl_client_step (login->sasl, challenge != NULL ? challenge : (const guint8 *) "", size,
                           &out, NULL) == PM_SASL_FAILED)
    g_clear_pointer (&out, g_bytes_unref);
  else if (out == NULL)
    out = g_bytes_new_static ("", 0);
  return out;
}

gboolean
pm_session_login_is_done (PmSessionLogin *login)
{
  return login->sasl != NULL && pm_sasl_client_is_satisfied (login->sasl);
}
