// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "smtp/pm-smtp-command.h"
#include "smtp/pm-smtp-data.h"
#include "smtp/pm-smtp-path.h"
#include "smtp/pm-smtp-server.h"

G_BEGIN_DECLS

typedef enum
{
  PM_SMTP_QUESTION_NONE,
  PM_SMTP_QUESTION_CONNECTED,
  PM_SMTP_QUESTION_HELLO,
  PM_SMTP_QUESTION_MAIL,
  PM_SMTP_QUESTION_RCPT,
  PM_SMTP_QUESTION_DATA,
  PM_SMTP_QUESTION_BDAT, /* @data is asked, by the first BDAT */
  PM_SMTP_QUESTION_END,
  PM_SMTP_QUESTION_STARTTLS,
  PM_SMTP_QUESTION_AUTH,
  PM_SMTP_QUESTION_ETRN,
  PM_SMTP_QUESTION_XCLIENT,
} PmSmtpQuestion;

// No line is longer (RFC 4954 4 asks for that with AUTH).
#define PM_SMTP_SERVER_LONGEST_LINE 12288

struct _PmSmtpServer
{
  const PmSmtpServerHandler *handler;
  gpointer user_data;

  /* settings */
  char *host; /* (owned) */
  guint64 max_size;
  guint max_recipients;
  guint max_messages;
  guint max_errors;
  guint max_idle_commands;
  gboolean starttls;
  GStrv mechanisms; /* (owned) (nullable) */
  gboolean etrn;
  gboolean xclient;
  gboolean requiretls;
  gboolean mt_priority;

  /* the session */
  PmSmtpServerState state;
  PmSmtpQuestion question;
  gboolean answered;
  PmSmtpReply *answer;   /* (owned) (nullable) */
  PmSmtpReply *farewell; /* (owned) (nullable): to be said after the transaction */
  char *hello;           /* (owned) (nullable) */
  gboolean extended;
  gboolean alone; /* the command at hand must be the last that the client has sent */
  gboolean secured;
  gboolean authenticated;
  char *challenge; /* (owned) (nullable): the answer to a log-in's question, in base64 */
  char *login;     /* (owned) (nullable): whom XCLIENT wants to be */
  guint n_messages;
  guint n_errors;
  guint n_failed; /* log-ins */
  guint n_idle;

  /* the transaction */
  gboolean open; /* it was begun, and neither @end nor @reset was called for it */
  gboolean utf8;
  guint n_recipients;
  guint n_over; /* recipients over the limit */
  guint64 size;
  guint64 swallowed;    /* bytes after the refusal */
  PmSmtpReply *refusal; /* (owned) (nullable): what the message being swallowed will get */
  PmSmtpDataReader data;
  PmSmtpChunkReader chunk;
  guint64 chunk_size;
  guint64 chunk_left; /* octets of the BDAT at hand */
  gboolean chunk_last;
  PmSmtpServerState resume; /* the state after a BDAT that is refused */

  /* the wire */
  PmBuffer input;
  PmBuffer output;
  gboolean skipping; /* the rest of a line that is too long */
  gboolean running;
  guint64 n_lines;
  guint64 n_data; /* bytes of messages */
};

/* pm-smtp-server.c */
void pm_smtp_server_set_state (PmSmtpServer *server, PmSmtpServerState state);
void pm_smtp_server_say (PmSmtpServer *server, guint code, const char *status, const char *text);
void pm_smtp_server_say_reply (PmSmtpServer *server, const PmSmtpReply *reply);
void pm_smtp_server_say_last (PmSmtpServer *server, const PmSmtpReply *reply);
void pm_smtp_server_violate (PmSmtpServer *server,
                             guint code,
                             const char *status,
                             const char *text);
void pm_smtp_server_ask (PmSmtpServer *server, PmSmtpQuestion question);
void pm_smtp_server_tell_reset (PmSmtpServer *server);
void pm_smtp_server_drop (PmSmtpServer *server);
void pm_smtp_server_forget (PmSmtpServer *server);
void pm_smtp_server_greet (PmSmtpServer *server, const PmSmtpReply *answer);
void pm_smtp_server_trace (PmSmtpServer *server, gboolean sent, const char *line);

/* pm-smtp-server-answers.c: acts on the handler's answer. */
void pm_smtp_server_settle (PmSmtpServer *server);

/* pm-smtp-server-lines.c */
gboolean pm_smtp_server_step_line (PmSmtpServer *server);

/* pm-smtp-server-verbs.c: carries out one command line without its CRLF. */
void pm_smtp_server_command (PmSmtpServer *server, const char *line, gsize size);
gboolean pm_smtp_server_is_host_name (const char *name);

/* pm-smtp-server-content.c: DATA and BDAT. */
void pm_smtp_server_begin_data (PmSmtpServer *server);
gboolean pm_smtp_server_step_data (PmSmtpServer *server);
void pm_smtp_server_run_bdat (PmSmtpServer *server, const char *argument);
void pm_smtp_server_settle_bdat (PmSmtpServer *server, const PmSmtpReply *answer);
gboolean pm_smtp_server_step_chunk (PmSmtpServer *server);

/* pm-smtp-server-auth.c */
gboolean pm_smtp_server_offers_auth (PmSmtpServer *server);
void pm_smtp_server_run_auth (PmSmtpServer *server, const char *argument);
void pm_smtp_server_take_response (PmSmtpServer *server, const char *line, gboolean whole);
void pm_smtp_server_settle_auth (PmSmtpServer *server, const PmSmtpReply *answer);

/* pm-smtp-server-xclient.c */
char *pm_smtp_server_xclient_names (void);
void pm_smtp_server_run_xclient (PmSmtpServer *server, const char *argument);
void pm_smtp_server_settle_xclient (PmSmtpServer *server, const PmSmtpReply *answer);

/* pm-smtp-server-extensions.c */
PmSmtpReply *pm_smtp_server_hello_reply (PmSmtpServer *server);
gboolean pm_smtp_server_read_mail (PmSmtpServer *server, const PmSmtpPath *path, PmSmtpMail *mail);
gboolean pm_smtp_server_read_rcpt (PmSmtpServer *server, const PmSmtpPath *path, PmSmtpRcpt *rcpt);

/* pm-smtp-server-dsn.c: the values of RFC 3461's parameters; decoded ones are owned by `path`. */
const char *pm_smtp_server_read_ret (const char *value, PmSmtpMail *mail);
const char *pm_smtp_server_read_envid (PmSmtpParameter *parameter, PmSmtpMail *mail);
const char *pm_smtp_server_read_notify (const char *value, PmSmtpRcpt *rcpt);
const char *pm_smtp_server_read_orcpt (PmSmtpParameter *parameter, PmSmtpRcpt *rcpt);

G_END_DECLS
