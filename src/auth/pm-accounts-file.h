// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PM_ACCOUNTS_FILE_MAX_SIZE (16 * 1024 * 1024)
#define PM_ACCOUNT_NAME_MAX 64

/**
 * PmAccount:
 * @name: the user's name, as written in the file
 * @crypt: (nullable): yescrypt hash of the password
 * @scram: (nullable): keys for SCRAM-SHA-256, as pm_scram_keys_parse() reads them
 */
typedef struct
{
  char *name;
  char *crypt;
  char *scram;
} PmAccount;

/**
 * PmAccountsFile:
 *
 * The contents of an accounts file: one account a line, `NAME:VERIFIER[:VERIFIER]`; comments (`#`)
 * and empty lines stay where they are. One thread at a time.
 */
typedef struct _PmAccountsFile PmAccountsFile;

PmAccountsFile *pm_accounts_file_parse (const char *text,
                                        gsize size,
                                        const char *file_name,
                                        GError **error);
PmAccountsFile *pm_accounts_file_load (const char *path, GError **error);
gboolean pm_accounts_file_save (PmAccountsFile *self, const char *path, GError **error);
void pm_accounts_file_free (PmAccountsFile *self);
char *pm_accounts_file_to_text (PmAccountsFile *self);

/* (element-type PmAccount) (transfer container): in the order of the file. */
GPtrArray *pm_accounts_file_list (PmAccountsFile *self);
/* (nullable): found whatever the case of its letters. */
const PmAccount *pm_accounts_file_find (PmAccountsFile *self, const char *name);
gboolean pm_accounts_file_add (PmAccountsFile *self,
                               const char *name,
                               const char *password,
                               GError **error);
gboolean pm_accounts_file_set_password (PmAccountsFile *self,
                                        const char *name,
                                        const char *password,
                                        GError **error);
gboolean pm_accounts_file_remove (PmAccountsFile *self, const char *name, GError **error);

/* Keeps other writers away until the descriptor is closed. -1 with an error. */
int pm_accounts_file_lock (const char *path, GError **error);
char *pm_account_name_key (const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmAccountsFile, pm_accounts_file_free)

G_END_DECLS
