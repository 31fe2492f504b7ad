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
  PM_SMTP_QUESTION_END,
} PmSmtpQuestion;

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

  /* the session */
  PmSmtpServerState state;
  PmSmtpQuestion question;
  gboolean answered;
  PmSmtpReply *answer;   /* (owned) (nullable) */
  PmSmtpReply *farewell; /* (owned) (nullable): to be said after the transaction */
  char *hello;           /* (owned) (nullable) */
  gboolean extended;
  gboolean alone; /* the command at hand must be the last that the client has sent */
  guint n_messages;
  guint n_errors;
  guint n_idle;

  /* the transaction */
  guint n_recipients;
  guint n_over; /* recipients over the limit */
  guint64 size;
  guint64 swallowed;    /* bytes after the refusal */
  PmSmtpReply *refusal; /* (owned) (nullable): what the message being swallowed will get */
  PmSmtpDataReader data;

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
void pm_smtp_server_ask (PmSmtpServer *server, PmSmtpQuestion question);
void pm_smtp_server_drop (PmSmtpServer *server);
void pm_smtp_server_trace (PmSmtpServer *server, gboolean sent, const char *line);

/* pm-smtp-server-verbs.c: carries out one command line without its CRLF. */
void pm_smtp_server_command (PmSmtpServer *server, const char *line, gsize size);

/* pm-smtp-server-extensions.c */
PmSmtpReply *pm_smtp_server_hello_reply (PmSmtpServer *server);
gboolean pm_smtp_server_read_mail (PmSmtpServer *server, const PmSmtpPath *path, PmSmtpMail *mail);
gboolean pm_smtp_server_read_rcpt (PmSmtpServer *server, const PmSmtpPath *path, PmSmtpRcpt *rcpt);

G_END_DECLS
