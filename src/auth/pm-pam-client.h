// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PM_PAM_SOCKET "/run/pointsman/pam.sock"

gboolean pm_pam_client_check (const char *socket_path,
                              const char *name,
                              const char *password,
                              GError **error);

G_END_DECLS
