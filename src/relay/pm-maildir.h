// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "base/pm-mail-address.h"

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
 * @body: the message, lines ending in CRLF
 *
 * One message for one mailbox. The file's name follows from @message and @received alone, so that a
 * second delivery of what was delivered already, after a crash between delivery and its record,
 * finds the first.
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
  GBytes *body;
} PmMaildirDelivery;

char *pm_maildir_path (const char *root, const PmMailAddress *mailbox);
gboolean pm_maildir_deliver (const PmMaildirDelivery *delivery,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
