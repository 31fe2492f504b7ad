// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "auth/pm-accounts.h"

G_BEGIN_DECLS

typedef enum
{
  PM_SASL_CONTINUE, /* send what came out to the peer, and step on with its answer */
  PM_SASL_DONE,
  PM_SASL_FAILED,
  PM_SASL_PENDING, /* server: the password is being checked; the handler is called */
} PmSaslStatus;

typedef struct _PmSaslServer PmSaslServer;

/* @status is PM_SASL_DONE, or PM_SASL_FAILED with the error. @self may be freed in it. */
typedef void (*PmSaslServerHandler) (PmSaslServer *self,
                                     PmSaslStatus status,
                                     const GError *error,
                                     gpointer user_data);

PmSaslServer *pm_sasl_server_new (PmAccounts *accounts,
                                  const char *mechanism,
                                  PmSaslServerHandler handler,
                                  gpointer user_data,
                                  GError **error);
PmSaslStatus pm_sasl_server_step (PmSaslServer *self,
                                  gconstpointer bytes,
                                  gsize size,
                                  GBytes **out,
                                  GError **error);
const char *pm_sasl_server_get_user (PmSaslServer *self);
void pm_sasl_server_free (PmSaslServer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSaslServer, pm_sasl_server_free)

G_END_DECLS
