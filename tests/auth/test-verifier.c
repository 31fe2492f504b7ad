// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Verifiers: the test vector of RFC 7677, and texts that are none.

#include "auth/pm-verifier.h"

#include <string.h>

#include "base/pm-error.h"

// RFC 7677 3
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define AUTH_MESSAGE                                                        \
  "n=user,r=rOprNGfwEbeRWgbNEkqO,"                                          \
  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=" SALT ",i=4096," \
  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define CLIENT_PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SERVER_SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void
sign (const guint8 *key, guint8 *digest)
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key, 32);
  gsize size = 32;

  g_hmac_update (hmac, (const guchar *) AUTH_MESSAGE, -1);
  g_hmac_get_digest (hmac, digest, &size);
}

static void
test_rfc7677 (void)
{
  gsize salt_size, proof_size;
  g_autofree guint8 *salt = g_base64_decode (SALT, &salt_size);
  g_autofree guint8 *proof = g_base64_decode (CLIENT_PROOF, &proof_size);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *server_signature = NULL;
  PmScramKeys keys;
  guint8 signature[32];
  guint8 hash[32];
  gsize size = sizeof hash;

  g_assert_true (pm_scram_keys_derive (&keys, "pencil", salt, salt_size, 4096));
  sign (keys.server_key, signature);
  server_signature = g_base64_encode (signature, sizeof signature);
  g_assert_cmpstr (server_signature, ==, SERVER_SIGNATURE);

  // ClientKey is the proof without ClientSignature, and its hash is StoredKey.
  sign (keys.stored_key, signature);
  g_assert_cmpuint (proof_size, ==, 32);
  for (guint i = 0; i < 32; i++)
    proof[i] ^= signature[i];
  g_checksum_update (checksum, proof, 32);
  g_checksum_get_digest (checksum, hash, &size);
  g_assert_cmpmem (hash, size, keys.stored_key, PM_SCRAM_KEY_SIZE);
  g_assert_true (pm_scram_keys_check (&keys, "pencil"));
  g_assert_false (pm_scram_keys_check (&keys, "pencil "));
}

static void
test_round_trip (void)
{
  PmScramKeys keys, again;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  g_assert_true (pm_scram_keys_new (&keys, "pencil", &error));
  text = pm_scram_keys_to_string (&keys);
  g_assert_true (g_str_has_prefix (text, "SCRAM-SHA-256$65536:"));
  g_assert_true (pm_scram_keys_parse (text, &again, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (&keys, sizeof keys, &again, sizeof again);
}

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const struct
{
  const char *name;
  const char *text;
  const char *message; /* NULL: it reads */
} scram_texts[] = {
  { "good", "SCRAM-SHA-256$4096:" SALT "$" KEY ":" KEY, NULL },
  { "empty", "", "begin" },
  { "other", "SCRAM-SHA-1$4096:" SALT "$" KEY ":" KEY, "begin" },
  { "few", "SCRAM-SHA-256$4095:" SALT "$" KEY ":" KEY, "iterations" },
  { "many", "SCRAM-SHA-256$99999999999999999999:" SALT "$" KEY ":" KEY, "iterations" },
  { "sign", "SCRAM-SHA-256$-1:" SALT "$" KEY ":" KEY, "begin" },
  { "no-salt", "SCRAM-SHA-256$4096:$" KEY ":" KEY, "salt" },
  { "bad-salt", "SCRAM-SHA-256$4096:W22*$" KEY ":" KEY, "salt" },
  { "short-key", "SCRAM-SHA-256$4096:" SALT "$AAAA:" KEY, "stored key" },
  { "no-key", "SCRAM-SHA-256$4096:" SALT "$" KEY, "stored key" },
  { "long-key", "SCRAM-SHA-256$4096:" SALT "$" KEY ":" KEY KEY, "server key" },
};

static void
test_scram_text (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  PmScramKeys keys;
  gboolean ok = pm_scram_keys_parse (scram_texts[index].text, &keys, &error);

  g_assert_cmpint (ok, ==, scram_texts[index].message == NULL);
  if (ok)
    return;
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, scram_texts[index].message));
}

static void
test_crypt (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *hash = pm_crypt_new ("pencil", &error);
  g_autofree char *other = pm_crypt_new ("pencil", &error);

  g_assert_no_error (error);
  g_assert_true (pm_crypt_is_valid (hash));
  g_assert_cmpstr (hash, !=, other);
  g_assert_true (pm_crypt_check (hash, "pencil"));
  g_assert_false (pm_crypt_check (hash, "pencils"));
  g_assert_false (pm_crypt_check (hash, ""));
  g_assert_false (pm_crypt_is_valid ("$6$salt$hash"));
  g_assert_false (pm_crypt_is_valid ("$y$j9T$salt"));
  g_assert_false (pm_crypt_is_valid (""));
  hash[strlen (hash) - 1] = '!';
  g_assert_false (pm_crypt_is_valid (hash));
}

// A user who does not exist costs what one who does costs: within a factor that no scheduler spoils.
static void
test_burn (void)
{
  g_autofree char *hash = pm_crypt_new ("pencil", NULL);
  gint64 check = G_MAXINT64, burn = G_MAXINT64;

  for (guint i = 0; i < 5; i++)
    {
      gint64 start = g_get_monotonic_time ();

      pm_crypt_check (hash, "wrong");
      check = MIN (check, g_get_monotonic_time () - start);
      start = g_get_monotonic_time ();
      pm_crypt_burn ("wrong");
      burn = MIN (burn, g_get_monotonic_time () - start);
    }
  g_test_message ("check %" G_GINT64_FORMAT " µs, burn %" G_GINT64_FORMAT " µs", check, burn);
  g_assert_cmpint (burn * 2, >, check);
  g_assert_cmpint (check * 2, >, burn);
}

static void
test_prepare (void)
{
  g_autofree char *long_one = g_strnfill (PM_PASSWORD_MAX + 1, 'x');
  // RFC 4013 3: a soft hyphen goes, a feminine ordinal becomes an a.
  g_autofree char *plain = pm_password_prepare ("I\xc2\xadX\xc2\xaa", NULL);

  g_assert_cmpstr (plain, ==, "IXa");
  g_assert_null (pm_password_prepare ("", NULL));
  g_assert_null (pm_password_prepare (long_one, NULL));
  g_assert_null (pm_password_prepare ("a\x07", NULL));
  g_assert_null (pm_password_prepare ("\xff", NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/verifier/rfc7677", test_rfc7677);
  g_test_add_func ("/verifier/round-trip", test_round_trip);
  for (guint i = 0; i < G_N_ELEMENTS (scram_texts); i++)
    {
      g_autofree char *name = g_strconcat ("/verifier/scram/", scram_texts[i].name, NULL);

      g_test_add_data_func (name, GUINT_TO_POINTER (i), test_scram_text);
    }
  g_test_add_func ("/verifier/crypt", test_crypt);
  g_test_add_func ("/verifier/burn", test_burn);
  g_test_add_func ("/verifier/prepare", test_prepare);
  return g_test_run ();
}
