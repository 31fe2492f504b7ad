// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A look at the database's log before SQLite has one. What it promises: a log that SQLite would
// take for none, and begin anew without a word, is kept as it was, and what that means is said. A
// torn end is none of its business: every power cut leaves one, and nothing of it was acknowledged.

#include "queue/pm-queue-log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pm-atomic-file.h"
#include "base/pm-log.h"

#define LOG "queue.db-wal"
#define KEPT_AS LOG ".damaged-"

/* https://www.sqlite.org/fileformat2.html 4.1 */
#define HEADER_SIZE 32
#define SUMMED_SIZE 24
#define MAGIC 0x377f0682u /* the last bit: the sums are of big-endian numbers */

static guint32
get_number (const guint8 *bytes, gboolean big_endian)
{
  if (big_endian)
    return (guint32) bytes[0] << 24 | (guint32) bytes[1] << 16 | (guint32) bytes[2] << 8 | bytes[3];
  return (guint32) bytes[3] << 24 | (guint32) bytes[2] << 16 | (guint32) bytes[1] << 8 | bytes[0];
}

/* The same, 4.2. (nullable): what is wrong with it */
static const char *
find_damage (const guint8 *header)
{
  guint32 magic = get_number (header, TRUE);
  guint32 a = 0;
  guint32 b = 0;

  if ((magic & ~1u) != MAGIC)
    return "The log of the queue does not begin as SQLite's do";
  for (guint i = 0; i < SUMMED_SIZE; i += 8)
    {
      a += get_number (header + i, magic & 1) + b;
      b += get_number (header + i + 4, magic & 1) + a;
    }
  if (a != get_number (header + SUMMED_SIZE, TRUE) ||
      b != get_number (header + SUMMED_SIZE + 4, TRUE))
    return "The checksum of the beginning of the queue's log is wrong";
  return NULL;
}

/*
 * The header is synced before anything follows it: where nothing does, it was cut off while it was
 * written, and there was nothing in the log. (nullable): what is wrong with it
 */
static const char *
examine (const char *path, goffset *size)
{
  guint8 header[HEADER_SIZE];
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  ssize_t got = fd >= 0 ? pread (fd, header, sizeof header, 0) : -1;
  struct stat info;

  if (fd < 0)
    return NULL;
  *size = fstat (fd, &info) == 0 ? info.st_size : 0;
  close (fd);
  return got == sizeof header && *size > HEADER_SIZE ? find_damage (header) : NULL;
}

/* (transfer full): a name that is free */
static char *
choose_name (const char *folder)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = g_date_time_format (now, "%Y%m%dT%H%M%SZ");
  char *path = g_strdup_printf ("%s/" KEPT_AS "%s", folder, date);

  for (guint n = 2; g_file_test (path, G_FILE_TEST_EXISTS); n++)
    {
      g_free (path);
      path = g_strdup_printf ("%s/" KEPT_AS "%s-%u", folder, date, n);
    }
  return path;
}

/**
 * pm_queue_log_set_aside_damaged:
 * @folder: the queue's folder
 *
 * Where the log has something in it, but its header is not one of SQLite's, it is kept beside as
 * `queue.db-wal.damaged-DATE`, and that is logged. The database then goes on without it.
 *
 * Returns: %FALSE when it is damaged and could not be kept
 */
gboolean
pm_queue_log_set_aside_damaged (const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, LOG, NULL);
  g_autofree char *kept_as = NULL;
  g_autofree char *bytes = NULL;
  goffset size = 0;
  const char *reason = examine (path, &size);

  if (reason == NULL)
    return TRUE;
  kept_as = choose_name (folder);
  if (g_rename (path, kept_as) != 0)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved),
                   "%s, and it could not be kept as %s: %s", reason, kept_as, g_strerror (saved));
      return FALSE;
    }
  bytes = g_strdup_printf ("%" G_GOFFSET_FORMAT, size);
  pm_log_event (G_LOG_LEVEL_MESSAGE, "queue-log-damaged", "reason", reason, "size", bytes,
                "kept-as", kept_as, "missing",
                "What was last accepted may be missing, and what was last sent may be sent again",
                NULL);
  return pm_atomic_file_sync_directory (folder, error);
}

/**
 * pm_queue_log_get_damage_time:
 *
 * Returns: when the last damaged log was set aside, in seconds, as files have it; 0: there is none
 */
gint64
pm_queue_log_get_damage_time (const char *folder)
{
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  const char *name;
  gint64 latest = 0;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      GStatBuf info;

      // Renaming it was the last that was done to it.
      if (g_str_has_prefix (name, KEPT_AS) && g_stat (path, &info) == 0)
        latest = MAX (latest, (gint64) info.st_ctime);
    }
  return latest;
}
