// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * What is kept instead of a password, and passwords checked against it: yescrypt as libcrypt writes
 * it (`$y$…`), and the keys of SCRAM-SHA-256 (RFC 5803, RFC 7677). Any thread; all of it costs
 * many milliseconds of CPU on purpose, except parsing.
 */

#define PM_SCRAM_KEY_SIZE 32
#define PM_SCRAM_MAX_SALT 64
#define PM_SCRAM_ITERATIONS 65536 // more is refused by Cyrus SASL, and so by Postfix as a client
#define PM_PASSWORD_MAX 1024

/**
 * PmScramKeys:
 * @iterations: of PBKDF2
 * @salt: the first @salt_size bytes of it
 * @stored_key: proves that a client knows the password
 * @server_key: proves to the client that this server knows it
 */
typedef struct
{
  guint iterations;
  gsize salt_size;
  guint8 salt[PM_SCRAM_MAX_SALT];
  guint8 stored_key[PM_SCRAM_KEY_SIZE];
  guint8 server_key[PM_SCRAM_KEY_SIZE];
} PmScramKeys;

gboolean pm_scram_keys_parse (const char *text, PmScramKeys *keys, GError **error);
char *pm_scram_keys_to_string (const PmScramKeys *keys);
gboolean pm_scram_keys_derive (PmScramKeys *keys,
                               const char *password,
                               const guint8 *salt,
                               gsize salt_size,
                               guint iterations);
gboolean pm_scram_keys_new (PmScramKeys *keys, const char *password, GError **error);
gboolean pm_scram_keys_check (const PmScramKeys *keys, const char *password);

gboolean pm_crypt_is_valid (const char *text);
char *pm_crypt_new (const char *password, GError **error);
gboolean pm_crypt_check (const char *hash, const char *password);
void pm_crypt_burn (const char *password);

char *pm_password_prepare (const char *password, GError **error);
void pm_secret_free (char *secret);
gboolean pm_random_bytes (guint8 *bytes, gsize size, GError **error);

G_END_DECLS
