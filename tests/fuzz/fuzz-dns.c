// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Any bytes as a DNS message: they are read or refused, and what is read is whole.

#include "fuzz.h"

#include "dns/pm-dns-answer-private.h"

static void
check_record (const PmDnsRecord *record)
{
  g_assert_true (record->name != NULL || record->address != NULL || record->text != NULL);
  g_assert_cmpuint (record->ttl, <=, G_MAXINT32);
  if (record->name != NULL)
    g_assert_true (g_utf8_validate (record->name, -1, NULL));
  if (record->text != NULL)
    g_assert_true (g_utf8_validate (record->text, -1, NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
  static const PmDnsType types[] = { PM_DNS_A, PM_DNS_AAAA, PM_DNS_MX, PM_DNS_CNAME, PM_DNS_TXT,
                                     PM_DNS_TLSA, PM_DNS_CAA, PM_DNS_SOA };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (PmDnsAnswer) answer = pm_dns_answer_new ("example.com", types[i], "bytes");

      if (!pm_dns_answer_read_packet (answer, bytes, size, NULL))
        continue;
      g_assert_true ((answer->status == PM_DNS_OK) == (answer->records->len > 0));
      for (guint j = 0; j < answer->records->len; j++)
        check_record (g_ptr_array_index (answer->records, j));
    }
  return 0;
}
