// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmTrackingEvent:
 * @id: of the row: rows are in the order of their ids, and so of their times; 0 before it is kept
 * @time: microseconds since 1970
 * @event: its name, as the log has it
 * @message: the queue's number of the message; 0 for none
 * @sender: (nullable): "" for the null sender
 * @recipient: (nullable)
 * @original: (nullable): the recipient as the client gave it, where that differs
 * @relay: (nullable): the other host
 * @reply: (nullable): what was said
 * @client: (nullable)
 * @user: (nullable)
 * @tls: (nullable)
 * @what: (nullable)
 * @delay: microseconds since the message was accepted; -1 for not known
 * @size: of the message; 0 for not known
 * @recipients: how many; 0 for not known
 * @other: the number of another message: a report; 0 for none
 *
 * What happened to a message, once. One that was read is freed by g_free(), its strings with it.
 */
typedef struct
{
  gint64 id;
  gint64 time;
  const char *event;
  guint64 message;
  const char *sender;
  const char *recipient;
  const char *original;
  const char *relay;
  const char *reply;
  const char *client;
  const char *user;
  const char *tls;
  const char *what;
  gint64 delay;
  guint64 size;
  guint recipients;
  guint64 other;
} PmTrackingEvent;

/**
 * PmTrackingFilter:
 * @message: 0 for any
 * @sender: (nullable): whole address, whatever its case; "" is the null sender
 * @recipient: (nullable): whole address, whatever its case, as delivered or as the client gave it
 * @domain: (nullable): of the sender or the recipient, normalized
 * @event: (nullable): its name
 * @since: microseconds since 1970; 0 for no bound
 * @until: the first moment that is too late; 0 for no bound
 *
 * Which events; all that is set must hold.
 */
typedef struct
{
  guint64 message;
  const char *sender;
  const char *recipient;
  const char *domain;
  const char *event;
  gint64 since;
  gint64 until;
} PmTrackingFilter;

#define PM_TRACKING_MAX_PAGE 1001 /* a page of the bus, and whether there is another */

/**
 * PmTracking:
 *
 * Message tracking: what happened to messages, in `tracking.db` (SQLite) of a folder. It is not the
 * mail: events wait in a bounded line for one writer thread, which adds many in one transaction;
 * those that find the line full, or a disk that is nearly full, are dropped and counted. A file
 * that is damaged is set aside and a new one begun. Any thread.
 */
typedef struct _PmTracking PmTracking;

PmTracking *pm_tracking_new (const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_tracking_free (PmTracking *tracking);
void pm_tracking_set_keep (PmTracking *tracking, gint64 keep);
void pm_tracking_add (PmTracking *tracking, const PmTrackingEvent *event);
void pm_tracking_flush (PmTracking *tracking);
guint64 pm_tracking_get_dropped (PmTracking *tracking);

GPtrArray *pm_tracking_query (PmTracking *tracking,
                              const PmTrackingFilter *filter,
                              gint64 before,
                              guint limit,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *pm_tracking_history (PmTracking *tracking,
                                guint64 message,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTracking, pm_tracking_free)

G_END_DECLS
