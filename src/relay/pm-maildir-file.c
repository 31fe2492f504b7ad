// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The files of a Maildir. What it promises: whatever a mailbox is called, its folder is two levels
// below the root; and what fails leaves no part of a file.

#include "relay/pm-maildir-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pm-atomic-file.h"

#define CHUNK (256 * 1024)
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

/**
 * pm_maildir_refusal:
 *
 * Returns: (transfer full): a transient reply: the disk's trouble is never the sender's
 */
PmSmtpReply *
pm_maildir_refusal (int error_number, const char *doing, const char *path)
{
  gboolean full = error_number == ENOSPC || error_number == EDQUOT;

  return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_LOCAL, full ? 452 : 451,
                                   full ? "4.3.1" : "4.3.0", "Could not %s %s: %s", doing, path,
                                   g_strerror (error_number));
}

/* Makes the folder and those above it, and their names durable. */
static gboolean
make_folder (const char *path, int *error_number)
{
  g_autofree char *parent = g_path_get_dirname (path);
  gboolean made = mkdir (path, 0700) == 0;

  if (!made && errno == EEXIST)
    return TRUE;
  if (!made && errno == ENOENT && strcmp (parent, path) != 0)
    {
      if (!make_folder (parent, error_number))
        return FALSE;
      made = mkdir (path, 0700) == 0 || errno == EEXIST;
    }
  if (made && pm_atomic_file_sync_directory (parent, NULL))
    return TRUE;
  *error_number = errno != 0 ? errno : EIO;
  return FALSE;
}

static gboolean
make_maildir (const char *path, int *error_number)
{
  static const char *const names[] = { "tmp", "new", "cur" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *folder = g_build_filename (path, names[i], NULL);

      if (!make_folder (folder, error_number))
        return FALSE;
    }
  return TRUE;
}

/* A name has 255 bytes at most; the number alone tells messages of one host apart. */
static char *
make_name (const PmMaildirDelivery *delivery)
{
  g_autofree char *host = encode_name (delivery->host);

  if (strlen (host) > MAX_HOST)
    host[MAX_HOST] = '\0';
  return g_strdup_printf ("%" G_GINT64_FORMAT ".Q%" G_GUINT64_FORMAT ".%s",
                          delivery->received / G_USEC_PER_SEC, delivery->message, host);
}

void
pm_maildir_file_init (PmMaildirFile *file, const PmMaildirDelivery *delivery)
{
  *file = (PmMaildirFile){ .fd = -1 };
  file->maildir = pm_maildir_path (delivery->root, delivery->mailbox);
  file->name = make_name (delivery);
  file->folder = g_build_filename (file->maildir, "new", NULL);
}

static void
close_file (PmMaildirFile *file)
{
  if (file->fd >= 0)
    close (file->fd);
  file->fd = -1;
}

void
pm_maildir_file_clear (PmMaildirFile *file)
{
  close_file (file);
  if (file->temporary != NULL)
    unlink (file->temporary);
  g_free (file->temporary);
  g_free (file->maildir);
  g_free (file->name);
  g_free (file->folder);
}

static gboolean
write_all (int fd, const GByteArray *bytes)
{
  gsize done = 0;

  while (done < bytes->len)
    {
      ssize_t written = write (fd, bytes->data + done, bytes->len - done);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return FALSE;
      done += (gsize) written;
    }
  return TRUE;
}

static gboolean
flush_scratch (PmMaildirFile *file, GByteArray *scratch)
{
  file->size += scratch->len;
  if (!write_all (file->fd, scratch))
    return FALSE;
  g_byte_array_set_size (scratch, 0);
  return TRUE;
}

/* The message with its lines ending as lines end on this system. */
static gboolean
write_body (PmMaildirFile *file, GBytes *body, GByteArray *scratch)
{
  gsize size;
  const guint8 *from = g_bytes_get_data (body, &size);
  const guint8 *end = from + size;

  while (from < end)
    {
      const guint8 *limit = from + MIN ((gsize) (end - from), CHUNK);
      const guint8 *cr = memchr (from, '\r', (gsize) (limit - from));
      const guint8 *stop = cr != NULL ? cr : limit;

      g_byte_array_append (scratch, from, (guint) (stop - from));
      // Of a CR LF the LF stays, which the next round copies; any other CR is text.
      if (cr != NULL && !(cr + 1 < end && cr[1] == '\n'))
        g_byte_array_append (scratch, cr, 1);
      from = cr != NULL ? cr + 1 : limit;
      if (scratch->len >= CHUNK && !flush_scratch (file, scratch))
        return FALSE;
    }
  return flush_scratch (file, scratch);
}

static gboolean
open_file (PmMaildirFile *file, int *error_number)
{
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
  g_autofree char *path = g_build_filename (file->maildir, "tmp", file->name, NULL);

  file->fd = open (path, flags, 0600);
  if (file->fd < 0 && errno == ENOENT)
    {
      if (!make_maildir (file->maildir, error_number))
        return FALSE;
      file->fd = open (path, flags, 0600);
    }
  if (file->fd < 0)
    {
      *error_number = errno;
      return FALSE;
    }
  file->temporary = g_steal_pointer (&path);
  return TRUE;
}

/*
 * Into tmp/, and left open: durable it is only after fdatasync(). The Maildir is made
 * where there is none.
 */
PmSmtpReply *
pm_maildir_file_write (PmMaildirFile *file,
                       const PmMaildirDelivery *delivery,
                       GByteArray *scratch)
{
  g_autofree char *head = g_strdup_printf ("Return-Path: <%s>\nDelivered-To: %s\n",
                                           delivery->sender, delivery->recipient);
  int error_number = 0;

  if (!open_file (file, &error_number))
    return pm_maildir_refusal (error_number, "create a message in", file->maildir);

  g_byte_array_set_size (scratch, 0);
  g_byte_array_append (scratch, (const guint8 *) head, (guint) strlen (head));
  if (!write_body (file, delivery->body, scratch))
    return pm_maildir_refusal (errno, "write", file->temporary);
  return NULL;
}

/* Never over another file: what is there already under this name is this very message. */
static gboolean
move (const char *from, const char *to)
{
  if (renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
    return TRUE;
  if (errno == EINVAL || errno == ENOSYS) // a file system that cannot
    {
      if (link (from, to) == 0)
        {
          unlink (from);
          return TRUE;
        }
    }
  if (errno != EEXIST)
    return FALSE;
  unlink (from);
  return TRUE;
}

/*
 * From tmp/ to new/; durable after a sync of new/. The name says the size, as Maildir++ has it, so
 * that whoever counts need not look into the file's inode.
 */
PmSmtpReply *
pm_maildir_file_publish (PmMaildirFile *file)
{
  g_autofree char *final = g_strdup_printf ("%s/%s,S=%" G_GUINT64_FORMAT, file->folder, file->name,
                                            file->size);

  int error_number = 0;

  close_file (file);
  if (!move (file->temporary, final))
    error_number = errno;
  // A Maildir without new/: tmp/ was there, or it would have been made.
  if (error_number == ENOENT && make_maildir (file->maildir, &error_number))
    error_number = move (file->temporary, final) ? 0 : errno;
  if (error_number != 0)
    return pm_maildir_refusal (error_number, "deliver", final);
  g_clear_pointer (&file->temporary, g_free);
  return NULL;
}
