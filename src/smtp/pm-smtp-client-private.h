// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "smtp/pm-smtp-client.h"
#include "smtp/pm-smtp-data.h"

G_BEGIN_DECLS

/* Room that the output must have before a command is said; none is longer. */
#define PM_SMTP_CLIENT_COMMAND_ROOM 2048

typedef struct
{
  PmMailAddress *address; /* (owned) */
  PmDsnNotify notify;
  char *orcpt;   /* (owned) (nullable) */
  gboolean done; /* it has its result */
} PmSmtpClientTarget;

/* The message at hand. */
typedef struct
{
  PmMailAddress *sender;       /* (owned) (nullable) */
  PmSmtpClientTarget *targets; /* (owned) (array length=n_targets) */
  guint n_targets;
  guint *active; /* (owned): those of the targets that are said, in their order */
  guint n_active;
  guint *accepted; /* (owned): those of them whom the peer took */
  guint n_accepted;
  guint n_told; /* LMTP: how many of the accepted have the reply to the message */
  guint64 size;
  gboolean eight_bit;
  gboolean utf8;
  gboolean says_utf8; /* and it needs it */
  gboolean require_tls;
  int priority;
  PmDsnRet ret;
  char *envid; /* (owned) (nullable) */
} PmSmtpClientTransaction;

struct _PmSmtpClient
{
  const PmSmtpClientHandler *handler;
  gpointer user_data;
  PmSmtpClientConfig config; /* hello is owned */

  PmSmtpClientState state;
  gboolean said; /* the command of this state is in the output */
  gboolean quitting;
  gboolean running;
  guint n_expected; /* replies that are due */
  guint64 n_replies;

  /* what the peer said of itself */
  PmSmtpExtensions extensions;
  char *mechanisms; /* (owned) (nullable): of AUTH */
  guint64 max_size;
  guint64 max_mails; /* 0 is no limit, and below */
  guint64 max_recipients;
  guint64 max_domains;

  gboolean secured;
  gboolean tls_refused;
  gboolean tls_told; /* @starttls was called */
  gboolean logged_in;
  gboolean gave_up;    /* the login was cancelled */
  GBytes *initial;     /* (owned) (nullable): too long for AUTH's own line */
  char *login_line;    /* (owned) (nullable): to be said next */
  guint64 n_mails;     /* transactions begun */
  gboolean reset_due;  /* RSET goes before the next MAIL: the last one was left open */
  gboolean reset_said; /* and its reply is due */

  /* the transaction: command 0 is MAIL, then the RCPTs, then DATA */
  PmSmtpClientTransaction *message; /* (owned) (nullable) */
  guint n_said;
  guint n_answered;
  gboolean refused; /* MAIL was */
  gboolean opened;  /* something of it was accepted */
  PmSmtpDataWriter writer;

  PmSmtpReplyReader reader;
  PmBuffer output;
  GString *line; /* (owned): the command that is being made */
};

/* pm-smtp-client.c */
void pm_smtp_client_set_state (PmSmtpClient *client, PmSmtpClientState state);
gboolean pm_smtp_client_offers (const PmSmtpClient *client, PmSmtpExtensions extension);
gboolean pm_smtp_client_has_room (const PmSmtpClient *client);
gsize pm_smtp_client_count_unsent (PmSmtpClient *client);
void pm_smtp_client_say (PmSmtpClient *client, const char *line, const char *shown);
void pm_smtp_client_say_once (PmSmtpClient *client, const char *verb, const char *argument);
void pm_smtp_client_break_off (PmSmtpClient *client,
                               PmSmtpPhase phase,
                               const PmSmtpReply *reply);
void pm_smtp_client_break_off_locally (PmSmtpClient *client,
                                       PmSmtpPhase phase,
                                       guint code,
                                       const char *status,
                                       const char *text);
void pm_smtp_client_refuse_answer (PmSmtpClient *client, const PmSmtpReply *reply);

/* pm-smtp-client-hello.c */
void pm_smtp_client_say_hello (PmSmtpClient *client);
void pm_smtp_client_take_hello (PmSmtpClient *client, const PmSmtpReply *reply);
void pm_smtp_client_forget_hello (PmSmtpClient *client);

/* pm-smtp-client-envelope.c */
PmSmtpClientTransaction *pm_smtp_client_transaction_new (const PmSmtpClientMessage *message);
void pm_smtp_client_transaction_free (PmSmtpClientTransaction *transaction);
void pm_smtp_client_begin_message (PmSmtpClient *client);
void pm_smtp_client_finish_message (PmSmtpClient *client, gboolean reusable);
void pm_smtp_client_tell_result (PmSmtpClient *client,
                                 guint index,
                                 PmSmtpPhase phase,
                                 const PmSmtpReply *reply);
void pm_smtp_client_tell_others (PmSmtpClient *client,
                                 PmSmtpPhase phase,
                                 const PmSmtpReply *reply);
void pm_smtp_client_say_envelope (PmSmtpClient *client);
void pm_smtp_client_take_envelope (PmSmtpClient *client, const PmSmtpReply *reply);
PmSmtpPhase pm_smtp_client_get_envelope_phase (const PmSmtpClient *client);

/* pm-smtp-client-body.c */
void pm_smtp_client_say_body (PmSmtpClient *client);
void pm_smtp_client_take_data (PmSmtpClient *client, const PmSmtpReply *reply);
void pm_smtp_client_take_dot (PmSmtpClient *client, const PmSmtpReply *reply);

G_END_DECLS
