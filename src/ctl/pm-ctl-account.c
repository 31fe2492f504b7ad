// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// account list, add, remove, password: the accounts file, edited in place. Passwords come from
// standard input and never from the command line, where anybody could read them.

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "auth/pm-accounts-file.h"
#include "auth/pm-verifier.h"
#include "base/pm-error.h"
#include "config.h"
#include "ctl/pm-ctl.h"
#include "site/pm-site-file.h"

/* Where the file is */

static char *
site_path (PmCtl *ctl)
{
  if (ctl->config != NULL)
    return g_strdup (ctl->config);
  if (ctl->session)
    return g_build_filename (g_get_user_config_dir (), "pointsman", "site.xml", NULL);
  return g_strdup (PM_SYSCONFDIR "/pointsman/site.xml");
}

// What <accounts> in the site file says, if the file can be read; a site without it has the file
// beside it.
static char *
accounts_path (PmCtl *ctl)
{
  g_autofree char *path = site_path (ctl);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *text = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (PmSite) site = NULL;
  const PmMailService *service = NULL;
  gsize size;

  if (g_file_get_contents (path, &text, &size, NULL))
    {
      bytes = g_bytes_new_take (g_steal_pointer (&text), size);
      site = pm_site_parse (bytes, path, NULL, NULL);
    }
  if (site != NULL)
    service = pm_site_find_service (site, ctl->server);
  if (service != NULL && service->accounts_source == PM_ACCOUNTS_PAM)
    pm_ctl_warn ("The site asks PAM, so that the accounts file is not used.");
  if (service != NULL && service->accounts_path != NULL)
    return g_strdup (service->accounts_path);
  return g_build_filename (folder, "accounts", NULL);
}

static gboolean
parse (PmCtl *ctl, char **path, int *argc, char ***argv)
{
  const GOptionEntry entries[] = {
    { "accounts", 0, 0, G_OPTION_ARG_FILENAME, path, "The accounts file", "FILE" },
    { NULL },
  };

  if (!pm_ctl_parse (ctl, entries, argc, argv))
    return FALSE;
  if (*path == NULL)
    *path = accounts_path (ctl);
  return TRUE;
}

/* Passwords */

static gboolean
fail (GError **error, const char *why)
{
  g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, why);
  return FALSE;
}

// A line of standard input. Read byte by byte, so that nothing of it stays in a buffer of stdio.
static gboolean
read_line (char *line, gsize size, GError **error)
{
  gsize length = 0;

  for (;;)
    {
      char c;
      ssize_t n = read (STDIN_FILENO, &c, 1);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return fail (error, "The password cannot be read from standard input");
      if (n == 0 || c == '\n')
        break;
      if (c == '\0')
        return fail (error, "There is a byte 0 in the password; give another");
      if (length + 1 >= size)
        return fail (error, "The password is longer than 1024 bytes; give a shorter one");
      line[length++] = c;
    }
  line[length] = '\0';
  return TRUE;
}

static gboolean
ask (const char *prompt, char *line, gsize size, GError **error)
{
  struct termios shown, hidden;
  gboolean ok;

  if (tcgetattr (STDIN_FILENO, &shown) != 0)
    return fail (error, "The terminal cannot be told not to show the password");
  hidden = shown;
  hidden.c_lflag &= ~(tcflag_t) ECHO;
  if (tcsetattr (STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
    return fail (error, "The terminal cannot be told not to show the password");
  g_printerr ("%s", prompt);
  ok = read_line (line, size, error);
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &shown);
  g_printerr ("\n");
  return ok;
}

static gboolean
read_password (char *password, gsize size, GError **error)
{
  char again[PM_PASSWORD_MAX + 1];
  gboolean same;

  if (!isatty (STDIN_FILENO))
    return read_line (password, size, error);
  if (!ask ("Password: ", password, size, error) ||
      !ask ("The same again: ", again, sizeof again, error))
    return FALSE;
  same = strcmp (password, again) == 0;
  explicit_bzero (again, sizeof again);
  return same || fail (error, "The two passwords are not the same; nothing was changed");
}

/* The commands */

/**
 * pm_ctl_account_list:
 *
 * `account list`
 */
PmExit
pm_ctl_account_list (PmCtl *ctl, int argc, char **argv)
{
  g_autofree char *path = NULL;
  g_autoptr (PmAccountsFile) file = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GError) error = NULL;

  if (!parse (ctl, &path, &argc, &argv))
    return PM_EXIT_USAGE;
  file = pm_accounts_file_load (path, &error);
  if (file == NULL)
    return pm_ctl_fail (error);

  list = pm_accounts_file_list (file);
  json_builder_begin_array (builder);
  for (guint i = 0; i < list->len; i++)
    {
      const PmAccount *account = list->pdata[i];

      if (!ctl->json)
        pm_ctl_say ("%s", account->name);
      json_builder_begin_object (builder);
      pm_ctl_set_string (builder, "name", account->name);
      json_builder_set_member_name (builder, "scram");
      json_builder_add_boolean_value (builder, account->scram != NULL);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  if (ctl->json)
    pm_ctl_print_json (builder);
  else if (list->len == 0)
    pm_ctl_warn ("There are no accounts in %s yet.", path);
  return PM_EXIT_DONE;
}

typedef gboolean (*Edit) (PmAccountsFile *file,
                          const char *name,
                          const char *password,
                          GError **error);

// Reads, edits and writes with other writers kept away.
static gboolean
edit (const char *path, const char *name, const char *password, Edit change, GError **error)
{
  int lock = pm_accounts_file_lock (path, error);
  g_autoptr (PmAccountsFile) file = lock < 0 ? NULL : pm_accounts_file_load (path, error);
  gboolean ok = file != NULL && change (file, name, password, error) &&
                pm_accounts_file_save (file, path, error);

  if (lock >= 0)
    close (lock);
  return ok;
}

static gboolean
check_name (const char *path, const char *name, gboolean wanted, GError **error)
{
  g_autoptr (PmAccountsFile) file = pm_accounts_file_load (path, error);

  if (file == NULL)
    return FALSE;
  if ((pm_accounts_file_find (file, name) != NULL) == wanted)
    return TRUE;
  if (wanted)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND, "There is no account named %s", name);
  else
    g_set_error (error, PM_ERROR, PM_ERROR_CONFLICT, "There is an account named %s already", name);
  return FALSE;
}

static PmExit
change_password (PmCtl *ctl, int argc, char **argv, gboolean exists, Edit change, const char *done)
{
  g_autofree char *path = NULL;
  char password[PM_PASSWORD_MAX + 1];
  g_autoptr (GError) error = NULL;
  gboolean ok;

  if (!parse (ctl, &path, &argc, &argv))
    return PM_EXIT_USAGE;
  // Nobody is asked for a password that is then of no use.
  ok = check_name (path, argv[1], exists, &error) &&
       read_password (password, sizeof password, &error) &&
       edit (path, argv[1], password, change, &error);
  explicit_bzero (password, sizeof password);
  if (!ok)
    return pm_ctl_fail (error);
  if (!ctl->json)
    pm_ctl_say ("%s %s.", done, argv[1]);
  return PM_EXIT_DONE;
}

/**
 * pm_ctl_account_add:
 *
 * `account add`
 */
PmExit
pm_ctl_account_add (PmCtl *ctl, int argc, char **argv)
{
  return change_password (ctl, argc, argv, FALSE, pm_accounts_file_add,
                          "Added the account");
}

/**
 * pm_ctl_account_password:
 *
 * `account password`
 */
PmExit
pm_ctl_account_password (PmCtl *ctl, int argc, char **argv)
{
  return change_password (ctl, argc, argv, TRUE, pm_accounts_file_set_password,
                          "Set the password of");
}

static gboolean
remove_account (PmAccountsFile *file, const char *name, const char *password, GError **error)
{
  return pm_accounts_file_remove (file, name, error);
}

/**
 * pm_ctl_account_remove:
 *
 * `account remove`
 */
PmExit
pm_ctl_account_remove (PmCtl *ctl, int argc, char **argv)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  if (!parse (ctl, &path, &argc, &argv))
    return PM_EXIT_USAGE;
  if (!edit (path, argv[1], NULL, remove_account, &error))
    return pm_ctl_fail (error);
  if (!ctl->json)
    pm_ctl_say ("Removed the account %s.", argv[1]);
  return PM_EXIT_DONE;
}
