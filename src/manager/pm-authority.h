// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmAuthority:
 *
 * Says whether the caller of a method may do something. This class says yes to everybody, which is
 * right on a session bus; a #PmPolkitAuthority asks polkit.
 */
#define PM_TYPE_AUTHORITY (pm_authority_get_type ())
G_DECLARE_DERIVABLE_TYPE (PmAuthority, pm_authority, PM, AUTHORITY, GObject)

struct _PmAuthorityClass
{
  GObjectClass parent;

  void (*check_async) (PmAuthority *self,
                       GDBusMethodInvocation *invocation,
                       const char *action,
                       GAsyncReadyCallback callback,
                       gpointer data);
};

PmAuthority *pm_authority_new_open (void);
void pm_authority_check_async (PmAuthority *self,
                               GDBusMethodInvocation *invocation,
                               const char *action,
                               GAsyncReadyCallback callback,
                               gpointer data);
gboolean pm_authority_check_finish (PmAuthority *self, GAsyncResult *result, GError **error);

#define PM_TYPE_POLKIT_AUTHORITY (pm_polkit_authority_get_type ())
G_DECLARE_FINAL_TYPE (PmPolkitAuthority, pm_polkit_authority, PM, POLKIT_AUTHORITY, PmAuthority)

PmAuthority *pm_polkit_authority_new (void);

G_END_DECLS
