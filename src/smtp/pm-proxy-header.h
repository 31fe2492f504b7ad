// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A header may have this many bytes, its extensions (TLVs) included. */
#define PM_PROXY_HEADER_MAX 4096

/**
 * PmProxyHeader:
 * @client: (nullable): who connected to the proxy; %NULL when the proxy speaks for itself
 * @client_port: its port
 * @server: (nullable): where it connected to
 * @server_port: the port there
 *
 * What a proxy says of the connection it passes on, by version 2 of the PROXY protocol. Without
 * @client the connection is the proxy's own (a health check): its own address holds. A plain
 * struct: zero, use, clear.
 */
typedef struct
{
  GInetAddress *client;
  guint16 client_port;
  GInetAddress *server;
  guint16 server_port;
} PmProxyHeader;

typedef enum
{
  PM_PROXY_MORE,  /* it begins well; call again with these bytes and those that follow */
  PM_PROXY_WHOLE, /* `header` and `used` are set: what follows is the client's */
  PM_PROXY_WRONG, /* it is none, and never will be: close the connection */
} PmProxyResult;

/*
 * Reads the header at the start of `bytes`, all that has come so far. Only where a proxy is
 * expected: without a header such a connection is refused, and never taken for a client's.
 * %PM_ERROR_INVALID, %PM_ERROR_TOO_LARGE.
 */
PmProxyResult pm_proxy_header_parse (const guint8 *bytes,
                                     gsize size,
                                     gsize *used,
                                     PmProxyHeader *header,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_proxy_header_clear (PmProxyHeader *header);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmProxyHeader, pm_proxy_header_clear)

G_END_DECLS
