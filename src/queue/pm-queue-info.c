// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the queue says of itself, and messages as files.

#include "queue/pm-queue-private.h"

#include <mntent.h>
#include <string.h>

#include "queue/pm-queue-syncs.h"

/* The mount that a path lies on: of those whose folder it is in, the last of the longest. */
static void
find_mount (const char *path, char **type, char **options)
{
  FILE *table = setmntent ("/proc/self/mounts", "r");
  gsize best = 0;
  struct mntent entry;
  char buffer[8192];

  while (table != NULL && getmntent_r (table, &entry, buffer, sizeof buffer) != NULL)
    {
      gsize length = strlen (entry.mnt_dir);

      if (length < best || strncmp (path, entry.mnt_dir, length) != 0 ||
          (length > 1 && path[length] != '/' && path[length] != '\0'))
        continue;
      best = length;
      g_free (*type);
      g_free (*options);
      *type = g_strdup (entry.mnt_type);
      *options = g_strdup (entry.mnt_opts);
    }
  if (table != NULL)
    endmntent (table);
}

/**
 * pm_queue_get_durability:
 * @durability: (out caller-allocates)
 */
void
pm_queue_get_durability (PmQueue *self, PmQueueDurability *durability)
{
  g_autofree char *path = realpath (self->folder, NULL);

  *durability = (PmQueueDurability){
    .commits = __atomic_load_n (&self->commits, __ATOMIC_RELAXED),
    .syncs = pm_queue_syncs_get (),
    .commit_time = __atomic_load_n (&self->commit_time, __ATOMIC_RELAXED),
    .largest_batch = __atomic_load_n (&self->largest_batch, __ATOMIC_RELAXED),
  };
  find_mount (path != NULL ? path : self->folder, &durability->file_system, &durability->options);
  if (durability->file_system == NULL)
    durability->file_system = g_strdup ("unknown");
  if (durability->options == NULL)
    durability->options = g_strdup ("");
}

void
pm_queue_durability_clear (PmQueueDurability *durability)
{
  g_clear_pointer (&durability->file_system, g_free);
  g_clear_pointer (&durability->options, g_free);
}

/**
 * pm_queue_export:
 *
 * The message as it was accepted, as an `.eml` file has it. A large one is read as the stream is,
 * a piece at a time, and stays readable when it leaves the queue meanwhile.
 *
 * Returns: (transfer full) (nullable): its bytes; %PM_ERROR_NOT_FOUND
 */
GInputStream *
pm_queue_export (PmQueue *self, guint64 id, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (GBytes) bytes = pm_queue_find_body (self, id, &path, error);
  g_autoptr (GFile) file = NULL;

  if (bytes != NULL)
    return g_memory_input_stream_new_from_bytes (bytes);
  if (path == NULL)
    return NULL;
  file = g_file_new_for_path (path);
  return (GInputStream *) g_file_read (file, NULL, error);
}
