// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-buffer.h"
#include "base/pm-dsn.h"
#include "base/pm-mail-address.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmSmtpServer:
 *
 * The server's side of one SMTP connection, without a socket. Bytes that arrived go in by
 * pm_smtp_server_feed(); bytes to send are taken out of pm_smtp_server_get_output(), followed by
 * pm_smtp_server_advance(); the handler is asked whatever needs an answer.
 *
 * The handler answers every question exactly once by pm_smtp_server_continue() (@auth and
 * @auth_response also by pm_smtp_server_challenge()), in the callback or later; until then the
 * session processes nothing. A `NULL` answer is the ordinary positive one.
 *
 * One thread at a time. The handler must not free the server from inside a callback.
 */
typedef struct _PmSmtpServer PmSmtpServer;

typedef enum
{
  PM_SMTP_SERVER_GREETING, /* the handler decides about the connection; the client must wait */
  PM_SMTP_SERVER_FRESH,    /* greeted; no EHLO or HELO yet */
  PM_SMTP_SERVER_READY,    /* between transactions */
  PM_SMTP_SERVER_MAIL,     /* a sender, no recipient yet */
  PM_SMTP_SERVER_RCPT,     /* a sender and at least one recipient */
  PM_SMTP_SERVER_DATA,     /* the message is arriving */
  PM_SMTP_SERVER_CHUNK,    /* the octets of a BDAT are arriving, or are being swallowed */
  PM_SMTP_SERVER_CHUNKS,   /* between two BDAT of one message */
  PM_SMTP_SERVER_COMMIT,   /* the message is whole and the handler is asked whether it is safe */
  PM_SMTP_SERVER_AUTH,     /* the client owes the answer to a challenge */
  PM_SMTP_SERVER_TLS,      /* 220 to STARTTLS is said: send the output, then shake hands */
  PM_SMTP_SERVER_CLOSED,   /* send what is in the output, then close; input is ignored */
} PmSmtpServerState;

typedef enum
{
  PM_SMTP_BODY_7BIT,
  PM_SMTP_BODY_8BITMIME,
} PmSmtpBody;

/**
 * PmSmtpServerConfig:
 * @host: the name in the banner and in the EHLO reply
 * @max_size: the largest message, in bytes as on the wire without dot-stuffing; 0 is no limit
 * @max_recipients: per message; over it 452 4.5.3 (RFC 5321 4.5.3.1.10)
 * @max_messages: per connection; over it 421; 0 is no limit
 * @max_errors: refused commands per connection, refused recipients included; over it 421
 * @max_idle_commands: NOOP, RSET, VRFY, EXPN, HELP, EHLO and the like since the last message; over
 *   it 421
 * @starttls: STARTTLS is offered (RFC 3207), until the session is secured
 * @secured: the connection has had TLS from its first byte
 * @mechanisms: (nullable): the SASL mechanisms, in upper case and separated by blanks; AUTH (RFC
 *   4954) is offered and taken only when the session is secured
 * @etrn: ETRN is offered (RFC 1985)
 * @xclient: this client may say by XCLIENT for whom it speaks
 * @requiretls: REQUIRETLS is offered (RFC 8689), when the session is secured
 * @mt_priority: MT-PRIORITY is offered (RFC 6710)
 *
 * Settings of a session, copied when it is made. A zero in the last two and in @max_recipients
 * stands for the default (20, 100, 1000).
 */
typedef struct
{
  const char *host;
  guint64 max_size;
  guint max_recipients;
  guint max_messages;
  guint max_errors;
  guint max_idle_commands;
  gboolean starttls;
  gboolean secured;
  const char *mechanisms;
  gboolean etrn;
  gboolean xclient;
  gboolean requiretls;
  gboolean mt_priority;
} PmSmtpServerConfig;

/**
 * PmSmtpMail:
 * @sender: (nullable): %NULL is the null sender `<>`
 * @size: what SIZE= declared, 0 when it did not
 * @body: what BODY= declared
 * @utf8: SMTPUTF8 stood there (RFC 6531)
 * @require_tls: REQUIRETLS stood there (RFC 8689)
 * @priority: what MT-PRIORITY= asked, -9 to 9, 0 when it did not (RFC 6710)
 * @ret: what RET= asked (RFC 3461 4.3)
 * @envid: (nullable): what ENVID= said, decoded: printable ASCII, 1 to 100 of it (RFC 3461 4.4)
 * @auth: (nullable): what AUTH= said, decoded: a mailbox, or "" for `<>` (RFC 4954 5)
 *
 * A MAIL command. Extensions add members.
 */
typedef struct
{
  const PmMailAddress *sender;
  guint64 size;
  PmSmtpBody body;
  gboolean utf8;
  gboolean require_tls;
  int priority;
  PmDsnRet ret;
  const char *envid;
  const char *auth;
} PmSmtpMail;

/**
 * PmSmtpRcpt:
 * @recipient: the mailbox; `<postmaster>` without a domain is `postmaster` at the config's host
 * @notify: what NOTIFY= asked (RFC 3461 4.1)
 * @orcpt: (nullable): what ORCPT= said, `type;address`, decoded: UTF-8 without controls, at most
 *   500 bytes (RFC 3461 4.2, RFC 6533 3); only of type `utf-8` is it not ASCII
 *
 * A RCPT command.
 */
typedef struct
{
  const PmMailAddress *recipient;
  PmDsnNotify notify;
  const char *orcpt;
} PmSmtpRcpt;

/**
 * PmSmtpXclient:
 * @name: (nullable): NAME, the client's host name; "" is "it has none"
 * @address: (nullable): ADDR
 * @port: PORT; 0 when not given
 * @protocol: (nullable): PROTO, `SMTP` or `ESMTP`
 * @hello: (nullable): HELO; "" is "it said none"
 * @login: (nullable): LOGIN, the user it has authenticated as; "" is "nobody"
 * @destination: (nullable): DESTADDR
 * @destination_port: DESTPORT; 0 when not given
 *
 * What a proxy says of the client it speaks for. What it did not mention, or called unavailable
 * where "" would mean nothing, is %NULL or 0.
 */
typedef struct
{
  const char *name;
  GInetAddress *address;
  guint16 port;
  const char *protocol;
  const char *hello;
  const char *login;
  GInetAddress *destination;
  guint16 destination_port;
} PmSmtpXclient;

/**
 * PmSmtpServerHandler:
 * @connected: (nullable) asked: may this client talk to us? `NULL` greets with 220; a 4xx or 5xx
 *   reply is sent instead of the banner and the session is over
 * @hello: (nullable) asked: EHLO or HELO came with this name
 * @mail: asked: a transaction wants to begin
 * @rcpt: asked: one more recipient
 * @data: (nullable) asked: DATA or the first BDAT came; `NULL` takes the message. After it come
 *   zero or more @chunk
 * @chunk: told: a piece of the message, dots unstuffed, CRLF intact; all pieces together are lines
 *   that end in CRLF, whichever way they came; returns (transfer full) (nullable) %NULL to go on,
 *   or a reply: the rest of the message (or of the BDAT) is then swallowed and the reply given at
 *   its end; @reset is called at once
 * @end: asked: the message is whole; `NULL` or a 2xx reply only when it is on stable storage. The
 *   transaction is over with the answer, whatever it is
 * @reset: told: the transaction that @mail began (and was answered positively) is dropped. For each
 *   such transaction exactly one of @end and @reset is called
 * @trace: (nullable) told: a line for people that was said by us (@sent) or by the client, made
 *   valid UTF-8 without control characters; never a part of a message, and nothing of what is no
 *   command here: it may be half of a log-in
 * @starttls: (nullable) asked: STARTTLS came. `NULL` says 220 and the state is
 *   %PM_SMTP_SERVER_TLS: send the output, shake hands, then call pm_smtp_server_secured()
 * @auth: (nullable) asked: a log-in begins with one of the config's mechanisms; @bytes is the
 *   initial response, decoded, %NULL when there was none. Answer by pm_smtp_server_challenge(), or
 *   by pm_smtp_server_continue() with `NULL` for success (235) or a refusal. A log-in that the
 *   client gave up is over without a word: another @auth may come
 * @auth_response: (nullable) asked: the answer to the challenge, decoded; answer it as @auth
 * @etrn: (nullable) asked: ETRN came with this argument: a host, `@domain` or `#queue`
 * @xclient: (nullable) asked: the client says for whom it speaks. `NULL` forgets all that was said
 *   and greets anew; a refusal is said instead and the session is over, as with @connected
 *
 * What the session asks and tells. "Asked" callbacks want one pm_smtp_server_continue().
 */
typedef struct
{
  void (*connected) (PmSmtpServer *server, gpointer user_data);
  void (*hello) (PmSmtpServer *server, const char *name, gboolean extended, gpointer user_data);
  void (*mail) (PmSmtpServer *server, const PmSmtpMail *mail, gpointer user_data);
  void (*rcpt) (PmSmtpServer *server, const PmSmtpRcpt *rcpt, gpointer user_data);
  void (*data) (PmSmtpServer *server, gpointer user_data);
  PmSmtpReply *(*chunk) (PmSmtpServer *server,
                         const guint8 *bytes,
                         gsize size,
                         gpointer user_data);
  void (*end) (PmSmtpServer *server, gpointer user_data);
  void (*reset) (PmSmtpServer *server, gpointer user_data);
  void (*trace) (PmSmtpServer *server, gboolean sent, const char *line, gpointer user_data);
  void (*starttls) (PmSmtpServer *server, gpointer user_data);
  void (*auth) (PmSmtpServer *server,
                const char *mechanism,
                const guint8 *bytes,
                gsize size,
                gpointer user_data);
  void (*auth_response) (PmSmtpServer *server,
                         const guint8 *bytes,
                         gsize size,
                         gpointer user_data);
  void (*etrn) (PmSmtpServer *server, const char *argument, gpointer user_data);
  void (*xclient) (PmSmtpServer *server, const PmSmtpXclient *xclient, gpointer user_data);
} PmSmtpServerHandler;

/* Nothing happens before pm_smtp_server_start(), which asks @connected. `handler` must outlive it.
 */
PmSmtpServer *pm_smtp_server_new (const PmSmtpServerConfig *config,
                                  const PmSmtpServerHandler *handler,
                                  gpointer user_data);
/* Calls @reset where a transaction is open. */
void pm_smtp_server_free (PmSmtpServer *server);
void pm_smtp_server_set_xclient (PmSmtpServer *server, gboolean xclient);
void pm_smtp_server_start (PmSmtpServer *server);

/*
 * Takes bytes that arrived; returns how many. It takes less than `size` only when the client sends
 * faster than it reads its replies or than the handler answers: keep the rest, and feed it again
 * after pm_smtp_server_continue() or pm_smtp_server_advance(). Feed bytes as they arrive, also
 * while a question is open: bytes that are there too early are an attack, and are seen only when
 * fed.
 */
gsize pm_smtp_server_feed (PmSmtpServer *server, gconstpointer bytes, gsize size);
gsize pm_smtp_server_get_room (PmSmtpServer *server);

/* Answers the open question (transfer none) (nullable). Goes on with what was fed meanwhile. */
void pm_smtp_server_continue (PmSmtpServer *server, const PmSmtpReply *reply);
/* Answers @auth or @auth_response: the client shall answer this (nullable when `size` is 0). */
void pm_smtp_server_challenge (PmSmtpServer *server, gconstpointer bytes, gsize size);

/*
 * The handshake after STARTTLS is done: everything that was said before is forgotten (RFC 3207
 * 4.2), and bytes that are fed from now on came through TLS. Only in %PM_SMTP_SERVER_TLS.
 */
void pm_smtp_server_secured (PmSmtpServer *server);

/* What is to be sent: consume from it, then call advance. */
PmBuffer *pm_smtp_server_get_output (PmSmtpServer *server);
void pm_smtp_server_advance (PmSmtpServer *server);

/*
 * Ends the session from our side with this reply (421 as a rule): at once, or, with `finish`, after
 * the transaction under way. Without a reply (%NULL) the connection is lost: nothing is sent.
 */
void pm_smtp_server_end (PmSmtpServer *server, const PmSmtpReply *reply, gboolean finish);

PmSmtpServerState pm_smtp_server_get_state (PmSmtpServer *server);
gboolean pm_smtp_server_is_waiting (PmSmtpServer *server);   /* a question is open */
const char *pm_smtp_server_get_hello (PmSmtpServer *server); /* (nullable): the client's name */
gboolean pm_smtp_server_is_extended (PmSmtpServer *server);  /* it said EHLO */
gboolean pm_smtp_server_is_secured (PmSmtpServer *server);   /* it speaks through TLS */
gboolean pm_smtp_server_is_authenticated (PmSmtpServer *server);
const char *pm_smtp_server_state_to_string (PmSmtpServerState state);

/* How long to wait for the client to make progress, in seconds (RFC 5321 4.5.3.2). */
guint pm_smtp_server_get_patience (PmSmtpServer *server);
/* Changes when the client brings things further: by a whole line, or a KiB of its message. */
guint64 pm_smtp_server_get_progress (PmSmtpServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSmtpServer, pm_smtp_server_free)

G_END_DECLS
