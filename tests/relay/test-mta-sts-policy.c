// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-mta-sts-policy.h"

#include <string.h>

#include "base/pm-error.h"

#define HEAD "version: STSv1\n"

static const struct
{
  const char *name;
  const char *text;
  int mode; /* -1: refused */
  guint max_age;
  const char *patterns;
  const char *says;
} rows[] = {
  { "enforce", HEAD "mode: enforce\nmx: mx.example.com\nmax_age: 604800\n", PM_MTA_STS_ENFORCE,
    604800, "mx.example.com", NULL },
  { "crlf", "version: STSv1\r\nmode: testing\r\nmx: a.example\r\nmx: *.b.example\r\nmax_age: 60\r\n",
    PM_MTA_STS_TESTING, 60, "a.example *.b.example", NULL },
  { "no-last-line-end", HEAD "mode: enforce\nmx: a.example\nmax_age: 60", PM_MTA_STS_ENFORCE, 60,
    "a.example", NULL },
  { "no-blanks", "version:STSv1\nmode:enforce\nmx:A.Example\nmax_age:60\n", PM_MTA_STS_ENFORCE, 60,
    "a.example", NULL },
  { "trailing-blanks", "version: STSv1 \nmode: enforce\t\nmx: a.example \nmax_age: 60 \n",
    PM_MTA_STS_ENFORCE, 60, "a.example", NULL },
  { "none-without-hosts", HEAD "mode: none\nmax_age: 86400\n", PM_MTA_STS_NONE, 86400, "", NULL },
  { "unknown-field", HEAD "mode: enforce\nmx: a.example\nmax_age: 60\nfuture_x: \xc3\xbc\n",
    PM_MTA_STS_ENFORCE, 60, "a.example", NULL },
  { "first-counts", HEAD "mode: testing\nmode: enforce\nmx: a.example\nmax_age: 60\nmax_age: 9\n",
    PM_MTA_STS_TESTING, 60, "a.example", NULL },
  { "longest", HEAD "mode: enforce\nmx: a.example\nmax_age: 31557600\n", PM_MTA_STS_ENFORCE,
    31557600, "a.example", NULL },
  { "too-long", HEAD "mode: enforce\nmx: a.example\nmax_age: 31557601\n", -1, 0, NULL, "Line 4" },
  { "negative", HEAD "mode: enforce\nmx: a.example\nmax_age: -1\n", -1, 0, NULL, "Line 4" },
  { "plus", HEAD "mode: enforce\nmx: a.example\nmax_age: +60\n", -1, 0, NULL, "Line 4" },
  { "many-digits", HEAD "mode: enforce\nmx: a.example\nmax_age: 00000000060\n", -1, 0, NULL,
    "max_age" },
  { "no-version", "mode: enforce\nmx: a.example\nmax_age: 60\n", -1, 0, NULL, "version" },
  { "other-version", "version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 60\n", -1, 0, NULL,
    "STSv1" },
  { "no-mode", HEAD "mx: a.example\nmax_age: 60\n", -1, 0, NULL, "mode" },
  { "other-mode", HEAD "mode: Enforce\nmx: a.example\nmax_age: 60\n", -1, 0, NULL, "Line 2" },
  { "no-max-age", HEAD "mode: enforce\nmx: a.example\n", -1, 0, NULL, "max_age" },
  { "no-hosts", HEAD "mode: enforce\nmax_age: 60\n", -1, 0, NULL, "mx" },
  { "host-empty", HEAD "mode: enforce\nmx:\nmax_age: 60\n", -1, 0, NULL, "Line 3" },
  { "host-star", HEAD "mode: enforce\nmx: *\nmax_age: 60\n", -1, 0, NULL, "Line 3" },
  { "host-star-inside", HEAD "mode: enforce\nmx: a.*.example\nmax_age: 60\n", -1, 0, NULL,
    "Line 3" },
  { "host-stars", HEAD "mode: enforce\nmx: *.*.example\nmax_age: 60\n", -1, 0, NULL, "Line 3" },
  { "no-colon", HEAD "mode enforce\n", -1, 0, NULL, "Line 2" },
  { "no-name", HEAD ": enforce\n", -1, 0, NULL, "Line 2" },
  { "bare-cr", "version: STSv1\rmode: enforce\rmx: a.example\rmax_age: 60\r", -1, 0, NULL,
    "control character" },
  { "html", "<!DOCTYPE html>\n<html></html>\n", -1, 0, NULL, "Line 1" },
  { "empty", "", -1, 0, NULL, "version" },
  { "not-text", "\xff\xfe\xfd", -1, 0, NULL, "not text" },
};

static void
test_row (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmMtaStsPolicy) policy = pm_mta_sts_policy_parse (rows[i].text, strlen (rows[i].text),
                                                               &error);
  g_autofree char *patterns = NULL;

  if (rows[i].mode < 0)
    {
      g_assert_null (policy);
      g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
      if (strstr (error->message, rows[i].says) == NULL)
        g_error ("“%s” does not say “%s”", error->message, rows[i].says);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpint ((int) policy->mode, ==, rows[i].mode);
  g_assert_cmpuint (policy->max_age, ==, rows[i].max_age);
  g_ptr_array_add (policy->patterns, NULL);
  patterns = g_strjoinv (" ", (char **) policy->patterns->pdata);
  g_ptr_array_set_size (policy->patterns, (int) policy->patterns->len - 1);
  g_assert_cmpstr (patterns, ==, rows[i].patterns);
}

static void
test_bounds (void)
{
  g_autofree char *large = g_strnfill (65 * 1024, '\n');
  g_autoptr (GString) many = g_string_new (HEAD "mode: enforce\nmax_age: 60\n");
  g_autoptr (GError) error = NULL;

  g_assert_null (pm_mta_sts_policy_parse (large, strlen (large), &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_null (pm_mta_sts_policy_parse (HEAD "mode: enforce\0\nmx: a\n", 35, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
  g_clear_error (&error);
  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (many, "mx: h%u.example\n", i);
  g_assert_null (pm_mta_sts_policy_parse (many->str, many->len, &error));
  g_assert_error (error, PM_ERROR, PM_ERROR_INVALID);
}

static void
test_matches (void)
{
  static const struct
  {
    const char *host;
    gboolean matches;
  } hosts[] = {
    { "mx.example.com", TRUE },
    { "MX.Example.com", TRUE },
    { "mx2.example.com", FALSE },
    { "a.b.example", TRUE },
    { "b.example", FALSE },
    { "a.a.b.example", FALSE },
    { "xb.example", FALSE },
    { ".b.example", FALSE },
    { "mx.example.com.evil", FALSE },
    { "evil.mx.example.com", FALSE },
    { "example.com", FALSE },
  };
  static const char text[] = HEAD "mode: enforce\nmx: mx.example.com\nmx: *.b.example\nmax_age: 1\n";
  g_autoptr (PmMtaStsPolicy) policy = pm_mta_sts_policy_parse (text, strlen (text), NULL);

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    if (pm_mta_sts_policy_matches (policy, hosts[i].host) != hosts[i].matches)
      g_error ("%s: not as it should be", hosts[i].host);
}

static void
test_txt (void)
{
  static const char *const records[][2] = {
    { "v=STSv1; id=20160831085700Z;", "20160831085700Z" },
    { "v=STSv1;id=1", "1" },
    { "v=STSv1; id=1; future=x", "1" },
    { "v=STSv1 ; id=1 ;", "1" },
    { "v=STSv1;", NULL },
    { "v=STSv1", NULL },
    { "v=STSv1; id=", NULL },
    { "v=STSv1; id=a-b", NULL },
    { "v=STSv1; id=123456789012345678901234567890123", NULL },
    { "v=STSv10; id=1", NULL },
    { "id=1; v=STSv1", NULL },
    { "v=spf1 -all", NULL },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (records); i++)
    {
      g_autofree char *id = pm_mta_sts_read_txt (records[i][0]);

      g_assert_cmpstr (id, ==, records[i][1]);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/relay/mta-sts-policy/", rows[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_row);
    }
  g_test_add_func ("/relay/mta-sts-policy/bounds", test_bounds);
  g_test_add_func ("/relay/mta-sts-policy/matches", test_matches);
  g_test_add_func ("/relay/mta-sts-policy/txt", test_txt);
  return g_test_run ();
}
