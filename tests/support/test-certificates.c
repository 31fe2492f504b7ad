// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "test-certificates.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <string.h>
#include <time.h>

static void
must (int result)
{
  if (result < 0)
    g_error ("Cannot make a certificate: %s", gnutls_strerror (result));
}

static void
add_names (gnutls_x509_crt_t certificate, const char *names)
{
  g_auto (GStrv) list = g_strsplit (names, ",", -1);

  for (guint i = 0; list[i] != NULL; i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (list[i]);

      if (*list[i] == '\0')
        continue;
      if (address != NULL)
        must (gnutls_x509_crt_set_subject_alt_name (
            certificate, GNUTLS_SAN_IPADDRESS, g_inet_address_to_bytes (address),
            (guint) g_inet_address_get_native_size (address), GNUTLS_FSAN_APPEND));
      else
        must (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_DNSNAME, list[i],
                                                    (guint) strlen (list[i]),
                                                    GNUTLS_FSAN_APPEND));
    }
}

static void
set_identifiers (gnutls_x509_crt_t certificate)
{
  guint8 bytes[20];
  size_t size = sizeof bytes;

  must (gnutls_rnd (GNUTLS_RND_NONCE, bytes, 16));
  bytes[0] &= 0x7f;
  must (gnutls_x509_crt_set_serial (certificate, bytes, 16));
  must (gnutls_x509_crt_get_key_id (certificate, 0, bytes, &size));
  must (gnutls_x509_crt_set_subject_key_id (certificate, bytes, size));
}

TestIdentity *
test_identity_new (const char *common_name,
                   const char *names,
                   const TestIdentity *issuer,
                   int from,
                   int to)
{
  TestIdentity *self = g_new0 (TestIdentity, 1);
  time_t now = time (NULL);

  must (gnutls_x509_privkey_init (&self->key));
  must (gnutls_x509_privkey_generate (self->key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0));
  must (gnutls_x509_crt_init (&self->certificate));
  must (gnutls_x509_crt_set_version (self->certificate, 3));
  must (gnutls_x509_crt_set_dn_by_oid (self->certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                       common_name, (guint) strlen (common_name)));
  must (gnutls_x509_crt_set_key (self->certificate, self->key));
  set_identifiers (self->certificate);
  must (gnutls_x509_crt_set_activation_time (self->certificate, now + from * (time_t) 86400));
  must (gnutls_x509_crt_set_expiration_time (self->certificate, now + to * (time_t) 86400));
  must (gnutls_x509_crt_set_basic_constraints (self->certificate, names == NULL, -1));
  must (gnutls_x509_crt_set_key_usage (self->certificate, names == NULL
                                                              ? GNUTLS_KEY_KEY_CERT_SIGN
                                                              : GNUTLS_KEY_DIGITAL_SIGNATURE));
  if (names != NULL)
    {
      add_names (self->certificate, names);
      must (gnutls_x509_crt_set_key_purpose_oid (self->certificate, GNUTLS_KP_TLS_WWW_SERVER, 0));
    }
  must (gnutls_x509_crt_sign2 (self->certificate,
                               issuer != NULL ? issuer->certificate : self->certificate,
                               issuer != NULL ? issuer->key : self->key, GNUTLS_DIG_SHA256, 0));
  return self;
}

void
test_identity_free (TestIdentity *self)
{
  gnutls_x509_crt_deinit (self->certificate);
  gnutls_x509_privkey_deinit (self->key);
  g_free (self);
}

static GBytes *
take (gnutls_datum_t *datum)
{
  GBytes *bytes = g_bytes_new (datum->data, datum->size);

  gnutls_free (datum->data);
  return bytes;
}

GBytes *
test_identity_get_der (const TestIdentity *self)
{
  gnutls_datum_t datum = { NULL, 0 };

  must (gnutls_x509_crt_export2 (self->certificate, GNUTLS_X509_FMT_DER, &datum));
  return take (&datum);
}

GBytes *
test_identity_get_public_key (const TestIdentity *self)
{
  gnutls_datum_t datum = { NULL, 0 };
  gnutls_pubkey_t key;

  must (gnutls_pubkey_init (&key));
  must (gnutls_pubkey_import_x509 (key, self->certificate, 0));
  must (gnutls_pubkey_export2 (key, GNUTLS_X509_FMT_DER, &datum));
  gnutls_pubkey_deinit (key);
  return take (&datum);
}

static void
append_pem (GString *text, const TestIdentity *self)
{
  gnutls_datum_t datum = { NULL, 0 };

  must (gnutls_x509_crt_export2 (self->certificate, GNUTLS_X509_FMT_PEM, &datum));
  g_string_append_len (text, (const char *) datum.data, datum.size);
  gnutls_free (datum.data);
}

// Renamed into place, as the tools that renew certificates do.
static void
write_file (const char *directory, const char *name, const char *ending, const char *text,
            gssize size)
{
  g_autofree char *file = g_strconcat (name, ending, NULL);
  g_autofree char *path = g_build_filename (directory, file, NULL);
  g_autoptr (GError) error = NULL;

  if (!g_file_set_contents_full (path, text, size, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_error ("%s", error->message);
}

void
test_identity_write (const TestIdentity *self,
                     const TestIdentity *issuer,
                     const char *directory,
                     const char *name)
{
  g_autoptr (GString) chain = g_string_new (NULL);
  gnutls_datum_t datum = { NULL, 0 };

  append_pem (chain, self);
  if (issuer != NULL)
    append_pem (chain, issuer);
  must (gnutls_x509_privkey_export2 (self->key, GNUTLS_X509_FMT_PEM, &datum));
  // The key first: who looks in between must not find a new chain with an old key.
  write_file (directory, name, ".key", (const char *) datum.data, datum.size);
  write_file (directory, name, ".pem", chain->str, (gssize) chain->len);
  gnutls_free (datum.data);
}
