// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#include "relay/pm-tls-report.h"

#include <glib/gstdio.h>
#include <string.h>

#include "net/pm-tls.h"

typedef struct
{
  char *directory;
  PmClock *clock;
  PmTlsReport *report;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("pm-report-XXXXXX", NULL);
  // 2026-05-02, one minute before midnight.
  fixture->clock = pm_clock_new_manual ((20576 * G_TIME_SPAN_DAY - G_TIME_SPAN_MINUTE));
  fixture->report = pm_tls_report_new (fixture->directory, fixture->clock, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

      g_unlink (path);
    }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
  pm_tls_report_free (fixture->report);
  g_object_unref (fixture->clock);
}

static void
restart (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (pm_tls_report_save (fixture->report, &error));
  g_assert_no_error (error);
  pm_tls_report_free (fixture->report);
  fixture->report = pm_tls_report_new (fixture->directory, fixture->clock, &error);
  g_assert_no_error (error);
}

static void
count (Fixture *fixture)
{
  for (guint i = 0; i < 5; i++)
    pm_tls_report_note_success (fixture->report, "a.example", PM_TLS_SOURCE_MTA_STS);
  pm_tls_report_note_success (fixture->report, "a.example", PM_TLS_SOURCE_DEFAULT);
  for (guint i = 0; i < 3; i++)
    pm_tls_report_note_failure (fixture->report, "a.example", PM_TLS_SOURCE_MTA_STS,
                                PM_TLS_RESULT_CERTIFICATE_EXPIRED, "mx1.a.example");
  pm_tls_report_note_failure (fixture->report, "a.example", PM_TLS_SOURCE_MTA_STS,
                              PM_TLS_RESULT_STARTTLS_NOT_SUPPORTED, "mx2.a.example");
  pm_tls_report_note_failure (fixture->report, "b.example", PM_TLS_SOURCE_DANE,
                              PM_TLS_RESULT_TLSA_INVALID, "mx.b.example");
}

static const char report_of_a[] =
    "{\"organization-name\":\"Example \\\"Inc\\\"\",\"date-range\":{\"start-datetime\":"
    "\"2026-05-02T00:00:00Z\",\"end-datetime\":\"2026-05-02T23:59:59Z\"},\"contact-info\":"
    "\"tls@example.com\",\"report-id\":\"2026-05-02.a.example\",\"policies\":["
    "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"a.example\"},\"summary\":"
    "{\"total-successful-session-count\":5,\"total-failure-session-count\":4},"
    "\"failure-details\":[{\"result-type\":\"certificate-expired\",\"receiving-mx-hostname\":"
    "\"mx1.a.example\",\"failed-session-count\":3},{\"result-type\":\"starttls-not-supported\","
    "\"receiving-mx-hostname\":\"mx2.a.example\",\"failed-session-count\":1}]},"
    "{\"policy\":{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"a.example\"},"
    "\"summary\":{\"total-successful-session-count\":1,\"total-failure-session-count\":0}}]}\n";

static char *
report_of (Fixture *fixture, guint days_ago, const char *domain)
{
  return pm_tls_report_to_json (fixture->report, days_ago, domain, "Example \"Inc\"",
                                "tls@example.com");
}

static void
test_json (Fixture *fixture, gconstpointer data)
{
  g_autofree char *json = NULL;
  g_autofree char *after = NULL;
  g_autofree char *none = report_of (fixture, 0, "a.example");
  g_autoptr (GPtrArray) domains = NULL;

  g_assert_null (none);
  count (fixture);
  json = report_of (fixture, 0, "a.example");
  g_assert_cmpstr (json, ==, report_of_a);
  restart (fixture);
  after = report_of (fixture, 0, "a.example");
  g_assert_cmpstr (after, ==, report_of_a);
  domains = pm_tls_report_list_domains (fixture->report, 0);
  g_assert_cmpuint (domains->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (domains, 0), ==, "a.example");
  g_assert_cmpstr (g_ptr_array_index (domains, 1), ==, "b.example");
}

static void
test_days (Fixture *fixture, gconstpointer data)
{
  count (fixture);
  g_assert_true (pm_tls_report_save (fixture->report, NULL));
  pm_clock_advance (fixture->clock, 2 * G_TIME_SPAN_MINUTE);
  pm_tls_report_note_success (fixture->report, "c.example", PM_TLS_SOURCE_DEFAULT);
  for (guint days = 0; days < 4; days++)
    {
      g_autoptr (GPtrArray) now = pm_tls_report_list_domains (fixture->report, days);
      g_autoptr (GPtrArray) again = NULL;

      restart (fixture);
      again = pm_tls_report_list_domains (fixture->report, days);
      g_assert_cmpuint (now->len, ==, days == 0 ? 1 : days == 1 ? 2
                                                                : 0);
      g_assert_cmpuint (again->len, ==, now->len);
    }
  // Two days later the first is over and gone, on disk too.
  pm_clock_advance (fixture->clock, 2 * G_TIME_SPAN_DAY);
  pm_tls_report_note_success (fixture->report, "d.example", PM_TLS_SOURCE_DEFAULT);
  restart (fixture);
  for (guint days = 0; days < 5; days++)
    {
      g_autoptr (GPtrArray) then = pm_tls_report_list_domains (fixture->report, days);

      g_assert_cmpuint (then->len, ==, days == 0 || days == 2 ? 1 : 0);
    }
}

static void
test_bounds (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) domains = NULL;
  g_autofree char *json = NULL;

  for (guint i = 0; i < 12000; i++)
    {
      g_autofree char *name = g_strdup_printf ("h%u.example", i);

      pm_tls_report_note_success (fixture->report, name, PM_TLS_SOURCE_DEFAULT);
      pm_tls_report_note_failure (fixture->report, "h1.example", PM_TLS_SOURCE_DEFAULT,
                                  PM_TLS_RESULT_VALIDATION_FAILURE, name);
    }
  domains = pm_tls_report_list_domains (fixture->report, 0);
  g_assert_cmpuint (domains->len, ==, 10000);
  json = report_of (fixture, 0, "h1.example");
  g_assert_nonnull (strstr (json, "\"total-failure-session-count\":12000"));
  g_assert_cmpuint (strlen (json), <, 4000);
}

static void
test_broken_file (Fixture *fixture, gconstpointer data)
{
  static const char text[] =
      "failure tlsa-invalid x 1\npolicy a.example sts 5\nfailure certificate-expired "
      "mx1.a.example 3\nfailure nonsense mx 3\nfailure certificate-expired mx -3\npolicy\n"
      "policy b.example other 1\n\nfailure starttls-not-supported mx2.a.example 1\n"
      "policy a.example no-policy-found 1\npolicy c.exam";
  g_autofree char *path = g_build_filename (fixture->directory, "20575.tls", NULL);
  g_autofree char *json = NULL;

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  restart (fixture);
  json = report_of (fixture, 0, "a.example");
  g_assert_cmpstr (json, ==, report_of_a);
}

static void
test_results (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    int code;
    PmTlsResult result;
  } rows[] = {
    { PM_TLS_ERROR_NAME, PM_TLS_RESULT_CERTIFICATE_HOST_MISMATCH },
    { PM_TLS_ERROR_EXPIRED, PM_TLS_RESULT_CERTIFICATE_EXPIRED },
    { PM_TLS_ERROR_UNTRUSTED, PM_TLS_RESULT_CERTIFICATE_NOT_TRUSTED },
    { PM_TLS_ERROR_TLSA, PM_TLS_RESULT_VALIDATION_FAILURE },
    { PM_TLS_ERROR_FAILED, PM_TLS_RESULT_VALIDATION_FAILURE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (PM_TLS_ERROR, rows[i].code, "x");

      g_assert_cmpint ((int) pm_tls_result_from_error (error), ==, (int) rows[i].result);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) \
  g_test_add ("/relay/tls-report/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("json", test_json);
  ADD ("days", test_days);
  ADD ("bounds", test_bounds);
  ADD ("broken-file", test_broken_file);
  ADD ("results", test_results);
  return g_test_run ();
}
