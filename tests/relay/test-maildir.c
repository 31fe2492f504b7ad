// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-maildir.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utime.h>

/*
 * The calls that make things durable, taken over so that each can fail and their order is seen: the
 * program's own come before the C library's.
 */
static struct
{
  gint syncs;        /* of files */
  gint folder_syncs; /* of folders */
  gint renames;
  gint fail_sync; /* errno, and below */
  gint fail_folder;
  gint fail_rename;
  gint early_renames; /* before any sync */
  GMutex gate;        /* held: a sync waits */
} disk;

int
fdatasync (int fd)
{
  g_mutex_lock (&disk.gate);
  g_mutex_unlock (&disk.gate);
  g_atomic_int_inc (&disk.syncs);
  errno = g_atomic_int_get (&disk.fail_sync);
  return errno != 0 ? -1 : (int) syscall (SYS_fdatasync, fd);
}

int
fsync (int fd)
{
  g_atomic_int_inc (&disk.folder_syncs);
  errno = g_atomic_int_get (&disk.fail_folder);
  return errno != 0 ? -1 : (int) syscall (SYS_fsync, fd);
}

int
renameat2 (int old_at, const char *old, int new_at, const char *new, unsigned int flags)
{
  g_atomic_int_inc (&disk.renames);
  if (g_atomic_int_get (&disk.syncs) == 0)
    g_atomic_int_inc (&disk.early_renames);
  errno = g_atomic_int_get (&disk.fail_rename);
  return errno != 0 ? -1 : (int) syscall (SYS_renameat2, old_at, old, new_at, new, flags);
}

typedef struct
{
  char *root;
  PmMaildir *maildir;
  GMainContext *context; /* the replies come here */
  guint outstanding;
  guint64 quota;
  PmSmtpReply *reply; /* (nullable): the last */
  guint n_good;
} Fixture;

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  g_chmod (path, 0700);
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->root = g_dir_make_tmp ("pm-maildir-XXXXXX", NULL);
  f->maildir = pm_maildir_new ();
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
  disk.syncs = disk.folder_syncs = disk.renames = disk.early_renames = 0;
  disk.fail_sync = disk.fail_folder = disk.fail_rename = 0;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  pm_maildir_free (f->maildir);
  g_main_context_pop_thread_default (f->context);
  g_main_context_unref (f->context);
  g_clear_pointer (&f->reply, pm_smtp_reply_unref);
  remove_tree (f->root);
  g_free (f->root);
}

static void
done_cb (const PmSmtpReply *reply, gpointer data)
{
  Fixture *f = data;

  g_assert_true (g_main_context_is_owner (f->context));
  g_assert_cmpuint (f->outstanding--, >, 0);
  g_clear_pointer (&f->reply, pm_smtp_reply_unref);
  f->reply = pm_smtp_reply_ref (reply);
  f->n_good += pm_smtp_reply_is_positive (reply);
}

static void
start_from (Fixture *f, const PmMailAddress *mailbox, guint64 id, const char *host, GBytes *body)
{
  PmMaildirDelivery delivery = {
    .root = f->root,
    .mailbox = mailbox,
    .sender = "s@example.net",
    .recipient = "r@example.com",
    .host = host,
    .message = id,
    .received = 1700000000 * (gint64) G_USEC_PER_SEC,
    .quota = f->quota,
    .body = body,
  };

  f->outstanding++;
  pm_maildir_deliver (f->maildir, &delivery, done_cb, f);
}

static void
start (Fixture *f, const PmMailAddress *mailbox, guint64 id, const char *text)
{
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));

  start_from (f, mailbox, id, "mail/1.example.com", body);
}

static void
await (Fixture *f)
{
  while (f->outstanding > 0)
    g_main_context_iteration (f->context, TRUE);
}

/* Its reply as text. */
static char *
deliver (Fixture *f, const PmMailAddress *mailbox, guint64 id, const char *text)
{
  start (f, mailbox, id, text);
  await (f);
  return pm_smtp_reply_to_string (f->reply);
}

#define assert_delivered(f, mailbox, id, text)                        \
  G_STMT_START                                                        \
  {                                                                   \
    g_autofree char *said = deliver (f, mailbox, id, text);           \
    g_assert_cmpstr (said, ==, "250 2.0.0 Delivered to the mailbox"); \
  }                                                                   \
  G_STMT_END
#define assert_refused(f, mailbox, id, text, begin)         \
  G_STMT_START                                              \
  {                                                         \
    g_autofree char *said = deliver (f, mailbox, id, text); \
    g_test_message ("%s", said);                            \
    g_assert_true (g_str_has_prefix (said, begin));         \
  }                                                         \
  G_STMT_END

/* What lies in one of a mailbox's three folders; the last one's contents. */
static guint
count (const char *maildir, const char *folder, char **contents)
{
  g_autofree char *path = g_build_filename (maildir, folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      g_assert_null (strchr (name, ':'));
      if (contents != NULL)
        g_assert_true (g_file_get_contents (file, contents, NULL, NULL));
      n++;
    }
  return n;
}

static void
test_deliver (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("Anna@Example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);
  g_autofree char *expected = g_build_filename (f->root, "example.com", "anna", NULL);
  g_autofree char *contents = NULL;
  struct stat info;

  g_assert_cmpstr (path, ==, expected);
  assert_delivered (f, mailbox, 7, "Subject: x\r\n\r\na\rb\r\n.\r\nend");
  g_assert_cmpuint (count (path, "new", &contents), ==, 1);
  g_assert_cmpuint (count (path, "tmp", NULL), ==, 0);
  g_assert_cmpuint (count (path, "cur", NULL), ==, 0);
  g_assert_cmpstr (contents, ==,
                   "Return-Path: <s@example.net>\nDelivered-To: r@example.com\n"
                   "Subject: x\n\na\rb\n.\nend");
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0077, ==, 0);
}

/* The same message again, after a crash before its delivery was recorded, is there once. */
static void
test_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);

  assert_delivered (f, mailbox, 7, "Subject: x\r\n\r\n");
  assert_delivered (f, mailbox, 7, "Subject: x\r\n\r\n");
  g_assert_cmpuint (count (path, "new", NULL), ==, 1);
  assert_delivered (f, mailbox, 8, "Subject: y\r\n\r\n");
  g_assert_cmpuint (count (path, "new", NULL), ==, 2);
  g_assert_cmpuint (count (path, "tmp", NULL), ==, 0);
}

/* Read meanwhile, it lies in cur/ with its flags; it is found there, after a start or in doubt. */
static void
test_twice_after_reading (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);
  g_autofree char *old = NULL;
  g_autofree char *read = NULL;

  assert_delivered (f, mailbox, 7, "Subject: x\r\n\r\n");
  old = g_build_filename (path, "new", "1700000000.Q7.mail%2F1.example.com,S=69", NULL);
  read = g_build_filename (path, "cur", "1700000000.Q7.mail%2F1.example.com,S=69:2,S", NULL);
  g_assert_cmpint (g_rename (old, read), ==, 0);
  pm_maildir_doubt (f->maildir);
  disk.folder_syncs = 0;
  assert_delivered (f, mailbox, 7, "Subject: x\r\n\r\n");
  g_assert_cmpuint (disk.folder_syncs, >=, 1);
  g_assert_cmpuint (count (path, "new", NULL), ==, 0);

  pm_maildir_free (f->maildir);
  f->maildir = pm_maildir_new ();
  assert_delivered (f, mailbox, 7, "Subject: x\r\n\r\n");
  g_assert_cmpuint (count (path, "new", NULL), ==, 0);
  assert_delivered (f, mailbox, 77, "Subject: x\r\n\r\n");
  g_assert_cmpuint (count (path, "new", NULL), ==, 1);
}

/* The longest name that a host can have still makes a file name. */
static void
test_long_host (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *label = g_strnfill (60, 'h');
  g_autofree char *host = g_strdup_printf ("%s.%s.%s.%s", label, label, label, label);
  g_autoptr (GBytes) body = g_bytes_new_static ("x\r\n", 3);

  start_from (f, mailbox, 1700000000123456, host, body);
  await (f);
  g_assert_cmpuint (f->reply->code, ==, 250);
}

/* What no parser would let through. Returns its path. */
static char *
replace_local (PmMailAddress *mailbox, const char *local, const char *root)
{
  g_free (mailbox->local);
  mailbox->local = g_strdup (local);
  return pm_maildir_path (root, mailbox);
}

static void
test_hostile_names (Fixture *f, gconstpointer data)
{
  static const char *const locals[] = {
    ".",
    "..",
    "../up",
    "../../etc/passwd",
    "/",
    "/etc",
    "a/b",
    ".hidden",
    "a..b",
    "%2E%2E",
    "%",
    "a b",
    "a\\b",
    "~root",
    "-rf",
    "a:2,S",
    "a\nb",
    "\xc3\xa4",
    "*",
    "new",
    "tmp",
    "0123456789012345678901234567890123456789012345678901234567890123",
    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
  };
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *parent = g_build_filename (f->root, "example.com", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (locals); i++)
    {
      g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("x@example.com", NULL);
      char *path = replace_local (mailbox, locals[i], f->root);
      g_autofree char *canonical = g_canonicalize_filename (path, NULL);
      g_autofree char *folder = g_path_get_dirname (canonical);
      g_autofree char *name = g_path_get_basename (canonical);

      g_test_message ("%s -> %s", locals[i], name);
      g_assert_cmpstr (path, ==, canonical);
      g_assert_cmpstr (folder, ==, parent);
      g_assert_cmpint (*name, !=, '.');
      g_assert_cmpuint (strlen (name), <, 256);
      g_assert_true (g_hash_table_add (paths, path));

      assert_delivered (f, mailbox, i + 1, "x\r\n");
      g_assert_cmpuint (count (path, "new", NULL), ==, 1);
    }
}

/* What is in the way, fails or is full: the reply says so, and there is no part of a file. */
static void
test_failure_leaves_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);
  static const struct
  {
    gint *call;
    int error;
    const char *begin;
  } faults[] = {
    { &disk.fail_sync, EIO, "451 4.3.0 Could not sync " },
    { &disk.fail_sync, ENOSPC, "452 4.3.1 Could not sync " },
    { &disk.fail_rename, EACCES, "451 4.3.0 Could not deliver " },
    { &disk.fail_rename, EDQUOT, "452 4.3.1 Could not deliver " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      assert_delivered (f, mailbox, 100 + i, "x\r\n");
      g_atomic_int_set (faults[i].call, faults[i].error);
      assert_refused (f, mailbox, i, "x\r\n", faults[i].begin);
      for (guint n = 0; n < 10; n++) // together as well, where one flush is for all
        start (f, mailbox, 1000 + i * 10 + n, "x\r\n");
      await (f);
      g_atomic_int_set (faults[i].call, 0);
      g_assert_cmpuint (f->n_good, ==, i + 1);
      g_assert_cmpuint (count (path, "new", NULL), ==, i + 1);
      g_assert_cmpuint (count (path, "tmp", NULL), ==, 0);
    }
}

/* It is in new/, but not surely after a power cut: it is delivered again and found there. */
static void
test_folder_sync_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);

  assert_delivered (f, mailbox, 1, "x\r\n");
  g_atomic_int_set (&disk.fail_folder, EIO);
  assert_refused (f, mailbox, 2, "x\r\n", "451 4.3.0 Could not sync ");
  g_atomic_int_set (&disk.fail_folder, 0);
  assert_delivered (f, mailbox, 2, "x\r\n");
  g_assert_cmpuint (count (path, "new", NULL), ==, 2);
}

static void
test_in_the_way (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *domain = g_build_filename (f->root, "example.com", NULL);

  g_assert_true (g_file_set_contents (domain, "in the way", -1, NULL));
  assert_refused (f, mailbox, 7, "x\r\n", "451 4.3.0 Could not create a message in ");
  g_assert_cmpint (g_remove (domain), ==, 0);
  assert_delivered (f, mailbox, 7, "x\r\n");
}

/* A write that stops in the middle, as on a full disk: by the limit of a file's size. */
static void
test_write_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);
  g_autofree char *large = g_strnfill (100000, 'x');
  struct rlimit before;
  struct rlimit small;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  small = before;
  small.rlim_cur = 50000;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  start (f, mailbox, 1, large);
  start (f, mailbox, 2, "x\r\n");
  await (f);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpuint (f->n_good, ==, 1); // the small one goes all the same
  g_assert_cmpuint (count (path, "new", NULL), ==, 1);
  g_assert_cmpuint (count (path, "tmp", NULL), ==, 0);
  assert_delivered (f, mailbox, 1, large);
}

/* What comes while the disk is busy shares a flush, and nothing is in new/ before it. */
static void
test_batch (Fixture *f, gconstpointer data)
{
  const guint n_messages = 60;
  g_autoptr (PmMailAddress) first = pm_mail_address_parse ("first@example.com", NULL);

  assert_delivered (f, first, 1, "x\r\n");
  g_assert_cmpint (disk.syncs, ==, 1);
  g_assert_cmpint (disk.early_renames, ==, 0);

  g_mutex_lock (&disk.gate);
  start (f, first, 2, "x\r\n");
  for (guint i = 0; i < n_messages; i++)
    {
      g_autofree char *text = g_strdup_printf ("m%u@example.com", i % 3);
      g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse (text, NULL);

      start (f, mailbox, 100 + i, "x\r\n");
    }
  disk.syncs = disk.folder_syncs = disk.renames = 0;
  g_mutex_unlock (&disk.gate);
  await (f);
  g_assert_cmpuint (f->n_good, ==, n_messages + 2);
  g_assert_cmpint (disk.renames, ==, (int) n_messages + 1);
  g_assert_cmpint (disk.syncs, ==, (int) n_messages + 1);
  // At most two batches: what the thread took before and after it stood at the gate. Each syncs
  // new/ of four mailboxes; making three of them takes four syncs for each.
  g_assert_cmpint (disk.folder_syncs, <=, 8 + 12);
  g_assert_cmpint (disk.early_renames, ==, 0);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *text = g_strdup_printf ("m%u@example.com", i);
      g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse (text, NULL);
      g_autofree char *path = pm_maildir_path (f->root, mailbox);

      g_assert_cmpuint (count (path, "new", NULL), ==, n_messages / 3);
      g_assert_cmpuint (count (path, "tmp", NULL), ==, 0);
    }
}

/* What was given is delivered, though nobody waits for the reply. */
static void
test_free_delivers (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);

  for (guint i = 0; i < 20; i++)
    start (f, mailbox, i, "x\r\n");
  pm_maildir_free (g_steal_pointer (&f->maildir));
  g_assert_cmpuint (count (path, "new", NULL), ==, 20);
  await (f);
  g_assert_cmpuint (f->n_good, ==, 20);
}

static void
put_file (const char *maildir, const char *name, gsize size)
{
  g_autofree char *path = g_build_filename (maildir, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *contents = g_strnfill (size, 'x');

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, contents, (gssize) size, NULL));
}

static void
test_quota (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);
  g_autofree char *large = g_strnfill (5000, 'x');
  g_autofree char *seen = g_build_filename (path, "cur/b,S=3000:2,S", NULL);

  f->quota = 10000;
  put_file (path, "cur/a:2,S", 1000);         // its inode says it
  put_file (path, "cur/b,S=3000:2,S", 1);     // its name says it
  put_file (path, ".Sent/cur/c,S=500:2,", 1); // a folder of Maildir++
  put_file (path, "tmp/d", 50000);            // not there yet
  assert_delivered (f, mailbox, 1, large);
  assert_refused (f, mailbox, 2, large, "452 4.2.2 The mailbox is full");
  assert_delivered (f, mailbox, 3, "x\r\n");
  g_assert_cmpuint (count (path, "new", NULL), ==, 2);

  f->quota = 4999;
  assert_refused (f, mailbox, 4, large, "552 5.2.3 The message is larger");
  f->quota = 0;
  assert_delivered (f, mailbox, 5, large);
  g_assert_cmpint (g_remove (seen), ==, 0);
}

/* A burst is held to it as well: what is on its way counts. */
static void
test_quota_in_batch (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *large = g_strnfill (1000, 'x');

  f->quota = 10500;
  for (guint i = 0; i < 50; i++)
    start (f, mailbox, i, large);
  await (f);
  g_assert_cmpuint (f->n_good, >, 0);
  g_assert_cmpuint (f->n_good, <=, 10);
}

/* What a program left in tmp/ when it died goes after 36 hours; what it may still write stays. */
static void
test_stale (Fixture *f, gconstpointer data)
{
  g_autoptr (PmMailAddress) mailbox = pm_mail_address_parse ("anna@example.com", NULL);
  g_autofree char *path = pm_maildir_path (f->root, mailbox);
  g_autofree char *old = g_build_filename (path, "tmp/old", NULL);
  time_t then = time (NULL) - 37 * 3600;

  put_file (path, "tmp/old", 1);
  put_file (path, "tmp/fresh", 1);
  g_assert_cmpint (utime (old, &(struct utimbuf){ then, then }), ==, 0);
  assert_delivered (f, mailbox, 1, "x\r\n");
  g_assert_cmpuint (count (path, "tmp", NULL), ==, 1);
  g_assert_false (g_file_test (old, G_FILE_TEST_EXISTS));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/maildir/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("deliver", test_deliver);
  ADD ("twice", test_twice);
  ADD ("twice-after-reading", test_twice_after_reading);
  ADD ("long-host", test_long_host);
  ADD ("hostile-names", test_hostile_names);
  ADD ("failure-leaves-nothing", test_failure_leaves_nothing);
  ADD ("folder-sync-fails", test_folder_sync_fails);
  ADD ("in-the-way", test_in_the_way);
  ADD ("write-fails", test_write_fails);
  ADD ("batch", test_batch);
  ADD ("free-delivers", test_free_delivers);
  ADD ("quota", test_quota);
  ADD ("quota-in-batch", test_quota_in_batch);
  ADD ("stale", test_stale);
  return g_test_run ();
}
