// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A library for LD_PRELOAD that counts what a program and its children sync, and makes each sync
// take longer, as on a slow disk. Applied to relayd and to its peers alike.
//
//   SYNC_COUNT  a file of 8 bytes, writable for all: the count
//   SYNC_DELAY  microseconds that each sync takes longer

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic uint64_t *count;
static useconds_t delay;

__attribute__ ((constructor)) static void
set_up (void)
{
  const char *path = getenv ("SYNC_COUNT");
  const char *text = getenv ("SYNC_DELAY");
  int fd = path != NULL ? open (path, O_RDWR | O_CLOEXEC) : -1;

  delay = text != NULL ? (useconds_t) atoi (text) : 0;
  if (fd < 0)
    return;
  count = mmap (NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (count == MAP_FAILED)
    count = NULL;
  close (fd);
}

#define DEFINE_SYNC(name)                                         \
  int name (int fd)                                               \
  {                                                               \
    int (*call) (int) = (int (*) (int)) dlsym (RTLD_NEXT, #name); \
                                                                  \
    if (count != NULL)                                            \
      atomic_fetch_add (count, 1);                                \
    if (delay > 0)                                                \
      usleep (delay);                                             \
    return call (fd);                                             \
  }

DEFINE_SYNC (fsync)
DEFINE_SYNC (fdatasync)
DEFINE_SYNC (syncfs)
