// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The disk of the power loss test; see the header. No sync reaches the real disk, which is what
// makes thousands of cuts quick.

// Both names of each call are defined, so neither may stand for the other.
#undef _FILE_OFFSET_BITS
#include "disk-model.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_FDS 4096
#define SECTOR 512

typedef struct
{
  guint64 offset;
  GBytes *bytes; /* NULL: cut off, or lengthened, to offset */
} Write;

typedef struct
{
  GByteArray *durable;
  GArray *writes;  /* (element-type Write): not synced */
  gboolean memory; /* shared memory: whatever the disk has of it is worth nothing */
} File;

/* A name that comes (file), goes (no file), or both (a rename). */
typedef struct
{
  char *from; /* (nullable) */
  char *to;   /* (nullable) */
  File *file;
} Change;

typedef struct
{
  File *file;
  char *folder;
} Descriptor;

static GMutex mutex;
static struct
{
  char *folder;
  GRand *chance;
  gboolean active;
  gboolean cut;
  gboolean lies;
  guint64 cut_after;
  guint64 steps;
  GPtrArray *files;    /* (element-type File): all that there were */
  GHashTable *names;   /* path to File, as the program sees it */
  GHashTable *durable; /* path to File, as the disk has it */
  GPtrArray *changes;  /* (element-type Change): names not synced */
  GHashTable *left;    /* path to GByteArray, after the cut */
  Descriptor fds[MAX_FDS];
} disk;

static void
clear_write (gpointer data)
{
  g_bytes_unref (((Write *) data)->bytes);
}

static void
free_file (gpointer data)
{
  File *file = data;

  g_byte_array_unref (file->durable);
  g_array_unref (file->writes);
  g_free (file);
}

static void
free_change (gpointer data)
{
  Change *change = data;

  g_free (change->from);
  g_free (change->to);
  g_free (change);
}

static File *
add_file (const char *path)
{
  File *file = g_new0 (File, 1);

  file->durable = g_byte_array_new ();
  file->writes = g_array_new (FALSE, FALSE, sizeof (Write));
  file->memory = g_str_has_suffix (path, "-shm");
  g_array_set_clear_func (file->writes, clear_write);
  g_ptr_array_add (disk.files, file);
  g_hash_table_insert (disk.names, g_strdup (path), file);
  return file;
}

static void
set_size (GByteArray *bytes, gsize size)
{
  gsize before = bytes->len;

  g_byte_array_set_size (bytes, (guint) size);
  if (size > before)
    memset (bytes->data + before, 0, size - before);
}

static void
put (GByteArray *bytes, guint64 offset, const guint8 *data, gsize size)
{
  if (bytes->len < offset + size)
    set_size (bytes, offset + size);
  memcpy (bytes->data + offset, data, size);
}

static void
apply_change (GHashTable *names, const Change *change)
{
  if (change->from != NULL)
    g_hash_table_remove (names, change->from);
  if (change->to != NULL)
    g_hash_table_insert (names, g_strdup (change->to), change->file);
}

/* The sectors that a write touches, each for itself. */
static void
tear (GByteArray *bytes, const Write *write, double kept)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (write->bytes, &size);

  for (gsize at = 0, n; at < size; at += n)
    {
      n = MIN (size - at, SECTOR - (write->offset + at) % SECTOR);
      if (g_rand_double (disk.chance) < kept)
        put (bytes, write->offset + at, data + at, n);
    }
}

static GByteArray *
copy_torn (const File *file)
{
  GByteArray *bytes = g_byte_array_sized_new (file->durable->len);
  const double chances[] = { 0, 0.1, 0.5, 0.9, 1 };
  double kept = chances[g_rand_int_range (disk.chance, 0, G_N_ELEMENTS (chances))];

  g_byte_array_append (bytes, file->durable->data, file->durable->len);
  for (guint i = 0; i < file->writes->len; i++)
    {
      const Write *write = &g_array_index (file->writes, Write, i);
      gsize size = write->bytes != NULL ? g_bytes_get_size (write->bytes) : 0;

      if (write->bytes != NULL)
        tear (bytes, write, kept);
      else if (g_rand_double (disk.chance) < kept)
        set_size (bytes, write->offset);
      // The length may be on the disk, and not what stands there.
      if (bytes->len < write->offset + size && g_rand_int_range (disk.chance, 0, 4) == 0)
        set_size (bytes, write->offset + size);
    }
  for (guint i = 0; file->memory && i < bytes->len; i++)
    bytes->data[i] = (guint8) g_rand_int_range (disk.chance, 0, 256);
  return bytes;
}

static void
cut (void)
{
  const double chances[] = { 0, 0.5, 1 };
  double kept = chances[g_rand_int_range (disk.chance, 0, G_N_ELEMENTS (chances))];
  GHashTableIter iter;
  gpointer path;
  gpointer file;

  disk.cut = TRUE;
  for (guint i = 0; i < disk.changes->len; i++)
    if (g_rand_double (disk.chance) < kept)
      apply_change (disk.durable, g_ptr_array_index (disk.changes, i));
  g_hash_table_iter_init (&iter, disk.durable);
  while (g_hash_table_iter_next (&iter, &path, &file))
    g_hash_table_insert (disk.left, g_strdup (path), copy_torn (file));
}

/* Whether the step changes the disk. The lock is held. */
static gboolean
take_step (void)
{
  if (!disk.active || disk.cut)
    return FALSE;
  if (++disk.steps >= disk.cut_after)
    cut ();
  return !disk.cut;
}

static gboolean
is_ours (const char *path)
{
  return disk.active && path != NULL && g_str_has_prefix (path, disk.folder);
}

static Descriptor *
get_descriptor (int fd)
{
  return disk.active && fd >= 0 && fd < MAX_FDS ? &disk.fds[fd] : NULL;
}

static void
forget_fd (int fd)
{
  if (fd < 0 || fd >= MAX_FDS)
    return;
  g_clear_pointer (&disk.fds[fd].folder, g_free);
  disk.fds[fd].file = NULL;
}

static void
change_names (const char *from, const char *to, File *file)
{
  Change *change;

  if (!take_step ())
    return;
  change = g_new0 (Change, 1);
  change->from = g_strdup (from);
  change->to = g_strdup (to);
  change->file = file;
  apply_change (disk.names, change);
  g_ptr_array_add (disk.changes, change);
}

static void
note_open (const char *path, int flags, int fd)
{
  File *file;

  forget_fd (fd);
  if (fd < 0 || fd >= MAX_FDS || !is_ours (path) || disk.cut)
    return;
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      disk.fds[fd].folder = g_strdup (path);
      return;
    }
  file = g_hash_table_lookup (disk.names, path);
  if (file == NULL && (flags & O_CREAT) != 0)
    {
      file = add_file (path);
      change_names (NULL, path, file);
    }
  disk.fds[fd].file = file;
}

static void
note_write (int fd, guint64 offset, const void *data, gsize size)
{
  const Descriptor *descriptor = get_descriptor (fd);
  Write write = { offset, NULL };

  if (descriptor == NULL || descriptor->file == NULL || !take_step ())
    return;
  if (data != NULL)
    write.bytes = g_bytes_new (data, size);
  g_array_append_val (descriptor->file->writes, write);
}

static void
sync_file (File *file)
{
  for (guint i = 0; i < file->writes->len; i++)
    {
      const Write *write = &g_array_index (file->writes, Write, i);
      gsize size;
      const guint8 *data;

      if (write->bytes == NULL)
        {
          set_size (file->durable, write->offset);
          continue;
        }
      data = g_bytes_get_data (write->bytes, &size);
      put (file->durable, write->offset, data, size);
    }
  g_array_set_size (file->writes, 0);
}

static gboolean
is_in (const char *path, const char *folder)
{
  g_autofree char *parent = path != NULL ? g_path_get_dirname (path) : NULL;

  return g_strcmp0 (parent, folder) == 0;
}

static void
sync_folder (const char *folder)
{
  for (guint i = 0; i < disk.changes->len;)
    {
      const Change *change = g_ptr_array_index (disk.changes, i);

      if (!is_in (change->from, folder) && !is_in (change->to, folder))
        {
          i++;
          continue;
        }
      apply_change (disk.durable, change);
      g_ptr_array_remove_index (disk.changes, i);
    }
}

/* What is not called to happen on the real disk: it is no part of what is tested. */
static int
note_sync (int fd)
{
  Descriptor *descriptor;

  g_mutex_lock (&mutex);
  descriptor = get_descriptor (fd);
  if (descriptor != NULL && (descriptor->file != NULL || descriptor->folder != NULL) &&
      take_step () && !disk.lies)
    {
      if (descriptor->file != NULL)
        sync_file (descriptor->file);
      else
        sync_folder (descriptor->folder);
    }
  g_mutex_unlock (&mutex);
  return 0;
}

int
fsync (int fd)
{
  return note_sync (fd);
}

int
fdatasync (int fd)
{
  return note_sync (fd);
}

static int
open_noted (const char *path, int flags, mode_t mode)
{
  int fd;
  int saved;

  g_mutex_lock (&mutex);
  fd = (int) syscall (SYS_openat, AT_FDCWD, path, flags, mode);
  saved = errno;
  note_open (path, flags, fd);
  g_mutex_unlock (&mutex);
  errno = saved;
  return fd;
}

#define DEFINE_OPEN(name)                       \
  int name (const char *path, int flags, ...)   \
  {                                             \
    mode_t mode = 0;                            \
    va_list args;                               \
                                                \
    if ((flags & (O_CREAT | __O_TMPFILE)) != 0) \
      {                                         \
        va_start (args, flags);                 \
        mode = va_arg (args, mode_t);           \
        va_end (args);                          \
      }                                         \
    return open_noted (path, flags, mode);      \
  }

DEFINE_OPEN (open)
DEFINE_OPEN (open64)

int
close (int fd)
{
  g_mutex_lock (&mutex);
  forget_fd (fd);
  g_mutex_unlock (&mutex);
  return (int) syscall (SYS_close, fd);
}

#define DEFINE_PWRITE(name, offset_type)                                   \
  ssize_t name (int fd, const void *data, size_t size, offset_type offset) \
  {                                                                        \
    g_mutex_lock (&mutex);                                                 \
    note_write (fd, (guint64) offset, data, size);                         \
    g_mutex_unlock (&mutex);                                               \
    return syscall (SYS_pwrite64, fd, data, size, offset);                 \
  }

DEFINE_PWRITE (pwrite, off_t)
DEFINE_PWRITE (pwrite64, off64_t)

ssize_t
write (int fd, const void *data, size_t size)
{
  g_mutex_lock (&mutex);
  if (get_descriptor (fd) != NULL && get_descriptor (fd)->file != NULL)
    note_write (fd, (guint64) syscall (SYS_lseek, fd, 0, SEEK_CUR), data, size);
  g_mutex_unlock (&mutex);
  return syscall (SYS_write, fd, data, size);
}

#define DEFINE_TRUNCATE(name, size_type)            \
  int name (int fd, size_type size)                 \
  {                                                 \
    g_mutex_lock (&mutex);                          \
    note_write (fd, (guint64) size, NULL, 0);       \
    g_mutex_unlock (&mutex);                        \
    return (int) syscall (SYS_ftruncate, fd, size); \
  }

DEFINE_TRUNCATE (ftruncate, off_t)
DEFINE_TRUNCATE (ftruncate64, off64_t)

int
unlink (const char *path)
{
  g_mutex_lock (&mutex);
  if (is_ours (path) && g_hash_table_contains (disk.names, path))
    change_names (path, NULL, NULL);
  g_mutex_unlock (&mutex);
  return (int) syscall (SYS_unlinkat, AT_FDCWD, path, 0);
}

int
rename (const char *from, const char *to)
{
  g_mutex_lock (&mutex);
  if (is_ours (from) && g_hash_table_contains (disk.names, from))
    change_names (from, to, g_hash_table_lookup (disk.names, from));
  g_mutex_unlock (&mutex);
  return (int) syscall (SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* Room is never short here. */
int
posix_fallocate (int fd, off_t offset, off_t size)
{
  return 0;
}

int
posix_fallocate64 (int fd, off64_t offset, off64_t size)
{
  return 0;
}

/* A small disk gets a small log, which is then copied back often. */
#define DEFINE_STATVFS(name)                     \
  int name (const char *path, struct name *info) \
  {                                              \
    memset (info, 0, sizeof *info);              \
    info->f_bsize = info->f_frsize = 4096;       \
    info->f_blocks = 32768;                      \
    info->f_bfree = info->f_bavail = 32000;      \
    info->f_files = info->f_ffree = 100000;      \
    info->f_favail = 100000;                     \
    info->f_namemax = 255;                       \
    return 0;                                    \
  }

DEFINE_STATVFS (statvfs)
DEFINE_STATVFS (statvfs64)

/* What lies there is on the disk. */
static void
read_folder (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      char *contents;
      gsize size;
      File *file;

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        {
          read_folder (child);
          continue;
        }
      g_assert_true (g_file_get_contents (child, &contents, &size, NULL));
      file = add_file (child);
      g_byte_array_append (file->durable, (const guint8 *) contents, (guint) size);
      g_hash_table_insert (disk.durable, g_strdup (child), file);
      g_free (contents);
    }
}

void
disk_model_begin (const char *folder, GRand *chance, guint64 cut_after, gboolean lies)
{
  disk.folder = g_strdup (folder);
  disk.chance = chance;
  disk.cut = FALSE;
  disk.lies = lies;
  disk.cut_after = cut_after;
  disk.steps = 0;
  disk.files = g_ptr_array_new_with_free_func (free_file);
  disk.names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  disk.durable = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  disk.changes = g_ptr_array_new_with_free_func (free_change);
  disk.left = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                     (GDestroyNotify) g_byte_array_unref);
  read_folder (folder);
  disk.active = TRUE;
}

void
disk_model_lock (void)
{
  g_mutex_lock (&mutex);
}

void
disk_model_unlock (void)
{
  g_mutex_unlock (&mutex);
}

gboolean
disk_model_is_cut (void)
{
  return disk.cut;
}

void
disk_model_cut (void)
{
  g_mutex_lock (&mutex);
  if (!disk.cut)
    cut ();
  g_mutex_unlock (&mutex);
}

guint64
disk_model_get_steps (void)
{
  return disk.steps;
}

void
disk_model_write (const char *folder)
{
  GHashTableIter iter;
  gpointer path;
  gpointer bytes;

  disk.active = FALSE;
  g_hash_table_iter_init (&iter, disk.left);
  while (g_hash_table_iter_next (&iter, &path, &bytes))
    {
      const GByteArray *array = bytes;
      g_autofree char *target = g_strconcat (folder, (char *) path + strlen (disk.folder), NULL);
      g_autofree char *parent = g_path_get_dirname (target);

      g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
      g_assert_true (g_file_set_contents_full (target, (const char *) array->data, array->len,
                                               G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
  for (int fd = 0; fd < MAX_FDS; fd++)
    forget_fd (fd);
  g_hash_table_unref (disk.left);
  g_hash_table_unref (disk.durable);
  g_hash_table_unref (disk.names);
  g_ptr_array_unref (disk.changes);
  g_ptr_array_unref (disk.files);
  g_clear_pointer (&disk.folder, g_free);
}
