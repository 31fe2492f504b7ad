// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmTlsCertificate:
 * @names: (array zero-terminated=1): DNS names that it is for
 * @expires: seconds since 1970
 *
 * What a host's certificate says of itself.
 */
typedef struct
{
  GStrv names;
  gint64 expires;
} PmTlsCertificate;

PmTlsCertificate *pm_tls_certificate_read (const char *path,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_tls_certificate_free (PmTlsCertificate *certificate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTlsCertificate, pm_tls_certificate_free)

G_END_DECLS
