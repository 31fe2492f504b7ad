// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "net/pm-tls.h"
#include "test-certificates.h"

G_BEGIN_DECLS

/* One side of a connection, and what it was told. Init'ed to zero. */
typedef struct
{
  PmStream *stream;
  GString *received;
  guint secured;
  guint ended;
  guint failed;
  GError *error;
  PmTlsInfo info; /* as it was when secured; its texts only as long as the stream */
} End;

/* A reactor in the test's own thread, an authority, and a server's certificate for mx.example.com. */
typedef struct
{
  PmReactor *reactor;
  char *directory;
  TestIdentity *authority;
  TestIdentity *host;
  PmTlsTrust *trust;
  PmTlsServer *server;
} TlsFixture;

void tls_fixture_init (TlsFixture *fixture);
void tls_fixture_clear (TlsFixture *fixture);
char *tls_fixture_path (TlsFixture *fixture, const char *name);
/* Certificates of `identity` in place of those of the fixture. */
PmTlsServer *tls_fixture_server_for (TlsFixture *fixture, TestIdentity *identity, const char *name);

void end_open (End *end, TlsFixture *fixture, int fd);
void end_clear (End *end);
void end_send (End *end, const char *text);
/* Two ends of one connection; the second is a plain socket. */
void make_pair (int fds[2]);
/* Both sides in TLS, or at least one failed. */
void shake_hands (End *server, End *client, TlsFixture *fixture, const PmTlsClientConfig *config);
/* Turns the reactor until `*value` is `wanted` or more; aborts after 20 s. */
void turn_until (const guint *value, guint wanted);
void turn_until_size (const gsize *value, gsize wanted);

G_END_DECLS
