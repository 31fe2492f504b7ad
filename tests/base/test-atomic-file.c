// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Durable replacement: the whole new file or the whole old one, and nothing left beside it.

#include "base/pm-atomic-file.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  char *folder;
  char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("pm-atomic-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "file", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unlink (fixture->path);
  // Fails, and the test with it, when anything was left there.
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_free (fixture->path);
}

static void
write_text (Fixture *fixture, const char *text, int mode)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;
  gsize size;
  struct stat info;

  g_assert_true (pm_atomic_file_write (fixture->path, bytes, mode, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (fixture->path, &found, &size, NULL));
  g_assert_cmpmem (found, size, text, strlen (text));
  g_assert_cmpint (stat (fixture->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 07777, ==, mode);
}

static void
test_write (Fixture *fixture, gconstpointer data)
{
  g_autofree char *large = g_strnfill (3000000, 'x');

  write_text (fixture, "one", 0640);
  write_text (fixture, "", 0600);
  write_text (fixture, large, 0444);
  write_text (fixture, "two", 0666);
}

// Who has the old file open keeps the old contents.
static void
test_reader (Fixture *fixture, gconstpointer data)
{
  char text[8] = "";
  FILE *file;

  write_text (fixture, "old", 0600);
  file = fopen (fixture->path, "re");
  write_text (fixture, "new", 0600);
  g_assert_cmpuint (fread (text, 1, sizeof text, file), ==, 3);
  g_assert_cmpstr (text, ==, "old");
  fclose (file);
}

static void
test_no_folder (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "none", "file", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (pm_atomic_file_write (path, bytes, 0600, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, path));
  g_clear_error (&error);
  g_assert_false (pm_atomic_file_sync_directory (path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

// A folder in the file's place cannot be replaced; the temporary file goes again.
static void
test_folder_in_place (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  g_assert_false (pm_atomic_file_write (fixture->path, bytes, 0600, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (g_rmdir (fixture->path), ==, 0);
}

static void
test_no_place (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;

  // Nothing can be made beside /proc/version, so the write fails before it begins.
  g_assert_false (pm_atomic_file_write ("/proc/version", bytes, 0600, &error));
  g_assert_nonnull (error);
}

#define ADD(name, function) \
  g_test_add ("/atomic-file/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("write", test_write);
  ADD ("reader", test_reader);
  ADD ("no-folder", test_no_folder);
  ADD ("folder-in-place", test_folder_in_place);
  ADD ("no-place", test_no_place);
  return g_test_run ();
}
