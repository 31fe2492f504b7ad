// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A library for LD_PRELOAD that counts every step by which a program changes files below a folder
// (opening to create, writing, truncating, syncing, renaming, linking, unlinking; SQLite's too,
// which take the same calls) and, at step number n, makes it fail or stops the process. What it
// promises: nothing else is touched, and the count is in a file that outlives the process.
//
//   FAULT_FOLDER  the folder
//   FAULT_STEP    the step at which it happens; 0: never, only count
//   FAULT_KIND    kill, or the errno: EIO, ENOSPC
//   FAULT_LAST    1: every later step fails too (a disk that stays broken)
//   FAULT_COUNT   a file whose first 8 bytes are the count
//   FAULT_ASK, FAULT_ANSWER  two FIFOs: before each sync a byte goes into the first, and the sync is
//                 done when one has come out of the second

// Both names of each call are defined, so neither may stand for the other.
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FDS 4096

static _Atomic uint64_t *count;
static uint64_t fault_step;
static int fault_errno; /* 0: kill */
static bool lasting;
static const char *folder;
static int ask = -1;
static int answer = -1;
static atomic_bool watched[MAX_FDS];

#define REAL(name) ((__typeof__ (name) *) real (#name))

static void *
real (const char *name)
{
  return dlsym (RTLD_NEXT, name);
}

__attribute__ ((constructor)) static void
set_up (void)
{
  const char *step = getenv ("FAULT_STEP");
  const char *kind = getenv ("FAULT_KIND");
  const char *path = getenv ("FAULT_COUNT");
  int fd;

  if (path == NULL || (fd = REAL (open) (path, O_RDWR | O_CREAT, 0600)) < 0)
    return;
  if (REAL (ftruncate) (fd, sizeof *count) == 0)
    count = mmap (NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close (fd);
  fault_step = step != NULL ? strtoull (step, NULL, 10) : 0;
  fault_errno = kind == NULL || strcmp (kind, "kill") == 0 ? 0
                : strcmp (kind, "ENOSPC") == 0             ? ENOSPC
                                                           : EIO;
  lasting = getenv ("FAULT_LAST") != NULL;
  folder = getenv ("FAULT_FOLDER");
  if (getenv ("FAULT_ASK") != NULL && getenv ("FAULT_ANSWER") != NULL)
    {
      ask = REAL (open) (getenv ("FAULT_ASK"), O_WRONLY);
      answer = REAL (open) (getenv ("FAULT_ANSWER"), O_RDONLY);
    }
}

static void
wait_for_leave (void)
{
  char byte = 's';

  if (ask < 0 || answer < 0)
    return;
  if (REAL (write) (ask, &byte, 1) != 1 || read (answer, &byte, 1) != 1)
    abort ();
}

static bool
is_below (const char *path)
{
  return count != NULL && folder != NULL && path != NULL &&
         strncmp (path, folder, strlen (folder)) == 0;
}

/* TRUE: fail with errno set. */
static bool
step_fails (void)
{
  uint64_t number = atomic_fetch_add (count, 1) + 1;

  if (fault_step == 0 || number < fault_step || (number > fault_step && !lasting))
    return false;
  if (fault_errno == 0)
    kill (getpid (), SIGKILL);
  errno = fault_errno;
  return true;
}

static bool
is_watched (int fd)
{
  return fd >= 0 && fd < MAX_FDS && atomic_load (&watched[fd]);
}

static int
opened (int fd, bool is_ours)
{
  if (fd >= 0 && fd < MAX_FDS)
    atomic_store (&watched[fd], is_ours);
  return fd;
}

/* The folder of an *at() call, so that a relative name counts where its folder does. */
static bool
is_below_at (int directory, const char *path)
{
  return path != NULL && path[0] != '/' && directory != AT_FDCWD ? is_watched (directory)
                                                                 : is_below (path);
}

#define DEFINE_OPEN(name)                                               \
  int name (const char *path, int flags, ...)                           \
  {                                                                     \
    bool ours = is_below (path);                                        \
    va_list rest;                                                       \
    mode_t mode;                                                        \
                                                                        \
    va_start (rest, flags);                                             \
    mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg (rest, mode_t) : 0; \
    va_end (rest);                                                      \
    if (ours && (flags & O_CREAT) && step_fails ())                     \
      return -1;                                                        \
    return opened (REAL (name) (path, flags, mode), ours);              \
  }

DEFINE_OPEN (open)
DEFINE_OPEN (open64)

#define DEFINE_OPENAT(name)                                             \
  int name (int directory, const char *path, int flags, ...)            \
  {                                                                     \
    bool ours = is_below_at (directory, path);                          \
    va_list rest;                                                       \
    mode_t mode;                                                        \
                                                                        \
    va_start (rest, flags);                                             \
    mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg (rest, mode_t) : 0; \
    va_end (rest);                                                      \
    if (ours && (flags & O_CREAT) && step_fails ())                     \
      return -1;                                                        \
    return opened (REAL (name) (directory, path, flags, mode), ours);   \
  }

DEFINE_OPENAT (openat)
DEFINE_OPENAT (openat64)

int
close (int fd)
{
  opened (fd, false);
  return REAL (close) (fd);
}

/* Half of it is written before the failure or the end: a torn write. */
ssize_t
write (int fd, const void *bytes, size_t size)
{
  if (is_watched (fd) && fault_step != 0 && atomic_load (count) + 1 == fault_step && size > 1)
    REAL (write)
  (fd, bytes, size / 2);
  if (is_watched (fd) && step_fails ())
    return -1;
  return REAL (write) (fd, bytes, size);
}

ssize_t
writev (int fd, const struct iovec *parts, int n)
{
  if (is_watched (fd) && step_fails ())
    return -1;
  return REAL (writev) (fd, parts, n);
}

#define DEFINE_PWRITE(name, offset_type)                                                         \
  ssize_t name (int fd, const void *bytes, size_t size, offset_type offset)                      \
  {                                                                                              \
    if (is_watched (fd) && fault_step != 0 && atomic_load (count) + 1 == fault_step && size > 1) \
      REAL (name)                                                                                \
    (fd, bytes, size / 2, offset);                                                               \
    if (is_watched (fd) && step_fails ())                                                        \
      return -1;                                                                                 \
    return REAL (name) (fd, bytes, size, offset);                                                \
  }

DEFINE_PWRITE (pwrite, off_t)
DEFINE_PWRITE (pwrite64, off64_t)

#define DEFINE_ON_FD(type, name, parameters, arguments) \
  type name parameters                                  \
  {                                                     \
    if (is_watched (fd) && step_fails ())               \
      return -1;                                        \
    return REAL (name) arguments;                       \
  }

#define DEFINE_SYNC(name)    \
  int name (int fd)          \
  {                          \
    if (is_watched (fd))     \
      {                      \
        if (step_fails ())   \
          return -1;         \
        wait_for_leave ();   \
      }                      \
    return REAL (name) (fd); \
  }

DEFINE_SYNC (fsync)
DEFINE_SYNC (fdatasync)
DEFINE_SYNC (syncfs)
DEFINE_ON_FD (int, ftruncate, (int fd, off_t size), (fd, size))
DEFINE_ON_FD (int, ftruncate64, (int fd, off64_t size), (fd, size))
DEFINE_ON_FD (int, fallocate, (int fd, int mode, off_t offset, off_t size),
              (fd, mode, offset, size))
DEFINE_ON_FD (int, fallocate64, (int fd, int mode, off64_t offset, off64_t size),
              (fd, mode, offset, size))

#define DEFINE_ON_PATH(name, parameters, arguments, ours) \
  int name parameters                                     \
  {                                                       \
    if ((ours) && step_fails ())                          \
      return -1;                                          \
    return REAL (name) arguments;                         \
  }

DEFINE_ON_PATH (unlink, (const char *path), (path), is_below (path))
DEFINE_ON_PATH (unlinkat, (int directory, const char *path, int flags), (directory, path, flags),
                is_below_at (directory, path))
DEFINE_ON_PATH (mkdir, (const char *path, mode_t mode), (path, mode), is_below (path))
DEFINE_ON_PATH (mkdirat, (int directory, const char *path, mode_t mode), (directory, path, mode),
                is_below_at (directory, path))
DEFINE_ON_PATH (rename, (const char *from, const char *to), (from, to), is_below (to))
DEFINE_ON_PATH (renameat, (int a, const char *from, int b, const char *to), (a, from, b, to),
                is_below_at (b, to))
DEFINE_ON_PATH (renameat2,
                (int a, const char *from, int b, const char *to, unsigned int flags),
                (a, from, b, to, flags), is_below_at (b, to))
DEFINE_ON_PATH (link, (const char *from, const char *to), (from, to), is_below (to))
DEFINE_ON_PATH (linkat, (int a, const char *from, int b, const char *to, int flags),
                (a, from, b, to, flags), is_below_at (b, to))
