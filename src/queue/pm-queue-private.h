// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-sync-crew.h"
#include "queue/pm-disk-reserve.h"
#include "queue/pm-queue-cache.h"
#include "queue/pm-queue-store.h"
#include "queue/pm-queue.h"

G_BEGIN_DECLS

/* Internal to pm-queue*.c. */

typedef enum
{
  PM_QUEUE_OPERATION_ENQUEUE,
  PM_QUEUE_OPERATION_UPDATE,
  PM_QUEUE_OPERATION_CHANGE,
} PmQueueOperationKind;

/* A change on its way through the writer: task data of the task that reports it. */
typedef struct
{
  PmQueueOperationKind kind;
  PmQueueMessage *message; /* (owned) (nullable): enqueue */
  PmQueueUpdate *update;   /* (owned) (nullable): update */
  gint64 next_try;         /* update's answer */
  gboolean existed;        /* update: there was such a message */

  PmQueueChange change;
  char *redirect;          /* (owned) (nullable): of change */
  GArray *ids;             /* (owned) (nullable) (element-type guint64): which, or … */
  PmQueueFilter *filter;   /* (owned) (nullable): … those that fit */
  PmQueueRange range;      /* what of the filter is not committed yet */
  guint next_id;           /* the same of ids */
  PmQueueRange range_then; /* the same once the page at hand is committed */
  guint next_id_then;
  gboolean more; /* there is another page */
  guint page;    /* how many the page at hand concerned */
  guint count;   /* how many all those committed concerned */
  PmQueueProgressFunc progress;
  gpointer progress_data;
} PmQueueOperation;

/*
 * What the keeper is asked to do; of several, the first in this order. A file that may be damaged
 * is checked before it is asked which bodies nobody needs.
 */
typedef enum
{
  PM_QUEUE_CHORE_LEAVE = 1 << 0,
  PM_QUEUE_CHORE_CHECKPOINT = 1 << 1,
  PM_QUEUE_CHORE_CHECK = 1 << 2,
  PM_QUEUE_CHORE_SWEEP = 1 << 3,
} PmQueueChore;

struct _PmQueue
{
  GObject parent_instance;

  PmClock *clock;      /* (owned) */
  char *folder;        /* (owned) */
  char *path;          /* (owned) */
  char *body_folder;   /* (owned) */
  PmQueueCache *cache; /* (owned) */
  PmSyncCrew *crew;    /* (owned): of the writer */

  GThread *thread;
  GAsyncQueue *waiting; /* (element-type GTask); the queue itself means: leave */
  PmQueueStore *writer; /* (owned) (nullable): of the writer thread; NULL while it is broken */
  gboolean closing;     /* atomic */
  gboolean damaged;     /* atomic: the writer is to repair the file */

  GThread *keeper;
  GMutex keeper_lock; /* guards the next three */
  GCond keeper_wakes;
  guint chores;           /* of PmQueueChore */
  PmQueueStore *checker;  /* (nullable): what checks the file now */
  gboolean checkpointing; /* atomic: the keeper is at it, or will be */
  gboolean caught_up;     /* of the writer: the keeper has had its turn at the log */

  PmDiskWatch *watch;    /* (owned) */
  PmDiskReserve reserve; /* of the writer */
  gint64 reserve_tried;  /* when, monotonic */
  gboolean roomy;        /* there is room enough within the file */
  guint log_limit;       /* pages of the log, from which on it is copied into the file */

  guint64 last_id;       /* atomic, as all of these */
  guint64 commits;       /* transactions */
  guint64 size;          /* messages, as last committed */
  guint64 commit_time;   /* microseconds that the last commit took */
  guint64 largest_batch; /* operations in one transaction */

  GRWLock file_lock; /* whoever repairs the file has it alone; everybody else reads */
  GMutex readers_lock;
  GPtrArray *readers;  /* (element-type PmQueueStore): idle ones */
  guint readers_epoch; /* readers taken before it changed see another file */
};

PmQueueStore *pm_queue_take_reader (PmQueue *self, guint *epoch, GError **error);
void pm_queue_give_reader (PmQueue *self, PmQueueStore *reader, guint epoch);
void pm_queue_drop_readers (PmQueue *self);

GBytes *pm_queue_find_body (PmQueue *self, guint64 id, char **path, GError **error);

gboolean pm_queue_writer_open (PmQueue *self, GError **error);
void pm_queue_writer_repair (PmQueue *self);
void pm_queue_writer_start (PmQueue *self);
void pm_queue_writer_stop (PmQueue *self);
void pm_queue_writer_submit (PmQueue *self,
                             PmQueueOperation *operation,
                             GCancellable *cancellable,
                             gpointer tag,
                             GAsyncReadyCallback callback,
                             gpointer data);

void pm_queue_keeper_start (PmQueue *self);
void pm_queue_keeper_stop (PmQueue *self);
void pm_queue_keeper_interrupt (PmQueue *self);
void pm_queue_keeper_ask (PmQueue *self, PmQueueChore chore);

G_END_DECLS
