// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the queue's file can be told and asked. A change belongs to the caller's transaction, and
// keeps what a message's row says of its recipients (when it is due, how many wait, for whom)
// true, so that no question has to read the recipients of everybody.

#include "queue/pm-queue-store.h"

#include "base/pm-error.h"
#include "queue/pm-queue-sql.h"

/* What a message's row says of it. */
typedef struct
{
  gboolean held;
  gboolean deferred;
  guint agents;
  guint waiting;
} Standing;

static PmQueueState
get_state (const Standing *standing)
{
  if (standing->held)
    return PM_QUEUE_STATE_HELD;
  return standing->deferred ? PM_QUEUE_STATE_DEFERRED : PM_QUEUE_STATE_FRESH;
}

static void
count (PmQueueStore *store, const Standing *standing, int n)
{
  store->delta[get_state (standing)][standing->agents & (PM_QUEUE_N_AGENT_SETS - 1)] += n;
}

static guint
agent_set (PmQueueAgent agent)
{
  return agent == PM_QUEUE_MAILBOX ? 1 : 2;
}

/**
 * pm_queue_store_get_growth:
 *
 * Returns: how many messages the last transaction brought in, less those that it removed
 */
gint64
pm_queue_store_get_growth (const PmQueueStore *store)
{
  gint64 growth = 0;

  for (int state = 0; state < PM_QUEUE_N_STATES; state++)
    for (int agents = 0; agents < PM_QUEUE_N_AGENT_SETS; agents++)
      growth += store->delta[state][agents];
  return growth;
}

/**
 * pm_queue_store_get_free_bytes:
 * @bytes: (out): what is free within the file
 */
gboolean
pm_queue_store_get_free_bytes (PmQueueStore *store, guint64 *bytes)
{
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_FREE_BYTES, NULL, "");

  if (pm_queue_sql_next_row (store, row, NULL) <= 0)
    return FALSE;
  *bytes = (guint64) sqlite3_column_int64 (row, 0);
  pm_queue_sql_finish (row);
  return TRUE;
}

/**
 * pm_queue_store_get_log_pages:
 *
 * Returns: how long the log was after the last commit
 */
guint
pm_queue_store_get_log_pages (const PmQueueStore *store)
{
  return store->log_pages;
}

/* Ends what the connection is doing now, from another thread. */
void
pm_queue_store_interrupt (PmQueueStore *store)
{
  sqlite3_interrupt (store->db);
}

/**
 * pm_queue_store_checkpoint:
 * @left: (out): pages of the log that are not in the file yet
 *
 * Copies the log into the file, as far as nobody reads older pages, and syncs it.
 */
gboolean
pm_queue_store_checkpoint (PmQueueStore *store, guint *left, GError **error)
{
  int logged = 0;
  int copied = 0;
  int result = sqlite3_wal_checkpoint_v2 (store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &logged,
                                          &copied);

  *left = logged > copied ? (guint) (logged - copied) : 0;
  if (result == SQLITE_OK || result == SQLITE_BUSY)
    return TRUE;
  return pm_queue_sql_fail (store, "write back the log of", error);
}

/**
 * pm_queue_store_check:
 *
 * Returns: whether the file is sound, by SQLite's own quick check. Reads everything: at a
 *   million messages for minutes; pm_queue_store_interrupt() ends it
 */
gboolean
pm_queue_store_check (PmQueueStore *store, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean ok = FALSE;

  if (sqlite3_prepare_v2 (store->db, "PRAGMA quick_check (1)", -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_step (statement) != SQLITE_ROW)
    pm_queue_sql_fail (store, "check", error);
  else if (g_strcmp0 ((const char *) sqlite3_column_text (statement, 0), "ok") != 0)
    g_set_error (error, PM_QUEUE_TROUBLE, PM_QUEUE_TROUBLE_DAMAGED, "The queue is damaged: %s",
                 (const char *) sqlite3_column_text (statement, 0));
  else
    ok = TRUE;
  sqlite3_finalize (statement);
  return ok;
}

static gboolean
insert_recipient (PmQueueStore *store,
                  guint64 message,
                  guint number,
                  const PmQueueRecipient *recipient,
                  GError **error)
{
  return pm_queue_sql_run (
      store,
      pm_queue_sql_bind (store, PM_QUEUE_SQL_INSERT_RECIPIENT, error, "iissisiisiss",
                         (gint64) message, (gint64) number, recipient->address,
                         recipient->original, (gint64) recipient->agent, recipient->destination,
                         (gint64) recipient->attempts, recipient->next_try, recipient->reply,
                         (gint64) recipient->notify, recipient->orcpt, recipient->redirect),
      error);
}

static Standing
get_standing (const PmQueueMessage *message)
{
  Standing standing = { .held = message->held, .waiting = message->recipients->len };

  for (guint i = 0; i < message->recipients->len; i++)
    {
      const PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, i);

      standing.agents |= agent_set (recipient->agent);
      if (recipient->attempts > 0)
        standing.deferred = TRUE;
    }
  return standing;
}

static gboolean
insert_row (PmQueueStore *store,
            const PmQueueMessage *message,
            const Standing *standing,
            guint64 size,
            const char *file,
            GError **error)
{
  return pm_queue_sql_run (
      store,
      pm_queue_sql_bind (store, PM_QUEUE_SQL_INSERT_MESSAGE, error, "issiiiiisiiiiisisiiii",
                         (gint64) message->id, message->sender, message->client,
                         (gint64) message->eight_bit, (gint64) size, message->received,
                         (gint64) message->notified, pm_queue_message_next_try (message), file,
                         (gint64) message->utf8, (gint64) message->require_tls,
                         (gint64) message->tls_optional, (gint64) message->priority,
                         (gint64) message->ret, message->envid, (gint64) message->held,
                         message->user, (gint64) standing->deferred, (gint64) standing->agents,
                         (gint64) standing->waiting,
                         (gint64) pm_queue_message_get_lane (message)),
      error);
}

/**
 * pm_queue_store_insert_with:
 * @file: (nullable): the name of the body's file, or
 * @bytes: (nullable): the body
 *
 * Recipients without a number get one, from 1 on.
 */
gboolean
pm_queue_store_insert_with (PmQueueStore *store,
                            const PmQueueMessage *message,
                            guint64 size,
                            const char *file,
                            GByteArray *bytes,
                            GError **error)
{
  Standing standing = get_standing (message);

  if (!insert_row (store, message, &standing, size, file, error))
    return FALSE;
  if (file == NULL &&
      !pm_queue_sql_run (store,
                         pm_queue_sql_bind (store, PM_QUEUE_SQL_INSERT_BODY, error, "ib",
                                            (gint64) message->id, bytes),
                         error))
    return FALSE;

  for (guint i = 0; i < message->recipients->len; i++)
    {
      PmQueueRecipient *recipient = g_ptr_array_index (message->recipients, i);

      if (recipient->id == 0)
        recipient->id = i + 1;
      if (!insert_recipient (store, message->id, (guint) recipient->id, recipient, error))
        return FALSE;
    }
  count (store, &standing, 1);
  return TRUE;
}

/**
 * pm_queue_store_insert:
 * @message: with its body; a body in a file must have been synced, and its name as well
 */
gboolean
pm_queue_store_insert (PmQueueStore *store, const PmQueueMessage *message, GError **error)
{
  return pm_queue_store_insert_with (store, message, pm_queue_body_get_size (message->body),
                                     pm_queue_body_get_file_name (message->body),
                                     pm_queue_body_peek (message->body), error);
}

/* 1 when there is such a message, 0 when not, -1 after an error */
static int
read_standing (PmQueueStore *store,
               guint64 message,
               Standing *standing,
               char **file,
               GError **error)
{
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_STATE, error, "i", (gint64) message);
  int result = pm_queue_sql_next_row (store, row, error);

  if (result <= 0)
    return result;
  if (sqlite3_column_type (row, 0) != SQLITE_NULL)
    *file = pm_queue_sql_dup_text (row, 0);
  standing->held = sqlite3_column_int (row, 1) != 0;
  standing->deferred = sqlite3_column_int (row, 2) != 0;
  standing->agents = (guint) sqlite3_column_int (row, 3);
  standing->waiting = (guint) sqlite3_column_int (row, 4);
  pm_queue_sql_finish (row);
  return 1;
}

/* Its recipients are gone already, or go now. */
static gboolean
remove_message (PmQueueStore *store,
                guint64 message,
                const Standing *standing,
                char **file,
                GPtrArray *gone_files,
                GError **error)
{
  gboolean has_file = *file != NULL;

  if (has_file)
    g_ptr_array_add (gone_files, g_steal_pointer (file));
  count (store, standing, -1);
  return pm_queue_sql_run (store,
                           pm_queue_sql_bind (store, PM_QUEUE_SQL_DELETE_MESSAGE, error, "i",
                                              (gint64) message),
                           error) &&
         (has_file || pm_queue_sql_run (store,
                                        pm_queue_sql_bind (store, PM_QUEUE_SQL_DELETE_BODY, error,
                                                           "i", (gint64) message),
                                        error));
}

/**
 * pm_queue_store_delete:
 * @gone_files: (element-type utf8): gets the name of the body's file, to remove after the commit
 * @existed: (out): whether there was such a message
 */
gboolean
pm_queue_store_delete (PmQueueStore *store,
                       guint64 message,
                       GPtrArray *gone_files,
                       gboolean *existed,
                       GError **error)
{
  g_autofree char *file = NULL;
  Standing standing;
  int found = read_standing (store, message, &standing, &file, error);

  *existed = found > 0;
  if (found <= 0)
    return found == 0;
  return remove_message (store, message, &standing, &file, gone_files, error) &&
         pm_queue_sql_run (store,
                           pm_queue_sql_bind (store, PM_QUEUE_SQL_DELETE_RECIPIENTS, error, "i",
                                              (gint64) message),
                           error);
}

/* *done grows by one where a recipient has left. */
static gboolean
record_outcome (PmQueueStore *store,
                guint64 message,
                const PmQueueOutcome *outcome,
                guint *done,
                GError **error)
{
  if (outcome->kind == PM_OUTCOME_DONE)
    {
      if (!pm_queue_sql_run (store,
                             pm_queue_sql_bind (store, PM_QUEUE_SQL_DELETE_RECIPIENT, error, "ii",
                                                (gint64) message, outcome->recipient),
                             error))
        return FALSE;
      *done += (guint) sqlite3_changes (store->db);
      return TRUE;
    }
  return pm_queue_sql_run (store,
                           pm_queue_sql_bind (store, PM_QUEUE_SQL_DEFER_RECIPIENT, error,
                                              "isisii", (gint64) outcome->agent,
                                              outcome->destination, outcome->next_try,
                                              outcome->reply, (gint64) message,
                                              outcome->recipient),
                           error);
}

/* Writes into the message's row what its recipients add up to. */
static gboolean
settle (PmQueueStore *store,
        guint64 message,
        const Standing *before,
        Standing *after,
        gint64 *next_try,
        GError **error)
{
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_SUM_RECIPIENTS, error, "i",
                                         (gint64) message);
  guint32 lane = 0;
  int result;

  after->agents = 0;
  after->waiting = 0;
  *next_try = G_MAXINT64;
  while ((result = pm_queue_sql_next_row (store, row, error)) > 0)
    {
      const char *redirect = (const char *) sqlite3_column_text (row, 3);

      if (after->waiting++ == 0)
        lane = pm_queue_lane_of (redirect != NULL && *redirect != '\0'
                                     ? redirect
                                     : (const char *) sqlite3_column_text (row, 1));
      after->agents |= agent_set ((PmQueueAgent) sqlite3_column_int (row, 0));
      *next_try = MIN (*next_try, sqlite3_column_int64 (row, 2));
    }
  if (result < 0)
    return FALSE;
  if (after->held)
    *next_try = PM_QUEUE_HELD_TIME;
  count (store, before, -1);
  count (store, after, 1);
  return pm_queue_sql_run (store,
                           pm_queue_sql_bind (store, PM_QUEUE_SQL_SETTLE, error, "iiiiiii",
                                              (gint64) message, *next_try, (gint64) after->held,
                                              (gint64) after->deferred, (gint64) after->agents,
                                              (gint64) after->waiting, (gint64) lane),
                           error);
}

/**
 * pm_queue_store_update:
 * @next_try: (out): when the message is due next; %PM_QUEUE_HELD_TIME when it is held meanwhile,
 *   %G_MAXINT64 when nothing waits and it is gone
 * @gone_files: (element-type utf8): gets the names of files to remove after the commit
 * @existed: (out): whether there was such a message
 *
 * Of a message that was removed meanwhile nothing is recorded, and nobody gets a report on it: who
 * removed it has decided about that.
 */
gboolean
pm_queue_store_update (PmQueueStore *store,
                       const PmQueueUpdate *update,
                       gint64 *next_try,
                       GPtrArray *gone_files,
                       gboolean *existed,
                       GError **error)
{
  g_autofree char *file = NULL;
  Standing before;
  Standing after;
  guint done = 0;
  int found = read_standing (store, update->message, &before, &file, error);

  *next_try = G_MAXINT64;
  *existed = found > 0;
  if (found <= 0)
    return found == 0;

  after = before;
  for (guint i = 0; i < update->outcomes->len; i++)
    {
      const PmQueueOutcome *outcome = g_ptr_array_index (update->outcomes, i);

      if (!record_outcome (store, update->message, outcome, &done, error))
        return FALSE;
      after.deferred |= outcome->kind != PM_OUTCOME_DONE;
    }
  for (guint i = 0; i < update->follow_ups->len; i++)
    if (!pm_queue_store_insert (store, g_ptr_array_index (update->follow_ups, i), error))
      return FALSE;
  if (done >= before.waiting)
    return remove_message (store, update->message, &before, &file, gone_files, error);

  if (update->notified &&
      !pm_queue_sql_run (store,
                         pm_queue_sql_bind (store, PM_QUEUE_SQL_SET_NOTIFIED, error, "i",
                                            (gint64) update->message),
                         error))
    return FALSE;
  return settle (store, update->message, &before, &after, next_try, error);
}

static gboolean
apply_verb (PmQueueStore *store,
            const PmQueueChange *change,
            guint64 message,
            gint64 now,
            Standing *standing,
            GError **error)
{
  switch (change->verb)
    {
    case PM_QUEUE_HOLD:
    case PM_QUEUE_RELEASE:
      standing->held = change->verb == PM_QUEUE_HOLD;
      return TRUE;
    case PM_QUEUE_RETRY:
      return pm_queue_sql_run (store,
                               pm_queue_sql_bind (store, PM_QUEUE_SQL_RETRY_RECIPIENTS, error,
                                                  "ii", (gint64) message, now),
                               error);
    case PM_QUEUE_REDIRECT:
      return pm_queue_sql_run (store,
                               pm_queue_sql_bind (store, PM_QUEUE_SQL_REDIRECT, error, "isi",
                                                  (gint64) message,
                                                  change->redirect != NULL ? change->redirect : "",
                                                  now),
                               error);
    case PM_QUEUE_SET_PRIORITY:
      return pm_queue_sql_run (store,
                               pm_queue_sql_bind (store, PM_QUEUE_SQL_SET_PRIORITY, error, "ii",
                                                  (gint64) message, (gint64) change->priority),
                               error);
    case PM_QUEUE_DELETE:
    default:
      g_assert_not_reached ();
    }
}

/**
 * pm_queue_store_change:
 * @now: what is retried or redirected is due now, where it was due later
 * @existed: (out): whether there was such a message; of hold and release, one that was not held, or
 *   was
 */
gboolean
pm_queue_store_change (PmQueueStore *store,
                       const PmQueueChange *change,
                       guint64 message,
                       gint64 now,
                       GPtrArray *gone_files,
                       gboolean *existed,
                       GError **error)
{
  g_autofree char *file = NULL;
  Standing before;
  Standing after;
  gint64 next_try;
  int found;

  if (change->verb == PM_QUEUE_DELETE)
    return pm_queue_store_delete (store, message, gone_files, existed, error);
  found = read_standing (store, message, &before, &file, error);
  *existed = found > 0 && !(change->verb == PM_QUEUE_HOLD && before.held) &&
             !(change->verb == PM_QUEUE_RELEASE && !before.held);
  if (!*existed)
    return found >= 0;

  after = before;
  return apply_verb (store, change, message, now, &after, error) &&
         settle (store, message, &before, &after, &next_try, error);
}

static gboolean
read_number (PmQueueStore *store, sqlite3_stmt *statement, guint64 *number, GError **error)
{
  if (pm_queue_sql_next_row (store, statement, error) != 1)
    return FALSE;
  *number = (guint64) sqlite3_column_int64 (statement, 0);
  pm_queue_sql_finish (statement);
  return TRUE;
}

gboolean
pm_queue_store_last_id (PmQueueStore *store, guint64 *id, GError **error)
{
  return read_number (store, pm_queue_sql_bind (store, PM_QUEUE_SQL_LAST_ID, error, ""), id,
                      error);
}

/**
 * pm_queue_store_get_counts:
 * @counts: (out): messages by state and by set of agents; costs the same however many there are
 */
gboolean
pm_queue_store_get_counts (PmQueueStore *store, PmQueueCounts counts, GError **error)
{
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_COUNTS, error, "");
  int result;

  memset (counts, 0, sizeof (PmQueueCounts));
  while ((result = pm_queue_sql_next_row (store, row, error)) > 0)
    {
      int state = sqlite3_column_int (row, 0);
      int agents = sqlite3_column_int (row, 1);

      if (state >= 0 && state < PM_QUEUE_N_STATES && agents >= 0 && agents < PM_QUEUE_N_AGENT_SETS)
        counts[state][agents] = (guint64) MAX (sqlite3_column_int64 (row, 2), 0);
    }
  return result == 0;
}

static gboolean
load_recipients (PmQueueStore *store, PmQueueMessage *message, GError **error)
{
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_LOAD_RECIPIENTS, error, "i",
                                         (gint64) message->id);
  int result;

  while ((result = pm_queue_sql_next_row (store, row, error)) > 0)
    {
      PmQueueRecipient *recipient = g_new0 (PmQueueRecipient, 1);

      recipient->id = sqlite3_column_int64 (row, 0);
      recipient->address = pm_queue_sql_dup_text (row, 1);
      recipient->original = pm_queue_sql_dup_text (row, 2);
      recipient->agent = (PmQueueAgent) sqlite3_column_int (row, 3);
      recipient->destination = pm_queue_sql_dup_text (row, 4);
      recipient->attempts = (guint) sqlite3_column_int (row, 5);
      recipient->next_try = sqlite3_column_int64 (row, 6);
      recipient->reply = pm_queue_sql_dup_text (row, 7);
      recipient->notify = (PmDsnNotify) sqlite3_column_int (row, 8);
      recipient->orcpt = pm_queue_sql_dup_text (row, 9);
      recipient->redirect = pm_queue_sql_dup_text (row, 10);
      g_ptr_array_add (message->recipients, recipient);
    }
  return result == 0;
}

/**
 * pm_queue_store_load:
 *
 * Returns: (transfer full) (nullable): the message without its body; %PM_ERROR_NOT_FOUND when it is
 *   not in the queue (any more)
 */
PmQueueMessage *
pm_queue_store_load (PmQueueStore *store, guint64 id, GError **error)
{
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_LOAD_MESSAGE, error, "i", (gint64) id);
  g_autoptr (PmQueueMessage) message = NULL;
  int result = pm_queue_sql_next_row (store, row, error);

  if (result == 0)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                 "There is no message %" G_GUINT64_FORMAT " in the queue", id);
  if (result <= 0)
    return NULL;

  message = pm_queue_message_new (id, (const char *) sqlite3_column_text (row, 0));
  g_free (message->client);
  message->client = pm_queue_sql_dup_text (row, 1);
  message->eight_bit = sqlite3_column_int (row, 2) != 0;
  message->size = (guint64) sqlite3_column_int64 (row, 3);
  message->received = sqlite3_column_int64 (row, 4);
  message->notified = sqlite3_column_int (row, 5) != 0;
  message->utf8 = sqlite3_column_int (row, 6) != 0;
  message->require_tls = sqlite3_column_int (row, 7) != 0;
  message->tls_optional = sqlite3_column_int (row, 8) != 0;
  message->priority = sqlite3_column_int (row, 9);
  message->ret = (PmDsnRet) sqlite3_column_int (row, 10);
  g_free (message->envid);
  message->envid = pm_queue_sql_dup_text (row, 11);
  message->held = sqlite3_column_int (row, 12) != 0;
  g_free (message->user);
  message->user = pm_queue_sql_dup_text (row, 13);
  pm_queue_sql_finish (row);

  if (!load_recipients (store, message, error))
    return NULL;
  return g_steal_pointer (&message);
}

/**
 * pm_queue_store_read_body:
 * @file_name: (out): the name of its file, where it has one; nothing is returned then
 *
 * Returns: (transfer full) (nullable): the body, where it stands in the database
 */
GBytes *
pm_queue_store_read_body (PmQueueStore *store, guint64 id, char **file_name, GError **error)
{
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_LOAD_BODY, error, "i", (gint64) id);
  GBytes *bytes = NULL;
  int result = pm_queue_sql_next_row (store, row, error);

  if (result == 0)
    g_set_error (error, PM_ERROR, PM_ERROR_NOT_FOUND,
                 "There is no message %" G_GUINT64_FORMAT " in the queue", id);
  if (result <= 0)
    return NULL;

  if (sqlite3_column_type (row, 0) != SQLITE_NULL)
    *file_name = pm_queue_sql_dup_text (row, 0);
  else
    {
      const void *blob = sqlite3_column_blob (row, 1);

      bytes = g_bytes_new (blob, (gsize) sqlite3_column_bytes (row, 1));
    }
  pm_queue_sql_finish (row);
  return bytes;
}

/**
 * pm_queue_store_read_bare_body:
 *
 * Returns: (transfer full) (nullable): the body, also where nothing else is left of the message
 */
GBytes *
pm_queue_store_read_bare_body (PmQueueStore *store, guint64 id)
{
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_LOAD_BARE_BODY, NULL, "i",
                                         (gint64) id);
  GBytes *bytes;

  if (pm_queue_sql_next_row (store, row, NULL) <= 0)
    return NULL;
  bytes = g_bytes_new (sqlite3_column_blob (row, 0), (gsize) sqlite3_column_bytes (row, 0));
  pm_queue_sql_finish (row);
  return bytes;
}

/**
 * pm_queue_store_due:
 * @after: only what is due after this time …
 * @after_id: … or at it, with a larger id
 *
 * Returns: (transfer full) (element-type PmDue) (nullable): what is due first, in that order
 */
GArray *
pm_queue_store_due (PmQueueStore *store,
                    gint64 after,
                    guint64 after_id,
                    guint limit,
                    GError **error)
{
  g_autoptr (GArray) due = g_array_new (FALSE, FALSE, sizeof (PmDue));
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_DUE, error, "iii", after,
                                         (gint64) after_id, (gint64) limit);
  int result;

  while ((result = pm_queue_sql_next_row (store, row, error)) > 0)
    {
      PmDue item = { .time = sqlite3_column_int64 (row, 0),
                     .message = (guint64) sqlite3_column_int64 (row, 1),
                     .rank = (guint8) pm_queue_priority_rank (sqlite3_column_int (row, 2)),
                     .lane = (guint32) sqlite3_column_int64 (row, 3) };

      g_array_append_val (due, item);
    }
  return result == 0 ? g_steal_pointer (&due) : NULL;
}

/**
 * pm_queue_store_has_body_file:
 * @has: (out): whether a message's body is in the file @name
 */
gboolean
pm_queue_store_has_body_file (PmQueueStore *store, const char *name, gboolean *has, GError **error)
{
  sqlite3_stmt *row = pm_queue_sql_bind (store, PM_QUEUE_SQL_HAS_BODY_FILE, error, "s", name);
  int result = pm_queue_sql_next_row (store, row, error);

  if (result > 0)
    pm_queue_sql_finish (row);
  *has = result > 0;
  return result >= 0;
}
