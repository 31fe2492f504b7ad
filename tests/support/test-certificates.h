// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>
#include <gnutls/x509.h>

G_BEGIN_DECLS

/*
 * A key with its certificate, made at run time. What cannot be made aborts the test.
 */
typedef struct
{
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t certificate;
} TestIdentity;

/*
 * `names`: of hosts, or addresses, comma separated; %NULL makes an authority. `issuer`: %NULL signs
 * itself. Valid from `from` to `to`, in days from now.
 */
TestIdentity *test_identity_new (const char *common_name,
                                 const char *names,
                                 const TestIdentity *issuer,
                                 int from,
                                 int to);
void test_identity_free (TestIdentity *identity);
GBytes *test_identity_get_der (const TestIdentity *identity);
GBytes *test_identity_get_public_key (const TestIdentity *identity);
/* Writes `NAME.pem` (with that of `issuer` after it, where not %NULL) and `NAME.key`. */
void test_identity_write (const TestIdentity *identity,
                          const TestIdentity *issuer,
                          const char *directory,
                          const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestIdentity, test_identity_free)

G_END_DECLS
