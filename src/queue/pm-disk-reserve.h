// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A file that holds room on the disk: given up when the disk is full, and made again later. */
typedef struct
{
  char *path; /* (owned) */
  guint64 size;
  gboolean held;
} PmDiskReserve;

void pm_disk_reserve_init (PmDiskReserve *reserve, const char *path, guint64 size);
void pm_disk_reserve_clear (PmDiskReserve *reserve);
gboolean pm_disk_reserve_take (PmDiskReserve *reserve);
void pm_disk_reserve_give_up (PmDiskReserve *reserve);

G_END_DECLS
