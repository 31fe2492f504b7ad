// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-private.h"
#include "smtp/pm-smtp-client.h"

G_BEGIN_DECLS

/**
 * PmSessionTls:
 * @policy: (nullable): how the connection must be secured; %NULL for not at all
 * @in_clear: TLS has failed before, and may be done without
 * @host: (nullable): the host's name
 * @domain: (nullable): the domain whose TLS report counts it
 * @peer: the host, for people; borrowed
 * @text: (nullable): what came of it, for people: protocol, cipher, whether the host proved itself,
 *   and why that was asked
 *
 * How a session with another host is secured, and who hears of it: the log and the TLS reports.
 * Part of its session.
 */
typedef struct
{
  PmRelay *relay;
  PmTlsPolicy *policy;
  gboolean in_clear;
  char *host;
  char *domain;
  const char *peer;
  char *text;
  gboolean counted;
} PmSessionTls;

void pm_session_tls_init (PmSessionTls *self,
                          PmRelay *relay,
                          const PmTlsPolicy *policy,
                          const char *host,
                          const char *domain);
void pm_session_tls_clear (PmSessionTls *self);
PmSmtpClientTls pm_session_tls_get_want (const PmSessionTls *self);
/* Whether the mail may go in clear where TLS does not come about. */
gboolean pm_session_tls_is_optional (const PmSessionTls *self);

/* %FALSE: something came behind the answer to STARTTLS (RFC 3207 4.2). */
gboolean pm_session_tls_begin (PmSessionTls *self,
                               PmStream *stream) G_GNUC_WARN_UNUSED_RESULT;
void pm_session_tls_secured (PmSessionTls *self, const PmTlsInfo *info);
/* @error (nullable): %NULL where it did not come to a handshake */
void pm_session_tls_failed (PmSessionTls *self, const GError *error, const char *why);
/* The host does not offer it. */
void pm_session_tls_not_offered (PmSessionTls *self);

G_END_DECLS
