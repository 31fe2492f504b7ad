// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PM_DEAD_HOSTS_FIRST (60 * (gint64) G_USEC_PER_SEC)
#define PM_DEAD_HOSTS_LONGEST (15 * 60 * (gint64) G_USEC_PER_SEC)
#define PM_DEAD_HOSTS_MAX 10000

/**
 * PmDeadHosts:
 *
 * Addresses that did not answer, and until when each is left alone: a minute at first, twice as
 * long after each failure that follows, a quarter of an hour at most. Times are microseconds since
 * 1970. Any thread.
 */
typedef struct _PmDeadHosts PmDeadHosts;

PmDeadHosts *pm_dead_hosts_new (void);
void pm_dead_hosts_free (PmDeadHosts *hosts);

/* `longest`: no longer than this (the site's own retry interval may be shorter than a minute). */
void pm_dead_hosts_note_failure (PmDeadHosts *hosts,
                                 GInetAddress *address,
                                 guint16 port,
                                 gint64 now,
                                 gint64 longest);
void pm_dead_hosts_note_answer (PmDeadHosts *hosts, GInetAddress *address, guint16 port);
/* Until when it is left alone; 0 when it may be tried now. */
gint64 pm_dead_hosts_get (PmDeadHosts *hosts, GInetAddress *address, guint16 port, gint64 now);
/* Somebody knows better: all may be tried. */
void pm_dead_hosts_clear (PmDeadHosts *hosts);
guint pm_dead_hosts_count (PmDeadHosts *hosts);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmDeadHosts, pm_dead_hosts_free)

G_END_DECLS
