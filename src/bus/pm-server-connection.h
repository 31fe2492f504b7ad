// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "pm-manager-generated.h"
#include "pm-relay-generated.h"
#include "site/pm-site-file.h"

G_BEGIN_DECLS

/**
 * PmServerConnection:
 *
 * One server as the Administrator and pointsmanctl see it: a D-Bus connection with its manager, its
 * relay where it runs, and the site as last read. Properties notify, so that whatever shows them
 * observes; methods are asynchronous and end in the main context they were called in.
 *
 * Properties: `state` (PmConnectionState), `problem` (nullable string: why it is not connected),
 * `site` (PmSite boxed, nullable), `site-problem` (nullable string: why the site cannot be shown),
 * `revision`, `loaded-revision`, `service-state`, `service-detail`, `service-since` (int64),
 * `service-enabled`, `title` (for the tree: host name or "This computer"), `busy` (an operation
 * that changes something is under way), `can-write` (the person may, perhaps after a password),
 * `relay` (PmBusRelay, nullable).
 * Signals: `queue-changed` (guint total), `changed-here` (const char *comment: after a change that
 * was written through this very object and not by somebody else; `site` is the new one).
 */
#define PM_TYPE_SERVER_CONNECTION (pm_server_connection_get_type ())
G_DECLARE_FINAL_TYPE (PmServerConnection, pm_server_connection, PM, SERVER_CONNECTION, GObject)

typedef enum
{
  PM_CONNECTION_CONNECTING,
  PM_CONNECTION_CONNECTED,
  PM_CONNECTION_LOST,
} PmConnectionState;

typedef enum
{
  PM_SERVICE_START,
  PM_SERVICE_STOP,
  PM_SERVICE_RESTART,
  PM_SERVICE_RELOAD,
} PmServiceVerb;

/* What Apply came to; `log` (array zero-terminated=1). */
typedef struct
{
  gboolean in_force;
  char *revision;
  char *report;
  GStrv log;
} PmApplyResult;

void pm_apply_result_free (PmApplyResult *result);

#define PM_TYPE_SITE_BOXED (pm_site_boxed_get_type ())
GType pm_site_boxed_get_type (void);
#define PM_TYPE_CONNECTION_STATE (pm_connection_state_get_type ())
GType pm_connection_state_get_type (void);

PmServerConnection *pm_server_connection_new (GBusType bus);
void pm_server_connection_open (PmServerConnection *self);

PmConnectionState pm_server_connection_get_state (PmServerConnection *self);
const char *pm_server_connection_get_title (PmServerConnection *self);
const char *pm_server_connection_get_problem (PmServerConnection *self);
const PmSite *pm_server_connection_get_site (PmServerConnection *self);
GBytes *pm_server_connection_get_xml (PmServerConnection *self);
const char *pm_server_connection_get_site_problem (PmServerConnection *self);
const char *pm_server_connection_get_revision (PmServerConnection *self);
const char *pm_server_connection_get_loaded_revision (PmServerConnection *self);
const char *pm_server_connection_get_service_state (PmServerConnection *self);
const char *pm_server_connection_get_service_detail (PmServerConnection *self);
gint64 pm_server_connection_get_service_since (PmServerConnection *self);
gboolean pm_server_connection_get_service_enabled (PmServerConnection *self);
gboolean pm_server_connection_get_busy (PmServerConnection *self);
gboolean pm_server_connection_get_can_write (PmServerConnection *self);
PmBusManager *pm_server_connection_get_manager (PmServerConnection *self); /* (nullable) */
PmBusRelay *pm_server_connection_get_relay (PmServerConnection *self);     /* (nullable) */

/* Whether the saved site differs from what the running service has loaded. */
gboolean pm_server_connection_has_pending_changes (PmServerConnection *self);

/*
 * Writes `site` as an edit of the revision that was read last (CONFLICT when the file has moved
 * on); on success `site` and `revision` are already the new ones when the callback runs. What stays
 * open for longer, as a dialog, remembers the revision it was filled from and uses the `_from`
 * variants: `site` may have been read anew meanwhile, and they then end in CONFLICT instead of
 * undoing what somebody else wrote.
 */
void pm_server_connection_write_async (PmServerConnection *self,
                                       const PmSite *site,
                                       const char *comment,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer data);
void pm_server_connection_write_from_async (PmServerConnection *self,
                                            const PmSite *site,
                                            const char *base_revision,
                                            const char *comment,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer data);
gboolean pm_server_connection_write_finish (PmServerConnection *self,
                                            GAsyncResult *result,
                                            GError **error);

/* As write, then restart or reload until in force or put back (Manager1.Apply). */
void pm_server_connection_apply_async (PmServerConnection *self,
                                       const PmSite *site,
                                       const char *comment,
                                       gboolean restart,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer data);
void pm_server_connection_apply_from_async (PmServerConnection *self,
                                            const PmSite *site,
                                            const char *base_revision,
                                            const char *comment,
                                            gboolean restart,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer data);
PmApplyResult *pm_server_connection_apply_finish (PmServerConnection *self,
                                                  GAsyncResult *result,
                                                  GError **error);

void pm_server_connection_service_async (PmServerConnection *self,
                                         PmServiceVerb verb,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer data);
gboolean pm_server_connection_service_finish (PmServerConnection *self,
                                              GAsyncResult *result,
                                              GError **error);

void pm_server_connection_set_enabled_async (PmServerConnection *self,
                                             gboolean enabled,
                                             GCancellable *cancellable,
                                             GAsyncReadyCallback callback,
                                             gpointer data);
gboolean pm_server_connection_set_enabled_finish (PmServerConnection *self,
                                                  GAsyncResult *result,
                                                  GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmApplyResult, pm_apply_result_free)

G_END_DECLS
