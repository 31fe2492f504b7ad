// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-mail-address.h"
#include "smtp/pm-smtp-reply.h"

G_BEGIN_DECLS

/**
 * PmMaildirDelivery:
 * @root: the folder of all mailboxes
 * @mailbox: whose Maildir below it
 * @sender: for Return-Path:, "" for the null sender
 * @recipient: for Delivered-To:
 * @host: our host name
 * @message: the queue's number of the message
 * @received: when the queue accepted it, microseconds since 1970
 * @quota: bytes that the mailbox may hold in all its folders; 0 is no limit
 * @body: the message, lines ending in CRLF
 *
 * One message for one mailbox. The file's name follows from @message, @received and the message's
 * size alone, so that a second delivery of what was delivered already, after a crash between
 * delivery and its record, finds the first, in new/ or in cur/.
 */
typedef struct
{
  const char *root;
  const PmMailAddress *mailbox;
  const char *sender;
  const char *recipient;
  const char *host;
  guint64 message;
  gint64 received;
  guint64 quota;
  GBytes *body;
} PmMaildirDelivery;

/**
 * PmMaildir:
 *
 * Delivers into Maildirs, in a thread of its own: what comes in while the disk is busy is made
 * durable together, so that a flush serves many messages; one that comes alone goes at once.
 */
typedef struct _PmMaildir PmMaildir;

/*
 * `reply` (transfer none): 250 2.0.0 when the message is in the mailbox, on stable storage. Else
 * nothing of it is, and it says why: 452 4.2.2 the mailbox is full, 552 5.2.3 the message is larger
 * than the mailbox may be, 452 4.3.1 the disk is full, 451 4.3.0 what else there is.
 */
typedef void (*PmMaildirFunc) (const PmSmtpReply *reply, gpointer user_data);

char *pm_maildir_path (const char *root, const PmMailAddress *mailbox);

PmMaildir *pm_maildir_new (void);
/* Delivers what it was given before; the calls of `func` for that are on their way then. */
void pm_maildir_free (PmMaildir *maildir);
/* `func` is called in the thread-default main context of the caller. The delivery is copied. */
void pm_maildir_deliver (PmMaildir *maildir,
                         const PmMaildirDelivery *delivery,
                         PmMaildirFunc func,
                         gpointer user_data);
void pm_maildir_doubt (PmMaildir *maildir);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmMaildir, pm_maildir_free)

G_END_DECLS
