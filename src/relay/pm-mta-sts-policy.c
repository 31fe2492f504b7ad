// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The text of MTA-STS: the policy file and the TXT record that announces it (RFC 8461 3.1, 3.2). A
// file is a policy from its first line to its last, or none: half of one could turn mail away.

#include "relay/pm-mta-sts-policy.h"

#include <string.h>

#include "base/pm-domain-name.h"
#include "base/pm-error.h"

#define MAX_AGE 31557600 // one year (RFC 8461 3.2)
#define MAX_SIZE (64 * 1024)
#define MAX_PATTERNS 256
#define MAX_ID 32

typedef struct
{
  PmMtaStsPolicy value;
  gatomicrefcount references;
} Policy;

typedef struct
{
  gboolean version;
  gboolean mode;
  gboolean max_age;
} Seen;

/**
 * pm_mta_sts_policy_ref:
 *
 * Returns: (transfer full): @policy. Any thread.
 */
PmMtaStsPolicy *
pm_mta_sts_policy_ref (PmMtaStsPolicy *policy)
{
  g_atomic_ref_count_inc (&((Policy *) policy)->references);
  return policy;
}

/**
 * pm_mta_sts_policy_unref:
 * @policy: (transfer full) (nullable): a policy
 *
 * Any thread.
 */
void
pm_mta_sts_policy_unref (PmMtaStsPolicy *policy)
{
  if (policy == NULL || !g_atomic_ref_count_dec (&((Policy *) policy)->references))
    return;
  g_ptr_array_unref (policy->patterns);
  g_free (policy);
}

static gboolean
refuse (GError **error, guint number, const char *what)
{
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "Line %u of the MTA-STS policy: %s", number,
               what);
  return FALSE;
}

static gboolean
read_mode (PmMtaStsPolicy *policy, const char *value)
{
  static const char *const words[] = {
    [PM_MTA_STS_NONE] = "none",
    [PM_MTA_STS_TESTING] = "testing",
    [PM_MTA_STS_ENFORCE] = "enforce",
  };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (value, words[i]) == 0)
      {
        policy->mode = (PmMtaStsMode) i;
        return TRUE;
      }
  return FALSE;
}

static gboolean
read_max_age (PmMtaStsPolicy *policy, const char *value)
{
  guint64 seconds;

  if (strlen (value) > 10 ||
      !g_ascii_string_to_unsigned (value, 10, 0, MAX_AGE, &seconds, NULL))
    return FALSE;
  policy->max_age = (guint) seconds;
  return TRUE;
}

static gboolean
read_pattern (PmMtaStsPolicy *policy, const char *value)
{
  gboolean wildcard = g_str_has_prefix (value, "*.");
  g_autofree char *name = pm_domain_name_normalize (value + (wildcard ? 2 : 0), NULL);

  if (name == NULL || policy->patterns->len == MAX_PATTERNS)
    return FALSE;
  g_ptr_array_add (policy->patterns, g_strconcat (wildcard ? "*." : "", name, NULL));
  return TRUE;
}

// A field that comes twice counts the first time; `mx` as often as it comes; others are for later
// versions (RFC 8461 3.2).
static gboolean
read_field (PmMtaStsPolicy *policy, Seen *seen, const char *key, const char *value, guint number,
            GError **error)
{
  if (strcmp (key, "version") == 0 && !seen->version)
    {
      seen->version = TRUE;
      return strcmp (value, "STSv1") == 0 || refuse (error, number, "the version is not STSv1");
    }
  if (strcmp (key, "mode") == 0 && !seen->mode)
    {
      seen->mode = TRUE;
      return read_mode (policy, value) ||
             refuse (error, number, "the mode is not enforce, testing or none");
    }
  if (strcmp (key, "max_age") == 0 && !seen->max_age)
    {
      seen->max_age = TRUE;
      return read_max_age (policy, value) ||
             refuse (error, number, "max_age is not a number of seconds up to 31557600");
    }
  if (strcmp (key, "mx") == 0)
    return read_pattern (policy, value) ||
           refuse (error, number, "mx is not a host's name or *. and a domain");
  return TRUE;
}

static gboolean
read_line (PmMtaStsPolicy *policy, Seen *seen, char *line, guint number, GError **error)
{
  gsize length = strlen (line);
  char *colon;

  if (length > 0 && line[length - 1] == '\r')
    line[--length] = '\0';
  if (*line == '\0')
    return TRUE;
  for (const char *c = line; *c != '\0'; c++)
    if ((guchar) *c < 0x20 && *c != '\t')
      return refuse (error, number, "there is a control character in it");
  colon = strchr (line, ':');
  if (colon == NULL || colon == line)
    return refuse (error, number, "it is not “name: value”");
  *colon = '\0';
  for (const char *c = line; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_-.", *c) == NULL)
      return refuse (error, number, "it does not begin with the name of a field");
  return read_field (policy, seen, line, g_strstrip (colon + 1), number, error);
}

static gboolean
check_whole (const PmMtaStsPolicy *policy, const Seen *seen, GError **error)
{
  const char *missing = !seen->version   ? "version"
                        : !seen->mode    ? "mode"
                        : !seen->max_age ? "max_age"
                        : policy->patterns->len == 0 &&
                                policy->mode != PM_MTA_STS_NONE
                            ? "mx"
                            : NULL;

  if (missing == NULL)
    return TRUE;
  g_set_error (error, PM_ERROR, PM_ERROR_INVALID, "The MTA-STS policy has no field %s", missing);
  return FALSE;
}

/**
 * pm_mta_sts_policy_parse:
 * @text: what the web server gave
 * @size: its size
 * @error: %PM_ERROR_INVALID or %PM_ERROR_TOO_LARGE, with the line and what is wrong
 *
 * Returns: (transfer full) (nullable): the policy.
 */
PmMtaStsPolicy *
pm_mta_sts_policy_parse (const char *text, gsize size, GError **error)
{
  g_autoptr (PmMtaStsPolicy) policy = NULL;
  g_autofree char *copy = NULL;
  Seen seen = { FALSE };
  guint number = 1;

  if (size > MAX_SIZE)
    {
      g_set_error (error, PM_ERROR, PM_ERROR_TOO_LARGE,
                   "The MTA-STS policy has more than %d bytes", MAX_SIZE);
      return NULL;
    }
  if (!g_utf8_validate_len (text, size, NULL))
    {
      g_set_error_literal (error, PM_ERROR, PM_ERROR_INVALID, "The MTA-STS policy is not text");
      return NULL;
    }
  policy = (PmMtaStsPolicy *) g_new0 (Policy, 1);
  g_atomic_ref_count_init (&((Policy *) policy)->references);
  policy->patterns = g_ptr_array_new_with_free_func (g_free);
  copy = g_strndup (text, size);
  for (char *line = copy; line != NULL; number++)
    {
      char *end = strchr (line, '\n');

      if (end != NULL)
        *end = '\0';
      if (!read_line (policy, &seen, line, number, error))
        return NULL;
      line = end != NULL ? end + 1 : NULL;
    }
  return check_whole (policy, &seen, error) ? g_steal_pointer (&policy) : NULL;
}

/**
 * pm_mta_sts_policy_matches:
 * @host: a host's name, normalized
 *
 * Returns: whether the policy names @host; a wildcard stands for one label (RFC 8461 4.1).
 */
gboolean
pm_mta_sts_policy_matches (const PmMtaStsPolicy *policy, const char *host)
{
  const char *dot = strchr (host, '.');

  for (guint i = 0; i < policy->patterns->len; i++)
    {
      const char *pattern = g_ptr_array_index (policy->patterns, i);

      if (g_str_has_prefix (pattern, "*.")
              ? dot != NULL && dot != host && g_ascii_strcasecmp (dot + 1, pattern + 2) == 0
              : g_ascii_strcasecmp (host, pattern) == 0)
        return TRUE;
    }
  return FALSE;
}

/**
 * pm_mta_sts_read_txt:
 * @text: a TXT record of `_mta-sts`
 *
 * Returns: (transfer full) (nullable): the `id` of the policy it announces; %NULL for a record that
 *   is about something else, or is not well formed (RFC 8461 3.1).
 */
char *
pm_mta_sts_read_txt (const char *text)
{
  g_auto (GStrv) fields = g_strsplit (text, ";", -1);
  const char *id = NULL;

  if (fields[0] == NULL || strcmp (g_strchomp (fields[0]), "v=STSv1") != 0)
    return NULL;
  for (guint i = 1; fields[i] != NULL && id == NULL; i++)
    if (g_str_has_prefix (g_strstrip (fields[i]), "id="))
      id = fields[i] + 3;
  if (id == NULL || *id == '\0' || strlen (id) > MAX_ID)
    return NULL;
  for (const char *c = id; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c))
      return NULL;
  return g_strdup (id);
}
