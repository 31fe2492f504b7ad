// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: the accounts file. What is read is written the same again, and every account of it
// is found by its name.

#include <string.h>

#include "fuzz.h"

#include "auth/pm-accounts-file.h"

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmAccountsFile) file =
      pm_accounts_file_parse ((const char *) bytes, size, "accounts", &error);
  g_autoptr (GPtrArray) accounts = NULL;
  g_autofree char *text = NULL;

  g_assert_true ((file == NULL) == (error != NULL));
  if (file == NULL)
    return 0;
  text = pm_accounts_file_to_text (file);
  accounts = pm_accounts_file_list (file);
  for (guint i = 0; i < accounts->len; i++)
    {
      const PmAccount *account = accounts->pdata[i];

      g_assert_true (pm_accounts_file_find (file, account->name) == account);
    }
  if (size > 0 && bytes[size - 1] == '\n')
    {
      g_assert_cmpuint (strlen (text), ==, size);
      g_assert_cmpmem (text, size, bytes, size);
    }
  return 0;
}
