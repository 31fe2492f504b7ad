// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "manager/pm-apply.h"
#include "manager/pm-manager.h"
#include "pm-manager-generated.h"

G_BEGIN_DECLS

struct _PmManager
{
  GObject parent;

  PmBusManager *skeleton;    /* (owned) */
  PmSiteKeeper *keeper;      /* (owned) */
  PmServiceBackend *backend; /* (owned) */
  PmRelayLink *link;         /* (owned) */
  PmAuthority *authority;    /* (owned) */
  GDBusConnection *bus;      /* (owned) (nullable) */

  GHashTable *clients; /* (owned) (element-type utf8 Client): by unique name */
  guint calls;
  gboolean changing;
};

typedef struct _PmCall PmCall;

typedef struct
{
  const char *name;
  const char *actions[3];
  gboolean changes;
  void (*run) (PmCall *call);
} PmMethod;

/* From a method's call to its reply. */
struct _PmCall
{
  PmManager *manager;                /* (owned) */
  GDBusMethodInvocation *invocation; /* (owned): beside the reference that the reply consumes */
  const PmMethod *method;
  guint n_authorized;
  guint who;
  gboolean holds_change;
  GError *failure; /* (owned) (nullable): while the log is read */

  /* while the service's word is waited for */
  PmServiceVerb verb;
  gulong link_id;
  gulong keeper_id;
  guint word_source;
};

/* Each ends the call. */
void pm_call_reply (PmCall *call, GVariant *value);
void pm_call_fail (PmCall *call, GError *error);

void pm_call_get_arguments (PmCall *call, const char *format, ...);

/* The methods: pm-manager-site.c */
void pm_call_read_site (PmCall *call);
void pm_call_check_site (PmCall *call);
void pm_call_write_site (PmCall *call);
void pm_call_apply (PmCall *call);
void pm_call_history (PmCall *call);
void pm_call_read_revision (PmCall *call);
void pm_manager_log_outcome (const PmApplyResult *outcome);

/* pm-manager-service.c */
void pm_call_start_service (PmCall *call);
void pm_call_stop_service (PmCall *call);
void pm_call_restart_service (PmCall *call);
void pm_call_reload_service (PmCall *call);
void pm_call_set_service_enabled (PmCall *call);
void pm_call_journal (PmCall *call);

G_END_DECLS
