// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Delivery into Maildirs, many at a time. What it promises: a message lies in new/ whole and on
// stable storage, or not at all, and the queue hears of it only then. The order is the same for one
// and for many: tmp/, sync, new/, sync of new/, replies.

#include "relay/pm-maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/pm-atomic-file.h"
#include "base/pm-sync-crew.h"
#include "relay/pm-maildir-file.h"
#include "relay/pm-maildir-past.h"
#include "relay/pm-maildir-usage.h"

#define MAX_BATCH 200 /* messages, each an open file */
#define KEEP_SCRATCH (1024 * 1024)

typedef struct
{
  PmMaildirDelivery delivery; /* what it points to is owned */
  GMainContext *context;      /* (owned) */
  PmMaildirFunc func;
  gpointer user_data;
  PmMaildirFile file;
  PmSmtpReply *reply; /* (owned) (nullable): until it is settled */
} Item;

struct _PmMaildir
{
  GThread *thread; /* (owned) */
  GMutex mutex;
  GCond cond;
  GQueue waiting; /* (element-type Item) */
  gboolean closing;
  PmMaildirPast *past; /* (owned) */

  /* the thread's own */
  PmMaildirUsage *usage; /* (owned) */
  GByteArray *scratch;   /* (owned) */
  PmSmtpReply *done;     /* (owned): the good one */
  PmSyncCrew *crew;      /* (owned) */
};

static Item *
item_new (const PmMaildirDelivery *delivery, PmMaildirFunc func, gpointer user_data)
{
  Item *item = g_new0 (Item, 1);

  item->delivery = *delivery;
  item->delivery.root = g_strdup (delivery->root);
  item->delivery.mailbox = pm_mail_address_ref (delivery->mailbox);
  item->delivery.sender = g_strdup (delivery->sender);
  item->delivery.recipient = g_strdup (delivery->recipient);
  item->delivery.host = g_strdup (delivery->host);
  item->delivery.body = g_bytes_ref (delivery->body);
  item->context = g_main_context_ref_thread_default ();
  item->func = func;
  item->user_data = user_data;
  item->file.fd = -1;
  return item;
}

static void
item_free (Item *item)
{
  g_free ((char *) item->delivery.root);
  pm_mail_address_unref ((PmMailAddress *) item->delivery.mailbox);
  g_free ((char *) item->delivery.sender);
  g_free ((char *) item->delivery.recipient);
  g_free ((char *) item->delivery.host);
  g_bytes_unref (item->delivery.body);
  g_main_context_unref (item->context);
  g_clear_pointer (&item->reply, pm_smtp_reply_unref);
  g_free (item);
}

/*
 * Over its quota a mailbox defers: the message is in our hands already, its owner may make room
 * before the retries end, and the sender hears of the delay. What can never fit goes back at once.
 */
static PmSmtpReply *
check_quota (PmMaildir *self, Item *item)
{
  guint64 quota = item->delivery.quota;
  gsize size = g_bytes_get_size (item->delivery.body);

  if (quota == 0)
    return NULL;
  if (size > quota)
    return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 552, "5.2.3",
                                     "The message is larger than the mailbox may be, which is "
                                     "%" G_GUINT64_FORMAT " bytes",
                                     quota);
  if (pm_maildir_usage_take (self->usage, item->file.maildir, size, quota))
    return NULL;
  return pm_smtp_reply_new_printf (PM_SMTP_SOURCE_POLICY, 452, "4.2.2",
                                   "The mailbox is full: it may hold %" G_GUINT64_FORMAT " bytes",
                                   quota);
}

/* The crash may have come before the sync of the name: only now it is certain to stay. */
static PmSmtpReply *
confirm (PmMaildir *self, Item *item)
{
  static const char *const names[] = { "new", "cur" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *folder = g_build_filename (item->file.maildir, names[i], NULL);

      if (!pm_atomic_file_sync_directory (folder, NULL))
        return pm_maildir_refusal (errno != 0 ? errno : EIO, "sync", folder);
    }
  return pm_smtp_reply_ref (self->done);
}

static void
write_files (PmMaildir *self, GPtrArray *batch)
{
  for (guint i = 0; i < batch->len; i++)
    {
      Item *item = g_ptr_array_index (batch, i);

      pm_maildir_file_init (&item->file, &item->delivery);
      pm_maildir_usage_clean (self->usage, item->file.maildir);
      if (pm_maildir_past_has (self->past, item->file.maildir, &item->delivery))
        item->reply = confirm (self, item);
      else
        item->reply = check_quota (self, item);
      if (item->reply == NULL)
        item->reply = pm_maildir_file_write (&item->file, &item->delivery, self->scratch);
    }
  if (self->scratch->len > KEEP_SCRATCH)
    g_byte_array_set_size (self->scratch, 0);
}

/* Those of the batch that are still on their way. (transfer full) */
static GPtrArray *
take_good (GPtrArray *batch)
{
  GPtrArray *good = g_ptr_array_new ();

  for (guint i = 0; i < batch->len; i++)
    {
      Item *item = g_ptr_array_index (batch, i);

      if (item->reply == NULL)
        g_ptr_array_add (good, item);
    }
  return good;
}

static void
sync_files (PmMaildir *self, GPtrArray *batch)
{
  g_autoptr (GPtrArray) items = take_good (batch);
  g_autofree int *fds = g_new (int, items->len);
  g_autofree int *errors = g_new0 (int, items->len);

  for (guint i = 0; i < items->len; i++)
    fds[i] = ((const Item *) g_ptr_array_index (items, i))->file.fd;
  pm_sync_crew_sync (self->crew, fds, errors, items->len);
  for (guint i = 0; i < items->len; i++)
    {
      Item *item = g_ptr_array_index (items, i);

      if (errors[i] != 0)
        item->reply = pm_maildir_refusal (errors[i], "sync", item->file.temporary);
    }
}

static void
refuse_folder (GPtrArray *batch, const char *folder, int error_number)
{
  for (guint i = 0; i < batch->len; i++)
    {
      Item *item = g_ptr_array_index (batch, i);

      if (item->reply == NULL && strcmp (item->file.folder, folder) == 0)
        item->reply = pm_maildir_refusal (error_number, "sync", folder);
    }
}

/* Makes the new names durable: each folder once. */
static void
sync_folders (GPtrArray *batch, GHashTable *folders)
{
  GHashTableIter iter;
  gpointer folder;

  g_hash_table_iter_init (&iter, folders);
  while (g_hash_table_iter_next (&iter, &folder, NULL))
    {
      int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

      if (fd < 0 || fsync (fd) != 0)
        refuse_folder (batch, folder, errno);
      if (fd >= 0)
        close (fd);
    }
}

/* Gives those that are durable their names. */
static void
publish_files (GPtrArray *batch)
{
  g_autoptr (GHashTable) folders = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < batch->len; i++)
    {
      Item *item = g_ptr_array_index (batch, i);

      if (item->reply == NULL)
        item->reply = pm_maildir_file_publish (&item->file);
      if (item->reply == NULL)
        g_hash_table_add (folders, item->file.folder);
    }
  sync_folders (batch, folders);
}

static gboolean
call_back_cb (gpointer data)
{
  GPtrArray *items = data;

  for (guint i = 0; i < items->len; i++)
    {
      const Item *item = g_ptr_array_index (items, i);

      item->func (item->reply, item->user_data);
    }
  return G_SOURCE_REMOVE;
}

/* One source for each context, however many messages are its. */
static void
call_back (PmMaildir *self, GPtrArray *batch)
{
  g_autoptr (GHashTable) contexts = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer context;
  gpointer items;

  for (guint i = 0; i < batch->len; i++)
    {
      Item *item = g_ptr_array_index (batch, i);

      if (item->reply == NULL)
        item->reply = pm_smtp_reply_ref (self->done);
      else if (item->reply->source == PM_SMTP_SOURCE_LOCAL) // it was counted and is not there
        pm_maildir_usage_forget (self->usage, item->file.maildir);
      pm_maildir_file_clear (&item->file);
      items = g_hash_table_lookup (contexts, item->context);
      if (items == NULL)
        {
          items = g_ptr_array_new_with_free_func ((GDestroyNotify) item_free);
          g_hash_table_insert (contexts, item->context, items);
        }
      g_ptr_array_add (items, item);
    }
  g_hash_table_iter_init (&iter, contexts);
  while (g_hash_table_iter_next (&iter, &context, &items))
    {
      g_autoptr (GSource) source = g_idle_source_new ();

      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, call_back_cb, items, (GDestroyNotify) g_ptr_array_unref);
      g_source_attach (source, context);
    }
}

static void
deliver_batch (PmMaildir *self, GPtrArray *batch)
{
  write_files (self, batch);
  sync_files (self, batch);
  publish_files (batch);
  call_back (self, batch);
}

/* What waits now, in its order; empty when it is to end. (transfer full) */
static GPtrArray *
take_batch (PmMaildir *self)
{
  GPtrArray *batch = g_ptr_array_new ();

  g_mutex_lock (&self->mutex);
  while (g_queue_is_empty (&self->waiting) && !self->closing)
    g_cond_wait (&self->cond, &self->mutex);
  while (batch->len < MAX_BATCH && !g_queue_is_empty (&self->waiting))
    g_ptr_array_add (batch, g_queue_pop_head (&self->waiting));
  g_mutex_unlock (&self->mutex);
  return batch;
}

static gpointer
write_thread (gpointer data)
{
  PmMaildir *self = data;

  for (;;)
    {
      g_autoptr (GPtrArray) batch = take_batch (self);

      if (batch->len == 0)
        return NULL;
      deliver_batch (self, batch);
    }
}

/**
 * pm_maildir_new:
 *
 * Returns: (transfer full): a writer, its thread running
 */
PmMaildir *
pm_maildir_new (void)
{
  PmMaildir *self = g_new0 (PmMaildir, 1);

  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  g_queue_init (&self->waiting);
  self->usage = pm_maildir_usage_new ();
  self->past = pm_maildir_past_new ();
  self->scratch = g_byte_array_new ();
  self->done = pm_smtp_reply_new (PM_SMTP_SOURCE_LOCAL, 250, "2.0.0", "Delivered to the mailbox");
  self->crew = pm_sync_crew_new ();
  self->thread = g_thread_new ("maildir", write_thread, self);
  return self;
}

/**
 * pm_maildir_free:
 * @maildir: (transfer full) (nullable): a writer; not from inside a callback of its own thread
 */
void
pm_maildir_free (PmMaildir *maildir)
{
  if (maildir == NULL)
    return;

  g_mutex_lock (&maildir->mutex);
  maildir->closing = TRUE;
  g_cond_signal (&maildir->cond);
  g_mutex_unlock (&maildir->mutex);
  g_thread_join (maildir->thread);

  pm_sync_crew_free (maildir->crew);
  pm_maildir_usage_free (maildir->usage);
  pm_maildir_past_free (maildir->past);
  g_byte_array_unref (maildir->scratch);
  pm_smtp_reply_unref (maildir->done);
  g_mutex_clear (&maildir->mutex);
  g_cond_clear (&maildir->cond);
  g_free (maildir);
}

/**
 * pm_maildir_deliver:
 *
 * Any thread, but not two for the same message and mailbox at once. Never blocks on the disk.
 */
void
pm_maildir_deliver (PmMaildir *maildir,
                    const PmMaildirDelivery *delivery,
                    PmMaildirFunc func,
                    gpointer user_data)
{
  Item *item = item_new (delivery, func, user_data);

  g_mutex_lock (&maildir->mutex);
  g_queue_push_tail (&maildir->waiting, item);
  g_cond_signal (&maildir->cond);
  g_mutex_unlock (&maildir->mutex);
}

/**
 * pm_maildir_doubt:
 *
 * The queue could not record what became of a message: what was delivered until now may come again
 * and is to be looked for. Any thread; before the message is tried again.
 */
void
pm_maildir_doubt (PmMaildir *maildir)
{
  pm_maildir_past_doubt (maildir->past);
}
