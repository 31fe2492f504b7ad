// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "net/pm-tls.h"

G_BEGIN_DECLS

/* TLS 1.2 and 1.3. CBC ciphers stay for old mail servers: else those would send in clear. */
#define PM_TLS_PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define PM_TLS_HANDSHAKE_TIME (30 * G_TIME_SPAN_SECOND)

/**
 * PmTlsCredentials:
 *
 * What one session of GnuTLS points to and must outlive it. Reference counted, immutable.
 */
typedef struct
{
  gatomicrefcount references;
  gnutls_certificate_credentials_t certificates;
  gnutls_priority_t priority;
  GPtrArray *hosts; /* (element-type PmTlsHost): of a server */
} PmTlsCredentials;

/* One certificate of a server, by itself. */
typedef struct
{
  char *name; /* (nullable): it is shown for this host only, whatever names are in it */
  gnutls_x509_crt_t certificate;
  gnutls_certificate_credentials_t credentials;
} PmTlsHost;

PmTlsCredentials *pm_tls_credentials_new (const char *priority,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
PmTlsCredentials *pm_tls_credentials_ref (PmTlsCredentials *credentials);
void pm_tls_credentials_unref (PmTlsCredentials *credentials);
/* (nullable): those to show for `name` where GnuTLS does not find them by the names in them. */
gnutls_certificate_credentials_t
pm_tls_credentials_find (PmTlsCredentials *credentials, const char *name);

/* (transfer full): those in force now, after a look at the files. Any thread. */
PmTlsCredentials *pm_tls_server_get_credentials (PmTlsServer *server);
gint64 pm_tls_server_get_handshake_time (PmTlsServer *server);

/* Whether the certificate that the host showed is what `config` asks for. */
gboolean pm_tls_verify_peer (gnutls_session_t session,
                             const PmTlsClientConfig *config,
                             GError **error);
/* (nullable): the first name of the peer's certificate. */
char *pm_tls_get_peer_name (gnutls_session_t session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTlsCredentials, pm_tls_credentials_unref)

G_END_DECLS
