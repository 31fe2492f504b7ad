// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Mail addresses: read by RFC 5321, one value for every way of writing one, and written back.

#include "base/pm-mail-address.h"

#include <string.h>

#include "base/pm-error.h"

#define L64 "a23456789a123456789a123456789a123456789a123456789a123456789a1234"

static const struct
{
  const char *name;
  const char *text;
  const char *local;
  const char *domain;
  const char *written; /* NULL: as `text` */
} good[] = {
  { "plain", "anna@example.com", "anna", "example.com", NULL },
  { "case", "Anna@Example.COM.", "Anna", "example.com", "Anna@example.com" },
  { "dots", "a.b.c@example.com", "a.b.c", "example.com", NULL },
  { "atext", "!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~", "example.com", NULL },
  { "percent", "user%other@example.com", "user%other", "example.com", NULL },
  { "needless-quotes", "\"anna\"@example.com", "anna", "example.com", "anna@example.com" },
  { "quoted-blank", "\"a b\"@example.com", "a b", "example.com", NULL },
  { "quoted-at", "\"a@b\"@example.com", "a@b", "example.com", NULL },
  { "quoted-pair", "\"a\\\"b\\\\c\\d\"@example.com", "a\"b\\cd", "example.com",
    "\"a\\\"b\\\\cd\"@example.com" },
  { "quoted-dots", "\"a..b\"@example.com", "a..b", "example.com", NULL },
  { "quoted-end-dot", "\"a.\"@example.com", "a.", "example.com", NULL },
  { "quoted-empty", "\"\"@example.com", "", "example.com", NULL },
  { "utf8", "\xc3\xa9@b\xc3\xbc"
            "cher.example",
    "\xc3\xa9", "xn--bcher-kva.example",
    "\xc3\xa9@xn--bcher-kva.example" },
  { "literal", "a@[192.0.2.1]", "a", "192.0.2.1", NULL },
  { "literal-v6", "a@[IPv6:2001:DB8::1]", "a", "2001:db8::1", "a@[IPv6:2001:db8::1]" },
  { "longest-local", L64 "@example.com", L64, "example.com", NULL },
};

static void
test_good (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (good[index].text, &error);
  g_autoptr (PmMailAddress) again = NULL;
  g_autofree char *written = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (address->local, ==, good[index].local);
  g_assert_cmpstr (address->domain, ==, good[index].domain);
  g_assert_cmpint (address->literal != NULL, ==, strchr (good[index].text, '[') != NULL);
  written = pm_mail_address_to_string (address);
  g_assert_cmpstr (written, ==,
                   good[index].written != NULL ? good[index].written : good[index].text);
  again = pm_mail_address_parse (written, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (again->local, ==, address->local);
  g_assert_cmpstr (again->domain, ==, address->domain);
}

static const struct
{
  const char *name;
  const char *text;
} bad[] = {
  { "empty", "" },
  { "no-at", "anna" },
  { "no-local", "@example.com" },
  { "no-domain", "anna@" },
  { "two-ats", "a@b@example.com" },
  { "source-route", "@a.example,@b.example:c@d.example" },
  { "brackets", "<anna@example.com>" },
  { "leading-dot", ".a@example.com" },
  { "trailing-dot", "a.@example.com" },
  { "two-dots", "a..b@example.com" },
  { "blank", "a b@example.com" },
  { "trailing-blank", "anna @example.com" },
  { "newline", "anna\n@example.com" },
  { "open-quote", "\"anna@example.com" },
  { "open-quote-escape", "\"anna\\" },
  { "quoted-newline", "\"a\nb\"@example.com" },
  { "quoted-escaped-newline", "\"a\\\nb\"@example.com" },
  { "quote-inside", "a\"b\"@example.com" },
  { "after-quote", "\"a\"b@example.com" },
  { "del", "\"a\x7f\"@example.com" },
  { "domain", "anna@-example.com" },
  { "ip-domain", "anna@192.0.2.1" },
  { "open-literal", "anna@[192.0.2.1" },
  { "empty-literal", "anna@[]" },
  { "bracket", "anna@[" },
  { "untagged-v6", "anna@[2001:db8::1]" },
  { "tagged-v4", "anna@[IPv6:192.0.2.1]" },
  { "after-literal", "anna@[192.0.2.1]x" },
  { "utf8", "\xff@example.com" },
  { "long-local", L64 "5@example.com" },
  { "long", "a@" L64 "." L64 "." L64 "." L64 },
  { "utf8-control", "a\xc2\x85@example.com" },
};

static void
test_bad (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmMailAddress) address = pm_mail_address_parse (data, &error);

  g_assert_null (address);
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
test_key (void)
{
  static const char *const same[] = { "Anna@Example.com", "anna@example.COM.",
                                      "\"ANNA\"@example.com" };

  for (guint i = 0; i < G_N_ELEMENTS (same); i++)
    {
      g_autoptr (PmMailAddress) address = pm_mail_address_parse (same[i], NULL);
      g_autofree char *key = pm_mail_address_key (address);

      g_assert_cmpstr (key, ==, "anna@example.com");
    }
}

static void
test_with_domain (void)
{
  g_autoptr (PmMailAddress) literal = pm_mail_address_parse ("\"a b\"@[192.0.2.1]", NULL);
  g_autoptr (PmMailAddress) moved = pm_mail_address_with_domain (literal, "example.org");
  g_autoptr (PmMailAddress) held = pm_mail_address_ref (moved);
  g_autofree char *text = pm_mail_address_to_string (held);

  g_assert_true (held == moved);
  g_assert_cmpstr (text, ==, "\"a b\"@example.org");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *name = g_strconcat ("/mail-address/good/", good[i].name, NULL);

      g_test_add_data_func (name, GUINT_TO_POINTER (i), test_good);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *name = g_strconcat ("/mail-address/bad/", bad[i].name, NULL);

      g_test_add_data_func (name, bad[i].text, test_bad);
    }
  g_test_add_func ("/mail-address/key", test_key);
  g_test_add_func ("/mail-address/with-domain", test_with_domain);
  return g_test_run ();
}
