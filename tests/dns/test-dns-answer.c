// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "dns/pm-dns-answer-private.h"

#include <string.h>

// A whole answer: example.com MX → 10 mx.example.com, and a CNAME chain that goes round.
#define HEADER(answers) 0x12, 0x34, 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0
#define EXAMPLE_COM 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o', 'm', 0

static const guint8 good[] = {
  HEADER (1), EXAMPLE_COM, 0, 15, 0, 1,
  0xc0, 12, 0, 15, 0, 1, 0, 0, 0x0e, 0x10, 0, 7, 0, 10, 2, 'M', 'x', 0xc0, 12
};

static const guint8 circle[] = {
  HEADER (2), EXAMPLE_COM, 0, 15, 0, 1,
  0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, 'a', 0xc0, 12,
  1, 'a', 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12
};

// An MX whose data are one byte; a compression pointer that points to itself.
static const guint8 short_mx[] = {
  HEADER (1), EXAMPLE_COM, 0, 15, 0, 1,
  0xc0, 12, 0, 15, 0, 1, 0, 0, 0x0e, 0x10, 0, 1, 0
};

static const guint8 self_pointer[] = {
  HEADER (1), EXAMPLE_COM, 0, 15, 0, 1,
  0xc0, 12, 0, 15, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 0, 10, 0xc0, 43
};

// A TTL with its top bit set counts as zero.
static const guint8 huge_ttl[] = {
  HEADER (1), EXAMPLE_COM, 0, 1, 0, 1,
  0xc0, 12, 0, 1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 4, 192, 0, 2, 1
};

static void
test_good (void)
{
  g_autoptr (PmDnsAnswer) answer = pm_dns_answer_new ("example.com", PM_DNS_MX, "bytes");
  g_autoptr (GError) error = NULL;
  const PmDnsRecord *record;

  g_assert_true (pm_dns_answer_read_packet (answer, good, sizeof good, &error));
  g_assert_no_error (error);
  g_assert_cmpint (answer->status, ==, PM_DNS_OK);
  g_assert_cmpuint (answer->records->len, ==, 1);
  record = g_ptr_array_index (answer->records, 0);
  g_assert_cmpstr (record->name, ==, "mx.example.com");
  g_assert_cmpuint (record->preference, ==, 10);
  g_assert_cmpuint (record->ttl, ==, 3600);
  g_assert_null (answer->canonical_name);
}

static void
test_circle (void)
{
  g_autoptr (PmDnsAnswer) answer = pm_dns_answer_new ("example.com", PM_DNS_MX, "bytes");

  g_assert_true (pm_dns_answer_read_packet (answer, circle, sizeof circle, NULL));
  g_assert_cmpint (answer->status, ==, PM_DNS_NODATA);
}

static void
test_ttl (void)
{
  g_autoptr (PmDnsAnswer) answer = pm_dns_answer_new ("example.com", PM_DNS_A, "bytes");
  const PmDnsRecord *record;

  g_assert_true (pm_dns_answer_read_packet (answer, huge_ttl, sizeof huge_ttl, NULL));
  record = g_ptr_array_index (answer->records, 0);
  g_assert_cmpuint (record->ttl, ==, 0);
}

static void
refuse (const guint8 *bytes, gsize size)
{
  g_autoptr (PmDnsAnswer) answer = pm_dns_answer_new ("example.com", PM_DNS_MX, "bytes");
  g_autoptr (GError) error = NULL;

  if (pm_dns_answer_read_packet (answer, bytes, size, &error))
    g_assert_cmpuint (answer->records->len, ==, 0);
  else
    g_assert_nonnull (error);
}

static void
test_hostile (void)
{
  refuse (short_mx, sizeof short_mx);
  refuse (self_pointer, sizeof self_pointer);
  // Every cut of a good one.
  for (gsize size = 0; size < sizeof good; size++)
    refuse (good, size);
}

// Every byte of a good one replaced by every value: read or refused, never a crash.
static void
test_mutations (void)
{
  for (gsize i = 0; i < sizeof good; i++)
    for (guint value = 0; value < 256; value++)
      {
        g_autofree guint8 *bytes = g_memdup2 (good, sizeof good);
        g_autoptr (PmDnsAnswer) answer = pm_dns_answer_new ("example.com", PM_DNS_MX, "bytes");

        bytes[i] = (guint8) value;
        if (pm_dns_answer_read_packet (answer, bytes, sizeof good, NULL))
          for (guint r = 0; r < answer->records->len; r++)
            g_assert_nonnull (((PmDnsRecord *) g_ptr_array_index (answer->records, r))->name);
      }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dns/answer/good", test_good);
  g_test_add_func ("/dns/answer/circle", test_circle);
  g_test_add_func ("/dns/answer/ttl", test_ttl);
  g_test_add_func ("/dns/answer/hostile", test_hostile);
  g_test_add_func ("/dns/answer/mutations", test_mutations);
  return g_test_run ();
}
