// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The command line of pointsman-managerd; NULL where not given. */
typedef struct
{
  gboolean session;
  char *config;
  char *state_dir;
  char *relayd;
  char *backend;
  char *server;
  int idle_timeout; /* seconds; 0: never */
} PmDaemonOptions;

/**
 * PmDaemon:
 *
 * The running manager: bus, backend, object, name and the end of it all. pm_daemon_run() returns
 * the process's exit status.
 */
#define PM_TYPE_DAEMON (pm_daemon_get_type ())
G_DECLARE_FINAL_TYPE (PmDaemon, pm_daemon, PM, DAEMON, GObject)

PmDaemon *pm_daemon_new (const PmDaemonOptions *options);
int pm_daemon_run (PmDaemon *self);

G_END_DECLS
