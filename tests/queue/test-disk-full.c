// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The queue on a disk that becomes full, in bytes and in inodes: a small file system of its own.
// New mail is refused in time, what becomes of accepted mail is recorded even then, and when there
// is room again it goes on by itself, with everything it had accepted.

#include "queue/pm-queue.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  char *folder;
  char *image;
  char *mount;
  char *queue_folder;
  gboolean mounted;
  PmClock *clock;
  PmQueue *queue;
} Fixture;

static gboolean run (const char *format, ...) G_GNUC_PRINTF (1, 2);

static gboolean
run (const char *format, ...)
{
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;
  va_list args;
  int status = -1;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  return g_spawn_command_line_sync (line, NULL, NULL, &status, &error) && status == 0;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = g_dir_make_tmp ("pm-disk-XXXXXX", NULL);
  f->image = g_build_filename (f->folder, "image", NULL);
  f->mount = g_build_filename (f->folder, "mount", NULL);
  f->queue_folder = g_build_filename (f->mount, "queue", NULL);
  g_assert_cmpint (g_mkdir (f->mount, 0700), ==, 0);
  if (geteuid () != 0 || !run ("truncate -s 24M %s", f->image) ||
      !run ("mkfs.ext4 -q -N 400 %s", f->image) ||
      !run ("mount -o loop %s %s", f->image, f->mount))
    return;
  f->mounted = TRUE;
  f->clock = pm_clock_new_system ();
  f->queue = pm_queue_new (f->queue_folder, f->clock, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->queue != NULL)
    pm_queue_close (f->queue);
  g_clear_object (&f->queue);
  g_clear_object (&f->clock);
  if (f->mounted)
    g_assert_true (run ("umount %s", f->mount));
  g_remove (f->image);
  g_remove (f->mount);
  g_assert_cmpint (g_remove (f->folder), ==, 0);
  g_free (f->folder);
  g_free (f->image);
  g_free (f->mount);
  g_free (f->queue_folder);
}

static gboolean
skip (Fixture *f)
{
  if (f->mounted)
    return FALSE;
  g_test_skip ("needs root, and loop devices");
  return TRUE;
}

static void
result_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

/* 0 where it was refused. */
static guint64
enqueue (Fixture *f, gsize size)
{
  PmQueueMessage *message = pm_queue_message_new (pm_queue_new_id (f->queue), "a@example.com");
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *bytes = g_malloc0 (size);
  g_autoptr (GError) error = NULL;
  guint64 id = message->id;

  message->body = pm_queue_body_new_from_bytes (pm_queue_get_body_folder (f->queue), bytes, size,
                                                &error);
  if (message->body == NULL)
    {
      pm_queue_message_free (message);
      return 0;
    }
  pm_queue_message_add_recipient (message, "b@example.net")->next_try = 1;
  pm_queue_enqueue_async (f->queue, message, result_cb, &result);
  if (pm_queue_enqueue_finish (f->queue, wait_for (&result), &error))
    return id;
  g_assert_nonnull (error);
  return 0;
}

static gboolean
settle (Fixture *f, guint64 id, PmOutcomeKind kind)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, id, &error);
  g_autoptr (GAsyncResult) result = NULL;
  PmQueueUpdate *update = pm_queue_update_new (id);
  gint64 next_try;

  g_assert_no_error (error);
  pm_queue_update_add (update, g_ptr_array_index (message->recipients, 0), kind, "451 later")
      ->next_try = 2;
  pm_queue_update_async (f->queue, update, result_cb, &result);
  if (pm_queue_update_finish (f->queue, wait_for (&result), &next_try, &error))
    return TRUE;
  g_test_message ("not recorded: %s", error->message);
  return FALSE;
}

static GArray *
fill (Fixture *f, gsize size)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));

  for (guint refused = 0; refused < 5;)
    {
      guint64 id = enqueue (f, size);

      if (id == 0)
        refused++;
      else
        g_array_append_val (ids, id);
      g_assert_cmpuint (ids->len, <, 100000);
    }
  return ids;
}

/* Somebody else fills the disk, or the queue itself does, with small messages or with large. */
static void
test_full (Fixture *f, gconstpointer data)
{
  gsize size = GPOINTER_TO_SIZE (data);
  g_autoptr (GArray) ids = NULL;
  g_autoptr (GError) error = NULL;
  gint64 deadline;
  guint64 id;

  if (skip (f))
    return;
  ids = fill (f, size);
  g_test_message ("%u messages of %" G_GSIZE_FORMAT " bytes", ids->len, size);
  g_assert_cmpuint (ids->len, >, 20);
  g_assert_false (pm_disk_watch_reserve (pm_queue_get_disk_watch (f->queue), 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);

  for (guint i = 0; i < ids->len; i++)
    g_assert_true (settle (f, g_array_index (ids, guint64, i), PM_OUTCOME_DEFERRED));
  for (guint i = 0; i < ids->len / 2; i++)
    g_assert_true (settle (f, g_array_index (ids, guint64, i), PM_OUTCOME_DONE));

  deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  while ((id = enqueue (f, size)) == 0)
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);

  pm_queue_close (f->queue);
  g_clear_object (&f->queue);
  g_clear_error (&error);
  f->queue = pm_queue_new (f->queue_folder, f->clock, &error);
  g_assert_no_error (error);
  g_array_append_val (ids, id);
  for (guint i = (ids->len - 1) / 2; i < ids->len; i++)
    {
      g_autoptr (PmQueueMessage) message = pm_queue_load (f->queue, g_array_index (ids, guint64, i),
                                                          &error);
      g_autoptr (GBytes) body = pm_queue_open_body (f->queue, g_array_index (ids, guint64, i),
                                                    NULL);

      g_assert_no_error (error);
      g_assert_cmpuint (g_bytes_get_size (body), ==, size);
    }
}

/* The watch looks at the disk now and then: asks until it knows what was just changed. */
static void
wait_for_verdict (PmDiskWatch *watch, gboolean room)
{
  gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  for (;;)
    {
      gboolean has = pm_disk_watch_reserve (watch, 1000, NULL);

      if (has)
        pm_disk_watch_release (watch, 1000);
      if (has == room)
        return;
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_thread_yield ();
    }
}

/* Files run out before bytes do. */
static void
test_inodes (Fixture *f, gconstpointer data)
{
  PmDiskWatch *watch;
  g_autoptr (GError) error = NULL;
  guint n = 0;

  if (skip (f))
    return;
  watch = pm_queue_get_disk_watch (f->queue);
  g_assert_true (pm_disk_watch_reserve (watch, 1000, NULL));
  for (;; n++)
    {
      g_autofree char *path = g_strdup_printf ("%s/file-%u", f->mount, n);
      int fd = g_open (path, O_CREAT | O_WRONLY, 0600);

      if (fd < 0)
        break;
      close (fd);
    }
  wait_for_verdict (watch, FALSE);
  g_assert_false (pm_disk_watch_reserve (watch, 1000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_nonnull (strstr (error->message, "inodes"));
  g_assert_cmpuint (enqueue (f, 1000), !=, 0);
  while (n-- > 0)
    {
      g_autofree char *path = g_strdup_printf ("%s/file-%u", f->mount, n);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  wait_for_verdict (watch, TRUE);
  g_assert_true (pm_disk_watch_reserve (watch, 1000, NULL));
}

/* What others have announced counts, until they release it. */
static void
test_announced (Fixture *f, gconstpointer data)
{
  PmDiskWatch *watch;
  guint n = 0;

  if (skip (f))
    return;
  watch = pm_queue_get_disk_watch (f->queue);
  while (pm_disk_watch_reserve (watch, 1000000, NULL))
    n++;
  g_assert_cmpuint (n, >=, 5);
  g_assert_cmpuint (n, <, 24);
  pm_disk_watch_release (watch, 1000000);
  g_assert_true (pm_disk_watch_reserve (watch, 1000000, NULL));
  g_assert_false (pm_disk_watch_reserve (watch, 1000000, NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, func) \
  g_test_add ("/disk-full/" name, Fixture, GSIZE_TO_POINTER (data), set_up, func, tear_down)
  ADD ("small", 4000, test_full);
  ADD ("large", 200000, test_full);
  ADD ("inodes", 0, test_inodes);
  ADD ("announced", 0, test_announced);
  return g_test_run ();
}
