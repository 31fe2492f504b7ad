// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-maildir.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  char *root;
} Fixture;

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  g_chmod (path, 0700);
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->root = g_dir_make_tmp ("pm-maildir-XXXXXX", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  remove_tree (f->root);
  g_free (f->root);
}

static gboolean
deliver (Fixture *f, const PmMailAddress *mailbox, guint64 id, const char *text, GError **error)
{
  g_autoptr (GBytes) body = g_bytes_new_static (text, strlen (text));
  PmMaildirDelivery delivery = {
    .root = f->root,
    .mailbox = mailbox,
    .sender = "s@example.net",
    .recipient = "r@example.com",
    .host = "mail/1.example.com",
    .message = id,
    .received = 1700000000 * (gint64) G_USEC_PER_SEC,
    .body = body,
  };

  return pm_maildir_deliver (&delivery, error);
}

/* What lies in one of a mailbox's three folders; the last one's contents. */
static guint
count (const char *maildir, const char *folder, char **contents)
{
  g_autofree char *path = g_build_filename (maildir, folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      g_assert_null (strchr (name, ':'));
      if (contents != NULL)
        g_assert_true (g_file_get_contents (file, contents, NULL, NULL));
      n++;
    }
  return n;
}

static void
test_deliver (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("Anna@Example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);
  g_autofree char *expected = g_build_filename (f->root, "example.com", "anna", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  struct stat info;

  g_assert_cmpstr (path, ==, expected);
  g_assert_true (deliver (f, mailbox, 7, "Subject: x\r\n\r\na\rb\r\n.\r\nend", &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count (path, "new", &contents), ==, 1);
  g_assert_cmpuint (count (path, "tmp", NULL), ==, 0);
  g_assert_cmpuint (count (path, "cur", NULL), ==, 0);
  g_assert_cmpstr (contents, ==,
                   "Return-Path: <s@example.net>\nDelivered-To: r@example.com\n"
                   "Subject: x\n\na\rb\n.\nend");
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0077, ==, 0);
}

/* The same message again, after a crash before its delivery was recorded, is there once. */
static void
test_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);

  g_assert_true (deliver (f, mailbox, 7, "Subject: x\r\n\r\n", NULL));
  g_assert_true (deliver (f, mailbox, 7, "Subject: x\r\n\r\n", NULL));
  g_assert_cmpuint (count (path, "new", NULL), ==, 1);
  g_assert_true (deliver (f, mailbox, 8, "Subject: y\r\n\r\n", NULL));
  g_assert_cmpuint (count (path, "new", NULL), ==, 2);
}

/* The longest name that a host can have still makes a file name. */
static void
test_long_host (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *label = g_strnfill (60, 'h');
  g_autofree char *host = g_strdup_printf ("%s.%s.%s.%s", label, label, label, label);
  g_autoptr (GBytes) body = g_bytes_new_static ("x\r\n", 3);
  g_autoptr (GError) error = NULL;
  PmMaildirDelivery delivery = {
    .root = f->root,
    .mailbox = mailbox,
    .sender = "",
    .recipient = "anna@example.com",
    .host = host,
    .message = 1700000000123456,
    .received = 1700000000123456,
    .body = body,
  };

  g_assert_true (pm_maildir_deliver (&delivery, &error));
  g_assert_no_error (error);
}

static void
test_hostile_names (Fixture *f, gconstpointer data)
{
  static const char *const locals[] = {
    ".",
    "..",
    "../up",
    "../../etc/passwd",
    "/",
    "/etc",
    "a/b",
    ".hidden",
    "a..b",
    "%2E%2E",
    "%",
    "a b",
    "a\\b",
    "~root",
    "-rf",
    "a:2,S",
    "a\nb",
    "\xc3\xa4",
    "*",
    "new",
    "tmp",
    "0123456789012345678901234567890123456789012345678901234567890123",
    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
  };
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *parent = g_build_filename (f->root, "example.com", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (locals); i++)
    {
      PmMailAddress mailbox = { .local = (char *) locals[i], .domain = (char *) "example.com" };
      char *path = pm_maildir_path (f->root, &mailbox);
      g_autofree char *canonical = g_canonicalize_filename (path, NULL);
      g_autofree char *folder = g_path_get_dirname (canonical);
      g_autofree char *name = g_path_get_basename (canonical);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s -> %s", locals[i], name);
      g_assert_cmpstr (path, ==, canonical);
      g_assert_cmpstr (folder, ==, parent);
      g_assert_cmpint (*name, !=, '.');
      g_assert_cmpuint (strlen (name), <, 256);
      g_assert_true (g_hash_table_add (paths, path));

      g_assert_true (deliver (f, &mailbox, i + 1, "x\r\n", &error));
      g_assert_no_error (error);
      g_assert_cmpuint (count (path, "new", NULL), ==, 1);
    }
}

static void
test_failure_leaves_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *domain = g_build_filename (f->root, "example.com", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (domain, "in the way", -1, NULL));
  g_assert_false (deliver (f, mailbox, 7, "x\r\n", &error));
  g_assert_cmpint (error->domain, ==, G_IO_ERROR);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/maildir/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("deliver", test_deliver);
  ADD ("twice", test_twice);
  ADD ("long-host", test_long_host);
  ADD ("hostile-names", test_hostile_names);
  ADD ("failure-leaves-nothing", test_failure_leaves_nothing);
  return g_test_run ();
}
