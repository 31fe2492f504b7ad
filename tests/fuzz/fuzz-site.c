// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// A site file: any bytes are refused with a place, or come out as they went in.

#include "fuzz.h"

#include "base/pm-error.h"
#include "site/pm-site-file.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = pm_site_parse (bytes, NULL, &problems, &error);
  g_autoptr (GBytes) same = NULL;
  g_autoptr (GBytes) fresh = NULL;
  g_autoptr (PmSite) again = NULL;
  g_autoptr (GPtrArray) changes = NULL;

  if (site == NULL)
    {
      if (!g_error_matches (error, PM_ERROR, PM_ERROR_INVALID) || problems->len == 0)
        g_error ("refused without saying why");
      return 0;
    }
  same = pm_site_write (site, bytes, &error);
  if (same == NULL || !g_bytes_equal (same, bytes))
    g_error ("a file without a change was written differently");
  fresh = pm_site_write (site, NULL, &error);
  again = fresh != NULL ? pm_site_parse (fresh, NULL, NULL, &error) : NULL;
  if (again == NULL)
    g_error ("a new file does not load: %s", error->message);
  changes = pm_site_difference (site, again);
  if (changes->len > 0)
    g_error ("a new file says something else at %s", ((PmSiteChange *) changes->pdata[0])->where);
  return 0;
}
