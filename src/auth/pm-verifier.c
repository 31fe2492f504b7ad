// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Verifiers of passwords. Comparisons take the same time whatever differs, and what was a password
// or comes right from one is overwritten when it is done with.

#include "auth/pm-verifier.h"

#include <crypt.h>
#include <errno.h>
#include <gsasl.h>
#include <string.h>
#include <sys/random.h>

#include "base/pm-error.h"

#define SCRAM_PREFIX "SCRAM-SHA-256$"
#define SALT_SIZE 16
// RFC 7677 4: at least 4096; the upper bound keeps a slip of the pen from stopping the service.
#define MIN_ITERATIONS 4096
#define MAX_ITERATIONS 10000000

static gboolean
fail (GError **error, const char *why)
{
  g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, why);
  return FALSE;
}

// The whole of both is looked at, so that the time says nothing about where they differ.
static gboolean
equal_in_constant_time (const void *a, const void *b, gsize size)
{
  const volatile guint8 *first = a;
  const volatile guint8 *second = b;
  guint8 difference = 0;

  for (gsize i = 0; i < size; i++)
    difference |= first[i] ^ second[i];
  return difference == 0;
}

/**
 * pm_secret_free:
 * @secret: (nullable) (transfer full): a password or the like
 *
 * Overwrites and frees it.
 */
void
pm_secret_free (char *secret)
{
  if (secret == NULL)
    return;
  explicit_bzero (secret, strlen (secret));
  g_free (secret);
}

/**
 * pm_random_bytes:
 *
 * Fills @bytes from the kernel's random numbers.
 */
gboolean
pm_random_bytes (guint8 *bytes, gsize size, GError **error)
{
  for (gsize done = 0; done < size;)
    {
      ssize_t n = getrandom (bytes + done, size - done, 0);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, PM_ERROR, PM_ERROR_FAILED, "There are no random numbers: %s",
                       g_strerror (errno));
          return FALSE;
        }
      done += (gsize) n;
    }
  return TRUE;
}

/**
 * pm_password_prepare:
 * @password: as somebody typed it
 * @error: %PM_ERROR_INVALID, which says why it cannot be a password
 *
 * Prepares a password by SASLprep (RFC 4013), so that what is typed on one keyboard fits what was
 * set on another.
 *
 * Returns: (transfer full) (nullable): the password; pm_secret_free()
 */
char *
pm_password_prepare (const char *password, GError **error)
{
  char *prepared = NULL;
  char *copy;

  if (*password == '\0')
    {
      fail (error, "The password is empty; give one of at least one character");
      return NULL;
    }
  if (strlen (password) > PM_PASSWORD_MAX)
    {
      fail (error, "The password is longer than 1024 bytes; give a shorter one");
      return NULL;
    }
  if (gsasl_saslprep (password, 0, &prepared, NULL) != GSASL_OK || prepared == NULL)
    {
      fail (error, "The password is not text in UTF-8 without control characters; give another");
      return NULL;
    }
  copy = g_strdup (prepared);
  explicit_bzero (prepared, strlen (prepared));
  gsasl_free (prepared);
  if (*copy == '\0')
    {
      g_free (copy);
      fail (error, "Nothing of the password is left when it is prepared (RFC 4013); give another");
      return NULL;
    }
  return copy;
}

/* SCRAM */

// base64 of exactly `size` bytes, or of 1 to `max` where `size` is NULL's.
static gboolean
read_base64 (const char *text, gsize length, guint8 *bytes, gsize max, gsize *size)
{
  g_autofree char *copy = g_strndup (text, length);
  g_autofree guint8 *decoded = NULL;
  g_autofree char *again = NULL;

  if (length == 0 || length % 4 != 0)
    return FALSE;
  decoded = g_base64_decode (copy, size);
  // GLib skips what it does not know; what is written again must be what was read.
  again = g_base64_encode (decoded, *size);
  if (strcmp (again, copy) != 0 || *size == 0 || *size > max)
    return FALSE;
  memcpy (bytes, decoded, *size);
  explicit_bzero (decoded, *size);
  return TRUE;
}

/**
 * pm_scram_keys_parse:
 * @text: `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY` (RFC 5803 3)
 * @keys: (out): what it says
 * @error: %PM_ERROR_INVALID
 */
gboolean
pm_scram_keys_parse (const char *text, PmScramKeys *keys, GError **error)
{
  const char *at = text + strlen (SCRAM_PREFIX);
  const char *end;
  guint64 iterations;
  gsize size;
  char *after;

  memset (keys, 0, sizeof *keys);
  if (!g_str_has_prefix (text, SCRAM_PREFIX) || !g_ascii_isdigit (*at))
    return fail (error, "it does not begin as SCRAM-SHA-256$65536:");
  iterations = g_ascii_strtoull (at, &after, 10);
  if (*after != ':' || iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS)
    return fail (error, "the number of iterations is not from 4096 to 10000000");
  keys->iterations = (guint) iterations;

  at = after + 1;
  end = strchr (at, '$');
  if (end == NULL || !read_base64 (at, (gsize) (end - at), keys->salt, sizeof keys->salt,
                                   &keys->salt_size))
    return fail (error, "the salt is not base64 of 1 to 64 bytes");
  at = end + 1;
  end = strchr (at, ':');
  if (end == NULL ||
      !read_base64 (at, (gsize) (end - at), keys->stored_key, PM_SCRAM_KEY_SIZE, &size) ||
      size != PM_SCRAM_KEY_SIZE)
    return fail (error, "the stored key is not base64 of 32 bytes");
  at = end + 1;
  if (!read_base64 (at, strlen (at), keys->server_key, PM_SCRAM_KEY_SIZE, &size) ||
      size != PM_SCRAM_KEY_SIZE)
    return fail (error, "the server key is not base64 of 32 bytes");
  return TRUE;
}

/**
 * pm_scram_keys_to_string:
 *
 * Returns: (transfer full): the text that pm_scram_keys_parse() reads
 */
char *
pm_scram_keys_to_string (const PmScramKeys *keys)
{
  g_autofree char *salt = g_base64_encode (keys->salt, keys->salt_size);
  g_autofree char *stored_key = g_base64_encode (keys->stored_key, PM_SCRAM_KEY_SIZE);
  g_autofree char *server_key = g_base64_encode (keys->server_key, PM_SCRAM_KEY_SIZE);

  return g_strdup_printf (SCRAM_PREFIX "%u:%s$%s:%s", keys->iterations, salt, stored_key,
                          server_key);
}

/**
 * pm_scram_keys_derive:
 * @password: a prepared password
 *
 * RFC 5802 3: the keys that belong to a password, a salt and a number of iterations.
 *
 * Returns: %FALSE where the library cannot
 */
gboolean
pm_scram_keys_derive (PmScramKeys *keys,
                      const char *password,
                      const guint8 *salt,
                      gsize salt_size,
                      guint iterations)
{
  char salted[PM_SCRAM_KEY_SIZE];
  char client_key[PM_SCRAM_KEY_SIZE];
  int status;

  g_return_val_if_fail (salt_size > 0 && salt_size <= PM_SCRAM_MAX_SALT, FALSE);

  memset (keys, 0, sizeof *keys);
  keys->iterations = iterations;
  keys->salt_size = salt_size;
  memcpy (keys->salt, salt, salt_size);
  status = gsasl_scram_secrets_from_password (GSASL_HASH_SHA256, password, iterations,
                                              (const char *) salt, salt_size, salted, client_key,
                                              (char *) keys->server_key,
                                              (char *) keys->stored_key);
  explicit_bzero (salted, sizeof salted);
  explicit_bzero (client_key, sizeof client_key);
  return status == GSASL_OK;
}

/**
 * pm_scram_keys_new:
 * @password: a prepared password
 *
 * Derives keys with a salt of its own.
 */
gboolean
pm_scram_keys_new (PmScramKeys *keys, const char *password, GError **error)
{
  guint8 salt[SALT_SIZE];

  if (!pm_random_bytes (salt, sizeof salt, error))
    return FALSE;
  if (pm_scram_keys_derive (keys, password, salt, sizeof salt, PM_SCRAM_ITERATIONS))
    return TRUE;
  g_set_error_literal (error, PM_ERROR, PM_ERROR_FAILED,
                       "GNU SASL cannot make SCRAM-SHA-256 keys on this computer");
  return FALSE;
}

/**
 * pm_scram_keys_check:
 * @password: a prepared password
 *
 * Returns: whether the keys are the password's
 */
gboolean
pm_scram_keys_check (const PmScramKeys *keys, const char *password)
{
  PmScramKeys found;
  gboolean same;

  same = pm_scram_keys_derive (&found, password, keys->salt, keys->salt_size, keys->iterations) &&
         equal_in_constant_time (found.stored_key, keys->stored_key, PM_SCRAM_KEY_SIZE);
  explicit_bzero (&found, sizeof found);
  return same;
}

/* yescrypt */

#define CRYPT_ALPHABET "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define CRYPT_HASH_SIZE 43

/**
 * pm_crypt_is_valid:
 *
 * Returns: whether @text is a yescrypt hash as crypt(5) has it: `$y$PARAMETERS$SALT$HASH`
 */
gboolean
pm_crypt_is_valid (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "$", -1);

  if (g_strv_length (parts) != 5 || *parts[0] != '\0' || strcmp (parts[1], "y") != 0 ||
      *parts[2] == '\0' || strlen (parts[2]) > 32 || strlen (parts[3]) > 86 ||
      strlen (parts[4]) != CRYPT_HASH_SIZE)
    return FALSE;
  for (guint i = 2; i < 5; i++)
    if (strspn (parts[i], CRYPT_ALPHABET) != strlen (parts[i]))
      return FALSE;
  return TRUE;
}

static char *
run_crypt (const char *password, const char *setting)
{
  struct crypt_data *data = g_new0 (struct crypt_data, 1);
  const char *hash = crypt_rn (password, setting, data, sizeof *data);
  char *copy = g_strdup (hash);

  explicit_bzero (data, sizeof *data);
  g_free (data);
  return copy;
}

/**
 * pm_crypt_new:
 * @password: a prepared password
 *
 * Returns: (transfer full) (nullable): its yescrypt hash, with the cost that libcrypt thinks right
 */
char *
pm_crypt_new (const char *password, GError **error)
{
  guint8 random[SALT_SIZE];
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  char *hash = NULL;

  if (!pm_random_bytes (random, sizeof random, error))
    return NULL;
  if (crypt_gensalt_rn ("$y$", 0, (const char *) random, sizeof random, setting,
                        sizeof setting) != NULL)
    hash = run_crypt (password, setting);
  if (hash == NULL || !pm_crypt_is_valid (hash))
    {
      g_free (hash);
      g_set_error_literal (error, PM_ERROR, PM_ERROR_FAILED,
                           "libcrypt cannot make yescrypt hashes on this computer");
      return NULL;
    }
  return hash;
}

/**
 * pm_crypt_check:
 * @hash: what pm_crypt_is_valid() accepts
 * @password: a prepared password
 *
 * Returns: whether @hash is that of @password
 */
gboolean
pm_crypt_check (const char *hash, const char *password)
{
  char *found = run_crypt (password, hash);
  gboolean same = found != NULL && strlen (found) == strlen (hash) &&
                  equal_in_constant_time (found, hash, strlen (hash));

  pm_secret_free (found);
  return same;
}

/**
 * pm_crypt_burn:
 *
 * Takes the time of pm_crypt_check(), for a user who does not exist: how long an answer takes must
 * not say whether there is one.
 */
void
pm_crypt_burn (const char *password)
{
  static const char setting[] = "$y$j9T$......................";

  pm_secret_free (run_crypt (password, setting));
}
