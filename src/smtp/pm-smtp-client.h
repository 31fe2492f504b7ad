// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-buffer.h"
#include "base/pm-mail-address.h"
#include "smtp/pm-smtp-outcome.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmSmtpClient:
 *
 * The client's side of one SMTP connection, without a socket. Bytes that arrived go in by
 * pm_smtp_client_feed(); bytes to send are taken out of pm_smtp_client_get_output(), followed by
 * pm_smtp_client_advance(), which refills it. One message after the other.
 *
 * One thread at a time. The handler must not free the client from inside a callback.
 */
typedef struct _PmSmtpClient PmSmtpClient;

typedef enum
{
  PM_SMTP_CLIENT_GREETING, /* waits for the banner */
  PM_SMTP_CLIENT_EHLO,
  PM_SMTP_CLIENT_HELO,     /* EHLO was refused with 5yz */
  PM_SMTP_CLIENT_READY,    /* waits for a message */
  PM_SMTP_CLIENT_ENVELOPE, /* MAIL and RCPT are out, and with PIPELINING DATA too */
  PM_SMTP_CLIENT_DATA,     /* waits for 354 */
  PM_SMTP_CLIENT_BODY,     /* sends the message */
  PM_SMTP_CLIENT_DOT,      /* waits for the reply to the message */
  PM_SMTP_CLIENT_RESET,    /* RSET is out, after a message without a recipient left */
  PM_SMTP_CLIENT_QUIT,
  PM_SMTP_CLIENT_CLOSED, /* send what is in the output, then close */
} PmSmtpClientState;

/**
 * PmSmtpExtensions:
 *
 * What the peer offered in its EHLO reply.
 */
typedef enum
{
  PM_SMTP_EXTENSION_PIPELINING = 1 << 0,
  PM_SMTP_EXTENSION_SIZE = 1 << 1,
  PM_SMTP_EXTENSION_8BITMIME = 1 << 2,
  PM_SMTP_EXTENSION_ENHANCEDSTATUSCODES = 1 << 3,
} PmSmtpExtensions;

/**
 * PmSmtpClientMessage:
 * @sender: (nullable): %NULL is the null sender
 * @recipients: (array length=n_recipients): at least one
 * @size: bytes of the message as its source gives them; 0 when unknown
 * @eight_bit: whether it has bytes over 127. Where the peer lacks 8BITMIME every recipient then
 * gets the local reply 554 5.6.3 in %PM_SMTP_PHASE_MAIL, and the connection can go on
 *
 * A message to send. Copied; addresses are referenced.
 */
typedef struct
{
  const PmMailAddress *sender;
  const PmMailAddress *const *recipients;
  guint n_recipients;
  guint64 size;
  gboolean eight_bit;
} PmSmtpClientMessage;

/**
 * PmSmtpClientHandler:
 * @pull: gives the next bytes of the message, lines ending in CRLF, no dot-stuffing; returns how
 * many were written to @bytes, 0 at the end, -1 when the message cannot be read
 * @result: what became of recipient @index: called exactly once for each, before @finished. Feed it
 * to pm_smtp_outcome()
 * @finished: the message at hand is done with; @reusable: the next one may follow on this
 * connection (by pm_smtp_client_send(), also from inside this callback)
 * @ready: (nullable): the peer was greeted and no message was waiting
 * @closed: (nullable): the session is over (QUIT was answered, or it broke); @reply says why when
 * no message was there to say it of, else %NULL
 * @trace: (nullable): a line for people that was said by us (@sent) or by the peer; never a part of
 * a message
 */
typedef struct
{
  gssize (*pull) (PmSmtpClient *client, guint8 *bytes, gsize size, gpointer user_data);
  void (*result) (PmSmtpClient *client,
                  guint index,
                  PmSmtpPhase phase,
                  const PmSmtpReply *reply,
                  gpointer user_data);
  void (*finished) (PmSmtpClient *client, gboolean reusable, gpointer user_data);
  void (*ready) (PmSmtpClient *client, gpointer user_data);
  void (*closed) (PmSmtpClient *client, const PmSmtpReply *reply, gpointer user_data);
  void (*trace) (PmSmtpClient *client, gboolean sent, const char *line, gpointer user_data);
} PmSmtpClientHandler;

/* `hello` is our host name for EHLO. `handler` must outlive it. */
PmSmtpClient *pm_smtp_client_new (const char *hello,
                                  const PmSmtpClientHandler *handler,
                                  gpointer user_data);
/* No callbacks are made from here. */
void pm_smtp_client_free (PmSmtpClient *client);

/* Right after new, or when the session is ready. %FALSE when a message is at hand or it is closing.
 */
gboolean pm_smtp_client_send (PmSmtpClient *client, const PmSmtpClientMessage *message);
/* Says QUIT when nothing is under way; after it @closed follows. */
void pm_smtp_client_quit (PmSmtpClient *client);

/* Bytes that arrived; all of them are taken. */
void pm_smtp_client_feed (PmSmtpClient *client, gconstpointer bytes, gsize size);
PmBuffer *pm_smtp_client_get_output (PmSmtpClient *client);
void pm_smtp_client_advance (PmSmtpClient *client);

/*
 * The connection is gone or its time is up; `reply` (transfer none) (nullable) is the local reply
 * that recipients without a result get (%NULL: 421 4.4.2 connection lost).
 */
void pm_smtp_client_lost (PmSmtpClient *client, const PmSmtpReply *reply);

PmSmtpClientState pm_smtp_client_get_state (PmSmtpClient *client);
PmSmtpPhase pm_smtp_client_get_phase (PmSmtpClient *client);
const char *pm_smtp_client_state_to_string (PmSmtpClientState state);

/* How long to wait for the peer in this state, in seconds (RFC 5321 4.5.3.2). */
guint pm_smtp_client_get_patience (PmSmtpClient *client);
guint64 pm_smtp_client_get_n_replies (PmSmtpClient *client); /* whole ones, so far */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSmtpClient, pm_smtp_client_free)

G_END_DECLS
