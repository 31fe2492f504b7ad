// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What a certificate's file says, for people: names and the day it expires.

#include "net/pm-tls-certificate.h"

#include <gnutls/x509.h>
#include <string.h>

#include "net/pm-tls.h"

#define MAX_FILE (1024 * 1024)
#define MAX_NAME 256

static GStrv
list_names (gnutls_x509_crt_t certificate)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (unsigned int i = 0; i < 1000; i++)
    {
      char name[MAX_NAME];
      size_t size = sizeof name - 1;
      int kind = gnutls_x509_crt_get_subject_alt_name (certificate, i, name, &size, NULL);

      if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        break;
      if (kind != GNUTLS_SAN_DNSNAME)
        continue;
      name[MIN (size, sizeof name - 1)] = '\0';
      if (g_utf8_validate (name, -1, NULL))
        g_strv_builder_add (names, name);
    }
  return g_strv_builder_end (names);
}

/**
 * pm_tls_certificate_read:
 * @path: a PEM file, the host's own certificate first
 *
 * Returns: (transfer full) (nullable)
 */
PmTlsCertificate *
pm_tls_certificate_read (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;
  gnutls_x509_crt_t certificate;
  PmTlsCertificate *found = NULL;
  gnutls_datum_t data;
  int result;

  if (!g_file_get_contents (path, &text, &size, error))
    return NULL;
  data.data = (unsigned char *) text;
  data.size = (unsigned int) MIN (size, MAX_FILE);
  gnutls_x509_crt_init (&certificate);
  result = gnutls_x509_crt_import (certificate, &data, GNUTLS_X509_FMT_PEM);
  if (result == GNUTLS_E_SUCCESS)
    {
      found = g_new0 (PmTlsCertificate, 1);
      found->names = list_names (certificate);
      found->expires = (gint64) gnutls_x509_crt_get_expiration_time (certificate);
    }
  else
    {
      g_set_error (error, PM_TLS_ERROR, PM_TLS_ERROR_FAILED, "%s is not a certificate in PEM: %s",
                   path, gnutls_strerror (result));
    }
  gnutls_x509_crt_deinit (certificate);
  return found;
}

void
pm_tls_certificate_free (PmTlsCertificate *certificate)
{
  if (certificate == NULL)
    return;
  g_strfreev (certificate->names);
  g_free (certificate);
}
