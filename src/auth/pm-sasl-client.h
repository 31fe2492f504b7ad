// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "auth/pm-sasl-server.h"

G_BEGIN_DECLS

/* One log-in at another server. One thread. */
typedef struct _PmSaslClient PmSaslClient;

PmSaslClient *pm_sasl_client_new (const char *offered,
                                  const char *user,
                                  const char *password,
                                  GError **error);
const char *pm_sasl_client_get_mechanism (PmSaslClient *self);
PmSaslStatus pm_sasl_client_step (PmSaslClient *self,
                                  gconstpointer bytes,
                                  gsize size,
                                  GBytes **out,
                                  GError **error);
gboolean pm_sasl_client_is_satisfied (PmSaslClient *self);
void pm_sasl_client_free (PmSaslClient *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSaslClient, pm_sasl_client_free)

G_END_DECLS
