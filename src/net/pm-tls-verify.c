// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Whether the certificate of a host is the one we want: signed by somebody we trust, in force and
// for the right name (RFC 6125, RFC 9525), or announced by TLSA records (RFC 6698, RFC 7671,
// RFC 7672). Every refusal says what is wrong with the certificate in words that its owner can act
// on.

#include "net/pm-tls.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

#include "net/pm-tls-private.h"

#define MAX_CHAIN 16
#define MAX_NAMES_TOLD 5
#define PROFILE GNUTLS_PROFILE_TO_VFLAGS (GNUTLS_PROFILE_MEDIUM)

struct _PmTlsTrust
{
  gatomicrefcount references;
  GMutex lock; /* GnuTLS does not promise that a list may be asked by two threads at once */
  gnutls_x509_trust_list_t list;
};

typedef struct
{
  gnutls_x509_crt_t certificates[MAX_CHAIN];
  guint count;
} Chain;

static void
clear_chain (Chain *chain)
{
  for (guint i = 0; i < chain->count; i++)
    gnutls_x509_crt_deinit (chain->certificates[i]);
  chain->count = 0;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Chain, clear_chain)

static gboolean
read_chain (Chain *chain, gnutls_session_t session)
{
  unsigned int count = 0;
  const gnutls_datum_t *raw = gnutls_certificate_get_peers (session, &count);

  if (raw == NULL)
    return FALSE;
  for (guint i = 0; i < MIN (count, MAX_CHAIN); i++)
    {
      gnutls_x509_crt_init (&chain->certificates[i]);
      chain->count++;
      if (gnutls_x509_crt_import (chain->certificates[i], &raw[i], GNUTLS_X509_FMT_DER) < 0)
        return FALSE;
    }
  return chain->count > 0;
}

// The name at `index` among those that the certificate is for; NULL behind the last. Bytes that are
// no text make it unreadable, never wrong: this is for people only.
static char *
get_name (gnutls_x509_crt_t certificate, guint index)
{
  char name[256];
  size_t size = sizeof name - 1;
  int type = gnutls_x509_crt_get_subject_alt_name (certificate, index, name, &size, NULL);

  if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
    return g_strdup ("(a very long name)");
  if (type < 0)
    return NULL;
  if (type != GNUTLS_SAN_DNSNAME)
    return g_strdup (type == GNUTLS_SAN_IPADDRESS ? "(an address)" : "(no host's name)");
  name[size] = '\0';
  return g_utf8_make_valid (name, -1);
}

static char *
get_common_name (gnutls_x509_crt_t certificate)
{
  char name[256];
  size_t size = sizeof name - 1;

  if (gnutls_x509_crt_get_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) <
      0)
    return NULL;
  name[size] = '\0';
  return g_utf8_make_valid (name, -1);
}

static char *
list_names (gnutls_x509_crt_t certificate)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *name = NULL;
  guint i;

  for (i = 0; i < MAX_NAMES_TOLD && (name = get_name (certificate, i)) != NULL; i++)
    {
      g_string_append_printf (text, "%s%s", i == 0 ? "" : ", ", name);
      g_clear_pointer (&name, g_free);
    }
  if (i == MAX_NAMES_TOLD)
    g_string_append (text, "…");
  if (text->len == 0)
    g_string_append (text, "no name at all");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
list_wanted (GPtrArray *names)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; names != NULL && i < names->len; i++)
    g_string_append_printf (text, "%s%s", i == 0 ? "" : " or ",
                            (const char *) g_ptr_array_index (names, i));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

// A common name is no name of a host (RFC 9525 2), but GnuTLS would fall back to it.
static gboolean
has_host_names (gnutls_x509_crt_t certificate)
{
  int type = 0;

  for (guint i = 0; type >= 0 || type == GNUTLS_E_SHORT_MEMORY_BUFFER; i++)
    {
      char name[256];
      size_t size = sizeof name;

      type = gnutls_x509_crt_get_subject_alt_name (certificate, i, name, &size, NULL);
      if (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_IPADDRESS)
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_names (gnutls_x509_crt_t certificate, GPtrArray *names, GError **error)
{
  g_autofree char *has = NULL;
  g_autofree char *wanted = NULL;

  // A wildcard stands for one whole leftmost label, as RFC 8461 4.1 wants it.
  for (guint i = 0; names != NULL && i < names->len && has_host_names (certificate); i++)
    if (gnutls_x509_crt_check_hostname2 (certificate, g_ptr_array_index (names, i), 0))
      return TRUE;

  has = list_names (certificate);
  wanted = list_wanted (names);
  g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_NAME, "The host's certificate is for %s, not %s",
               has, wanted);
  return FALSE;
}

static char *
date_text (time_t when)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (when);

  return date != NULL ? g_date_time_format (date, "%Y-%m-%d %H:%M UTC") : g_strdup ("a far day");
}

static void
say_date (const Chain *chain, gboolean expired, GError **error)
{
  time_t now = time (NULL);

  for (guint i = 0; i < chain->count; i++)
    {
      gnutls_x509_crt_t certificate = chain->certificates[i];
      time_t when = expired ? gnutls_x509_crt_get_expiration_time (certificate)
                            : gnutls_x509_crt_get_activation_time (certificate);
      g_autofree char *date = NULL;

      if (expired ? when >= now : when <= now)
        continue;
      date = date_text (when);
      g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_EXPIRED, "%s %s %s",
                   i == 0 ? "The host's certificate" : "A certificate of those that vouch for it",
                   expired ? "expired on" : "is not valid before", date);
      return;
    }
  g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_EXPIRED, "The host's certificate %s",
               expired ? "has expired" : "is not valid yet");
}

static void
say_unknown_signer (const Chain *chain, GError **error)
{
  gnutls_x509_crt_t last = chain->certificates[chain->count - 1];
  gnutls_datum_t issuer = { NULL, 0 };
  g_autofree char *name = NULL;

  if (chain->count == 1 && gnutls_x509_crt_check_issuer (last, last))
    {
      g_set_error_literal (error, PM_TLS_ERROR, PM_TLS_ERROR_UNTRUSTED,
                           "The host's certificate is self-signed: nobody else vouches for it");
      return;
    }
  if (gnutls_x509_crt_get_issuer_dn3 (last, &issuer, 0) >= 0)
    name = g_utf8_make_valid ((const char *) issuer.data, (gssize) issuer.size);
  gnutls_free (issuer.data);
  g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_UNTRUSTED,
               "The host's certificate leads to “%s”, who is not trusted here",
               name != NULL ? name : "somebody without a name");
}

static void
say_status (const Chain *chain, guint status, GError **error)
{
  gnutls_datum_t text = { NULL, 0 };

  if (status & GNUTLS_CERT_REVOKED)
    g_set_error_literal (error, PM_TLS_ERROR, PM_TLS_ERROR_UNTRUSTED,
                         "The host's certificate was revoked");
  else if (status & GNUTLS_CERT_INSECURE_ALGORITHM)
    g_set_error_literal (error, PM_TLS_ERROR, PM_TLS_ERROR_UNTRUSTED,
                         "The host's certificate, or one that vouches for it, is signed by a method"
                         " or with a key that is too weak");
  else if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
    say_unknown_signer (chain, error);
  else if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
    say_date (chain, (status & GNUTLS_CERT_EXPIRED) != 0, error);
  else
    {
      gnutls_certificate_verification_status_print (status, GNUTLS_CRT_X509, &text, 0);
      g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_UNTRUSTED,
                   "The host's certificate is not accepted: %s",
                   text.data != NULL ? (const char *) text.data : "no reason is known");
      gnutls_free (text.data);
    }
}

static gboolean
check_signatures (Chain *chain, gnutls_x509_trust_list_t list, GError **error)
{
  gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                                    .data = (guint8 *) GNUTLS_KP_TLS_WWW_SERVER };
  guint status = 0;
  int result = gnutls_x509_trust_list_verify_crt2 (list, chain->certificates, chain->count,
                                                   &purpose, 1, PROFILE, &status, NULL);

  if (result >= 0 && status == 0)
    return TRUE;
  if (result >= 0)
    say_status (chain, status, error);
  else
    g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_UNTRUSTED,
                 "The host's certificate cannot be checked: %s", gnutls_strerror (result));
  return FALSE;
}

/**
 * pm_tls_trust_new:
 * @path: (nullable): a PEM file of authorities; %NULL for this system's
 *
 * Returns: (transfer full) (nullable): them.
 */
PmTlsTrust *
pm_tls_trust_new (const char *path, GError **error)
{
  PmTlsTrust *trust = g_new0 (PmTlsTrust, 1);
  int result;

  g_atomic_ref_count_init (&trust->references);
  g_mutex_init (&trust->lock);
  result = gnutls_x509_trust_list_init (&trust->list, 0);
  if (result >= 0)
    result = path != NULL ? gnutls_x509_trust_list_add_trust_file (
                                trust->list, path, NULL, GNUTLS_X509_FMT_PEM, 0, 0)
                          : gnutls_x509_trust_list_add_system_trust (trust->list, 0, 0);
  if (result >= 0 && (path == NULL || result > 0))
    return trust;

  g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED, "Cannot read certificates from %s: %s",
               path != NULL ? path : "the system's store",
               result < 0 ? gnutls_strerror (result) : "there are none in it");
  pm_tls_trust_unref (trust);
  return NULL;
}

/**
 * pm_tls_trust_ref:
 *
 * Returns: (transfer full): @trust. Any thread.
 */
PmTlsTrust *
pm_tls_trust_ref (PmTlsTrust *trust)
{
  g_atomic_ref_count_inc (&trust->references);
  return trust;
}

/**
 * pm_tls_trust_unref:
 * @trust: (transfer full) (nullable): authorities
 *
 * Any thread.
 */
void
pm_tls_trust_unref (PmTlsTrust *trust)
{
  if (trust == NULL || !g_atomic_ref_count_dec (&trust->references))
    return;
  if (trust->list != NULL)
    gnutls_x509_trust_list_deinit (trust->list, 1);
  g_mutex_clear (&trust->lock);
  g_free (trust);
}

// This system's authorities, read when they are first needed and kept: it takes a while.
static PmTlsTrust *
get_system_trust (GError **error)
{
  static GMutex lock;
  static PmTlsTrust *trust;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  if (trust == NULL)
    trust = pm_tls_trust_new (NULL, error);
  return trust;
}

static gboolean
verify_names (Chain *chain, const PmTlsClientConfig *config, GError **error)
{
  PmTlsTrust *trust = config->trust != NULL ? config->trust : get_system_trust (error);
  gboolean trusted;

  if (trust == NULL)
    return FALSE;
  g_mutex_lock (&trust->lock);
  trusted = check_signatures (chain, trust->list, error);
  g_mutex_unlock (&trust->lock);
  return trusted && check_names (chain->certificates[0], config->names, error);
}

static GBytes *
take_datum (gnutls_datum_t *datum)
{
  GBytes *bytes = g_bytes_new (datum->data, datum->size);

  gnutls_free (datum->data);
  return bytes;
}

static GBytes *
get_public_key (gnutls_x509_crt_t certificate)
{
  gnutls_pubkey_t key = NULL;
  gnutls_datum_t datum = { NULL, 0 };

  gnutls_pubkey_init (&key);
  if (gnutls_pubkey_import_x509 (key, certificate, 0) >= 0)
    gnutls_pubkey_export2 (key, GNUTLS_X509_FMT_DER, &datum);
  gnutls_pubkey_deinit (key);
  return datum.data != NULL ? take_datum (&datum) : NULL;
}

static GBytes *
get_selected (gnutls_x509_crt_t certificate, guint8 selector)
{
  gnutls_datum_t datum = { NULL, 0 };

  if (selector == 1)
    return get_public_key (certificate);
  return gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_DER, &datum) >= 0
             ? take_datum (&datum)
             : NULL;
}

static gboolean
tlsa_matches (const PmTlsa *tlsa, gnutls_x509_crt_t certificate)
{
  gnutls_digest_algorithm_t method = tlsa->matching == 1 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512;
  g_autoptr (GBytes) selected = get_selected (certificate, tlsa->selector);
  guint8 digest[64];
  gsize size;
  const guint8 *wanted = g_bytes_get_data (tlsa->data, &size);

  if (selected == NULL || !pm_tlsa_is_usable (tlsa))
    return FALSE;
  if (tlsa->matching == 0)
    return g_bytes_equal (selected, tlsa->data);
  return gnutls_hash_fast (method, g_bytes_get_data (selected, NULL), g_bytes_get_size (selected),
                           digest) >= 0 &&
         memcmp (digest, wanted, size) == 0;
}

// The anchor that a DANE-TA record names: one of the chain, or the certificate in the record itself
// (RFC 7671 5.2.2). (transfer full)
static gnutls_x509_crt_t
find_anchor (const Chain *chain, const PmTlsa *tlsa)
{
  gnutls_x509_crt_t anchor = NULL;
  gnutls_datum_t raw = { NULL, 0 };

  for (guint i = 0; i < chain->count && raw.data == NULL; i++)
    if (tlsa_matches (tlsa, chain->certificates[i]))
      gnutls_x509_crt_export2 (chain->certificates[i], GNUTLS_X509_FMT_DER, &raw);
  if (raw.data == NULL && tlsa->selector == 0 && tlsa->matching == 0 && tlsa->usage == 2)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (tlsa->data, &size);

      raw.data = gnutls_malloc (size);
      memcpy (raw.data, data, size);
      raw.size = (guint) size;
    }
  if (raw.data == NULL)
    return NULL;
  gnutls_x509_crt_init (&anchor);
  if (gnutls_x509_crt_import (anchor, &raw, GNUTLS_X509_FMT_DER) < 0)
    g_clear_pointer (&anchor, gnutls_x509_crt_deinit);
  gnutls_free (raw.data);
  return anchor;
}

static gboolean
verify_anchor (Chain *chain, const PmTlsa *tlsa, GPtrArray *names, GError **error)
{
  gnutls_x509_crt_t anchor = find_anchor (chain, tlsa);
  gnutls_x509_trust_list_t list = NULL;
  gboolean good;

  if (anchor == NULL)
    {
      g_set_error_literal (error, PM_TLS_ERROR, PM_TLS_ERROR_TLSA,
                           "None of the host's certificates is the one that its TLSA records name");
      return FALSE;
    }
  gnutls_x509_trust_list_init (&list, 0);
  gnutls_x509_trust_list_add_cas (list, &anchor, 1, 0); // takes it over
  good = check_signatures (chain, list, error);
  gnutls_x509_trust_list_deinit (list, 1);
  return good && check_names (chain->certificates[0], names, error);
}

static gboolean
verify_dane (Chain *chain, const PmTlsClientConfig *config, GError **error)
{
  g_autoptr (GError) why = NULL;

  for (guint i = 0; config->tlsa != NULL && i < config->tlsa->len; i++)
    {
      const PmTlsa *tlsa = g_ptr_array_index (config->tlsa, i);

      if (!pm_tlsa_is_usable (tlsa))
        continue;
      // Neither names nor dates count: DNS says which key it is, now (RFC 7672 3.1.1).
      if (tlsa->usage == 3 && tlsa_matches (tlsa, chain->certificates[0]))
        return TRUE;
      // The reason of the first anchor that was found is the one worth telling.
      if (tlsa->usage == 2)
        {
          if (why != NULL && why->code == PM_TLS_ERROR_TLSA)
            g_clear_error (&why);
          if (verify_anchor (chain, tlsa, config->names, why == NULL ? &why : NULL))
            return TRUE;
        }
    }
  if (why != NULL)
    g_propagate_error (error, g_steal_pointer (&why));
  else
    g_set_error_literal (error, PM_TLS_ERROR, PM_TLS_ERROR_TLSA,
                         "The host's certificate is not the one that its TLSA records announce");
  return FALSE;
}

gboolean
pm_tls_verify_peer (gnutls_session_t session, const PmTlsClientConfig *config, GError **error)
{
  g_auto (Chain) chain = { .count = 0 };

  if (!read_chain (&chain, session))
    {
      g_set_error_literal (error, PM_TLS_ERROR, PM_TLS_ERROR_UNTRUSTED,
                           "The host showed no certificate that can be read");
      return FALSE;
    }
  switch (config->verify)
    {
    case PM_TLS_VERIFY_NAMES:
      return verify_names (&chain, config, error);
    case PM_TLS_VERIFY_DANE:
      return verify_dane (&chain, config, error);
    case PM_TLS_VERIFY_OPAQUE:
    default:
      return TRUE;
    }
}

char *
pm_tls_get_peer_name (gnutls_session_t session)
{
  g_auto (Chain) chain = { .count = 0 };
  char *name;

  if (!read_chain (&chain, session))
    return NULL;
  name = get_name (chain.certificates[0], 0);
  return name != NULL ? name : get_common_name (chain.certificates[0]);
}
