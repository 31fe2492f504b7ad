// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: MTA-STS policies and their TXT records. What is taken for a policy keeps the limits,
// and says the same when it is written down and read again.

#include <string.h>

#include "fuzz.h"

#include "relay/pm-mta-sts-policy.h"

static char *
write_down (const PmMtaStsPolicy *policy)
{
  static const char *const modes[] = { "none", "testing", "enforce" };
  GString *text = g_string_new ("version: STSv1\r\n");

  g_string_append_printf (text, "mode: %s\r\nmax_age: %u\r\n", modes[policy->mode],
                          policy->max_age);
  for (guint i = 0; i < policy->patterns->len; i++)
    g_string_append_printf (text, "mx: %s\r\n", (char *) g_ptr_array_index (policy->patterns, i));
  return g_string_free (text, FALSE);
}

static void
read_policy (const char *bytes, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmMtaStsPolicy) policy = pm_mta_sts_policy_parse (bytes, size, &error);
  g_autoptr (PmMtaStsPolicy) again = NULL;
  g_autofree char *text = NULL;
  g_autofree char *same = NULL;

  g_assert_true ((policy == NULL) == (error != NULL));
  if (policy == NULL)
    return;
  g_assert_cmpuint (policy->max_age, <=, 31557600);
  g_assert_true (policy->patterns->len > 0 || policy->mode == PM_MTA_STS_NONE);
  text = write_down (policy);
  again = pm_mta_sts_policy_parse (text, strlen (text), NULL);
  g_assert_nonnull (again);
  same = write_down (again);
  g_assert_cmpstr (text, ==, same);
  g_assert_false (pm_mta_sts_policy_matches (policy, ""));
  g_assert_false (pm_mta_sts_policy_matches (policy, "a.b.c.d.not-there.invalid"));
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) bytes, size);
  g_autofree char *id = pm_mta_sts_read_txt (text);

  if (id != NULL)
    g_assert_cmpuint (strspn (id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
                      ==, strlen (id));
  read_policy ((const char *) bytes, size);
  return 0;
}
