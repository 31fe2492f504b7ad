// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// How full Maildirs are. It counts what is there, in all folders of the mailbox, and keeps the sum
// for a while, since others delete from the mailbox whenever they like; a mailbox that seems full
// is looked at again before a message is turned away.

#include "relay/pm-maildir-usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_KNOWN 10000
#define SUM_AGE (60 * (gint64) G_USEC_PER_SEC)
#define FULL_AGE (2 * (gint64) G_USEC_PER_SEC)
#define CLEAN_INTERVAL (24 * 3600 * (gint64) G_USEC_PER_SEC)
#define STALE_AGE (36 * 3600) // as the inventors of Maildir have it

typedef struct
{
  guint64 bytes;
  gint64 counted; /* 0 is never; monotonic, and below */
  gint64 cleaned;
} Known;

struct _PmMaildirUsage
{
  GHashTable *known; /* (owned) (element-type utf8 Known): by path */
};

PmMaildirUsage *
pm_maildir_usage_new (void)
{
  PmMaildirUsage *usage = g_new0 (PmMaildirUsage, 1);

  usage->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return usage;
}

void
pm_maildir_usage_free (PmMaildirUsage *usage)
{
  g_hash_table_unref (usage->known);
  g_free (usage);
}

static Known *
get_known (PmMaildirUsage *usage, const char *maildir)
{
  Known *known = g_hash_table_lookup (usage->known, maildir);

  if (known != NULL)
    return known;
  if (g_hash_table_size (usage->known) >= MAX_KNOWN)
    g_hash_table_remove_all (usage->known);
  known = g_new0 (Known, 1);
  g_hash_table_insert (usage->known, g_strdup (maildir), known);
  return known;
}

/* The names of `path` without `.` and `..`; %NULL where there is no such folder. */
static DIR *
open_folder (int at, const char *path)
{
  int fd = openat (at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  DIR *folder = fd < 0 ? NULL : fdopendir (fd);

  if (fd >= 0 && folder == NULL)
    close (fd);
  return folder;
}

/* Maildir++: `,S=bytes` in a name says the size. */
static gboolean
read_size (const char *name, guint64 *size)
{
  const char *text = strstr (name, ",S=");
  char *end;

  if (text == NULL || !g_ascii_isdigit (text[3]))
    return FALSE;
  *size = g_ascii_strtoull (text + 3, &end, 10);
  return *end == '\0' || *end == ',' || *end == ':';
}

static guint64
count_folder (int at, const char *path)
{
  DIR *folder = open_folder (at, path);
  const struct dirent *entry;
  guint64 sum = 0;

  while (folder != NULL && (entry = readdir (folder)) != NULL)
    {
      struct stat info;
      guint64 size;

      if (entry->d_name[0] == '.')
        continue;
      if (!read_size (entry->d_name, &size))
        size = fstatat (dirfd (folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0
                   ? (guint64) info.st_size
                   : 0;
      sum += size;
    }
  if (folder != NULL)
    closedir (folder);
  return sum;
}

/* The inbox, and the folders of Maildir++, whose names begin with a dot. */
static guint64
count_maildir (const char *path)
{
  DIR *maildir = open_folder (AT_FDCWD, path);
  const struct dirent *entry;
  guint64 sum = 0;

  if (maildir == NULL)
    return 0;
  sum = count_folder (dirfd (maildir), "new") + count_folder (dirfd (maildir), "cur");
  while ((entry = readdir (maildir)) != NULL)
    {
      g_autofree char *fresh = g_build_filename (entry->d_name, "new", NULL);
      g_autofree char *read = g_build_filename (entry->d_name, "cur", NULL);

      if (entry->d_name[0] == '.' && strcmp (entry->d_name, ".") != 0 &&
          strcmp (entry->d_name, "..") != 0)
        sum += count_folder (dirfd (maildir), fresh) + count_folder (dirfd (maildir), read);
    }
  closedir (maildir);
  return sum;
}

static void
count_if_older (Known *known, const char *maildir, gint64 age)
{
  gint64 now = g_get_monotonic_time ();

  if (known->counted != 0 && now - known->counted < age)
    return;
  known->bytes = count_maildir (maildir);
  known->counted = now;
}

/* See the header. */
gboolean
pm_maildir_usage_take (PmMaildirUsage *usage, const char *maildir, guint64 size, guint64 quota)
{
  Known *known = get_known (usage, maildir);

  count_if_older (known, maildir, SUM_AGE);
  if (known->bytes + size > quota)
    count_if_older (known, maildir, FULL_AGE);
  if (known->bytes + size > quota)
    return FALSE;
  known->bytes += size;
  return TRUE;
}

/* See the header. */
void
pm_maildir_usage_forget (PmMaildirUsage *usage, const char *maildir)
{
  Known *known = g_hash_table_lookup (usage->known, maildir);

  if (known != NULL)
    known->counted = 0;
}

/* See the header. */
void
pm_maildir_usage_clean (PmMaildirUsage *usage, const char *maildir)
{
  Known *known = get_known (usage, maildir);
  gint64 now = g_get_monotonic_time ();
  time_t limit = (time_t) (g_get_real_time () / G_USEC_PER_SEC) - STALE_AGE;
  g_autofree char *path = NULL;
  const struct dirent *entry;
  DIR *folder;

  if (known->cleaned != 0 && now - known->cleaned < CLEAN_INTERVAL)
    return;
  known->cleaned = now;
  path = g_build_filename (maildir, "tmp", NULL);
  folder = open_folder (AT_FDCWD, path);
  while (folder != NULL && (entry = readdir (folder)) != NULL)
    {
      struct stat info;

      if (entry->d_name[0] != '.' &&
          fstatat (dirfd (folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISREG (info.st_mode) && info.st_mtime < limit)
        unlinkat (dirfd (folder), entry->d_name, 0);
    }
  if (folder != NULL)
    closedir (folder);
}
