// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// pointsman-pam: answers one question, whether a password is right by the host's PAM, and ends.
// systemd starts it as root for each connection to its socket, which is its standard input. Only
// root and the mail service's user are answered. The protocol is told in pm-pam-client.c.

#include <errno.h>
#include <glib.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECONDS 30
#define REQUEST_MAX (256 + 1024 + 2) /* name, password, and a byte 0 after each */

static char request[REQUEST_MAX];

// PAM frees what it gets by free().
static int
converse_cb (int n, const struct pam_message **messages, struct pam_response **answers, void *data)
{
  struct pam_response *found;

  if (n <= 0 || n > PAM_MAX_NUM_MSG)
    return PAM_CONV_ERR;
  found = calloc ((size_t) n, sizeof *found);
  if (found == NULL)
    return PAM_BUF_ERR;
  // Whatever is asked for without being shown is the password; there is nobody to ask more.
  for (int i = 0; i < n; i++)
    if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
      found[i].resp = strdup (data);
  *answers = found;
  return PAM_SUCCESS;
}

static gboolean
may_ask (const char *user)
{
  struct ucred peer;
  socklen_t size = sizeof peer;
  const struct passwd *wanted;

  if (getsockopt (STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return FALSE;
  if (peer.uid == 0)
    return TRUE;
  wanted = getpwnam (user);
  return wanted != NULL && wanted->pw_uid == peer.uid;
}

// The name and the password, each with its byte 0.
static gboolean
read_request (const char **name, const char **password)
{
  gsize length = 0;
  const char *end = NULL;

  while (length < sizeof request)
    {
      ssize_t n = read (STDIN_FILENO, request + length, sizeof request - length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      length += (gsize) n;
      end = memchr (request, '\0', length);
      if (end != NULL && memchr (end + 1, '\0', length - (gsize) (end + 1 - request)) != NULL)
        break;
    }
  if (end == NULL || end == request || request[length - 1] != '\0' ||
      strlen (end + 1) != length - (gsize) (end + 1 - request) - 1)
    return FALSE;
  *name = request;
  *password = end + 1;
  return TRUE;
}

static const char *
ask_pam (const char *service, const char *confdir, const char *name, const char *password)
{
  const struct pam_conv conversation = { converse_cb, (void *) password };
  pam_handle_t *handle = NULL;
  int code = confdir != NULL
                 ? pam_start_confdir (service, name, &conversation, confdir, &handle)
                 : pam_start (service, name, &conversation, &handle);

  if (code == PAM_SUCCESS)
    code = pam_authenticate (handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  if (code == PAM_SUCCESS)
    code = pam_acct_mgmt (handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
  if (handle != NULL)
    pam_end (handle, code);
  switch (code)
    {
    case PAM_SUCCESS:
      return "ok\n";
    case PAM_AUTH_ERR:
    case PAM_USER_UNKNOWN:
    case PAM_MAXTRIES:
    case PAM_ACCT_EXPIRED:
    case PAM_PERM_DENIED:
    case PAM_NEW_AUTHTOK_REQD:
    case PAM_CRED_EXPIRED:
      return "denied\n";
    default:
      fprintf (stderr, "pointsman-pam: %s\n", pam_strerror (NULL, code));
      return "error\n";
    }
}

int
main (int argc, char *argv[])
{
  g_autofree char *service = NULL;
  g_autofree char *confdir = NULL;
  g_autofree char *user = NULL;
  const GOptionEntry entries[] = {
    { "service", 0, 0, G_OPTION_ARG_STRING, &service, "PAM service, “pointsman”", "NAME" },
    { "confdir", 0, 0, G_OPTION_ARG_FILENAME, &confdir, "Where the PAM service lies", "DIR" },
    { "user", 0, 0, G_OPTION_ARG_STRING, &user, "Who may ask, “pointsman”", "NAME" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  const char *name;
  const char *password;
  const char *answer = "error\n";

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fprintf (stderr, "pointsman-pam: %s\n", error->message);
      return 2;
    }
  // Whoever sends nothing, and a module that hangs, are ended by the signal.
  alarm (SECONDS);
  if (!may_ask (user != NULL ? user : "pointsman"))
    fprintf (stderr, "pointsman-pam: somebody else than the mail service asked\n");
  else if (!read_request (&name, &password))
    fprintf (stderr, "pointsman-pam: the question is not a name and a password\n");
  else
    answer = ask_pam (service != NULL ? service : "pointsman", confdir, name, password);
  explicit_bzero (request, sizeof request);
  return send (STDIN_FILENO, answer, strlen (answer), MSG_NOSIGNAL) < 0 ? 1 : 0;
}
