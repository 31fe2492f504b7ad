// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The accounts file: what reads and what does not, with its line, and what an edit leaves alone.

#include "auth/pm-accounts-file.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/pm-verifier.h"
#include "base/pm-error.h"

#define CRYPT "$y$j9T$W22ZaJ0SNY7soEsUEjb6g.$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define SCRAM "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" KEY ":" KEY

static const struct
{
  const char *name;
  const char *text;
  guint accounts;
  const char *error; /* NULL: it reads, and writes to itself */
} files[] = {
  { "empty", "", 0, NULL },
  { "comments", "# one\n\n#two:three\n", 0, NULL },
  { "crypt", "anna:" CRYPT "\n", 1, NULL },
  { "scram", "anna:" SCRAM "\n", 1, NULL },
  { "both", "anna@example.com:" CRYPT ":" SCRAM "\n# x\nbert:" SCRAM ":" CRYPT "\n", 2, NULL },
  { "utf8", "bj\xc3\xb6rn:" CRYPT "\n", 1, NULL },
  { "no-newline", "anna:" CRYPT, 1, NULL },
  { "no-verifier", "# x\nanna\n", 0, "f:2: there is no verifier" },
  { "empty-verifier", "anna:\n", 0, "f:1: a verifier is neither" },
  { "plain", "anna:secret\n", 0, "f:1: a verifier is neither" },
  { "old-crypt", "anna:$6$a$b\n", 0, "f:1: a verifier is neither" },
  { "twice-crypt", "anna:" CRYPT ":" CRYPT "\n", 0, "stands twice" },
  { "twice-scram", "anna:" SCRAM ":" SCRAM "\n", 0, "stands twice" },
  { "half-scram", "anna:SCRAM-SHA-256$4096:abc\n", 0, "neither" },
  { "bad-scram", "anna:SCRAM-SHA-256$1:a:b\n", 0, "f:1: the number of iterations" },
  { "no-name", ":" CRYPT "\n", 0, "f:1: the name is empty" },
  { "blank", "an na:" CRYPT "\n", 0, "blank" },
  { "carriage-return", "anna:" CRYPT "\r\n", 0, "neither" },
  { "latin1", "bj\xf6rn:" CRYPT "\n", 0, "not UTF-8" },
  { "twice", "anna:" CRYPT "\nbert:" CRYPT "\nANNA:" CRYPT "\n", 0, "f:3: there is an account" },
};

static void
test_file (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  const char *text = files[index].text;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmAccountsFile) file = pm_accounts_file_parse (text, strlen (text), "f", &error);
  g_autoptr (GPtrArray) list = NULL;
  g_autofree char *written = NULL;

  if (files[index].error != NULL)
    {
      g_assert_null (file);
      g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, files[index].error));
      // Nothing of a verifier may come into a log.
      g_assert_null (strstr (error->message, "secret"));
      return;
    }
  g_assert_no_error (error);
  list = pm_accounts_file_list (file);
  g_assert_cmpuint (list->len, ==, files[index].accounts);
  written = pm_accounts_file_to_text (file);
  g_assert_true (g_str_has_prefix (written, text));
  g_assert_cmpuint (strlen (written) - strlen (text), <=, 1);
}

static void
test_bounds (void)
{
  g_autofree char *line = g_strnfill (1025, 'a');
  g_autoptr (GError) error = NULL;

  g_assert_null (pm_accounts_file_parse (line, 1025, "f", &error));
  g_assert_nonnull (strstr (error->message, "f:1: the line is longer"));
  g_clear_error (&error);
  g_assert_null (pm_accounts_file_parse ("a\0b", 3, "f", &error));
  g_assert_nonnull (strstr (error->message, "byte 0"));
  g_clear_error (&error);
  g_assert_null (pm_accounts_file_parse (line, PM_ACCOUNTS_FILE_MAX_SIZE + 1u, "f", &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_TOO_LARGE);
}

static void
test_edit (void)
{
  const char *text = "# ours\nanna:" CRYPT "\n# end\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (PmAccountsFile) file = pm_accounts_file_parse (text, strlen (text), "f", &error);
  g_autofree char *former = g_strdup (pm_accounts_file_find (file, "Anna")->crypt);
  g_autofree char *written = NULL;
  const PmAccount *account;

  g_assert_false (pm_accounts_file_add (file, "ANNA", "pencil", &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_CONFLICT);
  g_clear_error (&error);
  g_assert_false (pm_accounts_file_add (file, "a:b", "pencil", &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (pm_accounts_file_add (file, "bert", "", &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_true (pm_accounts_file_add (file, "bert", "pencil", &error));
  g_assert_true (pm_accounts_file_set_password (file, "anna", "paper", &error));
  g_assert_no_error (error);

  account = pm_accounts_file_find (file, "anna");
  g_assert_cmpstr (account->crypt, !=, former);
  g_assert_true (pm_crypt_check (account->crypt, "paper"));
  g_assert_nonnull (account->scram);
  g_assert_true (pm_accounts_file_remove (file, "anna", &error));
  g_assert_false (pm_accounts_file_remove (file, "anna", &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (pm_accounts_file_set_password (file, "anna", "x", &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_NOT_FOUND);

  written = pm_accounts_file_to_text (file);
  g_assert_true (g_str_has_prefix (written, "# ours\n# end\nbert:$y$"));
}

static void
test_save (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("pm-accounts-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "accounts", NULL);
  g_autoptr (PmAccountsFile) file = pm_accounts_file_load (path, &error);
  g_autoptr (PmAccountsFile) again = NULL;
  struct stat status;

  g_assert_no_error (error);
  g_assert_true (pm_accounts_file_add (file, "anna", "pencil", &error));
  g_assert_true (pm_accounts_file_save (file, path, &error));
  g_assert_no_error (error);
  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 0777, ==, 0640);
  again = pm_accounts_file_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (pm_accounts_file_find (again, "anna")->crypt, ==,
                   pm_accounts_file_find (file, "anna")->crypt);
  g_unlink (path);
  g_rmdir (folder);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *name = g_strconcat ("/accounts-file/", files[i].name, NULL);

      g_test_add_data_func (name, GUINT_TO_POINTER (i), test_file);
    }
  g_test_add_func ("/accounts-file/bounds", test_bounds);
  g_test_add_func ("/accounts-file/edit", test_edit);
  g_test_add_func ("/accounts-file/save", test_save);
  return g_test_run ();
}
