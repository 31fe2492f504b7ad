// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmSiteStore:
 *
 * The site file on disk with its history: reads it, replaces it durably if it is still the revision
 * that the writer started from, and keeps every revision with who, when and a comment. Knows bytes,
 * not sites. Blocks on the disk; one thread at a time.
 */
#define PM_TYPE_SITE_STORE (pm_site_store_get_type ())
G_DECLARE_FINAL_TYPE (PmSiteStore, pm_site_store, PM, SITE_STORE, GObject)

typedef struct
{
  char *revision;
  gint64 time; /* microseconds since 1970 */
  char *who;
  char *comment;
} PmSiteHistoryEntry;

void pm_site_history_entry_free (PmSiteHistoryEntry *entry);

PmSiteStore *pm_site_store_new (const char *path, const char *history_folder);

/* PM_ERROR_NOT_FOUND when there is no file; `revision` (out) (optional). */
GBytes *pm_site_store_load (PmSiteStore *store,
                            char **revision,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Writes `xml` if the file is still `base_revision` (NULL or "": there must be no file yet), else
 * PM_ERROR_CONFLICT and nothing is written. Concurrent writers are kept apart by a lock file.
 * Returns the new revision.
 */
char *pm_site_store_save (PmSiteStore *store,
                          GBytes *xml,
                          const char *base_revision,
                          const char *who,
                          const char *comment,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* (transfer container) (element-type PmSiteHistoryEntry): newest first; limit 0 for all. */
GPtrArray *pm_site_store_history (PmSiteStore *store, guint limit, GError **error);

/* The bytes of a revision in the history; PM_ERROR_NOT_FOUND. */
GBytes *pm_site_store_read_revision (PmSiteStore *store, const char *revision, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSiteHistoryEntry, pm_site_history_entry_free)

G_END_DECLS
