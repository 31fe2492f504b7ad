// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

SoupSession *pm_mta_sts_fetch_session_new (const char *ca_file,
                                           const char *address,
                                           guint16 port,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_mta_sts_fetch_async (SoupSession *session,
                             const char *domain,
                             guint16 port,
                             GAsyncReadyCallback callback,
                             gpointer data);
GBytes *pm_mta_sts_fetch_finish (SoupSession *session, GAsyncResult *result, GError **error);

G_END_DECLS
