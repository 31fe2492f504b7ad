// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Many files made durable at once. What it promises: each file has its own sync and its own error,
// and nothing else on the disk is waited for. Syncs that wait together share a flush of the disk,
// and a commit of the journal where the file system has one; one after the other each has its own;
// and syncfs() waits for whatever anybody else has written.

#include "base/pm-sync-crew.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define HELPERS 7 /* besides the caller */

struct _PmSyncCrew
{
  GThreadPool *helpers; /* (owned) (nullable) */
  GMutex mutex;
  GCond done;
  guint busy; /* helpers at work; under mutex */

  const int *fds;
  int *errors;
  guint n_fds;
  guint next; /* atomic */
};

static void
sync_some (PmSyncCrew *self)
{
  guint which;

  while ((which = __atomic_fetch_add (&self->next, 1, __ATOMIC_RELAXED)) < self->n_fds)
    {
      int result;

      do
        result = fdatasync (self->fds[which]);
      while (result != 0 && errno == EINTR);
      self->errors[which] = result == 0 ? 0 : errno;
    }
}

static void
help_cb (gpointer crew, gpointer data)
{
  PmSyncCrew *self = crew;

  sync_some (self);
  g_mutex_lock (&self->mutex);
  if (--self->busy == 0)
    g_cond_signal (&self->done);
  g_mutex_unlock (&self->mutex);
}

/**
 * pm_sync_crew_new:
 *
 * Returns: (transfer full): a crew; where the system has no threads left, one that works alone
 */
PmSyncCrew *
pm_sync_crew_new (void)
{
  PmSyncCrew *self = g_new0 (PmSyncCrew, 1);
  g_autoptr (GError) error = NULL;

  g_mutex_init (&self->mutex);
  g_cond_init (&self->done);
  // Its own threads, there from now on: a task always finds one.
  self->helpers = g_thread_pool_new (help_cb, self, HELPERS, TRUE, &error);
  if (error != NULL)
    g_thread_pool_free (g_steal_pointer (&self->helpers), TRUE, TRUE);
  return self;
}

/**
 * pm_sync_crew_free:
 * @crew: (transfer full) (nullable): a crew
 */
void
pm_sync_crew_free (PmSyncCrew *crew)
{
  if (crew == NULL)
    return;
  if (crew->helpers != NULL)
    g_thread_pool_free (crew->helpers, FALSE, TRUE);
  g_mutex_clear (&crew->mutex);
  g_cond_clear (&crew->done);
  g_free (crew);
}

/**
 * pm_sync_crew_sync:
 * @fds: (array length=n_fds): open files
 * @errors: (array length=n_fds) (out caller-allocates): the errno of each, 0 where it is on stable
 *   storage
 *
 * Returns when all are done. One caller at a time.
 */
void
pm_sync_crew_sync (PmSyncCrew *crew, const int *fds, int *errors, guint n_fds)
{
  guint helpers = crew->helpers != NULL && n_fds > 0 ? MIN (HELPERS, n_fds - 1) : 0;

  // Only a start of the writing: what it says does not count, the syncs tell.
  if (n_fds > 1)
    for (guint i = 0; i < n_fds; i++)
      (void) !sync_file_range (fds[i], 0, 0, SYNC_FILE_RANGE_WRITE);

  crew->fds = fds;
  crew->errors = errors;
  crew->n_fds = n_fds;
  crew->next = 0;
  crew->busy = helpers;
  for (guint i = 0; i < helpers; i++)
    g_thread_pool_push (crew->helpers, crew, NULL);

  sync_some (crew);
  g_mutex_lock (&crew->mutex);
  while (crew->busy > 0)
    g_cond_wait (&crew->done, &crew->mutex);
  g_mutex_unlock (&crew->mutex);
}
