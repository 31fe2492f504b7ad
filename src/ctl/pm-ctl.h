// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <json-glib/json-glib.h>

#include "pm-manager-generated.h"
#include "pm-relay-generated.h"

G_BEGIN_DECLS

/* What pointsmanctl ends with; a contract that scripts rely on. */
typedef enum
{
  PM_EXIT_DONE,
  PM_EXIT_FAILED,      /* refused or failed, with the reason on standard error */
  PM_EXIT_USAGE,       /* not a command */
  PM_EXIT_UNREACHABLE, /* the service cannot be reached */
} PmExit;

typedef struct _PmCtl PmCtl;

/**
 * PmCommand:
 * @group: first word, as `route`
 * @verb: (nullable): second word, as `list`
 * @arguments: how its arguments are called in the help
 * @min_arguments: how many it needs at least
 * @max_arguments: how many it takes at most, -1 for any number
 * @on_file: whether it works on a file alone, named with --config
 * @summary: one sentence
 * @run: does it; @argv begins with the last word of the command
 */
typedef struct
{
  const char *group;
  const char *verb;
  const char *arguments;
  int min_arguments;
  int max_arguments;
  gboolean on_file;
  const char *summary;
  PmExit (*run) (PmCtl *ctl, int argc, char **argv);
} PmCommand;

/* One run of the program: the options that all commands share, and the bus where it is needed. */
struct _PmCtl
{
  const PmCommand *command;
  gboolean session;
  gboolean json;
  char *config; /* (nullable) */
  char *server; /* (nullable) */
  PmBusManager *manager;
  PmBusRelay *relay;
  gboolean relay_silent; /* the mail service runs, and did not answer */
};

gboolean pm_ctl_parse (PmCtl *ctl, const GOptionEntry *entries, int *argc, char ***argv);
PmExit pm_ctl_usage (PmCtl *ctl, const char *format, ...) G_GNUC_PRINTF (2, 3);
PmExit pm_ctl_fail (const GError *error);
void pm_ctl_say (const char *format, ...) G_GNUC_PRINTF (1, 2);
void pm_ctl_warn (const char *format, ...) G_GNUC_PRINTF (1, 2);
void pm_ctl_print_json (JsonBuilder *builder);
void pm_ctl_set_string (JsonBuilder *builder, const char *member, const char *text);
void pm_ctl_set_time (JsonBuilder *builder, const char *member, gint64 microseconds);
char *pm_ctl_format_time (gint64 microseconds);

PmBusManager *pm_ctl_get_manager (PmCtl *ctl, GError **error);
PmBusRelay *pm_ctl_get_relay (PmCtl *ctl, GError **error);
GVariant *pm_ctl_call_with_files (PmBusRelay *relay,
                                  const char *method,
                                  GVariant *arguments,
                                  GUnixFDList **files,
                                  GError **error);
GVariant *pm_ctl_call (gpointer proxy, const char *method, GVariant *arguments, GError **error);

PmExit pm_ctl_route_list (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_route_test (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_route_add (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_route_edit (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_route_remove (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_domain_add (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_check (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_service_status (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_service_change (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_site_validate (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_site_diff (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_site_history (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_site_revert (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_site_import (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_site_export (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_status (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_account_list (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_account_add (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_account_remove (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_account_password (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_queue_list (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_queue_show (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_queue_retry (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_queue_delete (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_queue_summary (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_queue_hold (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_queue_redirect (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_queue_priority (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_queue_export (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_tracking_list (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_tracking_show (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_statistics (PmCtl *ctl, int argc, char **argv);
PmExit pm_ctl_policy (PmCtl *ctl, int argc, char **argv);

G_END_DECLS
