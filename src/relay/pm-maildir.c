// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Delivery into a Maildir. What it promises: a message lies in new/ whole and on stable storage, or
// not at all; and whatever a mailbox is called, its folder is two levels below the root.

#include "relay/pm-maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pm-atomic-file.h"

#define CHUNK 65536
#define MAX_HOST 128

/* A file name that says `text` with letters, digits and a few marks; everything else is %XX. */
static char *
encode_name (const char *text)
{
  GString *name = g_string_new (NULL);

  for (const char *c = text; *c != '\0'; c++)
    {
      char lower = g_ascii_tolower (*c);

      if (g_ascii_isalnum (lower) || strchr ("-_+", lower) != NULL || (lower == '.' && c != text))
        g_string_append_c (name, lower);
      else
        g_string_append_printf (name, "%%%02X", (guchar) lower);
    }
  if (name->len == 0)
    g_string_append_c (name, '%');
  return g_string_free (name, FALSE);
}

/**
 * pm_maildir_path:
 *
 * Returns: (transfer full): `ROOT/DOMAIN/LOCAL-PART`, both encoded so that neither is `.`, `..`, a
 *   hidden name or has a slash in it, and different mailboxes have different paths
 */
char *
pm_maildir_path (const char *root, const PmMailAddress *mailbox)
{
  g_autofree char *domain = encode_name (mailbox->domain);
  g_autofree char *local = encode_name (mailbox->local);

  return g_build_filename (root, domain, local, NULL);
}

static gboolean
fail (GError **error, const char *doing, const char *path)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "Could not %s %s: %s", doing,
               path, g_strerror (saved));
  return FALSE;
}

/* Makes the folder and those above it, and their names durable. */
static gboolean
make_folder (const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);

  if (mkdir (path, 0700) == 0)
    return pm_atomic_file_sync_directory (parent, error);
  if (errno == EEXIST)
    return TRUE;
  if (errno != ENOENT || strcmp (parent, path) == 0)
    return fail (error, "make the folder", path);
  if (!make_folder (parent, error))
    return FALSE;
  if (mkdir (path, 0700) != 0 && errno != EEXIST)
    return fail (error, "make the folder", path);
  return pm_atomic_file_sync_directory (parent, error);
}

static gboolean
make_maildir (const char *path, GError **error)
{
  static const char *const names[] = { "tmp", "new", "cur" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *folder = g_build_filename (path, names[i], NULL);

      if (!make_folder (folder, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
write_all (int fd, const char *path, const void *data, gsize size, GError **error)
{
  const guint8 *bytes = data;

  while (size > 0)
    {
      ssize_t written = write (fd, bytes, size);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return fail (error, "write", path);
      bytes += written;
      size -= (gsize) written;
    }
  return TRUE;
}

/* The message with its lines ending as lines end on this system. */
static gboolean
write_body (int fd, const char *path, GBytes *body, GError **error)
{
  g_autofree guint8 *chunk = g_malloc (CHUNK);
  gsize size;
  const guint8 *bytes = g_bytes_get_data (body, &size);
  gsize used = 0;

  for (gsize i = 0; i < size; i++)
    {
      if (bytes[i] == '\r' && i + 1 < size && bytes[i + 1] == '\n')
        continue;
      chunk[used++] = bytes[i];
      if (used == CHUNK)
        {
          if (!write_all (fd, path, chunk, used, error))
            return FALSE;
          used = 0;
        }
    }
  return write_all (fd, path, chunk, used, error);
}

static gboolean
write_file (const PmMaildirDelivery *delivery, const char *path, GError **error)
{
  g_autofree char *head = g_strdup_printf ("Return-Path: <%s>\nDelivered-To: %s\n",
                                           delivery->sender, delivery->recipient);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean ok;

  if (fd < 0)
    return fail (error, "create", path);
  ok = write_all (fd, path, head, strlen (head), error) &&
       write_body (fd, path, delivery->body, error);
  if (ok && fsync (fd) != 0)
    ok = fail (error, "sync", path);
  if (close (fd) != 0 && ok)
    ok = fail (error, "close", path);
  return ok;
}

static char *
make_file_name (const PmMaildirDelivery *delivery)
{
  g_autofree char *host = encode_name (delivery->host);

  // A name has 255 bytes at most; the number alone tells messages of one host apart.
  if (strlen (host) > MAX_HOST)
    host[MAX_HOST] = '\0';

  return g_strdup_printf ("%" G_GINT64_FORMAT ".Q%" G_GUINT64_FORMAT ".%s",
                          delivery->received / G_USEC_PER_SEC, delivery->message, host);
}

/**
 * pm_maildir_deliver:
 * @error: a #GIOErrorEnum; nothing was delivered then
 *
 * Blocks on the disk; any thread, but not two for the same message and mailbox at once.
 *
 * Returns: whether the message is in the mailbox, on stable storage
 */
gboolean
pm_maildir_deliver (const PmMaildirDelivery *delivery, GError **error)
{
  g_autofree char *maildir = pm_maildir_path (delivery->root, delivery->mailbox);
  g_autofree char *name = make_file_name (delivery);
  g_autofree char *temporary = g_build_filename (maildir, "tmp", name, NULL);
  g_autofree char *folder = g_build_filename (maildir, "new", NULL);
  g_autofree char *final = g_build_filename (folder, name, NULL);
  gboolean ok;

  if (!make_maildir (maildir, error))
    return FALSE;

  ok = write_file (delivery, temporary, error);
  // link() takes no name that is taken: what is there already is this very message.
  if (ok && link (temporary, final) != 0 && errno != EEXIST)
    ok = fail (error, "deliver", final);
  unlink (temporary);
  return ok && pm_atomic_file_sync_directory (folder, error);
}
