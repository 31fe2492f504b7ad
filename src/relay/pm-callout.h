// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "dns/pm-resolver.h"
#include "net/pm-reactor.h"
#include "relay/pm-relay-settings.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmCallout:
 *
 * One question to one host: would you take mail for this recipient? No message is sent. In the
 * reactor's thread.
 */
typedef struct _PmCallout PmCallout;

typedef enum
{
  PM_CALLOUT_YES,
  PM_CALLOUT_NO,
  PM_CALLOUT_LATER,   /* the host does not say now, of this recipient */
  PM_CALLOUT_UNKNOWN, /* the host cannot be asked, whoever the recipient is */
} PmCalloutAnswer;

/**
 * PmCalloutQuestion:
 * @host: a name, an IP address, or the path of a socket
 * @port: TCP port; 0 for a socket's path
 * @lmtp: whether it speaks LMTP
 * @tls: how the connection must be secured
 * @hello: our name
 * @recipient: whom it is about
 *
 * Copied.
 */
typedef struct
{
  const char *host;
  guint16 port;
  gboolean lmtp;
  PmTls tls;
  const char *hello;
  const PmMailAddress *recipient;
} PmCalloutQuestion;

/* `reply`: what the host said, or why it could not be asked. The callout is freed after it. */
typedef void (*PmCalloutFunc) (PmCallout *callout,
                               PmCalloutAnswer answer,
                               const PmSmtpReply *reply,
                               gpointer data);

/* `func` is never called from in here. */
PmCallout *pm_callout_new (PmReactor *reactor,
                           PmResolver *resolver,
                           const PmCalloutQuestion *question,
                           PmCalloutFunc func,
                           gpointer data);
/* Answers %PM_CALLOUT_UNKNOWN at once. */
void pm_callout_abandon (PmCallout *callout);

G_END_DECLS
