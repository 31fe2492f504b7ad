// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "relay/pm-relay-settings.h"
#include "smtp/pm-smtp-client.h"

G_BEGIN_DECLS

/**
 * PmSessionLogin:
 *
 * As whom we log in at another host: a name and a password, and the log-in itself. One thread.
 */
typedef struct _PmSessionLogin PmSessionLogin;

PmSessionLogin *pm_session_login_new (const PmRelaySettings *settings,
                                      const PmDomainSecurity *security,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
void pm_session_login_free (PmSessionLogin *login);
const char *pm_session_login_get_user (const PmSessionLogin *login);

/* For the callbacks of #PmSmtpClientHandler. */
char *pm_session_login_choose (PmSessionLogin *login, const char *mechanisms, GBytes **initial);
GBytes *pm_session_login_step (PmSessionLogin *login, const guint8 *challenge, gsize size);
gboolean pm_session_login_is_done (PmSessionLogin *login);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmSessionLogin, pm_session_login_free)

G_END_DECLS
