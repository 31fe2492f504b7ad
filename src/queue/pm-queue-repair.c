// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What becomes of a queue whose file is damaged. What it promises: the damaged file is kept as it
// is beside the new one, what can be read is in the new one before that takes the name, bodies that
// nothing leads to are set aside, and nothing is deleted. A note in the folder says that a repair
// has begun, so that one that was cut off begins again and nobody takes half of it for the queue.

#include "queue/pm-queue-repair.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/pm-atomic-file.h"
#include "base/pm-log.h"
#include "queue/pm-queue-body.h"
#include "queue/pm-queue-salvage.h"
#include "queue/pm-queue-store.h"

#define NOTE "queue.repair"
#define TRANSACTION 1000 /* messages */
#define MAX_LINES 1000   /* of the log, for what is lost */
#define MAX_NOTE 64      /* bytes */

typedef struct
{
  const char *folder;
  PmQueueStore *from;
  PmQueueStore *to;
  PmQueueRepair *repair;
} Rescue;

void
pm_queue_repair_clear (PmQueueRepair *repair)
{
  g_clear_pointer (&repair->kept_as, g_free);
}

/**
 * pm_queue_repair_is_pending:
 *
 * Returns: whether a repair has begun that has not come to its end
 */
gboolean
pm_queue_repair_is_pending (const char *folder)
{
  g_autofree char *note = g_build_filename (folder, NOTE, NULL);

  return g_file_test (note, G_FILE_TEST_EXISTS);
}

static gboolean
fail (GError **error, const char *doing, const char *path)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "Could not %s %s: %s", doing,
               path, g_strerror (saved));
  return FALSE;
}

/* Under its new name, unless an earlier repair that was cut off has done that. */
static gboolean
move_aside (const char *folder, const char *from, const char *to, const char *end, GError **error)
{
  g_autofree char *source = g_strdup_printf ("%s/%s%s", folder, from, end);
  g_autofree char *target = g_strdup_printf ("%s/%s%s", folder, to, end);

  if (!g_file_test (source, G_FILE_TEST_EXISTS) || g_file_test (target, G_FILE_TEST_EXISTS))
    return TRUE;
  return g_rename (source, target) == 0 || fail (error, "move aside", source);
}

/* The note names the file that the damaged one becomes. */
static char *
begin (const char *folder, GError **error)
{
  g_autofree char *note = g_build_filename (folder, NOTE, NULL);
  g_autofree char *name = NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GBytes) contents = NULL;
  g_autofree char *date = g_date_time_format (now, "%Y%m%dT%H%M%SZ");

  if (g_file_get_contents (note, &name, NULL, NULL) && strlen (name) < MAX_NOTE &&
      g_str_has_prefix (name, "queue.db.damaged-") && strchr (name, '/') == NULL)
    return g_steal_pointer (&name);
  g_free (name);
  name = g_strdup_printf ("queue.db.damaged-%s", date);
  for (guint n = 2;; n++)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        break;
      g_free (name);
      name = g_strdup_printf ("queue.db.damaged-%s-%u", date, n);
    }
  contents = g_bytes_new (name, strlen (name));
  if (!pm_atomic_file_replace (note, contents, 0600, error))
    return NULL;
  return g_steal_pointer (&name);
}

static void
remove_half_done (const char *folder)
{
  static const char *const names[] = { "queue.db.repaired", "queue.db.repaired-wal",
                                       "queue.db.repaired-shm", "queue.db.salvage",
                                       "queue.db.salvage-wal", "queue.db.salvage-shm" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      g_unlink (path);
    }
}

static void
note_lost (Rescue *self, guint64 id, const char *reason)
{
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, id);

  if (self->repair->lost++ < MAX_LINES)
    pm_log_event (G_LOG_LEVEL_MESSAGE, "queue-message-lost", "id", number, "reason", reason, NULL);
}

static char *
make_place (Rescue *self, const char *name)
{
  g_autofree char *folder = g_build_filename (self->folder, "lost+found", NULL);

  g_mkdir_with_parents (folder, 0700);
  return g_build_filename (folder, name, NULL);
}

/* The envelope is gone; what it said can perhaps be seen from the body. */
static void
set_body_aside (Rescue *self, guint64 id)
{
  g_autofree char *file = NULL;
  g_autoptr (GBytes) bytes = pm_queue_store_read_bare_body (self->from, id);
  g_autofree char *name = g_strdup_printf ("%" G_GUINT64_FORMAT ".eml", id);
  g_autofree char *path = make_place (self, name);

  if (bytes != NULL && pm_atomic_file_replace (path, bytes, 0600, NULL))
    self->repair->set_aside++;
}

static gboolean
has_file (Rescue *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->folder, "bodies", name, NULL);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

/* FALSE only when the new file cannot be written. */
static gboolean
save_message (Rescue *self, guint64 id, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmQueueMessage) message = pm_queue_store_load (self->from, id, &local);
  g_autoptr (GByteArray) array = NULL;
  g_autoptr (GBytes) body = NULL;
  g_autofree char *file = NULL;

  if (message == NULL || message->recipients->len == 0)
    {
      note_lost (self, id, local != NULL ? local->message : "It has no recipients");
      set_body_aside (self, id);
      return TRUE;
    }
  body = pm_queue_store_read_body (self->from, id, &file, &local);
  if (local != NULL || (body != NULL && g_bytes_get_size (body) != message->size) ||
      (file != NULL && !has_file (self, file)))
    {
      note_lost (self, id, local != NULL ? local->message : "Its body is gone, or not whole");
      set_body_aside (self, id);
      return TRUE;
    }
  if (body != NULL)
    array = g_bytes_unref_to_array (g_steal_pointer (&body));
  self->repair->saved++;
  return pm_queue_store_insert_with (self->to, message, message->size, file, array, error);
}

static gboolean
save_messages (Rescue *self, GError **error)
{
  g_autoptr (GArray) ids = pm_queue_salvage_list_ids (self->from);

  for (guint i = 0; i < ids->len; i += TRANSACTION)
    {
      if (!pm_queue_store_begin (self->to, error))
        return FALSE;
      for (guint j = i; j < MIN (i + TRANSACTION, ids->len); j++)
        if (!save_message (self, g_array_index (ids, guint64, j), error))
          return FALSE;
      if (!pm_queue_store_commit (self->to, error))
        return FALSE;
    }
  return TRUE;
}

/* Files of messages whose row is gone. Those of sessions under way have no row yet. */
static gboolean
set_files_aside (Rescue *self, GError **error)
{
  g_autofree char *bodies = g_build_filename (self->folder, "bodies", NULL);
  g_autoptr (GDir) folder = g_dir_open (bodies, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (bodies, name, NULL);
      g_autofree char *place = NULL;
      gboolean has;

      if (!pm_queue_store_has_body_file (self->to, name, &has, error))
        return FALSE;
      if (has || pm_queue_body_is_of_this_run (name))
        continue;
      place = make_place (self, name);
      if (g_rename (path, place) == 0)
        self->repair->set_aside++;
    }
  return TRUE;
}

/* All of it in the file itself: its log does not come along when it takes the name. */
static gboolean
write_back (PmQueueStore *store, GError **error)
{
  guint left = 0;

  if (!pm_queue_store_checkpoint (store, &left, error))
    return FALSE;
  if (left == 0)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY,
                       "Could not write back the log of the repaired queue: it is in use");
  return FALSE;
}

static gboolean
rescue (const char *folder, const char *damaged, PmQueueRepair *repair, GError **error)
{
  g_autofree char *copy = g_build_filename (folder, "queue.db.salvage", NULL);
  g_autofree char *target = g_build_filename (folder, "queue.db.repaired", NULL);
  g_autoptr (PmQueueStore) from = pm_queue_salvage_open (damaged, copy, NULL);
  g_autoptr (PmQueueStore) to = pm_queue_store_open (target, TRUE, error);
  Rescue self = { .folder = folder, .from = from, .to = to, .repair = repair };

  return to != NULL && (from == NULL || save_messages (&self, error)) &&
         set_files_aside (&self, error) && write_back (to, error);
}

/* Takes its place at once, or not at all. */
static gboolean
finish (const char *folder, GError **error)
{
  g_autofree char *from = g_build_filename (folder, "queue.db.repaired", NULL);
  g_autofree char *to = g_build_filename (folder, "queue.db", NULL);
  g_autofree char *note = g_build_filename (folder, NOTE, NULL);

  if (g_rename (from, to) != 0)
    return fail (error, "rename", from);
  if (!pm_atomic_file_sync_directory (folder, error))
    return FALSE;
  if (g_unlink (note) != 0)
    return fail (error, "remove", note);
  remove_half_done (folder);
  return pm_atomic_file_sync_directory (folder, error);
}

static void
log_repair (const PmQueueRepair *repair)
{
  g_autofree char *saved = g_strdup_printf ("%" G_GUINT64_FORMAT, repair->saved);
  g_autofree char *lost = g_strdup_printf ("%" G_GUINT64_FORMAT, repair->lost);
  g_autofree char *aside = g_strdup_printf ("%" G_GUINT64_FORMAT, repair->set_aside);

  pm_log_event (G_LOG_LEVEL_MESSAGE, "queue-repaired", "saved", saved, "lost", lost, "set-aside",
                aside, "kept-as", repair->kept_as, NULL);
}

/**
 * pm_queue_repair:
 * @folder: the queue's folder; nobody has the queue open for writing
 * @repair: (out): what it has come to
 *
 * Makes a new `queue.db` of what can be read of the damaged one. Blocks; of a large queue for long.
 *
 * Returns: %FALSE when the new one could not be made; it is tried again at the next start
 */
gboolean
pm_queue_repair (const char *folder, PmQueueRepair *repair, GError **error)
{
  g_autofree char *name = begin (folder, error);
  g_autofree char *shm = g_build_filename (folder, "queue.db-shm", NULL);

  if (name == NULL)
    return FALSE;
  repair->kept_as = g_build_filename (folder, name, NULL);
  if (!move_aside (folder, "queue.db", name, "-wal", error) ||
      !move_aside (folder, "queue.db", name, "", error) ||
      !pm_atomic_file_sync_directory (folder, error))
    return FALSE;
  g_unlink (shm);
  remove_half_done (folder);
  if (!rescue (folder, repair->kept_as, repair, error) || !finish (folder, error))
    return FALSE;
  log_repair (repair);
  return TRUE;
}
