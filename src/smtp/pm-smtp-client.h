// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-buffer.h"
#include "base/pm-dsn.h"
#include "base/pm-mail-address.h"
#include "smtp/pm-smtp-outcome.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmSmtpClient:
 *
 * The client's side of one SMTP or LMTP connection, without a socket. Bytes that arrived go in by
 * pm_smtp_client_feed(); bytes to send are taken out of pm_smtp_client_get_output(), followed by
 * pm_smtp_client_advance(), which refills it. One message after the other.
 *
 * One thread at a time. The handler must not free the client from inside a callback.
 */
typedef struct _PmSmtpClient PmSmtpClient;

typedef enum
{
  PM_SMTP_CLIENT_GREETING, /* waits for the banner */
  PM_SMTP_CLIENT_EHLO,     /* or LHLO */
  PM_SMTP_CLIENT_HELO,     /* EHLO was refused with 5yz */
  PM_SMTP_CLIENT_STARTTLS, /* waits for the reply to STARTTLS */
  PM_SMTP_CLIENT_TLS,      /* the owner shakes hands; see pm_smtp_client_secured() */
  PM_SMTP_CLIENT_AUTH,
  PM_SMTP_CLIENT_READY,    /* waits for a message */
  PM_SMTP_CLIENT_ENVELOPE, /* MAIL and RCPT are out, and with PIPELINING DATA too */
  PM_SMTP_CLIENT_DATA,     /* waits for 354 */
  PM_SMTP_CLIENT_BODY,     /* sends the message */
  PM_SMTP_CLIENT_DOT,      /* waits for the reply to the message; with LMTP one per recipient */
  PM_SMTP_CLIENT_QUIT,
  PM_SMTP_CLIENT_CLOSED, /* send what is in the output, then close */
} PmSmtpClientState;

/**
 * PmSmtpExtensions:
 *
 * What the peer offered in its EHLO reply; after TLS began, what it said since.
 */
typedef enum
{
  PM_SMTP_EXTENSION_PIPELINING = 1 << 0,
  PM_SMTP_EXTENSION_SIZE = 1 << 1,
  PM_SMTP_EXTENSION_8BITMIME = 1 << 2,
  PM_SMTP_EXTENSION_ENHANCEDSTATUSCODES = 1 << 3,
  PM_SMTP_EXTENSION_SMTPUTF8 = 1 << 4,
  PM_SMTP_EXTENSION_DSN = 1 << 5,
  PM_SMTP_EXTENSION_STARTTLS = 1 << 6,
  PM_SMTP_EXTENSION_AUTH = 1 << 7,
  PM_SMTP_EXTENSION_REQUIRETLS = 1 << 8,
  PM_SMTP_EXTENSION_MT_PRIORITY = 1 << 9,
  PM_SMTP_EXTENSION_LIMITS = 1 << 10,
} PmSmtpExtensions;

typedef enum
{
  PM_SMTP_PROTOCOL_SMTP,
  PM_SMTP_PROTOCOL_LMTP, /* RFC 2033 */
} PmSmtpProtocol;

/**
 * PmSmtpClientTls:
 * @PM_SMTP_CLIENT_TLS_NONE: STARTTLS is not said
 * @PM_SMTP_CLIENT_TLS_IF_OFFERED: it is said where it is offered; refused, the mail goes in clear
 * @PM_SMTP_CLIENT_TLS_REQUIRED: without it nothing is sent: not offered or refused, the session
 *   ends with 451 4.7.10 in %PM_SMTP_PHASE_TLS
 */
typedef enum
{
  PM_SMTP_CLIENT_TLS_NONE,
  PM_SMTP_CLIENT_TLS_IF_OFFERED,
  PM_SMTP_CLIENT_TLS_REQUIRED,
} PmSmtpClientTls;

/**
 * PmSmtpClientConfig:
 * @hello: our host name for EHLO
 * @protocol: which of the two
 * @want_tls: whether STARTTLS is said
 * @secured: TLS was there before the first byte
 * @login: we must log in before a message goes: needs @auth_choose and @auth_step. Where that does
 *   not work the session ends with 454 4.7.8 in %PM_SMTP_PHASE_AUTH
 * @login_in_clear: also without TLS, as on a loopback connection
 * @trace: whether @trace is called; without, no line is made for it
 *
 * How to speak to a peer. Copied.
 */
typedef struct
{
  const char *hello;
  PmSmtpProtocol protocol;
  PmSmtpClientTls want_tls;
  gboolean secured;
  gboolean login;
  gboolean login_in_clear;
  gboolean trace;
} PmSmtpClientConfig;

/**
 * PmSmtpClientRecipient:
 * @address: who
 * @notify: which reports the sender asked for; said where the peer offers DSN
 * @orcpt: (nullable): the original recipient, `type;address` decoded; "" is none
 */
typedef struct
{
  const PmMailAddress *address;
  PmDsnNotify notify;
  const char *orcpt;
} PmSmtpClientRecipient;

/**
 * PmSmtpClientMessage:
 * @sender: (nullable): %NULL is the null sender
 * @recipients: (array length=n_recipients): at least one
 * @size: bytes of the message as its source gives them; 0 when unknown. More than the peer's SIZE:
 *   552 5.3.4
 * @eight_bit: whether it has bytes over 127. Where the peer lacks 8BITMIME: 554 5.6.3
 * @utf8: whether it came with SMTPUTF8. Where the peer lacks that and an address or the message
 *   needs it: 553 5.6.7
 * @require_tls: whether it came with REQUIRETLS. Where the peer lacks that, or TLS is not on:
 *   550 5.7.30
 * @priority: MT-PRIORITY, -9 to 9; passed on where it is offered
 * @ret: what a report returns; passed on where DSN is offered
 * @envid: (nullable): the sender's name for the message, decoded; "" is none
 *
 * A message to send. Copied; addresses are referenced. What stands against it before anything of it
 * was said comes as a local reply in %PM_SMTP_PHASE_MAIL, and the connection can go on.
 */
typedef struct
{
  const PmMailAddress *sender;
  const PmSmtpClientRecipient *recipients;
  guint n_recipients;
  guint64 size;
  gboolean eight_bit;
  gboolean utf8;
  gboolean require_tls;
  int priority;
  PmDsnRet ret;
  const char *envid;
} PmSmtpClientMessage;

/**
 * PmSmtpClientResult:
 * @index: of the recipient
 * @phase: how far it had come
 * @reply: what was said; feed both to pm_smtp_outcome()
 * @relayed: the peer has it and knows no DSN: a report that the sender asked for on success is ours
 *   to make, "relayed" (RFC 3461 5.2.2)
 * @again: the peer takes no more recipients in this transaction (RFC 9422, RFC 5321 4.5.3.1.10);
 *   sent once more, to these recipients alone, the message may go through now. One that goes
 *   without this is deferred by @reply
 */
typedef struct
{
  guint index;
  PmSmtpPhase phase;
  const PmSmtpReply *reply;
  gboolean relayed;
  gboolean again;
} PmSmtpClientResult;

/**
 * PmSmtpClientHandler:
 * @pull: gives the next bytes of the message, lines ending in CRLF, no dot-stuffing; returns how
 *   many were written to @bytes, 0 at the end, -1 when the message cannot be read
 * @result: what became of a recipient: called exactly once for each, before @finished
 * @finished: the message at hand is done with; @reusable: the next one may follow on this
 *   connection (by pm_smtp_client_send(), also from inside this callback). If not, it is closed, or
 *   the peer takes no more messages (RFC 9422 MAILMAX) and QUIT follows
 * @ready: (nullable): the peer was greeted and no message was waiting
 * @closed: (nullable): the session is over (QUIT was answered, or it broke); @reply says why when
 *   no message was there to say it of, else %NULL
 * @starttls: (nullable): the peer has said 220 to STARTTLS, and nothing after it: shake hands, then
 *   pm_smtp_client_secured(); what does not come to that ends in pm_smtp_client_lost(). Needed with
 *   @want_tls
 * @auth_choose: (nullable): which of @mechanisms (space separated, upper case) to log in by:
 *   (transfer full) (nullable), one of them; @initial (out) (transfer full) (nullable): the initial
 *   response, empty bytes for an empty one
 * @auth_step: (nullable): the answer to a challenge: (transfer full); %NULL gives up
 * @auth_done: (nullable): the peer says that we are logged in; %FALSE when the mechanism does not
 *   believe it (a server that did not prove itself)
 * @unsent: (nullable): how many of the bytes taken out of the output have not left this host. A
 *   reply to a command that is among them is not believed
 * @trace: (nullable): a line for people that was said by us (@sent) or by the peer; never a part of
 *   a message, nor of a login
 */
typedef struct
{
  gssize (*pull) (PmSmtpClient *client, guint8 *bytes, gsize size, gpointer user_data);
  void (*result) (PmSmtpClient *client, const PmSmtpClientResult *result, gpointer user_data);
  void (*finished) (PmSmtpClient *client, gboolean reusable, gpointer user_data);
  void (*ready) (PmSmtpClient *client, gpointer user_data);
  void (*closed) (PmSmtpClient *client, const PmSmtpReply *reply, gpointer user_data);
  void (*starttls) (PmSmtpClient *client, gpointer user_data);
  char *(*auth_choose) (PmSmtpClient *client,
                        const char *mechanisms,
                        GBytes **initial,
                        gpointer user_data);
  GBytes *(*auth_step) (PmSmtpClient *client,
                        const guint8 *challenge,
                        gsize size,
                        gpointer user_data);
  gboolean (*auth_done) (PmSmtpClient *client, gpointer user_data);
  gsize (*unsent) (PmSmtpClient *client, gpointer user_data);
  void (*trace) (PmSmtpClient *client, gboolean sent, const char *line, gpointer user_data);
} PmSmtpClientHandler;

/* `config` is copied; `handler` must outlive the client. */
PmSmtpClient *pm_smtp_client_new (const PmSmtpClientConfig *config,
                                  const PmSmtpClientHandler *handler,
                                  gpointer user_data);
/* No callbacks are made from here. */
void pm_smtp_client_free (PmSmtpClient *client);

/* Right after new, or when the session is ready. %FALSE when a message is at hand or it is closing.
 */
gboolean pm_smtp_client_send (PmSmtpClient *client, const PmSmtpClientMessage *message);
/* Says QUIT when nothing is under way; after it @closed follows. */
void pm_smtp_client_quit (PmSmtpClient *client);

/*
 * After @starttls: the connection is encrypted now. Forgets all that was said before and says EHLO
 * anew.
 */
void pm_smtp_client_secured (PmSmtpClient *client);

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
PmSmtpExtensions pm_smtp_client_get_extensions (PmSmtpClient *client);
const char *pm_smtp_client_state_to_string (PmSmtpClientState state);

/* How long to wait for the peer in this state, in seconds (RFC 5321 4.5.3.2). */
guint pm_smtp_client_get_patience (PmSmtpClient *client);
guint64 pm_smtp_client_get_n_replies (PmSmtpClient *client); /* whole ones, so far */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSmtpClient, pm_smtp_client_free)

G_END_DECLS
