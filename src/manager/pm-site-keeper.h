// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "site/pm-site-file.h"
#include "site/pm-site-store.h"

G_BEGIN_DECLS

/**
 * PmSiteKeeper:
 *
 * The site file as the manager's main context sees it: everything that touches the disk or parses
 * runs in worker threads, one at a time. Emits `changed` when the file has another revision,
 * whoever wrote it; after a save of its own that is before the save's callback.
 */
#define PM_TYPE_SITE_KEEPER (pm_site_keeper_get_type ())
G_DECLARE_FINAL_TYPE (PmSiteKeeper, pm_site_keeper, PM, SITE_KEEPER, GObject)

PmSiteKeeper *pm_site_keeper_new (const char *path, const char *history_folder);
const char *pm_site_keeper_get_path (PmSiteKeeper *self);
const char *pm_site_keeper_get_record_path (PmSiteKeeper *self);
const char *pm_site_keeper_get_revision (PmSiteKeeper *self);

void pm_site_keeper_load_async (PmSiteKeeper *self, GAsyncReadyCallback callback, gpointer data);
GBytes *pm_site_keeper_load_finish (PmSiteKeeper *self,
                                    GAsyncResult *result,
                                    char **revision,
                                    GError **error);

void pm_site_keeper_check_async (PmSiteKeeper *self,
                                 GBytes *xml,
                                 GAsyncReadyCallback callback,
                                 gpointer data);
GPtrArray *pm_site_keeper_check_finish (PmSiteKeeper *self, GAsyncResult *result, GError **error);

void pm_site_keeper_save_async (PmSiteKeeper *self,
                                GBytes *xml,
                                const char *base_revision,
                                guint who,
                                const char *comment,
                                gboolean validate,
                                GAsyncReadyCallback callback,
                                gpointer data);
char *pm_site_keeper_save_finish (PmSiteKeeper *self, GAsyncResult *result, GError **error);

void pm_site_keeper_history_async (PmSiteKeeper *self,
                                   guint limit,
                                   GAsyncReadyCallback callback,
                                   gpointer data);
GPtrArray *pm_site_keeper_history_finish (PmSiteKeeper *self,
                                          GAsyncResult *result,
                                          GError **error);

void pm_site_keeper_read_revision_async (PmSiteKeeper *self,
                                         const char *revision,
                                         GAsyncReadyCallback callback,
                                         gpointer data);
GBytes *pm_site_keeper_read_revision_finish (PmSiteKeeper *self,
                                             GAsyncResult *result,
                                             GError **error);

G_END_DECLS
