// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The accounts file: read strictly, with the line of what is wrong, and written as it was but for
// the account that changed.

#include "auth/pm-accounts-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/pm-verifier.h"
#include "base/pm-atomic-file.h"
#include "base/pm-error.h"

#define MAX_LINE 1024
#define MAX_ACCOUNTS 100000
#define FILE_MODE 0640

typedef struct
{
  char *text;         /* (nullable): as it was read; NULL of an account that has changed */
  PmAccount *account; /* (nullable) */
} Line;

struct _PmAccountsFile
{
  GPtrArray *lines;
  GHashTable *accounts; /* (element-type utf8 PmAccount): by pm_account_name_key() */
};

static void
account_free (PmAccount *account)
{
  if (account == NULL)
    return;
  g_free (account->name);
  pm_secret_free (account->crypt);
  pm_secret_free (account->scram);
  g_free (account);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmAccount, account_free)

static void
line_free (Line *line)
{
  pm_secret_free (line->text);
  account_free (line->account);
  g_free (line);
}

static PmAccountsFile *
file_new (void)
{
  PmAccountsFile *self = g_new0 (PmAccountsFile, 1);

  self->lines = g_ptr_array_new_with_free_func ((GDestroyNotify) line_free);
  self->accounts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

/**
 * pm_accounts_file_free:
 * @self: (nullable) (transfer full): an accounts file
 */
void
pm_accounts_file_free (PmAccountsFile *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->accounts);
  g_ptr_array_unref (self->lines);
  g_free (self);
}

/**
 * pm_account_name_key:
 *
 * Returns: (transfer full): the name as it is looked up: people type theirs in any case
 */
char *
pm_account_name_key (const char *name)
{
  g_autofree char *folded = g_utf8_casefold (name, -1);

  return g_utf8_normalize (folded, -1, G_NORMALIZE_NFKC);
}

static gboolean
fail (GError **error, const char *why)
{
  g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, why);
  return FALSE;
}

static gboolean
check_name (const char *name, GError **error)
{
  if (*name == '\0')
    return fail (error, "the name is empty");
  if (strlen (name) > PM_ACCOUNT_NAME_MAX)
    return fail (error, "the name is longer than 64 bytes");
  if (!g_utf8_validate (name, -1, NULL))
    return fail (error, "the name is not UTF-8");
  if (*name == '#')
    return fail (error, "the name begins with “#”, as a comment does");
  for (const char *c = name; *c != '\0'; c = g_utf8_next_char (c))
    if (*c == ':' || g_unichar_isspace (g_utf8_get_char (c)) ||
        g_unichar_iscntrl (g_utf8_get_char (c)))
      return fail (error, "there is a colon, a blank or a control character in the name");
  return TRUE;
}

/* Reading */

static gboolean
read_verifiers (PmAccount *account, char **parts, GError **error)
{
  for (guint i = 0; parts[i] != NULL; i++)
    {
      PmScramKeys keys;

      if (account->crypt == NULL && pm_crypt_is_valid (parts[i]))
        {
          account->crypt = g_strdup (parts[i]);
          continue;
        }
      // The keys have two colons of their own.
      if (account->scram != NULL || !g_str_has_prefix (parts[i], "SCRAM-SHA-256$") ||
          parts[i + 1] == NULL || parts[i + 2] == NULL)
        return fail (error, "a verifier is neither a yescrypt hash ($y$…) nor SCRAM-SHA-256 keys, "
                            "or stands twice");
      account->scram = g_strjoin (":", parts[i], parts[i + 1], parts[i + 2], NULL);
      if (!pm_scram_keys_parse (account->scram, &keys, error))
        return FALSE;
      explicit_bzero (&keys, sizeof keys);
      i += 2;
    }
  return account->crypt != NULL || account->scram != NULL ||
         fail (error, "there is no verifier after the name");
}

static PmAccount *
read_account (const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 8);
  g_autoptr (PmAccount) account = g_new0 (PmAccount, 1);

  if (!check_name (parts[0], error))
    return NULL;
  account->name = g_strdup (parts[0]);
  return read_verifiers (account, parts + 1, error) ? g_steal_pointer (&account) : NULL;
}

static void
put (PmAccountsFile *self, Line *line)
{
  g_ptr_array_add (self->lines, line);
  if (line->account != NULL)
    g_hash_table_insert (self->accounts, pm_account_name_key (line->account->name), line->account);
}

static gboolean
read_line (PmAccountsFile *self, const char *text, GError **error)
{
  g_autoptr (PmAccount) account = NULL;
  Line *line;

  if (strlen (text) > MAX_LINE)
    return fail (error, "the line is longer than 1024 bytes");
  if (*text != '\0' && *text != '#')
    {
      account = read_account (text, error);
      if (account == NULL)
        return FALSE;
      if (pm_accounts_file_find (self, account->name) != NULL)
        return fail (error, "there is an account of this name already, for case does not matter");
      if (g_hash_table_size (self->accounts) == MAX_ACCOUNTS)
        return fail (error, "there are more than 100000 accounts");
    }
  line = g_new0 (Line, 1);
  line->text = g_strdup (text);
  line->account = g_steal_pointer (&account);
  put (self, line);
  return TRUE;
}

/**
 * pm_accounts_file_parse:
 * @file_name: how the file is called in an error
 * @error: %PM_ERROR_INVALID with the line of what is wrong, %PM_ERROR_TOO_LARGE
 *
 * Nothing of a verifier is ever said in an error.
 *
 * Returns: (transfer full) (nullable): the accounts
 */
PmAccountsFile *
pm_accounts_file_parse (const char *text, gsize size, const char *file_name, GError **error)
{
  g_autoptr (PmAccountsFile) self = file_new ();
  guint number = 1;

  if (size > PM_ACCOUNTS_FILE_MAX_SIZE)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_TOO_LARGE, "%s: the file is larger than 16 MiB",
                   file_name);
      return NULL;
    }
  for (gsize at = 0; at < size; number++)
    {
      const char *end = memchr (text + at, '\n', size - at);
      gsize length = end != NULL ? (gsize) (end - text) - at : size - at;
      char *line = g_strndup (text + at, MIN (length, MAX_LINE + 1));
      g_autoptr (GError) found = NULL;
      gboolean ok = memchr (text + at, '\0', length) == NULL
                        ? read_line (self, line, &found)
                        : fail (&found, "there is a byte 0 in the line");

      pm_secret_free (line);
      if (!ok)
        {
          g_set_error (error, PM_ERROR, PM_ERROR_INVALID,
                       "%s:%u: %s; expected NAME:VERIFIER, as “pointsmanctl account” writes it",
                       file_name, number, found->message);
          return NULL;
        }
      at += length + 1;
    }
  return g_steal_pointer (&self);
}

/**
 * pm_accounts_file_load:
 * @error: as pm_accounts_file_parse(), or a #GFileError
 *
 * Returns: (transfer full) (nullable): the accounts in the file; none where there is no file
 */
PmAccountsFile *
pm_accounts_file_load (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) found = NULL;
  PmAccountsFile *self;
  struct stat status;
  gsize size;

  if (stat (path, &status) == 0 &&
      (!S_ISREG (status.st_mode) || status.st_size > PM_ACCOUNTS_FILE_MAX_SIZE))
    {
      g_set_error (error, PM_ERROR, PM_ERROR_TOO_LARGE,
                   "%s: it is no ordinary file, or larger than 16 MiB", path);
      return NULL;
    }
  if (!g_file_get_contents (path, &text, &size, &found))
    {
      if (g_error_matches (found, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return file_new ();
      g_propagate_error (error, g_steal_pointer (&found));
      return NULL;
    }
  self = pm_accounts_file_parse (text, size, path, error);
  explicit_bzero (text, size);
  return self;
}

/* Writing */

/**
 * pm_accounts_file_to_text:
 *
 * Returns: (transfer full): the file; pm_secret_free()
 */
char *
pm_accounts_file_to_text (PmAccountsFile *self)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < self->lines->len; i++)
    {
      const Line *line = self->lines->pdata[i];
      const PmAccount *account = line->account;

      if (line->text != NULL)
        g_string_append (out, line->text);
      else
        g_string_append_printf (out, "%s%s%s%s%s", account->name, account->crypt != NULL ? ":" : "",
                                account->crypt != NULL ? account->crypt : "",
                                account->scram != NULL ? ":" : "",
                                account->scram != NULL ? account->scram : "");
      g_string_append_c (out, '\n');
    }
  return g_string_free (out, FALSE);
}

/**
 * pm_accounts_file_save:
 *
 * Replaces the file durably, for its owner to write and its group to read.
 */
gboolean
pm_accounts_file_save (PmAccountsFile *self, const char *path, GError **error)
{
  char *text = pm_accounts_file_to_text (self);
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  gboolean ok = pm_atomic_file_replace (path, bytes, FILE_MODE, error);

  pm_secret_free (text);
  return ok;
}

/**
 * pm_accounts_file_lock:
 * @path: an accounts file, which need not exist
 *
 * Returns: a descriptor that keeps other writers away until it is closed, or -1
 */
int
pm_accounts_file_lock (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0 || flock (fd, LOCK_EX) != 0)
    {
      int saved = errno;

      if (fd >= 0)
        close (fd);
      g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "The folder %s cannot be opened: %s", folder,
                   g_strerror (saved));
      return -1;
    }
  return fd;
}

/* Accounts */

GPtrArray *
pm_accounts_file_list (PmAccountsFile *self)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < self->lines->len; i++)
    if (((Line *) self->lines->pdata[i])->account != NULL)
      g_ptr_array_add (list, ((Line *) self->lines->pdata[i])->account);
  return list;
}

const PmAccount *
pm_accounts_file_find (PmAccountsFile *self, const char *name)
{
  g_autofree char *key = g_utf8_validate (name, -1, NULL) ? pm_account_name_key (name) : NULL;

  return key == NULL ? NULL : g_hash_table_lookup (self->accounts, key);
}

static gboolean
make_verifiers (PmAccount *account, const char *password, GError **error)
{
  char *prepared = pm_password_prepare (password, error);
  PmScramKeys keys = { 0 };
  char *hash = prepared != NULL ? pm_crypt_new (prepared, error) : NULL;
  gboolean ok = hash != NULL && pm_scram_keys_new (&keys, prepared, error);

  pm_secret_free (prepared);
  if (!ok)
    {
      pm_secret_free (hash);
      return FALSE;
    }
  pm_secret_free (account->crypt);
  pm_secret_free (account->scram);
  account->crypt = hash;
  account->scram = pm_scram_keys_to_string (&keys);
  explicit_bzero (&keys, sizeof keys);
  return TRUE;
}

/**
 * pm_accounts_file_add:
 * @error: %PM_ERROR_INVALID for a name or password that cannot be one, %PM_ERROR_CONFLICT where
 *   there is an account of that name
 */
gboolean
pm_accounts_file_add (PmAccountsFile *self, const char *name, const char *password, GError **error)
{
  g_autoptr (PmAccount) account = NULL;
  g_autoptr (GError) found = NULL;
  Line *line;

  if (!check_name (name, &found))
    {
      g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "This cannot be an account's name: %s",
                   found->message);
      return FALSE;
    }
  if (pm_accounts_file_find (self, name) != NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_CONFLICT, "There is an account named %s already",
                   name);
      return FALSE;
    }
  account = g_new0 (PmAccount, 1);
  account->name = g_strdup (name);
  if (!make_verifiers (account, password, error))
    return FALSE;
  line = g_new0 (Line, 1);
  line->account = g_steal_pointer (&account);
  put (self, line);
  return TRUE;
}

static gboolean
not_found (const char *name, GError **error)
{
  g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND, "There is no account named %s", name);
  return FALSE;
}

/**
 * pm_accounts_file_set_password:
 * @error: %PM_ERROR_NOT_FOUND, or %PM_ERROR_INVALID for what cannot be a password
 */
gboolean
pm_accounts_file_set_password (PmAccountsFile *self,
                               const char *name,
                               const char *password,
                               GError **error)
{
  PmAccount *account = (PmAccount *) pm_accounts_file_find (self, name);

  if (account == NULL)
    return not_found (name, error);
  if (!make_verifiers (account, password, error))
    return FALSE;
  for (guint i = 0; i < self->lines->len; i++)
    if (((Line *) self->lines->pdata[i])->account == account)
      g_clear_pointer (&((Line *) self->lines->pdata[i])->text, pm_secret_free);
  return TRUE;
}

/**
 * pm_accounts_file_remove:
 * @error: %PM_ERROR_NOT_FOUND
 */
gboolean
pm_accounts_file_remove (PmAccountsFile *self, const char *name, GError **error)
{
  const PmAccount *account = pm_accounts_file_find (self, name);
  g_autofree char *key = NULL;

  if (account == NULL)
    return not_found (name, error);
  key = pm_account_name_key (account->name);
  g_hash_table_remove (self->accounts, key);
  for (guint i = 0; i < self->lines->len; i++)
    if (((Line *) self->lines->pdata[i])->account == account)
      {
        g_ptr_array_remove_index (self->lines, i);
        break;
      }
  return TRUE;
}
