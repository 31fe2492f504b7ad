// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

typedef enum
{
  PM_SERVICE_UNKNOWN,
  PM_SERVICE_RUNNING,
  PM_SERVICE_STARTING,
  PM_SERVICE_STOPPING,
  PM_SERVICE_STOPPED,
  PM_SERVICE_FAILED,
} PmServiceState;

/**
 * PmServiceStatus:
 * @state: how it is
 * @detail: (nullable): one sentence where there is more to say, without a full stop
 * @since: microseconds since 1970; 0 when not known
 * @enabled: whether it starts when the machine starts
 * @can_enable: whether that can be changed
 */
typedef struct
{
  PmServiceState state;
  const char *detail;
  gint64 since;
  gboolean enabled;
  gboolean can_enable;
} PmServiceStatus;

/* One line that the service logged. */
typedef struct
{
  gint64 time;    /* microseconds since 1970 */
  guint priority; /* 0 to 7 as in syslog */
  char *text;     /* UTF-8 */
} PmJournalLine;

PmJournalLine *pm_journal_line_new (gint64 time, guint priority, const char *text, gssize length);
void pm_journal_line_free (PmJournalLine *line);

/**
 * PmServiceBackend:
 *
 * What starts and stops the mail service and knows how it is. One operation at a time; everything
 * happens in the main context. Emits `changed` when the status has. An operation that is cancelled
 * ends with %G_IO_ERROR_CANCELLED and may leave the service on its way.
 */
#define PM_TYPE_SERVICE_BACKEND (pm_service_backend_get_type ())
G_DECLARE_INTERFACE (PmServiceBackend, pm_service_backend, PM, SERVICE_BACKEND, GObject)

struct _PmServiceBackendInterface
{
  GTypeInterface parent;

  const char *kind; /* "systemd" or "child" */

  void (*get_status) (PmServiceBackend *self, PmServiceStatus *status);
  void (*run_async) (PmServiceBackend *self,
                     PmServiceVerb verb,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer data);
  void (*set_enabled_async) (PmServiceBackend *self,
                             gboolean enabled,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data);
  void (*read_journal_async) (PmServiceBackend *self,
                              guint count,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data);
};

const char *pm_service_state_to_string (PmServiceState state);

const char *pm_service_backend_get_kind (PmServiceBackend *self);
void pm_service_backend_get_status (PmServiceBackend *self, PmServiceStatus *status);
void pm_service_backend_changed (PmServiceBackend *self);

void pm_service_backend_run_async (PmServiceBackend *self,
                                   PmServiceVerb verb,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data);
gboolean pm_service_backend_run_finish (PmServiceBackend *self,
                                        GAsyncResult *result,
                                        GError **error);
void pm_service_backend_set_enabled_async (PmServiceBackend *self,
                                           gboolean enabled,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer data);
gboolean pm_service_backend_set_enabled_finish (PmServiceBackend *self,
                                                GAsyncResult *result,
                                                GError **error);
void pm_service_backend_read_journal_async (PmServiceBackend *self,
                                            guint count,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer data);
GPtrArray *pm_service_backend_read_journal_finish (PmServiceBackend *self,
                                                   GAsyncResult *result,
                                                   GError **error);

char *pm_service_exit_to_words (gboolean signalled, int status);
char *pm_service_find_reason (const PmJournalLine *line);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmJournalLine, pm_journal_line_free)

G_END_DECLS
