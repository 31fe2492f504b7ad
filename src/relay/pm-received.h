// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "net/pm-tls.h"

G_BEGIN_DECLS

/**
 * PmReceived:
 * @hello: (nullable): the name in the client's EHLO or HELO
 * @extended: whether it was EHLO
 * @utf8: the message came with SMTPUTF8
 * @authenticated: the client has authenticated
 * @tls: (nullable): how the connection is secured
 * @client: where it connected from
 * @host: our name
 * @id: the queue's number of the message
 * @recipient: (nullable): the only recipient; %NULL where there are several, who must not learn of
 *   each other (RFC 5321 7.2)
 * @time: microseconds since 1970
 *
 * What a Received: field says. Borrowed.
 */
typedef struct
{
  const char *hello;
  gboolean extended;
  gboolean utf8;
  gboolean authenticated;
  const PmTlsInfo *tls;
  GInetAddress *client;
  const char *host;
  guint64 id;
  const char *recipient;
  gint64 time;
} PmReceived;

char *pm_received_to_string (const PmReceived *received);

G_END_DECLS
