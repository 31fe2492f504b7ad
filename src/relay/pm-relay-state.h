// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "dns/pm-dnssec-resolver.h"
#include "relay/pm-dispatcher.h"
#include "relay/pm-relay-listeners.h"
#include "relay/pm-relay-private.h"
#include "relay/pm-statistics-server.h"

G_BEGIN_DECLS

/* The engine's insides, for pm-relay and those that are parts of it only to be read apart. */
struct _PmRelay
{
  GObject parent_instance;

  char *config;
  char *server;
  char *state_dir;
  guint16 mx_port;
  PmResolver *resolver;     /* (owned) */
  PmDnssecResolver *dnssec; /* (owned) (nullable): what is behind it */
  PmOutboundTls *tls;       /* (owned) */
  PmClock *clock;           /* (owned) */
  GMainContext *context;    /* (owned): the main thread's */
  int lock_fd;

  PmQueue *queue;           /* (owned) */
  PmDispatcher *dispatcher; /* (owned) */
  PmLimiter *limiter;       /* (owned) */
  PmDeadHosts *dead_hosts;  /* (owned) */
  PmClientCensus *census;   /* (owned) */
  PmTracking *tracking;     /* (owned) (nullable) */
  PmRecipientCheck *check;  /* (owned) */
  PmReportLimit *reports;   /* (owned) */
  PmMaildir *maildir;       /* (owned) */

  GPtrArray *workers; /* (element-type PmRelayWorker) */
  guint next_worker;
  PmRelayListeners *listeners;    /* (owned) */
  PmStatisticsServer *statistics; /* (owned) (nullable) */
  gint64 started_at;
  gboolean running;
  int stopping; /* atomic */
  gboolean stopped;
  GSource *grace; /* (owned) (nullable): how long closing down may take */

  GMutex settings_lock;
  PmRelaySettings *settings; /* (owned): guarded by settings_lock */

  GMutex events_lock;
  GArray *events; /* (element-type Event): guarded by events_lock */

  guint64 counters[PM_N_COUNTERS]; /* atomic */
  int changed;                     /* atomic: the main thread knows that the queue has changed */
  gint64 signalled_at;
  GSource *signal_timer; /* (owned) (nullable) */
  GSource *reminder;     /* (owned) (nullable) */
};

/* @settings: (transfer full) */
gboolean pm_relay_put_in_force (PmRelay *relay, PmRelaySettings *settings, GError **error);
void pm_relay_log_dane (PmRelay *relay);
/* Of a timer: mail that the transfer mode holds is said again. */
gboolean pm_relay_remind_cb (gpointer relay);

G_END_DECLS
