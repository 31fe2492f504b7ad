// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-reach.h"
#include "relay/pm-relay-private.h"
#include "relay/pm-session-login.h"
#include "smtp/pm-smtp-client.h"

G_BEGIN_DECLS

/**
 * PmSession:
 *
 * One connection to another host, with one message after the other on it. In its worker's thread;
 * it may be freed anywhere there but in @result.
 */
typedef struct _PmSession PmSession;

typedef enum
{
  PM_SESSION_REUSABLE, /* the message is done with, and another one may follow */
  PM_SESSION_SPENT,    /* the message is done with; quit it */
  PM_SESSION_LOST,     /* the connection is gone, or the host wants no more; free it */
} PmSessionEnd;

/**
 * PmSessionHandler:
 * @result: what became of a recipient of the message at hand; once for each
 * @over: the message at hand is over; @reply (nullable) is why the session is lost, where no
 *   recipient was told
 *
 * Neither is called from inside pm_session_send(). While no message is at hand only @over is
 * called, when the session is lost.
 */
typedef struct
{
  void (*result) (PmSession *session, const PmSmtpClientResult *result, gpointer data);
  void (*over) (PmSession *session, PmSessionEnd end, const PmSmtpReply *reply, gpointer data);
} PmSessionHandler;

/**
 * PmSessionWay:
 * @reached: the connection; its @fd is the session's
 * @protocol: which is spoken
 * @in_clear: TLS has failed before, and may be done without
 * @login: (nullable) (transfer full): as whom to log in
 */
typedef struct
{
  const PmReached *reached;
  PmSmtpProtocol protocol;
  gboolean in_clear;
  PmSessionLogin *login;
} PmSessionWay;

PmSession *pm_session_new (PmRelayWorker *worker,
                           const PmRelaySettings *settings,
                           const PmSessionWay *way);
/* Closes the connection without a word. */
void pm_session_free (PmSession *session);
/* Says QUIT and frees it; the rest goes on in the background. */
void pm_session_quit (PmSession *session);

void pm_session_set_handler (PmSession *session, const PmSessionHandler *handler, gpointer data);
void pm_session_send (PmSession *session, const PmSmtpClientMessage *message, GBytes *body);
/* The message at hand ends with this reply; @over follows. */
void pm_session_abandon (PmSession *session, const PmSmtpReply *reply);

const PmRelaySettings *pm_session_get_settings (PmSession *session); /* it was made with */
const char *pm_session_get_peer (PmSession *session);
const char *pm_session_get_host (PmSession *session); /* (nullable): its name alone */
guint pm_session_get_n_messages (PmSession *session); /* begun */
gint64 pm_session_get_age (PmSession *session);       /* microseconds */
gboolean pm_session_is_by_site (PmSession *session);  /* nobody else says how it is secured */
const char *pm_session_get_tls (PmSession *session);  /* (nullable): how it is secured */
/* Whether it was lost since TLS did not come about, which may be done without. */
gboolean pm_session_may_do_without_tls (PmSession *session);
gboolean pm_session_timed_out (PmSession *session); /* lost since the host said nothing */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSession, pm_session_free)

G_END_DECLS
