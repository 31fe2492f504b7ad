// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Delivery into Maildirs, many at a time. What it promises: a message lies in new/ whole and on
// stable storage, or not at all, and the queue hears of it only then. The order is the same for one
// and for many: tmp/, sync, new/, sync of new/, replies.

#include "relay/pm-maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/pm-atomic-file.h"
#include "relay/pm-maildir-file.h"
#include "relay/pm-maildir-past.h"
#include "relay/pm-maildir-usage.h"

#define MAX_BATCH 200    /* messages, each an open file */
#define MIN_FOR_SYNCFS 4 /* below, file by file is quicker */
#define KEEP_SCRATCH (1024 * 1024)
#define ZFS_SUPER_MAGIC 0x2fc12fc1 // not in the kernel's own header

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
  gboolean syncfs_tells; /* whether syncfs() reports what could not be written */
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

/* Linux 5.8: before, syncfs() said nothing of errors (vfs: track per-sb writeback errors). */
static gboolean
is_syncfs_telling (void)
{
  struct utsname name;
  int major = 0;
  int minor = 0;

  return uname (&name) == 0 && sscanf (name.release, "%d.%d", &major, &minor) == 2 &&
         (major > 5 || (major == 5 && minor >= 8));
}

/*
 * Whether syncfs() means stable storage there. On a file system in user space (FUSE) it does not:
 * the kernel writes to the program behind it, and does not tell that to sync.
 */
static gboolean
is_syncfs_durable (int fd)
{
  static const guint64 durable[] = {
    EXT4_SUPER_MAGIC,
    XFS_SUPER_MAGIC,
    BTRFS_SUPER_MAGIC,
    F2FS_SUPER_MAGIC,
    TMPFS_MAGIC,
    OVERLAYFS_SUPER_MAGIC,
    ZFS_SUPER_MAGIC,
  };
  struct statfs info;

  if (fstatfs (fd, &info) != 0)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (durable); i++)
    if ((guint64) info.f_type == durable[i])
      return TRUE;
  return FALSE;
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

/* Those of the batch that are still on their way, on the same file system as the first of them. */
static GPtrArray *
take_device (GPtrArray *batch, GHashTable *seen)
{
  GPtrArray *same = g_ptr_array_new ();
  const Item *first = NULL;

  for (guint i = 0; i < batch->len; i++)
    {
      Item *item = g_ptr_array_index (batch, i);

      if (item->reply != NULL || (first == NULL && g_hash_table_contains (seen, item)) ||
          (first != NULL && first->file.device != item->file.device))
        continue;
      if (first == NULL)
        first = item;
      g_hash_table_add (seen, item);
      g_ptr_array_add (same, item);
    }
  return same;
}

static void
refuse_items (GPtrArray *items, int error_number, const char *doing)
{
  for (guint i = 0; i < items->len; i++)
    {
      Item *item = g_ptr_array_index (items, i);

      if (item->reply == NULL)
        item->reply = pm_maildir_refusal (error_number, doing, item->file.maildir);
    }
}

/*
 * One flush for all of them. An error of syncfs() is that of any file of the file system since the
 * descriptor was opened, which was before the first byte of the batch was written: it may not be
 * one of ours, and then they are delivered later.
 */
static void
sync_device (PmMaildir *self, GPtrArray *items)
{
  const Item *first = g_ptr_array_index (items, 0);

  if (self->syncfs_tells && items->len >= MIN_FOR_SYNCFS && is_syncfs_durable (first->file.fd))
    {
      if (syncfs (first->file.fd) != 0)
        refuse_items (items, errno, "sync messages for");
      return;
    }
  for (guint i = 0; i < items->len; i++)
    {
      Item *item = g_ptr_array_index (items, i);

      if (fdatasync (item->file.fd) != 0)
        item->reply = pm_maildir_refusal (errno, "sync", item->file.temporary);
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

/* The names of one device, whose files are durable. */
static void
publish_device (PmMaildir *self, GPtrArray *items)
{
  g_autoptr (GHashTable) folders = g_hash_table_new (g_str_hash, g_str_equal);
  // Stays open while the files are closed one by one.
  const Item *first = g_ptr_array_index (items, 0);
  int device = fcntl (first->file.fd, F_DUPFD_CLOEXEC, 0);

  for (guint i = 0; i < items->len; i++)
    {
      Item *item = g_ptr_array_index (items, i);

      if (item->reply == NULL)
        item->reply = pm_maildir_file_publish (&item->file);
      if (item->reply == NULL)
        g_hash_table_add (folders, item->file.folder);
    }
  if (self->syncfs_tells && device >= 0 && g_hash_table_size (folders) >= MIN_FOR_SYNCFS &&
      is_syncfs_durable (device))
    {
      if (syncfs (device) != 0)
        refuse_items (items, errno, "sync messages for");
    }
  else
    {
      sync_folders (items, folders);
    }
  if (device >= 0)
    close (device);
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
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  write_files (self, batch);
  for (;;)
    {
      g_autoptr (GPtrArray) items = take_device (batch, seen);

      if (items->len == 0)
        break;
      sync_device (self, items);
      publish_device (self, items);
    }
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
  self->syncfs_tells = is_syncfs_telling ();
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
