// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Durable replacement of a file: temporary file beside it, write, sync, rename, sync the folder.
// Whoever reads the path sees the old contents or the new, whole, also after a power cut.

#include "base/pm-atomic-file.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
fail (GError **error, const char *doing, const char *path)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "Could not %s %s: %s",
               doing, path, g_strerror (saved));
  return FALSE;
}

static gboolean
write_all (int fd, GBytes *contents)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (contents, &size);

  while (size > 0)
    {
      ssize_t written = write (fd, bytes, size);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return FALSE;
      bytes += written;
      size -= (gsize) written;
    }
  return TRUE;
}

/*
 * The file that replaces another belongs to whom that one belonged to. The owner may change where
 * only root could keep it: whoever replaces it could have written it anyway. The group may not: it
 * is by their group that others read it.
 */
static gboolean
keep_owner (int fd, const struct stat *former)
{
  struct stat own;

  if (fstat (fd, &own) != 0)
    return FALSE;
  if ((own.st_uid == former->st_uid && own.st_gid == former->st_gid) ||
      fchown (fd, former->st_uid, former->st_gid) == 0)
    return TRUE;
  return errno == EPERM &&
         (own.st_gid == former->st_gid || fchown (fd, (uid_t) -1, former->st_gid) == 0);
}

static gboolean
fill (int fd,
      const char *path,
      GBytes *contents,
      int mode,
      const struct stat *former,
      GError **error)
{
  /* In this order: what has been given away is no longer ours to change. */
  if (fchmod (fd, (mode_t) mode) != 0)
    return fail (error, "set the mode of", path);
  if (former != NULL && !keep_owner (fd, former))
    return fail (error, "keep the owner and group in replacing", path);
  if (!write_all (fd, contents))
    return fail (error, "write", path);
  if (fsync (fd) != 0)
    return fail (error, "sync", path);
  return TRUE;
}

/**
 * pm_atomic_file_sync_directory:
 * @path: a directory
 * @error: a #GIOErrorEnum
 *
 * Makes the names in @path durable. Blocks on the disk; any thread.
 *
 * Returns: %TRUE when they are
 */
gboolean
pm_atomic_file_sync_directory (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok;

  if (fd < 0)
    return fail (error, "open the folder", path);
  ok = fsync (fd) == 0;
  if (!ok)
    fail (error, "sync the folder", path);
  close (fd);
  return ok;
}

static gboolean
write_or_replace (const char *path,
                  GBytes *contents,
                  int mode,
                  const struct stat *former,
                  GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *temporary = g_strdup_printf ("%s/.%s.XXXXXX", folder, name);
  gboolean ok;
  int fd;

  fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail (error, "create a file beside", path);

  ok = fill (fd, path, contents, mode, former, error);
  if (close (fd) != 0 && ok)
    ok = fail (error, "close", temporary);
  if (ok && rename (temporary, path) != 0)
    ok = fail (error, "replace", path);
  if (!ok)
    {
      unlink (temporary);
      return FALSE;
    }
  return pm_atomic_file_sync_directory (folder, error);
}

/**
 * pm_atomic_file_write:
 * @path: the file to create or replace; its folder must exist
 * @contents: what it is to hold
 * @mode: its permission bits, as 0640
 * @error: a #GIOErrorEnum; the former file is then untouched, except where only the last sync of
 *   the folder failed
 *
 * Blocks on the disk; any thread.
 *
 * Returns: %TRUE when the new contents are in place and on stable storage
 */
gboolean
pm_atomic_file_write (const char *path, GBytes *contents, int mode, GError **error)
{
  return write_or_replace (path, contents, mode, NULL, error);
}

/**
 * pm_atomic_file_replace:
 * @path: the file to replace or create; its folder must exist
 * @contents: what it is to hold
 * @mode: its permission bits where there was none
 * @error: a #GIOErrorEnum, also where its group cannot be kept
 *
 * As pm_atomic_file_write(), but a file that was there keeps its permission bits, its owner (as far
 * as this process may set it) and its group.
 */
gboolean
pm_atomic_file_replace (const char *path, GBytes *contents, int mode, GError **error)
{
  struct stat former;

  if (stat (path, &former) == 0)
    return write_or_replace (path, contents, (int) (former.st_mode & 0777), &former, error);
  if (errno != ENOENT)
    return fail (error, "look at", path);
  return write_or_replace (path, contents, mode, NULL, error);
}
