// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Fuzz target: the PROXY protocol's header. What was decided with few bytes stays so with more, and
// nothing is used that is not there.

#include "fuzz.h"

#include "smtp/pm-proxy-header.h"

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  g_auto (PmProxyHeader) whole = { 0 };
  g_autoptr (GError) error = NULL;
  gsize used = 0;
  PmProxyResult result = pm_proxy_header_parse (bytes, size, &used, &whole, &error);

  g_assert_cmpint (error != NULL, ==, result == PM_PROXY_WRONG);
  g_assert_cmpuint (used, <=, MIN (size, PM_PROXY_HEADER_MAX));
  g_assert_cmpint (whole.client != NULL, ==, whole.server != NULL);
  for (gsize some = 0; some < MIN (size, 64); some++)
    {
      g_auto (PmProxyHeader) header = { 0 };
      gsize part = 0;
      PmProxyResult early = pm_proxy_header_parse (bytes, some, &part, &header, NULL);

      g_assert_true (early == PM_PROXY_MORE || (early == result && part == used));
    }
  return 0;
}
