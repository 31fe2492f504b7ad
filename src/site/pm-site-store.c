// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The site file on disk. The order of a save is: the new revision's bytes into the history, its
// line into the index, then the site file; each step is durable before the next begins. So a crash
// leaves either a revision in the history that never came into force (the next load or save notes
// that the file's own is still the one), or everything; never a site file that the history does not
// know. Whatever else is found in the file was put there by hand, and is kept too.

#include "site/pm-site-store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pm-atomic-file.h"
#include "base/pm-error.h"
#include "site/pm-site-file.h"

/* The mail service reads it by its group; nobody else needs to. */
#define FILE_MODE 0640
#define HISTORY_FOLDER_MODE 0750
#define HISTORY_MODE 0600
/* What somebody else's save may take, in milliseconds. */
#define LOCK_PATIENCE 10000
#define LOCK_PAUSE 20

struct _PmSiteStore
{
  GObject parent_instance;

  char *path;           /* (owned) */
  char *history_folder; /* (owned) */
};

G_DEFINE_FINAL_TYPE (PmSiteStore, pm_site_store, G_TYPE_OBJECT)

static void
pm_site_store_finalize (GObject *object)
{
  PmSiteStore *self = PM_SITE_STORE (object);

  g_free (self->path);
  g_free (self->history_folder);
  G_OBJECT_CLASS (pm_site_store_parent_class)->finalize (object);
}

static void
pm_site_store_class_init (PmSiteStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = pm_site_store_finalize;
}

static void
pm_site_store_init (PmSiteStore *self)
{
}

/**
 * pm_site_history_entry_free:
 * @entry: (nullable) (transfer full): an entry
 */
void
pm_site_history_entry_free (PmSiteHistoryEntry *entry)
{
  if (entry == NULL)
    return;
  g_free (entry->revision);
  g_free (entry->who);
  g_free (entry->comment);
  g_free (entry);
}

/**
 * pm_site_store_new:
 * @path: the site file; it need not exist
 * @history_folder: where its revisions are kept; made at the first save
 *
 * Returns: (transfer full): a store
 */
PmSiteStore *
pm_site_store_new (const char *path, const char *history_folder)
{
  PmSiteStore *self = g_object_new (PM_TYPE_SITE_STORE, NULL);

  self->path = g_strdup (path);
  self->history_folder = g_strdup (history_folder);
  return self;
}

static gboolean
fail_errno (GError **error, const char *doing, const char *path)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "Could not %s %s: %s", doing, path,
               g_strerror (saved));
  return FALSE;
}

/* Reading */

static gboolean
read_all (int fd, GByteArray *out, gsize limit)
{
  guint8 block[65536];

  for (;;)
    {
      ssize_t n = read (fd, block, sizeof block);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      if (n == 0)
        return TRUE;
      if (out->len + (gsize) n > limit)
        {
          errno = EFBIG;
          return FALSE;
        }
      g_byte_array_append (out, block, (guint) n);
    }
}

// NULL without an error when there is no such file. O_NONBLOCK: a pipe in its place must not hang.
static GBytes *
read_file (const char *path, gsize limit, GError **error)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  gboolean ok;

  if (fd < 0 && errno == ENOENT)
    return NULL;
  if (fd < 0)
    {
      fail_errno (error, "open", path);
      return NULL;
    }
  ok = read_all (fd, out, limit);
  if (!ok)
    fail_errno (error, "read", path);
  close (fd);
  return ok ? g_byte_array_free_to_bytes (g_steal_pointer (&out)) : NULL;
}

/* The history */

static gboolean
is_revision (const char *text)
{
  return strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64;
}

static char *
revision_path (PmSiteStore *store, const char *revision)
{
  g_autofree char *name = g_strconcat (revision, ".xml", NULL);

  return g_build_filename (store->history_folder, name, NULL);
}

static char *
index_path (PmSiteStore *store)
{
  return g_build_filename (store->history_folder, "index", NULL);
}

// Text whatever a damaged line holds.
static char *
unescape (const char *field)
{
  g_autofree char *bytes = g_strcompress (field);

  return g_utf8_make_valid (bytes, -1);
}

// One entry a line: time, revision, who, comment, tabs between, escaped; a line that is not whole
// (a crash while it was added) is no entry.
static PmSiteHistoryEntry *
parse_entry (const char *line)
{
  g_auto (GStrv) fields = g_strsplit (line, "\t", 4);
  PmSiteHistoryEntry *entry;
  gint64 time;

  if (g_strv_length (fields) != 4 || !is_revision (fields[1]) ||
      !g_ascii_string_to_signed (fields[0], 10, 0, G_MAXINT64, &time, NULL))
    return NULL;
  entry = g_new0 (PmSiteHistoryEntry, 1);
  entry->time = time;
  entry->revision = g_strdup (fields[1]);
  entry->who = unescape (fields[2]);
  entry->comment = unescape (fields[3]);
  return entry;
}

static GPtrArray *
read_index (PmSiteStore *store, GError **error)
{
  g_autofree char *path = index_path (store);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) bytes = read_file (path, G_MAXINT32, &local_error);
  g_autoptr (GPtrArray) entries = NULL;
  const char *at;
  const char *end;
  gsize size;

  entries = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_site_history_entry_free);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (bytes == NULL)
    return g_steal_pointer (&entries);

  at = g_bytes_get_data (bytes, &size);
  for (const char *stop = at + size; at < stop && (end = memchr (at, '\n', (gsize) (stop - at)));
       at = end + 1)
    {
      g_autofree char *line = g_strndup (at, (gsize) (end - at));
      PmSiteHistoryEntry *entry = parse_entry (line);

      if (entry != NULL)
        g_ptr_array_add (entries, entry);
    }
  return g_steal_pointer (&entries);
}

static gboolean
write_line (int fd, const char *line)
{
  gsize size = strlen (line);
  struct stat info;
  char last = '\n';

  // What a crash left without its end must not swallow the new line.
  if (fstat (fd, &info) != 0 ||
      (info.st_size > 0 && pread (fd, &last, 1, info.st_size - 1) != 1) ||
      (last != '\n' && write (fd, "\n", 1) != 1))
    return FALSE;
  while (size > 0)
    {
      ssize_t n = write (fd, line, size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      line += n;
      size -= (gsize) n;
    }
  return fsync (fd) == 0;
}

static gboolean
append_line (PmSiteStore *store, const char *line, GError **error)
{
  g_autofree char *path = index_path (store);
  // Beside a file in somebody else's folder a link could lead anywhere.
  int fd = open (path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, HISTORY_MODE);
  gboolean ok;

  if (fd < 0)
    return fail_errno (error, "open", path);
  ok = write_line (fd, line);
  if (!ok)
    fail_errno (error, "write", path);
  if (close (fd) != 0 && ok)
    ok = fail_errno (error, "close", path);
  return ok && pm_atomic_file_sync_directory (store->history_folder, error);
}

static char *
shorten (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  g_autofree char *head = g_utf8_strlen (valid, -1) > 1000 ? g_utf8_substring (valid, 0, 1000)
                                                           : g_strdup (valid);

  return g_strescape (head, NULL);
}

// A revision's bytes are its name, so writing them twice is the same as once.
static gboolean
keep_revision (PmSiteStore *store,
               GBytes *xml,
               const char *revision,
               const char *who,
               const char *comment,
               GError **error)
{
  g_autofree char *path = revision_path (store, revision);
  g_autofree char *shown_who = shorten (who);
  g_autofree char *shown_comment = shorten (comment);
  g_autofree char *line = g_strdup_printf ("%" G_GINT64_FORMAT "\t%s\t%s\t%s\n",
                                           g_get_real_time (), revision, shown_who, shown_comment);

  return pm_atomic_file_write (path, xml, HISTORY_MODE, error) && append_line (store, line, error);
}

// The file as it is found, where the history's newest entry is something else: a person edited it,
// or (where it is the entry before the newest) a save was cut off before it came into force.
static gboolean
keep_present (PmSiteStore *store, GBytes *xml, const char *revision, GError **error)
{
  g_autoptr (GPtrArray) entries = read_index (store, error);
  const PmSiteHistoryEntry *newest;
  const PmSiteHistoryEntry *former;

  if (entries == NULL)
    return FALSE;
  newest = entries->len > 0 ? entries->pdata[entries->len - 1] : NULL;
  former = entries->len > 1 ? entries->pdata[entries->len - 2] : NULL;
  if (newest != NULL && strcmp (newest->revision, revision) == 0)
    return TRUE;
  if (former != NULL && strcmp (former->revision, revision) == 0)
    return keep_revision (store, xml, revision, "",
                          "still in force: the save after it was cut off", error);
  return keep_revision (store, xml, revision, "", "edited outside Pointsman", error);
}

/* Saving */

static int
lock (PmSiteStore *store, GError **error)
{
  g_autofree char *path = g_build_filename (store->history_folder, "lock", NULL);
  gint64 deadline = g_get_monotonic_time () + LOCK_PATIENCE * G_TIME_SPAN_MILLISECOND;
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, HISTORY_MODE);

  if (fd < 0)
    {
      fail_errno (error, "open", path);
      return -1;
    }
  // A program that was stopped while it saved must not stop all others with it.
  while (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      if (errno == EINTR)
        continue;
      if (errno == EWOULDBLOCK && g_get_monotonic_time () < deadline)
        {
          g_usleep (LOCK_PAUSE * G_TIME_SPAN_MILLISECOND);
          continue;
        }
      if (errno == EWOULDBLOCK)
        g_set_error (error, PM_ERROR, PM_ERROR_BUSY,
                     "Another program has been saving %s for %d seconds; end it, or try again when "
                     "it is done",
                     store->path, LOCK_PATIENCE / 1000);
      else
        fail_errno (error, "lock", path);
      close (fd);
      return -1;
    }
  return fd;
}

// Keeps what is found in the file, where there is a history that may be written.
static void
note_present (PmSiteStore *store)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) xml = NULL;
  g_autofree char *revision = NULL;
  int fd;

  if (!g_file_test (store->history_folder, G_FILE_TEST_IS_DIR))
    return;
  fd = lock (store, &error);
  if (fd >= 0)
    xml = read_file (store->path, PM_SITE_FILE_MAX_SIZE, &error);
  if (xml != NULL)
    {
      revision = pm_site_revision (xml);
      keep_present (store, xml, revision, &error);
    }
  if (fd >= 0)
    close (fd);
  if (error != NULL)
    g_debug ("The history of %s was not brought up to date: %s", store->path, error->message);
}

/**
 * pm_site_store_load:
 * @revision: (out) (optional): the revision of what is returned
 * @error: %PM_ERROR_NOT_FOUND when there is no site file
 *
 * Blocks on the disk. What was put into the file by hand is noted in the history, if there is one
 * and this process may write it.
 *
 * Returns: (transfer full) (nullable): the file's bytes, whatever they are
 */
GBytes *
pm_site_store_load (PmSiteStore *store, char **revision, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  GBytes *xml;

  g_return_val_if_fail (PM_IS_SITE_STORE (store), NULL);

  note_present (store);
  xml = read_file (store->path, PM_SITE_FILE_MAX_SIZE, &local_error);
  if (xml == NULL && local_error == NULL)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND, "There is no site file %s", store->path);
  else if (xml == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else if (revision != NULL)
    *revision = pm_site_revision (xml);
  return xml;
}

static gboolean
make_history_folder (PmSiteStore *store, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (store->history_folder);

  if (g_file_test (store->history_folder, G_FILE_TEST_IS_DIR))
    return TRUE;
  if (g_mkdir_with_parents (store->history_folder, HISTORY_FOLDER_MODE) != 0)
    return fail_errno (error, "make the folder", store->history_folder);
  return pm_atomic_file_sync_directory (parent, error);
}

// What a caller takes for a revision may be any text, and eight bytes may end inside a letter.
static char *
to_short_words (const char *revision)
{
  if (revision == NULL || *revision == '\0')
    return g_strdup ("no file");
  return is_revision (revision) ? g_strndup (revision, 8) : g_strdup ("something that is none");
}

static gboolean
check_base (PmSiteStore *store, const char *present, const char *base, GError **error)
{
  g_autofree char *began = to_short_words (base);
  gboolean same = present == NULL ? base == NULL || *base == '\0' : g_strcmp0 (present, base) == 0;

  if (same)
    return TRUE;
  if (present == NULL)
    g_set_error (error, PM_ERROR, PM_ERROR_CONFLICT,
                 "%s is gone, so your change of revision %s was not written; load the site again",
                 store->path, began);
  else
    g_set_error (error, PM_ERROR, PM_ERROR_CONFLICT,
                 "%s has changed meanwhile (it is revision %.8s, your change began with %s) and "
                 "was not overwritten; load it again and repeat the change",
                 store->path, present, began);
  return FALSE;
}

static char *
save_locked (PmSiteStore *store,
             GBytes *xml,
             const char *base,
             const char *who,
             const char *comment,
             GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *revision = pm_site_revision (xml);
  g_autofree char *present_revision = NULL;
  g_autoptr (GBytes) present = read_file (store->path, PM_SITE_FILE_MAX_SIZE, &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (present != NULL)
    present_revision = pm_site_revision (present);
  if (!check_base (store, present_revision, base, error))
    return NULL;
  if (present != NULL && !keep_present (store, present, present_revision, error))
    return NULL;
  if (g_strcmp0 (revision, present_revision) == 0)
    return g_steal_pointer (&revision);

  if (!keep_revision (store, xml, revision, who, comment, error) ||
      !pm_atomic_file_replace (store->path, xml, FILE_MODE, error))
    return NULL;
  return g_steal_pointer (&revision);
}

/**
 * pm_site_store_save:
 * @xml: the file's new contents, at most %PM_SITE_FILE_MAX_SIZE bytes
 * @base_revision: (nullable): the revision that the writer started from; %NULL or empty: there must
 *   be no file yet
 * @who: who changes it, for the history
 * @comment: what for, for the history
 * @error: %PM_ERROR_CONFLICT when the file is another revision, %PM_ERROR_TOO_LARGE
 *
 * Blocks on the disk, and while another process saves. Saving what is there already succeeds and
 * adds no entry.
 *
 * Returns: (transfer full) (nullable): the new revision, which is then on stable storage
 */
char *
pm_site_store_save (PmSiteStore *store,
                    GBytes *xml,
                    const char *base_revision,
                    const char *who,
                    const char *comment,
                    GError **error)
{
  char *revision;
  int fd;

  g_return_val_if_fail (PM_IS_SITE_STORE (store), NULL);
  g_return_val_if_fail (xml != NULL, NULL);

  if (g_bytes_get_size (xml) > PM_SITE_FILE_MAX_SIZE)
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_TOO_LARGE,
                           "A site file may have 64 MiB at most");
      return NULL;
    }
  if (!make_history_folder (store, error))
    return NULL;
  fd = lock (store, error);
  if (fd < 0)
    return NULL;
  revision = save_locked (store, xml, base_revision, who, comment, error);
  close (fd);
  return revision;
}

/**
 * pm_site_store_history:
 * @limit: how many at most, 0 for all
 *
 * Blocks on the disk. The history's own last entry may be a save that a crash kept from the file.
 *
 * Returns: (transfer container) (element-type PmSiteHistoryEntry): newest first
 */
GPtrArray *
pm_site_store_history (PmSiteStore *store, guint limit, GError **error)
{
  g_autoptr (GPtrArray) entries = NULL;
  GPtrArray *result;

  g_return_val_if_fail (PM_IS_SITE_STORE (store), NULL);

  entries = read_index (store, error);
  if (entries == NULL)
    return NULL;
  result = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_site_history_entry_free);
  while (entries->len > 0 && (limit == 0 || result->len < limit))
    g_ptr_array_add (result, g_ptr_array_steal_index (entries, entries->len - 1));
  return result;
}

/**
 * pm_site_store_read_revision:
 * @revision: as in the history
 * @error: %PM_ERROR_NOT_FOUND; %PM_ERROR_FAILED when what is kept is damaged
 *
 * Blocks on the disk.
 *
 * Returns: (transfer full) (nullable): the bytes of that revision
 */
GBytes *
pm_site_store_read_revision (PmSiteStore *store, const char *revision, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *found = NULL;
  g_autoptr (GBytes) xml = NULL;
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (PM_IS_SITE_STORE (store), NULL);
  g_return_val_if_fail (revision != NULL, NULL);

  // The name of a file is made from it, so it must be nothing but a revision.
  if (!is_revision (revision))
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                           "That is no revision: one has 64 hexadecimal digits in lower case");
      return NULL;
    }
  path = revision_path (store, revision);
  xml = read_file (path, PM_SITE_FILE_MAX_SIZE, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (xml == NULL)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                   "There is no revision %s in the history", revision);
      return NULL;
    }
  found = pm_site_revision (xml);
  if (strcmp (found, revision) != 0)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_FAILED,
                   "%s is damaged: its contents are not that revision", path);
      return NULL;
    }
  return g_steal_pointer (&xml);
}
