// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The store: nothing is overwritten that the writer has not seen, nothing that was in the file is
// forgotten, and what a crash leaves behind at each step is carried on from.

#include "site/pm-site-store.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pm-error.h"
#include "site/pm-site-file.h"

typedef struct
{
  char *folder;
  char *path;
  char *history;
  char *index;
  PmSiteStore *store;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("pm-store-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "site.xml", NULL);
  fixture->history = g_build_filename (fixture->folder, "history", NULL);
  fixture->index = g_build_filename (fixture->history, "index", NULL);
  fixture->store = pm_site_store_new (fixture->path, fixture->history);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        remove_folder (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->store);
  remove_folder (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->path);
  g_free (fixture->history);
  g_free (fixture->index);
}

static char *
save (Fixture *fixture, const char *text, const char *base, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return pm_site_store_save (fixture->store, bytes, base, "anna", "because", error);
}

static char *
save_ok (Fixture *fixture, const char *text, const char *base)
{
  g_autoptr (GError) error = NULL;
  char *revision = save (fixture, text, base, &error);

  g_assert_no_error (error);
  g_assert_nonnull (revision);
  return revision;
}

static void
assert_file (Fixture *fixture, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = pm_site_store_load (fixture->store, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected,
                   strlen (expected));
}

static void
edit_by_hand (Fixture *fixture, const char *text)
{
  g_assert_true (g_file_set_contents (fixture->path, text, -1, NULL));
}

// The history's comments, newest first.
static char *
comments (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = pm_site_store_history (fixture->store, 0, &error);
  GString *out = g_string_new (NULL);

  g_assert_no_error (error);
  for (guint i = 0; i < entries->len; i++)
    {
      const PmSiteHistoryEntry *entry = entries->pdata[i];
      g_autoptr (GBytes) bytes = pm_site_store_read_revision (fixture->store, entry->revision,
                                                              &error);

      g_assert_no_error (error);
      g_assert_cmpint (entry->time, >, 0);
      g_string_append_printf (out, "%.*s:%s|", (int) g_bytes_get_size (bytes),
                              (const char *) g_bytes_get_data (bytes, NULL), entry->comment);
    }
  return g_string_free (out, FALSE);
}

static void
assert_comments (Fixture *fixture, const char *expected)
{
  g_autofree char *found = comments (fixture);

  g_assert_cmpstr (found, ==, expected);
}

static void
test_load_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pm_site_store_load (fixture->store, NULL, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_NOT_FOUND);
  assert_comments (fixture, "");
}

static void
test_save (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *two = save_ok (fixture, "two", one);
  g_autofree char *found = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GPtrArray) newest = NULL;

  assert_file (fixture, "two");
  bytes = pm_site_store_load (fixture->store, &found, NULL);
  g_assert_cmpstr (found, ==, two);
  assert_comments (fixture, "two:because|one:because|");
  newest = pm_site_store_history (fixture->store, 1, NULL);
  g_assert_cmpuint (newest->len, ==, 1);
  g_assert_cmpstr (((PmSiteHistoryEntry *) newest->pdata[0])->who, ==, "anna");
  g_assert_cmpstr (((PmSiteHistoryEntry *) newest->pdata[0])->revision, ==, two);
}

static void
test_conflict (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", "");
  g_autofree char *two = save_ok (fixture, "two", one);
  static const char *const bases[] = { NULL, "", "0123", "one" };

  for (guint i = 0; i < G_N_ELEMENTS (bases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (save (fixture, "three", i == 3 ? one : bases[i], &error));
      g_assert_error (error, PM_ERROR, PM_ERROR_CONFLICT);
      assert_file (fixture, "two");
    }
  assert_comments (fixture, "two:because|one:because|");
}

static void
test_conflict_gone (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autoptr (GError) error = NULL;

  g_unlink (fixture->path);
  g_assert_null (save (fixture, "two", one, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_CONFLICT);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
}

static void
test_same_again (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *again = save_ok (fixture, "one", one);

  g_assert_cmpstr (one, ==, again);
  assert_comments (fixture, "one:because|");
}

static void
test_back_again (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *two = save_ok (fixture, "two", one);
  g_autofree char *back = save_ok (fixture, "one", two);

  g_assert_cmpstr (one, ==, back);
  assert_comments (fixture, "one:because|two:because|one:because|");
}

static void
test_by_hand (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = NULL;
  g_autofree char *two = NULL;
  g_autofree char *hand = NULL;
  g_autoptr (GBytes) bytes = NULL;

  // Before there was any history.
  edit_by_hand (fixture, "hand");
  bytes = pm_site_store_load (fixture->store, &hand, NULL);
  one = save_ok (fixture, "one", hand);
  assert_comments (fixture, "one:because|hand:edited outside Pointsman|");

  // Noticed by a load, and then once only.
  edit_by_hand (fixture, "hand2");
  assert_file (fixture, "hand2");
  assert_file (fixture, "hand2");
  assert_comments (fixture,
                   "hand2:edited outside Pointsman|one:because|hand:edited outside Pointsman|");

  // Noticed by a save, and not overwritten.
  edit_by_hand (fixture, "hand3");
  two = save (fixture, "two", one, NULL);
  g_assert_null (two);
  assert_file (fixture, "hand3");
}

// A line cannot be broken or forged by what a person writes.
static void
test_odd_words (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  const char *odd = "a\tb\nc\\d \xc3\xa9 \"q\"";
  g_autofree char *revision = pm_site_store_save (fixture->store, bytes, NULL, odd, odd, NULL);
  g_autoptr (GPtrArray) entries = pm_site_store_history (fixture->store, 0, NULL);

  g_assert_nonnull (revision);
  g_assert_cmpuint (entries->len, ==, 1);
  g_assert_cmpstr (((PmSiteHistoryEntry *) entries->pdata[0])->who, ==, odd);
  g_assert_cmpstr (((PmSiteHistoryEntry *) entries->pdata[0])->comment, ==, odd);
}

static void
test_read_revision (Fixture *fixture, gconstpointer data)
{
  static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
  static const char *const names[] = { "", "../site", "nothing", zeros };
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *name = g_strconcat (one, ".xml", NULL);
  g_autofree char *path = g_build_filename (fixture->history, name, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_assert_null (pm_site_store_read_revision (fixture->store, names[i], &error));
      g_assert_error (error, PM_ERROR, PM_ERROR_NOT_FOUND);
      g_clear_error (&error);
    }
  g_assert_true (g_file_set_contents (path, "damaged", -1, NULL));
  g_assert_null (pm_site_store_read_revision (fixture->store, one, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_FAILED);
}

/* Crashes: the state after each step of a save, made by hand. */

static void
append_index (Fixture *fixture, const char *text)
{
  g_autofree char *index = NULL;
  g_autoptr (GString) out = NULL;

  g_assert_true (g_file_get_contents (fixture->index, &index, NULL, NULL));
  out = g_string_new (index);
  g_string_append (out, text);
  g_assert_true (g_file_set_contents (fixture->index, out->str, -1, NULL));
}

static char *
leave_revision (Fixture *fixture, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  char *revision = pm_site_revision (bytes);
  g_autofree char *name = g_strconcat (revision, ".xml", NULL);
  g_autofree char *path = g_build_filename (fixture->history, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return revision;
}

static void
test_crash_after_revision (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *lost = leave_revision (fixture, "two");
  g_autofree char *two = NULL;

  assert_comments (fixture, "one:because|");
  two = save_ok (fixture, "two", one);
  g_assert_cmpstr (two, ==, lost);
  assert_comments (fixture, "two:because|one:because|");
}

static void
test_crash_in_index (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *lost = leave_revision (fixture, "two");
  g_autofree char *half = g_strdup_printf ("1234\t%.20s", lost);
  g_autofree char *two = NULL;

  append_index (fixture, half);
  assert_comments (fixture, "one:because|");
  two = save_ok (fixture, "two", one);
  assert_comments (fixture, "two:because|one:because|");
}

static void
test_crash_before_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *lost = leave_revision (fixture, "two");
  g_autofree char *line = g_strdup_printf ("1234\t%s\tanna\tlost\n", lost);
  g_autofree char *three = NULL;

  append_index (fixture, line);
  three = save_ok (fixture, "three", one);
  assert_comments (fixture, "three:because|one:still in force: the save after it was cut off|"
                            "two:lost|one:because|");
}

// A temporary file beside it is nobody's revision.
static void
test_crash_in_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *left = g_build_filename (fixture->folder, ".site.xml.ABCDEF", NULL);
  g_autofree char *two = NULL;

  g_assert_true (g_file_set_contents (left, "tw", -1, NULL));
  assert_file (fixture, "one");
  two = save_ok (fixture, "two", one);
  assert_file (fixture, "two");
}

// Where the history cannot be written, the file is left as it was.
static void
test_no_history (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autoptr (GError) error = NULL;

  g_unlink (fixture->index);
  g_assert_cmpint (g_mkdir (fixture->index, 0700), ==, 0);
  g_assert_null (save (fixture, "two", one, &error));
  g_assert_nonnull (error);
  g_assert_cmpstr (error->message, !=, "");
  assert_file (fixture, "one");
}

/* Whose the file is */

static void
assert_owner (const char *path, mode_t mode, uid_t uid, gid_t gid)
{
  struct stat info;

  g_assert_cmpint (stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 07777, ==, mode);
  g_assert_cmpuint (info.st_uid, ==, uid);
  g_assert_cmpuint (info.st_gid, ==, gid);
}

static void
test_modes (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *two = NULL;
  mode_t mask = umask (0);

  umask (mask);
  assert_owner (fixture->path, 0640, geteuid (), getegid ());
  assert_owner (fixture->history, 0750 & ~mask, geteuid (), getegid ());
  assert_owner (fixture->index, 0600, geteuid (), getegid ());
  g_assert_cmpint (chmod (fixture->path, 0604), ==, 0);
  two = save_ok (fixture, "two", one);
  assert_owner (fixture->path, 0604, geteuid (), getegid ());
}

static void
test_owner (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *two = NULL;

  if (geteuid () != 0 || chown (fixture->path, 12345, 12346) != 0)
    {
      g_test_skip ("only root gives files away");
      return;
    }
  two = save_ok (fixture, "two", one);
  assert_owner (fixture->path, 0640, 12345, 12346);
}

/* As an ordinary user, who may give away neither owner nor, but for one's own groups, group. */
static void
test_owner_as_user (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *two = NULL;
  g_autoptr (GError) error = NULL;
  const gid_t groups[] = { 12346 };

  if (geteuid () != 0 || chown (fixture->path, 0, 12346) != 0)
    {
      g_test_skip ("only root can become somebody else");
      return;
    }
  /* Its own process: a user id is the process's. */
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }
  remove_folder (fixture->history);
  g_assert_cmpint (chown (fixture->folder, 12345, 12345), ==, 0);
  g_assert_cmpint (setgroups (1, groups), ==, 0);
  g_assert_cmpint (setresgid (12345, 12345, 12345), ==, 0);
  g_assert_cmpint (setresuid (12345, 12345, 12345), ==, 0);
  two = save_ok (fixture, "two", one);
  assert_owner (fixture->path, 0640, 12345, 12346);
}

static void
test_group_not_kept (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autoptr (GError) error = NULL;

  if (geteuid () != 0 || chown (fixture->path, 12345, 12346) != 0)
    {
      g_test_skip ("only root can become somebody else");
      return;
    }
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }
  remove_folder (fixture->history);
  g_assert_cmpint (chown (fixture->folder, 12345, 12345), ==, 0);
  g_assert_cmpint (setgroups (0, NULL), ==, 0);
  g_assert_cmpint (setresgid (12345, 12345, 12345), ==, 0);
  g_assert_cmpint (setresuid (12345, 12345, 12345), ==, 0);
  g_assert_null (save (fixture, "two", one, &error));
  g_assert_nonnull (strstr (error->message, "keep the owner and group"));
  assert_file (fixture, "one");
  assert_owner (fixture->path, 0640, 12345, 12346);
}

/* Somebody else's folder may hold links that lead to files of ours. */
static void
test_links (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *victim = g_build_filename (fixture->folder, "victim", NULL);
  g_autofree char *lock = g_build_filename (fixture->history, "lock", NULL);
  const char *const links[] = { fixture->index, lock };

  g_assert_true (g_file_set_contents (victim, "untouched", -1, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (links); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;

      g_unlink (links[i]);
      g_assert_cmpint (symlink (victim, links[i]), ==, 0);
      g_assert_null (save (fixture, "two", one, &error));
      g_assert_nonnull (error);
      assert_file (fixture, "one");
      g_assert_true (g_file_get_contents (victim, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, "untouched");
      g_unlink (links[i]);
    }
}

/* A line that was damaged is still text. */
static void
test_damaged_index (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *line = g_strdup_printf ("1234\t%s\t\xff\xfe\t\\377\\000x\n", one);
  g_autoptr (GPtrArray) entries = NULL;
  const PmSiteHistoryEntry *entry;

  append_index (fixture, line);
  entries = pm_site_store_history (fixture->store, 0, NULL);
  g_assert_cmpuint (entries->len, ==, 2);
  entry = entries->pdata[0];
  g_assert_true (g_utf8_validate (entry->who, -1, NULL));
  g_assert_true (g_utf8_validate (entry->comment, -1, NULL));
}

static gpointer
release_thread (gpointer data)
{
  g_usleep (200 * 1000);
  close (GPOINTER_TO_INT (data));
  return NULL;
}

/* Who holds the lock for a while is waited for. */
static void
test_locked (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = save_ok (fixture, "one", NULL);
  g_autofree char *lock = g_build_filename (fixture->history, "lock", NULL);
  g_autofree char *two = NULL;
  int fd = open (lock, O_RDWR | O_CLOEXEC);
  GThread *thread;

  g_assert_cmpint (flock (fd, LOCK_EX), ==, 0);
  thread = g_thread_new ("release", release_thread, GINT_TO_POINTER (fd));
  two = save_ok (fixture, "two", one);
  g_thread_join (thread);
}

/* Many writers */

static gpointer
write_thread (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (PmSiteStore) store = pm_site_store_new (fixture->path, fixture->history);
  guint done = 0;

  while (done < 10)
    {
      g_autofree char *base = NULL;
      g_autoptr (GBytes) bytes = pm_site_store_load (store, &base, NULL);
      g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      g_autofree char *next = g_strdup_printf ("%d", atoi (text) + 1);
      g_autoptr (GBytes) next_bytes = g_bytes_new (next, strlen (next));
      g_autoptr (GError) error = NULL;
      g_autofree char *saved = pm_site_store_save (store, next_bytes, base, "", "", &error);

      if (saved != NULL)
        done++;
      else
        g_assert_error (error, PM_ERROR, PM_ERROR_CONFLICT);
    }
  return NULL;
}

static void
test_writers (Fixture *fixture, gconstpointer data)
{
  g_autofree char *first = save_ok (fixture, "0", NULL);
  g_autoptr (GPtrArray) entries = NULL;
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("writer", write_thread, fixture);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  assert_file (fixture, "40");
  entries = pm_site_store_history (fixture->store, 0, NULL);
  g_assert_cmpuint (entries->len, ==, 41);
}

#define ADD(name, function) \
  g_test_add ("/site-store/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("load-nothing", test_load_nothing);
  ADD ("save", test_save);
  ADD ("conflict", test_conflict);
  ADD ("conflict-gone", test_conflict_gone);
  ADD ("same-again", test_same_again);
  ADD ("back-again", test_back_again);
  ADD ("by-hand", test_by_hand);
  ADD ("odd-words", test_odd_words);
  ADD ("read-revision", test_read_revision);
  ADD ("crash/after-revision", test_crash_after_revision);
  ADD ("crash/in-index", test_crash_in_index);
  ADD ("crash/before-file", test_crash_before_file);
  ADD ("crash/in-file", test_crash_in_file);
  ADD ("no-history", test_no_history);
  ADD ("modes", test_modes);
  ADD ("owner", test_owner);
  ADD ("owner-as-user", test_owner_as_user);
  ADD ("group-not-kept", test_group_not_kept);
  ADD ("links", test_links);
  ADD ("damaged-index", test_damaged_index);
  ADD ("locked", test_locked);
  ADD ("writers", test_writers);
  return g_test_run ();
}
