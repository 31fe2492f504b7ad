// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a manager that is killed in the middle of an Apply leaves for the next one. */
typedef struct
{
  char *base_revision; /* "" for none */
  char *revision;
  guint who;
  gboolean restart;
  gboolean ran_before;
  gboolean going_back; /* the former site is being put back */
} PmApplyRecord;

PmApplyRecord *pm_apply_record_copy (const PmApplyRecord *record);
void pm_apply_record_free (PmApplyRecord *record);

void pm_apply_record_write_async (const char *path,
                                  const PmApplyRecord *record,
                                  GBytes *xml,
                                  GAsyncReadyCallback callback,
                                  gpointer data);
char *pm_apply_record_write_finish (GAsyncResult *result, GError **error);

void pm_apply_record_read_async (const char *path, GAsyncReadyCallback callback, gpointer data);
PmApplyRecord *pm_apply_record_read_finish (GAsyncResult *result, GError **error);

void pm_apply_record_remove_async (const char *path, GAsyncReadyCallback callback, gpointer data);
gboolean pm_apply_record_remove_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmApplyRecord, pm_apply_record_free)

G_END_DECLS
