// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Where a message's bytes gather before they are queued. What it promises: no more than the
// threshold in memory, and no file left when the message does not come to anything.

#include "queue/pm-queue-body.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define EARLY (256 * 1024) /* bytes that are on their way to the disk together */

struct _PmQueueBody
{
  char *folder;
  GByteArray *memory; /* (owned): the bytes, while there is no file */
  char *path;         /* (owned) (nullable) */
  char *name;         /* (owned) (nullable): the file's name in the folder */
  int fd;
  guint64 size;
  guint64 early; /* how far the writing to the disk has begun */
  gboolean keep;
};

/**
 * pm_queue_body_new:
 * @folder: where a large body's file is made (see pm_queue_get_body_folder())
 */
PmQueueBody *
pm_queue_body_new (const char *folder)
{
  PmQueueBody *body = g_new0 (PmQueueBody, 1);

  body->folder = g_strdup (folder);
  body->memory = g_byte_array_new ();
  body->fd = -1;
  return body;
}

/**
 * pm_queue_body_new_from_bytes:
 *
 * Returns: (transfer full) (nullable): a body that holds a copy of @bytes
 */
PmQueueBody *
pm_queue_body_new_from_bytes (const char *folder, gconstpointer bytes, gsize size, GError **error)
{
  g_autoptr (PmQueueBody) body = pm_queue_body_new (folder);

  if (!pm_queue_body_append (body, bytes, size, error))
    return NULL;
  return g_steal_pointer (&body);
}

/**
 * pm_queue_body_free:
 * @body: (nullable): its file goes as well, unless the queue has taken it over
 */
void
pm_queue_body_free (PmQueueBody *body)
{
  if (body == NULL)
    return;

  if (body->fd >= 0)
    close (body->fd);
  if (body->path != NULL && !body->keep)
    unlink (body->path);
  g_clear_pointer (&body->memory, g_byte_array_unref);
  g_free (body->folder);
  g_free (body->path);
  g_free (body->name);
  g_free (body);
}

static gboolean
fail (GError **error, const char *doing, const char *path)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "Could not %s %s: %s", doing,
               path, g_strerror (saved));
  return FALSE;
}

static gboolean
write_all (PmQueueBody *body, const guint8 *bytes, gsize size, GError **error)
{
  while (size > 0)
    {
      ssize_t written = write (body->fd, bytes, size);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return fail (error, "write", body->path);
      bytes += written;
      size -= (gsize) written;
    }
  return TRUE;
}

/*
 * What the files of this run begin with: who looks for files that a crash left leaves these alone,
 * whatever the clock says.
 */
static const char *
get_prefix (void)
{
  static char prefix[40];
  static gsize made;

  if (g_once_init_enter (&made))
    {
      g_snprintf (prefix, sizeof prefix, "body-%08x%08x-", g_random_int (), g_random_int ());
      g_once_init_leave (&made, 1);
    }
  return prefix;
}

/**
 * pm_queue_body_is_of_this_run:
 *
 * Returns: whether this process has made the file
 */
gboolean
pm_queue_body_is_of_this_run (const char *file_name)
{
  return g_str_has_prefix (file_name, get_prefix ());
}

static gboolean
move_to_file (PmQueueBody *body, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s/%sXXXXXX", body->folder, get_prefix ());

  body->fd = g_mkstemp_full (path, O_WRONLY | O_CLOEXEC, 0600);
  if (body->fd < 0)
    return fail (error, "create a file", path);
  body->path = g_steal_pointer (&path);
  body->name = g_path_get_basename (body->path);

  if (!write_all (body, body->memory->data, body->memory->len, error))
    return FALSE;
  g_clear_pointer (&body->memory, g_byte_array_unref);
  return TRUE;
}

/* The disk is given work while the rest comes in. Only the sync counts; this is not looked at. */
static void
begin_early (PmQueueBody *body)
{
  if (body->size - body->early < EARLY)
    return;
  (void) !sync_file_range (body->fd, (off64_t) body->early, (off64_t) (body->size - body->early),
                           SYNC_FILE_RANGE_WRITE);
  body->early = body->size;
}

/**
 * pm_queue_body_append:
 *
 * Returns: %FALSE when the file could not be written; the body is then of no further use
 */
gboolean
pm_queue_body_append (PmQueueBody *body, gconstpointer bytes, gsize size, GError **error)
{
  if (size == 0)
    return TRUE;
  if (body->memory != NULL && body->memory->len + size > PM_QUEUE_BODY_INLINE_MAX &&
      !move_to_file (body, error))
    return FALSE;

  if (body->memory != NULL)
    g_byte_array_append (body->memory, bytes, (guint) size);
  else if (!write_all (body, bytes, size, error))
    return FALSE;
  body->size += size;
  if (body->fd >= 0)
    begin_early (body);
  return TRUE;
}

guint64
pm_queue_body_get_size (const PmQueueBody *body)
{
  return body->size;
}

/**
 * pm_queue_body_peek:
 *
 * Returns: (transfer none) (nullable): the bytes in memory; %NULL when they are in a file
 */
GByteArray *
pm_queue_body_peek (PmQueueBody *body)
{
  return body->memory;
}

const char *
pm_queue_body_get_file_name (const PmQueueBody *body)
{
  return body->name;
}

/**
 * pm_queue_body_get_fd:
 *
 * Returns: the open file, whose bytes and whose name in the folder are the caller's to sync; -1
 *   when the bytes are in memory
 */
int
pm_queue_body_get_fd (const PmQueueBody *body)
{
  return body->fd;
}

/**
 * pm_queue_body_keep:
 *
 * The queue refers to the file now: freeing the body leaves it where it is.
 */
void
pm_queue_body_keep (PmQueueBody *body)
{
  body->keep = TRUE;
}

/**
 * pm_queue_body_take:
 *
 * Returns: (transfer full) (nullable): the bytes in memory, which leave the body; %NULL when they
 *   are in a file
 */
GBytes *
pm_queue_body_take (PmQueueBody *body)
{
  if (body->memory == NULL)
    return NULL;
  return g_byte_array_free_to_bytes (g_steal_pointer (&body->memory));
}
