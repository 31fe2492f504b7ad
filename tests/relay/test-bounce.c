// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Who hears of what: the sender who wants to, else the administrator, else nobody; and never a
// report on a report.

#include "relay/pm-bounce.h"

#include <glib/gstdio.h>
#include <string.h>

#define NOW (1700000000 * G_TIME_SPAN_SECOND)

static PmRelaySettings *
make_settings (const char *internet_mail)
{
  g_autofree char *text = g_strdup_printf (
      "<site xmlns=\"urn:pointsman:site:1\" name=\"T\" organization=\"T\"><configuration>"
      "<servers><server name=\"MAIL1\" host=\"mail1.example.com\"/></servers><connections>"
      "<internet-mail-service server=\"MAIL1\">%s<connections/></internet-mail-service>"
      "</connections></configuration></site>",
      internet_mail);
  g_autoptr (GBytes) xml = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  g_autoptr (PmSite) site = pm_site_parse (xml, "site.xml", NULL, &error);
  PmRelaySettings *settings;

  g_assert_no_error (error);
  settings = pm_relay_settings_new (site, NULL, "0", "/nonexistent", &error);
  g_assert_no_error (error);
  return settings;
}

#define ADMINISTRATOR "<internet-mail administrator=\"admin@example.com\"/>"

/* A message to two recipients, and what happened to both. */
typedef struct
{
  PmQueueMessage *message;
  PmBounceReport report;
} Fixture;

static void
set_up (Fixture *fixture, PmReportKind kind, const char *sender, const char *to)
{
  g_autoptr (PmSmtpReply) reply =
      pm_smtp_reply_new (PM_SMTP_SOURCE_PEER, kind == PM_REPORT_SUCCESS ? 250 : 550, NULL, "so");
  const char *const addresses[] = { to, "other@partner.example" };

  fixture->message = pm_queue_message_new (5, sender);
  fixture->message->received = NOW;
  fixture->report = (PmBounceReport){
    .kind = kind,
    .message = fixture->message,
    .recipients = g_ptr_array_new_with_free_func ((GDestroyNotify) pm_bounce_recipient_free),
    .now = NOW,
    .expires = NOW + G_TIME_SPAN_DAY,
  };
  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    g_ptr_array_add (fixture->report.recipients,
                     pm_bounce_recipient_new (
                         pm_queue_message_add_recipient (fixture->message, addresses[i]), reply,
                         "mx.partner.example [192.0.2.1]:25"));
}

static PmQueueRecipient *
get_recipient (Fixture *fixture, guint i)
{
  return g_ptr_array_index (fixture->message->recipients, i);
}

static void
tear_down (Fixture *fixture)
{
  g_ptr_array_unref (fixture->report.recipients);
  pm_queue_message_free (fixture->message);
}

static void
test_judge (void)
{
  static const struct
  {
    const char *name;
    const char *internet_mail;
    PmReportKind kind;
    const char *sender;
    const char *to;
    PmDsnNotify notify; /* of both */
    PmBounceVerdict verdict;
  } cases[] = {
    { "failed", "", PM_REPORT_FAILED, "a@b.example", "x@partner.example", 0, PM_BOUNCE_DUE },
    { "never", "", PM_REPORT_FAILED, "a@b.example", "x@partner.example", PM_DSN_NOTIFY_NEVER,
      PM_BOUNCE_UNWANTED },
    { "failure not asked for", "", PM_REPORT_FAILED, "a@b.example", "x@partner.example",
      PM_DSN_NOTIFY_SUCCESS | PM_DSN_NOTIFY_DELAY, PM_BOUNCE_UNWANTED },
    { "late", "", PM_REPORT_DELAYED, "a@b.example", "x@partner.example", 0, PM_BOUNCE_DUE },
    { "lateness not asked for", "", PM_REPORT_DELAYED, "a@b.example", "x@partner.example",
      PM_DSN_NOTIFY_FAILURE, PM_BOUNCE_UNWANTED },
    { "receipt", "", PM_REPORT_SUCCESS, "a@b.example", "x@partner.example",
      PM_DSN_NOTIFY_SUCCESS, PM_BOUNCE_DUE },
    { "receipt not asked for", "", PM_REPORT_SUCCESS, "a@b.example", "x@partner.example", 0,
      PM_BOUNCE_UNWANTED },
    { "null sender, nobody", "", PM_REPORT_FAILED, "", "x@partner.example", 0,
      PM_BOUNCE_NOBODY },
    { "null sender", ADMINISTRATOR, PM_REPORT_FAILED, "", "x@partner.example", 0,
      PM_BOUNCE_DUE },
    { "our own report", ADMINISTRATOR, PM_REPORT_FAILED, "", "x@partner.example",
      PM_DSN_NOTIFY_NEVER, PM_BOUNCE_DUE },
    { "null sender, late", ADMINISTRATOR, PM_REPORT_DELAYED, "", "x@partner.example", 0,
      PM_BOUNCE_NOBODY },
    { "null sender, receipt", ADMINISTRATOR, PM_REPORT_SUCCESS, "", "x@partner.example",
      PM_DSN_NOTIFY_SUCCESS, PM_BOUNCE_NOBODY },
    { "to the administrator", ADMINISTRATOR, PM_REPORT_FAILED, "", "Admin@Example.com", 0,
      PM_BOUNCE_NOBODY },
    { "double bounces off",
      "<internet-mail administrator=\"admin@example.com\" double-bounces=\"no\"/>",
      PM_REPORT_FAILED, "", "x@partner.example", 0, PM_BOUNCE_NOBODY },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PmRelaySettings) settings = make_settings (cases[i].internet_mail);
      Fixture fixture;

      g_test_message ("%s", cases[i].name);
      set_up (&fixture, cases[i].kind, cases[i].sender, cases[i].to);
      get_recipient (&fixture, 0)->notify = cases[i].notify;
      get_recipient (&fixture, 1)->notify = cases[i].notify;
      g_assert_cmpint (pm_bounce_judge (settings, NULL, &fixture.report), ==, cases[i].verdict);
      g_assert_cmpint (pm_bounce_verdict_to_string (cases[i].verdict) == NULL, ==,
                       cases[i].verdict == PM_BOUNCE_DUE);
      tear_down (&fixture);
    }
}

/* One wants to hear and one does not: the report is about the one. */
static void
test_some (void)
{
  g_autoptr (PmRelaySettings) settings = make_settings ("");
  g_autoptr (GBytes) body = g_bytes_new_static ("X: y\r\n\r\n", 8);
  g_autoptr (GByteArray) raw = NULL;
  PmReportNeeds needs;
  Fixture fixture;

  set_up (&fixture, PM_REPORT_FAILED, "a@b.example", "x@partner.example");
  get_recipient (&fixture, 1)->notify = PM_DSN_NOTIFY_NEVER;
  g_assert_cmpint (pm_bounce_judge (settings, NULL, &fixture.report), ==, PM_BOUNCE_DUE);
  raw = pm_bounce_format (settings, &fixture.report, body, 6, &needs);
  g_assert_nonnull (g_strstr_len ((char *) raw->data, raw->len, "x@partner.example"));
  g_assert_null (g_strstr_len ((char *) raw->data, raw->len, "other@partner.example"));
  tear_down (&fixture);
}

static void
test_limited (void)
{
  g_autoptr (PmRelaySettings) settings = make_settings (ADMINISTRATOR);
  g_autoptr (PmReportLimit) limit = pm_report_limit_new ();
  Fixture fixture;

  set_up (&fixture, PM_REPORT_FAILED, "a@b.example", "x@partner.example");
  for (guint i = 0; i < PM_REPORT_LIMIT_BURST; i++)
    g_assert_cmpint (pm_bounce_judge (settings, limit, &fixture.report), ==, PM_BOUNCE_DUE);
  g_assert_cmpint (pm_bounce_judge (settings, limit, &fixture.report), ==, PM_BOUNCE_TOO_MANY);
  // Who has authenticated is no forged sender.
  g_free (fixture.message->user);
  fixture.message->user = g_strdup ("a");
  g_assert_cmpint (pm_bounce_judge (settings, limit, &fixture.report), ==, PM_BOUNCE_DUE);
  tear_down (&fixture);
}

static void
test_queued (void)
{
  g_autoptr (PmRelaySettings) settings = make_settings (ADMINISTRATOR);
  g_autofree char *folder = g_dir_make_tmp ("pm-bounce-XXXXXX", NULL);
  g_autoptr (PmClock) clock = pm_clock_new_manual (NOW);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmQueue) queue = pm_queue_new (folder, clock, &error);
  g_autoptr (GBytes) body = g_bytes_new_static ("X: \xc3\xa4\r\n\r\n", 9);
  g_autofree char *remove = g_strdup_printf ("rm -r '%s'", folder);

  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PmQueueMessage) message = NULL;
      const PmQueueRecipient *reader;
      Fixture fixture;

      set_up (&fixture, PM_REPORT_FAILED, i == 0 ? "a@b.example" : "", "x@partner.example");
      fixture.message->require_tls = TRUE;
      fixture.message->utf8 = i == 1;
      fixture.message->priority = 4;
      message = pm_bounce_new (settings, queue, &fixture.report, body, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (message->sender, ==, "");
      g_assert_true (message->require_tls);
      g_assert_true (message->eight_bit);
      g_assert_cmpint (message->utf8, ==, i == 1);
      g_assert_cmpint (message->priority, ==, 4);
      g_assert_cmpuint (message->recipients->len, ==, 1);
      reader = g_ptr_array_index (message->recipients, 0);
      g_assert_cmpstr (reader->original, ==, i == 0 ? "a@b.example" : "admin@example.com");
      g_assert_cmpint (reader->notify, ==, PM_DSN_NOTIFY_NEVER);
      g_assert_cmpint (reader->next_try, ==, NOW);
      tear_down (&fixture);
    }
  pm_queue_close (queue);
  g_assert_true (g_spawn_command_line_sync (remove, NULL, NULL, NULL, NULL));
}

/* However long a header is, what is quoted of it ends with a whole line. */
static void
test_huge_header (void)
{
  g_autoptr (PmRelaySettings) settings = make_settings ("");

  for (guint more = 0; more < 12; more++)
    {
      GString *text = g_string_new ("X-Fill: ");
      g_autoptr (GBytes) body = NULL;
      g_autoptr (GByteArray) raw = NULL;
      PmReportNeeds needs;
      Fixture fixture;

      for (guint i = 0; i < more; i++)
        g_string_append_c (text, 'x');
      g_string_append (text, "\r\n");
      while (text->len < 70000)
        g_string_append (text, "X-Line: xx\r\n");
      body = g_string_free_to_bytes (text);
      set_up (&fixture, PM_REPORT_FAILED, "a@b.example", "x@partner.example");
      raw = pm_bounce_format (settings, &fixture.report, body, 6, &needs);
      for (guint i = 0; i < raw->len; i++)
        g_assert_cmpint (raw->data[i] == '\n', ==, i > 0 && raw->data[i - 1] == '\r');
      tear_down (&fixture);
    }
}

static void
test_classes (void)
{
  g_autoptr (PmRelaySettings) settings = make_settings ("");
  PmMailService service = *settings->service;

  service.retry_notify = 1;
  service.retry_urgent_notify = 2;
  service.retry_nonurgent_notify = 3;
  service.retry_timeout = 4;
  service.retry_urgent_timeout = 5;
  service.retry_nonurgent_timeout = 6;
  g_assert_cmpuint (pm_bounce_get_notify (&service, 0), ==, 1);
  g_assert_cmpuint (pm_bounce_get_notify (&service, 9), ==, 2);
  g_assert_cmpuint (pm_bounce_get_notify (&service, -1), ==, 3);
  g_assert_cmpuint (pm_bounce_get_timeout (&service, 0), ==, 4);
  g_assert_cmpuint (pm_bounce_get_timeout (&service, 1), ==, 5);
  g_assert_cmpuint (pm_bounce_get_timeout (&service, -9), ==, 6);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bounce/judge", test_judge);
  g_test_add_func ("/bounce/some", test_some);
  g_test_add_func ("/bounce/limited", test_limited);
  g_test_add_func ("/bounce/queued", test_queued);
  g_test_add_func ("/bounce/huge-header", test_huge_header);
  g_test_add_func ("/bounce/classes", test_classes);
  return g_test_run ();
}
