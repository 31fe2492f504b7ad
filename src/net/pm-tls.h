// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "net/pm-stream.h"

G_BEGIN_DECLS

/**
 * PmTlsError:
 * @PM_TLS_ERROR_FAILED: the handshake came to nothing; the message says why
 * @PM_TLS_ERROR_EXPIRED: the host's certificate has expired, or is not valid yet
 * @PM_TLS_ERROR_NAME: the host's certificate is for other names
 * @PM_TLS_ERROR_UNTRUSTED: nobody whom we trust signed the host's certificate
 * @PM_TLS_ERROR_TLSA: the host's certificate is not the one that its TLSA records announce
 * @PM_TLS_ERROR_BROKEN: what came after the handshake was not what TLS allows
 *
 * How TLS fails. Errors of the socket stay #G_IO_ERROR: the peer went away, or took too long.
 */
typedef enum
{
  PM_TLS_ERROR_FAILED,
  PM_TLS_ERROR_EXPIRED,
  PM_TLS_ERROR_NAME,
  PM_TLS_ERROR_UNTRUSTED,
  PM_TLS_ERROR_TLSA,
  PM_TLS_ERROR_BROKEN,
} PmTlsError;

#define PM_TLS_ERROR (pm_tls_error_quark ())
GQuark pm_tls_error_quark (void);

/**
 * PmTlsServer:
 *
 * What a server proves its names with: one or more certificates, the one that the client asks for
 * by SNI is shown, else the first that it can use. Files that change are read again, looked at when
 * a handshake begins but at most once a second; where the new ones are no good the old ones stay in
 * force, and the log says so once. Reference counted; set it up in one thread, use it in any.
 */
typedef struct _PmTlsServer PmTlsServer;

PmTlsServer *pm_tls_server_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_tls_server_unref (PmTlsServer *server);
gboolean pm_tls_server_add (PmTlsServer *server,
                            const char *chain_path,
                            const char *key_path,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean pm_tls_server_add_for (PmTlsServer *server,
                                const char *host,
                                const char *chain_path,
                                const char *key_path,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean pm_tls_server_set_priority (PmTlsServer *server,
                                     const char *priority,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_tls_server_set_handshake_time (PmTlsServer *server, gint64 microseconds);

/**
 * PmTlsTrust:
 *
 * The certificates of authorities that a client believes. Reference counted, immutable.
 */
typedef struct _PmTlsTrust PmTlsTrust;

PmTlsTrust *pm_tls_trust_new (const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
PmTlsTrust *pm_tls_trust_ref (PmTlsTrust *trust);
void pm_tls_trust_unref (PmTlsTrust *trust);

/**
 * PmTlsVerify:
 * @PM_TLS_VERIFY_OPAQUE: encrypt, to whoever is there
 * @PM_TLS_VERIFY_NAMES: a trusted authority vouches for one of the names (RFC 6125)
 * @PM_TLS_VERIFY_DANE: the TLSA records vouch for the certificate (RFC 7672)
 *
 * What a client asks of the host's certificate.
 */
typedef enum
{
  PM_TLS_VERIFY_OPAQUE,
  PM_TLS_VERIFY_NAMES,
  PM_TLS_VERIFY_DANE,
} PmTlsVerify;

/**
 * PmTlsa:
 * @usage: 2 (DANE-TA) or 3 (DANE-EE); others do not count for SMTP (RFC 7672 3.1.3)
 * @selector: 0 the whole certificate, 1 its public key
 * @matching: 0 the bytes themselves, 1 their SHA-256, 2 their SHA-512
 * @data: (not nullable): the association data
 *
 * One TLSA record. Reference counted, immutable.
 */
typedef struct
{
  guint8 usage;
  guint8 selector;
  guint8 matching;
  GBytes *data;
} PmTlsa;

PmTlsa *pm_tlsa_new (guint8 usage, guint8 selector, guint8 matching, GBytes *data);
PmTlsa *pm_tlsa_ref (PmTlsa *tlsa);
void pm_tlsa_unref (PmTlsa *tlsa);
gboolean pm_tlsa_is_usable (const PmTlsa *tlsa);

/**
 * PmTlsClientConfig:
 * @server_name: (nullable): the host asked for by SNI; addresses are not sent
 * @verify: what is asked of its certificate
 * @names: (nullable) (element-type utf8): the names of which the certificate must have one; with
 *   %PM_TLS_VERIFY_DANE they count for usage 2 only
 * @tlsa: (nullable) (element-type PmTlsa): for %PM_TLS_VERIFY_DANE
 * @trust: (nullable): whom to believe for %PM_TLS_VERIFY_NAMES; %NULL is this system's authorities
 * @lenient: what is wrong with the certificate is only noted, in #PmTlsInfo (RFC 8461 5: a policy
 *   that is being tested)
 * @handshake_time: microseconds that the handshake may take; 0 for the usual 30 s
 *
 * What is copied or referenced; it may go away after the call.
 */
typedef struct
{
  const char *server_name;
  PmTlsVerify verify;
  GPtrArray *names;
  GPtrArray *tlsa;
  PmTlsTrust *trust;
  gboolean lenient;
  gint64 handshake_time;
} PmTlsClientConfig;

/**
 * PmTlsInfo:
 * @protocol: as `TLSv1.3`
 * @cipher: as `TLS_AES_256_GCM_SHA384`
 * @bits: the cipher's strength
 * @verified: whether the peer proved who it is, as far as that was asked
 * @verify_error: (nullable): why it did not, where it was only asked to encrypt but showed no
 *   usable certificate, or where that is only noted
 * @verify_code: the #PmTlsError that @verify_error is
 * @peer_name: (nullable): the first name of the peer's certificate
 * @server_name: (nullable): the name asked for by SNI
 *
 * How a stream is secured.
 */
typedef struct
{
  const char *protocol;
  const char *cipher;
  int bits;
  gboolean verified;
  const char *verify_error;
  PmTlsError verify_code;
  const char *peer_name;
  const char *server_name;
} PmTlsInfo;

/*
 * Both begin TLS on a stream in clear whose buffers are empty: %FALSE otherwise, for bytes that
 * came before their time must not be believed (RFC 3207 4.2); end such a connection. @secured of
 * the stream's handler comes when the hands are shaken, or @failed; output put in meanwhile waits.
 * After the peer has ended TLS nothing more is read, whatever it sends (CVE-2026-45185).
 */
gboolean pm_stream_start_tls_server (PmStream *stream,
                                     PmTlsServer *server) G_GNUC_WARN_UNUSED_RESULT;
gboolean pm_stream_start_tls_client (PmStream *stream,
                                     const PmTlsClientConfig *config) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): %NULL until it is secured; valid as long as the stream. */
const PmTlsInfo *pm_stream_get_tls (PmStream *stream);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTlsServer, pm_tls_server_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTlsTrust, pm_tls_trust_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTlsa, pm_tlsa_unref)

G_END_DECLS
