// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "auth/pm-verifier.h"

G_BEGIN_DECLS

/**
 * PmAccounts:
 *
 * Who may authenticate: an accounts file, which is read again when it has changed, or the host's
 * PAM. Reference counted; any thread. Passwords are checked in a small pool of threads of its own,
 * never in the caller's.
 */
typedef struct _PmAccounts PmAccounts;

PmAccounts *pm_accounts_new_file (const char *path);
PmAccounts *pm_accounts_new_pam (const char *socket_path);
PmAccounts *pm_accounts_ref (PmAccounts *self);
void pm_accounts_unref (PmAccounts *self);

/* What to offer, as `SCRAM-SHA-256 PLAIN LOGIN`. */
const char *pm_accounts_mechanisms (PmAccounts *self);

/* Reads the file now. FALSE: it does not read, and what was read before stays in force. */
gboolean pm_accounts_reload (PmAccounts *self, GError **error);

/*
 * Ends in the caller's thread-default main context. The error: PM_ERROR_DENIED for a wrong password
 * or an unknown user, PM_ERROR_BUSY where too many wait (454 4.7.0), PM_ERROR_UNREACHABLE or
 * PM_ERROR_FAILED where nobody can tell (454 4.7.0), G_IO_ERROR_CANCELLED.
 */
void pm_accounts_verify_async (PmAccounts *self,
                               const char *name,
                               const char *password,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
/* (transfer full) (nullable): the account's name as it is written. */
char *pm_accounts_verify_finish (PmAccounts *self, GAsyncResult *result, GError **error);

/* The keys of a user, and of one who does not exist: keys that nobody knows the password of. */
void pm_accounts_get_scram (PmAccounts *self, const char *name, PmScramKeys *keys);
/* (transfer full): the name as it is written in the file, or as given. */
char *pm_accounts_canonical_name (PmAccounts *self, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmAccounts, pm_accounts_unref)

G_END_DECLS
