// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The small values of TLS: its errors, TLSA records, and the credentials that sessions share.

#include "net/pm-tls.h"

#include "net/pm-tls-private.h"

G_DEFINE_QUARK (pm - tls - error - quark, pm_tls_error)

typedef struct
{
  PmTlsa value;
  gatomicrefcount references;
} Tlsa;

/**
 * pm_tlsa_new:
 * @data: the association data; referenced
 *
 * Returns: (transfer full): the record, whether it can be used or not.
 */
PmTlsa *
pm_tlsa_new (guint8 usage, guint8 selector, guint8 matching, GBytes *data)
{
  Tlsa *tlsa = g_new0 (Tlsa, 1);

  g_atomic_ref_count_init (&tlsa->references);
  tlsa->value = (PmTlsa){ usage, selector, matching, g_bytes_ref (data) };
  return &tlsa->value;
}

/**
 * pm_tlsa_ref:
 *
 * Returns: (transfer full): @tlsa. Any thread.
 */
PmTlsa *
pm_tlsa_ref (PmTlsa *tlsa)
{
  g_atomic_ref_count_inc (&((Tlsa *) tlsa)->references);
  return tlsa;
}

/**
 * pm_tlsa_unref:
 * @tlsa: (transfer full) (nullable): a record
 *
 * Any thread.
 */
void
pm_tlsa_unref (PmTlsa *tlsa)
{
  if (tlsa == NULL || !g_atomic_ref_count_dec (&((Tlsa *) tlsa)->references))
    return;
  g_bytes_unref (tlsa->data);
  g_free (tlsa);
}

/**
 * pm_tlsa_is_usable:
 *
 * Returns: whether the record can vouch for a mail host: DANE-TA or DANE-EE, with a selector and a
 *   matching type that are known and data of the right size (RFC 7672 3.1, RFC 7671 4).
 */
gboolean
pm_tlsa_is_usable (const PmTlsa *tlsa)
{
  gsize size = g_bytes_get_size (tlsa->data);

  if ((tlsa->usage != 2 && tlsa->usage != 3) || tlsa->selector > 1)
    return FALSE;
  if (tlsa->matching == 0)
    return size > 0;
  return (tlsa->matching == 1 && size == 32) || (tlsa->matching == 2 && size == 64);
}

static void
free_host (gpointer data)
{
  PmTlsHost *host = data;

  g_clear_pointer (&host->certificate, gnutls_x509_crt_deinit);
  g_clear_pointer (&host->credentials, gnutls_certificate_free_credentials);
  g_free (host->name);
  g_free (host);
}

PmTlsCredentials *
pm_tls_credentials_new (const char *priority, GError **error)
{
  g_autoptr (PmTlsCredentials) credentials = g_new0 (PmTlsCredentials, 1);
  const char *place = NULL;
  int result;

  g_atomic_ref_count_init (&credentials->references);
  credentials->hosts = g_ptr_array_new_with_free_func (free_host);
  result = gnutls_certificate_allocate_credentials (&credentials->certificates);
  if (result == GNUTLS_E_SUCCESS)
    result = gnutls_priority_init (&credentials->priority, priority, &place);
  if (result == GNUTLS_E_SUCCESS)
    return g_steal_pointer (&credentials);

  g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED, "Cannot set up TLS with “%s”: %s%s%s",
               priority, gnutls_strerror (result), place != NULL ? ", at " : "",
               place != NULL ? place : "");
  return NULL;
}

PmTlsCredentials *
pm_tls_credentials_ref (PmTlsCredentials *credentials)
{
  g_atomic_ref_count_inc (&credentials->references);
  return credentials;
}

void
pm_tls_credentials_unref (PmTlsCredentials *credentials)
{
  if (credentials == NULL || !g_atomic_ref_count_dec (&credentials->references))
    return;
  g_clear_pointer (&credentials->certificates, gnutls_certificate_free_credentials);
  g_clear_pointer (&credentials->priority, gnutls_priority_deinit);
  g_ptr_array_unref (credentials->hosts);
  g_free (credentials);
}

static gnutls_certificate_credentials_t
find_named (PmTlsCredentials *credentials, const char *name)
{
  for (guint i = 0; i < credentials->hosts->len; i++)
    {
      PmTlsHost *host = g_ptr_array_index (credentials->hosts, i);

      if (host->name != NULL && g_ascii_strcasecmp (host->name, name) == 0)
        return host->credentials;
    }
  return NULL;
}

gnutls_certificate_credentials_t
pm_tls_credentials_find (PmTlsCredentials *credentials, const char *name)
{
  gnutls_certificate_credentials_t found = find_named (credentials, name);

  if (found != NULL)
    return found;
  for (guint i = 0; i < credentials->hosts->len; i++)
    {
      PmTlsHost *host = g_ptr_array_index (credentials->hosts, i);

      if (host->name != NULL)
        continue;
      if (gnutls_x509_crt_check_hostname2 (host->certificate, name,
                                           GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS))
        return NULL;
      if (found == NULL && gnutls_x509_crt_check_hostname2 (host->certificate, name, 0))
        found = host->credentials;
    }
  return found;
}
