// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "auth/pm-sasl-server.h"
#include "net/pm-stream.h"
#include "net/pm-tls.h"
#include "relay/pm-admission.h"
#include "relay/pm-header-section.h"
#include "relay/pm-inbound.h"
#include "relay/pm-protocol-log.h"
#include "smtp/pm-smtp-server.h"

G_BEGIN_DECLS

typedef enum
{
  PM_INBOUND_PROXY,    /* waits for what the proxy says of the client */
  PM_INBOUND_SHAKING,  /* hands are shaken for TLS */
  PM_INBOUND_SPEAKING, /* SMTP */
} PmInboundPhase;

/**
 * PmInboundRoom:
 * @announced: bytes, by SIZE=
 * @n_steps: how many MiB more, since it is larger
 *
 * What is reserved on the disk for a message that comes in.
 */
typedef struct
{
  guint64 announced;
  guint n_steps;
} PmInboundRoom;

/**
 * PmInboundTransaction:
 * @message: (nullable): %NULL between transactions
 * @room: what is set aside for it on the disk
 * @size: of the message, so far
 * @outward: all its recipients go to other hosts
 * @header: the header section, until it is written
 * @written: it is
 * @filtered: its sender is one that the filter names
 *
 * The message at hand.
 */
typedef struct
{
  PmQueueMessage *message;
  PmInboundRoom room;
  guint64 size;
  gboolean outward;
  PmHeaderSection header;
  gboolean written;
  gboolean filtered;
} PmInboundTransaction;

struct _PmInbound
{
  PmRelayWorker *worker;
  PmRelaySettings *settings; /* (owned) */
  PmListen *listen;          /* (owned) */
  PmStream *stream;          /* (owned) (nullable): NULL when it is over */
  PmSmtpServer *server;      /* (owned) */
  PmInboundPhase phase;
  guint references; /* one while it is open, one for each answer that is awaited from elsewhere */
  gboolean pumping;

  /* the client */
  GInetAddress *peer;  /* (owned) */
  GInetAddress *local; /* (owned) */
  char *peer_text;
  PmStanding standing;
  char *hello;   /* (owned) (nullable): what a proxy says that the client said */
  char *account; /* (owned) (nullable): who it has authenticated as */
  gboolean over_limit;
  gboolean counted; /* among the connections of its client */
  PmTimer pause;    /* before the greeting */

  /* time */
  GList place;      /* among the worker's sessions, those without progress for long in front */
  gint64 moved_at;  /* when the client last brought things further, monotonic */
  gint64 ceiling;   /* by when the client must have brought a message, monotonic */
  gint64 deadline;  /* for its next step; 0 while we owe an answer */
  guint64 progress; /* as of the deadline */

  PmInboundTransaction transaction;
  PmSaslServer *login; /* (owned) (nullable): the log-in under way */
  PmProtocolLog protocol;
};

/* pm-inbound.c */
void pm_inbound_ref (PmInbound *self);
void pm_inbound_unref (PmInbound *self);
void pm_inbound_pump (PmInbound *self);
PmSmtpReply *pm_inbound_log_refused (PmInbound *self,
                                     const char *what,
                                     const char *subject,
                                     PmSmtpReply *reply);
void pm_inbound_refuse (PmInbound *self,
                        const char *what,
                        const char *subject,
                        PmSmtpReply *reply);
PmRoutingClient pm_inbound_get_client (const PmInbound *self);

/* pm-inbound-client.c: who the client is */
void pm_inbound_enter (PmInbound *self);
void pm_inbound_leave (PmInbound *self);
void pm_inbound_set_peer (PmInbound *self, GInetAddress *peer, GInetAddress *local);
void pm_inbound_connected (PmSmtpServer *server, gpointer data);
void pm_inbound_xclient (PmSmtpServer *server, const PmSmtpXclient *xclient, gpointer data);
gboolean pm_inbound_may_proxy (PmInbound *self);
gboolean pm_inbound_read_proxy (PmInbound *self);

/* pm-inbound-message.c: the transaction */
void pm_inbound_mail (PmSmtpServer *server, const PmSmtpMail *mail, gpointer data);
void pm_inbound_rcpt (PmSmtpServer *server, const PmSmtpRcpt *rcpt, gpointer data);
void pm_inbound_data (PmSmtpServer *server, gpointer data);
PmSmtpReply *pm_inbound_chunk (PmSmtpServer *server,
                               const guint8 *bytes,
                               gsize size,
                               gpointer data);
void pm_inbound_end_of_data (PmSmtpServer *server, gpointer data);
void pm_inbound_reset (PmSmtpServer *server, gpointer data);
void pm_inbound_drop (PmInbound *self);

G_END_DECLS
